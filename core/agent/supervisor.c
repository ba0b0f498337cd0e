#include "supervisor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "platform/confine.h"
#include "platform/file.h"

#include "base/banned.h"

struct agent_slot {
  agent_host *host; /* the one that takes new operations, or NULL */
  bool able; /* a probe passed since the agent began, and nothing has spoken against it since */
};

static cd_code make_folders(agent_supervisor *s, cd_err *err)
{
  char path[CD_PATH_MAX];
  if (snprintf(path, sizeof(path), "%s/plugins", s->state_dir) >= (int)sizeof(path))
    return cd_fail(err, CD_E_LIMIT, "the path of the state folder '%s' is too long", s->state_dir);
  /* Passable, so that a plugin's user reaches its own folder; not readable. */
  return pf_dir_ensure(path, 0711, NULL, err);
}

static cd_code make_slots(agent_supervisor *s, cd_err *err)
{
  for (unsigned i = 0; i < s->registry.count; i++) {
    agent_plugin *p = s->registry.plugins[i];
    for (int cap = 0; cap < AGENT_CAP_COUNT; cap++) {
      if ((p->manifest.provides & (1u << cap)) == 0)
        continue;
      p->slots[cap] = calloc(1, sizeof(*p->slots[cap]));
      if (p->slots[cap] == NULL)
        return cd_fail(err, CD_E_INTERNAL, "no memory for plugin '%s'", p->manifest.id);
    }
  }
  return CD_OK;
}

cd_code agent_supervisor_init(agent_supervisor *s, uv_loop_t *loop, agent_journal *journal,
                              const agent_config *config, const char *plugin_dir,
                              const char *trust_file, const char *plugin_host,
                              const char *state_dir, cd_err *err)
{
  *s = (agent_supervisor){.loop = loop, .journal = journal, .config = config};
  if (!cd_str_copy(s->plugin_host, sizeof(s->plugin_host), cd_str_from(plugin_host)) ||
      !cd_str_copy(s->state_dir, sizeof(s->state_dir), cd_str_from(state_dir)))
    return cd_fail(err, CD_E_LIMIT, "the path '%s' or '%s' is too long", plugin_host, state_dir);
  cd_code rc = make_folders(s, err);
  if (rc == CD_OK)
    rc = agent_registry_load(&s->registry, plugin_dir, trust_file, err);
  if (rc == CD_OK)
    rc = make_slots(s, err);
  if (rc != CD_OK)
    agent_supervisor_release(s);
  return rc;
}

void agent_supervisor_release(agent_supervisor *s)
{
  for (unsigned i = 0; i < s->registry.count; i++) {
    for (int cap = 0; cap < AGENT_CAP_COUNT; cap++)
      free(s->registry.plugins[i]->slots[cap]);
  }
  agent_registry_release(&s->registry);
}

void agent_supervisor_stop(agent_supervisor *s, void (*on_stopped)(void *owner), void *owner)
{
  s->stopping = true;
  s->on_stopped = on_stopped;
  s->owner = owner;
  if (s->live == 0) {
    on_stopped(owner);
    return;
  }
  for (unsigned i = 0; i < s->registry.count; i++) {
    for (int cap = 0; cap < AGENT_CAP_COUNT; cap++) {
      struct agent_slot *slot = s->registry.plugins[i]->slots[cap];
      if (slot != NULL && slot->host != NULL)
        agent_host_stop(slot->host);
    }
  }
}

agent_plugin *agent_supervisor_provider(const agent_supervisor *s, agent_capability cap, unsigned i,
                                        const char **ret_id, bool *ret_more)
{
  *ret_more = i < s->config->provider_count[cap];
  if (!*ret_more)
    return NULL;
  *ret_id = s->config->providers[cap][i];
  agent_plugin *p = agent_registry_find(&s->registry, *ret_id);
  return p != NULL && p->slots[cap] != NULL ? p : NULL;
}

