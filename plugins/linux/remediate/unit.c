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
#include "support/text.h"

enum { UNIT_NAME = 200, DROPIN_MAX = 256 * 1024 };

#define UNITS "/etc/systemd/system"
static const char dropin[] = "00-cordon-disabled.conf";

typedef struct unit {
  char name[UNIT_NAME];
  char folder[REM_NAME]; /* NAME.d */
  int units;             /* the folder of the administrator's units */
  bool runs;             /* systemd does */
} unit;

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

static cordon_status read_name(const cJSON *from, bool timer, char ret_name[UNIT_NAME],
                               sup_err *err)
{
  static const char set[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:@\\";
  cordon_status status = rem_bytes_get(from, "name", ret_name, UNIT_NAME - 10, err);
  if (status != CORDON_OK)
    return status;
  if (strchr(ret_name, '.') == NULL)
    (void)snprintf(ret_name + strlen(ret_name), UNIT_NAME - strlen(ret_name), "%s",
                   timer ? ".timer" : ".service");
  if (strspn(ret_name, set) != strlen(ret_name) || ret_name[0] == '.' ||
      !kind_fits(ret_name, timer))
    return sup_fail(err, CORDON_E_INVALID, "that is no name of a %s of systemd",
                    timer ? "timer" : "service, socket or path");
  return CORDON_OK;
}

static bool exists(const char *name)
{
  static const char *const folders[] = {UNITS,
                                        "/run/systemd/system",
                                        "/run/systemd/generator",
                                        "/usr/local/lib/systemd/system",
                                        "/usr/lib/systemd/system",
                                        "/lib/systemd/system"};
  char path[REM_PATH];
  char template[UNIT_NAME];
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
  if (strncmp(name, "cordon", 6) == 0)
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

static cordon_status open_unit(const char *name, unit *ret, sup_err *err)
{
  char path[REM_PATH];
  rem_way w;
  *ret = (unit){.units = -1, .runs = rem_bus_runs()};
  if (access(UNITS, F_OK) != 0 && !ret->runs)
    return sup_fail(
        err, CORDON_E_UNSUPPORTED,
        "this device has no systemd, and services of other systems are not switched off "
        "by this version");
  (void)snprintf(ret->name, sizeof(ret->name), "%s", name);
  (void)snprintf(ret->folder, sizeof(ret->folder), "%s.d", name);
  (void)snprintf(path, sizeof(path), "%s/%s", UNITS, name);
  cordon_status status = rem_way_open(path, &w, err);
  if (status == CORDON_OK)
    ret->units = w.dir;
  return status;
}

/* The drop-in: to be made, or as it is. */
static void dropin_path(const unit *u, char ret_path[REM_PATH])
{
  (void)snprintf(ret_path, REM_PATH, "%s/%s/%s", UNITS, u->folder, dropin);
}

static bool has_dropin(const unit *u)
{
  char path[REM_PATH];
  dropin_path(u, path);
  return access(path, F_OK) == 0;
}

static void write_dropin(sup_text *out, const rem_job *j, const cJSON *links, bool active)
{
  sup_text_addf(out,
                "# Cordon (action %.60s) switched this unit off, and keeps here what brings it "
                "back.\n",
                j->action);
  if (active)
    sup_text_add(out, "# cordon-active\n");
  const cJSON *link = NULL;
  cJSON_ArrayForEach(link, links)
  {
    char *text = cJSON_PrintUnformatted(link);
    if (text != NULL)
      sup_text_addf(out, "# cordon-link %s\n", text);
    out->failed = out->failed || text == NULL;
    cJSON_free(text);
  }
  sup_text_add(out, "[Unit]\nConditionPathExists=!/\n");
}

static cordon_status make_folder(const unit *u, sup_err *err)
{
  if (mkdirat(u->units, u->folder, 0755) != 0)
    return errno == EEXIST ? CORDON_OK
                           : sup_fail_os(err, errno, "%s/%s cannot be made", UNITS, u->folder);
  if (fchmodat(u->units, u->folder, 0755, 0) != 0)
    return sup_fail_os(err, errno, "%s/%s cannot be made readable", UNITS, u->folder);
  return CORDON_OK;
}

/* What is there stays in mind; links that came since are added. */
static cordon_status renew_dropin(rem_job *j, const char *path, cJSON *links, sup_err *err)
{
  rem_text old;
  bool active = false;
  sup_text text = SUP_TEXT_INIT(DROPIN_MAX);
  cordon_status status = rem_text_read(path, &old, err);
  if (status != CORDON_OK)
    return status;
  cJSON *all = rem_links_parse(old.bytes, &active);
  int before = cJSON_GetArraySize(all);
  const cJSON *link = NULL;
  cJSON_ArrayForEach(link, links)
  {
    bool known = false;
    const cJSON *other = NULL;
    cJSON_ArrayForEach(other, all) known = known || cJSON_Compare(link, other, 1);
    if (!known)
      (void)cJSON_AddItemToArray(all, cJSON_Duplicate(link, 1));
  }
  if (cJSON_GetArraySize(all) > before) {
    write_dropin(&text, j, all, active);
    status = text.failed ? sup_fail(err, CORDON_E_LIMIT, "there are too many links")
                         : rem_text_replace(&old, sup_text_get(&text), text.len, err);
  }
  sup_text_release(&text);
  cJSON_Delete(all);
  rem_text_release(&old);
  return status;
}

static cordon_status put_dropin(rem_job *j, const unit *u, cJSON *links, bool active, sup_err *err)
{
  char path[REM_PATH];
  rem_way w;
  sup_text text = SUP_TEXT_INIT(DROPIN_MAX);
  dropin_path(u, path);
  if (has_dropin(u))
    return renew_dropin(j, path, links, err);
  write_dropin(&text, j, links, active);
  cordon_status status =
      text.failed ? sup_fail(err, CORDON_E_LIMIT, "there are too many links") : make_folder(u, err);
  if (status == CORDON_OK)
    status = rem_way_open(path, &w, err);
  if (status == CORDON_OK) {
    status = rem_file_make(&w, sup_text_get(&text), 0644, err);
    rem_way_close(&w);
  }
  sup_text_release(&text);
  return status;
}

static cordon_status remove_links(rem_job *j, const unit *u, const cJSON *links, sup_err *err)
{
  char path[2 * REM_NAME];
  const cJSON *link = NULL;
  cJSON_ArrayForEach(link, links)
  {
    cordon_status status = rem_bytes_get(link, "path", path, sizeof(path), err);
    if (status == CORDON_OK && unlinkat(u->units, path, 0) != 0 && errno != ENOENT)
      status = sup_fail_os(err, errno, "the link '%s/%.200s' could not be removed", UNITS, path);
    if (status != CORDON_OK)
      return status;
    rem_step(j, "link", "done", "%s/%.200s was removed", UNITS, path);
    SUP_FAULT_POINT("remediate.link");
  }
  return CORDON_OK;
}

static cordon_status make_links(rem_job *j, const unit *u, const cJSON *links, sup_err *err)
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
        return sup_fail_os(err, errno, "the folder '%s/%.200s' could not be opened up", UNITS,
                           folder);
    }
    if (symlinkat(target, u->units, path) == 0) {
      rem_step(j, "link", "done", "%s/%.200s is back", UNITS, path);
    } else if (errno == EEXIST) {
      rem_step(j, "link", "already", "%s/%.200s is there", UNITS, path);
    } else {
      return sup_fail_os(err, errno, "the link '%s/%.200s' could not be made", UNITS, path);
    }
    SUP_FAULT_POINT("remediate.link");
  }
  return CORDON_OK;
}

