/* The attempts of `cordond --restore`: each source of parameters in the order of the plan, with
 * each provider in the order of file, journal and policy, until one has put it in force. */
#include <string.h>

#include "base/fault.h"
#include "base/log.h"
#include "restore_private.h"

#include "base/banned.h"

static void try_next(restore *r);

static agent_restore_source source(const restore *r)
{
  return r->plan.sources[r->source];
}

static void note_failure(restore *r, const char *why)
{
  cd_log(CD_AREA_RECONCILE, CD_LOG_WARN, "restore: not from %s by %s: %s",
         agent_restore_source_name(source(r)), r->plugin->manifest.id, why);
  agent_reason_add(&r->reasons, agent_restore_source_name(source(r)), why);
}

/* ---- providers ---- */

/* Who held it comes first. */
static const char *first_provider(const restore *r)
{
  switch (source(r)) {
  case AGENT_FROM_CURRENT: return r->read.current.provider;
  case AGENT_FROM_PREVIOUS: return r->read.previous.provider;
  default: break;
  }
  if (r->read.current.provider[0] != '\0')
    return r->read.current.provider;
  return r->read.previous.provider[0] != '\0' ? r->read.previous.provider : r->read.holder;
}

/* The i-th to be asked: the first, then policy's; where that could not be read, any that may be
 * loaded. */
static const char *provider_at(const restore *r, unsigned i)
{
  const agent_config *c = &r->config;
  if (i == 0)
    return first_provider(r);
  if (r->configured)
    return i - 1 < c->provider_count[AGENT_CAP_ISOLATE] ? c->providers[AGENT_CAP_ISOLATE][i - 1]
                                                        : NULL;
  return i - 1 < r->sup.registry.count ? r->sup.registry.plugins[i - 1]->manifest.id : NULL;
}

static bool next_provider(restore *r)
{
  for (;;) {
    const char *id = provider_at(r, r->provider);
    if (id == NULL)
      return false;
    bool repeated = r->provider > 0 && strcmp(id, first_provider(r)) == 0;
    r->provider++;
    if (id[0] == '\0' || repeated)
      continue;
    agent_plugin *p = agent_registry_find(&r->sup.registry, id);
    if (p != NULL && p->usable && p->slots[AGENT_CAP_ISOLATE] != NULL) {
      r->plugin = p;
      return true;
    }
    const char *why = p == NULL   ? "it is not installed"
                      : p->usable ? "it does not isolate"
                                  : p->reason;
    cd_log(CD_AREA_RECONCILE, CD_LOG_WARN, "restore: provider %s cannot be asked: %s", id, why);
    if (r->reasons.len == 0 || source(r) == AGENT_FROM_CURRENT)
      agent_reason_add(&r->reasons, id, why);
  }
}

/* ---- one attempt ---- */

/* What apply and query say: isolated, and by which rules. */
static cd_code read_answer(cd_str result, char digest[160], cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_str state = {0};
  cd_str text = {0};
  cd_code rc = cd_json_parse(result, CD_RESULT_MAX, "the provider's answer", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_json_str(&root, "state", 32, &state);
  if (state.ptr != NULL && !cd_str_eq(state, CD_STR("isolated")))
    cd_json_bad(&root, "state", "is '%.*s'", CD_STR_ARG(state));
  cd_json_str(&root, "digest", sizeof(((restore *)NULL)->digest) - 1, &text);
  if (text.ptr != NULL && !cd_str_copy(digest, sizeof(((restore *)NULL)->digest), text))
    cd_json_bad(&root, "digest", "holds a NUL");
  rc = cd_json_status(&root, err);
  cd_json_free(doc);
  return rc;
}

static void run(restore *r, agent_function fn);

static void after_apply(restore *r, const agent_op_end *end)
{
  cd_err err = {0};
  CD_FAULT_POINT("restore.applied");
  if (!cd_code_ok(end->status))
    note_failure(r, end->sentence);
  else if (read_answer(end->result, r->digest, &err) != CD_OK)
    note_failure(r, err.text);
  else {
    run(r, AGENT_FN_QUERY);
    return;
  }
  try_next(r);
}

static void after_query(restore *r, const agent_op_end *end)
{
  cd_err err = {0};
  char digest[160] = "";
  if (!cd_code_ok(end->status))
    note_failure(r, end->sentence);
  else if (read_answer(end->result, digest, &err) != CD_OK)
    note_failure(r, err.text);
  else if (strcmp(digest, r->digest) != 0)
    note_failure(r, "what is in force is not what was applied");
  else {
    restore_over(r, true);
    return;
  }
  try_next(r);
}

static void on_end(void *owner, const agent_op_end *end)
{
  restore *r = owner;
  r->op = NULL;
  (void)uv_timer_stop(&r->attempt);
  if (r->over)
    return;
  if (r->querying)
    after_query(r, end);
  else
    after_apply(r, end);
}

static const agent_op_events events = {.on_progress = NULL, .on_record = NULL, .on_end = on_end};

/* A provider that hangs must leave time for the next. */
static void on_attempt_timer(uv_timer_t *timer)
{
  restore *r = timer->data;
  if (r->op != NULL)
    agent_op_cancel(r->op);
}

static void run(restore *r, agent_function fn)
{
  cd_err err = {0};
  r->querying = fn == AGENT_FN_QUERY;
  agent_op_order order = {.function = fn,
                          .params = cd_str_from(r->params),
                          .events = &events,
                          .owner = r,
                          .keeps = true};
  if (agent_supervisor_run(&r->sup, r->plugin, AGENT_CAP_ISOLATE, &order, &r->op, &err) == CD_OK) {
    (void)uv_timer_start(&r->attempt, on_attempt_timer, RESTORE_ATTEMPT_MS, 0);
    return;
  }
  note_failure(r, err.text);
  try_next(r);
}

/* ---- sources ---- */

static const char *params_of(restore *r)
{
  cd_err err = {0};
  switch (source(r)) {
  case AGENT_FROM_CURRENT: return r->read.current.params;
  case AGENT_FROM_PREVIOUS: return r->read.previous.params;
  case AGENT_FROM_JOURNAL: return r->read.wanted.params;
  default: break;
  }
  restore_read_consoles(r->options->state_dir, &r->config, &r->read);
  cd_buf_reset(&r->builtin);
  if (restore_builtin_params(&r->read, &r->config, &r->builtin, &err) == CD_OK)
    return cd_buf_cstr(&r->builtin);
  cd_log(CD_AREA_RECONCILE, CD_LOG_ERROR, "restore: %s", err.text);
  return NULL;
}

static void try_next(restore *r)
{
  while (r->source < r->plan.count && !r->over) {
    if (r->params == NULL)
      r->params = params_of(r);
    if (r->params != NULL && next_provider(r)) {
      CD_FAULT_POINT("restore.before_apply");
      r->digest[0] = '\0';
      run(r, AGENT_FN_APPLY);
      return;
    }
    r->source++;
    r->provider = 0;
    r->params = NULL;
  }
  if (!r->over)
    restore_over(r, false);
}

void restore_try(restore *r)
{
  try_next(r);
}
