/* The run of a package on Windows: rights, and the hives of users who are not logged in. Theirs are
 * loaded from copies, so that nothing is written into a profile. */
#include "device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "file.h"
#include "items.h"
#include "package/list.h"
#include "package/private.h"
#include "path.h"
#include "reg.h"
#include "support/wide.h"

#define MOUNT_PREFIX L"CordonHive."
#define PROFILES L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList"

DWORD win_privilege(const wchar_t *name)
{
  HANDLE token = NULL;
  TOKEN_PRIVILEGES p = {.PrivilegeCount = 1};
  if (!OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY, &token))
    return GetLastError();
  p.Privileges[0].Attributes = SE_PRIVILEGE_ENABLED;
  DWORD error = LookupPrivilegeValueW(NULL, name, &p.Privileges[0].Luid) ? 0 : GetLastError();
  if (error == 0) {
    /* It answers TRUE also where the token has no such privilege. */
    error = AdjustTokenPrivileges(token, FALSE, &p, 0, NULL, NULL) ? 0 : GetLastError();
    if (error == 0 && GetLastError() == ERROR_NOT_ALL_ASSIGNED)
      error = ERROR_PRIVILEGE_NOT_HELD;
  }
  (void)CloseHandle(token);
  return error;
}

/* ---- hives ---- */

/* Whether the process that a hive was loaded by, whose number is in its name, is another one and
 * there. */
static bool has_owner(const wchar_t *name)
{
  DWORD code = 0;
  DWORD pid = wcstoul(name + wcslen(MOUNT_PREFIX), NULL, 10);
  if (pid == GetCurrentProcessId())
    return false;
  HANDLE h = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, pid);
  if (h == NULL)
    return GetLastError() == ERROR_ACCESS_DENIED;
  bool runs = !GetExitCodeProcess(h, &code) || code == STILL_ACTIVE;
  (void)CloseHandle(h);
  return runs;
}

/* A hive that was not unloaded because its process was killed stays until somebody unloads it. A
 * package and a read-out may be made at once: what the other one has loaded is its own. */
static void unload_leftovers(void)
{
  wchar_t name[REG_SUBKEY_UNITS];
  for (DWORD i = 0; i < 4096;) {
    DWORD len = REG_SUBKEY_UNITS;
    LSTATUS status = RegEnumKeyExW(HKEY_USERS, i, name, &len, NULL, NULL, NULL, NULL);
    if (status != 0)
      break;
    bool ours = wcsncmp(name, MOUNT_PREFIX, wcslen(MOUNT_PREFIX)) == 0;
    if (!ours || has_owner(name) || RegUnLoadKeyW(HKEY_USERS, name) != 0)
      i++;
  }
}

static DWORD copy_file(const wchar_t *from, const wchar_t *to)
{
  win_file f;
  DWORD error = win_open(from, &f);
  if (error != 0)
    return error;
  if (f.bytes > (uint64_t)WIN_HIVE_MAX_MIB * COL_MIB) {
    win_close(&f);
    return ERROR_FILE_TOO_LARGE;
  }
  enum { PIECE = 64 * 1024 };
  char *buffer = malloc(PIECE);
  HANDLE out = CreateFileW(to, GENERIC_WRITE, 0, NULL, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, NULL);
  error = buffer == NULL                ? ERROR_NOT_ENOUGH_MEMORY
          : out == INVALID_HANDLE_VALUE ? GetLastError()
                                        : 0;
  while (error == 0) {
    DWORD wrote = 0;
    DWORD got = (DWORD)win_read(&f, buffer, PIECE);
    if (got == 0)
      break;
    if (!WriteFile(out, buffer, got, &wrote, NULL) || wrote != got)
      error = GetLastError();
  }
  if (out != INVALID_HANDLE_VALUE)
    (void)CloseHandle(out);
  free(buffer);
  win_close(&f);
  return error;
}

/* Copies a hive with its logs, which hold what was not written into it yet. */
static DWORD copy_hive(const wchar_t *from, const wchar_t *to)
{
  static const wchar_t *const logs[] = {L".LOG1", L".LOG2"};
  wchar_t source[WIN_PATH + 8];
  wchar_t target[WIN_PATH + 8];
  DWORD error = copy_file(from, to);
  for (size_t i = 0; error == 0 && i < sizeof(logs) / sizeof(logs[0]); i++) {
    (void)swprintf(source, WIN_PATH + 8, L"%ls%ls", from, logs[i]);
    (void)swprintf(target, WIN_PATH + 8, L"%ls%ls", to, logs[i]);
    (void)copy_file(source, target);
  }
  return error;
}

