/* What a process can take from itself on Windows: privileges, memory and processes by a job, and
 * ways into it. What it cannot: groups of its token, the network, sizes of files. The report says
 * so. */
#include "platform/confine.h"

#include "base/json.h"
#include "windows/child.h"
#include "windows/windows.h"

#include <fcntl.h>
#include <io.h>
#include <stdlib.h>

#include "base/banned.h"

/* Privileges that a manifest's word leaves in the token. Those of the words that are not here are
 * of groups, or not there. */
static const struct {
  uint32_t bit;
  const wchar_t *name;
} kept[] = {
    {PF_PRIV_READ_ALL, L"SeBackupPrivilege"},
    {PF_PRIV_READ_ALL, L"SeSecurityPrivilege"}, /* the security event log */
    {PF_PRIV_WRITE_ALL, L"SeBackupPrivilege"},
    {PF_PRIV_WRITE_ALL, L"SeRestorePrivilege"},
    {PF_PRIV_WRITE_ALL, L"SeTakeOwnershipPrivilege"},
    {PF_PRIV_TRACE, L"SeDebugPrivilege"},
    {PF_PRIV_KILL, L"SeDebugPrivilege"},
    {PF_PRIV_MODULES, L"SeLoadDriverPrivilege"},
};

bool pf_privilege_kept(uint32_t privileges, const LUID *id)
{
  LUID wanted;
  /* Without it every folder on the way to a file is checked; all have it. */
  if (LookupPrivilegeValueW(NULL, L"SeChangeNotifyPrivilege", &wanted) &&
      wanted.LowPart == id->LowPart)
    return true;
  for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
    if ((privileges & kept[i].bit) != 0 && LookupPrivilegeValueW(NULL, kept[i].name, &wanted) &&
        wanted.LowPart == id->LowPart)
      return true;
  }
  return false;
}

/* For good: a privilege that was removed cannot be switched on again. Those that are left are
 * switched on. A token that was made with no others may be one that its process cannot change, or
 * not even look at: then who made it has looked, before this process began (child.c). */
static cd_code drop_privileges(uint32_t privileges, cd_err *err)
{
  HANDLE token = NULL;
  bool others = false;
  bool may_change =
      OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY | TOKEN_ADJUST_PRIVILEGES, &token);
  if (!may_change && !OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token)) {
    DWORD error = GetLastError();
    return error == ERROR_ACCESS_DENIED
               ? CD_OK
               : pf_win_fail(err, error, "this process's token could not be opened");
  }
  TOKEN_PRIVILEGES *all = pf_token_facts(token, TokenPrivileges);
  cd_code rc = CD_OK;
  if (all == NULL)
    rc = pf_win_fail(err, GetLastError(), "this process's privileges could not be read");
  for (DWORD i = 0; rc == CD_OK && i < all->PrivilegeCount; i++) {
    bool stays = pf_privilege_kept(privileges, &all->Privileges[i].Luid);
    others |= !stays;
    all->Privileges[i].Attributes = stays ? SE_PRIVILEGE_ENABLED : SE_PRIVILEGE_REMOVED;
  }
  bool changed = rc == CD_OK && may_change &&
                 AdjustTokenPrivileges(token, FALSE, all, 0, NULL, NULL) &&
                 GetLastError() == ERROR_SUCCESS;
  if (rc == CD_OK && others && !changed)
    rc = pf_win_fail(err, GetLastError(), "this process's privileges could not be dropped");
  free(all);
  (void)CloseHandle(token);
  return rc;
}

/* Of what the words name, as far as the token has it. */
static bool all_in_force(const TOKEN_PRIVILEGES *all, uint32_t privileges)
{
  for (DWORD i = 0; i < all->PrivilegeCount; i++) {
    if (pf_privilege_kept(privileges, &all->Privileges[i].Luid) &&
        (all->Privileges[i].Attributes & SE_PRIVILEGE_ENABLED) == 0)
      return false;
  }
  return true;
}

/* Who keeps the whole token has most of it switched off: the system's own account too. What the
 * words name is switched on, and looked at; what the token has not is told by the report. */
