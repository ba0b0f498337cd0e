/* What container.c needs of the store of containers. `store` is its folder, as rem_store_open()
 * gives it. */
#ifndef REM_STORE_H
#define REM_STORE_H

#include "remediate.h"

/* Makes the folder if there is none. */
cordon_status rem_store_open(const rem_job *j, wchar_t ret_path[REM_PATH], sup_err *err);
/* The path of a file of the container: its bytes ("data") or its description ("json"). False: it is
 * too long. */
bool rem_store_file(const wchar_t *store, const char *id, const char *kind,
                    wchar_t ret_path[REM_PATH]);
/* A new file in the place of one that may be there; an existing one to read from its beginning to
 * its end. INVALID_HANDLE_VALUE: see GetLastError(). */
HANDLE rem_store_make(const wchar_t *path);
HANDLE rem_store_read(const wchar_t *path);
cordon_status rem_store_write(HANDLE to, const uint8_t *bytes, size_t len, sup_err *err);
/* Milliseconds since 1970. */
uint64_t rem_store_now_ms(void);
/* Descriptions, on the disk when it comes back. CORDON_E_NOTFOUND, without a sentence: there is
 * none. */
cordon_status rem_store_save(const wchar_t *store, const rem_meta *m, sup_err *err);
cordon_status rem_store_load(const wchar_t *store, const char *id, rem_meta *ret_meta,
                             sup_err *err);

#endif
