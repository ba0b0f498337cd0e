/* The drop-in that keeps a unit off, by a condition that never holds. Of two drop-ins the one whose
 * name sorts last has the last word, so that ours has a name behind which few sort; and whether it
 * has its effect is asked, not believed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/fault.h"
#include "support/text.h"
#include "unit_private.h"

enum { DROPIN_MAX = 256 * 1024, OTHER_MAX = 64 * 1024, FOLDERS_MAX = 24 };

static const char dropin[] = "~~cordon-disabled.conf";
static const char dropin_before[] = "00-cordon-disabled.conf"; /* of older versions */

/* The first found is the one that is there. */
static const char *name_of(const rem_unit *u)
{
  static const char *const names[] = {dropin, dropin_before};
  char path[2 * REM_NAME];
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    (void)snprintf(path, sizeof(path), "%s/%s", u->folder, names[i]);
    if (faccessat(u->units, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
      return names[i];
  }
  return NULL;
}

static void path_of(const rem_unit *u, const char *name, char ret_path[REM_PATH])
{
  (void)snprintf(ret_path, REM_PATH, "%s/%s/%s", REM_UNITS, u->folder, name);
}

bool rem_bar_is(const rem_unit *u)
{
  return name_of(u) != NULL;
}

void rem_bar_tidy(const rem_unit *u)
{
  char path[REM_PATH];
  path_of(u, dropin, path);
  rem_text_tidy(path);
}

/* ---- making it ---- */

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

static cordon_status make_folder(const rem_unit *u, sup_err *err)
{
  if (mkdirat(u->units, u->folder, 0755) != 0)
    return errno == EEXIST ? CORDON_OK
                           : sup_fail_os(err, errno, "%s/%s cannot be made", REM_UNITS, u->folder);
  if (fchmodat(u->units, u->folder, 0755, 0) != 0)
    return sup_fail_os(err, errno, "%s/%s cannot be made readable", REM_UNITS, u->folder);
  return CORDON_OK;
}

static cordon_status rename_old(const rem_unit *u, sup_err *err)
{
  char from[2 * REM_NAME];
  char to[2 * REM_NAME];
  (void)snprintf(from, sizeof(from), "%s/%s", u->folder, dropin_before);
  (void)snprintf(to, sizeof(to), "%s/%s", u->folder, dropin);
  if (renameat(u->units, from, u->units, to) != 0)
    return sup_fail_os(err, errno, "'%s/%s' could not be renamed", REM_UNITS, from);
  return CORDON_OK;
}

/* What is there stays in mind; links that came since are added. */
static cordon_status renew(const rem_job *j, const rem_unit *u, const cJSON *links, sup_err *err)
{
  rem_text old;
  char path[REM_PATH];
  bool active = false;
  sup_text text = SUP_TEXT_INIT(DROPIN_MAX);
  path_of(u, dropin, path);
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

cordon_status rem_bar_put(const rem_job *j, const rem_unit *u, const cJSON *links, bool active,
                          sup_err *err)
{
  char path[REM_PATH];
  rem_way w;
  sup_text text = SUP_TEXT_INIT(DROPIN_MAX);
  const char *there = name_of(u);
  cordon_status status = there == dropin_before ? rename_old(u, err) : CORDON_OK;
  if (there != NULL)
    return status == CORDON_OK ? renew(j, u, links, err) : status;
  path_of(u, dropin, path);
  write_dropin(&text, j, links, active);
  status =
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

cordon_status rem_bar_read(const rem_unit *u, cJSON **ret_links, bool *ret_active, sup_err *err)
{
  rem_text old;
  char path[REM_PATH];
  const char *name = name_of(u);
  path_of(u, name != NULL ? name : dropin, path);
  cordon_status status = rem_text_read(path, &old, err);
  if (status != CORDON_OK)
    return status;
  *ret_links = rem_links_parse(old.bytes, ret_active);
  rem_text_release(&old);
  return CORDON_OK;
}

cordon_status rem_bar_remove(const rem_unit *u, sup_err *err)
{
  char path[2 * REM_NAME];
  for (const char *name = name_of(u); name != NULL; name = name_of(u)) {
    (void)snprintf(path, sizeof(path), "%s/%s", u->folder, name);
    if (unlinkat(u->units, path, 0) != 0 && errno != ENOENT)
      return sup_fail_os(err, errno, "'%s/%s' could not be removed", REM_UNITS, path);
  }
  /* Others' drop-ins keep it. */
  (void)unlinkat(u->units, u->folder, AT_REMOVEDIR);
  SUP_FAULT_POINT("remediate.unbarred");
  return rem_sync_folder(u->folder, u->units, err);
}

/* ---- whether it has its effect ---- */

bool rem_bar_resets(const char *text)
{
  for (const char *line = text; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
    line += strspn(line, " \t");
    if (strncmp(line, "Condition", 9) != 0)
      continue;
    const char *value = line + strcspn(line, "=\n");
    if (*value != '=')
      continue;
    value++;
    value += strspn(value, " \t\r");
    if (*value == '\n' || *value == '\0')
      return true;
  }
  return false;
}

static bool file_resets(int dir, const char *name)
{
  char *text = calloc(1, OTHER_MAX + 1);
  int fd = openat(dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  ssize_t len = fd >= 0 && text != NULL ? read(fd, text, OTHER_MAX) : 0;
  bool is = len > 0 && rem_bar_resets(text);
  if (fd >= 0)
    (void)close(fd);
  free(text);
  return is;
}

/* The names of folders with drop-ins that count for the unit: its own, those of its template, of
 * the beginnings of its name up to a dash, and of its type. */
static size_t folder_names(const char *unit, char ret_names[FOLDERS_MAX][REM_NAME])
{
  size_t count = 0;
  const char *type = strrchr(unit, '.');
  const char *at = strchr(unit, '@');
  (void)snprintf(ret_names[count++], REM_NAME, "%.200s.d", unit);
  (void)snprintf(ret_names[count++], REM_NAME, "%.20s.d", type + 1);
  if (at != NULL)
    (void)snprintf(ret_names[count++], REM_NAME, "%.*s@%.20s.d", (int)(at - unit), unit, type);
  for (const char *dash = strchr(unit, '-'); dash != NULL && dash < type && count < FOLDERS_MAX;
       dash = strchr(dash + 1, '-'))
    (void)snprintf(ret_names[count++], REM_NAME, "%.*s%.20s.d", (int)(dash + 1 - unit), unit, type);
  return count;
}

static bool look_in(const char *folder, bool ours, char ret_path[REM_PATH])
{
  DIR *dir = opendir(folder);
  bool found = false;
  for (const struct dirent *e = dir != NULL ? readdir(dir) : NULL; e != NULL && !found;
       e = readdir(dir)) {
    size_t len = strlen(e->d_name);
    int order = strcmp(e->d_name, dropin);
    if (len < 6 || strcmp(e->d_name + len - 5, ".conf") != 0 || order < 0 || (order == 0 && ours))
      continue;
    /* Of the same name it may hide ours, whatever is in it. */
    found = order == 0 || file_resets(dirfd(dir), e->d_name);
    if (found)
      (void)snprintf(ret_path, REM_PATH, "%.2000s/%s", folder, e->d_name);
  }
  if (dir != NULL)
    (void)closedir(dir);
  return found;
}

static bool is_voided(const rem_unit *u, char ret_path[REM_PATH])
{
  static const char *const places[] = {"/etc/systemd/system.control",
                                       "/run/systemd/system.control",
                                       "/run/systemd/transient",
                                       "/run/systemd/generator.early",
                                       REM_UNITS,
                                       "/etc/systemd/system.attached",
                                       "/run/systemd/system",
                                       "/run/systemd/system.attached",
                                       "/run/systemd/generator",
                                       "/usr/local/lib/systemd/system",
                                       "/usr/lib/systemd/system",
                                       "/run/systemd/generator.late"};
  char names[FOLDERS_MAX][REM_NAME];
  char folder[REM_PATH];
  size_t count = folder_names(u->name, names);
  for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
    for (size_t k = 0; k < count; k++) {
      (void)snprintf(folder, sizeof(folder), "%s/%s", places[i], names[k]);
      if (look_in(folder, k == 0 && strcmp(places[i], REM_UNITS) == 0, ret_path))
        return true;
    }
  }
  return false;
}

cordon_status rem_bar_verify(rem_job *j, const rem_unit *u, sup_err *err)
{
  char by[REM_PATH] = "";
  char show[REM_SHOW];
  bool holds = false;
  bool voided = is_voided(u, by);
  cordon_status status = u->runs ? rem_bus_barred(u->name, &holds, err) : CORDON_OK;
  if (status != CORDON_OK)
    return status;
  if (!u->runs)
    holds = !voided;
  rem_measured(j, "condition", "%s has %s%s", u->name,
               holds ? "a condition that never holds" : "no condition that keeps it off",
               u->runs ? ", says the service manager" : ", by its drop-ins");
  if (holds)
    return CORDON_OK;
  rem_step(j, "bar", "failed", "%s%s", voided ? "it is taken back by " : "systemd does not heed it",
           voided ? rem_show(by, show) : "");
  return sup_fail(err, CORDON_E_UNVERIFIED,
                  "%s can still be started: its drop-in is written, and %s%s", u->name,
                  voided ? "is taken back by " : "systemd does not heed it",
                  voided ? rem_show(by, show) : "");
}
