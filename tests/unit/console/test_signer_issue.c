/* Certificates and statements: what is in them, who takes them, and when there are none. */
#include "signer_place.h"

#include "base/clock.h"
#include "csr.h"
#include "protocol/statement.h"
#include "random.h"

#include <mbedtls/oid.h>
#include <mbedtls/x509_crt.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static con_store *store;
static sig_signer signer;
static fleet_device desk;

static void begin(void)
{
  store = open_store();
  enroll_device(store, "desk", &desk);
  open_signer(&signer, NULL);
  expect_signed(attach(&signer));
}

static void end(void)
{
  sig_close(&signer);
  free_device(&desk);
  con_store_close(store);
}

static con_audit_ref server_entry(const cd_key *key, const char *names)
{
  char detail[1024];
  char digest[CD_DIGEST_TEXT_MAX];
  con_audit_ref ref = {0};
  cd_digest_text(&cd_key_public(key)->id, digest);
  (void)snprintf(detail, sizeof(detail), "{\"tls_key\":\"%s\",\"names\":%s}", digest, names);
  const con_audit_entry e = {
      .who = CD_STR("console"), .what = CD_STR(CON_WHAT_SERVER_KEY), .detail = cd_str_from(detail)};
  expect_ok(con_audit_append(store, &e, &ref, &err));
  return ref;
}

static void put(const char *name, cd_str pem)
{
  char *text = cd_str_dup(pem);
  put_text(at(name), text);
  free(text);
}

static int openssl_verify(const char *purpose, const char *ca, const char *leaf)
{
  char out[4096];
  const char *const argv[] = {"openssl", "verify", "-x509_strict", "-purpose", purpose,
                              "-CAfile", ca,       "-untrusted",   leaf,       leaf,
                              NULL};
  int code = run(argv, out, sizeof(out));
  if (code != 0)
    (void)fprintf(stderr, "%s\n", out);
  return code;
}

/* By mbedTLS, with the pinned CA; the flags of the verification. */
static uint32_t mbedtls_verify(cd_str chain, const char *ca_pem, const char *name)
{
  mbedtls_x509_crt ca;
  mbedtls_x509_crt crt;
  uint32_t flags = 0;
  char *text = cd_str_dup(chain);
  mbedtls_x509_crt_init(&ca);
  mbedtls_x509_crt_init(&crt);
  ck_assert_int_eq(mbedtls_x509_crt_parse(&ca, (const unsigned char *)ca_pem, strlen(ca_pem) + 1),
                   0);
  ck_assert_int_eq(mbedtls_x509_crt_parse(&crt, (const unsigned char *)text, chain.len + 1), 0);
  (void)mbedtls_x509_crt_verify(&crt, &ca, NULL, name, &flags, NULL, NULL);
  mbedtls_x509_crt_free(&crt);
  mbedtls_x509_crt_free(&ca);
  free(text);
  return flags;
}

static int64_t seconds_of(const mbedtls_x509_time *at)
{
  struct tm utc = {.tm_year = at->year - 1900,
                   .tm_mon = at->mon - 1,
                   .tm_mday = at->day,
                   .tm_hour = at->hour,
                   .tm_min = at->min,
                   .tm_sec = at->sec};
  return timegm(&utc);
}

