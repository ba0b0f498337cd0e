/* Where random bytes come from: passed in, because core/protocol asks no operating system. */
#ifndef CD_RANDOM_H
#define CD_RANDOM_H

#include <stddef.h>

/* `fill` writes `len` random bytes fit for keys and returns 0, or a negative number when it cannot:
 * the contract of mbedTLS's own generators, so that mbedtls_ctr_drbg_random serves as it is. */
typedef struct cd_random {
  int (*fill)(void *context, unsigned char *bytes, size_t len);
  void *context;
} cd_random;

#endif
