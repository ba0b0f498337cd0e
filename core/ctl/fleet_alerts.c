/* cordon alerts, alert show, alert resolve. */
#include "fleet_find.h"
#include "fleet_output.h"
#include "fleet_path.h"
#include "text.h"

#include "base/limits.h"
#include "protocol/path.h"
#include "protocol/scan.h"

#include <string.h>

#include "base/banned.h"

#define LIMIT_MAX 500u
#define LIMIT_FALLBACK 50u
#define ALERT_ID_MAX 64u
#define TITLE_COLUMNS 60u
#define SHOWN_MAX 50u /* findings; --json has all */
#define FINDINGS_MAX 10000u

typedef struct alert {
  cd_str id;
  cd_str created;
  cd_str updated;
  cd_str severity;
  cd_str status;
  cd_str machine;
  cd_str name;
  cd_str title;
  cd_str description;
  cd_str assigned;
  cd_str classification;
  cd_str determination;
} alert;

static void read_alert(cd_json *obj, alert *a)
{
  *a = (alert){0};
  cd_json_str(obj, "id", ALERT_ID_MAX, &a->id);
  cd_json_str(obj, "title", FLEET_TEXT_MAX, &a->title);
  cd_json_str(obj, "status", FLEET_TEXT_MAX, &a->status);
  cd_json_str(obj, "severity", FLEET_TEXT_MAX, &a->severity);
  (void)cd_json_opt_str(obj, "alertCreationTime", FLEET_TEXT_MAX, &a->created);
  (void)cd_json_opt_str(obj, "lastUpdateTime", FLEET_TEXT_MAX, &a->updated);
  (void)cd_json_opt_str(obj, "machineId", FLEET_TEXT_MAX, &a->machine);
  (void)cd_json_opt_str(obj, "computerDnsName", FLEET_TEXT_MAX, &a->name);
  (void)cd_json_opt_str(obj, "description", FLEET_TEXT_MAX, &a->description);
  (void)cd_json_opt_str(obj, "assignedTo", FLEET_TEXT_MAX, &a->assigned);
  (void)cd_json_opt_str(obj, "classification", FLEET_TEXT_MAX, &a->classification);
  (void)cd_json_opt_str(obj, "determination", FLEET_TEXT_MAX, &a->determination);
}

static ctl_colour colour_of(const alert *a)
{
  if (cd_str_eq_cstr(a->status, "Resolved"))
    return CTL_DIM;
  if (cd_str_eq_cstr(a->severity, "High"))
    return CTL_BAD;
  return cd_str_eq_cstr(a->severity, "Medium") ? CTL_WARN : CTL_PLAIN;
}

/* ---- list ---- */

static void add_row(const alert *a, ctl_table *t)
{
  cd_buf text = CD_BUF_INIT(CTL_OUTPUT_MAX);
  ctl_time_add(&text, a->created);
  ctl_table_cell(t, CTL_PLAIN, cd_buf_view(&text));
  ctl_table_cell(t, colour_of(a), a->severity);
  ctl_table_cell(t, CTL_PLAIN, a->status);
  ctl_table_cell(t, CTL_PLAIN, a->name.len > 0 ? a->name : a->machine);
  ctl_table_cell(t, CTL_PLAIN, a->id);
  fleet_cell_front(t, a->title, TITLE_COLUMNS);
  cd_buf_release(&text);
}

static ctl_exit print_alerts(const ctl_context *ctx, cd_json_doc *doc)
{
  static const char *const heads[] = {"Since", "Severity", "Status", "Device", "Id", "Title"};
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
    alert a;
    cd_json_at_obj(&list, i, &item);
    read_alert(&item, &a);
    add_row(&a, &t);
  }
  if (cd_json_status(&root, &err) != CD_OK)
    code = ctl_report(ctx, CTL_EXIT_UNREACHABLE, &err, NULL);
  else if (ctx->json)
    code = fleet_put_json(ctx, &root, code);
  else if (cd_json_len(&list) == 0)
    code = ctl_put(ctx, CD_STR("No alerts.\n"), code);
  else if (ctl_table_print(&t, &style, 0, &out, &err) != CD_OK)
    code = ctl_report(ctx, CTL_EXIT_FAILED, &err, NULL);
  else
    code = fleet_put_text(ctx, &out, code);
  ctl_table_release(&t);
  cd_buf_release(&out);
  return code;
}

