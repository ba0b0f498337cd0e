#include "policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/log.h"
#include "enrolment.h"
#include "policy_over.h"
#include "policy_private.h"
#include "protocol/policy.h"

#include "base/banned.h"

/* Where the console is found, and what serves what: that may cut the device off. */
static bool may_cut_off(const agent_config *a, const agent_config *b)
{
  return a->agent_count != b->agent_count || memcmp(a->agents, b->agents, sizeof(a->agents)) != 0 ||
         a->resolver_count != b->resolver_count ||
         memcmp(a->resolvers, b->resolvers, sizeof(a->resolvers)) != 0 ||
         memcmp(a->provider_count, b->provider_count, sizeof(a->provider_count)) != 0 ||
         memcmp(a->providers, b->providers, sizeof(a->providers)) != 0;
}

/* ---- what depends on it ---- */

static void on_trial_over(uv_timer_t *timer);

static void begin_trial(agent_policy *p)
{
  (void)uv_timer_start(&p->trial, on_trial_over, (uint64_t)p->agent->config.trial_s * 1000, 0);
}

/* The rules first, then the connection that needs them. */
static void on_change(uv_timer_t *timer)
{
  agent_policy *p = timer->data;
  agent *a = p->agent;
  char why[128];
  agent_probes_forget(a->probes);
  agent_remote_consoles(a->remote);
  agent_state_refresh(a->isolate);
  CD_FAULT_POINT("remote.policy_changed");
  if (p->now.trial)
    begin_trial(p);
  if (p->moved) {
    (void)snprintf(why, sizeof(why), "policy version %llu is in force",
                   (unsigned long long)p->now.version);
    agent_remote_again(a->remote, why);
  } else {
    agent_remote_policy(a->remote);
  }
  p->moved = false;
}

static void change_soon(agent_policy *p, bool moved)
{
  p->moved = p->moved || moved;
  if (!p->stopping)
    (void)uv_timer_start(&p->change, on_change, POLICY_SWITCH_MS, 0);
}

/* ---- back ---- */

static void put_back(agent_policy *p, const char *why)
{
  cd_err err = {0};
  agent_config fresh;
  agent_policy_record gone = p->now;
  agent_config_init(&fresh);
  cd_code rc = agent_policy_over(&p->file, &p->before, &fresh, &err);
  if (rc == CD_OK)
    rc = agent_journal_policy_back(p->agent->journal, p->root, gone.version, why, &err);
  if (rc != CD_OK) {
    cd_log(CD_AREA_REMOTE, CD_LOG_ERROR, "policy version %llu cannot be put back: %s; trying again",
           (unsigned long long)gone.version, err.text);
    agent_config_release(&fresh);
    begin_trial(p);
    return;
  }
  cd_log(CD_AREA_REMOTE, CD_LOG_WARN,
         "policy version %llu is put back: %s; in force is what was before it",
         (unsigned long long)gone.version, why);
  agent_config_release(&p->agent->config);
  p->agent->config = fresh;
  p->now = p->before;
  p->before = (agent_policy_record){0};
  p->seen.refused = gone.version;
  (void)cd_str_copy(p->seen.sentence, sizeof(p->seen.sentence), cd_str_from(why));
  agent_policy_record_release(&gone);
  change_soon(p, true);
}

static void on_trial_over(uv_timer_t *timer)
{
  agent_policy *p = timer->data;
  char why[128];
  (void)snprintf(why, sizeof(why), "with it the console was not reached within %u s",
                 p->agent->config.trial_s);
  put_back(p, why);
}

void agent_policy_reached(agent_policy *p)
{
  cd_err err = {0};
  /* A connection that was there before the change proves nothing. */
  if (p == NULL || !p->now.trial || uv_is_active((uv_handle_t *)&p->change) != 0)
    return;
  if (agent_journal_policy_proven(p->agent->journal, &err) != CD_OK) {
    cd_log(CD_AREA_REMOTE, CD_LOG_ERROR, "%s; it stays on trial until the next connection",
           err.text);
    return;
  }
  (void)uv_timer_stop(&p->trial);
  p->now.trial = false;
  cd_log(CD_AREA_REMOTE, CD_LOG_INFO, "policy version %llu led to the console: it stays",
         (unsigned long long)p->now.version);
}

/* ---- taking one ---- */

