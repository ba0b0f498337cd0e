/* cordon enroll-token create, list, revoke. The token itself goes into its file and nowhere else.
 */
#include "fleet_tokens.h"

#include "fleet_output.h"
#include "fleet_read.h"
#include "fleet_session.h"
#include "new_file.h"
#include "tag_list.h"
#include "text.h"

#include "base/id.h"
#include "protocol/base64.h"
#include "protocol/secret.h"

#include <string.h>

#include "base/banned.h"

#define USES_MAX 100000u
#define SPAN_MAX_H (365u * 24u)
#define SPAN_FALLBACK "24h"
#define TAG_MAX 200u
#define NOTE_MAX 200u
#define TOKEN_SIZE 32u

cd_code fleet_span_read(const char *text, uint64_t *ret_hours, cd_err *err)
{
  static const struct {
    char letter;
    uint32_t hours;
  } units[] = {{'h', 1}, {'d', 24}};
  cd_str digits = cd_str_from(text);
  uint64_t number = 0;
  uint64_t unit = 0;
  if (digits.len > 1)
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
      if (digits.ptr[digits.len - 1] == units[i].letter)
        unit = units[i].hours;
  digits.len -= digits.len > 0 ? 1 : 0;
  if (unit == 0 || !cd_str_to_u64(digits, SPAN_MAX_H / unit, &number) || number == 0)
    return cd_fail(err, CD_E_INVALID,
                   "--for must be a time such as 24h or 7d, at most 365d, not '%.100s'", text);
  *ret_hours = number * unit;
  return CD_OK;
}

cd_code fleet_token_check(cd_json *root, cd_err *err)
{
  static const char *const lists[] = {"enroll", "agents"};
  static const char *const texts[] = {"root", "ca"};
  uint8_t secret[TOKEN_SIZE];
  size_t len = 0;
  uint64_t version = 0;
  cd_str text = {0};
  cd_json_u64(root, "version", UINT32_MAX, &version);
  if (version != 1)
    cd_json_bad(root, "version", "must be 1, which this 'cordon' knows");
  cd_json_str(root, "token", FLEET_TEXT_MAX, &text);
  if (!cd_base64url_decode(text, secret, sizeof(secret), &len) || len != TOKEN_SIZE)
    cd_json_bad(root, "token", "must be %u bytes in base64url", TOKEN_SIZE);
  cd_wipe(secret, sizeof(secret));
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    text = (cd_str){0};
    cd_json_str(root, texts[i], FLEET_TEXT_MAX, &text);
    if (text.len == 0)
      cd_json_bad(root, texts[i], "must not be empty");
  }
  for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
    cd_json list = {0};
    cd_json_arr(root, lists[i], FLEET_LIST_MAX, &list);
    if (cd_json_len(&list) == 0)
      cd_json_bad(root, lists[i], "must name an address");
  }
  return cd_json_status(root, err);
}

/* ---- create ---- */

static cd_code check_text(const char *option, const char *text, size_t max, cd_err *err)
{
  cd_str s = cd_str_from(text);
  if (text != NULL && (s.len == 0 || s.len > max || !cd_str_utf8_valid(s)))
    return cd_fail(err, CD_E_INVALID, "--%s must be 1 to %zu bytes of UTF-8", option, max);
  return CD_OK;
}

