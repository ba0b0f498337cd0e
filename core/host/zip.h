/* A zip that grows at its end: nothing before it is written again, so that a reader of what is
 * there already sees what stays. By libarchive, which is loaded only where a package is made: it
 * brings a dozen libraries, and address space is limited. One thread at a time.
 *
 * Lengths and checksums stand behind each entry and in the directory at the end; entries and
 * archive may be larger than 4 GiB. The names are to be checked by the caller. */
#ifndef PH_ZIP_H
#define PH_ZIP_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/status.h"

typedef struct ph_zip ph_zip;

/* Loads libarchive; again is harmless. */
CD_MUST_USE cd_code ph_zip_load(cd_err *err);
/* Begins at the start of the empty file, which stays the caller's. */
CD_MUST_USE cd_code ph_zip_new(uv_file file, ph_zip **ret_zip, cd_err *err);
/* `mtime_s`: seconds since 1970. `store`: as they are, not compressed. */
CD_MUST_USE cd_code ph_zip_begin(ph_zip *z, const char *name, int64_t mtime_s, bool store,
                                 cd_err *err);
CD_MUST_USE cd_code ph_zip_add(ph_zip *z, const void *bytes, size_t len, cd_err *err);
CD_MUST_USE cd_code ph_zip_end(ph_zip *z, cd_err *err);
/* Writes the directory. Without it the file is no zip. */
CD_MUST_USE cd_code ph_zip_finish(ph_zip *z, cd_err *err);
/* Bytes in the file; what the compression still holds back is not counted. */
uint64_t ph_zip_size(const ph_zip *z);
/* At most so many bytes more come of adding `len`, with what is held back. */
uint64_t ph_zip_bound(uint64_t len);
/* Bytes of the directory for an entry with a name of that length. */
uint64_t ph_zip_directory(uint64_t name_len);
/* Writes nothing more. NULL is fine. */
void ph_zip_free(ph_zip *z);

#endif
