/* cordon local isolate [--selective FILE] */
#include "local.h"
#include "selective.h"

#include "base/limits.h"

#include "base/banned.h"

ctl_exit ctl_cmd_isolate(const ctl_context *ctx, const ctl_args *args)
{
  const char *file = args->value[CTL_OPT_SELECTIVE];
  cd_buf exclusions = CD_BUF_INIT(CD_CONFIG_MAX);
  cd_err err = {0};
  ctl_exit code = CTL_EXIT_REFUSED;
  ctl_order order = {.method = "isolate", .type = file != NULL ? "selective" : "full"};
  if (file != NULL && ctl_selective_read(file, &exclusions, &err) != CD_OK) {
    code = ctl_report(ctx, code, &err, NULL);
    goto done;
  }
  order.exclusions = cd_buf_view(&exclusions);
  code = ctl_local_order(ctx, args, &order);

done:
  cd_buf_release(&exclusions);
  return code;
}