static cd_code create_body(const ctl_args *args, cd_buf *out, cd_err *err)
{
  const char *span = args->value[CTL_OPT_FOR];
  const char *tag = args->value[CTL_OPT_TAG];
  const char *note = args->value[CTL_OPT_NOTE];
  uint64_t uses = 0;
  uint64_t hours = 0;
  cd_jw w;
  if (args->value[CTL_OPT_OUTPUT] == NULL)
    return cd_fail(err, CD_E_INVALID,
                   "'enroll-token create' needs -o FILE: the token is a secret and is not printed");
  cd_code rc = ctl_args_number(args, CTL_OPT_USES, 1, USES_MAX, 1, &uses, err);
  if (rc == CD_OK)
    rc = fleet_span_read(span != NULL ? span : SPAN_FALLBACK, &hours, err);
  if (rc == CD_OK)
    rc = check_text("tag", tag, TAG_MAX, err);
  if (rc == CD_OK)
    rc = check_text("note", note, NOTE_MAX, err);
  if (rc != CD_OK)
    return rc;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_u64(&w, "uses", uses);
  cd_jw_u64(&w, "hours", hours);
  cd_jw_arr(&w, "tags");
  if (tag != NULL)
    cd_jw_cstr(&w, NULL, tag);
  cd_jw_end_arr(&w);
  if (args->value[CTL_OPT_MAY_TAG] != NULL)
    rc = ctl_tag_list_write(&w, "choices", "may-tag", args->value[CTL_OPT_MAY_TAG], err);
  if (rc != CD_OK)
    return rc;
  cd_jw_cstr(&w, "note", note != NULL ? note : "");
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the request", err);
}

static cd_code save_token(ctl_new_file *out, cd_json *file, cd_err *err)
{
  cd_buf text = CD_BUF_INIT(FLEET_ANSWER_MAX);
  cd_code rc = fleet_token_check(file, err);
  if (rc == CD_OK) {
    cd_json_print(file, &text);
    cd_buf_add_char(&text, '\n');
    rc = cd_buf_status(&text, "the token", err);
  }
  if (rc == CD_OK)
    rc = ctl_new_file_add(out, text.ptr, text.len, err);
  if (rc == CD_OK)
    rc = ctl_new_file_commit(out, err);
  cd_buf_wipe(&text);
  return rc;
}

static ctl_exit print_created(const ctl_context *ctx, const char *path, cd_str id, cd_str expires)
{
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_jw w;
  ctl_exit code = CTL_EXIT_DONE;
  if (ctx->json) {
    cd_jw_init(&w, &out);
    cd_jw_obj(&w, NULL);
    cd_jw_str(&w, "id", id);
    cd_jw_str(&w, "expires", expires);
    cd_jw_cstr(&w, "file", path);
    cd_jw_end_obj(&w);
    code = fleet_put_json_text(ctx, &out, code);
  } else {
    cd_buf_add_cstr(&out, "Token ");
    ctl_text_add(&out, id);
    cd_buf_add_cstr(&out, ", good until ");
    ctl_time_add(&out, expires);
    cd_buf_add_cstr(&out, ", is in ");
    ctl_text_add(&out, cd_str_from(path));
    cd_buf_add_cstr(&out, ".\nOn the device: cordon local enroll --token-file FILE\n");
    code = fleet_put_text(ctx, &out, code);
  }
  cd_buf_release(&out);
  return code;
}

/* The console has made a token that nobody has: it is ended again. */
static void take_back(fleet_session *s, cd_str id, cd_err *err)
{
  char path[64 + CD_ID_SIZE];
  cd_json_doc *doc = NULL;
  cd_err unused = {0};
  bool gone = false;
  if (cd_id_valid(id)) {
    (void)snprintf(path, sizeof(path), "/api/cordon/tokens/%.*s", CD_STR_ARG(id));
    gone = fleet_ask(s, &(fleet_call){.method = "DELETE", .path = path, .changes = true}, &doc,
                     &unused) == CTL_EXIT_DONE;
    cd_json_free(doc);
  }
  (void)cd_err_prefix(err, gone
                               ? "the token that was made is revoked again, as it could not be kept"
                               : "the token was made but is lost, 'cordon enroll-token list' "
                                 "shows it");
}

