/* Laid out, not yet filled: handles are handed down by value here, not by small numbers. */
#include "platform/inherit.h"

#include "base/banned.h"

cd_code pf_inherit_take(int number, uv_file *ret_file, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED,
                 "descriptor %d was not taken over: plugin hosts are not there on Windows yet",
                 number);
}

cd_code pf_inherit_loop(uv_loop_t *loop, cd_err *err)
{
  int rc = uv_loop_init(loop);
  if (rc != 0)
    return cd_fail(err, CD_E_INTERNAL, "cannot make an event loop: %s", uv_strerror(rc));
  return CD_OK;
}