/* ---- off ---- */

static cordon_status stop(rem_job *j, const unit *u, sup_err *err)
{
  char state[32] = "";
  if (!u->runs) {
    rem_step(j, "stop", "left",
             "systemd does not run here: it takes effect when it starts; what runs was not ended");
    return CORDON_OK;
  }
  cordon_status status = rem_bus_reload(err);
  j->changed = j->changed || status == CORDON_OK;
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
  return off ? CORDON_OK
             : sup_fail(err, CORDON_E_UNVERIFIED, "%s was told to stop and is %s", u->name, state);
}

static cordon_status note(rem_job *j, const unit *u, sup_err *err)
{
  cJSON *record = cJSON_CreateObject();
  (void)cJSON_AddStringToObject(record, "do", "unit.enable");
  (void)cJSON_AddStringToObject(record, "name", u->name);
  cordon_status status = rem_note(j, record, err);
  SUP_FAULT_POINT("remediate.noted");
  return status;
}

static void measure(rem_job *j, const unit *u)
{
  cJSON *links = rem_links_find(u->units, u->name);
  rem_measured(j, "unit files", "%s is %sswitched off by Cordon; %d links start it", u->name,
               has_dropin(u) ? "" : "not ", cJSON_GetArraySize(links));
  cJSON_Delete(links);
}

