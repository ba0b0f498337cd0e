/* cordon local plugins */
#include "local.h"

#include "base/banned.h"

ctl_exit ctl_cmd_plugins(const ctl_context *ctx, const ctl_args *args)
{
  return ctl_local_ask(ctx, args, "plugins", CD_STR("{}"), CTL_KIND_PLUGINS);
}
