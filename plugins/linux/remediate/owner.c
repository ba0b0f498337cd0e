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

static bool list_has(FILE *f, const char *path, const char *other)
{
  char *line = NULL;
  size_t room = 0;
  bool found = false;
  while (!found && getline(&line, &room, f) > 0) {
    line[strcspn(line, "\n")] = '\0';
    found = strcmp(line, path) == 0 || (other != NULL && strcmp(line, other) == 0);
  }
  free(line);
  return found;
}

static FILE *open_in(int dir, const char *name)
{
  int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  FILE *f = fd >= 0 ? fdopen(fd, "re") : NULL;
  if (f == NULL && fd >= 0)
    (void)close(fd);
  return f;
}

/* One list for each package. False: there are none, or not all could be read. */
static bool ask_dpkg(const char *path, bool *ret_owned, bool *ret_asked, char ret_by[REM_SHOW])
{
  DIR *dir = opendir("/var/lib/dpkg/info");
  bool whole = true;
  if (dir == NULL)
    return errno == ENOENT;
  for (const struct dirent *e = readdir(dir); e != NULL && !*ret_owned; e = readdir(dir)) {
    size_t len = strlen(e->d_name);
    if (len < 6 || strcmp(e->d_name + len - 5, ".list") != 0)
      continue;
    FILE *f = open_in(dirfd(dir), e->d_name);
    whole = whole && f != NULL;
    *ret_asked = true;
    if (f != NULL && list_has(f, path, other_name(path))) {
      (void)snprintf(ret_by, REM_SHOW, "%.*s", (int)(len - 5), e->d_name);
      *ret_owned = true;
    }
    if (f != NULL)
      (void)fclose(f);
  }
  (void)closedir(dir);
  return whole;
}

/* `P:package`, and behind it `F:folder` and `R:file` of each file in it. */
static void ask_apk(const char *path, bool *ret_owned, bool *ret_asked, char ret_by[REM_SHOW])
{
  FILE *f = fopen("/lib/apk/db/installed", "re");
  char *line = NULL;
  size_t room = 0;
  char package[REM_NAME] = "";
  char folder[REM_PATH] = "";
  char full[REM_PATH + REM_NAME];
  *ret_asked = *ret_asked || f != NULL;
  while (f != NULL && !*ret_owned && getline(&line, &room, f) > 2) {
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
    *ret_owned = strcmp(full, path) == 0;
    if (*ret_owned)
      (void)snprintf(ret_by, REM_SHOW, "%.*s", REM_SHOW - 1, package);
  }
  free(line);
  if (f != NULL)
    (void)fclose(f);
}

static bool has_rpm(void)
{
  static const char *const databases[] = {
      "/var/lib/rpm/rpmdb.sqlite",      "/var/lib/rpm/Packages",
      "/var/lib/rpm/Packages.db",       "/usr/lib/sysimage/rpm/rpmdb.sqlite",
      "/usr/lib/sysimage/rpm/Packages", "/usr/lib/sysimage/rpm/Packages.db"};
  for (size_t i = 0; i < sizeof(databases) / sizeof(databases[0]); i++)
    if (access(databases[i], F_OK) == 0)
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
  bool owned = false;
  bool asked = false;
  ret_by[0] = '\0';
  bool whole = ask_dpkg(path, &owned, &asked, ret_by);
  if (!owned)
    ask_apk(path, &owned, &asked, ret_by);
  if (owned)
    return REM_OWNED_YES;
  if (!is_systems_place(path))
    return REM_OWNED_NO;
  if (has_rpm() && !asked) {
    (void)snprintf(
        ret_by, REM_SHOW,
        "the files of rpm packages are not known to Cordon, and it is in a folder of the "
        "system's");
    return REM_OWNED_UNKNOWN;
  }
  if (!whole) {
    (void)snprintf(ret_by, REM_SHOW, "not every list of the packages could be read");
    return REM_OWNED_UNKNOWN;
  }
  return REM_OWNED_NO;
}
