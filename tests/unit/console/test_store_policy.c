/* Policies by tag and rank, versions that only grow, and exclusions that isolations follow. */
#include "store_policy.h"

#include "store_exclusions.h"
#include "store_place.h"

#include <string.h>

#define SERVERS "{\"providers\":{\"isolate\":[\"nftables\"]}}"
#define DESKS "{\"local\":{\"isolate\":\"administrators\"}}"
#define ONE "[{\"direction\":\"out\",\"address\":\"192.0.2.1\"}]"
#define TWO                                                                                        \
  "[{\"direction\":\"out\",\"address\":\"192.0.2.1\"},{\"direction\":\"in\",\"address\":\"192.0."  \
  "2.2\"}]"

static con_store *s;
static con_enrolled desk;

static void begin(void)
{
  s = open_store();
  desk = add_device(s, "desk-1", 1);
}

static uint64_t set(const char *name, const char *body)
{
  uint64_t revision = 0;
  expect_ok(con_policy_set(s, &alice, cd_str_from(name), cd_str_from(body), &revision, &err));
  return revision;
}

static void assign(const char *name, const char *tag, uint64_t rank)
{
  expect_ok(con_policy_assign(s, &alice, cd_str_from(name), cd_str_from(tag), rank, &err));
}

static void tag(const char *text, bool add)
{
  expect_ok(
      con_device_tag(s, &alice, cd_str_from(desk.device), cd_str_from(text), add, NULL, &err));
}

/* What the device is given: its version, and that it is this policy. */
static uint64_t given(const char *name, const char *body)
{
  con_device_policy p = {0};
  expect_ok(con_device_policy_issue(s, cd_str_from(desk.device), false, &p, &err));
  ck_assert_msg(cd_str_eq_cstr(p.name, name), "it is '%.*s'", CD_STR_ARG(p.name));
  ck_assert_msg(cd_str_eq_cstr(p.body, body), "it says %.*s", CD_STR_ARG(p.body));
  uint64_t version = p.version;
  con_device_policy_release(&p);
  return version;
}

START_TEST(a_device_has_the_policy_of_its_highest_tag)
{
  begin();
  con_device_policy p = {0};
  ck_assert_int_eq(con_device_policy_issue(s, cd_str_from(desk.device), false, &p, &err),
                   CD_E_NOTFOUND);
  set("servers", SERVERS);
  ck_assert_int_eq(con_device_policy_issue(s, cd_str_from(desk.device), false, &p, &err),
                   CD_E_NOTFOUND);
  set("default", "{}");
  ck_assert_uint_eq(given("default", "{}"), 1);
  assign("servers", "fleet", 5);
  ck_assert_uint_eq(given("servers", SERVERS), 2);
  ck_assert_uint_eq(given("servers", SERVERS), 2);
  set("desks", DESKS);
  assign("desks", "desk", 10);
  ck_assert_uint_eq(given("servers", SERVERS), 2);
  tag("desk", true);
  ck_assert_uint_eq(given("desks", DESKS), 3);
  assign("desks", "desk", 1);
  ck_assert_uint_eq(given("servers", SERVERS), 4);
  expect_ok(con_policy_unassign(s, &alice, CD_STR("servers"), CD_STR("fleet"), &err));
  ck_assert_uint_eq(given("desks", DESKS), 5);
  tag("desk", false);
  ck_assert_uint_eq(given("default", "{}"), 6);
  expect_ok(con_policy_remove(s, &alice, CD_STR("default"), &err));
  ck_assert_uint_eq(given("", "{}"), 7);
  ck_assert_uint_eq(given("", "{}"), 7);
  con_store_close(s);
}
END_TEST

START_TEST(of_two_tags_with_one_rank_the_first_counts)
{
  begin();
  set("a", SERVERS);
  set("b", DESKS);
  assign("a", "zebra", 3);
  assign("b", "aardvark", 3);
  tag("zebra", true);
  ck_assert_uint_eq(given("a", SERVERS), 1);
  tag("aardvark", true);
  ck_assert_uint_eq(given("b", DESKS), 2);
  con_store_close(s);
}
END_TEST

START_TEST(a_policy_that_is_set_again_is_given_again)
{
  begin();
  uint64_t first = set("default", SERVERS);
  ck_assert_uint_eq(given("default", SERVERS), 1);
  uint64_t second = set("default", SERVERS);
  ck_assert_uint_gt(second, first);
  ck_assert_uint_eq(given("default", SERVERS), 2);
  expect_ok(con_policy_remove(s, &alice, CD_STR("default"), &err));
  ck_assert_uint_gt(set("default", SERVERS), second);
  con_store_close(s);
}
END_TEST

