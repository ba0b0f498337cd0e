/* The service manager, over the system's message bus. */
#include <dbus/dbus.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "remediate.h"

enum { CALL_MS = 10000, RELOAD_MS = 60000, STATE_MS = 20000, LOOK_MS = 50 };

static const char manager[] = "org.freedesktop.systemd1";
static const char manager_path[] = "/org/freedesktop/systemd1";
static const char manager_face[] = "org.freedesktop.systemd1.Manager";
static const char bus_socket[] = "/run/dbus/system_bus_socket";

bool rem_bus_runs(void)
{
  return access("/run/systemd/system", F_OK) == 0 && access(bus_socket, F_OK) == 0;
}

static DBusConnection *open_bus(sup_err *err)
{
  char address[64];
  DBusError error;
  dbus_error_init(&error);
  (void)snprintf(address, sizeof(address), "unix:path=%s", bus_socket);
  DBusConnection *bus = dbus_connection_open_private(address, &error);
  if (bus != NULL) {
    dbus_connection_set_exit_on_disconnect(bus, FALSE);
    if (!dbus_bus_register(bus, &error)) {
      dbus_connection_close(bus);
      dbus_connection_unref(bus);
      bus = NULL;
    }
  }
  if (bus == NULL)
    (void)sup_fail(err, CORDON_E_UNAVAILABLE, "the system's message bus: %.200s",
                   error.message != NULL ? error.message : "no answer");
  dbus_error_free(&error);
  return bus;
}

/* Sends the message, which it takes, on a connection of its own. */
static DBusMessage *ask(DBusMessage *m, int budget_ms, sup_err *err)
{
  DBusError error;
  DBusMessage *answer = NULL;
  DBusConnection *bus = m != NULL ? open_bus(err) : NULL;
  dbus_error_init(&error);
  if (bus != NULL) {
    answer = dbus_connection_send_with_reply_and_block(bus, m, budget_ms, &error);
    if (answer == NULL)
      (void)sup_fail(err,
                     dbus_error_has_name(&error, DBUS_ERROR_ACCESS_DENIED) ? CORDON_E_DENIED
                                                                           : CORDON_E_UNAVAILABLE,
                     "the service manager: %.200s",
                     error.message != NULL ? error.message : "no answer");
    dbus_connection_close(bus);
    dbus_connection_unref(bus);
  } else if (m == NULL) {
    (void)sup_fail(err, CORDON_E_LIMIT, "there is no memory for a message");
  }
  if (m != NULL)
    dbus_message_unref(m);
  dbus_error_free(&error);
  return answer;
}

static cordon_status tell(const char *method, const char *unit, int budget_ms, sup_err *err)
{
  const char *mode = "replace";
  DBusMessage *m = dbus_message_new_method_call(manager, manager_path, manager_face, method);
  if (m != NULL && unit != NULL &&
      !dbus_message_append_args(m, DBUS_TYPE_STRING, &unit, DBUS_TYPE_STRING, &mode,
                                DBUS_TYPE_INVALID)) {
    dbus_message_unref(m);
    m = NULL;
  }
  DBusMessage *answer = ask(m, budget_ms, err);
  if (answer == NULL)
    return err->status;
  dbus_message_unref(answer);
  return CORDON_OK;
}

cordon_status rem_bus_reload(sup_err *err)
{
  return tell("Reload", NULL, RELOAD_MS, err);
}

static cordon_status object_of(const char *unit, char ret_path[REM_PATH], sup_err *err)
{
  const char *path = NULL;
  DBusMessage *m = dbus_message_new_method_call(manager, manager_path, manager_face, "LoadUnit");
  if (m != NULL)
    (void)dbus_message_append_args(m, DBUS_TYPE_STRING, &unit, DBUS_TYPE_INVALID);
  DBusMessage *answer = ask(m, CALL_MS, err);
  if (answer == NULL)
    return err->status;
  bool ok = dbus_message_get_args(answer, NULL, DBUS_TYPE_OBJECT_PATH, &path, DBUS_TYPE_INVALID);
  if (ok)
    (void)snprintf(ret_path, REM_PATH, "%s", path);
  dbus_message_unref(answer);
  return ok ? CORDON_OK
            : sup_fail(err, CORDON_E_UNAVAILABLE, "the service manager answers something else");
}

cordon_status rem_bus_active(const char *unit, char ret_state[32], sup_err *err)
{
  char path[REM_PATH];
  const char *face = "org.freedesktop.systemd1.Unit";
  const char *property = "ActiveState";
  const char *value = NULL;
  DBusMessageIter at;
  DBusMessageIter inner;
  cordon_status status = object_of(unit, path, err);
  if (status != CORDON_OK)
    return status;
  DBusMessage *m =
      dbus_message_new_method_call(manager, path, "org.freedesktop.DBus.Properties", "Get");
  if (m != NULL)
    (void)dbus_message_append_args(m, DBUS_TYPE_STRING, &face, DBUS_TYPE_STRING, &property,
                                   DBUS_TYPE_INVALID);
  DBusMessage *answer = ask(m, CALL_MS, err);
  if (answer == NULL)
    return err->status;
  if (dbus_message_has_signature(answer, "v") && dbus_message_iter_init(answer, &at)) {
    dbus_message_iter_recurse(&at, &inner);
    if (dbus_message_iter_get_arg_type(&inner) == DBUS_TYPE_STRING)
      dbus_message_iter_get_basic(&inner, &value);
  }
  if (value != NULL)
    (void)snprintf(ret_state, 32, "%s", value);
  else
    status = sup_fail(err, CORDON_E_UNAVAILABLE, "the service manager answers something else");
  dbus_message_unref(answer);
  return status;
}

/* Waits until it is neither on its way up nor down. */
static cordon_status settle(const char *unit, sup_err *err)
{
  char state[32] = "";
  uint64_t until = sup_now_ms() + STATE_MS;
  for (;;) {
    cordon_status status = rem_bus_active(unit, state, err);
    bool moving = strcmp(state, "deactivating") == 0 || strcmp(state, "activating") == 0;
    if (status != CORDON_OK || !moving)
      return status;
    if (sup_now_ms() >= until)
      return sup_fail(err, CORDON_E_DEADLINE, "%.100s is %s after %d s", unit, state,
                      STATE_MS / 1000);
    (void)poll(NULL, 0, LOOK_MS);
  }
}

cordon_status rem_bus_stop(const char *unit, sup_err *err)
{
  cordon_status status = tell("StopUnit", unit, CALL_MS, err);
  return status == CORDON_OK ? settle(unit, err) : status;
}

cordon_status rem_bus_start(const char *unit, sup_err *err)
{
  cordon_status status = tell("StartUnit", unit, CALL_MS, err);
  return status == CORDON_OK ? settle(unit, err) : status;
}
