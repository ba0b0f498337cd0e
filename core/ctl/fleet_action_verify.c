/* cordon action verify: a report, without the console that made it. */
#include "fleet_output.h"
#include "fleet_proof.h"
#include "render_proof.h"

#include "platform/file.h"

#include "base/banned.h"

static ctl_exit print(const ctl_context *ctx, const fleet_proof *p, bool known)
{
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_jw w;
  ctl_exit code = CTL_EXIT_DONE;
  if (ctx->json) {
    cd_jw_init(&w, &out);
    cd_jw_obj(&w, NULL);
    cd_jw_bool(&w, "verified", true);
    cd_jw_bool(&w, "known", known);
    fleet_proof_write(p, &w);
    cd_jw_end_obj(&w);
    code = fleet_put_json_text(ctx, &out, code);
  } else {
    fleet_proof_print(p, &out);
    cd_buf_addf(&out, "Root        %s%s\n", p->root,
                known ? "" : "; without --root only by the report's own word");
    code = fleet_put_text(ctx, &out, code);
  }
  cd_buf_release(&out);
  return code;
}

cd_code fleet_proof_pinned(const fleet_proof *p, const char *root, cd_err *err)
{
  if (root == NULL || root[0] == '\0' || fleet_proof_is_root(p, root))
    return CD_OK;
  return cd_fail(err, CD_E_UNVERIFIED, "the report is by another root, %s", p->root);
}

ctl_exit fleet_proof_read(const char *path, const char *root, cd_json_doc **ret_doc,
                          fleet_proof *ret_proof, cd_err *err)
{
  cd_buf text = CD_BUF_INIT(FLEET_PROOF_MAX);
  ctl_exit code = CTL_EXIT_REFUSED; /* there is nothing to be checked */
  cd_code rc = pf_file_read(path, FLEET_PROOF_MAX, &text, err);
  if (rc == CD_OK) {
    code = CTL_EXIT_FAILED;
    rc = cd_json_parse(cd_buf_view(&text), FLEET_PROOF_MAX, "the report", ret_doc, err);
  }
  if (rc == CD_OK) {
    cd_json report = cd_json_root(*ret_doc);
    rc = fleet_proof_check(&report, ret_proof, err);
  }
  if (rc == CD_OK)
    rc = fleet_proof_pinned(ret_proof, root, err);
  cd_buf_release(&text);
  return rc == CD_OK ? CTL_EXIT_DONE : code;
}

ctl_exit fleet_cmd_action_verify(const ctl_context *ctx, const ctl_args *args)
{
  const char *root = args->value[CTL_OPT_ROOT];
  cd_json_doc *doc = NULL;
  fleet_proof p = {0};
  cd_err err = {0};
  ctl_exit code = fleet_proof_read(args->operand[0], root, &doc, &p, &err);
  code = code == CTL_EXIT_DONE ? print(ctx, &p, root != NULL) : ctl_report(ctx, code, &err, NULL);
  fleet_proof_release(&p);
  cd_json_free(doc);
  return code;
}
