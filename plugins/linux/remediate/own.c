/* What is the agent's own, and stays: by what it is and where it lies, not by what it is called. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit_private.h"

static const char *const unit_names[] = {"cordond.service", "cordon-isolation.service"};

static const char *const files[] = {REM_OWN_CONFIG "/cordond.json",
                                    REM_OWN_CONFIG "/plugins.trust.json",
                                    REM_OWN_SBIN "/cordond",
                                    REM_OWN_BIN "/cordon",
                                    REM_OWN_PROGRAMS "/cordon-plugin-host",
                                    REM_OWN_PROGRAMS "/cordon-channel",
                                    REM_OWN_PREFIX "/lib/sysusers.d/cordon.conf",
                                    REM_OWN_PREFIX "/lib/tmpfiles.d/cordon.conf"};

/* In the order in which systemd looks. */
static const char *const unit_folders[] = {REM_UNITS,
                                           "/run/systemd/system",
                                           "/run/systemd/generator",
                                           "/usr/local/lib/systemd/system",
                                           "/usr/lib/systemd/system",
                                           "/lib/systemd/system"};

enum {
  UNITS = sizeof(unit_names) / sizeof(unit_names[0]),
  FILES = sizeof(files) / sizeof(files[0]),
  FOLDERS = sizeof(unit_folders) / sizeof(unit_folders[0])
};

static bool is_unit(const char *name)
{
  for (size_t i = 0; i < UNITS; i++)
    if (strcmp(name, unit_names[i]) == 0)
      return true;
  return false;
}

/* Another name of it is a link. */
bool rem_own_unit(const char *name)
{
  char path[REM_PATH];
  char real[REM_PATH];
  if (is_unit(name))
    return true;
  for (size_t i = 0; i < FOLDERS; i++) {
    (void)snprintf(path, sizeof(path), "%s/%.255s", unit_folders[i], name);
    if (realpath(path, real) != NULL && is_unit(strrchr(real, '/') + 1))
      return true;
  }
  return false;
}

static bool is_below(const char *path, const char *folder)
{
  size_t len = strlen(folder);
  return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* The private folder is <state>/plugins/<id>; all of <state> is the agent's. */
static bool is_state(const rem_job *j, const char *path)
{
  char state[REM_PATH];
  (void)snprintf(state, sizeof(state), "%s", j->state_dir);
  for (int parts = 0; parts < 2; parts++) {
    char *slash = strrchr(state, '/');
    if (slash == NULL || slash == state)
      return false;
    *slash = '\0';
  }
  return is_below(path, state);
}

/* By another way to it (a bind mount) it is the same file. */
static bool is_same(const char *own, const char *path, const struct stat *st)
{
  struct stat of_own;
  return strcmp(own, path) == 0 ||
         (stat(own, &of_own) == 0 && of_own.st_dev == st->st_dev && of_own.st_ino == st->st_ino);
}

bool rem_own_file(const rem_job *j, const char *path, const struct stat *st)
{
  char own[REM_PATH];
  if (is_state(j, path) || is_below(path, REM_OWN_PLUGINS))
    return true;
  for (size_t i = 0; i < FILES; i++)
    if (is_same(files[i], path, st))
      return true;
  for (size_t i = 0; i < FOLDERS * UNITS; i++) {
    (void)snprintf(own, sizeof(own), "%s/%s", unit_folders[i / UNITS], unit_names[i % UNITS]);
    if (is_same(own, path, st))
      return true;
  }
  return false;
}
