/* The control socket: binding it without taking it from a living agent, and who is at its other
 * end. */
#include "platform/peer.h"

#include "base/limits.h"
#include "base/str.h"
#include "posix/posix.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/banned.h"

#define GROUPS_START 64
#define GROUPS_MAX 65536
#define GROUP_ANSWER_MIN 4096u
#define GROUP_ANSWER_MAX (4u * 1024u * 1024u)

static void fill_identity(uid_t uid, pid_t pid, pf_identity *out)
{
  *out = (pf_identity){
      .user_id = uid,
      .process_id = pid > 0 ? (uint64_t)pid : 0,
      .administrator = uid == 0,
  };
  if (uid == 0)
    (void)snprintf(out->user, sizeof(out->user), "root");
  else
    (void)snprintf(out->user, sizeof(out->user), "%lu", (unsigned long)uid);
}

void pf_peer_name(pf_identity *who)
{
  pf_account account = {0};
  cd_err ignored = {0};
  /* An account without a name, or a directory service that is down, does not make the peer nobody.
   */
  if (pf_account_by_uid((uid_t)who->user_id, &account, &ignored) == CD_OK)
    (void)snprintf(who->user, sizeof(who->user), "%s", account.name);
}

cd_code pf_peer_of(uv_pipe_t *pipe, pf_identity *ret_identity, cd_err *err)
{
  uv_os_fd_t fd = -1;
  int status = uv_fileno((const uv_handle_t *)pipe, &fd);
  if (status != 0)
    return cd_fail_os(err, cd_code_from_errno(status), -(int64_t)status,
                      "the peer of a closed pipe is unknown: %s", uv_strerror(status));
  uid_t uid = 0;
  pid_t pid = 0;
  cd_code rc = pf_os_peer(fd, &uid, &pid, err);
  if (rc == CD_OK)
    fill_identity(uid, pid, ret_identity);
  return rc;
}

cd_code pf_peer_self(pf_identity *ret_identity, cd_err *err)
{
  fill_identity(geteuid(), getpid(), ret_identity);
  return CD_OK;
}

static int find_group(const char *name, gid_t *ret_gid)
{
  int rc = ERANGE;
  for (size_t size = GROUP_ANSWER_MIN; rc == ERANGE && size <= GROUP_ANSWER_MAX; size *= 2) {
    struct group entry = {0};
    struct group *found = NULL;
    char *text = malloc(size);
    if (text == NULL)
      return ENOMEM;
    rc = getgrnam_r(name, &entry, text, size, &found);
    if (rc == ESRCH || rc == EBADF || rc == EPERM || (rc == 0 && found == NULL))
      rc = ENOENT;
    if (rc == 0)
      *ret_gid = entry.gr_gid;
    free(text);
  }
  return rc;
}

static cd_code account_in_group(const pf_account *account, gid_t gid, bool *ret_member, cd_err *err)
{
  for (int room = GROUPS_START; room <= GROUPS_MAX; room *= 4) {
    int count = room;
    gid_t *groups = calloc((size_t)room, sizeof(*groups));
    if (groups == NULL)
      return cd_fail(err, CD_E_INTERNAL, "no memory for the groups of '%s'", account->name);
    bool whole = getgrouplist(account->name, account->gid, groups, &count) >= 0;
    bool member = false;
    for (int i = 0; whole && i < count; i++)
      member = member || groups[i] == gid;
    free(groups);
    if (whole) {
      *ret_member = member;
      return CD_OK;
    }
  }
  return cd_fail(err, CD_E_LIMIT, "the user '%s' is in more than %d groups", account->name,
                 GROUPS_MAX);
}

cd_code pf_peer_in_group(const pf_identity *who, const char *group, bool *ret_member, cd_err *err)
{
  gid_t gid = 0;
  int why = find_group(group, &gid);
  if (why == ENOENT) {
    *ret_member = false;
    return CD_OK;
  }
  if (why != 0)
    return cd_fail_os(err, cd_code_from_errno(why), why,
                      "the group '%s' could not be looked up: %s", group, strerror(why));
  pf_account account = {0};
  cd_code rc = pf_account_by_uid((uid_t)who->user_id, &account, err);
  if (rc == CD_E_NOTFOUND) {
    *ret_member = false;
    return CD_OK;
  }
  if (rc != CD_OK)
    return rc;
  return account_in_group(&account, gid, ret_member, err);
}

