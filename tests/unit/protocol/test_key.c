/* Keys: files as OpenSSL writes them, and what is no key of ours. */
#include "protocol/key.h"

#include "fixture.h"
#include "protocol/secret.h"

#include <string.h>

/* Made with openssl genpkey for this test; they guard nothing. */
static const char private_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjmeYoCmOMZEuIjaG\n"
    "Wfb6uFe2Hqlaxil3Xw3yY4Mra+6hRANCAAR6A3lQXQm5Cd9dCQEMJJc2S122UAgw\n"
    "fnst4WBaiPmgKF4UNjRAIy2reDZEM+dgzm6UpSVpfTNv3U6yQMkfqbpE\n"
    "-----END PRIVATE KEY-----\n";
static const char public_pem[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEegN5UF0JuQnfXQkBDCSXNktdtlAI\n"
    "MH57LeFgWoj5oCheFDY0QCMtq3g2RDPnYM5ulKUlaX0zb91OskDJH6m6RA==\n"
    "-----END PUBLIC KEY-----\n";
static const char key_id[] = "b0f4c242ad87acafedda2bdea5da31904e80b7dcd68bbd47f74ae1f0ddef8b64";
static const char sec1_pem[] = "-----BEGIN EC PRIVATE KEY-----\n"
                               "MHcCAQEEII5nmKApjjGRLiI2hln2+rhXth6pWsYpd18N8mODK2vuoAoGCCqGSM49\n"
                               "AwEHoUQDQgAEegN5UF0JuQnfXQkBDCSXNktdtlAIMH57LeFgWoj5oCheFDY0QCMt\n"
                               "q3g2RDPnYM5ulKUlaX0zb91OskDJH6m6RA==\n"
                               "-----END EC PRIVATE KEY-----\n";
static const char sec1_without_public_pem[] =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MDECAQEEII5nmKApjjGRLiI2hln2+rhXth6pWsYpd18N8mODK2vuoAoGCCqGSM49\n"
    "AwEH\n"
    "-----END EC PRIVATE KEY-----\n";
static const char encrypted_pem[] =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjzTASGuickdgICCAAw\n"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEEApzCNEFj2ydCMtAXoglSdUEgZCS\n"
    "bFdN4DpBsNjo750ZX7HnlquViE1j4XRvlip+Q+fBfVqcxRNmEiFmtiBjwgjilRF3\n"
    "YaGF7VyK5o4hSQUg9JstJkUvsgqvh8KrFFflHgD58ulNcaEMOpD54utipQmGowxD\n"
    "RMdOiBHgrHRz3eRkQaglbfc3jxKGNNkb5EL8Pfyoxbzq6JxVcoCJYfOyDXmRYC4=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";
static const char p384_pem[] = "-----BEGIN PRIVATE KEY-----\n"
                               "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDCw0Nnl4zTrg6sReAsq\n"
                               "XC2D1swrrvZVQMP1EuG8MNOqcpBWY8UyT0N3d7fi3xgh4tihZANiAASISC52hD8T\n"
                               "fP9hcOnUMpDanut0eNu8bzhLpbyOcKdNq9eWePpTN1eH5cSiYW6UmByio8Y8OVGI\n"
                               "o0pB8dzEde3rryZEwM1wHEwweL3TWjS7YnDrABq+AEYl5kWKxAOjW9E=\n"
                               "-----END PRIVATE KEY-----\n";
static const char rsa_pem[] = "-----BEGIN PRIVATE KEY-----\n"
                              "MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBALaIVpPPXdW7n0Ab\n"
                              "KPhBv6VInAFWCTObA4B0iRvkrta2i6YrmzhoxUNzcsif0wDs4WKNIc1XedSa0DxB\n"
                              "qYVaaYbNNhq8QNjI+F5RkZJmkEio4fT7hiLSf7mebtZXUTlV3KEQ63ZkADceqj6w\n"
                              "9y/bqxWVm/wl46CzXFjT2jux56hzAgMBAAECgYAWfvUUoHDzH31//Bjvh8LjzvAT\n"
                              "JhRaPNeQpEwlmOiHY9YQM72clSUCrB7QZQovSgJ5D+XDle1Y63+QfZMz8TGiCtJ1\n"
                              "AMbSmnML3niyM1Jxz8Cwif/bHNbKW137UG1ecwJSSp4CsF5r3tnXy5Aq/1JCe5hj\n"
                              "B4j9XoWHHdv/nMUgOQJBAPK1pyfEP0tI04Udw1ko6R+DkcM0fm8Sf7+B0WFtGcTJ\n"
                              "XlSw3CNTvh1rVESQ9yrDIpr2xKCtPKz6BVHBd+zgv+UCQQDAhxzrLYpVCD8IBVzC\n"
                              "hRlLW4aZ9V/nwY9g9Z5qGEPwxP8Risfx2EyXdQe6dxC9atr9mN4koyu38UAJBLf0\n"
                              "a1F3AkA4ENRLMF86odkSv/xXRUcM25S5Vg/60ngmIfPfIJe6SJX81FoV4wtgumFd\n"
                              "8WrXOvpsd6KWR05j2uGNsDZmxsgtAkA6WHf+GZYDgPVBJAbheF6bBMi83azL2k/u\n"
                              "TWFNu77TN5ApK8q+UxObDr9h1fV/weNN2UbxCXYVT4pdcU2iR+evAkEAlCrakJv1\n"
                              "cSbYeobcpPG2K8aL4W72pHtezFbJI3ZT9xD9EWzGEOXCk9muY0jFCXaUzpm44D/D\n"
                              "bTsADT/UkBiT4Q==\n"
                              "-----END PRIVATE KEY-----\n";
static const char compressed_public_pem[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgACegN5UF0JuQnfXQkBDCSXNktdtlAI\n"
    "MH57LeFgWoj5oCg=\n"
    "-----END PUBLIC KEY-----\n";
static const char p384_public_pem[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEUPgx+Hu+ekFElaU7RQp5Y9XdJESMMmHW\n"
    "pgHBMZwEUBfTeN7rrypl3qU4laILBkzf5AEw/VCLBqVcXPSXyT4M/hUxBcHWoKrt\n"
    "OL9Rj2UDjd6RZXA4a86isYA3CyJ73t5a\n"
    "-----END PUBLIC KEY-----\n";

static cd_key *read_key(const char *pem)
{
  cd_key *key = NULL;
  cd_err err = {0};
  expect_ok(cd_key_from_pem(cd_str_from(pem), &test_random, &key, &err), &err);
  return key;
}

static void expect_id(const cd_public_key *key, const char *expected)
{
  char id[CD_KEY_ID_TEXT_MAX];
  cd_public_key_id(key, id);
  ck_assert_str_eq(id, expected);
}

START_TEST(reads_and_writes_what_openssl_writes)
{
  cd_key *key = read_key(private_pem);
  cd_buf pem = CD_BUF_INIT(CD_KEY_PEM_MAX);
  cd_err err = {0};
  expect_id(cd_key_public(key), key_id);
  expect_ok(cd_key_to_pem(key, &pem, &err), &err);
  ck_assert_str_eq(cd_buf_cstr(&pem), private_pem);
  cd_buf_wipe(&pem);
  ck_assert_uint_eq(pem.len, 0);
  expect_ok(cd_public_key_to_pem(cd_key_public(key), &pem, &err), &err);
  ck_assert_str_eq(cd_buf_cstr(&pem), public_pem);
  cd_buf_release(&pem);
  cd_key_free(key);
}
END_TEST

START_TEST(reads_the_older_form_with_and_without_its_public_half)
{
  cd_key *whole = read_key(sec1_pem);
  cd_key *half = read_key(sec1_without_public_pem);
  expect_id(cd_key_public(whole), key_id);
  expect_id(cd_key_public(half), key_id);
  ck_assert(cd_public_key_equal(cd_key_public(whole), cd_key_public(half)));
  cd_key_free(whole);
  cd_key_free(half);
}
END_TEST

START_TEST(a_public_key_goes_through_pem_der_and_point)
{
  cd_public_key a = {0};
  cd_public_key b = {0};
  uint8_t der[CD_KEY_DER_SIZE];
  cd_err err = {0};
  expect_ok(cd_public_key_from_pem(cd_str_from(public_pem), &a, &err), &err);
  expect_id(&a, key_id);
  cd_public_key_to_der(&a, der);
  expect_ok(cd_public_key_from_der((cd_str){(const char *)der, sizeof(der)}, &b, &err), &err);
  ck_assert(cd_public_key_equal(&a, &b));
  expect_id(&b, key_id);
  expect_ok(cd_public_key_from_point(a.point, &b, &err), &err);
  expect_id(&b, key_id);
}
END_TEST

START_TEST(makes_keys_that_differ_and_survive_their_file)
{
  keys k;
  keys_make(&k);
  ck_assert(!cd_public_key_equal(cd_key_public(k.root), cd_key_public(k.order)));
  cd_buf pem = CD_BUF_INIT(CD_KEY_PEM_MAX);
  cd_err err = {0};
  expect_ok(cd_key_to_pem(k.root, &pem, &err), &err);
  cd_key *back = read_key(cd_buf_cstr(&pem));
  ck_assert(cd_public_key_equal(cd_key_public(back), cd_key_public(k.root)));
  cd_key_free(back);
  cd_buf_wipe(&pem);
  keys_free(&k);
}
END_TEST

START_TEST(says_when_there_is_no_randomness)
{
  cd_key *key = NULL;
  cd_err err = {0};
  expect_failure(cd_key_generate(&no_random, &key, &err), CD_E_UNAVAILABLE,
                 "a key could not be made: there are no random bytes", &err);
  ck_assert_ptr_null(key);
}
END_TEST

START_TEST(refuses_what_is_no_private_key_of_ours)
{
  static const struct {
    const char *pem;
    cd_code code;
    const char *text;
  } bad[] = {
      {encrypted_pem, CD_E_UNSUPPORTED,
       "the private key is encrypted, and keys are read without a password only"},
      {p384_pem, CD_E_UNSUPPORTED, "the private key is not one on the curve P-256"},
      {rsa_pem, CD_E_UNSUPPORTED, "the private key is not one on an elliptic curve"},
      {public_pem, CD_E_INVALID,
       "the key file holds no private key in PEM that can be read (mbedTLS error -0x3d00)"},
      {"", CD_E_INVALID,
       "the key file holds no private key in PEM that can be read (mbedTLS error -0x3d00)"},
  };
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    cd_key *key = NULL;
    cd_err err = {0};
    expect_failure(cd_key_from_pem(cd_str_from(bad[i].pem), &test_random, &key, &err), bad[i].code,
                   bad[i].text, &err);
    ck_assert_ptr_null(key);
  }
}
END_TEST

START_TEST(refuses_a_file_whose_halves_do_not_belong_together)
{
  /* One bit of the private half is another one. */
  char *pem = with(private_pem, "jmeYoCmOMZEuIjaG\nWfb6uFe2Hqlaxil3Xw3yY4Mra+6h",
                   "jmeYoCmOMZEuIjaG\nWfb6uFe2Hqlaxil3Xw3yY4Mra+2h");
  cd_key *key = NULL;
  cd_err err = {0};
  expect_failure(cd_key_from_pem(cd_str_from(pem), &test_random, &key, &err), CD_E_INVALID,
                 "the two halves of the key in the file do not belong together", &err);
  free(pem);
}
END_TEST

START_TEST(refuses_what_is_no_public_key_of_ours)
{
  static const char not_spki[] =
      "the public key is no SubjectPublicKeyInfo with an uncompressed point on P-256";
  char *off_curve = with(public_pem, "H6m6RA==", "H6m6RQ==");
  const struct {
    const char *pem;
    const char *text;
  } bad[] = {
      {private_pem, "the key file holds no whole PEM block 'PUBLIC KEY'"},
      {"", "the key file holds no whole PEM block 'PUBLIC KEY'"},
      {compressed_public_pem, not_spki},
      {p384_public_pem, not_spki},
      {off_curve, "the public key is no point on the curve P-256"},
  };
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    cd_public_key key = {0};
    cd_err err = {0};
    expect_failure(cd_public_key_from_pem(cd_str_from(bad[i].pem), &key, &err), CD_E_INVALID,
                   bad[i].text, &err);
  }
  free(off_curve);
}
END_TEST

START_TEST(refuses_a_key_file_that_is_too_large_or_not_text)
{
  char large[CD_KEY_PEM_MAX + 1];
  cd_key *key = NULL;
  cd_public_key public_key = {0};
  cd_err err = {0};
  memset(large, ' ', sizeof(large));
  expect_failure(cd_key_from_pem((cd_str){large, sizeof(large)}, &test_random, &key, &err),
                 CD_E_LIMIT, "the key file has 4097 bytes, the limit is 4096", &err);
  expect_failure(cd_public_key_from_pem((cd_str){"a\0b", 3}, &public_key, &err), CD_E_INVALID,
                 "the key file is no PEM text: it holds a zero byte", &err);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      reads_and_writes_what_openssl_writes,
      reads_the_older_form_with_and_without_its_public_half,
      a_public_key_goes_through_pem_der_and_point,
      makes_keys_that_differ_and_survive_their_file,
      says_when_there_is_no_randomness,
      refuses_what_is_no_private_key_of_ours,
      refuses_a_file_whose_halves_do_not_belong_together,
      refuses_what_is_no_public_key_of_ours,
      refuses_a_key_file_that_is_too_large_or_not_text,
  };
  return run_suite("protocol.key", tests, COUNT_OF(tests));
}
