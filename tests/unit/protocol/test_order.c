/* Orders: their claims, and each way in which they can be wrong though they are signed. */
#include "protocol/order.h"

#include "fixture.h"
#include "protocol/limits.h"

#include <stdio.h>
#include <string.h>

static const char text_of_sample[] =
    "{\"device\":\"" DEVICE "\",\"action\":\"" ACTION
    "\",\"kind\":\"isolate\",\"state\":\"isolate\","
    "\"generation\":7,\"issued\":1790000000000,\"expires\":1790086400000,\"audit\":{\"sequence\":"
    "812,"
    "\"digest\":\"sha256:a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5\"},"
    "\"requestor\":\"alice\",\"comment\":\"seen talking to a mining pool\",\"parameters\":" FULL
    "}";

START_TEST(is_written_in_one_way)
{
  keys k;
  cd_err err = {0};
  cd_buf jws = CD_BUF_INIT(8192);
  cd_buf payload = CD_BUF_INIT(8192);
  keys_make(&k);
  cd_order o = sample_order();
  sign_order(&o, k.order, &jws);
  expect_ok(cd_jws_verify(&cd_jws_order, cd_buf_view(&jws), cd_key_public(k.order), &payload, &err),
            &err);
  ck_assert_str_eq(cd_buf_cstr(&payload), text_of_sample);
  cd_buf_release(&payload);
  cd_buf_release(&jws);
  keys_free(&k);
}
END_TEST

START_TEST(says_what_was_signed)
{
  keys k;
  cd_err err = {0};
  cd_buf jws = CD_BUF_INIT(8192);
  cd_order back = {0};
  keys_make(&k);
  cd_order o = sample_order();
  sign_order(&o, k.order, &jws);
  expect_ok(cd_order_verify(cd_buf_view(&jws), cd_key_public(k.order), &back, NULL, &err), &err);
  cd_buf_release(&jws);
  ck_assert_str_eq(back.device, DEVICE);
  ck_assert_str_eq(back.action, ACTION);
  ck_assert_int_eq(back.kind, CD_ORDER_ISOLATE);
  ck_assert_uint_eq(back.generation, 7);
  ck_assert_int_eq(back.issued_ms, NOW_MS);
  ck_assert_int_eq(back.expires_ms, NOW_MS + DAY_MS);
  ck_assert_uint_eq(back.audit_sequence, 812);
  ck_assert(cd_digest_equal(&back.audit_digest, &o.audit_digest));
  ck_assert_str_eq(back.requestor, "alice");
  ck_assert(cd_str_eq(back.comment, o.comment));
  ck_assert(cd_str_eq(back.parameters, o.parameters));
  cd_order_release(&back);
  cd_order_release(&back);
  keys_free(&k);
}
END_TEST

/* Signs the sample with one part replaced, and what becomes of it. */
static cd_code verify_changed(const keys *k, const char *part, const char *by,
                              cd_refusal *ret_refusal, cd_err *err)
{
  cd_buf jws = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_order back = {0};
  char *text = with(text_of_sample, part, by);
  sign_text(&cd_jws_order, text, k->order, &jws);
  cd_code rc = cd_order_verify(cd_buf_view(&jws), cd_key_public(k->order), &back, ret_refusal, err);
  ck_assert_ptr_null(rc == CD_OK ? NULL : back.memory);
  cd_order_release(&back);
  cd_buf_release(&jws);
  free(text);
  return rc;
}

