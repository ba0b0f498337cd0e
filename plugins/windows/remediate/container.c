/* Containers: NAME.data has the bytes of a file, and behind them those of its streams, under
 * ChaCha20 with a key of its own; NAME.json says what it was and has the key. The second is written
 * when the first is whole, read back and on the disk, so that bytes without a description were
 * never whole and are removed. */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <bcrypt.h>
#include <mbedtls/chacha20.h>
#include <mbedtls/sha1.h>
#include <mbedtls/sha256.h>

#include "support/fault.h"
#include "support/wide.h"

enum { CHUNK = 256 * 1024 };

#define ROOM_LEFT (64 * REM_MIB)               /* stays free on the disk of the containers */
#define BYTES_MAX (256ull * 1024ull * REM_MIB) /* what a key of this cipher is good for */

/* ---- one pass over bytes ---- */

typedef struct pass {
  const rem_job *job;
  const char *what;
  HANDLE from;
  HANDLE to;     /* NULL: only hashed */
  uint64_t left; /* bytes to be read; a file that ends before has changed */
  bool seals;    /* plain to sealed; else sealed to plain */
  bool ciphers;
  uint64_t total;
  uint64_t done;
  mbedtls_chacha20_context cipher;
  mbedtls_sha256_context sha256;
  mbedtls_sha1_context sha1;
  uint8_t room[CHUNK];
  uint8_t out[CHUNK];
} pass;

static pass *new_pass(const rem_job *j, const rem_meta *m, const char *what, sup_err *err)
{
  /* The counter has 32 bits; the rest of what was a nonce of 96 is zero, as in the old cipher. */
  uint8_t nonce[12] = {0};
  pass *p = calloc(1, sizeof(*p));
  if (p == NULL) {
    (void)sup_fail(err, CORDON_E_LIMIT, "there is no memory to read with");
    return NULL;
  }
  p->job = j;
  p->what = what;
  mbedtls_chacha20_init(&p->cipher);
  mbedtls_sha256_init(&p->sha256);
  mbedtls_sha1_init(&p->sha1);
  if (m != NULL) {
    memcpy(nonce + 4, m->nonce, sizeof(m->nonce));
    p->ciphers = mbedtls_chacha20_setkey(&p->cipher, m->key) == 0 &&
                 mbedtls_chacha20_starts(&p->cipher, nonce, 0) == 0;
  }
  return p;
}

static void free_pass(pass *p)
{
  if (p == NULL)
    return;
  mbedtls_chacha20_free(&p->cipher);
  mbedtls_sha256_free(&p->sha256);
  mbedtls_sha1_free(&p->sha1);
  SecureZeroMemory(p, sizeof(*p));
  free(p);
}

static cordon_status read_chunk(pass *p, DWORD *ret_len, sup_err *err)
{
  DWORD have = 0;
  DWORD want = p->left < CHUNK ? (DWORD)p->left : CHUNK;
  while (have < want) {
    DWORD got = 0;
    if (!ReadFile(p->from, p->room + have, want - have, &got, NULL))
      return sup_fail_os(err, (int)GetLastError(), "the bytes could not be read");
    if (got == 0)
      return sup_fail(err, CORDON_E_IO, "there are fewer bytes than there were");
    have += got;
  }
  *ret_len = have;
  return CORDON_OK;
}

