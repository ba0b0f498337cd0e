/* strict: a table of family netdev on every link that frames leave by, for what gets past a table
 * of family inet: packet sockets, and interfaces stacked on a link. */
#ifndef ISO_STRICT_H
#define ISO_STRICT_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "links.h"
#include "listing.h"

/* What the kernel holds of it. */
typedef struct iso_strict {
  bool there;
  iso_hooks needed;
  iso_hooks in; /* the links that it has the right chain on, each way */
  iso_hooks out;
  char uncovered[IF_NAMESIZE]; /* the first that lacks one; empty if none does */
} iso_strict;

/* Takes the chains of the links out of a normalised listing, `rest` being what is left: the links
 * come and go, and are no part of the digest. A chain counts if it is exactly as we make it. Pure.
 */
void iso_strict_take_links(const char *normalised, iso_strict *s, sup_text *rest);

/* Reads the table, and appends what the digest is over to `normal`. */
cordon_status iso_strict_look(bool wanted, iso_strict *ret_strict, sup_text *normal, sup_err *err);

/* Adds `strict` to the details of a result. */
void iso_strict_add(const iso_strict *s, cJSON *details);

/* Can this kernel do it? Changes nothing. */
cordon_status iso_strict_works(sup_err *err);

#endif
