/* The configuration, the arguments and the small pure parts. */
#include "fleet_config.h"
#include "fleet_fetch.h"
#include "fleet_find.h"
#include "fleet_path.h"
#include "fleet_tokens.h"
#include "fleet_wait.h"
#include "suites.h"

#include <string.h>

typedef struct config_row {
  const char *text;
  const char *complaint; /* NULL: it is good */
} config_row;

#define REST "\"client_id\":\"i\",\"client_secret\":\"s\"}"

static const config_row configs[] = {
    {"{\"console\":\"https://c\"," REST, NULL},
    {"{\"console\":\"https://c:8443/x/\",\"ca\":\"/ca\"," REST, NULL},
    {"{\"console\":\"https://[2001:db8::1]:8443\"," REST, NULL},
    {"{\"console\":\"http://c\"," REST, "must begin with https://"},
    {"{\"console\":\"HTTPS://c\"," REST, "must begin with https://"},
    {"{\"console\":\"https://\"," REST, "names no host"},
    {"{\"console\":\"https:///x\"," REST, "names no host"},
    {"{\"console\":\"https://u:p@c\"," REST, "'@' may not stand"},
    {"{\"console\":\"https://c?x\"," REST, "'?' may not stand"},
    {"{\"console\":\"https://c#x\"," REST, "'#' may not stand"},
    {"{\"console\":\"https://c\\r\\nX: y\"," REST, "without blanks"},
    {"{\"console\":\"https://c\",\"client_id\":\"i\"}", "and not both"},
    {"{\"console\":\"https://c\",\"client_secret_file\":\"f\"," REST, "and not both"},
    {"{\"console\":\"https://c\",\"verify\":false," REST, "verify"},
    {"{\"console\":\"https://c\",\"client_id\":\"\",\"client_secret\":\"s\"}", "the client's id"},
    {"{\"console\":\"https://c\",\"client_id\":\"a b\",\"client_secret\":\"s\"}",
     "the client's id"},
    {"{\"console\":\"https://c\",\"client_id\":\"i\",\"client_secret\":\"a\\nb\"}", "secret"},
    {"{\"console\":\"https://c\",\"root\":\"ab\"," REST, NULL},
    {"{\"console\":\"https://c\",\"root\":\"\"," REST, "the root must be"},
    {"{\"console\":\"https://c\",\"root\":\"a b\"," REST, "the root must be"},
    {"[]", "it"},
    {"", "it"},
};

START_TEST(the_file)
{
  fleet_config c = {0};
  cd_err err = {0};
  cd_code rc = fleet_config_parse(cd_str_from(configs[_i].text), "it", &c, &err);
  if (configs[_i].complaint == NULL) {
    ck_assert_msg(rc == CD_OK, "%s", err.text);
    ck_assert_str_eq(c.client_id, "i");
    ck_assert_str_eq(c.secret, "s");
    ck_assert_int_ne(c.url[strlen(c.url) - 1], '/');
  } else {
    ck_assert_int_ne(rc, CD_OK);
    ck_assert_msg(strstr(err.text, configs[_i].complaint) != NULL, "%s", err.text);
  }
  fleet_config_wipe(&c);
}
END_TEST

START_TEST(a_secret_loses_its_newline_only)
{
  char secret[FLEET_SECRET_MAX + 1];
  char longest[FLEET_SECRET_MAX + 2];
  cd_err err = {0};
  ck_assert_int_eq(fleet_secret_read(CD_STR("abc\n"), secret, &err), CD_OK);
  ck_assert_str_eq(secret, "abc");
  ck_assert_int_eq(fleet_secret_read(CD_STR("abc\r\n"), secret, &err), CD_OK);
  ck_assert_str_eq(secret, "abc");
  ck_assert_int_ne(fleet_secret_read(CD_STR("abc\n\n"), secret, &err), CD_OK);
  ck_assert_int_ne(fleet_secret_read(CD_STR("\n"), secret, &err), CD_OK);
  ck_assert_int_ne(fleet_secret_read(CD_STR(""), secret, &err), CD_OK);
  ck_assert_int_ne(fleet_secret_read(CD_STR("a\0b"), secret, &err), CD_OK);
  memset(longest, 'x', sizeof(longest));
  ck_assert_int_eq(fleet_secret_read((cd_str){longest, FLEET_SECRET_MAX}, secret, &err), CD_OK);
  ck_assert_int_ne(fleet_secret_read((cd_str){longest, FLEET_SECRET_MAX + 1}, secret, &err), CD_OK);
}
END_TEST