static bool is_status(cd_str text)
{
  static const char *const names[] = {"New", "InProgress", "Resolved"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    if (cd_str_eq_cstr(text, names[i]))
      return true;
  return false;
}

static cd_code list_path(const ctl_args *args, const char *device, cd_buf *path, cd_err *err)
{
  uint64_t limit = 0;
  cd_str status = cd_str_from(args->value[CTL_OPT_STATUS]);
  cd_code rc = ctl_args_number(args, CTL_OPT_LIMIT, 1, LIMIT_MAX, LIMIT_FALLBACK, &limit, err);
  if (rc == CD_OK && status.len > 0 && !is_status(status))
    rc = cd_fail(err, CD_E_INVALID, "--status is New, InProgress or Resolved");
  if (rc != CD_OK)
    return rc;
  if (device[0] != '\0')
    cd_buf_addf(path, "/api/machines/%s/alerts", device);
  else
    cd_buf_add_cstr(path, "/api/alerts");
  cd_buf_addf(path, "?%%24top=%llu", (unsigned long long)limit);
  if (status.len > 0) {
    cd_buf_add_cstr(path, "&%24filter=status%20eq%20");
    fleet_path_add_quoted(path, status);
  }
  return cd_buf_status(path, "the request", err);
}

ctl_exit fleet_cmd_alerts(const ctl_context *ctx, const ctl_args *args)
{
  fleet_session *s = NULL;
  cd_json_doc *doc = NULL;
  fleet_device d = {0};
  cd_err err = {0};
  cd_buf path = CD_BUF_INIT(FLEET_PATH_MAX);
  ctl_exit code = fleet_open(ctx, args, &s, &err);
  if (code != CTL_EXIT_DONE) {
    code = ctl_report(ctx, code, &err, NULL);
    goto done;
  }
  if (args->value[CTL_OPT_DEVICE] != NULL) {
    code = fleet_find(ctx, s, args->value[CTL_OPT_DEVICE], &d);
    if (code != CTL_EXIT_DONE)
      goto done;
  }
  code = list_path(args, d.id, &path, &err) == CD_OK
             ? fleet_ask(s, &(fleet_call){.method = "GET", .path = cd_buf_cstr(&path)}, &doc, &err)
             : CTL_EXIT_USAGE;
  code = code == CTL_EXIT_DONE ? print_alerts(ctx, doc) : ctl_report(ctx, code, &err, NULL);

done:
  cd_json_free(doc);
  cd_buf_release(&path);
  fleet_close(s);
  return code;
}

/* ---- one ---- */

static cd_code check_id(const char *id, cd_err *err)
{
  cd_str s = cd_str_from(id);
  bool good = s.len > 2 && s.len <= ALERT_ID_MAX && id[0] == 'd' && id[1] == 'a';
  for (size_t i = 2; i < s.len && good; i++)
    good = strchr("0123456789_-", id[i]) != NULL;
  return good ? CD_OK
              : cd_fail(err, CD_E_INVALID,
                        "ID must be the id of an alert, such as 'cordon alerts' prints, not "
                        "'%.100s'",
                        id);
}

static void add_owner(cd_json *finding, cd_buf *out)
{
  cd_json owner = {0};
  cd_str name = {0};
  if (!cd_json_opt_obj(finding, "owner", &owner) ||
      !cd_json_opt_str(&owner, "name", FLEET_TEXT_MAX, &name))
    return;
  cd_buf_add_cstr(out, ", of ");
  ctl_text_add(out, name);
}

static void add_processes(cd_json *finding, cd_buf *out)
{
  cd_json list = {0};
  if (!cd_json_opt_arr(finding, "processes", CD_SCAN_PROCESSES_MAX, &list))
    return;
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_process p;
    cd_process_read_at(&list, i, &p);
    cd_buf_addf(out, "%s%llu ", i == 0 ? ", run by " : ", ", (unsigned long long)p.pid);
    ctl_text_add(out, p.name);
  }
}

