/* The signatures that clamd has loaded from: how many, and how old. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "clamav.h"

enum { FILES_MAX = 1000, HEADER = 512 };
#define COUNTED_MAX (8u * 1024u * 1024u)

static const char *ending(const char *name)
{
  const char *dot = strrchr(name, '.');
  return dot != NULL ? dot + 1 : "";
}

static bool is_one_of(const char *text, const char *const *words)
{
  for (size_t i = 0; words[i] != NULL; i++) {
    if (strcmp(text, words[i]) == 0)
      return true;
  }
  return false;
}

/* A line is a signature. */
static uint64_t count_lines(int fd)
{
  char part[16384];
  uint64_t lines = 0;
  ssize_t got = 0;
  for (size_t all = 0; all < COUNTED_MAX && (got = read(fd, part, sizeof(part))) > 0;
       all += (size_t)got) {
    for (ssize_t i = 0; i < got; i++)
      lines += part[i] == '\n' ? 1 : 0;
  }
  return lines;
}

static void look_at(int fd, const char *name, clam_database *db)
{
  static const char *const packed[] = {"cvd", "cld", NULL};
  static const char *const plain[] = {"hdb", "hsb", "hdu", "hsu",  "mdb", "msb", "mdu",
                                      "msu", "ndb", "ndu", "ldb",  "ldu", "db",  "sdb",
                                      "cdb", "crb", "yar", "yara", NULL};
  char header[HEADER];
  struct stat st;
  clam_cvd cvd = {0};
  bool is_packed = is_one_of(ending(name), packed);
  if ((!is_packed && !is_one_of(ending(name), plain)) || fstat(fd, &st) != 0 ||
      !S_ISREG(st.st_mode))
    return;
  db->exists = true;
  int64_t built_ms = (int64_t)st.st_mtime * 1000;
  ssize_t len = is_packed ? pread(fd, header, sizeof(header), 0) : -1;
  if (len > 0 && clam_cvd_read(header, (size_t)len, &cvd)) {
    db->signatures += cvd.signatures;
    built_ms = cvd.built_s > 0 ? (int64_t)cvd.built_s * 1000 : built_ms;
    if (strncmp(name, "daily.", 6) == 0)
      db->version = cvd.version;
  } else if (!is_packed) {
    db->signatures += count_lines(fd);
  }
  if (built_ms > db->built_ms)
    db->built_ms = built_ms;
}

void clam_database_look(const char *folder, clam_database *ret_db)
{
  *ret_db = (clam_database){0};
  DIR *dir = opendir(folder);
  const struct dirent *e = NULL;
  if (dir == NULL)
    return;
  for (int i = 0; i < FILES_MAX && (e = readdir(dir)) != NULL; i++) {
    int fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
      continue;
    look_at(fd, e->d_name, ret_db);
    (void)close(fd);
  }
  (void)closedir(dir);
}
