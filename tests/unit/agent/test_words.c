/* The tables: capabilities, functions, kinds and statuses, and an action in words. */
#include "action.h"
#include "place.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(capabilities_have_a_name_and_an_extension_each)
{
  static const char *const names[] = {"isolate", "restrict",  "facts",  "scan",
                                      "collect", "remediate", "notify", "respond"};
  char extension[64];
  ck_assert_uint_eq(COUNT_OF(names), AGENT_CAP_COUNT);
  for (int i = 0; i < AGENT_CAP_COUNT; i++) {
    agent_capability cap = AGENT_CAP_COUNT;
    ck_assert_str_eq(agent_capability_name((agent_capability)i), names[i]);
    (void)snprintf(extension, sizeof(extension), "cordon.%s/1", names[i]);
    ck_assert_str_eq(agent_capability_extension((agent_capability)i), extension);
    ck_assert(agent_capability_from_name(cd_str_from(names[i]), &cap));
    ck_assert_int_eq((int)cap, i);
    cap = AGENT_CAP_COUNT;
    ck_assert(agent_capability_from_extension(cd_str_from(extension), &cap));
    ck_assert_int_eq((int)cap, i);
  }
}
END_TEST

START_TEST(functions_have_a_name_a_budget_and_a_right)
{
  static const struct {
    const char *name;
    unsigned budget_ms;
    bool always;
  } rows[] = {
      {"probe", 10000, false}, {"apply", 30000, false}, {"release", 30000, true},
      {"query", 10000, true},  {"verify", 30000, true}, {"watch", 0, false},
      {"run", 30000, false},   {"undo", 30000, true},
  };
  ck_assert_uint_eq(COUNT_OF(rows), AGENT_FN_COUNT);
  for (int i = 0; i < AGENT_FN_COUNT; i++) {
    agent_function fn = AGENT_FN_COUNT;
    ck_assert_str_eq(agent_function_name((agent_function)i), rows[i].name);
    ck_assert_uint_eq(agent_function_budget_ms((agent_function)i), rows[i].budget_ms);
    ck_assert_int_eq(agent_function_always_allowed((agent_function)i), rows[i].always);
    ck_assert(agent_function_from_name(cd_str_from(rows[i].name), &fn));
    ck_assert_int_eq((int)fn, i);
  }
}
END_TEST

START_TEST(actions_use_the_words_of_the_public_api)
{
  static const char *const statuses[] = {"",       "Pending", "InProgress", "Succeeded",
                                         "Failed", "TimeOut", "Cancelled"};
  for (int i = AGENT_PENDING; i <= AGENT_CANCELLED; i++) {
    agent_action_status status = AGENT_PENDING;
    agent_action a = {.status = (agent_action_status)i};
    ck_assert_str_eq(agent_action_status_name((agent_action_status)i), statuses[i]);
    ck_assert(agent_action_status_from_name(cd_str_from(statuses[i]), &status));
    ck_assert_int_eq((int)status, i);
    ck_assert_int_eq(agent_action_ended(&a), i > AGENT_IN_PROGRESS);
  }
  for (int i = AGENT_KIND_ISOLATE; i <= AGENT_KIND_PREFLIGHT; i++) {
    agent_kind kind = AGENT_KIND_ISOLATE;
    ck_assert(agent_kind_from_name(cd_str_from(agent_kind_name((agent_kind)i)), &kind));
    ck_assert_int_eq((int)kind, i);
  }
}
END_TEST

START_TEST(unknown_words_are_refused_and_change_nothing)
{
  static const char *const rows[] = {"", "Isolate", "isolat", "isolate ", "pending", "succeeded"};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    cd_str word = cd_str_from(rows[i]);
    agent_capability cap = AGENT_CAP_SCAN;
    agent_function fn = AGENT_FN_UNDO;
    agent_kind kind = AGENT_KIND_RELEASE;
    agent_action_status status = AGENT_FAILED;
    ck_assert(!agent_capability_from_name(word, &cap));
    ck_assert(!agent_capability_from_extension(word, &cap));
    ck_assert(!agent_function_from_name(word, &fn));
    ck_assert(!agent_kind_from_name(word, &kind));
    ck_assert(!agent_action_status_from_name(word, &status));
    ck_assert(cap == AGENT_CAP_SCAN && fn == AGENT_FN_UNDO && kind == AGENT_KIND_RELEASE &&
              status == AGENT_FAILED);
  }
}
END_TEST

