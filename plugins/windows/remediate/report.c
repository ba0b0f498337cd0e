/* What is said of an operation, and its records. */
#include "remediate.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/json.h"
#include "support/utf8.h"
#include "support/wide.h"

enum { LINE = 640, ITEMS_MAX = 200 };

static void add(cJSON *list, const char *first, const char *first_text, const char *second,
                const char *second_text, const char *detail)
{
  if (cJSON_GetArraySize(list) >= ITEMS_MAX)
    return;
  cJSON *item = cJSON_CreateObject();
  sup_json_add_text(item, first, first_text);
  sup_json_add_text(item, second, second_text);
  if (detail != NULL)
    sup_json_add_text(item, "detail", detail);
  (void)cJSON_AddItemToArray(list, item);
}

void rem_step(rem_job *j, const char *step, const char *outcome, const char *format, ...)
{
  char line[LINE];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(line, sizeof(line), format, args);
  va_end(args);
  j->changed = j->changed || strcmp(outcome, "done") == 0;
  add(j->steps, "step", step, "outcome", outcome, line);
  sup_call_progress(j->call, 0, 0, step);
}

void rem_measured(rem_job *j, const char *what, const char *format, ...)
{
  char line[LINE];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(line, sizeof(line), format, args);
  va_end(args);
  add(j->verified, "what", what, "measured", line, NULL);
}

cordon_status rem_note(rem_job *j, cJSON *record, sup_err *err)
{
  const cordon_host *h = j->call->host;
  bool notes = h->struct_size >= offsetof(cordon_host, note_undo) + sizeof(h->note_undo) &&
               h->note_undo != NULL;
  (void)cJSON_AddNumberToObject(record, "v", REM_RECORD_VERSION);
  (void)cJSON_AddStringToObject(record, "action", j->action);
  char *text = cJSON_PrintUnformatted(record);
  cordon_status status = !notes         ? CORDON_E_UNSUPPORTED
                         : text == NULL ? CORDON_E_LIMIT
                                        : h->note_undo(h, j->call->op, text, strlen(text));
  if (status != CORDON_OK)
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
  char undo[REM_NAME + 32];
  cJSON *result = cJSON_CreateObject();
  (void)cJSON_AddStringToObject(result, "operation", j->operation);
  (void)cJSON_AddItemToObject(
      result, "target", j->target != NULL ? cJSON_Duplicate(j->target, 1) : cJSON_CreateObject());
  (void)cJSON_AddItemToObject(result, "steps", cJSON_Duplicate(j->steps, 1));
  if (j->noted)
    (void)snprintf(undo, sizeof(undo), "available");
  else
    (void)snprintf(undo, sizeof(undo), "none because %s",
                   j->no_undo[0] != '\0' ? j->no_undo : "nothing was changed");
  (void)cJSON_AddStringToObject(result, "undo", undo);
  (void)cJSON_AddItemToObject(result, "verified", cJSON_Duplicate(j->verified, 1));
  return result;
}

cordon_status rem_wide(const cJSON *object, const char *name, wchar_t *ret_text, size_t units,
                       sup_err *err)
{
  const char *text = NULL;
  ret_text[0] = L'\0';
  cordon_status status = sup_json_text(object, "target", name, 0, &text, err);
  if (status == CORDON_OK && (text[0] == '\0' || !sup_to_wide(text, ret_text, units)))
    status = sup_fail(err, CORDON_E_INVALID, "target.%s is empty, too long or no text", name);
  return status;
}

bool rem_number(const cJSON *object, const char *name, uint64_t *ret_number)
{
  const cJSON *v = sup_json_get(object, name);
  if (cJSON_IsNumber(v) && v->valuedouble >= 0 && v->valuedouble <= 9007199254740991.0) {
    *ret_number = (uint64_t)v->valuedouble;
    return (double)*ret_number == v->valuedouble;
  }
  if (!cJSON_IsString(v) || strlen(v->valuestring) > 20 || v->valuestring[0] == '\0' ||
      strspn(v->valuestring, "0123456789") != strlen(v->valuestring))
    return false;
  errno = 0;
  *ret_number = strtoull(v->valuestring, NULL, 10);
  return errno == 0;
}

