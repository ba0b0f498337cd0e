/* What cordon-channel says, which may be what an attacker says: read as each message would be. The
 * first byte says of which kind. */
#include "channel_read.h"

#include "fuzz_must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  cd_code rc = CD_OK;
  cd_code code = CD_OK;
  char sentence[CD_ERR_TEXT_MAX] = "";
  cd_str a = {0};
  cd_str b = {0};
  channel_open open = {0};
  channel_addresses addresses = {0};
  channel_welcome welcome = {0};
  channel_lost lost = {0};
  channel_stream stream = {0};
  channel_kept kept = {0};
  agent_endpoint endpoint = {0};
  if (size == 0)
    return 0;
  cd_str text = {(const char *)data + 1, size - 1};
  switch (data[0]) {
  case 'o':
    rc = channel_open_read(text, &open, &err);
    must(rc != CD_OK || (open.port != 0 && open.host[0] != '\0'), "a connection to nowhere");
    break;
  case 'a':
    rc = channel_addresses_read(text, &addresses, &err);
    must(rc != CD_OK || addresses.count <= AGENT_CONSOLE_ADDRESSES_MAX, "too many addresses");
    break;
  case 's':
    rc = channel_want_socket_read(text, &endpoint, &err);
    must(rc != CD_OK || endpoint.address[0] != '\0', "a socket for nowhere");
    break;
  case 'w': rc = channel_welcome_read(text, &doc, &welcome, &err); break;
  case 'k': rc = channel_ack_read(text, &code, sentence, &err); break;
  case 'r': rc = channel_order_read(text, "order", &doc, &a, &b, &err); break;
  case 'l': rc = channel_lost_read(text, &lost, &err); break;
  case 'p': rc = channel_stream_read(text, &stream, &err); break;
  case 'f': rc = channel_kept_read(text, &kept, &err); break;
  case 'c': rc = channel_text_read(text, "certificate", CD_CERTIFICATE_MAX, &doc, &a, &err); break;
  default: return 0;
  }
  must_explain(rc, &err);
  must(rc == CD_OK || doc == NULL, "a document that nobody frees");
  cd_json_free(doc);
  return 0;
}
