#include "platform/sight.h"

#include "base/banned.h"

cd_code pf_sight_serve(uv_file *ret_child, cd_err *err)
{
  (void)ret_child;
  return cd_fail(err, CD_E_UNSUPPORTED, "this system has no network namespaces");
}

cd_code pf_sight_space_at(uv_file sight, uint32_t index, pf_sight_space *ret_space,
                          uv_file ret_sockets[2], cd_err *err)
{
  (void)sight;
  (void)index;
  (void)ret_space;
  (void)ret_sockets;
  return cd_fail(err, CD_E_UNSUPPORTED, "this system has no network namespaces");
}

cd_code pf_sight_holders(uv_file sight, const uint64_t *inodes, uint32_t count,
                         pf_sight_holder *ret_holders, cd_err *err)
{
  (void)sight;
  (void)inodes;
  (void)count;
  (void)ret_holders;
  return cd_fail(err, CD_E_UNSUPPORTED, "this system does not tell who holds a socket");
}
