#include "libarchive.h"

#include "base/banned.h"

static pf_library *library;

cd_code ph_archive_open(cd_err *err)
{
  return library != NULL ? CD_OK : pf_library_system(PH_ARCHIVE_LIBRARY, &library, err);
}

cd_code ph_archive_function(const char *symbol, pf_function *ret_function, cd_err *err)
{
  return pf_library_function(library, symbol, ret_function, err);
}
