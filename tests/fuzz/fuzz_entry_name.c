/* Names of files in a package: what is taken leads nowhere but below the folder. */
#include "base/entry_name.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool fact)
{
  if (!fact)
    abort();
}

static bool is_dots(cd_str part)
{
  return cd_str_eq_cstr(part, ".") || cd_str_eq_cstr(part, "..");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  cd_err err = {0};
  cd_str name = {(const char *)data, size};
  cd_code rc = cd_entry_name_check(name, &err);
  must((rc == CD_OK) == (err.text[0] == '\0'));
  if (rc != CD_OK)
    return 0;
  must(size > 0 && size <= CD_ENTRY_NAME_MAX && data[0] != '/');
  must(memchr(data, '\0', size) == NULL && memchr(data, '\\', size) == NULL);
  for (cd_str rest = name; rest.len > 0;) {
    cd_str part = cd_str_cut(&rest, '/');
    must(part.len > 0 && !is_dots(part));
  }
  (void)cd_entry_name_hash(name);
  return 0;
}
