/* The getters of the JSON reader: one function per type that checks a value, and thin members,
 * optional members and elements over it. */
#include "json_internal.h"

#include "base/limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

#define ITSELF SIZE_MAX

_Static_assert(CD_JSON_KEYS_MAX <= 64, "one bit per key");

static bool usable(const cd_json *j)
{
  return j->doc != NULL && j->node != NULL && j->doc->failure.code == CD_OK;
}

static cd_json_spot member_at(const cd_json *obj, const char *key)
{
  return (cd_json_spot){obj, key, ITSELF};
}

static cd_json_spot element_at(const cd_json *arr, size_t i)
{
  return (cd_json_spot){arr, NULL, i};
}

static size_t count_children(const cJSON *node)
{
  size_t n = 0;
  for (const cJSON *c = node->child; c != NULL; c = c->next)
    n++;
  return n;
}

/* ---- one value, whose place is only needed for the sentence ---- */

static bool take_str(cd_json_spot spot, const cJSON *node, size_t max, cd_str *out)
{
  if (!cJSON_IsString(node)) {
    cd_json_fail_at(spot, CD_E_INVALID, "must be a string, it is %s", cd_json_type_name(node));
    return false;
  }
  cd_str s = cd_str_from(node->valuestring);
  if (s.len > max) {
    cd_json_fail_at(spot, CD_E_LIMIT, "must be at most %zu bytes, it has %zu", max, s.len);
    return false;
  }
  *out = s;
  return true;
}

/* Sign and magnitude of a whole number, given as a number up to 2^53 or as a decimal string. */
static bool whole_number(const cJSON *node, bool *ret_negative, uint64_t *ret_magnitude)
{
  if (cJSON_IsString(node)) {
    cd_str digits = cd_str_from(node->valuestring);
    *ret_negative = cd_str_starts(digits, CD_STR("-"));
    if (*ret_negative)
      (void)cd_str_cut(&digits, '-');
    return cd_str_to_u64(digits, UINT64_MAX, ret_magnitude);
  }
  if (!cJSON_IsNumber(node))
    return false;
  double d = node->valuedouble;
  if (!cd_json_is_whole(d))
    return false;
  *ret_negative = d < 0;
  *ret_magnitude = (uint64_t)(d < 0 ? -d : d);
  return true;
}

/* What the value is, for the sentence, without its text: "1.5", "a string". */
static void show_value(const cJSON *node, char out[40])
{
  if (cJSON_IsNumber(node))
    (void)snprintf(out, 40, "%.17g", node->valuedouble);
  else
    (void)snprintf(out, 40, "%s",
                   cJSON_IsString(node) ? "a string that is none" : cd_json_type_name(node));
}

static bool take_u64(cd_json_spot spot, const cJSON *node, uint64_t max, uint64_t *out)
{
  bool negative = false;
  uint64_t magnitude = 0;
  bool whole = whole_number(node, &negative, &magnitude);
  if (whole && magnitude <= max && (!negative || magnitude == 0)) {
    *out = magnitude;
    return true;
  }
  char shown[40];
  if (whole)
    (void)snprintf(shown, sizeof(shown), "%s%" PRIu64, negative ? "-" : "", magnitude);
  else
    show_value(node, shown);
  cd_json_fail_at(spot, CD_E_INVALID, "must be a whole number from 0 to %" PRIu64 ", it is %s", max,
                  shown);
  return false;
}

static bool take_i64(cd_json_spot spot, const cJSON *node, int64_t min, int64_t max, int64_t *out)
{
  bool negative = false;
  uint64_t magnitude = 0;
  bool whole = whole_number(node, &negative, &magnitude);
  uint64_t most = negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
  if (whole && magnitude <= most) {
    /* -(m - 1) - 1, so that the most negative number is never negated. */
    int64_t v = !negative || magnitude == 0 ? (int64_t)magnitude : -(int64_t)(magnitude - 1) - 1;
    if (v >= min && v <= max) {
      *out = v;
      return true;
    }
  }
  char shown[40];
  if (whole)
    (void)snprintf(shown, sizeof(shown), "%s%" PRIu64, negative ? "-" : "", magnitude);
  else
    show_value(node, shown);
  cd_json_fail_at(spot, CD_E_INVALID,
                  "must be a whole number from %" PRId64 " to %" PRId64 ", it is %s", min, max,
                  shown);
  return false;
}

