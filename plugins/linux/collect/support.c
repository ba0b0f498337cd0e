/* The logs and settings of antivirus products. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/un.h>

#include "items.h"
#include "listing.h"
#include "parse.h"
#include "read.h"
#include "support/call.h"

#define LOG_MAX (16 * COL_MIB)

enum { FILES_MAX = 200, ANSWER_MS = 2000, HEADER = 512 };

typedef struct folder {
  col_task *task;
  const char *path;
  const char *prefix; /* of the names in the package */
  bool masked;        /* settings: what may be a password is left out */
  unsigned count;
  int depth;
  bool more; /* there are files beyond the ceiling */
} folder;

static bool is_key(const char *name)
{
  size_t len = strlen(name);
  return len > 4 && strcasecmp(name + len - 4, ".key") == 0;
}

static bool copy_entry(void *data, int dir, const char *name)
{
  folder *f = data;
  char path[COL_PATH];
  char copy[COL_NAME];
  struct stat st;
  (void)snprintf(path, sizeof(path), "%s/%s", f->path, name);
  (void)snprintf(copy, sizeof(copy), "%s_%.180s", f->prefix, name);
  if (col_stat_at(dir, name, &st, NULL) != 0)
    return true;
  if (++f->count > FILES_MAX) {
    f->more = true;
    return false;
  }
  if (S_ISDIR(st.st_mode) && f->depth < 2) {
    folder inside = {.task = f->task,
                     .path = path,
                     .prefix = copy,
                     .masked = f->masked,
                     .count = f->count,
                     .depth = f->depth + 1};
    (void)col_each(f->task, path, copy_entry, &inside);
    f->count = inside.count;
    f->more = inside.more;
  } else if (S_ISREG(st.st_mode) && f->masked && is_key(name)) {
    col_begin(f->task, copy, path);
    (void)col_puts(f->task, "(a key, which is not taken)\n");
  } else if (S_ISREG(st.st_mode) && f->masked) {
    col_copy_masked(f->task, copy, path);
  } else if (S_ISREG(st.st_mode)) {
    col_copy(f->task, copy, path, LOG_MAX);
  }
  return !f->more && !col_over(f->task);
}

static void copy_folder(col_task *t, const char *prefix, const char *path, bool masked)
{
  folder f = {.task = t, .path = path, .prefix = prefix, .masked = masked};
  int error = col_each(t, path, copy_entry, &f);
  if (error != 0) {
    col_begin(t, prefix, path);
    col_mark_os(t, error, path);
  }
  /* A record of its own: each file has its own ceilings. */
  if (f.more) {
    col_begin(t, prefix, path);
    col_cap(t, "%s has more than %d files, of which the others are left out", path, FILES_MAX);
  }
  col_end(t);
}

/* ---- clamd ---- */

typedef struct setting {
  const char *key;
  char value[108];
} setting;

static bool find_setting(void *data, const char *line, size_t len)
{
  setting *s = data;
  col_view word;
  col_view rest = {.ptr = line, .len = len};
  if (col_word(&rest, &word) && col_view_is(word, s->key)) {
    rest = col_trim(rest);
    (void)snprintf(s->value, sizeof(s->value), "%.*s", (int)(rest.len < 107 ? rest.len : 107),
                   rest.ptr);
  }
  return true;
}

static int connect_to(const char *path)
{
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  (void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
  if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0) {
    int error = errno;
    (void)close(fd);
    errno = error;
    return -1;
  }
  return fd;
}

/* Asks clamd and writes what it says, until it closes or the time is over. */
static void ask_clamd(col_task *t, const char *socket_path, const char *command)
{
  char text[4096];
  uint64_t until = sup_now_ms() + ANSWER_MS;
  int fd = connect_to(socket_path);
  if (fd < 0 || send(fd, command, strlen(command) + 1, MSG_NOSIGNAL) < 0) {
    col_mark_os(t, errno, "clamd does not answer");
    if (fd >= 0)
      (void)close(fd);
    return;
  }
  (void)col_printf(t, "%s:\n", command + 1);
  while (sup_now_ms() < until && !col_stop(t)) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, 100) <= 0)
      continue;
    ssize_t len = recv(fd, text, sizeof(text), 0);
    if (len <= 0)
      break;
    for (ssize_t i = 0; i < len; i++)
      text[i] = text[i] == '\0' ? '\n' : text[i];
    (void)col_put(t, text, (size_t)len);
  }
  (void)close(fd);
}

static void clamd(col_task *t)
{
  setting s = {.key = "LocalSocket"};
  col_begin(t, "clamd.txt", "clamd: VERSION, STATS");
  int error = col_lines(t, "/etc/clamav/clamd.conf", COL_MIB, find_setting, &s);
  if (error != 0)
    error = col_lines(t, "/etc/clamd.d/scan.conf", COL_MIB, find_setting, &s);
  if (error != 0 || s.value[0] == '\0') {
    col_mark(t, COL_ABSENT, "there is no clamd with a local socket");
    return;
  }
  ask_clamd(t, s.value, "zVERSION");
  ask_clamd(t, s.value, "zSTATS");
}

/* ---- signatures ---- */

static bool put_signatures(void *data, int dir, const char *name)
{
  col_task *t = data;
  char text[HEADER + 1];
  col_view f[9];
  size_t len = strlen(name);
  if (len < 5 || (strcmp(name + len - 4, ".cvd") != 0 && strcmp(name + len - 4, ".cld") != 0))
    return true;
  int64_t got = col_read_at(dir, name, text, sizeof(text));
  size_t count = col_split((col_view){.ptr = text, .len = got > 0 ? (size_t)got : 0}, ':', f, 9);
  col_text(t, name);
  for (size_t i = 1; i < 6; i++) {
    if (i < count)
      col_bytes(t, f[i].ptr, f[i].len);
    else
      col_text(t, "");
  }
  return col_row(t);
}

static void signatures(col_task *t)
{
  col_begin(t, "clamav_signatures.csv", "/var/lib/clamav/*.cvd, *.cld: their headers");
  char full[COL_PATH];
  col_path(t, "/var/lib/clamav", full);
  if (access(full, F_OK) != 0) {
    col_mark_os(t, errno, "/var/lib/clamav");
    return;
  }
  col_head(t, "file,built,version,signatures,functionality_level,digest");
  int error = col_each(t, "/var/lib/clamav", put_signatures, t);
  if (error != 0)
    col_mark_os(t, error, "/var/lib/clamav");
}

void col_support_logs(col_task *t)
{
  copy_folder(t, "clamav_log", "/var/log/clamav", false);
  copy_folder(t, "clamav_conf", "/etc/clamav", true);
  clamd(t);
  signatures(t);
  copy_folder(t, "fapolicyd_conf", "/etc/fapolicyd", true);
  col_copy(t, "fapolicyd_state.txt", "/run/fapolicyd/fapolicyd.state", COL_MIB);
  col_copy(t, "fapolicyd_access.log", "/var/log/fapolicyd-access.log", LOG_MAX);
  copy_folder(t, "mdatp_log", "/var/log/microsoft/mdatp", false);
  copy_folder(t, "mdatp_conf", "/etc/opt/microsoft/mdatp/managed", true);
  col_copy(t, "rkhunter.log", "/var/log/rkhunter.log", LOG_MAX);
}
