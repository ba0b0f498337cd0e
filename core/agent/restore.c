/* The step of the boot that puts an isolation back in force. The decision is in restore_plan.c, the
 * attempts are in restore_try.c. */
#include "restore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "platform/file.h"
#include "restore_private.h"
#include "rules.h"
#include "undo_file.h"

#include "base/banned.h"

static void say(cd_log_level level, const char *text)
{
  cd_log(CD_AREA_AGENT, level, "restore: %s", text);
}

/* ---- the end ---- */

static agent_restore_outcome outcome_of(const restore *r, bool in_force)
{
  agent_restore_source source = in_force ? r->plan.sources[r->source] : AGENT_FROM_NONE;
  if (!in_force)
    return AGENT_RESTORE_FAILED;
  /* The first of the plan is what was in force, or what was ordered and is not in a file yet. */
  bool unread = r->read.facts.current == RESTORE_BAD || r->read.facts.previous == RESTORE_BAD;
  bool good =
      source == AGENT_FROM_CURRENT || (source == AGENT_FROM_JOURNAL && r->source == 0 && !unread);
  return good ? AGENT_RESTORE_DONE : AGENT_RESTORE_FALLBACK;
}

static void describe(const restore *r, agent_restored *d)
{
  static const char *const from[] = {"", "from the rule file", "from the rule file before the last",
                                     "from the order in the journal",
                                     "as a full isolation that lets through only the consoles"};
  const char *reasons = r->reasons.len > 0 ? cd_buf_cstr(&r->reasons) : "";
  char consoles[32] = "";
  if (d->outcome == AGENT_RESTORE_FAILED) {
    (void)snprintf(d->sentence, sizeof(d->sentence),
                   "the isolation could not be put in force: %.300s",
                   reasons[0] != '\0' ? reasons : "there is no provider that can be asked");
    return;
  }
  if (d->source == AGENT_FROM_BUILTIN)
    (void)snprintf(consoles, sizeof(consoles), " (%u)", r->read.console_count);
  bool unreadable = d->source != AGENT_FROM_CURRENT && r->read.facts.current == RESTORE_BAD;
  (void)snprintf(d->sentence, sizeof(d->sentence),
                 "the isolation is in force again, %s%s%s%s%.250s", from[d->source], consoles,
                 unreadable ? "; the last rule file cannot be read" : "",
                 reasons[0] != '\0' ? "; not " : "", reasons);
}

static uint64_t generation_of(const restore *r, agent_restore_source source)
{
  switch (source) {
  case AGENT_FROM_CURRENT: return r->read.current.generation;
  case AGENT_FROM_PREVIOUS: return r->read.previous.generation;
  case AGENT_FROM_JOURNAL: return r->read.wanted.generation;
  default: return 0;
  }
}

static void on_stopped(void *owner)
{
  restore *r = owner;
  uv_close((uv_handle_t *)&r->attempt, NULL);
  uv_close((uv_handle_t *)&r->deadline, NULL);
}

void restore_over(restore *r, bool in_force)
{
  agent_restored *d = &r->done;
  r->over = true;
  d->outcome = outcome_of(r, in_force);
  d->took_ms = cd_mono_ms() - r->began_ms;
  if (in_force) {
    d->source = r->plan.sources[r->source];
    d->generation = generation_of(r, d->source);
    (void)cd_str_copy(d->provider, sizeof(d->provider), cd_str_from(r->plugin->manifest.id));
    (void)cd_str_copy(d->digest, sizeof(d->digest), cd_str_from(r->digest));
  }
  describe(r, d);
  agent_supervisor_stop(&r->sup, on_stopped, r);
}

static void on_deadline(uv_timer_t *timer)
{
  restore *r = timer->data;
  if (r->over)
    return;
  agent_reason_add(&r->reasons, "deadline", "it took longer than a boot should wait");
  if (r->op != NULL)
    agent_op_cancel(r->op);
  restore_over(r, false);
}

/* ---- the step ---- */

static cd_code keep_undo(void *owner, const char *plugin, cd_str record, cd_err *err)
{
  const restore *r = owner;
  return agent_undo_file_add(r->options->state_dir, plugin, record, err);
}

/* A configuration that cannot be read must not leave a device open: the defaults will do. */
static void configure(restore *r)
{
  cd_err err = {0};
  agent_config_init(&r->config);
  r->configured = agent_config_load(r->options->config_file, &r->config, &err) == CD_OK;
  if (!r->configured)
    cd_log(CD_AREA_AGENT, CD_LOG_ERROR, "restore: %s; going on with the defaults", err.text);
  const char *spec = r->options->log != NULL ? r->options->log : r->config.log;
  if (cd_log_configure(cd_str_from(spec), &err) != CD_OK)
    cd_log(CD_AREA_AGENT, CD_LOG_WARN, "restore: %s; going on", err.text);
}

