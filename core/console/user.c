#include "user.h"

#include <pwd.h>
#include <stddef.h>

#include "base/banned.h"

cd_code con_user_id(const char *name, uint64_t *ret_id, cd_err *err)
{
  struct passwd entry;
  struct passwd *found = NULL;
  char memory[16384];
  int rc = getpwnam_r(name, &entry, memory, sizeof(memory), &found);
  if (rc != 0)
    return cd_fail_os(err, cd_code_from_errno(rc), rc, "cannot look up the account '%s'", name);
  if (found == NULL)
    return cd_fail(err, CD_E_NOTFOUND, "there is no account '%s'", name);
  *ret_id = found->pw_uid;
  return CD_OK;
}
