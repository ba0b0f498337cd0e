/* Accounts, and whether this process may do everything. */
#include "platform/user.h"

#include "windows/windows.h"

#include <stdlib.h>

#include "base/banned.h"

bool pf_user_is_administrator(void)
{
  SID_IDENTIFIER_AUTHORITY authority = {SECURITY_NT_AUTHORITY};
  PSID administrators = NULL;
  BOOL member = FALSE;
  if (!AllocateAndInitializeSid(&authority, 2, SECURITY_BUILTIN_DOMAIN_RID, DOMAIN_ALIAS_RID_ADMINS,
                                0, 0, 0, 0, 0, 0, &administrators))
    return false;
  /* Of the token as it is: an administrator whose rights are not raised is none. LocalSystem is in
   * the group. */
  if (!CheckTokenMembership(NULL, administrators, &member))
    member = FALSE;
  (void)FreeSid(administrators);
  return member != FALSE;
}

cd_code pf_user_id(const char *name, uint64_t *ret_id, cd_err *err)
{
  (void)ret_id;
  return cd_fail(err, CD_E_UNSUPPORTED, "the account '%s' has no number on Windows", name);
}

cd_code pf_user_become(const char *name, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED,
                 "a process does not become '%s' on Windows: it is started as that account", name);
}
