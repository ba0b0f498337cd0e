#include "fleet_named.h"

#include "fleet_output.h"
#include "fleet_path.h"
#include "fleet_read.h"
#include "fleet_session.h"
#include "text.h"

#include "base/limits.h"

#include "base/banned.h"

#define BODY_MAX (272u * 1024u)
#define NAME_MAX_BYTES 64u

static cd_code make_path(const char *folder, const char *name, const char *verb, cd_buf *out,
                         cd_err *err)
{
  cd_str text = cd_str_from(name);
  if (text.len == 0 || text.len > NAME_MAX_BYTES || !cd_str_utf8_valid(text))
    return cd_fail(err, CD_E_INVALID, "NAME must be 1 to %u bytes of UTF-8", NAME_MAX_BYTES);
  cd_buf_addf(out, "%s/", folder);
  fleet_path_add(out, text);
  cd_buf_add_cstr(out, verb);
  return cd_buf_status(out, "the address of the request", err);
}

/* The answer of one request; `code` and err as fleet_ask() gives them. */
static ctl_exit ask(const ctl_context *ctx, const ctl_args *args, const fleet_call *call,
                    cd_json_doc **ret_doc, cd_err *err)
{
  fleet_session *s = NULL;
  ctl_exit code = fleet_open(ctx, args, &s, err);
  if (code == CTL_EXIT_DONE)
    code = fleet_ask(s, call, ret_doc, err);
  if (code == CTL_EXIT_DONE && *ret_doc == NULL) {
    (void)cd_fail(err, CD_E_INVALID, "the console's answer is empty");
    code = CTL_EXIT_UNREACHABLE;
  }
  fleet_close(s);
  return code;
}

/* ---- list ---- */

static ctl_exit print_list(const ctl_context *ctx, const fleet_listing *l, cd_json_doc *doc)
{
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_err err = {0};
  ctl_table t;
  ctl_style style = fleet_style(ctx);
  cd_json list = {0};
  cd_json root = cd_json_root(doc);
  ctl_exit code = CTL_EXIT_DONE;
  ctl_table_init(&t, l->columns);
  fleet_heads(&t, l->heads, l->columns);
  cd_json_arr(&root, "value", FLEET_LIST_MAX, &list);
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json item = {0};
    cd_json_at_obj(&list, i, &item);
    l->add_row(&item, &style, &t);
  }
  if (cd_json_status(&root, &err) != CD_OK)
    code = ctl_report(ctx, CTL_EXIT_UNREACHABLE, &err, NULL);
  else if (ctx->json)
    code = fleet_put_json(ctx, &root, code);
  else if (cd_json_len(&list) == 0)
    code = ctl_put(ctx, cd_str_from(l->none), code);
  else if (ctl_table_print(&t, &style, 0, &out, &err) != CD_OK)
    code = ctl_report(ctx, CTL_EXIT_FAILED, &err, NULL);
  else
    code = fleet_put_text(ctx, &out, code);
  ctl_table_release(&t);
  cd_buf_release(&out);
  return code;
}

ctl_exit fleet_named_list(const ctl_context *ctx, const ctl_args *args,
                          const fleet_listing *listing)
{
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  const fleet_call call = {.method = "GET", .path = listing->path};
  ctl_exit code = ask(ctx, args, &call, &doc, &err);
  code = code == CTL_EXIT_DONE ? print_list(ctx, listing, doc) : ctl_report(ctx, code, &err, NULL);
  cd_json_free(doc);
  return code;
}

/* ---- show ---- */

static ctl_exit print_one(const ctl_context *ctx, cd_json_doc *doc,
                          void (*render)(cd_json *item, const ctl_style *style, cd_buf *out))
{
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_err err = {0};
  ctl_style style = fleet_style(ctx);
  cd_json root = cd_json_root(doc);
  ctl_exit code = CTL_EXIT_DONE;
  render(&root, &style, &out);
  if (cd_json_status(&root, &err) != CD_OK)
    code = ctl_report(ctx, CTL_EXIT_UNREACHABLE, &err, NULL);
  else if (ctx->json)
    code = fleet_put_json(ctx, &root, code);
  else
    code = fleet_put_text(ctx, &out, code);
  cd_buf_release(&out);
  return code;
}

ctl_exit fleet_named_show(const ctl_context *ctx, const ctl_args *args, const char *folder,
                          void (*render)(cd_json *item, const ctl_style *style, cd_buf *out))
{
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  cd_buf path = CD_BUF_INIT(FLEET_PATH_MAX);
  ctl_exit code = CTL_EXIT_USAGE;
  if (make_path(folder, args->operand[0], "", &path, &err) == CD_OK) {
    const fleet_call call = {.method = "GET", .path = cd_buf_cstr(&path)};
    code = ask(ctx, args, &call, &doc, &err);
  }
  code = code == CTL_EXIT_DONE ? print_one(ctx, doc, render) : ctl_report(ctx, code, &err, NULL);
  cd_json_free(doc);
  cd_buf_release(&path);
  return code;
}

/* ---- change ---- */

static cd_code make_body(const ctl_args *args, const fleet_change *change, cd_buf *out, cd_err *err)
{
  cd_jw w;
  const char *comment = args->value[CTL_OPT_COMMENT];
  cd_str text = cd_str_from(comment);
  cd_code rc = CD_OK;
  if (comment == NULL)
    return cd_fail(err, CD_E_INVALID, "a change needs --comment TEXT: why");
  if (text.len == 0 || text.len > CD_COMMENT_MAX || !cd_str_utf8_valid(text))
    return cd_fail(err, CD_E_INVALID, "--comment must be 1 to %u bytes of UTF-8", CD_COMMENT_MAX);
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_str(&w, "Comment", text);
  if (change->add != NULL)
    rc = change->add(args, &w, err);
  cd_jw_end_obj(&w);
  return rc == CD_OK ? cd_jw_done(&w, "the request", err) : rc;
}

static ctl_exit print_changed(const ctl_context *ctx, const fleet_change *change, cd_json_doc *doc)
{
  cd_buf out = CD_BUF_INIT(4096);
  cd_json root = cd_json_root(doc);
  uint64_t revision = 0;
  ctl_exit code = CTL_EXIT_DONE;
  if (ctx->json) {
    code = fleet_put_json(ctx, &root, code);
  } else {
    cd_buf_add_cstr(&out, change->said);
    if (cd_json_opt_u64(&root, "revision", UINT64_MAX, &revision))
      cd_buf_addf(&out, " It is revision %llu.", (unsigned long long)revision);
    cd_buf_add_char(&out, '\n');
    code = fleet_put_text(ctx, &out, code);
  }
  cd_buf_release(&out);
  return code;
}

ctl_exit fleet_named_change(const ctl_context *ctx, const ctl_args *args,
                            const fleet_change *change)
{
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  cd_buf path = CD_BUF_INIT(FLEET_PATH_MAX);
  cd_buf body = CD_BUF_INIT(BODY_MAX);
  ctl_exit code = CTL_EXIT_USAGE;
  if (make_path(change->folder, args->operand[0], change->verb, &path, &err) == CD_OK &&
      make_body(args, change, &body, &err) == CD_OK) {
    const fleet_call call = {
        .method = "POST", .path = cd_buf_cstr(&path), .body = cd_buf_view(&body), .changes = true};
    code = ask(ctx, args, &call, &doc, &err);
  }
  code =
      code == CTL_EXIT_DONE ? print_changed(ctx, change, doc) : ctl_report(ctx, code, &err, NULL);
  cd_json_free(doc);
  cd_buf_release(&path);
  cd_buf_release(&body);
  return code;
}
