/* What the device says: results until they are acknowledged, reports, progress. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/log.h"
#include "ipc/message.h"
#include "protocol/message.h"
#include "protocol/result.h"
#include "remote_order.h"
#include "remote_private.h"

#include "base/banned.h"

static void send_document(agent_remote *r, uint8_t type, uint64_t op, const char *member,
                          const char *jws)
{
  cd_buf text = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  cd_jw w;
  cd_err err = {0};
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, member, jws);
  cd_jw_end_obj(&w);
  if (cd_jw_done(&w, "a signed document", &err) != CD_OK)
    cd_log(CD_AREA_REMOTE, CD_LOG_ERROR, "%s", err.text);
  else if (r->channel != NULL)
    agent_channel_send(r->channel, type, op, cd_buf_view(&text));
  cd_buf_release(&text);
}

/* ---- results ---- */

/* Signs what the journal says of the action and keeps it, so that it is the same text each time.
 * The values are those of now: right after the end those of then, after a restart what holds. */
static cd_code seal(agent_remote *r, agent_outgoing *o, cd_err *err)
{
  agent_action *a = NULL;
  cd_values values;
  cd_buf jws = CD_BUF_INIT(cd_jws_max(&cd_jws_result));
  cd_code rc = agent_journal_action(r->agent->journal, o->action, &a, err);
  if (rc == CD_OK) {
    agent_state_values(r->agent->isolate, &values);
    rc = agent_result_sign(a, r->enrolment, &values, 1, &jws, err);
  }
  if (rc == CD_OK)
    rc = agent_journal_outbox_seal(r->agent->journal, o->seq, cd_buf_cstr(&jws), err);
  CD_FAULT_POINT("remote.result_sealed");
  if (rc == CD_OK && !agent_text_set(&o->jws, cd_buf_view(&jws)))
    rc = cd_fail(err, CD_E_INTERNAL, "no memory for a result");
  agent_action_free(a);
  cd_buf_release(&jws);
  return rc;
}

/* The next that can be sent. One that cannot be signed now stays for the next connection, one whose
 * action is not in the journal any more is given up: neither may hold up the others. */
static bool next_result(agent_remote *r, agent_outgoing *ret_outgoing)
{
  remote_connection *c = &r->connection;
  for (;;) {
    agent_outgoing o = {0};
    cd_err err = {0};
    cd_code rc = agent_journal_outbox_next(r->agent->journal, c->outbox_seq, &o, &err);
    if (rc == CD_E_NOTFOUND)
      return false;
    if (rc == CD_OK) {
      c->outbox_seq = o.seq;
      rc = o.jws != NULL ? CD_OK : seal(r, &o, &err);
    }
    if (rc == CD_OK) {
      *ret_outgoing = o;
      return true;
    }
    cd_log(CD_AREA_REMOTE, CD_LOG_ERROR, "action=%s: its result cannot be sent: %s", o.action,
           err.text);
    bool gone = rc == CD_E_NOTFOUND;
    bool read = o.seq != 0;
    if (gone && agent_journal_outbox_done(r->agent->journal, o.seq, &err) != CD_OK)
      cd_log(CD_AREA_REMOTE, CD_LOG_ERROR, "%s", err.text);
    agent_outgoing_release(&o);
    if (!read)
      return false;
  }
}

/* One after the other: the next goes when the last was answered. */
void remote_pump(agent_remote *r)
{
  remote_connection *c = &r->connection;
  agent_outgoing o = {0};
  if (c->phase != REMOTE_READY || c->outbox_op != 0)
    return;
  /* The console takes a package when it has the result that tells what it should be. */
  if (!next_result(r, &o)) {
    remote_upload_pump(r);
    return;
  }
  c->outbox_op = c->next_op++;
  send_document(r, IPC_CHAN_RESULT, c->outbox_op, "result", o.jws);
  CD_FAULT_POINT("remote.result_sent");
  remote_wait_answer(r);
  agent_outgoing_release(&o);
}

/* A result that the console refuses stays, and goes again in the next connection. */
void remote_result_answered(agent_remote *r, cd_code code, const char *sentence)
{
  remote_connection *c = &r->connection;
  cd_err err = {0};
  c->outbox_op = 0;
  if (code != CD_OK)
    cd_log(CD_AREA_REMOTE, CD_LOG_WARN,
           "the console did not take a result: %s; it is sent again in the next connection",
           sentence);
  else if (agent_journal_outbox_done(r->agent->journal, c->outbox_seq, &err) != CD_OK)
    cd_log(CD_AREA_REMOTE, CD_LOG_ERROR, "%s; it will be sent once more", err.text);
  remote_pump(r);
}