static cd_code enable_privileges(uint32_t privileges, cd_err *err)
{
  HANDLE token = NULL;
  DWORD count = 0;
  if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY | TOKEN_ADJUST_PRIVILEGES, &token))
    return pf_win_fail(err, GetLastError(), "this process's token could not be opened");
  TOKEN_PRIVILEGES *all = pf_token_facts(token, TokenPrivileges);
  for (DWORD i = 0; all != NULL && i < all->PrivilegeCount; i++) {
    if (pf_privilege_kept(privileges, &all->Privileges[i].Luid))
      all->Privileges[count++] = (LUID_AND_ATTRIBUTES){.Luid = all->Privileges[i].Luid,
                                                       .Attributes = SE_PRIVILEGE_ENABLED};
  }
  if (all != NULL)
    all->PrivilegeCount = count;
  DWORD error =
      all == NULL || (count > 0 && !AdjustTokenPrivileges(token, FALSE, all, 0, NULL, NULL))
          ? GetLastError()
          : 0;
  free(all);
  all = error == 0 ? pf_token_facts(token, TokenPrivileges) : NULL;
  cd_code rc = CD_OK;
  if (all == NULL)
    rc = pf_win_fail(err, error != 0 ? error : GetLastError(),
                     "this process's privileges could not be switched on");
  else if (!all_in_force(all, privileges))
    rc = cd_fail(err, CD_E_DENIED, "a privilege that this process has could not be switched on");
  free(all);
  (void)CloseHandle(token);
  return rc;
}

/* What a job in a job cannot have, nor one that another is put into: Windows takes no restrictions
 * of the desktop in a chain. */
static bool limit_desktop(HANDLE job)
{
  JOBOBJECT_BASIC_UI_RESTRICTIONS ui = {
      .UIRestrictionsClass = JOB_OBJECT_UILIMIT_DESKTOP | JOB_OBJECT_UILIMIT_DISPLAYSETTINGS |
                             JOB_OBJECT_UILIMIT_EXITWINDOWS | JOB_OBJECT_UILIMIT_GLOBALATOMS |
                             JOB_OBJECT_UILIMIT_HANDLES | JOB_OBJECT_UILIMIT_READCLIPBOARD |
                             JOB_OBJECT_UILIMIT_SYSTEMPARAMETERS |
                             JOB_OBJECT_UILIMIT_WRITECLIPBOARD};
  return SetInformationJobObject(job, JobObjectBasicUIRestrictions, &ui, sizeof(ui)) != 0;
}

cd_code pf_job_limit(HANDLE job, const pf_confine *c, cd_err *err)
{
  BOOL nested = FALSE;
  JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {0};
  limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE |
                                            JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION |
                                            JOB_OBJECT_LIMIT_ACTIVE_PROCESS;
  limits.BasicLimitInformation.ActiveProcessLimit = c->processes + 1;
  if (c->memory_bytes > 0) {
    limits.BasicLimitInformation.LimitFlags |=
        JOB_OBJECT_LIMIT_JOB_MEMORY | JOB_OBJECT_LIMIT_PROCESS_MEMORY;
    limits.ProcessMemoryLimit = c->memory_bytes;
    limits.JobMemoryLimit = c->memory_bytes * (c->processes + 1u);
  }
  /* A child is in the jobs of this process too. */
  if (!SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof(limits)) ||
      !IsProcessInJob(GetCurrentProcess(), NULL, &nested) || (!nested && !limit_desktop(job)))
    return pf_win_fail(err, GetLastError(), "the limits of a job could not be set");
  return CD_OK;
}

cd_code pf_job_enter(HANDLE job, HANDLE process, cd_err *err)
{
  BOOL inside = FALSE;
  if (IsProcessInJob(process, job, &inside) && inside)
    return CD_OK;
  if (!AssignProcessToJobObject(job, process) || !IsProcessInJob(process, job, &inside) || !inside)
    return pf_win_fail(err, GetLastError(), "a process could not be put into a job");
  return CD_OK;
}

/* The job that the agent made says so; one of somebody else's that this process was started in does
 * not. */
static bool is_limited(const pf_confine *c)
{
  JOBOBJECT_EXTENDED_LIMIT_INFORMATION is = {0};
  const JOBOBJECT_BASIC_LIMIT_INFORMATION *basic = &is.BasicLimitInformation;
  const DWORD wanted = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_ACTIVE_PROCESS |
                       (c->memory_bytes > 0 ? JOB_OBJECT_LIMIT_PROCESS_MEMORY : 0u);
  return QueryInformationJobObject(NULL, JobObjectExtendedLimitInformation, &is, sizeof(is),
                                   NULL) &&
         (basic->LimitFlags & wanted) == wanted && basic->ActiveProcessLimit <= c->processes + 1u &&
         (c->memory_bytes == 0 || is.ProcessMemoryLimit <= c->memory_bytes);
}

