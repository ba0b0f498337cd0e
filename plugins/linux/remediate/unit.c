/* Services and timers of systemd, switched off by a drop-in whose condition never holds, so that
 * nothing starts the unit whatever asks for it; the links by which it was enabled are taken away.
 * The drop-in keeps them in mind, and is itself the way back: it outlives agent and journal. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "remediate.h"
#include "support/fault.h"
#include "unit_private.h"

static bool ends_with(const char *text, const char *end)
{
  size_t a = strlen(text);
  size_t b = strlen(end);
  return a > b && strcmp(text + a - b, end) == 0;
}

static bool kind_fits(const char *name, bool timer)
{
  return timer ? ends_with(name, ".timer")
               : ends_with(name, ".service") || ends_with(name, ".socket") ||
                     ends_with(name, ".path");
}

static cordon_status read_name(const cJSON *from, bool timer, char ret_name[REM_UNIT_NAME],
                               sup_err *err)
{
  static const char set[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:@\\";
  cordon_status status = rem_bytes_get(from, "name", ret_name, REM_UNIT_NAME - 10, err);
  if (status != CORDON_OK)
    return status;
  if (strchr(ret_name, '.') == NULL)
    (void)snprintf(ret_name + strlen(ret_name), REM_UNIT_NAME - strlen(ret_name), "%s",
                   timer ? ".timer" : ".service");
  if (strspn(ret_name, set) != strlen(ret_name) || ret_name[0] == '.' ||
      !kind_fits(ret_name, timer))
    return sup_fail(err, CORDON_E_INVALID, "that is no name of a %s of systemd",
                    timer ? "timer" : "service, socket or path");
  return CORDON_OK;
}

static bool exists(const char *name)
{
  static const char *const folders[] = {REM_UNITS,
                                        "/run/systemd/system",
                                        "/run/systemd/generator",
                                        "/usr/local/lib/systemd/system",
                                        "/usr/lib/systemd/system",
                                        "/lib/systemd/system"};
  char path[REM_PATH];
  char template[REM_UNIT_NAME];
  const char *at = strchr(name, '@');
  (void)snprintf(template, sizeof(template), "%.*s@%s", (int)(at != NULL ? at - name : 0), name,
                 strrchr(name, '.'));
  for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
    (void)snprintf(path, sizeof(path), "%s/%s", folders[i], name);
    if (access(path, F_OK) == 0)
      return true;
    (void)snprintf(path, sizeof(path), "%s/%s", folders[i], template);
    if (at != NULL && access(path, F_OK) == 0)
      return true;
  }
  return false;
}

static cordon_status check(const rem_job *j, const char *name, sup_err *err)
{
  if (rem_own_unit(name))
    return sup_fail(err, CORDON_E_DENIED, "%s is the agent's own", name);
  if (!j->force && (strncmp(name, "systemd-", 8) == 0 || strncmp(name, "dbus", 4) == 0 ||
                    strncmp(name, "init.", 5) == 0))
    return sup_fail(err, CORDON_E_DENIED,
                    "%s is a part of the system that it does not run without; it is switched off "
                    "only with force",
                    name);
  if (!exists(name))
    return sup_fail(err, CORDON_E_NOTFOUND, "there is no unit %s on this device", name);
  return CORDON_OK;
}

static cordon_status open_unit(const char *name, rem_unit *ret, sup_err *err)
{
  char path[REM_PATH];
  rem_way w;
  *ret = (rem_unit){.units = -1, .runs = rem_bus_runs()};
  if (access(REM_UNITS, F_OK) != 0 && !ret->runs)
    return sup_fail(
        err, CORDON_E_UNSUPPORTED,
        "this device has no systemd, and services of other systems are not switched off "
        "by this version");
  (void)snprintf(ret->name, sizeof(ret->name), "%s", name);
  (void)snprintf(ret->folder, sizeof(ret->folder), "%s.d", name);
  (void)snprintf(path, sizeof(path), "%s/%s", REM_UNITS, name);
  cordon_status status = rem_way_open(path, &w, err);
  if (status == CORDON_OK)
    ret->units = w.dir;
  return status;
}

static cordon_status remove_links(rem_job *j, const rem_unit *u, const cJSON *links, sup_err *err)
{
  char path[2 * REM_NAME];
  const cJSON *link = NULL;
  cJSON_ArrayForEach(link, links)
  {
    cordon_status status = rem_bytes_get(link, "path", path, sizeof(path), err);
    if (status == CORDON_OK && unlinkat(u->units, path, 0) != 0 && errno != ENOENT)
      status =
          sup_fail_os(err, errno, "the link '%s/%.200s' could not be removed", REM_UNITS, path);
    if (status != CORDON_OK)
      return status;
    rem_step(j, "link", "done", "%s/%.200s was removed", REM_UNITS, path);
    SUP_FAULT_POINT("remediate.link");
  }
  return CORDON_OK;
}

static cordon_status make_links(rem_job *j, const rem_unit *u, const cJSON *links, sup_err *err)
{
  char path[2 * REM_NAME];
  char target[REM_PATH];
  char folder[2 * REM_NAME];
  const cJSON *link = NULL;
  cJSON_ArrayForEach(link, links)
  {
    cordon_status status = rem_bytes_get(link, "path", path, sizeof(path), err);
    if (status == CORDON_OK)
      status = rem_bytes_get(link, "target", target, sizeof(target), err);
    if (status != CORDON_OK)
      return status;
    (void)snprintf(folder, sizeof(folder), "%s", path);
    char *slash = strchr(folder, '/');
    if (slash != NULL) {
      *slash = '\0';
      /* The umask may have taken from it. */
      if (mkdirat(u->units, folder, 0755) == 0 && fchmodat(u->units, folder, 0755, 0) != 0)
        return sup_fail_os(err, errno, "the folder '%s/%.200s' could not be opened up", REM_UNITS,
                           folder);
    }
    if (symlinkat(target, u->units, path) == 0) {
      rem_step(j, "link", "done", "%s/%.200s is back", REM_UNITS, path);
    } else if (errno == EEXIST) {
      rem_step(j, "link", "already", "%s/%.200s is there", REM_UNITS, path);
    } else {
      return sup_fail_os(err, errno, "the link '%s/%.200s' could not be made", REM_UNITS, path);
    }
    SUP_FAULT_POINT("remediate.link");
  }
  return CORDON_OK;
}

