#include "spool.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/path.h"
#include "platform/file.h"
#include "platform/private.h"

#include "base/banned.h"

#define SPOOL_FILES_MAX 4096u
#define NOTE_KEEP_S (30 * 24 * 3600)
#define NOTE_MAX 512u

static cd_code remove_part(void *context, const char *name, cd_err *err)
{
  char path[CD_PATH_MAX];
  cd_code rc = cd_path_in(((const agent_spool *)context)->folder, name, "", path, err);
  if (rc == CD_OK)
    rc = pf_file_remove(path, err);
  if (rc == CD_OK)
    cd_log(CD_AREA_AGENT, CD_LOG_WARN, "'%s' was not finished and is removed", path);
  return rc;
}

cd_code agent_spool_open(agent_spool *s, const char *state_dir, cd_err *err)
{
  if (snprintf(s->folder, sizeof(s->folder), "%s/spool", state_dir) >= (int)sizeof(s->folder))
    return cd_fail(err, CD_E_LIMIT, "the path of the state folder '%s' is too long", state_dir);
  cd_code rc = pf_dir_ensure(s->folder, 0700, NULL, err);
  return rc == CD_OK ? pf_dir_list(s->folder, ".part", SPOOL_FILES_MAX, remove_part, s, err) : rc;
}

typedef struct tidying {
  const agent_spool *spool;
  const agent_spool_ear *ear;
  int64_t oldest_s;
  uint64_t bytes;
} tidying;

static void tell_ear(const agent_spool_ear *ear, const char *name, const char *why)
{
  char id[CD_ID_SIZE];
  cd_str text = cd_str_from(name);
  text.len -= sizeof(".zip") - 1;
  if (ear != NULL && cd_str_copy(id, sizeof(id), text))
    ear->removes(ear->context, id, why);
}

static cd_code tidy_one(void *context, const char *name, cd_err *err)
{
  tidying *t = context;
  uv_fs_t req;
  char path[CD_PATH_MAX];
  cd_code rc = cd_path_in(t->spool->folder, name, "", path, err);
  if (rc != CD_OK)
    return rc;
  int uv = uv_fs_lstat(NULL, &req, path, NULL);
  uv_stat_t st = req.statbuf;
  uv_fs_req_cleanup(&req);
  if (uv == UV_ENOENT)
    return CD_OK;
  if (uv != 0)
    return cd_fail_os(err, cd_code_from_errno(uv), -uv, "'%s' could not be examined: %s", path,
                      uv_strerror(uv));
  if (st.st_mtim.tv_sec >= t->oldest_s) {
    t->bytes += st.st_size;
    return CD_OK;
  }
  cd_log(CD_AREA_AGENT, CD_LOG_INFO, "package '%s' was kept long enough and is removed", path);
  tell_ear(t->ear, name, "it was not fetched for as long as the device keeps packages");
  return pf_file_remove(path, err);
}

cd_code agent_spool_tidy(const agent_spool *s, uint64_t keep_s, const agent_spool_ear *ear,
                         uint64_t *ret_bytes, cd_err *err)
{
  int64_t now_s = cd_wall_ms() / 1000;
  tidying t = {.spool = s, .ear = ear, .oldest_s = now_s - (int64_t)keep_s};
  tidying notes = {.spool = s, .oldest_s = now_s - NOTE_KEEP_S};
  cd_code rc = pf_dir_list(s->folder, ".zip", SPOOL_FILES_MAX, tidy_one, &t, err);
  if (rc == CD_OK)
    rc = pf_dir_list(s->folder, ".gone", SPOOL_FILES_MAX, tidy_one, &notes, err);
  if (rc == CD_OK)
    *ret_bytes = t.bytes;
  return rc;
}

/* Ids sort by the time they were made, and so do the names. */
typedef struct shrinking {
  const agent_spool *spool;
  const agent_spool_ear *ear;
  uint64_t bytes; /* of those that are there yet */
  uint64_t max;
} shrinking;

static cd_code shrink_one(void *context, const char *name, cd_err *err)
{
  shrinking *t = context;
  uv_fs_t req;
  char path[CD_PATH_MAX];
  if (t->bytes <= t->max)
    return CD_OK;
  cd_code rc = cd_path_in(t->spool->folder, name, "", path, err);
  if (rc != CD_OK)
    return rc;
  uint64_t size = uv_fs_lstat(NULL, &req, path, NULL) == 0 ? req.statbuf.st_size : 0;
  uv_fs_req_cleanup(&req);
  tell_ear(t->ear, name, "the device had to make room for another package");
  rc = pf_file_remove(path, err);
  t->bytes -= size < t->bytes ? size : t->bytes;
  cd_log(CD_AREA_AGENT, CD_LOG_WARN, "package '%s' is removed: there must be room for another one",
         path);
  return rc;
}

cd_code agent_spool_shrink(const agent_spool *s, uint64_t max_bytes, const agent_spool_ear *ear,
                           cd_err *err)
{
  shrinking t = {.spool = s, .ear = ear, .max = max_bytes};
  cd_code rc = agent_spool_tidy(s, UINT32_MAX, ear, &t.bytes, err);
  return rc == CD_OK ? pf_dir_list(s->folder, ".zip", SPOOL_FILES_MAX, shrink_one, &t, err) : rc;
}

typedef struct walk {
  bool (*each)(void *context, cd_str id);
  void *context;
  size_t suffix;
  bool over;
} walk;

static cd_code walk_one(void *context, const char *name, cd_err *err)
{
  walk *w = context;
  cd_str id = cd_str_from(name);
  (void)err;
  id.len -= w->suffix;
  if (!w->over)
    w->over = !w->each(w->context, id);
  return CD_OK;
}

