/* What the parts of odata share: the query in memory, and the tokens of a filter. */
#ifndef CON_ODATA_PRIVATE_H
#define CON_ODATA_PRIVATE_H

#include "odata.h"

typedef enum con_op {
  CON_OP_OR = 1,
  CON_OP_AND,
  CON_OP_NOT,
  CON_OP_EQ,
  CON_OP_NE,
  CON_OP_GT,
  CON_OP_GE,
  CON_OP_LT,
  CON_OP_LE,
  CON_OP_IN,
  CON_OP_STARTS,
  CON_OP_ENDS,
  CON_OP_CONTAINS,
  CON_OP_ANY
} con_op;

#define CON_ELEMENT UINT8_MAX /* instead of a field: the element that `any` looks at */

/* Converted to the type of the field that it is compared with. */
typedef struct con_literal {
  bool null;
  cd_str text;
  int64_t number; /* of a time: units of 100 ns */
} con_literal;

/* or, and: left, right; not: left; any: field, left (0-based index + 1; 0: whether there is one);
 * the others: field, and `count` literals from `literal` on. */
typedef struct con_node {
  con_op op;
  uint8_t field;
  uint16_t left;
  uint16_t right;
  uint16_t literal;
  uint16_t count;
} con_node;

typedef struct con_order {
  uint8_t field;
  bool descending;
} con_order;

struct con_odata {
  const con_field *fields;
  size_t field_count;
  bool has_filter;
  uint16_t root;
  uint16_t node_count;
  uint16_t literal_count;
  size_t text_len;
  con_node nodes[CON_FILTER_NODES];
  con_literal literals[CON_FILTER_LITERALS];
  unsigned order_count;
  con_order order[CON_ORDER_MAX];
  bool counts;
  bool expands;
  bool has_top;
  uint64_t top;
  uint64_t skip;
  bool has_select;
  uint64_t select;
  char text[CON_FILTER_MAX]; /* of the literals */
};

typedef enum con_lexeme_type {
  CON_LEX_END = 0,
  CON_LEX_NAME,
  CON_LEX_STRING, /* the text is without the quotes, and '' stands for ' still */
  CON_LEX_BARE,   /* a number or a time */
  CON_LEX_PUNCT,  /* one of ( ) , : / */
  CON_LEX_BAD
} con_lexeme_type;

typedef struct con_lexeme {
  con_lexeme_type type;
  cd_str text;
} con_lexeme;

/* Takes the next token from the front of *input. */
con_lexeme con_lex_next(cd_str *input);
bool con_lex_is(const con_lexeme *t, char punct);

/* The filter of $filter into q. */
CD_MUST_USE cd_code con_filter_parse(cd_str text, con_odata *q, cd_err *err);
/* The index of the field of that name, in any case; false with the API's sentence. */
CD_MUST_USE cd_code con_field_find(const con_odata *q, cd_str name, bool queried,
                                   uint8_t *ret_field, cd_err *err);

#endif
