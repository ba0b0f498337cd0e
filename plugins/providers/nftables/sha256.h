/* SHA-256 as lower-case hex. */
#ifndef ISO_SHA256_H
#define ISO_SHA256_H

#include <stddef.h>

enum { ISO_SHA256_HEX = 64 };

void iso_sha256(const void *bytes, size_t len, char ret_hex[ISO_SHA256_HEX + 1]);

#endif