static DWORD load_hive(win_device *d, const wchar_t *from, unsigned number, wchar_t ret_name[64],
                       HKEY *ret_key)
{
  wchar_t file[64];
  wchar_t copy[WIN_PATH];
  ret_name[0] = L'\0';
  DWORD error = d->folder[0] != L'\0' ? 0 : win_private_folder(d->folder);
  if (error != 0) {
    d->folder[0] = L'\0';
    return error;
  }
  (void)swprintf(file, 64, L"hive%u.dat", number);
  if (!win_join(d->folder, file, copy))
    return ERROR_FILENAME_EXCED_RANGE;
  error = copy_hive(from, copy);
  if (error != 0)
    return error;
  wchar_t name[64];
  (void)swprintf(name, 64, MOUNT_PREFIX L"%lu.%u", (unsigned long)GetCurrentProcessId(), number);
  error = (DWORD)RegLoadKeyW(HKEY_USERS, name, copy);
  if (error != 0)
    return error;
  wmemcpy(ret_name, name, 64);
  return (DWORD)RegOpenKeyExW(HKEY_USERS, name, 0, KEY_READ, ret_key);
}

static void load_user(win_device *d, win_user *u, unsigned number)
{
  wchar_t path[WIN_PATH];
  if (!u->has_profile) {
    (void)snprintf(u->why, sizeof(u->why), "there is no folder of a profile");
    return;
  }
  DWORD error = win_join(u->profile, L"NTUSER.DAT", path)
                    ? load_hive(d, path, 2 * number, u->mounted[0], &u->hive)
                    : ERROR_FILENAME_EXCED_RANGE;
  if (error != 0) {
    char text[COL_SENTENCE / 2];
    sup_os_text((int)error, text, sizeof(text));
    (void)snprintf(u->why, sizeof(u->why), "the hive of a logged-off user was not loaded: %s",
                   text);
    return;
  }
  u->loaded = true;
  if (win_join(u->profile, L"AppData\\Local\\Microsoft\\Windows\\UsrClass.dat", path))
    (void)load_hive(d, path, 2 * number + 1, u->mounted[1], &u->classes);
}

/* ---- users ---- */

typedef struct reading {
  col_task *task;
  win_device *device;
} reading;

static void name_user(win_user *u)
{
  const wchar_t *slash = wcsrchr(u->profile, L'\\');
  sup_from_wide(slash != NULL ? slash + 1 : u->profile, u->name, sizeof(u->name));
  if (u->name[0] == '\0')
    sup_from_wide(u->sid, u->name, sizeof(u->name));
}

static bool is_known(const win_device *d, const wchar_t *sid)
{
  for (size_t i = 0; i < d->count; i++) {
    if (_wcsicmp(d->users[i].sid, sid) == 0)
      return true;
  }
  return false;
}

static win_user *add_user(win_device *d, const wchar_t *sid)
{
  if (wcslen(sid) >= WIN_SID || is_known(d, sid))
    return NULL;
  if (d->count == WIN_USERS_MAX) {
    d->more = true;
    return NULL;
  }
  win_user *u = &d->users[d->count++];
  *u = (win_user){0};
  (void)wcscpy_s(u->sid, WIN_SID, sid);
  return u;
}

static void open_loaded(win_user *u)
{
  wchar_t classes[WIN_SID + 16];
  if (RegOpenKeyExW(HKEY_USERS, u->sid, 0, KEY_READ, &u->hive) != 0)
    u->hive = NULL;
  (void)swprintf(classes, WIN_SID + 16, L"%ls_Classes", u->sid);
  if (RegOpenKeyExW(HKEY_USERS, classes, 0, KEY_READ, &u->classes) != 0)
    u->classes = NULL;
  /* Windows has them in a hive of their own, and a link to it here. */
  if (u->classes == NULL && u->hive != NULL &&
      RegOpenKeyExW(u->hive, L"SOFTWARE\\Classes", 0, KEY_READ, &u->classes) != 0)
    u->classes = NULL;
}

static bool take_profile(void *data, HKEY key, const wchar_t *name)
{
  reading *r = data;
  wchar_t raw[WIN_PATH] = {0};
  HKEY open = NULL;
  win_user *u = add_user(r->device, name);
  if (u == NULL)
    return true;
  if (RegOpenKeyExW(key, name, 0, KEY_READ, &open) == 0) {
    u->has_profile = win_key_text(open, L"ProfileImagePath", raw) && win_expand(raw, u->profile);
    (void)RegCloseKey(open);
  }
  name_user(u);
  open_loaded(u);
  if (u->hive == NULL)
    load_user(r->device, u, (unsigned)(u - r->device->users));
  return true;
}

