/* A host for one plugin inside the test: it loads the library as cordon-plugin-host would, runs one
 * operation at a time, and keeps what the plugin says. */
#ifndef FAKE_HOST_H
#define FAKE_HOST_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "cordon/plugin.h"

enum { FAKE_RECORDS = 64, FAKE_STEPS = 16 };

typedef struct fake_host {
  cordon_host table;
  const cordon_plugin_entry *entry;
  const cordon_plugin *plugin;
  char state_dir[64]; /* a folder of this host's own */

  pthread_mutex_t lock;
  pthread_cond_t said;
  cordon_op last_op;
  cordon_op cancelled;
  bool hold_records;
  uint32_t os_error;
  char sentence[512];
  cJSON *result; /* of the last operation, or NULL */
  cJSON *records[FAKE_RECORDS];
  int record_count;
  uint64_t record_ms[FAKE_RECORDS];
  char steps[FAKE_STEPS][64];
  int step_count;
} fake_host;

/* Loads the library and creates the plugin for a capability such as "isolate". Fails the test if
 * that fails. */
void fake_host_open(fake_host *f, const char *library, const char *capability);
void fake_host_close(fake_host *f);
/* Creates the plugin anew in the same state folder, as the next process would. */
void fake_host_restart(fake_host *f, const char *capability);

/* Runs one function of the capability's table on this thread, with a budget of 20 s. */
cordon_status fake_run(fake_host *f, cordon_op_fn fn, uint32_t flags, const char *params);

/* As fake_run, on a thread of its own, until fake_stop. */
typedef struct fake_thread {
  fake_host *host;
  cordon_op_fn fn;
  cordon_op op;
  pthread_t thread;
  cordon_status status;
} fake_thread;
void fake_start(fake_host *f, cordon_op_fn fn, fake_thread *ret_thread);
cordon_status fake_stop(fake_thread *t);

/* Waits until there are at least `count` records; false if that takes more than `ms`. */
bool fake_wait_records(fake_host *f, int count, int ms);

/* Lets emit() block after it has kept the record, as a busy agent does. */
void fake_hold_records(fake_host *f, bool hold);

/* Writes the last result, or one record, to $CORDON_TEST_RESULTS/NAME.json, where a test compares
 * it with its schema. Does nothing where that is not set. */
void fake_save(const cJSON *document, const char *name);

/* Members of the last result. */
const char *fake_text(const fake_host *f, const char *name);
double fake_number(const fake_host *f, const char *name);
bool fake_flag(const fake_host *f, const char *name);

#endif
