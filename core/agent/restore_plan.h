/* What `cordond --restore` has before it, and what follows from that. A table without effects. */
#ifndef AGENT_RESTORE_PLAN_H
#define AGENT_RESTORE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "restored.h"

typedef enum restore_found { RESTORE_ABSENT = 0, RESTORE_BAD, RESTORE_GOOD } restore_found;

typedef struct restore_facts {
  restore_found current; /* the rule file */
  uint64_t current_generation;
  restore_found previous;
  uint64_t previous_generation;
  restore_found journal; /* bad: it cannot be opened, or it is damaged */
  bool known;            /* the journal has an order */
  bool isolated;         /* and that wants an isolation */
  bool settled;          /* which was carried out */
  uint64_t generation;
} restore_facts;

#define RESTORE_SOURCES_MAX 4

typedef struct restore_plan {
  bool wanted;
  agent_restore_source sources[RESTORE_SOURCES_MAX]; /* in the order in which they are tried */
  unsigned count;
  const char *why; /* not wanted: why, as the end of a sentence */
} restore_plan;

/* Files are there from the proof of an isolation to the order of its release. So a file means that
 * an isolation is wanted, even one that cannot be read; unless the journal, which is written first,
 * has an order to release that is not older. A journal that is older than the file was rolled back,
 * and does not count. */
void agent_restore_plan(const restore_facts *facts, restore_plan *ret_plan);

#endif
