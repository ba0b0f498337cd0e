/* What a probe proves. A pure function of what was seen, so that the table of cases can be tested.
 */
#ifndef ISO_EVIDENCE_H
#define ISO_EVIDENCE_H

#include "support/probe.h"

typedef enum iso_outcome { ISO_INCONCLUSIVE, ISO_BLOCKED, ISO_PASSED } iso_outcome;

/* One probe, and for TCP the SYN that was sent after it through a raw socket where connect() left
 * the question open. */
typedef struct iso_seen {
  sup_probe first;
  sup_probe syn; /* kind SUP_PROBE_NONE: not sent */
  bool counted;  /* the counter that only this probe moves has moved */
} iso_seen;

/* Does it take a SYN to know? True if connect() failed in a way that says nothing of where the
 * packet went. */
bool iso_needs_syn(const sup_probe *first, bool counted);

/* `ret_note`: why, a sentence of its own; NULL where the outcome says all. */
iso_outcome iso_judge(const iso_seen *seen, const char **ret_note);

const char *iso_outcome_name(iso_outcome o);

/* Could the packet not even be addressed: no route, no address to send from, no such family? */
bool iso_is_unroutable(int os_error);

#endif
