#include "entries.h"

#include "place.h"

#include <check.h>

#include <stdlib.h>

agent_journal *open_journal(void)
{
  cd_err err = {0};
  agent_journal *j = NULL;
  bool damaged = true;
  cd_code rc = agent_journal_open(place(), &j, &damaged, &err);
  ck_assert_msg(rc == CD_OK, "%s", err.text);
  ck_assert(!damaged);
  return j;
}

agent_action *make_action(agent_kind kind)
{
  cd_err err = {0};
  agent_action *a = calloc(1, sizeof(*a));
  ck_assert_ptr_nonnull(a);
  ck_assert_int_eq(cd_id_make(a->id, &err), CD_OK);
  a->kind = kind;
  a->status = AGENT_PENDING;
  a->state = AGENT_CAP_ISOLATE;
  a->created_ms = 1000;
  a->user_id = 1234;
  a->process_id = 4321;
  ck_assert(cd_str_copy(a->user, sizeof(a->user), CD_STR("someone")));
  ck_assert(agent_text_set(&a->params, kind == AGENT_KIND_ISOLATE ? CD_STR("{\"type\":\"full\"}")
                                                                  : CD_STR("{}")));
  return a;
}

agent_wanted wanted_of(const agent_action *a)
{
  agent_wanted w = {.known = true,
                    .isolated = a->kind == AGENT_KIND_ISOLATE,
                    .generation = a->generation,
                    .since_ms = a->created_ms};
  (void)cd_str_copy(w.action, sizeof(w.action), cd_str_from(a->id));
  w.params = w.isolated ? a->params : NULL;
  return w;
}

agent_action *place_order(agent_journal *j, agent_kind kind)
{
  cd_err err = {0};
  agent_action *a = make_action(kind);
  agent_wanted w = wanted_of(a);
  cd_code rc = agent_journal_order(j, a, &w, &err);
  ck_assert_msg(rc == CD_OK, "%s", err.text);
  ck_assert_uint_eq(w.generation, a->generation);
  return a;
}

cd_code end_action(agent_journal *j, agent_action *a, cd_code outcome, const agent_wanted *settled,
                   const agent_wanted *wanted)
{
  cd_err err = {0};
  a->status = outcome == CD_OK ? AGENT_SUCCEEDED : AGENT_FAILED;
  a->outcome = outcome;
  a->ended_ms = 3000;
  return agent_journal_ended(j, a, settled, wanted, &err);
}

static void expect_value(const agent_wanted *w, bool isolated, uint64_t generation,
                         const char *action)
{
  ck_assert_int_eq(w->known, generation != 0);
  ck_assert_int_eq(w->isolated, isolated);
  ck_assert_uint_eq(w->generation, generation);
  if (action != NULL)
    ck_assert_str_eq(w->action, action);
  ck_assert_int_eq(w->params != NULL, isolated);
}

void expect_wanted(agent_journal *j, bool isolated, uint64_t generation, const char *action)
{
  cd_err err = {0};
  agent_wanted w = {0};
  cd_code rc = agent_journal_wanted(j, AGENT_CAP_ISOLATE, &w, &err);
  ck_assert_msg(rc == CD_OK, "%s", err.text);
  expect_value(&w, isolated, generation, action);
  agent_wanted_release(&w);
}

void expect_settled(agent_journal *j, bool isolated, uint64_t generation, const char *action)
{
  cd_err err = {0};
  agent_wanted w = {0};
  cd_code rc = agent_journal_settled(j, AGENT_CAP_ISOLATE, &w, &err);
  ck_assert_msg(rc == CD_OK, "%s", err.text);
  expect_value(&w, isolated, generation, action);
  agent_wanted_release(&w);
}

unsigned count_open(agent_journal *j)
{
  cd_err err = {0};
  unsigned count = 99;
  ck_assert_int_eq(agent_journal_unfinished_count(j, AGENT_CAP_ISOLATE, &count, &err), CD_OK);
  return count;
}
