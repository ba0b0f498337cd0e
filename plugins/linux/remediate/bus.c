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

/* A property of a unit; the caller frees the answer. `ret_value` is inside its variant. */
static DBusMessage *property_of(const char *unit, const char *property, DBusMessageIter *ret_value,
                                sup_err *err)
{
  char path[REM_PATH];
  const char *face = "org.freedesktop.systemd1.Unit";
  DBusMessageIter at;
  if (object_of(unit, path, err) != CORDON_OK)
    return NULL;
  DBusMessage *m =
      dbus_message_new_method_call(manager, path, "org.freedesktop.DBus.Properties", "Get");
  if (m != NULL)
    (void)dbus_message_append_args(m, DBUS_TYPE_STRING, &face, DBUS_TYPE_STRING, &property,
                                   DBUS_TYPE_INVALID);
  DBusMessage *answer = ask(m, CALL_MS, err);
  if (answer == NULL)
    return NULL;
  if (dbus_message_has_signature(answer, "v") && dbus_message_iter_init(answer, &at)) {
    dbus_message_iter_recurse(&at, ret_value);
    return answer;
  }
  dbus_message_unref(answer);
  (void)sup_fail(err, CORDON_E_UNAVAILABLE, "the service manager answers something else");
  return NULL;
}

cordon_status rem_bus_active(const char *unit, char ret_state[32], sup_err *err)
{
  const char *value = NULL;
  DBusMessageIter at;
  DBusMessage *answer = property_of(unit, "ActiveState", &at, err);
  if (answer == NULL)
    return err->status;
  if (dbus_message_iter_get_arg_type(&at) == DBUS_TYPE_STRING)
    dbus_message_iter_get_basic(&at, &value);
  if (value != NULL)
    (void)snprintf(ret_state, 32, "%s", value);
  dbus_message_unref(answer);
  return value != NULL
             ? CORDON_OK
             : sup_fail(err, CORDON_E_UNAVAILABLE, "the service manager answers something else");
}

/* `(sbbsi)`: what it is about, whether one of its kind is enough, whether it is turned round, the
 * path. */
static bool is_bar(DBusMessageIter *item)
{
  DBusMessageIter at;
  const char *kind = "";
  const char *path = "";
  dbus_bool_t enough = TRUE;
  dbus_bool_t negated = FALSE;
  dbus_message_iter_recurse(item, &at);
  dbus_message_iter_get_basic(&at, &kind);
  (void)dbus_message_iter_next(&at);
  dbus_message_iter_get_basic(&at, &enough);
  (void)dbus_message_iter_next(&at);
  dbus_message_iter_get_basic(&at, &negated);
  (void)dbus_message_iter_next(&at);
  dbus_message_iter_get_basic(&at, &path);
  return strcmp(kind, "ConditionPathExists") == 0 && !enough && negated && strcmp(path, "/") == 0;
}

cordon_status rem_bus_barred(const char *unit, bool *ret_barred, sup_err *err)
{
  DBusMessageIter at;
  DBusMessageIter item;
  *ret_barred = false;
  DBusMessage *answer = property_of(unit, "Conditions", &at, err);
  if (answer == NULL)
    return err->status;
  char *signature = dbus_message_iter_get_signature(&at);
  bool known = signature != NULL && strcmp(signature, "a(sbbsi)") == 0;
  dbus_free(signature);
  if (known)
    dbus_message_iter_recurse(&at, &item);
  for (; known && dbus_message_iter_get_arg_type(&item) == DBUS_TYPE_STRUCT;
       (void)dbus_message_iter_next(&item))
    *ret_barred = *ret_barred || is_bar(&item);
  dbus_message_unref(answer);
  return known ? CORDON_OK
               : sup_fail(err, CORDON_E_UNAVAILABLE, "the service manager answers something else");
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
