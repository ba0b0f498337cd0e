/* cordond.json: what is taken, and the sentence for what is not. */
#include "config.h"
#include "place.h"

#include "base/limits.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static cd_err err;

static cd_code parse(const char *text, agent_config *c)
{
  err = (cd_err){0};
  return agent_config_parse(cd_str_from(text), "cordond.json", c, &err);
}

START_TEST(an_empty_file_means_the_defaults)
{
  agent_config c;
  agent_config d;
  cd_buf out = CD_BUF_INIT(64);
  agent_config_init(&d);
  agent_config_init(&c);
  ck_assert_msg(parse("{}", &c) == CD_OK, "%s", err.text);
  ck_assert_uint_eq(c.mark, d.mark);
  ck_assert_uint_eq(c.interval_s, 300);
  ck_assert_uint_eq(c.lost_after_s, 0);
  ck_assert_uint_eq(c.unreachable_after_s, 0);
  ck_assert_str_eq(c.plugin_user, "cordon-plugin");
  ck_assert_str_eq(c.local_group, "");
  ck_assert(c.notify_enabled);
  ck_assert_str_eq(c.notify_contact, "");
  ck_assert_int_eq(c.local_isolate, AGENT_WHO_GROUP);
  ck_assert_int_eq(c.local_release, AGENT_WHO_GROUP);
  ck_assert_uint_eq(c.agent_count, 0);
  ck_assert_uint_eq(c.distrust_count, 0);
  ck_assert_uint_eq(c.trial_s, 120);
  ck_assert_str_eq(c.log, "all=info");
  ck_assert_uint_eq(c.console_count, 0);
  ck_assert_uint_eq(c.resolver_count, 0);
  for (int cap = 0; cap < AGENT_CAP_COUNT; cap++)
    ck_assert_uint_eq(c.provider_count[cap], 0);
  agent_config_settings(&c, "org.example.any", &out);
  ck_assert_str_eq(cd_buf_cstr(&out), "{}");
  cd_buf_release(&out);
  agent_config_release(&c);
}
END_TEST

static const char whole[] =
    "{\"providers\":{\"isolate\":[\"org.a\",\"org.b\"],\"facts\":[\"org.f\"],\"respond\":[]},"
    "\"plugins\":{\"user\":\"nobody\",\"settings\":{\"org.a\":{\"x\":[1,{\"y\":null}]},\"org.b\":{}"
    "}},"
    "\"console\":{\"addresses\":[\"192.0.2.1:443\",\"[2001:DB8:0::1]:8443\"],"
    "\"resolvers\":[\"192.0.2.53\",\"2001:db8::53\"],\"mark\":4294967295},"
    "\"reconcile\":{\"interval_s\":5},\"isolate\":{\"lost_console\":{\"rule\":\"release\","
    "\"after_s\":86400},\"unreachable\":{\"rule\":\"release\",\"after_s\":30}},"
    "\"local\":{\"group\":\"operators\",\"release\":\"code\"},"
    "\"notify\":{\"enabled\":false,\"contact\":\"4711\"},\"log\":\"all,-"
    "control\"}";

START_TEST(every_member_is_taken)
{
  agent_config c;
  cd_buf out = CD_BUF_INIT(256);
  agent_config_init(&c);
  ck_assert_msg(parse(whole, &c) == CD_OK, "%s", err.text);
  ck_assert_uint_eq(c.provider_count[AGENT_CAP_ISOLATE], 2);
  ck_assert_uint_eq(c.lost_after_s, 86400);
  ck_assert_uint_eq(c.unreachable_after_s, 30);
  ck_assert_str_eq(c.providers[AGENT_CAP_ISOLATE][0], "org.a");
  ck_assert_str_eq(c.providers[AGENT_CAP_ISOLATE][1], "org.b");
  ck_assert_uint_eq(c.provider_count[AGENT_CAP_FACTS], 1);
  ck_assert_uint_eq(c.provider_count[AGENT_CAP_RESPOND], 0);
  ck_assert_str_eq(c.plugin_user, "nobody");
  ck_assert_uint_eq(c.console_count, 2);
  ck_assert_str_eq(c.console[0].address, "192.0.2.1");
  ck_assert_uint_eq(c.console[0].port, 443);
  ck_assert_str_eq(c.console[1].address, "2001:db8::1");
  ck_assert_uint_eq(c.console[1].port, 8443);
  ck_assert_uint_eq(c.resolver_count, 2);
  ck_assert_str_eq(c.resolvers[1], "2001:db8::53");
  ck_assert_uint_eq(c.mark, UINT32_MAX);
  ck_assert_uint_eq(c.interval_s, 5);
  ck_assert_str_eq(c.local_group, "operators");
  ck_assert_int_eq(c.local_release, AGENT_WHO_CODE);
  ck_assert(!c.notify_enabled);
  ck_assert_str_eq(c.notify_contact, "4711");
  ck_assert_str_eq(c.log, "all,-control");
  agent_config_settings(&c, "org.a", &out);
  ck_assert_str_eq(cd_buf_cstr(&out), "{\"x\":[1,{\"y\":null}]}");
  cd_buf_reset(&out);
  agent_config_settings(&c, "org.c", &out);
  ck_assert_str_eq(cd_buf_cstr(&out), "{}");
  cd_buf_release(&out);
  agent_config_release(&c);
}
END_TEST

