/* Signed documents: the vectors of RFC 6979 and RFC 7515, and that nothing but the one header, the
 * right key and canonical text passes. */
#include "protocol/jws.h"

#include "fixture.h"
#include "protocol/base64.h"

#include <stdio.h>
#include <string.h>

static const cd_jws_kind kind = {"the sample", CD_JWS_HEADER("cordon-sample+1"), 64};

static const char *hex_signature(const cd_key *key, const char *message, char out[129])
{
  uint8_t signature[CD_SIGNATURE_SIZE];
  cd_err err = {0};
  expect_ok(cd_es256_sign(key, message, strlen(message), &test_random, signature, &err), &err);
  cd_hex(out, signature, sizeof(signature));
  return out;
}

/* RFC 6979, appendix A.2.5: the key as PKCS#8, signatures with SHA-256. */
START_TEST(signs_as_rfc_6979_says)
{
  static const char scalar[] = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
  static const char point[] = "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
                              "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
  static const char before[] = "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201"
                               "010420";
  static const char middle[] = "a144034200";
  char hex[300];
  uint8_t der[138];
  char signature[129];
  cd_key *key = NULL;
  cd_err err = {0};
  cd_buf pem = CD_BUF_INIT(CD_KEY_PEM_MAX);
  (void)snprintf(hex, sizeof(hex), "%s%s%s%s", before, scalar, middle, point);
  ck_assert(cd_unhex(der, sizeof(der), cd_str_from(hex)));
  cd_buf_add_cstr(&pem, "-----BEGIN PRIVATE KEY-----\n");
  cd_base64_add(&pem, der, sizeof(der));
  cd_buf_add_cstr(&pem, "\n-----END PRIVATE KEY-----\n");
  expect_ok(cd_key_from_pem(cd_buf_view(&pem), &test_random, &key, &err), &err);
  ck_assert_str_eq(hex_signature(key, "sample", signature),
                   "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
                   "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
  ck_assert_str_eq(hex_signature(key, "test", signature),
                   "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
                   "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083");
  cd_key_free(key);
  cd_buf_release(&pem);
}
END_TEST

/* RFC 7515, appendix A.3, whose header is another one than any of ours. */
START_TEST(verifies_the_example_of_rfc_7515)
{
  static const cd_jws_kind example = {"the example", CD_STR_INIT("{\"alg\":\"ES256\"}"), 100};
  static const char jws[] =
      "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogI"
      "mh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyK"
      "AM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
  static const char x[] = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
  static const char y[] = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
  uint8_t point[CD_KEY_POINT_SIZE] = {4};
  size_t len = 0;
  cd_public_key key = {0};
  cd_err err = {0};
  cd_buf payload = CD_BUF_INIT(100);
  ck_assert(cd_base64url_decode(cd_str_from(x), point + 1, 32, &len));
  ck_assert(cd_base64url_decode(cd_str_from(y), point + 33, 32, &len));
  expect_ok(cd_public_key_from_point(point, &key, &err), &err);
  expect_ok(cd_jws_verify(&example, cd_str_from(jws), &key, &payload, &err), &err);
  ck_assert_str_eq(
      cd_buf_cstr(&payload),
      "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}");
  cd_buf_release(&payload);
}
END_TEST

START_TEST(verifies_what_it_signed_and_only_with_that_key)
{
  keys k;
  cd_err err = {0};
  cd_buf jws = CD_BUF_INIT(1000);
  cd_buf payload = CD_BUF_INIT(1000);
  keys_make(&k);
  cd_buf_add_cstr(&payload, "before ");
  sign_text(&kind, "{\"a\":1}", k.root, &jws);
  ck_assert_uint_le(jws.len, cd_jws_max(&kind));
  expect_ok(cd_jws_verify(&kind, cd_buf_view(&jws), cd_key_public(k.root), &payload, &err), &err);
  ck_assert_str_eq(cd_buf_cstr(&payload), "before {\"a\":1}");
  char id[CD_KEY_ID_TEXT_MAX];
  char text[200];
  cd_public_key_id(cd_key_public(k.other), id);
  (void)snprintf(text, sizeof(text), "the sample is forged: its signature is not of the key %s",
                 id);
  expect_failure(cd_jws_verify(&kind, cd_buf_view(&jws), cd_key_public(k.other), &payload, &err),
                 CD_E_DENIED, text, &err);
  ck_assert_str_eq(cd_buf_cstr(&payload), "before {\"a\":1}");
  cd_buf_release(&payload);
  cd_buf_release(&jws);
  keys_free(&k);
}
END_TEST

START_TEST(takes_payloads_up_to_the_limit)
{
  keys k;
  cd_err err = {0};
  cd_buf jws = CD_BUF_INIT(1000);
  cd_buf payload = CD_BUF_INIT(1000);
  char text[66];
  keys_make(&k);
  memset(text, 'x', sizeof(text));
  expect_ok(cd_jws_sign(&kind, (cd_str){text, 64}, k.root, &test_random, &jws, &err), &err);
  ck_assert_uint_eq(jws.len, cd_jws_max(&kind));
  expect_ok(cd_jws_verify(&kind, cd_buf_view(&jws), cd_key_public(k.root), &payload, &err), &err);
  ck_assert_uint_eq(payload.len, 64);
  expect_failure(cd_jws_sign(&kind, (cd_str){text, 65}, k.root, &test_random, &jws, &err),
                 CD_E_LIMIT, "the sample has 65 bytes, the limit is 64", &err);
  expect_failure(cd_jws_sign(&kind, (cd_str){"", 0}, k.root, &test_random, &jws, &err),
                 CD_E_INVALID, "the sample is empty", &err);
  expect_failure(cd_jws_sign(&kind, CD_STR("x"), k.root, &no_random, &jws, &err), CD_E_UNAVAILABLE,
                 "a signature could not be made: there are no random bytes", &err);
  cd_buf_release(&payload);
  cd_buf_release(&jws);
  keys_free(&k);
}
END_TEST

START_TEST(refuses_a_document_that_was_touched_anywhere)
{
  keys k;
  cd_buf jws = CD_BUF_INIT(1000);
  cd_buf payload = CD_BUF_INIT(1000);
  keys_make(&k);
  sign_text(&kind, "{\"a\":1}", k.root, &jws);
  for (size_t i = 0; i < jws.len; i++) {
    cd_err err = {0};
    char was = jws.ptr[i];
    jws.ptr[i] = was == 'A' ? 'B' : 'A';
    cd_code rc = cd_jws_verify(&kind, cd_buf_view(&jws), cd_key_public(k.root), &payload, &err);
    ck_assert_msg(rc == CD_E_DENIED || rc == CD_E_INVALID, "byte %zu: %s", i, cd_code_name(rc));
    ck_assert_uint_eq(payload.len, 0);
    jws.ptr[i] = was;
  }
  for (size_t len = 0; len < jws.len; len++) {
    cd_err err = {0};
    cd_code rc =
        cd_jws_verify(&kind, (cd_str){jws.ptr, len}, cd_key_public(k.root), &payload, &err);
    ck_assert_msg(rc == CD_E_INVALID, "cut to %zu: %s", len, cd_code_name(rc));
  }
  cd_buf_release(&payload);
  cd_buf_release(&jws);
  keys_free(&k);
}
END_TEST

#define HEADER "eyJhbGciOiJFUzI1NiIsInR5cCI6ImNvcmRvbi1zYW1wbGUrMSJ9"
#define ZEROS "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

START_TEST(refuses_each_wrong_form_with_its_own_sentence)
{
  static const char three[] = "the sample is no compact JWS: three parts with dots between them";
  static const char header[] = "the sample does not have the only header that it may have, "
                               "{\"alg\":\"ES256\",\"typ\":\"cordon-sample+1\"}";
  static const char signature[] = "the sample has no signature of 64 bytes in base64url";
  static const struct {
    const char *jws;
    const char *text;
  } bad[] = {
      {"", three},
      {"a", three},
      {"a.b", three},
      {"a..b", three},
      {".a.b", three},
      {"a.b.", three},
      {HEADER ".YQ." ZEROS ZEROS ".", three},
      {HEADER ".YQ..a", three},
      /* {"alg":"none"}, and ours with another order of its members, a space, and padding */
      {"eyJhbGciOiJub25lIn0.YQ." ZEROS ZEROS, header},
      {"eyJ0eXAiOiJjb3Jkb24tc2FtcGxlKzEiLCJhbGciOiJFUzI1NiJ9.YQ." ZEROS ZEROS, header},
      {"eyJhbGciOiJFUzI1NiIsICJ0eXAiOiJjb3Jkb24tc2FtcGxlKzEifQ.YQ." ZEROS ZEROS, header},
      {HEADER "=.YQ." ZEROS ZEROS, header},
      {HEADER ".YQ." ZEROS, signature},
      {HEADER ".YQ." ZEROS ZEROS "A", signature},
      {HEADER ".YQ." ZEROS "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB", signature},
      {HEADER ".YQ." ZEROS "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", signature},
  };
  keys k;
  cd_buf payload = CD_BUF_INIT(100);
  keys_make(&k);
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    cd_err err = {0};
    expect_failure(
        cd_jws_verify(&kind, cd_str_from(bad[i].jws), cd_key_public(k.root), &payload, &err),
        CD_E_INVALID, bad[i].text, &err);
  }
  cd_buf_release(&payload);
  keys_free(&k);
}
END_TEST

