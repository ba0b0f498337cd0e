/* One running operation, seen from the plugin: the calls of the host behind tests of what this
 * host's tables really hold, the deadline, and the way out. */
#ifndef SUP_CALL_H
#define SUP_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "cordon/plugin.h"
#include "support/err.h"

typedef struct sup_call {
  const cordon_host *host;
  cordon_op op;
  bool dry_run;
  bool held;            /* it was in force, and is put in force again */
  bool apply_follows;   /* the dry run need not find out whether the OS would take it */
  uint64_t deadline_ms; /* of sup_now_ms(); 0: none */
  const char *params;
  size_t params_len;
} sup_call;

/* Milliseconds of a clock that never goes back. */
uint64_t sup_now_ms(void);

void sup_call_begin(sup_call *c, const cordon_host *host, const cordon_request *req);

/* The params as a document that the caller deletes, or NULL with a sentence. */
cJSON *sup_call_params(const sup_call *c, sup_err *err);

/* CORDON_OK to go on; CORDON_E_CANCELLED or CORDON_E_DEADLINE to stop. Cheap: ask between steps. */
cordon_status sup_call_check(const sup_call *c, sup_err *err);

bool sup_call_cancelled(const sup_call *c);

/* Not later than `ms` from now, nor than the operation's own deadline. */
uint64_t sup_call_until(const sup_call *c, uint64_t ms);

void sup_call_progress(const sup_call *c, uint64_t done, uint64_t total, const char *what);
cordon_status sup_call_emit(const sup_call *c, const cJSON *record);
cordon_status sup_call_result(const sup_call *c, const cJSON *result, sup_err *err);

/* Explains `err` to the host when `status` is no plain success, and returns `status`: the last line
 * of an operation. */
cordon_status sup_call_end(const sup_call *c, cordon_status status, const sup_err *err);

/* One log line; op 0 when it belongs to no operation. */
void sup_log(const cordon_host *host, cordon_op op, int32_t level, const char *format, ...)
    __attribute__((format(CORDON_PRINTF, 4, 5)));

#endif
