/* cordon local release */
#include "local.h"

#include "base/banned.h"

ctl_exit ctl_cmd_release(const ctl_context *ctx, const ctl_args *args)
{
  return ctl_local_order(ctx, args, &(ctl_order){.method = "release"});
}
