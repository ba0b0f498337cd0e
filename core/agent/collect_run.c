/* One package: which provider makes it, where it goes, and what was measured of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "collect_private.h"
#include "platform/file.h"
#include "protocol/limits.h"

#include "base/banned.h"

#define CHUNK (256u * 1024u)
/* The order, which may carry a collection list, and what is said beside it. */
#define PARAMS_MAX (CD_PARAMETERS_MAX + 16u * 1024u)
#define MS_PER_S 1000u

static void ask_next(agent_collect *c);

static void fail(agent_collect *c, cd_code code, const char *sentence)
{
  c->run.code = code;
  (void)cd_fail(&c->run.why, code, "%s", sentence);
}

static void fail_cancelled(agent_collect *c)
{
  fail(c, CD_E_CANCELLED, "it was cancelled; nothing of it is kept");
}

static void step(agent_collect *c, const char *name, uint64_t done, uint64_t total, cd_str what)
{
  c->events->on_step(c->owner, c->run.action->id, name, done, total, what);
}

/* What there is of the package is not kept. */
static void discard(agent_collect *c)
{
  collect_run *r = &c->run;
  if (r->file < 0)
    return;
  pf_file_close(r->file);
  r->file = -1;
  r->packed = false;
  agent_spool_drop(&c->spool, r->action->id);
}

/* ---- whole, and what it is ---- */

static cd_code hash_file(collect_run *r, char *chunk, cd_err *err)
{
  cd_hash *h = NULL;
  cd_code rc = cd_hash_new(&h, err);
  for (r->size = 0; rc == CD_OK;) {
    uv_fs_t req;
    uv_buf_t part = uv_buf_init(chunk, CHUNK);
    int got = uv_fs_read(NULL, &req, r->file, &part, 1, (int64_t)r->size, NULL);
    uv_fs_req_cleanup(&req);
    if (got < 0)
      rc = cd_fail_os(err, CD_E_IO, -got, "the package could not be read again: %s",
                      uv_strerror(got));
    if (got <= 0)
      break;
    cd_hash_add(h, chunk, (size_t)got);
    r->size += (uint64_t)got;
  }
  if (rc == CD_OK)
    rc = cd_hash_end(h, &r->digest, err);
  cd_hash_free(h);
  return rc;
}

static void hash_in_pool(uv_work_t *work)
{
  agent_collect *c = work->data;
  collect_run *r = &c->run;
  char *chunk = malloc(CHUNK);
  r->hashed = chunk != NULL ? hash_file(r, chunk, &r->hash_err)
                            : cd_fail(&r->hash_err, CD_E_INTERNAL, "no memory to hash with");
  free(chunk);
  if (r->hashed == CD_OK && r->size != r->package.bytes)
    r->hashed = cd_fail(&r->hash_err, CD_E_IO,
                        "the package has %llu bytes, and its maker wrote %llu: it is not kept",
                        (unsigned long long)r->size, (unsigned long long)r->package.bytes);
  if (r->hashed == CD_OK)
    r->hashed = agent_spool_keep(&c->spool, r->action->id, r->file, &r->hash_err);
}

static void on_hashed(uv_work_t *work, int status)
{
  agent_collect *c = work->data;
  collect_run *r = &c->run;
  (void)status;
  CD_FAULT_POINT("collect.kept");
  r->kept = r->hashed == CD_OK && !r->by_request;
  if (r->by_request) {
    fail_cancelled(c);
    discard(c);
  } else if (!r->kept) {
    fail(c, r->hashed, r->hash_err.text);
    discard(c);
  } else {
    pf_file_close(r->file);
    r->file = -1;
  }
  collect_over(c);
}

static void hash(agent_collect *c)
{
  step(c, "hash", 0, c->run.package.bytes, (cd_str){0});
  c->run.hashing.data = c;
  int uv = uv_queue_work(c->sup->loop, &c->run.hashing, hash_in_pool, on_hashed);
  if (uv == 0)
    return;
  fail(c, CD_E_INTERNAL, uv_strerror(uv));
  discard(c);
  collect_over(c);
}

/* ---- the operation ---- */

static void on_progress(void *owner, uint64_t done, uint64_t total, cd_str what)
{
  step(owner, "collect", done, total, what);
}

