/* What every test file of this folder ends with. A suite that needs root and network namespaces
 * says so and is skipped (code 77) where it has none. */
#ifndef PLUGIN_TEST_SUITE_H
#define PLUGIN_TEST_SUITE_H

#include <check.h>

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum { SKIPPED = 77, CASE_TIMEOUT_S = 60 };

static inline int run_suite_with(const char *name, const TTest *const *tests, size_t count,
                                 SFun setup, SFun teardown)
{
  Suite *suite = suite_create(name);
  TCase *facts = tcase_create("facts");
  tcase_set_timeout(facts, CASE_TIMEOUT_S);
  if (setup != NULL)
    tcase_add_checked_fixture(facts, setup, teardown);
  for (size_t i = 0; i < count; i++)
    tcase_add_test(facts, tests[i]);
  suite_add_tcase(suite, facts);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static inline int run_suite(const char *name, const TTest *const *tests, size_t count)
{
  return run_suite_with(name, tests, count, NULL, NULL);
}

static inline int run_kernel_suite(const char *name, const TTest *const *tests, size_t count,
                                   SFun setup, SFun teardown)
{
  if (geteuid() != 0) {
    printf("%s: skipped, since only root can make network namespaces\n", name);
    return SKIPPED;
  }
  return run_suite_with(name, tests, count, setup, teardown);
}

#endif
