/* What the commands of `cordon local` share: ask the agent, print its answer. */
#ifndef CTL_LOCAL_H
#define CTL_LOCAL_H

#include "command.h"
#include "response.h"

#include "base/buf.h"

/* The control socket: the installed one, if the command line names no other. */
const char *ctl_local_socket(const ctl_args *args);
/* Asks with the parameters (a JSON object) and prints the answer. For what changes nothing or at
 * once. */
ctl_exit ctl_local_ask(const ctl_context *ctx, const ctl_args *args, const char *method,
                       cd_str params, ctl_kind kind);

/* isolate, renew and release: parameters are the options of lease.h, `type` and `exclusions` (a
 * JSON array) when not empty, the comment, and whether to wait. */
typedef struct ctl_order {
  const char *method;
  const char *kind;  /* of the action that it becomes; NULL: the method's name */
  const char *type;  /* NULL: none */
  cd_str exclusions; /* empty: none */
  bool force;
  cd_str code;  /* a release code as it was typed; empty: none */
  cd_str order; /* a remediation, a JSON object; empty: none */
} ctl_order;
ctl_exit ctl_local_order(const ctl_context *ctx, const ctl_args *args, const ctl_order *order);

#endif
