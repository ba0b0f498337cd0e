/* The child's end of a sight. */
#include "linux/sight.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/banned.h"

#define ANSWER_MS 5000

static cd_code fail_here(const char *what, cd_err *err)
{
  return cd_fail_os(err, CD_E_UNAVAILABLE, errno, "%s: %s", what, strerror(errno));
}

static void take_files(struct msghdr *m, uv_file *files, unsigned *count)
{
  for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
      continue;
    size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < n; i++) {
      int fd = -1;
      memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
      if (*count < 2)
        files[(*count)++] = fd;
      else
        (void)close(fd);
    }
  }
}

/* `files` may be NULL. Waits no longer than ANSWER_MS. */
static cd_code ask(uv_file sight, const sight_ask *q, sight_answer *a, uv_file *files,
                   unsigned *ret_count, cd_err *err)
{
  char control[CMSG_SPACE(2 * sizeof(int))];
  struct iovec part = {.iov_base = a, .iov_len = sizeof(*a)};
  struct msghdr m = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
  struct pollfd p = {.fd = sight, .events = POLLIN};
  if (send(sight, q, sizeof(*q), MSG_NOSIGNAL) != (ssize_t)sizeof(*q))
    return fail_here("the agent cannot be asked", err);
  int ready = 0;
  do
    ready = poll(&p, 1, ANSWER_MS);
  while (ready < 0 && errno == EINTR);
  if (ready == 0)
    return cd_fail(err, CD_E_DEADLINE, "the agent did not answer within %d ms", ANSWER_MS);
  ssize_t got = ready > 0 ? recvmsg(sight, &m, MSG_CMSG_CLOEXEC | MSG_WAITALL) : -1;
  if (got < 0)
    return fail_here("the agent's answer could not be read", err);
  take_files(&m, files, ret_count);
  if (got != (ssize_t)sizeof(*a))
    return cd_fail(err, CD_E_INTERNAL, "the agent's answer is of another length");
  a->space.name[sizeof(a->space.name) - 1] = '\0';
  return CD_OK;
}

cd_code pf_sight_space_at(uv_file sight, uint32_t index, pf_sight_space *ret_space,
                          uv_file ret_sockets[2], cd_err *err)
{
  sight_ask q = {.kind = SIGHT_SPACE, .index = index};
  sight_answer a = {.code = CD_E_INTERNAL};
  uv_file files[2] = {-1, -1};
  unsigned count = 0;
  *ret_space = (pf_sight_space){.id = 0};
  cd_code rc = ask(sight, &q, &a, files, &count, err);
  if (rc == CD_OK) {
    *ret_space = a.space;
    if (a.code != CD_OK)
      rc = cd_fail_os(err, (cd_code)a.code, a.os_error, "its namespace could not be entered: %s",
                      strerror(a.os_error));
    else if (count != 2)
      rc = cd_fail(err, CD_E_INTERNAL, "the agent sent %u sockets", count);
  }
  for (unsigned i = 0; i < count && rc != CD_OK; i++)
    (void)close(files[i]);
  if (rc == CD_OK)
    memcpy(ret_sockets, files, sizeof(files));
  return rc;
}

cd_code pf_sight_holders(uv_file sight, const uint64_t *inodes, uint32_t count,
                         pf_sight_holder *ret_holders, cd_err *err)
{
  sight_ask q = {.kind = SIGHT_HOLDERS, .index = count};
  sight_answer a = {.code = CD_E_INTERNAL};
  uv_file files[2] = {-1, -1};
  unsigned files_count = 0;
  if (count > PF_SIGHT_HOLDERS_MAX)
    return cd_fail(err, CD_E_LIMIT, "at most %u sockets can be asked about at once",
                   PF_SIGHT_HOLDERS_MAX);
  memcpy(q.inodes, inodes, count * sizeof(*inodes));
  cd_code rc = ask(sight, &q, &a, files, &files_count, err);
  for (unsigned i = 0; i < files_count; i++)
    (void)close(files[i]);
  if (rc == CD_OK && a.code != CD_OK)
    rc = cd_fail_os(err, (cd_code)a.code, a.os_error, "the holders of sockets could not be found");
  for (uint32_t i = 0; i < count && rc == CD_OK; i++) {
    a.holders[i].name[PF_SIGHT_NAME_MAX - 1] = '\0';
    a.holders[i].program[PF_SIGHT_PATH_MAX - 1] = '\0';
    ret_holders[i] = a.holders[i];
  }
  return rc;
}
