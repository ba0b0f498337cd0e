/* The seal of the audit log's entries. */
#include "audit.h"

#include "key_file.h"

#include <mbedtls/md.h>

#include <string.h>

#include "base/banned.h"

#define SEAL_PREFIX "cordon-seal-1\n"

_Static_assert(CON_SEAL_SIZE == CON_KEY_FILE_SIZE, "the seal key is kept in a key file");

cd_code con_audit_seal(const con_seal_key *key, const cd_digest *digest,
                       uint8_t ret_seal[CON_SEAL_SIZE], cd_err *err)
{
  uint8_t message[sizeof(SEAL_PREFIX) - 1 + CD_DIGEST_SIZE];
  memcpy(message, SEAL_PREFIX, sizeof(SEAL_PREFIX) - 1);
  memcpy(message + sizeof(SEAL_PREFIX) - 1, digest->bytes, CD_DIGEST_SIZE);
  int rc = mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), key->bytes,
                           sizeof(key->bytes), message, sizeof(message), ret_seal);
  if (rc != 0)
    return cd_fail_os(err, CD_E_INTERNAL, rc, "an entry of the audit log could not be sealed");
  return CD_OK;
}

cd_code con_seal_key_load(const char *path, con_seal_key *ret_key, cd_err *err)
{
  return con_key_file_load(path, "seal key", ret_key->bytes, err);
}
