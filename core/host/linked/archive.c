#include "libarchive.h"

#include <archive.h>
#include <archive_entry.h>

#include <string.h>

#include "base/banned.h"

static const struct {
  const char *symbol;
  pf_function function;
} functions[] = {
#define PH_ROW(name)                                                                               \
  {                                                                                                \
#name, (pf_function)(name)                                                                     \
  }
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
