/* Parsing, the document's first failure, and paths. The getters are in json_get.c. */
#include "json_internal.h"

#include "base/limits.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define KEY_SHOWN_MAX 64 /* a key from the document is shown cut to this */
#define FEW_KEYS 16      /* up to here comparing all pairs is cheaper than sorting */

/* The way from the root to a value while the tree is walked, on the walker's stack. */
typedef struct step {
  const struct step *up;
  const cJSON *node;
  size_t index;
} step;

static void path_append(char path[CD_JSON_PATH_MAX], const char *text)
{
  size_t len = strlen(path);
  size_t room = CD_JSON_PATH_MAX - 1 - len;
  cd_str add = cd_str_from(text);
  if (add.len <= room) {
    memcpy(path + len, add.ptr, add.len + 1);
    return;
  }
  /* Too long to show: what fits, and a mark that it is not all. */
  size_t n = cd_str_utf8_cut(add, room);
  memcpy(path + len, add.ptr, n);
  size_t end = cd_str_utf8_cut((cd_str){path, len + n}, CD_JSON_PATH_MAX - 4);
  memcpy(path + end, "...", 4);
}

static void path_add_key(char path[CD_JSON_PATH_MAX], const char *key)
{
  char shown[KEY_SHOWN_MAX + 4];
  cd_str k = cd_str_from(key);
  size_t n = cd_str_utf8_cut(k, KEY_SHOWN_MAX);
  (void)snprintf(shown, sizeof(shown), "%.*s%s", (int)n, key, n < k.len ? "..." : "");
  if (path[0] != '\0')
    path_append(path, ".");
  path_append(path, shown);
}

static void path_add_index(char path[CD_JSON_PATH_MAX], size_t index)
{
  char shown[32];
  (void)snprintf(shown, sizeof(shown), "[%zu]", index);
  path_append(path, shown);
}

static void path_of_step(char path[CD_JSON_PATH_MAX], const step *at)
{
  if (at->up == NULL)
    return;
  path_of_step(path, at->up);
  if (cJSON_IsObject(at->up->node))
    path_add_key(path, at->node->string);
  else
    path_add_index(path, at->index);
}

static void path_of_spot(char path[CD_JSON_PATH_MAX], cd_json_spot spot)
{
  memcpy(path, spot.in->path, CD_JSON_PATH_MAX);
  if (spot.key != NULL)
    path_add_key(path, spot.key);
  else if (spot.index != SIZE_MAX)
    path_add_index(path, spot.index);
}

static const char *shown_path(const char *path)
{
  return path[0] != '\0' ? path : "the document";
}

/* ---- what the grammar does not say ---- */

static int compare_keys(const void *a, const void *b)
{
  const char *const *x = a;
  const char *const *y = b;
  return strcmp(*x, *y);
}

static const char *duplicate_of_few(const cJSON *object)
{
  for (const cJSON *a = object->child; a != NULL; a = a->next)
    for (const cJSON *b = a->next; b != NULL; b = b->next)
      if (strcmp(a->string, b->string) == 0)
        return a->string;
  return NULL;
}

/* *ret_key is a key that `object` has twice, or NULL. */
static cd_code find_duplicate(const cJSON *object, const char **ret_key)
{
  *ret_key = NULL;
  size_t count = 0;
  for (const cJSON *c = object->child; c != NULL; c = c->next)
    count++;
  if (count <= FEW_KEYS) {
    *ret_key = duplicate_of_few(object);
    return CD_OK;
  }
  const char **keys = malloc(count * sizeof(*keys));
  if (keys == NULL)
    return CD_E_INTERNAL;
  size_t n = 0;
  for (const cJSON *c = object->child; c != NULL; c = c->next)
    keys[n++] = c->string;
  qsort(keys, count, sizeof(*keys), compare_keys);
  for (size_t i = 1; i < count && *ret_key == NULL; i++)
    if (strcmp(keys[i - 1], keys[i]) == 0)
      *ret_key = keys[i];
  free(keys);
  return CD_OK;
}

static cd_code check_object(const step *at, const char *what, cd_err *err)
{
  const char *twice = NULL;
  if (find_duplicate(at->node, &twice) != CD_OK)
    return cd_fail(err, CD_E_INTERNAL, "%s: no memory to check its keys", what);
  if (twice == NULL)
    return CD_OK;
  char path[CD_JSON_PATH_MAX] = "";
  path_of_step(path, at);
  path_add_key(path, twice);
  return cd_fail(err, CD_E_INVALID, "%s: %s is there twice", what, path);
}

/* No duplicate keys and no number that overflowed. The scan has bounded the depth of the recursion.
 */
