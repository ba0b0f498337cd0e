#include "base/path.h"

#include <stdio.h>

#include "base/banned.h"

cd_code cd_path_in(const char *folder, const char *name, const char *suffix, char out[CD_PATH_MAX],
                   cd_err *err)
{
  if (folder[0] == '\0' ||
      snprintf(out, CD_PATH_MAX, "%s/%s%s", folder, name, suffix) >= (int)CD_PATH_MAX)
    return cd_fail(err, CD_E_LIMIT, "the path of '%.100s%s' in '%.200s' is too long", name, suffix,
                   folder);
  return CD_OK;
}
