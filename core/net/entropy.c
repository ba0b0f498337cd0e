/* Random bytes from the operating system's generator, each time anew: no state that a fork could
 * copy. */
#include "entropy.h"

#include <mbedtls/entropy.h>
#include <uv.h>

#include "base/banned.h"

int net_entropy(void *context, unsigned char *bytes, size_t len)
{
  return uv_random(NULL, NULL, bytes, len, 0, NULL) == 0 ? 0 : MBEDTLS_ERR_ENTROPY_SOURCE_FAILED;
}

cd_code net_entropy_fill(void *bytes, size_t len, cd_err *err)
{
  int status = uv_random(NULL, NULL, bytes, len, 0, NULL);
  if (status != 0)
    return cd_fail_os(err, CD_E_UNAVAILABLE, -(int64_t)status, "there are no random bytes: %s",
                      uv_strerror(status));
  return CD_OK;
}
