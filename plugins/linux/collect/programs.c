/* What is installed, by the databases of package managers. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "items.h"
#include "parse.h"
#include "read.h"
#include "rpm.h"

enum { FIELD = 512, FIELDS = 8 };

#define DATABASE_MAX (256 * COL_MIB)

typedef struct package {
  col_task *task;
  const char *manager;
  const char *const *keys; /* of name, version, architecture, status, size, maintainer, summary */
  bool begun;
  char values[FIELDS][FIELD];
} package;

#define PROGRAM_COLUMNS                                                                            \
  "manager,name,version,architecture,status,installed,size,maintainer,description,source"

static int64_t changed(col_task *t, const char *path)
{
  char full[COL_PATH];
  struct stat st;
  col_path(t, path, full);
  return lstat(full, &st) == 0 ? st.st_mtim.tv_sec : 0;
}

/* dpkg writes the list of a package's files when it is installed. */
static int64_t dpkg_time(const package *p)
{
  char path[3 * FIELD];
  (void)snprintf(path, sizeof(path), "/var/lib/dpkg/info/%s.list", p->values[0]);
  int64_t when = changed(p->task, path);
  if (when != 0)
    return when;
  (void)snprintf(path, sizeof(path), "/var/lib/dpkg/info/%s:%s.list", p->values[0], p->values[2]);
  return changed(p->task, path);
}

static void put_package(package *p, int64_t when, const char *source)
{
  col_task *t = p->task;
  if (p->values[0][0] == '\0')
    return;
  col_text(t, p->manager);
  for (int i = 0; i < 4; i++)
    col_text(t, p->values[i]);
  col_time(t, when);
  for (int i = 4; i < 7; i++)
    col_text(t, p->values[i]);
  col_text(t, source);
  (void)col_row(t);
  memset(p->values, 0, sizeof(p->values));
}

static void keep(package *p, col_view key, col_view value)
{
  for (size_t i = 0; i < FIELDS; i++) {
    if (p->keys[i] != NULL && col_view_is(key, p->keys[i]))
      (void)snprintf(p->values[i], FIELD, "%.*s", (int)(value.len < FIELD ? value.len : FIELD - 1),
                     value.ptr);
  }
}

static bool read_dpkg(void *data, const char *line, size_t len)
{
  package *p = data;
  col_view key;
  col_view value;
  if (len == 0)
    put_package(p, dpkg_time(p), "/var/lib/dpkg/status");
  else if (col_header((col_view){.ptr = line, .len = len}, &key, &value))
    keep(p, key, value);
  return !col_stop(p->task);
}

/* apk: one letter, a colon, the value. */
static bool read_apk(void *data, const char *line, size_t len)
{
  package *p = data;
  if (len == 0)
    put_package(p, col_view_number(col_view_of(p->values[7])), "/lib/apk/db/installed");
  else if (len > 2 && line[1] == ':')
    keep(p, (col_view){.ptr = line, .len = 1}, (col_view){.ptr = line + 2, .len = len - 2});
  return !col_stop(p->task);
}

/* pacman: `%NAME%` on a line, the value on the next. */
typedef struct pacman {
  package p;
  char key[32];
} pacman;

static bool read_pacman(void *data, const char *line, size_t len)
{
  pacman *m = data;
  if (len > 2 && line[0] == '%') {
    (void)snprintf(m->key, sizeof(m->key), "%.*s", (int)len, line);
  } else if (len > 0) {
    keep(&m->p, col_view_of(m->key), (col_view){.ptr = line, .len = len});
    m->key[0] = '\0';
  }
  return true;
}

static bool read_pacman_folder(void *data, int dir, const char *name)
{
  pacman *m = data;
  char path[COL_PATH];
  (void)dir;
  (void)snprintf(path, sizeof(path), "/var/lib/pacman/local/%s/desc", name);
  if (col_lines(m->p.task, path, COL_MIB, read_pacman, m) == 0)
    put_package(&m->p, col_view_number(col_view_of(m->p.values[7])), path);
  return !col_stop(m->p.task);
}

/* Names of files and folders are all that is read of these. */
typedef struct named {
  package p;
  const char *folder;
} named;

