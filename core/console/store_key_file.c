/* Key files: read, or made when there is none. */
#include "key_file.h"

#include "base/str.h"
#include "platform/file.h"
#include "protocol/base64.h"
#include "protocol/secret.h"
#include "store_private.h"

#include <string.h>

#include "base/banned.h"

#define KEY_FILE_MAX 256u

static cd_str first_line(const cd_buf *text)
{
  cd_str rest = cd_buf_view(text);
  return cd_str_cut(&rest, '\n');
}

static cd_code read_key(const char *path, const char *what, uint8_t ret_key[CON_KEY_FILE_SIZE],
                        cd_err *err)
{
  cd_buf text = CD_BUF_INIT(KEY_FILE_MAX);
  size_t len = 0;
  uint8_t key[CON_KEY_FILE_SIZE] = {0};
  cd_code rc = pf_file_read(path, KEY_FILE_MAX, &text, err);
  if (rc == CD_OK &&
      (!cd_base64url_decode(first_line(&text), key, sizeof(key), &len) || len != sizeof(key)))
    rc = cd_fail(err, CD_E_INVALID, "'%s' is no %s: 32 bytes in base64url", path, what);
  if (rc == CD_OK)
    memcpy(ret_key, key, sizeof(key));
  cd_wipe(key, sizeof(key));
  cd_buf_wipe(&text);
  return rc;
}

static cd_code make_key(const char *path, uint8_t ret_key[CON_KEY_FILE_SIZE], cd_err *err)
{
  uint8_t key[CON_KEY_FILE_SIZE] = {0};
  char text[CD_BASE64URL_LEN(CON_KEY_FILE_SIZE) + 2];
  cd_code rc = store_random(key, sizeof(key), err);
  if (rc == CD_OK) {
    cd_base64url_text(text, key, sizeof(key));
    text[sizeof(text) - 2] = '\n';
    text[sizeof(text) - 1] = '\0';
    rc = pf_file_replace(path, (cd_str){text, sizeof(text) - 1}, 0600, err);
  }
  if (rc == CD_OK)
    memcpy(ret_key, key, sizeof(key));
  cd_wipe(key, sizeof(key));
  cd_wipe(text, sizeof(text));
  return rc;
}

cd_code con_key_file_load(const char *path, const char *what, uint8_t ret_key[CON_KEY_FILE_SIZE],
                          cd_err *err)
{
  cd_err why = {0};
  cd_code rc = read_key(path, what, ret_key, &why);
  if (rc == CD_E_NOTFOUND)
    rc = make_key(path, ret_key, &why);
  if (rc != CD_OK && err != NULL)
    *err = why;
  return rc;
}