/* Who has a hive but no entry of a profile. */
static bool take_hive(void *data, HKEY key, const wchar_t *name)
{
  reading *r = data;
  (void)key;
  size_t len = wcslen(name);
  bool classes = len > 8 && _wcsicmp(name + len - 8, L"_Classes") == 0;
  if (classes || wcsncmp(name, MOUNT_PREFIX, wcslen(MOUNT_PREFIX)) == 0)
    return true;
  win_user *u = add_user(r->device, name);
  if (u == NULL)
    return true;
  name_user(u);
  open_loaded(u);
  return true;
}

static void read_users(col_task *t, win_device *d)
{
  reading r = {.task = t, .device = d};
  HKEY profiles = NULL;
  d->users = calloc(WIN_USERS_MAX, sizeof(*d->users));
  if (d->users == NULL)
    return;
  unload_leftovers();
  if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, PROFILES, 0, KEY_READ | KEY_WOW64_64KEY, &profiles) == 0) {
    (void)win_each_subkey(t, profiles, take_profile, &r);
    (void)RegCloseKey(profiles);
  }
  (void)win_each_subkey(t, HKEY_USERS, take_hive, &r);
}

win_device *win_device_of(col_task *t)
{
  win_device *d = t->p->o.own;
  col_gate_lock(d->gate);
  if (!d->read) {
    read_users(t, d);
    d->read = true;
  }
  col_gate_unlock(d->gate);
  return d;
}

win_device *win_device_plain(const col_task *t)
{
  return t->p->o.own;
}

static void device_free(void *own)
{
  win_device *d = own;
  for (size_t i = 0; d->users != NULL && i < d->count; i++) {
    win_user *u = &d->users[i];
    if (u->hive != NULL)
      (void)RegCloseKey(u->hive);
    if (u->classes != NULL)
      (void)RegCloseKey(u->classes);
    for (unsigned n = 0; n < 2; n++) {
      if (u->mounted[n][0] != L'\0')
        (void)RegUnLoadKeyW(HKEY_USERS, u->mounted[n]);
    }
  }
  if (d->folder[0] != L'\0')
    win_remove_folder(d->folder);
  col_list_free(d->list);
  free(d->users);
  col_gate_free(d->gate);
  free(d);
}

/* Options with what the items share. NULL: no memory. */
static win_device *share(const col_options *o, col_options *ret_options, sup_err *err)
{
  static const wchar_t *const wanted[] = {L"SeBackupPrivilege", L"SeRestorePrivilege",
                                          L"SeDebugPrivilege", L"SeSecurityPrivilege"};
  win_device *d = calloc(1, sizeof(*d));
  if (d != NULL)
    d->gate = col_gate_new();
  if (d == NULL || d->gate == NULL) {
    col_list_free(o->list);
    free(d);
    (void)sup_fail(err, CORDON_E_LIMIT, "there is no memory to read the device");
    return NULL;
  }
  /* What is missing shows where it is needed. */
  for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
    (void)win_privilege(wanted[i]);
  *ret_options = *o;
  d->list = o->list;
  if (d->list != NULL) {
    ret_options->list_name = d->list->name != NULL ? d->list->name : "";
    ret_options->list_version = d->list->version;
  }
  ret_options->own = d;
  ret_options->own_free = device_free;
  return d;
}

cordon_status win_run(const col_options *o, const col_item *items, size_t count,
                      col_totals *ret_totals, col_cap_fn *on_cap, void *data, sup_err *err)
{
  col_options mine;
  if (share(o, &mine, err) == NULL)
    return CORDON_E_LIMIT;
  return col_package_run(&mine, items, count, ret_totals, on_cap, data, err);
}

cordon_status win_read_out(const col_options *o, const char *path, const col_reading *what,
                           cJSON *tables, col_read_totals *ret_totals, sup_err *err)
{
  col_options mine;
  win_device *d = share(o, &mine, err);
  if (d == NULL)
    return CORDON_E_LIMIT;
  if (path != NULL && !sup_to_wide(path, d->asked, WIN_PATH)) {
    device_free(d);
    return sup_fail(err, CORDON_E_INVALID, "path is longer than %d units, or no UTF-8", WIN_PATH);
  }
  if (path != NULL && !win_is_key_path(d->asked)) {
    device_free(d);
    return sup_fail(err, CORDON_E_INVALID, "path is no key: it begins with HKLM, HKLM (32) or HKU");
  }
  return col_read_out(&mine, what->items, what->count, tables, ret_totals, err);
}
