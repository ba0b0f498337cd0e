/* The suites of this program. */
#ifndef IPC_TESTS_H
#define IPC_TESTS_H

#include <check.h>

Suite *frame_suite(void);
Suite *link_suite(void);
Suite *link_end_suite(void);
Suite *handles_suite(void);

#endif
