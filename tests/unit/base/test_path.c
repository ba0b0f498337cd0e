/* Names of files in a folder. */
#include "base/path.h"

#include "suite.h"

#include <string.h>

START_TEST(a_name_is_put_together_or_refused)
{
  static char folder[CD_PATH_MAX + 1];
  static char out[CD_PATH_MAX];
  cd_err err = {0};
  ck_assert_int_eq(cd_path_in("/a", "b", ".zip", out, &err), CD_OK);
  ck_assert_str_eq(out, "/a/b.zip");
  ck_assert_int_eq(cd_path_in("", "b", "", out, &err), CD_E_LIMIT);
  /* The longest that fits, and one more. */
  memset(folder, 'x', CD_PATH_MAX - 7);
  ck_assert_int_eq(cd_path_in(folder, "b", ".zip", out, &err), CD_OK);
  ck_assert_uint_eq(strlen(out), CD_PATH_MAX - 1);
  folder[CD_PATH_MAX - 7] = 'x';
  ck_assert_int_eq(cd_path_in(folder, "b", ".zip", out, &err), CD_E_LIMIT);
  ck_assert_ptr_nonnull(strstr(err.text, "the path of 'b.zip' in 'xxx"));
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {a_name_is_put_together_or_refused};
  return run_suite("base.path", tests, sizeof(tests) / sizeof(tests[0]));
}
