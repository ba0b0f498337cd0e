/* Drives a real cordond: in folders of its own, with plugins of the zoo as providers, over its
 * control socket. Every wait has a deadline and fails the running Check test when it passes.
 *
 * The folders lie below /run, because trusted files must not lie below a folder that anybody may
 * write to; so the tests need root. Plugins run as `nobody`. What is in a folder: etc/
 * (cordond.json, trust.json), plugins/, state/ and run/. */
#ifndef TEST_DRIVER_H
#define TEST_DRIVER_H

#include "base/buf.h"
#include "base/id.h"
#include "ipc/link.h"

#include <check.h>
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define DRIVER_WAIT_MS 60000u /* sanitizers, valgrind and two busy processors included */
#define DRIVER_PROVIDERS_MAX 4
#define DRIVER_EVENTS_MAX 64
#define DRIVER_PATH_MAX 512

/* How the agent is set up. Members that are 0 or NULL have the default. */
typedef struct driver_options {
  const char *providers[DRIVER_PROVIDERS_MAX]; /* members of the zoo, in the order of the policy */
  const char *settings[DRIVER_PROVIDERS_MAX]; /* theirs: members of an object, "\"at\":\"query\"" */
  const char *plugin_user;                    /* default nobody; "" for none */
  const char *group;                          /* may give orders */
  const char *release;                        /* local.release; default administrators */
  const char *host;                    /* another program than cordon-plugin-host, by its path */
  const char *channel;                 /* another program than cordon-channel, by its path */
  const char *proxy;                   /* what the proxy file holds; NULL: no proxy */
  unsigned trial_s;                    /* of a policy, default 120 */
  unsigned interval_s;                 /* of the reconciler, default 300 */
  unsigned memory_mb;                  /* instead of the manifests' */
  bool collects[DRIVER_PROVIDERS_MAX]; /* which of them collect, and do not isolate */
  const char *collect;                 /* section of the configuration; NULL: none */
  const char *preflight; /* section of the configuration: "{\"refuse\":[...]}"; NULL: none */
} driver_options;

typedef struct driver {
  uv_loop_t loop;
  uv_timer_t tick; /* wakes the loop while a fact is waited for */
  uv_process_t process;
  uv_pipe_t err;
  cd_buf log; /* what the agent printed, since the first start */
  char chunk[16384];
  driver_options options;
  char folder[DRIVER_PATH_MAX];
  char host[DRIVER_PATH_MAX];
  char channel[DRIVER_PATH_MAX];
  bool running;
  bool printing; /* its standard error is open */
  int64_t exit_code;
  int exit_signal;
} driver;

/* Runs the tests of a program, each in a process of its own; its exit code. Removes everything at
 * the end, whatever became of the tests. */
int driver_suite(const char *name, const TTest *const *tests, size_t count, int timeout_s);
/* The same for a loop test: each test with the numbers from 0 to `rounds` - 1. */
int driver_suite_rounds(const char *name, const TTest *test, int rounds, int timeout_s);

/* Makes the folders and files; nothing runs yet. */
driver *driver_new(const driver_options *options);
/* Kills what still runs and frees. */
void driver_free(driver *d);
/* Other options for the next start. */
void driver_configure(driver *d, const driver_options *options);
/* Appends to the library of a member and trusts the outcome: another build of the same plugin. */
void driver_rebuild_plugin(driver *d, const char *member);

/* Starts the agent; fault: CORDON_FAULT or NULL. Returns when it serves its socket. */
void driver_start(driver *d, const char *fault);
/* The same without waiting for the socket. */
void driver_spawn(driver *d, const char *fault);
/* Runs `cordond --restore` to its end, beside the agent if that runs; the exit code, or the signal
 * as a negative number. */
int driver_restore(driver *d, const char *fault);
/* Waits until it serves its socket; false if it ended instead. */
bool driver_wait_ready(driver *d);
/* SIGTERM; it must end with exit code 0 and leave no process behind. */
void driver_stop(driver *d);
/* SIGKILL; it must leave no process behind. */
void driver_kill(driver *d);
/* Waits for its end. */
void driver_wait_exit(driver *d);
/* Waits for its end or for the time; true if it has ended. */
bool driver_exits_within(driver *d, unsigned ms);

