/* A desktop is told through its user's session bus, by that user: a bus takes nobody else's word,
 * and nothing that a user's program answers may be read by root. So a child becomes the user for
 * good, speaks D-Bus (libdbus), and says in one line how it went. */
#include "notify.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <dbus/dbus.h>
#include <sys/wait.h>

enum {
  CALL_MS = 3000,
  CHILD_MS = 5000, /* and then it is killed */
  CHILD_SECONDS = 8,
  EXPIRE_NEVER = 0
};

#define SERVICE "org.freedesktop.Notifications"
#define PATH "/org/freedesktop/Notifications"

/* ---- in the child ---- */

static void say(int fd, const char *sentence)
{
  size_t len = strnlen(sentence, NOTIFY_NOTE - 1);
  if (write(fd, sentence, len) < 0)
    _exit(EXIT_FAILURE);
}

static bool become(uid_t uid, int fd)
{
  const struct passwd *entry = getpwuid(uid);
  if (entry == NULL) {
    say(fd, "there is no account of that number");
    return false;
  }
  gid_t gid = entry->pw_gid;
  if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0 ||
      getuid() != uid || geteuid() != uid) {
    say(fd, "the rights of the user could not be taken on");
    return false;
  }
  return true;
}

/* Notify(app, replaces, icon, summary, body, actions, hints, expires): the specification of
 * org.freedesktop.Notifications, version 1.2. Urgency 2 (critical) stays until it is read. */
static bool fill(DBusMessage *m, const char *title, const char *body)
{
  const char *app = "Cordon";
  const char *icon = "security-high";
  const char *key = "urgency";
  dbus_uint32_t replaces = 0;
  dbus_int32_t expires = EXPIRE_NEVER;
  unsigned char urgency = 2;
  DBusMessageIter all;
  DBusMessageIter list;
  DBusMessageIter entry;
  DBusMessageIter value;
  dbus_message_iter_init_append(m, &all);
  return dbus_message_iter_append_basic(&all, DBUS_TYPE_STRING, &app) &&
         dbus_message_iter_append_basic(&all, DBUS_TYPE_UINT32, &replaces) &&
         dbus_message_iter_append_basic(&all, DBUS_TYPE_STRING, &icon) &&
         dbus_message_iter_append_basic(&all, DBUS_TYPE_STRING, &title) &&
         dbus_message_iter_append_basic(&all, DBUS_TYPE_STRING, &body) &&
         dbus_message_iter_open_container(&all, DBUS_TYPE_ARRAY, "s", &list) &&
         dbus_message_iter_close_container(&all, &list) &&
         dbus_message_iter_open_container(&all, DBUS_TYPE_ARRAY, "{sv}", &list) &&
         dbus_message_iter_open_container(&list, DBUS_TYPE_DICT_ENTRY, NULL, &entry) &&
         dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key) &&
         dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "y", &value) &&
         dbus_message_iter_append_basic(&value, DBUS_TYPE_BYTE, &urgency) &&
         dbus_message_iter_close_container(&entry, &value) &&
         dbus_message_iter_close_container(&list, &entry) &&
         dbus_message_iter_close_container(&all, &list) &&
         dbus_message_iter_append_basic(&all, DBUS_TYPE_INT32, &expires);
}

static bool call(DBusConnection *bus, const char *title, const char *body, DBusError *error)
{
  DBusMessage *m = dbus_message_new_method_call(SERVICE, PATH, SERVICE, "Notify");
  if (m == NULL || !fill(m, title, body)) {
    dbus_set_error_const(error, DBUS_ERROR_NO_MEMORY, "there is no memory for the message");
    return false;
  }
  /* Nothing is started for it: a bus without a desktop is left alone. */
  dbus_message_set_auto_start(m, FALSE);
  DBusMessage *answer = dbus_connection_send_with_reply_and_block(bus, m, CALL_MS, error);
  dbus_message_unref(m);
  if (answer != NULL)
    dbus_message_unref(answer);
  return answer != NULL;
}

static bool tell(const char *socket, const char *title, const char *body, int fd)
{
  char address[NOTIFY_PLACE + 16];
  DBusError error;
  dbus_error_init(&error);
  (void)snprintf(address, sizeof(address), "unix:path=%s", socket);
  DBusConnection *bus = dbus_connection_open_private(address, &error);
  if (bus == NULL) {
    say(fd, error.message);
    return false;
  }
  dbus_connection_set_exit_on_disconnect(bus, FALSE);
  bool told = dbus_bus_register(bus, &error) && call(bus, title, body, &error);
  if (!told && dbus_error_is_set(&error))
    say(fd, error.message);
  return told;
}

static void child(const notify_session *s, const char *title, const char *body, int fd)
{
  /* Whatever hangs, this ends. */
  (void)signal(SIGALRM, SIG_DFL);
  (void)alarm(CHILD_SECONDS);
  if (!become(s->uid, fd))
    _exit(EXIT_FAILURE);
  _exit(tell(s->place, title, body, fd) ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* ---- in the plugin ---- */

/* What a user's program said goes into a report: printable text only. */
static void keep_note(notify_session *s, const char *bytes, size_t len)
{
  size_t n = 0;
  for (size_t i = 0; i < len && n < sizeof(s->note) - 1; i++) {
    unsigned char byte = (unsigned char)bytes[i];
    s->note[n++] = byte >= ' ' && byte < 0x7f ? (char)byte : '?';
  }
  s->note[n] = '\0';
}

/* Until the child closes its end, or the time is over: then it is killed. */
static void listen(notify_session *s, pid_t pid, int fd)
{
  char bytes[NOTIFY_NOTE];
  size_t len = 0;
  uint64_t until = sup_now_ms() + CHILD_MS;
  for (;;) {
    uint64_t now = sup_now_ms();
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int ready = now < until ? poll(&p, 1, (int)(until - now)) : 0;
    if (ready < 0 && errno == EINTR)
      continue;
    if (ready <= 0) {
      (void)kill(pid, SIGKILL);
      (void)snprintf(s->note, sizeof(s->note), "it did not answer within %d ms", CHILD_MS);
      return;
    }
    ssize_t n = read(fd, bytes + len, sizeof(bytes) - len);
    if (n <= 0)
      break;
    len += (size_t)n;
    if (len == sizeof(bytes))
      break;
  }
  keep_note(s, bytes, len);
}

void notify_desktop(notify_session *s, const char *title, const char *body)
{
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    (void)snprintf(s->note, sizeof(s->note), "there is no pipe: %s", strerror(errno));
    return;
  }
  pid_t pid = fork();
  if (pid == 0) {
    (void)close(ends[0]);
    child(s, title, body, ends[1]);
  }
  (void)close(ends[1]);
  if (pid < 0) {
    (void)snprintf(s->note, sizeof(s->note), "no process could be made: %s", strerror(errno));
    (void)close(ends[0]);
    return;
  }
  listen(s, pid, ends[0]);
  (void)close(ends[0]);
  int code = 0;
  while (waitpid(pid, &code, 0) < 0 && errno == EINTR) {
  }
  s->told = WIFEXITED(code) && WEXITSTATUS(code) == EXIT_SUCCESS;
  if (s->told)
    s->note[0] = '\0';
  else if (s->note[0] == '\0')
    (void)snprintf(s->note, sizeof(s->note), "it could not be told");
}
