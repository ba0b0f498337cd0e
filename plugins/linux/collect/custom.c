/* The profile custom: a list, its items, and what is taken of each. */
#include "custom.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "package.h"
#include "read.h"
#include "support/json.h"

enum { LIST_MS = 10000, ITEM_MS = 120000, NAME_OF_PATH = 100 };

/* Longer than a private key or a hash is. */
#define LOOK_AHEAD (64ull * 1024)

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
static bool is_way_down(const char *path)
{
  unsigned parts = 0;
  size_t len = strlen(path);
  if (path[0] != '/' || len < 2 || len > COL_LIST_PATH || path[len - 1] == '/')
    return false;
  for (const char *at = path; *at != '\0'; parts++) {
    size_t part = strcspn(++at, "/");
    bool dots = (part == 1 && at[0] == '.') || (part == 2 && at[0] == '.' && at[1] == '.');
    if (part == 0 || dots)
      return false;
    at += part;
  }
  return parts <= COL_LIST_PARTS;
}

static void take_files(col_task *t);

static cordon_status read_item(const cJSON *o, col_list_item *i, col_item *run, sup_err *err)
{
  const char *folder = text_of(o, "folder");
  i->path = text_of(o, "path");
  i->why = text_of(o, "why");
  i->max_bytes = number_of(o, "max_bytes", 32 * COL_MIB, COL_LIST_BYTES);
  i->max_files = (unsigned)number_of(o, "max_files", 100, COL_LIST_FILES);
  i->max_depth = (unsigned)number_of(o, "max_depth", 1, COL_LIST_DEPTH);
  if (!is_way_down(i->path) || folder[0] == '\0')
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
    char *real = realpath(folder->valuestring, NULL);
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
      status = read_item(o, &l->items[l->count], &l->runs[l->count + 1], err);
      l->count++;
    }
  }
  return status;
}

cordon_status col_list_read(const cJSON *list, const cJSON *keep_out, col_list **ret_list,
                            sup_err *err)
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
  struct stat st;
  bool opened;
  col_status status;
  char why[COL_SENTENCE];
} taken;

/* The end of a path, which says more than its beginning. */
static void begin_file(col_task *t, const char *path)
{
  size_t len = strlen(path);
  col_begin(t, len > NAME_OF_PATH ? path + len - NAME_OF_PATH : path + 1, path);
}

static bool put_some(void *data, const void *bytes, size_t len)
{
  return col_put(data, bytes, len);
}

typedef struct copying {
  col_task *task;
  col_scrub scrub;
  uint64_t ahead; /* bytes in front of what is taken, which are only looked at */
  uint64_t left;  /* bytes that may be taken */
  bool end;
} copying;

/* False: there is no more. */
static bool copy_some(copying *c, int fd)
{
  char buffer[16 * 1024];
  uint64_t most = c->ahead > 0 ? c->ahead : c->left;
  ssize_t got = read(fd, buffer, most < sizeof(buffer) ? (size_t)most : sizeof(buffer));
  if (got < 0 && errno == EINTR)
    return true;
  if (got < 0)
    col_mark_os(c->task, errno, "reading it failed");
  c->end = got <= 0;
  if (c->end)
    return false;
  bool ahead = c->ahead > 0;
  bool go_on = col_scrub_put(&c->scrub, buffer, (size_t)got);
  *(ahead ? &c->ahead : &c->left) -= (uint64_t)got;
  if (ahead && c->ahead == 0)
    col_scrub_begin(&c->scrub, put_some, c->task);
  return go_on;
}

/* Where reading begins: of a part of a file the filter sees what is in front of it, so that the
 * rest of a secret is known for what it is. */
static void begin_copy(copying *c, int fd, uint64_t size, uint64_t max)
{
  uint64_t from = size > max ? size - max : 0;
  c->left = max;
  c->ahead = from < LOOK_AHEAD ? from : LOOK_AHEAD;
  if (c->ahead == 0) {
    col_scrub_begin(&c->scrub, put_some, c->task);
    return;
  }
  (void)lseek(fd, (off_t)(from - c->ahead), SEEK_SET);
  col_cap(c->task, "it has %llu bytes, of which these are the last %llu", (unsigned long long)size,
          (unsigned long long)max);
}

