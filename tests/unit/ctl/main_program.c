/* The program `cordon` itself, against an agent that plays a script. */
#include <check.h>
#include <stdlib.h>

#include "suites.h"

int main(void)
{
  SRunner *r = srunner_create(suite_commands());
  srunner_add_suite(r, suite_code());
  srunner_add_suite(r, suite_exit());
  srunner_add_suite(r, suite_hostile());
  srunner_add_suite(r, suite_progress());
  srunner_add_suite(r, suite_waits());
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
