/* Which files code and policy may come from. */
#include "platform/file.h"

#include "place.h"
#include "platform_tests.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static cd_err err;

static void expect_trusted(const char *path)
{
  uv_os_fd_t fd = -1;
  char text[8] = {0};
  ck_assert_msg(pf_file_open_trusted(path, &fd, &err) == CD_OK, "%s", err.text);
  ck_assert_int_eq(read(fd, text, 4), 4);
  ck_assert_str_eq(text, "good");
  ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
  pf_file_close(fd);
}

/* Refused with this code and a sentence that has `why` in it; the output stays as it was. */
static void expect_refused(const char *path, cd_code code, const char *why)
{
  uv_os_fd_t fd = -7;
  memset(&err, 0, sizeof(err));
  ck_assert_int_eq(pf_file_open_trusted(path, &fd, &err), code);
  ck_assert_int_eq(fd, -7);
  ck_assert_msg(strstr(err.text, why) != NULL, "%s", err.text);
}

/* The fixture: a/b/f, all ours. */
static void make_tree(void)
{
  place_new();
  make_dir(at("a"), 0755);
  make_dir(at("a/b"), 0755);
  make_file(at("a/b/f"), "good", 0644);
}

START_TEST(opens_what_only_we_can_write)
{
  make_tree();
  expect_trusted(at("a/b/f"));
  expect_trusted(at("a//b/./../b///f"));
  ck_assert_int_eq(chmod(at("a/b/f"), 0400), 0);
  expect_trusted(at("a/b/f"));
}
END_TEST

START_TEST(opens_by_a_relative_name)
{
  make_tree();
  ck_assert_int_eq(chdir(at("a")), 0);
  expect_trusted("b/f");
  expect_trusted("./b/f");
  expect_trusted("../a/b/f");
}
END_TEST

START_TEST(refuses_what_a_group_or_anyone_may_write)
{
  static const unsigned bad[] = {0664, 0646, 0666, 0622};
  make_tree();
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    ck_assert_int_eq(chmod(at("a/b/f"), bad[i]), 0);
    expect_refused(at("a/b/f"), CD_E_DENIED, "others may write to the file");
  }
}
END_TEST

START_TEST(refuses_a_folder_that_others_may_write_to)
{
  static const unsigned bad[] = {0775, 0757, 0777, 01777, 01775};
  make_tree();
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    ck_assert_int_eq(chmod(at("a"), bad[i]), 0);
    expect_refused(at("a/b/f"), CD_E_DENIED, "/a' (mode ");
  }
  ck_assert_int_eq(chmod(at("a"), 0755), 0);
  expect_trusted(at("a/b/f"));
}
END_TEST

START_TEST(refuses_what_is_below_a_shared_folder)
{
  char name[] = "/tmp/cordon-test-XXXXXX";
  char file[64];
  struct stat st;
  ck_assert_int_eq(stat("/tmp", &st), 0);
  ck_assert_uint_ne(st.st_mode & S_IWOTH, 0);
  ck_assert_ptr_nonnull(mkdtemp(name));
  (void)snprintf(file, sizeof(file), "%s/f", name);
  make_file(file, "good", 0644);
  uv_os_fd_t fd = -1;
  cd_code rc = pf_file_open_trusted(file, &fd, &err);
  (void)unlink(file);
  (void)rmdir(name);
  ck_assert_int_eq(rc, CD_E_DENIED);
  ck_assert_ptr_nonnull(strstr(err.text, "'/tmp'"));
}
END_TEST

START_TEST(refuses_the_files_and_folders_of_others)
{
  const struct passwd *nobody = getpwnam("nobody");
  make_tree();
  ck_assert_int_eq(chown(at("a/b/f"), nobody->pw_uid, 0), 0);
  expect_refused(at("a/b/f"), CD_E_DENIED, "the file ");
  ck_assert_int_eq(chown(at("a/b/f"), 0, 0), 0);
  ck_assert_int_eq(chown(at("a"), nobody->pw_uid, 0), 0);
  expect_refused(at("a/b/f"), CD_E_DENIED, "/a' belongs to user id");
}
END_TEST

START_TEST(refuses_a_link_as_the_file)
{
  make_tree();
  ck_assert_int_eq(symlink("f", at("a/b/link")), 0);
  ck_assert_int_eq(symlink("nowhere", at("a/b/dangling")), 0);
  expect_refused(at("a/b/link"), CD_E_DENIED, "symbolic link");
  expect_refused(at("a/b/dangling"), CD_E_DENIED, "symbolic link");
}
END_TEST

