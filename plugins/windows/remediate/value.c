/* Start-up items of the registry: values of the keys from which Windows starts programs at boot and
 * at logon, and no others. What stood there is on record before it goes. */
#include "remediate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "support/json.h"
#include "support/wide.h"

typedef struct place {
  HKEY root;
  wchar_t path[REM_KEY]; /* whole, as it was named */
  const wchar_t *below;  /* the root */
  REGSAM view;
  wchar_t name[REM_NAME];
  char shown[REM_KEY];
} place;

typedef struct data {
  DWORD type;
  DWORD len;
  unsigned char bytes[REM_DATA_MAX];
} data;

static bool ends_with(const wchar_t *text, const wchar_t *end)
{
  size_t len = wcslen(text);
  size_t more = wcslen(end);
  return len >= more && _wcsicmp(text + len - more, end) == 0;
}

typedef struct startup_value {
  HKEY root; /* NULL: the machine's, and each user's */
  const wchar_t *key;
  bool below;          /* any key right below it */
  const wchar_t *name; /* NULL: each of its values */
} startup_value;

/* Nothing but these: what a start-up item is, is not for a parameter to say. Windows does without
 * each of them; nobody logs in without Shell and Userinit of the machine, which are not here. */
static const startup_value startup_values[] = {
    {.key = L"\\Microsoft\\Windows\\CurrentVersion\\Run"},
    {.key = L"\\Microsoft\\Windows\\CurrentVersion\\RunOnce"},
    {.key = L"\\Microsoft\\Windows\\CurrentVersion\\RunServices"},
    {.key = L"\\Microsoft\\Windows\\CurrentVersion\\RunServicesOnce"},
    {.key = L"\\Microsoft\\Windows\\CurrentVersion\\Policies\\Explorer\\Run"},
    {.key = L"\\Microsoft\\Windows NT\\CurrentVersion\\Image File Execution Options",
     .below = true,
     .name = L"Debugger"},
    {.key = L"\\Microsoft\\Windows NT\\CurrentVersion\\SilentProcessExit",
     .below = true,
     .name = L"MonitorProcess"},
    {.key = L"\\Microsoft\\Windows NT\\CurrentVersion\\Windows", .name = L"AppInit_DLLs"},
    {HKEY_USERS, L"\\Microsoft\\Windows NT\\CurrentVersion\\Windows", .name = L"Load"},
    {HKEY_USERS, L"\\Microsoft\\Windows NT\\CurrentVersion\\Windows", .name = L"Run"},
    {HKEY_USERS, L"\\Microsoft\\Windows NT\\CurrentVersion\\Winlogon", .name = L"Shell"},
    {HKEY_USERS, L"\\Environment", .name = L"UserInitMprLogonScript"},
    {.key = L"\\Microsoft\\Command Processor", .name = L"AutoRun"}};

static bool is_startup_value(const place *p)
{
  wchar_t above[REM_KEY];
  const wchar_t *last = wcsrchr(p->below, L'\\');
  size_t len = last != NULL ? (size_t)(last - p->below) : 0;
  wmemcpy(above, p->below, len);
  above[len] = L'\0';
  for (size_t i = 0; i < sizeof(startup_values) / sizeof(startup_values[0]); i++) {
    const startup_value *v = &startup_values[i];
    if ((v->root == NULL || v->root == p->root) && ends_with(v->below ? above : p->below, v->key) &&
        (v->name == NULL || _wcsicmp(v->name, p->name) == 0))
      return true;
  }
  return false;
}

/* Of who is not logged in nothing is below HKU, and that says nothing of what is in their file. */
static cordon_status check_loaded(const place *p, sup_err *err)
{
  wchar_t user[REM_KEY];
  char shown[REM_KEY];
  HKEY key = NULL;
  size_t len = wcscspn(p->below, L"\\");
  wmemcpy(user, p->below, len);
  user[len] = L'\0';
  LSTATUS error = RegOpenKeyExW(p->root, user, 0, KEY_QUERY_VALUE | p->view, &key);
  if (error == 0) {
    (void)RegCloseKey(key);
    return CORDON_OK;
  }
  sup_from_wide(user, shown, sizeof(shown));
  if (error == ERROR_FILE_NOT_FOUND)
    return sup_fail(err, CORDON_E_UNAVAILABLE,
                    "the hive of %.200s is not loaded, as of a user who is not logged in: what is "
                    "in it was not looked at, and nothing was changed",
                    shown);
  return sup_fail_os(err, (int)error, "the hive of %.200s", shown);
}

