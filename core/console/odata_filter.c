/* $filter: a parser by descent, with ceilings on depth, comparisons and literals. */
#include "odata_private.h"

#include <string.h>

#include "base/banned.h"

typedef struct parser {
  con_odata *q;
  cd_str rest;
  con_lexeme now;
  unsigned depth;
  cd_str variable; /* of the `any` that is being read; empty: none */
  cd_err *err;
} parser;

static cd_code parse_or(parser *p, uint16_t *ret_node);

static void advance(parser *p)
{
  p->now = con_lex_next(&p->rest);
}

static cd_code bad(parser *p, const char *wanted)
{
  if (p->now.type == CON_LEX_END)
    return cd_fail(p->err, CD_E_INVALID, "The query's $filter ends where %s is expected.", wanted);
  cd_str shown = {p->now.text.ptr, p->now.text.len < 60 ? p->now.text.len : 60};
  return cd_fail(p->err, CD_E_INVALID, "The query's $filter has '%.*s' where %s is expected.",
                 CD_STR_ARG(shown), wanted);
}

static bool at_word(const parser *p, cd_str word)
{
  return p->now.type == CON_LEX_NAME && con_same(p->now.text, word);
}

static cd_code expect(parser *p, char punct, const char *wanted)
{
  if (!con_lex_is(&p->now, punct))
    return bad(p, wanted);
  advance(p);
  return CD_OK;
}

static cd_code new_node(parser *p, con_node node, uint16_t *ret_node)
{
  if (p->q->node_count >= CON_FILTER_NODES)
    return cd_fail(p->err, CD_E_INVALID, "The query's $filter has more than %u comparisons.",
                   CON_FILTER_NODES);
  *ret_node = p->q->node_count++;
  p->q->nodes[*ret_node] = node;
  return CD_OK;
}

/* Puts the text of a string, with '' made ', where the query keeps it. It is never longer than the
 * filter, so it fits. */
static cd_str keep_text(con_odata *q, cd_str quoted)
{
  char *start = q->text + q->text_len;
  size_t len = 0;
  for (size_t i = 0; i < quoted.len && q->text_len + len < sizeof(q->text); i++) {
    start[len++] = quoted.ptr[i];
    if (quoted.ptr[i] == '\'')
      i++;
  }
  q->text_len += len;
  return (cd_str){start, len};
}

static bool whole_number(cd_str text, int64_t *ret_number)
{
  bool negative = text.len > 0 && text.ptr[0] == '-';
  uint64_t n = 0;
  cd_str digits = {text.ptr + (negative ? 1 : 0), text.len - (negative ? 1 : 0)};
  if (!cd_str_to_u64(digits, UINT64_C(1) << 62, &n))
    return false;
  *ret_number = negative ? -(int64_t)n : (int64_t)n;
  return true;
}

static bool truth(cd_str text, int64_t *ret_number)
{
  *ret_number = con_same(text, CD_STR("true")) ? 1 : 0;
  return *ret_number == 1 || con_same(text, CD_STR("false"));
}

/* The token as a value of `type`; quotes around numbers, times and truth values are allowed. */
static cd_code convert(parser *p, con_type type, con_literal *ret_literal)
{
  const con_lexeme *t = &p->now;
  bool quoted = t->type == CON_LEX_STRING;
  *ret_literal = (con_literal){.null = at_word(p, CD_STR("null"))};
  if (ret_literal->null)
    return CD_OK;
  switch (type) {
  case CON_TEXT:
  case CON_LIST:
  case CON_JSON:
    if (!quoted)
      return bad(p, "a text in single quotes");
    ret_literal->text = keep_text(p->q, t->text);
    return CD_OK;
  case CON_NUMBER:
    return (quoted || t->type == CON_LEX_BARE) && whole_number(t->text, &ret_literal->number)
               ? CD_OK
               : bad(p, "a whole number");
  case CON_TIME:
    return (quoted || t->type == CON_LEX_BARE) && con_time_parse(t->text, &ret_literal->number)
               ? CD_OK
               : bad(p, "a time such as 2026-01-31T12:00:00Z");
  case CON_BOOL:
    return (quoted || t->type == CON_LEX_NAME) && truth(t->text, &ret_literal->number)
               ? CD_OK
               : bad(p, "true or false");
  }
  return bad(p, "a value");
}