static cd_code check_quarantine(agent_supervisor *s, const agent_plugin *p, agent_capability cap,
                                agent_function fn, cd_err *err)
{
  unsigned strikes = 0;
  bool quarantined = false;
  if (agent_function_always_allowed(fn))
    return CD_OK;
  agent_supervisor_strikes(s, p, cap, &strikes, &quarantined);
  if (!quarantined)
    return CD_OK;
  return cd_fail(err, CD_E_DENIED,
                 "plugin '%s' is quarantined for %s after repeated failures; `cordon local "
                 "unquarantine %s` lifts it, or another version of it",
                 p->manifest.id, agent_capability_name(cap), p->manifest.id);
}

bool agent_supervisor_distrusts(const agent_supervisor *s, const agent_plugin *p)
{
  return p->usable && agent_config_distrusts(s->config, &p->digest);
}

/* Whoever distrusts what holds an isolation must still be able to end it, and to see it. */
static cd_code check_distrust(const agent_supervisor *s, const agent_plugin *p, agent_function fn,
                              cd_err *err)
{
  if (agent_function_always_allowed(fn) || !agent_supervisor_distrusts(s, p))
    return CD_OK;
  return cd_fail(err, CD_E_DENIED,
                 "plugin '%s' is not to be used: its library is distrusted (`cordon local policy` "
                 "says by whom)",
                 p->manifest.id);
}

cd_code agent_supervisor_run(agent_supervisor *s, agent_plugin *p, agent_capability cap,
                             const agent_op_order *order, agent_op **ret_op, cd_err *err)
{
  struct agent_slot *slot = p->slots[cap];
  if (s->stopping)
    return cd_fail(err, CD_E_CANCELLED, "the agent is stopping");
  if (slot == NULL)
    return cd_fail(err, CD_E_UNSUPPORTED, "plugin '%s' does not provide %s", p->manifest.id,
                   agent_capability_name(cap));
  if (!p->usable)
    return cd_fail(err, CD_E_UNAVAILABLE, "%s", p->reason);
  cd_code rc = check_distrust(s, p, order->function, err);
  if (rc == CD_OK)
    rc = order->keeps ? CD_OK : check_quarantine(s, p, cap, order->function, err);
  if (rc != CD_OK)
    return rc;
  if (slot->host == NULL || !agent_host_usable(slot->host)) {
    slot->host = agent_host_new(s, p, cap);
    if (slot->host == NULL)
      return cd_fail(err, CD_E_INTERNAL, "no memory for a host of plugin '%s'", p->manifest.id);
    s->live++;
  }
  return agent_host_submit(slot->host, order, ret_op, err);
}

bool agent_supervisor_able(const agent_plugin *p, agent_capability cap)
{
  return p->slots[cap] != NULL && p->slots[cap]->able;
}

void agent_supervisor_ended(agent_plugin *p, agent_capability cap, agent_function fn,
                            cd_code status)
{
  if (fn == AGENT_FN_PROBE)
    p->slots[cap]->able = cd_code_ok(status);
  else if (status == CD_E_UNAVAILABLE || status == CD_E_UNSUPPORTED || status == CD_E_DENIED ||
           status == CD_E_INTERNAL)
    p->slots[cap]->able = false;
}

void agent_supervisor_forget(agent_supervisor *s, agent_host *h, agent_plugin *p,
                             agent_capability cap)
{
  if (p->slots[cap]->host == h)
    p->slots[cap]->host = NULL;
  s->live--;
  if (s->stopping && s->live == 0)
    s->on_stopped(s->owner);
}

