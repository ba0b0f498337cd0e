/* Laid out, not yet filled: LoadLibrary of a file that is held open against replacement. */
#include "platform/library.h"

#include "base/banned.h"

cd_code pf_library_load(uv_os_fd_t file, const char *name, pf_library **ret_library, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED, "'%s' was not loaded: plugins are not there on Windows yet",
                 name);
}

cd_code pf_library_data(pf_library *library, const char *symbol, const void **ret_address,
                        cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED,
                 "'%s' was not looked up: plugins are not there on Windows yet", symbol);
}