START_TEST(follows_links_between_good_folders)
{
  char target[PLACE_PATH_MAX];
  make_tree();
  ck_assert_int_eq(symlink("a/b", at("relative")), 0);
  (void)snprintf(target, sizeof(target), "%s", at("a"));
  ck_assert_int_eq(symlink(target, at("absolute")), 0);
  ck_assert_int_eq(symlink("../../relative", at("a/b/up")), 0);
  expect_trusted(at("relative/f"));
  expect_trusted(at("absolute/b/f"));
  expect_trusted(at("absolute/b/up/f"));
  expect_trusted(at("relative/../b/f"));
}
END_TEST

START_TEST(checks_where_a_link_leads_through)
{
  make_tree();
  make_dir(at("open"), 0777);
  make_dir(at("open/inner"), 0755);
  make_file(at("open/inner/f"), "good", 0644);
  ck_assert_int_eq(symlink("open/inner", at("link")), 0);
  expect_refused(at("link/f"), CD_E_DENIED, "/open' (mode 0777)");
  /* Also when the way leads in and out again. */
  ck_assert_int_eq(symlink("open/inner/../../a/b", at("detour")), 0);
  expect_refused(at("detour/f"), CD_E_DENIED, "/open' (mode 0777)");
}
END_TEST

START_TEST(ends_a_circle_of_links)
{
  place_new();
  ck_assert_int_eq(symlink("y", at("x")), 0);
  ck_assert_int_eq(symlink("x", at("y")), 0);
  expect_refused(at("x/f"), CD_E_IO, strerror(ELOOP));
}
END_TEST

START_TEST(refuses_other_kinds_and_waits_for_none)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  make_tree();
  ck_assert_int_eq(mkfifo(at("a/fifo"), 0600), 0);
  expect_refused(at("a/fifo"), CD_E_DENIED, "not a regular file");
  expect_refused(at("a/b"), CD_E_DENIED, "not a regular file");
  expect_refused(at("a/b/"), CD_E_DENIED, "not a regular file");
  expect_refused(at("a/b/.."), CD_E_DENIED, "not a regular file");
  expect_refused("/", CD_E_DENIED, "not a regular file");
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", at("a/socket"));
  ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
  ck_assert_int_eq(chmod(at("a/socket"), 0600), 0);
  expect_refused(at("a/socket"), CD_E_DENIED, "not a regular file");
  (void)close(fd);
}
END_TEST

START_TEST(names_what_is_not_there)
{
  make_tree();
  expect_refused(at("a/b/absent"), CD_E_NOTFOUND, "/a/b/absent'");
  expect_refused(at("a/absent/f"), CD_E_NOTFOUND, "/a/absent'");
  expect_refused(at("a/b/f/g"), CD_E_IO, "/a/b/f'");
  expect_refused("", CD_E_DENIED, "not a regular file");
}
END_TEST

START_TEST(refuses_names_that_are_too_long)
{
  char *name = malloc(2 * PATH_MAX);
  memset(name, 'x', 2 * PATH_MAX - 1);
  name[0] = '/';
  name[2 * PATH_MAX - 1] = '\0';
  expect_refused(name, CD_E_INVALID, "longer than");
  for (size_t i = 0; i < PATH_MAX - 2; i += 2)
    memcpy(name + i, "/.", 2);
  name[PATH_MAX - 2] = '\0';
  expect_refused(name, CD_E_DENIED, "'/././.");
  free(name);
}
END_TEST

static int count_open(void)
{
  int count = 0;
  for (int fd = 0; fd < 256; fd++)
    if (fcntl(fd, F_GETFD) >= 0)
      count++;
  return count;
}

START_TEST(keeps_no_descriptor_but_the_one_it_gives)
{
  make_tree();
  int before = count_open();
  expect_trusted(at("a/b/f"));
  expect_refused(at("a/b/absent"), CD_E_NOTFOUND, "absent");
  expect_refused(at("a/b"), CD_E_DENIED, "regular");
  ck_assert_int_eq(count_open(), before);
}
END_TEST

Suite *trusted_suite(void)
{
  Suite *s = suite_create("platform.trusted");
  TCase *c = tcase_create("trusted");
  tcase_add_test(c, opens_what_only_we_can_write);
  tcase_add_test(c, opens_by_a_relative_name);
  tcase_add_test(c, refuses_what_a_group_or_anyone_may_write);
  tcase_add_test(c, refuses_a_folder_that_others_may_write_to);
  tcase_add_test(c, refuses_what_is_below_a_shared_folder);
  add_root_test(c, refuses_the_files_and_folders_of_others);
  tcase_add_test(c, refuses_a_link_as_the_file);
  tcase_add_test(c, follows_links_between_good_folders);
  tcase_add_test(c, checks_where_a_link_leads_through);
  tcase_add_test(c, ends_a_circle_of_links);
  tcase_add_test(c, refuses_other_kinds_and_waits_for_none);
  tcase_add_test(c, names_what_is_not_there);
  tcase_add_test(c, refuses_names_that_are_too_long);
  tcase_add_test(c, keeps_no_descriptor_but_the_one_it_gives);
  suite_add_tcase(s, c);
  return s;
}
