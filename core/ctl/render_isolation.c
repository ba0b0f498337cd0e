/* What an isolation's evidence tells beside its probes: the guard, the links of strict, other
 * namespaces, packet sockets. All of it is the provider's, and all of it optional. */
#include "render_isolation.h"

#include "text.h"

#include "base/limits.h"

#include "base/banned.h"

#define TEXT_MAX CD_FRAME_PAYLOAD_MAX

static void add_guard(cd_json *details, const ctl_style *style, cd_buf *out)
{
  cd_json guard = {0};
  cd_str state = {0};
  cd_str note = {0};
  if (!cd_json_opt_obj(details, "guard", &guard))
    return;
  (void)cd_json_opt_str(&guard, "state", TEXT_MAX, &state);
  (void)cd_json_opt_str(&guard, "note", TEXT_MAX, &note);
  ctl_line(out, style, "Guard", cd_str_eq_cstr(state, "held") ? CTL_PLAIN : CTL_WARN, state);
  ctl_line(out, style, NULL, CTL_WARN, note);
}

static void add_strict(cd_json *details, const ctl_style *style, cd_buf *out)
{
  cd_json strict = {0};
  cd_json links = {0};
  cd_str uncovered = {0};
  if (!cd_json_opt_obj(details, "strict", &strict))
    return;
  ctl_label(out, style, "Strict");
  cd_buf_add_cstr(out, "on");
  if (cd_json_opt_arr(&strict, "links", CD_JSON_NODES_MAX, &links)) {
    for (size_t i = 0; i < cd_json_len(&links); i++) {
      cd_str name = {0};
      cd_json_at_str(&links, i, TEXT_MAX, &name);
      cd_buf_add_char(out, ' ');
      ctl_text_add(out, name);
    }
  }
  cd_buf_add_char(out, '\n');
  if (cd_json_opt_str(&strict, "uncovered", TEXT_MAX, &uncovered)) {
    ctl_label(out, style, NULL);
    ctl_text_add(out, uncovered);
    cd_buf_add_cstr(out, " is not covered yet\n");
  }
}

/* "NAME, process PID" */
static void add_process(cd_json *item, cd_buf *out)
{
  uint64_t pid = 0;
  cd_str name = {0};
  (void)cd_json_opt_u64(item, "pid", UINT32_MAX, &pid);
  if (cd_json_opt_str(item, "name", TEXT_MAX, &name)) {
    ctl_text_add(out, name);
    cd_buf_addf(out, ", process %llu", (unsigned long long)pid);
  } else {
    cd_buf_add_cstr(out, "an unknown process");
  }
}

static void add_namespaces(cd_json *details, const ctl_style *style, cd_buf *out)
{
  cd_json list = {0};
  if (!cd_json_opt_arr(details, "namespaces", CD_JSON_NODES_MAX, &list))
    return;
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json item = {0};
    uint64_t ended = 0;
    cd_str skipped = {0};
    cd_json_at_obj(&list, i, &item);
    (void)cd_json_opt_u64(&item, "ended", UINT32_MAX, &ended);
    ctl_label(out, style, i == 0 ? "Namespaces" : NULL);
    add_process(&item, out);
    if (cd_json_opt_str(&item, "skipped", TEXT_MAX, &skipped)) {
      cd_buf_add_cstr(out, ": skipped, ");
      ctl_text_add(out, skipped);
    } else {
      cd_buf_addf(out, ": %llu socket%s ended", (unsigned long long)ended, ended == 1 ? "" : "s");
    }
    cd_buf_add_char(out, '\n');
  }
}

static void add_packet(cd_json *item, bool strict, cd_buf *out)
{
  cd_str user = {0};
  cd_str interface = {0};
  bool expected = false;
  (void)cd_json_opt_str(item, "user", TEXT_MAX, &user);
  (void)cd_json_opt_str(item, "interface", TEXT_MAX, &interface);
  (void)cd_json_opt_bool(item, "expected", &expected);
  add_process(item, out);
  cd_buf_add_cstr(out, ", on ");
  ctl_text_add(out, interface);
  if (user.len > 0) {
    cd_buf_add_cstr(out, ", user ");
    ctl_text_add(out, user);
  }
  if (expected)
    cd_buf_add_cstr(out, " (expected)\n");
  else
    cd_buf_add_cstr(out, strict ? " (may listen)\n" : " (may send past the rules)\n");
}

static void add_packets(cd_json *details, const ctl_style *style, cd_buf *out)
{
  cd_json list = {0};
  cd_json on = {0};
  bool strict = cd_json_opt_obj(details, "strict", &on);
  if (!cd_json_opt_arr(details, "packet_sockets", CD_JSON_NODES_MAX, &list))
    return;
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json item = {0};
    cd_json_at_obj(&list, i, &item);
    ctl_label(out, style, i == 0 ? "Packets" : NULL);
    add_packet(&item, strict, out);
  }
}

static void add_stacked(cd_json *details, const ctl_style *style, cd_buf *out)
{
  cd_json list = {0};
  cd_json strict = {0};
  bool cut = cd_json_opt_obj(details, "strict", &strict);
  if (!cd_json_opt_arr(details, "stacked_links", CD_JSON_NODES_MAX, &list))
    return;
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json item = {0};
    cd_str interface = {0};
    cd_str kind = {0};
    cd_json_at_obj(&list, i, &item);
    (void)cd_json_opt_str(&item, "interface", TEXT_MAX, &interface);
    (void)cd_json_opt_str(&item, "kind", TEXT_MAX, &kind);
    ctl_label(out, style, i == 0 ? "Stacked" : NULL);
    ctl_text_add(out, interface);
    cd_buf_add_cstr(out, " (");
    ctl_text_add(out, kind);
    cd_buf_add_cstr(out, "), ");
    add_process(&item, out);
    cd_buf_add_cstr(out, cut ? " (cut by strict)\n" : " (sends past the rules)\n");
  }
}

static bool read_details(cd_json *result, const char *function, cd_json *ret_details)
{
  cd_json part = {0};
  return cd_json_opt_obj(result, function, &part) && cd_json_opt_obj(&part, "details", ret_details);
}

void ctl_isolation_render(cd_json *result, const ctl_style *style, cd_buf *out)
{
  cd_json applied = {0};
  cd_json latest = {0};
  bool has_applied = read_details(result, "apply", &applied);
  if (has_applied)
    add_namespaces(&applied, style, out);
  if (read_details(result, "verify", &latest) || has_applied) {
    cd_json *from = latest.node != NULL ? &latest : &applied;
    add_guard(from, style, out);
    add_strict(from, style, out);
    add_packets(from, style, out);
    add_stacked(from, style, out);
  }
}