static bool take_bool(cd_json_spot spot, const cJSON *node, bool *out)
{
  if (!cJSON_IsBool(node)) {
    cd_json_fail_at(spot, CD_E_INVALID, "must be true or false, it is %s", cd_json_type_name(node));
    return false;
  }
  *out = cJSON_IsTrue(node);
  return true;
}

static void fail_enum(cd_json_spot spot, const char *const *names)
{
  char list[256] = "";
  for (size_t i = 0; names[i] != NULL; i++) {
    size_t len = strlen(list);
    (void)snprintf(list + len, sizeof(list) - len, "%s%s", i > 0 ? ", " : "", names[i]);
  }
  cd_json_fail_at(spot, CD_E_INVALID, "must be one of: %s", list);
}

static bool take_enum(cd_json_spot spot, const cJSON *node, const char *const *names, int *out)
{
  for (int i = 0; cJSON_IsString(node) && names[i] != NULL; i++) {
    if (strcmp(names[i], node->valuestring) == 0) {
      *out = i;
      return true;
    }
  }
  fail_enum(spot, names);
  return false;
}

/* Readers are always written: a dead one after a failure, so that what is read through it next is
 * harmless. */
static bool take_obj(cd_json_spot spot, const cJSON *node, cd_json *out)
{
  *out = cd_json_reader(spot, NULL);
  if (!cJSON_IsObject(node)) {
    cd_json_fail_at(spot, CD_E_INVALID, "must be an object, it is %s", cd_json_type_name(node));
    return false;
  }
  size_t keys = count_children(node);
  if (keys > CD_JSON_KEYS_MAX) {
    cd_json_fail_at(spot, CD_E_LIMIT, "has %zu keys, the limit is %u", keys, CD_JSON_KEYS_MAX);
    return false;
  }
  out->node = node;
  return true;
}

static bool take_arr(cd_json_spot spot, const cJSON *node, size_t max, cd_json *out)
{
  *out = cd_json_reader(spot, NULL);
  if (!cJSON_IsArray(node)) {
    cd_json_fail_at(spot, CD_E_INVALID, "must be an array, it is %s", cd_json_type_name(node));
    return false;
  }
  size_t len = count_children(node);
  if (len > max) {
    cd_json_fail_at(spot, CD_E_LIMIT, "has %zu elements, the limit is %zu", len, max);
    return false;
  }
  out->node = node;
  return true;
}

/* ---- finding it ---- */

/* The member, marked as asked for, or NULL. */
static const cJSON *find(cd_json *obj, const char *key)
{
  if (!usable(obj))
    return NULL;
  const cJSON *node = obj->node;
  if (!cJSON_IsObject(node)) {
    cd_json_fail_at((cd_json_spot){obj, NULL, ITSELF}, CD_E_INVALID, "must be an object, it is %s",
                    cd_json_type_name(node));
    return NULL;
  }
  size_t i = 0;
  for (const cJSON *c = node->child; c != NULL && i < CD_JSON_KEYS_MAX; c = c->next, i++) {
    if (strcmp(c->string, key) == 0) {
      obj->asked |= UINT64_C(1) << i;
      return c;
    }
  }
  return NULL;
}

static const cJSON *need(cd_json *obj, const char *key)
{
  const cJSON *node = find(obj, key);
  if (node == NULL && usable(obj))
    cd_json_fail_at(member_at(obj, key), CD_E_INVALID, "is missing");
  return node;
}