/* The next `size` bytes of both, with digests of their own. */
static cordon_status run_part(pass *p, uint64_t size, char ret_sha256[65], char ret_sha1[41],
                              sup_err *err)
{
  uint8_t a[32];
  uint8_t b[20];
  bool good = mbedtls_sha256_starts(&p->sha256, 0) == 0 && mbedtls_sha1_starts(&p->sha1) == 0;
  cordon_status status = CORDON_OK;
  p->left = size;
  while (p->left > 0 && status == CORDON_OK && good) {
    DWORD len = 0;
    status = sup_call_check(p->job->call, err);
    if (status == CORDON_OK)
      status = read_chunk(p, &len, err);
    if (status != CORDON_OK)
      break;
    if (p->ciphers)
      good = mbedtls_chacha20_update(&p->cipher, len, p->room, p->out) == 0;
    const uint8_t *plain = p->seals || !p->ciphers ? p->room : p->out;
    good = good && mbedtls_sha256_update(&p->sha256, plain, len) == 0 &&
           mbedtls_sha1_update(&p->sha1, plain, len) == 0;
    if (good && p->to != NULL)
      status = rem_store_write(p->to, p->out, len, err);
    p->left -= len;
    p->done += len;
    sup_call_progress(p->job->call, p->done, p->total, p->what);
  }
  good = good && mbedtls_sha256_finish(&p->sha256, a) == 0 && mbedtls_sha1_finish(&p->sha1, b) == 0;
  if (status == CORDON_OK && !good)
    return sup_fail(err, CORDON_E_INTERNAL, "the digest could not be computed");
  if (status != CORDON_OK)
    return status;
  for (size_t i = 0; i < sizeof(a) && ret_sha256 != NULL; i++)
    (void)snprintf(ret_sha256 + 2 * i, 3, "%02x", a[i]);
  for (size_t i = 0; i < sizeof(b) && ret_sha1 != NULL; i++)
    (void)snprintf(ret_sha1 + 2 * i, 3, "%02x", b[i]);
  return CORDON_OK;
}

cordon_status rem_hash(const rem_job *j, HANDLE h, uint64_t size, char ret_sha256[65],
                       char ret_sha1[41], sup_err *err)
{
  LARGE_INTEGER begin = {0};
  pass *p = new_pass(j, NULL, "hash", err);
  if (p == NULL)
    return err->status;
  p->from = h;
  p->total = size;
  cordon_status status = SetFilePointerEx(h, begin, NULL, FILE_BEGIN)
                             ? run_part(p, size, ret_sha256, ret_sha1, err)
                             : sup_fail_os(err, (int)GetLastError(), "the file cannot be read");
  free_pass(p);
  return status;
}

/* ---- sealing ---- */

static uint64_t bytes_of(const rem_attrs *a)
{
  uint64_t bytes = a->look.size;
  for (uint32_t i = 0; i < a->stream_count; i++)
    bytes += a->streams[i].size;
  return bytes;
}

static cordon_status check_room(const wchar_t *store, uint64_t size, sup_err *err)
{
  ULARGE_INTEGER free_bytes = {0};
  if (size > BYTES_MAX)
    return sup_fail(err, CORDON_E_LIMIT, "a file of more than 256 GiB is not taken");
  if (!GetDiskFreeSpaceExW(store, &free_bytes, NULL, NULL))
    return sup_fail_os(err, (int)GetLastError(),
                       "the free space for quarantined files is not known");
  if (free_bytes.QuadPart < ROOM_LEFT || free_bytes.QuadPart - ROOM_LEFT < size)
    return sup_fail(err, CORDON_E_LIMIT,
                    "the file has %llu bytes, and the disk of quarantined files has %llu free, of "
                    "which %llu stay free: nothing was changed",
                    (unsigned long long)size, (unsigned long long)free_bytes.QuadPart,
                    (unsigned long long)ROOM_LEFT);
  return CORDON_OK;
}

/* A stream has a share mode of its own: while this one is open nobody else writes to it. Its file
 * may be removed all the same. */
