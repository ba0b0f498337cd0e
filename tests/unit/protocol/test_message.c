/* Messages: the envelope of JSON-RPC 2.0 with its ceilings, and what each method carries. */
#include "protocol/message.h"

#include "suite.h"

#include <string.h>

#define JWS "aaaa.bbbb.cccc"
#define NONCE "AQIDBAUGBwgJCgsMDQ4PEA"
#define ACTION "0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01"

static cd_rpc parse(const char *text)
{
  cd_rpc m = {0};
  cd_err err = {0};
  cd_code rc = cd_rpc_parse(cd_str_from(text), &m, NULL, &err);
  ck_assert_msg(rc == CD_OK, "%s: %s", text, err.text);
  return m;
}

START_TEST(tells_the_four_types_apart)
{
  cd_rpc m = parse("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"order\",\"params\":{}}");
  ck_assert_int_eq(m.type, CD_RPC_REQUEST);
  ck_assert_uint_eq(m.id, 7);
  ck_assert_str_eq(m.method, "order");
  cd_rpc_release(&m);
  m = parse("{\"params\":{},\"method\":\"report\",\"jsonrpc\":\"2.0\"}");
  ck_assert_int_eq(m.type, CD_RPC_NOTIFICATION);
  ck_assert_uint_eq(m.id, 0);
  cd_rpc_release(&m);
  m = parse(" {\"jsonrpc\":\"2.0\",\"id\":9007199254740992,\"result\":{}} ");
  ck_assert_int_eq(m.type, CD_RPC_RESPONSE);
  ck_assert_uint_eq(m.id, CD_RPC_ID_MAX);
  cd_rpc_release(&m);
  m = parse(
      "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"no\",\"data\":"
      "[1]}}");
  ck_assert_int_eq(m.type, CD_RPC_ERROR);
  ck_assert_uint_eq(m.id, 0);
  ck_assert_int_eq(m.code, -32700);
  ck_assert(cd_str_eq_cstr(m.sentence, "no"));
  cd_rpc_release(&m);
  cd_rpc_release(&m);
}
END_TEST

