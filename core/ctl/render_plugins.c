/* The plugins, with the reason where one may not be used; and what unquarantine did. */
#include "response.h"
#include "text.h"

#include "base/limits.h"

#include "base/banned.h"

#define TEXT_MAX CD_FRAME_PAYLOAD_MAX

/* The strings of an array, as one text: "isolate, facts". */
static void add_names(cd_json *list, cd_buf *out)
{
  for (size_t i = 0; i < cd_json_len(list); i++) {
    cd_str name = {0};
    cd_json_at_str(list, i, TEXT_MAX, &name);
    if (i > 0)
      cd_buf_add_cstr(out, ", ");
    cd_buf_add_str(out, name);
  }
}

static void add_host(cd_json *host, cd_buf *out)
{
  cd_str capability = {0};
  uint64_t pid = 0;
  uint64_t running = 0;
  bool resident = false;
  cd_json_str(host, "capability", TEXT_MAX, &capability);
  (void)cd_json_opt_u64(host, "pid", UINT64_MAX, &pid);
  (void)cd_json_opt_u64(host, "running", UINT64_MAX, &running);
  (void)cd_json_opt_bool(host, "resident", &resident);
  cd_buf_add_str(out, capability);
  cd_buf_addf(out, " %llu", (unsigned long long)pid);
  if (resident)
    cd_buf_add_cstr(out, " resident");
  if (running > 0)
    cd_buf_addf(out, " busy");
}

static void add_hosts_cell(cd_json *plugin, ctl_table *table)
{
  cd_json hosts = {0};
  cd_buf text = CD_BUF_INIT(CTL_OUTPUT_MAX);
  if (cd_json_opt_arr(plugin, "hosts", CD_JSON_NODES_MAX, &hosts)) {
    for (size_t i = 0; i < cd_json_len(&hosts); i++) {
      cd_json host = {0};
      cd_json_at_obj(&hosts, i, &host);
      if (i > 0)
        cd_buf_add_cstr(&text, ", ");
      add_host(&host, &text);
    }
  }
  ctl_table_cell(table, CTL_PLAIN, cd_buf_view(&text));
  cd_buf_release(&text);
}

static void add_trust_cell(cd_json *plugin, bool trusted, ctl_table *table)
{
  cd_json list = {0};
  cd_buf text = CD_BUF_INIT(CTL_OUTPUT_MAX);
  if (!trusted) {
    ctl_table_cell(table, CTL_BAD, CD_STR("not trusted"));
    return;
  }
  if (!cd_json_opt_arr(plugin, "quarantined", CD_JSON_NODES_MAX, &list) ||
      cd_json_len(&list) == 0) {
    ctl_table_cell(table, CTL_GOOD, CD_STR("trusted"));
    return;
  }
  cd_buf_add_cstr(&text, "quarantined: ");
  add_names(&list, &text);
  ctl_table_cell(table, CTL_WARN, cd_buf_view(&text));
  cd_buf_release(&text);
}

static void add_plugin(cd_json *plugin, ctl_table *table, const ctl_style *style, cd_buf *notes)
{
  cd_str id = {0};
  cd_str version = {0};
  cd_str reason = {0};
  cd_json provides = {0};
  uint64_t strikes = 0;
  bool trusted = false;
  cd_buf names = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_json_str(plugin, "id", TEXT_MAX, &id);
  (void)cd_json_opt_str(plugin, "version", TEXT_MAX, &version);
  (void)cd_json_opt_str(plugin, "reason", TEXT_MAX, &reason);
  (void)cd_json_opt_u64(plugin, "strikes", UINT64_MAX, &strikes);
  cd_json_bool(plugin, "trusted", &trusted);
  if (cd_json_opt_arr(plugin, "provides", CD_JSON_NODES_MAX, &provides))
    add_names(&provides, &names);
  ctl_table_cell(table, CTL_BOLD, id);
  ctl_table_cell(table, CTL_PLAIN, version);
  ctl_table_cell(table, CTL_PLAIN, cd_buf_view(&names));
  add_trust_cell(plugin, trusted, table);
  ctl_table_cellf(table, strikes > 0 ? CTL_WARN : CTL_PLAIN, "%llu", (unsigned long long)strikes);
  add_hosts_cell(plugin, table);
  if (reason.len > 0) {
    ctl_text_add(notes, id);
    cd_buf_add_cstr(notes, ": ");
    ctl_text_add(notes, reason);
    cd_buf_add_char(notes, '\n');
  }
  cd_buf_release(&names);
}

cd_code ctl_render_plugins(cd_json *result, const ctl_style *style, cd_buf *out, cd_err *err)
{
  static const char *const heads[] = {"Plugin", "Version", "Provides",
                                      "Trust",  "Strikes", "Processes"};
  cd_json list = {0};
  ctl_table table;
  cd_buf notes = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_json_arr(result, "plugins", CD_JSON_NODES_MAX, &list);
  if (cd_json_len(&list) == 0) {
    cd_buf_add_cstr(out, "No plugins.\n");
    return cd_buf_status(out, "the output", err);
  }
  ctl_table_init(&table, sizeof(heads) / sizeof(heads[0]));
  for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
    ctl_table_cell(&table, CTL_DIM, cd_str_from(heads[i]));
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json plugin = {0};
    cd_json_at_obj(&list, i, &plugin);
    add_plugin(&plugin, &table, style, &notes);
  }
  cd_code rc = ctl_table_print(&table, style, 0, out, err);
  if (notes.len > 0) {
    cd_buf_add_char(out, '\n');
    cd_buf_add_str(out, cd_buf_view(&notes));
  }
  ctl_table_release(&table);
  cd_buf_release(&notes);
  return rc;
}

cd_code ctl_render_unquarantine(cd_json *result, const ctl_style *style, cd_buf *out, cd_err *err)
{
  uint64_t lifted = 0;
  cd_json_u64(result, "lifted", UINT64_MAX, &lifted);
  if (lifted == 0)
    cd_buf_add_cstr(out, "Nothing of it was in quarantine.\n");
  else
    cd_buf_addf(out, "Lifted %llu quarantine%s.\n", (unsigned long long)lifted,
                lifted == 1 ? "" : "s");
  return cd_buf_status(out, "the output", err);
}

cd_code ctl_render_enroll(cd_json *result, const ctl_style *style, cd_buf *out, cd_err *err)
{
  cd_str device = {0};
  cd_json_str(result, "device", CD_FRAME_PAYLOAD_MAX, &device);
  cd_buf_add_cstr(out, "Enrolled as device ");
  ctl_text_add(out, device);
  cd_buf_add_cstr(out, "; 'cordon local status' shows the connection.\n");
  return cd_buf_status(out, "the output", err);
}
