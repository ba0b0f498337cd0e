/* Enrolment and renewal: the proof of the device key, the request, its answer, where a console is,
 * and what an order says that cannot be carried out. */
#include "protocol/enroll.h"

#include "fixture.h"
#include "protocol/base64.h"
#include "protocol/message.h"

#include <stdio.h>
#include <string.h>

#define TOKEN "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define CSR "-----BEGIN CERTIFICATE REQUEST-----\n"

static cd_enroll_proof sample_proof(void)
{
  cd_enroll_proof p = {.at_ms = NOW_MS};
  memset(&p.token_hash, 0xa5, sizeof(p.token_hash));
  memset(&p.csr_hash, 0x5a, sizeof(p.csr_hash));
  return p;
}

START_TEST(a_proof_is_the_device_keys_and_of_no_other_kind)
{
  keys k;
  cd_err err = {0};
  cd_enroll_proof back = {0};
  cd_buf jws = CD_BUF_INIT(4096);
  keys_make(&k);
  cd_enroll_proof p = sample_proof();
  expect_ok(cd_enroll_proof_sign(&p, k.device, &test_random, &jws, &err), &err);
  expect_ok(cd_enroll_proof_verify(cd_buf_view(&jws), cd_key_public(k.device), &back, &err), &err);
  ck_assert(cd_digest_equal(&back.token_hash, &p.token_hash));
  ck_assert(cd_digest_equal(&back.csr_hash, &p.csr_hash));
  ck_assert_int_eq(back.at_ms, NOW_MS);
  ck_assert_int_eq(cd_enroll_proof_verify(cd_buf_view(&jws), cd_key_public(k.other), &back, &err),
                   CD_E_DENIED);
  cd_buf_reset(&jws);
  sign_text(&cd_jws_mark, "{\"token_hash\":1}", k.device, &jws);
  ck_assert_int_eq(cd_enroll_proof_verify(cd_buf_view(&jws), cd_key_public(k.device), &back, &err),
                   CD_E_INVALID);
  cd_buf_release(&jws);
  keys_free(&k);
}
END_TEST

START_TEST(a_token_is_32_bytes_in_base64url)
{
  cd_err err = {0};
  uint8_t bytes[CD_TOKEN_SIZE] = {0};
  expect_ok(cd_enroll_token_decode(CD_STR(TOKEN), bytes, &err), &err);
  ck_assert_uint_eq(bytes[31], 31);
  expect_failure(cd_enroll_token_decode(CD_STR("AAEC"), bytes, &err), CD_E_INVALID,
                 "the token is not 32 bytes in base64url", &err);
}
END_TEST