static const struct {
  const char *text;
  bool answer;
  uint64_t id;
  int64_t code;
  const char *sentence;
} bad[] = {
    {"", true, 0, CD_RPC_PARSE_ERROR, NULL},
    {"{", true, 0, CD_RPC_PARSE_ERROR, NULL},
    {"{} {}", true, 0, CD_RPC_PARSE_ERROR, NULL},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2}", true, 0, CD_RPC_PARSE_ERROR,
     "the message: id is there twice"},
    {"[]", true, 0, CD_RPC_INVALID_REQUEST,
     "the message is no object: it must be one request, notification or answer, and batches are "
     "not taken"},
    {"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"order\",\"params\":{}}]", true, 0,
     CD_RPC_INVALID_REQUEST,
     "the message is no object: it must be one request, notification or answer, and batches are "
     "not taken"},
    {"17", true, 0, CD_RPC_INVALID_REQUEST, NULL},
    {"{\"foo\":\"boo\"}", true, 0, CD_RPC_INVALID_REQUEST, "the message: jsonrpc is missing"},
    {"{\"jsonrpc\":\"1.0\",\"id\":4,\"method\":\"order\",\"params\":{}}", true, 4,
     CD_RPC_INVALID_REQUEST, "the message: jsonrpc must be '2.0'"},
    {"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"order\"}", true, 4, CD_RPC_INVALID_REQUEST,
     "the message: params is missing"},
    {"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"order\",\"params\":[]}", true, 4,
     CD_RPC_INVALID_REQUEST, "the message: params must be an object, it is an array"},
    {"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":17,\"params\":{}}", true, 4, CD_RPC_INVALID_REQUEST,
     "the message: method must be a string, it is a number"},
    {"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"a\\nb\",\"params\":{}}", true, 4,
     CD_RPC_INVALID_REQUEST, "the message: method must be a name of a-z, '.' and '_'"},
    {"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"\",\"params\":{}}", true, 4,
     CD_RPC_INVALID_REQUEST, "the message: method must not be empty"},
    {"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"params\":{}}",
     true, 4, CD_RPC_INVALID_REQUEST, "the message: method must be at most 31 bytes, it has 32"},
    {"{\"jsonrpc\":\"2.0\",\"id\":\"4\",\"method\":\"order\",\"params\":{}}", true, 0,
     CD_RPC_INVALID_REQUEST, "the message: id must be a whole number from 1 to 2^53"},
    {"{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"order\",\"params\":{}}", true, 0,
     CD_RPC_INVALID_REQUEST, "the message: id must be a whole number from 1 to 2^53"},
    {"{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"order\",\"params\":{}}", true, 0,
     CD_RPC_INVALID_REQUEST,
     "the message: id must be a whole number from 0 to 9007199254740992, it is 1.5"},
    {"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"order\",\"params\":{},\"more\":1}", true, 4,
     CD_RPC_INVALID_REQUEST, "the message: more is not a known key"},
    {"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"order\",\"params\":{},\"result\":{}}", true, 4,
     CD_RPC_INVALID_REQUEST, "the message: result is not a known key"},
    /* Notifications and answers are not answered, whatever is wrong with them. */
    {"{\"jsonrpc\":\"2.0\",\"method\":\"report\",\"params\":[]}", false, 0, CD_RPC_INVALID_REQUEST,
     "the message: params must be an object, it is an array"},
    {"{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":17}", false, 4, CD_RPC_INVALID_REQUEST,
     "the message: result must be an object, it is a number"},
    {"{\"jsonrpc\":\"2.0\",\"result\":{}}", false, 0, CD_RPC_INVALID_REQUEST,
     "the message: id must be there with a result"},
    {"{\"jsonrpc\":\"2.0\",\"id\":4,\"error\":{\"code\":\"x\",\"message\":\"\"}}", false, 4,
     CD_RPC_INVALID_REQUEST, NULL},
    {"{\"jsonrpc\":\"2.0\",\"id\":4,\"error\":{\"code\":1,\"message\":\"\",\"x\":1}}", false, 4,
     CD_RPC_INVALID_REQUEST, "the message: error.x is not a known key"},
};

START_TEST(refuses_a_malformed_envelope_and_says_how_to_answer)
{
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    cd_rpc m = {0};
    cd_err err = {0};
    cd_rpc_fault fault = {0};
    cd_code rc = cd_rpc_parse(cd_str_from(bad[i].text), &m, &fault, &err);
    ck_assert_msg(rc != CD_OK, "%s", bad[i].text);
    ck_assert_ptr_null(m.doc);
    if (bad[i].sentence != NULL)
      ck_assert_str_eq(err.text, bad[i].sentence);
    ck_assert_msg(
        fault.answer == bad[i].answer && fault.id == bad[i].id && fault.code == bad[i].code,
        "%s: %d %lu %ld", bad[i].text, fault.answer, (unsigned long)fault.id, (long)fault.code);
  }
}
END_TEST

START_TEST(refuses_a_message_that_is_too_large)
{
  cd_buf text = CD_BUF_INIT(CD_MESSAGE_MAX + 100);
  cd_rpc m = {0};
  cd_err err = {0};
  cd_rpc_fault fault = {0};
  while (text.len <= CD_MESSAGE_MAX)
    cd_buf_add_char(&text, ' ');
  ck_assert_int_eq(cd_rpc_parse(cd_buf_view(&text), &m, &fault, &err), CD_E_LIMIT);
  ck_assert_str_eq(err.text, "the message: 524289 bytes, the limit is 524288");
  ck_assert_int_eq(fault.code, CD_RPC_PARSE_ERROR);
  cd_buf_release(&text);
}
END_TEST