static void expect_written(const agent_action *a, const char *json)
{
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(4096);
  cd_jw w;
  cd_jw_init(&w, &out);
  agent_action_write(a, &w, NULL);
  ck_assert_msg(cd_jw_done(&w, "the action", &err) == CD_OK, "%s", err.text);
  ck_assert_str_eq(cd_buf_cstr(&out), json);
  cd_buf_release(&out);
}

START_TEST(an_action_is_written_as_documented)
{
  char comment[] = "why \"so\"";
  char params[] = "{\"type\":\"full\"}";
  char provider[] = "org.a";
  char sentence[] = "it did not work";
  char result[] = "{\"attempts\":1}";
  agent_action a = {.id = "01234567-89ab-7cde-8f01-23456789abcd",
                    .kind = AGENT_KIND_ISOLATE,
                    .status = AGENT_PENDING,
                    .generation = 7,
                    .user = "root",
                    .process_id = 42,
                    .created_ms = 1000,
                    .params = params};
  expect_written(&a, "{\"id\":\"01234567-89ab-7cde-8f01-23456789abcd\",\"kind\":\"isolate\","
                     "\"status\":\"Pending\",\"comment\":null,\"requestor\":{\"source\":\"local\","
                     "\"user\":\"root\",\"user_id\":0,\"pid\":42},"
                     "\"created\":\"1970-01-01T00:00:01.000Z\",\"started\":null,\"ended\":null,"
                     "\"params\":{\"type\":\"full\"},\"generation\":7,\"outcome\":null,"
                     "\"sentence\":null,\"provider\":null,\"result\":null}");
  a.status = AGENT_FAILED;
  a.started_ms = 2000;
  a.ended_ms = 3500;
  a.outcome = CD_E_UNVERIFIED;
  a.comment = comment;
  a.provider = provider;
  a.sentence = sentence;
  a.result = result;
  expect_written(&a, "{\"id\":\"01234567-89ab-7cde-8f01-23456789abcd\",\"kind\":\"isolate\","
                     "\"status\":\"Failed\",\"comment\":\"why \\\"so\\\"\",\"requestor\":{"
                     "\"source\":\"local\",\"user\":\"root\",\"user_id\":0,\"pid\":42},"
                     "\"created\":\"1970-01-01T00:00:01.000Z\","
                     "\"started\":\"1970-01-01T00:00:02.000Z\","
                     "\"ended\":\"1970-01-01T00:00:03.500Z\","
                     "\"params\":{\"type\":\"full\"},\"generation\":7,\"outcome\":\"unverified\","
                     "\"sentence\":\"it did not work\",\"provider\":\"org.a\","
                     "\"result\":{\"attempts\":1}}");
}
END_TEST

START_TEST(texts_are_replaced_by_copies)
{
  char text[] = "first";
  agent_action *a = calloc(1, sizeof(*a));
  ck_assert_ptr_nonnull(a);
  ck_assert(agent_text_set(&a->comment, cd_str_from(text)));
  text[0] = 'x';
  ck_assert_str_eq(a->comment, "first");
  ck_assert(agent_text_set(&a->comment, CD_STR("")));
  ck_assert_str_eq(a->comment, "");
  ck_assert(agent_text_set(&a->comment, cd_str_from(a->comment)));
  agent_action_free(a);
  agent_action_free(NULL);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      capabilities_have_a_name_and_an_extension_each,
      functions_have_a_name_a_budget_and_a_right,
      actions_use_the_words_of_the_public_api,
      unknown_words_are_refused_and_change_nothing,
      an_action_is_written_as_documented,
      texts_are_replaced_by_copies,
  };
  return run_suite("agent.words", tests, COUNT_OF(tests));
}
