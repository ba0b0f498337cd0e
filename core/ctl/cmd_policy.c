/* cordon local policy */
#include "local.h"

#include "base/banned.h"

ctl_exit ctl_cmd_policy(const ctl_context *ctx, const ctl_args *args)
{
  return ctl_local_ask(ctx, args, "policy", CD_STR("{}"), CTL_KIND_POLICY);
}
