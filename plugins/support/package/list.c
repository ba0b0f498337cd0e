/* The profile custom: a list, its items, and what is taken of each. */
#include "package/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "package/private.h"
#include "support/json.h"

enum { LIST_MS = 10000, ITEM_MS = 120000, NAME_OF_PATH = 100 };

/* ---- reading ---- */

static uint64_t number_of(const cJSON *o, const char *name, uint64_t otherwise, uint64_t max)
{
  const cJSON *v = sup_json_get(o, name);
  if (!cJSON_IsNumber(v) || v->valuedouble < 1)
    return otherwise;
  return v->valuedouble < (double)max ? (uint64_t)v->valuedouble : max;
}

static const char *text_of(const cJSON *o, const char *name)
{
  const cJSON *v = sup_json_get(o, name);
  return cJSON_IsString(v) ? v->valuestring : "";
}

/* Down, and not too far. */
static bool is_way_down(const col_list_os *os, const char *path)
{
  unsigned parts = 0;
  size_t root = 0;
  size_t len = strnlen(path, COL_LIST_PATH + 1);
  const char separator[] = {os->separator, '\0'};
  if (len > COL_LIST_PATH || !os->root_of(path, &root) || root >= len || len - root < 2 ||
      path[root] != os->separator || path[len - 1] == os->separator)
    return false;
  for (const char *at = path + root; *at != '\0'; parts++) {
    size_t part = strcspn(++at, separator);
    bool dots = (part == 1 && at[0] == '.') || (part == 2 && at[0] == '.' && at[1] == '.');
    if (part == 0 || dots)
      return false;
    at += part;
  }
  return parts <= COL_LIST_PARTS;
}

/* A list may be for devices of several systems: the agent has seen that the path is one of one. */
static bool is_foreign(const col_list_os *os, const char *path)
{
  bool drive = path[0] != '\0' && path[1] == ':' && path[2] == '\\';
  return os->separator == '/' ? drive : path[0] == '/';
}

static void take_files(col_task *t);

static cordon_status read_item(const col_list_os *os, const cJSON *o, col_list_item *i,
                               col_item *run, sup_err *err)
{
  const char *folder = text_of(o, "folder");
  i->path = text_of(o, "path");
  i->why = text_of(o, "why");
  i->foreign = is_foreign(os, i->path);
  i->max_bytes = number_of(o, "max_bytes", 32 * COL_MIB, COL_LIST_BYTES);
  i->max_files = (unsigned)number_of(o, "max_files", 100, COL_LIST_FILES);
  i->max_depth = (unsigned)number_of(o, "max_depth", 1, COL_LIST_DEPTH);
  if ((!i->foreign && !is_way_down(os, i->path)) || folder[0] == '\0')
    return sup_fail(err, CORDON_E_INVALID, "the list has an item without a folder or a good path");
  col_clean_name("", folder, i->folder);
  *run = (col_item){.folder = i->folder,
                    .name = "files.csv",
                    .source = i->path,
                    .collect = take_files,
                    .budget_ms = ITEM_MS,
                    .several = true};
  return CORDON_OK;
}

static void put_list(col_task *t)
{
  const col_list *l = t->p->o.list;
  char *text = cJSON_Print(sup_json_get(l->doc, "list"));
  if (text == NULL)
    col_mark(t, COL_ERROR, "there was no memory for it");
  else
    (void)(col_puts(t, text) && col_puts(t, "\n"));
  cJSON_free(text);
}

/* What is opened is compared by where it really is, so these are too. */
static bool read_keep_out(col_list *l, const cJSON *given)
{
  const cJSON *folder = NULL;
  cJSON_ArrayForEach(folder, given)
  {
    if (!cJSON_IsString(folder) || l->keep_out_count == COL_LIST_KEEP_OUT)
      return false;
    char *real = l->os->real_folder(folder->valuestring);
    l->keep_out[l->keep_out_count] = real != NULL ? real : strdup(folder->valuestring);
    if (l->keep_out[l->keep_out_count++] == NULL)
      return false;
  }
  return true;
}

