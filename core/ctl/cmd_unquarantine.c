/* cordon local unquarantine PLUGIN */
#include "local.h"

#include "base/json.h"

#include "base/banned.h"

#define PLUGIN_ID_MAX 128u

static cd_code write_params(const char *plugin, cd_buf *out, cd_err *err)
{
  cd_str id = cd_str_from(plugin);
  if (id.len == 0 || id.len > PLUGIN_ID_MAX || !cd_str_utf8_valid(id))
    return cd_fail(err, CD_E_INVALID,
                   "PLUGIN must be the id of a plugin, such as 'cordon local plugins' prints");
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_str(&w, "plugin", id);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the request", err);
}

ctl_exit ctl_cmd_unquarantine(const ctl_context *ctx, const ctl_args *args)
{
  cd_buf params = CD_BUF_INIT(2048);
  cd_err err = {0};
  ctl_exit code = CTL_EXIT_USAGE;
  if (write_params(args->operand[0], &params, &err) != CD_OK)
    code = ctl_report(ctx, code, &err, NULL);
  else
    code = ctl_local_ask(ctx, args, "unquarantine", cd_buf_view(&params), CTL_KIND_UNQUARANTINE);
  cd_buf_release(&params);
  return code;
}
