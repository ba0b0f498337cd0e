/* cordon action verify: a report, without the console that made it. */
#include "fleet_output.h"
#include "fleet_proof.h"
#include "text.h"

#include "platform/file.h"
#include "protocol/base64.h"

#include <string.h>

#include "base/banned.h"

/* A key's id, or the key itself as token files have it. */
static bool is_root(const char *text, const fleet_proof *p)
{
  uint8_t der[CD_KEY_DER_SIZE];
  size_t len = 0;
  char id[CD_KEY_ID_TEXT_MAX];
  cd_public_key key = {0};
  cd_err ignored = {0};
  if (strcmp(text, p->root) == 0)
    return true;
  if (!cd_base64url_decode(cd_str_from(text), der, sizeof(der), &len) ||
      cd_public_key_from_der((cd_str){(const char *)der, len}, &key, &ignored) != CD_OK)
    return false;
  cd_public_key_id(&key, id);
  return strcmp(id, p->root) == 0;
}

static void print_parts(const fleet_proof *p, cd_buf *out)
{
  cd_buf_addf(out, "Action      %s of device %s\n", p->action, p->device);
  if (p->has_order) {
    cd_buf_addf(out, "Order       %s, generation %llu, asked for by ",
                cd_order_kind_name(p->order.kind), (unsigned long long)p->order.generation);
    ctl_text_add(out, cd_str_from(p->order.requestor));
    cd_buf_add_char(out, '\n');
  }
  if (p->has_result)
    cd_buf_addf(
        out, "Result      %s, signed by the device%s\n", cd_action_status_name(p->result.status),
        !p->has_order || p->same_order ? "" : "; it answers an earlier order of the action");
  else
    cd_buf_add_cstr(out, "Result      none\n");
  cd_buf_addf(out, "Audit log   %zu entries, vouched for at entry %llu\n", p->entries,
              (unsigned long long)p->head);
}

static ctl_exit print(const ctl_context *ctx, const fleet_proof *p, bool known)
{
  cd_buf out = CD_BUF_INIT(4096);
  cd_jw w;
  ctl_exit code = CTL_EXIT_DONE;
  if (ctx->json) {
    cd_jw_init(&w, &out);
    cd_jw_obj(&w, NULL);
    cd_jw_bool(&w, "verified", true);
    cd_jw_bool(&w, "known", known);
    cd_jw_cstr(&w, "root", p->root);
    cd_jw_cstr(&w, "action", p->action);
    cd_jw_cstr(&w, "device", p->device);
    cd_jw_bool(&w, "order", p->has_order);
    cd_jw_cstr(&w, "status", p->has_result ? cd_action_status_name(p->result.status) : NULL);
    cd_jw_end_obj(&w);
    code = fleet_put_json_text(ctx, &out, code);
  } else {
    print_parts(p, &out);
    cd_buf_addf(&out, "Root        %s%s\n", p->root,
                known ? "" : "; without --root only by the report's own word");
    code = fleet_put_text(ctx, &out, code);
  }
  cd_buf_release(&out);
  return code;
}

ctl_exit fleet_cmd_action_verify(const ctl_context *ctx, const ctl_args *args)
{
  const char *root = args->value[CTL_OPT_ROOT];
  cd_buf text = CD_BUF_INIT(FLEET_PROOF_MAX);
  cd_json_doc *doc = NULL;
  fleet_proof p = {0};
  cd_err err = {0};
  cd_code rc = pf_file_read(args->operand[0], FLEET_PROOF_MAX, &text, &err);
  if (rc == CD_OK)
    rc = cd_json_parse(cd_buf_view(&text), FLEET_PROOF_MAX, "the report", &doc, &err);
  if (rc == CD_OK) {
    cd_json report = cd_json_root(doc);
    rc = fleet_proof_check(&report, &p, &err);
  }
  if (rc == CD_OK && root != NULL && !is_root(root, &p))
    rc = cd_fail(&err, CD_E_UNVERIFIED, "the report is by another root, %s", p.root);
  ctl_exit code =
      rc == CD_OK ? print(ctx, &p, root != NULL) : ctl_report(ctx, CTL_EXIT_FAILED, &err, NULL);
  fleet_proof_release(&p);
  cd_json_free(doc);
  cd_buf_release(&text);
  return code;
}