static const struct changed {
  const char *part;
  const char *by;
  cd_refusal refusal;
  const char *text;
} wrong_claims[] = {
    {"\"device\":\"" DEVICE "\"", "\"device\":\"Desk 1\"", CD_REFUSAL_MALFORMED,
     "the order: device must be the id of a device: 1 to 64 of a-z, 0-9 and -"},
    {"\"action\":\"" ACTION "\"", "\"action\":\"1\"", CD_REFUSAL_MALFORMED,
     "the order: action must be the id of an action: a UUID in lower case"},
    {"\"action\":\"" ACTION "\",", "", CD_REFUSAL_MALFORMED, "the order: action is missing"},
    {"\"kind\":\"isolate\"", "\"kind\":\"wipe\"", CD_REFUSAL_WRONG_KIND,
     "the order: kind is 'wipe', which is no kind of order known here"},
    {"\"state\":\"isolate\"", "\"state\":\"restrict\"", CD_REFUSAL_WRONG_KIND,
     "the order: state must be 'isolate' with kind isolate"},
    {"\"state\":\"isolate\"", "\"state\":null", CD_REFUSAL_WRONG_KIND,
     "the order: state must be 'isolate' with kind isolate"},
    {"\"generation\":7", "\"generation\":0", CD_REFUSAL_WRONG_KIND,
     "the order: generation must be at least 1"},
    {"\"generation\":7", "\"generation\":\"9007199254740993\"", CD_REFUSAL_WRONG_KIND,
     "the order: generation must be a whole number from 0 to 9007199254740992, it is "
     "9007199254740993"},
    {"\"kind\":\"isolate\"", "\"kind\":\"cancel\"", CD_REFUSAL_WRONG_KIND,
     "the order: state must be null and the generation 0 with kind cancel, which has no state"},
    {"\"issued\":1790000000000", "\"issued\":-1", CD_REFUSAL_MALFORMED,
     "the order: issued must be a whole number from 0 to 253402300799999, it is -1"},
    {"\"expires\":1790086400000", "\"expires\":1789999999999", CD_REFUSAL_MALFORMED,
     "the order: expires must be a whole number from 1790000000000 to 253402300799999, it is "
     "1789999999999"},
    {"\"sequence\":812", "\"sequence\":0", CD_REFUSAL_MALFORMED,
     "the order: audit.sequence must be at least 1"},
    {"sha256:", "sha512:", CD_REFUSAL_MALFORMED,
     "the order: audit.digest must be 'sha256:' and 64 hex digits"},
    {"\"requestor\":\"alice\"", "\"requestor\":\"\"", CD_REFUSAL_MALFORMED,
     "the order: requestor must not be empty"},
    {"\"comment\":\"seen talking to a mining pool\"", "\"comment\":null", CD_REFUSAL_MALFORMED,
     "the order: comment must be a string, it is null"},
    {"\"parameters\":" FULL, "\"parameters\":[]", CD_REFUSAL_PARAMETERS,
     "the order: parameters must be an object, it is an array"},
    {"\"generation\":7", "\"generation\":7,\"quorum\":2", CD_REFUSAL_MALFORMED,
     "the order: quorum is not a known key"},
    {"\"generation\":7", "\"generation\":7,\"generation\":8", CD_REFUSAL_MALFORMED,
     "the order: generation is there twice"},
    {"{\"device\"", "[{\"device\"", CD_REFUSAL_MALFORMED, NULL},
};

START_TEST(refuses_claims_that_are_wrong_though_they_are_signed)
{
  keys k;
  keys_make(&k);
  for (size_t i = 0; i < COUNT_OF(wrong_claims); i++) {
    const struct changed *c = &wrong_claims[i];
    cd_err err = {0};
    cd_refusal refusal = CD_REFUSAL_NONE;
    cd_code rc = verify_changed(&k, c->part, c->by, &refusal, &err);
    ck_assert_msg(rc == CD_E_INVALID, "%s: %s '%s'", c->by, cd_code_name(rc), err.text);
    if (c->text != NULL)
      ck_assert_str_eq(err.text, c->text);
    ck_assert_msg(refusal == c->refusal, "%s: %s", c->by, cd_refusal_name(refusal));
  }
  keys_free(&k);
}
END_TEST

#define SELECTIVE(exclusions) "{\"type\":\"selective\",\"exclusions\":[" exclusions "]}"

