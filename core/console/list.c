#include "list.h"

#include <stdlib.h>
#include <string.h>

#include "form.h"
#include "reply.h"

#include "base/banned.h"

#define SORTED_MAX 200000u /* rows that are kept to be put in order */

void con_list_init(con_list *l, const con_shape *shape, const con_odata *query)
{
  *l = (con_list){.shape = shape, .query = query, .text = CD_BUF_INIT(CON_REPLY_MAX)};
}

void con_list_release(con_list *l)
{
  for (size_t i = 0; i < l->row_count; i++)
    free(l->rows[i].keys);
  free(l->rows);
  cd_buf_release(&l->text);
  *l = (con_list){0};
}

/* Without $orderby the rows come in their order, and only the page is kept. */
static bool in_page(const con_list *l)
{
  uint64_t skip = con_odata_skip(l->query);
  return con_odata_ordered(l->query) ||
         (l->matched > skip && l->matched - skip <= con_odata_top(l->query, NULL));
}

bool con_list_wants(con_list *l, const void *row)
{
  if (l->failed != CD_OK || !con_odata_matches(l->query, l->shape->get, row))
    return false;
  l->matched++;
  if (in_page(l))
    return true;
  l->more = l->more || l->matched > con_odata_skip(l->query);
  return false;
}

bool con_list_open(const con_list *l)
{
  return l->failed == CD_OK && (!l->more || con_odata_counts(l->query));
}

/* The texts of the keys go behind the values, in the same memory. */
static con_value *copy_keys(const con_value keys[CON_ORDER_MAX])
{
  size_t size = CON_ORDER_MAX * sizeof(con_value);
  for (size_t i = 0; i < CON_ORDER_MAX; i++)
    size += keys[i].text.len;
  con_value *copy = malloc(size);
  if (copy == NULL)
    return NULL;
  char *at = (char *)(copy + CON_ORDER_MAX);
  for (size_t i = 0; i < CON_ORDER_MAX; i++) {
    copy[i] = (con_value){.null = keys[i].null, .number = keys[i].number};
    copy[i].text = (cd_str){at, keys[i].text.len};
    if (keys[i].text.len > 0)
      memcpy(at, keys[i].text.ptr, keys[i].text.len);
    at += keys[i].text.len;
  }
  return copy;
}

static cd_code new_row(con_list *l, con_list_row **ret_row)
{
  if (l->row_count == l->row_room) {
    size_t room = l->row_room == 0 ? 64 : l->row_room * 2;
    if (room > 2 * (size_t)SORTED_MAX)
      return CD_E_LIMIT;
    con_list_row *rows = realloc(l->rows, room * sizeof(*rows));
    if (rows == NULL)
      return CD_E_INTERNAL;
    l->rows = rows;
    l->row_room = room;
  }
  *ret_row = &l->rows[l->row_count++];
  **ret_row = (con_list_row){.at = l->text.len, .number = l->row_count};
  return CD_OK;
}

bool con_list_take(con_list *l, const void *row)
{
  con_list_row *r = NULL;
  cd_err err = {0};
  cd_jw w;
  l->failed = new_row(l, &r);
  if (l->failed != CD_OK)
    return false;
  if (con_odata_ordered(l->query)) {
    con_value keys[CON_ORDER_MAX] = {0};
    con_odata_keys(l->query, l->shape->get, row, keys);
    r->keys = copy_keys(keys);
    if (r->keys == NULL) {
      l->failed = CD_E_INTERNAL;
      return false;
    }
  }
  cd_jw_init(&w, &l->text);
  con_shape_write(l->shape, &w, l->query, row, (cd_str){0});
  l->failed = cd_jw_done(&w, "a row", &err);
  r->len = l->text.len - r->at;
  return l->failed == CD_OK;
}

/* ---- the answer ---- */

/* qsort() hands nothing on but the rows, so the query travels in front of each. */
typedef struct sorted {
  const con_odata *query;
  const con_list_row *row;
} sorted;

static int compare(const void *a, const void *b)
{
  const sorted *x = a;
  const sorted *y = b;
  int order = con_odata_compare(x->query, x->row->keys, y->row->keys);
  if (order != 0)
    return order;
  return x->row->number < y->row->number ? -1 : 1;
}

static void write_page(const con_list *l, const sorted *rows, cd_jw *w)
{
  bool ordered = con_odata_ordered(l->query);
  uint64_t skip = ordered ? con_odata_skip(l->query) : 0;
  uint64_t top = con_odata_top(l->query, NULL);
  cd_jw_arr(w, "value");
  for (uint64_t i = skip; i < l->row_count && i - skip < top; i++)
    cd_jw_raw(w, NULL, (cd_str){l->text.ptr + rows[i].row->at, rows[i].row->len});
  cd_jw_end_arr(w);
}

/* The same query from the next page on. */
static void write_next(const con_list *l, cd_str self, const con_param *params, size_t count,
                       cd_jw *w)
{
  cd_buf url = CD_BUF_INIT(64 * 1024);
  cd_buf_add_str(&url, self);
  cd_buf_add_char(&url, '?');
  for (size_t i = 0; i < count; i++) {
    if (con_same(params[i].name, CD_STR("$skip")))
      continue;
    con_percent_add(&url, params[i].name);
    cd_buf_add_char(&url, '=');
    con_percent_add(&url, params[i].value);
    cd_buf_add_char(&url, '&');
  }
  unsigned long long next = con_odata_skip(l->query) + con_odata_top(l->query, NULL);
  cd_buf_addf(&url, "$skip=%llu", next);
  cd_jw_str(w, "@odata.nextLink", cd_buf_view(&url));
  cd_buf_release(&url);
}

static cd_code sort_rows(con_list *l, sorted **ret_rows, cd_err *err)
{
  sorted *rows = calloc(l->row_count + 1, sizeof(*rows));
  if (rows == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for a list");
  for (size_t i = 0; i < l->row_count; i++)
    rows[i] = (sorted){l->query, &l->rows[i]};
  if (con_odata_ordered(l->query)) {
    qsort(rows, l->row_count, sizeof(*rows), compare);
    l->more = l->matched > con_odata_skip(l->query) + con_odata_top(l->query, NULL);
  }
  *ret_rows = rows;
  return CD_OK;
}

cd_code con_list_end(con_list *l, cd_str base, cd_str self, const con_param *params,
                     size_t param_count, cd_buf *out, cd_err *err)
{
  bool asked = false;
  sorted *rows = NULL;
  cd_jw w;
  (void)con_odata_top(l->query, &asked);
  if (l->failed != CD_OK)
    return cd_fail(err, l->failed, "the list is too long, or there is no memory for it");
  cd_code rc = sort_rows(l, &rows, err);
  if (rc != CD_OK)
    return rc;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_strf(&w, "@odata.context", "%.*s/api/$metadata#%s", CD_STR_ARG(base), l->shape->set);
  if (con_odata_counts(l->query))
    cd_jw_u64(&w, "@odata.count", l->matched);
  write_page(l, rows, &w);
  /* Who asked for so many rows has got them. */
  if (l->more && !asked)
    write_next(l, self, params, param_count, &w);
  cd_jw_end_obj(&w);
  free(rows);
  return cd_jw_done(&w, "a list", err);
}
