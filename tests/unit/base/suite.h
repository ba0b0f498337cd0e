/* One suite of Check tests as a program: what every test file of this folder ends with. */
#ifndef CD_TEST_SUITE_H
#define CD_TEST_SUITE_H

#include <check.h>

#include <stddef.h>
#include <stdlib.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static inline int run_suite(const char *name, const TTest *const *tests, size_t count)
{
  Suite *suite = suite_create(name);
  TCase *facts = tcase_create("facts");
  tcase_set_timeout(facts, 30);
  for (size_t i = 0; i < count; i++)
    tcase_add_test(facts, tests[i]);
  suite_add_tcase(suite, facts);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