#define DIGEST_A "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define DIGEST_B "sha256:ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

START_TEST(what_a_policy_may_say_is_taken_from_a_file_too)
{
  agent_config c;
  cd_digest a;
  cd_digest b;
  agent_config_init(&c);
  ck_assert(cd_digest_from_text(cd_str_from(DIGEST_A), &a));
  ck_assert(cd_digest_from_text(cd_str_from(DIGEST_B), &b));
  ck_assert_msg(parse("{\"plugins\":{\"distrust\":[\"" DIGEST_A "\"]},"
                      "\"console\":{\"agents\":[\"console.example:8444\",\"[2001:db8::1]:1\"]},"
                      "\"local\":{\"isolate\":\"nobody\",\"release\":\"administrators\"},"
                      "\"policy\":{\"trial_s\":5}}",
                      &c) == CD_OK,
                "%s", err.text);
  ck_assert_uint_eq(c.agent_count, 2);
  ck_assert_str_eq(c.agents[0], "console.example:8444");
  ck_assert_str_eq(c.agents[1], "[2001:db8::1]:1");
  ck_assert_int_eq(c.local_isolate, AGENT_WHO_NOBODY);
  ck_assert_int_eq(c.local_release, AGENT_WHO_ADMINISTRATORS);
  ck_assert_uint_eq(c.trial_s, 5);
  ck_assert(agent_config_distrusts(&c, &a));
  ck_assert(!agent_config_distrusts(&c, &b));
  agent_config_release(&c);
}
END_TEST

START_TEST(distrust_is_only_ever_added_to)
{
  agent_config file;
  agent_config policy;
  agent_config_init(&file);
  agent_config_init(&policy);
  ck_assert_int_eq(parse("{\"plugins\":{\"distrust\":[\"" DIGEST_A "\"]}}", &file), CD_OK);
  ck_assert_int_eq(parse("{\"plugins\":{\"distrust\":[\"" DIGEST_B "\"]}}", &policy), CD_OK);
  agent_config_distrust_too(&policy, &file);
  agent_config_distrust_too(&policy, &file);
  ck_assert_uint_eq(policy.distrust_count, 2);
  ck_assert(agent_config_distrusts(&policy, &file.distrust[0]));
  agent_config_release(&file);
  agent_config_release(&policy);
}
END_TEST

