/* The journal's orders: generations, what is next, outcomes that are written once, wanted and
 * settled. */
#include "journal.h"

#include "entries.h"
#include "place.h"

#include <check.h>

#include <stdlib.h>
#include <string.h>

static cd_err err;

START_TEST(a_new_journal_knows_nothing)
{
  agent_journal *j = open_journal();
  agent_action *a = NULL;
  expect_wanted(j, false, 0, "");
  expect_settled(j, false, 0, "");
  ck_assert_int_eq(agent_journal_next(j, AGENT_CAP_ISOLATE, &a, &err), CD_E_NOTFOUND);
  ck_assert_ptr_null(a);
  ck_assert_uint_eq(count_open(j), 0);
  agent_journal_close(j);
  agent_journal_close(NULL);
}
END_TEST

START_TEST(orders_count_generations_across_reopen)
{
  agent_journal *j = open_journal();
  agent_action *first = place_order(j, AGENT_KIND_ISOLATE);
  agent_action *second = place_order(j, AGENT_KIND_RELEASE);
  ck_assert_uint_eq(first->generation, 1);
  ck_assert_uint_eq(second->generation, 2);
  expect_wanted(j, false, 2, second->id);
  agent_journal_close(j);
  j = open_journal();
  agent_action *third = place_order(j, AGENT_KIND_ISOLATE);
  ck_assert_uint_eq(third->generation, 3);
  expect_wanted(j, true, 3, third->id);
  ck_assert_uint_eq(count_open(j), 3);
  agent_action_free(first);
  agent_action_free(second);
  agent_action_free(third);
  agent_journal_close(j);
}
END_TEST

START_TEST(states_do_not_share_generations_or_queues)
{
  agent_journal *j = open_journal();
  agent_action *isolate = place_order(j, AGENT_KIND_ISOLATE);
  agent_action *other = make_action(AGENT_KIND_ISOLATE);
  agent_action *next = NULL;
  other->state = AGENT_CAP_RESTRICT;
  agent_wanted w = wanted_of(other);
  ck_assert_int_eq(agent_journal_order(j, other, &w, &err), CD_OK);
  ck_assert_uint_eq(other->generation, 1);
  ck_assert_uint_eq(count_open(j), 1);
  ck_assert_int_eq(agent_journal_next(j, AGENT_CAP_RESTRICT, &next, &err), CD_OK);
  ck_assert_str_eq(next->id, other->id);
  agent_action_free(next);
  agent_action_free(isolate);
  agent_action_free(other);
  agent_journal_close(j);
}
END_TEST

START_TEST(what_is_open_comes_back_oldest_first_as_it_was_recorded)
{
  agent_journal *j = open_journal();
  agent_action *a = make_action(AGENT_KIND_ISOLATE);
  ck_assert(agent_text_set(&a->comment, CD_STR("a \xc3\xa9 'quoted' comment")));
  agent_wanted w = wanted_of(a);
  ck_assert_int_eq(agent_journal_order(j, a, &w, &err), CD_OK);
  agent_action *second = place_order(j, AGENT_KIND_RELEASE);
  agent_action *next = NULL;
  ck_assert_int_eq(agent_journal_next(j, AGENT_CAP_ISOLATE, &next, &err), CD_OK);
  ck_assert_str_eq(next->id, a->id);
  ck_assert_int_eq(next->kind, AGENT_KIND_ISOLATE);
  ck_assert_int_eq(next->status, AGENT_PENDING);
  ck_assert_uint_eq(next->generation, 1);
  ck_assert_str_eq(next->user, "someone");
  ck_assert_uint_eq(next->user_id, 1234);
  ck_assert_uint_eq(next->process_id, 4321);
  ck_assert_int_eq(next->created_ms, 1000);
  ck_assert_int_eq(next->started_ms, 0);
  ck_assert_int_eq(next->ended_ms, 0);
  ck_assert_str_eq(next->comment, "a \xc3\xa9 'quoted' comment");
  ck_assert_str_eq(next->params, "{\"type\":\"full\"}");
  ck_assert_ptr_null(next->provider);
  ck_assert_ptr_null(next->sentence);
  ck_assert_ptr_null(next->result);
  agent_action_free(next);
  ck_assert_int_eq(end_action(j, a, CD_OK, NULL, NULL), CD_OK);
  ck_assert_int_eq(agent_journal_next(j, AGENT_CAP_ISOLATE, &next, &err), CD_OK);
  ck_assert_str_eq(next->id, second->id);
  ck_assert_ptr_null(next->comment);
  agent_action_free(next);
  agent_action_free(a);
  agent_action_free(second);
  agent_journal_close(j);
}
END_TEST

