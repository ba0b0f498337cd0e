/* The part of the rules that tells packets by their service. What stands in them is the same
 * whether or not a service runs; only the elements of the maps, which name the control groups,
 * differ, and are no part of what the rules are known by. */
#ifndef ISO_RULESET_GROUPS_H
#define ISO_RULESET_GROUPS_H

#include "params.h"
#include "support/text.h"

/* The maps' names begin so. */
#define ISO_GROUPS_MAP "services_"

/* Maps and chains. `running`: with the groups of what runs now. Nothing is written where no service
 * is excluded. */
void iso_groups_write(sup_text *out, const iso_params *p, bool running);
/* The rules of the input and the output chain. */
void iso_groups_write_in(sup_text *out, const iso_params *p);
void iso_groups_write_out(sup_text *out, const iso_params *p);

typedef enum iso_groups_state {
  ISO_GROUPS_RIGHT = 0,
  ISO_GROUPS_STALE,  /* a group that should be there is missing, or one is there that is gone */
  ISO_GROUPS_FOREIGN /* a group is let through that is none of these services' */
} iso_groups_state;

/* What a listing of our table has in the maps, against what runs now. Pure. */
iso_groups_state iso_groups_compare(const char *listing, size_t len, const iso_params *p);

#endif
