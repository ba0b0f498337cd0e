/* Who carries out a job, with providers of the test's in the supervisor's place. */
#include "job.h"
#include "remediate.h"

#include "entries.h"
#include "place.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the supervisor ---- */

#define ORDER "{\"operation\":\"module.disable\",\"target\":{\"name\":\"x\"}}"

static cd_err err;
static agent_plugin first = {.manifest = {.id = "org.first"}};
static agent_plugin second = {.manifest = {.id = "org.second"}};
static bool first_notes;
static agent_action *ended;

agent_plugin *agent_supervisor_provider(const agent_supervisor *s, agent_capability cap, unsigned i,
                                        const char **ret_id, bool *ret_more)
{
  agent_plugin *const list[] = {&first, &second};
  (void)s;
  (void)cap;
  *ret_more = i < COUNT_OF(list);
  if (!*ret_more)
    return NULL;
  *ret_id = list[i]->manifest.id;
  return list[i];
}

cd_code agent_supervisor_undo(const agent_supervisor *s, const agent_plugin *p,
                              agent_capability cap, cd_str record, cd_err *ret_err)
{
  (void)s;
  (void)p;
  (void)cap;
  (void)record;
  return cd_fail(ret_err, CD_E_INTERNAL, "a remediation keeps its own");
}

cd_code agent_supervisor_run(agent_supervisor *s, agent_plugin *p, agent_capability cap,
                             const agent_op_order *order, agent_op **ret_op, cd_err *ret_err)
{
  (void)s;
  (void)cap;
  *ret_op = NULL;
  agent_op_end end = {.status = p == &first ? CD_E_UNAVAILABLE : CD_OK,
                      .sentence = p == &first ? "the service manager: no answer" : "",
                      .result = p == &first ? CD_STR("{\"by\":1}") : CD_STR("{\"by\":2}")};
  if (p == &first && first_notes)
    ck_assert_int_eq(order->events->on_undo(order->owner, CD_STR("{\"do\":\"x\"}"), ret_err),
                     CD_OK);
  order->events->on_end(order->owner, &end);
  return CD_OK;
}

void agent_op_cancel(agent_op *op)
{
  (void)op;
}

static void on_action(void *owner, const agent_action *a)
{
  agent_journal *j = owner;
  if (agent_action_ended(a))
    ck_assert_int_eq(agent_journal_action(j, a->id, &ended, &err), CD_OK);
}

static void on_step(void *owner, const agent_action *a, const char *step, uint64_t done,
                    uint64_t total, cd_str what)
{
  (void)owner;
  (void)a;
  (void)step;
  (void)done;
  (void)total;
  (void)what;
}

/* ---- the facts ---- */

/* One remediation from its order to its end; what is on record of it then is in `ended`. */
static void remediate(void)
{
  static const agent_jobs_events events = {.on_action = on_action, .on_step = on_step};
  char id[CD_ID_SIZE];
  uv_loop_t loop;
  pf_identity who = {.user = "someone"};
  agent_jobs *jobs = NULL;
  agent_remediate *r = NULL;
  agent_supervisor sup = {.loop = &loop};
  agent_journal *j = open_journal();
  agent_job_request request = {
      .capability = AGENT_CAP_REMEDIATE, .params = CD_STR(ORDER), .who = &who};
  ck_assert_int_eq(uv_loop_init(&loop), 0);
  ck_assert_int_eq(agent_jobs_new(&sup, j, &events, j, &jobs, &err), CD_OK);
  ck_assert_int_eq(agent_remediate_new(jobs, j, &r, &err), CD_OK);
  ck_assert_int_eq(agent_jobs_order(jobs, &request, id, &err), CD_OK);
  agent_jobs_kick(jobs, AGENT_CAP_REMEDIATE);
  agent_jobs_stop(jobs);
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  agent_jobs_free(jobs);
  agent_remediate_free(r);
  agent_journal_close(j);
  ck_assert_int_eq(uv_loop_close(&loop), 0);
  ck_assert_ptr_nonnull(ended);
}

START_TEST(one_that_cannot_is_passed_over_for_the_next)
{
  remediate();
  ck_assert_str_eq(ended->provider, "org.second");
  ck_assert_int_eq(ended->outcome, CD_OK);
  ck_assert_ptr_nonnull(strstr(ended->result, "\"remediate\":{\"by\":2}"));
  agent_action_free(ended);
}
END_TEST

/* What it did would be nobody's, and "no change was on record" would be said of it. */
START_TEST(one_that_has_noted_an_undo_record_is_not_passed_over)
{
  first_notes = true;
  remediate();
  ck_assert_str_eq(ended->provider, "org.first");
  ck_assert_int_eq(ended->outcome, CD_E_UNAVAILABLE);
  ck_assert_str_eq(ended->sentence, "the service manager: no answer");
  ck_assert_ptr_nonnull(strstr(ended->result, "\"remediate\":{\"by\":1}"));
  agent_action_free(ended);
}
END_TEST

/* One that was ordered here had somebody who waited for it, and nobody does after a restart; one of
 * the console waits. Which of them is first in the queue does not matter. */
START_TEST(after_a_restart_only_the_consoles_run)
{
  static const agent_jobs_events events = {.on_action = on_action, .on_step = on_step};
  uv_loop_t loop;
  agent_jobs *jobs = NULL;
  agent_remediate *r = NULL;
  agent_supervisor sup = {.loop = &loop};
  agent_journal *j = open_journal();
  agent_action *waiting[3];
  agent_action *now = NULL;
  for (size_t i = 0; i < COUNT_OF(waiting); i++) {
    waiting[i] = make_action(AGENT_KIND_REMEDIATE);
    waiting[i]->state = AGENT_CAP_REMEDIATE;
    waiting[i]->console = i == 0;
    ck_assert(agent_text_set(&waiting[i]->params, CD_STR(ORDER)));
    ck_assert_int_eq(agent_journal_order(j, waiting[i], NULL, &err), CD_OK);
  }
  ck_assert_int_eq(uv_loop_init(&loop), 0);
  ck_assert_int_eq(agent_jobs_new(&sup, j, &events, j, &jobs, &err), CD_OK);
  ck_assert_int_eq(agent_remediate_new(jobs, j, &r, &err), CD_OK);
  agent_jobs_start(jobs);
  for (size_t i = 0; i < COUNT_OF(waiting); i++) {
    ck_assert_int_eq(agent_journal_action(j, waiting[i]->id, &now, &err), CD_OK);
    ck_assert_int_eq(now->outcome, i == 0 ? CD_OK : CD_E_CANCELLED);
    ck_assert(agent_action_ended(now));
    ck_assert(i == 0 || strstr(now->sentence, "before it had begun") != NULL);
    agent_action_free(now);
    agent_action_free(waiting[i]);
  }
  agent_jobs_stop(jobs);
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  agent_jobs_free(jobs);
  agent_remediate_free(r);
  agent_journal_close(j);
  agent_action_free(ended);
  ck_assert_int_eq(uv_loop_close(&loop), 0);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {one_that_cannot_is_passed_over_for_the_next,
                                after_a_restart_only_the_consoles_run,
                                one_that_has_noted_an_undo_record_is_not_passed_over};
  return run_suite("agent.job", tests, COUNT_OF(tests));
}
