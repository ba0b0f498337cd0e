/* Results, reports and marks: what a device says, and what is refused of it. */
#include "protocol/result.h"

#include "fixture.h"
#include "protocol/limits.h"
#include "protocol/mark.h"

#include <stdio.h>
#include <string.h>

static const uint8_t nonce[CD_NONCE_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
static const uint8_t other_nonce[CD_NONCE_SIZE] = {9};

static cd_values sample_values(void)
{
  return (cd_values){.state = CD_STATE_ISOLATE,
                     .wanted = CD_WANTED_ISOLATED,
                     .wanted_type = "full",
                     .wanted_generation = 7,
                     .wanted_action = ACTION,
                     .wanted_since_ms = NOW_MS,
                     .enforced = CD_ENFORCED_ISOLATED,
                     .enforced_at_ms = NOW_MS + 40,
                     .enforced_digest = "sha256:00",
                     .proven = CD_PROVEN_HOLDS,
                     .proven_at_ms = NOW_MS + 600,
                     .proven_note = "6 of 6 probes blocked",
                     .drift_count = 2,
                     .drift_last_ms = NOW_MS - DAY_MS,
                     .drift_note = "the table was gone",
                     .provider = "org.cordon.nftables"};
}

static cd_result sample_result(void)
{
  cd_result r = {.device = DEVICE,
                 .action = ACTION,
                 .kind = CD_ORDER_ISOLATE,
                 .generation = 7,
                 .has_order = true,
                 .status = CD_ACTION_SUCCEEDED,
                 .outcome = CD_OK,
                 .requestor = "alice",
                 .comment = CD_STR("why"),
                 .provider = "org.cordon.nftables",
                 .created_ms = NOW_MS,
                 .started_ms = NOW_MS + 1,
                 .ended_ms = NOW_MS + 700,
                 .state_count = 1,
                 .states = {sample_values()},
                 .result = CD_STR("{\"attempts\":1}")};
  memset(r.order.bytes, 0x11, sizeof(r.order.bytes));
  return r;
}

static void sign_result(const cd_result *r, const keys *k, cd_buf *out)
{
  cd_err err = {0};
  expect_ok(cd_result_sign(r, k->device, &test_random, out, &err), &err);
}

static void values_text(const cd_values *v, cd_buf *out)
{
  cd_jw w;
  cd_err err = {0};
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_values_write(v, 1, &w, "states");
  cd_jw_end_obj(&w);
  expect_ok(cd_jw_done(&w, "the values", &err), &err);
}

static void expect_same_values(const cd_values *a, const cd_values *b)
{
  cd_buf x = CD_BUF_INIT(4096);
  cd_buf y = CD_BUF_INIT(4096);
  values_text(a, &x);
  values_text(b, &y);
  ck_assert_str_eq(cd_buf_cstr(&x), cd_buf_cstr(&y));
  cd_buf_release(&x);
  cd_buf_release(&y);
}

START_TEST(three_values_are_written_in_one_way)
{
  cd_buf text = CD_BUF_INIT(4096);
  cd_values v = sample_values();
  values_text(&v, &text);
  ck_assert_str_eq(
      cd_buf_cstr(&text),
      "{\"states\":[{\"state\":\"isolate\",\"wanted\":{\"value\":\"isolated\",\"type\":\"full\","
      "\"generation\":7,\"action\":\"" ACTION "\",\"since\":1790000000000},\"enforced\":{\"value\":"
      "\"isolated\",\"at\":1790000000040,\"digest\":\"sha256:00\",\"note\":null},\"proven\":{"
      "\"value\":\"holds\",\"at\":1790000000600,\"note\":\"6 of 6 probes blocked\"},\"drift\":{"
      "\"count\":2,\"last\":1789913600000,\"note\":\"the table was gone\"},\"provider\":"
      "\"org.cordon.nftables\"}]}");
  cd_buf_release(&text);
}
END_TEST

START_TEST(a_result_says_what_was_signed)
{
  keys k;
  cd_err err = {0};
  cd_buf jws = CD_BUF_INIT(8192);
  cd_result back = {0};
  keys_make(&k);
  cd_result r = sample_result();
  sign_result(&r, &k, &jws);
  expect_ok(
      cd_result_verify(cd_buf_view(&jws), cd_key_public(k.device), CD_STR(DEVICE), &back, &err),
      &err);
  cd_buf_release(&jws);
  ck_assert_str_eq(back.device, DEVICE);
  ck_assert_str_eq(back.action, ACTION);
  ck_assert_int_eq(back.kind, CD_ORDER_ISOLATE);
  ck_assert_uint_eq(back.generation, 7);
  ck_assert(back.has_order && cd_digest_equal(&back.order, &r.order));
  ck_assert_int_eq(back.status, CD_ACTION_SUCCEEDED);
  ck_assert_int_eq(back.outcome, CD_OK);
  ck_assert_str_eq(back.sentence, "");
  ck_assert_str_eq(back.requestor, "alice");
  ck_assert(cd_str_eq(back.comment, r.comment));
  ck_assert_str_eq(back.provider, r.provider);
  ck_assert_int_eq(back.created_ms, r.created_ms);
  ck_assert_int_eq(back.started_ms, r.started_ms);
  ck_assert_int_eq(back.ended_ms, r.ended_ms);
  ck_assert_uint_eq(back.state_count, 1);
  expect_same_values(&back.states[0], &r.states[0]);
  ck_assert(cd_str_eq(back.result, r.result));
  cd_result_release(&back);
  keys_free(&k);
}
END_TEST

START_TEST(a_local_action_that_never_began_has_a_result_too)
{
  keys k;
  cd_err err = {0};
  cd_buf jws = CD_BUF_INIT(8192);
  cd_result back = {0};
  keys_make(&k);
  cd_result r = sample_result();
  r.has_order = false;
  r.kind = CD_ORDER_RELEASE;
  r.status = CD_ACTION_FAILED;
  r.outcome = CD_E_UNAVAILABLE;
  (void)cd_str_copy(r.sentence, sizeof(r.sentence), CD_STR("no provider can release"));
  r.provider[0] = '\0';
  r.started_ms = 0;
  r.comment = (cd_str){0};
  r.result = (cd_str){0};
  r.state_count = 0;
  sign_result(&r, &k, &jws);
  expect_ok(
      cd_result_verify(cd_buf_view(&jws), cd_key_public(k.device), CD_STR(DEVICE), &back, &err),
      &err);
  ck_assert(!back.has_order);
  ck_assert_int_eq(back.outcome, CD_E_UNAVAILABLE);
  ck_assert_str_eq(back.sentence, "no provider can release");
  ck_assert_int_eq(back.started_ms, 0);
  ck_assert_uint_eq(back.result.len, 0);
  ck_assert_uint_eq(back.state_count, 0);
  cd_result_release(&back);
  cd_buf_release(&jws);
  keys_free(&k);
}
END_TEST

START_TEST(a_result_that_the_channel_forged_is_refused)
{
  keys k;
  cd_err err = {0};
  cd_buf jws = CD_BUF_INIT(8192);
  cd_result back = {0};
  char id[CD_KEY_ID_TEXT_MAX];
  char text[200];
  keys_make(&k);
  cd_result r = sample_result();
  sign_result(&r, &k, &jws);
  cd_public_key_id(cd_key_public(k.other), id);
  (void)snprintf(text, sizeof(text), "the result is forged: its signature is not of the key %s",
                 id);
  expect_failure(
      cd_result_verify(cd_buf_view(&jws), cd_key_public(k.other), CD_STR(DEVICE), &back, &err),
      CD_E_DENIED, text, &err);
  expect_failure(cd_result_verify(cd_buf_view(&jws), cd_key_public(k.device), CD_STR(OTHER_DEVICE),
                                  &back, &err),
                 CD_E_DENIED,
                 "the result is of the device " DEVICE ", and was sent by " OTHER_DEVICE, &err);
  ck_assert_ptr_null(back.memory);
  cd_buf_release(&jws);
  keys_free(&k);
}
END_TEST

static const struct {
  const char *part;
  const char *by;
  const char *text;
} wrong_claims[] = {
    {"\"status\":\"Succeeded\"", "\"status\":\"InProgress\"",
     "the result: status must be one of: Succeeded, Failed, TimeOut, Cancelled"},
    {"\"status\":\"Succeeded\"", "\"status\":\"Done\"",
     "the result: status must be one of: Succeeded, Failed, TimeOut, Cancelled"},
    {"\"outcome\":\"ok\"", "\"outcome\":\"fine\"",
     "the result: outcome must be the name of an outcome"},
    {"\"order\":\"sha256:", "\"order\":\"md5:",
     "the result: order must be 'sha256:' and 64 hex digits"},
    {"\"ended\":1790000000700", "\"ended\":null",
     "the result: ended must be a whole number from 0 to 253402300799999, it is null"},
    {"\"result\":{\"attempts\":1}", "\"result\":[]",
     "the result: result must be an object, it is an array"},
    {"\"states\":[", "\"states\":[{},", "the result: states has 2 elements, the limit is 1"},
    {"\"value\":\"holds\"", "\"value\":\"maybe\"",
     "the result: states[0].proven.value must be one of: unknown, released, holds, fails"},
    {"\"value\":\"isolated\",\"type\"", "\"value\":\"unknown\",\"type\"",
     "the result: states[0].wanted.value must be one of: released, isolated"},
    {"\"state\":\"isolate\",\"wanted\"", "\"state\":\"sleep\",\"wanted\"",
     "the result: states[0].state is 'sleep', which is no state known here"},
    {"\"drift\":{", "\"drift\":{\"more\":1,",
     "the result: states[0].drift.more is not a known key"},
};

START_TEST(refuses_claims_that_are_wrong_though_they_are_signed)
{
  keys k;
  cd_err err = {0};
  cd_buf jws = CD_BUF_INIT(8192);
  cd_buf payload = CD_BUF_INIT(8192);
  keys_make(&k);
  cd_result r = sample_result();
  sign_result(&r, &k, &jws);
  expect_ok(
      cd_jws_verify(&cd_jws_result, cd_buf_view(&jws), cd_key_public(k.device), &payload, &err),
      &err);
  for (size_t i = 0; i < COUNT_OF(wrong_claims); i++) {
    cd_result back = {0};
    char *text = with(cd_buf_cstr(&payload), wrong_claims[i].part, wrong_claims[i].by);
    cd_buf_reset(&jws);
    sign_text(&cd_jws_result, text, k.device, &jws);
    cd_code rc =
        cd_result_verify(cd_buf_view(&jws), cd_key_public(k.device), CD_STR(DEVICE), &back, &err);
    ck_assert_msg(rc != CD_OK, "%s", wrong_claims[i].by);
    ck_assert_str_eq(err.text, wrong_claims[i].text);
    free(text);
  }
  cd_buf_release(&payload);
  cd_buf_release(&jws);
  keys_free(&k);
}
END_TEST

START_TEST(a_result_document_has_its_limit)
{
  keys k;
  cd_err err = {0};
  cd_buf jws = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_buf document = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_result back = {0};
  static const char start[] = "{\"x\":\"";
  keys_make(&k);
  cd_result r = sample_result();
  cd_buf_add_cstr(&document, start);
  while (document.len < 256u * 1024u - 2)
    cd_buf_add_char(&document, 'x');
  cd_buf_add_cstr(&document, "\"}");
  r.result = cd_buf_view(&document);
  sign_result(&r, &k, &jws);
  expect_ok(
      cd_result_verify(cd_buf_view(&jws), cd_key_public(k.device), CD_STR(DEVICE), &back, &err),
      &err);
  ck_assert_uint_eq(back.result.len, 256u * 1024u);
  cd_result_release(&back);
  cd_buf_reset(&document);
  cd_buf_add_cstr(&document, start);
  while (document.len < 256u * 1024u - 1)
    cd_buf_add_char(&document, 'x');
  cd_buf_add_cstr(&document, "\"}");
  r.result = cd_buf_view(&document);
  expect_failure(cd_result_sign(&r, k.device, &test_random, &jws, &err), CD_E_LIMIT,
                 "the document of the result has 262145 bytes, the limit is 262144", &err);
  cd_buf_release(&document);
  cd_buf_release(&jws);
  keys_free(&k);
}
END_TEST

static cd_report sample_report(void)
{
  cd_report r = {.device = DEVICE,
                 .number = 4,
                 .at_ms = NOW_MS,
                 .state_count = 1,
                 .states = {sample_values()},
                 .facts = CD_STR("{\"host_name\":\"desk-1\"}")};
  memcpy(r.nonce, nonce, sizeof(nonce));
  return r;
}

START_TEST(a_report_is_of_this_device_this_connection_and_newer)
{
  keys k;
  cd_err err = {0};
  cd_buf jws = CD_BUF_INIT(8192);
  cd_report back = {0};
  keys_make(&k);
  cd_report r = sample_report();
  const cd_public_key *key = cd_key_public(k.device);
  expect_ok(cd_report_sign(&r, k.device, &test_random, &jws, &err), &err);
  cd_str text = cd_buf_view(&jws);
  expect_ok(cd_report_verify(text, key, CD_STR(DEVICE), nonce, 3, &back, &err), &err);
  ck_assert_uint_eq(back.number, 4);
  ck_assert_int_eq(back.at_ms, NOW_MS);
  ck_assert_uint_eq(back.state_count, 1);
  expect_same_values(&back.states[0], &r.states[0]);
  ck_assert(cd_str_eq(back.facts, r.facts));
  cd_report_release(&back);
  expect_failure(cd_report_verify(text, key, CD_STR(OTHER_DEVICE), nonce, 3, &back, &err),
                 CD_E_DENIED,
                 "the report is of the device " DEVICE ", and was sent by " OTHER_DEVICE, &err);
  expect_failure(cd_report_verify(text, key, CD_STR(DEVICE), other_nonce, 3, &back, &err),
                 CD_E_CONFLICT, "the report of the device " DEVICE " is of another connection",
                 &err);
  expect_failure(cd_report_verify(text, key, CD_STR(DEVICE), nonce, 4, &back, &err), CD_E_CONFLICT,
                 "the report of the device " DEVICE
                 " was given before: it is number 4, and 4 was taken",
                 &err);
  ck_assert_int_eq(
      cd_report_verify(text, cd_key_public(k.other), CD_STR(DEVICE), nonce, 3, &back, &err),
      CD_E_DENIED);
  ck_assert_ptr_null(back.memory);
  cd_buf_release(&jws);
  keys_free(&k);
}
END_TEST

START_TEST(a_report_without_facts_and_with_too_many)
{
  keys k;
  cd_err err = {0};
  cd_buf jws = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_buf facts = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_report back = {0};
  keys_make(&k);
  cd_report r = sample_report();
  r.facts = (cd_str){0};
  expect_ok(cd_report_sign(&r, k.device, &test_random, &jws, &err), &err);
  expect_ok(cd_report_verify(cd_buf_view(&jws), cd_key_public(k.device), CD_STR(DEVICE), nonce, 0,
                             &back, &err),
            &err);
  ck_assert_uint_eq(back.facts.len, 0);
  cd_report_release(&back);
  cd_buf_add_cstr(&facts, "{\"x\":\"");
  while (facts.len < CD_FACTS_MAX)
    cd_buf_add_char(&facts, 'x');
  cd_buf_add_cstr(&facts, "\"}");
  r.facts = cd_buf_view(&facts);
  expect_failure(cd_report_sign(&r, k.device, &test_random, &jws, &err), CD_E_LIMIT,
                 "the facts of the report have 65538 bytes, the limit is 65536", &err);
  r = sample_report();
  r.number = 0;
  expect_failure(cd_report_sign(&r, k.device, &test_random, &jws, &err), CD_E_INVALID,
                 "the report: number must be at least 1", &err);
  cd_buf_release(&facts);
  cd_buf_release(&jws);
  keys_free(&k);
}
END_TEST

static cd_mark sample_mark(cd_mark_from from)
{
  cd_mark m = {.from = from,
               .device = DEVICE,
               .at_ms = NOW_MS,
               .key_generation = 3,
               .generations = {[CD_STATE_ISOLATE] = 7}};
  memcpy(m.nonce, nonce, sizeof(nonce));
  return m;
}

START_TEST(a_mark_is_for_this_connection_this_device_and_this_way)
{
  keys k;
  cd_err err = {0};
  cd_buf jws = CD_BUF_INIT(8192);
  cd_mark back = {0};
  keys_make(&k);
  cd_mark m = sample_mark(CD_MARK_FROM_DEVICE);
  const cd_public_key *key = cd_key_public(k.device);
  expect_ok(cd_mark_sign(&m, k.device, &test_random, &jws, &err), &err);
  cd_str text = cd_buf_view(&jws);
  expect_ok(cd_mark_verify(text, key, CD_MARK_FROM_DEVICE, CD_STR(DEVICE), nonce, &back, &err),
            &err);
  ck_assert_uint_eq(back.generations[CD_STATE_ISOLATE], 7);
  ck_assert_uint_eq(back.key_generation, 3);
  ck_assert_int_eq(back.at_ms, NOW_MS);
  expect_failure(
      cd_mark_verify(text, key, CD_MARK_FROM_CONSOLE, CD_STR(DEVICE), nonce, &back, &err),
      CD_E_DENIED, "the mark is one from the device, not from the console", &err);
  expect_failure(
      cd_mark_verify(text, key, CD_MARK_FROM_DEVICE, CD_STR(OTHER_DEVICE), nonce, &back, &err),
      CD_E_DENIED, "the mark is about the device " DEVICE ", not about " OTHER_DEVICE, &err);
  expect_failure(
      cd_mark_verify(text, key, CD_MARK_FROM_DEVICE, CD_STR(DEVICE), other_nonce, &back, &err),
      CD_E_CONFLICT, "the mark is of another connection", &err);
  cd_buf_release(&jws);
  keys_free(&k);
}
END_TEST

START_TEST(a_mark_with_wrong_claims_is_refused)
{
  static const struct {
    const char *text;
    const char *sentence;
  } bad[] = {
      {"{\"from\":\"proxy\"}", "the mark: from must be one of: device, console"},
      {"{\"from\":\"device\",\"device\":\"" DEVICE "\",\"nonce\":\"AQIDBAUGBwgJCgsMDQ4P\"}",
       "the mark: nonce must be 16 bytes in base64url"},
      {"{\"from\":\"device\",\"device\":\"" DEVICE "\",\"nonce\":\"AQIDBAUGBwgJCgsMDQ4PEA\",\"at\":"
       "1,\"key_generation\":0,\"states\":[{\"state\":"
       "\"isolate\",\"generation\":-1}]}",
       "the mark: states[0].generation must be a whole number from 0 to 9007199254740992, it is "
       "-1"},
      {"{\"from\":\"device\",\"device\":\"" DEVICE "\",\"nonce\":\"AQIDBAUGBwgJCgsMDQ4PEA\",\"at\":"
       "1,\"key_generation\":0,\"states\":[{\"state\":"
       "\"sleep\",\"generation\":1}]}",
       "the mark: states[0].state is 'sleep', which is no state known here"},
  };
  keys k;
  keys_make(&k);
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    cd_err err = {0};
    cd_mark back = {0};
    cd_buf jws = CD_BUF_INIT(8192);
    sign_text(&cd_jws_mark, bad[i].text, k.device, &jws);
    expect_failure(cd_mark_verify(cd_buf_view(&jws), cd_key_public(k.device), CD_MARK_FROM_DEVICE,
                                  CD_STR(DEVICE), nonce, &back, &err),
                   CD_E_INVALID, bad[i].sentence, &err);
    cd_buf_release(&jws);
  }
  keys_free(&k);
}
END_TEST