static ctl_exit write_token(const ctl_context *ctx, fleet_session *s, ctl_new_file *out,
                            cd_json_doc *doc)
{
  cd_err err = {0};
  cd_str id = {0};
  cd_str expires = {0};
  cd_json file = {0};
  cd_json root = cd_json_root(doc);
  cd_json_str(&root, "id", FLEET_TEXT_MAX, &id);
  (void)cd_json_opt_str(&root, "expires", FLEET_TEXT_MAX, &expires);
  cd_json_obj(&root, "file", &file);
  cd_code rc = cd_json_status(&root, &err);
  if (rc == CD_OK)
    rc = save_token(out, &file, &err);
  if (rc == CD_OK)
    return print_created(ctx, out->path, id, expires);
  take_back(s, id, &err);
  return ctl_report(ctx, CTL_EXIT_FAILED, &err, NULL);
}

static ctl_exit create(const ctl_context *ctx, const ctl_args *args, const cd_buf *body,
                       ctl_new_file *out)
{
  fleet_session *s = NULL;
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  ctl_exit code = fleet_open(ctx, args, &s, &err);
  if (code == CTL_EXIT_DONE) {
    fleet_watch_interrupts(s); /* what was begun beside the file is taken away again */
    code = fleet_ask(s,
                     &(fleet_call){.method = "POST",
                                   .path = "/api/cordon/tokens",
                                   .body = cd_buf_view(body),
                                   .changes = true},
                     &doc, &err);
  }
  if (code == CTL_EXIT_DONE && doc == NULL) {
    (void)cd_fail(&err, CD_E_INVALID, "the console's answer holds no token");
    code = CTL_EXIT_UNREACHABLE;
  }
  code = code == CTL_EXIT_DONE ? write_token(ctx, s, out, doc) : ctl_report(ctx, code, &err, NULL);
  cd_json_free(doc);
  fleet_close(s);
  return code;
}

/* A token is made only when there is a place for it. */
ctl_exit fleet_cmd_token_create(const ctl_context *ctx, const ctl_args *args)
{
  cd_err err = {0};
  cd_buf body = CD_BUF_INIT(16384);
  ctl_new_file out = {.file = -1};
  ctl_exit code = CTL_EXIT_DONE;
  if (create_body(args, &body, &err) != CD_OK)
    code = ctl_report(ctx, CTL_EXIT_USAGE, &err, NULL);
  else if (ctl_new_file_open(&out, args->value[CTL_OPT_OUTPUT],
                             args->value[CTL_OPT_OVERWRITE] != NULL, &err) != CD_OK)
    code = ctl_report(ctx, ctl_new_file_exit(&err), &err, NULL);
  else
    code = create(ctx, args, &body, &out);
  ctl_new_file_drop(&out);
  cd_buf_release(&body);
  return code;
}

/* ---- list ---- */

static void add_token_row(cd_json *token, ctl_table *t)
{
  cd_str id = {0};
  cd_str by = {0};
  cd_str note = {0};
  cd_str expires = {0};
  uint64_t left = 0;
  uint64_t made = 0;
  bool revoked = false;
  cd_buf text = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_json tags = {0};
  cd_json_str(token, "id", FLEET_TEXT_MAX, &id);
  cd_json_u64(token, "usesLeft", UINT64_MAX, &left);
  (void)cd_json_opt_u64(token, "usesMade", UINT64_MAX, &made);
  (void)cd_json_opt_str(token, "createdBy", FLEET_TEXT_MAX, &by);
  (void)cd_json_opt_str(token, "note", FLEET_TEXT_MAX, &note);
  (void)cd_json_opt_bool(token, "revoked", &revoked);
  ctl_table_cell(t, CTL_PLAIN, id);
  ctl_table_cellf(t, CTL_PLAIN, "%llu left, %llu used", (unsigned long long)left,
                  (unsigned long long)made);
  (void)cd_json_opt_str(token, "expires", FLEET_TEXT_MAX, &expires);
  ctl_time_add(&text, expires);
  ctl_table_cell(t, revoked ? CTL_WARN : CTL_PLAIN,
                 revoked ? CD_STR("revoked") : cd_buf_view(&text));
  cd_buf_reset(&text);
  if (cd_json_opt_arr(token, "tags", FLEET_LIST_MAX, &tags))
    for (size_t i = 0; i < cd_json_len(&tags); i++) {
      cd_str tag = {0};
      cd_json_at_str(&tags, i, FLEET_TEXT_MAX, &tag);
      cd_buf_addf(&text, "%s%.*s", i > 0 ? ", " : "", CD_STR_ARG(tag));
    }
  ctl_table_cell(t, CTL_PLAIN, cd_buf_view(&text));
  ctl_table_cell(t, CTL_PLAIN, by);
  ctl_table_cell(t, CTL_DIM, note);
  cd_buf_release(&text);
}