static void refuse(agent_policy_verdict *v, cd_refusal refusal, const char *sentence)
{
  v->accepted = false;
  v->refusal = refusal;
  (void)snprintf(v->sentence, sizeof(v->sentence), "%s", sentence);
}

static cd_code record_of(const cd_policy *policy, agent_policy_record *ret, cd_err *err)
{
  agent_policy_record r = {.version = policy->version, .taken_ms = cd_wall_ms()};
  (void)cd_str_copy(r.name, sizeof(r.name), cd_str_from(policy->name));
  if (!agent_text_set(&r.body, policy->body))
    return cd_fail(err, CD_E_INTERNAL, "no memory for the policy");
  *ret = r;
  return CD_OK;
}

/* It is the device's own, and cannot be used here: the console hears of it in the next report. */
static void note_refusal(agent_policy *p, uint64_t version, const char *sentence)
{
  cd_err err = {0};
  p->seen.refused = version;
  (void)snprintf(p->seen.sentence, sizeof(p->seen.sentence), "%s", sentence);
  if (agent_journal_policy_refuse(p->agent->journal, p->root, version, sentence, &err) != CD_OK)
    cd_log(CD_AREA_REMOTE, CD_LOG_ERROR, "%s; going on", err.text);
}

/* What is in force now becomes what to go back to, unless it is on trial itself. */
static void advance(agent_policy *p, agent_policy_record *record, agent_config *config,
                    uint64_t key_generation, bool moved)
{
  if (p->now.trial) {
    agent_policy_record_release(&p->now);
  } else {
    agent_policy_record_release(&p->before);
    p->before = p->now;
  }
  p->now = *record;
  p->seen.version = record->version;
  p->seen.refused = 0;
  p->seen.sentence[0] = '\0';
  if (key_generation > p->seen.key_generation)
    p->seen.key_generation = key_generation;
  agent_config_release(&p->agent->config);
  p->agent->config = *config;
  (void)uv_timer_stop(&p->trial);
  change_soon(p, moved);
}

static void put_in_force(agent_policy *p, const cd_policy_accepted *accepted,
                         agent_policy_verdict *v)
{
  cd_err err = {0};
  agent_config fresh;
  agent_policy_record record = {0};
  agent_config_init(&fresh);
  cd_code rc = record_of(&accepted->policy, &record, &err);
  if (rc == CD_OK) {
    rc = agent_policy_over(&p->file, &record, &fresh, &err);
    if (rc != CD_OK) {
      note_refusal(p, record.version, err.text);
      refuse(v, CD_REFUSAL_PARAMETERS, err.text);
      goto failed;
    }
    /* What follows one that is on trial is on trial too: that one proved nothing. */
    bool moved = may_cut_off(&p->agent->config, &fresh) || p->now.trial;
    record.trial = moved;
    CD_FAULT_POINT("remote.before_policy");
    rc = agent_journal_policy_take(p->agent->journal, p->root, &record, accepted->key_generation,
                                   &err);
    CD_FAULT_POINT("remote.policy_synced");
    if (rc == CD_OK) {
      advance(p, &record, &fresh, accepted->key_generation, moved);
      v->accepted = true;
      return;
    }
  }
  refuse(v, CD_REFUSAL_INTERNAL, err.text);
failed:
  agent_config_release(&fresh);
  agent_policy_record_release(&record);
}

void agent_policy_take(agent_policy *p, cd_str policy_jws, cd_str key_jws, int64_t now_ms,
                       agent_policy_verdict *ret_verdict)
{
  agent_policy_verdict v = {0};
  cd_err err = {0};
  cd_policy_accepted accepted = {0};
  cd_refusal refusal = CD_REFUSAL_INTERNAL;
  const agent_enrolment *e = agent_remote_enrolment(p->agent->remote);
  cd_policy_known known = {.key_generation = p->seen.key_generation,
                           .version = p->seen.version,
                           .now_ms = now_ms,
                           .clock_trusted = true};
  if (e == NULL) {
    refuse(&v, CD_REFUSAL_INTERNAL, "the device is not enrolled");
    *ret_verdict = v;
    return;
  }
  known.device = cd_str_from(e->device);
  if (cd_policy_accept(key_jws, policy_jws, &e->root, &known, &accepted, &refusal, &err) != CD_OK) {
    refuse(&v, refusal, err.text);
  } else {
    put_in_force(p, &accepted, &v);
    if (v.accepted)
      cd_log(CD_AREA_REMOTE, CD_LOG_INFO, "policy '%s' version %llu is in force%s", p->now.name,
             (unsigned long long)p->now.version, p->now.trial ? ", on trial" : "");
    cd_policy_release(&accepted.policy);
  }
  *ret_verdict = v;
}