static void add_finding(cd_json *list, size_t i, const ctl_style *style, cd_buf *out)
{
  cd_json finding = {0};
  cd_path path = {0};
  cd_str sha1 = {0};
  uint64_t size = 0;
  cd_buf shown = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_json_at_obj(list, i, &finding);
  cd_path_read(&finding, "path", &path);
  if (path.text.ptr != NULL)
    cd_path_show(&path, &shown);
  ctl_label(out, style, i == 0 ? "Found" : NULL);
  ctl_text_add(out, cd_buf_view(&shown));
  if (cd_json_opt_u64(&finding, "size", UINT64_MAX, &size))
    cd_buf_addf(out, ", %llu bytes", (unsigned long long)size);
  add_owner(&finding, out);
  add_processes(&finding, out);
  cd_buf_add_char(out, '\n');
  if (cd_json_opt_str(&finding, "sha1", CD_SHA1_TEXT_LEN, &sha1))
    ctl_line(out, style, NULL, CTL_DIM, sha1);
  cd_buf_release(&shown);
}

static void add_findings(cd_json *root, const ctl_style *style, cd_buf *out)
{
  cd_json list = {0};
  uint64_t total = 0;
  cd_json_arr(root, "findings", FINDINGS_MAX, &list);
  cd_json_u64(root, "findingsTotal", UINT64_MAX, &total);
  size_t shown = cd_json_len(&list) < SHOWN_MAX ? cd_json_len(&list) : SHOWN_MAX;
  for (size_t i = 0; i < shown; i++)
    add_finding(&list, i, style, out);
  if (total <= shown)
    return;
  ctl_label(out, style, shown == 0 ? "Found" : NULL);
  cd_buf_addf(out, "and %llu more\n", (unsigned long long)(total - shown));
}

static void add_actions(cd_json *root, const ctl_style *style, cd_buf *out)
{
  cd_json list = {0};
  if (!cd_json_opt_arr(root, "actions", FLEET_LIST_MAX, &list))
    return;
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_str id = {0};
    cd_json_at_str(&list, i, FLEET_TEXT_MAX, &id);
    ctl_line(out, style, i == 0 ? "Scans" : NULL, CTL_PLAIN, id);
  }
}

static void add_comments(cd_json *a, const ctl_style *style, cd_buf *out)
{
  cd_json list = {0};
  if (!cd_json_opt_arr(a, "comments", FLEET_LIST_MAX, &list))
    return;
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json item = {0};
    cd_str text = {0};
    cd_str who = {0};
    cd_json_at_obj(&list, i, &item);
    cd_json_str(&item, "comment", FLEET_TEXT_MAX, &text);
    (void)cd_json_opt_str(&item, "createdBy", FLEET_TEXT_MAX, &who);
    ctl_label(out, style, "Comment");
    ctl_text_add(out, who);
    cd_buf_add_cstr(out, ": ");
    ctl_text_add(out, text);
    cd_buf_add_char(out, '\n');
  }
}

static void add_judgement(const alert *a, const ctl_style *style, cd_buf *out)
{
  if (a->classification.len == 0 && a->determination.len == 0)
    return;
  ctl_label(out, style, "Judged");
  ctl_text_add(out, a->classification);
  cd_buf_add_cstr(out, a->classification.len > 0 && a->determination.len > 0 ? ", " : "");
  ctl_text_add(out, a->determination);
  cd_buf_add_char(out, '\n');
}

static void render(cd_json *root, const ctl_style *style, cd_buf *out)
{
  cd_json obj = {0};
  alert a;
  cd_str recommended = {0};
  cd_json_obj(root, "alert", &obj);
  read_alert(&obj, &a);
  ctl_line(out, style, "Alert", colour_of(&a), a.title);
  ctl_line(out, style, "Id", CTL_PLAIN, a.id);
  ctl_label(out, style, "Status");
  ctl_text_add(out, a.status);
  cd_buf_add_cstr(out, ", severity ");
  ctl_text_add(out, a.severity);
  cd_buf_add_char(out, '\n');
  ctl_line(out, style, "Device", CTL_PLAIN, a.name.len > 0 ? a.name : a.machine);
  ctl_label(out, style, "Since");
  ctl_time_add(out, a.created);
  cd_buf_add_cstr(out, ", last change ");
  ctl_time_add(out, a.updated);
  cd_buf_add_char(out, '\n');
  ctl_line(out, style, "Assigned", CTL_PLAIN, a.assigned);
  add_judgement(&a, style, out);
  ctl_line(out, style, "About", CTL_PLAIN, a.description);
  add_findings(root, style, out);
  add_actions(root, style, out);
  add_comments(&obj, style, out);
  if (cd_json_opt_str(root, "recommendedAction", FLEET_TEXT_MAX, &recommended))
    ctl_line(out, style, "To do", CTL_PLAIN, recommended);
}

