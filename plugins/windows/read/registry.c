/* One key of the registry as it is now: its values, and the keys below it. */
#include "items.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "device.h"
#include "reg.h"
#include "reg_text.h"
#include "support/wide.h"

enum { NAME_BYTES = 4096, KEY_NAME = 3 }; /* KeyNameInformation */

typedef LONG WINAPI query_key_fn(HANDLE key, int what, void *ret_info, ULONG size, ULONG *ret_size);

typedef struct key_name {
  ULONG bytes;
  wchar_t name[NAME_BYTES];
} key_name;

/* Hashes of passwords and secrets of the system are never told; nor through a link to them, so the
 * key is asked for its real name. */
static const char *why_not(HKEY key)
{
  static const wchar_t *const secret[] = {L"\\REGISTRY\\MACHINE\\SAM",
                                          L"\\REGISTRY\\MACHINE\\SECURITY"};
  query_key_fn *query = (query_key_fn *)sup_system_call(L"ntdll.dll", "NtQueryKey");
  key_name *real = calloc(1, sizeof(*real));
  ULONG size = 0;
  bool known = query != NULL && real != NULL &&
               query(key, KEY_NAME, real, sizeof(*real) - sizeof(wchar_t), &size) >= 0;
  const char *why = known ? NULL : "where the key really is could not be told";
  for (size_t i = 0; known && i < sizeof(secret) / sizeof(secret[0]); i++) {
    size_t len = wcslen(secret[i]);
    if (_wcsnicmp(real->name, secret[i], len) == 0 &&
        (real->name[len] == L'\0' || real->name[len] == L'\\'))
      why = "it holds secrets of the system, which are never told";
  }
  free(real);
  return why;
}

static bool put_value(void *data, HKEY key, const win_value *v)
{
  col_task *t = data;
  char text[REG_TEXT_MAX];
  char type[16];
  bool secret = _wcsicmp(v->name, L"DefaultPassword") == 0;
  (void)key;
  win_text(t, v->name[0] != L'\0' ? v->name : L"(default)");
  col_text(t, win_reg_type(v->type, type));
  if (secret || v->cut)
    col_text(t, secret ? "(a password, which is not told)" : "(longer than a megabyte)");
  else
    col_bytes(t, text, win_reg_value_text(v->type, v->bytes, v->len, text, sizeof(text)));
  if (v->cut)
    win_empty(t, 1);
  else
    col_unum(t, v->len);
  return col_row(t);
}

static bool put_subkey(void *data, HKEY key, const wchar_t *name)
{
  col_task *t = data;
  HKEY below = NULL;
  win_text(t, name);
  if (RegOpenKeyExW(key, name, 0, KEY_QUERY_VALUE, &below) == 0) {
    win_ticks(t, win_key_written(below));
    (void)RegCloseKey(below);
  } else {
    win_empty(t, 1);
  }
  return col_row(t);
}

static const struct {
  const wchar_t *name;
  HKEY root;
  REGSAM view;
} roots[] = {
    {L"HKLM", HKEY_LOCAL_MACHINE, KEY_WOW64_64KEY},
    {L"HKLM (32)", HKEY_LOCAL_MACHINE, KEY_WOW64_32KEY},
    {L"HKU", HKEY_USERS, 0},
};

/* Which of the roots a path begins with; as many as there are: none. */
static size_t root_of(const wchar_t *path)
{
  size_t len = wcscspn(path, L"\\");
  size_t i = 0;
  while (i < sizeof(roots) / sizeof(roots[0]) &&
         (wcslen(roots[i].name) != len || _wcsnicmp(path, roots[i].name, len) != 0))
    i++;
  return i;
}

bool win_is_key_path(const wchar_t *path)
{
  return root_of(path) < sizeof(roots) / sizeof(roots[0]);
}

static DWORD open_key(const wchar_t *path, HKEY *ret_key)
{
  size_t root = root_of(path);
  const wchar_t *rest = path + wcslen(roots[root].name);
  return (DWORD)RegOpenKeyExW(roots[root].root, rest[0] == L'\\' ? rest + 1 : rest, 0,
                              KEY_READ | roots[root].view, ret_key);
}

static void read_key(col_task *t, HKEY key, const char *source)
{
  col_head(t, "name,type,data,bytes");
  DWORD error = win_each_value(t, key, put_value, t);
  if (error != 0)
    win_mark(t, error, "not all values could be read");
  col_begin(t, "keys.csv", source);
  col_head(t, "name,written");
  error = win_each_subkey(t, key, put_subkey, t);
  if (error != 0)
    win_mark(t, error, "not all keys could be read");
}

void win_registry(col_task *t)
{
  HKEY key = NULL;
  const wchar_t *path = win_device_plain(t)->asked;
  char source[COL_SOURCE];
  sup_from_wide(path, source, sizeof(source));
  col_begin(t, "values.csv", source);
  DWORD error = open_key(path, &key);
  if (error != 0) {
    win_mark(t, error, source);
    return;
  }
  const char *why = wcschr(path, L'\\') != NULL ? why_not(key) : NULL;
  if (why != NULL)
    col_mark(t, COL_DENIED, "%s", why);
  else
    read_key(t, key, source);
  (void)RegCloseKey(key);
}