/* ---- off ---- */

static cordon_status stop(rem_job *j, const rem_unit *u, sup_err *err)
{
  char state[32] = "";
  sup_err voided = {0};
  if (!u->runs) {
    rem_step(j, "stop", "left",
             "systemd does not run here: it takes effect when it starts; what runs was not ended");
    return rem_bar_verify(j, u, err);
  }
  cordon_status status = rem_bus_reload(err);
  j->changed = j->changed || status == CORDON_OK;
  if (status == CORDON_OK)
    (void)rem_bar_verify(j, u, &voided);
  if (status == CORDON_OK)
    status = rem_bus_stop(u->name, err);
  if (status == CORDON_OK)
    status = rem_bus_active(u->name, state, err);
  if (status != CORDON_OK) {
    rem_step(j, "stop", "failed", "%s", err->sentence);
    return status;
  }
  bool off = strcmp(state, "inactive") == 0 || strcmp(state, "failed") == 0;
  rem_step(j, "stop", off ? "done" : "failed", "%s", u->name);
  rem_measured(j, "unit", "the service manager says that %s is %s", u->name, state);
  if (!off)
    return sup_fail(err, CORDON_E_UNVERIFIED, "%s was told to stop and is %s", u->name, state);
  if (voided.status != CORDON_OK)
    *err = voided;
  return voided.status;
}

static cordon_status note(rem_job *j, const rem_unit *u, sup_err *err)
{
  cJSON *record = cJSON_CreateObject();
  (void)cJSON_AddStringToObject(record, "do", "unit.enable");
  (void)cJSON_AddStringToObject(record, "name", u->name);
  cordon_status status = rem_note(j, record, err);
  SUP_FAULT_POINT("remediate.noted");
  return status;
}

static void measure(rem_job *j, const rem_unit *u)
{
  cJSON *links = rem_links_find(u->units, u->name);
  rem_measured(j, "unit files", "%s is %sswitched off by Cordon; %d links start it", u->name,
               rem_bar_is(u) ? "" : "not ", cJSON_GetArraySize(links));
  cJSON_Delete(links);
}