static void check_leaf(cd_str chain, const char *common_name, const char *usage, int days)
{
  mbedtls_x509_crt crt;
  char subject[256];
  char *text = cd_str_dup(chain);
  mbedtls_x509_crt_init(&crt);
  ck_assert_int_eq(mbedtls_x509_crt_parse(&crt, (const unsigned char *)text, chain.len + 1), 0);
  ck_assert_int_gt(mbedtls_x509_dn_gets(subject, sizeof(subject), &crt.subject), 0);
  ck_assert_str_eq(subject, common_name);
  ck_assert_int_eq(mbedtls_x509_crt_check_extended_key_usage(&crt, usage, strlen(usage)), 0);
  ck_assert_uint_eq(crt.serial.len, 16);
  ck_assert_int_eq(mbedtls_x509_crt_check_key_usage(&crt, MBEDTLS_X509_KU_DIGITAL_SIGNATURE), 0);
  ck_assert_int_ne(mbedtls_x509_crt_check_key_usage(&crt, MBEDTLS_X509_KU_KEY_CERT_SIGN), 0);
  /* From a little before now, for clocks that are slow. */
  ck_assert_int_eq(seconds_of(&crt.valid_to) - seconds_of(&crt.valid_from),
                   days * INT64_C(86400) + CD_CLOCK_SKEW_MS / 1000);
  mbedtls_x509_crt_free(&crt);
  free(text);
}

START_TEST(a_device_gets_a_certificate_that_everybody_verifies)
{
  char name[64];
  char out[8192];
  begin();
  con_signer_reply r = issue(&signer, desk.enrolled.device, desk.csr, &desk.enrolled.audit);
  expect_signed(r);
  ck_assert_uint_eq(r.serial.len, 32);
  ck_assert_int_gt(r.not_after_ms, cd_wall_ms() + 29 * 24 * HOUR_MS);
  ck_assert_int_lt(r.not_after_ms, cd_wall_ms() + 31 * 24 * HOUR_MS);
  put("leaf.pem", r.certificate);
  put("ca.pem", cd_str_from(signer.keys.ca));
  ck_assert_int_eq(openssl_verify("sslclient", at("ca.pem"), at("leaf.pem")), 0);
  ck_assert_int_ne(openssl_verify("sslserver", at("ca.pem"), at("leaf.pem")), 0);
  ck_assert_uint_eq(mbedtls_verify(r.certificate, signer.keys.ca, NULL), 0);
  (void)snprintf(name, sizeof(name), "CN=%s", desk.enrolled.device);
  check_leaf(r.certificate, name, MBEDTLS_OID_CLIENT_AUTH, 30);
  const char *const show[] = {"openssl", "x509", "-in", at("leaf.pem"), "-noout", "-text", NULL};
  ck_assert_int_eq(run(show, out, sizeof(out)), 0);
  ck_assert_ptr_nonnull(strstr(out, "CA:FALSE"));
  ck_assert_ptr_nonnull(strstr(out, "TLS Web Client Authentication"));
  ck_assert_ptr_null(strstr(out, "whatever it says"));
  end();
}
END_TEST

START_TEST(the_console_gets_one_for_the_names_that_are_on_record)
{
  begin();
  con_audit_ref ref =
      server_entry(desk.tls_key, "[\"console.example\",\"192.0.2.1\",\"2001:db8::1\"]");
  con_signer_reply r = issue(&signer, NULL, desk.csr, &ref);
  expect_signed(r);
  put("leaf.pem", r.certificate);
  put("ca.pem", cd_str_from(signer.keys.ca));
  ck_assert_int_eq(openssl_verify("sslserver", at("ca.pem"), at("leaf.pem")), 0);
  ck_assert_int_ne(openssl_verify("sslclient", at("ca.pem"), at("leaf.pem")), 0);
  ck_assert_uint_eq(mbedtls_verify(r.certificate, signer.keys.ca, "console.example"), 0);
  ck_assert_uint_eq(mbedtls_verify(r.certificate, signer.keys.ca, "192.0.2.1"), 0);
  ck_assert_uint_eq(mbedtls_verify(r.certificate, signer.keys.ca, "2001:db8::1"), 0);
  ck_assert_uint_eq(mbedtls_verify(r.certificate, signer.keys.ca, "other.example"),
                    MBEDTLS_X509_BADCERT_CN_MISMATCH);
  check_leaf(r.certificate, "CN=cordon-console", MBEDTLS_OID_SERVER_AUTH, 397);
  expect_not_signed(issue(&signer, desk.enrolled.device, desk.csr, &ref), CD_E_DENIED,
                    "another device");
  expect_not_signed(issue(&signer, NULL, desk.csr, &desk.enrolled.audit), CD_E_DENIED,
                    "about another device");
  ref = server_entry(desk.tls_key, "[]");
  expect_not_signed(issue(&signer, NULL, desk.csr, &ref), CD_E_INVALID, "must not be empty");
  end();
}
END_TEST