static const cJSON *optional(cd_json *obj, const char *key)
{
  const cJSON *node = find(obj, key);
  return node != NULL && !cJSON_IsNull(node) ? node : NULL;
}

/* The element; a failure if there is none. Goes on from the last one, so that a loop is linear. */
static const cJSON *element(cd_json *arr, size_t i)
{
  if (!usable(arr))
    return NULL;
  const cJSON *node = arr->node;
  cd_json_doc *doc = arr->doc;
  bool onward = doc->array == node && doc->index <= i;
  const cJSON *c = onward ? doc->element : cJSON_IsArray(node) ? node->child : NULL;
  size_t at = onward ? doc->index : 0;
  for (; c != NULL && at < i; at++)
    c = c->next;
  if (c == NULL) {
    cd_json_fail_at(element_at(arr, i), CD_E_INVALID, "is missing");
    return NULL;
  }
  doc->array = node;
  doc->element = c;
  doc->index = i;
  return c;
}

cd_json cd_json_root(cd_json_doc *doc)
{
  cd_json any = cd_json_any(doc);
  cd_json root = {.doc = doc};
  if (usable(&any))
    (void)take_obj((cd_json_spot){&any, NULL, ITSELF}, any.node, &root);
  return root;
}

bool cd_json_is_object(const cd_json *j)
{
  return j->node != NULL && cJSON_IsObject((const cJSON *)j->node);
}

bool cd_json_is_number(const cd_json *j)
{
  return j->node != NULL && cJSON_IsNumber((const cJSON *)j->node);
}

bool cd_json_has(const cd_json *obj, const char *key)
{
  cd_json copy = *obj; /* so that the question is not remembered */
  return usable(obj) && cd_json_is_object(obj) && optional(&copy, key) != NULL;
}

/* ---- mandatory members ---- */

void cd_json_str(cd_json *obj, const char *key, size_t max, cd_str *out)
{
  const cJSON *node = need(obj, key);
  if (node != NULL)
    (void)take_str(member_at(obj, key), node, max, out);
}

void cd_json_u64(cd_json *obj, const char *key, uint64_t max, uint64_t *out)
{
  const cJSON *node = need(obj, key);
  if (node != NULL)
    (void)take_u64(member_at(obj, key), node, max, out);
}

void cd_json_i64(cd_json *obj, const char *key, int64_t min, int64_t max, int64_t *out)
{
  const cJSON *node = need(obj, key);
  if (node != NULL)
    (void)take_i64(member_at(obj, key), node, min, max, out);
}

void cd_json_bool(cd_json *obj, const char *key, bool *out)
{
  const cJSON *node = need(obj, key);
  if (node != NULL)
    (void)take_bool(member_at(obj, key), node, out);
}

void cd_json_enum(cd_json *obj, const char *key, const char *const *names, int *out)
{
  const cJSON *node = need(obj, key);
  if (node != NULL)
    (void)take_enum(member_at(obj, key), node, names, out);
}

void cd_json_obj(cd_json *obj, const char *key, cd_json *out)
{
  const cJSON *node = need(obj, key);
  if (node != NULL)
    (void)take_obj(member_at(obj, key), node, out);
  else
    *out = cd_json_reader(member_at(obj, key), NULL);
}

void cd_json_arr(cd_json *obj, const char *key, size_t max, cd_json *out)
{
  const cJSON *node = need(obj, key);
  if (node != NULL)
    (void)take_arr(member_at(obj, key), node, max, out);
  else
    *out = cd_json_reader(member_at(obj, key), NULL);
}

void cd_json_value(cd_json *obj, const char *key, cd_json *out)
{
  const cJSON *node = need(obj, key);
  *out = cd_json_reader(member_at(obj, key), node);
}

/* ---- optional members ---- */

bool cd_json_opt_str(cd_json *obj, const char *key, size_t max, cd_str *out)
{
  const cJSON *node = optional(obj, key);
  return node != NULL && take_str(member_at(obj, key), node, max, out);
}

