/* Databases of rpm from before SQLite, as anybody with root may have made them. The seeds are real
 * ones: ndb by rpm 4.18, Berkeley's by db5.3_load, of the same three packages. */
#include "rpm.h"
#include "rpm_older.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what)
{
  if (holds)
    return;
  (void)fprintf(stderr, "%s\n", what);
  abort();
}

typedef struct reading {
  unsigned asked; /* reads, before it is told to stop */
  unsigned headers;
} reading;

enum { ASKED_MAX = 20000 };

static bool see_path(void *data, const char *path, size_t len)
{
  (void)data;
  must(strlen(path) == len && len < COL_PATH, "a path that is longer than it says");
  return true;
}

static bool see_header(void *data, const unsigned char *bytes, size_t len)
{
  reading *r = data;
  col_rpm rpm;
  must(len <= COL_RPM_HEADER_MAX, "a header above the limit");
  if (col_rpm_read(bytes, len, &rpm)) {
    must(rpm.name[0] != '\0', "a package without a name");
    (void)col_rpm_files(&rpm, see_path, NULL);
  }
  return ++r->headers < ASKED_MAX;
}

static bool stop(void *data)
{
  reading *r = data;
  return ++r->asked > ASKED_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static int fd = -1;
  static const char *(*const readers[])(col_rpm_older *) = {col_rpm_bdb, col_rpm_ndb};
  if (fd < 0)
    fd = memfd_create("rpm", MFD_CLOEXEC);
  must(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size,
       "no file to read from");
  for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
    reading r = {0};
    col_rpm_older o = {.fd = fd, .size = size, .header = see_header, .stop = stop, .data = &r};
    const char *why = readers[i](&o);
    must(why == NULL || (why[0] != '\0' && r.headers == 0), "it is none, and has packages");
  }
  return 0;
}
