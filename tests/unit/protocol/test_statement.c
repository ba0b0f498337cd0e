/* Key statements: what the root says about a key, when it holds, and the way to a device's key. */
#include "protocol/statement.h"

#include "fixture.h"

#include <stdio.h>
#include <string.h>

static const cd_statement_known nothing_known = {.judge_time = true, .now_ms = NOW_MS};

START_TEST(says_what_was_signed)
{
  keys k;
  cd_err err = {0};
  cd_buf jws = CD_BUF_INIT(4096);
  cd_statement back = {0};
  keys_make(&k);
  cd_statement s = sample_statement(&k);
  sign_statement(&s, k.root, &jws);
  expect_ok(
      cd_statement_verify(cd_buf_view(&jws), cd_key_public(k.root), CD_PURPOSE_ORDER, &back, &err),
      &err);
  ck_assert_int_eq(back.purpose, CD_PURPOSE_ORDER);
  ck_assert_str_eq(back.subject, "");
  ck_assert(cd_public_key_equal(&back.key, &s.key));
  ck_assert(cd_digest_equal(&back.key.id, &s.key.id));
  ck_assert_uint_eq(back.generation, 3);
  ck_assert_int_eq(back.not_before_ms, s.not_before_ms);
  ck_assert_int_eq(back.not_after_ms, s.not_after_ms);
  expect_ok(cd_statement_check(&back, &nothing_known, &err), &err);
  cd_buf_release(&jws);
  keys_free(&k);
}
END_TEST

START_TEST(refuses_another_issuer_and_another_purpose)
{
  keys k;
  cd_err err = {0};
  cd_buf jws = CD_BUF_INIT(4096);
  cd_statement back = {0};
  char id[CD_KEY_ID_TEXT_MAX];
  char text[200];
  keys_make(&k);
  cd_statement s = sample_statement(&k);
  sign_statement(&s, k.other, &jws);
  cd_public_key_id(cd_key_public(k.root), id);
  (void)snprintf(text, sizeof(text),
                 "the key statement is forged: its signature is not of the key %s", id);
  expect_failure(
      cd_statement_verify(cd_buf_view(&jws), cd_key_public(k.root), CD_PURPOSE_ORDER, &back, &err),
      CD_E_DENIED, text, &err);
  expect_failure(cd_statement_verify(cd_buf_view(&jws), cd_key_public(k.other), CD_PURPOSE_POLICY,
                                     &back, &err),
                 CD_E_DENIED, "the key statement is for the purpose order, not for policy", &err);
  cd_buf_release(&jws);
  keys_free(&k);
}
END_TEST

START_TEST(a_replaced_key_is_refused_and_its_successor_taken)
{
  keys k;
  cd_err err = {0};
  cd_statement_known known = nothing_known;
  keys_make(&k);
  cd_statement s = sample_statement(&k);
  known.generation = 3;
  expect_ok(cd_statement_check(&s, &known, &err), &err);
  known.generation = 2;
  expect_ok(cd_statement_check(&s, &known, &err), &err);
  known.generation = 4;
  expect_failure(cd_statement_check(&s, &known, &err), CD_E_CONFLICT,
                 "the order key was replaced: its statement has generation 3, and 4 was seen",
                 &err);
  keys_free(&k);
}
END_TEST

START_TEST(a_key_holds_from_its_beginning_to_its_end)
{
  keys k;
  cd_err err = {0};
  cd_statement_known known = nothing_known;
  keys_make(&k);
  cd_statement s = sample_statement(&k);
  known.now_ms = s.not_before_ms - CD_CLOCK_SKEW_MS;
  expect_ok(cd_statement_check(&s, &known, &err), &err);
  known.now_ms--;
  expect_failure(cd_statement_check(&s, &known, &err), CD_E_DEADLINE,
                 "the order key is not valid before 2026-09-20T14:13:20.000Z, and now it is "
                 "2026-09-20T14:08:19.999Z",
                 &err);
  known.now_ms = s.not_after_ms;
  expect_ok(cd_statement_check(&s, &known, &err), &err);
  known.now_ms++;
  expect_failure(cd_statement_check(&s, &known, &err), CD_E_DEADLINE,
                 "the order key was valid until 2027-09-21T14:13:20.000Z, and now it is "
                 "2027-09-21T14:13:20.001Z",
                 &err);
  known.judge_time = false;
  expect_ok(cd_statement_check(&s, &known, &err), &err);
  keys_free(&k);
}
END_TEST

