#include "libarchive.h"

#include "base/entry_name.h"

#include <archive.h>
#include <archive_entry.h>

#include <string.h>
#include <uv.h>
#include <wchar.h>

#include "base/banned.h"

/* Here the library takes names for those of a code page, which has not all of them. These two stand
 * in for its own: a name comes in as UTF-8 and stands so in the package. One that is no UTF-8 gets
 * none, and the library then refuses it. */
static void set_pathname(struct archive_entry *e, const char *utf8)
{
  wchar_t wide[CD_ENTRY_NAME_MAX + 1];
  _Static_assert(sizeof(wchar_t) == sizeof(uint16_t), "names are UTF-16");
  ssize_t len = uv_wtf8_length_as_utf16(utf8);
  if (len <= 0 || (size_t)len > sizeof(wide) / sizeof(wide[0]))
    return;
  uv_wtf8_to_utf16(utf8, (uint16_t *)wide, (size_t)len);
  archive_entry_copy_pathname_w(e, wide);
}

static int set_format_zip(struct archive *a)
{
  int rc = archive_write_set_format_zip(a);
  return rc == ARCHIVE_OK ? archive_write_set_format_option(a, "zip", "hdrcharset", "UTF-8") : rc;
}

static const struct {
  const char *symbol;
  pf_function function;
} functions[] = {
#define PH_ROW(name)                                                                               \
  {                                                                                                \
#name, (pf_function)(name)                                                                     \
  }
    PH_ROW(archive_write_new),
    {"archive_write_set_format_zip", (pf_function)(set_format_zip)},
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
    {"archive_entry_set_pathname", (pf_function)(set_pathname)},
    PH_ROW(archive_entry_set_filetype),
    PH_ROW(archive_entry_set_perm),
    PH_ROW(archive_entry_set_mtime)};

cd_code ph_archive_open(cd_err *err)
{
  (void)err;
  return CD_OK;
}

cd_code ph_archive_function(const char *symbol, pf_function *ret_function, cd_err *err)
{
  for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
    if (strcmp(functions[i].symbol, symbol) == 0) {
      *ret_function = functions[i].function;
      return CD_OK;
    }
  }
  return cd_fail(err, CD_E_NOTFOUND, "libarchive's '%s' is not linked in", symbol);
}
