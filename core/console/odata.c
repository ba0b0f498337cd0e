/* The options besides $filter, and what a query says about rows. */
#include "odata_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* ---- reading ---- */

cd_code con_field_find(const con_odata *q, cd_str name, bool queried, uint8_t *ret_field,
                       cd_err *err)
{
  for (size_t i = 0; i < q->field_count; i++) {
    if (!con_same(name, cd_str_from(q->fields[i].name)))
      continue;
    if (queried && !q->fields[i].queried)
      return cd_fail(
          err, CD_E_INVALID,
          "The query specified in the URI is not valid. The property '%s' cannot be used "
          "in the $filter or $orderby query option.",
          q->fields[i].name);
    *ret_field = (uint8_t)i;
    return CD_OK;
  }
  cd_str shown = {name.ptr, name.len < 60 ? name.len : 60};
  return cd_fail(err, CD_E_INVALID,
                 "The query specified in the URI is not valid. There is no property '%.*s' here.",
                 CD_STR_ARG(shown));
}

static cd_code read_number(cd_str value, const char *name, uint64_t max, uint64_t *ret_number,
                           cd_err *err)
{
  if (!cd_str_to_u64(value, UINT64_MAX, ret_number))
    return cd_fail(err, CD_E_INVALID, "The query option %s must be a whole number.", name);
  if (*ret_number > max)
    return cd_fail(err, CD_E_INVALID, "The limit of '%llu' for the query option %s is exceeded.",
                   (unsigned long long)max, name);
  return CD_OK;
}

static cd_str trimmed(cd_str s)
{
  while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '+'))
    s = (cd_str){s.ptr + 1, s.len - 1};
  while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '+'))
    s.len--;
  return s;
}

static cd_code read_top(cd_str value, con_odata *q, cd_err *err)
{
  q->has_top = true;
  return read_number(trimmed(value), "$top", CON_PAGE_MAX, &q->top, err);
}

static cd_code read_skip(cd_str value, con_odata *q, cd_err *err)
{
  return read_number(trimmed(value), "$skip", INT32_MAX, &q->skip, err);
}

static cd_code read_count(cd_str value, con_odata *q, cd_err *err)
{
  value = trimmed(value);
  q->counts = con_same(value, CD_STR("true"));
  if (!q->counts && !con_same(value, CD_STR("false")))
    return cd_fail(err, CD_E_INVALID, "The query option $count must be true or false.");
  return CD_OK;
}

static cd_code read_orderby(cd_str value, con_odata *q, cd_err *err)
{
  do {
    con_order *o = &q->order[q->order_count];
    cd_str part = trimmed(cd_str_cut(&value, ','));
    if (q->order_count >= CON_ORDER_MAX)
      return cd_fail(err, CD_E_INVALID, "The query option $orderby has more than %u properties.",
                     CON_ORDER_MAX);
    con_lexeme name = con_lex_next(&part);
    con_lexeme direction = con_lex_next(&part);
    cd_code rc = con_field_find(q, name.text, true, &o->field, err);
    if (rc != CD_OK)
      return rc;
    o->descending = direction.type == CON_LEX_NAME && con_same(direction.text, CD_STR("desc"));
    bool good = direction.type == CON_LEX_END || o->descending ||
                (direction.type == CON_LEX_NAME && con_same(direction.text, CD_STR("asc")));
    if (!good || trimmed(part).len > 0 || q->fields[o->field].type == CON_LIST)
      return cd_fail(
          err, CD_E_INVALID,
          "The query option $orderby takes properties with one value, each with 'asc' or "
          "'desc' or neither.");
    q->order_count++;
  } while (value.len > 0);
  return CD_OK;
}

static cd_code read_select(cd_str value, con_odata *q, cd_err *err)
{
  q->has_select = true;
  do {
    uint8_t field = 0;
    cd_str name = trimmed(cd_str_cut(&value, ','));
    if (cd_str_eq(name, CD_STR("*"))) {
      q->select = UINT64_MAX;
      continue;
    }
    cd_code rc = con_field_find(q, name, false, &field, err);
    if (rc != CD_OK)
      return rc;
    q->select |= UINT64_C(1) << field;
  } while (value.len > 0);
  return CD_OK;
}

