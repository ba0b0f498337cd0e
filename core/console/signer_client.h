/* The console's side of the signer's socket: asks, and hears the answer on the loop.
 *
 * One connection, made at the first request and made anew after it broke. Requests are answered in
 * the order in which they were made; each callback comes exactly once, never from inside the call
 * that asked, unless there is no memory or the client is being closed. The signer refuses with a
 * sentence that is fit for an operator. All calls on the loop's thread. */
#ifndef CON_SIGNER_CLIENT_H
#define CON_SIGNER_CLIENT_H

#include <uv.h>

#include "audit.h"
#include "base/status.h"
#include "base/str.h"
#include "protocol/kind.h"
#include "protocol/limits.h"

#define CON_SIGNER_DEADLINE_MS                                                                     \
  15000u                           /* for one answer; the first look at a long log takes seconds */
#define CON_SIGNER_QUEUE_MAX 4096u /* requests without an answer; more are CD_E_LIMIT */
#define CON_SERVER_NAMES_MAX 32u

typedef struct con_signer con_signer;

/* An answer. Texts that the method does not give are empty; all last as long as the callback. */
typedef struct con_signer_reply {
  cd_code code;         /* CD_OK, or why not: CD_E_UNAVAILABLE when there is no signer */
  const char *sentence; /* empty when CD_OK */

  cd_str order;            /* sign_order: JWS */
  cd_str mark;             /* mark: JWS */
  cd_str policy;           /* sign_policy: JWS */
  cd_str statement;        /* state_device_key: the device CA's about the device's key */
  cd_str certificate;      /* issue_*: PEM, the certificate and then the CA's */
  cd_str serial;           /* issue_*: lower-case hex */
  int64_t not_after_ms;    /* issue_* */
  con_audit_ref head;      /* head, attach: up to where the signer has verified the log */
  con_audit_ref lost_head; /* attach: sequence 0, or the head that was given up when an older
                              database was accepted; nothing is signed until the console has
                              appended the entry of con_audit_accept_loss() */
  cd_str signed_head;      /* head, attach: JWS, typ "cordon-head+1", by the order key, over
                              {"sequence":N,"digest":"sha256:...","at":MS} */

  cd_str root;             /* attach: SubjectPublicKeyInfo, base64url */
  cd_str ca;               /* attach: the CA's certificate, PEM */
  cd_str order_key;        /* attach, sign_order, mark: the root's statement about the order key */
  cd_str policy_key;       /* attach, sign_policy: about the policy key */
  cd_str device_ca_key;    /* attach, state_device_key: about the device CA's */
  uint64_t key_generation; /* attach: of the order key */
} con_signer_reply;

typedef void (*con_signer_done)(void *context, const con_signer_reply *reply);

typedef struct con_signer_options {
  const char *socket;
  /* Whom the signer's process must belong to, beside root and our own user; UINT64_MAX: nobody
   * else. */
  uint64_t user_id;
  /* A connection stands, the first one or a later one; may be NULL. */
  void (*connected)(void *context);
  void *context;
} con_signer_options;

CD_MUST_USE cd_code con_signer_open(uv_loop_t *loop, const con_signer_options *options,
                                    con_signer **ret_signer, cd_err *err);
/* Requests that are open are answered CD_E_CANCELLED; memory goes after `closed` (may be NULL),
 * which comes from the loop. NULL is fine: `closed` is then called at once. */
void con_signer_close(con_signer *s, void (*closed)(void *context), void *context);

/* Every console's first request at each start: gives the signer the key that seals the audit log
 * (at the very first time; from then on it must be that one) and asks for the public keys. The
 * signer then has verified the log up to `head`. CD_E_CONFLICT: the log is not the one the signer
 * knows; the sentence says what is wrong and what to do. */
void con_signer_attach(con_signer *s, const con_seal_key *seal, con_signer_done done,
                       void *context);

/* An order for an action. Kind, requestor and comment are those of the audit entry, and so is the
 * digest that `parameters` must have. `generation` must not be below the entry's, `expires_ms` not
 * after the entry's. Refused: an action that was cancelled or has ended, a protected device, more
 * than the caps allow (CD_E_LIMIT). */
typedef struct con_sign_order {
  cd_str device;
  cd_str action;
  uint64_t generation;
  int64_t expires_ms;
  cd_str parameters;
  con_audit_ref audit; /* con_action.audit */
} con_sign_order;
void con_signer_sign_order(con_signer *s, const con_sign_order *order, con_signer_done done,
                           void *context);

/* A policy for a device, as the audit entry "policy.issue" names it. */
typedef struct con_sign_policy {
  cd_str device;
  uint64_t version;
  cd_str name; /* may be empty */
  cd_str body;
  con_audit_ref audit;
} con_sign_policy;
void con_signer_sign_policy(con_signer *s, const con_sign_policy *policy, con_signer_done done,
                            void *context);

typedef struct con_sign_mark {
  cd_str device;
  uint8_t nonce[CD_NONCE_SIZE];
  uint64_t generations[CD_STATE_COUNT];
} con_sign_mark;
void con_signer_mark(con_signer *s, const con_sign_mark *mark, con_signer_done done, void *context);

/* A client certificate for a device: `csr` is its PEM PKCS#10, `audit` the entry of its enrolment
 * or renewal. */
void con_signer_issue_device(con_signer *s, cd_str device, cd_str csr, const con_audit_ref *audit,
                             con_signer_done done, void *context);
/* A server certificate for the console itself: `audit` is an entry CON_WHAT_SERVER_KEY with the
 * detail {"tls_key":"sha256:<of the SubjectPublicKeyInfo>","names":[...]}, at most
 * CON_SERVER_NAMES_MAX DNS names and literal addresses, which the certificate is for. */
void con_signer_issue_server(con_signer *s, cd_str csr, const con_audit_ref *audit,
                             con_signer_done done, void *context);
/* The device CA's statement about a device's key: `audit` is the entry of its enrolment. */
void con_signer_state_device_key(con_signer *s, cd_str device, cd_str device_key,
                                 const con_audit_ref *audit, con_signer_done done, void *context);
/* Verifies the log to its end and signs its head, and with it that the log has these entries, at
 * most CON_HEAD_ENTRIES (audit_head.h). */
void con_signer_head(con_signer *s, const con_audit_ref *entries, size_t count,
                     con_signer_done done, void *context);

#endif
