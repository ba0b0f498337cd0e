/* An order for every device with a tag: which devices it meets, and what became of each. */
#ifndef CTL_FLEET_BULK_H
#define CTL_FLEET_BULK_H

#include "fleet_order.h"

#include "base/id.h"

/* A device with the tag. The texts are views into the console's answer. */
typedef struct fleet_target {
  cd_str id;
  cd_str name;
  cd_str error;            /* why there is no action; empty: there is one, or none was asked for */
  char action[CD_ID_SIZE]; /* empty: none */
  bool ended;
  ctl_exit exit;    /* of its action, once waited for; CTL_EXIT_WAITING until it has ended */
  cd_json_doc *doc; /* the action as it ended; NULL: it did not */
  cd_err why;       /* what is wrong with it */
} fleet_target;

typedef struct fleet_bulk {
  const ctl_context *ctx;
  const ctl_args *args;
  const fleet_order *order;
  fleet_session *s;
  fleet_target *targets;
  size_t count;
  size_t refused;
  size_t actions;
} fleet_bulk;

/* fleet_bulk_wait.c: looks at all of them in turn until each has ended, or the time is over, or an
 * interrupt comes; a device that is off holds up no other. */
void fleet_bulk_wait(fleet_bulk *b);
/* How many ended so. */
size_t fleet_bulk_ended(const fleet_bulk *b, ctl_exit code);

#endif