/* Only what the collection has as a value of its own form: evidence of alerts. */
static cd_code read_expand(cd_str value, con_odata *q, cd_err *err)
{
  uint8_t field = 0;
  cd_code rc = con_field_find(q, trimmed(value), false, &field, err);
  if (rc != CD_OK)
    return rc;
  if (q->fields[field].type != CON_JSON || !con_same(trimmed(value), CD_STR("evidence")))
    return cd_fail(err, CD_E_INVALID, "The property '%s' cannot be expanded.",
                   q->fields[field].name);
  q->expands = true;
  return CD_OK;
}

static cd_code read_filter(cd_str value, con_odata *q, cd_err *err)
{
  return trimmed(value).len == 0 ? CD_OK : con_filter_parse(value, q, err);
}

static const struct {
  cd_str name;
  cd_code (*read)(cd_str value, con_odata *q, cd_err *err);
} options[] = {{CD_STR_INIT("$filter"), read_filter}, {CD_STR_INIT("$top"), read_top},
               {CD_STR_INIT("$skip"), read_skip},     {CD_STR_INIT("$count"), read_count},
               {CD_STR_INIT("$select"), read_select}, {CD_STR_INIT("$orderby"), read_orderby},
               {CD_STR_INIT("$expand"), read_expand}};

#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

static cd_code read_option(const con_param *p, bool seen[OPTION_COUNT], con_odata *q, cd_err *err)
{
  for (size_t i = 0; i < OPTION_COUNT; i++) {
    if (!con_same(p->name, options[i].name))
      continue;
    if (seen[i])
      return cd_fail(err, CD_E_INVALID, "The query option %.*s is there twice.",
                     CD_STR_ARG(options[i].name));
    seen[i] = true;
    return options[i].read(p->value, q, err);
  }
  cd_str shown = {p->name.ptr, p->name.len < 60 ? p->name.len : 60};
  return cd_fail(err, CD_E_INVALID, "The query option '%.*s' is not supported here.",
                 CD_STR_ARG(shown));
}