static void on_package(void *owner, const host_package *package)
{
  agent_collect *c = owner;
  collect_run *r = &c->run;
  cd_buf text = r->package.text;
  r->package = *package;
  r->package.text = text;
  cd_buf_reset(&r->package.text);
  cd_buf_add_str(&r->package.text, package->incomplete_names);
  r->package.incomplete_names = cd_buf_view(&r->package.text);
  r->packed = package->status == CD_OK;
}

/* The next provider may be able to. */
static bool is_passed_over(const agent_op_end *end)
{
  return !end->misbehaved && (end->status == CD_E_UNAVAILABLE || end->status == CD_E_UNSUPPORTED);
}

static void judge(agent_collect *c, const agent_op_end *end)
{
  collect_run *r = &c->run;
  bool partial = cd_code_ok(end->status) || (end->status == CD_E_DEADLINE && !end->misbehaved);
  if (r->by_request) {
    fail_cancelled(c);
  } else if (partial && !r->packed) {
    fail(c, cd_code_ok(end->status) ? CD_E_IO : end->status,
         r->package.sentence[0] != '\0' ? r->package.sentence
                                        : "no package was finished; nothing of it is kept");
  } else {
    r->code = end->status;
    (void)cd_fail(&r->why, end->status, "%s", end->sentence);
  }
  if (!partial || !r->packed || r->code == CD_E_CANCELLED)
    discard(c);
}

static void on_end(void *owner, const agent_op_end *end)
{
  agent_collect *c = owner;
  collect_run *r = &c->run;
  r->op = NULL;
  CD_FAULT_POINT("collect.ended");
  if (is_passed_over(end) && !r->by_request && !c->sup->stopping) {
    agent_reason_add(&r->reasons, r->asked->manifest.id, end->sentence);
    discard(c);
    ask_next(c);
    return;
  }
  cd_buf_add_str(&r->result, end->result);
  if (c->sup->stopping) {
    fail(c, CD_E_CANCELLED, "the agent was stopped meanwhile; nothing of it is kept");
    discard(c);
  } else {
    judge(c, end);
  }
  if (r->file >= 0)
    hash(c);
  else
    collect_over(c);
}

static const agent_op_events events = {
    .on_progress = on_progress, .on_package = on_package, .on_end = on_end};

/* ---- the start ---- */

typedef struct wish {
  cd_str profile;
  cd_json list;
  bool has_list;
  uint64_t max_bytes;
} wish;

static cd_code read_wish(agent_collect *c, cd_json_doc **ret_doc, wish *w, cd_err *err)
{
  const agent_config_collect *limits = &c->config->collect;
  cd_code rc =
      cd_json_parse(cd_str_from(c->run.action->params), PARAMS_MAX, "the order", ret_doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(*ret_doc);
  c->run.budget_s = limits->budget_s;
  w->max_bytes = limits->max_bytes;
  cd_json_str(&root, "profile", 32, &w->profile);
  w->has_list = cd_json_opt_obj(&root, "list", &w->list);
  (void)cd_json_opt_u64(&root, "budget_s", UINT32_MAX, &c->run.budget_s);
  (void)cd_json_opt_u64(&root, "max_bytes", UINT64_MAX, &w->max_bytes);
  if (w->max_bytes > limits->max_bytes)
    w->max_bytes = limits->max_bytes;
  return cd_json_status(&root, err);
}

static cd_code write_params(agent_collect *c, const wish *asked, cd_buf *out, cd_err *err)
{
  const agent_config_collect *limits = &c->config->collect;
  cd_jw w;
  cd_buf list = CD_BUF_INIT(CD_PARAMETERS_MAX);
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "action", c->run.action->id);
  cd_jw_cstr(&w, "device", c->device != NULL ? c->device(c->owner) : NULL);
  cd_jw_str(&w, "profile", asked->profile);
  if (asked->has_list) {
    cd_json_print(&asked->list, &list);
    cd_jw_raw(&w, "list", cd_buf_view(&list));
  }
  /* What is never taken, whatever a list says: the agent's own keys. */
  cd_jw_arr(&w, "keep_out");
  cd_jw_cstr(&w, NULL, c->sup->state_dir);
  cd_jw_end_arr(&w);
  cd_jw_u64(&w, "budget_s", c->run.budget_s);
  cd_jw_u64(&w, "max_bytes", asked->max_bytes);
  cd_jw_u64(&w, "max_artifact_bytes", limits->max_artifact_bytes);
  cd_jw_u64(&w, "max_total_bytes", limits->max_total_bytes);
  cd_jw_u64(&w, "max_artifacts", limits->max_artifacts);
  cd_jw_end_obj(&w);
  cd_code rc = cd_buf_status(&list, "the collection list", err);
  cd_buf_release(&list);
  return rc == CD_OK ? cd_jw_done(&w, "the parameters of collect", err) : rc;
}

