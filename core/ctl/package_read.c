#include "package_read.h"

#include "package_layout.h"

#include <archive_entry.h>

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/banned.h"

#define CHUNK (64u * 1024u)
#define MIB (1024u * 1024u)
#define NAME_MAX_BYTES 4096u /* of an entry's name, before it is looked at */
#define KIND 0170000u
#define KIND_REGULAR 0100000u

typedef struct reading {
  struct archive *archive;
  const ctl_package_visitor *visitor;
  ctl_package *package;
  uint64_t max; /* bytes that may come of it */
  bool manifest_only;
  char *chunk;
} reading;

void ctl_package_release(ctl_package *p)
{
  free(p->entries);
  ctl_names_release(&p->names);
  cd_buf_release(&p->manifest);
  *p = (ctl_package){0};
}

ctl_entry *ctl_package_find(ctl_package *p, cd_str name)
{
  size_t i = ctl_names_find(&p->names, name);
  return i < p->count && cd_str_eq_cstr(name, p->entries[i].name) ? &p->entries[i] : NULL;
}

struct archive *ctl_package_archive(void)
{
  struct archive *a = archive_read_new();
  if (a != NULL && archive_read_support_format_zip_seekable(a) != ARCHIVE_OK) {
    (void)archive_read_free(a);
    return NULL;
  }
  return a;
}

static cd_code broken(const reading *r, const char *what, cd_err *err)
{
  const char *why = archive_error_string(r->archive);
  return cd_fail(err, CD_E_INVALID, "%s: %.200s", what, why != NULL ? why : "it is damaged");
}

/* ---- an entry before it is read ---- */

static cd_code check_name(const reading *r, const char *name, cd_err *err)
{
  cd_err why = {0};
  cd_str text = cd_str_from(name);
  size_t other = 0;
  if (cd_entry_name_check(text, &why) != CD_OK)
    return cd_fail(err, CD_E_INVALID, "entry %zu of the package has a name that is not taken: %s",
                   r->package->count + 1, why.text);
  switch (ctl_names_clash(&r->package->names, text, &other)) {
  case CTL_NAME_TWICE: return cd_fail(err, CD_E_INVALID, "the package has '%s' twice", name);
  case CTL_NAME_BOTH_KINDS:
    return cd_fail(err, CD_E_INVALID,
                   "the package has '%.100s' and '%.100s': a file and a folder of one name",
                   r->package->entries[other].name, name);
  case CTL_NAME_FREE: break;
  }
  return CD_OK;
}

