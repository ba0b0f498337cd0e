/* Tokens for children: what of ours a child does not get. What is asked of Windows is looked at
 * afterwards, for a call that says yes is not yet a token that says so. */
#include "windows/child.h"

#include <aclapi.h>
#include <sddl.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

#define SDDL_MAX 512
#define LISTED_MAX 256u

/* What a plugin that asks for one of these is there for is refused to whoever is no administrator,
 * be it that Windows asks for the group and not for a privilege. */
#define ADMINISTRATORS_WORDS                                                                       \
  (PF_PRIV_ROOT | PF_PRIV_ROOT_USER | PF_PRIV_READ_ALL | PF_PRIV_WRITE_ALL | PF_PRIV_NET_ADMIN |   \
   PF_PRIV_SYS_ADMIN | PF_PRIV_SYSLOG | PF_PRIV_MODULES)
/* These act on processes, of which those of the system are above a medium integrity. */
#define PROCESS_WORDS (PF_PRIV_TRACE | PF_PRIV_KILL)

bool pf_token_needs_administrators(const pf_confine *c)
{
  return !c->client && (c->privileges & ADMINISTRATORS_WORDS) != 0;
}

static bool needs_integrity(const pf_confine *c)
{
  return !c->client && (c->privileges & (ADMINISTRATORS_WORDS | PROCESS_WORDS)) != 0;
}

bool pf_sid_powerful(PSID sid)
{
  static const WELL_KNOWN_SID_TYPE kinds[] = {
      WinBuiltinAdministratorsSid,   WinBuiltinPowerUsersSid,
      WinBuiltinAccountOperatorsSid, WinBuiltinSystemOperatorsSid,
      WinBuiltinPrintOperatorsSid,   WinBuiltinBackupOperatorsSid,
      WinBuiltinReplicatorSid,       WinBuiltinNetworkConfigurationOperatorsSid,
      WinBuiltinCryptoOperatorsSid,  WinAccountDomainAdminsSid,
      WinAccountSchemaAdminsSid,     WinAccountEnterpriseAdminsSid,
      WinAccountCertAdminsSid,       WinAccountPolicyAdminsSid};
  for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
    if (IsWellKnownSid(sid, kinds[i]))
      return true;
  }
  /* S-1-5-114: an account of this machine that is an administrator. */
  static const SID_IDENTIFIER_AUTHORITY nt = {SECURITY_NT_AUTHORITY};
  return memcmp(GetSidIdentifierAuthority(sid), &nt, sizeof(nt)) == 0 &&
         *GetSidSubAuthorityCount(sid) == 1 && *GetSidSubAuthority(sid, 0) == 114;
}

void *pf_token_facts(HANDLE token, TOKEN_INFORMATION_CLASS what)
{
  DWORD size = 0;
  (void)GetTokenInformation(token, what, NULL, 0, &size);
  void *facts = size > 0 ? calloc(1, size) : NULL;
  if (facts != NULL && !GetTokenInformation(token, what, facts, size, &size)) {
    free(facts);
    return NULL;
  }
  return facts;
}

DWORD pf_token_integrity(HANDLE token)
{
  TOKEN_MANDATORY_LABEL *label = pf_token_facts(token, TokenIntegrityLevel);
  DWORD level = 0;
  if (label != NULL && *GetSidSubAuthorityCount(label->Label.Sid) > 0)
    level = *GetSidSubAuthority(label->Label.Sid, *GetSidSubAuthorityCount(label->Label.Sid) - 1u);
  free(label);
  return level;
}

bool pf_token_lower(HANDLE token, DWORD level)
{
  SID_IDENTIFIER_AUTHORITY authority = {SECURITY_MANDATORY_LABEL_AUTHORITY};
  PSID sid = NULL;
  if (pf_token_integrity(token) <= level)
    return true;
  if (!AllocateAndInitializeSid(&authority, 1, level, 0, 0, 0, 0, 0, 0, 0, &sid))
    return false;
  TOKEN_MANDATORY_LABEL label = {.Label = {.Sid = sid, .Attributes = SE_GROUP_INTEGRITY}};
  (void)SetTokenInformation(token, TokenIntegrityLevel, &label,
                            (DWORD)sizeof(label) + GetLengthSid(sid));
  (void)FreeSid(sid);
  return pf_token_integrity(token) <= level;
}

bool pf_token_is_local_service(HANDLE token)
{
  TOKEN_USER *user = pf_token_user(token);
  bool is = user != NULL && IsWellKnownSid(user->User.Sid, WinLocalServiceSid);
  free(user);
  return is;
}

cd_code pf_token_check(HANDLE token, const pf_confine *c, cd_err *err)
{
  TOKEN_GROUPS *groups = pf_token_facts(token, TokenGroups);
  TOKEN_PRIVILEGES *privileges = pf_token_facts(token, TokenPrivileges);
  cd_code rc = CD_OK;
  if (groups == NULL || privileges == NULL)
    rc = pf_win_fail(err, GetLastError(), "a process's token could not be read");
  for (DWORD i = 0; rc == CD_OK && !pf_token_needs_administrators(c) && i < groups->GroupCount;
       i++) {
    if ((groups->Groups[i].Attributes & SE_GROUP_ENABLED) != 0 &&
        pf_sid_powerful(groups->Groups[i].Sid))
      rc = cd_fail(err, CD_E_DENIED,
                   "a process has a token with administrators' groups that it was to be without");
  }
  for (DWORD i = 0; rc == CD_OK && i < privileges->PrivilegeCount; i++) {
    if (!pf_privilege_kept(c->privileges, &privileges->Privileges[i].Luid))
      rc = cd_fail(err, CD_E_DENIED,
                   "a process has a token with privilege %lu that it was to be without",
                   (unsigned long)privileges->Privileges[i].Luid.LowPart);
  }
  free(groups);
  free(privileges);
  return rc;
}