static ctl_exit get_alert(fleet_session *s, const char *id, cd_json_doc **ret_doc, cd_err *err)
{
  cd_buf path = CD_BUF_INIT(FLEET_PATH_MAX);
  cd_buf_addf(&path, "/api/cordon/alerts/%s", id);
  ctl_exit code =
      fleet_ask(s, &(fleet_call){.method = "GET", .path = cd_buf_cstr(&path)}, ret_doc, err);
  if (code == CTL_EXIT_DONE && *ret_doc == NULL) {
    (void)cd_fail(err, CD_E_INVALID, "the console's answer about the alert is empty");
    code = CTL_EXIT_UNREACHABLE;
  }
  cd_buf_release(&path);
  return code;
}

ctl_exit fleet_cmd_alert_show(const ctl_context *ctx, const ctl_args *args)
{
  fleet_session *s = NULL;
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  ctl_style style = fleet_style(ctx);
  ctl_exit code = CTL_EXIT_USAGE;
  if (check_id(args->operand[0], &err) == CD_OK)
    code = fleet_open(ctx, args, &s, &err);
  if (code == CTL_EXIT_DONE)
    code = get_alert(s, args->operand[0], &doc, &err);
  if (code == CTL_EXIT_DONE) {
    cd_json root = cd_json_root(doc);
    render(&root, &style, &out);
    if (cd_json_status(&root, &err) != CD_OK)
      code = ctl_report(ctx, CTL_EXIT_UNREACHABLE, &err, NULL);
    else
      code = ctx->json ? fleet_put_json(ctx, &root, code) : fleet_put_text(ctx, &out, code);
  } else {
    code = ctl_report(ctx, code, &err, NULL);
  }
  cd_json_free(doc);
  cd_buf_release(&out);
  fleet_close(s);
  return code;
}

/* ---- resolve ---- */

static cd_code resolve_body(const ctl_args *args, cd_buf *out, cd_err *err)
{
  cd_str comment = cd_str_from(args->value[CTL_OPT_COMMENT]);
  cd_jw w;
  cd_code rc = check_id(args->operand[0], err);
  if (rc == CD_OK && (comment.len > CD_COMMENT_MAX || !cd_str_utf8_valid(comment)))
    rc = cd_fail(err, CD_E_INVALID, "--comment must be at most %u bytes of UTF-8", CD_COMMENT_MAX);
  if (rc != CD_OK)
    return rc;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "status", "Resolved");
  if (args->value[CTL_OPT_CLASSIFICATION] != NULL)
    cd_jw_cstr(&w, "classification", args->value[CTL_OPT_CLASSIFICATION]);
  if (args->value[CTL_OPT_DETERMINATION] != NULL)
    cd_jw_cstr(&w, "determination", args->value[CTL_OPT_DETERMINATION]);
  if (comment.len > 0)
    cd_jw_str(&w, "comment", comment);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the request", err);
}

static ctl_exit print_resolved(const ctl_context *ctx, cd_json_doc *doc)
{
  alert a;
  cd_json root = cd_json_root(doc);
  read_alert(&root, &a);
  return fleet_put_state(ctx, &root, a.id, a.status);
}

ctl_exit fleet_cmd_alert_resolve(const ctl_context *ctx, const ctl_args *args)
{
  fleet_session *s = NULL;
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  cd_buf path = CD_BUF_INIT(FLEET_PATH_MAX);
  cd_buf body = CD_BUF_INIT(16384);
  ctl_exit code = CTL_EXIT_USAGE;
  if (resolve_body(args, &body, &err) == CD_OK)
    code = fleet_open(ctx, args, &s, &err);
  if (code == CTL_EXIT_DONE) {
    cd_buf_addf(&path, "/api/alerts/%s", args->operand[0]);
    code = fleet_ask(s,
                     &(fleet_call){.method = "PATCH",
                                   .path = cd_buf_cstr(&path),
                                   .body = cd_buf_view(&body),
                                   .changes = true},
                     &doc, &err);
  }
  code = code == CTL_EXIT_DONE ? print_resolved(ctx, doc) : ctl_report(ctx, code, &err, NULL);
  cd_json_free(doc);
  cd_buf_release(&path);
  cd_buf_release(&body);
  fleet_close(s);
  return code;
}
