#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "remediate.h"
#include "support/json.h"

enum { LINE = 640 };
/* The whole result may have 256 KiB, and the target is in it twice. What went wrong is told also
 * where there is no room for what went well. */
enum { STEPS_TEXT = 100 * 1024, FAILED_TEXT = 20 * 1024, VERIFIED_TEXT = 60 * 1024 };

static size_t size_of(const cJSON *item)
{
  char *text = cJSON_PrintUnformatted(item);
  size_t len = text != NULL ? strlen(text) + 1 : SIZE_MAX / 2;
  cJSON_free(text);
  return len;
}

/* Takes the item. False: there is no room for it. */
static bool add(cJSON *list, cJSON *item, size_t *used, size_t room)
{
  size_t size = size_of(item);
  bool fits = cJSON_GetArraySize(list) < REM_ITEMS && *used + size <= room;
  if (!fits) {
    cJSON_Delete(item);
    return false;
  }
  *used += size;
  (void)cJSON_AddItemToArray(list, item);
  return true;
}

static cJSON *step_item(const char *step, const char *outcome, const char *detail)
{
  cJSON *item = cJSON_CreateObject();
  sup_json_add_text(item, "step", step);
  sup_json_add_text(item, "outcome", outcome);
  sup_json_add_text(item, "detail", detail);
  return item;
}

void rem_step(rem_job *j, const char *step, const char *outcome, const char *format, ...)
{
  char line[LINE];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(line, sizeof(line), format, args);
  va_end(args);
  j->changed = j->changed || strcmp(outcome, "done") == 0;
  bool failed = strcmp(outcome, "failed") == 0;
  if (!add(j->steps, step_item(step, outcome, line), &j->steps_size,
           failed ? STEPS_TEXT + FAILED_TEXT : STEPS_TEXT))
    j->steps_more++;
  sup_call_progress(j->call, 0, 0, step);
}

void rem_measured(rem_job *j, const char *what, const char *format, ...)
{
  char line[LINE];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(line, sizeof(line), format, args);
  va_end(args);
  cJSON *item = cJSON_CreateObject();
  sup_json_add_text(item, "what", what);
  sup_json_add_text(item, "measured", line);
  (void)add(j->verified, item, &j->verified_size, VERIFIED_TEXT);
}

static bool host_notes(const cordon_host *h)
{
  return h->struct_size >= offsetof(cordon_host, note_undo) + sizeof(h->note_undo) &&
         h->note_undo != NULL;
}

cordon_status rem_note(rem_job *j, cJSON *record, sup_err *err)
{
  const cordon_host *h = j->call->host;
  (void)cJSON_AddNumberToObject(record, "v", REM_RECORD_VERSION);
  (void)cJSON_AddStringToObject(record, "action", j->action);
  char *text = cJSON_PrintUnformatted(record);
  cordon_status status = CORDON_OK;
  if (text == NULL)
    status = sup_fail(err, CORDON_E_LIMIT, "there is no memory for an undo record");
  else if (!host_notes(h))
    status = sup_fail(err, CORDON_E_UNSUPPORTED, "this host keeps no undo records");
  else
    status = h->note_undo(h, j->call->op, text, strlen(text));
  if (status != CORDON_OK && (err->sentence[0] == '\0' || err->status != status))
    (void)sup_fail(err, status,
                   "the way back could not be put on record, so that nothing was changed");
  j->noted = j->noted || status == CORDON_OK;
  j->changed = j->changed || j->noted;
  cJSON_free(text);
  cJSON_Delete(record);
  return status;
}

cJSON *rem_result(const rem_job *j)
{
  cJSON *result = cJSON_CreateObject();
  char undo[REM_SHOW + 32];
  (void)cJSON_AddStringToObject(result, "operation", j->operation);
  (void)cJSON_AddItemToObject(
      result, "target", j->target != NULL ? cJSON_Duplicate(j->target, 1) : cJSON_CreateObject());
  cJSON *steps = cJSON_Duplicate(j->steps, 1);
  if (j->steps_more > 0) {
    char more[64];
    (void)snprintf(more, sizeof(more), "%llu more steps are not listed",
                   (unsigned long long)j->steps_more);
    (void)cJSON_AddItemToArray(steps, step_item("more", "left", more));
  }
  (void)cJSON_AddItemToObject(result, "steps", steps);
  if (j->noted)
    (void)snprintf(undo, sizeof(undo), "available");
  else
    (void)snprintf(undo, sizeof(undo), "none because %s",
                   j->no_undo[0] != '\0' ? j->no_undo : "nothing was changed");
  sup_json_add_text(result, "undo", undo);
  (void)cJSON_AddItemToObject(result, "verified", cJSON_Duplicate(j->verified, 1));
  return result;
}

cordon_status rem_outcome(const rem_job *j)
{
  if (j->partial)
    return CORDON_PARTIAL;
  return j->at_reboot ? CORDON_REBOOT : CORDON_OK;
}
