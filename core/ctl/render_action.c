/* One action with its evidence, and the list of actions. */
#include "action.h"
#include "render_isolation.h"
#include "render_package.h"
#include "render_remediate.h"
#include "render_scan.h"
#include "response.h"
#include "text.h"

#include "base/limits.h"

#include "base/banned.h"

#define TEXT_MAX CD_FRAME_PAYLOAD_MAX
#define COMMENT_COLUMNS 40u
#define LABEL_COLUMNS 12u

static void add_what(const ctl_action *a, const ctl_style *style, cd_buf *out)
{
  ctl_label(out, style, "Action");
  ctl_text_add(out, a->kind);
  if (a->type.len > 0 && !cd_str_eq_cstr(a->kind, "release")) {
    cd_buf_add_cstr(out, " (");
    ctl_text_add(out, a->type);
    if (a->exclusions > 0)
      cd_buf_addf(out, ", %zu exclusion%s", a->exclusions, a->exclusions == 1 ? "" : "s");
    cd_buf_add_char(out, ')');
  }
  cd_buf_add_cstr(out, ", ");
  ctl_text_add(out, a->id);
  cd_buf_add_char(out, '\n');
}

static void add_status(const ctl_action *a, const ctl_style *style, cd_buf *out)
{
  int64_t from = 0;
  int64_t to = 0;
  ctl_label(out, style, "Status");
  ctl_paint(out, style, ctl_action_colour(a), a->status_name);
  if (a->outcome.len > 0 && !cd_str_eq_cstr(a->outcome, "ok")) {
    cd_buf_add_cstr(out, ", ");
    ctl_text_add(out, a->outcome);
  }
  if (ctl_time_read(a->started, &from) && ctl_time_read(a->ended, &to)) {
    cd_buf_add_cstr(out, ", took ");
    ctl_time_add_span(out, to - from);
  }
  cd_buf_add_char(out, '\n');
  ctl_line(out, style, "Because", CTL_PLAIN, a->sentence);
}

static void add_who(const ctl_action *a, const ctl_style *style, cd_buf *out)
{
  ctl_label(out, style, "Asked");
  ctl_time_add(out, a->created);
  if (a->user.len > 0) {
    cd_buf_add_cstr(out, " by ");
    ctl_text_add(out, a->user);
  }
  cd_buf_add_char(out, '\n');
  ctl_line(out, style, "Comment", CTL_PLAIN, a->comment);
  ctl_line(out, style, "Provider", CTL_PLAIN, a->provider);
}

static void add_values(const ctl_action *a, const ctl_style *style, cd_buf *out)
{
  if (a->enforced.len == 0 && a->proven.len == 0)
    return;
  ctl_label(out, style, "Measured");
  cd_buf_add_cstr(out, "enforced ");
  ctl_text_add(out, a->enforced.len > 0 ? a->enforced : CD_STR("unknown"));
  cd_buf_add_cstr(out, "   proven ");
  ctl_text_add(out, a->proven.len > 0 ? a->proven : CD_STR("unknown"));
  cd_buf_add_char(out, '\n');
}

static ctl_colour probe_colour(cd_str outcome)
{
  if (cd_str_eq_cstr(outcome, "blocked"))
    return CTL_GOOD;
  return cd_str_eq_cstr(outcome, "passed") ? CTL_BAD : CTL_WARN;
}

static void add_probe(cd_json *probe, ctl_table *table)
{
  cd_str name = {0};
  cd_str target = {0};
  cd_str outcome = {0};
  cd_str note = {0};
  int64_t before = 0;
  int64_t after = 0;
  cd_json_str(probe, "name", TEXT_MAX, &name);
  cd_json_str(probe, "target", TEXT_MAX, &target);
  cd_json_str(probe, "outcome", TEXT_MAX, &outcome);
  cd_json_i64(probe, "counter_before", INT64_MIN, INT64_MAX, &before);
  cd_json_i64(probe, "counter_after", INT64_MIN, INT64_MAX, &after);
  (void)cd_json_opt_str(probe, "note", TEXT_MAX, &note);
  ctl_table_cell(table, CTL_PLAIN, name);
  ctl_table_cell(table, CTL_PLAIN, target);
  ctl_table_cell(table, probe_colour(outcome), outcome);
  ctl_table_cellf(table, CTL_PLAIN, "%lld -> %lld", (long long)before, (long long)after);
  ctl_table_cell(table, CTL_DIM, note);
}

static cd_code add_probes(cd_json *verify, const ctl_style *style, cd_buf *out, cd_err *err)
{
  cd_json probes = {0};
  if (!cd_json_opt_arr(verify, "probes", CD_JSON_NODES_MAX, &probes) || cd_json_len(&probes) == 0)
    return CD_OK;
  static const char *const heads[] = {"Probe", "Target", "Outcome", "Our counter", ""};
  ctl_table table;
  ctl_table_init(&table, sizeof(heads) / sizeof(heads[0]));
  for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
    ctl_table_cell(&table, CTL_DIM, cd_str_from(heads[i]));
  for (size_t i = 0; i < cd_json_len(&probes); i++) {
    cd_json probe = {0};
    cd_json_at_obj(&probes, i, &probe);
    add_probe(&probe, &table);
  }
  ctl_line(out, style, "Evidence", CTL_PLAIN,
           CD_STR("what tried to get out, and our own count of it"));
  cd_code rc = ctl_table_print(&table, style, LABEL_COLUMNS, out, err);
  ctl_table_release(&table);
  return rc;
}

