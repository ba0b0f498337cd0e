/* Log lines: one event, one line, one write. Levels are atomics and nothing else is shared, so that
 * any thread may log at any time. */
#include "base/log.h"

#include "base/clock.h"
#include "base/limits.h"

#include <uv.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

#define LEVEL_OFF (CD_LOG_ERROR + 1)
#define PREFIX_MAX 64u /* time, level and area */

static const char *const area_names[CD_AREA_COUNT] = {
    [CD_AREA_AGENT] = "agent",
    [CD_AREA_JOURNAL] = "journal",
    [CD_AREA_SUPERVISOR] = "supervisor",
    [CD_AREA_PLUGIN] = "plugin",
    [CD_AREA_RECONCILE] = "reconcile",
    [CD_AREA_CONTROL] = "control",
    [CD_AREA_HOST] = "host",
    [CD_AREA_CTL] = "ctl",
    [CD_AREA_REMOTE] = "remote",
    [CD_AREA_CHANNEL] = "channel",
    [CD_AREA_CONSOLE] = "console",
    [CD_AREA_SIGNER] = "signer",
    [CD_AREA_API] = "api",
    [CD_AREA_DEVICES] = "devices",
};

static const char *const level_names[] = {
    [CD_LOG_DEBUG] = "debug",
    [CD_LOG_INFO] = "info",
    [CD_LOG_WARN] = "warn",
    [CD_LOG_ERROR] = "error",
};

/* A process has one standard error; these are its settings. */
static _Atomic int levels[CD_AREA_COUNT] = {
    CD_LOG_INFO, CD_LOG_INFO, CD_LOG_INFO, CD_LOG_INFO, CD_LOG_INFO, CD_LOG_INFO, CD_LOG_INFO,
    CD_LOG_INFO, CD_LOG_INFO, CD_LOG_INFO, CD_LOG_INFO, CD_LOG_INFO, CD_LOG_INFO, CD_LOG_INFO,
};
static _Atomic int log_fd = 2;
static _Atomic(cd_log_listener) error_listener;

_Static_assert(CD_AREA_COUNT == 14, "a new area needs its default level");

static int find_area(cd_str name)
{
  for (int i = 0; i < CD_AREA_COUNT; i++)
    if (cd_str_eq_cstr(name, area_names[i]))
      return i;
  return -1;
}

static bool find_level(cd_str name, int *ret_level)
{
  for (int i = CD_LOG_DEBUG; i <= CD_LOG_ERROR; i++) {
    if (cd_str_eq_cstr(name, level_names[i])) {
      *ret_level = i;
      return true;
    }
  }
  return false;
}

/* One item of the specification into `wanted`. */
static cd_code apply_item(cd_str item, int wanted[CD_AREA_COUNT], cd_err *err)
{
  cd_str rest = item;
  int level = CD_LOG_DEBUG;
  bool off = cd_str_starts(rest, CD_STR("-"));
  if (off) {
    level = LEVEL_OFF;
    rest = (cd_str){rest.ptr + 1, rest.len - 1};
  }
  bool has_level = rest.len > 0 && memchr(rest.ptr, '=', rest.len) != NULL;
  cd_str name = cd_str_cut(&rest, '=');
  if (has_level && (off || !find_level(rest, &level)))
    return cd_fail(err, CD_E_INVALID,
                   "log specification: '%.*s' must be area, area=debug|info|warn|error or -area",
                   CD_STR_ARG(item));

  int area = find_area(name);
  bool all = cd_str_eq_cstr(name, "all");
  if (area < 0 && !all)
    return cd_fail(
        err, CD_E_INVALID,
        "log specification: there is no area '%.*s' (all, agent, journal, supervisor, plugin, "
        "reconcile, control, host, ctl)",
        CD_STR_ARG(name));
  for (int i = 0; i < CD_AREA_COUNT; i++)
    if (all || i == area)
      wanted[i] = level;
  return CD_OK;
}

cd_code cd_log_configure(cd_str spec, cd_err *err)
{
  int wanted[CD_AREA_COUNT];
  for (int i = 0; i < CD_AREA_COUNT; i++)
    wanted[i] = CD_LOG_INFO;
  if (spec.len > 0 && spec.ptr[spec.len - 1] == ',')
    return cd_fail(err, CD_E_INVALID, "log specification: '%.*s' ends in a comma",
                   CD_STR_ARG(spec));
  cd_str rest = spec;
  while (rest.len > 0) {
    cd_code rc = apply_item(cd_str_cut(&rest, ','), wanted, err);
    if (rc != CD_OK)
      return rc;
  }
  for (int i = 0; i < CD_AREA_COUNT; i++)
    atomic_store(&levels[i], wanted[i]);
  return CD_OK;
}