START_TEST(the_request_goes_both_ways)
{
  keys k;
  cd_err err = {0};
  cd_enroll_request back = {0};
  cd_buf text = CD_BUF_INIT(CD_ENROLL_REQUEST_MAX);
  keys_make(&k);
  cd_enroll_request r = {.token = CD_STR(TOKEN),
                         .csr = CD_STR(CSR),
                         .device_key = *cd_key_public(k.device),
                         .proof = CD_STR("a.b.c"),
                         .hostname = CD_STR("desk-1"),
                         .os = CD_STR("linux"),
                         .agent = CD_STR("0.1.0")};
  expect_ok(cd_enroll_request_write(&r, &text, &err), &err);
  expect_ok(cd_enroll_request_read(cd_buf_view(&text), &back, &err), &err);
  ck_assert(cd_str_eq(back.token, r.token) && cd_str_eq(back.csr, r.csr));
  ck_assert(cd_public_key_equal(&back.device_key, &r.device_key));
  ck_assert(cd_str_eq(back.proof, r.proof) && cd_str_eq(back.hostname, r.hostname));
  ck_assert_uint_eq(back.tag_count, 0);
  cd_enroll_request_release(&back);
  char *tagged = with(cd_buf_cstr(&text), "\"os\":", "\"tags\":[\"lab\",\"B\u00fcro\"],\"os\":");
  expect_ok(cd_enroll_request_read(cd_str_from(tagged), &back, &err), &err);
  ck_assert_uint_eq(back.tag_count, 2);
  ck_assert(cd_str_eq_cstr(back.tags[0], "lab") && cd_str_eq_cstr(back.tags[1], "B\xc3\xbcro"));
  cd_buf again = CD_BUF_INIT(CD_ENROLL_REQUEST_MAX);
  expect_ok(cd_enroll_request_write(&back, &again, &err), &err);
  ck_assert_ptr_nonnull(strstr(cd_buf_cstr(&again), "\"tags\":[\"lab\","));
  cd_buf_release(&again);
  cd_enroll_request_release(&back);
  free(tagged);
  tagged = with(cd_buf_cstr(&text), "\"os\":", "\"tags\":[\"lab\",\"\"],\"os\":");
  expect_failure(cd_enroll_request_read(cd_str_from(tagged), &back, &err), CD_E_INVALID,
                 "the request to enrol: tags must not be empty", &err);
  free(tagged);
  char *worse = with(cd_buf_cstr(&text), "\"os\":", "\"oz\":");
  expect_failure(cd_enroll_request_read(cd_str_from(worse), &back, &err), CD_E_INVALID,
                 "the request to enrol: os is missing", &err);
  free(worse);
  worse = with(cd_buf_cstr(&text), "\"device_key\":\"MFkw", "\"device_key\":\"MFkx");
  expect_failure(
      cd_enroll_request_read(cd_str_from(worse), &back, &err), CD_E_INVALID,
      "the request to enrol: device_key must be a SubjectPublicKeyInfo on P-256 in base64url",
      &err);
  free(worse);
  cd_buf_release(&text);
  keys_free(&k);
}
END_TEST

START_TEST(the_answer_goes_both_ways)
{
  cd_err err = {0};
  cd_enroll_answer back = {0};
  cd_buf text = CD_BUF_INIT(CD_ENROLL_ANSWER_MAX);
  cd_enroll_answer a = {.device = CD_STR(DEVICE),
                        .certificate = CD_STR("-----BEGIN CERTIFICATE-----\n"),
                        .statement = CD_STR("a.b.c"),
                        .order_key = CD_STR("d.e.f"),
                        .agent_count = 2,
                        .agents = {CD_STR("console.example:8443"), CD_STR("[2001:db8::1]:8443")}};
  expect_ok(cd_enroll_answer_write(&a, &text, &err), &err);
  expect_ok(cd_enroll_answer_read(cd_buf_view(&text), &back, &err), &err);
  ck_assert(cd_str_eq(back.device, a.device) && cd_str_eq(back.certificate, a.certificate));
  ck_assert_uint_eq(back.agent_count, 2);
  ck_assert(cd_str_eq(back.agents[1], a.agents[1]));
  cd_enroll_answer_release(&back);
  char *worse = with(cd_buf_cstr(&text), "console.example:8443", "console.example");
  ck_assert_int_eq(cd_enroll_answer_read(cd_str_from(worse), &back, &err), CD_E_INVALID);
  free(worse);
  cd_buf_release(&text);
}
END_TEST

START_TEST(a_console_is_a_host_and_a_port)
{
  static const struct {
    const char *text;
    const char *host; /* NULL: refused */
    unsigned port;
  } rows[] = {{"console.example:8443", "console.example", 8443},
              {"192.0.2.1:1", "192.0.2.1", 1},
              {"[2001:db8::1]:65535", "2001:db8::1", 65535},
              {"", NULL, 0},
              {":8443", NULL, 0},
              {"console.example", NULL, 0},
              {"console.example:0", NULL, 0},
              {"console.example:65536", NULL, 0},
              {"2001:db8::1:8443", NULL, 0},
              {"[2001:db8::1]8443", NULL, 0},
              {"[console.example]:8443", NULL, 0},
              {"a b:1", NULL, 0},
              {"user@host:1", NULL, 0}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    cd_err err = {0};
    char host[CD_HTTP_HOST_MAX + 1] = "";
    uint16_t port = 0;
    cd_code rc = cd_endpoint_parse(cd_str_from(rows[i].text), host, &port, &err);
    ck_assert_msg((rc == CD_OK) == (rows[i].host != NULL), "'%s': %s", rows[i].text, err.text);
    if (rows[i].host == NULL)
      continue;
    ck_assert_str_eq(host, rows[i].host);
    ck_assert_uint_eq(port, rows[i].port);
  }
}
END_TEST

