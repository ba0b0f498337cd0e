/* Packages make users, folders and services here. */
#include "platform/install.h"

#include "base/banned.h"

#define WHY "the system's package does that here"

cd_code pf_install_folder(char out[CD_PATH_MAX], cd_err *err)
{
  out[0] = '\0';
  return cd_fail(err, CD_E_UNSUPPORTED, WHY);
}

cd_code pf_install_folders(cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED, WHY);
}

cd_code pf_install_check(cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED, WHY);
}

cd_code pf_install_service(cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED, WHY);
}

cd_code pf_install_start(cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED, WHY);
}

cd_code pf_uninstall_stop(cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED, WHY);
}

cd_code pf_uninstall_service(cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED, WHY);
}

cd_code pf_uninstall_data(cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED, WHY);
}
