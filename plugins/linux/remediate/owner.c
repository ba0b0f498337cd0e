/* Whether a file was brought by a package of this system. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "remediate.h"

/* Since /bin and its like are links into /usr, lists of packages may name either place. */
static const char *other_name(const char *path)
{
  static const char *const merged[] = {"/usr/bin/", "/usr/sbin/", "/usr/lib"};
  for (size_t i = 0; i < sizeof(merged) / sizeof(merged[0]); i++)
    if (strncmp(path, merged[i], strlen(merged[i])) == 0)
      return path + 4;
  return NULL;
}

static FILE *open_in(int dir, const char *name)
{
  int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  FILE *f = fd >= 0 ? fdopen(fd, "re") : NULL;
  if (f == NULL && fd >= 0)
    (void)close(fd);
  return f;
}

typedef struct query {
  const char *path;
  const char *other; /* or NULL */
  bool owned;
  bool asked;  /* there was something to ask */
  bool broken; /* not all could be read */
  char *by;    /* REM_SHOW bytes */
} query;

static bool is_it(const query *q, const char *path)
{
  return strcmp(path, q->path) == 0 || (q->other != NULL && strcmp(path, q->other) == 0);
}

/* ---- lists: what a line says. It is changed. ---- */

static bool dpkg_line(const query *q, char *line)
{
  return is_it(q, line);
}

/* Without the slash at the beginning; `%FILES%` and its like begin a part. */
static bool pacman_line(const query *q, char *line)
{
  return strcmp(line, q->path + 1) == 0 || (q->other != NULL && strcmp(line, q->other + 1) == 0);
}

/* `obj PATH digest time`; PATH may hold blanks. */
static bool portage_line(const query *q, char *line)
{
  if (strncmp(line, "obj ", 4) != 0)
    return false;
  for (int i = 0; i < 2; i++) {
    char *blank = strrchr(line + 4, ' ');
    if (blank == NULL)
      return false;
    *blank = '\0';
  }
  return is_it(q, line + 4);
}

/* As XML has it, in `ret_text` of at least 5 * REM_PATH bytes. */
static void escape_xml(const char *path, char *ret_text)
{
  for (; *path != '\0'; path++) {
    const char *as = *path == '&' ? "&amp;" : *path == '<' ? "&lt;" : *path == '>' ? "&gt;" : NULL;
    if (as == NULL)
      *ret_text++ = *path;
    for (; as != NULL && *as != '\0'; as++)
      *ret_text++ = *as;
  }
  *ret_text = '\0';
}

/* `<string>PATH</string>` */
static bool xbps_line(const query *q, char *line)
{
  char path[5 * REM_PATH];
  char *begin = strstr(line, "<string>");
  char *end = begin != NULL ? strstr(begin, "</string>") : NULL;
  if (end == NULL)
    return false;
  begin += strlen("<string>");
  *end = '\0';
  escape_xml(q->path, path);
  return strcmp(begin, path) == 0;
}

/* ---- databases that are lists, one for each package ---- */

typedef struct database {
  const char *root;
  unsigned folders; /* below it, to the lists */
  const char *begin;
  const char *end; /* what a list's name begins and ends with */
  bool (*line)(const query *q, char *line);
} database;

static const database databases[REM_OWNER_LISTS] = {
    {"/var/lib/dpkg/info", 0, "", ".list", dpkg_line},
    {"/var/lib/pacman/local", 1, "files", "files", pacman_line},
    {"/var/db/pkg", 2, "CONTENTS", "CONTENTS", portage_line},
    {"/var/db/xbps", 0, ".", "-files.plist", xbps_line},
};

bool rem_owner_line(unsigned list, const char *path, char *line)
{
  const query q = {.path = path, .other = other_name(path)};
  return databases[list].line(&q, line);
}

static bool is_list(const database *d, const char *name)
{
  size_t len = strlen(name);
  size_t end = strlen(d->end);
  return len >= end && strncmp(name, d->begin, strlen(d->begin)) == 0 &&
         strcmp(name + len - end, d->end) == 0;
}

