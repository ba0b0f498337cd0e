/* The state of this device in a few lines: what it is, who guards it, and the three values of each
 * state. */
#include "lease.h"
#include "response.h"
#include "text.h"

#include "base/limits.h"

#include "base/banned.h"

#define TEXT_MAX CD_FRAME_PAYLOAD_MAX

static void add_part(cd_buf *out, const char *before, cd_str text)
{
  if (text.len == 0)
    return;
  cd_buf_add_cstr(out, before);
  ctl_text_add(out, text);
}

/* Many names carry the version already: "Debian GNU/Linux 12 (bookworm)". */
static void add_os(cd_json *os, cd_buf *out)
{
  cd_str name = {0};
  cd_str version = {0};
  (void)cd_json_opt_str(os, "name", TEXT_MAX, &name);
  (void)cd_json_opt_str(os, "version", TEXT_MAX, &version);
  add_part(out, ", ", name);
  bool said = false;
  for (size_t i = 0; i + version.len <= name.len && !said; i++)
    said = cd_str_starts((cd_str){name.ptr + i, name.len - i}, version);
  if (!said)
    add_part(out, " ", version);
}

static void add_device(cd_json *result, const ctl_style *style, cd_buf *out)
{
  cd_json device = {0};
  cd_json os = {0};
  cd_str text = {0};
  if (!cd_json_opt_obj(result, "device", &device)) {
    ctl_line(out, style, "Device", CTL_WARN, CD_STR("unknown: no facts provider answered"));
    return;
  }
  ctl_label(out, style, "Device");
  cd_json_str(&device, "host_name", TEXT_MAX, &text);
  ctl_text_add(out, text);
  if (cd_json_opt_obj(&device, "os", &os))
    add_os(&os, out);
  text = (cd_str){0};
  (void)cd_json_opt_str(&device, "kernel", TEXT_MAX, &text);
  add_part(out, ", ", text);
  text = (cd_str){0};
  (void)cd_json_opt_str(&device, "architecture", TEXT_MAX, &text);
  add_part(out, ", ", text);
  cd_buf_add_char(out, '\n');
}

static void add_agent(cd_json *result, const ctl_style *style, cd_buf *out)
{
  cd_json agent = {0};
  cd_str version = {0};
  cd_str started = {0};
  uint64_t pid = 0;
  cd_json_obj(result, "agent", &agent);
  cd_json_str(&agent, "version", TEXT_MAX, &version);
  ctl_label(out, style, "Agent");
  cd_buf_add_cstr(out, "cordond ");
  ctl_text_add(out, version);
  if (cd_json_opt_u64(&agent, "pid", UINT64_MAX, &pid))
    cd_buf_addf(out, ", process %llu", (unsigned long long)pid);
  if (cd_json_opt_str(&agent, "started", TEXT_MAX, &started)) {
    cd_buf_add_cstr(out, ", started ");
    ctl_time_add_age(out, started, style->now_ms);
  }
  cd_buf_add_char(out, '\n');
}

static void add_word(cd_buf *out, const ctl_style *style, const char *which, ctl_colour colour,
                     cd_str text)
{
  cd_buf safe = CD_BUF_INIT(CTL_OUTPUT_MAX);
  ctl_text_add(&safe, text);
  cd_buf_add_cstr(out, which);
  ctl_paint(out, style, colour, cd_buf_view(&safe));
  cd_buf_release(&safe);
}

