/* The request to enrol, which anybody may post, its answer, and where a console is. The first byte
 * says which: q, a, e. */
#include "protocol/enroll.h"

#include "fuzz_must.h"

static void request(cd_str text)
{
  cd_enroll_request r = {0};
  cd_err err = {0};
  cd_code rc = cd_enroll_request_read(text, &r, &err);
  must_explain(rc, &err);
  if (rc == CD_OK)
    must(r.token.len > 0 && r.csr.len > 0 && r.device_key.point[0] == 4, "a request of nobody");
  cd_enroll_request_release(&r);
}

static void answer(cd_str text)
{
  cd_enroll_answer a = {0};
  cd_err err = {0};
  cd_code rc = cd_enroll_answer_read(text, &a, &err);
  must_explain(rc, &err);
  if (rc == CD_OK)
    must(a.agent_count > 0 && a.agent_count <= CD_CONSOLES_MAX && a.device.len > 0,
         "an answer to nobody");
  cd_enroll_answer_release(&a);
}

static void endpoint(cd_str text)
{
  cd_err err = {0};
  char host[CD_HTTP_HOST_MAX + 1] = "";
  uint16_t port = 0;
  cd_code rc = cd_endpoint_parse(text, host, &port, &err);
  must_explain(rc, &err);
  if (rc == CD_OK)
    must(host[0] != '\0' && port != 0, "nowhere");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size == 0)
    return 0;
  cd_str text = {(const char *)data + 1, size - 1};
  switch (data[0]) {
  case 'q': request(text); break;
  case 'a': answer(text); break;
  case 'e': endpoint(text); break;
  default: break;
  }
  return 0;
}
