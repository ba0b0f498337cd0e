/* DPAPI, with the machine's key: services change their account, a device does not. Whoever may run
 * programs on the machine could open a seal, so that the file's access list still counts; a copy of
 * the disk without the machine's secrets is worth nothing. */
#include "platform/seal.h"

#include "windows/windows.h"

#include <dpapi.h>

#include "base/banned.h"

#define FLAGS (CRYPTPROTECT_LOCAL_MACHINE | CRYPTPROTECT_UI_FORBIDDEN)

static DATA_BLOB blob_of(cd_str text)
{
  return (DATA_BLOB){.cbData = (DWORD)text.len, .pbData = (BYTE *)(uintptr_t)text.ptr};
}

/* Takes the result over, and leaves nothing of it behind. */
static cd_code take(DATA_BLOB *from, cd_buf *out, cd_err *err)
{
  cd_buf_add(out, from->pbData, from->cbData);
  SecureZeroMemory(from->pbData, from->cbData);
  (void)LocalFree(from->pbData);
  return cd_buf_status(out, "a file with secrets", err);
}

cd_code pf_seal(cd_str content, cd_buf *out, cd_err *err)
{
  DATA_BLOB in = blob_of(content);
  DATA_BLOB made = {0};
  if (!CryptProtectData(&in, NULL, NULL, NULL, NULL, FLAGS, &made))
    return pf_win_fail(err, GetLastError(), "a secret could not be sealed with the machine's key");
  return take(&made, out, err);
}

cd_code pf_unseal(cd_str sealed, cd_buf *out, cd_err *err)
{
  DATA_BLOB in = blob_of(sealed);
  DATA_BLOB made = {0};
  if (!CryptUnprotectData(&in, NULL, NULL, NULL, NULL, FLAGS, &made)) {
    cd_err why = {0};
    (void)pf_win_fail(&why, GetLastError(), "CryptUnprotectData");
    return cd_fail_os(err, CD_E_INVALID, why.os_error,
                      "it is not sealed with the key of this machine (%.300s)", why.text);
  }
  return take(&made, out, err);
}
