#include "collect.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "collect_private.h"
#include "protocol/limits.h"

#include "base/banned.h"

cd_code agent_collect_new(agent_jobs *jobs, agent_supervisor *sup, agent_journal *journal,
                          const agent_config *config, const char *state_dir,
                          agent_collect **ret_collect, cd_err *err)
{
  agent_collect *c = calloc(1, sizeof(*c));
  if (c == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for packages");
  c->jobs = jobs;
  c->sup = sup;
  c->journal = journal;
  c->config = config;
  c->run.file = -1;
  cd_code rc = agent_spool_open(&c->spool, state_dir, err);
  if (rc != CD_OK) {
    free(c);
    return rc;
  }
  agent_jobs_add(jobs, &collect_kind, c);
  *ret_collect = c;
  return CD_OK;
}

void agent_collect_device(agent_collect *c, const char *(*device)(void *owner), void *owner)
{
  c->device = device;
  c->owner = owner;
}

void agent_collect_free(agent_collect *c)
{
  if (c == NULL)
    return;
  collect_run_release(&c->run);
  free(c);
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

cd_code agent_collect_order(agent_collect *c, const agent_collect_request *request,
                            char ret_id[CD_ID_SIZE], cd_err *err)
{
  cd_buf params = CD_BUF_INIT(CD_PARAMETERS_MAX);
  cd_code rc = write_order(request, &params, err);
  if (rc == CD_OK) {
    agent_job_request job = {.capability = AGENT_CAP_COLLECT,
                             .params = cd_buf_view(&params),
                             .comment = request->comment,
                             .who = request->who};
    rc = agent_jobs_order(c->jobs, &job, ret_id, err);
  }
  cd_buf_release(&params);
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
  const agent_action *now = agent_jobs_running(c->jobs, AGENT_CAP_COLLECT);
  if (now == NULL || strcmp(now->id, id) != 0)
    agent_spool_drop(&c->spool, id);
}

cd_code agent_collect_gone(agent_collect *c, const char *id, cd_buf *out, cd_err *err)
{
  return agent_spool_gone(&c->spool, id, out, err);
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
      (s->found[0] != '\0' && strcmp(text, s->found) >= 0) ||
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
