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
                                        {"/tmp/cordon-none/", "is a folder"},
                                        {"/dev/null", "is not a regular file"},
                                        {"/dev/full", "is not a regular file"}};
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

/* A folder, and the names in it. */
typedef struct place {
  char folder[40];
  char file[64];
  char part[128]; /* of ID */
} place;

#define ID "01936c5e-8f2a-7b3c-9d4e-5f6a7b8c9d0e"

static void make_place(place *p)
{
  *p = (place){.folder = "/tmp/cordon-new-file-XXXXXX"};
  ck_assert_ptr_nonnull(mkdtemp(p->folder));
  (void)snprintf(p->file, sizeof(p->file), "%s/file", p->folder);
  (void)snprintf(p->part, sizeof(p->part), "%s." ID ".part", p->file);
}

static void begin(const place *p, ctl_new_file *f, const char *text)
{
  cd_err err = {0};
  ck_assert_msg(ctl_new_file_open(f, p->file, false, &err) == CD_OK, "%s", err.text);
  ctl_new_file_call(f, ID);
  ctl_new_file_call(f, ID);
  ck_assert_int_eq(ctl_new_file_add(f, text, strlen(text), &err), CD_OK);
}

static void is_text(const char *path, const char *text)
{
  char is[32] = "";
  FILE *f = fopen(path, "re");
  ck_assert_msg(f != NULL, "%s is not there", path);
  (void)fread(is, 1, sizeof(is) - 1, f);
  (void)fclose(f);
  ck_assert_str_eq(is, text);
}

START_TEST(what_a_killed_command_left_goes_with_the_next)
{
  place p;
  ctl_new_file killed;
  ctl_new_file next;
  cd_err err = {0};
  make_place(&p);
  begin(&p, &killed, "half");
  is_text(p.part, "half");
  ck_assert_int_eq(close(killed.file), 0); /* as if it had been killed */
  begin(&p, &next, "whole");
  is_text(p.part, "half");
  ck_assert_msg(ctl_new_file_commit(&next, &err) == CD_OK, "%s", err.text);
  is_text(p.file, "whole");
  ck_assert_int_eq(unlink(p.file), 0);
  ck_assert_int_eq(rmdir(p.folder), 0);
}
END_TEST

/* Both may run at once: neither puts the other's half there. */
START_TEST(two_for_one_action_do_not_take_each_others_file)
{
  place p;
  ctl_new_file first;
  ctl_new_file second;
  cd_err err = {0};
  make_place(&p);
  begin(&p, &first, "first");
  begin(&p, &second, "sec");
  ck_assert_str_eq(first.temporary, p.part);
  ck_assert_msg(ctl_new_file_commit(&first, &err) == CD_OK, "%s", err.text);
  is_text(p.file, "first");
  ck_assert_int_eq(ctl_new_file_commit(&second, &err), CD_E_CONFLICT);
  ctl_new_file_drop(&second);
  is_text(p.file, "first");
  ck_assert_int_eq(unlink(p.file), 0);
  ck_assert_int_eq(rmdir(p.folder), 0);
}
END_TEST

Suite *suite_new_file(void)
{
  Suite *s = suite_create("ctl.new_file");
  TCase *c = tcase_create("new_file");
  tcase_add_test(c, the_name_is_on_disk_too);
  tcase_add_test(c, what_could_only_fail_in_the_end_is_refused_at_once);
  tcase_add_test(c, the_longest_name_is_taken);
  tcase_add_test(c, what_a_killed_command_left_goes_with_the_next);
  tcase_add_test(c, two_for_one_action_do_not_take_each_others_file);
  suite_add_tcase(s, c);
  return s;
}
