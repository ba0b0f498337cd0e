/* A collection in the making: rows come one by one, those that the query selects are written, and
 * at the end the page that was asked for becomes the answer. */
#ifndef CON_LIST_H
#define CON_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "shape.h"

typedef struct con_list_row {
  size_t at; /* in `text` */
  size_t len;
  uint64_t number; /* so that equal rows keep their order */
  con_value *keys; /* only where there is a $orderby */
} con_list_row;

typedef struct con_list {
  const con_shape *shape;
  const con_odata *query;
  cd_buf text;
  con_list_row *rows;
  size_t row_count;
  size_t row_room;
  uint64_t matched;
  bool more; /* rows that were left behind */
  cd_code failed;
} con_list;

void con_list_init(con_list *l, const con_shape *shape, const con_odata *query);
void con_list_release(con_list *l);
/* Whether the row is selected: what is dear to make for it is made only then. */
bool con_list_wants(con_list *l, const void *row);
/* Takes a row that con_list_wants() was true for. False: nothing that comes now matters. */
bool con_list_take(con_list *l, const void *row);
/* Whether more rows can matter: after con_list_wants() was false. */
bool con_list_open(const con_list *l);
/* Writes the collection. `self`: the absolute URL of the collection without its query; `params` the
 * query that was asked, for the link to the next page. */
CD_MUST_USE cd_code con_list_end(con_list *l, cd_str base, cd_str self, const con_param *params,
                                 size_t param_count, cd_buf *out, cd_err *err);

#endif