/* In the 64-bit view the keys of 32-bit programs have their own node in the path. */
static cordon_status read_place(const cJSON *from, place *ret, sup_err *err)
{
  *ret = (place){.view = KEY_WOW64_64KEY};
  cordon_status status = rem_wide(from, "path", ret->path, REM_KEY, err);
  if (status == CORDON_OK)
    status = rem_wide(from, "name", ret->name, REM_NAME, err);
  if (status != CORDON_OK)
    return status;
  sup_from_wide(ret->path, ret->shown, sizeof(ret->shown));
  if (_wcsnicmp(ret->path, L"HKLM\\", 5) == 0) {
    ret->root = HKEY_LOCAL_MACHINE;
    ret->below = ret->path + 5;
  } else if (_wcsnicmp(ret->path, L"HKU\\", 4) == 0) {
    ret->root = HKEY_USERS;
    ret->below = ret->path + 4;
  }
  if (ret->below == NULL || !is_startup_value(ret))
    return sup_fail(err, CORDON_E_INVALID,
                    "%s is no key from which Windows starts programs, or not by that value",
                    ret->shown);
  return ret->root == HKEY_USERS ? check_loaded(ret, err) : CORDON_OK;
}

static cordon_status open_key(const place *p, REGSAM rights, HKEY *ret_key, sup_err *err)
{
  LSTATUS status = RegOpenKeyExW(p->root, p->below, 0, rights | p->view, ret_key);
  return status == 0 ? CORDON_OK : sup_fail_os(err, (int)status, "the key %s", p->shown);
}

/* CORDON_E_NOTFOUND where there is no such value. */
static cordon_status read_data(const place *p, data *ret, sup_err *err)
{
  HKEY key = NULL;
  cordon_status status = open_key(p, KEY_QUERY_VALUE, &key, err);
  if (status != CORDON_OK)
    return status;
  ret->len = sizeof(ret->bytes);
  LSTATUS error = RegQueryValueExW(key, p->name, NULL, &ret->type, ret->bytes, &ret->len);
  (void)RegCloseKey(key);
  if (error == ERROR_MORE_DATA)
    return sup_fail(err, CORDON_E_LIMIT, "the value in %s is longer than %d bytes: it was left",
                    p->shown, REM_DATA_MAX);
  return error == 0 ? CORDON_OK : sup_fail_os(err, (int)error, "the value in %s", p->shown);
}

static bool from_hex(const char *hex, data *ret)
{
  size_t len = strlen(hex) / 2;
  if (len > sizeof(ret->bytes) || !rem_unhex(hex, ret->bytes, len))
    return false;
  ret->len = (DWORD)len;
  return true;
}