START_TEST(writes_errors_and_nothing_that_is_too_large)
{
  cd_buf out = CD_BUF_INIT(2 * CD_MESSAGE_MAX);
  cd_buf large = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_err err = {0};
  ck_assert_int_eq(cd_rpc_write_error(&out, 0, CD_RPC_PARSE_ERROR, CD_STR("no"), &err), CD_OK);
  ck_assert_str_eq(
      cd_buf_cstr(&out),
      "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"no\"}}");
  cd_buf_reset(&out);
  ck_assert_int_eq(cd_rpc_write_error(&out, 12, CD_RPC_REFUSED, CD_STR("a\"b"), &err), CD_OK);
  cd_rpc m = parse(cd_buf_cstr(&out));
  ck_assert_uint_eq(m.id, 12);
  ck_assert_int_eq(m.code, CD_RPC_REFUSED);
  ck_assert(cd_str_eq_cstr(m.sentence, "a\"b"));
  cd_rpc_release(&m);
  while (large.len < CD_MESSAGE_MAX)
    cd_buf_add_char(&large, 'x');
  cd_buf_reset(&out);
  ck_assert_int_eq(cd_signed_write(CD_METHOD_RESULT, cd_buf_view(&large), 1, &out, &err),
                   CD_E_LIMIT);
  ck_assert_str_eq(err.text, "the result has 524353 bytes, the limit is 524288");
  ck_assert_uint_eq(out.len, 0);
  cd_buf_release(&out);
  cd_buf_release(&large);
}
END_TEST

static cd_code method_of(const char *text, cd_side side, cd_method *ret_method,
                         cd_rpc_fault *ret_fault, cd_err *err)
{
  cd_rpc m = parse(text);
  cd_code rc = cd_message_method(&m, side, ret_method, ret_fault, err);
  cd_rpc_release(&m);
  return rc;
}

START_TEST(an_unknown_method_is_answered_as_json_rpc_says)
{
  cd_method method = (cd_method)0;
  cd_err err = {0};
  cd_rpc_fault fault = {0};
  ck_assert_int_eq(method_of("{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"order\",\"params\":{}}",
                             CD_SIDE_AGENT, &method, &fault, &err),
                   CD_OK);
  ck_assert_int_eq(method, CD_METHOD_ORDER);
  static const struct {
    const char *text;
    cd_side side;
    bool answer;
    int64_t code;
    const char *sentence;
  } refused[] = {
      {"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"wipe\",\"params\":{}}", CD_SIDE_AGENT, true,
       CD_RPC_METHOD_NOT_FOUND, "the method 'wipe' is not known here"},
      {"{\"jsonrpc\":\"2.0\",\"method\":\"wipe\",\"params\":{}}", CD_SIDE_AGENT, false,
       CD_RPC_METHOD_NOT_FOUND, "the method 'wipe' is not known here"},
      {"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"order\",\"params\":{}}", CD_SIDE_CONSOLE, true,
       CD_RPC_METHOD_NOT_FOUND, "the method 'order' is not known here"},
      {"{\"jsonrpc\":\"2.0\",\"method\":\"order\",\"params\":{}}", CD_SIDE_AGENT, false,
       CD_RPC_INVALID_REQUEST, "the method 'order' is a request and needs an id"},
      {"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"report\",\"params\":{}}", CD_SIDE_CONSOLE, true,
       CD_RPC_INVALID_REQUEST, "the method 'report' is a notification and takes no id"},
  };
  for (size_t i = 0; i < COUNT_OF(refused); i++) {
    ck_assert_int_eq(method_of(refused[i].text, refused[i].side, &method, &fault, &err),
                     CD_E_NOTFOUND);
    ck_assert_str_eq(err.text, refused[i].sentence);
    ck_assert(fault.answer == refused[i].answer);
    ck_assert_int_eq(fault.code, refused[i].code);
  }
}
END_TEST

