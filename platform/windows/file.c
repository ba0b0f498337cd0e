/* Laid out, not yet filled: files with security descriptors checked on the handle. */
#include "platform/file.h"

#include "base/banned.h"

cd_code pf_file_read(const char *path, size_t max, cd_buf *out, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED, "'%s' was not read: files are not there on Windows yet",
                 path);
}

cd_code pf_file_read_open(uv_os_fd_t file, const char *name, size_t max, cd_buf *out, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED, "'%s' was not read: files are not there on Windows yet",
                 name);
}

cd_code pf_file_replace(const char *path, cd_str content, unsigned mode, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED, "'%s' was not replaced: files are not there on Windows yet",
                 path);
}

cd_code pf_file_open_trusted(const char *path, uv_os_fd_t *ret_file, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED,
                 "'%s' was not opened: the check of owners is not there on Windows yet", path);
}

void pf_file_close(uv_os_fd_t file)
{
}

cd_code pf_dir_ensure(const char *path, unsigned mode, const char *owner, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED, "'%s' was not made: folders are not there on Windows yet",
                 path);
}

cd_code pf_dir_list(const char *path, const char *suffix, size_t max,
                    cd_code (*each)(void *context, const char *name, cd_err *err), void *context,
                    cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED, "'%s' was not listed: folders are not there on Windows yet",
                 path);
}

cd_code pf_file_lock(const char *path, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED, "'%s' was not locked: locks are not there on Windows yet",
                 path);
}

cd_code pf_file_remove(const char *path, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED, "'%s' was not removed: that is not there on Windows yet",
                 path);
}

cd_code pf_file_sync_name(const char *path, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED, "'%s' was not synced: that is not there on Windows yet",
                 path);
}