static cordon_status note(rem_job *j, const place *p, const data *d, sup_err *err)
{
  char name[2 * REM_NAME];
  char *hex = rem_hex(d->bytes, d->len);
  if (hex == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory for an undo record");
  sup_from_wide(p->name, name, sizeof(name));
  cJSON *record = cJSON_CreateObject();
  (void)cJSON_AddStringToObject(record, "do", "value.put");
  (void)cJSON_AddStringToObject(record, "path", p->shown);
  (void)cJSON_AddStringToObject(record, "name", name);
  (void)cJSON_AddNumberToObject(record, "type", d->type);
  (void)cJSON_AddStringToObject(record, "data", hex);
  free(hex);
  return rem_note(j, record, err);
}

static cordon_status remove_value(rem_job *j, const place *p, data *d, sup_err *err)
{
  HKEY key = NULL;
  cordon_status status = note(j, p, d, err);
  if (status == CORDON_OK)
    status = open_key(p, KEY_SET_VALUE, &key, err);
  if (status != CORDON_OK)
    return status;
  LSTATUS error = RegDeleteValueW(key, p->name);
  (void)RegFlushKey(key);
  (void)RegCloseKey(key);
  if (error != 0)
    return sup_fail_os(err, (int)error, "the value in %s could not be removed", p->shown);
  rem_step(j, "remove", "done", "a value of %lu bytes in %s", (unsigned long)d->len, p->shown);
  sup_err ignored = {0};
  status = read_data(p, d, &ignored);
  rem_measured(j, "value", "%s", status == CORDON_E_NOTFOUND ? "not there" : "still there");
  return status == CORDON_E_NOTFOUND
             ? CORDON_OK
             : sup_fail(err, CORDON_E_UNVERIFIED, "the value in %s is still there", p->shown);
}

cordon_status rem_value_run(rem_job *j, sup_err *err)
{
  place p;
  if (strcmp(j->operation, "startup.remove") != 0)
    return sup_fail(err, CORDON_E_UNSUPPORTED,
                    "a value of the registry is given back by the undo of the action that took it");
  data *d = calloc(1, sizeof(*d));
  cordon_status status = d != NULL
                             ? read_place(j->target, &p, err)
                             : sup_fail(err, CORDON_E_LIMIT, "there is no memory for a value");
  if (status == CORDON_OK)
    status = read_data(&p, d, err);
  if (status == CORDON_E_NOTFOUND) {
    char name[REM_SHOW];
    rem_step(j, "remove", "already", "there is no value '%s' in %s", rem_show_wide(p.name, name),
             p.shown);
    status = CORDON_OK;
  } else if (status == CORDON_OK && j->call->dry_run) {
    rem_step(j, "remove", "planned", "a value of %lu bytes in %s", (unsigned long)d->len, p.shown);
  } else if (status == CORDON_OK) {
    status = remove_value(j, &p, d, err);
  }
  free(d);
  return status;
}

/* ---- the way back ---- */

static cordon_status put_value(rem_job *j, const place *p, const data *d, data *now, sup_err *err)
{
  HKEY key = NULL;
  cordon_status status = open_key(p, KEY_SET_VALUE, &key, err);
  if (status != CORDON_OK)
    return status;
  LSTATUS error = RegSetValueExW(key, p->name, 0, d->type, d->bytes, d->len);
  (void)RegFlushKey(key);
  (void)RegCloseKey(key);
  if (error != 0)
    return sup_fail_os(err, (int)error, "the value in %s could not be put back", p->shown);
  rem_step(j, "put back", "done", "a value of %lu bytes in %s", (unsigned long)d->len, p->shown);
  status = read_data(p, now, err);
  bool same = status == CORDON_OK && now->type == d->type && now->len == d->len &&
              memcmp(now->bytes, d->bytes, d->len) == 0;
  rem_measured(j, "value", "%s", same ? "as it was" : "not as it was");
  return same ? CORDON_OK
              : sup_fail(err, CORDON_E_UNVERIFIED, "the value in %s is not as it was", p->shown);
}

cordon_status rem_value_undo(rem_job *j, const cJSON *record, sup_err *err)
{
  place p;
  uint64_t type = 0;
  const cJSON *hex = sup_json_get(record, "data");
  data *d = calloc(2, sizeof(*d));
  if (d == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory for a value");
  cordon_status status = read_place(record, &p, err);
  if (status == CORDON_OK && (!cJSON_IsString(hex) || !from_hex(hex->valuestring, d) ||
                              !rem_number(record, "type", &type) || type > UINT32_MAX))
    status = sup_fail(err, CORDON_E_INVALID, "an undo record of a value is broken");
  if (status == CORDON_OK) {
    sup_err ignored = {0};
    d->type = (DWORD)type;
    cordon_status found = read_data(&p, d + 1, &ignored);
    bool same = found == CORDON_OK && d[1].type == d->type && d[1].len == d->len &&
                memcmp(d[1].bytes, d->bytes, d->len) == 0;
    if (same)
      rem_step(j, "put back", "already", "the value in %s is as it was", p.shown);
    else if (found == CORDON_OK)
      status = sup_fail(err, CORDON_E_CONFLICT,
                        "somebody else has put another value into %s: it was left", p.shown);
    else
      status = put_value(j, &p, d, d + 1, err);
  }
  free(d);
  return status;
}