static bool read_named(void *data, int dir, const char *name)
{
  named *n = data;
  struct stat st;
  if (col_stat_at(dir, name, &st, NULL) != 0)
    return true;
  const char *underscore = strrchr(name, '_');
  const char *dot = strstr(name, ".snap");
  if (dot != NULL && underscore != NULL) {
    (void)snprintf(n->p.values[0], FIELD, "%.*s", (int)(underscore - name), name);
    (void)snprintf(n->p.values[1], FIELD, "revision %.*s", (int)(dot - underscore - 1),
                   underscore + 1);
  } else {
    (void)snprintf(n->p.values[0], FIELD, "%s", name);
  }
  (void)snprintf(n->p.values[4], FIELD, "%lld", (long long)st.st_size);
  put_package(&n->p, st.st_mtim.tv_sec, n->folder);
  return !col_stop(n->p.task);
}

static bool put_rpm(void *data, const col_rpm *rpm, const char *source)
{
  col_task *t = data;
  col_text(t, "rpm");
  col_text(t, rpm->name);
  col_text(t, rpm->version);
  col_text(t, rpm->arch);
  col_text(t, "installed");
  col_time(t, rpm->installed > 0 ? rpm->installed : 0);
  if (rpm->size >= 0)
    col_num(t, rpm->size);
  else
    col_text(t, "");
  col_text(t, rpm->vendor);
  col_text(t, rpm->summary);
  col_text(t, source);
  return col_row(t);
}

void col_installed(col_task *t)
{
  static const char *const dpkg[FIELDS] = {"Package",        "Version",    "Architecture", "Status",
                                           "Installed-Size", "Maintainer", "Description",  NULL};
  static const char *const apk[FIELDS] = {"P", "V", "A", NULL, "I", "m", "T", "t"};
  static const char *const arch[FIELDS] = {"%NAME%", "%VERSION%",  "%ARCH%", NULL,
                                           "%SIZE%", "%PACKAGER%", "%DESC%", "%INSTALLDATE%"};
  static const char *const none[FIELDS] = {NULL};
  col_head(t, PROGRAM_COLUMNS);
  package p = {.task = t, .manager = "dpkg", .keys = dpkg};
  if (col_lines(t, "/var/lib/dpkg/status", DATABASE_MAX, read_dpkg, &p) == 0)
    put_package(&p, dpkg_time(&p), "/var/lib/dpkg/status");
  package a = {.task = t, .manager = "apk", .keys = apk};
  if (col_lines(t, "/lib/apk/db/installed", DATABASE_MAX, read_apk, &a) == 0)
    put_package(&a, col_view_number(col_view_of(a.values[7])), "/lib/apk/db/installed");
  pacman m = {.p = {.task = t, .manager = "pacman", .keys = arch}};
  (void)col_each(t, "/var/lib/pacman/local", read_pacman_folder, &m);
  named s = {.p = {.task = t, .manager = "snap", .keys = none}, .folder = "/var/lib/snapd/snaps"};
  (void)col_each(t, s.folder, read_named, &s);
  named f = {.p = {.task = t, .manager = "flatpak", .keys = none},
             .folder = "/var/lib/flatpak/app"};
  (void)col_each(t, f.folder, read_named, &f);
  named o = {.p = {.task = t, .manager = "/opt", .keys = none}, .folder = "/opt"};
  (void)col_each(t, o.folder, read_named, &o);
  (void)col_each_rpm(t, put_rpm, t);
}

void col_installed_logs(col_task *t)
{
  static const char *const copied[][2] = {{"dpkg.log", "/var/log/dpkg.log"},
                                          {"dpkg.log.1", "/var/log/dpkg.log.1"},
                                          {"apt_history.log", "/var/log/apt/history.log"},
                                          {"dnf.rpm.log", "/var/log/dnf.rpm.log"},
                                          {"yum.log", "/var/log/yum.log"},
                                          {"pacman.log", "/var/log/pacman.log"},
                                          {"rpmdb.sqlite", "/usr/lib/sysimage/rpm/rpmdb.sqlite"},
                                          {"rpmdb.var.sqlite", "/var/lib/rpm/rpmdb.sqlite"}};
  for (size_t i = 0; i < sizeof(copied) / sizeof(copied[0]) && !col_stop(t); i++)
    col_copy(t, copied[i][0], copied[i][1], 64 * COL_MIB);
  col_copy_older_rpm(t);
}
