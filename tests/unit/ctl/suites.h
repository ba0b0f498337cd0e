#ifndef SUITES_H
#define SUITES_H

#include <check.h>

Suite *suite_args(void);
Suite *suite_docs(void);
Suite *suite_lease(void);
Suite *suite_new_file(void);
Suite *suite_package(void);
Suite *suite_package_layout(void);
Suite *suite_response(void);
Suite *suite_selective(void);
Suite *suite_table(void);
Suite *suite_text(void);

Suite *suite_code(void);
Suite *suite_commands(void);
Suite *suite_exit(void);
Suite *suite_hostile(void);
Suite *suite_progress(void);
Suite *suite_waits(void);

#endif
