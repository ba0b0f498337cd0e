/* Services where systemd runs: a manager of the test's on a real message bus, which starts a unit
 * only where no drop-in of ours is, as systemd does. */
#include <dbus/dbus.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "remediate_bed.h"
#include "suite.h"

#define SOCKET "/run/dbus/system_bus_socket"
#define REFUSES "/srv/refuses" /* to stop a unit, while this is there */
#define FOLDER "/etc/systemd/system/evil.service.d"
#define DROPIN FOLDER "/~~cordon-disabled.conf"

enum { READY_MS = 20000, TURN_MS = 100 };

/* ---- the manager ---- */

static const char *active = "active";

/* The conditions of the unit as systemd makes them up: file by file, and an empty one forgets those
 * before. */
static bool is_barred(void)
{
  struct dirent **files = NULL;
  char path[512];
  bool barred = false;
  int count = scandir(FOLDER, &files, NULL, alphasort);
  for (int i = 0; i < count; i++) {
    (void)snprintf(path, sizeof(path), FOLDER "/%s", files[i]->d_name);
    char *text = files[i]->d_name[0] != '.' ? bed_read(path) : NULL;
    if (text != NULL && strstr(text, "\nConditionPathExists=\n") != NULL)
      barred = false;
    if (text != NULL && strstr(text, "\nConditionPathExists=!/\n") != NULL)
      barred = true;
    free(text);
    free(files[i]);
  }
  free(files);
  return barred;
}

static void add_condition(DBusMessageIter *list, const char *path, dbus_bool_t negated)
{
  DBusMessageIter item;
  const char *kind = "ConditionPathExists";
  dbus_bool_t enough = FALSE;
  dbus_int32_t result = 0;
  (void)dbus_message_iter_open_container(list, DBUS_TYPE_STRUCT, NULL, &item);
  (void)dbus_message_iter_append_basic(&item, DBUS_TYPE_STRING, &kind);
  (void)dbus_message_iter_append_basic(&item, DBUS_TYPE_BOOLEAN, &enough);
  (void)dbus_message_iter_append_basic(&item, DBUS_TYPE_BOOLEAN, &negated);
  (void)dbus_message_iter_append_basic(&item, DBUS_TYPE_STRING, &path);
  (void)dbus_message_iter_append_basic(&item, DBUS_TYPE_INT32, &result);
  (void)dbus_message_iter_close_container(list, &item);
}

static void put_conditions(DBusMessageIter *variant)
{
  DBusMessageIter list;
  (void)dbus_message_iter_open_container(variant, DBUS_TYPE_ARRAY, "(sbbsi)", &list);
  add_condition(&list, "/usr", FALSE);
  if (is_barred())
    add_condition(&list, "/", TRUE);
  (void)dbus_message_iter_close_container(variant, &list);
}

static const char *property_asked(DBusMessage *m)
{
  const char *face = NULL;
  const char *property = "";
  (void)dbus_message_get_args(m, NULL, DBUS_TYPE_STRING, &face, DBUS_TYPE_STRING, &property,
                              DBUS_TYPE_INVALID);
  return property;
}

static DBusMessage *answer(DBusMessage *m)
{
  const char *path = "/org/freedesktop/systemd1/unit/evil";
  DBusMessageIter at;
  DBusMessageIter inner;
  const char *member = dbus_message_get_member(m);
  if (bed_exists(REFUSES) && strcmp(member, "StopUnit") == 0)
    return dbus_message_new_error(m, DBUS_ERROR_NO_REPLY, "not now");
  DBusMessage *r = dbus_message_new_method_return(m);
  if (strcmp(member, "Get") == 0) {
    dbus_message_iter_init_append(r, &at);
    bool conditions = strcmp(property_asked(m), "Conditions") == 0;
    (void)dbus_message_iter_open_container(&at, DBUS_TYPE_VARIANT, conditions ? "a(sbbsi)" : "s",
                                           &inner);
    if (conditions)
      put_conditions(&inner);
    else
      (void)dbus_message_iter_append_basic(&inner, DBUS_TYPE_STRING, &active);
    (void)dbus_message_iter_close_container(&at, &inner);
    return r;
  }
  if (strcmp(member, "StopUnit") == 0)
    active = "inactive";
  if (strcmp(member, "StartUnit") == 0 && !is_barred())
    active = "active";
  if (strcmp(member, "Reload") != 0)
    (void)dbus_message_append_args(r, DBUS_TYPE_OBJECT_PATH, &path, DBUS_TYPE_INVALID);
  return r;
}

static void be_manager(void)
{
  DBusError error;
  DBusConnection *bus = NULL;
  dbus_error_init(&error);
  for (int i = 0; i < READY_MS / TURN_MS && bus == NULL; i++) {
    bus = dbus_connection_open_private("unix:path=" SOCKET, NULL);
    if (bus == NULL)
      (void)usleep(TURN_MS * 1000);
  }
  if (bus == NULL || !dbus_bus_register(bus, &error) ||
      dbus_bus_request_name(bus, "org.freedesktop.systemd1", 0, &error) < 0)
    _exit(1);
  while (dbus_connection_read_write(bus, -1)) {
    DBusMessage *m = NULL;
    while ((m = dbus_connection_pop_message(bus)) != NULL) {
      if (dbus_message_get_type(m) == DBUS_MESSAGE_TYPE_METHOD_CALL) {
        DBusMessage *r = answer(m);
        (void)dbus_connection_send(bus, r, NULL);
        dbus_message_unref(r);
      }
      dbus_message_unref(m);
    }
  }
  _exit(0);
}