/* A database of before must not be refused for ever. */
START_TEST(a_device_that_took_more_is_given_a_higher_version)
{
  begin();
  set("default", SERVERS);
  ck_assert_uint_eq(given("default", SERVERS), 1);
  expect_ok(con_device_policy_stands(s, cd_str_from(desk.device), CD_STR("{}"), 41, &err));
  ck_assert_uint_eq(given("default", SERVERS), 42);
  con_store_close(s);
}
END_TEST

START_TEST(what_was_signed_is_kept_until_the_next_version)
{
  begin();
  con_device_policy p = {0};
  cd_str device = cd_str_from(desk.device);
  set("default", SERVERS);
  ck_assert_uint_eq(given("default", SERVERS), 1);
  expect_ok(con_device_policy_signed(s, device, 1, CD_STR("a.b.c"), CD_STR("k"), &err));
  expect_ok(con_device_policy_signed(s, device, 2, CD_STR("x.y.z"), CD_STR("k"), &err));
  expect_ok(con_device_policy_get(s, device, &p, &err));
  ck_assert(cd_str_eq_cstr(p.jws, "a.b.c"));
  con_device_policy_release(&p);
  expect_ok(con_device_policy_issue(s, device, true, &p, &err));
  ck_assert_uint_eq(p.version, 2);
  ck_assert_uint_eq(p.jws.len, 0);
  con_device_policy_release(&p);
  con_store_close(s);
}
END_TEST

START_TEST(what_is_wrong_is_refused)
{
  begin();
  uint64_t revision = 0;
  expect_refused(con_policy_set(s, &alice, CD_STR("A b"), CD_STR("{}"), &revision, &err),
                 CD_E_INVALID, "name of a policy");
  expect_refused(
      con_policy_set(s, &alice, CD_STR("a"), CD_STR("{\"isolated\":true}"), &revision, &err),
      CD_E_INVALID, "isolated is not a known key");
  expect_refused(con_policy_assign(s, &alice, CD_STR("a"), CD_STR("t"), 1, &err), CD_E_NOTFOUND,
                 "no policy 'a'");
  set("a", "{}");
  assign("a", "t", 1);
  expect_refused(con_policy_remove(s, &alice, CD_STR("a"), &err), CD_E_CONFLICT, "assigned");
  expect_refused(con_policy_unassign(s, &alice, CD_STR("a"), CD_STR("u"), &err), CD_E_NOTFOUND,
                 "'a'");
  con_store_close(s);
}
END_TEST

static bool each_entry(void *context, const con_audit_entry *e)
{
  cd_buf *all = context;
  cd_buf_addf(all, "%.*s ", CD_STR_ARG(e->what));
  return true;
}

START_TEST(everything_is_in_the_audit_log)
{
  begin();
  cd_buf all = CD_BUF_INIT(4096);
  const con_audit_query query = {.first = 1, .limit = 100};
  set("a", "{}");
  assign("a", "fleet", 1);
  (void)given("a", "{}");
  expect_ok(con_policy_unassign(s, &alice, CD_STR("a"), CD_STR("fleet"), &err));
  expect_ok(con_policy_remove(s, &alice, CD_STR("a"), &err));
  expect_ok(con_audit_list(s, &query, each_entry, &all, &err));
  ck_assert_ptr_nonnull(strstr(cd_buf_cstr(&all), "policy.set policy.assign policy.issue "
                                                  "policy.unassign policy.remove"));
  cd_buf_release(&all);
  con_store_close(s);
}
END_TEST

/* ---- exclusions ---- */

static uint64_t put(const char *name, const char *json)
{
  uint64_t revision = 0;
  expect_ok(
      con_exclusion_set_put(s, &alice, cd_str_from(name), cd_str_from(json), &revision, &err));
  return revision;
}

static con_action_made isolate_with(const char *device, const char *name, uint64_t revision)
{
  con_action_made made = {0};
  const con_action_new n = {
      .device = cd_str_from(device),
      .kind = CD_ORDER_ISOLATE,
      .type = CD_STR("Isolate"),
      .scope = CD_STR("Selective"),
      .source = CD_STR("PublicApi"),
      .parameters = CD_STR("{\"type\":\"selective\",\"exclusions\":" ONE
                           ",\"lost_console\":{\"rule\":\"release\",\"after_s\":3600}}"),
      .exclusions_set = cd_str_from(name),
      .exclusions_revision = revision,
      .expires_ms = INT64_C(4000000000000)};
  expect_ok(con_action_create(s, &alice, &n, &made, &err));
  return made;
}

