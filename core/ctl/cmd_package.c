/* cordon package verify, list and extract */
#include "command.h"

#include "fleet_output.h"
#include "fleet_proof.h"
#include "new_file.h"
#include "package_check.h"
#include "package_unpack.h"
#include "text.h"

#include "base/json.h"

#include <string.h>

#include "base/banned.h"

static ctl_exit exit_of(cd_code rc)
{
  return rc == CD_E_NOTFOUND || rc == CD_E_DENIED || rc == CD_E_CONFLICT ? CTL_EXIT_REFUSED
                                                                         : CTL_EXIT_FAILED;
}

/* ---- what was found ---- */

static void write_report(const ctl_package *p, const ctl_package_report *r, cd_jw *w)
{
  cd_jw_str(w, "device", r->device);
  cd_jw_str(w, "action", r->action);
  cd_jw_str(w, "profile", r->profile);
  cd_jw_str(w, "started", r->started);
  cd_jw_str(w, "ended", r->ended);
  cd_jw_u64(w, "files", p->count);
  cd_jw_u64(w, "bytes", p->bytes);
  cd_jw_u64(w, "whole", r->whole);
  cd_jw_obj(w, "items");
  for (int i = 0; i < CTL_ITEM_COUNT; i++)
    cd_jw_u64(w, ctl_item_status_names[i], r->items[i]);
  cd_jw_end_obj(w);
  cd_jw_u64(w, "problems", r->problems);
  cd_jw_bool(w, "signed", r->is_signed);
  cd_jw_arr(w, "told");
  for (cd_str rest = cd_buf_view(&r->told); rest.len > 0;)
    cd_jw_str(w, NULL, cd_str_cut(&rest, '\n'));
  cd_jw_end_arr(w);
}

static ctl_exit put_json(const ctl_context *ctx, const ctl_package *p, const ctl_package_report *r,
                         const char *folder, ctl_exit code)
{
  cd_buf json = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_jw w;
  cd_err err = {0};
  cd_jw_init(&w, &json);
  cd_jw_obj(&w, NULL);
  write_report(p, r, &w);
  if (folder != NULL)
    cd_jw_cstr(&w, "folder", folder);
  cd_jw_end_obj(&w);
  if (cd_jw_done(&w, "the report", &err) != CD_OK)
    code = ctl_report(ctx, CTL_EXIT_FAILED, &err, NULL);
  else
    code = fleet_put_json_text(ctx, &json, code);
  cd_buf_release(&json);
  return code;
}

static void add_items(const ctl_package_report *r, const ctl_style *style, cd_buf *out)
{
  const char *comma = "";
  ctl_label(out, style, "Items");
  for (int i = 0; i < CTL_ITEM_COUNT; i++) {
    if (r->items[i] == 0)
      continue;
    cd_buf_addf(out, "%s%zu %s", comma, r->items[i], ctl_item_status_names[i]);
    comma = ", ";
  }
  cd_buf_add_char(out, '\n');
}

static void add_signed(const ctl_package_report *r, const ctl_style *style, cd_buf *out)
{
  char digest[CD_DIGEST_TEXT_MAX];
  cd_digest_text(&r->digest, digest);
  ctl_label(out, style, "Signed");
  cd_buf_addf(out, "by the device: %s\n", digest);
}

