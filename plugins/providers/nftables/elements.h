/* The sets of a table and what is in them, as the kernel tells it. libnftables would look for a
 * name for each control group, in all of ISO_GROUPS_FOLDER: for as long as users make that take,
 * and among files of other hierarchies that have the same number. */
#ifndef ISO_ELEMENTS_H
#define ISO_ELEMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nft.h"
#include "support/err.h"

enum { ISO_SETS_MAX = 64, ISO_SET_NAME = 32 };

/* Sets and maps that have a name. Ours are at most 34. */
typedef struct iso_sets {
  char names[ISO_SETS_MAX][ISO_SET_NAME];
  size_t count;
  bool more; /* there are more, or one with a longer name */
} iso_sets;

/* Takes them out of a part of the kernel's answer. `*done`: that was the last part. `*interrupted`:
 * the rules changed meanwhile. Pure. */
void iso_sets_walk(const unsigned char *bytes, size_t len, const char *table, iso_sets *sets,
                   bool *done, bool *interrupted);
/* Reads those of a table; none where the table is not there. */
cordon_status iso_sets_read(const iso_table *table, iso_sets *ret_sets, sup_err *err);

typedef struct iso_element {
  const unsigned char *bytes; /* all that the kernel tells of it */
  size_t len;
  bool jumps; /* it is a number of eight bytes, for which a chain is gone to, and nothing else */
  uint64_t number;
  char chain[ISO_SET_NAME];
} iso_element;
typedef void iso_element_fn(void *data, const iso_element *e);

/* Shows the elements of one set in a part of the kernel's answer. Pure. */
void iso_elements_walk(const unsigned char *bytes, size_t len, const char *table, const char *set,
                       iso_element_fn *fn, void *data, bool *done, bool *interrupted);

/* Reads those of a set; none where there is no such set. The kernel may have to be asked again:
 * `forget` takes back what `fn` was shown. */
cordon_status iso_elements_read(const iso_table *table, const char *set, void (*forget)(void *data),
                                iso_element_fn *fn, void *data, sup_err *err);

#endif
