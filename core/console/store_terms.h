/* The parameters of an isolation and the terms in them, as the store keeps them and the signer
 * signs them. */
#ifndef CON_STORE_TERMS_H
#define CON_STORE_TERMS_H

#include "protocol/terms.h"

/* {"type":..,"exclusions":[..]} and the terms. `exclusions` is JSON; empty: []. `warn`: what the
 * device's preflight would refuse it for, it only records. */
CD_MUST_USE cd_code con_parameters_write(cd_str type, cd_str exclusions, bool warn,
                                         const cd_terms *terms, cd_buf *out, cd_err *err);
/* The same with other terms; all else stays. */
CD_MUST_USE cd_code con_parameters_with(cd_str parameters, const cd_terms *terms, cd_buf *out,
                                        cd_err *err);
/* The terms in them; of what is no isolation, the defaults. */
CD_MUST_USE cd_code con_parameters_terms(cd_str parameters, cd_terms *ret_terms, cd_err *err);
/* When their lease ends; 0: it does not. What cannot be read has none. */
int64_t con_parameters_lease(cd_str parameters);
/* An action waits for its device no longer than its lease lasts. */
int64_t con_parameters_expiry(cd_str parameters, int64_t expires_ms);
/* Members "lease_until", "lost_console", "unreachable"; `isolated` false: nulls. */
void con_parameters_show(cd_str parameters, bool isolated, cd_jw *w);

#endif
