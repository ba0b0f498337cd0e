/* What a process is started with are handles, which its C library knows under small numbers. A plugin has the same C library: it could
 * close them by number, but not the copies that are made here. */
#include "platform/inherit.h"

#include "windows/windows.h"

#include <fcntl.h>
#include <io.h>

#include "base/banned.h"

/* The number stays taken, by something that swallows what is written. */
static cd_code replace_number(int number, cd_err *err)
{
  int null_fd = _open("NUL", _O_RDWR | _O_BINARY | _O_NOINHERIT);
  if (null_fd < 0)
    return cd_fail(err, CD_E_UNAVAILABLE, "cannot open NUL");
  int failed = _dup2(null_fd, number);
  (void)_close(null_fd);
  return failed == 0 ? CD_OK : cd_fail(err, CD_E_UNAVAILABLE, "cannot replace descriptor %d", number);
}

cd_code pf_inherit_take(int number, uv_file *ret_file, cd_err *err)
{
  HANDLE given = uv_get_osfhandle(number);
  HANDLE own = NULL;
  if (given == INVALID_HANDLE_VALUE || given == NULL)
    return cd_fail(err, CD_E_NOTFOUND, "cannot take over descriptor %d: there is none", number);
  if (!DuplicateHandle(GetCurrentProcess(), given, GetCurrentProcess(), &own, 0, FALSE, DUPLICATE_SAME_ACCESS))
    return pf_win_fail(err, GetLastError(), "cannot take over descriptor %d", number);
  cd_code rc = replace_number(number, err);
  int file = rc == CD_OK ? uv_open_osfhandle(own) : -1;
  if (file < 0) {
    (void)CloseHandle(own);
    return rc != CD_OK ? rc : cd_fail(err, CD_E_LIMIT, "cannot take over descriptor %d: there are no numbers left", number);
  }
  *ret_file = file;
  return CD_OK;
}

cd_code pf_inherit_loop(uv_loop_t *loop, cd_err *err)
{
  int rc = uv_loop_init(loop);
  if (rc != 0)
    return cd_fail(err, CD_E_INTERNAL, "cannot make an event loop: %s", uv_strerror(rc));
  return CD_OK;
}
