#include "platform/file.h"

#include "windows/windows.h"

#include "base/banned.h"

/* The size stays; clusters behind it are taken, and go back when the file is cut or its last handle
 * is closed: so hold it open. */
cd_code pf_file_reserve(uv_os_fd_t file, uint64_t offset, uint64_t len, cd_err *err)
{
  FILE_ALLOCATION_INFO wanted = {.AllocationSize.QuadPart = (LONGLONG)(offset + len)};
  if (SetFileInformationByHandle(file, FileAllocationInfo, &wanted, sizeof(wanted)))
    return CD_OK;
  DWORD error = GetLastError();
  if (error == ERROR_DISK_FULL)
    return cd_fail_os(err, CD_E_LIMIT, error, "there is no room for %llu bytes more",
                      (unsigned long long)len);
  return cd_fail_os(err, CD_E_UNSUPPORTED, error, "no room can be set aside here");
}