START_TEST(a_renewal_goes_both_ways)
{
  cd_rpc m = {0};
  cd_err err = {0};
  cd_str got = {0};
  cd_method method = (cd_method)0;
  cd_buf out = CD_BUF_INIT(CD_MESSAGE_MAX);
  expect_ok(cd_renew_write(CD_STR(CSR), 9, &out, &err), &err);
  expect_ok(cd_rpc_parse(cd_buf_view(&out), &m, NULL, &err), &err);
  expect_ok(cd_message_method(&m, CD_SIDE_CONSOLE, &method, NULL, &err), &err);
  ck_assert_int_eq(method, CD_METHOD_RENEW);
  expect_ok(cd_renew_read(&m, &got, NULL, &err), &err);
  ck_assert(cd_str_eq(got, CD_STR(CSR)));
  cd_rpc_release(&m);
  cd_buf_reset(&out);
  expect_ok(cd_renewed_write(CD_STR("PEM"), 9, &out, &err), &err);
  expect_ok(cd_rpc_parse(cd_buf_view(&out), &m, NULL, &err), &err);
  expect_ok(cd_renewed_read(&m, &got, &err), &err);
  ck_assert(cd_str_eq(got, CD_STR("PEM")));
  cd_rpc_release(&m);
  cd_buf_release(&out);
}
END_TEST

START_TEST(the_claims_of_an_order_are_read_whatever_its_parameters)
{
  keys k;
  cd_err err = {0};
  cd_order back = {0};
  cd_buf order = CD_BUF_INIT(4096);
  cd_buf key = CD_BUF_INIT(4096);
  cd_buf text = CD_BUF_INIT(4096);
  keys_make(&k);
  cd_statement s = sample_statement(&k);
  sign_statement(&s, k.root, &key);
  cd_buf_add_cstr(&text,
                  "{\"device\":\"" DEVICE "\",\"action\":\"" ACTION
                  "\",\"kind\":\"isolate\",\"state\":\"isolate\",\"generation\":7,\"issued\":1,"
                  "\"expires\":2,\"audit\":{\"sequence\":1,\"digest\":\"sha256:");
  for (int i = 0; i < 32; i++)
    cd_buf_add_cstr(&text, "a5");
  cd_buf_add_cstr(&text, "\"},\"requestor\":\"alice\",\"comment\":\"why\",\"parameters\":{"
                         "\"lease\":1}}");
  sign_text(&cd_jws_order, cd_buf_cstr(&text), k.order, &order);
  expect_ok(
      cd_order_claims(cd_buf_view(&key), cd_buf_view(&order), cd_key_public(k.root), &back, &err),
      &err);
  ck_assert_str_eq(back.action, ACTION);
  ck_assert_str_eq(back.requestor, "alice");
  ck_assert(cd_str_eq(back.comment, CD_STR("why")));
  ck_assert_int_eq(back.kind, CD_ORDER_ISOLATE);
  cd_order_release(&back);
  cd_buf_reset(&order);
  sign_text(&cd_jws_order, cd_buf_cstr(&text), k.other, &order);
  ck_assert_int_eq(
      cd_order_claims(cd_buf_view(&key), cd_buf_view(&order), cd_key_public(k.root), &back, &err),
      CD_E_DENIED);
  cd_buf_release(&order);
  cd_buf_release(&key);
  cd_buf_release(&text);
  keys_free(&k);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      a_proof_is_the_device_keys_and_of_no_other_kind,
      a_token_is_32_bytes_in_base64url,
      the_request_goes_both_ways,
      the_answer_goes_both_ways,
      a_console_is_a_host_and_a_port,
      a_renewal_goes_both_ways,
      the_claims_of_an_order_are_read_whatever_its_parameters,
  };
  return run_suite("protocol.enroll", tests, COUNT_OF(tests));
}