static cd_code ask(agent_collect *c, agent_plugin *p, cd_err *err)
{
  collect_run *r = &c->run;
  const agent_config_collect *limits = &c->config->collect;
  cd_json_doc *doc = NULL;
  wish w = {.max_bytes = 0};
  cd_buf params = CD_BUF_INIT(PARAMS_MAX);
  cd_code rc = read_wish(c, &doc, &w, err);
  if (rc == CD_OK)
    rc = write_params(c, &w, &params, err);
  if (rc == CD_OK)
    rc = agent_spool_make(&c->spool, r->action->id, &r->file, err);
  if (rc == CD_OK) {
    agent_op_package package = {.file = r->file,
                                .max_bytes = w.max_bytes,
                                .max_artifact_bytes = limits->max_artifact_bytes,
                                .max_total_bytes = limits->max_total_bytes,
                                .max_artifacts = limits->max_artifacts,
                                .free_bytes = limits->free_bytes};
    agent_op_order order = {.function = AGENT_FN_RUN,
                            .params = cd_buf_view(&params),
                            .events = &events,
                            .owner = c,
                            .package = &package,
                            .budget_ms = (uint32_t)(r->budget_s + COLLECT_GRACE_S) * MS_PER_S};
    r->asked = p;
    rc = agent_supervisor_run(c->sup, p, AGENT_CAP_COLLECT, &order, &r->op, err);
  }
  if (rc != CD_OK)
    discard(c);
  cd_json_free(doc);
  cd_buf_release(&params);
  return rc;
}

static void ask_next(agent_collect *c)
{
  collect_run *r = &c->run;
  for (;;) {
    const char *id = NULL;
    bool more = false;
    cd_err err = {0};
    agent_plugin *p =
        agent_supervisor_provider(c->sup, AGENT_CAP_COLLECT, r->provider++, &id, &more);
    if (!more) {
      fail(c, CD_E_UNAVAILABLE,
           r->reasons.len > 0 ? cd_buf_cstr(&r->reasons)
                              : "the configuration names no provider of collect");
      r->asked = NULL;
      collect_over(c);
      return;
    }
    step(c, "provider", r->provider, 0, cd_str_from(id));
    if (p == NULL)
      agent_reason_add(&r->reasons, id, "it is not installed, or does not provide this");
    else if (ask(c, p, &err) == CD_OK)
      return;
    else
      agent_reason_add(&r->reasons, id, err.text);
  }
}

/* The oldest go first where there is no room for another one. */
static cd_code make_room(agent_collect *c, cd_err *err)
{
  const agent_config_collect *limits = &c->config->collect;
  uint64_t used = 0;
  cd_code rc = agent_spool_tidy(&c->spool, limits->keep_s, &used, err);
  if (rc == CD_OK && used + limits->max_bytes > limits->quota_bytes)
    rc = agent_spool_shrink(&c->spool, limits->quota_bytes - limits->max_bytes, err);
  return rc;
}

void collect_begin(agent_collect *c, agent_action *a)
{
  cd_err err = {0};
  collect_run *r = &c->run;
  *r = (collect_run){.action = a, .file = -1};
  cd_buf_init(&r->reasons, COLLECT_REASONS_MAX);
  cd_buf_init(&r->result, CD_RESULT_MAX);
  cd_buf_init(&r->package.text, CD_MANIFEST_MAX);
  a->status = AGENT_IN_PROGRESS;
  a->started_ms = cd_wall_ms();
  /* Never begun without it: it is what tells the next agent that it must not be made again. */
  cd_code rc = agent_journal_started(c->journal, a, &err);
  CD_FAULT_POINT("collect.started");
  if (rc == CD_OK) {
    cd_log(CD_AREA_AGENT, CD_LOG_INFO, "collect action=%s user=%s: begun", a->id, a->user);
    c->events->on_action(c->owner, a);
    rc = make_room(c, &err);
  }
  if (rc == CD_OK) {
    ask_next(c);
    return;
  }
  fail(c, rc, err.text);
  collect_over(c);
}
