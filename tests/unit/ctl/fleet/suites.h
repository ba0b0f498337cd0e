#ifndef FLEET_SUITES_H
#define FLEET_SUITES_H

#include <check.h>

Suite *suite_fleet_audit(void);
Suite *suite_fleet_config(void);
Suite *suite_fleet_read(void);

Suite *suite_fleet_commands(void);
Suite *suite_fleet_hostile(void);
Suite *suite_fleet_waits(void);

#endif