static cd_code make_room(ctl_package *p, cd_err *err)
{
  if (p->count >= CTL_PACKAGE_ENTRIES_MAX)
    return cd_fail(err, CD_E_LIMIT, "the package has more than %u entries",
                   CTL_PACKAGE_ENTRIES_MAX);
  if (p->count < p->room)
    return CD_OK;
  size_t room = p->room > 0 ? p->room * 2 : 64;
  ctl_entry *more = realloc(p->entries, room * sizeof(*more));
  if (more == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for the entries of the package");
  p->entries = more;
  p->room = room;
  return CD_OK;
}

static void add_utf8(cd_buf *out, uint32_t c)
{
  if (c < 0x80u) {
    cd_buf_add_char(out, (char)c);
    return;
  }
  static const uint32_t lead[] = {0, 0xc0u, 0xe0u, 0xf0u};
  unsigned more = c < 0x800u ? 1 : c < 0x10000u ? 2 : 3;
  cd_buf_add_char(out, (char)(lead[more] | (c >> (6 * more))));
  while (more-- > 0)
    cd_buf_add_char(out, (char)(0x80u | ((c >> (6 * more)) & 0x3fu)));
}

/* Wide characters are UTF-16 on some systems. */
static void add_wide(cd_buf *out, const wchar_t *wide)
{
  while (*wide != L'\0') {
    uint32_t c = (uint32_t)*wide++;
    if (c >= 0xd800u && c < 0xdc00u && (uint32_t)*wide >= 0xdc00u && (uint32_t)*wide < 0xe000u)
      c = 0x10000u + ((c - 0xd800u) << 10) + ((uint32_t)*wide++ - 0xdc00u);
    add_utf8(out, c);
  }
}

/* Where the library thinks in code pages it has no UTF-8 of a name that none of them has, but the
 * wide one. NULL: there is none. */
static const char *name_of(struct archive_entry *e, cd_buf *room)
{
  const char *name = archive_entry_pathname_utf8(e);
  const wchar_t *wide = name == NULL ? archive_entry_pathname_w(e) : NULL;
  if (wide != NULL) {
    add_wide(room, wide);
    return room->failed == CD_OK ? cd_buf_cstr(room) : NULL;
  }
  return name != NULL ? name : archive_entry_pathname(e);
}

static cd_code begin_named(reading *r, struct archive_entry *e, const char *name, cd_err *err)
{
  if (name == NULL)
    return cd_fail(err, CD_E_INVALID, "entry %zu of the package has no name that can be read",
                   r->package->count + 1);
  cd_code rc = make_room(r->package, err);
  if (rc == CD_OK)
    rc = check_name(r, name, err);
  if (rc != CD_OK)
    return rc;
  if (archive_entry_filetype(e) != AE_IFREG || archive_entry_hardlink(e) != NULL ||
      archive_entry_symlink(e) != NULL)
    return cd_fail(err, CD_E_INVALID, "'%s' of the package is no regular file", name);
  if (archive_entry_is_encrypted(e))
    return cd_fail(err, CD_E_UNSUPPORTED, "'%s' of the package is encrypted", name);
  ctl_entry *entry = &r->package->entries[r->package->count];
  *entry = (ctl_entry){0};
  (void)cd_str_copy(entry->name, sizeof(entry->name), cd_str_from(name));
  return ctl_names_add(&r->package->names, cd_str_from(entry->name), r->package->count, err);
}

static cd_code begin_entry(reading *r, struct archive_entry *e, cd_err *err)
{
  cd_buf room = CD_BUF_INIT(NAME_MAX_BYTES);
  cd_code rc = begin_named(r, e, name_of(e, &room), err);
  cd_buf_release(&room);
  return rc;
}

/* ---- its content ---- */

static cd_code take(reading *r, ctl_entry *entry, bool is_manifest, size_t len, cd_err *err)
{
  ctl_package *p = r->package;
  entry->bytes += len;
  p->bytes += len;
  if (p->bytes > r->max)
    return cd_fail(err, CD_E_LIMIT,
                   "the package unpacks to more than %llu bytes, and is not read on",
                   (unsigned long long)r->max);
  if (is_manifest) {
    cd_buf_add(&p->manifest, r->chunk, len);
    cd_code rc = cd_buf_status(&p->manifest, "the manifest of the package", err);
    if (rc != CD_OK)
      return rc;
  }
  if (r->visitor != NULL && r->visitor->data != NULL)
    return r->visitor->data(r->visitor->context, r->chunk, len, err);
  return CD_OK;
}

static cd_code read_content(reading *r, ctl_entry *entry, bool is_manifest, cd_err *err)
{
  cd_hash *h = NULL;
  cd_code rc = cd_hash_new(&h, err);
  while (rc == CD_OK) {
    la_ssize_t got = archive_read_data(r->archive, r->chunk, CHUNK);
    if (got < 0) {
      rc = broken(r, entry->name, err);
      break;
    }
    if (got == 0)
      break;
    cd_hash_add(h, r->chunk, (size_t)got);
    rc = take(r, entry, is_manifest, (size_t)got, err);
  }
  if (rc == CD_OK)
    rc = cd_hash_end(h, &entry->digest, err);
  cd_hash_free(h);
  return rc;
}

static cd_code read_entry(reading *r, struct archive_entry *e, cd_err *err)
{
  ctl_package *p = r->package;
  const ctl_package_visitor *v = r->visitor;
  cd_code rc = begin_entry(r, e, err);
  if (rc != CD_OK)
    return rc;
  ctl_entry *entry = &p->entries[p->count];
  bool is_manifest = strcmp(entry->name, CTL_MANIFEST_NAME) == 0;
  p->has_manifest = p->has_manifest || is_manifest;
  if (v != NULL && v->begin != NULL)
    rc = v->begin(v->context, entry->name, err);
  if (rc == CD_OK)
    rc = read_content(r, entry, is_manifest, err);
  if (rc == CD_OK && v != NULL && v->end != NULL)
    rc = v->end(v->context, err);
  if (rc == CD_OK)
    p->count++;
  return rc;
}

static bool is_passed_over(const reading *r, struct archive_entry *e)
{
  const char *name = archive_entry_pathname_utf8(e);
  return r->manifest_only && (name == NULL || strcmp(name, CTL_MANIFEST_NAME) != 0);
}

static cd_code read_all(reading *r, cd_err *err)
{
  cd_code rc = CD_OK;
  while (rc == CD_OK && !(r->manifest_only && r->package->has_manifest)) {
    struct archive_entry *e = NULL;
    int next = archive_read_next_header(r->archive, &e);
    if (next == ARCHIVE_EOF)
      break;
    if (next != ARCHIVE_OK && next != ARCHIVE_WARN)
      return broken(r, "the package cannot be read", err);
    if (!is_passed_over(r, e))
      rc = read_entry(r, e, err);
  }
  return rc;
}

static cd_code read_package(struct archive *a, uint64_t size, const ctl_package_visitor *visitor,
                            bool manifest_only, ctl_package *ret_package, cd_err *err)
{
  reading r = {
      .archive = a, .visitor = visitor, .package = ret_package, .manifest_only = manifest_only};
  *ret_package = (ctl_package){0};
  cd_buf_init(&ret_package->manifest, CTL_MANIFEST_MAX);
  r.max = size < CTL_PACKAGE_BYTES_MAX / CTL_PACKAGE_RATIO_MAX ? size * CTL_PACKAGE_RATIO_MAX + MIB
                                                               : CTL_PACKAGE_BYTES_MAX;
  r.chunk = malloc(CHUNK);
  if (r.chunk == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory to read the package");
  cd_code rc = read_all(&r, err);
  free(r.chunk);
  return rc;
}

cd_code ctl_package_read(struct archive *a, uint64_t size, const ctl_package_visitor *visitor,
                         ctl_package *ret_package, cd_err *err)
{
  return read_package(a, size, visitor, false, ret_package, err);
}

/* A named pipe or a device is no package. */
static cd_code open_regular(const char *path, uv_file *ret_file, uint64_t *ret_size, cd_err *err)
{
  uv_fs_t req;
  int file = uv_fs_open(NULL, &req, path, UV_FS_O_RDONLY | UV_FS_O_NONBLOCK, 0, NULL);
  uv_fs_req_cleanup(&req);
  if (file < 0)
    return cd_fail_os(err, cd_code_from_errno(file), -file, "cannot open %.300s: %s", path,
                      uv_strerror(file));
  int status = uv_fs_fstat(NULL, &req, file, NULL);
  uv_stat_t facts = req.statbuf;
  uv_fs_req_cleanup(&req);
  if (status == 0 && (facts.st_mode & KIND) == KIND_REGULAR) {
    *ret_file = file;
    *ret_size = facts.st_size;
    return CD_OK;
  }
  (void)uv_fs_close(NULL, &req, file, NULL);
  uv_fs_req_cleanup(&req);
  return cd_fail(err, CD_E_INVALID, "%.300s is not a file", path);
}

cd_code ctl_package_hash(const char *path, cd_hash *h, uint64_t *ret_size, cd_err *err)
{
  uv_fs_t req;
  uv_file file = -1;
  uint64_t size = 0;
  int got = 1;
  char *chunk = malloc(CHUNK);
  if (chunk == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory to read the package");
  cd_code rc = open_regular(path, &file, &size, err);
  for (size = 0; rc == CD_OK && got > 0; size += (uint64_t)(got > 0 ? got : 0)) {
    uv_buf_t into = uv_buf_init(chunk, CHUNK);
    got = uv_fs_read(NULL, &req, file, &into, 1, -1, NULL);
    uv_fs_req_cleanup(&req);
    if (got > 0)
      cd_hash_add(h, chunk, (size_t)got);
  }
  if (got < 0)
    rc = cd_fail_os(err, cd_code_from_errno(got), -got, "cannot read %.300s: %s", path,
                    uv_strerror(got));
  if (file >= 0) {
    (void)uv_fs_close(NULL, &req, file, NULL);
    uv_fs_req_cleanup(&req);
  }
  if (rc == CD_OK)
    *ret_size = size;
  free(chunk);
  return rc;
}

static cd_code read_at(void *context, uint64_t at, void *bytes, size_t len, cd_err *err)
{
  const uv_file *file = context;
  size_t done = 0;
  while (done < len) {
    uv_fs_t req;
    uv_buf_t into = uv_buf_init((char *)bytes + done, (unsigned)(len - done));
    int got = uv_fs_read(NULL, &req, *file, &into, 1, (int64_t)(at + done), NULL);
    uv_fs_req_cleanup(&req);
    if (got == 0)
      return cd_fail(err, CD_E_IO, "the package became shorter while it was read");
    if (got < 0)
      return cd_fail_os(err, cd_code_from_errno(got), -(int64_t)got, "cannot read the package: %s",
                        uv_strerror(got));
    done += (size_t)got;
  }
  return CD_OK;
}

static cd_code read_open(const char *path, uv_file file, uint64_t size,
                         const ctl_package_visitor *visitor, bool manifest_only,
                         ctl_package *ret_package, cd_err *err)
{
  uint64_t entries = 0;
  cd_code rc = ctl_layout_check(read_at, &file, size, &entries, err);
  if (rc != CD_OK)
    return rc;
  struct archive *a = ctl_package_archive();
  if (a == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory to read %.300s", path);
  if (archive_read_open_fd(a, file, CHUNK) != ARCHIVE_OK)
    rc = cd_fail(err, CD_E_INVALID, "%.300s is no package: %.100s", path, archive_error_string(a));
  else
    rc = read_package(a, size, visitor, manifest_only, ret_package, err);
  /* None is passed over, whatever its name. */
  if (rc == CD_OK && !manifest_only && ret_package->count != entries)
    rc = cd_fail(err, CD_E_INVALID, "of the package's %llu entries only %zu can be read",
                 (unsigned long long)entries, ret_package->count);
  (void)archive_read_free(a);
  return rc;
}

static cd_code read_file(const char *path, const ctl_package_visitor *visitor, bool manifest_only,
                         ctl_package *ret_package, cd_err *err)
{
  uv_fs_t req;
  uv_file file = -1;
  uint64_t size = 0;
  *ret_package = (ctl_package){0};
  cd_code rc = open_regular(path, &file, &size, err);
  if (rc != CD_OK)
    return rc;
  rc = read_open(path, file, size, visitor, manifest_only, ret_package, err);
  (void)uv_fs_close(NULL, &req, file, NULL);
  uv_fs_req_cleanup(&req);
  return rc;
}

cd_code ctl_package_read_file(const char *path, const ctl_package_visitor *visitor,
                              ctl_package *ret_package, cd_err *err)
{
  return read_file(path, visitor, false, ret_package, err);
}

cd_code ctl_package_read_manifest(const char *path, ctl_package *ret_package, cd_err *err)
{
  cd_code rc = read_file(path, NULL, true, ret_package, err);
  if (rc == CD_OK && !ret_package->has_manifest)
    rc = cd_fail(err, CD_E_INVALID, "the package has no %s: it is no package, or not all of it",
                 CTL_MANIFEST_NAME);
  return rc;
}
