#include "procs.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utmpx.h>

enum { PATH_LEN = 512, SMALL = 4096, FILES_MAX = 65536 };

static void clean(char *text)
{
  for (; *text != '\0'; text++) {
    if (*text < ' ' || *text > '~')
      *text = '?';
  }
}

/* The first bytes of a small file, with a NUL behind them; how many there are. */
static size_t read_file(const char *path, char *out, size_t size)
{
  size_t len = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  while (fd >= 0 && len + 1 < size) {
    ssize_t got = read(fd, out + len, size - 1 - len);
    if (got <= 0)
      break;
    len += (size_t)got;
  }
  if (fd >= 0)
    (void)close(fd);
  out[len] = '\0';
  return len;
}

/* ---- sshd ---- */

bool iso_sshd_user(const char *title, char ret_user[ISO_USER_NAME])
{
  static const char *const begins[] = {"sshd: ", "sshd-session: "};
  const char *user = NULL;
  for (size_t i = 0; i < 2 && user == NULL; i++) {
    if (strncmp(title, begins[i], strlen(begins[i])) == 0)
      user = title + strlen(begins[i]);
  }
  if (user == NULL || *user == '/' || *user == '[')
    return false;
  size_t len = strcspn(user, "@ [");
  /* The listener's title is a path, and one without a user yet says so. */
  if (len == 0 || len >= ISO_USER_NAME || strncmp(user, "unknown", len) == 0 ||
      (user[len] != '@' && strstr(user, "[priv]") == NULL))
    return false;
  memcpy(ret_user, user, len);
  ret_user[len] = '\0';
  clean(ret_user);
  return true;
}

static void add_port(iso_procs *to, const char *text)
{
  char *end = NULL;
  unsigned long port = strtoul(text, &end, 10);
  if (end == text || port == 0 || port > 65535)
    return;
  for (size_t i = 0; i < to->sshd_port_count; i++) {
    if (to->sshd_ports[i] == port)
      return;
  }
  if (to->sshd_port_count < ISO_SSHD_PORTS_MAX)
    to->sshd_ports[to->sshd_port_count++] = (uint16_t)port;
}

void iso_sshd_ports(const char *text, iso_procs *to)
{
  static const char word[] = "Port";
  for (const char *at = text; at != NULL && *at != '\0'; at = strchr(at, '\n')) {
    at += strspn(at, " \t\n");
    if (strncmp(at, word, sizeof(word) - 1) == 0 &&
        (at[sizeof(word) - 1] == ' ' || at[sizeof(word) - 1] == '\t'))
      add_port(to, at + sizeof(word));
    if (*at == '\0')
      break;
  }
  for (const char *at = strstr(text, " -p"); at != NULL; at = strstr(at + 1, " -p"))
    add_port(to, at + 3);
}

bool iso_utmp_user(const unsigned char *bytes, size_t len, const iso_addr *remote,
                   char ret_user[ISO_USER_NAME])
{
  static const uint8_t none[12];
  struct utmpx u;
  for (; len >= sizeof(u); bytes += sizeof(u), len -= sizeof(u)) {
    memcpy(&u, bytes, sizeof(u));
    const uint8_t *from = (const uint8_t *)u.ut_addr_v6;
    bool four = memcmp(from + 4, none, sizeof(none)) == 0;
    iso_addr a = iso_addr_from(four ? 4 : 6, from);
    if (u.ut_type != USER_PROCESS || iso_addr_compare(&a, remote) != 0)
      continue;
    (void)snprintf(ret_user, ISO_USER_NAME, "%.*s", (int)sizeof(u.ut_user), u.ut_user);
    clean(ret_user);
    return ret_user[0] != '\0';
  }
  return false;
}

static bool is_sshd(const char *name)
{
  return strcmp(name, "sshd") == 0 || strcmp(name, "sshd-session") == 0;
}

/* The words of a command line, with a space before the first and between two. */
static void read_title(const char *root, uint32_t pid, char out[SMALL])
{
  char path[PATH_LEN];
  (void)snprintf(path, sizeof(path), "%s/proc/%u/cmdline", root, pid);
  size_t len = read_file(path, out, SMALL);
  for (size_t i = 0; i < len; i++) {
    if (out[i] == '\0' || out[i] == '\n')
      out[i] = ' ';
  }
}

static void note_sshd(const char *root, uint32_t pid, iso_procs *p)
{
  char title[SMALL] = "";
  char user[ISO_USER_NAME];
  read_title(root, pid, title);
  if (!iso_sshd_user(title, user)) {
    iso_sshd_ports(title, p);
    return;
  }
  p->ssh_users_differ =
      p->ssh_users_differ || (p->ssh_user[0] != '\0' && strcmp(p->ssh_user, user) != 0);
  memcpy(p->ssh_user, user, sizeof(user));
}

static void read_sshd_settings(const char *root, iso_procs *p)
{
  char path[PATH_LEN];
  char text[4 * SMALL];
  (void)snprintf(path, sizeof(path), "%s/etc/ssh/sshd_config", root);
  if (read_file(path, text, sizeof(text)) > 0)
    iso_sshd_ports(text, p);
}

/* ---- processes ---- */

