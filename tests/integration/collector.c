#include "collector.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

driver *collector_begin_with(const char *settings, const char *collect, const char *fault)
{
  driver *d = driver_new(&(driver_options){.providers = {"collects", "good"},
                                           .settings = {settings},
                                           .collects = {true},
                                           .collect = collect});
  driver_start(d, fault);
  return d;
}

driver *collector_begin(const char *settings)
{
  return collector_begin_with(settings, NULL, NULL);
}

void collector_end(driver *d)
{
  driver_stop(d);
  driver_free(d);
}

unsigned collector_zip(const char *path, const char *name, char out[256])
{
  struct archive *a = archive_read_new();
  struct archive_entry *e = NULL;
  unsigned count = 0;
  out[0] = '\0';
  ck_assert_int_eq(archive_read_support_format_zip_seekable(a), ARCHIVE_OK);
  ck_assert_msg(archive_read_open_filename(a, path, 65536) == ARCHIVE_OK, "%s",
                archive_error_string(a));
  for (; archive_read_next_header(a, &e) == ARCHIVE_OK; count++) {
    if (strcmp(archive_entry_pathname(e), name) == 0) {
      la_ssize_t len = archive_read_data(a, out, 255);
      ck_assert_int_ge(len, 0);
      out[len] = '\0';
    }
  }
  archive_read_free(a);
  return count;
}

unsigned collector_spool(driver *d)
{
  unsigned count = 0;
  DIR *dir = opendir(driver_path(d, "state/spool"));
  for (struct dirent *e = dir != NULL ? readdir(dir) : NULL; e != NULL; e = readdir(dir))
    count += e->d_name[0] != '.' ? 1 : 0;
  if (dir != NULL)
    (void)closedir(dir);
  return count;
}

void collector_expect(driver *d, const char *id, const char *status, const char *part)
{
  char params[64];
  (void)snprintf(params, sizeof(params), "{\"id\":\"%s\"}", id);
  driver_reply r = driver_request(d, "action", params);
  ck_assert_str_eq(driver_at(r.result, "action.status"), status);
  ck_assert_msg(strstr(driver_at(r.result, "action.sentence"), part) != NULL, "%s",
                driver_at(r.result, "action.sentence"));
  driver_reply_release(&r);
}
