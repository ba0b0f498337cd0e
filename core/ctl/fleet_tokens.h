/* Enrolment tokens: the pure parts. */
#ifndef CTL_FLEET_TOKENS_H
#define CTL_FLEET_TOKENS_H

#include <stdint.h>

#include "base/json.h"

/* "24h", "7d": in hours, at most 365 days. */
CD_MUST_USE cd_code fleet_span_read(const char *text, uint64_t *ret_hours, cd_err *err);
/* Whether this is a token file (docs/protocol.md): what a device needs is there and can be one. */
CD_MUST_USE cd_code fleet_token_check(cd_json *root, cd_err *err);

#endif
