/* Start-up items: values of the registry, which value.c takes, and files of start-up folders, which
 * are taken as any file is; from there, and only from there. */
#include "remediate.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "support/json.h"

/* The folders of all users and of each, also where they lay before Windows Vista. */
static const wchar_t *const folders[] = {L"\\Start Menu\\Programs\\Startup"};

bool rem_startup_is(const wchar_t *full)
{
  wchar_t folder[REM_PATH];
  rem_above(full, folder);
  size_t len = wcslen(folder);
  for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
    size_t more = wcslen(folders[i]);
    if (len > more && _wcsicmp(folder + len - more, folders[i]) == 0)
      return true;
  }
  return false;
}

static bool is_key(const char *path)
{
  return _strnicmp(path, "HKLM\\", 5) == 0 || _strnicmp(path, "HKU\\", 4) == 0;
}

static cordon_status put_back(rem_job *j, const rem_place *p, sup_err *err)
{
  char show[REM_SHOW];
  rem_meta *m = calloc(1, sizeof(*m));
  if (m == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory for a container");
  cordon_status status = rem_container_of_path(j, p->path, m, err);
  if (status == CORDON_E_NOTFOUND)
    status = sup_fail(err, status, "nothing that was taken from '%s' is kept here",
                      rem_show(p->path, show));
  else if (status == CORDON_OK)
    status = rem_restore(j, m, err);
  rem_meta_release(m);
  free(m);
  return status;
}

cordon_status rem_startup_run(rem_job *j, sup_err *err)
{
  rem_place p;
  char show[REM_SHOW];
  const char *path = NULL;
  cordon_status status = sup_json_text(j->target, "target", "path", 0, &path, err);
  if (status == CORDON_OK && is_key(path))
    return rem_value_run(j, err);
  if (status == CORDON_OK)
    status = rem_place_of(path, &p, err);
  if (status != CORDON_OK)
    return status;
  if (!rem_startup_is(p.full))
    return sup_fail(err, CORDON_E_INVALID,
                    "'%s' is in no start-up folder; file.quarantine takes any file",
                    rem_show(p.path, show));
  return strcmp(j->operation, "startup.remove") == 0 ? rem_quarantine(j, &p, j->action, NULL, err)
                                                     : put_back(j, &p, err);
}
