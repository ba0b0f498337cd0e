/* What a process is started with are handles, which its C library knows under small numbers. A
 * plugin has the same C library: it could close them by number, but not the copies that are made
 * here. */
#include "platform/inherit.h"

#include "windows/windows.h"

#include <fcntl.h>
#include <io.h>

#include "base/banned.h"

/* Above what a program is started with, below the 2048 that the C library has. */
#define PF_HIGH 256

/* The number stays taken, by something that swallows what is written. */
static cd_code replace_number(int number, cd_err *err)
{
  int null_fd = _open("NUL", _O_RDWR | _O_BINARY | _O_NOINHERIT);
  if (null_fd < 0)
    return cd_fail(err, CD_E_UNAVAILABLE, "cannot open NUL");
  int failed = _dup2(null_fd, number);
  (void)_close(null_fd);
  return failed == 0 ? CD_OK
                     : cd_fail(err, CD_E_UNAVAILABLE, "cannot replace descriptor %d", number);
}

cd_code pf_inherit_take(int number, uv_file *ret_file, cd_err *err)
{
  /* Each process takes over a handful, at its start. */
  static int next = PF_HIGH;
  if (uv_get_osfhandle(number) == INVALID_HANDLE_VALUE)
    return cd_fail(err, CD_E_NOTFOUND, "cannot take over descriptor %d: there is none", number);
  int high = next++;
  if (_dup2(number, high) != 0)
    return cd_fail(err, CD_E_LIMIT, "cannot take over descriptor %d", number);
  /* A copy of the C library's is handed on to children. */
  cd_code rc = CD_OK;
  if (!SetHandleInformation(uv_get_osfhandle(high), HANDLE_FLAG_INHERIT, 0))
    rc = pf_win_fail(err, GetLastError(), "descriptor %d cannot be kept from children", number);
  if (rc == CD_OK)
    rc = replace_number(number, err);
  if (rc != CD_OK) {
    (void)_close(high);
    return rc;
  }
  *ret_file = high;
  return CD_OK;
}

cd_code pf_inherit_loop(uv_loop_t *loop, cd_err *err)
{
  int rc = uv_loop_init(loop);
  if (rc != 0)
    return cd_fail(err, CD_E_INTERNAL, "cannot make an event loop: %s", uv_strerror(rc));
  return CD_OK;
}
