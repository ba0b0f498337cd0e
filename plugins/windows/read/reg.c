#include "reg.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { TRIES = 4, FIRST_DATA = 4096 };

/* A text may lack its NUL, and may have an odd byte. */
bool win_key_text(HKEY key, const wchar_t *value, wchar_t ret_text[WIN_PATH])
{
  DWORD size = (WIN_PATH - 1) * sizeof(wchar_t);
  DWORD type = 0;
  ret_text[0] = L'\0';
  if (RegQueryValueExW(key, value, NULL, &type, (BYTE *)ret_text, &size) != 0 ||
      (type != REG_SZ && type != REG_EXPAND_SZ)) {
    ret_text[0] = L'\0';
    return false;
  }
  ret_text[size / sizeof(wchar_t)] = L'\0';
  return true;
}

bool win_key_number(HKEY key, const wchar_t *value, uint32_t *ret_number)
{
  DWORD number = 0;
  DWORD size = sizeof(number);
  DWORD type = 0;
  if (RegQueryValueExW(key, value, NULL, &type, (BYTE *)&number, &size) != 0 || type != REG_DWORD ||
      size != sizeof(number))
    return false;
  *ret_number = number;
  return true;
}

bool win_reg_text(HKEY root, const wchar_t *key, const wchar_t *value, wchar_t ret_text[WIN_PATH])
{
  HKEY open = NULL;
  ret_text[0] = L'\0';
  if (RegOpenKeyExW(root, key, 0, KEY_QUERY_VALUE | KEY_WOW64_64KEY, &open) != 0)
    return false;
  bool found = win_key_text(open, value, ret_text);
  (void)RegCloseKey(open);
  return found;
}

bool win_reg_number(HKEY root, const wchar_t *key, const wchar_t *value, uint32_t *ret_number)
{
  HKEY open = NULL;
  if (RegOpenKeyExW(root, key, 0, KEY_QUERY_VALUE | KEY_WOW64_64KEY, &open) != 0)
    return false;
  bool found = win_key_number(open, value, ret_number);
  (void)RegCloseKey(open);
  return found;
}

DWORD win_each_subkey(const col_task *t, HKEY key, win_subkey_fn *fn, void *data)
{
  wchar_t name[REG_SUBKEY_UNITS];
  for (DWORD i = 0; !col_over(t); i++) {
    DWORD len = REG_SUBKEY_UNITS;
    LSTATUS status = RegEnumKeyExW(key, i, name, &len, NULL, NULL, NULL, NULL);
    if (status == ERROR_NO_MORE_ITEMS)
      break;
    if (status == ERROR_MORE_DATA)
      continue;
    if (status != 0)
      return (DWORD)status;
    if (!fn(data, key, name))
      break;
  }
  return 0;
}

typedef struct reading {
  wchar_t *name;
  unsigned char *bytes;
  size_t room;
} reading;

static bool grow(reading *r, size_t room)
{
  unsigned char *grown = realloc(r->bytes, room);
  if (grown == NULL)
    return false;
  r->bytes = grown;
  r->room = room;
  return true;
}

/* One value, however long; what is beyond the ceiling is left out, and cannot be had in part. */
static LSTATUS read_value(reading *r, HKEY key, DWORD i, win_value *ret_value)
{
  LSTATUS status = ERROR_MORE_DATA;
  for (unsigned n = 0; n < TRIES && status == ERROR_MORE_DATA; n++) {
    DWORD len = REG_NAME_MAX_UNITS;
    DWORD size = (DWORD)r->room;
    *ret_value = (win_value){.name = r->name};
    status = RegEnumValueW(key, i, r->name, &len, NULL, &ret_value->type, r->bytes, &size);
    ret_value->bytes = r->bytes;
    ret_value->len = size;
    if (status != ERROR_MORE_DATA)
      break;
    if (size > REG_DATA_MAX || size <= r->room || !grow(r, size)) {
      ret_value->cut = true;
      ret_value->len = 0;
      return 0;
    }
  }
  return status;
}

DWORD win_each_value(const col_task *t, HKEY key, win_value_fn *fn, void *data)
{
  reading r = {.name = malloc((REG_NAME_MAX_UNITS + 1) * sizeof(wchar_t))};
  DWORD error = r.name != NULL && grow(&r, FIRST_DATA) ? 0 : ERROR_NOT_ENOUGH_MEMORY;
  for (DWORD i = 0; error == 0 && !col_over(t); i++) {
    win_value v;
    LSTATUS status = read_value(&r, key, i, &v);
    if (status == ERROR_NO_MORE_ITEMS)
      break;
    if (status != 0)
      error = (DWORD)status;
    else if (!fn(data, key, &v))
      break;
  }
  free(r.name);
  free(r.bytes);
  return error;
}

uint64_t win_key_written(HKEY key)
{
  FILETIME written = {0};
  if (RegQueryInfoKeyW(key, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, &written) !=
      0)
    return 0;
  return win_ticks_of(written);
}