static const struct {
  const char *text;
  const char *sentence;
} bad[] = {
    {"[]", "the document must be an object, it is an array"},
    {"{", NULL},
    {"", NULL},
    {"{\"provider\":{}}", "provider is not a known key"},
    {"{\"Log\":\"all\"}", "Log is not a known key"},
    {"{\"log\":\"all\",\"log\":\"all\"}", "log is there twice"},
    {"{\"log\":3}", "log must be a string, it is a number"},
    {"{\"providers\":[]}", "providers must be an object, it is an array"},
    {"{\"providers\":{\"isolation\":[]}}", "providers.isolation is not a known key"},
    {"{\"providers\":{\"isolate\":\"org.a\"}}",
     "providers.isolate must be an array, it is a string"},
    {"{\"providers\":{\"isolate\":[1]}}", "providers.isolate[0] must be a string, it is a number"},
    {"{\"providers\":{\"isolate\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\"]}}",
     "providers.isolate has 9 elements, the limit is 8"},
    {"{\"providers\":{\"isolate\":[\"org.a\",\"org.a\"]}}",
     "providers.isolate names 'org.a' twice"},
    {"{\"plugins\":{\"users\":\"nobody\"}}", "plugins.users is not a known key"},
    {"{\"plugins\":{\"settings\":[]}}", "plugins.settings must be an object, it is an array"},
    {"{\"providers\":{\"isolate\":[\"org.a\"]},\"plugins\":{\"settings\":{\"org.a\":5}}}",
     "plugins.settings.org.a must be an object, it is a number"},
    {"{\"console\":{\"addresses\":[\"console.example:443\"]}}",
     "console.addresses 'console.example:443' is not ADDRESS:PORT with a literal IPv4 address or "
     "an IPv6 address in brackets"},
    {"{\"console\":{\"addresses\":[\"192.0.2.1:443\",\"192.0.2.1\"]}}",
     "console.addresses '192.0.2.1' is not ADDRESS:PORT with a literal IPv4 address or an IPv6 "
     "address in brackets"},
    {"{\"console\":{\"resolvers\":[\"dns.example\"]}}",
     "console.resolvers 'dns.example' is not an IPv4 or IPv6 address"},
    {"{\"console\":{\"mark\":0}}",
     "console.mark must not be 0: that is the mark of every other socket"},
    {"{\"console\":{\"mark\":4294967296}}",
     "console.mark must be a whole number from 0 to 4294967295, it is 4294967296"},
    {"{\"console\":{\"port\":1}}", "console.port is not a known key"},
    {"{\"local\":{\"release\":\"root\"}}",
     "local.release must be one of: administrators, group, nobody, code"},
    {"{\"reconcile\":{\"interval_s\":4}}", "reconcile.interval_s must be at least 5"},
    {"{\"reconcile\":{\"interval_s\":86401}}",
     "reconcile.interval_s must be a whole number from 0 to 86400, it is 86401"},
    {"{\"reconcile\":{\"interval_s\":5.5}}",
     "reconcile.interval_s must be a whole number from 0 to 86400, it is 5.5"},
    {"{\"reconcile\":{\"interval\":5}}", "reconcile.interval is not a known key"},
    {"{\"isolate\":{\"lease\":{}}}", "isolate.lease is not a known key"},
    {"{\"isolate\":{\"lost_console\":{\"rule\":\"release\",\"after_s\":59}}}", NULL},
    {"{\"isolate\":{\"unreachable\":{\"rule\":\"release\",\"after_s\":3601}}}", NULL},
    {"{\"isolate\":{\"unreachable\":{\"rule\":\"keep\",\"after_s\":60}}}", NULL},
    {"{\"local\":{\"groups\":\"x\"}}", "local.groups is not a known key"},
    {"{\"preflight\":{\"refuse\":\"a\"}}", "preflight.refuse must be an array, it is a string"},
    {"{\"preflight\":{\"refuse\":[\"Console\"]}}",
     "preflight.refuse 'Console' is no name of a check"},
    {"{\"preflight\":{\"refuse\":[\"a\"],\"warn\":[\"b\",\"a\"]}}",
     "preflight.warn names 'a', which 'refuse' names too"},
    {"{\"preflight\":{\"info\":[]}}", "preflight.info is not a known key"},
    {"{\"notify\":{\"enabled\":1}}", "notify.enabled must be true or false, it is a number"},
    {"{\"local\":{\"isolate\":\"everybody\"}}", NULL},
    {"{\"local\":{\"isolate\":\"code\"}}", NULL},
    {"{\"policy\":{\"trial_s\":4}}", "policy.trial_s must be at least 5"},
    {"{\"policy\":{\"trial\":9}}", "policy.trial is not a known key"},
    {"{\"console\":{\"agents\":[\"console.example\"]}}", NULL},
    {"{\"plugins\":{\"distrust\":[\"sha256:00\"]}}",
     "plugins.distrust has 'sha256:00', which is no digest"},
    {"{\"local\":{\"group\":7}}", "local.group must be a string, it is a number"},
};

START_TEST(what_is_wrong_is_named)
{
  char expected[CD_ERR_TEXT_MAX];
  agent_config c;
  agent_config_init(&c);
  c.interval_s = 77;
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    ck_assert_msg(parse(bad[i].text, &c) != CD_OK, "%s was taken", bad[i].text);
    ck_assert_msg(strncmp(err.text, "cordond.json: ", 14) == 0, "%s", err.text);
    (void)snprintf(expected, sizeof(expected), "cordond.json: %s",
                   bad[i].sentence != NULL ? bad[i].sentence : "");
    if (bad[i].sentence != NULL)
      ck_assert_str_eq(err.text, expected);
    ck_assert_msg(c.interval_s == 77 && c.doc == NULL, "%s changed the old one", bad[i].text);
  }
}
END_TEST

START_TEST(checks_of_the_preflight_are_named)
{
  agent_config c;
  agent_config_init(&c);
  ck_assert_msg(parse("{\"preflight\":{\"refuse\":[\"session_in_use\",\"x1\"],\"warn\":["
                      "\"console_tunnel\"]}}",
                      &c) == CD_OK,
                "%s", err.text);
  ck_assert_uint_eq(c.preflight_refuse.count, 2);
  ck_assert_str_eq(c.preflight_refuse.names[0], "session_in_use");
  ck_assert_uint_eq(c.preflight_warn.count, 1);
  ck_assert_str_eq(c.preflight_warn.names[0], "console_tunnel");
  agent_config_release(&c);
}
END_TEST

