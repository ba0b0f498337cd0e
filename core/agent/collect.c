#include "collect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "collect_private.h"
#include "protocol/limits.h"

#include "base/banned.h"

#define RETRY_MS 1000
#define RESULT_MAX CD_RESULT_MAX

cd_code agent_collect_new(agent_supervisor *sup, agent_journal *journal, const agent_config *config,
                          const char *state_dir, const agent_state_events *events, void *owner,
                          agent_collect **ret_collect, cd_err *err)
{
  agent_collect *c = calloc(1, sizeof(*c));
  if (c == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for packages");
  c->sup = sup;
  c->journal = journal;
  c->config = config;
  c->events = events;
  c->owner = owner;
  c->run.file = -1;
  cd_code rc = agent_spool_open(&c->spool, state_dir, err);
  if (rc != CD_OK) {
    free(c);
    return rc;
  }
  (void)uv_timer_init(sup->loop, &c->retry);
  c->retry.data = c;
  *ret_collect = c;
  return CD_OK;
}

void agent_collect_device(agent_collect *c, const char *(*device)(void *owner))
{
  c->device = device;
}

void agent_collect_stop(agent_collect *c)
{
  if (c == NULL || c->stopping)
    return;
  c->stopping = true;
  uv_close((uv_handle_t *)&c->retry, NULL);
}

static void run_release(collect_run *r)
{
  agent_action_free(r->action);
  host_package_release(&r->package);
  cd_buf_release(&r->reasons);
  cd_buf_release(&r->result);
  *r = (collect_run){.file = -1};
}

void agent_collect_free(agent_collect *c)
{
  if (c == NULL)
    return;
  run_release(&c->run);
  free(c);
}

/* ---- the outcome ---- */

static void write_package(const agent_collect *c, cd_jw *w)
{
  const collect_run *r = &c->run;
  char digest[CD_DIGEST_TEXT_MAX];
  if (!r->kept) {
    cd_jw_null(w, "package");
    return;
  }
  cd_digest_text(&r->digest, digest);
  cd_jw_obj(w, "package");
  cd_jw_u64(w, "bytes", r->size);
  cd_jw_cstr(w, "digest", digest);
  cd_jw_u64(w, "artifacts", r->package.artifacts);
  cd_jw_u64(w, "content_bytes", r->package.content_bytes);
  cd_jw_u64(w, "incomplete", r->package.incomplete);
  cd_jw_raw(w, "incomplete_names", r->package.incomplete_names);
  cd_jw_cstr(w, "cap", r->package.cap[0] != '\0' ? r->package.cap : NULL);
  cd_jw_time(w, "kept_until", cd_wall_ms() + (int64_t)c->config->collect.keep_s * 1000);
  cd_jw_end_obj(w);
}

/* What the package is must reach the console, whatever the plugin has to say of it. */
static bool is_small(const agent_collect *c)
{
  return c->run.result.len <= CD_RESULT_MAX / 2;
}

static cd_code make_result(agent_collect *c, agent_action *a, cd_err *err)
{
  cd_jw w;
  cd_buf text = CD_BUF_INIT(RESULT_MAX);
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  write_package(c, &w);
  cd_jw_raw(&w, "run", is_small(c) ? cd_buf_view(&c->run.result) : (cd_str){0});
  if (c->run.reasons.len > 0)
    cd_jw_str(&w, "passed_over", cd_buf_view(&c->run.reasons));
  cd_jw_end_obj(&w);
  cd_code rc = cd_jw_done(&w, "the action's result", err);
  if (rc == CD_OK && !agent_text_set(&a->result, cd_buf_view(&text)))
    rc = cd_fail(err, CD_E_INTERNAL, "no memory for the action's result");
  cd_buf_release(&text);
  return rc;
}

static agent_action_status status_of(cd_code code)
{
  if (cd_code_ok(code))
    return AGENT_SUCCEEDED;
  if (code == CD_E_DEADLINE)
    return AGENT_TIMED_OUT;
  return code == CD_E_CANCELLED ? AGENT_CANCELLED : AGENT_FAILED;
}

static void end_as(agent_action *a, cd_code code, const char *sentence)
{
  a->outcome = code;
  a->status = status_of(code);
  a->ended_ms = cd_wall_ms();
  if (sentence[0] != '\0')
    (void)agent_text_set(&a->sentence, cd_str_from(sentence));
}

static void on_retry(uv_timer_t *timer);

static void record(agent_collect *c)
{
  cd_err err = {0};
  agent_action *a = c->run.action;
  CD_FAULT_POINT("collect.before_outcome");
  cd_code rc = agent_journal_ended(c->journal, a, NULL, NULL, &err);
  CD_FAULT_POINT("collect.outcome_synced");
  if (rc != CD_OK && rc != CD_E_CONFLICT && !c->stopping) {
    cd_log(CD_AREA_AGENT, CD_LOG_ERROR,
           "action %s: its outcome is not on record: %s; trying again in %d ms", a->id, err.text,
           RETRY_MS);
    (void)uv_timer_start(&c->retry, on_retry, RETRY_MS, 0);
    return;
  }
  cd_log(CD_AREA_AGENT, cd_code_ok(a->outcome) ? CD_LOG_INFO : CD_LOG_WARN,
         "collect action=%s: %s (%s)%s%s", a->id, agent_action_status_name(a->status),
         cd_code_name(a->outcome), a->sentence != NULL ? ": " : "",
         a->sentence != NULL ? a->sentence : "");
  if (!c->stopping)
    c->events->on_action(c->owner, a);
  run_release(&c->run);
  agent_collect_kick(c);
}

static void on_retry(uv_timer_t *timer)
{
  record(timer->data);
}

void collect_over(agent_collect *c)
{
  cd_err err = {0};
  collect_run *r = &c->run;
  agent_action *a = r->action;
  end_as(a, r->code, r->code != CD_OK ? r->why.text : "");
  if (r->asked != NULL)
    (void)agent_text_set(&a->provider, cd_str_from(r->asked->manifest.id));
  if (make_result(c, a, &err) != CD_OK) {
    cd_log(CD_AREA_AGENT, CD_LOG_ERROR, "action %s: %s", a->id, err.text);
    (void)agent_text_set(&a->result, CD_STR("{}"));
  }
  record(c);
}

/* ---- the queue ---- */

void agent_collect_kick(agent_collect *c)
{
  cd_err err = {0};
  agent_action *a = NULL;
  if (c->run.action != NULL || c->stopping || c->sup->stopping)
    return;
  cd_code rc = agent_journal_next(c->journal, AGENT_CAP_COLLECT, &a, &err);
  if (rc == CD_OK)
    collect_begin(c, a);
  else if (rc != CD_E_NOTFOUND)
    cd_log(CD_AREA_AGENT, CD_LOG_ERROR, "%s", err.text);
}

/* One that had begun may have done anything; one of this device's had somebody who waited for it,
 * and who is gone. */
static bool close_left_open(agent_collect *c, agent_action *a, cd_err *err)
{
  if (a->status == AGENT_IN_PROGRESS) {
    end_as(a, CD_E_INTERNAL,
           "outcome unknown: the agent ended while it was collected; nothing of it is kept");
    agent_spool_drop(&c->spool, a->id);
  } else if (!a->console) {
    end_as(a, CD_E_CANCELLED, "the agent ended before it had begun; nothing was collected");
  } else {
    return false;
  }
  return agent_journal_ended(c->journal, a, NULL, NULL, err) == CD_OK;
}

void agent_collect_start(agent_collect *c)
{
  for (unsigned i = 0; i < AGENT_COLLECTS_WAITING_MAX + 1; i++) {
    cd_err err = {0};
    agent_action *a = NULL;
    cd_code rc = agent_journal_next(c->journal, AGENT_CAP_COLLECT, &a, &err);
    bool closed = rc == CD_OK && close_left_open(c, a, &err);
    if (closed)
      cd_log(CD_AREA_AGENT, CD_LOG_WARN, "collect action=%s: %s", a->id, a->sentence);
    else if (err.text[0] != '\0' && rc != CD_E_NOTFOUND)
      cd_log(CD_AREA_AGENT, CD_LOG_ERROR, "%s", err.text);
    agent_action_free(a);
    if (!closed)
      break;
  }
  agent_collect_kick(c);
}

static cd_code check_waiting(const agent_collect *c, cd_err *err)
{
  unsigned waiting = 0;
  cd_code rc = agent_journal_unfinished_count(c->journal, AGENT_CAP_COLLECT, &waiting, err);
  if (rc == CD_OK && waiting >= AGENT_COLLECTS_WAITING_MAX)
    rc = cd_fail(err, CD_E_LIMIT,
                 "%u packages are waiting already, the limit is %d: let them end first", waiting,
                 AGENT_COLLECTS_WAITING_MAX);
  return rc;
}

static cd_code write_order(const agent_collect_request *r, cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "profile", r->profile);
  if (r->list.len > 0)
    cd_jw_raw(&w, "list", r->list);
  if (r->budget_s > 0)
    cd_jw_u64(&w, "budget_s", r->budget_s);
  if (r->max_bytes > 0)
    cd_jw_u64(&w, "max_bytes", r->max_bytes);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the order", err);
}

