/* Text as pointer and length. Views own nothing; UTF-8 throughout. */
#ifndef CD_STR_H
#define CD_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cd_str {
  const char *ptr;
  size_t len;
} cd_str;

#define CD_STR(literal) ((cd_str){"" literal "", sizeof(literal) - 1})
/* The same as an initialiser, for static tables, where a compound literal is no constant. */
#define CD_STR_INIT(literal)                                                                       \
  {                                                                                                \
    "" literal "", sizeof(literal) - 1                                                             \
  }
/* For printf: "%.*s", CD_STR_ARG(s). */
#define CD_STR_ARG(s) (int)(s).len, (s).ptr != NULL ? (s).ptr : ""

cd_str cd_str_from(const char *s); /* NULL becomes the empty view */
bool cd_str_eq(cd_str a, cd_str b);
bool cd_str_eq_cstr(cd_str a, const char *b);
bool cd_str_starts(cd_str s, cd_str prefix);
bool cd_str_ends(cd_str s, cd_str suffix);
/* Cuts at the first `sep`: the part before it is returned, *rest becomes what follows (empty if no
 * sep). */
cd_str cd_str_cut(cd_str *rest, char sep);
/* A NUL-terminated copy (free()), NULL when there is no memory. */
char *cd_str_dup(cd_str s);
/* Copies into a fixed array. Returns false, with `out` the empty string, if it does not fit or
 * holds a NUL. */
bool cd_str_copy(char *out, size_t out_size, cd_str s);
/* Decimal digits only, the whole view, at most `max`. */
bool cd_str_to_u64(cd_str s, uint64_t max, uint64_t *ret_value);
/* Well-formed UTF-8 (no surrogates, no overlong forms, at most U+10FFFF). */
bool cd_str_utf8_valid(cd_str s);
/* The length of the valid UTF-8 sequence that `s` starts with, 0 if it starts with none. */
size_t cd_str_utf8_next(cd_str s);
/* The length of the longest start of `s` of at most `max` bytes that does not end inside a
 * character. */
size_t cd_str_utf8_cut(cd_str s, size_t max);
/* Lower-case hex; `out` takes 2 * len + 1 bytes. */
void cd_hex(char *out, const void *bytes, size_t len);
/* Exactly 2 * len hex digits of either case into `out`. */
bool cd_unhex(void *out, size_t len, cd_str hex);
/* Equal or not in a time that depends on `len` alone. */
bool cd_equal_constant_time(const void *a, const void *b, size_t len);

#endif
