/* Secrets on disk: content that another machine cannot read, where the system has a key for that.
 * Where it has none (Linux) a seal is the content itself, and what protects it is who may read the
 * file. */
#ifndef PF_SEAL_H
#define PF_SEAL_H

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

#define PF_SEAL_MORE 2048u /* how much longer than its content a seal is at most */

/* Appends to `out`. */
CD_MUST_USE cd_code pf_seal(cd_str content, cd_buf *out, cd_err *err);
/* Appends the content to `out`, to be wiped. CD_E_INVALID: no seal, or that of another machine. */
CD_MUST_USE cd_code pf_unseal(cd_str sealed, cd_buf *out, cd_err *err);

#endif
