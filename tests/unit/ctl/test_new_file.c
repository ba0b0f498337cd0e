/* Files that are to outlive a power cut. */
#include "new_file.h"

#include "suites.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned folders_synced;
static bool folder_fails;

/* In front of the C library's: what is synced is seen here, and a disk can fail. */
int fsync(int fd)
{
  struct stat st;
  if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
    folders_synced++;
    if (folder_fails) {
      errno = EIO;
      return -1;
    }
  }
  return (int)syscall(SYS_fsync, fd);
}

static cd_code make(const char *folder, bool overwrite, bool lazy, cd_err *err)
{
  char path[CD_PATH_MAX];
  ctl_new_file f;
  folders_synced = 0;
  (void)snprintf(path, sizeof(path), "%s/file", folder);
  ck_assert_int_eq(ctl_new_file_open(&f, path, overwrite, err), CD_OK);
  f.lazy = lazy;
  ck_assert_int_eq(ctl_new_file_add(&f, "x", 1, err), CD_OK);
  cd_code rc = ctl_new_file_commit(&f, err);
  ctl_new_file_drop(&f);
  ck_assert_int_eq(access(path, F_OK), 0);
  return rc;
}

START_TEST(the_name_is_on_disk_too)
{
  char folder[] = "/tmp/cordon-new-file-XXXXXX";
  char path[sizeof(folder) + 8];
  cd_err err = {0};
  ck_assert_ptr_nonnull(mkdtemp(folder));
  (void)snprintf(path, sizeof(path), "%s/file", folder);
  ck_assert_int_eq(make(folder, false, false, &err), CD_OK);
  ck_assert_uint_eq(folders_synced, 1);
  ck_assert_int_eq(make(folder, true, false, &err), CD_OK);
  ck_assert_uint_eq(folders_synced, 1);
  ck_assert_int_eq(make(folder, true, true, &err), CD_OK);
  ck_assert_uint_eq(folders_synced, 0);
  folder_fails = true;
  ck_assert_int_ne(make(folder, true, false, &err), CD_OK);
  folder_fails = false;
  ck_assert_ptr_nonnull(strstr(err.text, "could not be synced"));
  ck_assert_int_eq(unlink(path), 0);
  ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

Suite *suite_new_file(void)
{
  Suite *s = suite_create("ctl.new_file");
  TCase *c = tcase_create("new_file");
  tcase_add_test(c, the_name_is_on_disk_too);
  suite_add_tcase(s, c);
  return s;
}
