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

cd_code pf_library_system(const char *name, pf_library **ret_library, cd_err *err)
{
  (void)ret_library;
  return cd_fail(err, CD_E_UNSUPPORTED, "'%s' was not loaded: that is not there on Windows yet",
                 name);
}

cd_code pf_library_function(pf_library *library, const char *symbol, pf_function *ret_function,
                            cd_err *err)
{
  (void)library;
  (void)ret_function;
  return cd_fail(err, CD_E_UNSUPPORTED, "'%s' was not looked up: that is not there on Windows yet",
                 symbol);
}
