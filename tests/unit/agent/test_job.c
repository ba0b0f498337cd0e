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
static const char *order_text = ORDER;
static char asked_with[65536]; /* the parameters of the last one that was asked */
static void (*before)(agent_journal *j);
static void (*after)(agent_journal *j);
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
  (void)snprintf(asked_with, sizeof(asked_with), "%.*s", (int)order->params.len, order->params.ptr);
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
      .capability = AGENT_CAP_REMEDIATE, .params = cd_str_from(order_text), .who = &who};
  if (before != NULL)
    before(j);
  ck_assert_int_eq(uv_loop_init(&loop), 0);
  ck_assert_int_eq(agent_jobs_new(&sup, j, &events, j, &jobs, &err), CD_OK);
  ck_assert_int_eq(agent_remediate_new(jobs, j, &r, &err), CD_OK);
  ck_assert_int_eq(agent_jobs_order(jobs, &request, id, &err), CD_OK);
  agent_jobs_kick(jobs, AGENT_CAP_REMEDIATE);
  agent_jobs_stop(jobs);
  if (after != NULL)
    after(j);
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

/* What another system has is for its plugin to judge. */
static const struct {
  const char *order;
  const char *target;
} of_windows[] = {
    {"{\"operation\":\"process.stop\",\"target\":{\"pid\":8,\"start\":\"133700000000000000\"}}",
     "\"target\":{\"pid\":8,\"start\":\"133700000000000000\"}"},
    {"{\"operation\":\"file.quarantine\",\"target\":{\"path\":\"C:\\\\evil\\\\x.exe\"},\"stop\":"
     "true}",
     "\"target\":{\"path\":\"C:\\\\evil\\\\x.exe\"},\"force\":false,\"stop\":true"},
    {"{\"operation\":\"startup.remove\",\"target\":{\"path\":\"HKU\\\\S-1-5-18\\\\Run\",\"name\":"
     "\"x\"}}",
     "\"target\":{\"path\":\"HKU\\\\S-1-5-18\\\\Run\",\"name\":\"x\"}"},
    {"{\"operation\":\"task.disable\",\"target\":{\"name\":\"\\\\Evil\\\\one\"}}",
     "\"target\":{\"name\":\"\\\\Evil\\\\one\"}"},
};

