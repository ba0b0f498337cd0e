/* cordon-console.json: what is taken, and the sentence for what is not. */
#include "config.h"

#include "web_suites.h"

#include <string.h>

#include "platform/file.h"

#define PEOPLE "\"people\":{\"url\":\"https://c:8443\"}"
#define AGENTS "\"agents\":{\"addresses\":[\"c:8444\"]}"
#define NAMES "\"names\":[\"c\"]"
#define BASE PEOPLE "," AGENTS "," NAMES

static const struct {
  const char *text;
  const char *complaint; /* NULL: it is good */
} rows[] = {
    {"{" BASE "}", NULL},
    {"{" PEOPLE "," AGENTS "}", "names"},
    {"{" PEOPLE "," NAMES "}", "agents.addresses"},
    {"{" AGENTS "," NAMES "}", "people.url"},
    {"{" BASE ",\"nonsense\":1}", "nonsense"},
    {"{" BASE ",\"data_dir\":\"relative\"}", "data_dir"},
    {"{" BASE ",\"action_days\":0}", "action_days"},
    {"{\"people\":{\"url\":\"http://c:8443\"}," AGENTS "," NAMES "}", "people.url"},
    {"{\"people\":{\"url\":\"https://c:8443/\"}," AGENTS "," NAMES "}", "people.url"},
    {"{\"people\":{\"url\":\"https://c\"}," AGENTS "," NAMES "}", "people.url"},
    {"{\"people\":{\"url\":\"https://c:1\",\"listen\":\"1.2.3.4:5\"}," AGENTS "," NAMES "}", NULL},
    {"{\"people\":{\"url\":\"https://c:1\",\"listen\":\"[::1]:5\"}," AGENTS "," NAMES "}", NULL},
    {"{\"people\":{\"url\":\"https://c:1\",\"listen\":\"*:5\"}," AGENTS "," NAMES "}", NULL},
    {"{\"people\":{\"url\":\"https://c:1\",\"listen\":\"c:5\"}," AGENTS "," NAMES "}",
     "people.listen"},
    {"{\"people\":{\"url\":\"https://c:1\",\"listen\":\"*:0\"}," AGENTS "," NAMES "}",
     "people.listen"},
    {"{\"people\":{\"url\":\"https://c:1\",\"key\":\"/k\"}," AGENTS "," NAMES "}",
     "people.certificate"},
    {"{" PEOPLE ",\"agents\":{\"addresses\":[\"c\"]}," NAMES "}", "agents.addresses"},
    {"{" PEOPLE "," AGENTS ",\"names\":[\"a b\"]}", "names"},
    {"{" BASE ",\"exclusions\":[{\"name\":\"a\",\"exclusions\":[{\"direction\":\"out\",\"address\":"
     "\"192.0.2.1\"}]}]}",
     NULL},
    {"{" BASE ",\"exclusions\":[{\"name\":\"a\",\"exclusions\":[]}]}", "exclusions"},
    {"{" BASE ",\"exclusions\":[{\"name\":\"a\",\"exclusions\":[{\"direction\":\"up\",\"address\":"
     "\"192.0.2.1\"}]}]}",
     "exclusions"},
};

START_TEST(a_configuration_is_taken_or_refused)
{
  con_config c;
  cd_err err = {0};
  con_config_init(&c);
  cd_code rc = con_config_parse(cd_str_from(rows[_i].text), "file", &c, &err);
  ck_assert_msg((rc == CD_OK) == (rows[_i].complaint == NULL), "%s: %s", rows[_i].text, err.text);
  if (rows[_i].complaint != NULL)
    ck_assert_msg(strstr(err.text, rows[_i].complaint) != NULL, "%s", err.text);
  con_config_release(&c);
}
END_TEST

START_TEST(the_one_that_is_installed_is_good)
{
  con_config c;
  cd_err err = {0};
  cd_str json = {0};
  cd_buf text = CD_BUF_INIT(CD_CONFIG_MAX);
  con_config_init(&c);
  ck_assert_int_eq(pf_file_read(CONSOLE_CONFIG, CD_CONFIG_MAX, &text, &err), CD_OK);
  ck_assert_msg(con_config_parse(cd_buf_view(&text), "file", &c, &err) == CD_OK, "%s", err.text);
  ck_assert_uint_eq(c.people.port, 8443);
  ck_assert_uint_eq(c.limit.per_minute, 100);
  ck_assert(!con_config_exclusions(&c, CD_STR("default"), &json));
  con_config_release(&c);
  cd_buf_release(&text);
}
END_TEST

Suite *suite_config(void)
{
  Suite *s = suite_create("console.config");
  TCase *t = tcase_create("config");
  tcase_add_loop_test(t, a_configuration_is_taken_or_refused, 0, sizeof(rows) / sizeof(rows[0]));
  tcase_add_test(t, the_one_that_is_installed_is_good);
  suite_add_tcase(s, t);
  return s;
}
