#include "random.h"

#include <mbedtls/entropy.h>

#include <uv.h>

#include "base/banned.h"

int sig_random_fill(void *context, unsigned char *bytes, size_t len)
{
  (void)context;
  return uv_random(NULL, NULL, bytes, len, 0, NULL) == 0 ? 0 : MBEDTLS_ERR_ENTROPY_SOURCE_FAILED;
}

const cd_random sig_random = {sig_random_fill, NULL};