static cd_code follow(char device[CON_DEVICE_TEXT], con_action_made *made)
{
  return con_isolation_set_follow(s, INT64_C(4000000000000), device, made, &err);
}

static void end_action(const char *id, cd_action_status status)
{
  const con_action_outcome outcome = {.status = status,
                                      .outcome = CD_STR("ok"),
                                      .result = CD_STR("a.b.c"),
                                      .evidence = CD_STR("{}")};
  expect_ok(con_action_ended(s, cd_str_from(id), &outcome, &err));
}

START_TEST(an_isolation_follows_its_set_once_and_keeps_its_terms)
{
  begin();
  char device[CON_DEVICE_TEXT] = "";
  con_action_made made = {0};
  con_action a = {0};
  char name[CON_EXCLUSION_SET_MAX + 1] = "";
  uint64_t revision = 0;
  con_enrolled other = add_device(s, "desk-2", 2);
  uint64_t first = put("lab", ONE);
  con_action_made was = isolate_with(desk.device, "lab", first);
  (void)isolate(s, other.device);
  ck_assert_int_eq(follow(device, &made), CD_E_NOTFOUND);
  uint64_t second = put("lab", TWO);
  ck_assert_uint_gt(second, first);
  expect_ok(follow(device, &made));
  ck_assert_str_eq(device, desk.device);
  ck_assert_uint_eq(made.generation, was.generation + 1);
  ck_assert_int_eq(follow(device, &made), CD_E_NOTFOUND);
  expect_ok(con_action_get(s, cd_str_from(made.id), &a, &err));
  ck_assert(cd_str_eq_cstr(a.parameters,
                           "{\"type\":\"selective\",\"exclusions\":" TWO
                           ",\"lost_console\":{\"rule\":\"release\",\"after_s\":3600}}"));
  ck_assert(cd_str_starts(a.comment, CD_STR("The exclusions 'lab' were changed")));
  con_action_release(&a);
  expect_ok(con_isolation_set(s, cd_str_from(made.id), name, &revision, &err));
  ck_assert_str_eq(name, "lab");
  ck_assert_uint_eq(revision, second);
  /* It cannot honour them: what was before is wanted again, and it is not asked over and over. */
  end_action(was.id, CD_ACTION_SUCCEEDED);
  end_action(made.id, CD_ACTION_FAILED);
  ck_assert_int_eq(follow(device, &made), CD_E_NOTFOUND);
  (void)put("lab", ONE);
  expect_ok(follow(device, &made));
  con_store_close(s);
}
END_TEST

START_TEST(who_is_released_follows_nothing)
{
  begin();
  char device[CON_DEVICE_TEXT] = "";
  con_action_made made = {0};
  (void)isolate_with(desk.device, "lab", put("lab", ONE));
  expect_refused(con_exclusion_set_remove(s, &alice, CD_STR("lab"), &err), CD_E_CONFLICT,
                 "1 devices are isolated");
  (void)release(s, desk.device);
  (void)put("lab", TWO);
  ck_assert_int_eq(follow(device, &made), CD_E_NOTFOUND);
  expect_ok(con_exclusion_set_remove(s, &alice, CD_STR("lab"), &err));
  expect_refused(con_exclusion_set_remove(s, &alice, CD_STR("lab"), &err), CD_E_NOTFOUND, "'lab'");
  con_store_close(s);
}
END_TEST

START_TEST(exclusions_are_checked_by_the_rules_for_orders)
{
  static const struct {
    const char *list;
    bool good;
  } rows[] = {{ONE, true},
              {"[]", false},
              {"[{\"direction\":\"up\",\"address\":\"192.0.2.1\"}]", false},
              {"[{\"direction\":\"out\",\"address\":\"192.0.2.1\",\"host\":\"x\"}]", false},
              {"[{\"direction\":\"both\",\"address\":\"2001:db8::/32\",\"protocol\":\"udp\","
               "\"port\":\"9000-9100\",\"note\":\"media\"}]",
               true}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    cd_json_doc *doc = NULL;
    cd_buf text = CD_BUF_INIT(1024);
    cd_buf out = CD_BUF_INIT(1024);
    cd_json list = {0};
    cd_buf_addf(&text, "{\"l\":%s}", rows[i].list);
    expect_ok(cd_json_parse(cd_buf_view(&text), 1024, "rows", &doc, &err));
    cd_json root = cd_json_root(doc);
    cd_json_arr(&root, "l", 10, &list);
    ck_assert_int_eq(con_exclusions_print(&list, &out, &err) == CD_OK, rows[i].good);
    if (rows[i].good)
      ck_assert_str_eq(cd_buf_cstr(&out), rows[i].list);
    cd_json_free(doc);
    cd_buf_release(&out);
    cd_buf_release(&text);
  }
}
END_TEST