static HANDLE open_stream(const wchar_t *full, const wchar_t *stream, bool makes)
{
  wchar_t path[REM_PATH];
  size_t len = wcslen(full);
  if (len + wcslen(stream) >= REM_PATH) {
    SetLastError(ERROR_FILENAME_EXCED_RANGE);
    return INVALID_HANDLE_VALUE;
  }
  wmemcpy(path, full, len);
  wmemcpy(path + len, stream, wcslen(stream) + 1);
  return CreateFileW(path, makes ? GENERIC_READ | GENERIC_WRITE : GENERIC_READ,
                     FILE_SHARE_READ | FILE_SHARE_DELETE, NULL,
                     makes ? CREATE_ALWAYS : OPEN_EXISTING,
                     FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
}

static cordon_status write_sealed(const rem_job *j, const rem_place *place, HANDLE h, HANDLE to,
                                  rem_meta *m, sup_err *err)
{
  LARGE_INTEGER begin = {0};
  pass *p = new_pass(j, m, "seal", err);
  if (p == NULL)
    return err->status;
  p->to = to;
  p->from = h;
  p->seals = true;
  p->total = bytes_of(&m->attrs);
  cordon_status status = !p->ciphers
                             ? sup_fail(err, CORDON_E_INTERNAL, "the cipher could not be set up")
                         : SetFilePointerEx(h, begin, NULL, FILE_BEGIN)
                             ? run_part(p, m->attrs.look.size, m->sha256, m->sha1, err)
                             : sup_fail_os(err, (int)GetLastError(), "the file cannot be read");
  for (uint32_t i = 0; i < m->attrs.stream_count && status == CORDON_OK; i++) {
    rem_stream *s = &m->attrs.streams[i];
    s->held = open_stream(place->full, s->name, false);
    p->from = s->held;
    status = p->from != INVALID_HANDLE_VALUE
                 ? run_part(p, s->size, s->sha256, NULL, err)
                 : sup_fail_os(err, (int)GetLastError(), "a stream of the file cannot be read");
  }
  if (status == CORDON_OK && !FlushFileBuffers(to))
    status = sup_fail_os(err, (int)GetLastError(), "the container could not be put on the disk");
  free_pass(p);
  return status;
}

/* Opens the bytes and hashes them as they would be restored. */
static cordon_status open_part(pass *p, HANDLE to, uint64_t size, const char *wanted, sup_err *err)
{
  char sha256[65] = "";
  p->to = to;
  cordon_status status = run_part(p, size, sha256, NULL, err);
  if (status == CORDON_OK && strcmp(sha256, wanted) != 0)
    status = sup_fail(err, CORDON_E_IO,
                      "the bytes in the container are not those of the file: SHA-256 is %s and was "
                      "%s",
                      sha256, wanted);
  return status;
}

/* What was written is on the disk, and read back it is what it was. */
static cordon_status check_stream(const pass *p, HANDLE to, const rem_stream *s, sup_err *err)
{
  char sha256[65] = "";
  if (!FlushFileBuffers(to))
    return sup_fail_os(err, (int)GetLastError(), "a stream could not be put on the disk");
  cordon_status status = rem_hash(p->job, to, s->size, sha256, NULL, err);
  if (status == CORDON_OK && strcmp(sha256, s->sha256) != 0)
    status = sup_fail(err, CORDON_E_IO,
                      "a stream that was written back has the SHA-256 %s and should have %s",
                      sha256, s->sha256);
  return status;
}

static cordon_status open_streams(pass *p, const rem_meta *m, const wchar_t *full, sup_err *err)
{
  cordon_status status = CORDON_OK;
  for (uint32_t i = 0; i < m->attrs.stream_count && status == CORDON_OK; i++) {
    const rem_stream *s = &m->attrs.streams[i];
    HANDLE to = full != NULL ? open_stream(full, s->name, true) : NULL;
    status = to != INVALID_HANDLE_VALUE
                 ? open_part(p, to, s->size, s->sha256, err)
                 : sup_fail_os(err, (int)GetLastError(), "a stream of the file cannot be made");
    if (status == CORDON_OK && to != NULL)
      status = check_stream(p, to, s, err);
    rem_close(&to);
  }
  return status;
}

cordon_status rem_container_open(const rem_job *j, const rem_meta *m, HANDLE to,
                                 const wchar_t *full, sup_err *err)
{
  wchar_t store[REM_PATH];
  wchar_t path[REM_PATH];
  cordon_status status = rem_store_open(j, store, err);
  pass *p = status == CORDON_OK ? new_pass(j, m, to != NULL ? "restore" : "check", err) : NULL;
  if (p == NULL)
    return err->status;
  p->total = bytes_of(&m->attrs);
  p->from =
      rem_store_file(store, m->id, "data", path) ? rem_store_read(path) : INVALID_HANDLE_VALUE;
  if (p->from == INVALID_HANDLE_VALUE)
    status = sup_fail_os(err, (int)GetLastError(), "the container cannot be opened");
  else if (!p->ciphers)
    status = sup_fail(err, CORDON_E_INTERNAL, "the cipher could not be set up");
  if (status == CORDON_OK)
    status = open_part(p, to, m->attrs.look.size, m->sha256, err);
  if (status == CORDON_OK)
    status = open_streams(p, m, full, err);
  rem_close(&p->from);
  free_pass(p);
  return status;
}

/* What is on the disk, not what was meant: whoever made the file chose names in it. */
static cordon_status check_description(const wchar_t *store, const rem_meta *m, sup_err *err)
{
  sup_err why = {0};
  rem_meta *is = calloc(1, sizeof(*is));
  if (is == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory for a container");
  cordon_status status = rem_store_load(store, m->id, is, &why);
  if (status != CORDON_OK || !rem_meta_equal(is, m))
    status = sup_fail(err, CORDON_E_IO,
                      "the description of the container, read again, is not what was written "
                      "(%.200s): the file was left",
                      why.sentence[0] != '\0' ? why.sentence : "something in it differs");
  rem_meta_release(is);
  free(is);
  return status;
}

/* What is kept under that name is the only copy of another file, or may be. */
static cordon_status check_free(const wchar_t *store, const char *id, sup_err *err)
{
  sup_err ignored = {0};
  rem_meta *m = calloc(1, sizeof(*m));
  if (m == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory for a container");
  cordon_status status = rem_store_load(store, id, m, &ignored);
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

cordon_status rem_container_seal(const rem_job *j, const rem_place *p, HANDLE h, rem_meta *m,
                                 sup_err *err)
{
  wchar_t store[REM_PATH];
  wchar_t path[REM_PATH];
  cordon_status status = rem_store_open(j, store, err);
  if (status == CORDON_OK)
    status = check_free(store, m->id, err);
  if (status == CORDON_OK)
    status = check_room(store, bytes_of(&m->attrs), err);
  if (status != CORDON_OK)
    return status;
  if (BCryptGenRandom(NULL, m->key, sizeof(m->key), BCRYPT_USE_SYSTEM_PREFERRED_RNG) != 0 ||
      BCryptGenRandom(NULL, m->nonce, sizeof(m->nonce), BCRYPT_USE_SYSTEM_PREFERRED_RNG) != 0)
    return sup_fail(err, CORDON_E_IO, "there is no random key");
  HANDLE to =
      rem_store_file(store, m->id, "data", path) ? rem_store_make(path) : INVALID_HANDLE_VALUE;
  if (to == INVALID_HANDLE_VALUE)
    return sup_fail_os(err, (int)GetLastError(), "the container cannot be made");
  status = write_sealed(j, p, h, to, m, err);
  SUP_FAULT_POINT("remediate.data");
  rem_close(&to);
  if (status == CORDON_OK)
    status = rem_container_open(j, m, NULL, NULL, err);
  m->state = REM_SEALED;
  m->sealed_ms = rem_store_now_ms();
  if (status == CORDON_OK)
    status = rem_store_save(store, m, err);
  SUP_FAULT_POINT("remediate.described");
  if (status == CORDON_OK)
    status = check_description(store, m, err);
  if (status != CORDON_OK)
    rem_container_drop(j, m->id);
  return status;
}

/* By its number alone a file is not known again: the number is given anew. */
bool rem_container_is_of(const rem_job *j, const rem_meta *m, HANDLE h)
{
  char sha256[65] = "";
  rem_look now;
  sup_err ignored = {0};
  return rem_look_at(h, &now) && rem_same_file(&now.identity, &m->attrs.look.identity) &&
         now.size == m->attrs.look.size &&
         rem_hash(j, h, now.size, sha256, NULL, &ignored) == CORDON_OK &&
         strcmp(sha256, m->sha256) == 0;
}