START_TEST(no_certificate_for_a_key_or_device_that_is_not_on_record)
{
  char csr[4096];
  begin();
  fleet_device other;
  enroll_device(store, "other", &other);
  expect_not_signed(issue(&signer, desk.enrolled.device, other.csr, &desk.enrolled.audit),
                    CD_E_DENIED, "records another key");
  expect_not_signed(issue(&signer, desk.enrolled.device, desk.csr, &other.enrolled.audit),
                    CD_E_DENIED, "another device");
  con_action_made made = isolate(store, desk.enrolled.device);
  expect_not_signed(issue(&signer, desk.enrolled.device, desk.csr, &made.audit), CD_E_DENIED,
                    "neither an enrolment nor a renewal");
  signer_now = cd_wall_ms() + 2 * HOUR_MS;
  expect_not_signed(issue(&signer, desk.enrolled.device, desk.csr, &desk.enrolled.audit),
                    CD_E_DEADLINE, "too old");
  signer_now = 0;
  (void)snprintf(csr, sizeof(csr), "%s", "not a request");
  expect_not_signed(issue(&signer, desk.enrolled.device, csr, &desk.enrolled.audit), CD_E_INVALID,
                    "PEM");
  expect_ok(con_device_revoke(store, &alice, cd_str_from(desk.enrolled.device), &err));
  expect_not_signed(issue(&signer, desk.enrolled.device, desk.csr, &desk.enrolled.audit),
                    CD_E_DENIED, "revoked");
  free_device(&other);
  end();
}
END_TEST

START_TEST(a_renewal_is_for_the_key_that_it_names)
{
  con_audit_ref ref = {0};
  char csr[4096];
  begin();
  fleet_device next;
  enroll_device(store, "next", &next);
  make_csr(next.tls_key, csr);
  expect_ok(con_device_renew(store, cd_str_from(desk.enrolled.device),
                             &cd_key_public(next.tls_key)->id, &ref, &err));
  expect_signed(issue(&signer, desk.enrolled.device, csr, &ref));
  expect_not_signed(issue(&signer, desk.enrolled.device, desk.csr, &ref), CD_E_DENIED,
                    "records another key");
  expect_not_signed(state_key(&signer, desk.enrolled.device, cd_key_public(next.device_key), &ref),
                    CD_E_DENIED, "records no enrolment");
  free_device(&next);
  end();
}
END_TEST

START_TEST(a_devices_key_is_stated_once_and_again)
{
  const cd_statement_known now = {.judge_time = true, .now_ms = cd_wall_ms() + 1000};
  cd_statement s = {0};
  begin();
  con_signer_reply r = state_key(&signer, desk.enrolled.device, cd_key_public(desk.device_key),
                                 &desk.enrolled.audit);
  expect_signed(r);
  expect_ok(cd_statement_device_key(r.device_ca_key, r.statement, &signer.keys.root, &now, &now, &s,
                                    &err));
  ck_assert_str_eq(s.subject, desk.enrolled.device);
  ck_assert_uint_eq(s.generation, 1);
  ck_assert(cd_public_key_equal(&s.key, cd_key_public(desk.device_key)));
  r = state_key(&signer, desk.enrolled.device, cd_key_public(desk.device_key),
                &desk.enrolled.audit);
  expect_ok(cd_statement_device_key(r.device_ca_key, r.statement, &signer.keys.root, &now, &now, &s,
                                    &err));
  ck_assert_uint_eq(s.generation, 1);
  expect_not_signed(
      state_key(&signer, desk.enrolled.device, cd_key_public(desk.tls_key), &desk.enrolled.audit),
      CD_E_DENIED, "records another key");
  end();
}
END_TEST

