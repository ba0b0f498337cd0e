/* Laid out, not yet filled: named pipes with a security descriptor of ours, remote clients
 * rejected. */
#include "platform/peer.h"

#include "base/banned.h"

cd_code pf_peer_of(uv_pipe_t *pipe, pf_identity *ret_identity, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED,
                 "telling who is at the other end of a pipe is not there on Windows yet");
}

cd_code pf_peer_self(pf_identity *ret_identity, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED,
                 "telling who runs this process is not there on Windows yet");
}

void pf_peer_name(pf_identity *who)
{
}

cd_code pf_peer_in_group(const pf_identity *who, const char *group, bool *ret_member, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED, "the members of '%s' are not there on Windows yet", group);
}

cd_code pf_peer_listen(uv_pipe_t *server, const char *name, int backlog,
                       uv_connection_cb on_connection, cd_err *err)
{
  return cd_fail(err, CD_E_UNSUPPORTED,
                 "nothing listens on '%s': protected pipes are not there on Windows yet", name);
}
