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

/* Nothing but these: what a start-up item is, is not for a parameter to say. */
static bool is_startup_key(const wchar_t *below)
{
  static const wchar_t *const ends[] = {
      L"\\Microsoft\\Windows\\CurrentVersion\\Run",
      L"\\Microsoft\\Windows\\CurrentVersion\\RunOnce",
      L"\\Microsoft\\Windows\\CurrentVersion\\RunServices",
      L"\\Microsoft\\Windows\\CurrentVersion\\RunServicesOnce",
      L"\\Microsoft\\Windows\\CurrentVersion\\Policies\\Explorer\\Run"};
  for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
    if (ends_with(below, ends[i]))
      return true;
  }
  return false;
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
  if (ret->below == NULL || !is_startup_key(ret->below))
    return sup_fail(err, CORDON_E_INVALID, "%s is no key from which Windows starts programs",
                    ret->shown);
  return CORDON_OK;
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
    rem_step(j, "remove", "already", "%s", err->sentence);
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
