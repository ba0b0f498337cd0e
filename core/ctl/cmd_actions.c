/* cordon local actions [--limit N | --id ID] */
#include "local.h"

#include "base/id.h"
#include "base/json.h"

#include "base/banned.h"

#define LIMIT_MAX 500u
#define LIMIT_FALLBACK 20u

static cd_code write_params(const ctl_args *args, cd_buf *out, cd_err *err)
{
  const char *id = args->value[CTL_OPT_ID];
  uint64_t limit = 0;
  cd_code rc = ctl_args_number(args, CTL_OPT_LIMIT, 1, LIMIT_MAX, LIMIT_FALLBACK, &limit, err);
  if (rc != CD_OK)
    return rc;
  if (id != NULL && args->value[CTL_OPT_LIMIT] != NULL)
    return cd_fail(err, CD_E_INVALID, "--id and --limit do not go together");
  if (id != NULL && !cd_id_valid(cd_str_from(id)))
    return cd_fail(
        err, CD_E_INVALID,
        "--id must be the id of an action, such as 'cordon local actions' prints, not '%s'", id);
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  if (id != NULL)
    cd_jw_cstr(&w, "id", id);
  else
    cd_jw_u64(&w, "limit", limit);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the request", err);
}

ctl_exit ctl_cmd_actions(const ctl_context *ctx, const ctl_args *args)
{
  bool one = args->value[CTL_OPT_ID] != NULL;
  cd_buf params = CD_BUF_INIT(256);
  cd_err err = {0};
  ctl_exit code = CTL_EXIT_USAGE;
  if (write_params(args, &params, &err) != CD_OK)
    code = ctl_report(ctx, code, &err, NULL);
  else
    code = ctl_local_ask(ctx, args, one ? "action" : "actions", cd_buf_view(&params),
                         one ? CTL_KIND_ACTION : CTL_KIND_ACTIONS);
  cd_buf_release(&params);
  return code;
}
