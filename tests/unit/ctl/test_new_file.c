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

START_TEST(what_could_only_fail_in_the_end_is_refused_at_once)
{
  static const char *const rows[][2] = {{"", "is empty"},
                                        {"-", "standard output"},
                                        {"/tmp", "is a folder"},
                                        {"/tmp/", "is a folder"},
                                        {"/tmp/cordon-none/", "is a folder"}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    ctl_new_file f;
    cd_err err = {0};
    ck_assert_int_eq(ctl_new_file_open(&f, rows[i][0], true, &err), CD_E_INVALID);
    ck_assert_msg(strstr(err.text, rows[i][1]) != NULL, "%s", err.text);
    ck_assert_int_eq(ctl_new_file_exit(&err), CTL_EXIT_USAGE);
    ctl_new_file_drop(&f);
  }
}
END_TEST

/* 255 bytes are what a file system takes. */
START_TEST(the_longest_name_is_taken)
{
  char folder[] = "/tmp/cordon-new-file-XXXXXX";
  char path[sizeof(folder) + 256];
  ctl_new_file f;
  cd_err err = {0};
  ck_assert_ptr_nonnull(mkdtemp(folder));
  (void)snprintf(path, sizeof(path), "%s/%0255d", folder, 7);
  ck_assert_msg(ctl_new_file_open(&f, path, false, &err) == CD_OK, "%s", err.text);
  ck_assert_msg(ctl_new_file_commit(&f, &err) == CD_OK, "%s", err.text);
  ctl_new_file_drop(&f);
  ck_assert_int_eq(unlink(path), 0);
  ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

Suite *suite_new_file(void)
{
  Suite *s = suite_create("ctl.new_file");
  TCase *c = tcase_create("new_file");
  tcase_add_test(c, the_name_is_on_disk_too);
  tcase_add_test(c, what_could_only_fail_in_the_end_is_refused_at_once);
  tcase_add_test(c, the_longest_name_is_taken);
  suite_add_tcase(s, c);
  return s;
}