static cd_code check_tree(const step *at, const char *what, cd_err *err)
{
  if (cJSON_IsNumber(at->node) && !isfinite(at->node->valuedouble)) {
    char path[CD_JSON_PATH_MAX] = "";
    path_of_step(path, at);
    return cd_fail(err, CD_E_INVALID, "%s: %s is a number out of range", what, shown_path(path));
  }
  cd_code rc = cJSON_IsObject(at->node) ? check_object(at, what, err) : CD_OK;
  size_t index = 0;
  for (const cJSON *c = at->node->child; c != NULL && rc == CD_OK; c = c->next, index++)
    rc = check_tree(&(step){.up = at, .node = c, .index = index}, what, err);
  return rc;
}

/* ---- documents ---- */

cd_code cd_json_parse(cd_str text, size_t max, const char *what, cd_json_doc **ret_doc, cd_err *err)
{
  if (text.len > max)
    return cd_fail(err, CD_E_LIMIT, "%s: %zu bytes, the limit is %zu", what, text.len, max);
  if (!cd_str_utf8_valid(text))
    return cd_fail(err, CD_E_INVALID, "%s: the text is not UTF-8", what);
  cd_code rc = cd_json_scan(text, what, err);
  if (rc != CD_OK)
    return rc;

  cd_json_doc *doc = calloc(1, sizeof(*doc));
  if (doc == NULL)
    return cd_fail(err, CD_E_INTERNAL, "%s: no memory for the document", what);
  cd_str name = cd_str_from(what);
  memcpy(doc->what, name.ptr, cd_str_utf8_cut(name, sizeof(doc->what) - 1));
  /* The text has passed the grammar, so the parser can fail for want of memory only. */
  doc->root = cJSON_ParseWithLengthOpts(text.ptr, text.len, NULL, 0);
  if (doc->root == NULL)
    rc = cd_fail(err, CD_E_INTERNAL, "%s: no memory for the document", what);
  else
    rc = check_tree(&(step){.node = doc->root}, doc->what, err);
  if (rc != CD_OK) {
    cd_json_free(doc);
    return rc;
  }
  *ret_doc = doc;
  return CD_OK;
}

void cd_json_free(cd_json_doc *doc)
{
  if (doc == NULL)
    return;
  cJSON_Delete(doc->root);
  free(doc);
}

cd_json cd_json_any(cd_json_doc *doc)
{
  return (cd_json){.doc = doc, .node = doc != NULL ? doc->root : NULL};
}

cd_json cd_json_reader(cd_json_spot spot, const cJSON *node)
{
  cd_json j = {.doc = spot.in->doc, .node = node};
  path_of_spot(j.path, spot);
  return j;
}

const char *cd_json_type_name(const cJSON *node)
{
  if (cJSON_IsObject(node))
    return "an object";
  if (cJSON_IsArray(node))
    return "an array";
  if (cJSON_IsString(node))
    return "a string";
  if (cJSON_IsNumber(node))
    return "a number";
  return cJSON_IsBool(node) ? "a boolean" : "null";
}

static void fail_va(cd_json_spot spot, cd_code code, const char *fmt, va_list args) CD_PRINTF(3, 0);
static void fail_va(cd_json_spot spot, cd_code code, const char *fmt, va_list args)
{
  cd_json_doc *doc = spot.in->doc;
  if (doc == NULL || doc->failure.code != CD_OK)
    return;
  char why[CD_ERR_TEXT_MAX] = "";
  if (vsnprintf(why, sizeof(why), fmt, args) < 0)
    why[0] = '\0';
  char path[CD_JSON_PATH_MAX];
  path_of_spot(path, spot);
  (void)cd_fail(&doc->failure, code, "%s: %s %s", doc->what, shown_path(path), why);
}

void cd_json_fail_at(cd_json_spot spot, cd_code code, const char *fmt, ...)
{
  va_list args;
  va_start(args, fmt);
  fail_va(spot, code, fmt, args);
  va_end(args);
}

void cd_json_bad(cd_json *obj, const char *key, const char *fmt, ...)
{
  va_list args;
  va_start(args, fmt);
  fail_va((cd_json_spot){obj, key, SIZE_MAX}, CD_E_INVALID, fmt, args);
  va_end(args);
}

cd_code cd_json_status(const cd_json *any, cd_err *err)
{
  if (any->doc == NULL)
    return cd_fail(err, CD_E_INTERNAL, "a JSON value was read that was never found");
  const cd_err *failure = &any->doc->failure;
  if (failure->code != CD_OK && err != NULL)
    *err = *failure;
  return failure->code;
}

cd_code cd_json_done(cd_json *obj, cd_err *err)
{
  cd_json_no_more(obj);
  return cd_json_status(obj, err);
}
