/* The quick set: what runs, what starts by itself, and where things arrive. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clamav.h"

enum { UNITS_MAX = 5000, UNIT_TEXT = 64 * 1024 };

static bool is_space(char c)
{
  return c == ' ' || c == '\t';
}

bool clam_unit_program(const char *line, size_t len, char ret_path[CLAM_PATH])
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
  while (at + n < end && !is_space(at[n]) && at[n] != '"' && at[n] != '\0' && n + 1 < CLAM_PATH)
    n++;
  if (n < 2 || *at != '/')
    return false;
  memcpy(ret_path, at, n);
  ret_path[n] = '\0';
  return true;
}

static void each_line(clam_plan *p, int fd,
                      void (*take)(clam_plan *p, const char *line, size_t len))
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

static void take_exec(clam_plan *p, const char *line, size_t len)
{
  char path[CLAM_PATH];
  if (clam_unit_program(line, len, path))
    clam_plan_add(p, path, false, false);
}

/* A library of /etc/ld.so.preload. */
static void take_preload(clam_plan *p, const char *line, size_t len)
{
  char path[CLAM_PATH];
  if (len >= sizeof(path) || len < 2 || line[0] != '/')
    return;
  (void)snprintf(path, sizeof(path), "%.*s", (int)len, line);
  path[strcspn(path, " \t:")] = '\0';
  clam_plan_add(p, path, false, false);
}

static void read_lines(clam_plan *p, int dir, const char *name,
                       void (*take)(clam_plan *p, const char *line, size_t len))
{
  struct stat st;
  int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
    each_line(p, fd, take);
  if (fd >= 0)
    (void)close(fd);
}

static void add_units(clam_plan *p, const char *folder)
{
  DIR *dir = opendir(folder);
  const struct dirent *e = NULL;
  if (dir == NULL)
    return;
  clam_plan_add(p, folder, false, false);
  for (int i = 0; i < UNITS_MAX && (e = readdir(dir)) != NULL; i++) {
    const char *dot = strrchr(e->d_name, '.');
    if (dot != NULL && strcmp(dot, ".service") == 0)
      read_lines(p, dirfd(dir), e->d_name, take_exec);
  }
  (void)closedir(dir);
}

static void add_home(void *data, const char *home)
{
  static const char *const below[] = {".config/autostart", ".local/bin",      "bin",
                                      "Downloads",         "Desktop",         ".bashrc",
                                      ".profile",          ".bash_profile",   ".bash_login",
                                      ".bash_logout",      ".zshrc",          ".zprofile",
                                      ".zshenv",           ".xprofile",       ".xinitrc",
                                      ".ssh/rc",           ".pam_environment"};
  clam_plan *p = data;
  char path[CLAM_PATH];
  for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
    if (snprintf(path, sizeof(path), "%s/%s", home, below[i]) < (int)sizeof(path))
      clam_plan_add(p, path, false, false);
  }
  if (snprintf(path, sizeof(path), "%s/.config/systemd/user", home) < (int)sizeof(path))
    add_units(p, path);
}

void clam_plan_quick(clam_plan *p, const sup_call *call)
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
  clam_plan_images(p, call);
  for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
    clam_plan_add(p, folders[i], false, false);
  for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
    add_units(p, units[i]);
  read_lines(p, AT_FDCWD, "/etc/ld.so.preload", take_preload);
  clam_account_homes(add_home, p);
  clam_plan_add(p, "/opt", true, false);
  clam_plan_add(p, "/usr/local/bin", true, false);
  clam_plan_add(p, "/usr/local/sbin", true, false);
}