static cd_code run_attempts(restore *r, cd_err *err)
{
  const agent_options *o = r->options;
  int uv = uv_loop_init(&r->loop);
  if (uv != 0)
    return cd_fail_os(err, CD_E_INTERNAL, -uv, "cannot make an event loop: %s", uv_strerror(uv));
  cd_code rc = agent_supervisor_init(&r->sup, &r->loop, NULL, &r->config, o->plugin_dir,
                                     o->trust_file, o->plugin_host, o->state_dir, err);
  if (rc == CD_OK) {
    r->sup.keep_undo = keep_undo;
    r->sup.undo_owner = r;
    (void)uv_timer_init(&r->loop, &r->attempt);
    (void)uv_timer_init(&r->loop, &r->deadline);
    r->attempt.data = r;
    r->deadline.data = r;
    (void)uv_timer_start(&r->deadline, on_deadline, RESTORE_WORK_MS, 0);
    restore_try(r);
    (void)uv_run(&r->loop, UV_RUN_DEFAULT);
    agent_supervisor_release(&r->sup);
  }
  (void)uv_loop_close(&r->loop);
  return rc;
}

static void report(restore *r)
{
  cd_err err = {0};
  agent_restored *d = &r->done;
  cd_log(CD_AREA_AGENT,
         d->outcome == AGENT_RESTORE_DONE       ? CD_LOG_INFO
         : d->outcome == AGENT_RESTORE_FALLBACK ? CD_LOG_WARN
                                                : CD_LOG_ERROR,
         "restore: %s%s%s (%llu ms)", d->sentence, d->provider[0] != '\0' ? ", by " : "",
         d->provider, (unsigned long long)d->took_ms);
  if (r->options->run_dir == NULL)
    return;
  if (pf_boot_id(d->boot, &err) != CD_OK ||
      agent_restored_store(r->options->run_dir, d, &err) != CD_OK)
    cd_log(CD_AREA_AGENT, CD_LOG_ERROR, "restore: %s; the agent will not know of this", err.text);
}

static int work(restore *r)
{
  static const int codes[] = {RESTORE_EXIT_GOOD, RESTORE_EXIT_GOOD, RESTORE_EXIT_FALLBACK,
                              RESTORE_EXIT_FAILED};
  cd_err err = {0};
  configure(r);
  r->done.at_ms = cd_wall_ms();
  if (run_attempts(r, &err) != CD_OK) {
    r->done.outcome = AGENT_RESTORE_FAILED;
    (void)snprintf(r->done.sentence, sizeof(r->done.sentence),
                   "the isolation could not be put in force: %.400s", err.text);
  }
  report(r);
  agent_config_release(&r->config);
  return codes[r->done.outcome];
}

/* Alone in the state folder; true if there is something to do in it. */
static bool enter(const char *state_dir, int *ret_code)
{
  uv_fs_t req;
  char lock[CD_PATH_MAX];
  cd_err err = {0};
  *ret_code = RESTORE_EXIT_GOOD;
  int there = uv_fs_stat(NULL, &req, state_dir, NULL);
  uv_fs_req_cleanup(&req);
  if (there == UV_ENOENT) {
    say(CD_LOG_INFO, "nothing to do: there is no state folder");
    return false;
  }
  cd_code rc = CD_OK;
  if (snprintf(lock, sizeof(lock), "%s/lock", state_dir) >= (int)sizeof(lock))
    rc = cd_fail(&err, CD_E_LIMIT, "the path of the state folder '%s' is too long", state_dir);
  if (rc == CD_OK)
    rc = pf_file_lock(lock, &err);
  if (rc == CD_E_CONFLICT) {
    cd_log(CD_AREA_AGENT, CD_LOG_INFO, "restore: nothing to do, the agent runs: %s", err.text);
    return false;
  }
  /* Without the lock it goes on all the same: two who put the same in force do no harm. */
  if (rc != CD_OK)
    cd_log(CD_AREA_AGENT, CD_LOG_WARN, "restore: %s; going on", err.text);
  return true;
}

int agent_restore(const agent_options *options)
{
  int code = RESTORE_EXIT_GOOD;
  restore *r = calloc(1, sizeof(*r));
  if (r == NULL) {
    say(CD_LOG_ERROR, "no memory");
    return RESTORE_EXIT_FAILED;
  }
  r->options = options;
  r->began_ms = cd_mono_ms();
  cd_buf_init(&r->reasons, RESTORE_REASONS_MAX);
  cd_buf_init(&r->builtin, CD_RESULT_MAX);
  if (enter(options->state_dir, &code)) {
    restore_read_all(options->state_dir, &r->read);
    agent_restore_plan(&r->read.facts, &r->plan);
    if (r->plan.wanted)
      code = work(r);
    else
      cd_log(CD_AREA_AGENT, CD_LOG_INFO, "restore: nothing to do: %s", r->plan.why);
  }
  restore_read_release(&r->read);
  cd_buf_release(&r->reasons);
  cd_buf_release(&r->builtin);
  free(r);
  return code;
}