static cd_code parse_literal(parser *p, con_type type, uint16_t *ret_index)
{
  if (p->q->literal_count >= CON_FILTER_LITERALS)
    return cd_fail(p->err, CD_E_INVALID, "The query's $filter has more than %u values.",
                   CON_FILTER_LITERALS);
  uint16_t index = p->q->literal_count;
  cd_code rc = convert(p, type, &p->q->literals[index]);
  if (rc != CD_OK)
    return rc;
  p->q->literal_count++;
  *ret_index = index;
  advance(p);
  return CD_OK;
}

/* A field, or the variable of `any`. */
static cd_code parse_field(parser *p, uint8_t *ret_field, con_type *ret_type)
{
  if (p->now.type != CON_LEX_NAME)
    return bad(p, "a property");
  if (p->variable.len > 0) {
    if (!con_same(p->now.text, p->variable))
      return bad(p, "the variable of 'any'");
    *ret_field = CON_ELEMENT;
    *ret_type = CON_TEXT;
  } else {
    cd_code rc = con_field_find(p->q, p->now.text, true, ret_field, p->err);
    if (rc != CD_OK)
      return rc;
    *ret_type = p->q->fields[*ret_field].type;
  }
  advance(p);
  return CD_OK;
}

/* startswith(field,'x') and its like; the name was taken. */
static cd_code parse_function(parser *p, con_op op, uint16_t *ret_node)
{
  con_node node = {.op = op, .count = 1};
  con_type type = CON_TEXT;
  cd_code rc = expect(p, '(', "'('");
  if (rc == CD_OK)
    rc = parse_field(p, &node.field, &type);
  if (rc == CD_OK && type != CON_TEXT)
    rc = cd_fail(p->err, CD_E_INVALID, "The query's $filter uses a function for text on '%s'.",
                 p->q->fields[node.field].name);
  if (rc == CD_OK)
    rc = expect(p, ',', "','");
  if (rc == CD_OK)
    rc = parse_literal(p, CON_TEXT, &node.literal);
  if (rc == CD_OK)
    rc = expect(p, ')', "')'");
  return rc == CD_OK ? new_node(p, node, ret_node) : rc;
}

/* ('a','b'); the word `in` was taken. */
static cd_code parse_in(parser *p, con_node node, con_type type, uint16_t *ret_node)
{
  cd_code rc = expect(p, '(', "'('");
  node.op = CON_OP_IN;
  node.literal = p->q->literal_count;
  while (rc == CD_OK) {
    uint16_t index = 0;
    rc = parse_literal(p, type, &index);
    node.count++;
    if (rc != CD_OK || !con_lex_is(&p->now, ','))
      break;
    advance(p);
  }
  if (rc == CD_OK)
    rc = expect(p, ')', "',' or ')'");
  return rc == CD_OK ? new_node(p, node, ret_node) : rc;
}

/* /any(tag: ...); the field was taken. */
static cd_code parse_any(parser *p, uint8_t field, uint16_t *ret_node)
{
  con_node node = {.op = CON_OP_ANY, .field = field};
  advance(p);
  if (!at_word(p, CD_STR("any")))
    return bad(p, "'any'");
  advance(p);
  cd_code rc = expect(p, '(', "'('");
  if (rc == CD_OK && !con_lex_is(&p->now, ')')) {
    uint16_t inner = 0;
    if (p->now.type != CON_LEX_NAME)
      return bad(p, "a variable");
    p->variable = p->now.text;
    advance(p);
    rc = expect(p, ':', "':'");
    if (rc == CD_OK)
      rc = parse_or(p, &inner);
    p->variable = (cd_str){0};
    node.left = (uint16_t)(inner + 1);
  }
  if (rc == CD_OK)
    rc = expect(p, ')', "')'");
  return rc == CD_OK ? new_node(p, node, ret_node) : rc;
}