static cordon_status disable(rem_job *j, const unit *u, sup_err *err)
{
  char state[32] = "inactive";
  bool off = has_dropin(u);
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
    status = put_dropin(j, u, links, strcmp(state, "active") == 0, err);
  SUP_FAULT_POINT("remediate.barred");
  if (status == CORDON_OK && !off)
    rem_step(j, "bar", "done", "%s/%s/%s", UNITS, u->folder, dropin);
  if (status == CORDON_OK)
    status = remove_links(j, u, links, err);
  cJSON_Delete(links);
  if (status == CORDON_OK)
    status = stop(j, u, err);
  measure(j, u);
  return status;
}

/* ---- on ---- */

static cordon_status start(rem_job *j, const unit *u, bool active, sup_err *err)
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

static cordon_status remove_dropin(const unit *u, sup_err *err)
{
  char path[2 * REM_NAME];
  (void)snprintf(path, sizeof(path), "%s/%s", u->folder, dropin);
  if (unlinkat(u->units, path, 0) != 0 && errno != ENOENT)
    return sup_fail_os(err, errno, "'%s/%s' could not be removed", UNITS, path);
  /* Others' drop-ins keep it. */
  (void)unlinkat(u->units, u->folder, AT_REMOVEDIR);
  SUP_FAULT_POINT("remediate.unbarred");
  return rem_sync_folder(path, u->units, err);
}

static cordon_status enable(rem_job *j, const unit *u, sup_err *err)
{
  char path[REM_PATH];
  rem_text old;
  bool active = false;
  dropin_path(u, path);
  rem_text_tidy(path);
  if (!has_dropin(u)) {
    (void)unlinkat(u->units, u->folder, AT_REMOVEDIR); /* empty: made, and cut short */
    rem_step(j, "enable", "already", "Cordon does not keep %s off", u->name);
    measure(j, u);
    return CORDON_OK;
  }
  if (j->call->dry_run) {
    rem_step(j, "enable", "planned", "%s", u->name);
    return CORDON_OK;
  }
  cordon_status status = rem_text_read(path, &old, err);
  if (status != CORDON_OK)
    return status;
  cJSON *links = rem_links_parse(old.bytes, &active);
  rem_text_release(&old);
  status = make_links(j, u, links, err);
  cJSON_Delete(links);
  if (status == CORDON_OK)
    status = remove_dropin(u, err);
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
  unit u = {.units = -1};
  cordon_status status = open_unit(name, &u, err);
  if (status == CORDON_OK && off && !has_dropin(&u))
    status = check(j, name, err);
  if (status == CORDON_OK)
    status = off ? disable(j, &u, err) : enable(j, &u, err);
  if (u.units >= 0)
    (void)close(u.units);
  return status;
}

cordon_status rem_unit_run(rem_job *j, sup_err *err)
{
  char name[UNIT_NAME];
  bool off = ends_with(j->operation, ".disable");
  cordon_status status = read_name(j->target, strncmp(j->operation, "timer.", 6) == 0, name, err);
  if (!off)
    (void)snprintf(j->no_undo, sizeof(j->no_undo), "switching it off again does that");
  return status == CORDON_OK ? with_unit(j, name, off, err) : status;
}

cordon_status rem_unit_undo(rem_job *j, const cJSON *record, sup_err *err)
{
  char name[UNIT_NAME];
  const cJSON *text = cJSON_GetObjectItemCaseSensitive(record, "name");
  bool timer = cJSON_IsString(text) && ends_with(text->valuestring, ".timer");
  cordon_status status = read_name(record, timer, name, err);
  return status == CORDON_OK ? with_unit(j, name, false, err) : status;
}
