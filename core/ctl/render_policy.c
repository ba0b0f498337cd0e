/* The policy of this device: what is in force, and who says so, member by member. */
#include "response.h"
#include "text.h"

#include "base/limits.h"

#include "base/banned.h"

#define TEXT_MAX CD_FRAME_PAYLOAD_MAX

static void add_head(cd_json *result, const ctl_style *style, uint64_t version, cd_buf *out)
{
  cd_str name = {0};
  cd_str taken = {0};
  bool trial = false;
  (void)cd_json_opt_str(result, "name", TEXT_MAX, &name);
  (void)cd_json_opt_str(result, "taken", TEXT_MAX, &taken);
  (void)cd_json_opt_bool(result, "trial", &trial);
  ctl_label(out, style, "Policy");
  if (version == 0) {
    cd_buf_add_cstr(out, "none: the configuration alone counts\n");
    return;
  }
  if (name.len > 0)
    ctl_text_add(out, name);
  else
    cd_buf_add_cstr(out, "(nothing is decided from afar)");
  cd_buf_addf(out, ", version %llu, taken ", (unsigned long long)version);
  ctl_time_add_age(out, taken, style->now_ms);
  cd_buf_add_char(out, '\n');
  if (trial)
    ctl_line(out, style, "Trial", CTL_WARN,
             CD_STR("the console has still to be reached with it, or it is put back"));
}

static void add_refused(cd_json *result, const ctl_style *style, cd_buf *out)
{
  cd_json refused = {0};
  cd_str sentence = {0};
  uint64_t version = 0;
  if (!cd_json_opt_obj(result, "refused", &refused))
    return;
  cd_json_u64(&refused, "version", UINT64_MAX, &version);
  cd_json_str(&refused, "sentence", TEXT_MAX, &sentence);
  ctl_label(out, style, "Refused");
  cd_buf_addf(out, "version %llu: ", (unsigned long long)version);
  ctl_text_add(out, sentence);
  cd_buf_add_char(out, '\n');
}

static void add_value(cd_json *value, uint64_t version, ctl_table *table)
{
  cd_str name = {0};
  cd_str source = {0};
  cd_json what = {0};
  cd_buf text = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_json_str(value, "name", TEXT_MAX, &name);
  cd_json_str(value, "source", TEXT_MAX, &source);
  (void)cd_json_opt_value(value, "value", &what);
  if (what.node != NULL)
    cd_json_print(&what, &text);
  else
    cd_buf_add_char(&text, '-');
  bool policy = cd_str_eq_cstr(source, "policy");
  ctl_table_cell(table, policy ? CTL_BOLD : CTL_PLAIN, name);
  if (policy)
    ctl_table_cellf(table, CTL_BOLD, "policy %llu", (unsigned long long)version);
  else
    ctl_table_cell(table, cd_str_eq_cstr(source, "default") ? CTL_DIM : CTL_PLAIN, source);
  ctl_table_cell(table, CTL_PLAIN, cd_buf_view(&text));
  cd_buf_release(&text);
}

cd_code ctl_render_policy(cd_json *result, const ctl_style *style, cd_buf *out, cd_err *err)
{
  static const char *const heads[] = {"Setting", "Says who", "Value"};
  cd_json list = {0};
  ctl_table table;
  uint64_t version = 0;
  cd_json_u64(result, "version", UINT64_MAX, &version);
  add_head(result, style, version, out);
  add_refused(result, style, out);
  cd_json_arr(result, "values", CD_JSON_NODES_MAX, &list);
  cd_buf_add_char(out, '\n');
  ctl_table_init(&table, sizeof(heads) / sizeof(heads[0]));
  for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
    ctl_table_cell(&table, CTL_DIM, cd_str_from(heads[i]));
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json value = {0};
    cd_json_at_obj(&list, i, &value);
    add_value(&value, version, &table);
  }
  cd_code rc = ctl_table_print(&table, style, 0, out, err);
  ctl_table_release(&table);
  return rc;
}