void agent_policy_standing(const agent_policy *p, cd_policy_standing *ret_standing)
{
  cd_policy_standing s = {.known = p != NULL};
  if (p != NULL) {
    s.version = p->now.version;
    s.trial = p->now.trial;
    s.highest = p->seen.version;
    s.refused = p->seen.refused;
    (void)cd_str_copy(s.name, sizeof(s.name), cd_str_from(p->now.name));
    cd_str why = cd_str_from(p->seen.sentence);
    (void)cd_str_copy(s.sentence, sizeof(s.sentence),
                      (cd_str){why.ptr, cd_str_utf8_cut(why, CD_SENTENCE_MAX)});
  }
  *ret_standing = s;
}

/* ---- life ---- */

static cd_code load(agent_policy *p, cd_err *err)
{
  const agent_enrolment *e = agent_remote_enrolment(p->agent->remote);
  agent_policy_record_release(&p->now);
  agent_policy_record_release(&p->before);
  p->seen = (agent_policy_seen){0};
  p->root[0] = '\0';
  if (e == NULL)
    return CD_OK;
  (void)cd_str_copy(p->root, sizeof(p->root), cd_str_from(e->root_id));
  cd_code rc = agent_journal_policy_forget(p->agent->journal, p->root, err);
  if (rc == CD_OK)
    rc = agent_journal_policy(p->agent->journal, p->root, &p->now, &p->before, &p->seen, err);
  return rc;
}

/* One that an older or newer agent took may not fit: the device goes on with its file, and says so.
 */
static void use(agent_policy *p)
{
  cd_err err = {0};
  agent_config fresh;
  agent_config_init(&fresh);
  if (agent_policy_over(&p->file, &p->now, &fresh, &err) != CD_OK) {
    cd_log(CD_AREA_REMOTE, CD_LOG_ERROR, "policy version %llu is left aside: %s",
           (unsigned long long)p->now.version, err.text);
    note_refusal(p, p->now.version, err.text);
    agent_config_release(&fresh);
    agent_policy_record_release(&p->now);
    return;
  }
  agent_config_release(&p->agent->config);
  p->agent->config = fresh;
}

cd_code agent_policy_new(agent *a, agent_policy **ret_policy, cd_err *err)
{
  agent_policy *p = calloc(1, sizeof(*p));
  if (p == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for the policy");
  p->agent = a;
  agent_config_init(&p->file);
  cd_code rc = agent_config_load(a->options.config_file, &p->file, err);
  if (rc == CD_OK)
    rc = load(p, err);
  if (rc != CD_OK) {
    agent_policy_free(p);
    return rc;
  }
  (void)uv_timer_init(a->loop, &p->change);
  (void)uv_timer_init(a->loop, &p->trial);
  p->change.data = p;
  p->trial.data = p;
  if (p->now.version > 0)
    use(p);
  *ret_policy = p;
  return CD_OK;
}

/* A change that was cut short is made whole: the rules may still be those of before. */
void agent_policy_start(agent_policy *p)
{
  if (p->seen.version > 0) {
    agent_remote_consoles(p->agent->remote);
    agent_state_refresh(p->agent->isolate);
  }
  if (p->now.trial)
    begin_trial(p);
}

void agent_policy_enrolled(agent_policy *p)
{
  cd_err err = {0};
  const agent_enrolment *e = agent_remote_enrolment(p->agent->remote);
  if (e != NULL && strcmp(e->root_id, p->root) == 0)
    return;
  (void)uv_timer_stop(&p->trial);
  if (load(p, &err) != CD_OK)
    cd_log(CD_AREA_REMOTE, CD_LOG_ERROR, "%s; going on without a policy", err.text);
  use(p);
}

void agent_policy_stop(agent_policy *p)
{
  if (p == NULL || p->stopping)
    return;
  p->stopping = true;
  uv_close((uv_handle_t *)&p->change, NULL);
  uv_close((uv_handle_t *)&p->trial, NULL);
}

void agent_policy_free(agent_policy *p)
{
  if (p == NULL)
    return;
  agent_policy_record_release(&p->now);
  agent_policy_record_release(&p->before);
  agent_config_release(&p->file);
  free(p);
}
