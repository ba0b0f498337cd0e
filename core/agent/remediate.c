#include "remediate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "known.h"
#include "protocol/remediate.h"

#include "base/banned.h"

/* Whose an undo record is, in the journal: the plugin's, for this action. */
#define OWNER_MAX (AGENT_ID_MAX + CD_ID_SIZE)
/* What is left of a frame beside the parameters. */
#define UNDO_MAX (CD_FRAME_PAYLOAD_MAX - AGENT_JOB_PARAMS_MAX - 4096u)

struct agent_remediate {
  agent_journal *journal;
  cd_buf undo; /* the records of the action that is taken back */
};

static void owner_of(const char *plugin, const char *action, char out[OWNER_MAX])
{
  (void)snprintf(out, OWNER_MAX, "%s@%s", plugin, action);
}

/* ---- what is asked ---- */

static cd_code read_order(const agent_job *job, cd_json_doc **ret_doc, cd_remediation *ret_order,
                          cd_err *err)
{
  cd_code rc =
      cd_json_parse(cd_str_from(job->action->params), CD_PARAMETERS_MAX, "the order", ret_doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(*ret_doc);
  cd_remediation_read(&root, ret_order);
  return cd_json_status(&root, err);
}

static cd_code write_params(agent_remediate *r, const agent_job *job, cd_json_doc *doc,
                            const cd_remediation *order, cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_json target = {0};
  cd_json root = cd_json_root(doc);
  cd_buf text = CD_BUF_INIT(CD_PARAMETERS_MAX);
  cd_json_obj(&root, "target", &target);
  cd_json_print(&target, &text);
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "operation", cd_operation_name(order->operation));
  cd_jw_cstr(&w, "action", job->action->id);
  cd_jw_raw(&w, "target", cd_buf_view(&text));
  cd_jw_bool(&w, "force", order->force);
  cd_jw_bool(&w, "stop", order->stop);
  if (order->operation == CD_OP_FILE_FIND_QUARANTINE)
    agent_known_write(r->journal, order->sha1, &w);
  cd_jw_end_obj(&w);
  cd_code rc = cd_buf_status(&text, "the target", err);
  cd_buf_release(&text);
  return rc == CD_OK ? cd_jw_done(&w, "the parameters of remediate", err) : rc;
}

/* The records that this provider noted for that action. */
static cd_code read_undo(agent_remediate *r, const agent_plugin *p, cd_str action, cd_err *err)
{
  char owner[OWNER_MAX];
  char id[CD_ID_SIZE];
  agent_action *a = NULL;
  cd_buf_reset(&r->undo);
  if (!cd_str_copy(id, sizeof(id), action))
    return cd_fail(err, CD_E_INVALID, "that is no id of an action");
  owner_of(p->manifest.id, id, owner);
  cd_code rc = agent_journal_undo_list(r->journal, AGENT_CAP_REMEDIATE, owner, &r->undo, err);
  if (rc != CD_OK || r->undo.len > 0)
    return rc;
  /* Nothing was noted: what such an action did needs no taking back, or is another provider's. */
  rc = agent_journal_action(r->journal, id, &a, err);
  if (rc == CD_E_NOTFOUND)
    rc = cd_fail(err, CD_E_NOTFOUND, "there is no action %s on this device", id);
  else if (rc == CD_OK && a->kind != AGENT_KIND_REMEDIATE)
    rc =
        cd_fail(err, CD_E_UNSUPPORTED, "action %s is no remediation, and is not taken back so", id);
  else if (rc == CD_OK && a->provider != NULL && strcmp(a->provider, p->manifest.id) != 0)
    rc = cd_fail(err, CD_E_UNAVAILABLE, "action %s was carried out by %s", id, a->provider);
  agent_action_free(a);
  return rc;
}

static cd_code prepare(void *self, agent_job *job, const agent_plugin *p, agent_op_order *order,
                       cd_buf *params, cd_err *err)
{
  agent_remediate *r = self;
  cd_json_doc *doc = NULL;
  cd_remediation asked = {0};
  cd_code rc = read_order(job, &doc, &asked, err);
  if (rc == CD_OK)
    rc = write_params(r, job, doc, &asked, params, err);
  if (rc == CD_OK && asked.operation == CD_OP_UNDO) {
    rc = read_undo(r, p, asked.action, err);
    order->function = AGENT_FN_UNDO;
    order->undo = cd_buf_view(&r->undo);
  }
  cd_json_free(doc);
  return rc;
}

