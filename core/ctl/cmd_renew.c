/* cordon local renew --for TIME */
#include "lease.h"
#include "local.h"

#include "base/banned.h"

ctl_exit ctl_cmd_renew(const ctl_context *ctx, const ctl_args *args)
{
  cd_err err = {0};
  if (args->value[CTL_OPT_LEASE] == NULL) {
    (void)cd_fail(&err, CD_E_INVALID, "'local renew' needs --for TIME: how long from now on");
    return ctl_report(ctx, CTL_EXIT_USAGE, &err, NULL);
  }
  return ctl_local_order(ctx, args, &(ctl_order){.method = "renew", .kind = "isolate"});
}