/* As col_copy_fd(), through the filter. */
static void copy_scrubbed(col_task *t, int fd, const struct stat *st, uint64_t max)
{
  uint64_t size = (uint64_t)st->st_size;
  bool go_on = true;
  copying *c = calloc(1, sizeof(*c));
  if (c == NULL) {
    col_mark(t, COL_ERROR, "there was no memory to read it");
    return;
  }
  c->task = t;
  if (st->st_mtim.tv_sec > 0)
    col_set_mtime(t, st->st_mtim.tv_sec);
  begin_copy(c, fd, size, max);
  while (go_on && !col_stop(t) && c->left > 0)
    go_on = copy_some(c, fd);
  if (go_on || c->end)
    (void)col_scrub_end(&c->scrub);
  if (c->left == 0 && max > size)
    col_cap(t, "it grew while it was read");
  if (c->scrub.keys + c->scrub.hashes > 0)
    col_mark(t, COL_PARTIAL,
             "secrets in it were left out: %u private keys, %u hashes of passwords%s",
             c->scrub.keys, c->scrub.hashes,
             c->scrub.endless > 0 ? "; of a key the end was not found" : "");
  free(c);
}

static void say_not_opened(col_task *t, int error, const char *path)
{
  if (error == ELOOP)
    col_mark(t, COL_DENIED, "it is a link, which is not followed");
  else if (error == EINVAL)
    col_mark(t, COL_DENIED, "it is no plain file, and not read");
  else if (error == EREMOTE)
    col_mark(t, COL_DENIED, "it is on a file system that may hang, and not read");
  else
    col_mark_os(t, error, path);
}

static void say_secret(col_task *t, const char *what)
{
  col_mark(t, COL_DENIED, "it holds %s: secrets are never taken, whatever a list says", what);
}

static void take_opened(col_task *t, const col_list_item *i, int fd, const struct stat *st)
{
  char real[COL_PATH];
  const char *what = col_secret_opened(t, t->p->o.list, fd, st, real);
  if (what != NULL)
    say_secret(t, what);
  else if (col_is_kernels(fd))
    col_mark(t, COL_DENIED, "it is on a file system of the kernel's, which is no file of a disk");
  else
    copy_scrubbed(t, fd, st, i->max_bytes);
}

static void take_file(col_task *t, const col_list_item *i, taken *r)
{
  int fd = -1;
  begin_file(t, r->path);
  const char *what = col_secret_named(r->path);
  int error = what == NULL ? col_open(t, r->path, &fd, &r->st) : 0;
  if (what != NULL) {
    say_secret(t, what);
  } else if (error != 0) {
    say_not_opened(t, error, r->path);
  } else {
    r->opened = true;
    take_opened(t, i, fd, &r->st);
    (void)close(fd);
  }
  col_end(t);
  memcpy(r->name, t->name, sizeof(r->name));
  memcpy(r->why, t->error, sizeof(r->why));
  r->status = t->status;
}

static void put_row(col_task *t, const taken *r)
{
  static const struct stat none;
  col_text(t, r->path);
  col_text(t, col_status_name(r->status));
  col_text(t, r->why);
  col_text(t, r->name);
  col_stat(t, r->opened ? &r->st : &none);
  (void)col_row(t);
}

/* What was looked for and what became of it; the ceilings are its own. */
static void put_listing(col_task *t, const col_list_item *i, const col_found *f, const taken *all)
{
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
  col_head(t, "path,status,why,file," COL_STAT_COLUMNS);
  for (size_t n = 0; n < f->count; n++)
    put_row(t, &all[n]);
}

static void take_files(col_task *t)
{
  const col_list *l = t->p->o.list;
  const col_list_item *i = &l->items[t->item - l->runs - 1];
  col_found f;
  col_find(t, i, &f);
  taken *all = calloc(f.count > 0 ? f.count : 1, sizeof(*all));
  for (size_t n = 0; all != NULL && n < f.count; n++) {
    all[n].path = f.paths[n];
    if (col_over(t)) {
      all[n].status = COL_ERROR;
      (void)snprintf(all[n].why, sizeof(all[n].why), "the item's time was over");
    } else {
      take_file(t, i, &all[n]);
    }
  }
  if (all != NULL) {
    put_listing(t, i, &f, all);
  } else {
    col_begin(t, "files.csv", i->path);
    col_mark(t, COL_ERROR, "there was no memory to take what matches");
  }
  free(all);
  col_found_release(&f);
}

const col_item *col_list_runs(const col_list *l, size_t *ret_count)
{
  *ret_count = l->count + 1;
  return l->runs;
}
