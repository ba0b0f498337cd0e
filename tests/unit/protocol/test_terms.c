/* The terms of an isolation: both ways, their defaults, and what is none. */
#include "protocol/terms.h"

#include "fixture.h"

#include <string.h>

#define SALT "EREREREREREREREREREREQ"
#define DIGEST "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define ALL                                                                                        \
  "{\"lease\":{\"until\":1790000000000},"                                                          \
  "\"lost_console\":{\"rule\":\"release\",\"after_s\":86400},"                                     \
  "\"unreachable\":{\"rule\":\"keep\"},"                                                           \
  "\"code\":{\"salt\":\"" SALT "\",\"digest\":\"" DIGEST "\"}}"

static cd_terms parse(const char *text)
{
  cd_terms t;
  cd_err err = {0};
  memset(&t, 0xff, sizeof(t));
  expect_ok(cd_terms_parse(cd_str_from(text), &t, &err), &err);
  return t;
}

START_TEST(all_members_go_both_ways)
{
  cd_err err = {0};
  cd_buf text = CD_BUF_INIT(CD_TERMS_TEXT_MAX);
  cd_terms t = parse(ALL);
  ck_assert_int_eq(t.lease_until_ms, 1790000000000);
  ck_assert_uint_eq(t.lost_after_s, 86400);
  ck_assert_uint_eq(t.unreachable_after_s, 0);
  ck_assert(t.has_code);
  ck_assert_uint_eq(t.code_salt[15], 0x11);
  ck_assert_uint_eq(t.code_digest.bytes[31], 0x22);
  expect_ok(cd_terms_print(&t, &text, &err), &err);
  ck_assert_str_eq(cd_buf_cstr(&text), ALL);
  cd_buf_release(&text);
}
END_TEST

START_TEST(what_is_not_said_has_its_default_and_is_not_written)
{
  static const char *const texts[] = {
      "{}", "{\"lease\":null,\"lost_console\":null,\"unreachable\":null,\"code\":null}",
      "{\"lost_console\":{\"rule\":\"keep\"},\"unreachable\":{\"rule\":\"release\",\"after_s\":60}"
      "}"};
  for (size_t i = 0; i < COUNT_OF(texts); i++) {
    cd_err err = {0};
    cd_buf text = CD_BUF_INIT(CD_TERMS_TEXT_MAX);
    cd_terms t = parse(texts[i]);
    ck_assert_int_eq(t.lease_until_ms, 0);
    ck_assert_uint_eq(t.lost_after_s, 0);
    ck_assert_uint_eq(t.unreachable_after_s, CD_UNREACHABLE_AFTER_S);
    ck_assert(!t.has_code);
    expect_ok(cd_terms_print(&t, &text, &err), &err);
    ck_assert_str_eq(cd_buf_cstr(&text), "{}");
    cd_buf_release(&text);
  }
}
END_TEST

static const struct row {
  const char *text;
  const char *sentence;
} rows[] = {
    {"{\"lease\":{}}", "the terms: lease.until is missing"},
    {"{\"lease\":{\"until\":0}}", "the terms: lease.until must be"},
    {"{\"lease\":{\"until\":1,\"for\":2}}", "the terms: lease.for is not a known key"},
    {"{\"lost_console\":{\"rule\":\"forget\"}}",
     "the terms: lost_console.rule must be one of: keep, release"},
    {"{\"lost_console\":{\"rule\":\"release\"}}", "the terms: lost_console.after_s is missing"},
    {"{\"lost_console\":{\"rule\":\"release\",\"after_s\":59}}",
     "the terms: lost_console.after_s must be"},
    {"{\"lost_console\":{\"rule\":\"keep\",\"after_s\":60}}",
     "the terms: lost_console.after_s is not a known key"},
    {"{\"unreachable\":{\"rule\":\"release\",\"after_s\":3601}}",
     "the terms: unreachable.after_s must be"},
    {"{\"code\":{\"salt\":\"ERER\",\"digest\":\"" DIGEST "\"}}",
     "the terms: code.salt must be 16 bytes in base64url"},
    {"{\"code\":{\"salt\":\"" SALT "\",\"digest\":\"sha1:22\"}}",
     "the terms: code.digest must be 'sha256:' and 64 hex digits"},
    {"{\"code\":{\"salt\":\"" SALT "\"}}", "the terms: code.digest is missing"},
    {"{\"leases\":1}", "the terms: leases is not a known key"},
};

START_TEST(what_is_no_term_is_refused_with_the_member)
{
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    cd_err err = {0};
    cd_terms t = {.lost_after_s = 7};
    ck_assert_int_eq(cd_terms_parse(cd_str_from(rows[i].text), &t, &err), CD_E_INVALID);
    ck_assert_msg(strncmp(err.text, rows[i].sentence, strlen(rows[i].sentence)) == 0, "%s",
                  err.text);
    ck_assert_uint_eq(t.lost_after_s, 7);
  }
}
END_TEST

START_TEST(a_wish_is_the_parameters_without_the_code)
{
  static const struct {
    const char *text;
    const char *same_as;
    int64_t lease_ms;
    bool same;
  } wishes[] = {
      {"{}", "{ }", 0, true},
      {"{\"type\":\"full\",\"exclusions\":[]}",
       "{\"type\":\"full\",\"exclusions\":[],\"code\":{\"salt\":\"" SALT "\",\"digest\":\"" DIGEST
       "\"}}",
       0, true},
      {"{\"type\":\"full\",\"exclusions\":[],\"lease\":{\"until\":7}}",
       "{\"type\":\"full\",\"exclusions\":[]}", 7, false},
      {"{\"type\":\"full\",\"exclusions\":[]}", "{\"type\":\"full\",\"exclusions\":[1]}", 0, false},
  };
  for (size_t i = 0; i < COUNT_OF(wishes); i++) {
    cd_err err = {0};
    cd_digest one;
    cd_digest two;
    int64_t lease_ms = -1;
    int64_t other_ms = -1;
    expect_ok(cd_wish_of(cd_str_from(wishes[i].text), &one, &lease_ms, &err), &err);
    expect_ok(cd_wish_of(cd_str_from(wishes[i].same_as), &two, &other_ms, &err), &err);
    ck_assert_int_eq(cd_digest_equal(&one, &two), wishes[i].same);
    ck_assert_int_eq(lease_ms, wishes[i].lease_ms);
  }
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      all_members_go_both_ways,
      what_is_not_said_has_its_default_and_is_not_written,
      what_is_no_term_is_refused_with_the_member,
      a_wish_is_the_parameters_without_the_code,
  };
  return run_suite("protocol.terms", tests, COUNT_OF(tests));
}
