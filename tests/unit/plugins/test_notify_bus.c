#include "test_notify_bus.h"

#include "suite.h"

#include <dbus/dbus.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>
#include <sys/wait.h>

enum { READY_MS = 30000 };

static void become(uid_t uid)
{
  if (setgroups(0, NULL) != 0 || setresgid((gid_t)uid, (gid_t)uid, (gid_t)uid) != 0 ||
      setresuid(uid, uid, uid) != 0)
    _exit(3);
}

static void run_daemon(const bus *b, uid_t uid, int ready)
{
  char address[160];
  char print[32];
  (void)snprintf(address, sizeof(address), "--address=unix:path=%s", b->path);
  (void)snprintf(print, sizeof(print), "--print-address=%d", ready);
  become(uid);
  (void)fcntl(ready, F_SETFD, 0);
  (void)execl("/usr/bin/dbus-daemon", "dbus-daemon", "--session", "--nofork", "--nopidfile",
              "--nosyslog", address, print, (char *)NULL);
  _exit(4);
}

static void say(int fd, const char *text)
{
  if (write(fd, text, strlen(text)) < 0 || write(fd, "\n", 1) < 0)
    _exit(5);
}

/* susssasa{sv}i: the fourth and fifth are what people read. */
static bool read_call(DBusMessage *m, const char **ret_title, const char **ret_body)
{
  DBusMessageIter at;
  const char *texts[5] = {NULL};
  if (!dbus_message_has_signature(m, "susssasa{sv}i") || !dbus_message_iter_init(m, &at))
    return false;
  for (int i = 0; i < 5; i++) {
    if (i != 1)
      dbus_message_iter_get_basic(&at, &texts[i]);
    (void)dbus_message_iter_next(&at);
  }
  *ret_title = texts[3];
  *ret_body = texts[4];
  return true;
}

static void show(DBusConnection *c, DBusMessage *m, bus_service service, int out)
{
  const char *title = NULL;
  const char *body = NULL;
  dbus_uint32_t id = 7;
  if (!dbus_message_is_method_call(m, "org.freedesktop.Notifications", "Notify") ||
      !read_call(m, &title, &body))
    return;
  say(out, title);
  say(out, body);
  DBusMessage *answer = dbus_message_new_method_return(m);
  if (service != BUS_SHOWS || answer == NULL ||
      !dbus_message_append_args(answer, DBUS_TYPE_UINT32, &id, DBUS_TYPE_INVALID))
    return;
  (void)dbus_connection_send(c, answer, NULL);
  dbus_connection_flush(c);
  dbus_message_unref(answer);
}

static void run_shower(const bus *b, uid_t uid, bus_service service, int ready, int out)
{
  char address[128];
  DBusError error;
  dbus_error_init(&error);
  become(uid);
  (void)snprintf(address, sizeof(address), "unix:path=%s", b->path);
  DBusConnection *c = dbus_connection_open_private(address, &error);
  if (c == NULL || !dbus_bus_register(c, &error) ||
      dbus_bus_request_name(c, "org.freedesktop.Notifications", 0, &error) != 1)
    _exit(6);
  say(ready, "ready");
  for (;;) {
    if (!dbus_connection_read_write(c, 1000))
      _exit(0);
    DBusMessage *m = dbus_connection_pop_message(c);
    if (m == NULL)
      continue;
    show(c, m, service, out);
    dbus_message_unref(m);
  }
}

/* Something to read, or the end, within the time. */
static bool wait_readable(int fd, int ms)
{
  struct pollfd p = {.fd = fd, .events = POLLIN};
  int n;
  do {
    n = poll(&p, 1, ms);
  } while (n < 0 && errno == EINTR);
  return n > 0;
}

static void expect_ready(int fd)
{
  char text[256];
  ck_assert_msg(wait_readable(fd, READY_MS) && read(fd, text, sizeof(text)) > 0,
                "no message bus came up");
  (void)close(fd);
}

void bus_start(bus *b, uid_t uid, bus_service service)
{
  int ready[2];
  int out[2];
  *b = (bus){.shower = -1};
  (void)snprintf(b->folder, sizeof(b->folder), "/tmp/cordon-bus-XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(b->folder));
  ck_assert_int_eq(chown(b->folder, uid, uid), 0);
  (void)snprintf(b->path, sizeof(b->path), "%s/bus", b->folder);
  ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
  b->daemon = fork();
  if (b->daemon == 0)
    run_daemon(b, uid, ready[1]);
  (void)close(ready[1]);
  expect_ready(ready[0]);
  ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
  b->shown = out[0];
  if (service != BUS_NOBODY) {
    ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
    b->shower = fork();
    if (b->shower == 0)
      run_shower(b, uid, service, ready[1], out[1]);
    (void)close(ready[1]);
    expect_ready(ready[0]);
  }
  (void)close(out[1]);
}

static void end(pid_t pid)
{
  if (pid <= 0)
    return;
  (void)kill(pid, SIGKILL);
  ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

void bus_stop(bus *b)
{
  end(b->shower);
  end(b->daemon);
  (void)close(b->shown);
  (void)unlink(b->path);
  (void)rmdir(b->folder);
}

const char *bus_shown(bus *b)
{
  static char text[BUS_TEXT];
  size_t len = 0;
  while (len < sizeof(text) - 1 && wait_readable(b->shown, len == 0 ? READY_MS : 200)) {
    ssize_t n = read(b->shown, text + len, sizeof(text) - 1 - len);
    if (n <= 0)
      break;
    len += (size_t)n;
  }
  text[len] = '\0';
  return text;
}
