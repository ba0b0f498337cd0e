#include "agent.h"

#include <stdio.h>
#include <string.h>

#include "adopt.h"
#include "base/clock.h"
#include "base/log.h"
#include "lease.h"
#include "platform/file.h"

#include "base/banned.h"

static void on_action(void *owner, const agent_action *action)
{
  agent *a = owner;
  agent_control_action(a, action);
  agent_remote_action(a->remote, action);
  agent_lease_look(a->lease);
  if (agent_action_ended(action) && action->kind == AGENT_KIND_RELEASE)
    agent_remote_redial(a->remote, agent_lease_rolled_back(action));
}

static void on_step(void *owner, const char *action_id, const char *step, uint64_t done,
                    uint64_t total, cd_str what)
{
  agent *a = owner;
  agent_control_step(a, action_id, step, done, total, what);
  agent_remote_step(a->remote, action_id, step, done, total, what);
}

static void on_values(void *owner)
{
  agent *a = owner;
  cd_values values;
  agent_remote_values(a->remote);
  agent_lease_look(a->lease);
  agent_state_values(a->isolate, &values);
  agent_notice_values(a->notice, &values);
}

static void on_preflight(void *owner, const agent_action *action, agent_preflight *preflight)
{
  agent_preflight_about(owner, action, preflight);
}

static void on_device(void *owner)
{
  agent *a = owner;
  agent_remote_facts(a->remote);
}

static const char *device_id(void *owner)
{
  const agent *a = owner;
  return agent_remote_device(a->remote);
}

static const agent_state_events state_events = {.on_action = on_action,
                                                .on_step = on_step,
                                                .on_values = on_values,
                                                .on_preflight = on_preflight};

/* What the console is told of is in the journal's outbox by now. */
static void on_job(void *owner, const agent_action *action)
{
  agent *a = owner;
  agent_control_action(a, action);
  agent_remote_action(a->remote, action);
}

static void on_job_step(void *owner, const agent_action *action, const char *step, uint64_t done,
                        uint64_t total, cd_str what)
{
  agent *a = owner;
  agent_control_step(a, action->id, step, done, total, what);
  if (action->console)
    agent_remote_step(a->remote, action->id, step, done, total, what);
}

static const agent_jobs_events job_events = {.on_action = on_job, .on_step = on_job_step};

/* Each kind of job this agent knows. */
static cd_code open_jobs(agent *a, cd_err *err)
{
  cd_code rc = agent_jobs_new(&a->supervisor, a->journal, &job_events, a, &a->jobs, err);
  if (rc == CD_OK)
    rc = agent_collect_new(a->jobs, &a->supervisor, a->journal, &a->config, a->options.state_dir,
                           &a->collect, err);
  if (rc == CD_OK)
    agent_collect_device(a->collect, device_id, a);
  if (rc == CD_OK)
    rc = agent_scan_new(a->jobs, &a->config, &a->scan, err);
  if (rc == CD_OK)
    rc = agent_remediate_new(a->jobs, a->journal, &a->remediate, err);
  return rc;
}

static cd_code open_folders(const agent_options *o, cd_err *err)
{
  char lock[CD_PATH_MAX];
  /* Passable for the plugins' users, whose folders are below it; readable for nobody else. */
  cd_code rc = pf_dir_ensure(o->state_dir, 0711, NULL, err);
  if (rc == CD_OK && o->run_dir != NULL)
    rc = pf_dir_ensure(o->run_dir, 0755, NULL, err);
  if (rc != CD_OK)
    return rc;
  if (snprintf(lock, sizeof(lock), "%s/lock", o->state_dir) >= (int)sizeof(lock))
    return cd_fail(err, CD_E_LIMIT, "the path of the state folder '%s' is too long", o->state_dir);
  return pf_file_lock(lock, err);
}

static void read_restored(agent *a)
{
  cd_err err = {0};
  if (a->options.run_dir != NULL &&
      agent_restored_load(a->options.run_dir, &a->restored, &err) != CD_OK)
    cd_log(CD_AREA_AGENT, CD_LOG_WARN, "%s; going on without", err.text);
  if (a->restored.outcome != AGENT_RESTORE_NONE)
    cd_log(CD_AREA_AGENT, CD_LOG_INFO, "at boot: %s", a->restored.sentence);
}