static ctl_exit put_report(const ctl_context *ctx, const ctl_package *p,
                           const ctl_package_report *r, const char *folder)
{
  ctl_exit code = r->problems > 0 ? CTL_EXIT_FAILED : CTL_EXIT_DONE;
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  ctl_style style = fleet_style(ctx);
  if (ctx->json)
    return put_json(ctx, p, r, folder, code);
  ctl_line(&out, &style, "Device", CTL_PLAIN, r->device);
  ctl_line(&out, &style, "Action", CTL_PLAIN, r->action);
  ctl_line(&out, &style, "Profile", CTL_PLAIN, r->profile);
  ctl_line(&out, &style, "Started", CTL_PLAIN, r->started);
  add_items(r, &style, &out);
  ctl_label(&out, &style, "Files");
  cd_buf_addf(&out, "%zu, %llu bytes, %zu as the manifest says\n", p->count,
              (unsigned long long)p->bytes, r->whole);
  if (folder != NULL)
    ctl_line(&out, &style, "Folder", CTL_PLAIN, cd_str_from(folder));
  for (cd_str rest = cd_buf_view(&r->told); rest.len > 0;)
    ctl_line(&out, &style, "Problem", CTL_BAD, cd_str_cut(&rest, '\n'));
  if (r->problems > CTL_PROBLEMS_TOLD)
    cd_buf_addf(&out, "and %zu more\n", r->problems - CTL_PROBLEMS_TOLD);
  if (r->is_signed)
    add_signed(r, &style, &out);
  ctl_label(&out, &style, "Result");
  if (r->problems > 0)
    ctl_paint(&out, &style, CTL_BAD, CD_STR("not what the manifest says"));
  else
    ctl_paint(&out, &style, CTL_GOOD, CD_STR("every file is what the manifest says"));
  cd_buf_add_char(&out, '\n');
  code = fleet_put_text(ctx, &out, code);
  cd_buf_release(&out);
  return code;
}

/* ---- against the action's report ---- */

static cd_code measure(const char *path, fleet_package *ret_package, cd_err *err)
{
  cd_hash *h = NULL;
  uint64_t size = 0;
  cd_code rc = cd_hash_new(&h, err);
  if (rc == CD_OK)
    rc = ctl_package_hash(path, h, &size, err);
  if (rc == CD_OK)
    rc = cd_hash_end(h, &ret_package->digest, err);
  if (rc == CD_OK)
    ret_package->bytes = size;
  cd_hash_free(h);
  return rc;
}

/* The package is the one that the device has signed, whoever had it since. */
static ctl_exit compare(const ctl_args *args, fleet_package *ret_signed, cd_err *err)
{
  cd_json_doc *doc = NULL;
  fleet_proof proof = {0};
  fleet_package is = {.bytes = 0};
  ctl_exit code =
      fleet_proof_read(args->value[CTL_OPT_REPORT], args->value[CTL_OPT_ROOT], &doc, &proof, err);
  if (code == CTL_EXIT_DONE && !proof.has_package) {
    (void)cd_fail(err, CD_E_UNVERIFIED, "the report's action has made no package");
    code = CTL_EXIT_FAILED;
  }
  if (code == CTL_EXIT_DONE) {
    cd_code rc = measure(args->operand[0], &is, err);
    if (rc != CD_OK)
      code = exit_of(rc);
    else if (is.bytes != proof.package.bytes ||
             !cd_digest_equal(&is.digest, &proof.package.digest)) {
      (void)cd_fail(err, CD_E_UNVERIFIED,
                    "%.200s is not the package that the device has signed: it has %llu bytes or "
                    "another digest, and the signed one has %llu",
                    args->operand[0], (unsigned long long)is.bytes,
                    (unsigned long long)proof.package.bytes);
      code = CTL_EXIT_FAILED;
    }
  }
  *ret_signed = is;
  fleet_proof_release(&proof);
  cd_json_free(doc);
  return code;
}

ctl_exit ctl_cmd_package_verify(const ctl_context *ctx, const ctl_args *args)
{
  cd_err err = {0};
  ctl_package p = {0};
  ctl_package_report r = {.doc = NULL};
  fleet_package is = {.bytes = 0};
  const char *report = args->value[CTL_OPT_REPORT];
  if (args->value[CTL_OPT_ROOT] != NULL && report == NULL) {
    (void)cd_fail(&err, CD_E_INVALID, "--root goes with --report");
    return ctl_report(ctx, CTL_EXIT_USAGE, &err, NULL);
  }
  ctl_exit code = report != NULL ? compare(args, &is, &err) : CTL_EXIT_DONE;
  if (code != CTL_EXIT_DONE)
    return ctl_report(ctx, code, &err, NULL);
  cd_code rc = ctl_package_read_file(args->operand[0], NULL, &p, &err);
  if (rc == CD_OK)
    rc = ctl_package_check(&p, &r, &err);
  r.is_signed = report != NULL;
  r.digest = is.digest;
  code = rc == CD_OK ? put_report(ctx, &p, &r, NULL) : ctl_report(ctx, exit_of(rc), &err, NULL);
  ctl_package_report_release(&r);
  ctl_package_release(&p);
  return code;
}

