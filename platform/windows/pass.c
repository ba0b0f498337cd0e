/* Laid out, not yet filled: DuplicateHandle into the child. */
#include "platform/pass.h"

#include "base/banned.h"

cd_code pf_pass_pair(uv_file *ret_parent, uv_file *ret_child, cd_err *err)
{
  (void)ret_parent;
  (void)ret_child;
  return cd_fail(err, CD_E_UNSUPPORTED, "files are not handed over on Windows yet");
}

cd_code pf_pass_give(uv_file parent, uint64_t number, uv_file file, cd_err *err)
{
  (void)parent;
  (void)number;
  (void)file;
  return cd_fail(err, CD_E_UNSUPPORTED, "files are not handed over on Windows yet");
}

cd_code pf_pass_take(uv_file child, uint64_t number, uv_file *ret_file, cd_err *err)
{
  (void)child;
  (void)number;
  (void)ret_file;
  return cd_fail(err, CD_E_UNSUPPORTED, "files are not handed over on Windows yet");
}
