/* Asking a person at the terminal. */
#ifndef PF_TERMINAL_H
#define PF_TERMINAL_H

#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

#define PF_SECRET_MAX 256u

/* Prints `prompt` on the terminal that this process belongs to, whatever its standard streams are,
 * and reads one line of at most PF_SECRET_MAX bytes without echo; it is appended to `out` in one
 * piece, to be wiped. CD_E_UNAVAILABLE: there is no terminal; CD_E_CANCELLED: interrupted;
 * CD_E_DEADLINE after `timeout_ms`. The terminal is left as it was. */
CD_MUST_USE cd_code pf_terminal_secret(const char *prompt, uint32_t timeout_ms, cd_buf *out,
                                       cd_err *err);

#endif
