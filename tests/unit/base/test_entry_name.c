/* Names of the files in a package. */
#include "base/entry_name.h"

#include "suite.h"

#include <string.h>

START_TEST(only_names_that_every_system_can_keep_are_taken)
{
  static const struct {
    const char *name;
    cd_code code;
  } rows[] = {
      {"manifest.json", CD_OK},
      {"Network connections/tcp.csv", CD_OK},
      {"Temp Directories/\xe3\x83\x86.txt", CD_OK},
      {"a/b/c/d/e/f/g/h", CD_OK},
      {"...x", CD_OK},
      {"a/b/c/d/e/f/g/h/i", CD_E_LIMIT},
      {"", CD_E_INVALID},
      {"/etc/passwd", CD_E_INVALID},
      {"a/", CD_E_INVALID},
      {"a//b", CD_E_INVALID},
      {".", CD_E_INVALID},
      {"..", CD_E_INVALID},
      {"../a", CD_E_INVALID},
      {"a/../b", CD_E_INVALID},
      {"a/./b", CD_E_INVALID},
      {"a/..", CD_E_INVALID},
      {"a\\b", CD_E_INVALID},
      {"c:a", CD_E_INVALID},
      {"a\nb", CD_E_INVALID},
      {"a\x7f", CD_E_INVALID},
      {"a ", CD_E_INVALID},
      {"a./b", CD_E_INVALID},
      {"a*", CD_E_INVALID},
      {"a?b", CD_E_INVALID},
      {"<a", CD_E_INVALID},
      {"a>", CD_E_INVALID},
      {"a|b", CD_E_INVALID},
      {"a\"b", CD_E_INVALID},
      {"CON", CD_E_INVALID},
      {"a/nul.txt", CD_E_INVALID},
      {"Aux/b", CD_E_INVALID},
      {"prn .tar.gz", CD_E_INVALID},
      {"COM1.x", CD_E_INVALID},
      {"lpt9", CD_E_INVALID},
      {"com\xc2\xb9", CD_E_INVALID},
      {"CONOUT$", CD_E_INVALID},
      {"console", CD_OK},
      {"com10", CD_OK},
      {"com", CD_OK},
      {"a.nul", CD_OK},
      {"\xff", CD_E_INVALID},
      {"\xed\xa0\x80", CD_E_INVALID},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    cd_err err = {0};
    ck_assert_msg(cd_entry_name_check(cd_str_from(rows[i].name), &err) == rows[i].code, "row %zu",
                  i);
    ck_assert_msg((rows[i].code == CD_OK) == (err.text[0] == '\0'), "row %zu: '%s'", i, err.text);
  }
}
END_TEST

START_TEST(a_nul_inside_is_refused)
{
  ck_assert_int_eq(cd_entry_name_check(CD_STR("a\0b"), NULL), CD_E_INVALID);
}
END_TEST

START_TEST(a_name_and_its_parts_have_a_length)
{
  char name[CD_ENTRY_NAME_MAX + 2];
  memset(name, 'a', sizeof(name));
  ck_assert_int_eq(cd_entry_name_check((cd_str){name, CD_ENTRY_PART_MAX}, NULL), CD_OK);
  ck_assert_int_eq(cd_entry_name_check((cd_str){name, CD_ENTRY_PART_MAX + 1}, NULL), CD_E_LIMIT);
  name[100] = '/';
  name[200] = '/';
  ck_assert_int_eq(cd_entry_name_check((cd_str){name, CD_ENTRY_NAME_MAX}, NULL), CD_OK);
  ck_assert_int_eq(cd_entry_name_check((cd_str){name, CD_ENTRY_NAME_MAX + 1}, NULL), CD_E_LIMIT);
}
END_TEST

START_TEST(case_makes_no_other_name)
{
  ck_assert_uint_eq(cd_entry_name_hash(CD_STR("Users/A.csv")),
                    cd_entry_name_hash(CD_STR("uSERS/a.CSV")));
  ck_assert_uint_ne(cd_entry_name_hash(CD_STR("a")), cd_entry_name_hash(CD_STR("b")));
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      only_names_that_every_system_can_keep_are_taken,
      a_nul_inside_is_refused,
      a_name_and_its_parts_have_a_length,
      case_makes_no_other_name,
  };
  return run_suite("base.entry_name", tests, COUNT_OF(tests));
}
