/* What unit.c (services and timers) and unit_bar.c (what keeps one off) share; nobody else includes
 * it. */
#ifndef REMEDIATE_UNIT_PRIVATE_H
#define REMEDIATE_UNIT_PRIVATE_H

#include "remediate.h"

#define REM_UNITS "/etc/systemd/system"

enum { REM_UNIT_NAME = 200 };

typedef struct rem_unit {
  char name[REM_UNIT_NAME];
  char folder[REM_NAME]; /* NAME.d */
  int units;             /* the folder of the administrator's units */
  bool runs;             /* systemd does */
} rem_unit;

/* Whether our drop-in is there. */
bool rem_bar_is(const rem_unit *u);
/* Makes it, or adds the links to what it keeps in mind. */
cordon_status rem_bar_put(const rem_job *j, const rem_unit *u, const cJSON *links, bool active,
                          sup_err *err);
/* What it keeps in mind; the caller deletes the links. */
cordon_status rem_bar_read(const rem_unit *u, cJSON **ret_links, bool *ret_active, sup_err *err);
cordon_status rem_bar_remove(const rem_unit *u, sup_err *err);
/* Of what a change that was cut short has left. */
void rem_bar_tidy(const rem_unit *u);
/* Whether it has its effect: by the word of the service manager where that runs, and else by the
 * other drop-ins. CORDON_E_UNVERIFIED names the one that takes it back. */
cordon_status rem_bar_verify(rem_job *j, const rem_unit *u, sup_err *err);

#endif