/* The text of the sample, made here by hand, so that the order of members and the words are pinned.
 */
static char *sample_text(const keys *k)
{
  cd_err err = {0};
  cd_buf jws = CD_BUF_INIT(4096);
  cd_buf payload = CD_BUF_INIT(4096);
  cd_statement s = sample_statement(k);
  sign_statement(&s, k->root, &jws);
  expect_ok(
      cd_jws_verify(&cd_jws_statement, cd_buf_view(&jws), cd_key_public(k->root), &payload, &err),
      &err);
  cd_buf_release(&jws);
  return cd_buf_steal(&payload, NULL);
}

START_TEST(refuses_claims_that_are_wrong_though_they_are_signed)
{
  static const struct {
    const char *part;
    const char *by;
    const char *text;
  } bad[] = {
      {"\"purpose\":\"order\"", "\"purpose\":\"orders\"",
       "the key statement: purpose is 'orders', which is no purpose known here"},
      {"\"purpose\":\"order\"", "\"purpose\":\"device\"",
       "the key statement: subject must be a device's id for the purpose device, else null"},
      {"\"subject\":null", "\"subject\":\"" DEVICE "\"",
       "the key statement: subject must be a device's id for the purpose device, else null"},
      {"\"subject\":null", "\"subject\":\"A b\"",
       "the key statement: subject must be the id of a device: 1 to 64 of a-z, 0-9 and -"},
      {"\"generation\":3", "\"generation\":0", "the key statement: generation must be at least 1"},
      {"\"not_after\":1821536000000", "\"not_after\":1000",
       "the key statement: not_after must be a whole number from 1789913600000 to 253402300799999, "
       "it is 1000"},
      {"\"key\":\"M", "\"key\":\"m",
       "the key statement: the public key is no SubjectPublicKeyInfo with an "
       "uncompressed point on P-256"},
      {"\"key\":\"M", "\"key\":\"=", "the key statement: key must be base64url"},
      {"\"key_id\":\"", "\"key_id\":\"0", NULL},
      {"\"generation\":3", "\"generation\":3,\"more\":1",
       "the key statement: more is not a known key"},
      {"{", "[{", NULL},
  };
  keys k;
  keys_make(&k);
  char *good = sample_text(&k);
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    cd_err err = {0};
    cd_statement back = {0};
    cd_buf jws = CD_BUF_INIT(4096);
    char *text = with(good, bad[i].part, bad[i].by);
    sign_text(&cd_jws_statement, text, k.root, &jws);
    cd_code rc = cd_statement_verify(cd_buf_view(&jws), cd_key_public(k.root), CD_PURPOSE_ORDER,
                                     &back, &err);
    ck_assert_msg(rc == CD_E_INVALID || rc == CD_E_LIMIT, "%s: '%s'", cd_code_name(rc), err.text);
    if (bad[i].text != NULL)
      ck_assert_str_eq(err.text, bad[i].text);
    free(text);
    cd_buf_release(&jws);
  }
  free(good);
  keys_free(&k);
}
END_TEST

START_TEST(does_not_sign_what_it_would_refuse)
{
  keys k;
  cd_err err = {0};
  cd_buf jws = CD_BUF_INIT(4096);
  keys_make(&k);
  cd_statement s = sample_statement(&k);
  s.generation = 0;
  expect_failure(cd_statement_sign(&s, k.root, &test_random, &jws, &err), CD_E_INVALID,
                 "the key statement: generation must be at least 1", &err);
  s = sample_statement(&k);
  s.purpose = (cd_purpose)77;
  expect_failure(cd_statement_sign(&s, k.root, &test_random, &jws, &err), CD_E_INVALID,
                 "the key statement: purpose must be a string, it is null", &err);
  ck_assert_uint_eq(jws.len, 0);
  cd_buf_release(&jws);
  keys_free(&k);
}
END_TEST

