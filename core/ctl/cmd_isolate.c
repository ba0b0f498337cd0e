/* cordon local isolate [--selective FILE] [--dry-run] [--force] */
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
  bool dry_run = args->value[CTL_OPT_DRY_RUN] != NULL;
  ctl_order order = {.method = dry_run ? "preflight" : "isolate",
                     .type = file != NULL ? "selective" : "full",
                     .force = args->value[CTL_OPT_FORCE] != NULL};
  if (dry_run && args->value[CTL_OPT_NO_WAIT] != NULL) {
    (void)cd_fail(&err, CD_E_INVALID, "--dry-run and --no-wait do not go together");
    code = ctl_report(ctx, CTL_EXIT_USAGE, &err, NULL);
    goto done;
  }
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
