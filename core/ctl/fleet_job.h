/* Orders of scans and remediations: asked for, and waited for where that is wanted. */
#ifndef CTL_FLEET_JOB_H
#define CTL_FLEET_JOB_H

#include "command.h"

#include "base/json.h"

typedef struct fleet_job {
  const char *verb;   /* what the command is called, and the steps of its progress */
  const char *wait_s; /* with --wait, if --timeout is not given */
  bool on_action;     /* the operand is an action's id, else a device */
  const char *folder; /* of the API, "/api/machines/" */
  const char *end;    /* what follows the machine or the action, "/scan" */
  /* The members beside Comment and ExternalId. */
  cd_code (*write)(const ctl_args *args, cd_jw *w, cd_err *err);
} fleet_job;

ctl_exit fleet_job_run(const ctl_context *ctx, const ctl_args *args, const fleet_job *job);

#endif
