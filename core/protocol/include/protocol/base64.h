/* Base64 (RFC 4648): section 5 without padding ("base64url") for everything of ours, section 4 with
 * padding for HTTP. Both ways strict: one text for each sequence of bytes, so that what is compared
 * as text is compared as bytes. */
#ifndef CD_BASE64_H
#define CD_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

#define CD_BASE64URL_LEN(bytes) (((size_t)(bytes)*4 + 2) / 3)
#define CD_BASE64_LEN(bytes) (((size_t)(bytes) + 2) / 3 * 4)
/* No text of `len` characters decodes to more bytes than this. */
#define CD_BASE64_DECODED_MAX(len) ((size_t)(len) / 4 * 3 + 2)

/* `out` takes CD_BASE64URL_LEN(len) or CD_BASE64_LEN(len) characters and a NUL. */
void cd_base64url_text(char *out, const void *bytes, size_t len);
void cd_base64_text(char *out, const void *bytes, size_t len);
void cd_base64url_add(cd_buf *out, const void *bytes, size_t len);
void cd_base64_add(cd_buf *out, const void *bytes, size_t len);

/* False, with nothing written beyond `out_size` and *ret_len as it was, for a character outside the
 * alphabet (white space too), an impossible length, bits set that no byte takes (non-canonical),
 * padding where there must be none or none where there must be some, or what does not fit. On
 * false the content of `out` is not defined. */
bool cd_base64url_decode(cd_str text, void *out, size_t out_size, size_t *ret_len);
bool cd_base64_decode(cd_str text, void *out, size_t out_size, size_t *ret_len);

#endif
