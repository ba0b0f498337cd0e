/* What the service manager says of its units, over the system's message bus. */
#ifndef COLLECT_MANAGER_H
#define COLLECT_MANAGER_H

#include <dbus/dbus.h>

#include "collect.h"

/* Writes a row for each unit in an answer to ListUnits. False: it is no such answer. */
bool col_manager_put(col_task *t, DBusMessage *answer);

#endif
