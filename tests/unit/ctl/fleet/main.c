/* The pure parts of the fleet's commands. */
#include "suites.h"

#include <stdlib.h>

int main(void)
{
  SRunner *r = srunner_create(suite_fleet_audit());
  srunner_add_suite(r, suite_fleet_config());
  srunner_add_suite(r, suite_fleet_read());
  srunner_set_fork_status(r, CK_NOFORK);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
