/* Dynamic loading: of one library that was opened, checked and hashed before, and of one of the
 * system's that few processes of a program need. */
#ifndef PF_LIBRARY_H
#define PF_LIBRARY_H

#include <uv.h>

#include "base/status.h"

typedef struct pf_library pf_library;

/* Loads what the descriptor holds: all symbols bound at once, none of them visible to others. There
 * is no unloading: a process that loaded a plugin ends instead. `name` is for the sentence. The
 * descriptor may be closed afterwards. */
CD_MUST_USE cd_code pf_library_load(uv_os_fd_t file, const char *name, pf_library **ret_library,
                                    cd_err *err);
/* The address of an exported data symbol, or CD_E_NOTFOUND. */
CD_MUST_USE cd_code pf_library_data(pf_library *library, const char *symbol,
                                    const void **ret_address, cd_err *err);

/* One of the system's libraries, by the name that the loader knows ("libarchive.so.13"); its
 * symbols are visible to nobody else. CD_E_UNAVAILABLE if it is not installed, or there is no room
 * for it. */
CD_MUST_USE cd_code pf_library_system(const char *name, pf_library **ret_library, cd_err *err);
typedef void (*pf_function)(void);
/* The address of an exported function, or CD_E_NOTFOUND. */
CD_MUST_USE cd_code pf_library_function(pf_library *library, const char *symbol,
                                        pf_function *ret_function, cd_err *err);

#endif