static cordon_status read_items(col_list *l, const cJSON *items, sup_err *err)
{
  cordon_status status = CORDON_OK;
  const cJSON *o = NULL;
  int count = cJSON_GetArraySize(items);
  if (!cJSON_IsArray(items) || count < 1 || count > COL_LIST_ITEMS)
    return sup_fail(err, CORDON_E_INVALID, "the list has no items, or more than %d",
                    COL_LIST_ITEMS);
  l->items = calloc((size_t)count, sizeof(*l->items));
  l->runs = calloc((size_t)count + 1, sizeof(*l->runs));
  if (l->items == NULL || l->runs == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory for the list");
  l->runs[0] = (col_item){.folder = "",
                          .name = "collection_list.json",
                          .source = "the order",
                          .collect = put_list,
                          .budget_ms = LIST_MS};
  cJSON_ArrayForEach(o, items)
  {
    if (status == CORDON_OK) {
      status = read_item(l->os, o, &l->items[l->count], &l->runs[l->count + 1], err);
      l->count++;
    }
  }
  return status;
}

cordon_status col_list_read_for(const col_list_os *os, const cJSON *list, const cJSON *keep_out,
                                col_list **ret_list, sup_err *err)
{
  col_list *l = calloc(1, sizeof(*l));
  cJSON *copy = cJSON_Duplicate(list, true);
  if (l != NULL)
    l->doc = cJSON_CreateObject();
  if (l == NULL || !cJSON_IsObject(copy) || !cJSON_AddItemToObject(l->doc, "list", copy)) {
    cJSON_Delete(copy);
    col_list_free(l);
    return sup_fail(err, CORDON_E_INVALID, "the profile custom needs a list");
  }
  l->os = os;
  l->name = text_of(copy, "name");
  l->version = number_of(copy, "version", 0, UINT64_C(1) << 53);
  cordon_status status =
      read_keep_out(l, keep_out)
          ? read_items(l, sup_json_get(copy, "items"), err)
          : sup_fail(err, CORDON_E_INVALID, "the folders that are kept out cannot be read");
  if (status == CORDON_OK)
    *ret_list = l;
  else
    col_list_free(l);
  return status;
}

void col_list_free(col_list *l)
{
  if (l == NULL)
    return;
  cJSON_Delete(l->doc);
  for (unsigned i = 0; i < l->keep_out_count; i++)
    free(l->keep_out[i]);
  free(l->items);
  free(l->runs);
  free(l);
}

/* ---- taking ---- */

typedef struct taken {
  const char *path;
  char name[COL_NAME]; /* in the package */
  col_status status;
  char why[COL_SENTENCE];
} taken;

/* All that was found, and what the system knows of each. */
typedef struct takings {
  taken *files;
  char *facts;
} takings;

void col_say_secret(col_task *t, const char *what)
{
  col_mark(t, COL_DENIED, "it holds %s: secrets are never taken, whatever a list says", what);
}

/* The end of a path, which says more than its beginning. */
static void begin_file(col_task *t, const char *path)
{
  size_t len = strlen(path);
  col_begin(t, len > NAME_OF_PATH ? path + len - NAME_OF_PATH : path + strspn(path, "/"), path);
}

static void take_file(col_task *t, const col_list *l, const col_list_item *i, taken *r, void *facts)
{
  begin_file(t, r->path);
  l->os->take(t, l, i, r->path, facts);
  col_end(t);
  memcpy(r->name, t->name, sizeof(r->name));
  memcpy(r->why, t->error, sizeof(r->why));
  r->status = t->status;
}

static void put_row(col_task *t, const col_list_os *os, const taken *r, const void *facts)
{
  col_text(t, r->path);
  col_text(t, col_status_name(r->status));
  col_text(t, r->why);
  col_text(t, r->name);
  os->put_facts(t, facts);
  (void)col_row(t);
}

/* What was looked for and what became of it; the ceilings are its own. */
static void put_listing(col_task *t, const col_list_item *i, const col_found *f, const takings *all)
{
  const col_list_os *os = t->p->o.list->os;
  char columns[COL_SENTENCE];
  col_begin(t, "files.csv", i->path);
  if (f->count == 0 && !f->unfinished)
    col_mark(t, COL_ABSENT, "nothing on this device matches %s", i->path);
  if (f->unfinished)
    col_mark(t, f->count == 0 ? COL_DENIED : COL_PARTIAL, "%s", f->trouble);
  if (f->more)
    col_cap(t, "more than %u files match, and the others were left out", i->max_files);
  if (f->deeper)
    col_cap(t, "there are folders deeper than %u, which were not entered", i->max_depth);
  if (f->count == 0 && !f->more && !f->deeper)
    return;
  (void)snprintf(columns, sizeof(columns), "path,status,why,file,%s", os->columns);
  col_head(t, columns);
  for (size_t n = 0; n < f->count; n++)
    put_row(t, os, &all->files[n], all->facts + n * os->facts_size);
}

static void take_found(col_task *t, const col_list_item *i, const col_found *f)
{
  const col_list *l = t->p->o.list;
  size_t room = f->count > 0 ? f->count : 1;
  takings all = {.files = calloc(room, sizeof(taken)), .facts = calloc(room, l->os->facts_size)};
  bool memory = all.files != NULL && all.facts != NULL;
  for (size_t n = 0; memory && n < f->count; n++) {
    taken *r = &all.files[n];
    r->path = f->paths[n];
    if (col_over(t)) {
      r->status = COL_ERROR;
      (void)snprintf(r->why, sizeof(r->why), "the item's time was over");
    } else {
      take_file(t, l, i, r, all.facts + n * l->os->facts_size);
    }
  }
  if (memory) {
    put_listing(t, i, f, &all);
  } else {
    col_begin(t, "files.csv", i->path);
    col_mark(t, COL_ERROR, "there was no memory to take what matches");
  }
  free(all.files);
  free(all.facts);
}

static void take_files(col_task *t)
{
  const col_list *l = t->p->o.list;
  const col_list_item *i = &l->items[t->item - l->runs - 1];
  col_found f;
  if (i->foreign) {
    col_begin(t, "files.csv", i->path);
    col_mark(t, COL_ABSENT, "a path of another system's, which names nothing on this device");
    return;
  }
  col_find(t, l->os, i, &f);
  take_found(t, i, &f);
  col_found_release(&f);
}

const col_item *col_list_runs(const col_list *l, size_t *ret_count)
{
  *ret_count = l->count + 1;
  return l->runs;
}