/* A socket file is there: CD_OK if nobody listens on it any more. */
static cd_code check_stale(const struct sockaddr_un *address, cd_err *err)
{
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0)
    return cd_fail_os(err, cd_code_from_errno(errno), errno, "no socket: %s", strerror(errno));
  /* A listener whose queue is full must not make us wait. */
  (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
  (void)fcntl(fd, F_SETFL, O_NONBLOCK);
  int rc = connect(fd, (const struct sockaddr *)address, sizeof(*address));
  int why = errno;
  (void)close(fd);
  if (rc == 0 || why == EAGAIN || why == EINPROGRESS)
    return cd_fail(err, CD_E_CONFLICT, "another process already listens on '%s'",
                   address->sun_path);
  if (why == ECONNREFUSED)
    return CD_OK;
  return cd_fail_os(err, cd_code_from_errno(why), why,
                    "whether somebody listens on '%s' is unknown: %s", address->sun_path,
                    strerror(why));
}

/* Makes the name free for us, or says why not. */
static cd_code clear_name(const struct sockaddr_un *address, cd_err *err)
{
  const char *name = address->sun_path;
  struct stat st;
  if (lstat(name, &st) != 0) {
    if (errno == ENOENT)
      return CD_OK;
    return cd_fail_os(err, cd_code_from_errno(errno), errno, "'%s' could not be examined: %s", name,
                      strerror(errno));
  }
  if (!S_ISSOCK(st.st_mode))
    return cd_fail(err, CD_E_CONFLICT, "'%s' exists and is not a socket", name);
  cd_code rc = check_stale(address, err);
  if (rc != CD_OK)
    return rc;
  if (unlink(name) != 0 && errno != ENOENT)
    return cd_fail_os(err, cd_code_from_errno(errno), errno,
                      "the stale socket '%s' could not be removed: %s", name, strerror(errno));
  return CD_OK;
}

static cd_code check_folder(const char *name, cd_err *err)
{
  char folder[sizeof(((struct sockaddr_un *)0)->sun_path)] = ".";
  const char *slash = strrchr(name, '/');
  if (slash != NULL)
    (void)snprintf(folder, sizeof(folder), "%.*s", slash == name ? 1 : (int)(slash - name), name);
  struct stat st;
  if (stat(folder, &st) != 0)
    return cd_fail_os(err, cd_code_from_errno(errno), errno,
                      "the folder of the socket '%s' cannot be used: %s", name, strerror(errno));
  if (!S_ISDIR(st.st_mode))
    return cd_fail(err, CD_E_INVALID, "'%s', where the socket '%s' should be, is not a folder",
                   folder, name);
  return CD_OK;
}

void pf_peer_connect(uv_connect_t *request, uv_pipe_t *pipe, const char *name,
                     uv_connect_cb on_connected)
{
  uv_pipe_connect(request, pipe, name, on_connected);
}

cd_code pf_peer_listen(uv_pipe_t *server, const char *name, int backlog,
                       uv_connection_cb on_connection, cd_err *err)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  /* libuv would cut a longer name without a word. */
  if (!cd_str_copy(address.sun_path, sizeof(address.sun_path), cd_str_from(name)) ||
      name[0] == '\0')
    return cd_fail(err, CD_E_INVALID, "the socket name '%s' is empty or longer than %zu bytes",
                   name, sizeof(address.sun_path) - 1);
  cd_code rc = check_folder(name, err);
  if (rc == CD_OK)
    rc = clear_name(&address, err);
  if (rc != CD_OK)
    return rc;
  int status = uv_pipe_bind(server, name);
  if (status != 0)
    return cd_fail_os(err, cd_code_from_errno(status), -(int64_t)status,
                      "the socket '%s' could not be made: %s", name, uv_strerror(status));
  /* The umask took the others' access, and connecting needs it; nobody can connect before the
   * listen below. */
  if (chmod(name, 0666) != 0)
    return cd_fail_os(err, cd_code_from_errno(errno), errno,
                      "the mode of the socket '%s' could not be set: %s", name, strerror(errno));
  status = uv_listen((uv_stream_t *)server, backlog, on_connection);
  if (status != 0)
    return cd_fail_os(err, cd_code_from_errno(status), -(int64_t)status,
                      "nothing can listen on '%s': %s", name, uv_strerror(status));
  return CD_OK;
}
