/* Parts of the kernel: kept from being loaded by a file of modprobe's, and unloaded where nothing
 * uses them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "remediate.h"
#include "support/fault.h"

enum { MODULE_NAME = 56 };

/* `-` and `_` are the same to the kernel. */
static cordon_status read_name(const cJSON *from, char ret_name[MODULE_NAME], sup_err *err)
{
  cordon_status status = rem_bytes_get(from, "name", ret_name, MODULE_NAME, err);
  if (status != CORDON_OK)
    return status;
  if (!rem_is_name(ret_name, MODULE_NAME - 1) || strchr(ret_name, '.') != NULL)
    return sup_fail(err, CORDON_E_INVALID, "that is no name of a kernel module");
  for (char *at = strchr(ret_name, '-'); at != NULL; at = strchr(at, '-'))
    *at = '_';
  return CORDON_OK;
}

/* `name size uses by state address`. */
static bool read_line(char *line, const char *name, unsigned long *ret_uses, char ret_by[REM_NAME])
{
  char *rest = line;
  const char *found = strsep(&rest, " ");
  const char *size = strsep(&rest, " ");
  const char *uses = strsep(&rest, " ");
  const char *by = strsep(&rest, " \n");
  if (size == NULL || uses == NULL || strcmp(found, name) != 0)
    return false;
  *ret_uses = strtoul(uses, NULL, 10);
  (void)snprintf(ret_by, REM_NAME, "%s", by != NULL ? by : "-");
  return true;
}

static bool is_loaded(const char *name, unsigned long *ret_uses, char ret_by[REM_NAME])
{
  FILE *f = fopen("/proc/modules", "re");
  char *line = NULL;
  size_t room = 0;
  bool found = false;
  while (f != NULL && !found && getline(&line, &room, f) > 0)
    found = read_line(line, name, ret_uses, ret_by);
  free(line);
  if (f != NULL)
    (void)fclose(f);
  return found;
}

static bool same_module(const char *path, size_t len, const char *name)
{
  size_t at = len;
  while (at > 0 && path[at - 1] != '/')
    at--;
  size_t i = 0;
  for (; name[i] != '\0' && at + i < len; i++) {
    char c = path[at + i] == '-' ? '_' : path[at + i];
    if (c != name[i])
      return false;
  }
  return name[i] == '\0' && at + i < len && path[at + i] == '.';
}

static bool list_names(const char *list, const char *name)
{
  char path[REM_PATH];
  struct utsname u;
  char *line = NULL;
  size_t room = 0;
  bool found = false;
  if (uname(&u) != 0)
    return false;
  (void)snprintf(path, sizeof(path), "/lib/modules/%s/%s", u.release, list);
  FILE *f = fopen(path, "re");
  while (f != NULL && !found && getline(&line, &room, f) > 0)
    found = same_module(line, strcspn(line, ":\n"), name);
  free(line);
  if (f != NULL)
    (void)fclose(f);
  return found;
}

static void file_path(const char *name, char ret_path[REM_PATH])
{
  (void)snprintf(ret_path, REM_PATH, "/etc/modprobe.d/cordon-disabled-%s.conf", name);
}

static bool is_barred(const char *name)
{
  char path[REM_PATH];
  file_path(name, path);
  return access(path, F_OK) == 0;
}

static cordon_status bar(rem_job *j, const char *name, sup_err *err)
{
  char path[REM_PATH];
  char text[512];
  rem_way w;
  file_path(name, path);
  (void)snprintf(text, sizeof(text),
                 "# Cordon (action %.60s) keeps this kernel module from being loaded.\n"
                 "blacklist %s\ninstall %s /bin/false\n",
                 j->action, name, name);
  /* A device without kmod has none; it matters once it is installed. */
  if (mkdir("/etc/modprobe.d", 0755) == 0)
    (void)chmod("/etc/modprobe.d", 0755);
  cordon_status status = rem_way_open(path, &w, err);
  if (status != CORDON_OK)
    return status;
  status = rem_file_make(&w, text, 0644, err);
  rem_way_close(&w);
  if (status == CORDON_OK)
    rem_step(j, "bar", "done", "%s says that %s is not loaded", path, name);
  return status;
}

