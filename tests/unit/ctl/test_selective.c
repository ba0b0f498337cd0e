#include "selective.h"

#include "suites.h"

#include "base/limits.h"

#include <string.h>

typedef struct row {
  const char *text;
  const char *complaint; /* a part of the sentence */
} row;

#define ONE(members) "{\"exclusions\":[{" members "}]}"
#define GOOD "\"direction\":\"out\",\"address\":\"192.0.2.1\""

static const row faults[] = {
    {"", "policy.json"},
    {"{", "policy.json"},
    {"[]", "policy.json"},
    {"{}", "exclusions"},
    {"{\"exclusions\":{}}", "exclusions"},
    {"{\"exclusions\":[]}", "policy.json lists no exclusions"},
    {"{\"exclusions\":[7]}", "exclusions[0]"},
    {"{\"exclusions\":[],\"type\":\"full\"}", "type"},
    {"{\"exclusions\":[{" GOOD "},{}]}", "exclusions[1].direction"},
    {ONE("\"direction\":\"out\""), "exclusions[0].address"},
    {ONE("\"address\":\"192.0.2.1\""), "exclusions[0].direction"},
    {ONE("\"direction\":\"out\",\"service\":\"nginx\""), "exclusions[0].service"},
    {ONE(GOOD ",\"service\":5"), "exclusions[0].service"},
    {ONE("\"direction\":\"up\",\"address\":\"192.0.2.1\""), "exclusions[0].direction"},
    {ONE("\"direction\":\"out\",\"address\":5"), "exclusions[0].address"},
    {ONE(GOOD ",\"port\":443"), "exclusions[0].port"},
    {ONE(GOOD ",\"port\":\"12345678901234567\""), "exclusions[0].port"},
    {ONE(GOOD ",\"protocol\":\"sctp\""), "exclusions[0].protocol"},
    {ONE(GOOD ",\"ports\":\"443\""), "exclusions[0].ports"},
    {ONE(GOOD ",\"note\":[]"), "exclusions[0].note"},
    {ONE(GOOD "," GOOD), "policy.json"},
    {ONE(GOOD ",\"note\":\"\xff\""), "policy.json"},
};

START_TEST(names_the_file_and_the_place)
{
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(CD_CONFIG_MAX);
  ck_assert_int_ne(ctl_selective_parse(cd_str_from(faults[_i].text), "policy.json", &out, &err),
                   CD_OK);
  ck_assert_msg(strstr(err.text, faults[_i].complaint) != NULL, "%s", err.text);
  ck_assert_msg(strstr(err.text, "policy.json") != NULL, "%s", err.text);
  ck_assert_uint_eq(out.len, 0);
  cd_buf_release(&out);
}
END_TEST

START_TEST(hands_on_the_exclusions_as_they_are)
{
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(CD_CONFIG_MAX);
  cd_str text = CD_STR("{ \"exclusions\": [ {\"direction\":\"both\", "
                       "\"address\":\"2001:db8::/32\", \"protocol\":\"udp\","
                       " \"port\":\"9000-9100\", \"note\":\"\xe6\x97\xa5\"} ] }\n");
  ck_assert_msg(ctl_selective_parse(text, "policy.json", &out, &err) == CD_OK, "%s", err.text);
  ck_assert_str_eq(cd_buf_cstr(&out),
                   "[{\"direction\":\"both\",\"address\":\"2001:db8::/32\",\"protocol\":\"udp\","
                   "\"port\":\"9000-9100\",\"note\":\"\xe6\x97\xa5\"}]");
  cd_buf_release(&out);
}
END_TEST

static void with_note_of(size_t characters, cd_buf *text)
{
  cd_buf_add_cstr(text, "{\"exclusions\":[{" GOOD ",\"note\":\"");
  for (size_t i = 0; i < characters; i++)
    cd_buf_add_cstr(text, "\xe6\x97\xa5");
  cd_buf_add_cstr(text, "\"}]}");
}

START_TEST(counts_a_note_in_characters)
{
  cd_err err = {0};
  cd_buf text = CD_BUF_INIT(4096);
  cd_buf out = CD_BUF_INIT(CD_CONFIG_MAX);
  with_note_of(200, &text);
  ck_assert_msg(ctl_selective_parse(cd_buf_view(&text), "p", &out, &err) == CD_OK, "%s", err.text);
  cd_buf_reset(&text);
  with_note_of(201, &text);
  ck_assert_int_ne(ctl_selective_parse(cd_buf_view(&text), "p", &out, &err), CD_OK);
  ck_assert_msg(strstr(err.text, "exclusions[0].note") != NULL, "%s", err.text);
  cd_buf_release(&text);
  cd_buf_release(&out);
}
END_TEST

START_TEST(refuses_more_exclusions_than_there_may_be)
{
  cd_err err = {0};
  cd_buf text = CD_BUF_INIT(CD_CONFIG_MAX);
  cd_buf out = CD_BUF_INIT(CD_CONFIG_MAX);
  cd_buf_add_cstr(&text, "{\"exclusions\":[");
  for (unsigned i = 0; i <= CD_EXCLUSIONS_MAX; i++)
    cd_buf_addf(&text, "%s{" GOOD "}", i > 0 ? "," : "");
  cd_buf_add_cstr(&text, "]}");
  ck_assert_int_ne(ctl_selective_parse(cd_buf_view(&text), "p", &out, &err), CD_OK);
  ck_assert_msg(strstr(err.text, "exclusions") != NULL, "%s", err.text);
  cd_buf_release(&text);
  cd_buf_release(&out);
}
END_TEST

Suite *suite_selective(void)
{
  Suite *s = suite_create("ctl.selective");
  TCase *tc = tcase_create("selective");
  tcase_add_loop_test(tc, names_the_file_and_the_place, 0,
                      (int)(sizeof(faults) / sizeof(faults[0])));
  tcase_add_test(tc, hands_on_the_exclusions_as_they_are);
  tcase_add_test(tc, counts_a_note_in_characters);
  tcase_add_test(tc, refuses_more_exclusions_than_there_may_be);
  suite_add_tcase(s, tc);
  return s;
}