static void refused_policy(const char *why)
{
  con_device_policy p = {0};
  expect_refused(con_device_policy_issue(s, cd_str_from(desk.device), false, &p, &err),
                 CD_E_CONFLICT, why);
}

START_TEST(a_policy_that_was_edited_in_the_database_is_given_to_nobody)
{
  begin();
  set("default", SERVERS);
  ck_assert_uint_eq(given("default", SERVERS), 1);
  attack("UPDATE policy SET body = '" DESKS "', revision = revision + 1");
  refused_policy("'default' is in the database as the audit log does not record it");
  attack("UPDATE policy SET revision = revision - 1");
  ck_assert_uint_eq(given("default", SERVERS), 1);
  set("default", DESKS);
  ck_assert_uint_eq(given("default", DESKS), 2);
  attack("UPDATE policy SET name = ''");
  attack("INSERT INTO policy_tag(tag, policy, rank) VALUES('fleet', '', 99)");
  refused_policy("has a name that none can have");
  attack("DELETE FROM policy_tag; UPDATE policy SET name = 'default'");
  /* What was once said and no longer is, also if what was said since is spoilt. */
  attack("UPDATE policy SET body = '" SERVERS "', revision = 1");
  refused_policy("'default'");
  attack("UPDATE audit SET detail = '{}' WHERE what = 'policy.set' AND sequence ="
         " (SELECT max(sequence) FROM audit WHERE what = 'policy.set')");
  refused_policy("is not as the console wrote it");
  con_store_close(s);
}
END_TEST

START_TEST(a_policy_that_was_inserted_or_came_back_is_given_to_nobody)
{
  begin();
  attack("INSERT INTO policy(name, body, revision, updated, updated_by, comment)"
         " VALUES('default', '{}', 1, 1, 'alice', 'x')");
  refused_policy("'default'");
  set("default", SERVERS);
  ck_assert_uint_eq(given("default", SERVERS), 1);
  expect_ok(con_policy_remove(s, &alice, CD_STR("default"), &err));
  attack("INSERT INTO policy(name, body, revision, updated, updated_by, comment)"
         " VALUES('default', '" SERVERS "', 1, 1, 'alice', 'x')");
  attack("UPDATE device_policy SET revision = 0");
  refused_policy("'default'");
  con_store_close(s);
}
END_TEST

START_TEST(a_tag_that_was_edited_in_the_database_gives_no_policy)
{
  begin();
  set("default", SERVERS);
  set("desks", DESKS);
  assign("desks", "desk", 1);
  tag("desk", true);
  ck_assert_uint_eq(given("desks", DESKS), 1);
  attack("UPDATE policy_tag SET policy = 'default'");
  refused_policy("policy 'default' has the tag 'desk'");
  attack("UPDATE policy_tag SET policy = 'desks'");
  ck_assert_uint_eq(given("desks", DESKS), 1);
  attack("INSERT INTO policy_tag(tag, policy, rank) VALUES('', 'default', 99);"
         "UPDATE device SET tags = '[\"\"]'");
  refused_policy("policy 'default' has the tag ''");
  attack("DELETE FROM policy_tag WHERE tag = ''; UPDATE device SET tags = '[\"desk\",\"fleet\"]'");
  attack("INSERT INTO policy_tag(tag, policy, rank) VALUES('fleet', 'default', 9)");
  refused_policy("policy 'default' has the tag 'fleet'");
  assign("default", "fleet", 9);
  ck_assert_uint_eq(given("default", SERVERS), 2);
  con_store_close(s);
}
END_TEST

