/* What nftables prints about our table, and what can be told from it. Pure functions over text that
 * nobody vouches for: an attacker with root may have edited the table. */
#ifndef ISO_LISTING_H
#define ISO_LISTING_H

#include <stdbool.h>
#include <stdint.h>

#include "ruleset.h"
#include "support/text.h"

enum { ISO_DIGEST_TEXT = 80 };

/* The same rules give the same text: one space between words, elements of sets sorted, values of
 * counters and handles left out. */
void iso_listing_normalise(const char *text, size_t len, sup_text *out);
/* Adds the elements of a set that were listed apart from it, with commas between them. */
void iso_listing_add_elements(const char *set, const char *elements, size_t len, sup_text *out);

/* `sha256:` and hex over the normalised text. */
void iso_listing_digest(const sup_text *normalised, char ret_digest[ISO_DIGEST_TEXT]);

/* What the normalised text shows of the frame that holds the rules. */
typedef struct iso_frame {
  bool table;
  bool dormant; /* a flag of the table that switches all its chains off */
  bool input;   /* the chain is there, at its hook and priority, and drops by default */
  bool output;
  bool forward;
  char tag[ISO_TAG_LEN + 1]; /* of iso_ruleset_render(), empty if there is none */
} iso_frame;

void iso_listing_frame(const char *normalised, iso_frame *ret_frame);

/* How many chains there are, and how many rules each of ours has. The same for the text that is
 * loaded and for what is listed afterwards, which differ in the spelling of a rule. */
typedef struct iso_shape {
  uint32_t chains;
  uint32_t input;
  uint32_t output;
  uint32_t forward;
} iso_shape;

void iso_listing_shape(const char *text, iso_shape *ret_shape);
bool iso_shape_same(const iso_shape *a, const iso_shape *b);

#endif