static cd_code parse_comparison(parser *p, uint16_t *ret_node)
{
  static const struct {
    cd_str word;
    con_op op;
  } words[] = {{CD_STR_INIT("eq"), CON_OP_EQ}, {CD_STR_INIT("ne"), CON_OP_NE},
               {CD_STR_INIT("gt"), CON_OP_GT}, {CD_STR_INIT("ge"), CON_OP_GE},
               {CD_STR_INIT("lt"), CON_OP_LT}, {CD_STR_INIT("le"), CON_OP_LE}};
  con_node node = {.count = 1};
  con_type type = CON_TEXT;
  cd_code rc = parse_field(p, &node.field, &type);
  if (rc != CD_OK)
    return rc;
  if (type == CON_LIST) {
    if (!con_lex_is(&p->now, '/'))
      return bad(p, "'/any(...)', for the property holds several values,");
    return parse_any(p, node.field, ret_node);
  }
  if (at_word(p, CD_STR("in"))) {
    advance(p);
    node.count = 0;
    return parse_in(p, node, type, ret_node);
  }
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
    if (!at_word(p, words[i].word))
      continue;
    node.op = words[i].op;
    advance(p);
    rc = parse_literal(p, type, &node.literal);
    return rc == CD_OK ? new_node(p, node, ret_node) : rc;
  }
  return bad(p, "one of eq, ne, gt, ge, lt, le, in");
}

/* A name in front of '(' is a function, whatever it is called. */
static bool at_call(const parser *p)
{
  cd_str rest = p->rest;
  con_lexeme next = con_lex_next(&rest);
  return p->now.type == CON_LEX_NAME && con_lex_is(&next, '(');
}

static cd_code parse_call(parser *p, uint16_t *ret_node)
{
  static const struct {
    cd_str word;
    con_op op;
  } functions[] = {{CD_STR_INIT("startswith"), CON_OP_STARTS},
                   {CD_STR_INIT("endswith"), CON_OP_ENDS},
                   {CD_STR_INIT("contains"), CON_OP_CONTAINS}};
  for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
    if (at_word(p, functions[i].word)) {
      advance(p);
      return parse_function(p, functions[i].op, ret_node);
    }
  }
  return bad(p, "one of startswith, endswith, contains");
}

static cd_code parse_unary(parser *p, uint16_t *ret_node)
{
  cd_code rc = CD_OK;
  if (p->depth >= CON_FILTER_DEPTH)
    return cd_fail(p->err, CD_E_INVALID, "The query's $filter is nested more than %u deep.",
                   CON_FILTER_DEPTH);
  p->depth++;
  if (at_word(p, CD_STR("not"))) {
    con_node node = {.op = CON_OP_NOT};
    advance(p);
    rc = parse_unary(p, &node.left);
    if (rc == CD_OK)
      rc = new_node(p, node, ret_node);
  } else if (con_lex_is(&p->now, '(')) {
    advance(p);
    rc = parse_or(p, ret_node);
    if (rc == CD_OK)
      rc = expect(p, ')', "'and', 'or' or ')'");
  } else if (at_call(p)) {
    rc = parse_call(p, ret_node);
  } else {
    rc = parse_comparison(p, ret_node);
  }
  p->depth--;
  return rc;
}

static cd_code parse_and(parser *p, uint16_t *ret_node)
{
  cd_code rc = parse_unary(p, ret_node);
  while (rc == CD_OK && at_word(p, CD_STR("and"))) {
    con_node node = {.op = CON_OP_AND, .left = *ret_node};
    advance(p);
    rc = parse_unary(p, &node.right);
    if (rc == CD_OK)
      rc = new_node(p, node, ret_node);
  }
  return rc;
}

static cd_code parse_or(parser *p, uint16_t *ret_node)
{
  cd_code rc = parse_and(p, ret_node);
  while (rc == CD_OK && at_word(p, CD_STR("or"))) {
    con_node node = {.op = CON_OP_OR, .left = *ret_node};
    advance(p);
    rc = parse_and(p, &node.right);
    if (rc == CD_OK)
      rc = new_node(p, node, ret_node);
  }
  return rc;
}

cd_code con_filter_parse(cd_str text, con_odata *q, cd_err *err)
{
  parser p = {.q = q, .rest = text, .err = err};
  if (text.len > CON_FILTER_MAX)
    return cd_fail(err, CD_E_INVALID, "The query's $filter is longer than %u bytes.",
                   CON_FILTER_MAX);
  if (!cd_str_utf8_valid(text) || memchr(text.ptr != NULL ? text.ptr : "", '\0', text.len) != NULL)
    return cd_fail(err, CD_E_INVALID, "The query's $filter is not text in UTF-8.");
  advance(&p);
  cd_code rc = parse_or(&p, &q->root);
  if (rc == CD_OK && p.now.type != CON_LEX_END)
    rc = bad(&p, "'and', 'or' or the end");
  q->has_filter = rc == CD_OK;
  return rc;
}