void agent_remote_action(agent_remote *r, const agent_action *action)
{
  if (r == NULL || r->enrolment == NULL || !agent_action_ended(action))
    return;
  remote_pump(r);
}

/* ---- reports ---- */

/* Times move with each look: they alone are no news. */
static bool same_values(const cd_values *a, const cd_values *b)
{
  return a->wanted == b->wanted && a->wanted_generation == b->wanted_generation &&
         a->enforced == b->enforced && a->proven == b->proven && a->drift_count == b->drift_count &&
         strcmp(a->wanted_action, b->wanted_action) == 0 &&
         strcmp(a->enforced_digest, b->enforced_digest) == 0 &&
         strcmp(a->proven_note, b->proven_note) == 0 && strcmp(a->provider, b->provider) == 0;
}

static bool same_policy(const cd_policy_standing *a, const cd_policy_standing *b)
{
  return a->version == b->version && a->trial == b->trial && a->highest == b->highest &&
         a->refused == b->refused && strcmp(a->sentence, b->sentence) == 0;
}

/* The facts if the console does not have them yet. */
static cd_str news_of_facts(agent_remote *r)
{
  cd_str facts = agent_probes_device(r->agent->probes);
  cd_digest digest;
  cd_err err = {0};
  if (facts.len == 0 || facts.len > CD_FACTS_MAX ||
      cd_digest_of(facts.ptr, facts.len, &digest, &err) != CD_OK)
    return (cd_str){0};
  if (r->connection.facts_told && cd_digest_equal(&digest, &r->facts))
    return (cd_str){0};
  r->facts = digest;
  r->connection.facts_told = true;
  return facts;
}

void remote_report(agent_remote *r, bool only_news)
{
  remote_connection *c = &r->connection;
  cd_report report = {.at_ms = cd_wall_ms(), .state_count = 1};
  cd_buf jws = CD_BUF_INIT(cd_jws_max(&cd_jws_report));
  cd_err err = {0};
  if (c->phase != REMOTE_READY)
    return;
  agent_state_values(r->agent->isolate, &report.states[0]);
  agent_policy_standing(r->agent->policy, &report.policy);
  report.facts = news_of_facts(r);
  if (only_news && report.facts.len == 0 && same_values(&c->told, &report.states[0]) &&
      same_policy(&c->told_policy, &report.policy))
    return;
  c->told = report.states[0];
  c->told_policy = report.policy;
  report.number = ++c->reports;
  memcpy(report.nonce, c->console_nonce, CD_NONCE_SIZE);
  (void)cd_str_copy(report.device, sizeof(report.device), cd_str_from(r->enrolment->device));
  if (cd_report_sign(&report, r->enrolment->device_key, &agent_random, &jws, &err) == CD_OK)
    send_document(r, IPC_CHAN_REPORT, 0, "report", cd_buf_cstr(&jws));
  else
    cd_log(CD_AREA_REMOTE, CD_LOG_ERROR, "no report: %s", err.text);
  cd_buf_release(&jws);
}

void agent_remote_values(agent_remote *r)
{
  if (r != NULL)
    remote_report(r, true);
}

void agent_remote_facts(agent_remote *r)
{
  if (r != NULL)
    remote_report(r, true);
}

void agent_remote_policy(agent_remote *r)
{
  remote_report(r, true);
}

/* ---- progress ---- */

void agent_remote_step(agent_remote *r, const char *action_id, const char *step, uint64_t done,
                       uint64_t total, cd_str what)
{
  cd_buf text = CD_BUF_INIT(4096);
  cd_jw w;
  cd_err err = {0};
  if (r == NULL || r->connection.phase != REMOTE_READY || r->channel == NULL)
    return;
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "action", action_id);
  cd_jw_cstr(&w, "status", "InProgress");
  cd_jw_cstr(&w, "step", step);
  cd_jw_u64(&w, "done", done);
  cd_jw_u64(&w, "total", total);
  if (what.len > 0)
    cd_jw_str(&w, "what", (cd_str){what.ptr, cd_str_utf8_cut(what, CD_NOTE_MAX)});
  else
    cd_jw_null(&w, "what");
  cd_jw_end_obj(&w);
  if (cd_jw_done(&w, "progress", &err) == CD_OK)
    agent_channel_send(r->channel, IPC_CHAN_PROGRESS, 0, cd_buf_view(&text));
  cd_buf_release(&text);
}
