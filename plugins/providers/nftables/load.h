/* The rules of an apply, and how they come to be in force. */
#ifndef ISO_LOAD_H
#define ISO_LOAD_H

#include "isolate.h"

enum { ISO_APPLY_STEPS = 4 };

/* What an apply loads, and as what it is known afterwards. */
typedef struct iso_rules {
  iso_params *params;
  sup_text plain; /* replaces the table */
  sup_text guard;
  sup_text
      strict; /* replaces the table of strict, or takes it away; empty if there is nothing to do */
  char tag[ISO_TAG_LEN + 1];
  iso_loaded loaded; /* the groups of services in it */
  bool blind;        /* the guard was made without them, for they could not be looked up */
} iso_rules;

void iso_rules_release(iso_rules *r);

/* Loads all of them, and reads back what is in force then. */
cordon_status iso_rules_load(iso_plugin *self, const sup_call *call, iso_rules *r,
                             iso_holding *ret_holding, sup_err *err);

/* Only the groups of the services have to be renewed, so that counters go on. Where that does not
 * go, everything is loaded. `h` is what was found, and what is in force then. */
cordon_status iso_rules_renew(iso_plugin *self, const sup_call *call, iso_rules *r, iso_holding *h,
                              sup_err *err);

#endif