START_TEST(refuses_what_is_too_large_before_it_looks_at_it)
{
  char large[300];
  keys k;
  cd_err err = {0};
  cd_buf payload = CD_BUF_INIT(100);
  keys_make(&k);
  memset(large, '.', sizeof(large));
  expect_failure(
      cd_jws_verify(&kind, (cd_str){large, sizeof(large)}, cd_key_public(k.root), &payload, &err),
      CD_E_LIMIT, "the sample has 300 bytes, the limit is 226", &err);
  cd_buf_release(&payload);
  keys_free(&k);
}
END_TEST

START_TEST(refuses_signatures_that_are_no_numbers_of_the_curve)
{
  /* r and s zero, and both beyond the order of the curve. */
  static const char *const bad[] = {
      HEADER ".YQ." ZEROS ZEROS,
      HEADER ".YQ.____________________________________________________________________________"
             "_________w",
  };
  keys k;
  cd_buf payload = CD_BUF_INIT(100);
  keys_make(&k);
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    cd_err err = {0};
    cd_code rc = cd_jws_verify(&kind, cd_str_from(bad[i]), cd_key_public(k.root), &payload, &err);
    ck_assert_msg(rc == CD_E_DENIED, "%s: %s", cd_code_name(rc), err.text);
  }
  cd_buf_release(&payload);
  keys_free(&k);
}
END_TEST

