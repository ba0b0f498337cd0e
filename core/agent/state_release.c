/* Releasing: each provider that may hold the state is asked, and then asked what it holds. */
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/log.h"
#include "state_private.h"

#include "base/banned.h"

static void release_next(agent_state *s);

/* Nobody is known to hold it: whoever could is asked, so that a device whose journal was lost can
 * be released too. */
static void guess_holders(agent_state *s)
{
  state_run *r = &s->run;
  r->holders_are_guesses = true;
  for (unsigned i = 0; r->holder_count < AGENT_HOLDERS_MAX; i++) {
    const char *id = NULL;
    bool more = false;
    const agent_plugin *p = agent_supervisor_provider(s->sup, s->cap, i, &id, &more);
    if (!more)
      return;
    if (p == NULL || !p->usable)
      continue;
    agent_holder *h = &r->holders[r->holder_count++];
    *h = (agent_holder){0};
    (void)cd_str_copy(h->plugin, sizeof(h->plugin), cd_str_from(id));
  }
}

void state_release_begin(agent_state *s)
{
  cd_err err = {0};
  state_run *r = &s->run;
  r->releasing = true;
  r->holder = 0;
  r->holder_count = 0;
  state_rules_forget(s);
  cd_code rc = agent_journal_holders(s->journal, s->cap, r->holders, &r->holder_count, &err);
  if (rc != CD_OK)
    cd_log(CD_AREA_RECONCILE, CD_LOG_ERROR, "%s; asking every provider to release", err.text);
  if (r->holder_count == 0)
    guess_holders(s);
  CD_FAULT_POINT("agent.before_release");
  release_next(s);
}

static void release_over(agent_state *s)
{
  state_run *r = &s->run;
  if (r->released == 0)
    state_fail(s, CD_E_UNAVAILABLE, "no provider of %s could be asked",
               agent_capability_name(s->cap));
  if (r->failure.code == CD_OK || (r->touched && r->released == r->holder_count)) {
    s->provider[0] = '\0';
    state_measured(s, ENFORCED_RELEASED, (cd_str){0}, NULL);
    state_proved(s, PROVEN_RELEASED, NULL);
  } else if (!r->isolate) {
    /* The order to release stands: the reconciler goes on trying. */
    r->kept = true;
  }
  state_conclude(s);
}

static void release_next(agent_state *s)
{
  state_run *r = &s->run;
  for (; r->holder < r->holder_count; r->holder++) {
    const char *id = r->holders[r->holder].plugin;
    r->plugin = agent_registry_find(&s->sup->registry, id);
    r->attempts = 1;
    r->all_attempts++;
    if (r->plugin != NULL && r->plugin->usable && r->plugin->slots[s->cap] != NULL) {
      state_run_function(s, AGENT_FN_RELEASE);
      return;
    }
    state_measured(s, ENFORCED_UNKNOWN, (cd_str){0}, "the provider that holds it cannot be asked");
    state_fail(s, CD_E_UNVERIFIED, "provider '%s' may hold it and cannot be asked: %s", id,
               r->plugin == NULL ? "it is not installed" : r->plugin->reason);
  }
  release_over(s);
}

static void release_failed(agent_state *s, cd_code code, const char *why)
{
  state_run *r = &s->run;
  if (r->attempts < STATE_ATTEMPTS_MAX) {
    r->attempts++;
    r->all_attempts++;
    state_run_function(s, AGENT_FN_RELEASE);
    return;
  }
  /* A provider that cannot work here cannot hold anything either, unless it is on record that it
   * may. */
  bool cannot_hold =
      r->holders_are_guesses && (code == CD_E_UNAVAILABLE || code == CD_E_UNSUPPORTED);
  if (!cannot_hold)
    state_fail(s, code, "provider '%s' did not release: %s", r->plugin->manifest.id, why);
  r->holder++;
  release_next(s);
}

void state_after_release(agent_state *s, const agent_op_end *end)
{
  CD_FAULT_POINT("agent.after_release");
  if (cd_code_ok(end->status))
    state_run_function(s, AGENT_FN_QUERY);
  else
    release_failed(s, end->status, end->sentence);
}

void state_after_release_query(agent_state *s, const agent_op_end *end)
{
  cd_err err = {0};
  state_enforced value = ENFORCED_UNKNOWN;
  char digest[STATE_DIGEST_MAX];
  state_run *r = &s->run;
  CD_FAULT_POINT("agent.after_release_query");
  bool read = state_read_query(end, &value, digest, &err);
  if (value != ENFORCED_RELEASED) {
    state_measured(s, value, cd_str_from(digest), read ? NULL : err.text);
    release_failed(s, read ? CD_E_UNVERIFIED : err.code,
                   read ? "it says so, but it is still in force" : err.text);
    return;
  }
  if (agent_journal_unhold(s->journal, s->cap, r->plugin->manifest.id, &err) != CD_OK)
    cd_log(CD_AREA_RECONCILE, CD_LOG_ERROR, "%s; it will be released once more", err.text);
  r->released++;
  r->holder++;
  release_next(s);
}