/* The same token with fewer privileges and with administrators' groups that only deny. */
static cd_code restrict_token(HANDLE from, const pf_confine *c, HANDLE *ret_token, cd_err *err)
{
  SID_AND_ATTRIBUTES denied[LISTED_MAX];
  LUID_AND_ATTRIBUTES removed[LISTED_MAX];
  DWORD denied_count = 0;
  DWORD removed_count = 0;
  TOKEN_GROUPS *groups = pf_token_facts(from, TokenGroups);
  TOKEN_PRIVILEGES *privileges = pf_token_facts(from, TokenPrivileges);
  cd_code rc = CD_OK;
  if (groups == NULL || privileges == NULL || groups->GroupCount > LISTED_MAX ||
      privileges->PrivilegeCount > LISTED_MAX)
    rc = pf_win_fail(err, GetLastError(), "the token to make a smaller one of could not be read");
  for (DWORD i = 0; rc == CD_OK && !pf_token_needs_administrators(c) && i < groups->GroupCount;
       i++) {
    if (pf_sid_powerful(groups->Groups[i].Sid))
      denied[denied_count++] = (SID_AND_ATTRIBUTES){.Sid = groups->Groups[i].Sid};
  }
  for (DWORD i = 0; rc == CD_OK && i < privileges->PrivilegeCount; i++) {
    if (!pf_privilege_kept(c->privileges, &privileges->Privileges[i].Luid))
      removed[removed_count++] = privileges->Privileges[i];
  }
  if (rc == CD_OK && !CreateRestrictedToken(from, 0, denied_count, denied, removed_count, removed,
                                            0, NULL, ret_token))
    rc = pf_win_fail(err, GetLastError(), "a token with less could not be made");
  free(groups);
  free(privileges);
  return rc;
}

/* Who owns what the child makes, who may open it, and the token itself: by default that is for
 * administrators, whom the child is no more. Where it cannot be set the child is told so when it
 * tries. */
static void give_to_user(HANDLE token, bool lowered)
{
  wchar_t sddl[SDDL_MAX];
  wchar_t *name = NULL;
  PSECURITY_DESCRIPTOR descriptor = NULL;
  PACL list = NULL;
  BOOL present = FALSE;
  BOOL defaulted = FALSE;
  cd_err ignored = {0};
  TOKEN_USER *user = pf_token_user(token);
  if (user != NULL && ConvertSidToStringSidW(user->User.Sid, &name) &&
      swprintf(sddl, SDDL_MAX, L"D:(A;;GA;;;SY)(A;;GA;;;BA)(A;;GA;;;%ls)S:(ML;;NW;;;ME)", name) >
          0 &&
      pf_descriptor_from(sddl, &descriptor, &ignored) == CD_OK &&
      GetSecurityDescriptorDacl(descriptor, &present, &list, &defaulted)) {
    TOKEN_OWNER owner = {.Owner = user->User.Sid};
    TOKEN_DEFAULT_DACL by_default = {.DefaultDacl = list};
    (void)SetTokenInformation(token, TokenOwner, &owner, sizeof(owner));
    (void)SetTokenInformation(token, TokenDefaultDacl, &by_default, sizeof(by_default));
    (void)SetKernelObjectSecurity(token, DACL_SECURITY_INFORMATION, descriptor);
    if (lowered)
      (void)SetKernelObjectSecurity(token, LABEL_SECURITY_INFORMATION, descriptor);
  }
  if (descriptor != NULL)
    (void)LocalFree(descriptor);
  if (name != NULL)
    (void)LocalFree(name);
  free(user);
}

/* NT AUTHORITY\LocalService, which has no password and which only the system gets. Wine says yes
 * and gives nothing. */
static HANDLE local_service(void)
{
  HANDLE token = NULL;
  if (!LogonUserW(L"LocalService", L"NT AUTHORITY", NULL, LOGON32_LOGON_SERVICE,
                  LOGON32_PROVIDER_DEFAULT, &token))
    return NULL;
  if (token != NULL && pf_token_is_local_service(token))
    return token;
  if (token != NULL)
    (void)CloseHandle(token);
  return NULL;
}

cd_code pf_token_for(const pf_confine *c, bool other_account, pf_child_token *ret_token,
                     cd_err *err)
{
  *ret_token = (pf_child_token){0};
  if (!c->client && (c->privileges & PF_PRIV_ROOT) != 0)
    return CD_OK;
  HANDLE from = c->client && other_account ? local_service() : NULL;
  ret_token->other_account = from != NULL;
  if (from == NULL && !OpenProcessToken(GetCurrentProcess(), TOKEN_ALL_ACCESS, &from))
    return pf_win_fail(err, GetLastError(), "this process's token could not be opened");
  cd_code rc = restrict_token(from, c, &ret_token->token, err);
  (void)CloseHandle(from);
  if (rc != CD_OK)
    return rc;
  /* What integrity it has is said by the child, which looks at it. */
  bool lowered =
      !needs_integrity(c) && pf_token_lower(ret_token->token, SECURITY_MANDATORY_MEDIUM_RID);
  give_to_user(ret_token->token, lowered);
  return CD_OK;
}
