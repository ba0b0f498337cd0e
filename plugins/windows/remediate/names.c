/* The other names of a file that is removed (hard links): its bytes stay under them. Its volume
 * tells them by a name that is there, so it is asked before that one goes. */
#include "remediate.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "support/wide.h"

static void keep(rem_names *n, const wchar_t *full, const wchar_t *own)
{
  if (CompareStringOrdinal(full, -1, own, -1, TRUE) == CSTR_EQUAL || n->count >= REM_NAMES)
    return;
  n->full[n->count] = _wcsdup(full);
  if (n->full[n->count] != NULL)
    n->count++;
}

void rem_names_read(const rem_place *p, rem_names *ret_names)
{
  wchar_t name[REM_PATH];
  wchar_t full[REM_PATH];
  wchar_t volume[8];
  DWORD len = REM_PATH;
  *ret_names = (rem_names){0};
  /* Wine ends who calls it. */
  if (sup_is_wine()) {
    ret_names->error = ERROR_CALL_NOT_IMPLEMENTED;
    return;
  }
  HANDLE find = FindFirstFileNameW(p->full, 0, &len, name);
  if (find == INVALID_HANDLE_VALUE) {
    ret_names->error = GetLastError();
    return;
  }
  wmemcpy(volume, p->full, 6); /* \\?\C: */
  volume[6] = L'\0';
  do {
    if (rem_join(volume, name[0] == L'\\' ? name + 1 : name, full))
      keep(ret_names, full, p->full);
    len = REM_PATH;
  } while (FindNextFileNameW(find, &len, name));
  (void)FindClose(find);
}

void rem_names_release(rem_names *n)
{
  for (size_t i = 0; i < n->count; i++)
    free(n->full[i]);
  n->count = 0;
}

void rem_names_left(rem_job *j, const rem_names *n, uint64_t links)
{
  char show[REM_SHOW];
  char why[96];
  if (links == 0) {
    rem_measured(j, "other names", "0");
    return;
  }
  j->partial = true;
  for (size_t i = 0; i < n->count; i++)
    rem_step(j, "hard link", "left", "the same file is also '%s', and stays there",
             rem_show_wide(n->full[i] + 4, show));
  sup_os_text((int)n->error, why, sizeof(why));
  rem_measured(j, "other names", "%llu, of which %llu were found%s%s", (unsigned long long)links,
               (unsigned long long)n->count,
               n->error != 0 ? "; that they are listed is unsupported here: " : "",
               n->error != 0 ? why : "");
  rem_step(j, "hard links", "left",
           "the file has %llu other names, of which %llu were found: its bytes stay under them",
           (unsigned long long)links, (unsigned long long)n->count);
}
