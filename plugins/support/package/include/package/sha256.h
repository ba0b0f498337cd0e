/* SHA-256 piece by piece, by the OS's or its libraries' own means. */
#ifndef PACKAGE_SHA256_H
#define PACKAGE_SHA256_H

#include <stdbool.h>
#include <stddef.h>

enum { COL_SHA256_HEX = 64 };

typedef struct col_sha256 col_sha256;

col_sha256 *col_sha256_new(void); /* NULL: it cannot be had */
col_sha256 *col_sha256_copy(const col_sha256 *s);
void col_sha256_free(col_sha256 *s); /* NULL is fine */
/* From the beginning again. */
void col_sha256_reset(col_sha256 *s);
void col_sha256_add(col_sha256 *s, const void *bytes, size_t len);
/* The digest of what was added; afterwards only reset and free may follow. False: a call failed,
 * and the text is empty. */
bool col_sha256_end(col_sha256 *s, char ret_hex[COL_SHA256_HEX + 1]);

#endif