void rem_u64_put(cJSON *object, const char *name, uint64_t value)
{
  char text[24];
  (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
  (void)cJSON_AddStringToObject(object, name, text);
}

char *rem_hex(const void *bytes, size_t len)
{
  static const char digits[] = "0123456789abcdef";
  const unsigned char *from = bytes;
  char *hex = malloc(2 * len + 1);
  for (size_t i = 0; hex != NULL && i < len; i++) {
    hex[2 * i] = digits[from[i] >> 4];
    hex[2 * i + 1] = digits[from[i] & 15];
  }
  if (hex != NULL)
    hex[2 * len] = '\0';
  return hex;
}

static int digit_of(char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool rem_unhex(const char *text, void *ret_bytes, size_t len)
{
  unsigned char *to = ret_bytes;
  if (strlen(text) != 2 * len)
    return false;
  for (size_t i = 0; i < len; i++) {
    int high = digit_of(text[2 * i]);
    int low = digit_of(text[2 * i + 1]);
    if (high < 0 || low < 0)
      return false;
    to[i] = (unsigned char)(high << 4 | low);
  }
  return true;
}

bool rem_is_name(const char *text, size_t max)
{
  static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
  size_t len = strlen(text);
  return len > 0 && len <= max && text[0] != '.' && strspn(text, allowed) == len;
}

const char *rem_show(const char *text, char ret_text[REM_SHOW])
{
  size_t len = strlen(text);
  size_t at = 0;
  for (size_t i = 0; i < len;) {
    size_t step = sup_utf8_sequence(text + i, len - i);
    bool plain = step > 0 && (unsigned char)text[i] >= 0x20 && text[i] != 0x7f;
    if (at + (plain ? step : 1) >= REM_SHOW)
      break;
    if (plain)
      memcpy(ret_text + at, text + i, step);
    else
      ret_text[at] = '?';
    at += plain ? step : 1;
    i += step > 0 ? step : 1;
  }
  ret_text[at] = '\0';
  return ret_text;
}

const char *rem_show_wide(const wchar_t *text, char ret_text[REM_SHOW])
{
  char whole[REM_PATH];
  sup_from_wide(text, whole, sizeof(whole));
  return rem_show(whole, ret_text);
}

/* ---- undo ---- */

static cordon_status undo_one(rem_job *j, const cJSON *record, sup_err *err)
{
  static const struct {
    const char *name;
    cordon_status (*run)(rem_job *j, const cJSON *record, sup_err *err);
  } kinds[] = {{"process.resume", rem_process_undo},
               {"service.settings", rem_service_undo},
               {"value.put", rem_value_undo},
               {"file.restore", rem_restore_undo},
               {"task.settings", rem_task_undo}};
  uint64_t version = 0;
  const cJSON *what = cJSON_IsObject(record) ? sup_json_get(record, "do") : NULL;
  if (what == NULL || !cJSON_IsString(what) || !rem_number(record, "v", &version))
    return sup_fail(err, CORDON_E_INVALID, "an undo record is none of this plugin's");
  for (size_t i = 0; version == REM_RECORD_VERSION && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
    if (strcmp(kinds[i].name, what->valuestring) == 0)
      return kinds[i].run(j, record, err);
  }
  return sup_fail(err, CORDON_E_UNSUPPORTED,
                  "an undo record is of another version of this plugin; it was left as it is");
}

cordon_status rem_undo_all(rem_job *j, const char *records, size_t len, sup_err *err)
{
  cJSON *list = records != NULL ? cJSON_ParseWithLength(records, len) : NULL;
  cordon_status status = CORDON_OK;
  if (records != NULL && !cJSON_IsArray(list)) {
    cJSON_Delete(list);
    return sup_fail(err, CORDON_E_INVALID, "the undo records are no list");
  }
  if (cJSON_GetArraySize(list) == 0)
    rem_step(j, "undo", "already", "there is nothing on record to take back");
  const cJSON *record = NULL;
  cJSON_ArrayForEach(record, list)
  {
    sup_err one = {0};
    cordon_status got = sup_call_check(j->call, &one);
    bool over = got != CORDON_OK;
    if (!over)
      got = undo_one(j, record, &one);
    if (got < 0)
      rem_step(j, "undo", "failed", "%s", one.sentence);
    if (got < 0 && status >= 0) {
      status = got;
      *err = one;
    }
    if (over)
      break;
  }
  cJSON_Delete(list);
  return status;
}
