/* What the console may ask, read and checked for its form. */
#ifndef SIG_REQUEST_H
#define SIG_REQUEST_H

#include "audit.h"
#include "base/id.h"
#include "base/json.h"
#include "base/status.h"
#include "protocol/key.h"
#include "protocol/kind.h"
#include "protocol/limits.h"

#define SIG_REQUEST_MAX (512u * 1024u) /* the parameters of an order, escaped */

typedef enum sig_method {
  SIG_ATTACH = 1,
  SIG_SIGN_ORDER,
  SIG_MARK,
  SIG_ISSUE_CERTIFICATE,
  SIG_STATE_DEVICE_KEY,
  SIG_HEAD,
  SIG_SIGN_POLICY
} sig_method;

/* The members of the method are set, the others zero. Views point into `doc`. */
typedef struct sig_request {
  sig_method method;
  con_seal_key seal;                    /* attach */
  char device[CD_DEVICE_ID_MAX + 1];    /* empty: a certificate for the console itself */
  char action[CD_ID_SIZE];              /* sign_order */
  uint64_t generation;                  /* sign_order */
  int64_t expires_ms;                   /* sign_order */
  cd_str parameters;                    /* sign_order: the text of a JSON object */
  uint64_t version;                     /* sign_policy */
  char name[CD_POLICY_NAME_MAX + 1];    /* sign_policy; may be empty */
  cd_str body;                          /* sign_policy: the text of a JSON object */
  con_audit_ref audit;                  /* sign_order, issue_certificate, state_device_key */
  uint8_t nonce[CD_NONCE_SIZE];         /* mark */
  uint64_t generations[CD_STATE_COUNT]; /* mark */
  cd_str csr;                           /* issue_certificate: PEM */
  cd_public_key device_key;             /* state_device_key */
  size_t entry_count;                   /* head */
  con_audit_ref entries[CON_HEAD_ENTRIES];
  cd_json_doc *doc;
} sig_request;

const char *sig_method_name(sig_method method);
/* On success the caller releases *ret_request. */
CD_MUST_USE cd_code sig_request_read(cd_str payload, sig_request *ret_request, cd_err *err);
void sig_request_release(sig_request *r);

#endif
