/* Whole files: reading with a ceiling, replacing so that a reader or a power cut sees the old or
 * the new one. */
#include "platform/file.h"

#include "base/id.h"
#include "base/limits.h"
#include "posix/posix.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

#define CHUNK (64u * 1024u)

void pf_file_close(uv_os_fd_t file)
{
  if (file >= 0)
    (void)close(file);
}

void pf_number_close(uv_file number)
{
  pf_file_close(number);
}

static cd_code read_chunks(int fd, const char *name, size_t max, char *chunk, cd_buf *out,
                           cd_err *err)
{
  size_t total = 0;
  for (;;) {
    ssize_t n = pread(fd, chunk, CHUNK, (off_t)total);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return cd_fail_os(err, cd_code_from_errno(errno), errno, "'%s' could not be read: %s", name,
                        strerror(errno));
    if (n == 0)
      return cd_buf_status(out, name, err);
    /* The size told by the OS is not asked: it is 0 in /proc, and the file may grow meanwhile. */
    total += (size_t)n;
    if (total > max)
      return cd_fail(err, CD_E_LIMIT, "'%s' is larger than %zu bytes, which is the limit", name,
                     max);
    cd_buf_add(out, chunk, (size_t)n);
  }
}

cd_code pf_file_read_open(uv_os_fd_t file, const char *name, size_t max, cd_buf *out, cd_err *err)
{
  struct stat st;
  if (fstat(file, &st) != 0)
    return cd_fail_os(err, cd_code_from_errno(errno), errno, "'%s' could not be examined: %s", name,
                      strerror(errno));
  if (!S_ISREG(st.st_mode))
    return cd_fail(err, CD_E_INVALID, "'%s' is not a regular file", name);
  char *chunk = malloc(CHUNK);
  if (chunk == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory to read '%s'", name);
  cd_code rc = read_chunks(file, name, max, chunk, out, err);
  free(chunk);
  return rc;
}

cd_code pf_file_read(const char *path, size_t max, cd_buf *out, cd_err *err)
{
  /* A FIFO would make a blocking open wait for its writer. */
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    return cd_fail_os(err, cd_code_from_errno(errno), errno, "'%s' could not be opened: %s", path,
                      strerror(errno));
  cd_code rc = pf_file_read_open(fd, path, max, out, err);
  pf_file_close(fd);
  return rc;
}

static int write_all(int fd, cd_str content)
{
  size_t done = 0;
  while (done < content.len) {
    ssize_t n = write(fd, content.ptr + done, content.len - done);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return -1;
    done += (size_t)n;
  }
  return 0;
}

/* Splits a path into its folder (as text) and its last name. */
static cd_code split_path(const char *path, char folder[CD_PATH_MAX], const char **ret_name,
                          cd_err *err)
{
  const char *slash = strrchr(path, '/');
  const char *name = slash != NULL ? slash + 1 : path;
  size_t len = slash == NULL ? 0 : (size_t)(slash - path);
  if (name[0] == '\0' || len >= CD_PATH_MAX)
    return cd_fail(err, CD_E_INVALID, "'%s' does not name a file", path);
  (void)snprintf(folder, CD_PATH_MAX, "%.*s", (int)len, path);
  if (len == 0)
    (void)snprintf(folder, CD_PATH_MAX, "%s", slash != NULL ? "/" : ".");
  *ret_name = name;
  return CD_OK;
}

/* The umask may have taken from the mode that the file was made with. Where it has it already,
 * nothing is changed: a confined process may not change modes. */
static int set_mode(int fd, mode_t mode)
{
  struct stat st;
  if (fstat(fd, &st) != 0)
    return -1;
  return (st.st_mode & 07777) == mode ? 0 : fchmod(fd, mode);
}

/* Writes and syncs `content` under a new name in the folder. */
static cd_code write_new(int folder, const char *temp, const char *path, cd_str content,
                         unsigned mode, cd_err *err)
{
  int fd = openat(folder, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return cd_fail_os(err, cd_code_from_errno(errno), errno, "'%s' could not be replaced: %s", path,
                      strerror(errno));
  cd_code rc = CD_OK;
  if (write_all(fd, content) != 0 || set_mode(fd, (mode_t)mode) != 0 || fsync(fd) != 0)
    rc = cd_fail_os(err, cd_code_from_errno(errno), errno, "'%s' could not be written: %s", path,
                    strerror(errno));
  /* Some file systems tell only now that the bytes did not fit. */
  if (close(fd) != 0 && rc == CD_OK)
    rc = cd_fail_os(err, cd_code_from_errno(errno), errno, "'%s' could not be written: %s", path,
                    strerror(errno));
  return rc;
}

cd_code pf_file_replace(const char *path, cd_str content, unsigned mode, cd_err *err)
{
  char folder_path[CD_PATH_MAX];
  char temp[CD_ID_SIZE + 8];
  char id[CD_ID_SIZE];
  const char *name = NULL;
  int folder = -1;
  bool made = false;
  cd_code rc = split_path(path, folder_path, &name, err);
  if (rc == CD_OK)
    rc = cd_id_make(id, err);
  if (rc != CD_OK)
    goto done;
  (void)snprintf(temp, sizeof(temp), ".%s.tmp", id);
  folder = open(folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) {
    rc = cd_fail_os(err, cd_code_from_errno(errno), errno,
                    "the folder '%s' could not be opened: %s", folder_path, strerror(errno));
    goto done;
  }
  made = true;
  rc = write_new(folder, temp, path, content, mode, err);
  if (rc != CD_OK)
    goto done;
  if (renameat(folder, temp, folder, name) != 0) {
    rc = cd_fail_os(err, cd_code_from_errno(errno), errno, "'%s' could not be replaced: %s", path,
                    strerror(errno));
    goto done;
  }
  made = false;
  if (fsync(folder) != 0)
    rc = cd_fail_os(err, cd_code_from_errno(errno), errno,
                    "the folder '%s' could not be synced: %s", folder_path, strerror(errno));
done:
  if (made)
    (void)unlinkat(folder, temp, 0);
  pf_file_close(folder);
  return rc;
}

cd_code pf_file_remove(const char *path, cd_err *err)
{
  char folder_path[CD_PATH_MAX];
  const char *name = NULL;
  cd_code rc = split_path(path, folder_path, &name, err);
  if (rc != CD_OK)
    return rc;
  int folder = open(folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0 && errno == ENOENT)
    return CD_OK;
  if (folder < 0)
    return cd_fail_os(err, cd_code_from_errno(errno), errno,
                      "the folder '%s' could not be opened: %s", folder_path, strerror(errno));
  if (unlinkat(folder, name, 0) != 0 && errno != ENOENT)
    rc = cd_fail_os(err, cd_code_from_errno(errno), errno, "'%s' could not be removed: %s", path,
                    strerror(errno));
  else if (fsync(folder) != 0)
    rc = cd_fail_os(err, cd_code_from_errno(errno), errno,
                    "the folder '%s' could not be synced: %s", folder_path, strerror(errno));
  pf_file_close(folder);
  return rc;
}

cd_code pf_file_sync_name(const char *path, cd_err *err)
{
  char folder_path[CD_PATH_MAX];
  const char *name = NULL;
  cd_code rc = split_path(path, folder_path, &name, err);
  if (rc != CD_OK)
    return rc;
  int folder = open(folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0 || fsync(folder) != 0)
    rc = cd_fail_os(err, cd_code_from_errno(errno), errno,
                    "the folder '%s' could not be synced: %s", folder_path, strerror(errno));
  pf_file_close(folder);
  return rc;
}
