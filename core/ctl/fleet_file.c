/* Owner and mode are looked at on the open file, so that it cannot be exchanged in between. */
#include "fleet_file.h"

#include "platform/private.h"
#include "protocol/secret.h"

#include <uv.h>

#include "base/banned.h"

static cd_code fail_uv(const char *path, int64_t status, const char *verb, cd_err *err)
{
  return cd_fail_os(err, cd_code_from_errno((int)status), -status, "cannot %s %.300s: %s", verb,
                    path, uv_strerror((int)status));
}

static cd_code check(uv_file file, const char *path, size_t max, cd_err *err)
{
  uv_fs_t req;
  cd_code rc = pf_private_check(file, path, err);
  if (rc != CD_OK)
    return rc;
  int status = uv_fs_fstat(NULL, &req, file, NULL);
  uint64_t size = req.statbuf.st_size;
  uv_fs_req_cleanup(&req);
  if (status < 0)
    return fail_uv(path, status, "look at", err);
  if (size > max)
    return cd_fail(err, CD_E_LIMIT, "%.300s is %llu bytes, the limit is %zu", path,
                   (unsigned long long)size, max);
  return CD_OK;
}

/* One read: both files that are read like this fit into the chunk. */
static cd_code read_all(uv_file file, const char *path, size_t max, cd_buf *out, cd_err *err)
{
  char chunk[FLEET_PRIVATE_MAX + 1];
  size_t want = max + 1;
  uv_buf_t into = uv_buf_init(chunk, (unsigned)want);
  uv_fs_t req;
  cd_code rc = CD_OK;
  int status = uv_fs_read(NULL, &req, file, &into, 1, 0, NULL);
  uv_fs_req_cleanup(&req);
  if (status < 0)
    return fail_uv(path, status, "read", err);
  if ((size_t)status > max)
    rc = cd_fail(err, CD_E_LIMIT, "%.300s is larger than %zu bytes", path, max);
  else
    cd_buf_add(out, chunk, (size_t)status);
  cd_wipe(chunk, sizeof(chunk));
  return rc != CD_OK ? rc : cd_buf_status(out, path, err);
}

cd_code fleet_file_read_private(const char *path, size_t max, cd_buf *out, cd_err *err)
{
  uv_fs_t req;
  if (max > FLEET_PRIVATE_MAX)
    max = FLEET_PRIVATE_MAX;
  /* Without O_NONBLOCK a named pipe would hold us up for ever. */
  int file = uv_fs_open(NULL, &req, path, UV_FS_O_RDONLY | UV_FS_O_NONBLOCK, 0, NULL);
  uv_fs_req_cleanup(&req);
  if (file < 0)
    return fail_uv(path, file, "open", err);
  cd_code rc = check(file, path, max, err);
  if (rc == CD_OK)
    rc = read_all(file, path, max, out, err);
  (void)uv_fs_close(NULL, &req, file, NULL);
  uv_fs_req_cleanup(&req);
  return rc;
}