static void unload(rem_job *j, const char *name)
{
  unsigned long uses = 0;
  char by[REM_NAME] = "";
  if (!is_loaded(name, &uses, by))
    return;
  if (uses > 0) {
    rem_step(j, "unload", "left", "%s is in use (%lu times, by %s)", name, uses, by);
  } else if (syscall(SYS_delete_module, name, O_NONBLOCK) != 0) {
    rem_step(j, "unload", "failed", "%s: %s", name, strerrorname_np(errno));
  } else {
    rem_step(j, "unload", "done", "%s", name);
  }
}

static cordon_status check(const rem_job *j, const char *name, sup_err *err)
{
  unsigned long uses = 0;
  char by[REM_NAME];
  if (list_names("modules.builtin", name))
    return sup_fail(err, CORDON_E_UNSUPPORTED,
                    "%s is built into this kernel, and can be neither unloaded nor kept out", name);
  if (j->force || is_loaded(name, &uses, by) || list_names("modules.dep", name))
    return CORDON_OK;
  return sup_fail(err, CORDON_E_NOTFOUND,
                  "this kernel has no module %s; with force it is kept out all the same", name);
}

static cordon_status disable(rem_job *j, const char *name, sup_err *err)
{
  unsigned long uses = 0;
  char by[REM_NAME] = "";
  bool barred = is_barred(name);
  cordon_status status = barred ? CORDON_OK : check(j, name, err);
  if (status != CORDON_OK)
    return status;
  if (j->call->dry_run) {
    rem_step(j, "module.disable", "planned", "%s", name);
    return CORDON_OK;
  }
  if (barred) {
    rem_step(j, "bar", "already", "Cordon keeps %s out", name);
  } else {
    cJSON *record = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(record, "do", "module.enable");
    (void)cJSON_AddStringToObject(record, "name", name);
    status = rem_note(j, record, err);
    SUP_FAULT_POINT("remediate.noted");
    if (status == CORDON_OK)
      status = bar(j, name, err);
    SUP_FAULT_POINT("remediate.barred");
  }
  if (status != CORDON_OK)
    return status;
  unload(j, name);
  bool loaded = is_loaded(name, &uses, by);
  rem_measured(j, "module", "%s is %sloaded; modprobe is %stold not to load it", name,
               loaded ? "still " : "not ", is_barred(name) ? "" : "not ");
  j->at_reboot = loaded;
  return CORDON_OK;
}

static cordon_status enable(rem_job *j, const char *name, sup_err *err)
{
  char path[REM_PATH];
  rem_way w;
  file_path(name, path);
  rem_text_tidy(path);
  if (!is_barred(name)) {
    rem_step(j, "module.enable", "already", "Cordon does not keep %s out", name);
    return CORDON_OK;
  }
  if (j->call->dry_run) {
    rem_step(j, "module.enable", "planned", "%s", name);
    return CORDON_OK;
  }
  cordon_status status = rem_way_open(path, &w, err);
  if (status != CORDON_OK)
    return status;
  if (unlinkat(w.dir, w.name, 0) != 0 && errno != ENOENT)
    status = sup_fail_os(err, errno, "'%s' could not be removed", path);
  else
    status = rem_sync_folder(path, w.dir, err);
  rem_way_close(&w);
  if (status != CORDON_OK)
    return status;
  rem_step(j, "module.enable", "done",
           "%s may be loaded again; that is left to whoever needs it, and to the next boot", name);
  rem_measured(j, "module", "modprobe is %stold not to load %s", is_barred(name) ? "" : "not ",
               name);
  return CORDON_OK;
}

cordon_status rem_module_run(rem_job *j, sup_err *err)
{
  char name[MODULE_NAME];
  cordon_status status = read_name(j->target, name, err);
  if (status != CORDON_OK)
    return status;
  if (strcmp(j->operation, "module.disable") == 0)
    return disable(j, name, err);
  (void)snprintf(j->no_undo, sizeof(j->no_undo), "module.disable does that");
  return enable(j, name, err);
}

cordon_status rem_module_undo(rem_job *j, const cJSON *record, sup_err *err)
{
  char name[MODULE_NAME];
  cordon_status status = read_name(record, name, err);
  return status == CORDON_OK ? enable(j, name, err) : status;
}
