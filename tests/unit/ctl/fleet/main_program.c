/* The program `cordon` against a console. */
#include "stage.h"
#include "suites.h"

#include <stdio.h>
#include <stdlib.h>

int main(void)
{
  if (!stage_open()) {
    (void)fprintf(stderr,
                  "node and openssl are needed for a console, and one of them is missing\n");
    stage_close();
    return 77;
  }
  SRunner *r = srunner_create(suite_fleet_commands());
  srunner_add_suite(r, suite_fleet_hostile());
  srunner_add_suite(r, suite_fleet_waits());
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  stage_close();
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
