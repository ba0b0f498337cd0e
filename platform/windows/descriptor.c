/* Security descriptors: those that we give, and whether those that we find let others in. */
#include "windows/windows.h"

#include <aclapi.h>
#include <sddl.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

#define SDDL_MAX 512

/* NT SERVICE\TrustedInstaller, whose are the files of Windows. */
#define INSTALLER_SID L"S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"

cd_code pf_descriptor_from(const wchar_t *sddl, PSECURITY_DESCRIPTOR *ret_descriptor, cd_err *err)
{
  if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(sddl, SDDL_REVISION_1, ret_descriptor,
                                                            NULL))
    return pf_win_fail(err, GetLastError(), "a security descriptor could not be made");
  return CD_OK;
}

TOKEN_USER *pf_token_user(HANDLE token)
{
  DWORD size = 0;
  (void)GetTokenInformation(token, TokenUser, NULL, 0, &size);
  TOKEN_USER *user = size > 0 ? calloc(1, size) : NULL;
  if (user != NULL && !GetTokenInformation(token, TokenUser, user, size, &size)) {
    free(user);
    return NULL;
  }
  return user;
}

static TOKEN_USER *own_user(void)
{
  HANDLE token = NULL;
  if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
    return NULL;
  TOKEN_USER *user = pf_token_user(token);
  (void)CloseHandle(token);
  return user;
}

cd_code pf_descriptor(unsigned mode, bool for_folder, PSECURITY_DESCRIPTOR *ret_descriptor,
                      cd_err *err)
{
  wchar_t sddl[SDDL_MAX];
  wchar_t *own = NULL;
  const wchar_t *flags = for_folder ? L"OICI" : L"";
  TOKEN_USER *user = own_user();
  if (user == NULL || !ConvertSidToStringSidW(user->User.Sid, &own)) {
    DWORD error = GetLastError();
    free(user);
    return pf_win_fail(err, error, "this process's user could not be looked up");
  }
  /* Protected: nothing comes down from the folder above. */
  int len = swprintf(sddl, SDDL_MAX, L"D:P(A;%ls;FA;;;SY)(A;%ls;FA;;;BA)(A;%ls;FA;;;%ls)%ls", flags,
                     flags, flags, own,
                     (mode & 0004u) == 0 ? L""
                     : for_folder        ? L"(A;OICI;0x1200a9;;;WD)"
                                         : L"(A;;FR;;;WD)");
  (void)LocalFree(own);
  free(user);
  if (len <= 0)
    return cd_fail(err, CD_E_INTERNAL, "a security descriptor could not be written");
  return pf_descriptor_from(sddl, ret_descriptor, err);
}

bool pf_sid_trusted(PSID sid)
{
  if (sid == NULL || !IsValidSid(sid))
    return false;
  if (IsWellKnownSid(sid, WinLocalSystemSid) || IsWellKnownSid(sid, WinBuiltinAdministratorsSid))
    return true;
  PSID installer = NULL;
  bool trusted = ConvertStringSidToSidW(INSTALLER_SID, &installer) && EqualSid(sid, installer);
  if (installer != NULL)
    (void)LocalFree(installer);
  if (trusted)
    return true;
  TOKEN_USER *user = own_user();
  trusted = user != NULL && EqualSid(sid, user->User.Sid);
  free(user);
  return trusted;
}

/* The rights that nobody else may have. On a folder the bits of FILE_WRITE_DATA and
 * FILE_APPEND_DATA make files and folders below it: that takes nothing from what is there, so it
 * matters only in the folder that the file is in. */
static ACCESS_MASK bad_rights(pf_trust what)
{
  ACCESS_MASK bad = DELETE | WRITE_DAC | WRITE_OWNER | GENERIC_WRITE | GENERIC_ALL;
  switch (what) {
  case PF_TRUST_FILE:
    return bad | FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_WRITE_EA | FILE_WRITE_ATTRIBUTES;
  case PF_TRUST_SECRET:
    return bad | GENERIC_READ | FILE_READ_DATA | FILE_WRITE_DATA | FILE_APPEND_DATA |
           FILE_WRITE_EA | FILE_WRITE_ATTRIBUTES;
  case PF_TRUST_FOLDER: return bad | FILE_ADD_FILE | FILE_DELETE_CHILD | FILE_WRITE_ATTRIBUTES;
  case PF_TRUST_WAY:
  default: return bad | FILE_DELETE_CHILD;
  }
}

static cd_code check_list(PACL list, const char *name, pf_trust what, cd_err *err)
{
  if (list == NULL)
    return cd_fail(err, CD_E_DENIED,
                   "'%s' is not trusted: it has no access list, so that anyone may change it",
                   name);
  for (DWORD i = 0; i < list->AceCount; i++) {
    void *entry = NULL;
    if (!GetAce(list, i, &entry))
      return pf_win_fail(err, GetLastError(), "the access list of '%s' could not be read", name);
    const ACE_HEADER *header = entry;
    if ((header->AceFlags & INHERIT_ONLY_ACE) != 0 || header->AceType == ACCESS_DENIED_ACE_TYPE)
      continue;
    if (header->AceType != ACCESS_ALLOWED_ACE_TYPE)
      return cd_fail(err, CD_E_DENIED,
                     "'%s' is not trusted: its access list has an entry of type %u", name,
                     (unsigned)header->AceType);
    ACCESS_ALLOWED_ACE *allowed = entry;
    if ((allowed->Mask & bad_rights(what)) != 0 && !pf_sid_trusted((PSID)&allowed->SidStart)) {
      wchar_t *sid = NULL;
      char who[128] = "somebody";
      if (ConvertSidToStringSidW((PSID)&allowed->SidStart, &sid)) {
        (void)pf_narrow(sid, who, sizeof(who));
        (void)LocalFree(sid);
      }
      return cd_fail(err, CD_E_DENIED, "'%s' is not trusted: %s may %s it (rights 0x%lx)", name,
                     who, what == PF_TRUST_SECRET ? "read or change" : "change",
                     (unsigned long)allowed->Mask);
    }
  }
  return CD_OK;
}

cd_code pf_trust_check(HANDLE handle, const char *name, pf_trust what, cd_err *err)
{
  PSID owner = NULL;
  PACL list = NULL;
  PSECURITY_DESCRIPTOR descriptor = NULL;
  DWORD error = GetSecurityInfo(handle, SE_FILE_OBJECT,
                                OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, &owner,
                                NULL, &list, NULL, &descriptor);
  if (error != ERROR_SUCCESS)
    return pf_win_fail(err, error, "who may change '%s' could not be read", name);
  cd_code rc = CD_OK;
  if (!pf_sid_trusted(owner))
    rc = cd_fail(err, CD_E_DENIED,
                 "'%s' is not trusted: it belongs to neither SYSTEM nor an administrator", name);
  else
    rc = check_list(list, name, what, err);
  (void)LocalFree(descriptor);
  return rc;
}
