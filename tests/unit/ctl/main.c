/* The pure parts of `cordon`, without an agent. */
#include <check.h>
#include <stdlib.h>

#include "suites.h"

int main(void)
{
  SRunner *r = srunner_create(suite_args());
  srunner_add_suite(r, suite_docs());
  srunner_add_suite(r, suite_lease());
#ifdef TEST_FILES
  srunner_add_suite(r, suite_new_file());
  srunner_add_suite(r, suite_package());
  srunner_add_suite(r, suite_package_layout());
#endif
  srunner_add_suite(r, suite_response());
  srunner_add_suite(r, suite_selective());
  srunner_add_suite(r, suite_table());
  srunner_add_suite(r, suite_text());
  /* Pure functions: a process for each row of a table would take most of the time. */
  srunner_set_fork_status(r, CK_NOFORK);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
