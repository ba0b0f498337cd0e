/* What an isolation and a release of the fleet have in common, for one device and for many. */
#ifndef CTL_FLEET_ORDER_H
#define CTL_FLEET_ORDER_H

#include "fleet_wait.h"

typedef struct fleet_order {
  const char *verb;    /* "isolate", "renew" or "release" */
  const char *method;  /* what the API calls it: "isolate", "unisolate" */
  const char *type;    /* of its action: "Isolate" */
  const char *place;   /* where its method is: "/api/machines" */
  const char *of_many; /* where it is asked for many: "/api/cordon/isolate"; NULL: never */
  bool isolates;       /* it has a type and exclusions */
  bool dry_run;
  bool renews; /* an isolation, by a call of Cordon's own */
} fleet_order;

/* The request's body: comment, and if given ticket, list, lease, tag, preview. */
CD_MUST_USE cd_code fleet_order_body(const fleet_order *order, const ctl_args *args, cd_buf *out,
                                     cd_err *err);
/* fleet_bulk.c: all devices with the tag. */
ctl_exit fleet_order_many(const ctl_context *ctx, const ctl_args *args, const fleet_order *order);

#endif