static void add_not_probed(cd_json *verify, const ctl_style *style, cd_buf *out)
{
  cd_json list = {0};
  if (!cd_json_opt_arr(verify, "not_probed", CD_JSON_NODES_MAX, &list))
    return;
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_str text = {0};
    cd_json_at_str(&list, i, TEXT_MAX, &text);
    ctl_line(out, style, i == 0 ? "Not probed" : NULL, CTL_DIM, text);
  }
}

static void add_rules(cd_json *result, const ctl_style *style, cd_buf *out)
{
  static const char *const parts[] = {"verify", "query", "apply"};
  cd_json part = {0};
  cd_str digest = {0};
  uint64_t sockets = 0;
  for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && digest.len == 0; i++)
    if (cd_json_opt_obj(result, parts[i], &part))
      (void)cd_json_opt_str(&part, "digest", TEXT_MAX, &digest);
  ctl_line(out, style, "Rules", CTL_PLAIN, digest);
  if (!cd_json_opt_obj(result, "apply", &part) ||
      !cd_json_opt_u64(&part, "sockets_ended", UINT64_MAX, &sockets))
    return;
  ctl_label(out, style, "Sockets");
  cd_buf_addf(out, "%llu ended\n", (unsigned long long)sockets);
}

cd_code ctl_action_render(const ctl_action *a, const ctl_style *style, cd_buf *out, cd_err *err)
{
  add_what(a, style, out);
  add_status(a, style, out);
  add_who(a, style, out);
  if (!a->has_result)
    return cd_buf_status(out, "the output", err);
  cd_json result = a->result;
  cd_json verify = {0};
  uint64_t attempts = 0;
  cd_str passed_over = {0};
  if (cd_json_opt_str(&result, "passed_over", TEXT_MAX, &passed_over))
    ctl_line(out, style, "Passed over", CTL_WARN, passed_over);
  ctl_package_render(&result, style, out);
  ctl_scan_render(&result, style, out);
  cd_code cured = ctl_remediate_render(&result, style, out, err);
  if (cured != CD_OK)
    return cured;
  cd_code told = ctl_preflight_render(a, ctl_action_is_preflight(a), style, out, err);
  if (told != CD_OK || ctl_action_is_preflight(a))
    return told == CD_OK ? cd_buf_status(out, "the output", err) : told;
  add_values(a, style, out);
  if (cd_json_opt_u64(&result, "attempts", UINT64_MAX, &attempts) && attempts > 1) {
    ctl_label(out, style, "Tried");
    cd_buf_addf(out, "%llu times\n", (unsigned long long)attempts);
  }
  add_rules(&result, style, out);
  ctl_isolation_render(&result, style, out);
  if (cd_json_opt_obj(&result, "verify", &verify)) {
    cd_code rc = add_probes(&verify, style, out, err);
    if (rc != CD_OK)
      return rc;
    add_not_probed(&verify, style, out);
  }
  return cd_buf_status(out, "the output", err);
}

/* A comment shares its line with six other cells; the whole of it is in `--id`. */
static void add_comment_cell(cd_str comment, ctl_table *table)
{
  cd_str front = ctl_text_fit(comment, COMMENT_COLUMNS);
  ctl_table_cellf(table, CTL_DIM, "%.*s%s", CD_STR_ARG(front),
                  front.len < comment.len ? "..." : "");
}

static void add_action_row(const ctl_action *a, ctl_table *table)
{
  cd_buf created = CD_BUF_INIT(CTL_OUTPUT_MAX);
  ctl_time_add(&created, a->created);
  ctl_table_cell(table, CTL_PLAIN, cd_buf_view(&created));
  ctl_table_cell(table, CTL_BOLD, a->kind);
  ctl_table_cell(table, ctl_action_colour(a), a->status_name);
  ctl_table_cell(table, CTL_PLAIN, a->outcome);
  ctl_table_cell(table, CTL_PLAIN, a->user);
  ctl_table_cell(table, CTL_PLAIN, a->id);
  add_comment_cell(a->comment, table);
  cd_buf_release(&created);
}

cd_code ctl_render_actions(cd_json *result, const ctl_style *style, cd_buf *out, cd_err *err)
{
  static const char *const heads[] = {"Asked", "Action", "Status", "Outcome",
                                      "By",    "Id",     "Comment"};
  cd_json list = {0};
  ctl_table table;
  cd_json_arr(result, "actions", CD_JSON_NODES_MAX, &list);
  if (cd_json_len(&list) == 0) {
    cd_buf_add_cstr(out, "No actions yet.\n");
    return cd_buf_status(out, "the output", err);
  }
  ctl_table_init(&table, sizeof(heads) / sizeof(heads[0]));
  for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
    ctl_table_cell(&table, CTL_DIM, cd_str_from(heads[i]));
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json item = {0};
    ctl_action action;
    cd_json_at_obj(&list, i, &item);
    ctl_action_read(&item, &action);
    add_action_row(&action, &table);
  }
  cd_code rc = ctl_table_print(&table, style, 0, out, err);
  ctl_table_release(&table);
  return rc;
}