cd_code con_odata_parse(const con_param *params, size_t count, const con_field *fields,
                        size_t field_count, con_odata **ret_query, cd_err *err)
{
  bool seen[OPTION_COUNT] = {false};
  cd_code rc = CD_OK;
  con_odata *q = calloc(1, sizeof(*q));
  if (q == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for a query");
  q->fields = fields;
  q->field_count = field_count < CON_FIELDS_MAX ? field_count : CON_FIELDS_MAX;
  for (size_t i = 0; i < count && rc == CD_OK; i++) {
    if (params[i].name.len > 0 && params[i].name.ptr[0] == '$')
      rc = read_option(&params[i], seen, q, err);
  }
  if (rc != CD_OK) {
    free(q);
    return rc;
  }
  *ret_query = q;
  return CD_OK;
}

void con_odata_free(con_odata *q)
{
  free(q);
}

/* ---- rows ---- */

static char lower(char c)
{
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int compare_text(cd_str a, cd_str b)
{
  for (size_t i = 0; i < a.len && i < b.len; i++) {
    unsigned char x = (unsigned char)lower(a.ptr[i]);
    unsigned char y = (unsigned char)lower(b.ptr[i]);
    if (x != y)
      return x < y ? -1 : 1;
  }
  return a.len == b.len ? 0 : (a.len < b.len ? -1 : 1);
}

static int compare_number(int64_t a, int64_t b)
{
  return a == b ? 0 : (a < b ? -1 : 1);
}

static int compare_with(con_type type, const con_value *v, const con_literal *l)
{
  if (type == CON_TEXT || type == CON_LIST)
    return compare_text(v->text, l->text);
  return compare_number(type == CON_TIME ? v->number * 10000 : v->number, l->number);
}

/* Null equals null alone, and is neither above nor below anything. */
static bool holds(con_op op, con_type type, const con_value *v, const con_literal *l)
{
  if (v->null || l->null) {
    bool both = v->null && l->null;
    return op == CON_OP_NE ? !both : (both && (op == CON_OP_EQ || op == CON_OP_IN));
  }
  int order = compare_with(type, v, l);
  switch (op) {
  case CON_OP_EQ:
  case CON_OP_IN: return order == 0;
  case CON_OP_NE: return order != 0;
  case CON_OP_GT: return order > 0;
  case CON_OP_GE: return order >= 0;
  case CON_OP_LT: return order < 0;
  case CON_OP_LE: return order <= 0;
  default: return false;
  }
}

static bool text_holds(con_op op, cd_str text, cd_str part)
{
  if (part.len > text.len)
    return false;
  size_t last = text.len - part.len;
  if (op == CON_OP_STARTS)
    return con_same((cd_str){text.ptr, part.len}, part);
  if (op == CON_OP_ENDS)
    return con_same((cd_str){text.ptr + last, part.len}, part);
  for (size_t at = 0; at <= last; at++) {
    if (con_same((cd_str){text.ptr + at, part.len}, part))
      return true;
  }
  return false;
}

typedef struct row_view {
  const con_odata *q;
  con_get get;
  const void *row;
  cd_str element; /* within `any` */
} row_view;

static bool leaf_matches(const row_view *r, const con_node *n)
{
  con_value v = {.text = r->element};
  con_type type = CON_TEXT;
  if (n->field != CON_ELEMENT) {
    type = r->q->fields[n->field].type;
    r->get(r->row, n->field, &v);
  }
  for (uint16_t i = 0; i < n->count; i++) {
    const con_literal *l = &r->q->literals[n->literal + i];
    bool text_op = n->op == CON_OP_STARTS || n->op == CON_OP_ENDS || n->op == CON_OP_CONTAINS;
    if (text_op ? !v.null && !l->null && text_holds(n->op, v.text, l->text)
                : holds(n->op, type, &v, l))
      return true;
  }
  return false;
}

/* The depth of the tree is bounded by CON_FILTER_NODES. */
static bool node_matches(const row_view *r, uint16_t index)
{
  const con_node *n = &r->q->nodes[index];
  switch (n->op) {
  case CON_OP_OR: return node_matches(r, n->left) || node_matches(r, n->right);
  case CON_OP_AND: return node_matches(r, n->left) && node_matches(r, n->right);
  case CON_OP_NOT: return !node_matches(r, n->left);
  case CON_OP_ANY: {
    con_value v = {0};
    r->get(r->row, n->field, &v);
    for (size_t i = 0; i < v.count; i++) {
      row_view inner = *r;
      inner.element = v.items[i];
      if (n->left == 0 || node_matches(&inner, (uint16_t)(n->left - 1)))
        return true;
    }
    return false;
  }
  default: return leaf_matches(r, n);
  }
}

bool con_odata_matches(const con_odata *q, con_get get, const void *row)
{
  const row_view r = {.q = q, .get = get, .row = row};
  return !q->has_filter || node_matches(&r, q->root);
}

bool con_odata_ordered(const con_odata *q)
{
  return q->order_count > 0;
}

void con_odata_keys(const con_odata *q, con_get get, const void *row,
                    con_value ret_keys[CON_ORDER_MAX])
{
  for (unsigned i = 0; i < q->order_count; i++)
    get(row, q->order[i].field, &ret_keys[i]);
}

int con_odata_compare(const con_odata *q, const con_value *a, const con_value *b)
{
  for (unsigned i = 0; i < q->order_count; i++) {
    const con_order *o = &q->order[i];
    int order = 0;
    if (a[i].null || b[i].null)
      order = (a[i].null ? 0 : 1) - (b[i].null ? 0 : 1);
    else if (q->fields[o->field].type == CON_TEXT)
      order = compare_text(a[i].text, b[i].text);
    else
      order = compare_number(a[i].number, b[i].number);
    if (order != 0)
      return o->descending ? -order : order;
  }
  return 0;
}

bool con_odata_counts(const con_odata *q)
{
  return q->counts;
}

bool con_odata_expands(const con_odata *q)
{
  return q->expands;
}

bool con_odata_selects(const con_odata *q, size_t field)
{
  return !q->has_select || (field < CON_FIELDS_MAX && (q->select >> field & 1) != 0);
}

uint64_t con_odata_skip(const con_odata *q)
{
  return q->skip;
}

uint64_t con_odata_top(const con_odata *q, bool *ret_asked)
{
  if (ret_asked != NULL)
    *ret_asked = q->has_top;
  return q->has_top ? q->top : q->expands ? CON_PAGE_EXPANDED : CON_PAGE_MAX;
}