/* The package is called as its list is, or as the folders that lead there. */
static void read_list(query *q, const database *d, int dir, const char *way, const char *name)
{
  char *line = NULL;
  size_t room = 0;
  FILE *f = open_in(dir, name);
  q->asked = true;
  q->broken = q->broken || f == NULL;
  while (f != NULL && !q->owned && getline(&line, &room, f) > 0) {
    line[strcspn(line, "\n")] = '\0';
    q->owned = d->line(q, line);
  }
  free(line);
  if (f != NULL)
    (void)fclose(f);
  if (!q->owned)
    return;
  const char *shown = d->folders > 0 ? way : name + strlen(d->begin);
  size_t len = strlen(shown) - (d->folders > 0 ? 0 : strlen(d->end));
  (void)snprintf(q->by, REM_SHOW, "%.*s", (int)(len < REM_SHOW ? len : REM_SHOW - 1), shown);
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the database says
static void ask(query *q, const database *d, int parent, const char *folder, const char *way,
                unsigned level)
{
  int fd = openat(parent, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
  char next[2 * REM_NAME];
  if (dir == NULL) {
    q->broken = q->broken || (errno != ENOENT && errno != ENOTDIR);
    if (fd >= 0)
      (void)close(fd);
    return;
  }
  for (const struct dirent *e = readdir(dir); e != NULL && !q->owned; e = readdir(dir)) {
    (void)snprintf(next, sizeof(next), "%s%s%s", way, way[0] != '\0' ? "/" : "", e->d_name);
    if (level == d->folders && is_list(d, e->d_name))
      read_list(q, d, fd, way, e->d_name);
    else if (level < d->folders && e->d_name[0] != '.')
      ask(q, d, fd, e->d_name, next, level + 1);
  }
  (void)closedir(dir);
}

/* `P:package`, and behind it `F:folder` and `R:file` of each file in it. */
static void ask_apk(query *q)
{
  FILE *f = fopen("/lib/apk/db/installed", "re");
  char *line = NULL;
  size_t room = 0;
  char package[REM_NAME] = "";
  char folder[REM_PATH] = "";
  char full[REM_PATH + REM_NAME];
  q->asked = q->asked || f != NULL;
  while (f != NULL && !q->owned && getline(&line, &room, f) > 2) {
    line[strcspn(line, "\n")] = '\0';
    if (line[1] != ':')
      continue;
    if (line[0] == 'P')
      (void)snprintf(package, sizeof(package), "%s", line + 2);
    if (line[0] == 'F')
      (void)snprintf(folder, sizeof(folder), "%s", line + 2);
    if (line[0] != 'R')
      continue;
    (void)snprintf(full, sizeof(full), "/%s%s%.200s", folder, folder[0] != '\0' ? "/" : "",
                   line + 2);
    q->owned = strcmp(full, q->path) == 0;
    if (q->owned)
      (void)snprintf(q->by, REM_SHOW, "%.*s", REM_SHOW - 1, package);
  }
  free(line);
  if (f != NULL)
    (void)fclose(f);
}

static bool has_rpm(void)
{
  static const char *const places[] = {
      "/var/lib/rpm/rpmdb.sqlite",      "/var/lib/rpm/Packages",
      "/var/lib/rpm/Packages.db",       "/usr/lib/sysimage/rpm/rpmdb.sqlite",
      "/usr/lib/sysimage/rpm/Packages", "/usr/lib/sysimage/rpm/Packages.db"};
  for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
    if (access(places[i], F_OK) == 0)
      return true;
  return false;
}

/* Where packages put files, apart from /opt, /etc and the places of users. */
static bool is_systems_place(const char *path)
{
  static const char *const places[] = {"/usr/", "/bin/", "/sbin/", "/lib", "/boot/", "/etc/"};
  if (strncmp(path, "/usr/local/", 11) == 0)
    return false;
  for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
    if (strncmp(path, places[i], strlen(places[i])) == 0)
      return true;
  return false;
}

rem_owned rem_owner_of(const char *path, char ret_by[REM_SHOW])
{
  query q = {.path = path, .other = other_name(path), .by = ret_by};
  const char *why = NULL;
  ret_by[0] = '\0';
  for (size_t i = 0; i < sizeof(databases) / sizeof(databases[0]) && !q.owned; i++)
    ask(&q, &databases[i], AT_FDCWD, databases[i].root, "", 0);
  if (!q.owned)
    ask_apk(&q);
  if (q.owned)
    return REM_OWNED_YES;
  if (!is_systems_place(path))
    return REM_OWNED_NO;
  if (has_rpm() && !q.asked)
    why = "the files of rpm packages are not known to Cordon, and it is in a folder of the "
          "system's";
  else if (!q.asked)
    why = "how this system keeps its packages is not known to Cordon, and it is in a folder of the "
          "system's";
  else if (q.broken)
    why = "not every list of the packages could be read";
  if (why != NULL)
    (void)snprintf(ret_by, REM_SHOW, "%s", why);
  return why != NULL ? REM_OWNED_UNKNOWN : REM_OWNED_NO;
}
