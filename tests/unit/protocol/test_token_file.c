/* The token file: both ways, and what is none. */
#include "protocol/token_file.h"

#include "fixture.h"
#include "protocol/base64.h"

#include <stdlib.h>
#include <string.h>

#define PEM "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"

static void sample(cd_buf *out)
{
  keys k;
  cd_err err = {0};
  keys_make(&k);
  cd_token_file f = {
      .enroll_count = 2,
      .enroll = {CD_STR("https://console.example:8444"), CD_STR("https://[2001:db8::1]:8444/")},
      .agent_count = 1,
      .agents = {CD_STR("console.example:8443")},
      .root = *cd_key_public(k.root),
      .ca = CD_STR(PEM),
      .tls_ca = CD_STR(PEM)};
  memset(f.token, 0x11, sizeof(f.token));
  expect_ok(cd_token_file_write(&f, out, &err), &err);
  keys_free(&k);
}

START_TEST(the_file_goes_both_ways)
{
  cd_err err = {0};
  cd_token_file f = {0};
  cd_buf text = CD_BUF_INIT(CD_TOKEN_FILE_MAX);
  char host[CD_HTTP_HOST_MAX + 1];
  uint16_t port = 0;
  sample(&text);
  expect_ok(cd_token_file_read(cd_buf_view(&text), &f, &err), &err);
  ck_assert_uint_eq(f.enroll_count, 2);
  ck_assert_uint_eq(f.agent_count, 1);
  ck_assert_uint_eq(f.token[31], 0x11);
  ck_assert_uint_eq(f.root.point[0], 4);
  ck_assert(cd_str_eq_cstr(f.ca, PEM));
  expect_ok(cd_enroll_url_parse(f.enroll[1], host, &port, &err), &err);
  ck_assert_str_eq(host, "2001:db8::1");
  ck_assert_uint_eq(port, 8444);
  cd_token_file_release(&f);
  ck_assert_uint_eq(f.token[31], 0);
  cd_buf_release(&text);
}
END_TEST

typedef struct row {
  const char *part;
  const char *by;
  const char *sentence;
} row;

static const row rows[] = {
    {"\"version\":1", "\"version\":2",
     "the token file: version must be 1, the only one that is known here"},
    {"https://console.example:8444", "http://console.example:8444",
     "the token file: enroll 'http://console.example:8444' does not begin with https://"},
    {"console.example:8443", "console.example",
     "the token file: agents 'console.example' is not HOST:PORT with a name, an IPv4 address or an "
     "IPv6 address in brackets"},
    {"[\"console.example:8443\"]", "[]", "the token file: agents must not be empty"},
    {"\"ERERER", "\"ERERE", "the token file: token must be 32 bytes in base64url"},
    {"\"ca\":\"-----BEGIN", "\"ca\":\"----BEGIN",
     "the token file: ca must be a certificate in PEM"},
    {"\"version\":1", "\"version\":1,\"other\":1", "the token file: other is not a known key"},
};

START_TEST(what_is_no_token_file_is_refused_with_the_member)
{
  cd_err err = {0};
  cd_token_file f = {0};
  cd_buf text = CD_BUF_INIT(CD_TOKEN_FILE_MAX);
  sample(&text);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    char *bad = with(cd_buf_cstr(&text), rows[i].part, rows[i].by);
    ck_assert_int_eq(cd_token_file_read(cd_str_from(bad), &f, &err), CD_E_INVALID);
    ck_assert_str_eq(err.text, rows[i].sentence);
    free(bad);
  }
  cd_buf_release(&text);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      the_file_goes_both_ways,
      what_is_no_token_file_is_refused_with_the_member,
  };
  return run_suite("protocol.token_file", tests, COUNT_OF(tests));
}
