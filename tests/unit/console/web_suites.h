#ifndef WEB_SUITES_H
#define WEB_SUITES_H

#include <check.h>

Suite *suite_config(void);
Suite *suite_form(void);
Suite *suite_list(void);
Suite *suite_oauth(void);
Suite *suite_odata(void);
Suite *suite_range(void);
Suite *suite_reply(void);
Suite *suite_route(void);

#endif
