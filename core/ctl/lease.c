#include "lease.h"

#include "base/limits.h"

#include <string.h>

#include "base/banned.h"

#define TEXT_MAX 64u
#define RELEASE "release:"

cd_code ctl_span_read(const char *option, const char *text, uint64_t min_s, uint64_t max_s,
                      uint64_t *ret_s, cd_err *err)
{
  static const struct {
    char letter;
    uint32_t seconds;
  } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
  cd_str digits = cd_str_from(text);
  uint64_t number = 0;
  uint64_t unit = 0;
  for (size_t i = 0; digits.len > 1 && i < sizeof(units) / sizeof(units[0]); i++)
    if (digits.ptr[digits.len - 1] == units[i].letter)
      unit = units[i].seconds;
  digits.len -= digits.len > 0 ? 1 : 0;
  if (unit == 0 || !cd_str_to_u64(digits, max_s / unit, &number) || number * unit < min_s)
    return cd_fail(err, CD_E_INVALID,
                   "--%s must be a time such as 90s, 10m, 4h or 7d, from %llu to %llu seconds, not "
                   "'%.100s'",
                   option, (unsigned long long)min_s, (unsigned long long)max_s, text);
  *ret_s = number * unit;
  return CD_OK;
}

/* keep, or release:TIME. */
static cd_code read_rule(const ctl_args *args, ctl_option option, uint64_t min_s, uint64_t max_s,
                         bool *ret_given, uint32_t *ret_after_s, cd_err *err)
{
  const char *text = args->value[option];
  const char *name = ctl_option_named(option)->name;
  uint64_t after_s = 0;
  *ret_given = text != NULL;
  if (text == NULL)
    return CD_OK;
  if (strcmp(text, "keep") != 0) {
    if (strncmp(text, RELEASE, sizeof(RELEASE) - 1) != 0)
      return cd_fail(err, CD_E_INVALID, "--%s must be keep or release:TIME, not '%.100s'", name,
                     text);
    cd_code rc = ctl_span_read(name, text + sizeof(RELEASE) - 1, min_s, max_s, &after_s, err);
    if (rc != CD_OK)
      return rc;
  }
  *ret_after_s = (uint32_t)after_s;
  return CD_OK;
}

cd_code ctl_lease_read(const ctl_args *args, ctl_lease *ret_lease, cd_err *err)
{
  ctl_lease l = {0};
  cd_code rc = CD_OK;
  if (args->value[CTL_OPT_LEASE] != NULL)
    rc = ctl_span_read("for", args->value[CTL_OPT_LEASE], 1, CTL_LEASE_MAX_S, &l.lease_s, err);
  if (rc == CD_OK)
    rc = read_rule(args, CTL_OPT_LOST_CONSOLE, CD_LOST_AFTER_MIN_S, CD_LOST_AFTER_MAX_S,
                   &l.has_lost, &l.rules.lost_after_s, err);
  if (rc == CD_OK)
    rc =
        read_rule(args, CTL_OPT_UNREACHABLE, CD_UNREACHABLE_AFTER_MIN_S, CD_UNREACHABLE_AFTER_MAX_S,
                  &l.has_unreachable, &l.rules.unreachable_after_s, err);
  if (rc == CD_OK)
    *ret_lease = l;
  return rc;
}

static void write_rule(cd_jw *w, const char *key, uint32_t after_s)
{
  cd_jw_obj(w, key);
  cd_jw_cstr(w, "rule", after_s > 0 ? "release" : "keep");
  if (after_s > 0)
    cd_jw_u64(w, "after_s", after_s);
  cd_jw_end_obj(w);
}

void ctl_lease_write_rules(const ctl_lease *l, cd_jw *w)
{
  if (l->has_lost)
    write_rule(w, "lost_console", l->rules.lost_after_s);
  if (l->has_unreachable)
    write_rule(w, "unreachable", l->rules.unreachable_after_s);
}

/* ---- shown ---- */

/* "90 s", "4 h", "7 days": what is over a whole number is left out. */
static void add_span(cd_buf *out, int64_t span_s)
{
  static const struct {
    const char *name;
    int64_t seconds;
  } units[] = {{"days", 86400}, {"h", 3600}, {"min", 60}};
  for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
    if (span_s >= 2 * units[i].seconds) {
      cd_buf_addf(out, "%lld %s", (long long)(span_s / units[i].seconds), units[i].name);
      return;
    }
  }
  cd_buf_addf(out, "%lld s", (long long)span_s);
}

static void add_rule(cd_json *wanted, const char *key, const char *what, cd_buf *out)
{
  cd_json rule = {0};
  cd_str word = {0};
  uint64_t after_s = 0;
  if (!cd_json_opt_obj(wanted, key, &rule))
    return;
  (void)cd_json_opt_str(&rule, "rule", TEXT_MAX, &word);
  (void)cd_json_opt_u64(&rule, "after_s", UINT32_MAX, &after_s);
  cd_buf_addf(out, "; %s: ", what);
  ctl_text_add(out, word);
  if (after_s > 0) {
    cd_buf_add_cstr(out, " after ");
    add_span(out, (int64_t)after_s);
  }
}

void ctl_lease_render(cd_json *wanted, const ctl_style *style, cd_buf *out)
{
  cd_str until = {0};
  int64_t until_ms = 0;
  bool ends = cd_json_opt_str(wanted, "lease_until", TEXT_MAX, &until);
  if (!ends && !cd_json_has(wanted, "lost_console"))
    return;
  cd_json rule = {0};
  if (!ends && !cd_json_opt_obj(wanted, "lost_console", &rule))
    return;
  ctl_label(out, style, "Lease");
  if (ends) {
    cd_buf_add_cstr(out, "until ");
    ctl_time_add(out, until);
    if (ctl_time_read(until, &until_ms) && until_ms > style->now_ms) {
      cd_buf_add_cstr(out, ", in ");
      add_span(out, (until_ms - style->now_ms) / 1000);
    }
  } else {
    cd_buf_add_cstr(out, "until it is released");
  }
  add_rule(wanted, "lost_console", "console lost", out);
  add_rule(wanted, "unreachable", "unreachable through the rules", out);
  cd_buf_add_char(out, '\n');
}
