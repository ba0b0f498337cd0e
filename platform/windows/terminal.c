/* Laid out, not yet filled: CONIN$ without ENABLE_ECHO_INPUT. */
#include "platform/terminal.h"

#include "base/banned.h"

cd_code pf_terminal_secret(const char *prompt, uint32_t timeout_ms, cd_buf *out, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED,
                 "nothing was asked: the console is not there on Windows yet");
}