cd_code agent_spool_each(const agent_spool *s, bool (*each)(void *context, cd_str id),
                         void *context, cd_err *err)
{
  walk w = {.each = each, .context = context, .suffix = sizeof(".zip") - 1};
  cd_code rc = pf_dir_list(s->folder, ".zip", SPOOL_FILES_MAX, walk_one, &w, err);
  w.suffix = sizeof(".gone") - 1;
  w.over = false;
  return rc == CD_OK ? pf_dir_list(s->folder, ".gone", SPOOL_FILES_MAX, walk_one, &w, err) : rc;
}

static cd_code open_file(const char *path, uv_file *ret_file, cd_err *err)
{
  uv_fs_t req;
  uv_file file = uv_fs_open(NULL, &req, path, UV_FS_O_RDONLY | UV_FS_O_NOFOLLOW, 0, NULL);
  uv_fs_req_cleanup(&req);
  if (file < 0)
    return cd_fail_os(err, cd_code_from_errno(file), -file, "'%s' could not be opened: %s", path,
                      uv_strerror(file));
  *ret_file = file;
  return CD_OK;
}

cd_code agent_spool_note(const agent_spool *s, const char *id, const char *why, cd_err *err)
{
  char path[CD_PATH_MAX];
  cd_code rc = cd_path_in(s->folder, id, ".gone", path, err);
  return rc == CD_OK ? pf_file_replace(path, cd_str_from(why), 0600, err) : rc;
}

cd_code agent_spool_gone(const agent_spool *s, const char *id, cd_buf *out, cd_err *err)
{
  char path[CD_PATH_MAX];
  cd_code rc = cd_path_in(s->folder, id, ".gone", path, err);
  return rc == CD_OK ? pf_file_read(path, NOTE_MAX, out, err) : rc;
}

cd_code agent_spool_make(const agent_spool *s, const char *id, uv_file *ret_file, cd_err *err)
{
  char path[CD_PATH_MAX];
  cd_code rc = cd_path_in(s->folder, id, ".part", path, err);
  return rc == CD_OK ? pf_private_make(path, path, ret_file, err) : rc;
}

cd_code agent_spool_keep(const agent_spool *s, const char *id, uv_file file, cd_err *err)
{
  uv_fs_t req;
  char from[CD_PATH_MAX];
  char to[CD_PATH_MAX];
  cd_code rc = cd_path_in(s->folder, id, ".part", from, err);
  if (rc == CD_OK)
    rc = cd_path_in(s->folder, id, ".zip", to, err);
  if (rc != CD_OK)
    return rc;
  int uv = uv_fs_fsync(NULL, &req, file, NULL);
  uv_fs_req_cleanup(&req);
  if (uv == 0) {
    uv = uv_fs_rename(NULL, &req, from, to, NULL);
    uv_fs_req_cleanup(&req);
  }
  if (uv != 0)
    return cd_fail_os(err, cd_code_from_errno(uv), -uv, "package '%s' could not be kept: %s", to,
                      uv_strerror(uv));
  return pf_file_sync_name(to, err);
}

void agent_spool_drop(const agent_spool *s, const char *id)
{
  static const char *const suffixes[] = {".part", ".zip", ".gone"};
  for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
    char path[CD_PATH_MAX];
    cd_err err = {0};
    if (cd_path_in(s->folder, id, suffixes[i], path, &err) != CD_OK ||
        pf_file_remove(path, &err) != CD_OK)
      cd_log(CD_AREA_AGENT, CD_LOG_ERROR, "%s", err.text);
  }
}

static cd_code read_at(uv_file file, const char *path, uint64_t offset, size_t max, cd_buf *out,
                       cd_err *err)
{
  uv_fs_t req;
  char *chunk = malloc(max);
  if (chunk == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory to read '%s'", path);
  uv_buf_t part = uv_buf_init(chunk, (unsigned)max);
  int got = uv_fs_read(NULL, &req, file, &part, 1, (int64_t)offset, NULL);
  uv_fs_req_cleanup(&req);
  if (got > 0)
    cd_buf_add(out, chunk, (size_t)got);
  free(chunk);
  if (got < 0)
    return cd_fail_os(err, cd_code_from_errno(got), -got, "'%s' could not be read: %s", path,
                      uv_strerror(got));
  return cd_buf_status(out, path, err);
}

cd_code agent_spool_read(const agent_spool *s, const char *id, uint64_t offset, size_t max,
                         cd_buf *out, uint64_t *ret_size, cd_err *err)
{
  uv_fs_t req;
  char path[CD_PATH_MAX];
  uv_file file = -1;
  cd_code rc = cd_path_in(s->folder, id, ".zip", path, err);
  if (rc == CD_OK)
    rc = open_file(path, &file, err);
  if (rc == CD_E_NOTFOUND)
    return cd_fail(err, rc, "the package of action %s is not kept here (any more)", id);
  if (rc != CD_OK)
    return rc;
  int uv = uv_fs_fstat(NULL, &req, file, NULL);
  uint64_t size = req.statbuf.st_size;
  uv_fs_req_cleanup(&req);
  if (uv != 0)
    rc = cd_fail_os(err, cd_code_from_errno(uv), -uv, "'%s' could not be examined: %s", path,
                    uv_strerror(uv));
  else if (offset > size)
    rc = cd_fail(err, CD_E_INVALID, "the package of action %s ends before byte %llu", id,
                 (unsigned long long)offset);
  else
    rc = read_at(file, path, offset, max, out, err);
  pf_number_close(file);
  if (rc == CD_OK)
    *ret_size = size;
  return rc;
}
