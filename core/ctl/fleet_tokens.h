/* Enrolment tokens: the pure parts. */
#ifndef CTL_FLEET_TOKENS_H
#define CTL_FLEET_TOKENS_H

#include <stdint.h>

#include "base/json.h"

/* "90s", "30m", "24h", "7d": seconds, at most 366 days. */
CD_MUST_USE cd_code fleet_span_read(const char *text, uint64_t *ret_s, cd_err *err);
/* Whether this is a token file (docs/protocol.md): what a device needs is there and can be one. */
CD_MUST_USE cd_code fleet_token_check(cd_json *root, cd_err *err);

#endif