void agent_supervisor_strikes(const agent_supervisor *s, const agent_plugin *p,
                              agent_capability cap, unsigned *ret_strikes, bool *ret_quarantined)
{
  cd_err err = {0};
  int64_t since = 0;
  *ret_strikes = 0;
  *ret_quarantined = false;
  if (!p->usable || s->journal == NULL)
    return;
  if (agent_journal_strikes(s->journal, p->digest_text, cap, cd_wall_ms() - AGENT_STRIKES_WINDOW_MS,
                            ret_strikes, &since, &err) != CD_OK)
    cd_log(CD_AREA_SUPERVISOR, CD_LOG_ERROR, "%s", err.text);
  *ret_quarantined = since != 0;
}

void agent_supervisor_strike(agent_supervisor *s, const agent_plugin *p, agent_capability cap,
                             const char *reason)
{
  cd_err err = {0};
  unsigned strikes = 0;
  bool quarantined = false;
  int64_t now = cd_wall_ms();
  p->slots[cap]->able = false;
  if (s->journal == NULL) {
    cd_log(CD_AREA_SUPERVISOR, CD_LOG_WARN, "%s plugin=%s: %s", agent_capability_name(cap),
           p->manifest.id, reason);
    return;
  }
  cd_code rc = agent_journal_strike(s->journal, p->digest_text, cap, now, reason, &err);
  agent_supervisor_strikes(s, p, cap, &strikes, &quarantined);
  cd_log(CD_AREA_SUPERVISOR, CD_LOG_WARN, "%s plugin=%s: strike %u of %d: %s",
         agent_capability_name(cap), p->manifest.id, strikes, AGENT_STRIKES_MAX, reason);
  if (rc == CD_OK && strikes >= AGENT_STRIKES_MAX && !quarantined) {
    rc = agent_journal_quarantine(s->journal, p->digest_text, cap, now, &err);
    cd_log(
        CD_AREA_SUPERVISOR, CD_LOG_ERROR,
        "%s plugin=%s: quarantined: from now on it only releases, answers, and keeps what it holds",
        agent_capability_name(cap), p->manifest.id);
  }
  if (rc != CD_OK)
    cd_log(CD_AREA_SUPERVISOR, CD_LOG_ERROR, "%s", err.text);
}

cd_code agent_supervisor_undo(const agent_supervisor *s, const agent_plugin *p,
                              agent_capability cap, cd_str record, cd_err *err)
{
  if (s->journal != NULL)
    return agent_journal_undo_add(s->journal, cap, p->manifest.id, record, err);
  return s->keep_undo(s->undo_owner, p->manifest.id, record, err);
}

bool agent_supervisor_describe(const agent_plugin *p, agent_capability cap, int *ret_pid,
                               unsigned *ret_running, bool *ret_resident)
{
  if (p->slots[cap] == NULL || p->slots[cap]->host == NULL)
    return false;
  agent_host_describe(p->slots[cap]->host, ret_pid, ret_running, ret_resident);
  return true;
}

cd_code agent_supervisor_pardon(agent_supervisor *s, const char *id, unsigned *ret_lifted,
                                cd_err *err)
{
  const agent_plugin *p = agent_registry_find(&s->registry, id);
  if (p == NULL)
    return cd_fail(err, CD_E_NOTFOUND, "there is no plugin '%s'", id);
  return agent_journal_pardon(s->journal, p->digest_text, ret_lifted, err);
}

cd_code agent_supervisor_state_dir(const agent_supervisor *s, const agent_plugin *p,
                                   char out[CD_PATH_MAX], cd_err *err)
{
  const char *owner = s->config->plugin_user;
  if (snprintf(out, CD_PATH_MAX, "%s/plugins/%s", s->state_dir, p->manifest.id) >= (int)CD_PATH_MAX)
    return cd_fail(err, CD_E_LIMIT, "the path of the private folder of plugin '%s' is too long",
                   p->manifest.id);
  if (owner[0] == '\0' || (p->manifest.privileges & (PF_PRIV_ROOT | PF_PRIV_ROOT_USER)) != 0)
    owner = NULL;
  return pf_dir_ensure(out, 0700, owner, err);
}
