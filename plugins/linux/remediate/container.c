/* Containers: NAME.data has the bytes of a file under ChaCha20 with a key of its own, NAME.json
 * says what it was and has the key. The second is written when the first is whole, read back and on
 * the disk, so that bytes without a description were never whole and are removed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <nettle/chacha.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "remediate.h"
#include "support/fault.h"

/* A description grows by a few bytes until its file is restored. */
enum { CHUNK = 256 * 1024, META_MAX = 1024 * 1024, META_GROWS = 4096 };

#define ROOM_LEFT (64 * REM_MIB) /* stays free on the disk of the containers */

static int open_store(const rem_job *j, sup_err *err)
{
  char path[REM_PATH];
  (void)snprintf(path, sizeof(path), "%s/quarantine", j->state_dir);
  if (mkdir(path, 0700) != 0 && errno != EEXIST) {
    (void)sup_fail_os(err, errno, "the folder of quarantined files cannot be made");
    return -1;
  }
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    (void)sup_fail_os(err, errno, "the folder of quarantined files cannot be opened");
  return fd;
}

static void file_name(const char *id, const char *kind, char ret_name[REM_NAME])
{
  (void)snprintf(ret_name, REM_NAME, "%s.%s", id, kind);
}

static cordon_status write_all(int fd, const uint8_t *bytes, size_t len, sup_err *err)
{
  while (len > 0) {
    ssize_t put = write(fd, bytes, len);
    if (put < 0 && errno == EINTR)
      continue;
    if (put < 0)
      return sup_fail_os(err, errno, "the bytes could not be written");
    bytes += put;
    len -= (size_t)put;
  }
  return CORDON_OK;
}

/* Fills the chunk as far as the file goes. */
static ssize_t read_chunk(int fd, uint8_t *room, uint64_t at)
{
  size_t have = 0;
  while (have < CHUNK) {
    ssize_t got = pread(fd, room + have, CHUNK - have, (off_t)(at + have));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return -1;
    if (got == 0)
      break;
    have += (size_t)got;
  }
  return (ssize_t)have;
}

/* ---- one pass over the bytes ---- */

typedef struct pass {
  const rem_job *job;
  const char *what;
  const rem_meta *meta;
  int from;
  int to;      /* -1: only hashed */
  bool seals;  /* plain to sealed; else sealed to plain */
  bool sparse; /* chunks of zeros become holes */
  bool sha1_only;
  uint64_t total;
  uint64_t done;
  struct chacha_ctx cipher;
  struct sha256_ctx sha256;
  struct sha1_ctx sha1;
  uint8_t room[CHUNK];
  uint8_t out[CHUNK];
} pass;