START_TEST(a_target_of_windows_comes_to_the_plugin_as_it_was_given)
{
  for (size_t i = 0; i < COUNT_OF(of_windows); i++) {
    order_text = of_windows[i].order;
    remediate();
    ck_assert_msg(strstr(asked_with, of_windows[i].target) != NULL, "%s", asked_with);
    ck_assert_int_eq(ended->outcome, CD_OK);
    agent_action_free(ended);
    ended = NULL;
  }
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

/* ---- what scans have found before ---- */

#define SHA1 "1c9e3f0000000000000000000000000000000000"
#define AS_ASKED "1C9e3F0000000000000000000000000000000000"
#define FIND "{\"operation\":\"file.find_quarantine\",\"target\":{\"sha1\":\"" AS_ASKED "\"}}"

static void put_scan(agent_journal *j, const char *findings)
{
  char result[65536];
  agent_action *a = make_action(AGENT_KIND_SCAN);
  (void)snprintf(result, sizeof(result), "{\"scan\":{\"findings\":[%s]}}", findings);
  ck_assert_int_eq(agent_journal_order(j, a, NULL, &err), CD_OK);
  a->status = AGENT_SUCCEEDED;
  a->ended_ms = 1;
  ck_assert(agent_text_set(&a->result, cd_str_from(result)));
  ck_assert_int_eq(agent_journal_ended(j, a, NULL, NULL, &err), CD_OK);
  agent_action_free(a);
}

#define FOUND(path, sha1) "{\"path\":" path ",\"sha1\":\"" sha1 "\"}"

static void two_scans(agent_journal *j)
{
  put_scan(j, FOUND("\"/old\"", SHA1) "," FOUND("\"/both\"", SHA1));
  put_scan(j, FOUND("\"/both\"", SHA1) "," FOUND("{\"base64\":\"L_8\"}", SHA1) "," FOUND(
                  "\"/other\"", "0000000000000000000000000000000000000000"));
}

START_TEST(a_search_is_told_where_scans_found_the_file)
{
  order_text = FIND;
  before = two_scans;
  remediate();
  ck_assert_msg(strstr(asked_with, "\"known\":[\"/both\",{\"base64\":\"L_8\"},\"/old\"]") != NULL,
                "%s", asked_with);
  agent_action_free(ended);
}
END_TEST

/* 100 findings with long paths: the newest, as many as fit. */
static void many_findings(agent_journal *j)
{
  char *list = calloc(1, 65536);
  size_t at = 0;
  ck_assert_ptr_nonnull(list);
  for (int i = 0; i < 100; i++)
    at += (size_t)snprintf(list + at, 65536 - at, "%s" FOUND("\"/%d/%0500d\"", SHA1),
                           i > 0 ? "," : "", i, 0);
  put_scan(j, list);
  free(list);
}

START_TEST(what_scans_found_has_a_ceiling)
{
  order_text = FIND;
  before = many_findings;
  remediate();
  ck_assert_ptr_nonnull(strstr(asked_with, "\"/0/"));
  ck_assert_ptr_null(strstr(asked_with, "\"/99/"));
  ck_assert_uint_lt(strlen(asked_with), 24576);
  ck_assert_str_eq(ended->provider, "org.second");
  agent_action_free(ended);
}
END_TEST

/* ---- what was taken back ---- */

#define TAKEN "0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01"

static void note_one(agent_journal *j)
{
  agent_action *a = make_action(AGENT_KIND_REMEDIATE);
  (void)snprintf(a->id, sizeof(a->id), TAKEN);
  ck_assert_int_eq(agent_journal_order(j, a, NULL, &err), CD_OK);
  agent_action_free(a);
  ck_assert_int_eq(agent_journal_undo_add(j, AGENT_CAP_REMEDIATE, "org.second@" TAKEN,
                                          CD_STR("{\"do\":\"x\"}"), &err),
                   CD_OK);
}

static size_t records;

static void count_records(agent_journal *j)
{
  cd_buf list = CD_BUF_INIT(4096);
  ck_assert_int_eq(
      agent_journal_undo_list(j, AGENT_CAP_REMEDIATE, "org.second@" TAKEN, &list, &err), CD_OK);
  records = list.len;
  cd_buf_release(&list);
}

static void after_order(const char *order)
{
  order_text = order;
  before = note_one;
  after = count_records;
  remediate();
  ck_assert_int_eq(ended->outcome, CD_OK);
  agent_action_free(ended);
}

START_TEST(what_was_undone_has_no_records_any_more)
{
  after_order("{\"operation\":\"undo\",\"target\":{\"action\":\"" TAKEN "\"}}");
  ck_assert_uint_eq(records, 0);
}
END_TEST

START_TEST(nor_has_what_was_given_back)
{
  after_order("{\"operation\":\"file.restore\",\"target\":{\"action\":\"" TAKEN "\"}}");
  ck_assert_uint_eq(records, 0);
}
END_TEST

START_TEST(records_of_others_stay)
{
  after_order(ORDER);
  ck_assert_uint_gt(records, 0);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {a_search_is_told_where_scans_found_the_file,
                                what_scans_found_has_a_ceiling,
                                what_was_undone_has_no_records_any_more,
                                nor_has_what_was_given_back,
                                records_of_others_stay,
                                one_that_cannot_is_passed_over_for_the_next,
                                a_target_of_windows_comes_to_the_plugin_as_it_was_given,
                                after_a_restart_only_the_consoles_run,
                                one_that_has_noted_an_undo_record_is_not_passed_over};
  return run_suite("agent.job", tests, COUNT_OF(tests));
}
