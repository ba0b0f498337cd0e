/* The package that an operation makes: which artifacts there are, what each may be, and when there
 * is no more room. Ceilings hold before bytes are written, never after. One thread at a time. */
#ifndef PH_PACKAGE_H
#define PH_PACKAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "base/status.h"

typedef struct ph_package ph_package;

/* Bytes, but for `artifacts`. */
typedef struct ph_package_limits {
  uint64_t package;   /* the zip */
  uint64_t artifact;  /* one artifact before it is compressed */
  uint64_t content;   /* all of them before they are compressed */
  uint64_t free;      /* the file system keeps so many */
  uint64_t artifacts; /* how many */
} ph_package_limits;

#define PH_ARTIFACTS_MAX 8000u /* items of a manifest that is one JSON document */
#define PH_META_MAX 4096u

/* The file is taken over, also on failure. */
CD_MUST_USE cd_code ph_package_new(uv_file file, const ph_package_limits *limits,
                                   ph_package **ret_package, cd_err *err);
/* The codes are those that docs/plugin-abi.md gives. `meta` may be empty. */
CD_MUST_USE cd_code ph_package_open(ph_package *p, cd_str name, cd_str meta, uint64_t *ret_id,
                                    cd_err *err);
CD_MUST_USE cd_code ph_package_write(ph_package *p, uint64_t id, const void *bytes, size_t len,
                                     cd_err *err);
CD_MUST_USE cd_code ph_package_close(ph_package *p, uint64_t id, bool complete, cd_err *err);
/* Ends what is open as incomplete, finishes the zip, closes the file, and appends the payload of
 * PACKAGE to `out`. */
CD_MUST_USE cd_code ph_package_end(ph_package *p, cd_buf *out, cd_err *err);
void ph_package_free(ph_package *p); /* NULL is fine */

#endif
