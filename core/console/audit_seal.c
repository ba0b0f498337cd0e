/* The seal of the audit log's entries, and where its key is kept. */
#include "audit.h"

#include "base/str.h"
#include "platform/file.h"
#include "protocol/base64.h"
#include "protocol/secret.h"
#include "store_private.h"

#include <mbedtls/md.h>

#include <string.h>

#include "base/banned.h"

#define SEAL_PREFIX "cordon-seal-1\n"
#define KEY_FILE_MAX 256u

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

static cd_str first_line(const cd_buf *text)
{
  cd_str rest = cd_buf_view(text);
  return cd_str_cut(&rest, '\n');
}

static cd_code read_key(const char *path, con_seal_key *ret_key, cd_err *err)
{
  cd_buf text = CD_BUF_INIT(KEY_FILE_MAX);
  size_t len = 0;
  con_seal_key key = {{0}};
  cd_code rc = pf_file_read(path, KEY_FILE_MAX, &text, err);
  if (rc == CD_OK && (!cd_base64url_decode(first_line(&text), key.bytes, sizeof(key.bytes), &len) ||
                      len != sizeof(key.bytes)))
    rc = cd_fail(err, CD_E_INVALID, "'%s' is no seal key: 32 bytes in base64url", path);
  if (rc == CD_OK)
    *ret_key = key;
  cd_wipe(&key, sizeof(key));
  cd_buf_wipe(&text);
  return rc;
}

static cd_code make_key(const char *path, con_seal_key *ret_key, cd_err *err)
{
  con_seal_key key = {{0}};
  char text[CD_BASE64URL_LEN(CON_SEAL_SIZE) + 2];
  cd_code rc = store_random(key.bytes, sizeof(key.bytes), err);
  if (rc == CD_OK) {
    cd_base64url_text(text, key.bytes, sizeof(key.bytes));
    text[sizeof(text) - 2] = '\n';
    text[sizeof(text) - 1] = '\0';
    rc = pf_file_replace(path, (cd_str){text, sizeof(text) - 1}, 0600, err);
  }
  if (rc == CD_OK)
    *ret_key = key;
  cd_wipe(&key, sizeof(key));
  cd_wipe(text, sizeof(text));
  return rc;
}

cd_code con_seal_key_load(const char *path, con_seal_key *ret_key, cd_err *err)
{
  cd_err why = {0};
  cd_code rc = read_key(path, ret_key, &why);
  if (rc == CD_E_NOTFOUND)
    rc = make_key(path, ret_key, &why);
  if (rc != CD_OK && err != NULL)
    *err = why;
  return rc;
}
