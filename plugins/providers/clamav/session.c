/* A connection to clamd: who is there, IDSESSION, and descriptors that are passed by FILDES. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clamav.h"

#define INSTALL "install clamav-daemon and clamav-freshclam, and start them"

void clam_session_init(clam_session *s)
{
  *s = (clam_session){.fd = -1};
}

void clam_session_close(clam_session *s)
{
  if (s->fd >= 0)
    (void)close(s->fd);
  s->fd = -1;
  s->have = 0;
}

/* ---- who is there ---- */

/* systemd may hold the socket for clamd: then the one at the other end is looked for by name, which
 * only decides whose processor time is measured. */
static bool is_clamd(int32_t pid)
{
  char path[64];
  char name[32] = "";
  (void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t len = fd >= 0 ? read(fd, name, sizeof(name) - 1) : -1;
  if (fd >= 0)
    (void)close(fd);
  return len > 0 && strcmp(name, "clamd\n") == 0;
}

static int32_t find_clamd(int32_t pid)
{
  char path[64];
  if (pid > 1)
    return pid;
  int fd = -1;
  char text[32] = "";
  static const char *const files[] = {"/run/clamav/clamd.pid", "/var/run/clamav/clamd.pid",
                                      "/run/clamd.scan/clamd.pid"};
  for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
    (void)snprintf(path, sizeof(path), "%s", files[i]);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ssize_t len = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (fd >= 0)
      (void)close(fd);
    long found = len > 0 ? strtol(text, NULL, 10) : 0;
    if (found > 1 && found <= INT32_MAX && is_clamd((int32_t)found))
      return (int32_t)found;
  }
  return 0;
}

static cordon_status check_peer(clam_session *s, const clam_settings *set, sup_err *err)
{
  struct ucred who = {0};
  socklen_t len = sizeof(who);
  uint32_t user = 0;
  if (getsockopt(s->fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
    return sup_fail_os(err, errno, "who listens at %s is not known", set->socket);
  bool known = sup_account_id(set->user, &user);
  if (who.uid != 0 && (!known || who.uid != user))
    return sup_fail(err, CORDON_E_DENIED,
                    "at %s listens a process of user %u (process %d), not of root or '%s': it is "
                    "given no file",
                    set->socket, (unsigned)who.uid, (int)who.pid, set->user);
  s->pid = find_clamd((int32_t)who.pid);
  return CORDON_OK;
}

/* ---- the start ---- */

static cordon_status say_absent(const clam_settings *set, const clam_conf *conf, int os_error,
                                sup_err *err)
{
  clam_database db;
  clam_database_look(conf->database, &db);
  if (os_error == EACCES)
    return sup_fail(err, CORDON_E_UNAVAILABLE, "clamd's socket %s may not be used: %s", set->socket,
                    strerror(os_error));
  if (access("/usr/sbin/clamd", F_OK) == 0 && !db.exists)
    return sup_fail(err, CORDON_E_UNAVAILABLE,
                    "clamd does not run, and has no signatures in %s: run freshclam, and start "
                    "clamav-daemon",
                    conf->database);
  return sup_fail(err, CORDON_E_UNAVAILABLE, "clamd does not run: %s at %s; %s", strerror(os_error),
                  set->socket, INSTALL);
}

static cordon_status connect_to(clam_session *s, const clam_settings *set, const clam_conf *conf,
                                sup_err *err)
{
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  if (strlen(set->socket) >= sizeof(to.sun_path))
    return sup_fail(err, CORDON_E_INVALID, "the path of clamd's socket is too long: %.100s",
                    set->socket);
  memcpy(to.sun_path, set->socket, strlen(set->socket) + 1);
  s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (s->fd < 0)
    return sup_fail_os(err, errno, "no socket could be made");
  s->have = 0;
  s->next_id = 1;
  if (connect(s->fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
    return CORDON_OK;
  int os_error = errno;
  clam_session_close(s);
  if (os_error == EAGAIN)
    return sup_fail(err, CORDON_E_UNAVAILABLE,
                    "clamd takes no connection at %s: too many wait already", set->socket);
  return say_absent(set, conf, os_error, err);
}

static bool send_all(int fd, const char *bytes, size_t len)
{
  while (len > 0) {
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR)
      continue;
    if (sent < 0 && errno == EAGAIN && poll(&p, 1, 2000) > 0)
      continue;
    if (sent <= 0)
      return false;
    bytes += sent;
    len -= (size_t)sent;
  }
  return true;
}

typedef struct answer {
  bool came;
  char text[CLAM_SIGNATURE];
  size_t len;
} answer;

static void keep_answer(void *data, const char *record, size_t len)
{
  answer *a = data;
  if (a->came || len >= sizeof(a->text))
    return;
  memcpy(a->text, record, len);
  a->text[len] = '\0';
  a->len = len;
  a->came = true;
}

/* One question on a connection of its own, which clamd closes. */
static cordon_status ask_version(clam_session *s, const sup_call *call, const clam_settings *set,
                                 clam_version *ret_version, sup_err *err)
{
  static const char question[] = "zVERSION";
  answer a = {.came = false};
  uint64_t until = sup_now_ms() + (uint64_t)set->answer_s * 1000;
  bool alive = send_all(s->fd, question, sizeof(question));
  while (alive && !a.came && sup_now_ms() < until) {
    if (sup_call_cancelled(call))
      return sup_call_check(call, err);
    alive = clam_session_receive(s, 100, keep_answer, &a);
  }
  if (!a.came)
    return sup_fail(err, CORDON_E_UNAVAILABLE,
                    alive ? "clamd took the connection at %s, and does not answer: it hangs, or "
                            "still loads its signatures"
                          : "clamd closed the connection at %s without an answer",
                    set->socket);
  if (!clam_version_read(a.text, a.len, ret_version))
    return sup_fail(err, CORDON_E_UNAVAILABLE, "what answers at %s is not clamd", set->socket);
  return CORDON_OK;
}

cordon_status clam_session_open(clam_session *s, const sup_call *call, const clam_settings *set,
                                const clam_conf *conf, clam_version *ret_version, sup_err *err)
{
  cordon_status rc = connect_to(s, set, conf, err);
  if (rc == CORDON_OK)
    rc = check_peer(s, set, err);
  if (rc == CORDON_OK)
    rc = ask_version(s, call, set, ret_version, err);
  clam_session_close(s);
  if (rc == CORDON_OK)
    rc = connect_to(s, set, conf, err);
  if (rc == CORDON_OK)
    rc = check_peer(s, set, err);
  if (rc != CORDON_OK)
    clam_session_close(s);
  return rc;
}

cordon_status clam_session_begin(clam_session *s, sup_err *err)
{
  static const char begin[] = "zIDSESSION";
  if (!send_all(s->fd, begin, sizeof(begin)))
    return sup_fail(err, CORDON_E_UNAVAILABLE, "clamd closed the connection");
  return CORDON_OK;
}

/* ---- files ---- */

static bool pass(int fd, int file)
{
  char byte = '\0';
  struct iovec part = {.iov_base = &byte, .iov_len = 1};
  union {
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(int))];
  } control;
  memset(&control, 0, sizeof(control));
  struct msghdr m = {.msg_iov = &part,
                     .msg_iovlen = 1,
                     .msg_control = control.room,
                     .msg_controllen = sizeof(control.room)};
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(c), &file, sizeof(int));
  for (;;) {
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    ssize_t sent = sendmsg(fd, &m, MSG_NOSIGNAL);
    if (sent == 1)
      return true;
    if (sent < 0 && errno == EINTR)
      continue;
    if (sent < 0 && errno == EAGAIN && poll(&p, 1, 2000) > 0)
      continue;
    return false;
  }
}