START_TEST(an_outcome_is_kept_whole)
{
  agent_journal *j = open_journal();
  agent_action *a = place_order(j, AGENT_KIND_ISOLATE);
  agent_action *back = NULL;
  a->status = AGENT_IN_PROGRESS;
  a->started_ms = 2000;
  ck_assert_int_eq(agent_journal_started(j, a, &err), CD_OK);
  ck_assert(agent_text_set(&a->provider, CD_STR("org.a")));
  ck_assert(agent_text_set(&a->sentence, CD_STR("why")));
  ck_assert(agent_text_set(&a->result, CD_STR("{\"x\":1}")));
  ck_assert_int_eq(end_action(j, a, CD_E_UNVERIFIED, NULL, NULL), CD_OK);
  agent_journal_close(j);
  j = open_journal();
  ck_assert_int_eq(agent_journal_action(j, a->id, &back, &err), CD_OK);
  ck_assert_int_eq(back->status, AGENT_FAILED);
  ck_assert_int_eq(back->outcome, CD_E_UNVERIFIED);
  ck_assert_int_eq(back->started_ms, 2000);
  ck_assert_int_eq(back->ended_ms, 3000);
  ck_assert_str_eq(back->provider, "org.a");
  ck_assert_str_eq(back->sentence, "why");
  ck_assert_str_eq(back->result, "{\"x\":1}");
  ck_assert_uint_eq(count_open(j), 0);
  agent_action_free(back);
  agent_action_free(a);
  agent_journal_close(j);
}
END_TEST

START_TEST(an_action_ends_once)
{
  agent_journal *j = open_journal();
  agent_action *a = place_order(j, AGENT_KIND_ISOLATE);
  agent_action *back = NULL;
  agent_wanted settled = wanted_of(a);
  ck_assert_int_eq(end_action(j, a, CD_OK, &settled, NULL), CD_OK);
  expect_settled(j, true, 1, a->id);
  agent_wanted other = {.known = true, .generation = 9};
  ck_assert_int_eq(end_action(j, a, CD_E_IO, &other, &other), CD_E_CONFLICT);
  expect_settled(j, true, 1, a->id);
  expect_wanted(j, true, 1, a->id);
  a->started_ms = 9999;
  a->status = AGENT_IN_PROGRESS;
  ck_assert_int_eq(agent_journal_started(j, a, &err), CD_OK);
  ck_assert_int_eq(agent_journal_action(j, a->id, &back, &err), CD_OK);
  ck_assert_int_eq(back->status, AGENT_SUCCEEDED);
  ck_assert_int_eq(back->outcome, CD_OK);
  ck_assert_int_eq(back->started_ms, 0);
  agent_action_free(back);
  agent_action *unknown = make_action(AGENT_KIND_RELEASE);
  ck_assert_int_eq(end_action(j, unknown, CD_OK, NULL, NULL), CD_E_CONFLICT);
  agent_action_free(unknown);
  agent_action_free(a);
  agent_journal_close(j);
}
END_TEST

START_TEST(an_order_that_is_on_record_already_changes_nothing)
{
  agent_journal *j = open_journal();
  agent_action *a = place_order(j, AGENT_KIND_ISOLATE);
  agent_action *twin = make_action(AGENT_KIND_RELEASE);
  memcpy(twin->id, a->id, sizeof(twin->id));
  agent_wanted w = wanted_of(twin);
  ck_assert_int_eq(agent_journal_order(j, twin, &w, &err), CD_E_IO);
  ck_assert_msg(strstr(err.text, "cannot record the order") != NULL, "%s", err.text);
  expect_wanted(j, true, 1, a->id);
  ck_assert_uint_eq(count_open(j), 1);
  agent_action *next = place_order(j, AGENT_KIND_RELEASE);
  ck_assert_uint_eq(next->generation, 2);
  agent_action_free(next);
  agent_action_free(twin);
  agent_action_free(a);
  agent_journal_close(j);
}
END_TEST

START_TEST(settled_follows_outcomes_and_wanted_follows_orders)
{
  agent_journal *j = open_journal();
  agent_action *isolate = place_order(j, AGENT_KIND_ISOLATE);
  expect_wanted(j, true, 1, isolate->id);
  expect_settled(j, false, 0, "");
  agent_wanted settled = wanted_of(isolate);
  ck_assert_int_eq(end_action(j, isolate, CD_OK, &settled, NULL), CD_OK);
  expect_settled(j, true, 1, isolate->id);
  agent_action *release = place_order(j, AGENT_KIND_RELEASE);
  expect_wanted(j, false, 2, release->id);
  expect_settled(j, true, 1, isolate->id);
  /* It could not be carried out and gives way: the value of before, under its own generation. */
  settled.generation = 2;
  ck_assert_int_eq(end_action(j, release, CD_E_UNAVAILABLE, NULL, &settled), CD_OK);
  agent_journal_close(j);
  j = open_journal();
  expect_wanted(j, true, 2, isolate->id);
  expect_settled(j, true, 1, isolate->id);
  agent_action_free(isolate);
  agent_action_free(release);
  agent_journal_close(j);
}
END_TEST