static cd_code fill(agent_action *a, const agent_collect_request *r, cd_err *err)
{
  cd_buf params = CD_BUF_INIT(CD_PARAMETERS_MAX);
  a->kind = AGENT_KIND_COLLECT;
  a->state = AGENT_CAP_COLLECT;
  a->status = AGENT_PENDING;
  a->created_ms = cd_wall_ms();
  a->user_id = r->who->user_id;
  a->process_id = r->who->process_id;
  (void)cd_str_copy(a->user, sizeof(a->user), cd_str_from(r->who->user));
  cd_code rc = write_order(r, &params, err);
  if (rc == CD_OK && (!agent_text_set(&a->params, cd_buf_view(&params)) ||
                      (r->comment.len > 0 && !agent_text_set(&a->comment, r->comment))))
    rc = cd_fail(err, CD_E_INTERNAL, "no memory for the order");
  cd_buf_release(&params);
  return rc == CD_OK ? cd_id_make(a->id, err) : rc;
}

cd_code agent_collect_order(agent_collect *c, const agent_collect_request *request,
                            char ret_id[CD_ID_SIZE], cd_err *err)
{
  agent_action *a = calloc(1, sizeof(*a));
  if (a == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for the order");
  cd_code rc = check_waiting(c, err);
  if (rc == CD_OK)
    rc = fill(a, request, err);
  if (rc == CD_OK)
    rc = agent_journal_order(c->journal, a, NULL, err);
  CD_FAULT_POINT("collect.order_synced");
  if (rc == CD_OK)
    (void)cd_str_copy(ret_id, CD_ID_SIZE, cd_str_from(a->id));
  agent_action_free(a);
  return rc;
}

static cd_code cancel_waiting(agent_collect *c, agent_action *a, cd_err *err)
{
  end_as(a, CD_E_CANCELLED, "it was cancelled before it had begun; nothing was collected");
  cd_code rc = agent_journal_ended(c->journal, a, NULL, NULL, err);
  if (rc == CD_OK)
    c->events->on_action(c->owner, a);
  return rc;
}

cd_code agent_collect_cancel(agent_collect *c, const char *id, cd_err *err)
{
  agent_action *a = NULL;
  collect_run *r = &c->run;
  cd_code rc = agent_journal_action(c->journal, id, &a, err);
  if (rc == CD_E_NOTFOUND)
    rc = cd_fail(err, rc, "there is no action '%s'", id);
  if (rc != CD_OK)
    return rc;
  if (a->kind != AGENT_KIND_COLLECT)
    rc =
        cd_fail(err, CD_E_UNSUPPORTED, "action %s is no package, and cannot be cancelled here", id);
  else if (agent_action_ended(a))
    rc = cd_fail(err, CD_E_CONFLICT, "action %s has ended already: %s", id,
                 agent_action_status_name(a->status));
  else if (a->status == AGENT_PENDING)
    rc = cancel_waiting(c, a, err);
  else if (r->action != NULL && agent_action_ended(r->action))
    rc = cd_fail(err, CD_E_CONFLICT, "action %s has ended already: its outcome is being recorded",
                 id);
  else if (r->action != NULL && r->op != NULL)
    agent_op_cancel(r->op);
  if (rc == CD_OK && r->action != NULL && strcmp(r->action->id, id) == 0)
    r->by_request = true;
  agent_action_free(a);
  return rc;
}

/* ---- what is kept ---- */

cd_code agent_collect_read(agent_collect *c, const char *id, uint64_t offset, size_t max,
                           cd_buf *out, uint64_t *ret_size, cd_err *err)
{
  return agent_spool_read(&c->spool, id, offset, max, out, ret_size, err);
}

void agent_collect_forget(agent_collect *c, const char *id)
{
  if (c->run.action == NULL || strcmp(c->run.action->id, id) != 0)
    agent_spool_drop(&c->spool, id);
}

/* ---- what goes home ---- */

typedef struct search {
  agent_collect *collect;
  const char *after;
  char *found;
} search;

static bool look_at(void *context, cd_str id)
{
  search *s = context;
  agent_action *a = NULL;
  cd_err err = {0};
  char text[CD_ID_SIZE];
  if (!cd_str_copy(text, sizeof(text), id) || strcmp(text, s->after) <= 0 ||
      agent_journal_action(s->collect->journal, text, &a, &err) != CD_OK)
    return true;
  bool goes = a->console && agent_action_ended(a);
  agent_action_free(a);
  if (goes)
    (void)cd_str_copy(s->found, CD_ID_SIZE, id);
  return !goes;
}

bool agent_collect_next_home(agent_collect *c, const char *after, char ret_id[CD_ID_SIZE])
{
  cd_err err = {0};
  search s = {.collect = c, .after = after, .found = ret_id};
  ret_id[0] = '\0';
  if (agent_spool_each(&c->spool, look_at, &s, &err) != CD_OK)
    cd_log(CD_AREA_AGENT, CD_LOG_ERROR, "%s", err.text);
  return ret_id[0] != '\0';
}

bool agent_collect_for_console(const agent_collect *c)
{
  return c->run.action != NULL && c->run.action->console;
}
