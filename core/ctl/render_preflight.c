/* What an isolation would meet on a device, and what it would cut. */
#include "action.h"
#include "text.h"

#include "base/limits.h"

#include "base/banned.h"

#define TEXT_MAX CD_FRAME_PAYLOAD_MAX
#define LABEL_COLUMNS 12u

typedef struct finding {
  cd_str check;
  cd_str severity;
  cd_str sentence;
} finding;

static void read_finding(cd_json *list, size_t i, finding *ret_finding)
{
  cd_json item = {0};
  *ret_finding = (finding){0};
  cd_json_at_obj(list, i, &item);
  cd_json_str(&item, "check", TEXT_MAX, &ret_finding->check);
  cd_json_str(&item, "severity", TEXT_MAX, &ret_finding->severity);
  cd_json_str(&item, "sentence", TEXT_MAX, &ret_finding->sentence);
}

static bool open_list(const cd_json *parent, const char *key, cd_json *ret_list)
{
  cd_json obj = *parent;
  return obj.node != NULL && cd_json_opt_arr(&obj, key, CD_JSON_NODES_MAX, ret_list);
}

static uint64_t number_of(const cd_json *parent, const char *key)
{
  cd_json obj = *parent;
  uint64_t number = 0;
  if (obj.node != NULL)
    (void)cd_json_opt_u64(&obj, key, UINT64_MAX, &number);
  return number;
}

void ctl_preflight_reason(const ctl_action *a, const char *severity, cd_buf *out)
{
  cd_json list = {0};
  size_t more = 0;
  if (!open_list(&a->preflight, "findings", &list))
    return;
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    finding f;
    read_finding(&list, i, &f);
    if (!cd_str_eq_cstr(f.severity, severity))
      continue;
    if (out->len > 0)
      more++;
    else
      cd_buf_addf(out, "%.*s: %.*s", CD_STR_ARG(f.check), CD_STR_ARG(f.sentence));
  }
  if (more > 0)
    cd_buf_addf(out, "; and %zu more", more);
}

static ctl_colour colour_of(cd_str severity)
{
  if (cd_str_eq_cstr(severity, "refuse"))
    return CTL_BAD;
  return cd_str_eq_cstr(severity, "warn") ? CTL_WARN : CTL_DIM;
}

static cd_code add_findings(const ctl_action *a, bool all, const ctl_style *style, cd_buf *out,
                            cd_err *err)
{
  cd_json list = {0};
  ctl_table table;
  size_t shown = 0;
  if (!open_list(&a->preflight, "findings", &list))
    return CD_OK;
  ctl_table_init(&table, 3);
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    finding f;
    read_finding(&list, i, &f);
    if (!all && cd_str_eq_cstr(f.severity, "info"))
      continue;
    shown++;
    ctl_table_cell(&table, colour_of(f.severity), f.severity);
    ctl_table_cell(&table, CTL_BOLD, f.check);
    ctl_table_cell(&table, CTL_PLAIN, f.sentence);
  }
  cd_code rc = CD_OK;
  if (shown > 0) {
    ctl_line(out, style, "Preflight", CTL_PLAIN, CD_STR("what an isolation meets here"));
    rc = ctl_table_print(&table, style, LABEL_COLUMNS, out, err);
  } else if (all) {
    ctl_line(out, style, "Preflight", CTL_GOOD, CD_STR("nothing stands in the way"));
  }
  ctl_table_release(&table);
  return rc;
}

/* ---- what would be cut ---- */

static void add_whose(cd_json *item, ctl_table *table)
{
  cd_str user = {0};
  cd_str process = {0};
  cd_str unit = {0};
  uint64_t pid = 0;
  (void)cd_json_opt_str(item, "user", TEXT_MAX, &user);
  (void)cd_json_opt_str(item, "process", TEXT_MAX, &process);
  (void)cd_json_opt_str(item, "unit", TEXT_MAX, &unit);
  (void)cd_json_opt_u64(item, "pid", UINT64_MAX, &pid);
  ctl_table_cell(table, CTL_PLAIN, user);
  if (process.len > 0)
    ctl_table_cellf(table, CTL_PLAIN, "%.*s %llu", CD_STR_ARG(process), (unsigned long long)pid);
  else
    ctl_table_cell(table, CTL_DIM, unit);
}