typedef struct listing {
  char ids[16][CD_ID_SIZE];
  unsigned count;
} listing;

static void note(void *context, const agent_action *a)
{
  listing *l = context;
  ck_assert_uint_lt(l->count, 16);
  memcpy(l->ids[l->count++], a->id, CD_ID_SIZE);
}

static listing list(agent_journal *j, unsigned limit, const char *before)
{
  listing l = {.count = 0};
  cd_code rc = agent_journal_actions(j, limit, before, note, &l, &err);
  ck_assert_msg(rc == CD_OK, "%s", err.text);
  return l;
}

START_TEST(actions_are_listed_newest_first_in_pages)
{
  agent_journal *j = open_journal();
  agent_action *a[5];
  ck_assert_uint_eq(list(j, 10, NULL).count, 0);
  for (int i = 0; i < 5; i++)
    a[i] = place_order(j, AGENT_KIND_ISOLATE);
  listing l = list(j, 10, NULL);
  ck_assert_uint_eq(l.count, 5);
  for (int i = 0; i < 5; i++)
    ck_assert_str_eq(l.ids[i], a[4 - i]->id);
  l = list(j, 2, a[3]->id);
  ck_assert_uint_eq(l.count, 2);
  ck_assert_str_eq(l.ids[0], a[2]->id);
  ck_assert_str_eq(l.ids[1], a[1]->id);
  ck_assert_uint_eq(list(j, 10, a[0]->id).count, 0);
  ck_assert_uint_eq(list(j, 10, "00000000-0000-0000-0000-000000000000").count, 0);
  for (int i = 0; i < 5; i++)
    agent_action_free(a[i]);
  agent_journal_close(j);
}
END_TEST

START_TEST(an_unknown_action_is_not_found)
{
  agent_journal *j = open_journal();
  agent_action *a = NULL;
  ck_assert_int_eq(agent_journal_action(j, "nothing", &a, &err), CD_E_NOTFOUND);
  ck_assert_str_eq(err.text, "there is no such action");
  agent_journal_close(j);
}
END_TEST

START_TEST(a_second_journal_on_the_same_folder_is_refused)
{
  agent_journal *j = open_journal();
  agent_journal *other = NULL;
  bool damaged = false;
  agent_action *a = place_order(j, AGENT_KIND_ISOLATE);
  ck_assert_int_eq(agent_journal_open(place(), &other, &damaged, &err), CD_E_IO);
  ck_assert_msg(strstr(err.text, "locked") != NULL, "%s", err.text);
  ck_assert_ptr_null(other);
  expect_wanted(j, true, 1, a->id);
  agent_action_free(a);
  agent_journal_close(j);
}
END_TEST

START_TEST(a_copy_of_a_wanted_value_is_its_own)
{
  char params[] = "{\"a\":1}";
  agent_wanted from = {.known = true, .isolated = true, .generation = 3, .params = params};
  agent_wanted to = {0};
  ck_assert_int_eq(agent_wanted_copy(&to, &from, &err), CD_OK);
  params[2] = 'b';
  ck_assert_str_eq(to.params, "{\"a\":1}");
  ck_assert_int_eq(agent_wanted_copy(&to, &to, &err), CD_OK);
  ck_assert_str_eq(to.params, "{\"a\":1}");
  from = (agent_wanted){.known = true, .generation = 4};
  ck_assert_int_eq(agent_wanted_copy(&to, &from, &err), CD_OK);
  ck_assert_ptr_null(to.params);
  ck_assert_uint_eq(to.generation, 4);
  agent_wanted_release(&to);
  ck_assert_uint_eq(to.generation, 0);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      a_new_journal_knows_nothing,
      orders_count_generations_across_reopen,
      states_do_not_share_generations_or_queues,
      what_is_open_comes_back_oldest_first_as_it_was_recorded,
      an_outcome_is_kept_whole,
      an_action_ends_once,
      an_order_that_is_on_record_already_changes_nothing,
      settled_follows_outcomes_and_wanted_follows_orders,
      actions_are_listed_newest_first_in_pages,
      an_unknown_action_is_not_found,
      a_second_journal_on_the_same_folder_is_refused,
      a_copy_of_a_wanted_value_is_its_own,
  };
  return run_suite("agent.journal", tests, COUNT_OF(tests));
}
