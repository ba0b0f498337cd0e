#include "zip.h"

#include "libarchive.h"

#include "base/str.h"

#include <archive.h>
#include <archive_entry.h>

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define PH_BLOCK (64 * 1024)
/* The last level that is fast: of a package it makes 7 % more bytes than level 6 in half the time.
 */
#define PH_LEVEL "3"
/* Deflate keeps up to 64 KiB of what it made and 64 KiB of what it got, libarchive as much, and a
 * block. */
#define PH_HELD_BACK (256u * 1024u)
#define PH_ENTRY_FIXED 128u /* of the directory: 46 and the extra fields of libarchive */
#define PH_TAIL 128u        /* both ends of the directory */

/* What is used of the library. */
typedef struct ph_archive {
  __typeof__(archive_write_new) *archive_write_new;
  __typeof__(archive_write_set_format_zip) *archive_write_set_format_zip;
  __typeof__(archive_write_set_format_option) *archive_write_set_format_option;
  __typeof__(archive_write_set_bytes_per_block) *archive_write_set_bytes_per_block;
  __typeof__(archive_write_set_bytes_in_last_block) *archive_write_set_bytes_in_last_block;
  __typeof__(archive_write_open2) *archive_write_open2;
  __typeof__(archive_write_zip_set_compression_deflate) *archive_write_zip_set_compression_deflate;
  __typeof__(archive_write_zip_set_compression_store) *archive_write_zip_set_compression_store;
  __typeof__(archive_write_header) *archive_write_header;
  __typeof__(archive_write_data) *archive_write_data;
  __typeof__(archive_write_finish_entry) *archive_write_finish_entry;
  __typeof__(archive_write_close) *archive_write_close;
  __typeof__(archive_write_free) *archive_write_free;
  __typeof__(archive_error_string) *archive_error_string;
  __typeof__(archive_entry_new) *archive_entry_new;
  __typeof__(archive_entry_free) *archive_entry_free;
  __typeof__(archive_entry_set_pathname) *archive_entry_set_pathname;
  __typeof__(archive_entry_set_filetype) *archive_entry_set_filetype;
  __typeof__(archive_entry_set_perm) *archive_entry_set_perm;
  __typeof__(archive_entry_set_mtime) *archive_entry_set_mtime;
} ph_archive;

/* Filled once, before there is a second thread. */
static ph_archive lib;
static bool loaded;

struct ph_zip {
  struct archive *archive;
  uv_file file;
  uint64_t size;
  int os_error; /* of the first write that failed */
  bool over;    /* nothing more is written */
};

static cd_code find(const char *symbol, void *slot, cd_err *err)
{
  pf_function address = NULL;
  cd_code rc = ph_archive_function(symbol, &address, err);
  if (rc == CD_OK)
    memcpy(slot, &address, sizeof(address));
  return rc;
}

cd_code ph_zip_load(cd_err *err)
{
  static const struct {
    const char *symbol;
    size_t offset;
  } functions[] = {
#define PH_ROW(name) {#name, offsetof(ph_archive, name)}
      PH_ROW(archive_write_new),
      PH_ROW(archive_write_set_format_zip),
      PH_ROW(archive_write_set_format_option),
      PH_ROW(archive_write_set_bytes_per_block),
      PH_ROW(archive_write_set_bytes_in_last_block),
      PH_ROW(archive_write_open2),
      PH_ROW(archive_write_zip_set_compression_deflate),
      PH_ROW(archive_write_zip_set_compression_store),
      PH_ROW(archive_write_header),
      PH_ROW(archive_write_data),
      PH_ROW(archive_write_finish_entry),
      PH_ROW(archive_write_close),
      PH_ROW(archive_write_free),
      PH_ROW(archive_error_string),
      PH_ROW(archive_entry_new),
      PH_ROW(archive_entry_free),
      PH_ROW(archive_entry_set_pathname),
      PH_ROW(archive_entry_set_filetype),
      PH_ROW(archive_entry_set_perm),
      PH_ROW(archive_entry_set_mtime)};
  if (loaded)
    return CD_OK;
  /* Names that are more than ASCII are marked as UTF-8 only where the locale says so. */
  (void)setlocale(LC_CTYPE, "C.UTF-8");
  cd_code rc = ph_archive_open(err);
  for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]) && rc == CD_OK; i++)
    rc = find(functions[i].symbol, (char *)&lib + functions[i].offset, err);
  loaded = rc == CD_OK;
  return rc;
}

static cd_code failed(const ph_zip *z, const char *what, cd_err *err)
{
  const char *why = lib.archive_error_string(z->archive);
  if (z->os_error != 0)
    return cd_fail_os(err, cd_code_from_errno(z->os_error), z->os_error, "%s: %s", what,
                      strerror(z->os_error));
  return cd_fail(err, CD_E_INTERNAL, "%s: %s", what, why != NULL ? why : "unknown reason");
}

