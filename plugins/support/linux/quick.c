/* The quick set: what runs, what starts by itself, and where things arrive. It is that of a quick
 * scan and that of a search for a file. Users own much of it, so that nothing here is opened
 * through a link of theirs. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/files.h"

enum { UNITS_MAX = 5000, UNIT_TEXT = 64 * 1024 };

static bool is_space(char c)
{
  return c == ' ' || c == '\t';
}

bool sup_unit_program(const char *line, size_t len, char ret_path[SUP_PATH])
{
  while (len > 0 && is_space(*line)) {
    line++;
    len--;
  }
  const char *equals = len > 4 ? memchr(line, '=', len) : NULL;
  if (equals == NULL || memcmp(line, "Exec", 4) != 0)
    return false;
  const char *end = line + len;
  const char *at = equals + 1;
  while (at < end && (is_space(*at) || strchr("-@:+!|\"", *at) != NULL))
    at++;
  size_t n = 0;
  while (at + n < end && !is_space(at[n]) && at[n] != '"' && at[n] != '\0' && n + 1 < SUP_PATH)
    n++;
  if (n < 2 || *at != '/')
    return false;
  memcpy(ret_path, at, n);
  ret_path[n] = '\0';
  return true;
}

static void each_line(sup_plan *p, int fd, void (*take)(sup_plan *p, const char *line, size_t len))
{
  static _Thread_local char text[UNIT_TEXT];
  ssize_t len = read(fd, text, sizeof(text));
  const char *at = text;
  while (len > 0) {
    const char *end = memchr(at, '\n', (size_t)len);
    size_t n = end != NULL ? (size_t)(end - at) : (size_t)len;
    take(p, at, n);
    n += end != NULL ? 1 : 0;
    at += n;
    len -= (ssize_t)n;
  }
}

/* A user may say that a folder is his program, even the topmost one: that is not walked for it. */
static void take_exec(sup_plan *p, const char *line, size_t len)
{
  char path[SUP_PATH];
  char real[SUP_PATH];
  struct stat st;
  if (!sup_unit_program(line, len, path))
    return;
  int place = sup_place_trusted(path, real);
  if (place < 0 || fstat(place, &st) != 0 || !S_ISDIR(st.st_mode))
    sup_plan_add(p, path, false, false);
  if (place >= 0)
    (void)close(place);
}

/* A library of /etc/ld.so.preload. */
static void take_preload(sup_plan *p, const char *line, size_t len)
{
  char path[SUP_PATH];
  if (len >= sizeof(path) || len < 2 || line[0] != '/')
    return;
  (void)snprintf(path, sizeof(path), "%.*s", (int)len, line);
  path[strcspn(path, " \t:")] = '\0';
  sup_plan_add(p, path, false, false);
}

static void read_lines(sup_plan *p, const char *path,
                       void (*take)(sup_plan *p, const char *line, size_t len))
{
  char real[SUP_PATH];
  int fd = sup_open_file(sup_place_trusted(path, real), NULL);
  if (fd < 0)
    return;
  each_line(p, fd, take);
  (void)close(fd);
}

static void add_units(sup_plan *p, const char *folder)
{
  char path[SUP_PATH];
  int fd = sup_open_folder(sup_place_trusted(folder, path));
  DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
  const struct dirent *e = NULL;
  int units = 0;
  if (dir == NULL) {
    /* The walk says why it cannot be looked at. */
    if (errno != ENOENT && errno != ENOTDIR)
      sup_plan_add(p, folder, false, false);
    if (fd >= 0)
      (void)close(fd);
    return;
  }
  sup_plan_add(p, folder, false, false);
  while ((e = readdir(dir)) != NULL) {
    const char *dot = strrchr(e->d_name, '.');
    if (dot == NULL || strcmp(dot, ".service") != 0)
      continue;
    p->cut = p->cut || units >= UNITS_MAX;
    if (units++ < UNITS_MAX &&
        snprintf(path, sizeof(path), "%s/%s", folder, e->d_name) < (int)sizeof(path))
      read_lines(p, path, take_exec);
  }
  (void)closedir(dir);
}

/* Most homes have few of these, and there is not room for all. */
static bool is_there(const char *path)
{
  char real[SUP_PATH];
  int place = sup_place_trusted(path, real);
  if (place >= 0)
    (void)close(place);
  return place >= 0 || (errno != ENOENT && errno != ENOTDIR);
}

static void add_home(void *data, const char *home)
{
  static const char *const below[] = {".config/autostart",
                                      ".config/systemd",
                                      ".local/share/systemd",
                                      ".local/bin",
                                      "bin",
                                      "Downloads",
                                      "Desktop",
                                      ".bashrc",
                                      ".profile",
                                      ".bash_profile",
                                      ".bash_login",
                                      ".bash_logout",
                                      ".zshrc",
                                      ".zprofile",
                                      ".zshenv",
                                      ".xprofile",
                                      ".xinitrc",
                                      ".ssh/rc",
                                      ".pam_environment"};
  sup_plan *p = data;
  char path[SUP_PATH];
  const sup_mount *m = sup_mounts_of(&p->mounts, home);
  /* What is of the network is not even looked for: it may hang. */
  if (m != NULL && m->fs == SUP_FS_FAR) {
    sup_plan_add(p, home, false, false);
    return;
  }
  if (!is_there(home))
    return;
  for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
    if (snprintf(path, sizeof(path), "%s/%s", home, below[i]) < (int)sizeof(path) && is_there(path))
      sup_plan_add(p, path, false, false);
  }
  if (snprintf(path, sizeof(path), "%s/.config/systemd/user", home) < (int)sizeof(path))
    add_units(p, path);
}

void sup_plan_places(sup_plan *p)
{
  static const char *const folders[] = {"/tmp",
                                        "/var/tmp",
                                        "/dev/shm",
                                        "/run/user",
                                        "/etc/crontab",
                                        "/etc/anacrontab",
                                        "/etc/cron.d",
                                        "/etc/cron.hourly",
                                        "/etc/cron.daily",
                                        "/etc/cron.weekly",
                                        "/etc/cron.monthly",
                                        "/var/spool/cron",
                                        "/etc/ld.so.preload",
                                        "/etc/profile",
                                        "/etc/profile.d",
                                        "/etc/bash.bashrc",
                                        "/etc/bashrc",
                                        "/etc/zsh",
                                        "/etc/rc.local",
                                        "/etc/init.d",
                                        "/etc/xdg/autostart",
                                        "/etc/update-motd.d",
                                        "/root",
                                        "/var/www",
                                        "/srv/www",
                                        "/srv/http",
                                        "/usr/share/nginx/html"};
  static const char *const units[] = {"/etc/systemd/system",           "/run/systemd/system",
                                      "/usr/lib/systemd/system",       "/lib/systemd/system",
                                      "/usr/local/lib/systemd/system", "/etc/systemd/user",
                                      "/usr/lib/systemd/user"};
  p->cross = true;
  for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
    sup_plan_add(p, folders[i], false, false);
  for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
    add_units(p, units[i]);
  read_lines(p, "/etc/ld.so.preload", take_preload);
  sup_account_homes(add_home, p);
  sup_plan_add(p, "/opt", true, false);
  sup_plan_add(p, "/usr/local/bin", true, false);
  sup_plan_add(p, "/usr/local/sbin", true, false);
}

void sup_plan_quick(sup_plan *p, const sup_call *call)
{
  sup_plan_images(p, call);
  sup_plan_places(p);
}
