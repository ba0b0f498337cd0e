/* Whether the agent may be taken off a device: by journal, configuration and the policy over it. */
#include "setup_end.h"

#include "enrolment.h"
#include "entries.h"
#include "journal_policy.h"
#include "place.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static cd_err err;

static void configure(const char *text)
{
  put_text(at("cordond.json"), text, 0644);
}

/* The id of its fleet. */
static void enrol(char ret_root[CD_KEY_ID_TEXT_MAX])
{
  agent_enrolment *e = agent_enrolment_new();
  ck_assert_ptr_nonnull(e);
  ck_assert_int_eq(agent_device_key(place(), &e->device_key, &err), CD_OK);
  (void)cd_str_copy(e->device, sizeof(e->device), CD_STR("desk-1"));
  e->root = *cd_key_public(e->device_key);
  cd_public_key_id(&e->root, e->root_id);
  e->ca = cd_str_dup(CD_STR("CA"));
  e->certificate = cd_str_dup(CD_STR("CERT"));
  e->tls_key = cd_str_dup(CD_STR("KEY"));
  e->statement = cd_str_dup(CD_STR("a.b.c"));
  e->order_key = cd_str_dup(CD_STR("d.e.f"));
  e->agent_count = 1;
  (void)cd_str_copy(e->agents[0], sizeof(e->agents[0]), CD_STR("console.example:8443"));
  ck_assert_msg(agent_enrolment_store(place(), e, &err) == CD_OK, "%s", err.text);
  (void)cd_str_copy(ret_root, CD_KEY_ID_TEXT_MAX, cd_str_from(e->root_id));
  agent_enrolment_free(e);
}

static void wanted(agent_kind kind)
{
  agent_journal *j = open_journal();
  agent_action_free(place_order(j, kind));
  agent_journal_close(j);
}

static void policy(const char *root, uint64_t version, const char *text)
{
  agent_journal *j = open_journal();
  char *body = cd_str_dup(cd_str_from(text));
  agent_policy_record r = {.version = version, .name = "servers", .body = body, .taken_ms = 77};
  ck_assert_msg(agent_journal_policy_take(j, root, &r, 1, &err) == CD_OK, "%s", err.text);
  free(body);
  agent_journal_close(j);
}

static void may(void)
{
  ck_assert_msg(agent_setup_may_end(at("cordond.json"), place(), &err) == CD_OK, "%s", err.text);
}

static void may_not(cd_code code, const char *said)
{
  ck_assert_int_eq(agent_setup_may_end(at("cordond.json"), place(), &err), code);
  ck_assert_msg(strstr(err.text, said) != NULL, "%s", err.text);
}

START_TEST(a_device_that_is_not_isolated_may_be_left)
{
  configure("{\"local\":{\"release\":\"nobody\"}}");
  may();
  wanted(AGENT_KIND_ISOLATE);
  wanted(AGENT_KIND_RELEASE);
  may();
}
END_TEST

START_TEST(an_isolated_one_by_its_file)
{
  configure("{\"local\":{\"release\":\"administrators\"}}");
  wanted(AGENT_KIND_ISOLATE);
  may();
  configure("{\"local\":{\"release\":\"code\"}}");
  may_not(CD_E_DENIED, "lets nobody here end that");
  configure("{\"local\":{\"release\":\"nobody\"}}");
  may_not(CD_E_DENIED, "lets nobody here end that");
}
END_TEST

START_TEST(the_policy_lies_over_the_file)
{
  char root[CD_KEY_ID_TEXT_MAX];
  configure("{\"local\":{\"release\":\"group\"}}");
  enrol(root);
  wanted(AGENT_KIND_ISOLATE);
  may();
  policy(root, 1, "{\"local\":{\"release\":\"nobody\"}}");
  may_not(CD_E_DENIED, "lets nobody here end that");
  policy(root, 2, "{\"local\":{\"release\":\"administrators\"}}");
  may();
  configure("{\"local\":{\"release\":\"nobody\"}}");
  may();
  policy(root, 3, "{\"notify\":{\"enabled\":false}}");
  may_not(CD_E_DENIED, "lets nobody here end that");
}
END_TEST

START_TEST(the_policy_of_another_fleet_says_nothing)
{
  char root[CD_KEY_ID_TEXT_MAX];
  configure("{}");
  enrol(root);
  wanted(AGENT_KIND_ISOLATE);
  policy("another", 1, "{\"local\":{\"release\":\"nobody\"}}");
  may();
}
END_TEST

START_TEST(what_cannot_be_read_keeps_the_agent)
{
  char root[CD_KEY_ID_TEXT_MAX];
  configure("{}");
  enrol(root);
  wanted(AGENT_KIND_ISOLATE);
  policy(root, 1, "{\"local\":{\"release\":\"whoever\"}}");
  may_not(CD_E_INVALID, "the agent stays, since the device is to be isolated");
  policy(root, 2, "{}");
  may();
  put_text(at("enrolment.json"), "{", 0600);
  may_not(CD_E_INVALID, "the agent stays, since the device is to be isolated");
}
END_TEST

START_TEST(a_journal_that_is_damaged_keeps_a_device_of_a_fleet)
{
  char root[CD_KEY_ID_TEXT_MAX];
  configure("{}");
  enrol(root);
  put_text(at("journal.db"), "no database, but longer than the header of one would be, by far",
           0600);
  ck_assert_int_ne(agent_setup_may_end(at("cordond.json"), place(), &err), CD_OK);
  ck_assert_msg(strstr(err.text, "the agent stays") != NULL, "%s", err.text);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      a_device_that_is_not_isolated_may_be_left,
      an_isolated_one_by_its_file,
      the_policy_lies_over_the_file,
      the_policy_of_another_fleet_says_nothing,
      what_cannot_be_read_keeps_the_agent,
      a_journal_that_is_damaged_keeps_a_device_of_a_fleet,
  };
  return getuid() == 0 ? run_suite("agent.setup_end", tests, COUNT_OF(tests)) : 77;
}
