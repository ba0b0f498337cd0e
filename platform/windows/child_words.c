/* The command line and the environment of a child. */
#include "windows/child_start.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/banned.h"

#define COMMAND_MAX 32767u
#define VARIABLES_MAX 32u

/* What programs and libraries of the system expect. Who the user is only where the child has ours.
 */
static const struct {
  const wchar_t *name;
  bool of_user;
} handed_on[] = {{L"HOMEDRIVE", true},    {L"HOMEPATH", true},    {L"LOGONSERVER", true},
                 {L"SYSTEMDRIVE", false}, {L"SYSTEMROOT", false}, {L"TEMP", true},
                 {L"TMP", true},          {L"USERDOMAIN", true},  {L"USERNAME", true},
                 {L"USERPROFILE", true},  {L"WINDIR", false}};

static size_t put(wchar_t *out, size_t at, wchar_t c, size_t times)
{
  for (size_t i = 0; i < times && at < COMMAND_MAX; i++)
    out[at++] = c;
  return at;
}

/* In quotes. Backslashes count double before a quote, and before the last one. */
static size_t put_quoted(wchar_t *out, size_t at, const wchar_t *word)
{
  size_t slashes = 0;
  at = put(out, at, L'"', 1);
  for (; *word != 0; word++) {
    if (*word == L'\\') {
      slashes++;
      continue;
    }
    at = put(out, at, L'\\', *word == L'"' ? 2 * slashes + 1 : slashes);
    at = put(out, at, *word, 1);
    slashes = 0;
  }
  at = put(out, at, L'\\', 2 * slashes);
  return put(out, at, L'"', 1);
}

wchar_t *pf_child_command(char **args)
{
  wchar_t *out = calloc(COMMAND_MAX + 1, sizeof(*out));
  size_t at = 0;
  for (size_t i = 0; out != NULL && args[i] != NULL; i++) {
    wchar_t *word = pf_wide(args[i]);
    if (i > 0)
      at = put(out, at, L' ', 1);
    if (word != NULL)
      at = put_quoted(out, at, word);
    if (word == NULL || at >= COMMAND_MAX) {
      free(out);
      out = NULL;
    }
    free(word);
  }
  return out;
}

/* "NAME=value", to be freed; NULL: not there. */
static wchar_t *own_variable(const wchar_t *name)
{
  size_t len = wcslen(name);
  DWORD room = GetEnvironmentVariableW(name, NULL, 0);
  wchar_t *out = room > 0 ? calloc(len + 1 + room, sizeof(*out)) : NULL;
  if (out == NULL)
    return NULL;
  memcpy(out, name, len * sizeof(*out));
  out[len] = L'=';
  if (GetEnvironmentVariableW(name, out + len + 1, room) < room)
    return out;
  free(out);
  return NULL;
}

static wchar_t *search_path(void)
{
  static const wchar_t name[] = L"PATH=";
  wchar_t *out = calloc(sizeof(name) / sizeof(name[0]) + MAX_PATH, sizeof(*out));
  if (out == NULL)
    return NULL;
  memcpy(out, name, sizeof(name));
  UINT len = GetSystemDirectoryW(out + wcslen(name), MAX_PATH);
  if (len > 0 && len < MAX_PATH)
    return out;
  free(out);
  return NULL;
}

static int by_name(const void *a, const void *b)
{
  return _wcsicmp(*(wchar_t *const *)a, *(wchar_t *const *)b);
}

static wchar_t *join(wchar_t **variables, size_t count)
{
  size_t room = 2;
  size_t at = 0;
  for (size_t i = 0; i < count; i++)
    room += wcslen(variables[i]) + 1;
  wchar_t *out = calloc(room, sizeof(*out));
  for (size_t i = 0; out != NULL && i < count; i++) {
    size_t len = wcslen(variables[i]) + 1;
    memcpy(out + at, variables[i], len * sizeof(*out));
    at += len;
  }
  return out;
}

wchar_t *pf_child_environment(char **env, bool other_account)
{
  wchar_t *variables[VARIABLES_MAX];
  size_t count = 0;
  bool good = true;
  wchar_t *path = search_path();
  if (path != NULL)
    variables[count++] = path;
  for (size_t i = 0; i < sizeof(handed_on) / sizeof(handed_on[0]); i++) {
    wchar_t *own = handed_on[i].of_user && other_account ? NULL : own_variable(handed_on[i].name);
    if (own != NULL)
      variables[count++] = own;
  }
  for (size_t i = 0; env != NULL && env[i] != NULL && good; i++) {
    wchar_t *wide = count < VARIABLES_MAX ? pf_wide(env[i]) : NULL;
    good = wide != NULL;
    if (good)
      variables[count++] = wide;
  }
  qsort(variables, count, sizeof(variables[0]), by_name);
  wchar_t *out = good ? join(variables, count) : NULL;
  for (size_t i = 0; i < count; i++)
    free(variables[i]);
  return out;
}
