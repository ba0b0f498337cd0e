#include "scan_order.h"

#include "protocol/path.h"

#include <string.h>

#include "base/banned.h"

static cd_code check_path(const char *path, cd_err *err)
{
  if (!cd_path_is_absolute(cd_str_from(path)))
    return cd_fail(err, CD_E_INVALID, "--path must be absolute, as the device sees it");
  if (strlen(path) >= CD_PATH_MAX)
    return cd_fail(err, CD_E_INVALID, "--path is too long");
  return CD_OK;
}

cd_code ctl_scan_write(const ctl_args *args, cd_jw *w, cd_err *err)
{
  uint64_t percent = 0;
  const char *path = args->value[CTL_OPT_PATH];
  bool quick = args->value[CTL_OPT_QUICK] != NULL;
  bool full = args->value[CTL_OPT_FULL] != NULL;
  cd_code rc = ctl_args_number(args, CTL_OPT_CPU, 1, 100, 0, &percent, err);
  if (rc == CD_OK && (quick ? 1 : 0) + (full ? 1 : 0) + (path != NULL ? 1 : 0) != 1)
    rc =
        cd_fail(err, CD_E_INVALID, "what is to be scanned? --quick, --full or --path PATH says it");
  if (rc == CD_OK && path != NULL)
    rc = check_path(path, err);
  if (rc != CD_OK)
    return rc;
  cd_jw_cstr(w, "type", quick ? "quick" : full ? "full" : "custom");
  if (path != NULL) {
    cd_jw_arr(w, "paths");
    cd_path_write(w, NULL, cd_str_from(path));
    cd_jw_end_arr(w);
  }
  if (percent > 0)
    cd_jw_u64(w, "cpu_percent", percent);
  return CD_OK;
}