/* The handle stays open until this process ends, and whoever is in the job then ends with it. */
static cd_code enter_job(const pf_confine *c, cd_err *err)
{
  if (is_limited(c))
    return CD_OK;
  HANDLE job = CreateJobObjectW(NULL, NULL);
  if (job == NULL)
    return pf_win_fail(err, GetLastError(), "no job object");
  cd_code rc = pf_job_limit(job, c, err);
  if (rc == CD_OK)
    rc = pf_job_enter(job, GetCurrentProcess(), err);
  if (rc != CD_OK)
    (void)CloseHandle(job);
  return rc;
}

/* Ways into a process that it can close itself. What a version of Windows does not know is left
 * out. */
static void close_ways(bool generated_code)
{
  PROCESS_MITIGATION_EXTENSION_POINT_DISABLE_POLICY points = {.DisableExtensionPoints = 1};
  (void)SetProcessMitigationPolicy(ProcessExtensionPointDisablePolicy, &points, sizeof(points));
  PROCESS_MITIGATION_IMAGE_LOAD_POLICY images = {
      .NoRemoteImages = 1, .NoLowMandatoryLabelImages = 1, .PreferSystem32Images = 1};
  (void)SetProcessMitigationPolicy(ProcessImageLoadPolicy, &images, sizeof(images));
  if (!generated_code) {
    PROCESS_MITIGATION_DYNAMIC_CODE_POLICY code = {.ProhibitDynamicCode = 1};
    (void)SetProcessMitigationPolicy(ProcessDynamicCodePolicy, &code, sizeof(code));
  }
}

/* What this process has, as Windows says it. */
typedef struct facts {
  bool known;
  bool in_job;
  bool administrators; /* a group of theirs is in force */
  bool local_service;
  DWORD integrity;
  uint32_t off; /* kept[] that are not in force, a bit each */
} facts;

/* Which of kept[] are not in force in the token. */
static uint32_t not_in_force(HANDLE token)
{
  TOKEN_PRIVILEGES *all = pf_token_facts(token, TokenPrivileges);
  uint32_t off = 0;
  for (size_t k = 0; k < sizeof(kept) / sizeof(kept[0]); k++) {
    LUID wanted;
    bool on = false;
    bool known = all != NULL && LookupPrivilegeValueW(NULL, kept[k].name, &wanted);
    for (DWORD i = 0; known && i < all->PrivilegeCount; i++)
      on |= all->Privileges[i].Luid.LowPart == wanted.LowPart &&
            (all->Privileges[i].Attributes & SE_PRIVILEGE_ENABLED) != 0;
    off |= on ? 0 : 1u << k;
  }
  free(all);
  return off;
}

static facts look(void)
{
  facts is = {0};
  HANDLE token = NULL;
  BOOL inside = FALSE;
  if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
    return is;
  TOKEN_GROUPS *groups = pf_token_facts(token, TokenGroups);
  is.known = groups != NULL;
  for (DWORD i = 0; groups != NULL && i < groups->GroupCount; i++)
    is.administrators |= (groups->Groups[i].Attributes & SE_GROUP_ENABLED) != 0 &&
                         pf_sid_powerful(groups->Groups[i].Sid);
  is.integrity = pf_token_integrity(token);
  is.local_service = pf_token_is_local_service(token);
  is.off = not_in_force(token);
  is.in_job = IsProcessInJob(GetCurrentProcess(), NULL, &inside) && inside;
  free(groups);
  (void)CloseHandle(token);
  return is;
}

static const char *integrity_name(DWORD level)
{
  if (level >= SECURITY_MANDATORY_SYSTEM_RID)
    return "system";
  if (level >= SECURITY_MANDATORY_HIGH_RID)
    return "high";
  return level >= SECURITY_MANDATORY_MEDIUM_RID ? "medium" : "low";
}