static const struct {
  const char *kind;
  const char *parameters;
  const char *text; /* NULL: they are good */
} parameters[] = {
    {"isolate", FULL, NULL},
    {"isolate", SELECTIVE("{\"direction\":\"out\",\"address\":\"192.0.2.0/24\"}"), NULL},
    {"isolate",
     SELECTIVE("{\"direction\":\"both\",\"address\":\"2001:db8::1\",\"protocol\":\"tcp\",\"port\":"
               "\"9000-9100\",\"note\":\"backup\"}"),
     NULL},
    {"isolate", "{\"type\":\"half\",\"exclusions\":[]}",
     "the order: parameters.type must be one of: full, selective"},
    {"isolate", SELECTIVE(""),
     "the order: parameters.exclusions must not be empty in a selective isolation: it would be a "
     "full one"},
    {"isolate",
     "{\"type\":\"full\",\"exclusions\":[{\"direction\":\"out\",\"address\":\"192.0.2.1\"}]}",
     "the order: parameters.exclusions must be empty in a full isolation"},
    {"isolate", "{\"type\":\"full\"}", "the order: parameters.exclusions is missing"},
    {"isolate", "{\"type\":\"full\",\"exclusions\":[],\"lease\":60}",
     "the order: parameters.lease must be an object, it is a number"},
    {"isolate", "{\"type\":\"full\",\"exclusions\":[],\"lost_console\":\"release\"}",
     "the order: parameters.lost_console must be an object, it is a string"},
    {"isolate", SELECTIVE("{\"direction\":\"up\",\"address\":\"192.0.2.1\"}"),
     "the order: parameters.exclusions[0].direction must be one of: out, in, both"},
    {"isolate", SELECTIVE("{\"direction\":\"out\",\"address\":\"192.0.2.1\",\"ports\":\"1\"}"),
     "the order: parameters.exclusions[0].ports is not a known key"},
    {"isolate", SELECTIVE("{\"direction\":\"out\",\"address\":\"192.0.2.1\",\"port\":443}"),
     "the order: parameters.exclusions[0].port must be a string, it is a number"},
    {"isolate", SELECTIVE("17"),
     "the order: parameters.exclusions[0] must be an object, it is a number"},
    {"isolate", "{\"type\":\"full\",\"exclusions\":[],\"preflight\":\"warn\"}", NULL},
    {"isolate", "{\"type\":\"full\",\"exclusions\":[],\"preflight\":\"policy\"}", NULL},
    {"isolate", "{\"type\":\"full\",\"exclusions\":[],\"preflight\":\"off\"}",
     "the order: parameters.preflight must be one of: policy, warn"},
    {"release", "{}", NULL},
    {"release", "{\"force\":true}", "the order: parameters.force is not a known key"},
};

START_TEST(refuses_parameters_that_are_wrong_or_unknown)
{
  keys k;
  keys_make(&k);
  for (size_t i = 0; i < COUNT_OF(parameters); i++) {
    cd_err err = {0};
    cd_refusal refusal = CD_REFUSAL_NONE;
    char by[512];
    char *kind = NULL;
    (void)snprintf(by, sizeof(by), "\"parameters\":%s", parameters[i].parameters);
    cd_buf jws = CD_BUF_INIT(CD_MESSAGE_MAX);
    cd_order back = {0};
    char name[64];
    (void)snprintf(name, sizeof(name), "\"kind\":\"%s\"", parameters[i].kind);
    kind = with(text_of_sample, "\"kind\":\"isolate\"", name);
    char *text = with(kind, "\"parameters\":" FULL, by);
    sign_text(&cd_jws_order, text, k.order, &jws);
    cd_code rc = cd_order_verify(cd_buf_view(&jws), cd_key_public(k.order), &back, &refusal, &err);
    if (parameters[i].text == NULL) {
      ck_assert_msg(rc == CD_OK, "%s", err.text);
      ck_assert(cd_str_eq_cstr(back.parameters, parameters[i].parameters));
    } else {
      ck_assert_msg(rc == CD_E_INVALID, "%s: %s", parameters[i].parameters, cd_code_name(rc));
      ck_assert_str_eq(err.text, parameters[i].text);
      ck_assert_int_eq(refusal, CD_REFUSAL_PARAMETERS);
    }
    cd_order_release(&back);
    cd_buf_release(&jws);
    free(text);
    free(kind);
  }
  keys_free(&k);
}
END_TEST