/* Its sockets, if its files are for us to see. */
static void read_sockets(const char *root, uint32_t pid, iso_procs *p, unsigned *files)
{
  char path[PATH_LEN];
  (void)snprintf(path, sizeof(path), "%s/proc/%u/fd", root, pid);
  DIR *dir = opendir(path);
  const struct dirent *e = NULL;
  while (dir != NULL && (e = readdir(dir)) != NULL && ++*files < FILES_MAX &&
         p->socket_count < ISO_PROC_SOCKETS_MAX) {
    char target[64] = "";
    unsigned long inode = 0;
    if (readlinkat(dirfd(dir), e->d_name, target, sizeof(target) - 1) < 9 ||
        strncmp(target, "socket:[", 8) != 0)
      continue;
    inode = strtoul(target + 8, NULL, 10);
    p->sockets[p->socket_count++] = (iso_proc_socket){.inode = (uint32_t)inode, .pid = pid};
  }
  if (dir != NULL)
    (void)closedir(dir);
}

/* The number of a control group is its inode. */
static uint64_t cgroup_id(const char *root, const char *group)
{
  static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
  for (size_t i = 0; i < 2; i++) {
    char path[2 * PATH_LEN];
    struct stat st;
    (void)snprintf(path, sizeof(path), "%s%s%s", root, mounts[i], group);
    if (stat(path, &st) == 0)
      return st.st_ino;
  }
  return 0;
}

static void read_unit(const char *root, uint32_t pid, iso_procs *p)
{
  char path[PATH_LEN];
  char text[SMALL];
  (void)snprintf(path, sizeof(path), "%s/proc/%u/cgroup", root, pid);
  if (p->unit_count == ISO_UNITS_MAX || read_file(path, text, sizeof(text)) == 0)
    return;
  char *group = strncmp(text, "0::/", 4) == 0 ? text : strstr(text, "\n0::/");
  if (group == NULL)
    return;
  group = strchr(group, '/');
  group[strcspn(group, "\n")] = '\0';
  const char *name = strrchr(group, '/') + 1;
  if (*name == '\0')
    return;
  uint64_t id = cgroup_id(root, group);
  for (size_t i = 0; i < p->unit_count; i++) {
    if (p->units[i].id == id)
      return;
  }
  if (id == 0)
    return;
  iso_unit *u = &p->units[p->unit_count++];
  u->id = id;
  (void)snprintf(u->name, sizeof(u->name), "%s", name);
  clean(u->name);
}

static void read_proc(const char *root, uint32_t pid, iso_procs *p, unsigned *files)
{
  char path[PATH_LEN];
  char name[64];
  (void)snprintf(path, sizeof(path), "%s/proc/%u/comm", root, pid);
  if (read_file(path, name, sizeof(name)) == 0)
    return;
  name[strcspn(name, "\n")] = '\0';
  iso_proc *proc = &p->procs[p->count++];
  proc->pid = pid;
  (void)snprintf(proc->name, sizeof(proc->name), "%.15s", name);
  clean(proc->name);
  if (is_sshd(proc->name))
    note_sshd(root, pid, p);
  read_sockets(root, pid, p, files);
  read_unit(root, pid, p);
}

bool iso_procs_read(const char *root, iso_procs *ret_procs)
{
  unsigned files = 0;
  char path[PATH_LEN];
  iso_procs p = {.procs = calloc(ISO_PROCS_MAX, sizeof(*p.procs)),
                 .sockets = calloc(ISO_PROC_SOCKETS_MAX, sizeof(*p.sockets)),
                 .units = calloc(ISO_UNITS_MAX, sizeof(*p.units))};
  bool memory = p.procs != NULL && p.sockets != NULL && p.units != NULL;
  (void)snprintf(path, sizeof(path), "%s/proc", root);
  DIR *dir = memory ? opendir(path) : NULL;
  const struct dirent *e = NULL;
  while (dir != NULL && (e = readdir(dir)) != NULL && p.count < ISO_PROCS_MAX) {
    if (isdigit((unsigned char)e->d_name[0]))
      read_proc(root, (uint32_t)strtoul(e->d_name, NULL, 10), &p, &files);
  }
  if (dir != NULL)
    (void)closedir(dir);
  if (memory)
    read_sshd_settings(root, &p);
  *ret_procs = p;
  return memory;
}

void iso_procs_release(iso_procs *p)
{
  free(p->procs);
  free(p->sockets);
  free(p->units);
  *p = (iso_procs){0};
}

const iso_proc *iso_procs_holder(const iso_procs *p, const iso_socket *s)
{
  uint32_t pid = 0;
  for (size_t i = 0; i < p->socket_count && pid == 0 && s->inode != 0; i++) {
    if (p->sockets[i].inode == s->inode)
      pid = p->sockets[i].pid;
  }
  for (size_t i = 0; i < p->count && pid != 0; i++) {
    if (p->procs[i].pid == pid)
      return &p->procs[i];
  }
  return NULL;
}

const char *iso_procs_unit(const iso_procs *p, const iso_socket *s)
{
  for (size_t i = 0; i < p->unit_count && s->cgroup != 0; i++) {
    if (p->units[i].id == s->cgroup)
      return p->units[i].name;
  }
  return NULL;
}

/* The file itself: what looks further may wait for a server that is about to be cut off. */
const char *iso_user_name(uint32_t uid, char ret_name[ISO_USER_NAME])
{
  FILE *f = fopen("/etc/passwd", "re");
  const struct passwd *user = NULL;
  (void)snprintf(ret_name, ISO_USER_NAME, "%u", uid);
  while (f != NULL && (user = fgetpwent(f)) != NULL) {
    if (user->pw_uid != uid)
      continue;
    (void)snprintf(ret_name, ISO_USER_NAME, "%.32s", user->pw_name);
    clean(ret_name);
    break;
  }
  if (f != NULL)
    (void)fclose(f);
  return ret_name;
}