START_TEST(addresses_are_literal_and_canonical)
{
  static const struct {
    const char *text;
    const char *address; /* NULL: refused */
    unsigned port;
  } rows[] = {
      {"10.0.0.1:1", "10.0.0.1", 1},
      {"10.0.0.1:65535", "10.0.0.1", 65535},
      {"[::1]:443", "::1", 443},
      {"[2001:0db8:0000:0000:0000:0000:0000:0001]:443", "2001:db8::1", 443},
      {"[::ffff:192.0.2.1]:443", "::ffff:192.0.2.1", 443},
      {"10.0.0.1:0", NULL, 0},
      {"10.0.0.1:65536", NULL, 0},
      {"10.0.0.1:", NULL, 0},
      {"10.0.0.1", NULL, 0},
      {":443", NULL, 0},
      {"", NULL, 0},
      {"10.0.0.1:443 ", NULL, 0},
      {" 10.0.0.1:443", NULL, 0},
      {"10.0.0:443", NULL, 0},
      {"10.0.0.256:443", NULL, 0},
      {"010.0.0.1:443", NULL, 0},
      {"::1:443", NULL, 0},
      {"[::1]", NULL, 0},
      {"[::1]443", NULL, 0},
      {"[::1", NULL, 0},
      {"[]:443", NULL, 0},
      {"[::1%eth0]:443", NULL, 0},
      {"[fe80::1%1]:443", NULL, 0},
      {"[10.0.0.1]:443", NULL, 0},
      {"localhost:443", NULL, 0},
  };
  char text[256];
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    agent_config c;
    agent_config_init(&c);
    (void)snprintf(text, sizeof(text), "{\"console\":{\"addresses\":[\"%s\"]}}", rows[i].text);
    cd_code rc = parse(text, &c);
    ck_assert_msg((rc == CD_OK) == (rows[i].address != NULL), "'%s': %s", rows[i].text, err.text);
    if (rc == CD_OK) {
      ck_assert_str_eq(c.console[0].address, rows[i].address);
      ck_assert_uint_eq(c.console[0].port, rows[i].port);
    }
    agent_config_release(&c);
  }
}
END_TEST

START_TEST(a_second_parse_replaces_the_first)
{
  agent_config c;
  agent_config_init(&c);
  ck_assert_int_eq(parse(whole, &c), CD_OK);
  ck_assert_int_eq(parse("{\"reconcile\":{\"interval_s\":9}}", &c), CD_OK);
  ck_assert_uint_eq(c.interval_s, 9);
  ck_assert_uint_eq(c.provider_count[AGENT_CAP_ISOLATE], 0);
  agent_config_release(&c);
  agent_config_release(&c);
}
END_TEST

START_TEST(only_a_trusted_file_is_loaded)
{
  agent_config c;
  agent_config_init(&c);
  ck_assert_int_eq(agent_config_load(at("absent.json"), &c, &err), CD_E_NOTFOUND);
  ck_assert_ptr_nonnull(strstr(err.text, "absent.json"));
  put_text(at("c.json"), whole, 0666);
  ck_assert_int_eq(agent_config_load(at("c.json"), &c, &err), CD_E_DENIED);
  ck_assert_ptr_nonnull(strstr(err.text, "others may write"));
  put_text(at("c.json"), whole, 0644);
  if (strncmp(place(), "/run/", 5) == 0) {
    ck_assert_msg(agent_config_load(at("c.json"), &c, &err) == CD_OK, "%s", err.text);
    ck_assert_uint_eq(c.interval_s, 5);
  }
  agent_config_release(&c);
}
END_TEST

START_TEST(a_file_over_the_limit_is_refused)
{
  size_t len = CD_CONFIG_MAX + 1;
  char *text = malloc(len);
  agent_config c;
  ck_assert_ptr_nonnull(text);
  agent_config_init(&c);
  memset(text, ' ', len);
  text[0] = '{';
  text[len - 1] = '}';
  ck_assert_int_eq(agent_config_parse((cd_str){text, len}, "big", &c, &err), CD_E_LIMIT);
  ck_assert_str_eq(err.text, "big: 262145 bytes, the limit is 262144");
  free(text);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      an_empty_file_means_the_defaults,
      every_member_is_taken,
      what_a_policy_may_say_is_taken_from_a_file_too,
      distrust_is_only_ever_added_to,
      what_is_wrong_is_named,
      addresses_are_literal_and_canonical,
      checks_of_the_preflight_are_named,
      a_second_parse_replaces_the_first,
      only_a_trusted_file_is_loaded,
      a_file_over_the_limit_is_refused,
  };
  return run_suite("agent.config", tests, COUNT_OF(tests));
}
