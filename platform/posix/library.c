/* The loader is given a name that stands for the descriptor itself, so that what was hashed is what
 * is loaded, whatever happened to the path meanwhile. */
#include "platform/library.h"

#include "posix/posix.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define DESCRIPTOR_PATH_MAX 64

struct pf_library {
  void *handle;
};

cd_code pf_library_load(uv_os_fd_t file, const char *name, pf_library **ret_library, cd_err *err)
{
  char path[DESCRIPTOR_PATH_MAX];
  cd_code rc = pf_os_descriptor_path(file, path, sizeof(path), err);
  if (rc != CD_OK)
    return cd_err_prefix(err, "'%s' could not be loaded", name);
  pf_library *library = calloc(1, sizeof(*library));
  if (library == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory to load '%s'", name);
  /* All at once: a symbol that is missing is told now and not in the middle of an operation. */
  library->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library->handle == NULL) {
    const char *why = dlerror();
    free(library);
    return cd_fail(err, CD_E_INVALID, "'%s' could not be loaded: %s", name,
                   why != NULL ? why : "unknown reason");
  }
  *ret_library = library;
  return CD_OK;
}

cd_code pf_library_data(pf_library *library, const char *symbol, const void **ret_address,
                        cd_err *err)
{
  const void *address = dlsym(library->handle, symbol);
  if (address == NULL)
    return cd_fail(err, CD_E_NOTFOUND, "the library has no symbol '%s'", symbol);
  *ret_address = address;
  return CD_OK;
}

cd_code pf_library_system(const char *name, pf_library **ret_library, cd_err *err)
{
  pf_library *library = calloc(1, sizeof(*library));
  if (library == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory to load '%s'", name);
  library->handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (library->handle == NULL) {
    const char *why = dlerror();
    free(library);
    return cd_fail(err, CD_E_UNAVAILABLE, "'%s' could not be loaded: %s", name,
                   why != NULL ? why : "unknown reason");
  }
  *ret_library = library;
  return CD_OK;
}

cd_code pf_library_function(pf_library *library, const char *symbol, pf_function *ret_function,
                            cd_err *err)
{
  void *address = dlsym(library->handle, symbol);
  if (address == NULL)
    return cd_fail(err, CD_E_NOTFOUND, "the library has no function '%s'", symbol);
  /* C has no cast from the one to the other; POSIX says that they have the same form. */
  memcpy(ret_function, &address, sizeof(address));
  return CD_OK;
}
