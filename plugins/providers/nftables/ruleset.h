/* The rules of an isolation as text for nftables: a pure function of the parameters.
 *
 * The text is one transaction, which the kernel takes whole or not at all, and which replaces what
 * was there. How the exclusions become rules is told in the README of this folder. */
#ifndef ISO_RULESET_H
#define ISO_RULESET_H

#include "params.h"
#include "support/text.h"

enum {
  ISO_TAG_LEN = 64,        /* hex digits of a SHA-256 */
  ISO_ELEMENTS_MAX = 8192, /* over all sets; without overlaps 1024 exclusions need at most 7168 */
  ISO_RULESET_MAX = 1024 * 1024 /* ISO_ELEMENTS_MAX of the longest elements, and the rules */
};

#define ISO_TABLE "cordon"
#define ISO_TAG_WORD "cordon-rules"
/* Counts the packets of the agent's own connections that the rules drop. */
#define ISO_CONSOLE_COUNTER "dropped_console"
/* Deletes the table whether or not it is there, in one transaction. */
#define ISO_RULESET_DELETE "table inet " ISO_TABLE " { }\ndelete table inet " ISO_TABLE "\n"

/* Appends the rules. `ret_tag` is the SHA-256 of everything else in them, and stands in them as a
 * comment: by it query tells which parameters the rules were made from. */
cordon_status iso_ruleset_render(const iso_params *p, sup_text *out, char ret_tag[ISO_TAG_LEN + 1],
                                 sup_err *err);

#endif
