/* cordon local release */
#include "local.h"

#include "fleet_file.h"

#include "platform/confine.h"
#include "platform/terminal.h"
#include "protocol/release_code.h"
#include "protocol/secret.h"

#include "base/banned.h"

#define PROMPT_MS (5u * 60u * 1000u) /* somebody reads it out over the phone */

/* Its form is looked at here already: who mistyped it hears so before the agent is asked. */
static cd_code check(const cd_buf *typed, cd_err *err)
{
  cd_release_code code;
  cd_code rc = cd_release_code_parse(cd_buf_view(typed), &code, err);
  cd_wipe(&code, sizeof(code));
  return rc;
}

static cd_code read_code(const ctl_args *args, cd_buf *out, cd_err *err)
{
  const char *file = args->value[CTL_OPT_CODE_FILE];
  if (file != NULL && args->value[CTL_OPT_CODE] != NULL)
    return cd_fail(err, CD_E_INVALID, "--code and --code-file are two ways to the same: give one");
  /* From here on this process holds a secret. */
  cd_code rc = pf_harden_self(err);
  if (rc == CD_OK && file != NULL)
    rc = fleet_file_read_private(file, CD_RELEASE_CODE_INPUT_MAX, out, err);
  else if (rc == CD_OK)
    rc = pf_terminal_secret("Release code: ", PROMPT_MS, out, err);
  return rc == CD_OK ? check(out, err) : rc;
}

static ctl_exit exit_of(cd_code rc)
{
  return rc == CD_E_CANCELLED || rc == CD_E_DEADLINE ? CTL_EXIT_FAILED : CTL_EXIT_USAGE;
}

ctl_exit ctl_cmd_release(const ctl_context *ctx, const ctl_args *args)
{
  ctl_order order = {.method = "release"};
  cd_buf typed = CD_BUF_INIT(PF_SECRET_MAX);
  cd_err err = {0};
  if (args->value[CTL_OPT_CODE] != NULL || args->value[CTL_OPT_CODE_FILE] != NULL) {
    cd_code rc = read_code(args, &typed, &err);
    if (rc != CD_OK) {
      cd_buf_wipe(&typed);
      return ctl_report(ctx, exit_of(rc), &err, NULL);
    }
    order.code = cd_buf_view(&typed);
  }
  ctl_exit code = ctl_local_order(ctx, args, &order);
  cd_buf_wipe(&typed);
  return code;
}