static ctl_exit print_tokens(const ctl_context *ctx, cd_json_doc *doc)
{
  static const char *const heads[] = {"Id", "Uses", "Good until", "Tags", "By", "Note"};
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_err err = {0};
  ctl_table t;
  ctl_style style = fleet_style(ctx);
  cd_json list = {0};
  cd_json root = cd_json_root(doc);
  ctl_exit code = CTL_EXIT_DONE;
  ctl_table_init(&t, sizeof(heads) / sizeof(heads[0]));
  fleet_heads(&t, heads, sizeof(heads) / sizeof(heads[0]));
  cd_json_arr(&root, "value", FLEET_LIST_MAX, &list);
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json item = {0};
    cd_json_at_obj(&list, i, &item);
    add_token_row(&item, &t);
  }
  if (cd_json_status(&root, &err) != CD_OK)
    code = ctl_report(ctx, CTL_EXIT_UNREACHABLE, &err, NULL);
  else if (ctx->json)
    code = fleet_put_json(ctx, &root, code);
  else if (cd_json_len(&list) == 0)
    code = ctl_put(ctx, CD_STR("No tokens.\n"), code);
  else if (ctl_table_print(&t, &style, 0, &out, &err) != CD_OK)
    code = ctl_report(ctx, CTL_EXIT_FAILED, &err, NULL);
  else
    code = fleet_put_text(ctx, &out, code);
  ctl_table_release(&t);
  cd_buf_release(&out);
  return code;
}

ctl_exit fleet_cmd_token_list(const ctl_context *ctx, const ctl_args *args)
{
  fleet_session *s = NULL;
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  ctl_exit code = fleet_open(ctx, args, &s, &err);
  if (code == CTL_EXIT_DONE)
    code = fleet_ask(s, &(fleet_call){.method = "GET", .path = "/api/cordon/tokens"}, &doc, &err);
  code = code == CTL_EXIT_DONE ? print_tokens(ctx, doc) : ctl_report(ctx, code, &err, NULL);
  cd_json_free(doc);
  fleet_close(s);
  return code;
}

/* ---- revoke ---- */

ctl_exit fleet_cmd_token_revoke(const ctl_context *ctx, const ctl_args *args)
{
  fleet_session *s = NULL;
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  char path[64 + CD_ID_SIZE];
  ctl_exit code = CTL_EXIT_USAGE;
  if (!cd_id_valid(cd_str_from(args->operand[0])))
    (void)cd_fail(&err, CD_E_INVALID,
                  "ID must be the id of a token, such as 'cordon enroll-token list' prints");
  else
    code = fleet_open(ctx, args, &s, &err);
  if (code == CTL_EXIT_DONE) {
    (void)snprintf(path, sizeof(path), "/api/cordon/tokens/%s", args->operand[0]);
    code =
        fleet_ask(s, &(fleet_call){.method = "DELETE", .path = path, .changes = true}, &doc, &err);
  }
  if (code != CTL_EXIT_DONE)
    code = ctl_report(ctx, code, &err, NULL);
  else
    code = ctl_put(ctx, ctx->json ? CD_STR("{\"revoked\":true}\n") : CD_STR("Revoked.\n"), code);
  cd_json_free(doc);
  fleet_close(s);
  return code;
}
