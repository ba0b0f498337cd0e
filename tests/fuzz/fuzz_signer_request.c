/* What is read by cordon-signer and its client. The first byte says which: q a request, c a
 * certificate request, f the configuration, a an answer. */
#include "config.h"
#include "csr.h"
#include "fuzz_must.h"
#include "request.h"
#include "signer_client_private.h"

static void request(cd_str text)
{
  sig_request r = {0};
  cd_err err = {0};
  cd_code rc = sig_request_read(text, &r, &err);
  must_explain(rc, &err);
  if (rc == CD_OK) {
    must(r.method >= SIG_ATTACH && r.method <= SIG_SIGN_POLICY, "a method of nobody");
    must(r.parameters.len <= CD_PARAMETERS_MAX && r.csr.len <= CD_CSR_MAX, "too long");
    must(r.method != SIG_SIGN_ORDER || (r.audit.sequence > 0 && r.device[0] != '\0'),
         "an order of nothing");
  }
  sig_request_release(&r);
}

static void csr(cd_str text)
{
  cd_public_key key = {0};
  cd_err err = {0};
  cd_code rc = con_csr_key(text, &key, &err);
  must_explain(rc, &err);
  must(rc != CD_OK || key.point[0] == 4, "a request without a key");
}

static void config(cd_str text)
{
  sig_config c = {0};
  cd_err err = {0};
  cd_code rc = sig_config_parse(text, &c, &err);
  must_explain(rc, &err);
  must(rc != CD_OK || (c.database[0] != '\0' && c.socket[0] != '\0'), "a signer of nowhere");
  if (rc == CD_OK)
    sig_config_release(&c);
}

static void answer(cd_str text)
{
  cd_json_doc *doc = NULL;
  con_signer_reply reply;
  char sentence[CD_ERR_TEXT_MAX];
  con_signer_read_reply(text, &doc, &reply, sentence);
  must(reply.code == CD_OK || reply.order.len == 0, "a refusal with an order");
  must(!cd_code_ok(reply.code) || reply.code == CD_OK, "a failure that is none");
  cd_json_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size == 0)
    return 0;
  cd_str text = {(const char *)data + 1, size - 1};
  switch (data[0]) {
  case 'q': request(text); break;
  case 'c': csr(text); break;
  case 'f': config(text); break;
  case 'a': answer(text); break;
  default: break;
  }
  return 0;
}
