/* Private to the plugin: what its parts share. An operation is a rem_job; each step that it makes
 * and each thing that it measures afterwards is written into it, and becomes the result. */
#ifndef REMEDIATE_H
#define REMEDIATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <windows.h>

#include <cjson/cJSON.h>

#include "support/call.h"
#include "support/err.h"

enum { REM_RECORD_VERSION = 1, REM_NAME = 256, REM_KEY = 512, REM_DATA_MAX = 32 * 1024 };

typedef struct rem_job {
  const sup_call *call;
  const char *operation;
  const char *action;
  const cJSON *target;
  bool noted;   /* a way back is on record */
  bool changed; /* something was, or was about to be */
  bool partial; /* something that was asked for is not so */
  cJSON *steps;
  cJSON *verified;
  char no_undo[REM_NAME]; /* why nothing can be taken back */
} rem_job;

/* ---- report.c ---- */

/* `outcome`: done, already, left, failed, planned (of a dry run). */
void rem_step(rem_job *j, const char *step, const char *outcome, const char *format, ...)
    __attribute__((format(CORDON_PRINTF, 4, 5)));
void rem_measured(rem_job *j, const char *what, const char *format, ...)
    __attribute__((format(CORDON_PRINTF, 3, 4)));
/* Puts a record on the agent's disk that tells how to take back the change that is made next. Takes
 * `record`, of which version and action are filled in. */
cordon_status rem_note(rem_job *j, cJSON *record, sup_err *err);
cJSON *rem_result(const rem_job *j);
/* Takes back what the records say, the newest first; each is tried, and the first failure told. */
cordon_status rem_undo_all(rem_job *j, const char *records, size_t len, sup_err *err);

/* A text member as UTF-16. */
cordon_status rem_wide(const cJSON *object, const char *name, wchar_t *ret_text, size_t units,
                       sup_err *err);
/* A whole number of a JSON number or, above 2^53, of a text. */
bool rem_number(const cJSON *object, const char *name, uint64_t *ret_number);

/* ---- process.c, service.c, value.c ---- */

cordon_status rem_process_run(rem_job *j, sup_err *err);
cordon_status rem_process_undo(rem_job *j, const cJSON *record, sup_err *err);
cordon_status rem_service_run(rem_job *j, sup_err *err);
cordon_status rem_service_undo(rem_job *j, const cJSON *record, sup_err *err);
cordon_status rem_value_run(rem_job *j, sup_err *err);
cordon_status rem_value_undo(rem_job *j, const cJSON *record, sup_err *err);

#endif
