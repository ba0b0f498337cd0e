/* Who is at this device: message buses of users, and terminals of logins. */
#include "notify.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utmpx.h>

#include <sys/stat.h>

enum {
  FILE_MAX = 8 * 1024,
  ENVIRON_MAX = 64 * 1024,
  PROCESSES_MAX = 65536, /* looked at for a language */
  LOGINS_MAX = 4096
};

/* Without a NUL behind them; 0 if it cannot be read. */
static size_t read_file(const char *path, char *out, size_t size)
{
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    return 0;
  size_t len = 0;
  while (len < size) {
    ssize_t n = read(fd, out + len, size - len);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      break;
    len += (size_t)n;
  }
  (void)close(fd);
  return len;
}

/* ---- pure ---- */

void notify_locale_from_environ(const char *bytes, size_t len, char out[NOTIFY_NAME])
{
  static const char *const names[] = {"LC_ALL=", "LC_MESSAGES=", "LANG="};
  size_t best = sizeof(names) / sizeof(names[0]);
  out[0] = '\0';
  for (size_t at = 0; at < len;) {
    size_t size = strnlen(bytes + at, len - at);
    for (size_t i = 0; i < best; i++) {
      size_t key = strlen(names[i]);
      if (size > key && size - key < NOTIFY_NAME && memcmp(bytes + at, names[i], key) == 0) {
        memcpy(out, bytes + at + key, size - key);
        out[size - key] = '\0';
        best = i;
      }
    }
    at += size + 1;
  }
}

/* The value behind `key` at the front of a line; false if there is none or it is too long. */
static bool line_value(const char *text, const char *key, char *out, size_t size)
{
  size_t len = strlen(key);
  for (const char *line = text; line != NULL && *line != '\0';) {
    size_t all = strcspn(line, "\n");
    if (all >= len && strncmp(line, key, len) == 0 && all - len < size) {
      memcpy(out, line + len, all - len);
      out[all - len] = '\0';
      return true;
    }
    line = line[all] != '\0' ? line + all + 1 : NULL;
  }
  return false;
}

void notify_locale_from_file(const char *text, char out[NOTIFY_NAME])
{
  out[0] = '\0';
  if (!line_value(text, "LANG=", out, NOTIFY_NAME))
    return;
  char quote = out[0];
  size_t len = strlen(out);
  if (len >= 2 && (quote == '"' || quote == '\'') && out[len - 1] == quote) {
    memmove(out, out + 1, len - 2);
    out[len - 2] = '\0';
  }
}

static bool number(const char *text, long max, long *ret_number)
{
  char *end = NULL;
  errno = 0;
  long value = strtol(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || value < 0 || value > max)
    return false;
  *ret_number = value;
  return true;
}

bool notify_session_is_graphical(const char *text, uid_t *ret_uid, pid_t *ret_leader)
{
  char type[16];
  char class[16];
  char digits[16];
  long uid = 0;
  long leader = 0;
  if (!line_value(text, "TYPE=", type, sizeof(type)) ||
      !line_value(text, "CLASS=", class, sizeof(class)) ||
      !line_value(text, "UID=", digits, sizeof(digits)) || !number(digits, 0x7fffffff, &uid))
    return false;
  if (strcmp(class, "user") != 0 ||
      (strcmp(type, "x11") != 0 && strcmp(type, "wayland") != 0 && strcmp(type, "mir") != 0))
    return false;
  if (line_value(text, "LEADER=", digits, sizeof(digits)))
    (void)number(digits, 0x7fffffff, &leader);
  *ret_uid = (uid_t)uid;
  *ret_leader = (pid_t)leader;
  return true;
}

bool notify_terminal_valid(const char *line)
{
  const char *rest = strncmp(line, "pts/", 4) == 0 ? line + 4 : NULL;
  if (rest == NULL && strncmp(line, "tty", 3) == 0)
    rest = line + 3;
  size_t len = rest != NULL ? strlen(rest) : 0;
  return len > 0 && len < 16 &&
         strspn(rest, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == len;
}

/* ---- reading the device ---- */

static notify_session *add(notify_sessions *all, notify_kind kind, uid_t uid, const char *place)
{
  for (size_t i = 0; i < all->count; i++) {
    if (all->items[i].kind == kind && strcmp(all->items[i].place, place) == 0)
      return NULL;
  }
  if (all->count == NOTIFY_SESSIONS_MAX) {
    all->left_out++;
    return NULL;
  }
  notify_session *s = &all->items[all->count++];
  *s = (notify_session){.kind = kind, .uid = uid};
  (void)snprintf(s->place, sizeof(s->place), "%s", place);
  const struct passwd *entry = getpwuid(uid);
  if (entry != NULL)
    (void)snprintf(s->user, sizeof(s->user), "%s", entry->pw_name);
  else
    (void)snprintf(s->user, sizeof(s->user), "%lu", (unsigned long)uid);
  return s;
}

/* /run/user/UID/bus is where each user's session bus listens. It must be that user's own. */
static void read_buses(notify_sessions *all)
{
  DIR *users = opendir("/run/user");
  if (users == NULL)
    return;
  for (const struct dirent *e = readdir(users); e != NULL; e = readdir(users)) {
    char path[NOTIFY_PLACE];
    struct stat st;
    long uid = 0;
    if (!number(e->d_name, 0x7fffffff, &uid))
      continue;
    (void)snprintf(path, sizeof(path), "/run/user/%ld/bus", uid);
    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_uid == (uid_t)uid)
      (void)add(all, NOTIFY_DESKTOP, (uid_t)uid, path);
  }
  (void)closedir(users);
}