START_TEST(a_device_key_is_reached_from_the_root_and_no_other_way)
{
  keys k;
  cd_err err = {0};
  cd_buf ca_jws = CD_BUF_INIT(4096);
  cd_buf device_jws = CD_BUF_INIT(4096);
  cd_statement got = {0};
  const cd_statement_known newer = {.generation = 9};
  keys_make(&k);
  cd_statement ca = sample_statement(&k);
  ca.purpose = CD_PURPOSE_DEVICE_CA;
  ca.key = *cd_key_public(k.other);
  cd_statement device = sample_statement(&k);
  device.purpose = CD_PURPOSE_DEVICE;
  device.key = *cd_key_public(k.device);
  (void)cd_str_copy(device.subject, sizeof(device.subject), CD_STR(DEVICE));
  sign_statement(&ca, k.root, &ca_jws);
  sign_statement(&device, k.other, &device_jws);
  expect_ok(cd_statement_device_key(cd_buf_view(&ca_jws), cd_buf_view(&device_jws),
                                    cd_key_public(k.root), &nothing_known, &nothing_known, &got,
                                    &err),
            &err);
  ck_assert_str_eq(got.subject, DEVICE);
  ck_assert(cd_public_key_equal(&got.key, cd_key_public(k.device)));
  /* Not through a device's own statement, not past a newer one, not with a foreign root. */
  expect_failure(
      cd_statement_device_key(cd_buf_view(&device_jws), cd_buf_view(&device_jws),
                              cd_key_public(k.other), &nothing_known, &nothing_known, &got, &err),
      CD_E_DENIED, "the key statement is for the purpose device, not for device-ca", &err);
  expect_failure(cd_statement_device_key(cd_buf_view(&ca_jws), cd_buf_view(&device_jws),
                                         cd_key_public(k.root), &newer, &nothing_known, &got, &err),
                 CD_E_CONFLICT,
                 "the device-ca key was replaced: its statement has generation 3, and 9 was seen",
                 &err);
  expect_failure(cd_statement_device_key(cd_buf_view(&ca_jws), cd_buf_view(&device_jws),
                                         cd_key_public(k.root), &nothing_known, &newer, &got, &err),
                 CD_E_CONFLICT,
                 "the device key was replaced: its statement has generation 3, and 9 was seen",
                 &err);
  ck_assert_int_eq(cd_statement_device_key(cd_buf_view(&ca_jws), cd_buf_view(&device_jws),
                                           cd_key_public(k.order), &nothing_known, &nothing_known,
                                           &got, &err),
                   CD_E_DENIED);
  cd_buf_release(&ca_jws);
  cd_buf_release(&device_jws);
  keys_free(&k);
}
END_TEST

START_TEST(knows_an_id_of_a_device)
{
  char longest[CD_DEVICE_ID_MAX + 1];
  memset(longest, 'a', sizeof(longest));
  ck_assert(cd_device_id_valid(CD_STR(DEVICE)));
  ck_assert(cd_device_id_valid(CD_STR("desk-1")));
  ck_assert(cd_device_id_valid((cd_str){longest, CD_DEVICE_ID_MAX}));
  ck_assert(!cd_device_id_valid((cd_str){longest, CD_DEVICE_ID_MAX + 1}));
  ck_assert(!cd_device_id_valid(CD_STR("")));
  ck_assert(!cd_device_id_valid(CD_STR("Desk")));
  ck_assert(!cd_device_id_valid(CD_STR("a b")));
  ck_assert(!cd_device_id_valid(CD_STR("a\n")));
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      says_what_was_signed,
      refuses_another_issuer_and_another_purpose,
      a_replaced_key_is_refused_and_its_successor_taken,
      a_key_holds_from_its_beginning_to_its_end,
      refuses_claims_that_are_wrong_though_they_are_signed,
      does_not_sign_what_it_would_refuse,
      a_device_key_is_reached_from_the_root_and_no_other_way,
      knows_an_id_of_a_device,
  };
  return run_suite("protocol.statement", tests, COUNT_OF(tests));
}
