#include "platform_tests.h"

int main(void)
{
  Suite *const suites[] = {file_suite(),   folder_suite(),  trusted_suite(),  lock_suite(),
                           peer_suite(),   library_suite(), pass_suite(),     sight_suite(),
                           socket_suite(), system_suite(),  terminal_suite(), NULL};
  return run_suites(suites);
}
