/* cordon-signer: the keys, what it remembers, the audit log it reads, and one request at a time.
 *
 * The console is not believed: what an order says is taken from the audit entry that the console
 * names, and that entry counts only if it is sealed, the log is whole up to its end, and nothing
 * that was verified before has changed. What must not be forgotten (the verified head, what was
 * cancelled, revoked and signed) is kept in a database of the signer's own. */
#ifndef SIG_SIGNER_H
#define SIG_SIGNER_H

#include "audit_log.h"
#include "base/buf.h"
#include "base/status.h"
#include "config.h"
#include "keys.h"
#include "request.h"
#include "state.h"

typedef struct sig_signer {
  char folder[CD_PATH_MAX];
  sig_config config;
  sig_keys keys;
  sig_state *state;
  sig_log log;
  int64_t (*now_ms)(void); /* the wall clock; tests have their own */
} sig_signer;

/* Opens everything in `folder`, which --init made. `config` is taken over. */
CD_MUST_USE cd_code sig_open(sig_signer *s, const char *folder, const sig_config *config,
                             cd_err *err);
void sig_close(sig_signer *s);

/* Answers one request: appends the response's JSON to `out`. Never fails but for memory. */
CD_MUST_USE cd_code sig_answer(sig_signer *s, cd_str payload, cd_buf *out, cd_err *err);

/* The methods, each writing its result's members (sign.c, issue.c). */
CD_MUST_USE cd_code sig_sign_order(sig_signer *s, const sig_request *r, cd_jw *w, cd_err *err);
CD_MUST_USE cd_code sig_sign_mark(sig_signer *s, const sig_request *r, cd_jw *w, cd_err *err);
/* sign_policy.c */
CD_MUST_USE cd_code sig_sign_policy(sig_signer *s, const sig_request *r, cd_jw *w, cd_err *err);
CD_MUST_USE cd_code sig_issue(sig_signer *s, const sig_request *r, cd_jw *w, cd_err *err);
CD_MUST_USE cd_code sig_state_device_key(sig_signer *s, const sig_request *r, cd_jw *w,
                                         cd_err *err);

#endif
