/* What a process can take from itself on Windows: privileges, memory and processes by a job, and
 * ways into it. What it cannot: groups of its token, the network, sizes of files. The report says
 * so. */
#include "platform/confine.h"

#include "base/json.h"
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

static bool is_kept(uint32_t privileges, const LUID *id)
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

/* For good: a privilege that was removed cannot be switched on again. */
static cd_code drop_privileges(uint32_t privileges, cd_err *err)
{
  HANDLE token = NULL;
  DWORD size = 0;
  if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY | TOKEN_ADJUST_PRIVILEGES, &token))
    return pf_win_fail(err, GetLastError(), "this process's token could not be opened");
  (void)GetTokenInformation(token, TokenPrivileges, NULL, 0, &size);
  TOKEN_PRIVILEGES *all = size > 0 ? calloc(1, size) : NULL;
  cd_code rc = CD_OK;
  if (all == NULL || !GetTokenInformation(token, TokenPrivileges, all, size, &size)) {
    rc = pf_win_fail(err, GetLastError(), "this process's privileges could not be read");
  } else {
    for (DWORD i = 0; i < all->PrivilegeCount; i++)
      all->Privileges[i].Attributes = is_kept(privileges, &all->Privileges[i].Luid)
                                          ? SE_PRIVILEGE_ENABLED
                                          : SE_PRIVILEGE_REMOVED;
    if (!AdjustTokenPrivileges(token, FALSE, all, 0, NULL, NULL) || GetLastError() != ERROR_SUCCESS)
      rc = pf_win_fail(err, GetLastError(), "this process's privileges could not be dropped");
  }
  free(all);
  (void)CloseHandle(token);
  return rc;
}

/* The handle stays open until this process ends, and whoever is in the job then ends with it. */
static cd_code enter_job(const pf_confine *c, cd_err *err)
{
  HANDLE job = CreateJobObjectW(NULL, NULL);
  if (job == NULL)
    return pf_win_fail(err, GetLastError(), "no job object");
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
  JOBOBJECT_BASIC_UI_RESTRICTIONS ui = {
      .UIRestrictionsClass = JOB_OBJECT_UILIMIT_DESKTOP | JOB_OBJECT_UILIMIT_DISPLAYSETTINGS |
                             JOB_OBJECT_UILIMIT_EXITWINDOWS | JOB_OBJECT_UILIMIT_GLOBALATOMS |
                             JOB_OBJECT_UILIMIT_HANDLES | JOB_OBJECT_UILIMIT_READCLIPBOARD |
                             JOB_OBJECT_UILIMIT_SYSTEMPARAMETERS |
                             JOB_OBJECT_UILIMIT_WRITECLIPBOARD};
  if (SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof(limits)) &&
      SetInformationJobObject(job, JobObjectBasicUIRestrictions, &ui, sizeof(ui)) &&
      AssignProcessToJobObject(job, GetCurrentProcess()))
    return CD_OK;
  DWORD error = GetLastError();
  (void)CloseHandle(job);
  return pf_win_fail(err, error, "the limits of memory and processes could not be set");
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

static void write_report(const pf_confine *c, cd_buf *out)
{
  static const char *const names[] = {"root",   "net_admin", "net_raw",   "read_all",
                                      "trace",  "kill",      "sys_admin", "sight",
                                      "syslog", "write_all", "modules",   "root_user"};
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "user", NULL);
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
  cd_jw_cstr(&w, "note",
             c->no_network ? "on Windows neither open files, nor sizes of files, nor the folders "
                             "that may be written to, nor the network are limited; "
                             "the account stays the agent's"
                           : "on Windows neither open files, nor sizes of files, nor the folders "
                             "that may be written to are limited; the account "
                             "stays the agent's");
  cd_jw_end_obj(&w);
}

cd_code pf_confine_self(const pf_confine *c, cd_buf *ret_report, cd_err *err)
{
  if (c->user != NULL && (c->privileges & (PF_PRIV_ROOT | PF_PRIV_ROOT_USER)) == 0)
    return cd_fail(err, CD_E_UNSUPPORTED,
                   "a plugin host does not become '%s' on Windows; leave plugin_user empty",
                   c->user);
  cd_code rc = enter_job(c, err);
  if (rc == CD_OK && (c->privileges & PF_PRIV_ROOT) == 0)
    rc = drop_privileges(c->privileges, err);
  if (rc != CD_OK)
    return rc;
  close_ways(false);
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
