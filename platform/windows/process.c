/* Processes that belong together are in a job, which child.c ends with the first of them; and in
 * that of pf_confine_self(), whose handle ends with the process. */
#include "platform/process.h"

#include "windows/windows.h"

#include "base/banned.h"

void pf_process_kill_group(int leader)
{
  (void)leader;
}

void pf_process_end_followers(void)
{
}

cd_code pf_process_start(uint64_t pid, uint64_t *ret_start, cd_err *err)
{
  FILETIME made;
  FILETIME ended;
  FILETIME kernel;
  FILETIME user;
  if (pid == 0 || pid > UINT32_MAX)
    return cd_fail(err, CD_E_NOTFOUND, "there is no process %llu", (unsigned long long)pid);
  HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, (DWORD)pid);
  if (process == NULL && GetLastError() == ERROR_INVALID_PARAMETER)
    return cd_fail(err, CD_E_NOTFOUND, "there is no process %llu", (unsigned long long)pid);
  if (process == NULL)
    return pf_win_fail(err, GetLastError(), "process %llu could not be looked at",
                       (unsigned long long)pid);
  /* A process that ended stays there as long as somebody holds it. */
  bool over = WaitForSingleObject(process, 0) == WAIT_OBJECT_0;
  BOOL known = GetProcessTimes(process, &made, &ended, &kernel, &user);
  DWORD error = GetLastError();
  (void)CloseHandle(process);
  if (over)
    return cd_fail(err, CD_E_NOTFOUND, "there is no process %llu any more",
                   (unsigned long long)pid);
  if (!known)
    return pf_win_fail(err, error, "when process %llu was started could not be read",
                       (unsigned long long)pid);
  *ret_start = ((uint64_t)made.dwHighDateTime << 32) | made.dwLowDateTime;
  return CD_OK;
}
