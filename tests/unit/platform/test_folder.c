#include "platform/file.h"

#include "place.h"
#include "platform_tests.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static cd_err err;

static void expect_folder(const char *path, unsigned mode, uid_t owner)
{
  struct stat st;
  ck_assert_int_eq(lstat(path, &st), 0);
  ck_assert(S_ISDIR(st.st_mode));
  ck_assert_uint_eq(st.st_mode & 07777u, mode);
  ck_assert_uint_eq(st.st_uid, owner);
}

START_TEST(makes_a_folder_with_the_exact_mode)
{
  place_new();
  (void)umask(077);
  ck_assert_int_eq(pf_dir_ensure(at("d"), 0755, NULL, &err), CD_OK);
  expect_folder(at("d"), 0755, geteuid());
  ck_assert_int_eq(pf_dir_ensure(at("d"), 0755, NULL, &err), CD_OK);
  /* It is ours, so its mode is put right. */
  ck_assert_int_eq(pf_dir_ensure(at("d"), 0700, NULL, &err), CD_OK);
  expect_folder(at("d"), 0700, geteuid());
}
END_TEST

START_TEST(refuses_what_others_could_have_written_to)
{
  place_new();
  make_dir(at("d"), 0770);
  ck_assert_int_eq(pf_dir_ensure(at("d"), 0700, NULL, &err), CD_E_DENIED);
  ck_assert_ptr_nonnull(strstr(err.text, "0770"));
  expect_folder(at("d"), 0770, geteuid());
}
END_TEST

START_TEST(refuses_links_and_files)
{
  place_new();
  make_dir(at("d"), 0700);
  make_file(at("f"), "", 0600);
  ck_assert_int_eq(symlink("d", at("link")), 0);
  ck_assert_int_eq(pf_dir_ensure(at("link"), 0700, NULL, &err), CD_E_DENIED);
  ck_assert_int_eq(pf_dir_ensure(at("f"), 0700, NULL, &err), CD_E_DENIED);
  ck_assert_int_eq(symlink("nowhere", at("dangling")), 0);
  ck_assert_int_ne(pf_dir_ensure(at("dangling"), 0700, NULL, &err), CD_OK);
  ck_assert_int_eq(pf_dir_ensure(at("absent/d"), 0700, NULL, &err), CD_E_NOTFOUND);
}
END_TEST

START_TEST(gives_a_folder_to_its_owner)
{
  const struct passwd *nobody = getpwnam("nobody");
  uid_t uid = nobody->pw_uid;
  place_new();
  ck_assert_int_eq(pf_dir_ensure(at("d"), 0700, "nobody", &err), CD_OK);
  expect_folder(at("d"), 0700, uid);
  ck_assert_int_eq(pf_dir_ensure(at("d"), 0700, "nobody", &err), CD_OK);
  /* What belongs to another is not taken. */
  ck_assert_int_eq(pf_dir_ensure(at("d"), 0700, NULL, &err), CD_E_DENIED);
  expect_folder(at("d"), 0700, uid);
  ck_assert_int_eq(pf_dir_ensure(at("e"), 0700, "no-such-user-here", &err), CD_E_NOTFOUND);
  ck_assert_int_ne(access(at("e"), F_OK), 0);
}
END_TEST

typedef struct seen {
  char text[256];
  int stop_after;
  int count;
} seen;

static cd_code note(void *context, const char *name, cd_err *e)
{
  seen *s = context;
  size_t len = strlen(s->text);
  (void)snprintf(s->text + len, sizeof(s->text) - len, "%s ", name);
  return ++s->count == s->stop_after ? cd_fail(e, CD_E_CANCELLED, "enough") : CD_OK;
}

START_TEST(lists_by_suffix_in_the_order_of_the_bytes)
{
  static const char *const names[] = {"b.json", "a.json",     "B.json", "a.so",
                                      "json",   "a.json.bak", ".h.json"};
  place_new();
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    make_file(at(names[i]), "", 0600);
  seen s = {0};
  ck_assert_int_eq(pf_dir_list(at("."), ".json", 100, note, &s, &err), CD_OK);
  ck_assert_str_eq(s.text, ".h.json B.json a.json b.json ");
  seen stopped = {.stop_after = 2};
  ck_assert_int_eq(pf_dir_list(at("."), ".json", 100, note, &stopped, &err), CD_E_CANCELLED);
  ck_assert_int_eq(stopped.count, 2);
  ck_assert_str_eq(err.text, "enough");
}
END_TEST

START_TEST(lists_at_most_what_is_allowed)
{
  place_new();
  make_file(at("1"), "", 0600);
  make_file(at("2"), "", 0600);
  seen s = {0};
  ck_assert_int_eq(pf_dir_list(at("."), "", 2, note, &s, &err), CD_OK);
  seen none = {0};
  ck_assert_int_eq(pf_dir_list(at("."), "", 1, note, &none, &err), CD_E_LIMIT);
  ck_assert_int_eq(none.count, 0);
  ck_assert_int_eq(pf_dir_list(at("."), ".x", 0, note, &none, &err), CD_OK);
  ck_assert_int_eq(pf_dir_list(at("absent"), "", 9, note, &none, &err), CD_E_NOTFOUND);
}
END_TEST

Suite *folder_suite(void)
{
  Suite *s = suite_create("platform.folder");
  TCase *c = tcase_create("folder");
  tcase_add_test(c, makes_a_folder_with_the_exact_mode);
  tcase_add_test(c, refuses_what_others_could_have_written_to);
  tcase_add_test(c, refuses_links_and_files);
  add_root_test(c, gives_a_folder_to_its_owner);
  tcase_add_test(c, lists_by_suffix_in_the_order_of_the_bytes);
  tcase_add_test(c, lists_at_most_what_is_allowed);
  suite_add_tcase(s, c);
  return s;
}