START_TEST(hello_and_welcome_go_both_ways)
{
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_hello h = {.version_count = 2,
                .versions = {1, 2},
                .agent = CD_STR("0.1.0"),
                .device = CD_STR("desk-1"),
                .nonce = {1, 2, 3},
                .capability_count = 2,
                .capabilities = {{CD_STR("isolate"), CD_STR("org.cordon.nftables"), {"", 0}},
                                 {CD_STR("scan"), {"", 0}, CD_STR("install clamav-daemon")}}};
  ck_assert_int_eq(cd_hello_write(&h, 1, &out, &err), CD_OK);
  cd_rpc m = parse(cd_buf_cstr(&out));
  cd_hello back = {0};
  ck_assert_msg(cd_hello_read(&m, &back, NULL, &err) == CD_OK, "%s", err.text);
  ck_assert_uint_eq(cd_hello_version(&back), 1);
  ck_assert(cd_str_eq(back.agent, h.agent) && cd_str_eq(back.device, h.device));
  ck_assert_mem_eq(back.nonce, h.nonce, CD_NONCE_SIZE);
  ck_assert_uint_eq(back.capability_count, 2);
  ck_assert(cd_str_eq_cstr(back.capabilities[0].provider, "org.cordon.nftables"));
  ck_assert_uint_eq(back.capabilities[1].provider.len, 0);
  ck_assert(cd_str_eq_cstr(back.capabilities[1].reason, "install clamav-daemon"));
  cd_rpc_release(&m);
  back.versions[0] = 2;
  back.versions[1] = 3;
  ck_assert_uint_eq(cd_hello_version(&back), 0);

  cd_buf_reset(&out);
  cd_welcome w = {.version = 1,
                  .console = CD_STR("0.1.0"),
                  .nonce = {9},
                  .key = CD_STR(JWS),
                  .mark = CD_STR(JWS)};
  cd_welcome got = {0};
  ck_assert_int_eq(cd_welcome_write(&w, 1, &out, &err), CD_OK);
  m = parse(cd_buf_cstr(&out));
  ck_assert_msg(cd_welcome_read(&m, &got, &err) == CD_OK, "%s", err.text);
  ck_assert_uint_eq(got.version, 1);
  ck_assert_mem_eq(got.nonce, w.nonce, CD_NONCE_SIZE);
  ck_assert(cd_str_eq_cstr(got.mark, JWS));
  cd_rpc_release(&m);
  cd_buf_release(&out);
}
END_TEST

START_TEST(refuses_a_malformed_hello_and_welcome)
{
  static const struct {
    const char *text;
    const char *sentence;
  } hellos[] = {
      {"{\"versions\":1}", "the message: params.versions must be an array, it is a number"},
      {"{\"versions\":[1,2,3,4,5,6,7,8,9]}",
       "the message: params.versions has 9 elements, the limit is 8"},
      {"{\"versions\":[1],\"agent\":\"1\",\"device\":\"Desk\"}",
       "the message: params.device must be the id of a device"},
      {"{\"versions\":[1],\"agent\":\"1\",\"device\":\"desk\",\"nonce\":\"AQ\"}",
       "the message: params.nonce must be 16 bytes in base64url"},
      {"{\"versions\":[1],\"agent\":\"1\",\"device\":\"desk\",\"nonce\":\"" NONCE
       "\",\"capabilities\":[{\"capability\":\"isolate\",\"reason\":\"\",\"x\":1}]}",
       "the message: params.capabilities[0].x is not a known key"},
      {"{\"versions\":[1],\"agent\":\"1\",\"device\":\"desk\",\"nonce\":\"" NONCE
       "\",\"capabilities\":[],\"x\":1}",
       "the message: params.x is not a known key"},
  };
  for (size_t i = 0; i < COUNT_OF(hellos); i++) {
    cd_buf text = CD_BUF_INIT(4096);
    cd_hello h = {0};
    cd_err err = {0};
    cd_rpc_fault fault = {0};
    cd_buf_addf(&text, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"hello\",\"params\":%s}",
                hellos[i].text);
    cd_rpc m = parse(cd_buf_cstr(&text));
    ck_assert_int_ne(cd_hello_read(&m, &h, &fault, &err), CD_OK);
    ck_assert_str_eq(err.text, hellos[i].sentence);
    ck_assert(fault.answer && fault.id == 3 && fault.code == CD_RPC_INVALID_PARAMS);
    cd_rpc_release(&m);
    cd_buf_release(&text);
  }
  cd_welcome w = {0};
  cd_err err = {0};
  cd_rpc m = parse("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"version\":2,\"console\":\"1\","
                   "\"nonce\":\"" NONCE "\",\"key\":\"a\",\"mark\":\"a\"}}");
  ck_assert_int_eq(cd_welcome_read(&m, &w, &err), CD_E_INVALID);
  ck_assert_str_eq(err.text, "the message: result.version is 2, and this agent speaks 1");
  cd_rpc_release(&m);
  m = parse("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32001,\"message\":\"later\"}}");
  ck_assert_int_eq(cd_welcome_read(&m, &w, &err), CD_E_UNAVAILABLE);
  ck_assert_str_eq(err.text, "the other side answered: later (code -32001)");
  cd_rpc_release(&m);
}
END_TEST