START_TEST(a_cancel_names_an_action_and_touches_no_state)
{
  keys k;
  cd_err err = {0};
  cd_buf jws = CD_BUF_INIT(8192);
  cd_order back = {0};
  keys_make(&k);
  cd_order o = sample_order();
  o.kind = CD_ORDER_CANCEL;
  o.generation = 0;
  o.parameters = CD_STR("{\"action\":\"" OTHER_ACTION "\"}");
  sign_order(&o, k.order, &jws);
  expect_ok(cd_order_verify(cd_buf_view(&jws), cd_key_public(k.order), &back, NULL, &err), &err);
  ck_assert_int_eq(cd_order_kind_state(back.kind), CD_STATE_NONE);
  ck_assert_uint_eq(back.generation, 0);
  cd_order_release(&back);
  o.parameters = CD_STR("{\"action\":\"all\"}");
  expect_failure(cd_order_sign(&o, k.order, &test_random, &jws, &err), CD_E_INVALID,
                 "the order: parameters.action must be the id of an action", &err);
  cd_buf_release(&jws);
  keys_free(&k);
}
END_TEST

START_TEST(a_preflight_is_about_an_isolation_and_touches_no_state)
{
  static const struct {
    const char *parameters;
    bool good;
  } rows[] = {{FULL, true},
              {SELECTIVE("{\"direction\":\"out\",\"address\":\"192.0.2.0/24\"}"), true},
              {"{\"type\":\"full\",\"exclusions\":[],\"preflight\":\"warn\"}", true},
              {"{\"type\":\"full\",\"exclusions\":[],\"lease\":{\"until\":1}}", true},
              {"{\"type\":\"full\",\"exclusions\":[],\"leases\":{}}", false},
              {SELECTIVE(""), false},
              {"{}", false}};
  keys k;
  keys_make(&k);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    cd_err err = {0};
    cd_buf jws = CD_BUF_INIT(8192);
    cd_order back = {0};
    cd_order o = sample_order();
    o.kind = CD_ORDER_PREFLIGHT;
    o.generation = 0;
    o.parameters = cd_str_from(rows[i].parameters);
    cd_code rc = cd_order_sign(&o, k.order, &test_random, &jws, &err);
    ck_assert_msg((rc == CD_OK) == rows[i].good, "row %zu: %s", i, err.text);
    if (rc == CD_OK) {
      expect_ok(cd_order_verify(cd_buf_view(&jws), cd_key_public(k.order), &back, NULL, &err),
                &err);
      ck_assert_int_eq(back.kind, CD_ORDER_PREFLIGHT);
      ck_assert_int_eq(cd_order_kind_state(back.kind), CD_STATE_NONE);
    }
    cd_order_release(&back);
    cd_buf_release(&jws);
  }
  keys_free(&k);
}
END_TEST

/* As many exclusions as there may be, each with a note. */
static void many_exclusions(unsigned count, cd_buf *out)
{
  cd_buf_add_cstr(out, "{\"type\":\"selective\",\"exclusions\":[");
  for (unsigned i = 0; i < count; i++)
    cd_buf_addf(
        out,
        "%s{\"direction\":\"out\",\"address\":\"2001:db8::%x\",\"protocol\":\"tcp\",\"port\":"
        "\"9000-9100\",\"note\":\"this is number %u\"}",
        i > 0 ? "," : "", i, i);
  cd_buf_add_cstr(out, "]}");
}

