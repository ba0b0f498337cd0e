#include "platform_tests.h"

int main(void)
{
  Suite *const suites[] = {confine_suite(),
                           capability_suite(),
                           children_suite(),
                           limits_suite(),
                           harden_suite(),
                           others_suite(),
                           NULL};
  return run_suites(suites);
}
