/* The signer's folder of keys:
 *
 *   root.key        the root's private key; needed only to state other keys, so it may be away
 *   root.pub        its public half; there when the folder is whole
 *   order.key, policy.key, device-ca.key
 *                   a line "statement: <the root's JWS>" and the private key, in one file so that a
 *                   key and what is said about it are replaced together
 *   ca.pem          the device CA's certificates, the newest first
 *   chain.pem       certificates of newer CA keys by older ones, for who knows only those
 *
 * All of mode 0600 in a folder of mode 0700; each written beside and moved into place, synced. */
#ifndef SIG_KEYS_H
#define SIG_KEYS_H

#include "base/buf.h"
#include "base/status.h"
#include "protocol/key.h"
#include "protocol/statement.h"

typedef struct sig_key {
  cd_key *key;
  char *statement; /* JWS */
  cd_statement said;
} sig_key;

typedef struct sig_keys {
  cd_public_key root;
  sig_key order;
  sig_key policy;
  sig_key device_ca;
  char *ca;      /* ca.pem */
  char *issuer;  /* PEM of the certificate of the device CA's present key */
  char *through; /* PEM of what leads from it to older CA keys; may be empty */
} sig_keys;

/* Makes whatever is not there yet. Called again after it was cut short, it goes on with what was
 * made; a folder that is whole is refused (CD_E_CONFLICT). */
CD_MUST_USE cd_code sig_keys_init(const char *folder, int64_t now_ms, cd_err *err);
/* Makes a new key with a statement of the next generation. CD_E_UNAVAILABLE: root.key is away. */
CD_MUST_USE cd_code sig_keys_rotate(const char *folder, cd_purpose purpose, int64_t now_ms,
                                    cd_err *err);
CD_MUST_USE cd_code sig_keys_load(const char *folder, int64_t now_ms, sig_keys *ret_keys,
                                  cd_err *err);
void sig_keys_free(sig_keys *k);

#endif