static void add_connection(cd_json *list, size_t i, ctl_table *table)
{
  cd_json item = {0};
  cd_str protocol = {0};
  cd_str direction = {0};
  cd_str remote = {0};
  uint64_t port = 0;
  uint64_t count = 0;
  cd_json_at_obj(list, i, &item);
  cd_json_str(&item, "protocol", TEXT_MAX, &protocol);
  cd_json_str(&item, "direction", TEXT_MAX, &direction);
  cd_json_str(&item, "remote", TEXT_MAX, &remote);
  cd_json_u64(&item, "port", 65535, &port);
  cd_json_u64(&item, "count", UINT64_MAX, &count);
  bool in = cd_str_eq_cstr(direction, "in");
  ctl_table_cellf(table, CTL_PLAIN, "%llu", (unsigned long long)count);
  ctl_table_cell(table, CTL_PLAIN, protocol);
  ctl_table_cellf(table, CTL_PLAIN, "%s %.*s", in ? "from" : "to", CD_STR_ARG(remote));
  ctl_table_cellf(table, CTL_PLAIN, "%s %llu", in ? "at our port" : "port",
                  (unsigned long long)port);
  add_whose(&item, table);
}

static cd_code add_connections(const cd_json *cut, const ctl_style *style, cd_buf *out, cd_err *err)
{
  cd_json list = {0};
  ctl_table table;
  uint64_t left = number_of(cut, "connections_left_out");
  if (!open_list(cut, "connections", &list) || cd_json_len(&list) == 0)
    return CD_OK;
  ctl_table_init(&table, 6);
  for (size_t i = 0; i < cd_json_len(&list); i++)
    add_connection(&list, i, &table);
  ctl_line(out, style, "Would cut", CTL_PLAIN, CD_STR("connections: how many, and whose"));
  cd_code rc = ctl_table_print(&table, style, LABEL_COLUMNS, out, err);
  ctl_table_release(&table);
  if (left > 0) {
    ctl_label(out, style, NULL);
    cd_buf_addf(out, "and %llu more\n", (unsigned long long)left);
  }
  return rc;
}

static void add_services(const cd_json *cut, const ctl_style *style, cd_buf *out)
{
  cd_json list = {0};
  uint64_t left = number_of(cut, "services_left_out");
  if (!open_list(cut, "services", &list))
    return;
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json item = {0};
    cd_str user = {0};
    uint64_t port = 0;
    uint64_t connections = 0;
    cd_json_at_obj(&list, i, &item);
    cd_json_u64(&item, "port", 65535, &port);
    cd_json_u64(&item, "connections", UINT64_MAX, &connections);
    (void)cd_json_opt_str(&item, "user", TEXT_MAX, &user);
    ctl_label(out, style, i == 0 ? "Services" : NULL);
    cd_buf_addf(out, "port %llu of ", (unsigned long long)port);
    ctl_text_add(out, user);
    cd_buf_addf(out, ", %llu connection%s\n", (unsigned long long)connections,
                connections == 1 ? "" : "s");
  }
  if (left > 0) {
    ctl_label(out, style, NULL);
    cd_buf_addf(out, "and %llu more\n", (unsigned long long)left);
  }
}

static void add_guests(const cd_json *cut, const ctl_style *style, cd_buf *out)
{
  cd_json list = {0};
  if (!open_list(cut, "guests", &list))
    return;
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json item = {0};
    cd_str bridge = {0};
    cd_str interfaces = {0};
    cd_json_at_obj(&list, i, &item);
    cd_json_str(&item, "bridge", TEXT_MAX, &bridge);
    (void)cd_json_opt_str(&item, "interfaces", TEXT_MAX, &interfaces);
    ctl_label(out, style, i == 0 ? "Guests" : NULL);
    cd_buf_add_cstr(out, "on bridge ");
    ctl_text_add(out, bridge);
    cd_buf_add_cstr(out, ": ");
    ctl_text_add(out, interfaces);
    cd_buf_add_char(out, '\n');
  }
}

cd_code ctl_preflight_render(const ctl_action *a, bool all, const ctl_style *style, cd_buf *out,
                             cd_err *err)
{
  cd_json preflight = a->preflight;
  cd_json cut = {0};
  uint64_t left = number_of(&a->preflight, "findings_left_out");
  if (preflight.node == NULL)
    return CD_OK;
  if (cd_str_eq_cstr(a->verdict, "forced"))
    ctl_line(out, style, "Forced", CTL_WARN,
             CD_STR("the policy would refuse, the order goes on all the same"));
  cd_code rc = add_findings(a, all, style, out, err);
  if (rc == CD_OK && left > 0) {
    ctl_label(out, style, NULL);
    cd_buf_addf(out, "and %llu more\n", (unsigned long long)left);
  }
  if (rc != CD_OK || !all || !cd_json_opt_obj(&preflight, "would_cut", &cut))
    return rc;
  rc = add_connections(&cut, style, out, err);
  add_services(&cut, style, out);
  add_guests(&cut, style, out);
  return rc;
}
