/* Taking secrets out of memory. */
#include "protocol/secret.h"

#include <mbedtls/platform_util.h>

#include "base/banned.h"

void cd_wipe(void *bytes, size_t len)
{
  if (len > 0)
    mbedtls_platform_zeroize(bytes, len);
}

void cd_buf_wipe(cd_buf *b)
{
  if (b->ptr != NULL)
    cd_wipe(b->ptr, b->cap);
  cd_buf_release(b);
}
