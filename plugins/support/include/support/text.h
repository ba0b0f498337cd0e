/* Text that grows up to a ceiling. Appending remembers the first failure, so that a writer tests
 * once, at the end. */
#ifndef SUP_TEXT_H
#define SUP_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Which rules of format strings hold; the build says so where it is not the compiler's default. */
#ifndef CORDON_PRINTF
#define CORDON_PRINTF printf
#endif

typedef struct sup_text {
  char *ptr; /* NUL-terminated once something was added, NULL before */
  size_t len;
  size_t room;
  size_t limit;
  bool failed; /* the ceiling or the memory was reached; the text is empty then */
} sup_text;

#define SUP_TEXT_INIT(ceiling)                                                                     \
  {                                                                                                \
    .limit = (ceiling)                                                                             \
  }

void sup_text_bytes(sup_text *t, const char *bytes, size_t len);
void sup_text_add(sup_text *t, const char *text);
void sup_text_addf(sup_text *t, const char *format, ...)
    __attribute__((format(CORDON_PRINTF, 2, 3)));
/* The text, never NULL: empty before the first append and after a failure. */
const char *sup_text_get(const sup_text *t);
void sup_text_release(sup_text *t);

#endif
