/* A stream socket; a message is the number, with the descriptor beside it. */
#include "platform/pass.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/banned.h"

static int prepare(int fd)
{
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
      fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
    return errno;
  return 0;
}

cd_code pf_pass_pair(uv_file *ret_parent, uv_file *ret_child, cd_err *err)
{
  int ends[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
    return cd_fail_os(err, cd_code_from_errno(errno), errno, "no pair of sockets: %s",
                      strerror(errno));
  int failed = prepare(ends[0]);
  if (failed == 0)
    failed = prepare(ends[1]);
  if (failed != 0) {
    (void)close(ends[0]);
    (void)close(ends[1]);
    return cd_fail_os(err, cd_code_from_errno(failed), failed, "no pair of sockets: %s",
                      strerror(failed));
  }
  *ret_parent = ends[0];
  *ret_child = ends[1];
  return CD_OK;
}

/* Whoever has the other end gets it, whichever process that is. */
cd_code pf_pass_give(uv_file parent, uv_os_fd_t child, uint64_t number, uv_file file, cd_err *err)
{
  (void)child;
  char control[CMSG_SPACE(sizeof(int))] = {0};
  struct iovec part = {.iov_base = &number, .iov_len = sizeof(number)};
  struct msghdr m = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(c), &file, sizeof(int));
  ssize_t sent = sendmsg(parent, &m, MSG_NOSIGNAL);
  if (sent == (ssize_t)sizeof(number))
    return CD_OK;
  int failed = sent < 0 ? errno : EMSGSIZE;
  return cd_fail_os(err, failed == EAGAIN ? CD_E_LIMIT : CD_E_IO, failed,
                    "a file could not be handed over: %s", strerror(failed));
}

/* 1: one was taken; 0: none is there; else the error, negative. */
static int take_next(int child, uint64_t *ret_number, int *ret_fd)
{
  char control[CMSG_SPACE(sizeof(int))] = {0};
  struct iovec part = {.iov_base = ret_number, .iov_len = sizeof(*ret_number)};
  struct msghdr m = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
  ssize_t got = recvmsg(child, &m, 0);
  *ret_fd = -1;
  if (got < 0)
    return errno == EAGAIN ? 0 : -errno;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c)) {
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
      memcpy(ret_fd, CMSG_DATA(c), sizeof(int));
  }
  if (got == (ssize_t)sizeof(*ret_number) && *ret_fd >= 0 &&
      fcntl(*ret_fd, F_SETFD, FD_CLOEXEC) == 0)
    return 1;
  if (*ret_fd >= 0)
    (void)close(*ret_fd);
  return got == 0 ? -EPIPE : -EPROTO;
}

cd_code pf_pass_take(uv_file child, uint64_t number, uv_file *ret_file, cd_err *err)
{
  for (;;) {
    uint64_t given = 0;
    int fd = -1;
    int got = take_next(child, &given, &fd);
    if (got == 1 && given == number) {
      *ret_file = fd;
      return CD_OK;
    }
    if (got == 0)
      return cd_fail(err, CD_E_NOTFOUND, "no file was handed over under the number %llu",
                     (unsigned long long)number);
    if (got < 0)
      return cd_fail_os(err, CD_E_IO, -got, "a file could not be taken over: %s", strerror(-got));
    (void)close(fd);
  }
}