START_TEST(exclusions_that_were_edited_in_the_database_are_not_followed)
{
  begin();
  char device[CON_DEVICE_TEXT] = "";
  con_action_made made = {0};
  con_exclusion_set x = {0};
  con_enrolled other = add_device(s, "desk-2", 2);
  (void)isolate_with(desk.device, "a", put("a", ONE));
  (void)isolate_with(other.device, "b", put("b", ONE));
  attack("UPDATE exclusion_set SET json = '" TWO "', revision = revision + 100 WHERE name = 'a'");
  expect_refused(follow(device, &made), CD_E_CONFLICT, "'a' is in the database as the audit log");
  expect_ok(con_exclusion_set_get(s, CD_STR("a"), &x, &err));
  expect_refused(con_exclusion_set_check(s, &x, &err), CD_E_CONFLICT, "'a'");
  con_exclusion_set_release(&x);
  /* Nor under a name that none can have, which is looked at first. */
  attack("UPDATE exclusion_set SET name = '' WHERE name = 'a'; UPDATE isolation_set SET name = ''"
         " WHERE name = 'a'");
  expect_refused(follow(device, &made), CD_E_CONFLICT, "has a name that none can have");
  attack("UPDATE exclusion_set SET name = 'a' WHERE name = ''; UPDATE isolation_set SET name = 'a'"
         " WHERE name = ''");
  /* The others are followed all the same. */
  (void)put("b", TWO);
  expect_ok(follow(device, &made));
  ck_assert_str_eq(device, other.device);
  (void)put("a", TWO);
  expect_ok(follow(device, &made));
  ck_assert_str_eq(device, desk.device);
  expect_ok(con_exclusion_set_get(s, CD_STR("a"), &x, &err));
  expect_ok(con_exclusion_set_check(s, &x, &err));
  con_exclusion_set_release(&x);
  con_store_close(s);
}
END_TEST

/* As many as a set may have. */
START_TEST(a_large_set_is_followed)
{
  begin();
  char device[CON_DEVICE_TEXT] = "";
  con_action_made made = {0};
  cd_buf json = CD_BUF_INIT(CD_PARAMETERS_MAX);
  cd_buf_add_char(&json, '[');
  for (int i = 0; i < 1000; i++)
    cd_buf_addf(&json, "%s{\"direction\":\"out\",\"address\":\"192.0.%d.%d\",\"port\":\"443\"}",
                i > 0 ? "," : "", i / 250, i % 250 + 1);
  cd_buf_add_char(&json, ']');
  expect_ok(cd_buf_status(&json, "the set", &err));
  (void)isolate_with(desk.device, "large", put("large", ONE));
  (void)put("large", cd_buf_cstr(&json));
  expect_ok(follow(device, &made));
  cd_buf_release(&json);
  con_store_close(s);
}
END_TEST

START_TEST(an_isolation_that_was_edited_in_the_database_follows_nothing)
{
  begin();
  char device[CON_DEVICE_TEXT] = "";
  con_action_made made = {0};
  (void)isolate_with(desk.device, "a", put("a", ONE));
  (void)put("a", TWO);
  attack("UPDATE exclusion_set SET updated_by = 'mallory'");
  expect_refused(follow(device, &made), CD_E_CONFLICT, "'a'");
  attack("UPDATE exclusion_set SET updated_by = 'alice'");
  (void)put("b", TWO);
  attack("UPDATE isolation_set SET name = 'b', revision = 0");
  expect_refused(follow(device, &made), CD_E_CONFLICT, "what is wanted of device");
  attack("UPDATE isolation_set SET name = 'a', revision = 1");
  attack("UPDATE wanted SET parameters = replace(parameters, '3600', '60')");
  expect_refused(follow(device, &made), CD_E_CONFLICT, "what is wanted of device");
  attack("UPDATE wanted SET parameters = replace(parameters, ':60', ':3600')");
  expect_ok(follow(device, &made));
  con_store_close(s);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      a_device_has_the_policy_of_its_highest_tag,
      of_two_tags_with_one_rank_the_first_counts,
      a_policy_that_is_set_again_is_given_again,
      a_device_that_took_more_is_given_a_higher_version,
      what_was_signed_is_kept_until_the_next_version,
      what_is_wrong_is_refused,
      everything_is_in_the_audit_log,
      a_policy_that_was_edited_in_the_database_is_given_to_nobody,
      a_policy_that_was_inserted_or_came_back_is_given_to_nobody,
      a_tag_that_was_edited_in_the_database_gives_no_policy,
      exclusions_that_were_edited_in_the_database_are_not_followed,
      a_large_set_is_followed,
      an_isolation_that_was_edited_in_the_database_follows_nothing,
      an_isolation_follows_its_set_once_and_keeps_its_terms,
      who_is_released_follows_nothing,
      exclusions_are_checked_by_the_rules_for_orders,
  };
  return run_suite("console.store_policy", tests, COUNT_OF(tests));
}
