/* A secret of the console in a file of its own, beside its database and never in it. */
#ifndef CON_KEY_FILE_H
#define CON_KEY_FILE_H

#include <stdint.h>

#include "base/status.h"

#define CON_KEY_FILE_SIZE 32u

/* Reads the key from `path` (32 bytes in base64url, 0600), or makes it and the file if there is
 * none. `what` names it in a sentence: "seal key". The caller wipes it with cd_wipe(). */
CD_MUST_USE cd_code con_key_file_load(const char *path, const char *what,
                                      uint8_t ret_key[CON_KEY_FILE_SIZE], cd_err *err);

#endif