/* What the boot did, if there was something to do. */
static void add_boot(cd_json *result, const ctl_style *style, cd_buf *out)
{
  cd_json agent = {0};
  cd_json restored = {0};
  cd_str outcome = {0};
  cd_str sentence = {0};
  cd_str at = {0};
  cd_json_obj(result, "agent", &agent);
  if (!cd_json_opt_obj(&agent, "restored", &restored))
    return;
  (void)cd_json_opt_str(&restored, "outcome", TEXT_MAX, &outcome);
  (void)cd_json_opt_str(&restored, "sentence", TEXT_MAX, &sentence);
  ctl_label(out, style, "Boot");
  add_word(out, style, "",
           cd_str_eq_cstr(outcome, "restored") ? CTL_PLAIN
           : cd_str_eq_cstr(outcome, "failed") ? CTL_BAD
                                               : CTL_WARN,
           sentence);
  if (cd_json_opt_str(&restored, "at", TEXT_MAX, &at)) {
    cd_buf_add_cstr(out, ", ");
    ctl_time_add_age(out, at, style->now_ms);
  }
  cd_buf_add_char(out, '\n');
}

static ctl_colour connection_colour(cd_str connection)
{
  if (cd_str_eq_cstr(connection, "connected"))
    return CTL_GOOD;
  return cd_str_eq_cstr(connection, "none") ? CTL_PLAIN : CTL_WARN;
}

static void add_waiting(cd_json *console, cd_buf *out)
{
  uint64_t waiting = 0;
  if (cd_json_opt_u64(console, "results_waiting", UINT64_MAX, &waiting) && waiting > 0)
    cd_buf_addf(out, "; %llu result%s to be told", (unsigned long long)waiting,
                waiting == 1 ? "" : "s");
}

/* An agent of before has no word about it. */
static void add_console(cd_json *result, const ctl_style *style, cd_buf *out)
{
  cd_json console = {0};
  cd_str connection = CD_STR("none");
  cd_str text = {0};
  bool enrolled = false;
  if (!cd_json_opt_obj(result, "console", &console))
    return;
  (void)cd_json_opt_bool(&console, "enrolled", &enrolled);
  (void)cd_json_opt_str(&console, "connection", TEXT_MAX, &connection);
  ctl_label(out, style, "Console");
  if (!enrolled) {
    cd_buf_add_cstr(out, "not enrolled\n");
  } else {
    add_word(out, style, "", connection_colour(connection), connection);
    if (cd_json_opt_str(&console, "address", TEXT_MAX, &text))
      add_part(out, " to ", text);
    if (cd_json_opt_str(&console, "device", TEXT_MAX, &text))
      add_part(out, ", as device ", text);
    add_waiting(&console, out);
    cd_buf_add_char(out, '\n');
  }
  text = (cd_str){0};
  (void)cd_json_opt_str(&console, "sentence", TEXT_MAX, &text);
  ctl_line(out, style, NULL, CTL_WARN, text);
}

/* One of wanted, enforced, proven. */
typedef struct value {
  cd_str value;
  cd_str type;
  cd_str at;
  cd_str note;
} value;

static value read_value(cd_json *state, const char *key)
{
  value v = {.value = CD_STR("unknown")};
  cd_json obj = {0};
  if (!cd_json_opt_obj(state, key, &obj))
    return v;
  cd_json_str(&obj, "value", TEXT_MAX, &v.value);
  (void)cd_json_opt_str(&obj, "type", TEXT_MAX, &v.type);
  (void)cd_json_opt_str(&obj, "at", TEXT_MAX, &v.at);
  (void)cd_json_opt_str(&obj, "note", TEXT_MAX, &v.note);
  return v;
}

static ctl_colour enforced_colour(cd_str enforced, cd_str wanted)
{
  if (cd_str_eq(enforced, wanted))
    return cd_str_eq_cstr(wanted, "isolated") ? CTL_GOOD : CTL_PLAIN;
  return cd_str_eq_cstr(enforced, "unknown") ? CTL_WARN : CTL_BAD;
}

static ctl_colour proven_colour(cd_str proven, cd_str wanted)
{
  if (cd_str_eq_cstr(proven, "holds"))
    return cd_str_eq_cstr(wanted, "isolated") ? CTL_GOOD : CTL_WARN;
  if (cd_str_eq_cstr(proven, "released"))
    return cd_str_eq_cstr(wanted, "released") ? CTL_PLAIN : CTL_BAD;
  return cd_str_eq_cstr(proven, "fails") ? CTL_BAD : CTL_WARN;
}

