/* The pure parts of the console's server. */
#include <check.h>
#include <stdlib.h>

#include "web_suites.h"

int main(void)
{
  SRunner *r = srunner_create(suite_config());
  srunner_add_suite(r, suite_form());
  srunner_add_suite(r, suite_list());
  srunner_add_suite(r, suite_oauth());
  srunner_add_suite(r, suite_odata());
  srunner_add_suite(r, suite_range());
  srunner_add_suite(r, suite_reply());
  srunner_add_suite(r, suite_route());
  /* Pure functions: a process for each row of a table would take most of the time. */
  srunner_set_fork_status(r, CK_NOFORK);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
