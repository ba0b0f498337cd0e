/* cordon audit verify: the whole log, page by page. */
#include "fleet_audit.h"
#include "fleet_output.h"
#include "fleet_session.h"

#include "base/banned.h"

#define KNOWN 0  /* from --head */
#define STATED 1 /* by the console, before the log is read: it may grow meanwhile */

static ctl_exit ask(fleet_session *s, const char *path, cd_json_doc **ret_doc, cd_err *err)
{
  ctl_exit code = fleet_ask(s, &(fleet_call){.method = "GET", .path = path}, ret_doc, err);
  if (code == CTL_EXIT_DONE && *ret_doc == NULL) {
    (void)cd_fail(err, CD_E_INVALID, "the console's answer is empty");
    code = CTL_EXIT_UNREACHABLE;
  }
  return code;
}

static ctl_exit take_stated(fleet_session *s, fleet_audit *a, cd_err *err)
{
  cd_json_doc *doc = NULL;
  ctl_exit code = ask(s, "/api/cordon/audit/head", &doc, err);
  if (code == CTL_EXIT_DONE) {
    cd_json root = cd_json_root(doc);
    if (fleet_audit_stated(&root, &a->known[STATED].head, err) != CD_OK)
      code = CTL_EXIT_UNREACHABLE;
  }
  cd_json_free(doc);
  return code;
}

static ctl_exit take_page(fleet_session *s, fleet_audit *a, size_t *ret_count, cd_err *err)
{
  char path[96];
  cd_json_doc *doc = NULL;
  (void)snprintf(path, sizeof(path), "/api/cordon/audit?from=%llu",
                 (unsigned long long)a->head.sequence + 1);
  ctl_exit code = ask(s, path, &doc, err);
  if (code == CTL_EXIT_DONE) {
    cd_json root = cd_json_root(doc);
    cd_code rc = fleet_audit_take(a, &root, ret_count, err);
    if (rc != CD_OK)
      code = rc == CD_E_UNVERIFIED ? CTL_EXIT_FAILED : CTL_EXIT_UNREACHABLE;
  }
  cd_json_free(doc);
  return code;
}

static ctl_exit verify(const ctl_context *ctx, fleet_session *s, fleet_audit *a, cd_err *err)
{
  size_t count = 1;
  ctl_exit code = take_stated(s, a, err);
  if (code == CTL_EXIT_FAILED) {
    /* Its signer may be down; the chain can be computed without. */
    (void)cd_err_prefix(err, "the console does not state its head, so a cut end may not show");
    ctl_say(ctx, cd_str_from(err->text));
    code = CTL_EXIT_DONE;
  }
  while (code == CTL_EXIT_DONE && count > 0)
    code = take_page(s, a, &count, err);
  if (code == CTL_EXIT_DONE && fleet_audit_finish(a, err) != CD_OK)
    code = CTL_EXIT_FAILED;
  return code;
}

static ctl_exit print_intact(const ctl_context *ctx, const fleet_audit *a)
{
  char digest[CD_DIGEST_TEXT_MAX];
  cd_buf out = CD_BUF_INIT(4096);
  cd_jw w;
  ctl_exit code = CTL_EXIT_DONE;
  cd_digest_text(&a->head.digest, digest);
  if (ctx->json) {
    cd_jw_init(&w, &out);
    cd_jw_obj(&w, NULL);
    cd_jw_bool(&w, "intact", true);
    cd_jw_bool(&w, "known", a->known[KNOWN].met);
    cd_jw_obj(&w, "head");
    cd_jw_u64(&w, "sequence", a->head.sequence);
    cd_jw_cstr(&w, "digest", digest);
    cd_jw_end_obj(&w);
    cd_jw_end_obj(&w);
    code = fleet_put_json_text(ctx, &out, code);
  } else {
    cd_buf_addf(&out, "The audit log is intact: %llu entries%s.\nHead        %llu:%s\n",
                (unsigned long long)a->head.sequence,
                a->known[KNOWN].met ? ", and it contains the known head"
                                    : "; without --head only by its own word",
                (unsigned long long)a->head.sequence, digest);
    code = fleet_put_text(ctx, &out, code);
  }
  cd_buf_release(&out);
  return code;
}

ctl_exit fleet_cmd_audit_verify(const ctl_context *ctx, const ctl_args *args)
{
  const char *head = args->value[CTL_OPT_HEAD];
  fleet_session *s = NULL;
  fleet_audit a = {0};
  cd_err err = {0};
  ctl_exit code = CTL_EXIT_USAGE;
  if (head != NULL && !fleet_audit_head_read(cd_str_from(head), &a.known[KNOWN].head))
    (void)cd_fail(&err, CD_E_INVALID,
                  "--head must be the number of an entry, a colon and its SHA-256 in hex");
  else
    code = fleet_open(ctx, args, &s, &err);
  if (code == CTL_EXIT_DONE)
    code = verify(ctx, s, &a, &err);
  code = code == CTL_EXIT_DONE ? print_intact(ctx, &a) : ctl_report(ctx, code, &err, NULL);
  fleet_close(s);
  return code;
}