START_TEST(which_name_is_meant)
{
  static const struct {
    const char *wanted;
    const char *name;
    bool fits;
  } rows[] = {
      {"desk-1", "desk-1", true},         {"DESK-1", "desk-1", true},
      {"desk-1", "Desk-1.example", true}, {"desk-1.example", "desk-1.example.org", false},
      {"desk", "desk-1", false},          {"desk-1", "desk-10", false},
      {"desk-1", "desk", false},          {"", "desk", false},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
    ck_assert_msg(fleet_name_fit(cd_str_from(rows[i].wanted), cd_str_from(rows[i].name)) ==
                      rows[i].fits,
                  "'%s' and '%s'", rows[i].wanted, rows[i].name);
}
END_TEST

/* Whatever name the console has in it: only the path is asked for, of the console that is verified.
 */
START_TEST(where_a_link_leads)
{
  static const struct {
    const char *link;
    const char *path; /* NULL: nowhere */
  } rows[] = {
      {"https://console:8443/api/cordon/packages/a.B-9_", "/api/cordon/packages/a.B-9_"},
      {"https://c/behind/a/proxy/api/cordon/packages/ab", "/api/cordon/packages/ab"},
      {"http://c/api/cordon/packages/ab", NULL},
      {"/api/cordon/packages/ab", NULL},
      {"https://c/api/cordon/packages/", NULL},
      {"https://c/api/cordon/packages/a/../b", NULL},
      {"https://c/api/cordon/packages/a?x", NULL},
      {"https://c/api/cordon/packages/a\r\nX: y", NULL},
      {"https://c/api/machines", NULL},
      {"", NULL},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    char path[FLEET_PATH_MAX] = "";
    bool leads = fleet_link_path(cd_str_from(rows[i].link), path, sizeof(path));
    ck_assert_msg(leads == (rows[i].path != NULL), "%s", rows[i].link);
    ck_assert_str_eq(path, leads ? rows[i].path : "");
  }
}
END_TEST

START_TEST(how_long_a_token_is_good)
{
  static const struct {
    const char *text;
    uint64_t hours; /* 0: refused */
  } rows[] = {{"1h", 1},   {"24h", 24},
              {"7d", 168}, {"365d", 8760},
              {"366d", 0}, {"0h", 0},
              {"h", 0},    {"", 0},
              {"24", 0},   {"1.5h", 0},
              {"-1h", 0},  {"24H", 0},
              {"30m", 0},  {"99999999999999999999d", 0}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    uint64_t hours = 0;
    cd_err err = {0};
    cd_code rc = fleet_span_read(rows[i].text, &hours, &err);
    ck_assert_msg((rc == CD_OK) == (rows[i].hours > 0), "'%s'", rows[i].text);
    ck_assert_uint_eq(hours, rows[i].hours);
  }
}
END_TEST

START_TEST(polls_grow_to_a_ceiling)
{
  uint64_t ms = 0;
  uint64_t total = 0;
  for (int i = 0; i < 30; i++) {
    uint64_t next = fleet_poll_ms(ms);
    ck_assert_uint_ge(next, ms);
    ck_assert_uint_le(next, 5000);
    ms = next;
    total += ms;
  }
  ck_assert_uint_eq(ms, 5000);
  ck_assert_uint_gt(total, 60000);
}
END_TEST

START_TEST(what_a_user_typed_stays_one_value)
{
  cd_buf out = CD_BUF_INIT(4096);
  fleet_path_add(&out, CD_STR("a/b?c=d&e#f g'h%\n\xc3\xbc~._-9Z"));
  ck_assert_str_eq(cd_buf_cstr(&out), "a%2Fb%3Fc%3Dd%26e%23f%20g%27h%25%0A%C3%BC~._-9Z");
  cd_buf_reset(&out);
  fleet_path_add_quoted(&out, CD_STR("o'neill"));
  ck_assert_str_eq(cd_buf_cstr(&out), "%27o%27%27neill%27");
  cd_buf_release(&out);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

Suite *suite_fleet_config(void)
{
  Suite *s = suite_create("ctl.fleet_config");
  TCase *tc = tcase_create("config");
  tcase_add_loop_test(tc, the_file, 0, ROWS(configs));
  tcase_add_test(tc, a_secret_loses_its_newline_only);
  tcase_add_test(tc, which_name_is_meant);
  tcase_add_test(tc, where_a_link_leads);
  tcase_add_test(tc, how_long_a_token_is_good);
  tcase_add_test(tc, polls_grow_to_a_ceiling);
  tcase_add_test(tc, what_a_user_typed_stays_one_value);
  suite_add_tcase(s, tc);
  return s;
}
