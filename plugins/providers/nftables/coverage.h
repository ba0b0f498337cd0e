/* What the evidence of verify does not cover, in words, and what of it this device has. */
#ifndef ISO_COVERAGE_H
#define ISO_COVERAGE_H

#include <stddef.h>

#include <cjson/cJSON.h>

enum { ISO_FLOWTABLES_MAX = 16 };

/* Appends the sentences that hold on every device. */
void iso_coverage_add(cJSON *list);

/* Names in `details.flowtables` those that this device has: connections that were handed to one are
 * forwarded past every rule. Nothing is added where there is none. */
void iso_coverage_add_flowtables(cJSON *details);

/* Appends `family table name` of each flowtable in what `list flowtables` printed, at most
 * ISO_FLOWTABLES_MAX. */
void iso_flowtables_read(const char *text, size_t len, cJSON *names);

#endif
