/* Names of accounts, without asking a domain controller: a device that is cut off would wait for it
 * at each. */
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "device.h"
#include "path.h"
#include "read.h"
#include "reg.h"
#include "support/wide.h"

#include <ntsecapi.h>
#include <sddl.h>

void win_sid_text(PSID sid, char ret_text[WIN_SID])
{
  wchar_t *text = NULL;
  ret_text[0] = '\0';
  if (sid == NULL || !IsValidSid(sid) || !ConvertSidToStringSidW(sid, &text))
    return;
  sup_from_wide(text, ret_text, WIN_SID);
  (void)LocalFree(text);
}

/* Whether an account is one of this machine's own domain. */
static bool is_of_machine(PSID sid)
{
  LSA_OBJECT_ATTRIBUTES attributes = {.Length = sizeof(attributes)};
  LSA_HANDLE policy = NULL;
  POLICY_ACCOUNT_DOMAIN_INFO *info = NULL;
  BOOL same = FALSE;
  if (LsaOpenPolicy(NULL, &attributes, POLICY_VIEW_LOCAL_INFORMATION, &policy) != 0)
    return false;
  if (LsaQueryInformationPolicy(policy, PolicyAccountDomainInformation, (void **)&info) == 0 &&
      info != NULL && info->DomainSid != NULL && !EqualDomainSid(sid, info->DomainSid, &same))
    same = FALSE;
  if (info != NULL)
    (void)LsaFreeMemory(info);
  (void)LsaClose(policy);
  return same != FALSE;
}

/* S-1-5-21-... are of a domain, S-1-12-... of the cloud; all others every machine knows. */
static bool is_well_known(PSID sid)
{
  const SID_IDENTIFIER_AUTHORITY *a = GetSidIdentifierAuthority(sid);
  BYTE authority = a->Value[5];
  if (*GetSidSubAuthorityCount(sid) == 0)
    return false;
  return authority != 12 && (authority != 5 || *GetSidSubAuthority(sid, 0) != 21);
}

static void from_profile(PSID sid, char ret_name[WIN_ACCOUNT])
{
  wchar_t key[WIN_SID + 80];
  wchar_t raw[WIN_PATH];
  wchar_t *text = NULL;
  char name[WIN_ACCOUNT - 16];
  if (!ConvertSidToStringSidW(sid, &text))
    return;
  (void)swprintf(key, sizeof(key) / sizeof(key[0]),
                 L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList\\%ls", text);
  (void)LocalFree(text);
  if (!win_reg_text(HKEY_LOCAL_MACHINE, key, L"ProfileImagePath", raw))
    return;
  const wchar_t *slash = wcsrchr(raw, L'\\');
  sup_from_wide(slash != NULL ? slash + 1 : raw, name, sizeof(name));
  (void)snprintf(ret_name, WIN_ACCOUNT, "%s (profile)", name);
}

static void look_up(PSID sid, char ret_name[WIN_ACCOUNT])
{
  wchar_t name[128];
  wchar_t domain[128];
  DWORD name_len = 128;
  DWORD domain_len = 128;
  SID_NAME_USE use = SidTypeUnknown;
  char utf8[2][WIN_ACCOUNT / 2];
  ret_name[0] = '\0';
  if ((!is_well_known(sid) && !is_of_machine(sid)) ||
      !LookupAccountSidW(NULL, sid, name, &name_len, domain, &domain_len, &use)) {
    from_profile(sid, ret_name);
    return;
  }
  sup_from_wide(domain, utf8[0], sizeof(utf8[0]));
  sup_from_wide(name, utf8[1], sizeof(utf8[1]));
  (void)snprintf(ret_name, WIN_ACCOUNT, "%s%s%s", utf8[0], utf8[0][0] != '\0' ? "\\" : "", utf8[1]);
}

/* Files of a folder belong to few, and each look-up asks another process. */
static bool is_remembered(win_device *d, const char *sid, char ret_name[WIN_ACCOUNT])
{
  bool found = false;
  col_gate_lock(d->gate);
  for (size_t i = 0; i < WIN_NAMES && !found; i++) {
    found = strcmp(d->names[i].sid, sid) == 0;
    if (found)
      memcpy(ret_name, d->names[i].name, WIN_ACCOUNT);
  }
  col_gate_unlock(d->gate);
  return found;
}

static void remember(win_device *d, const char *sid, const char *name)
{
  col_gate_lock(d->gate);
  win_name *n = &d->names[d->next_name++ % WIN_NAMES];
  (void)snprintf(n->sid, sizeof(n->sid), "%s", sid);
  (void)snprintf(n->name, sizeof(n->name), "%s", name);
  col_gate_unlock(d->gate);
}

void win_account(const col_task *t, PSID sid, char ret_name[WIN_ACCOUNT])
{
  char text[WIN_SID];
  win_device *d = win_device_plain(t);
  ret_name[0] = '\0';
  win_sid_text(sid, text);
  if (text[0] == '\0' || is_remembered(d, text, ret_name))
    return;
  look_up(sid, ret_name);
  remember(d, text, ret_name);
}