START_TEST(carries_a_thousand_exclusions_and_not_one_more_than_the_limit)
{
  keys k;
  cd_err err = {0};
  cd_buf jws = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_buf params = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_order back = {0};
  cd_refusal refusal = CD_REFUSAL_NONE;
  keys_make(&k);
  cd_order o = sample_order();
  many_exclusions(1024, &params);
  o.parameters = cd_buf_view(&params);
  sign_order(&o, k.order, &jws);
  expect_ok(cd_order_verify(cd_buf_view(&jws), cd_key_public(k.order), &back, &refusal, &err),
            &err);
  ck_assert(cd_str_eq(back.parameters, o.parameters));
  cd_order_release(&back);
  cd_buf_reset(&params);
  cd_buf_reset(&jws);
  many_exclusions(1025, &params);
  o.parameters = cd_buf_view(&params);
  expect_failure(cd_order_sign(&o, k.order, &test_random, &jws, &err), CD_E_LIMIT,
                 "the order: parameters.exclusions has 1025 elements, the limit is 1024", &err);
  cd_buf_release(&params);
  cd_buf_release(&jws);
  keys_free(&k);
}
END_TEST

START_TEST(what_is_too_large_is_refused_as_that)
{
  keys k;
  cd_err err = {0};
  cd_order back = {0};
  cd_refusal refusal = CD_REFUSAL_NONE;
  size_t len = cd_jws_max(&cd_jws_order) + 1;
  char *large = malloc(len);
  ck_assert_ptr_nonnull(large);
  memset(large, 'A', len);
  keys_make(&k);
  expect_failure(
      cd_order_verify((cd_str){large, len}, cd_key_public(k.order), &back, &refusal, &err),
      CD_E_LIMIT, "the order has 360588 bytes, the limit is 360587", &err);
  ck_assert_int_eq(refusal, CD_REFUSAL_TOO_LARGE);
  free(large);
  keys_free(&k);
}
END_TEST

START_TEST(does_not_sign_what_it_would_refuse)
{
  keys k;
  cd_err err = {0};
  cd_buf jws = CD_BUF_INIT(8192);
  keys_make(&k);
  cd_order o = sample_order();
  o.parameters = CD_STR("{},\"more\":{}");
  expect_failure(cd_order_sign(&o, k.order, &test_random, &jws, &err), CD_E_INVALID,
                 "the order: parameters.type is missing", &err);
  o.parameters = CD_STR(FULL ",\"more\":{}");
  expect_failure(cd_order_sign(&o, k.order, &test_random, &jws, &err), CD_E_INVALID,
                 "the order: more is not a known key", &err);
  o = sample_order();
  o.device[0] = '\0';
  expect_failure(cd_order_sign(&o, k.order, &test_random, &jws, &err), CD_E_INVALID,
                 "the order: device must be the id of a device: 1 to 64 of a-z, 0-9 and -", &err);
  ck_assert_uint_eq(jws.len, 0);
  cd_buf_release(&jws);
  keys_free(&k);
}
END_TEST

START_TEST(every_refusal_has_a_name_that_reads_back)
{
  for (int i = 1; i < CD_REFUSAL_COUNT; i++) {
    cd_refusal back = CD_REFUSAL_NONE;
    ck_assert(cd_refusal_from_name(cd_str_from(cd_refusal_name((cd_refusal)i)), &back));
    ck_assert_int_eq(back, i);
  }
  cd_refusal back = CD_REFUSAL_NONE;
  ck_assert(!cd_refusal_from_name(CD_STR("none"), &back));
  ck_assert_ptr_null(cd_refusal_name(CD_REFUSAL_COUNT));
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      is_written_in_one_way,
      says_what_was_signed,
      refuses_claims_that_are_wrong_though_they_are_signed,
      refuses_parameters_that_are_wrong_or_unknown,
      a_cancel_names_an_action_and_touches_no_state,
      a_preflight_is_about_an_isolation_and_touches_no_state,
      carries_a_thousand_exclusions_and_not_one_more_than_the_limit,
      what_is_too_large_is_refused_as_that,
      does_not_sign_what_it_would_refuse,
      every_refusal_has_a_name_that_reads_back,
  };
  return run_suite("protocol.order", tests, COUNT_OF(tests));
}
