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

/* `service_0_in`: the chain of a service, by its place among the parameters and the packets' way
 * (0: in). And the name of a map. */
enum { ISO_GROUPS_NAME = 32, ISO_GROUPS_ROOM = 128 * 1024 /* all elements, and the renewal */ };
void iso_groups_chain(char ret_name[ISO_GROUPS_NAME], size_t service, size_t way);
void iso_groups_map(char ret_name[ISO_GROUPS_NAME], size_t way, unsigned level);

/* Puts the groups of what runs now in the place of those in the maps of that table. */
void iso_groups_write_renewal(sup_text *out, const iso_params *p, const char *table);

#endif
