/* A package from anybody: looked through from both ends, read, hashed and compared with the
 * manifest that it brings. */
#include "package_check.h"
#include "package_layout.h"
#include "package_read.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool fact)
{
  if (!fact)
    abort();
}

typedef struct input {
  const uint8_t *data;
  size_t size;
} input;

static cd_code read_at(void *context, uint64_t at, void *bytes, size_t len, cd_err *err)
{
  const input *in = context;
  (void)err;
  must(at <= in->size && len <= in->size - at);
  if (len > 0)
    memcpy(bytes, in->data + at, len);
  return CD_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  cd_err err = {0};
  input in = {data, size};
  uint64_t entries = 0;
  bool sound = ctl_layout_check(read_at, &in, size, &entries, &err) == CD_OK;
  must(sound == (err.text[0] == '\0'));
  must(entries <= CTL_PACKAGE_ENTRIES_MAX);
  err = (cd_err){0};
  ctl_package p;
  ctl_package_report r = {.doc = NULL};
  struct archive *a = ctl_package_archive();
  if (a == NULL || archive_read_open_memory(a, data, size) != ARCHIVE_OK) {
    (void)archive_read_free(a);
    return 0;
  }
  cd_code rc = ctl_package_read(a, size, NULL, &p, &err);
  must((rc == CD_OK) == (err.text[0] == '\0'));
  must(!sound || p.count <= entries);
  for (size_t i = 0; i < p.count; i++)
    must(cd_entry_name_check(cd_str_from(p.entries[i].name), NULL) == CD_OK);
  if (rc == CD_OK)
    rc = ctl_package_check(&p, &r, &err);
  must((rc == CD_OK) == (err.text[0] == '\0'));
  must(rc != CD_OK || r.whole <= p.count);
  ctl_package_report_release(&r);
  ctl_package_release(&p);
  (void)archive_read_free(a);
  return 0;
}