static void add_values(cd_json *state, const char *label, const ctl_style *style, cd_buf *out)
{
  value wanted = read_value(state, "wanted");
  value enforced = read_value(state, "enforced");
  value proven = read_value(state, "proven");
  ctl_label(out, style, label);
  add_word(out, style, "wanted ", CTL_BOLD, wanted.value);
  if (wanted.type.len > 0 && cd_str_eq_cstr(wanted.value, "isolated")) {
    cd_buf_add_cstr(out, " (");
    ctl_text_add(out, wanted.type);
    cd_buf_add_char(out, ')');
  }
  add_word(out, style, "   enforced ", enforced_colour(enforced.value, wanted.value),
           enforced.value);
  add_word(out, style, "   proven ", proven_colour(proven.value, wanted.value), proven.value);
  if (proven.at.len > 0) {
    cd_buf_add_cstr(out, ", ");
    ctl_time_add_age(out, proven.at, style->now_ms);
  }
  cd_buf_add_char(out, '\n');
  ctl_line(out, style, NULL, CTL_WARN, enforced.note);
  if (!cd_str_eq(proven.note, enforced.note))
    ctl_line(out, style, NULL, CTL_WARN, proven.note);
}

/* A state in force that nobody watches may change unseen until the next look. */
static void add_watch(cd_json *state, const ctl_style *style, cd_buf *out)
{
  cd_str watch = {0};
  if (cd_json_opt_str(state, "watch", TEXT_MAX, &watch) && cd_str_eq_cstr(watch, "timer only"))
    ctl_line(out, style, "Watch", CTL_WARN,
             CD_STR("not running: what others change is seen at the next look"));
}

static void add_drift(cd_json *state, const ctl_style *style, cd_buf *out)
{
  cd_json drift = {0};
  cd_str last = {0};
  cd_str note = {0};
  uint64_t count = 0;
  if (!cd_json_opt_obj(state, "drift", &drift))
    return;
  (void)cd_json_opt_u64(&drift, "count", UINT64_MAX, &count);
  if (count == 0)
    return;
  (void)cd_json_opt_str(&drift, "last", TEXT_MAX, &last);
  (void)cd_json_opt_str(&drift, "note", TEXT_MAX, &note);
  ctl_label(out, style, "Drift");
  if (count == 1)
    cd_buf_add_cstr(out, "once");
  else
    cd_buf_addf(out, "%llu times", (unsigned long long)count);
  if (last.len > 0) {
    cd_buf_add_cstr(out, count == 1 ? ", " : ", last ");
    ctl_time_add_age(out, last, style->now_ms);
  }
  add_part(out, ": ", note);
  cd_buf_add_char(out, '\n');
}

static void add_state(cd_json *state, const ctl_style *style, cd_buf *out)
{
  cd_str name = {0};
  cd_str provider = {0};
  char label[16];
  cd_json_str(state, "state", TEXT_MAX, &name);
  (void)cd_json_opt_str(state, "provider", TEXT_MAX, &provider);
  /* A state that this version knows no word for is shown by its own. */
  if (cd_str_eq_cstr(name, "isolate"))
    (void)cd_str_copy(label, sizeof(label), CD_STR("Isolation"));
  else if (!cd_str_utf8_valid(name) || ctl_text_width(name) != name.len ||
           !cd_str_copy(label, sizeof(label), name))
    (void)cd_str_copy(label, sizeof(label), CD_STR("State"));
  for (char *c = label; *c != '\0'; c++)
    if ((unsigned char)*c < ' ' || *c == 0x7f)
      *c = '?';
  add_values(state, label, style, out);
  cd_json wanted = {0};
  if (cd_json_opt_obj(state, "wanted", &wanted))
    ctl_lease_render(&wanted, style, out);
  ctl_line(out, style, "  by", CTL_PLAIN, provider);
  add_drift(state, style, out);
  add_watch(state, style, out);
}

