#include "ipc_tests.h"

#include <signal.h>
#include <stdlib.h>

int main(void)
{
  /* As every program of ours does; libuv's writes would else end the test. */
  (void)signal(SIGPIPE, SIG_IGN);
  SRunner *runner = srunner_create(frame_suite());
  srunner_add_suite(runner, link_suite());
  srunner_add_suite(runner, link_end_suite());
  srunner_add_suite(runner, handles_suite());
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
