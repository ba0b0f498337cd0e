/* Any text as a message: it is refused with an answer, or read by the reader of its method, from
 * either side. */
#include "protocol/message.h"

#include "fuzz_must.h"

static void read_params(cd_rpc *m, cd_method method)
{
  cd_err err = {0};
  cd_rpc_fault fault = {0};
  cd_hello hello = {0};
  cd_order_message order = {0};
  cd_policy_message policy = {0};
  cd_progress progress = {0};
  cd_kept kept = {0};
  char action[CD_ID_SIZE] = "";
  cd_str jws = {0};
  cd_code rc = CD_OK;
  switch (method) {
  case CD_METHOD_HELLO: rc = cd_hello_read(m, &hello, &fault, &err); break;
  case CD_METHOD_ORDER: rc = cd_order_message_read(m, &order, &fault, &err); break;
  case CD_METHOD_POLICY: rc = cd_policy_message_read(m, &policy, &fault, &err); break;
  case CD_METHOD_RENEW: rc = cd_renew_read(m, &jws, &fault, &err); break;
  case CD_METHOD_PROGRESS: rc = cd_progress_read(m, &progress, &err); break;
  case CD_METHOD_PACKAGE: rc = cd_package_read(m, action, &fault, &err); break;
  case CD_METHOD_KEPT: rc = cd_kept_read(m, &kept, &err); break;
  default: rc = cd_signed_read(m, method, &jws, &fault, &err); break;
  }
  must_explain(rc, &err);
  if (rc != CD_OK && method != CD_METHOD_PROGRESS && method != CD_METHOD_KEPT)
    must(fault.answer == (m->type == CD_RPC_REQUEST) && fault.id == m->id, "another answer");
}

/* The readers share the document's first failure, so each gets a document of its own. */
static void read_response(cd_str text, int reader)
{
  cd_rpc m = {0};
  cd_err err = {0};
  cd_welcome welcome = {0};
  cd_order_ack ack = {0};
  cd_str certificate = {0};
  cd_package_answer package = {0};
  if (cd_rpc_parse(text, &m, NULL, &err) != CD_OK)
    return;
  cd_code rc = reader == 0   ? cd_welcome_read(&m, &welcome, &err)
               : reader == 1 ? cd_order_ack_read(&m, &ack, &err)
               : reader == 2 ? cd_ack_read(&m, &err)
               : reader == 3 ? cd_package_answer_read(&m, &package, &err)
                             : cd_renewed_read(&m, &certificate, &err);
  must_explain(rc, &err);
  cd_rpc_release(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  cd_str text = {(const char *)data, size};
  cd_rpc m = {0};
  cd_err err = {0};
  cd_rpc_fault fault = {0};
  cd_method method = (cd_method)0;
  cd_code rc = cd_rpc_parse(text, &m, &fault, &err);
  must_explain(rc, &err);
  if (rc != CD_OK) {
    must(fault.code != 0, "a refusal without its code");
    return 0;
  }
  if (m.type == CD_RPC_REQUEST || m.type == CD_RPC_NOTIFICATION) {
    if (cd_message_method(&m, CD_SIDE_AGENT, &method, &fault, &err) == CD_OK ||
        cd_message_method(&m, CD_SIDE_CONSOLE, &method, &fault, &err) == CD_OK)
      read_params(&m, method);
  } else {
    for (int reader = 0; reader < 5; reader++)
      read_response(text, reader);
  }
  cd_rpc_release(&m);
  return 0;
}
