/* What keys.c and keys_make.c share. */
#ifndef SIG_KEYS_PRIVATE_H
#define SIG_KEYS_PRIVATE_H

#include "base/limits.h"
#include "keys.h"

#define SIG_FILE_ROOT "root.key"
#define SIG_FILE_ROOT_PUBLIC "root.pub"
#define SIG_FILE_CA "ca.pem"
#define SIG_FILE_CHAIN "chain.pem"
#define SIG_CERTIFICATES_MAX (16u * 1024u) /* some twenty rotations; a token file takes no more */

CD_MUST_USE cd_code keys_path(const char *folder, const char *name, char out[CD_PATH_MAX],
                              cd_err *err);
CD_MUST_USE cd_code keys_read(const char *folder, const char *name, size_t max, cd_buf *out,
                              cd_err *err);
CD_MUST_USE cd_code keys_read_root(const char *folder, cd_public_key *ret_root, cd_err *err);
const char *keys_file(cd_purpose purpose);
/* CD_E_NOTFOUND if there is no such file. */
CD_MUST_USE cd_code keys_load_one(const char *folder, const cd_public_key *root, cd_purpose purpose,
                                  sig_key *ret_key, cd_err *err);
void keys_free_one(sig_key *k);
/* Cuts the next PEM block off a NUL-terminated text; empty when there is none. */
cd_str keys_next_certificate(cd_str *rest);

#endif