static bool is_zero(const uint8_t *bytes, size_t len)
{
  return len > 0 && bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

static cordon_status put_chunk(pass *p, size_t len, sup_err *err)
{
  if (p->to < 0)
    return CORDON_OK;
  if (p->sparse && is_zero(p->out, len)) {
    if (lseek(p->to, (off_t)len, SEEK_CUR) < 0)
      return sup_fail_os(err, errno, "the bytes could not be written");
    return CORDON_OK;
  }
  return write_all(p->to, p->out, len, err);
}

static cordon_status run_pass(pass *p, sup_err *err)
{
  chacha_set_key(&p->cipher, p->meta->key);
  chacha_set_nonce(&p->cipher, p->meta->nonce);
  sha256_init(&p->sha256);
  sha1_init(&p->sha1);
  for (;;) {
    cordon_status status = sup_call_check(p->job->call, err);
    if (status != CORDON_OK)
      return status;
    ssize_t len = read_chunk(p->from, p->room, p->done);
    if (len < 0)
      return sup_fail_os(err, errno, "the bytes could not be read");
    if (len == 0)
      return CORDON_OK;
    if (!p->seals || p->to >= 0)
      chacha_crypt(&p->cipher, (size_t)len, p->out, p->room);
    const uint8_t *plain = p->seals ? p->room : p->out;
    if (!p->sha1_only)
      sha256_update(&p->sha256, (size_t)len, plain);
    sha1_update(&p->sha1, (size_t)len, plain);
    status = put_chunk(p, (size_t)len, err);
    if (status != CORDON_OK)
      return status;
    p->done += (uint64_t)len;
    sup_call_progress(p->job->call, p->done <= p->total ? p->done : p->total, p->total, p->what);
  }
}

static void digests(pass *p, char ret_sha256[65], char ret_sha1[41])
{
  uint8_t a[SHA256_DIGEST_SIZE];
  uint8_t b[SHA1_DIGEST_SIZE];
  sha256_digest(&p->sha256, sizeof(a), a);
  sha1_digest(&p->sha1, sizeof(b), b);
  rem_hex(a, sizeof(a), ret_sha256);
  rem_hex(b, sizeof(b), ret_sha1);
}

static pass *new_pass(const rem_job *j, const rem_meta *m, const char *what, sup_err *err)
{
  pass *p = calloc(1, sizeof(*p));
  if (p == NULL) {
    (void)sup_fail(err, CORDON_E_LIMIT, "there is no memory to read with");
    return NULL;
  }
  p->job = j;
  p->meta = m;
  p->what = what;
  p->total = m->attrs.size;
  p->from = p->to = -1;
  return p;
}

/* ---- sealing ---- */

static cordon_status check_room(int store, uint64_t size, sup_err *err)
{
  struct statvfs fs;
  if (fstatvfs(store, &fs) != 0)
    return sup_fail_os(err, errno, "the free space for quarantined files is not known");
  uint64_t free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
  if (free_bytes < ROOM_LEFT || free_bytes - ROOM_LEFT < size)
    return sup_fail(err, CORDON_E_LIMIT,
                    "the file has %llu bytes, and the disk of quarantined files has %llu free, of "
                    "which %llu stay free: nothing was changed",
                    (unsigned long long)size, (unsigned long long)free_bytes,
                    (unsigned long long)ROOM_LEFT);
  return CORDON_OK;
}

static cordon_status write_sealed(const rem_job *j, int fd, int to, rem_meta *m, sup_err *err)
{
  pass *p = new_pass(j, m, "seal", err);
  if (p == NULL)
    return err->status;
  p->from = fd;
  p->to = to;
  p->seals = true;
  cordon_status status = run_pass(p, err);
  if (status == CORDON_OK && p->done != m->attrs.size)
    status = sup_fail(err, CORDON_E_CONFLICT,
                      "the file was changed while it was read: nothing was changed");
  digests(p, m->sha256, m->sha1);
  if (status == CORDON_OK && fsync(to) != 0)
    status = sup_fail_os(err, errno, "the container could not be put on the disk");
  explicit_bzero(p, sizeof(*p));
  free(p);
  return status;
}

/* Opens the bytes and hashes them as they would be restored; `to` -1: only hashed. */
static cordon_status read_sealed(const rem_job *j, int store, const rem_meta *m, int to,
                                 sup_err *err)
{
  char name[REM_NAME];
  char sha256[65];
  char sha1[41];
  pass *p = new_pass(j, m, to < 0 ? "check" : "restore", err);
  if (p == NULL)
    return err->status;
  file_name(m->id, "data", name);
  p->from = openat(store, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  p->to = to;
  p->sparse = to >= 0;
  cordon_status status =
      p->from >= 0 ? run_pass(p, err) : sup_fail_os(err, errno, "the container cannot be opened");
  digests(p, sha256, sha1);
  if (status == CORDON_OK && (p->done != m->attrs.size || strcmp(sha256, m->sha256) != 0))
    status = sup_fail(err, CORDON_E_IO,
                      "the bytes in the container are not those of the file: SHA-256 is %s and was "
                      "%s",
                      sha256, m->sha256);
  if (status == CORDON_OK && to >= 0 && ftruncate(to, (off_t)m->attrs.size) != 0)
    status = sup_fail_os(err, errno, "the bytes could not be written");
  if (p->from >= 0)
    (void)close(p->from);
  explicit_bzero(p, sizeof(*p));
  free(p);
  return status;
}

static uint64_t now_ms(void)
{
  struct timespec now;
  (void)clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static cordon_status save(int store, const rem_meta *m, sup_err *err)
{
  char name[REM_NAME];
  char temporary[REM_NAME];
  char *text = rem_meta_write(m);
  /* What could not be read again is not kept: the file is still at its place. */
  if (text != NULL && m->state == REM_SEALED && strlen(text) > META_MAX - META_GROWS) {
    cJSON_free(text);
    return sup_fail(err, CORDON_E_LIMIT,
                    "the file has more attributes than a container describes (%d bytes): nothing "
                    "was changed",
                    META_MAX - META_GROWS);
  }
  file_name(m->id, "json", name);
  file_name(m->id, "new", temporary);
  (void)unlinkat(store, temporary, 0);
  int fd = text != NULL ? openat(store, temporary,
                                 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)
                        : -1;
  cordon_status status = fd >= 0 ? write_all(fd, (const uint8_t *)text, strlen(text), err)
                                 : sup_fail_os(err, text != NULL ? errno : ENOMEM,
                                               "the container cannot be described");
  if (status == CORDON_OK && (fsync(fd) != 0 || renameat(store, temporary, store, name) != 0))
    status = sup_fail_os(err, errno, "the description of the container could not be kept");
  if (status == CORDON_OK && fsync(store) != 0)
    status = sup_fail_os(err, errno, "the folder of quarantined files could not be kept");
  if (fd >= 0)
    (void)close(fd);
  cJSON_free(text);
  return status;
}

static cordon_status seal_into(const rem_job *j, int store, int fd, rem_meta *m, sup_err *err)
{
  char name[REM_NAME];
  file_name(m->id, "data", name);
  (void)unlinkat(store, name, 0);
  int to = openat(store, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (to < 0)
    return sup_fail_os(err, errno, "the container cannot be made");
  cordon_status status = write_sealed(j, fd, to, m, err);
  SUP_FAULT_POINT("remediate.data");
  (void)close(to);
  if (status == CORDON_OK)
    status = read_sealed(j, store, m, -1, err);
  m->state = REM_SEALED;
  m->sealed_ms = now_ms();
  if (status == CORDON_OK)
    status = save(store, m, err);
  if (status != CORDON_OK)
    (void)unlinkat(store, name, 0);
  return status;
}

static cordon_status load(int store, const char *id, rem_meta *ret_meta, sup_err *err)
{
  char name[REM_NAME];
  struct stat st;
  file_name(id, "json", name);
  int fd = openat(store, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT)
    return CORDON_E_NOTFOUND;
  if (fd < 0 || fstat(fd, &st) != 0 || st.st_size > META_MAX) {
    cordon_status bad =
        sup_fail_os(err, errno, "the description of container %s cannot be read", id);
    if (fd >= 0)
      (void)close(fd);
    return bad;
  }
  char *text = malloc((size_t)st.st_size + 1);
  ssize_t len = text != NULL ? pread(fd, text, (size_t)st.st_size, 0) : -1;
  cordon_status status = len == st.st_size
                             ? rem_meta_parse(text, (size_t)len, ret_meta, err)
                             : sup_fail_os(err, errno, "the description of container %s", id);
  if (text != NULL)
    explicit_bzero(text, (size_t)st.st_size);
  free(text);
  (void)close(fd);
  return status;
}

/* What is kept under that name is the only copy of another file, or may be. */
static cordon_status check_free(int store, const char *id, sup_err *err)
{
  sup_err ignored = {0};
  rem_meta *m = calloc(1, sizeof(*m));
  if (m == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory for a container");
  cordon_status status = load(store, id, m, &ignored);
  bool taken = status != CORDON_E_NOTFOUND && (status != CORDON_OK || m->state != REM_RESTORED);
  rem_meta_release(m);
  free(m);
  return taken
             ? sup_fail(err, CORDON_E_CONFLICT,
                        "container %s keeps what was taken before: give that back first, or order "
                        "this as another action",
                        id)
             : CORDON_OK;
}

cordon_status rem_container_seal(const rem_job *j, int fd, rem_meta *m, sup_err *err)
{
  int store = open_store(j, err);
  if (store < 0)
    return err->status;
  cordon_status status = check_free(store, m->id, err);
  if (status == CORDON_OK)
    status = check_room(store, m->attrs.size, err);
  if (status == CORDON_OK && (getrandom(m->key, sizeof(m->key), 0) != sizeof(m->key) ||
                              getrandom(m->nonce, sizeof(m->nonce), 0) != sizeof(m->nonce)))
    status = sup_fail_os(err, errno, "there is no random key");
  if (status == CORDON_OK)
    status = seal_into(j, store, fd, m, err);
  (void)close(store);
  return status;
}

/* ---- keeping ---- */

cordon_status rem_container_load(const rem_job *j, const char *id, rem_meta *ret_meta, sup_err *err)
{
  int store = open_store(j, err);
  if (store < 0)
    return err->status;
  cordon_status status = load(store, id, ret_meta, err);
  (void)close(store);
  return status;
}

cordon_status rem_container_save(const rem_job *j, const rem_meta *m, sup_err *err)
{
  int store = open_store(j, err);
  if (store < 0)
    return err->status;
  cordon_status status = save(store, m, err);
  (void)close(store);
  return status;
}

cordon_status rem_container_open(const rem_job *j, const rem_meta *m, int to, sup_err *err)
{
  int store = open_store(j, err);
  if (store < 0)
    return err->status;
  cordon_status status = read_sealed(j, store, m, to, err);
  (void)close(store);
  return status;
}

cordon_status rem_container_spend(const rem_job *j, rem_meta *m, sup_err *err)
{
  char name[REM_NAME];
  int store = open_store(j, err);
  if (store < 0)
    return err->status;
  m->state = REM_RESTORED;
  m->restored_ms = now_ms();
  memset(m->key, 0, sizeof(m->key));
  cordon_status status = save(store, m, err);
  file_name(m->id, "data", name);
  if (status == CORDON_OK && unlinkat(store, name, 0) != 0 && errno != ENOENT)
    status = sup_fail_os(err, errno, "the bytes in the container could not be removed");
  (void)close(store);
  return status;
}

void rem_container_drop(const rem_job *j, const char *id)
{
  static const char *const kinds[] = {"json", "data", "new"};
  char name[REM_NAME];
  sup_err ignored = {0};
  int store = open_store(j, &ignored);
  for (size_t i = 0; store >= 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
    file_name(id, kinds[i], name);
    (void)unlinkat(store, name, 0);
  }
  if (store >= 0)
    (void)close(store);
}

/* Bytes without a description. */
static void tidy_one(int store, const char *name)
{
  char other[REM_NAME];
  size_t len = strlen(name);
  if (len < 6 || strcmp(name + len - 5, ".data") != 0)
    return;
  (void)snprintf(other, sizeof(other), "%.*s.json", (int)(len - 5), name);
  if (faccessat(store, other, F_OK, 0) != 0 && errno == ENOENT)
    (void)unlinkat(store, name, 0);
}

void rem_container_each(const rem_job *j, rem_container_fn *fn, void *data)
{
  sup_err ignored = {0};
  char id[REM_NAME];
  int store = open_store(j, &ignored);
  DIR *dir = store >= 0 ? fdopendir(store) : NULL;
  if (dir == NULL && store >= 0)
    (void)close(store);
  if (dir == NULL)
    return;
  bool go_on = true;
  for (const struct dirent *e = readdir(dir); e != NULL && go_on; e = readdir(dir)) {
    size_t len = strlen(e->d_name);
    tidy_one(dirfd(dir), e->d_name);
    if (len < 6 || len >= REM_ID + 5 || strcmp(e->d_name + len - 5, ".json") != 0)
      continue;
    (void)snprintf(id, sizeof(id), "%.*s", (int)(len - 5), e->d_name);
    go_on = fn(data, id);
  }
  (void)closedir(dir);
}

typedef struct search {
  const rem_job *job;
  const char *path;
  char found[REM_ID];
  uint64_t sealed_ms;
} search;

static bool match(void *data, const char *id)
{
  search *s = data;
  rem_meta m = {0};
  sup_err ignored = {0};
  if (rem_container_load(s->job, id, &m, &ignored) == CORDON_OK && m.state != REM_RESTORED &&
      strcmp(m.path, s->path) == 0 && (s->found[0] == '\0' || m.sealed_ms >= s->sealed_ms)) {
    (void)snprintf(s->found, sizeof(s->found), "%s", m.id);
    s->sealed_ms = m.sealed_ms;
  }
  rem_meta_release(&m);
  return true;
}

cordon_status rem_container_of_path(const rem_job *j, const char *path, rem_meta *ret_meta,
                                    sup_err *err)
{
  search s = {.job = j, .path = path};
  rem_container_each(j, match, &s);
  if (s.found[0] == '\0')
    return CORDON_E_NOTFOUND;
  return rem_container_load(j, s.found, ret_meta, err);
}

cordon_status rem_hash(const rem_job *j, int fd, uint64_t size, char ret_sha256[65],
                       char ret_sha1[41], sup_err *err)
{
  char unused[65];
  rem_meta m = {.attrs = {.size = size}};
  pass *p = new_pass(j, &m, "hash", err);
  if (p == NULL)
    return err->status;
  p->from = fd;
  p->seals = true;
  p->sha1_only = ret_sha256 == NULL;
  cordon_status status = run_pass(p, err);
  digests(p, ret_sha256 != NULL ? ret_sha256 : unused, ret_sha1);
  free(p);
  return status;
}

/* By its number alone a file is not known again: the number is given anew. */
bool rem_container_is_of(const rem_job *j, const rem_meta *m, int fd)
{
  struct stat st;
  char sha256[65];
  char sha1[41];
  sup_err ignored = {0};
  return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_dev == m->attrs.dev &&
         st.st_ino == m->attrs.ino && (uint64_t)st.st_size == m->attrs.size &&
         rem_hash(j, fd, m->attrs.size, sha256, sha1, &ignored) == CORDON_OK &&
         strcmp(sha256, m->sha256) == 0;
}
