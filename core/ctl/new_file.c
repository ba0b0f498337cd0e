#include "new_file.h"

#include "platform/file.h"
#include "platform/private.h"

#include <stdio.h>
#include <string.h>

#include "base/banned.h"

static cd_code failed(int uv, const char *verb, const char *path, cd_err *err)
{
  return cd_fail_os(err, cd_code_from_errno(uv), -uv, "cannot %s %.300s: %s", verb, path,
                    uv_strerror(uv));
}

static cd_code exists(const char *path, cd_err *err)
{
  return cd_fail(err, CD_E_CONFLICT, "%.300s is there already; --overwrite replaces it", path);
}

static bool is_there(const char *path)
{
  uv_fs_t req;
  int uv = uv_fs_lstat(NULL, &req, path, NULL);
  uv_fs_req_cleanup(&req);
  return uv == 0;
}

cd_code ctl_new_file_open(ctl_new_file *f, const char *path, bool overwrite, cd_err *err)
{
  char id[CD_ID_SIZE];
  *f = (ctl_new_file){.file = -1, .overwrite = overwrite};
  if (!overwrite && is_there(path))
    return exists(path, err);
  cd_code rc = cd_id_make(id, err);
  if (rc != CD_OK)
    return rc;
  if (snprintf(f->temporary, sizeof(f->temporary), "%s.%s.part", path, id) >=
          (int)sizeof(f->temporary) ||
      !cd_str_copy(f->path, sizeof(f->path), cd_str_from(path)))
    return cd_fail(err, CD_E_INVALID, "the name of the file is too long");
  rc = pf_private_make(f->temporary, path, &f->file, err);
  if (rc != CD_OK)
    f->temporary[0] = '\0';
  return rc;
}

cd_code ctl_new_file_add(ctl_new_file *f, const void *bytes, size_t len, cd_err *err)
{
  size_t done = 0;
  while (done < len) {
    uv_fs_t req;
    uv_buf_t part = uv_buf_init((char *)(uintptr_t)bytes + done, (unsigned)(len - done));
    int wrote = uv_fs_write(NULL, &req, f->file, &part, 1, -1, NULL);
    uv_fs_req_cleanup(&req);
    if (wrote == UV_EINTR)
      continue;
    if (wrote <= 0)
      return failed(wrote < 0 ? wrote : UV_EIO, "write", f->path, err);
    done += (size_t)wrote;
  }
  return CD_OK;
}

static int close_file(ctl_new_file *f)
{
  uv_fs_t req;
  int uv = 0;
  if (!f->lazy) {
    uv = uv_fs_fsync(NULL, &req, f->file, NULL);
    uv_fs_req_cleanup(&req);
  }
  int closed = uv_fs_close(NULL, &req, f->file, NULL);
  uv_fs_req_cleanup(&req);
  f->file = -1;
  return uv != 0 ? uv : closed;
}

static int rename_file(const ctl_new_file *f)
{
  uv_fs_t req;
  int uv = uv_fs_rename(NULL, &req, f->temporary, f->path, NULL);
  uv_fs_req_cleanup(&req);
  return uv;
}

/* A link is refused where a file has come meanwhile; a rename would replace it. Some file systems
 * have no links; Windows calls that an invalid function, and libuv calls that EISDIR. */
static int link_file(const ctl_new_file *f)
{
  uv_fs_t req;
  int uv = uv_fs_link(NULL, &req, f->temporary, f->path, NULL);
  uv_fs_req_cleanup(&req);
  if (uv == UV_EPERM || uv == UV_ENOTSUP || uv == UV_ENOSYS || uv == UV_EISDIR)
    return is_there(f->path) ? UV_EEXIST : rename_file(f);
  if (uv == 0) {
    (void)uv_fs_unlink(NULL, &req, f->temporary, NULL);
    uv_fs_req_cleanup(&req);
  }
  return uv;
}

cd_code ctl_new_file_commit(ctl_new_file *f, cd_err *err)
{
  int uv = close_file(f);
  if (uv == 0)
    uv = f->overwrite ? rename_file(f) : link_file(f);
  if (uv == UV_EEXIST)
    return exists(f->path, err);
  if (uv != 0)
    return failed(uv, "write", f->path, err);
  f->temporary[0] = '\0';
  return f->lazy ? CD_OK : pf_file_sync_name(f->path, err);
}

void ctl_new_file_drop(ctl_new_file *f)
{
  uv_fs_t req;
  if (f->file >= 0) {
    (void)uv_fs_close(NULL, &req, f->file, NULL);
    uv_fs_req_cleanup(&req);
    f->file = -1;
  }
  if (f->temporary[0] == '\0')
    return;
  (void)uv_fs_unlink(NULL, &req, f->temporary, NULL);
  uv_fs_req_cleanup(&req);
  f->temporary[0] = '\0';
}
