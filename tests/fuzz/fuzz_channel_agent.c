/* What cordon-channel reads: SETUP and the frames of the agent, which it trusts, so that no slip of
 * either side becomes more than a failure; and certificates, which come from the network. The first
 * byte says of which kind. */
#include "certificate.h"
#include "message.h"
#include "setup.h"

#include "fuzz_must.h"

#include <stdlib.h>
#include <string.h>

/* Views of JSON texts end with a NUL, and so does this. */
static void certificate(cd_str text)
{
  cd_err err = {0};
  chan_certificate c = {0};
  char *copy = cd_str_dup(text);
  if (copy == NULL)
    return;
  cd_code rc = chan_certificate_read((cd_str){copy, text.len}, &c, &err);
  must_explain(rc, &err);
  must(rc != CD_OK || c.device[0] != '\0', "a certificate of nobody");
  free(copy);
}

static void setup(cd_str text)
{
  cd_err err = {0};
  chan_setup s = {0};
  cd_code rc = chan_setup_read(text, &s, &err);
  must_explain(rc, &err);
  must(rc != CD_OK || s.console_count > 0, "no console");
  chan_setup_release(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  cd_code rc = CD_OK;
  cd_code code = CD_OK;
  char sentence[CD_ERR_TEXT_MAX] = "";
  cd_hello hello;
  cd_progress progress;
  cd_order_ack ack;
  cd_str document = {0};
  if (size == 0)
    return 0;
  cd_str text = {(const char *)data + 1, size - 1};
  switch (data[0]) {
  case 'x': certificate(text); return 0;
  case 'u': setup(text); return 0;
  case 'h': rc = chan_hello_read(text, &doc, &hello, &err); break;
  case 'p': rc = chan_progress_read(text, &doc, &progress, &err); break;
  case 'k': rc = chan_order_ack_read(text, &doc, &ack, &err); break;
  case 's': rc = chan_socket_read(text, &code, sentence, &err); break;
  case 'm': rc = chan_text_read(text, "mark", CD_MESSAGE_MAX, &doc, &document, &err); break;
  default: return 0;
  }
  must_explain(rc, &err);
  must(rc == CD_OK || doc == NULL, "a document that nobody frees");
  cd_json_free(doc);
  return 0;
}
