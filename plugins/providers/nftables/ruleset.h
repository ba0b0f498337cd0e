/* The rules of an isolation as text for nftables: a pure function of the parameters.
 *
 * The text is one transaction, which the kernel takes whole or not at all, and which replaces what
 * was there. How the exclusions become rules is told in the README of this folder. */
#ifndef ISO_RULESET_H
#define ISO_RULESET_H

#include "links.h"
#include "params.h"
#include "ruleset_groups.h"
#include "support/text.h"

enum {
  ISO_TAG_LEN = 64,        /* hex digits of a SHA-256 */
  ISO_ELEMENTS_MAX = 8192, /* over all sets; without overlaps 1024 exclusions need at most 7168 */
  ISO_RULESET_MAX = 1024 * 1024, /* ISO_ELEMENTS_MAX of the longest elements, and the rules */
  ISO_RULESET_ROOM = ISO_RULESET_MAX + ISO_GROUPS_ROOM /* with whatever services run */
};

#define ISO_TABLE "cordon"
/* The same rules once more, behind the first: owned by the process that loaded it, so that nobody
 * else can take it away, and gone with that process. */
#define ISO_GUARD_TABLE "cordon_guard"
/* Family netdev: what strict adds. */
#define ISO_STRICT_TABLE "cordon_strict"
#define ISO_TAG_WORD "cordon-rules"
/* Counts the packets of the agent's own connections that the rules drop. */
#define ISO_CONSOLE_COUNTER "dropped_console"
/* Deletes the table whether or not it is there, in one transaction. */
#define ISO_RULESET_DELETE "table inet " ISO_TABLE " { }\ndelete table inet " ISO_TABLE "\n"

/* Appends the rules. `ret_tag` is the SHA-256 of everything else in them but the control groups of
 * the services that run, and stands in them as a comment: by it query tells which parameters the
 * rules were made from. */
cordon_status iso_ruleset_render(const iso_params *p, sup_text *out, char ret_tag[ISO_TAG_LEN + 1],
                                 sup_err *err);

/* The same as a guard table, for whoever loads it to own. */
#define ISO_GUARD_DELETE                                                                           \
  "table inet " ISO_GUARD_TABLE " {\n  flags owner\n}\ndelete table inet " ISO_GUARD_TABLE "\n"
cordon_status iso_ruleset_render_guard(const iso_params *p, sup_text *out, sup_err *err);

/* The table of strict on these links: what has no other way past the inet table than straight
 * through a link. Without conntrack, which there is not at that place: a direction that needs it is
 * left to the inet table. */
#define ISO_STRICT_DELETE                                                                          \
  "table netdev " ISO_STRICT_TABLE " { }\ndelete table netdev " ISO_STRICT_TABLE "\n"
cordon_status iso_ruleset_render_strict(const iso_params *p, const iso_hooks *links, sup_text *out,
                                        sup_err *err);

#endif