/* ---- list ---- */

static ctl_exit list_json(const ctl_context *ctx, const ctl_package *p)
{
  cd_buf json = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_jw w;
  cd_err err = {0};
  cd_jw_init(&w, &json);
  cd_jw_obj(&w, NULL);
  cd_jw_arr(&w, "files");
  for (size_t i = 0; i < p->count; i++) {
    char hex[2 * CD_DIGEST_SIZE + 1];
    cd_hex(hex, p->entries[i].digest.bytes, CD_DIGEST_SIZE);
    cd_jw_obj(&w, NULL);
    cd_jw_cstr(&w, "name", p->entries[i].name);
    cd_jw_u64(&w, "bytes", p->entries[i].bytes);
    cd_jw_cstr(&w, "sha256", hex);
    cd_jw_end_obj(&w);
  }
  cd_jw_end_arr(&w);
  cd_jw_end_obj(&w);
  ctl_exit code = cd_jw_done(&w, "the list", &err) == CD_OK
                      ? fleet_put_json_text(ctx, &json, CTL_EXIT_DONE)
                      : ctl_report(ctx, CTL_EXIT_FAILED, &err, NULL);
  cd_buf_release(&json);
  return code;
}

static ctl_exit list_table(const ctl_context *ctx, const ctl_package *p)
{
  static const char *const heads[] = {"Bytes", "Name"};
  ctl_table t;
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  ctl_style style = fleet_style(ctx);
  ctl_table_init(&t, 2);
  fleet_heads(&t, heads, 2);
  for (size_t i = 0; i < p->count; i++) {
    ctl_table_cellf(&t, CTL_PLAIN, "%llu", (unsigned long long)p->entries[i].bytes);
    ctl_table_cell(&t, CTL_PLAIN, cd_str_from(p->entries[i].name));
  }
  ctl_exit code = ctl_table_print(&t, &style, 0, &out, &err) == CD_OK
                      ? fleet_put_text(ctx, &out, CTL_EXIT_DONE)
                      : ctl_report(ctx, CTL_EXIT_FAILED, &err, NULL);
  ctl_table_release(&t);
  cd_buf_release(&out);
  return code;
}

ctl_exit ctl_cmd_package_list(const ctl_context *ctx, const ctl_args *args)
{
  cd_err err = {0};
  ctl_package p = {0};
  ctl_exit code = CTL_EXIT_FAILED;
  cd_code rc = ctl_package_read_file(args->operand[0], NULL, &p, &err);
  if (rc != CD_OK)
    code = ctl_report(ctx, exit_of(rc), &err, NULL);
  else
    code = ctx->json ? list_json(ctx, &p) : list_table(ctx, &p);
  ctl_package_release(&p);
  return code;
}

/* ---- extract ---- */

static ctl_exit put_unpacked(const ctl_context *ctx, const ctl_package *p,
                             const ctl_package_report *r, const char *folder)
{
  if (r->problems == 0)
    return put_report(ctx, p, r, folder);
  if (!ctx->json)
    ctl_say(ctx, CD_STR("the package is not what its manifest says: nothing of it was kept"));
  return put_report(ctx, p, r, NULL);
}

ctl_exit ctl_cmd_package_extract(const ctl_context *ctx, const ctl_args *args)
{
  cd_err err = {0};
  char folder[CD_PATH_MAX];
  ctl_package p = {0};
  ctl_package_report r = {.doc = NULL};
  ctl_exit code = CTL_EXIT_FAILED;
  cd_code rc = ctl_unpack_folder(args->operand[0], args->value[CTL_OPT_FOLDER], folder, &err);
  if (rc == CD_OK)
    rc = ctl_unpack(args->operand[0], folder, &p, &r, &err);
  code = rc == CD_OK ? put_unpacked(ctx, &p, &r, folder) : ctl_report(ctx, exit_of(rc), &err, NULL);
  ctl_package_report_release(&r);
  ctl_package_release(&p);
  return code;
}