/* A failure is kept and not told: an archive that has heard of one frees no memory any more. */
static la_ssize_t on_write(struct archive *a, void *data, const void *bytes, size_t len)
{
  ph_zip *z = data;
  (void)a;
  size_t done = 0;
  while (done < len && !z->over) {
    uv_fs_t req;
    uv_buf_t part = uv_buf_init((char *)(uintptr_t)bytes + done, (unsigned)(len - done));
    int wrote = uv_fs_write(NULL, &req, z->file, &part, 1, (int64_t)z->size, NULL);
    uv_fs_req_cleanup(&req);
    if (wrote == UV_EINTR)
      continue;
    if (wrote <= 0) {
      z->os_error = wrote < 0 ? -wrote : EIO;
      z->over = true;
      break;
    }
    done += (size_t)wrote;
    z->size += (uint64_t)wrote;
  }
  return (la_ssize_t)len;
}

cd_code ph_zip_new(uv_file file, ph_zip **ret_zip, cd_err *err)
{
  ph_zip *z = calloc(1, sizeof(*z));
  if (z == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for a package");
  z->file = file;
  z->archive = lib.archive_write_new();
  if (z->archive == NULL) {
    free(z);
    return cd_fail(err, CD_E_INTERNAL, "no memory for a package");
  }
  if (lib.archive_write_set_format_zip(z->archive) != ARCHIVE_OK ||
      lib.archive_write_set_format_option(z->archive, "zip", "compression-level", PH_LEVEL) !=
          ARCHIVE_OK ||
      lib.archive_write_set_bytes_per_block(z->archive, PH_BLOCK) != ARCHIVE_OK ||
      lib.archive_write_set_bytes_in_last_block(z->archive, 1) != ARCHIVE_OK ||
      lib.archive_write_open2(z->archive, z, NULL, on_write, NULL, NULL) != ARCHIVE_OK) {
    cd_code rc = failed(z, "the package could not be begun", err);
    ph_zip_free(z);
    return rc;
  }
  *ret_zip = z;
  return CD_OK;
}

static bool is_well(const ph_zip *z, int rc)
{
  return rc == ARCHIVE_OK && z->os_error == 0;
}

cd_code ph_zip_begin(ph_zip *z, const char *name, int64_t mtime_s, bool store, cd_err *err)
{
  struct archive_entry *e = lib.archive_entry_new();
  if (e == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for an artifact");
  lib.archive_entry_set_pathname(e, name);
  lib.archive_entry_set_filetype(e, AE_IFREG);
  lib.archive_entry_set_perm(e, 0600);
  lib.archive_entry_set_mtime(e, (time_t)mtime_s, 0);
  int rc = store ? lib.archive_write_zip_set_compression_store(z->archive)
                 : lib.archive_write_zip_set_compression_deflate(z->archive);
  if (rc == ARCHIVE_OK)
    rc = lib.archive_write_header(z->archive, e);
  lib.archive_entry_free(e);
  return is_well(z, rc) ? CD_OK : failed(z, "the artifact could not be begun", err);
}

cd_code ph_zip_add(ph_zip *z, const void *bytes, size_t len, cd_err *err)
{
  const char *at = bytes;
  size_t left = len;
  while (left > 0) {
    la_ssize_t took = lib.archive_write_data(z->archive, at, left);
    if (took <= 0 || z->os_error != 0)
      return failed(z, "the artifact could not be written", err);
    at += took;
    left -= (size_t)took;
  }
  return CD_OK;
}

cd_code ph_zip_end(ph_zip *z, cd_err *err)
{
  if (!is_well(z, lib.archive_write_finish_entry(z->archive)))
    return failed(z, "the artifact could not be ended", err);
  return CD_OK;
}

cd_code ph_zip_finish(ph_zip *z, cd_err *err)
{
  if (!is_well(z, lib.archive_write_close(z->archive)))
    return failed(z, "the package could not be ended", err);
  return CD_OK;
}

uint64_t ph_zip_size(const ph_zip *z)
{
  return z->size;
}

uint64_t ph_zip_bound(uint64_t len)
{
  return len + len / 1024 + PH_HELD_BACK;
}

uint64_t ph_zip_directory(uint64_t name_len)
{
  return name_len + PH_ENTRY_FIXED + (name_len == 0 ? PH_TAIL : 0);
}

void ph_zip_free(ph_zip *z)
{
  if (z == NULL)
    return;
  z->over = true;
  (void)lib.archive_write_free(z->archive);
  free(z);
}
