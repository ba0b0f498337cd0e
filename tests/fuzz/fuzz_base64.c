/* Any text into both decoders: what is taken has just this text; any bytes through both encoders
 * come back. */
#include "protocol/base64.h"

#include "fuzz_must.h"

#include <string.h>

static void decode(cd_str text, bool url)
{
  size_t size = CD_BASE64_DECODED_MAX(text.len);
  size_t len = 0;
  uint8_t *bytes = malloc(size);
  must(bytes != NULL, "memory");
  if (url ? cd_base64url_decode(text, bytes, size, &len)
          : cd_base64_decode(text, bytes, size, &len)) {
    cd_buf again = CD_BUF_INIT(SIZE_MAX);
    if (url)
      cd_base64url_add(&again, bytes, len);
    else
      cd_base64_add(&again, bytes, len);
    must(cd_str_eq(cd_buf_view(&again), text), "two texts for the same bytes");
    cd_buf_release(&again);
  }
  free(bytes);
}

static void encode(const uint8_t *data, size_t size, bool url)
{
  cd_buf text = CD_BUF_INIT(SIZE_MAX);
  size_t len = 0;
  uint8_t *back = malloc(size + 1);
  must(back != NULL, "memory");
  if (url)
    cd_base64url_add(&text, data, size);
  else
    cd_base64_add(&text, data, size);
  must(url ? cd_base64url_decode(cd_buf_view(&text), back, size, &len)
           : cd_base64_decode(cd_buf_view(&text), back, size, &len),
       "what was written is not read");
  must(len == size && (size == 0 || memcmp(back, data, size) == 0), "changed on the way");
  free(back);
  cd_buf_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  cd_str text = {(const char *)data, size};
  for (int url = 0; url < 2; url++) {
    decode(text, url != 0);
    encode(data, size, url != 0);
  }
  return 0;
}
