/* What a TLS client shows and what it believes: TLS 1.3 or 1.2, certificates always verified.
 *
 * A server is believed if its chain ends at one of the CA certificates given here (no other, least
 * of all the system's), all of it is valid now, its subjectAltName has the name or the IP address
 * that was asked for, and its extended key usage has serverAuth. There is no way to ask for less.
 * Sessions are never resumed, so every connection is verified in full. ALPN is http/1.1.
 *
 * core/net runs on one loop's thread. Programs ignore SIGPIPE (pf_harden_self() does): libuv's
 * writes to a peer that is gone raise it. */
#ifndef NET_TLS_CONFIG_H
#define NET_TLS_CONFIG_H

#include "base/status.h"
#include "base/str.h"
#include "net/limits.h"

typedef struct net_tls_config net_tls_config;

/* PEM texts, at most NET_PEM_MAX each. They are copied; `key` stays the caller's to wipe. */
typedef struct net_tls_credentials {
  cd_str ca;          /* one certificate or more; the pinned ones */
  cd_str certificate; /* this side's, then those between it and its CA; empty: it shows none */
  cd_str key;         /* of the certificate, without a password; empty if that is */
} net_tls_credentials;

/* CD_E_INVALID if something cannot be read, or the key is not the certificate's. */
CD_MUST_USE cd_code net_tls_config_new(const net_tls_credentials *from, net_tls_config **ret_config,
                                       cd_err *err);
/* Gives up the caller's hold; connections that use it keep theirs. The key is wiped with the last
 * one. NULL is fine. */
void net_tls_config_free(net_tls_config *config);

#endif