bool clam_session_send(clam_session *s, int file, uint64_t *ret_id)
{
  static const char command[] = "zFILDES";
  *ret_id = s->next_id++;
  return s->fd >= 0 && send_all(s->fd, command, sizeof(command)) && pass(s->fd, file);
}

bool clam_session_ping(clam_session *s)
{
  static const char command[] = "zPING";
  s->next_id++;
  return s->fd >= 0 && send_all(s->fd, command, sizeof(command));
}

static void take_records(clam_session *s, void (*each)(void *data, const char *record, size_t len),
                         void *data)
{
  size_t from = 0;
  const char *end = NULL;
  while ((end = memchr(s->text + from, '\0', s->have - from)) != NULL) {
    size_t len = (size_t)(end - (s->text + from));
    each(data, s->text + from, len);
    from += len + 1;
  }
  memmove(s->text, s->text + from, s->have - from);
  s->have -= from;
}

bool clam_session_receive(clam_session *s, int wait_ms,
                          void (*each)(void *data, const char *record, size_t len), void *data)
{
  struct pollfd p = {.fd = s->fd, .events = POLLIN};
  if (s->fd < 0)
    return false;
  int ready = poll(&p, 1, wait_ms);
  if (ready <= 0)
    return ready == 0 || errno == EINTR;
  /* A record without an end is none of clamd's. */
  if (s->have == sizeof(s->text))
    return false;
  ssize_t got = recv(s->fd, s->text + s->have, sizeof(s->text) - s->have, 0);
  if (got < 0)
    return errno == EAGAIN || errno == EINTR;
  if (got == 0)
    return false;
  s->have += (size_t)got;
  take_records(s, each, data);
  return true;
}
