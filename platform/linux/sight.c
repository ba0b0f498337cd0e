/* The parent's end of a sight: a thread that answers until the other end is closed. It is in the
 * namespaces of others only while it opens two sockets there, and alone in that: a namespace is the
 * thread's, not the process's. */
#include "linux/sight.h"

#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/banned.h"

#define PROC_PATH_MAX 320

typedef struct server {
  int fd;
  int home;    /* the namespace that the thread began in */
  bool astray; /* it could not go back: the thread ends */
  uint32_t count;
  pf_sight_space spaces[PF_SIGHT_SPACES_MAX];
} server;

static uint64_t inode_of(const char *path)
{
  struct stat st;
  return stat(path, &st) == 0 ? (uint64_t)st.st_ino : 0;
}

/* A link in /proc, cut to what fits. */
static void read_link(const char *path, char *out, size_t size)
{
  ssize_t len = readlink(path, out, size - 1);
  out[len > 0 ? len : 0] = '\0';
}

static void read_name(int32_t pid, char out[PF_SIGHT_NAME_MAX])
{
  char path[PROC_PATH_MAX];
  (void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
  out[0] = '\0';
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return;
  ssize_t len = read(fd, out, PF_SIGHT_NAME_MAX - 1);
  (void)close(fd);
  out[len > 0 ? len : 0] = '\0';
  out[strcspn(out, "\n")] = '\0';
}

static bool is_known(const server *s, uint64_t id)
{
  for (uint32_t i = 0; i < s->count; i++) {
    if (s->spaces[i].id == id)
      return true;
  }
  return false;
}

/* The processes in /proc, one by one; 0 at the end. */
static int32_t next_process(DIR *proc)
{
  for (const struct dirent *e = readdir(proc); e != NULL; e = readdir(proc)) {
    uint64_t pid = 0;
    if (cd_str_to_u64(cd_str_from(e->d_name), INT32_MAX, &pid) && pid > 0)
      return (int32_t)pid;
  }
  return 0;
}

static void find_spaces(server *s)
{
  char path[PROC_PATH_MAX];
  uint64_t home = inode_of("/proc/thread-self/ns/net");
  DIR *proc = opendir("/proc");
  s->count = 0;
  if (proc == NULL)
    return;
  for (int32_t pid = next_process(proc); pid != 0; pid = next_process(proc)) {
    (void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
    uint64_t id = inode_of(path);
    if (id == 0 || id == home || is_known(s, id) || s->count == PF_SIGHT_SPACES_MAX)
      continue;
    pf_sight_space *space = &s->spaces[s->count++];
    *space = (pf_sight_space){.id = id, .pid = pid};
    read_name(pid, space->name);
  }
  (void)closedir(proc);
}

static int open_there(int protocol)
{
  return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
}

/* What a netlink socket lets its holder change is bounded by what the one that opened it could: the
 * one for addresses and routes is opened without, so that it is for reading only. */
static int open_for_reading(void)
{
  struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct all[_LINUX_CAPABILITY_U32S_3] = {0};
  struct __user_cap_data_struct fewer[_LINUX_CAPABILITY_U32S_3];
  if (syscall(SYS_capget, &head, all) != 0)
    return -1;
  memcpy(fewer, all, sizeof(fewer));
  fewer[0].effective &= ~(1u << CAP_NET_ADMIN);
  if (syscall(SYS_capset, &head, fewer) != 0)
    return -1;
  int fd = open_there(NETLINK_ROUTE);
  int kept = errno;
  (void)syscall(SYS_capset, &head, all);
  errno = kept;
  return fd;
}

/* 0, or the error. The process may have ended, and its number belong to another by now. */
static int open_space(server *s, const pf_sight_space *space, int sockets[2])
{
  char path[PROC_PATH_MAX];
  struct stat st;
  int os_error = 0;
  (void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)space->pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return errno;
  if (fstat(fd, &st) != 0 || (uint64_t)st.st_ino != space->id)
    os_error = ESRCH;
  else if (setns(fd, CLONE_NEWNET) != 0)
    os_error = errno;
  (void)close(fd);
  if (os_error != 0)
    return os_error;
  sockets[0] = open_there(NETLINK_SOCK_DIAG);
  if (sockets[0] < 0)
    os_error = errno;
  sockets[1] = open_for_reading();
  if (sockets[1] < 0 && os_error == 0)
    os_error = errno;
  s->astray = setns(s->home, CLONE_NEWNET) != 0;
  return os_error;
}

static void answer_space(server *s, uint32_t index, sight_answer *a, int sockets[2])
{
  if (index == 0)
    find_spaces(s);
  if (index >= s->count) {
    a->code = CD_E_NOTFOUND;
    a->os_error = ENOENT;
    return;
  }
  a->space = s->spaces[index];
  a->os_error = open_space(s, &a->space, sockets);
  /* Not CD_E_NOTFOUND, which ends the list. */
  a->code = a->os_error == 0 ? CD_OK : CD_E_UNAVAILABLE;
}

/* The inode in `socket:[N]`; 0 if it is none. */
static uint64_t socket_inode(const char *link)
{
  static const char word[] = "socket:[";
  uint64_t inode = 0;
  size_t len = strlen(link);
  if (len < sizeof(word) || strncmp(link, word, sizeof(word) - 1) != 0 || link[len - 1] != ']')
    return 0;
  cd_str number = {link + sizeof(word) - 1, len - sizeof(word)};
  return cd_str_to_u64(number, UINT64_MAX, &inode) ? inode : 0;
}

static void note_holder(const sight_ask *q, uint64_t inode, int32_t pid, sight_answer *a)
{
  char path[PROC_PATH_MAX];
  for (uint32_t i = 0; i < q->index; i++) {
    pf_sight_holder *h = &a->holders[i];
    if (q->inodes[i] != inode || h->pid != 0)
      continue;
    h->pid = pid;
    read_name(pid, h->name);
    (void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
    read_link(path, h->program, sizeof(h->program));
  }
}

static void look_through(int32_t pid, const sight_ask *q, sight_answer *a)
{
  char path[PROC_PATH_MAX];
  char link[64];
  (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
  DIR *dir = opendir(path);
  if (dir == NULL)
    return;
  for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
    (void)snprintf(path, sizeof(path), "/proc/%d/fd/%s", (int)pid, e->d_name);
    read_link(path, link, sizeof(link));
    uint64_t inode = socket_inode(link);
    if (inode != 0)
      note_holder(q, inode, pid, a);
  }
  (void)closedir(dir);
}

static void answer_holders(const sight_ask *q, sight_answer *a)
{
  DIR *proc = opendir("/proc");
  if (proc == NULL) {
    a->code = CD_E_UNAVAILABLE;
    a->os_error = errno;
    return;
  }
  for (int32_t pid = next_process(proc); pid != 0; pid = next_process(proc))
    look_through(pid, q, a);
  (void)closedir(proc);
}

static bool send_answer(int fd, const sight_answer *a, const int sockets[2])
{
  char control[CMSG_SPACE(2 * sizeof(int))] = {0};
  sight_answer copy = *a;
  struct iovec part = {.iov_base = &copy, .iov_len = sizeof(copy)};
  struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
  if (a->code == CD_OK && sockets[0] >= 0) {
    m.msg_control = control;
    m.msg_controllen = sizeof(control);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(2 * sizeof(int));
    memcpy(CMSG_DATA(c), sockets, 2 * sizeof(int));
  }
  return sendmsg(fd, &m, MSG_NOSIGNAL) == (ssize_t)sizeof(copy);
}

/* False ends the thread. */
static bool serve_one(server *s)
{
  sight_ask q = {.kind = 0};
  sight_answer a = {.code = CD_OK};
  int sockets[2] = {-1, -1};
  ssize_t got = -1;
  do
    got = recv(s->fd, &q, sizeof(q), MSG_WAITALL);
  while (got < 0 && errno == EINTR);
  if (got != (ssize_t)sizeof(q))
    return false;
  if (q.kind == SIGHT_SPACE)
    answer_space(s, q.index, &a, sockets);
  else if (q.kind == SIGHT_HOLDERS && q.index <= PF_SIGHT_HOLDERS_MAX)
    answer_holders(&q, &a);
  else
    return false;
  bool sent = send_answer(s->fd, &a, sockets);
  for (size_t i = 0; i < 2; i++) {
    if (sockets[i] >= 0)
      (void)close(sockets[i]);
  }
  return sent && !s->astray;
}

static void *serve(void *data)
{
  server *s = data;
  while (serve_one(s)) {
  }
  (void)close(s->home);
  (void)close(s->fd);
  free(s);
  return NULL;
}

/* Signals are for the agent's own threads. */
static int start_thread(server *s)
{
  sigset_t all;
  sigset_t before;
  pthread_t thread;
  (void)sigfillset(&all);
  (void)pthread_sigmask(SIG_SETMASK, &all, &before);
  int failed = pthread_create(&thread, NULL, serve, s);
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (failed == 0)
    (void)pthread_detach(thread);
  return failed;
}

cd_code pf_sight_serve(uv_file *ret_child, cd_err *err)
{
  int ends[2] = {-1, -1};
  server *s = calloc(1, sizeof(*s));
  if (s == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory to look at network namespaces");
  s->home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  int failed = s->home < 0 ? errno : 0;
  if (failed == 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    failed = errno;
  s->fd = ends[0];
  if (failed == 0)
    failed = start_thread(s);
  if (failed == 0) {
    *ret_child = ends[1];
    return CD_OK;
  }
  for (size_t i = 0; i < 2; i++) {
    if (ends[i] >= 0)
      (void)close(ends[i]);
  }
  if (s->home >= 0)
    (void)close(s->home);
  free(s);
  return cd_fail_os(err, CD_E_UNAVAILABLE, failed, "network namespaces cannot be looked at: %s",
                    strerror(failed));
}