START_TEST(words_go_both_ways)
{
  for (int i = 1; i < CD_ACTION_STATUS_COUNT; i++) {
    cd_action_status back = (cd_action_status)0;
    ck_assert(
        cd_action_status_from_name(cd_str_from(cd_action_status_name((cd_action_status)i)), &back));
    ck_assert_int_eq(back, i);
  }
  for (int i = 1; i < CD_ORDER_KIND_COUNT; i++) {
    cd_order_kind back = (cd_order_kind)0;
    ck_assert(cd_order_kind_from_name(cd_str_from(cd_order_kind_name((cd_order_kind)i)), &back));
    ck_assert_int_eq(back, i);
  }
  ck_assert_ptr_null(cd_order_kind_name(CD_ORDER_KIND_COUNT));
  ck_assert_ptr_null(cd_state_name(CD_STATE_COUNT));
  ck_assert_ptr_null(cd_state_name(CD_STATE_NONE));
  ck_assert(cd_order_kind_releases(CD_ORDER_RELEASE));
  ck_assert(!cd_order_kind_releases(CD_ORDER_ISOLATE));
  ck_assert(!cd_order_kind_releases(CD_ORDER_CANCEL));
  ck_assert(!cd_order_kind_releases(CD_ORDER_PREFLIGHT));
  ck_assert_int_eq(cd_order_kind_state(CD_ORDER_PREFLIGHT), CD_STATE_NONE);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      three_values_are_written_in_one_way,
      a_result_says_what_was_signed,
      a_local_action_that_never_began_has_a_result_too,
      a_result_that_the_channel_forged_is_refused,
      refuses_claims_that_are_wrong_though_they_are_signed,
      a_result_document_has_its_limit,
      a_report_is_of_this_device_this_connection_and_newer,
      a_report_without_facts_and_with_too_many,
      a_mark_is_for_this_connection_this_device_and_this_way,
      a_mark_with_wrong_claims_is_refused,
      words_go_both_ways,
  };
  return run_suite("protocol.result", tests, COUNT_OF(tests));
}
