/* lab-desktop: what shows notifications on a desktop, for a lab that has no screen. It owns
 * org.freedesktop.Notifications on the session bus of DBUS_SESSION_BUS_ADDRESS and prints the title
 * and the body of each notification, a line each. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <dbus/dbus.h>

#define SERVICE "org.freedesktop.Notifications"

static int fail(const char *what, const DBusError *error)
{
  (void)fprintf(stderr, "lab-desktop: %s: %s\n", what,
                dbus_error_is_set(error) ? error->message : "no reason was given");
  return EXIT_FAILURE;
}

/* susssasa{sv}i: the fourth and fifth are what people read. */
static void print_call(DBusMessage *m)
{
  DBusMessageIter at;
  const char *texts[5] = {NULL};
  if (!dbus_message_has_signature(m, "susssasa{sv}i") || !dbus_message_iter_init(m, &at))
    return;
  for (int i = 0; i < 5; i++) {
    if (i != 1)
      dbus_message_iter_get_basic(&at, &texts[i]);
    (void)dbus_message_iter_next(&at);
  }
  (void)printf("%s\n%s\n", texts[3], texts[4]);
  (void)fflush(stdout);
}

static void answer(DBusConnection *bus, DBusMessage *m)
{
  dbus_uint32_t id = 1;
  if (!dbus_message_is_method_call(m, SERVICE, "Notify"))
    return;
  print_call(m);
  DBusMessage *reply = dbus_message_new_method_return(m);
  if (reply == NULL)
    return;
  if (dbus_message_append_args(reply, DBUS_TYPE_UINT32, &id, DBUS_TYPE_INVALID))
    (void)dbus_connection_send(bus, reply, NULL);
  dbus_connection_flush(bus);
  dbus_message_unref(reply);
}

int main(void)
{
  DBusError error;
  dbus_error_init(&error);
  DBusConnection *bus = dbus_bus_get_private(DBUS_BUS_SESSION, &error);
  if (bus == NULL)
    return fail("there is no session bus", &error);
  if (dbus_bus_request_name(bus, SERVICE, DBUS_NAME_FLAG_DO_NOT_QUEUE, &error) !=
      DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER)
    return fail("somebody else shows notifications", &error);
  (void)printf("ready\n");
  (void)fflush(stdout);
  while (dbus_connection_read_write(bus, -1)) {
    for (DBusMessage *m = dbus_connection_pop_message(bus); m != NULL;
         m = dbus_connection_pop_message(bus)) {
      answer(bus, m);
      dbus_message_unref(m);
    }
  }
  return EXIT_SUCCESS;
}
