/* cordon action code */
#include "fleet_output.h"
#include "fleet_path.h"
#include "fleet_session.h"

#include "base/id.h"
#include "base/limits.h"
#include "platform/confine.h"
#include "protocol/release_code.h"
#include "protocol/secret.h"

#include "base/banned.h"

static cd_code check(const ctl_context *ctx, const ctl_args *args, cd_err *err)
{
  cd_str comment = cd_str_from(args->value[CTL_OPT_COMMENT]);
  if (!cd_id_valid(cd_str_from(args->operand[0])))
    return cd_fail(err, CD_E_INVALID,
                   "ID must be the id of an action, such as 'cordon actions' prints, not '%.100s'",
                   args->operand[0]);
  if (comment.len > CD_COMMENT_MAX || !cd_str_utf8_valid(comment))
    return cd_fail(err, CD_E_INVALID, "the comment must be at most %u bytes of UTF-8",
                   CD_COMMENT_MAX);
  /* Before it is asked for: it is shown once. */
  if (!ctx->json && !ctx->shown)
    return cd_fail(err, CD_E_INVALID,
                   "a release code is shown once, and standard output is no terminal; to write it "
                   "elsewhere, ask with --json. Nothing was shown");
  return pf_harden_self(err);
}

static cd_code body(const ctl_args *args, cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  if (args->value[CTL_OPT_COMMENT] != NULL)
    cd_jw_cstr(&w, "Comment", args->value[CTL_OPT_COMMENT]);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the request", err);
}

/* It goes out in one form only: what the console sent is read and written anew, so that nothing
 * else of an answer reaches the terminal. */
static ctl_exit print_code(const ctl_context *ctx, const ctl_args *args, cd_json_doc *doc)
{
  cd_buf out = CD_BUF_INIT(FLEET_PATH_MAX);
  cd_release_code code;
  cd_err err = {0};
  cd_str text = {0};
  char shown[CD_RELEASE_CODE_TEXT];
  cd_json root = cd_json_root(doc);
  cd_json_str(&root, "code", CD_RELEASE_CODE_INPUT_MAX, &text);
  cd_code rc = cd_json_status(&root, &err);
  if (rc == CD_OK)
    rc = cd_release_code_parse(text, &code, &err);
  if (rc != CD_OK)
    return ctl_report(ctx, CTL_EXIT_UNREACHABLE, &err, NULL);
  cd_release_code_format(&code, shown);
  if (ctx->json)
    cd_buf_addf(&out, "{\"id\":\"%s\",\"code\":\"%s\"}\n", args->operand[0], shown);
  else
    cd_buf_addf(&out, "%s\n", shown);
  ctl_exit exit = fleet_put_text(ctx, &out, CTL_EXIT_DONE);
  if (!ctx->json)
    ctl_say(ctx, CD_STR("this code is shown once, now, and the audit log says that it was shown to "
                        "you. At the device: cordon local release --code"));
  cd_buf_wipe(&out);
  cd_wipe(&code, sizeof(code));
  cd_wipe(shown, sizeof(shown));
  return exit;
}

ctl_exit fleet_cmd_action_code(const ctl_context *ctx, const ctl_args *args)
{
  fleet_session *s = NULL;
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  cd_buf path = CD_BUF_INIT(FLEET_PATH_MAX);
  cd_buf request = CD_BUF_INIT(16384);
  ctl_exit code = CTL_EXIT_USAGE;
  if (check(ctx, args, &err) == CD_OK && body(args, &request, &err) == CD_OK)
    code = fleet_open(ctx, args, &s, &err);
  if (code == CTL_EXIT_DONE) {
    cd_buf_addf(&path, "/api/cordon/machineactions/%s/code", args->operand[0]);
    code = fleet_ask(s,
                     &(fleet_call){.method = "POST",
                                   .path = cd_buf_cstr(&path),
                                   .body = cd_buf_view(&request),
                                   .changes = true},
                     &doc, &err);
  }
  if (code == CTL_EXIT_DONE && doc == NULL) {
    (void)cd_fail(&err, CD_E_INVALID, "the console's answer is empty");
    code = CTL_EXIT_UNREACHABLE;
  }
  code = code == CTL_EXIT_DONE ? print_code(ctx, args, doc) : ctl_report(ctx, code, &err, NULL);
  cd_json_free(doc);
  cd_buf_release(&path);
  cd_buf_release(&request);
  fleet_close(s);
  return code;
}