static pid_t start(bool daemon)
{
  pid_t child = fork();
  if (child != 0)
    return child;
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (!daemon)
    be_manager();
  (void)execl("/usr/bin/dbus-daemon", "dbus-daemon", "--session", "--nofork", "--nopidfile",
              "--nosyslog", "--address=unix:path=" SOCKET, (char *)NULL);
  _exit(4);
}

static bool has_manager(void)
{
  DBusConnection *bus = dbus_connection_open_private("unix:path=" SOCKET, NULL);
  bool has = bus != NULL && dbus_bus_register(bus, NULL) &&
             dbus_bus_name_has_owner(bus, "org.freedesktop.systemd1", NULL);
  if (bus != NULL) {
    dbus_connection_close(bus);
    dbus_connection_unref(bus);
  }
  return has;
}

static void with_manager(void)
{
  bed_mounts();
  ck_assert(mkdir("/run/dbus", 0755) == 0 && mkdir("/run/systemd", 0755) == 0 &&
            mkdir("/run/systemd/system", 0755) == 0);
  ck_assert(start(true) > 0 && start(false) > 0);
  for (int i = 0; i < READY_MS / TURN_MS && !has_manager(); i++)
    (void)usleep(TURN_MS * 1000);
  ck_assert_msg(has_manager(), "there is no manager on the bus");
}

/* ---- the facts ---- */

#define DISABLE "{\"operation\":\"service.disable\",\"target\":{\"name\":\"evil\"}}"
#define ENABLE "{\"operation\":\"service.enable\",\"target\":{\"name\":\"evil\"}}"

START_TEST(a_service_is_stopped_and_runs_again_when_that_is_taken_back)
{
  bed b;
  bed_open(&b);
  char *before = bed_snapshot("/etc", false);
  for (int i = 0; i < 2; i++) {
    ck_assert_int_eq(bed_run(&b, i == 0 ? "b1" : "b2", DISABLE), CORDON_OK);
    ck_assert(bed_has_step(&b, "stop", "done"));
    ck_assert_ptr_nonnull(strstr(bed_measured(&b, "unit"), "inactive"));
  }
  for (int i = 0; i < 2; i++)
    ck_assert_int_eq(bed_undo(&b, "b1"), CORDON_OK);
  char *after = bed_snapshot("/etc", false);
  ck_assert_str_eq(after, before);
  free(after);
  ck_assert_int_eq(bed_run(&b, "b3", DISABLE), CORDON_OK);
  ck_assert_int_eq(bed_run(&b, "b4", ENABLE), CORDON_OK);
  ck_assert_ptr_nonnull(strstr(bed_measured(&b, "unit"), "is active"));
  free(before);
  bed_close(&b);
}
END_TEST

/* "Unavailable" would have the agent ask another provider, and say that nothing was changed. */
START_TEST(a_manager_that_does_not_stop_it_leaves_a_change_that_is_told)
{
  bed b;
  bed_open(&b);
  bed_write(REFUSES, "", 0644);
  char *before = bed_snapshot("/etc", false);
  ck_assert_int_eq(bed_run(&b, "b1", DISABLE), CORDON_E_IO);
  ck_assert_ptr_nonnull(strstr(b.sentence, "not now"));
  ck_assert(bed_exists(DROPIN));
  ck_assert(bed_has_step(&b, "bar", "done"));
  ck_assert(bed_has_step(&b, "stop", "failed"));
  ck_assert_str_eq(bed_undo_text(&b), "available");
  ck_assert_int_eq(bed_undo(&b, "b1"), CORDON_OK);
  char *after = bed_snapshot("/etc", false);
  ck_assert_str_eq(after, before);
  free(before);
  free(after);
  bed_close(&b);
}
END_TEST

/* Named to come last, and written by whoever wants the unit to start. */
START_TEST(a_condition_that_is_taken_back_is_not_called_done)
{
  bed b;
  bed_open(&b);
  ck_assert(mkdir(FOLDER, 0755) == 0);
  bed_write(FOLDER "/zz.conf", "[Unit]\nConditionPathExists=\n", 0644);
  ck_assert_int_eq(bed_run(&b, "b1", DISABLE), CORDON_OK);
  ck_assert_ptr_nonnull(strstr(bed_measured(&b, "condition"), "never holds"));
  bed_write(FOLDER "/~~~.conf", "[Unit]\nConditionPathExists=\n", 0644);
  ck_assert_int_eq(bed_run(&b, "b2", DISABLE), CORDON_E_UNVERIFIED);
  ck_assert_ptr_nonnull(strstr(b.sentence, FOLDER "/~~~.conf"));
  ck_assert(bed_has_step(&b, "stop", "done"));
  ck_assert_int_eq(bed_undo(&b, "b1"), CORDON_OK);
  ck_assert(!bed_exists(DROPIN) && bed_exists(FOLDER "/zz.conf"));
  bed_close(&b);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {a_service_is_stopped_and_runs_again_when_that_is_taken_back,
                                a_condition_that_is_taken_back_is_not_called_done,
                                a_manager_that_does_not_stop_it_leaves_a_change_that_is_told};
  return run_kernel_suite("plugins.remediate_bus", tests, COUNT_OF(tests), with_manager, NULL);
}