START_TEST(orders_and_their_answers_go_both_ways)
{
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_order_message o = {CD_STR(JWS), CD_STR("d.e.f")};
  cd_order_message back = {0};
  ck_assert_int_eq(cd_order_message_write(&o, 5, &out, &err), CD_OK);
  ck_assert_str_eq(cd_buf_cstr(&out), "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"order\","
                                      "\"params\":{\"order\":\"" JWS "\",\"key\":\"d.e.f\"}}");
  cd_rpc m = parse(cd_buf_cstr(&out));
  ck_assert_int_eq(cd_order_message_read(&m, &back, NULL, &err), CD_OK);
  ck_assert(cd_str_eq(back.order, o.order) && cd_str_eq(back.key, o.key));
  cd_rpc_release(&m);

  const cd_order_ack acks[] = {{.accepted = true},
                               {.refusal = CD_REFUSAL_EXPIRED, .sentence = CD_STR("too late")}};
  for (size_t i = 0; i < COUNT_OF(acks); i++) {
    cd_order_ack got = {0};
    cd_buf_reset(&out);
    ck_assert_int_eq(cd_order_ack_write(&acks[i], 5, &out, &err), CD_OK);
    m = parse(cd_buf_cstr(&out));
    ck_assert_msg(cd_order_ack_read(&m, &got, &err) == CD_OK, "%s", err.text);
    ck_assert(got.accepted == acks[i].accepted);
    ck_assert_int_eq(got.refusal, acks[i].refusal);
    ck_assert(cd_str_eq(got.sentence, acks[i].sentence));
    cd_rpc_release(&m);
  }
  cd_buf_release(&out);
}
END_TEST

START_TEST(refuses_answers_that_contradict_themselves)
{
  static const struct {
    const char *result;
    const char *sentence;
  } wrong[] = {
      {"{\"accepted\":true,\"refusal\":\"expired\",\"sentence\":null}",
       "the message: result.refusal must be there if, and only if, the order was not accepted"},
      {"{\"accepted\":false,\"refusal\":null,\"sentence\":null}",
       "the message: result.refusal must be there if, and only if, the order was not accepted"},
      {"{\"accepted\":false,\"refusal\":\"boring\",\"sentence\":null}",
       "the message: result.refusal must be the name of a refusal"},
      {"{\"accepted\":\"yes\"}",
       "the message: result.accepted must be true or false, it is a string"},
      {"{}", "the message: result.accepted is missing"},
  };
  for (size_t i = 0; i < COUNT_OF(wrong); i++) {
    cd_buf text = CD_BUF_INIT(4096);
    cd_order_ack a = {0};
    cd_err err = {0};
    cd_buf_addf(&text, "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":%s}", wrong[i].result);
    cd_rpc m = parse(cd_buf_cstr(&text));
    ck_assert_int_eq(cd_order_ack_read(&m, &a, &err), CD_E_INVALID);
    ck_assert_str_eq(err.text, wrong[i].sentence);
    cd_rpc_release(&m);
    cd_buf_release(&text);
  }
}
END_TEST

