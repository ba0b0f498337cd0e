/* JSON through one door, over cJSON.
 *
 * Reading: parse with ceilings on size, depth, count; keys are matched with their case; duplicate
 * keys are refused; every getter checks type and range; the first failure sticks and names the path
 * ("exclusions[3].ports"); cd_json_done() refuses keys that nobody asked for. Numbers above 2^53
 * travel as decimal strings, both ways. Writing: into a cd_buf, append many, test once. */
#ifndef CD_JSON_H
#define CD_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

/* ---- reading ---- */

typedef struct cd_json_doc cd_json_doc; /* a parsed document; owns every view read from it */

#define CD_JSON_PATH_MAX 128

/* A place in a document: an object, an array or any other value. Plain value, no release; valid
 * while the document is. Readers of one document share its first failure. */
typedef struct cd_json {
  cd_json_doc *doc;
  const void *node; /* NULL after a failure: getters then do nothing */
  uint64_t asked;   /* bit per key of an object that was asked for */
  char path[CD_JSON_PATH_MAX];
} cd_json;

/* `text` must be one JSON value of at most `max` bytes, valid UTF-8, nesting at most
 * CD_JSON_DEPTH_MAX, at most CD_JSON_NODES_MAX values, no duplicate keys, no NUL in a string, no
 * whole number above 2^53. `what` names it in the error. */
CD_MUST_USE cd_code cd_json_parse(cd_str text, size_t max, const char *what, cd_json_doc **ret_doc,
                                  cd_err *err);
void cd_json_free(cd_json_doc *doc); /* NULL is fine */

/* The root as an object (a failure sticks if it is none; also if it has more than CD_JSON_KEYS_MAX
 * keys). */
cd_json cd_json_root(cd_json_doc *doc);
/* The root whatever its type, for cd_json_print() and cd_json_is_object(). */
cd_json cd_json_any(cd_json_doc *doc);
bool cd_json_is_object(const cd_json *j);
bool cd_json_is_number(const cd_json *j); /* a decimal string is none */
bool cd_json_has(const cd_json *obj,
                 const char *key); /* present and not null; does not count as asked */

/* Mandatory members. On failure the output is left as it was, but a reader (obj, arr, value)
 * becomes a dead one, through which nothing is read. Numbers: whole, as a number up to 2^53 or as a
 * decimal string. Strings: a view into the document, at most `max` bytes; length 0 is allowed. */
void cd_json_str(cd_json *obj, const char *key, size_t max, cd_str *out);
void cd_json_u64(cd_json *obj, const char *key, uint64_t max, uint64_t *out);
void cd_json_i64(cd_json *obj, const char *key, int64_t min, int64_t max, int64_t *out);
void cd_json_bool(cd_json *obj, const char *key, bool *out);
/* One of `names` (NULL-terminated); *out is its index. */
void cd_json_enum(cd_json *obj, const char *key, const char *const *names, int *out);
void cd_json_obj(cd_json *obj, const char *key, cd_json *out);
void cd_json_arr(cd_json *obj, const char *key, size_t max, cd_json *out);
/* Any value, unread. */
void cd_json_value(cd_json *obj, const char *key, cd_json *out);

/* Optional members: true if present and good. Absent or null: false, output as it was, no failure.
 */
bool cd_json_opt_str(cd_json *obj, const char *key, size_t max, cd_str *out);
bool cd_json_opt_u64(cd_json *obj, const char *key, uint64_t max, uint64_t *out);
bool cd_json_opt_i64(cd_json *obj, const char *key, int64_t min, int64_t max, int64_t *out);
bool cd_json_opt_bool(cd_json *obj, const char *key, bool *out);
bool cd_json_opt_enum(cd_json *obj, const char *key, const char *const *names, int *out);
bool cd_json_opt_obj(cd_json *obj, const char *key, cd_json *out);
bool cd_json_opt_arr(cd_json *obj, const char *key, size_t max, cd_json *out);
bool cd_json_opt_value(cd_json *obj, const char *key, cd_json *out);

