/* CSV by RFC 4180, field by field, into whatever takes bytes.
 *
 * Whatever a field is made of comes back out of it, and nothing in it runs:
 * - A byte that is no UTF-8, and a control character other than tab, line feed and carriage return,
 *   is written `\xHH`; so is a backslash in front of an x. Every other backslash is itself.
 * - What a spreadsheet would take for a formula (`=`, `+`, `-`, `@` and their wide forms, tab and
 *   carriage return at the front) gets a `'` in front; so does what begins with `'`. Who takes one
 *   `'` off the front of a field has the text. Numbers of sup_csv_number() are left alone.
 * - A semicolon, tab or end of a line that a formula follows is `\xHH` as well: to who splits at
 *   those the formula would be a cell of its own. */
#ifndef SUP_CSV_H
#define SUP_CSV_H

#include <stddef.h>
#include <stdint.h>

enum { SUP_CSV_BUFFER = 512, SUP_CSV_PLAIN = 128 };

typedef void sup_csv_fn(void *data, const char *bytes, size_t len);

typedef struct sup_csv {
  sup_csv_fn *put;
  void *data;
  size_t fields; /* of this row */
  size_t used;
  char buffer[SUP_CSV_BUFFER];
} sup_csv;

void sup_csv_init(sup_csv *c, sup_csv_fn *put, void *data);
void sup_csv_bytes(sup_csv *c, const char *bytes, size_t len);
/* NULL is an empty field. */
void sup_csv_text(sup_csv *c, const char *text);
void sup_csv_number(sup_csv *c, int64_t number);
void sup_csv_unsigned(sup_csv *c, uint64_t number);
/* A field that needs neither quotes nor escapes, as its writer knows: at most SUP_CSV_PLAIN bytes.
 */
void sup_csv_plain(sup_csv *c, const char *text, size_t len);
/* Ends the row and hands on all of it. */
void sup_csv_end(sup_csv *c);

/* The same escapes without quotes, for other kinds of text: at most `size` - 1 bytes and a NUL. Of
 * what is too long the end is left out, never half an escape or character. */
void sup_csv_escape(const char *bytes, size_t len, char *ret_text, size_t size);

#endif
