/* Accounts by the C library's reentrant lookups, whose buffers must grow with the answer. */
#include "posix/posix.h"

#include "base/str.h"
#include "platform/user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/banned.h"

#define ANSWER_MIN 1024u
#define ANSWER_MAX (1024u * 1024u)

/* One lookup, by name or else by number, with a buffer of `size`; the error as errno, ENOENT for no
 * such account. */
static int lookup(const char *name, uid_t uid, size_t size, pf_account *ret_account)
{
  char *text = malloc(size);
  if (text == NULL)
    return ENOMEM;
  struct passwd entry = {0};
  struct passwd *found = NULL;
  int rc = name != NULL ? getpwnam_r(name, &entry, text, size, &found)
                        : getpwuid_r(uid, &entry, text, size, &found);
  /* These four too mean that there is none, says the manual page. */
  if (rc == ESRCH || rc == EBADF || rc == EPERM || (rc == 0 && found == NULL))
    rc = ENOENT;
  if (rc == 0) {
    ret_account->uid = entry.pw_uid;
    ret_account->gid = entry.pw_gid;
    if (!cd_str_copy(ret_account->name, sizeof(ret_account->name), cd_str_from(entry.pw_name)))
      rc = ENAMETOOLONG;
  }
  free(text);
  return rc;
}

static int lookup_growing(const char *name, uid_t uid, pf_account *ret_account)
{
  int rc = ERANGE;
  for (size_t size = ANSWER_MIN; rc == ERANGE && size <= ANSWER_MAX; size *= 2)
    rc = lookup(name, uid, size, ret_account);
  return rc;
}

cd_code pf_account_by_name(const char *name, pf_account *ret_account, cd_err *err)
{
  pf_account account = {0};
  int rc = lookup_growing(name, 0, &account);
  if (rc == ENOENT)
    return cd_fail(err, CD_E_NOTFOUND, "there is no user '%s' on this device", name);
  if (rc != 0)
    return cd_fail_os(err, cd_code_from_errno(rc), rc, "the user '%s' could not be looked up",
                      name);
  *ret_account = account;
  return CD_OK;
}

cd_code pf_account_by_uid(uid_t uid, pf_account *ret_account, cd_err *err)
{
  pf_account account = {0};
  int rc = lookup_growing(NULL, uid, &account);
  if (rc == ENOENT)
    return cd_fail(err, CD_E_NOTFOUND, "the user id %lu has no name on this device",
                   (unsigned long)uid);
  if (rc != 0)
    return cd_fail_os(err, cd_code_from_errno(rc), rc, "the user id %lu could not be looked up",
                      (unsigned long)uid);
  *ret_account = account;
  return CD_OK;
}

bool pf_user_is_administrator(void)
{
  return geteuid() == 0;
}

cd_code pf_user_id(const char *name, uint64_t *ret_id, cd_err *err)
{
  pf_account account = {0};
  cd_code rc = pf_account_by_name(name, &account, err);
  if (rc == CD_OK)
    *ret_id = account.uid;
  return rc;
}

cd_code pf_user_become(const char *name, cd_err *err)
{
  pf_account account = {0};
  cd_code rc = pf_account_by_name(name, &account, err);
  if (rc != CD_OK)
    return rc;
  /* For root these set the real, effective and saved numbers, so there is no way back. */
  if (initgroups(account.name, account.gid) != 0 || setgid(account.gid) != 0 ||
      setuid(account.uid) != 0)
    return cd_fail_os(err, cd_code_from_errno(errno), errno, "this process cannot become '%s'",
                      account.name);
  if (account.uid != 0 && (setuid(0) == 0 || geteuid() != account.uid))
    return cd_fail(err, CD_E_INTERNAL, "this process became '%s' and kept a way back", name);
  return CD_OK;
}
