#include "platform/file.h"

#include "windows/windows.h"

#include "base/banned.h"

/* Of the volume that the handle is on; quotas of this process's user count. */
cd_code pf_file_room(uv_os_fd_t file, uint64_t *ret_bytes, cd_err *err)
{
  wchar_t path[1024];
  ULARGE_INTEGER left;
  DWORD len = GetFinalPathNameByHandleW(file, path, 1024, FILE_NAME_NORMALIZED | VOLUME_NAME_DOS);
  if (len == 0 || len >= 1024)
    return pf_win_fail(err, GetLastError(), "the volume of an open file could not be told");
  wchar_t *slash = wcsrchr(path, L'\\');
  if (slash != NULL)
    slash[1] = L'\0';
  if (!GetDiskFreeSpaceExW(path, &left, NULL, NULL))
    return pf_win_fail(err, GetLastError(), "the free space of a volume could not be read");
  *ret_bytes = left.QuadPart;
  return CD_OK;
}
