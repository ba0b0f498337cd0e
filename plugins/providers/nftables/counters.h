/* Our named counters, as the kernel tells them. */
#ifndef ISO_COUNTERS_H
#define ISO_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nft.h"
#include "support/err.h"

enum { ISO_COUNTERS_MAX = 32, ISO_COUNTER_NAME = 32 };

typedef struct iso_counter {
  char name[ISO_COUNTER_NAME];
  uint64_t packets;
} iso_counter;

typedef struct iso_counters {
  iso_counter items[ISO_COUNTERS_MAX];
  size_t count;
} iso_counters;

/* Takes the counters of the table out of a part of the kernel's answer; what is not whole is left
 * out, as is what is too much. `*done`: that was the last part. `*interrupted`: the rules changed
 * meanwhile. Pure. */
void iso_counters_walk(const unsigned char *bytes, size_t len, const char *table, iso_counters *c,
                       bool *done, bool *interrupted);

/* Reads those of a table; none where the table is not there. */
cordon_status iso_counters_read(const iso_table *table, iso_counters *ret_counters, sup_err *err);

/* Adds the values of the same names; names that are new are appended as long as there is room. */
void iso_counters_add(iso_counters *c, const iso_counters *more);

/* False if there is no such counter. */
bool iso_counters_get(const iso_counters *c, const char *name, uint64_t *ret_packets);

#endif
