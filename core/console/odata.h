/* The query options of OData 4 that clients of the machine-action API send: $filter, $orderby,
 * $top, $skip, $count, $select, $expand. Pure functions: what a row holds is asked for by a
 * callback.
 *
 * Lenient where clients are known to differ: names of options, fields and operators in any case; a
 * time or a number may be quoted; a '+' between tokens is a space. Texts are compared without
 * regard to the case of ASCII letters. An option that begins with '$' and is not one of these is
 * refused; one that does not begin with '$' is not OData's. */
#ifndef CON_ODATA_H
#define CON_ODATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

#define CON_FILTER_MAX 12288u    /* bytes of a $filter: 300 ids in a list */
#define CON_FILTER_NODES 128u    /* comparisons and what joins them */
#define CON_FILTER_LITERALS 512u /* texts and numbers in it */
#define CON_FILTER_DEPTH 16u     /* parentheses and `not` within each other */
#define CON_ORDER_MAX 4u         /* fields of $orderby */
#define CON_PAGE_MAX 10000u      /* rows of one answer, and the most that $top may ask for */
#define CON_PAGE_EXPANDED 100u   /* of one whose rows are expanded, where $top is not said */
#define CON_FIELDS_MAX 64u       /* fields of a collection: bits of a mask */

typedef enum con_type {
  CON_TEXT = 1,
  CON_NUMBER,
  CON_BOOL,
  CON_TIME,
  CON_LIST, /* of texts */
  CON_JSON  /* a value of its own form; never queried */
} con_type;

typedef struct con_field {
  const char *name; /* as it is written */
  con_type type;
  bool queried; /* may stand in $filter and $orderby */
} con_field;

/* What a row holds in a field. */
typedef struct con_value {
  bool null;
  cd_str text;         /* CON_TEXT, CON_JSON */
  int64_t number;      /* CON_NUMBER; CON_BOOL 0 or 1; CON_TIME in milliseconds since 1970 */
  const cd_str *items; /* CON_LIST */
  size_t count;
} con_value;

typedef void (*con_get)(const void *row, size_t field, con_value *ret_value);

/* One option, percent-decoded. */
typedef struct con_param {
  cd_str name;
  cd_str value;
} con_param;

typedef struct con_odata con_odata;

/* A refusal is CD_E_INVALID with a sentence fit for the caller of the API. `params` need not stay.
 */
CD_MUST_USE cd_code con_odata_parse(const con_param *params, size_t count, const con_field *fields,
                                    size_t field_count, con_odata **ret_query, cd_err *err);
void con_odata_free(con_odata *q); /* NULL is fine */

/* True for every row where there is no $filter. */
bool con_odata_matches(const con_odata *q, con_get get, const void *row);
bool con_odata_ordered(const con_odata *q);
/* What $orderby looks at in a row; and below, equal, above 0: which comes first. Nulls come first.
 */
void con_odata_keys(const con_odata *q, con_get get, const void *row,
                    con_value ret_keys[CON_ORDER_MAX]);
int con_odata_compare(const con_odata *q, const con_value *a, const con_value *b);
bool con_odata_counts(const con_odata *q);  /* $count=true */
bool con_odata_expands(const con_odata *q); /* $expand=evidence */
/* False if $select leaves the field out. */
bool con_odata_selects(const con_odata *q, size_t field);
uint64_t con_odata_skip(const con_odata *q);
/* How many rows at most; *ret_asked (may be NULL): the caller said so itself, by $top. */
uint64_t con_odata_top(const con_odata *q, bool *ret_asked);

/* Equal but for the case of ASCII letters. */
bool con_same(cd_str a, cd_str b);

/* RFC 3339, a date alone, or without a zone (then UTC), with up to seven digits of a second, in
 * units of 100 ns since 1970. */
bool con_time_parse(cd_str text, int64_t *ret_ticks);
#define CON_TIME_TEXT_MAX 36
/* As the API writes it: "2026-11-24T04:08:16.1230000Z". */
void con_time_text(int64_t wall_ms, char out[CON_TIME_TEXT_MAX]);

#endif