void cd_log_to(int fd)
{
  atomic_store(&log_fd, fd);
}

void cd_log_errors_to(cd_log_listener listener)
{
  atomic_store(&error_listener, listener);
}

const char *cd_log_area_name(cd_log_area area)
{
  return (unsigned)area < CD_AREA_COUNT ? area_names[area] : "unknown";
}

bool cd_log_enabled(cd_log_area area, cd_log_level level)
{
  if ((unsigned)area >= CD_AREA_COUNT || (unsigned)level > CD_LOG_ERROR)
    return false;
  return (int)level >= atomic_load_explicit(&levels[area], memory_order_relaxed);
}

/* A control character of C0 or C1, DEL, or a byte that starts no UTF-8 sequence: a terminal or a
 * reader of lines could act on it. */
static bool must_escape(cd_str s, size_t n)
{
  unsigned char c = (unsigned char)s.ptr[0];
  if (n == 0 || c < 0x20 || c == 0x7f)
    return true;
  return n == 2 && c == 0xc2 && (unsigned char)s.ptr[1] < 0xa0;
}

/* The form in which the start of `s` is logged. Returns the bytes it takes of `s`. */
static size_t log_form(cd_str s, char out[16], size_t *ret_len)
{
  size_t n = cd_str_utf8_next(s);
  if (!must_escape(s, n)) {
    memcpy(out, s.ptr, n);
    *ret_len = n;
    return n;
  }
  unsigned char c = (unsigned char)s.ptr[0];
  int len = 0;
  if (c == '\n' || c == '\r' || c == '\t')
    len = snprintf(out, 16, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
  else if (n == 2)
    len = snprintf(out, 16, "\\x%02x\\x%02x", c, (unsigned char)s.ptr[1]);
  else
    len = snprintf(out, 16, "\\x%02x", c);
  *ret_len = (size_t)len;
  return n == 2 ? 2 : 1;
}

/* Escapes `s` into `out`, at most `max` bytes. What does not fit is cut, whole characters, and
 * marked "...". */
static size_t escape_line(cd_str s, bool cut, char *out, size_t max)
{
  static const char mark[] = {'.', '.', '.'};
  size_t len = 0;
  size_t fits = 0; /* how much of `out` leaves room for the mark */
  while (s.len > 0) {
    char form[16];
    size_t form_len = 0;
    size_t took = log_form(s, form, &form_len);
    if (len + form_len > max) {
      cut = true;
      break;
    }
    memcpy(out + len, form, form_len);
    len += form_len;
    if (len + sizeof(mark) <= max)
      fits = len;
    s = (cd_str){s.ptr + took, s.len - took};
  }
  if (!cut)
    return len;
  memcpy(out + fits, mark, sizeof(mark));
  return fits + sizeof(mark);
}

void cd_log(cd_log_area area, cd_log_level level, const char *fmt, ...)
{
  if (!cd_log_enabled(area, level))
    return;
  int saved_errno = errno;

  char text[CD_LOG_LINE_MAX + 1];
  va_list args;
  va_start(args, fmt);
  int want = vsnprintf(text, sizeof(text), fmt, args);
  va_end(args);
  bool cut = want >= (int)sizeof(text);
  cd_str message = {text, want < 0 ? 0 : cut ? sizeof(text) - 1 : (size_t)want};
  if (cut)
    message.len = cd_str_utf8_cut(message, message.len);

  char when[CD_TIME_TEXT_MAX];
  cd_time_text(cd_wall_ms(), when);
  char line[PREFIX_MAX + CD_LOG_LINE_MAX + 1];
  int prefix =
      snprintf(line, PREFIX_MAX, "%s %-5s %s: ", when, level_names[level], area_names[area]);
  size_t len = (size_t)prefix;
  len += escape_line(message, cut, line + len, CD_LOG_LINE_MAX);
  line[len++] = '\n';

  /* Without a loop libuv makes this one write(2), and a line is shorter than PIPE_BUF: lines of
   * several threads and processes do not mix. A log that cannot be written has nowhere to complain.
   */
  uv_fs_t req;
  uv_buf_t bytes = uv_buf_init(line, (unsigned)len);
  (void)uv_fs_write(NULL, &req, atomic_load(&log_fd), &bytes, 1, -1, NULL);
  uv_fs_req_cleanup(&req);
  cd_log_listener listener = level == CD_LOG_ERROR ? atomic_load(&error_listener) : NULL;
  if (listener != NULL)
    listener(area, (cd_str){line + prefix, len - (size_t)prefix - 1});
  errno = saved_errno;
}