static cordon_status disable(rem_job *j, const rem_unit *u, sup_err *err)
{
  char state[32] = "inactive";
  bool off = rem_bar_is(u);
  cJSON *links = rem_links_find(u->units, u->name);
  cordon_status status = u->runs ? rem_bus_active(u->name, state, err) : CORDON_OK;
  if (j->call->dry_run) {
    rem_step(j, j->operation, "planned", "%s, %s, %d links", u->name, state,
             cJSON_GetArraySize(links));
    cJSON_Delete(links);
    return status;
  }
  if (off)
    rem_step(j, "bar", "already", "Cordon has switched %s off", u->name);
  if (status == CORDON_OK && (!off || cJSON_GetArraySize(links) > 0))
    status = note(j, u, err);
  if (status == CORDON_OK)
    status = rem_bar_put(j, u, links, strcmp(state, "active") == 0, err);
  SUP_FAULT_POINT("remediate.barred");
  if (status == CORDON_OK && !off)
    rem_step(j, "bar", "done", "a drop-in in %s/%s", REM_UNITS, u->folder);
  if (status == CORDON_OK)
    status = remove_links(j, u, links, err);
  cJSON_Delete(links);
  if (status == CORDON_OK)
    status = stop(j, u, err);
  measure(j, u);
  return status;
}

/* ---- on ---- */

static cordon_status start(rem_job *j, const rem_unit *u, bool active, sup_err *err)
{
  char state[32] = "";
  if (!u->runs)
    return CORDON_OK;
  cordon_status status = rem_bus_reload(err);
  if (status == CORDON_OK && active)
    status = rem_bus_start(u->name, err);
  if (status == CORDON_OK)
    status = rem_bus_active(u->name, state, err);
  if (status == CORDON_OK)
    rem_measured(j, "unit", "the service manager says that %s is %s", u->name, state);
  else
    rem_step(j, "start", "failed", "%s", err->sentence);
  return status;
}

static cordon_status enable(rem_job *j, const rem_unit *u, sup_err *err)
{
  bool active = false;
  cJSON *links = NULL;
  rem_bar_tidy(u);
  if (!rem_bar_is(u)) {
    (void)unlinkat(u->units, u->folder, AT_REMOVEDIR); /* empty: made, and cut short */
    rem_step(j, "enable", "already", "Cordon does not keep %s off", u->name);
    measure(j, u);
    return CORDON_OK;
  }
  if (j->call->dry_run) {
    rem_step(j, "enable", "planned", "%s", u->name);
    return CORDON_OK;
  }
  cordon_status status = rem_bar_read(u, &links, &active, err);
  if (status != CORDON_OK)
    return status;
  status = make_links(j, u, links, err);
  cJSON_Delete(links);
  if (status == CORDON_OK)
    status = rem_bar_remove(u, err);
  if (status == CORDON_OK) {
    rem_step(j, "enable", "done", "%s", u->name);
    status = start(j, u, active, err);
  }
  measure(j, u);
  return status;
}

/* ---- the operations ---- */

static cordon_status with_unit(rem_job *j, const char *name, bool off, sup_err *err)
{
  rem_unit u = {.units = -1};
  cordon_status status = open_unit(name, &u, err);
  if (status == CORDON_OK && off && !rem_bar_is(&u))
    status = check(j, name, err);
  if (status == CORDON_OK)
    status = off ? disable(j, &u, err) : enable(j, &u, err);
  if (u.units >= 0)
    (void)close(u.units);
  return status;
}

cordon_status rem_unit_run(rem_job *j, sup_err *err)
{
  char name[REM_UNIT_NAME];
  bool off = ends_with(j->operation, ".disable");
  cordon_status status = read_name(j->target, strncmp(j->operation, "timer.", 6) == 0, name, err);
  if (!off)
    (void)snprintf(j->no_undo, sizeof(j->no_undo), "switching it off again does that");
  return status == CORDON_OK ? with_unit(j, name, off, err) : status;
}

cordon_status rem_unit_undo(rem_job *j, const cJSON *record, sup_err *err)
{
  char name[REM_UNIT_NAME];
  const cJSON *text = cJSON_GetObjectItemCaseSensitive(record, "name");
  bool timer = cJSON_IsString(text) && ends_with(text->valuestring, ".timer");
  cordon_status status = read_name(record, timer, name, err);
  return status == CORDON_OK ? with_unit(j, name, false, err) : status;
}
