#include "manager.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "items.h"

static const char manager[] = "org.freedesktop.systemd1";

enum { CALL_MS = 5000, TEXTS = 6, UNITS_MAX = 50000 };

/* Of each unit: six texts, the path of its object, and of a job that waits for it the number, the
 * kind and the path. */
static void put_unit(col_task *t, DBusMessageIter *unit)
{
  const char *text = "";
  dbus_uint32_t job = 0;
  for (int i = 0; i < TEXTS; i++) {
    dbus_message_iter_get_basic(unit, &text);
    col_text(t, text);
    (void)dbus_message_iter_next(unit);
  }
  (void)dbus_message_iter_next(unit);
  dbus_message_iter_get_basic(unit, &job);
  (void)dbus_message_iter_next(unit);
  dbus_message_iter_get_basic(unit, &text);
  col_text(t, job != 0 ? text : "");
  (void)col_row(t);
}

bool col_manager_put(col_task *t, DBusMessage *answer)
{
  DBusMessageIter all;
  DBusMessageIter list;
  if (!dbus_message_has_signature(answer, "a(ssssssouso)") || !dbus_message_iter_init(answer, &all))
    return false;
  dbus_message_iter_recurse(&all, &list);
  for (int i = 0; i < UNITS_MAX && dbus_message_iter_get_arg_type(&list) == DBUS_TYPE_STRUCT; i++) {
    DBusMessageIter unit;
    dbus_message_iter_recurse(&list, &unit);
    put_unit(t, &unit);
    (void)dbus_message_iter_next(&list);
  }
  if (dbus_message_iter_get_arg_type(&list) == DBUS_TYPE_STRUCT)
    col_cap(t, "there are more than %d units", UNITS_MAX);
  return true;
}

static DBusMessage *ask(DBusConnection *bus, DBusError *error)
{
  DBusMessage *m = dbus_message_new_method_call(manager, "/org/freedesktop/systemd1",
                                                "org.freedesktop.systemd1.Manager", "ListUnits");
  if (m == NULL) {
    dbus_set_error_const(error, DBUS_ERROR_NO_MEMORY, "there is no memory for the message");
    return NULL;
  }
  dbus_message_set_auto_start(m, FALSE);
  DBusMessage *answer = dbus_connection_send_with_reply_and_block(bus, m, CALL_MS, error);
  dbus_message_unref(m);
  return answer;
}

static void list_units(col_task *t, const char *address)
{
  DBusError error;
  DBusMessage *answer = NULL;
  dbus_error_init(&error);
  DBusConnection *bus = dbus_connection_open_private(address, &error);
  if (bus != NULL) {
    dbus_connection_set_exit_on_disconnect(bus, FALSE);
    if (dbus_bus_register(bus, &error))
      answer = ask(bus, &error);
  }
  if (answer != NULL) {
    col_head(t, "unit,description,load,state,sub_state,follows,job");
    if (!col_manager_put(t, answer))
      col_mark(t, COL_ERROR, "the service manager answers something else than a list of units");
    dbus_message_unref(answer);
  } else if (dbus_error_has_name(&error, DBUS_ERROR_NAME_HAS_NO_OWNER) ||
             dbus_error_has_name(&error, DBUS_ERROR_SERVICE_UNKNOWN)) {
    col_mark(t, COL_ABSENT, "there is no systemd on the system's message bus");
  } else {
    col_mark(t, COL_ERROR, "the system's message bus: %s",
             error.message != NULL ? error.message : "no answer");
  }
  if (bus != NULL) {
    dbus_connection_close(bus);
    dbus_connection_unref(bus);
  }
  dbus_error_free(&error);
}

void col_service_manager(col_task *t)
{
  static const char socket_path[] = "/run/dbus/system_bus_socket";
  char path[COL_PATH];
  char address[COL_PATH + 16];
  (void)snprintf(path, sizeof(path), "%s%s", col_options_of(t)->root, socket_path);
  if (access(path, F_OK) != 0) {
    col_mark_os(t, errno, "there is no message bus of the system");
    return;
  }
  (void)snprintf(address, sizeof(address), "unix:path=%s", path);
  list_units(t, address);
}