/* A payload that is signed and not canonical base64url: two texts would be one document. */
START_TEST(refuses_a_signed_payload_that_is_not_base64url)
{
  static const char *const signed_texts[] = {HEADER ".YR", HEADER ".YQ==", HEADER ".Y",
                                             HEADER ".Y+"};
  keys k;
  cd_buf payload = CD_BUF_INIT(100);
  keys_make(&k);
  for (size_t i = 0; i < COUNT_OF(signed_texts); i++) {
    uint8_t signature[CD_SIGNATURE_SIZE];
    cd_buf jws = CD_BUF_INIT(1000);
    cd_err err = {0};
    expect_ok(cd_es256_sign(k.root, signed_texts[i], strlen(signed_texts[i]), &test_random,
                            signature, &err),
              &err);
    cd_buf_add_cstr(&jws, signed_texts[i]);
    cd_buf_add_char(&jws, '.');
    cd_base64url_add(&jws, signature, sizeof(signature));
    expect_failure(cd_jws_verify(&kind, cd_buf_view(&jws), cd_key_public(k.root), &payload, &err),
                   CD_E_INVALID, "the sample has a payload that is not base64url", &err);
    cd_buf_release(&jws);
  }
  cd_buf_release(&payload);
  keys_free(&k);
}
END_TEST

START_TEST(the_digest_is_of_what_is_signed_and_not_of_the_signature)
{
  keys k;
  cd_err err = {0};
  cd_digest by_root;
  cd_digest by_other;
  cd_buf a = CD_BUF_INIT(1000);
  cd_buf b = CD_BUF_INIT(1000);
  keys_make(&k);
  sign_text(&kind, "{\"a\":1}", k.root, &a);
  sign_text(&kind, "{\"a\":1}", k.other, &b);
  ck_assert_str_ne(cd_buf_cstr(&a), cd_buf_cstr(&b));
  expect_ok(cd_jws_digest(cd_buf_view(&a), &by_root, &err), &err);
  expect_ok(cd_jws_digest(cd_buf_view(&b), &by_other, &err), &err);
  ck_assert(cd_digest_equal(&by_root, &by_other));
  cd_buf_reset(&b);
  sign_text(&kind, "{\"a\":2}", k.root, &b);
  expect_ok(cd_jws_digest(cd_buf_view(&b), &by_other, &err), &err);
  ck_assert(!cd_digest_equal(&by_root, &by_other));
  expect_failure(cd_jws_digest(CD_STR("a.b"), &by_root, &err), CD_E_INVALID,
                 "the signed document is no compact JWS", &err);
  cd_buf_release(&a);
  cd_buf_release(&b);
  keys_free(&k);
}
END_TEST

START_TEST(no_kind_of_document_passes_for_another)
{
  static const cd_jws_kind *const kinds[] = {&cd_jws_order, &cd_jws_result, &cd_jws_report,
                                             &cd_jws_statement, &cd_jws_mark};
  keys k;
  keys_make(&k);
  for (size_t i = 0; i < COUNT_OF(kinds); i++) {
    cd_buf jws = CD_BUF_INIT(1000);
    sign_text(kinds[i], "{}", k.root, &jws);
    for (size_t j = 0; j < COUNT_OF(kinds); j++) {
      cd_err err = {0};
      cd_buf payload = CD_BUF_INIT(100);
      cd_code rc =
          cd_jws_verify(kinds[j], cd_buf_view(&jws), cd_key_public(k.root), &payload, &err);
      ck_assert_int_eq(rc, i == j ? CD_OK : CD_E_INVALID);
      cd_buf_release(&payload);
    }
    cd_buf_release(&jws);
  }
  keys_free(&k);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      signs_as_rfc_6979_says,
      verifies_the_example_of_rfc_7515,
      verifies_what_it_signed_and_only_with_that_key,
      takes_payloads_up_to_the_limit,
      refuses_a_document_that_was_touched_anywhere,
      refuses_each_wrong_form_with_its_own_sentence,
      refuses_what_is_too_large_before_it_looks_at_it,
      refuses_signatures_that_are_no_numbers_of_the_curve,
      refuses_a_signed_payload_that_is_not_base64url,
      the_digest_is_of_what_is_signed_and_not_of_the_signature,
      no_kind_of_document_passes_for_another,
  };
  return run_suite("protocol.jws", tests, COUNT_OF(tests));
}
