#include "support/json.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/utf8.h"

void sup_json_path(char ret_path[SUP_JSON_PATH_MAX], const char *path, const char *name)
{
  (void)snprintf(ret_path, SUP_JSON_PATH_MAX, "%s%s%s", path, path[0] != '\0' ? "." : "", name);
}

/* An escaped NUL would end a C string early and hide what follows it. */
static bool has_escaped_nul(const char *text, size_t len)
{
  for (size_t i = 0; i + 1 < len; i++) {
    if (text[i] != '\\')
      continue;
    if (len - i >= 6 && memcmp(text + i, "\\u0000", 6) == 0)
      return true;
    i++;
  }
  return false;
}

cJSON *sup_json_parse(const char *text, size_t len, sup_err *err)
{
  if (text == NULL || len > SUP_JSON_MAX) {
    (void)sup_fail(err, CORDON_E_INVALID, "the JSON document is missing or longer than %d bytes",
                   SUP_JSON_MAX);
    return NULL;
  }
  if (memchr(text, '\0', len) != NULL || has_escaped_nul(text, len)) {
    (void)sup_fail(err, CORDON_E_INVALID, "the JSON document holds a NUL character");
    return NULL;
  }
  const char *end = NULL;
  cJSON *doc = cJSON_ParseWithLengthOpts(text, len, &end, 0);
  while (doc != NULL && end < text + len &&
         (*end == ' ' || *end == '\n' || *end == '\r' || *end == '\t'))
    end++;
  if (doc != NULL && cJSON_IsObject(doc) && end == text + len)
    return doc;
  cJSON_Delete(doc);
  (void)sup_fail(err, CORDON_E_INVALID, "the document is no JSON object");
  return NULL;
}

static bool is_among(const char *name, const char *const *names)
{
  for (; *names != NULL; names++) {
    if (strcmp(name, *names) == 0)
      return true;
  }
  return false;
}

cordon_status sup_json_members(const cJSON *v, const char *path, const char *const *names,
                               sup_err *err)
{
  if (!cJSON_IsObject(v))
    return sup_fail(err, CORDON_E_INVALID, "%s must be an object",
                    path[0] != '\0' ? path : "the document");
  for (const cJSON *m = v->child; m != NULL; m = m->next) {
    char at[SUP_JSON_PATH_MAX];
    sup_json_path(at, path, m->string);
    if (!is_among(m->string, names))
      return sup_fail(err, CORDON_E_INVALID, "%s is not known here", at);
    if (sup_json_get(v, m->string) != m)
      return sup_fail(err, CORDON_E_INVALID, "%s is given twice", at);
  }
  return CORDON_OK;
}

const cJSON *sup_json_get(const cJSON *object, const char *name)
{
  return cJSON_GetObjectItemCaseSensitive(object, name);
}

cordon_status sup_json_text(const cJSON *object, const char *path, const char *name, int optional,
                            const char **ret_text, sup_err *err)
{
  char at[SUP_JSON_PATH_MAX];
  sup_json_path(at, path, name);
  const cJSON *v = sup_json_get(object, name);
  if (v == NULL && !optional)
    return sup_fail(err, CORDON_E_INVALID, "%s is missing", at);
  if (v != NULL && !cJSON_IsString(v))
    return sup_fail(err, CORDON_E_INVALID, "%s must be text", at);
  *ret_text = v != NULL ? v->valuestring : NULL;
  return CORDON_OK;
}

cordon_status sup_json_u32(const cJSON *object, const char *path, const char *name, uint32_t min,
                           uint32_t max, uint32_t *ret_number, sup_err *err)
{
  char at[SUP_JSON_PATH_MAX];
  sup_json_path(at, path, name);
  const cJSON *v = sup_json_get(object, name);
  if (v == NULL)
    return sup_fail(err, CORDON_E_INVALID, "%s is missing", at);
  if (!cJSON_IsNumber(v) || !(v->valuedouble >= (double)min && v->valuedouble <= (double)max) ||
      (double)(uint32_t)v->valuedouble != v->valuedouble)
    return sup_fail(err, CORDON_E_INVALID, "%s must be a whole number from %lu to %lu", at,
                    (unsigned long)min, (unsigned long)max);
  *ret_number = (uint32_t)v->valuedouble;
  return CORDON_OK;
}

cordon_status sup_json_flag(const cJSON *object, const char *path, const char *name, bool *ret_flag,
                            sup_err *err)
{
  char at[SUP_JSON_PATH_MAX];
  sup_json_path(at, path, name);
  const cJSON *v = sup_json_get(object, name);
  if (v != NULL && !cJSON_IsBool(v))
    return sup_fail(err, CORDON_E_INVALID, "%s must be true or false", at);
  *ret_flag = v != NULL && cJSON_IsTrue(v);
  return CORDON_OK;
}

cordon_status sup_json_array(const cJSON *object, const char *path, const char *name, size_t max,
                             const cJSON **ret_array, sup_err *err)
{
  char at[SUP_JSON_PATH_MAX];
  sup_json_path(at, path, name);
  const cJSON *v = sup_json_get(object, name);
  if (v == NULL)
    return sup_fail(err, CORDON_E_INVALID, "%s is missing", at);
  if (!cJSON_IsArray(v))
    return sup_fail(err, CORDON_E_INVALID, "%s must be an array", at);
  size_t count = (size_t)cJSON_GetArraySize(v);
  if (count > max)
    return sup_fail(err, CORDON_E_LIMIT, "%s has %zu items, the limit is %zu", at, count, max);
  *ret_array = v;
  return CORDON_OK;
}

void sup_json_add_text(cJSON *object, const char *name, const char *text)
{
  if (text == NULL) {
    (void)cJSON_AddNullToObject(object, name);
    return;
  }
  char *clean = strdup(text);
  if (clean == NULL)
    return;
  size_t left = strlen(clean);
  for (char *s = clean; left > 0;) {
    size_t len = sup_utf8_sequence(s, left);
    if (len == 0)
      *s = '?';
    s += len == 0 ? 1 : len;
    left -= len == 0 ? 1 : len;
  }
  (void)cJSON_AddStringToObject(object, name, clean);
  free(clean);
}
