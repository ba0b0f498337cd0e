#include "remedy.h"

#include "base/limits.h"
#include "protocol/path.h"
#include "protocol/remediate.h"

#include "base/banned.h"

cd_code ctl_write_startup(cd_jw *w, const char *path, const char *value, cd_err *err)
{
  cd_str bytes = cd_str_from(path);
  cd_str name = cd_str_from(value);
  bool key = cd_is_registry_key(bytes);
  if ((!key && !cd_path_is_absolute(bytes)) || bytes.len >= CD_PATH_MAX)
    return cd_fail(err, CD_E_INVALID,
                   "PATH must be absolute, as the device sees it, or a key below HKLM\\ or HKU\\, "
                   "not '%s'",
                   path);
  if (key && value == NULL)
    return cd_fail(err, CD_E_INVALID, "'%s' is a key: which VALUE of it?", path);
  if (!key && value != NULL)
    return cd_fail(err, CD_E_INVALID, "'%s' is one too many: '%s' is no key of the registry", value,
                   path);
  if (key && (name.len == 0 || name.len > CD_REMEDIATE_NAME_MAX || !cd_str_utf8_valid(name)))
    return cd_fail(err, CD_E_INVALID, "VALUE must be a name of at most %u bytes",
                   CD_REMEDIATE_NAME_MAX);
  cd_path_write(w, "path", bytes);
  if (key)
    cd_jw_str(w, "name", name);
  return CD_OK;
}

cd_code ctl_write_task(cd_jw *w, const char *name, cd_err *err)
{
  cd_str text = cd_str_from(name);
  if (!cd_is_task(text) || text.len > CD_REMEDIATE_TASK_MAX || !cd_str_utf8_valid(text))
    return cd_fail(err, CD_E_INVALID,
                   "NAME must be the path of a task, such as '\\Folder\\Name', not '%s'", name);
  cd_jw_str(w, "name", text);
  return CD_OK;
}
