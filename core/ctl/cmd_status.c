/* cordon local status */
#include "local.h"

#include "base/banned.h"

ctl_exit ctl_cmd_status(const ctl_context *ctx, const ctl_args *args)
{
  return ctl_local_ask(ctx, args, "status", CD_STR("{}"), CTL_KIND_STATUS);
}