/* Turns the loop until the fact holds; fails with `what` at the deadline. */
void driver_wait(driver *d, bool (*holds)(driver *d, const void *context), const void *context,
                 const char *what);
void driver_wait_log(driver *d, const char *text);
bool driver_logged(driver *d, const char *text);

/* Moves the clocks of the agent, this one and the next: the time since the boot and the wall clock,
 * from what they are in truth; boot: another boot, or NULL. */
void driver_set_clock(driver *d, int64_t uptime_by_ms, int64_t wall_by_ms, const char *boot);

/* ---- processes ---- */

/* Plugin hosts of this agent, dead or alive its own; *ret_pid one of them. */
unsigned driver_hosts(const driver *d, pid_t *ret_pid);
void driver_wait_hosts(driver *d, unsigned count);
/* Processes of cordon-channel. */
unsigned driver_channels(const driver *d, pid_t *ret_pid);

/* ---- files ---- */

const char *driver_path(const driver *d, const char *name); /* good until the fourth call after */
/* What the member's fake device holds: "" if it is released. */
const char *driver_device(driver *d, const char *member);
/* Changes it from outside; NULL removes it. */
void driver_set_device(driver *d, const char *member, const char *text);
/* How often the member was called: driver_calls(d, "good", "apply"). */
unsigned driver_calls(driver *d, const char *member, const char *call);
void driver_write(const char *path, const char *text, unsigned mode);
/* "" if it is not there; good until the next call. */
const char *driver_read(const char *path);

/* ---- the control socket (driver_client.c) ---- */

typedef struct driver_reply {
  bool came;
  bool ok;
  char status[32];
  char sentence[1024];
  cJSON *result;
  cJSON *events[DRIVER_EVENTS_MAX];
  unsigned event_count;
  cd_buf data; /* bytes that came before the answer */
} driver_reply;

typedef struct driver_call {
  driver *d;
  ipc_link link;
  uv_connect_t connect;
  char *request;
  bool closed;
  bool failed;
  driver_reply reply;
} driver_call;

/* Asks without waiting. */
driver_call *driver_ask(driver *d, const char *method, const char *params);
/* Sends this text as the request instead. */
driver_call *driver_ask_raw(driver *d, const char *request);
/* Waits for the answer, closes, and hands the reply over: driver_reply_release(). */
driver_reply driver_finish(driver_call *call);
/* Goes away without waiting. */
void driver_hang_up(driver_call *call);
void driver_wait_events(driver_call *call, unsigned count);
void driver_reply_release(driver_reply *r);

/* ask and finish in one. */
driver_reply driver_request(driver *d, const char *method, const char *params);
/* The same as another user; the result and events are not handed over. */
driver_reply driver_request_as(driver *d, uid_t uid, const char *method, const char *params);

/* A member by its path, "states.0.wanted.value", as text (numbers in digits, true, null); "" if it
 * is not there. Good until the eighth call after. */
const char *driver_at(const cJSON *json, const char *path);
/* A value of the isolate state, asked now: "enforced.value". */
const char *driver_state(driver *d, const char *path);
void driver_expect_state(driver *d, const char *path, const char *value);
void driver_wait_state(driver *d, const char *path, const char *value);
/* A member of `plugins` of that zoo member: "strikes". */
const char *driver_plugin(driver *d, const char *member, const char *path);

/* Orders and waits for the end; the reply's result has `action`. */
driver_reply driver_isolate(driver *d);
driver_reply driver_release(driver *d);
/* The same, and it must have Succeeded. */
void driver_isolate_well(driver *d);
void driver_release_well(driver *d);
/* Fails unless the ended action of this reply is so; sentence parts may be NULL. */
void driver_expect(const driver_reply *r, const char *status, const char *outcome,
                   const char *sentence_part, const char *other_part);

#endif
