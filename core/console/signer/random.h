/* Random bytes of the operating system, for keys, signatures and serial numbers. */
#ifndef SIG_RANDOM_H
#define SIG_RANDOM_H

#include <stddef.h>

#include "protocol/random.h"

extern const cd_random sig_random;
/* The same as mbedTLS wants it. */
int sig_random_fill(void *context, unsigned char *bytes, size_t len);

#endif