/* ---- what came of it ---- */

static cd_code keep_undo(void *self, agent_job *job, cd_str record, cd_err *err)
{
  agent_remediate *r = self;
  char owner[OWNER_MAX];
  owner_of(job->asked->manifest.id, job->action->id, owner);
  return agent_journal_undo_add(r->journal, AGENT_CAP_REMEDIATE, owner, record, err);
}

static bool can_be_undone(agent_remediate *r, const agent_job *job)
{
  char owner[OWNER_MAX];
  cd_err ignored = {0};
  if (job->asked == NULL)
    return false;
  owner_of(job->asked->manifest.id, job->action->id, owner);
  cd_buf_reset(&r->undo);
  return agent_journal_undo_list(r->journal, AGENT_CAP_REMEDIATE, owner, &r->undo, &ignored) ==
             CD_OK &&
         r->undo.len > 0;
}

/* Of a plugin that was ended before it could say how far it went. */
static void write_bare(agent_remediate *r, const agent_job *job, cd_jw *w)
{
  cd_json_doc *doc = NULL;
  cd_remediation asked = {0};
  cd_err ignored = {0};
  cd_jw_obj(w, "remediate");
  if (read_order(job, &doc, &asked, &ignored) == CD_OK)
    cd_jw_cstr(w, "operation", cd_operation_name(asked.operation));
  cd_jw_arr(w, "steps");
  cd_jw_end_arr(w);
  cd_jw_cstr(w, "undo",
             can_be_undone(r, job) ? "available" : "none because no change was on record");
  cd_jw_arr(w, "verified");
  cd_jw_end_arr(w);
  cd_jw_end_obj(w);
  cd_json_free(doc);
}

static void write_result(void *self, const agent_job *job, cd_jw *w)
{
  if (job->result.len > 0)
    cd_jw_raw(w, "remediate", cd_buf_view(&job->result));
  else
    write_bare(self, job, w);
}

/* What was taken back has nothing to be taken back any more. */
static void forget(agent_remediate *r, const agent_job *job)
{
  char owner[OWNER_MAX];
  char id[CD_ID_SIZE];
  cd_json_doc *doc = NULL;
  cd_remediation asked = {0};
  cd_err err = {0};
  if (job->asked == NULL || job->action->outcome != CD_OK)
    return;
  bool back = read_order(job, &doc, &asked, &err) == CD_OK &&
              (asked.operation == CD_OP_UNDO || asked.operation == CD_OP_FILE_RESTORE);
  if (back && cd_str_copy(id, sizeof(id), asked.action)) {
    owner_of(job->asked->manifest.id, id, owner);
    if (agent_journal_unhold(r->journal, AGENT_CAP_REMEDIATE, owner, &err) != CD_OK)
      cd_log(CD_AREA_AGENT, CD_LOG_WARN, "the undo records of action %s are kept: %s", id,
             err.text);
  }
  cd_json_free(doc);
}

static void over(void *self, agent_job *job)
{
  agent_remediate *r = self;
  forget(r, job);
  cd_buf_reset(&r->undo);
}

static const agent_job_kind remediate_kind = {
    .kind = AGENT_KIND_REMEDIATE,
    .capability = AGENT_CAP_REMEDIATE,
    .step = "remediate",
    .plural = "remediations",
    .not_begun = "nothing was changed",
    .cut_short = "what had been changed by then can be taken back with undo",
    .unknown =
        "the agent ended while it was carried out; what had been changed by then can be taken "
        "back with undo",
    .prepare = prepare,
    .undo = keep_undo,
    .write = write_result,
    .over = over};

/* ---- life ---- */

cd_code agent_remediate_new(agent_jobs *jobs, agent_journal *journal,
                            agent_remediate **ret_remediate, cd_err *err)
{
  agent_remediate *r = calloc(1, sizeof(*r));
  if (r == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for remediations");
  r->journal = journal;
  cd_buf_init(&r->undo, UNDO_MAX);
  agent_jobs_add(jobs, &remediate_kind, r);
  *ret_remediate = r;
  return CD_OK;
}

void agent_remediate_free(agent_remediate *r)
{
  if (r == NULL)
    return;
  cd_buf_release(&r->undo);
  free(r);
}
