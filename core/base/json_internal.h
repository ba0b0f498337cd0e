/* Private to core/base: what the files of the JSON reader share. */
#ifndef CD_JSON_INTERNAL_H
#define CD_JSON_INTERNAL_H

#include "base/json.h"

#include <cjson/cJSON.h>

/* The largest whole number up to which every whole number has a double of its own. */
#define CD_JSON_EXACT_MAX (UINT64_C(1) << 53)

/* Not beyond that number in either direction; false for what is no number. */
static inline bool cd_json_is_exact(double d)
{
  return d >= -(double)CD_JSON_EXACT_MAX && d <= (double)CD_JSON_EXACT_MAX;
}

static inline bool cd_json_is_whole(double d)
{
  return cd_json_is_exact(d) && (double)(int64_t)d == d;
}

struct cd_json_doc {
  cJSON *root;
  char what[256]; /* names the document in the sentence */
  cd_err failure; /* the first one; code CD_OK while there is none */
  /* Where the last array access was, so that a loop over an array is linear. */
  const cJSON *array;
  const cJSON *element;
  size_t index;
};

/* The grammar of RFC 8259 to the letter, with the ceilings on depth and count, before cJSON sees a
 * byte: cJSON itself takes control characters as white space, cuts strings at \u0000 and recurses.
 */
CD_MUST_USE cd_code cd_json_scan(cd_str text, const char *what, cd_err *err);

/* Where a value stands, for the sentence: a member, an element, or the reader's own value. */
typedef struct cd_json_spot {
  const cd_json *in;
  const char *key; /* not NULL: that member */
  size_t index;    /* else, not SIZE_MAX: that element */
} cd_json_spot;

void cd_json_fail_at(cd_json_spot spot, cd_code code, const char *fmt, ...) CD_PRINTF(3, 4);
/* A reader of `node`, which stands at `spot`; a dead reader for NULL. */
cd_json cd_json_reader(cd_json_spot spot, const cJSON *node);
const char *cd_json_type_name(const cJSON *node);

#endif
