/* No memory: each allocation of a scenario fails in turn, mbedTLS's too. Nothing crashes, nothing
 * leaks, and the sentence says what it was. */
#include "protocol/chunk.h"
#include "protocol/http_head.h"
#include "protocol/message.h"
#include "protocol/proxy.h"
#include "protocol/result.h"
#include "protocol/secret.h"
#include "protocol/ws.h"
#include "protocol/ws_handshake.h"

#include "failing_memory.h"
#include "fixture.h"

/* Made before anything fails. */
static keys k;
static cd_buf statement_jws = CD_BUF_INIT(4096);
static cd_buf order_jws = CD_BUF_INIT(8192);

/* Without reading the private key back: there mbedTLS itself takes want of memory for a bad key. */
static cd_code make_and_file_a_key(cd_err *err)
{
  cd_key *key = NULL;
  cd_public_key back = {0};
  cd_buf pem = CD_BUF_INIT(CD_KEY_PEM_MAX);
  cd_code rc = cd_key_generate(&test_random, &key, err);
  if (rc == CD_OK)
    rc = cd_key_to_pem(key, &pem, err);
  cd_buf_wipe(&pem);
  if (rc == CD_OK)
    rc = cd_public_key_to_pem(cd_key_public(key), &pem, err);
  if (rc == CD_OK)
    rc = cd_public_key_from_pem(cd_buf_view(&pem), &back, err);
  cd_buf_release(&pem);
  cd_key_free(key);
  return rc;
}

static cd_code sign_an_order(cd_err *err)
{
  cd_buf jws = CD_BUF_INIT(8192);
  cd_order o = sample_order();
  cd_code rc = cd_order_sign(&o, k.order, &test_random, &jws, err);
  cd_buf_release(&jws);
  return rc;
}

static cd_code accept_an_order(cd_err *err)
{
  cd_accepted a = {0};
  const cd_order_known known = {.device = CD_STR(DEVICE), .now_ms = NOW_MS, .clock_trusted = true};
  cd_code rc = cd_order_accept(cd_buf_view(&statement_jws), cd_buf_view(&order_jws),
                               cd_key_public(k.root), &known, &a, NULL, err);
  cd_order_release(&a.order);
  return rc;
}

static cd_code write_and_read_messages(cd_err *err)
{
  cd_rpc m = {0};
  cd_buf out = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_order_message back = {0};
  const cd_order_message o = {CD_STR("a.b.c"), CD_STR("d.e.f")};
  cd_code rc = cd_order_message_write(&o, 1, &out, err);
  if (rc == CD_OK)
    rc = cd_rpc_parse(cd_buf_view(&out), &m, NULL, err);
  if (rc == CD_OK)
    rc = cd_order_message_read(&m, &back, NULL, err);
  cd_rpc_release(&m);
  cd_buf_release(&out);
  return rc;
}

static cd_code write_and_read_frames(cd_err *err)
{
  static char data[5000];
  cd_ws_decoder d;
  cd_ws_event e = {0};
  cd_buf out = CD_BUF_INIT(10000);
  cd_ws_decoder_init(&d, CD_WS_CLIENT, 10000);
  cd_code rc = cd_ws_frame_add(&out, CD_WS_BINARY, true, (cd_str){data, sizeof(data)}, NULL, err);
  cd_str input = cd_buf_view(&out);
  if (rc == CD_OK)
    rc = cd_ws_decoder_next(&d, &input, &e, err);
  cd_ws_decoder_release(&d);
  cd_buf_release(&out);
  return rc;
}

static cd_code ask_and_be_answered(cd_err *err)
{
  cd_http_head h;
  cd_buf out = CD_BUF_INIT(10000);
  cd_buf secret = CD_BUF_INIT(10000);
  char key[CD_WS_KEY_MAX];
  cd_http_head_init(&h);
  cd_ws_key((const uint8_t *)"the sample nonce", key);
  const cd_ws_request r = {.host = CD_STR("c"),
                           .port = 1,
                           .path = CD_STR("/"),
                           .key = cd_str_from(key),
                           .protocol = CD_STR("p")};
  const cd_proxy_request p = {.host = CD_STR("c"),
                              .port = 1,
                              .has_credentials = true,
                              .user = CD_STR("u"),
                              .password = CD_STR("p")};
  cd_str answer = CD_STR("HTTP/1.1 200 OK\r\nA: b\r\n\r\n");
  cd_code rc = cd_ws_request_write(&r, &out, err);
  if (rc == CD_OK)
    rc = cd_proxy_request_write(&p, &secret, err);
  if (rc == CD_OK)
    rc = cd_http_head_take(&h, "the proxy", &answer, err);
  if (rc == CD_OK)
    rc = cd_proxy_response_check(&h, &p, err);
  cd_http_head_release(&h);
  cd_buf_wipe(&secret);
  cd_buf_release(&out);
  return rc;
}

START_TEST(keys_without_memory)
{
  fail_each_in_turn(make_and_file_a_key, 20);
}
END_TEST

START_TEST(an_order_that_is_signed_without_memory)
{
  keys_make(&k);
  fail_each_in_turn(sign_an_order, 20);
  keys_free(&k);
}
END_TEST

START_TEST(an_order_that_is_judged_without_memory)
{
  keys_make(&k);
  cd_statement s = sample_statement(&k);
  cd_order o = sample_order();
  sign_statement(&s, k.root, &statement_jws);
  sign_order(&o, k.order, &order_jws);
  fail_each_in_turn(accept_an_order, 20);
  cd_buf_release(&statement_jws);
  cd_buf_release(&order_jws);
  keys_free(&k);
}
END_TEST

START_TEST(messages_without_memory)
{
  fail_each_in_turn(write_and_read_messages, 10);
}
END_TEST

START_TEST(frames_without_memory)
{
  fail_each_in_turn(write_and_read_frames, 3);
}
END_TEST

START_TEST(http_without_memory)
{
  fail_each_in_turn(ask_and_be_answered, 5);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      keys_without_memory,
      an_order_that_is_signed_without_memory,
      an_order_that_is_judged_without_memory,
      messages_without_memory,
      frames_without_memory,
      http_without_memory,
  };
  return run_suite("protocol.memory", tests, COUNT_OF(tests));
}