/* What was asked for and is not so. */
static void write_note(const pf_confine *c, const facts *is, cd_jw *w)
{
  cd_buf note = CD_BUF_INIT(1024);
  cd_buf_add_cstr(&note, "on Windows neither open files nor sizes of files are limited");
  if (!c->client)
    cd_buf_add_cstr(&note, ", nor the folders that may be written to");
  if (c->no_network)
    cd_buf_add_cstr(&note, ", nor the network");
  if (!is->known)
    cd_buf_add_cstr(&note, "; this process's token could not be looked at");
  if (!is->local_service)
    cd_buf_add_cstr(&note, "; the account stays the agent's");
  if (is->administrators && !pf_token_needs_administrators(c))
    cd_buf_add_cstr(&note, "; the rights of administrators are still there");
  for (size_t k = 0; k < sizeof(kept) / sizeof(kept[0]); k++) {
    if (!c->client && (c->privileges & kept[k].bit) != 0 && (is->off & 1u << k) != 0)
      cd_buf_addf(&note, "; %ls, which the manifest asks for, is not in force", kept[k].name);
  }
  if (c->client && is->integrity >= SECURITY_MANDATORY_MEDIUM_RID)
    cd_buf_add_cstr(&note, "; the integrity could not be made low");
  cd_jw_str(w, "note", cd_buf_view(&note));
  cd_buf_release(&note);
}

static void write_report(const pf_confine *c, cd_buf *out)
{
  static const char *const names[] = {"root",   "net_admin", "net_raw",   "read_all",
                                      "trace",  "kill",      "sys_admin", "sight",
                                      "syslog", "write_all", "modules",   "root_user"};
  const facts is = look();
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "user", is.local_service ? "LocalService" : NULL);
  cd_jw_arr(&w, "privileges");
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    if ((c->privileges & (1u << i)) != 0)
      cd_jw_cstr(&w, NULL, names[i]);
  }
  cd_jw_end_arr(&w);
  if (c->memory_bytes > 0)
    cd_jw_u64(&w, "memory_mb", c->memory_bytes / (1024u * 1024u));
  else
    cd_jw_null(&w, "memory_mb");
  cd_jw_u64(&w, "processes", c->processes);
  cd_jw_null(&w, "files");
  cd_jw_null(&w, "file_mb");
  cd_jw_bool(&w, "landlock", false);
  cd_jw_bool(&w, "job", is.in_job);
  cd_jw_bool(&w, "administrators", is.administrators);
  cd_jw_cstr(&w, "integrity", is.known ? integrity_name(is.integrity) : NULL);
  write_note(c, &is, &w);
  cd_jw_end_obj(&w);
}

/* Once its libraries are loaded a client needs to write nowhere but to what is open. Where it does
 * not take the report says so. */
static void lower(void)
{
  HANDLE token = NULL;
  if (OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY | TOKEN_ADJUST_DEFAULT, &token)) {
    (void)pf_token_lower(token, SECURITY_MANDATORY_LOW_RID);
    (void)CloseHandle(token);
  }
}

static cd_code refuse_user(const pf_confine *c, cd_err *err)
{
  if (c->user == NULL || (c->privileges & (PF_PRIV_ROOT | PF_PRIV_ROOT_USER)) != 0)
    return CD_OK;
  return cd_fail(err, CD_E_UNSUPPORTED,
                 "a process does not become '%s' on Windows; leave the user empty", c->user);
}

cd_code pf_confine_self(const pf_confine *c, cd_buf *ret_report, cd_err *err)
{
  cd_code rc = refuse_user(c, err);
  if (rc == CD_OK)
    rc = enter_job(c, err);
  if (rc == CD_OK)
    rc = (c->privileges & PF_PRIV_ROOT) == 0 ? drop_privileges(c->privileges, err)
                                             : enable_privileges(c->privileges, err);
  if (rc != CD_OK)
    return rc;
  close_ways(false);
  if (c->client)
    lower();
  write_report(c, ret_report);
  return cd_buf_status(ret_report, "what was confined", err);
}

cd_code pf_harden_self(cd_err *err)
{
  /* Of a library that is asked for by a bare name only the system's is taken. */
  if (!SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32) || !SetDllDirectoryW(L""))
    return pf_win_fail(err, GetLastError(), "the folders of libraries could not be limited");
  (void)HeapSetInformation(NULL, HeapEnableTerminationOnCorruption, NULL, 0);
  /* No window that waits for somebody who is not there. */
  (void)SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX | SEM_NOOPENFILEERRORBOX);
  for (int fd = 0; fd <= 2; fd++)
    (void)_setmode(fd, _O_BINARY);
  close_ways(true);
  return CD_OK;
}

/* There is no limit to raise. */
cd_code pf_files_raise(uint64_t *ret_files, cd_err *err)
{
  (void)err;
  *ret_files = 16u * 1024u * 1024u;
  return CD_OK;
}