/* What the people at the device were told last; nothing if they never had to be. */
static void add_notice(cd_json *result, const ctl_style *style, cd_buf *out)
{
  cd_json notice = {0};
  cd_str text = {0};
  cd_str why = {0};
  uint64_t told = 0;
  uint64_t failed = 0;
  if (!cd_json_opt_obj(result, "notice", &notice))
    return;
  ctl_label(out, style, "Users");
  bool counted = cd_json_opt_u64(&notice, "told", UINT64_MAX, &told);
  bool nobody = cd_json_opt_str(&notice, "sentence", TEXT_MAX, &why);
  (void)cd_json_opt_u64(&notice, "failed", UINT64_MAX, &failed);
  if (counted)
    cd_buf_addf(out, "told in %llu session%s", (unsigned long long)told, told == 1 ? "" : "s");
  else
    cd_buf_add_cstr(out, nobody ? "not told" : "told");
  if (cd_json_opt_str(&notice, "event", TEXT_MAX, &text))
    add_part(out, " that it is ", text);
  text = (cd_str){0};
  if (cd_json_opt_str(&notice, "at", TEXT_MAX, &text)) {
    cd_buf_add_cstr(out, ", ");
    ctl_time_add_age(out, text, style->now_ms);
  }
  if (failed > 0)
    cd_buf_addf(out, "; %llu could not be told", (unsigned long long)failed);
  cd_buf_add_char(out, '\n');
  if (nobody)
    ctl_line(out, style, NULL, CTL_WARN, why);
}

static cd_code add_capabilities(cd_json *result, const ctl_style *style, cd_buf *out, cd_err *err)
{
  cd_json list = {0};
  ctl_table table;
  cd_json_arr(result, "capabilities", CD_JSON_NODES_MAX, &list);
  ctl_table_init(&table, 3);
  ctl_table_cell(&table, CTL_DIM, CD_STR("Capability"));
  ctl_table_cell(&table, CTL_DIM, CD_STR("Provider"));
  ctl_table_cell(&table, CTL_DIM, CD_STR(""));
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json item = {0};
    cd_str name = {0};
    cd_str provider = {0};
    cd_str reason = {0};
    cd_json_at_obj(&list, i, &item);
    cd_json_str(&item, "capability", TEXT_MAX, &name);
    bool present = cd_json_opt_str(&item, "provider", TEXT_MAX, &provider);
    (void)cd_json_opt_str(&item, "reason", TEXT_MAX, &reason);
    ctl_table_cell(&table, CTL_BOLD, name);
    ctl_table_cell(&table, present ? CTL_GOOD : CTL_WARN, present ? provider : CD_STR("absent"));
    ctl_table_cell(&table, CTL_PLAIN, reason);
  }
  cd_buf_add_char(out, '\n');
  cd_code rc = ctl_table_print(&table, style, 0, out, err);
  ctl_table_release(&table);
  return rc;
}

void ctl_render_states(cd_json *result, const ctl_style *style, cd_buf *out)
{
  cd_json states = {0};
  cd_json_arr(result, "states", CD_JSON_NODES_MAX, &states);
  for (size_t i = 0; i < cd_json_len(&states); i++) {
    cd_json state = {0};
    cd_json_at_obj(&states, i, &state);
    add_state(&state, style, out);
  }
}

cd_code ctl_render_status(cd_json *result, const ctl_style *style, cd_buf *out, cd_err *err)
{
  add_device(result, style, out);
  add_agent(result, style, out);
  add_boot(result, style, out);
  add_console(result, style, out);
  ctl_render_states(result, style, out);
  add_notice(result, style, out);
  return add_capabilities(result, style, out, err);
}