/* Made with openssl, because mbedTLS writes no request that is wrong. */
START_TEST(a_request_with_another_curve_or_signature_is_refused)
{
  char out[8192];
  cd_public_key key;
  cd_key *fresh = NULL;
  char csr[4096];
  const char *const p384[] = {
      "openssl", "req",     "-new",      "-newkey", "ec",    "-pkeyopt", "ec_paramgen_curve:P-384",
      "-nodes",  "-keyout", "/dev/null", "-subj",   "/CN=x", NULL};
  ck_assert_int_eq(run(p384, out, sizeof(out)), 0);
  char *begin_csr = strstr(out, "-----BEGIN CERTIFICATE REQUEST-----");
  ck_assert_ptr_nonnull(begin_csr);
  expect_refused(con_csr_key(cd_str_from(begin_csr), &key, &err), CD_E_INVALID, "P-256");

  expect_ok(cd_key_generate(&sig_random, &fresh, &err));
  make_csr(fresh, csr);
  expect_ok(con_csr_key(cd_str_from(csr), &key, &err));
  ck_assert(cd_public_key_equal(&key, cd_key_public(fresh)));
  /* Another letter in the subject, in the middle of the base64: the signature is over the old one.
   */
  char *letter = strchr(csr, '\n') + 41;
  *letter = *letter == 'A' ? 'B' : 'A';
  cd_code rc = con_csr_key(cd_str_from(csr), &key, &err);
  ck_assert_msg(rc == CD_E_DENIED, "%s: %s", cd_code_name(rc), err.text);
  cd_key_free(fresh);
}
END_TEST

START_TEST(after_a_rotation_old_and_new_verify)
{
  begin();
  char *old_ca = cd_str_dup(cd_str_from(signer.keys.ca));
  con_signer_reply r = issue(&signer, desk.enrolled.device, desk.csr, &desk.enrolled.audit);
  char *old_leaf = cd_str_dup(r.certificate);
  sig_close(&signer);
  expect_ok(sig_keys_rotate(signer_folder(), CD_PURPOSE_DEVICE_CA, cd_wall_ms(), &err));
  open_signer(&signer, NULL);
  con_audit_ref ref = server_entry(desk.tls_key, "[\"console.example\"]");
  r = issue(&signer, NULL, desk.csr, &ref);
  expect_signed(r);
  put("new_leaf.pem", r.certificate);
  put_text(at("old_ca.pem"), old_ca);
  put_text(at("new_ca.pem"), signer.keys.ca);
  put_text(at("old_leaf.pem"), old_leaf);
  /* An agent that knows only the old CA, and one that knows the new one. */
  ck_assert_int_eq(openssl_verify("sslserver", at("old_ca.pem"), at("new_leaf.pem")), 0);
  ck_assert_int_eq(openssl_verify("sslserver", at("new_ca.pem"), at("new_leaf.pem")), 0);
  ck_assert_uint_eq(mbedtls_verify(r.certificate, old_ca, "console.example"), 0);
  ck_assert_uint_eq(mbedtls_verify(r.certificate, signer.keys.ca, "console.example"), 0);
  /* The console with the new bundle, a device with the old certificate. */
  ck_assert_int_eq(openssl_verify("sslclient", at("new_ca.pem"), at("old_leaf.pem")), 0);
  free(old_ca);
  free(old_leaf);
  end();
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      a_device_gets_a_certificate_that_everybody_verifies,
      the_console_gets_one_for_the_names_that_are_on_record,
      no_certificate_for_a_key_or_device_that_is_not_on_record,
      a_renewal_is_for_the_key_that_it_names,
      a_devices_key_is_stated_once_and_again,
      a_request_with_another_curve_or_signature_is_refused,
      after_a_rotation_old_and_new_verify,
  };
  return run_suite("console.signer.issue", tests, COUNT_OF(tests));
}