bool cd_json_opt_u64(cd_json *obj, const char *key, uint64_t max, uint64_t *out)
{
  const cJSON *node = optional(obj, key);
  return node != NULL && take_u64(member_at(obj, key), node, max, out);
}

bool cd_json_opt_i64(cd_json *obj, const char *key, int64_t min, int64_t max, int64_t *out)
{
  const cJSON *node = optional(obj, key);
  return node != NULL && take_i64(member_at(obj, key), node, min, max, out);
}

bool cd_json_opt_bool(cd_json *obj, const char *key, bool *out)
{
  const cJSON *node = optional(obj, key);
  return node != NULL && take_bool(member_at(obj, key), node, out);
}

bool cd_json_opt_enum(cd_json *obj, const char *key, const char *const *names, int *out)
{
  const cJSON *node = optional(obj, key);
  return node != NULL && take_enum(member_at(obj, key), node, names, out);
}

bool cd_json_opt_obj(cd_json *obj, const char *key, cd_json *out)
{
  const cJSON *node = optional(obj, key);
  return node != NULL && take_obj(member_at(obj, key), node, out);
}

bool cd_json_opt_arr(cd_json *obj, const char *key, size_t max, cd_json *out)
{
  const cJSON *node = optional(obj, key);
  return node != NULL && take_arr(member_at(obj, key), node, max, out);
}

bool cd_json_opt_value(cd_json *obj, const char *key, cd_json *out)
{
  const cJSON *node = optional(obj, key);
  if (node == NULL)
    return false;
  *out = cd_json_reader(member_at(obj, key), node);
  return true;
}

bool cd_json_member_at(cd_json *obj, size_t i, uint64_t max, cd_str *ret_key, uint64_t *ret_value)
{
  if (!usable(obj) || !cd_json_is_object(obj) || i >= CD_JSON_KEYS_MAX)
    return false;
  const cJSON *c = ((const cJSON *)obj->node)->child;
  for (size_t n = 0; c != NULL && n < i; n++)
    c = c->next;
  if (c == NULL || !take_u64(member_at(obj, c->string), c, max, ret_value))
    return false;
  obj->asked |= UINT64_C(1) << i;
  *ret_key = cd_str_from(c->string);
  return true;
}

/* ---- elements ---- */

size_t cd_json_len(const cd_json *arr)
{
  if (!usable(arr) || !cJSON_IsArray((const cJSON *)arr->node))
    return 0;
  return count_children(arr->node);
}

void cd_json_at_str(cd_json *arr, size_t i, size_t max, cd_str *out)
{
  const cJSON *node = element(arr, i);
  if (node != NULL)
    (void)take_str(element_at(arr, i), node, max, out);
}

void cd_json_at_u64(cd_json *arr, size_t i, uint64_t max, uint64_t *out)
{
  const cJSON *node = element(arr, i);
  if (node != NULL)
    (void)take_u64(element_at(arr, i), node, max, out);
}

void cd_json_at_obj(cd_json *arr, size_t i, cd_json *out)
{
  const cJSON *node = element(arr, i);
  if (node != NULL)
    (void)take_obj(element_at(arr, i), node, out);
  else
    *out = cd_json_reader(element_at(arr, i), NULL);
}

void cd_json_at_value(cd_json *arr, size_t i, cd_json *out)
{
  const cJSON *node = element(arr, i);
  *out = cd_json_reader(element_at(arr, i), node);
}

void cd_json_no_more(cd_json *obj)
{
  if (!usable(obj) || !cd_json_is_object(obj))
    return;
  size_t i = 0;
  for (const cJSON *c = ((const cJSON *)obj->node)->child; c != NULL; c = c->next, i++) {
    if (i < CD_JSON_KEYS_MAX && (obj->asked >> i & 1) != 0)
      continue;
    cd_json_fail_at(member_at(obj, c->string), CD_E_INVALID, "is not a known key");
    return;
  }
}