/* Marks the buses that belong to a screen. A screen without a bus is told of as well: nobody can be
 * reached there. */
static void note_screen(notify_sessions *all, uid_t uid, pid_t leader)
{
  char path[NOTIFY_PLACE];
  (void)snprintf(path, sizeof(path), "/run/user/%lu/bus", (unsigned long)uid);
  notify_session *s = add(all, NOTIFY_DESKTOP, uid, path);
  for (size_t i = 0; s == NULL && i < all->count; i++) {
    if (all->items[i].kind == NOTIFY_DESKTOP && all->items[i].uid == uid)
      s = &all->items[i];
  }
  if (s == NULL)
    return;
  s->graphical = true;
  s->leader = leader;
}

static void read_screens(notify_sessions *all)
{
  DIR *sessions = opendir("/run/systemd/sessions");
  if (sessions == NULL)
    return;
  for (const struct dirent *e = readdir(sessions); e != NULL; e = readdir(sessions)) {
    char path[NOTIFY_PLACE + 256];
    char text[FILE_MAX + 1];
    uid_t uid = 0;
    pid_t leader = 0;
    if (e->d_name[0] == '.')
      continue;
    (void)snprintf(path, sizeof(path), "/run/systemd/sessions/%s", e->d_name);
    text[read_file(path, text, FILE_MAX)] = '\0';
    if (notify_session_is_graphical(text, &uid, &leader))
      note_screen(all, uid, leader);
  }
  (void)closedir(sessions);
}

static void read_logins(notify_sessions *all)
{
  setutxent();
  for (int i = 0; i < LOGINS_MAX; i++) {
    const struct utmpx *u = getutxent();
    char line[sizeof(u->ut_line) + 1];
    char user[sizeof(u->ut_user) + 1];
    char path[NOTIFY_PLACE];
    if (u == NULL)
      break;
    if (u->ut_type != USER_PROCESS)
      continue;
    (void)snprintf(line, sizeof(line), "%.*s", (int)sizeof(u->ut_line), u->ut_line);
    (void)snprintf(user, sizeof(user), "%.*s", (int)sizeof(u->ut_user), u->ut_user);
    pid_t leader = u->ut_pid;
    /* A screen (":0") has a bus instead. */
    if (!notify_terminal_valid(line))
      continue;
    const struct passwd *entry = getpwnam(user);
    (void)snprintf(path, sizeof(path), "/dev/%s", line);
    notify_session *s = add(all, NOTIFY_TERMINAL, entry != NULL ? entry->pw_uid : (uid_t)-1, path);
    if (s == NULL)
      continue;
    (void)snprintf(s->user, sizeof(s->user), "%s", user);
    s->leader = leader;
  }
  endutxent();
}

void notify_sessions_read(notify_sessions *ret_sessions)
{
  *ret_sessions = (notify_sessions){0};
  read_buses(ret_sessions);
  read_screens(ret_sessions);
  read_logins(ret_sessions);
}

/* ---- language ---- */

static void locale_of_process(long pid, char out[NOTIFY_NAME])
{
  char path[64];
  char *bytes = malloc(ENVIRON_MAX);
  out[0] = '\0';
  (void)snprintf(path, sizeof(path), "/proc/%ld/environ", pid);
  if (bytes != NULL)
    notify_locale_from_environ(bytes, read_file(path, bytes, ENVIRON_MAX), out);
  free(bytes);
}

/* The leader of a session with a screen is the login manager's; some other process of the user
 * knows. */
static void locale_of_user(uid_t uid, char out[NOTIFY_NAME])
{
  DIR *processes = opendir("/proc");
  out[0] = '\0';
  if (processes == NULL)
    return;
  for (int i = 0; i < PROCESSES_MAX && out[0] == '\0'; i++) {
    const struct dirent *e = readdir(processes);
    struct stat st;
    long pid = 0;
    if (e == NULL)
      break;
    if (number(e->d_name, 0x7fffffff, &pid) &&
        fstatat(dirfd(processes), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_uid == uid)
      locale_of_process(pid, out);
  }
  (void)closedir(processes);
}

notify_language notify_session_language(const notify_session *s)
{
  static const char *const files[] = {"/etc/locale.conf", "/etc/default/locale"};
  char locale[NOTIFY_NAME] = "";
  char text[FILE_MAX + 1];
  if (s->kind == NOTIFY_TERMINAL && s->leader > 0)
    locale_of_process(s->leader, locale);
  if (locale[0] == '\0' && s->uid != (uid_t)-1)
    locale_of_user(s->uid, locale);
  for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && locale[0] == '\0'; i++) {
    text[read_file(files[i], text, FILE_MAX)] = '\0';
    notify_locale_from_file(text, locale);
  }
  return notify_language_of(locale);
}
