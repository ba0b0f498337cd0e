/* Private to core/net: random bytes for TLS, WebSocket masks and keys. */
#ifndef NET_ENTROPY_H
#define NET_ENTROPY_H

#include <stddef.h>

#include "base/status.h"

/* The operating system's generator, in the form that mbedTLS asks for; `context` is not used. */
int net_entropy(void *context, unsigned char *bytes, size_t len);
CD_MUST_USE cd_code net_entropy_fill(void *bytes, size_t len, cd_err *err);

#endif
