/* What the files of this folder share. UTF-16 lives here and nowhere else: paths and names come in
 * and go out as UTF-8. */
#ifndef PF_WINDOWS_H
#define PF_WINDOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include <windows.h>

#include "base/status.h"

/* Fails with the sentence, ": " and what Windows says about `error` (GetLastError()); the code
 * follows from it. */
CD_PRINTF(3, 4) cd_code pf_win_fail(cd_err *err, DWORD error, const char *fmt, ...);

/* The text in UTF-16, to be freed; NULL: not UTF-8, or no memory. */
wchar_t *pf_wide(const char *utf8);
/* A path in the form that the file calls take, however long it is; NULL as above. */
wchar_t *pf_wide_path(const char *utf8);
/* The same with the prefix that lifts the limit of 260 units, also of a short one: for paths that
 * are made from it. */
wchar_t *pf_wide_long(const char *utf8);
/* Into a buffer; false, with `out` empty, if it does not fit or is no UTF-16. */
bool pf_narrow(const wchar_t *wide, char *out, size_t size);

/* Who may what, as SDDL; the descriptor is freed with LocalFree(). `for_folder`: what is made below
 * inherits it. Read by everyone where `mode` (of POSIX) has a bit for others; written by SYSTEM,
 * administrators and this process's user only. */
cd_code pf_descriptor(unsigned mode, bool for_folder, PSECURITY_DESCRIPTOR *ret_descriptor,
                      cd_err *err);
cd_code pf_descriptor_from(const wchar_t *sddl, PSECURITY_DESCRIPTOR *ret_descriptor, cd_err *err);

/* Whose file may be trusted: that of SYSTEM, administrators, the installer of Windows, this
 * process's user. */
bool pf_sid_trusted(PSID sid);
/* The token's user, to be freed. */
TOKEN_USER *pf_token_user(HANDLE token);

/* What is asked of a thing on the way to a trusted file. */
typedef enum pf_trust {
  PF_TRUST_FILE = 1, /* nobody else may change it */
  PF_TRUST_FOLDER,   /* nor put anything in or take anything out */
  PF_TRUST_WAY,      /* nor take anything out or put another in its place */
  PF_TRUST_SECRET    /* nobody else may read or change it */
} pf_trust;
/* Owner and access list of an open file or folder. `name` is for the sentence. */
cd_code pf_trust_check(HANDLE handle, const char *name, pf_trust what, cd_err *err);

#endif
