#include "packages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/path.h"
#include "package_state.h"
#include "platform/file.h"

#include "base/banned.h"

#define FILES_MAX 100000u
#define CHUNK (256u * 1024u)
#define ACTIONS_MAX 1000u /* of a device, the newest, whose packages are counted */
#define WHOLE ".zip"
#define PART ".part"
#define DAY_S (INT64_C(24) * 3600)

void con_packages_folder(const con_server *s, char out[CON_PATH_TEXT])
{
  con_path(s, "packages", out);
}

cd_code con_package_expected(const con_action *a, con_package *ret_package, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_json package = {0};
  cd_str digest = {0};
  con_package p = {.bytes = 0};
  if (a->kind != CD_ORDER_COLLECT || a->evidence.len == 0)
    return cd_fail(err, CD_E_NOTFOUND, "action '%s' has no package yet", a->id);
  cd_code rc = cd_json_parse(a->evidence, CD_RESULT_PAYLOAD_MAX, "the result", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  bool there = cd_json_opt_obj(&root, "package", &package);
  if (there) {
    cd_json_u64(&package, "bytes", UINT64_C(1) << 53, &p.bytes);
    cd_json_str(&package, "digest", CD_DIGEST_TEXT_MAX - 1, &digest);
    if (digest.ptr != NULL && !cd_digest_from_text(digest, &p.digest))
      cd_json_bad(&package, "digest", "is no digest");
  }
  rc = cd_json_status(&root, err);
  cd_json_free(doc);
  if (rc == CD_OK && (!there || p.bytes == 0))
    rc = cd_fail(err, CD_E_NOTFOUND, "action '%s' has made no package", a->id);
  if (rc == CD_OK)
    *ret_package = p;
  return rc;
}

/* ---- room ---- */

#define OLD_MAX 1000u /* that are removed at once; the others next time */

/* What is in the folder. */
typedef struct count {
  con_server *server;
  char folder[CON_PATH_TEXT];
  int64_t oldest_s; /* older ones are removed; 0: none */
  uint64_t bytes;
  uint64_t before; /* what the server knew when this was begun */
  cd_buf old;      /* names of older ones, each with a NUL */
  unsigned old_count;
  uv_work_t work;
  cd_code code;
  cd_err err;
} count;

static cd_code count_one(void *context, const char *name, cd_err *err)
{
  count *c = context;
  uv_fs_t req;
  char path[CD_PATH_MAX];
  cd_code rc = cd_path_in(c->folder, name, "", path, err);
  if (rc != CD_OK)
    return rc;
  int uv = uv_fs_lstat(NULL, &req, path, NULL);
  uv_stat_t st = req.statbuf;
  uv_fs_req_cleanup(&req);
  if (uv != 0)
    return CD_OK; /* it went meanwhile */
  c->bytes += st.st_size;
  if (c->oldest_s != 0 && st.st_mtim.tv_sec < c->oldest_s && c->old_count < OLD_MAX) {
    cd_buf_add(&c->old, name, strlen(name) + 1);
    c->old_count++;
  }
  return CD_OK;
}

static cd_code walk(count *c, cd_err *err)
{
  cd_code rc = pf_dir_list(c->folder, WHOLE, FILES_MAX, count_one, c, err);
  return rc == CD_OK ? pf_dir_list(c->folder, PART, FILES_MAX, count_one, c, err) : rc;
}

void con_package_grew(con_server *s, uint64_t bytes)
{
  s->packages_bytes += bytes;
}

void con_package_shrank(con_server *s, uint64_t bytes)
{
  s->packages_bytes -= bytes < s->packages_bytes ? bytes : s->packages_bytes;
}

static void remove_old(const count *c, const char *name)
{
  char id[CD_ID_SIZE];
  char path[CD_PATH_MAX];
  uv_fs_t req;
  cd_err err = {0};
  cd_str text = cd_str_from(name);
  bool whole = cd_str_ends(text, CD_STR(WHOLE));
  text.len -= whole ? sizeof(WHOLE) - 1 : sizeof(PART) - 1;
  cd_code rc = cd_path_in(c->folder, name, "", path, &err);
  uint64_t size = rc == CD_OK && uv_fs_lstat(NULL, &req, path, NULL) == 0 ? req.statbuf.st_size : 0;
  if (rc == CD_OK) {
    uv_fs_req_cleanup(&req);
    rc = pf_file_remove(path, &err);
  }
  if (rc != CD_OK) {
    cd_log(CD_AREA_CONSOLE, CD_LOG_ERROR, "%s", err.text);
    return;
  }
  cd_log(CD_AREA_CONSOLE, CD_LOG_INFO, "package %s was kept long enough and is removed", name);
  con_package_shrank(c->server, size);
  if (cd_str_copy(id, sizeof(id), text))
    con_package_removed(c->server, id, whole);
}

static void walk_in_pool(uv_work_t *work)
{
  count *c = work->data;
  c->code = walk(c, &c->err);
}

/* What came and went while it was counted is added to what was counted. */
static void take_count(const count *c)
{
  con_server *s = c->server;
  uint64_t now = s->packages_bytes;
  s->packages_bytes = c->bytes;
  if (now >= c->before)
    con_package_grew(s, now - c->before);
  else
    con_package_shrank(s, c->before - now);
}

static void on_walked(uv_work_t *work, int status)
{
  count *c = work->data;
  c->server->tidying = false;
  if (c->server->closing) {
    cd_log(CD_AREA_CONSOLE, CD_LOG_DEBUG, "old packages are looked for at the next start");
  } else if (status == 0 && c->code == CD_OK &&
             cd_buf_status(&c->old, "old packages", &c->err) == CD_OK) {
    take_count(c);
    for (const char *name = cd_buf_cstr(&c->old); c->old_count > 0; c->old_count--) {
      remove_old(c, name);
      name += strlen(name) + 1;
    }
  } else if (status == 0) {
    cd_log(CD_AREA_CONSOLE, CD_LOG_ERROR, "%s", c->err.text);
  }
  cd_buf_release(&c->old);
  free(c);
}

void con_packages_tidy(con_server *s)
{
  count *c = s->tidying ? NULL : calloc(1, sizeof(*c));
  if (c == NULL)
    return;
  c->server = s;
  c->oldest_s = cd_wall_ms() / 1000 - (int64_t)s->config.package_days * DAY_S;
  c->before = s->packages_bytes;
  cd_buf_init(&c->old, OLD_MAX * (CD_ID_SIZE + sizeof(PART) + 256));
  con_packages_folder(s, c->folder);
  c->work.data = c;
  s->tidying = uv_queue_work(s->loop, &c->work, walk_in_pool, on_walked) == 0;
  if (!s->tidying) {
    cd_buf_release(&c->old);
    free(c);
  }
}

cd_code con_packages_open(con_server *s, cd_err *err)
{
  count c = {.server = s};
  con_packages_folder(s, c.folder);
  cd_code rc = pf_dir_ensure(c.folder, 0700, NULL, err);
  if (rc == CD_OK)
    rc = walk(&c, err);
  s->packages_bytes = c.bytes;
  return rc;
}

static uint64_t size_of(const char *folder, const char *id, const char *suffix)
{
  cd_err none = {0};
  uv_fs_t req;
  char path[CD_PATH_MAX];
  if (cd_path_in(folder, id, suffix, path, &none) != CD_OK)
    return 0;
  uint64_t size = uv_fs_lstat(NULL, &req, path, NULL) == 0 ? req.statbuf.st_size : 0;
  uv_fs_req_cleanup(&req);
  return size;
}

uint64_t con_package_look(const con_server *s, const char *id, bool *ret_whole)
{
  char folder[CON_PATH_TEXT];
  con_packages_folder(s, folder);
  uint64_t size = size_of(folder, id, WHOLE);
  *ret_whole = size > 0;
  return size > 0 ? size : size_of(folder, id, PART);
}

typedef struct own {
  const char *folder;
  uint64_t bytes;
} own;

static bool count_action(void *context, const con_action *a)
{
  own *o = context;
  if (a->kind == CD_ORDER_COLLECT)
    o->bytes += size_of(o->folder, a->id, WHOLE) + size_of(o->folder, a->id, PART);
  return true;
}

static bool fits(uint64_t used, uint64_t more, uint64_t max)
{
  return used <= max && more <= max - used;
}

/* Nothing is removed to make room: a device that was taken over could push out what it sent before
 * that. */
static cd_code check_quota(const con_server *s, cd_str device, const char *folder, uint64_t more,
                           cd_err *err)
{
  own its = {.folder = folder};
  const con_action_query query = {.device = device, .limit = ACTIONS_MAX};
  cd_code rc = con_action_each(s->store, &query, count_action, &its, err);
  if (rc != CD_OK)
    return rc;
  uint64_t used = s->packages_bytes + s->packages_coming;
  if (!fits(used, more, s->config.package_bytes))
    return cd_fail(err, CD_E_LIMIT,
                   "there is no room for another package: %llu of %llu bytes are used",
                   (unsigned long long)used, (unsigned long long)s->config.package_bytes);
  if (!fits(its.bytes, more, s->config.package_device_bytes))
    return cd_fail(err, CD_E_LIMIT,
                   "there is no room for another package of this device: %llu of %llu bytes are "
                   "used",
                   (unsigned long long)its.bytes,
                   (unsigned long long)s->config.package_device_bytes);
  return CD_OK;
}

/* ---- files ---- */

static cd_code open_at(const char *folder, const char *id, const char *suffix, int flags,
                       uv_file *ret_file, uint64_t *ret_size, cd_err *err)
{
  uv_fs_t req;
  char path[CD_PATH_MAX];
  cd_code rc = cd_path_in(folder, id, suffix, path, err);
  if (rc != CD_OK)
    return rc;
  uv_file file = uv_fs_open(NULL, &req, path, flags | UV_FS_O_NOFOLLOW, 0600, NULL);
  uv_fs_req_cleanup(&req);
  int uv = file < 0 ? file : uv_fs_fstat(NULL, &req, file, NULL);
  if (file >= 0) {
    *ret_size = req.statbuf.st_size;
    uv_fs_req_cleanup(&req);
  }
  if (uv == 0) {
    *ret_file = file;
    return CD_OK;
  }
  if (file >= 0)
    pf_file_close(file);
  return cd_fail_os(err, cd_code_from_errno(uv), -uv, "package '%s' could not be opened: %s", id,
                    uv_strerror(uv));
}

cd_code con_package_part(con_server *s, cd_str device, const char *id, uint64_t bytes,
                         uv_file *ret_file, uint64_t *ret_kept, cd_err *err)
{
  char folder[CON_PATH_TEXT];
  uv_file file = -1;
  uint64_t kept = 0;
  uv_fs_t req;
  con_packages_folder(s, folder);
  cd_code rc = open_at(folder, id, PART, UV_FS_O_RDWR | UV_FS_O_CREAT, &file, &kept, err);
  if (rc != CD_OK)
    return rc;
  /* It cannot be of this package. */
  if (kept > bytes) {
    int uv = uv_fs_ftruncate(NULL, &req, file, 0, NULL);
    uv_fs_req_cleanup(&req);
    con_package_shrank(s, uv == 0 ? kept : 0);
    kept = 0;
    if (uv != 0)
      rc =
          cd_fail_os(err, CD_E_IO, -uv, "package '%s' could not be begun: %s", id, uv_strerror(uv));
  }
  if (rc == CD_OK)
    rc = check_quota(s, device, folder, bytes - kept, err);
  if (rc != CD_OK) {
    pf_file_close(file);
    return rc;
  }
  *ret_file = file;
  *ret_kept = kept;
  return CD_OK;
}

void con_package_drop_part(con_server *s, const char *id)
{
  cd_err err = {0};
  char folder[CON_PATH_TEXT];
  char path[CD_PATH_MAX];
  con_packages_folder(s, folder);
  uint64_t size = size_of(folder, id, PART);
  if (cd_path_in(folder, id, PART, path, &err) != CD_OK || pf_file_remove(path, &err) != CD_OK)
    cd_log(CD_AREA_CONSOLE, CD_LOG_ERROR, "%s", err.text);
  else
    con_package_shrank(s, size);
}

cd_code con_package_whole(const con_server *s, const char *id, uv_file *ret_file,
                          uint64_t *ret_size, cd_err *err)
{
  char folder[CON_PATH_TEXT];
  con_packages_folder(s, folder);
  return open_at(folder, id, WHOLE, UV_FS_O_RDONLY, ret_file, ret_size, err);
}

static cd_code hash_all(uv_file file, char *chunk, uint64_t *ret_bytes, cd_digest *ret_digest,
                        cd_err *err)
{
  cd_hash *h = NULL;
  uint64_t at = 0;
  cd_code rc = cd_hash_new(&h, err);
  while (rc == CD_OK) {
    uv_fs_t req;
    uv_buf_t part = uv_buf_init(chunk, CHUNK);
    int got = uv_fs_read(NULL, &req, file, &part, 1, (int64_t)at, NULL);
    uv_fs_req_cleanup(&req);
    if (got < 0)
      rc = cd_fail_os(err, CD_E_IO, -got, "a package could not be read: %s", uv_strerror(got));
    if (got <= 0)
      break;
    cd_hash_add(h, chunk, (size_t)got);
    at += (uint64_t)got;
  }
  if (rc == CD_OK)
    rc = cd_hash_end(h, ret_digest, err);
  *ret_bytes = at;
  cd_hash_free(h);
  return rc;
}

static int put_in_place(const char *from, const char *to, uv_file file)
{
  uv_fs_t req;
  int uv = uv_fs_fsync(NULL, &req, file, NULL);
  uv_fs_req_cleanup(&req);
  if (uv == 0) {
    uv = uv_fs_rename(NULL, &req, from, to, NULL);
    uv_fs_req_cleanup(&req);
  }
  return uv;
}

cd_code con_package_keep(const char *folder, const char *id, uv_file part,
                         const con_package *expected, cd_err *err)
{
  cd_err why = {0};
  char from[CD_PATH_MAX];
  char to[CD_PATH_MAX];
  cd_digest digest = {{0}};
  uint64_t bytes = 0;
  char *chunk = malloc(CHUNK);
  if (chunk == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory to hash a package");
  cd_code rc = hash_all(part, chunk, &bytes, &digest, err);
  free(chunk);
  if (rc == CD_OK)
    rc = cd_path_in(folder, id, PART, from, err);
  if (rc == CD_OK)
    rc = cd_path_in(folder, id, WHOLE, to, err);
  if (rc != CD_OK)
    return rc;
  if (bytes != expected->bytes || !cd_digest_equal(&digest, &expected->digest)) {
    if (pf_file_remove(from, &why) != CD_OK)
      cd_log(CD_AREA_CONSOLE, CD_LOG_ERROR, "%s", why.text);
    return cd_fail(
        err, CD_E_INVALID,
        "what came is not the package that the device's result tells of, and is removed");
  }
  int uv = put_in_place(from, to, part);
  if (uv != 0)
    return cd_fail_os(err, CD_E_IO, -uv, "package '%s' could not be kept: %s", id, uv_strerror(uv));
  /* The device forgets its own once it is told that this one is here. */
  return pf_file_sync_name(to, err);
}
