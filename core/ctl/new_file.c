#include "new_file.h"

#include "platform/file.h"
#include "platform/private.h"

#include <stdio.h>
#include <string.h>

#include "base/banned.h"

#define KIND 0170000u
#define KIND_FOLDER 0040000u
#define KIND_REGULAR 0100000u
#define NAME_KEPT 200u /* of the file's name, in the name beside it */

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

/* What could only fail in the end, when what is to be written is there. */
static cd_code check_path(const char *path, cd_err *err)
{
  uv_fs_t req;
  size_t len = strlen(path);
  if (len == 0)
    return cd_fail(err, CD_E_INVALID, "the name of the file is empty");
  if (strcmp(path, "-") == 0)
    return cd_fail(err, CD_E_INVALID,
                   "'-' would be standard output, which this is not written to; a file of that "
                   "name is ./-");
  int uv = uv_fs_stat(NULL, &req, path, NULL);
  unsigned kind = uv == 0 ? (unsigned)req.statbuf.st_mode & KIND : KIND_REGULAR;
  uv_fs_req_cleanup(&req);
  if (kind == KIND_FOLDER || path[len - 1] == '/')
    return cd_fail(err, CD_E_INVALID, "%.300s is a folder: the name of a file is needed", path);
  if (kind != KIND_REGULAR)
    return cd_fail(err, CD_E_INVALID,
                   "%.300s is not a regular file, and only such a one is replaced", path);
  return CD_OK;
}

/* Beside the file, under a name that is no longer than a file system's names may be, however long
 * the file's own is. */
static bool name_beside(const ctl_new_file *f, const char *id, char out[CD_PATH_MAX])
{
  size_t folder = 0;
  for (size_t i = 0; f->path[i] != '\0'; i++)
    if (f->path[i] == '/' || f->path[i] == '\\')
      folder = i + 1;
  cd_str name = cd_str_from(f->path + folder);
  int len = snprintf(out, CD_PATH_MAX, "%.*s%.*s.%s.part", (int)folder, f->path,
                     (int)(name.len > NAME_KEPT ? cd_str_utf8_cut(name, NAME_KEPT) : name.len),
                     name.ptr, id);
  return len < (int)CD_PATH_MAX;
}

static cd_code name_temporary(ctl_new_file *f, cd_err *err)
{
  char id[CD_ID_SIZE];
  cd_code rc = cd_id_make(id, err);
  if (rc != CD_OK)
    return rc;
  if (name_beside(f, id, f->temporary))
    return CD_OK;
  f->temporary[0] = '\0';
  return cd_fail(err, CD_E_INVALID, "the name of the file is too long");
}

ctl_exit ctl_new_file_exit(const cd_err *err)
{
  return err->code == CD_E_INVALID ? CTL_EXIT_USAGE : CTL_EXIT_REFUSED;
}

cd_code ctl_new_file_open(ctl_new_file *f, const char *path, bool overwrite, cd_err *err)
{
  *f = (ctl_new_file){.file = -1, .overwrite = overwrite};
  cd_code rc = check_path(path, err);
  if (rc != CD_OK)
    return rc;
  if (!overwrite && is_there(path))
    return exists(path, err);
  if (!cd_str_copy(f->path, sizeof(f->path), cd_str_from(path)))
    return cd_fail(err, CD_E_INVALID, "the name of the file is too long");
  rc = name_temporary(f, err);
  if (rc == CD_OK)
    rc = pf_private_make(f->temporary, path, &f->file, err);
  if (rc != CD_OK)
    f->temporary[0] = '\0';
  return rc;
}

static int unlink_file(const char *path)
{
  uv_fs_t req;
  int uv = uv_fs_unlink(NULL, &req, path, NULL);
  uv_fs_req_cleanup(&req);
  return uv;
}

/* By a link, which replaces nothing: another command may write there now, for the same action. */
void ctl_new_file_call(ctl_new_file *f, const char *id)
{
  uv_fs_t req;
  char name[CD_PATH_MAX];
  if (f->file < 0 || f->id[0] != '\0' || !name_beside(f, id, name))
    return;
  (void)cd_str_copy(f->id, sizeof(f->id), cd_str_from(id));
  int uv = uv_fs_link(NULL, &req, f->temporary, name, NULL);
  uv_fs_req_cleanup(&req);
  if (uv != 0)
    return;
  /* Where an open file cannot lose a name it keeps the one that it had. */
  if (unlink_file(f->temporary) != 0)
    (void)unlink_file(name);
  else
    (void)cd_str_copy(f->temporary, sizeof(f->temporary), cd_str_from(name));
}

/* What a command left that was killed while it wrote the same. */
static void remove_leftover(const ctl_new_file *f)
{
  char name[CD_PATH_MAX];
  if (f->id[0] != '\0' && name_beside(f, f->id, name))
    (void)unlink_file(name);
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
  if (uv == 0)
    (void)unlink_file(f->temporary);
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
  remove_leftover(f);
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
  (void)unlink_file(f->temporary);
  f->temporary[0] = '\0';
}