/* The i-th member of an object whose keys are data: a whole number as in cd_json_u64(). False:
 * there are no more, or it is none (which sticks). It counts as asked. */
bool cd_json_member_at(cd_json *obj, size_t i, uint64_t max, cd_str *ret_key, uint64_t *ret_value);

/* Array elements, i < cd_json_len(). */
size_t cd_json_len(const cd_json *arr); /* 0 after a failure */
void cd_json_at_str(cd_json *arr, size_t i, size_t max, cd_str *out);
void cd_json_at_u64(cd_json *arr, size_t i, uint64_t max, uint64_t *out);
void cd_json_at_obj(cd_json *arr, size_t i, cd_json *out);
void cd_json_at_value(cd_json *arr, size_t i, cd_json *out);

/* Refuses a key of `obj` that was not asked for (the failure sticks). Call it for each object that
 * was read whole. */
void cd_json_no_more(cd_json *obj);
/* A failure found by the caller, at a member of `obj` (key may be NULL): sticks like the others. */
void cd_json_bad(cd_json *obj, const char *key, const char *fmt, ...) CD_PRINTF(3, 4);
/* CD_OK, or the document's first failure: "<what>: exclusions[3].ports must be ..." */
CD_MUST_USE cd_code cd_json_status(const cd_json *any, cd_err *err);
/* cd_json_no_more() and cd_json_status() in one. */
CD_MUST_USE cd_code cd_json_done(cd_json *obj, cd_err *err);

/* Prints a value as compact JSON (the members in the order of the document). */
void cd_json_print(const cd_json *value, cd_buf *out);
/* Prints `under` with what `over` says in its place: objects are joined member by member, anything
 * else of `over` replaces what stood there. Readers of two documents. */
void cd_json_overlay(const cd_json *under, const cd_json *over, cd_buf *out);

/* ---- writing ---- */

/* Commas and nesting are the writer's business. `key` is NULL inside an array and at the root. Text
 * that is not UTF-8 has each bad byte replaced by U+FFFD, and so has a NUL, which the reader
 * refuses. Compact: no space after a colon. */
typedef struct cd_jw {
  cd_buf *out;
  uint32_t depth;
  uint64_t objects; /* bit per open level: an object, else an array */
  bool comma;
  bool misused; /* unbalanced or too deep; cd_jw_done() fails */
} cd_jw;

void cd_jw_init(cd_jw *w, cd_buf *out);
void cd_jw_obj(cd_jw *w, const char *key);
void cd_jw_end_obj(cd_jw *w);
void cd_jw_arr(cd_jw *w, const char *key);
void cd_jw_end_arr(cd_jw *w);
void cd_jw_str(cd_jw *w, const char *key, cd_str s);
void cd_jw_cstr(cd_jw *w, const char *key, const char *s); /* NULL writes null */
void cd_jw_strf(cd_jw *w, const char *key, const char *fmt, ...) CD_PRINTF(3, 4);
void cd_jw_u64(cd_jw *w, const char *key, uint64_t v); /* above 2^53: a decimal string */
void cd_jw_i64(cd_jw *w, const char *key, int64_t v);
void cd_jw_bool(cd_jw *w, const char *key, bool v);
void cd_jw_null(cd_jw *w, const char *key);
void cd_jw_time(cd_jw *w, const char *key, int64_t wall_ms); /* RFC 3339; 0 writes null */
/* `json` must be a valid value already (checked by the caller); an empty view writes null. */
void cd_jw_raw(cd_jw *w, const char *key, cd_str json);
void cd_jw_value(cd_jw *w, const char *key, const cd_json *value);
/* All members of an object, into the object that is open, but the one of that name (NULL: all). */
void cd_jw_members(cd_jw *w, const cd_json *obj, const char *except);
/* CD_OK, or the buffer's failure, or CD_E_INTERNAL for an unbalanced document. */
CD_MUST_USE cd_code cd_jw_done(cd_jw *w, const char *what, cd_err *err);

#endif