START_TEST(documents_and_acknowledgements_go_both_ways)
{
  static const struct {
    cd_method method;
    uint64_t id;
  } methods[] = {{CD_METHOD_MARK, 2}, {CD_METHOD_RESULT, 3}, {CD_METHOD_REPORT, 0}};
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(CD_MESSAGE_MAX);
  for (size_t i = 0; i < COUNT_OF(methods); i++) {
    cd_str jws = {0};
    cd_method method = (cd_method)0;
    cd_buf_reset(&out);
    ck_assert_int_eq(cd_signed_write(methods[i].method, CD_STR(JWS), methods[i].id, &out, &err),
                     CD_OK);
    cd_rpc m = parse(cd_buf_cstr(&out));
    ck_assert_int_eq(cd_message_method(&m, CD_SIDE_CONSOLE, &method, NULL, &err), CD_OK);
    ck_assert_int_eq(method, methods[i].method);
    ck_assert_int_eq(cd_signed_read(&m, method, &jws, NULL, &err), CD_OK);
    ck_assert(cd_str_eq_cstr(jws, JWS));
    cd_rpc_release(&m);
  }
  ck_assert_int_eq(cd_signed_write(CD_METHOD_ORDER, CD_STR(JWS), 1, &out, &err), CD_E_INTERNAL);
  ck_assert_int_eq(cd_signed_write(CD_METHOD_REPORT, CD_STR(JWS), 1, &out, &err), CD_E_INTERNAL);
  cd_buf_reset(&out);
  ck_assert_int_eq(cd_ack_write(3, &out, &err), CD_OK);
  ck_assert_str_eq(cd_buf_cstr(&out), "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{}}");
  cd_rpc m = parse(cd_buf_cstr(&out));
  ck_assert_int_eq(cd_ack_read(&m, &err), CD_OK);
  cd_rpc_release(&m);
  m = parse("{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-32000,\"message\":\"forged\"}}");
  ck_assert_int_eq(cd_ack_read(&m, &err), CD_E_DENIED);
  cd_rpc_release(&m);
  m = parse("{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"result\",\"params\":{\"result\":\"\"}}");
  cd_str jws = {0};
  ck_assert_int_eq(cd_signed_read(&m, CD_METHOD_RESULT, &jws, NULL, &err), CD_E_INVALID);
  ck_assert_str_eq(err.text, "the message: params.result must not be empty");
  cd_rpc_release(&m);
  cd_buf_release(&out);
}
END_TEST

START_TEST(progress_goes_both_ways)
{
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_progress p = {.action = ACTION,
                   .status = CD_ACTION_IN_PROGRESS,
                   .step = CD_STR("verify"),
                   .done = 2,
                   .total = 6,
                   .what = CD_STR("tcp4")};
  cd_progress back = {0};
  ck_assert_int_eq(cd_progress_write(&p, &out, &err), CD_OK);
  cd_rpc m = parse(cd_buf_cstr(&out));
  ck_assert_int_eq(m.type, CD_RPC_NOTIFICATION);
  ck_assert_msg(cd_progress_read(&m, &back, &err) == CD_OK, "%s", err.text);
  ck_assert_str_eq(back.action, ACTION);
  ck_assert_int_eq(back.status, CD_ACTION_IN_PROGRESS);
  ck_assert(cd_str_eq(back.step, p.step) && cd_str_eq(back.what, p.what));
  ck_assert_uint_eq(back.done, 2);
  ck_assert_uint_eq(back.total, 6);
  cd_rpc_release(&m);
  m = parse("{\"jsonrpc\":\"2.0\",\"method\":\"progress\",\"params\":{\"action\":\"" ACTION
            "\",\"status\":\"Succeeded\",\"done\":0,\"total\":0}}");
  ck_assert_int_eq(cd_progress_read(&m, &back, &err), CD_E_INVALID);
  ck_assert_str_eq(err.text, "the message: params.status must be one of: Pending, InProgress");
  cd_rpc_release(&m);
  cd_buf_release(&out);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      tells_the_four_types_apart,
      refuses_a_malformed_envelope_and_says_how_to_answer,
      refuses_a_message_that_is_too_large,
      writes_errors_and_nothing_that_is_too_large,
      an_unknown_method_is_answered_as_json_rpc_says,
      hello_and_welcome_go_both_ways,
      refuses_a_malformed_hello_and_welcome,
      orders_and_their_answers_go_both_ways,
      refuses_answers_that_contradict_themselves,
      documents_and_acknowledgements_go_both_ways,
      progress_goes_both_ways,
  };
  return run_suite("protocol.message", tests, COUNT_OF(tests));
}
