/* The suites of test_platform and test_confine. */
#ifndef PLATFORM_TESTS_H
#define PLATFORM_TESTS_H

#include <check.h>

Suite *file_suite(void);
Suite *folder_suite(void);
Suite *library_suite(void);
Suite *lock_suite(void);
Suite *peer_suite(void);
Suite *pass_suite(void);
Suite *sight_suite(void);
Suite *socket_suite(void);
Suite *system_suite(void);
Suite *terminal_suite(void);
Suite *trusted_suite(void);

Suite *capability_suite(void);
Suite *children_suite(void);
Suite *confine_suite(void);
Suite *harden_suite(void);
Suite *limits_suite(void);
Suite *others_suite(void);

/* Adds a case that needs root to change owners or users; without root it is named as not run. */
void tcase_add_root_test(TCase *c, const char *name, const TTest *test);
#define add_root_test(c, test) tcase_add_root_test(c, #test, test)

/* Runs the suites (NULL-terminated) in a place of their own; the program's exit status. */
int run_suites(Suite *const *suites);

#endif
