/* Plays the agent to one real cordon-plugin-host: starts it with a member of the zoo, sends what
 * the agent would send, and keeps every frame that comes back. Every wait has a deadline and fails
 * the running Check test when it passes. */
#ifndef TEST_DRIVER_H
#define TEST_DRIVER_H

#include "base/buf.h"
#include "ipc/link.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define DRIVER_WAIT_MS 20000u /* sanitizers and two busy processors included */
#define DRIVER_FRAMES_MAX 4096u
#define DRIVER_TEXT_MAX 1024u

typedef struct driver_frame {
  uint8_t type;
  uint64_t op;
  char *payload;
} driver_frame;

/* What differs from a plain start. Members that are 0 or NULL have the default. */
typedef struct driver_options {
  const char *member;   /* of the zoo: "good"; NULL: no library and no SETUP */
  const char *settings; /* members of the settings object: "\"at\":\"apply\"" */
  const char *version;  /* in SETUP; default 1.0.0 */
  const char *id;       /* in SETUP; default the member's */
  const char *user;     /* to run as */
  const char *fault;    /* CORDON_FAULT for the host */
  unsigned memory_mb;   /* default 256 */
  unsigned processes;   /* default none */
} driver_options;

typedef struct driver {
  uv_loop_t loop;
  uv_process_t process;
  ipc_link link;
  uv_pipe_t out[2]; /* standard output and error of the host */
  uv_timer_t timer;
  char folder[64]; /* of this test, with the plugin's state_dir in it */
  char id[128];
  cd_buf printed[2];
  driver_frame frames[DRIVER_FRAMES_MAX];
  size_t count;
  uint64_t next_op;
  const char *undo_answer; /* status name for UNDO_DONE; NULL: no answer */
  bool grant_credits;      /* as many as came */
  bool timed_out;
  bool exited;
  bool closed;
  bool stopped;
  int64_t exit_code;
  int exit_signal;
} driver;

/* Starts the host and sends SETUP. The folder is made new and removed by driver_stop(). */
driver *driver_start(const driver_options *options);
/* Another host over the same folder, as after a crash; the first must have ended. */
void driver_restart(driver *d, const driver_options *options);
/* Kills what still runs, removes the folder, frees. */
void driver_stop(driver *d);

/* START; params and undo are JSON, NULL for {} and null. Returns the operation. */
uint64_t driver_call(driver *d, const char *function, const char *params, const char *undo);
uint64_t driver_call_with(driver *d, const char *function, unsigned budget_ms, unsigned cpu_s);
void driver_send(driver *d, uint8_t type, uint64_t op, const char *payload);

/* The first frame of this type and operation, waiting for it; op 0: of any. Fails if the host ends
 * before. */
const driver_frame *driver_wait_frame(driver *d, uint8_t type, uint64_t op);
/* END of the operation, whose status must be this. */
const driver_frame *driver_wait_end(driver *d, uint64_t op, const char *status);
/* Waits until the host has ended; everything that it sent has been read then. */
void driver_wait_exit(driver *d);
/* Waits until the named file of the test's folder holds the text. */
void driver_wait_in_file(driver *d, const char *name, const char *text);
/* Turns the loop until something comes, at most `ms`. */
void driver_turn(driver *d, unsigned ms);
/* Turns the loop for so long that frames which are on their way have come: until an answer to a
 * START that is refused. */
void driver_settle(driver *d);

size_t driver_count(const driver *d, uint8_t type, uint64_t op);
/* A member of a payload as text (a number in digits, true, null, ...); the empty string if it is
 * not there. */
const char *driver_text(const driver_frame *frame, const char *key);
/* Whether a LOG line has this in it. */
bool driver_logged(const driver *d, const char *text);
/* A path in the test's folder; good until the next call. */
const char *driver_path(const driver *d, const char *name);
bool driver_read_file(const driver *d, const char *name, char *out, size_t size);
void driver_write_file(const driver *d, const char *name, const char *text);

/* The host ended itself with SIGKILL, or what libuv has for that: exit code 1. */
void driver_check_killed(const driver *d);

/* Tests of what there is on Unix only. */
#ifdef CORDON_TEST_SHIM_H
#define driver_add_unix_test(tc, test) ((void)(test))
#define driver_add_unix_loop_test(tc, test, from, to) ((void)(test))
#else
#define driver_add_unix_test tcase_add_test
#define driver_add_unix_loop_test tcase_add_loop_test
#endif

#endif