static cd_code open_parts(agent *a, cd_err *err)
{
  const agent_options *o = &a->options;
  cd_code rc = agent_journal_open(o->state_dir, &a->journal, &a->damaged, err);
  if (rc == CD_OK)
    rc = agent_supervisor_init(&a->supervisor, a->loop, a->journal, &a->config, o->plugin_dir,
                               o->trust_file, o->plugin_host, o->state_dir, err);
  if (rc != CD_OK) {
    agent_journal_close(a->journal);
    a->journal = NULL;
    return rc;
  }
  agent_adopt(a->journal, o->state_dir);
  rc = agent_probes_new(&a->supervisor, &a->probes, err);
  if (rc == CD_OK)
    agent_probes_on_device(a->probes, on_device, a);
  if (rc == CD_OK)
    rc = agent_notice_new(&a->supervisor, a->journal, &a->config, &a->notice, err);
  if (rc == CD_OK)
    rc = agent_remote_new(a, &a->remote, err);
  if (rc == CD_OK)
    rc = open_jobs(a, err);
  if (rc == CD_OK)
    rc = agent_policy_new(a, &a->policy, err);
  if (rc == CD_OK)
    rc = agent_control_start(a, err);
  if (rc == CD_OK) {
    rc = agent_state_new(&a->supervisor, a->journal, AGENT_CAP_ISOLATE, a->config.interval_s,
                         &state_events, a, &a->isolate, err);
    if (rc == CD_OK) {
      rc = agent_lease_new(a, &a->lease, err);
      if (rc != CD_OK)
        agent_state_stop(a->isolate);
    }
    if (rc != CD_OK)
      agent_control_stop(a);
  }
  if (rc != CD_OK) {
    agent_jobs_stop(a->jobs);
    agent_policy_stop(a->policy);
    agent_remote_stop(a->remote);
  }
  return rc;
}

cd_code agent_start(agent *a, uv_loop_t *loop, const agent_options *options, cd_err *err)
{
  *a = (agent){.loop = loop, .options = *options, .started_ms = cd_wall_ms()};
  agent_config_init(&a->config);
  cd_code rc = agent_config_load(options->config_file, &a->config, err);
  if (rc == CD_OK)
    rc = cd_log_configure(cd_str_from(options->log != NULL ? options->log : a->config.log), err);
  if (rc == CD_OK)
    rc = open_folders(options, err);
  if (rc == CD_OK)
    rc = open_parts(a, err);
  if (rc != CD_OK)
    return rc;
  cd_log(CD_AREA_AGENT, CD_LOG_INFO, "started, %u plugins, state in '%s'",
         a->supervisor.registry.count, options->state_dir);
  read_restored(a);
  agent_state_restored(a->isolate, &a->restored);
  agent_lease_start(a->lease);
  agent_state_start(a->isolate);
  agent_jobs_start(a->jobs);
  agent_probes_refresh(a->probes, 0);
  agent_policy_start(a->policy);
  agent_remote_start(a->remote);
  return CD_OK;
}

static void on_supervisor_stopped(void *owner)
{
  agent *a = owner;
  cd_log(CD_AREA_AGENT, CD_LOG_INFO, "stopped; what was in force stays in force");
  a->on_stopped(a->owner);
}

void agent_stop(agent *a, void (*on_stopped)(void *owner), void *owner)
{
  a->on_stopped = on_stopped;
  a->owner = owner;
  agent_control_stop(a);
  agent_policy_stop(a->policy);
  agent_remote_stop(a->remote);
  agent_lease_stop(a->lease);
  agent_state_stop(a->isolate);
  agent_jobs_stop(a->jobs);
  agent_supervisor_stop(&a->supervisor, on_supervisor_stopped, a);
}

void agent_free(agent *a)
{
  agent_lease_free(a->lease);
  agent_state_free(a->isolate);
  agent_jobs_free(a->jobs);
  agent_collect_free(a->collect);
  agent_scan_free(a->scan);
  agent_remediate_free(a->remediate);
  agent_policy_free(a->policy);
  agent_remote_free(a->remote);
  agent_probes_free(a->probes);
  agent_notice_free(a->notice);
  if (a->journal != NULL)
    agent_supervisor_release(&a->supervisor);
  agent_journal_close(a->journal);
  agent_config_release(&a->config);
}
