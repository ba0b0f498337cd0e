/* One package: where it goes, and what was measured of it; the hooks of its job. */
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

/* What there is of the package is not kept. */
static void discard(void *self, agent_job *job)
{
  agent_collect *c = self;
  collect_run *r = &c->run;
  if (r->file < 0)
    return;
  pf_number_close(r->file);
  r->file = -1;
  r->packed = false;
  agent_spool_drop(&c->spool, job->action->id);
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
    r->hashed = agent_spool_keep(&c->spool, r->job->action->id, r->file, &r->hash_err);
}

static void on_hashed(uv_work_t *work, int status)
{
  agent_collect *c = work->data;
  collect_run *r = &c->run;
  (void)status;
  CD_FAULT_POINT("collect.kept");
  r->kept = r->hashed == CD_OK && !r->job->by_request;
  if (r->job->by_request) {
    agent_job_cancelled(r->job);
    discard(c, r->job);
  } else if (!r->kept) {
    agent_job_fail(r->job, r->hashed, r->hash_err.text);
    discard(c, r->job);
  } else {
    pf_number_close(r->file);
    r->file = -1;
  }
  agent_job_over(r->job);
}

static bool hash(void *self, agent_job *job)
{
  agent_collect *c = self;
  if (c->run.file < 0)
    return false;
  agent_job_step(job, "hash", 0, c->run.package.bytes, (cd_str){0});
  c->run.hashing.data = c;
  int uv = uv_queue_work(c->sup->loop, &c->run.hashing, hash_in_pool, on_hashed);
  if (uv == 0)
    return true;
  agent_job_fail(job, CD_E_INTERNAL, uv_strerror(uv));
  discard(c, job);
  return false;
}

/* ---- the operation ---- */

static void on_package(void *self, agent_job *job, const host_package *package)
{
  agent_collect *c = self;
  collect_run *r = &c->run;
  (void)job;
  cd_buf text = r->package.text;
  r->package = *package;
  r->package.text = text;
  cd_buf_reset(&r->package.text);
  cd_buf_add_str(&r->package.text, package->incomplete_names);
  r->package.incomplete_names = cd_buf_view(&r->package.text);
  r->packed = package->status == CD_OK;
}

static void judge(void *self, agent_job *job, const agent_op_end *end)
{
  agent_collect *c = self;
  const collect_run *r = &c->run;
  bool partial = cd_code_ok(end->status) || (end->status == CD_E_DEADLINE && !end->misbehaved);
  if (job->by_request)
    agent_job_cancelled(job);
  else if (partial && !r->packed)
    agent_job_fail(job, cd_code_ok(end->status) ? CD_E_IO : end->status,
                   r->package.sentence[0] != '\0'
                       ? r->package.sentence
                       : "no package was finished; nothing of it is kept");
  else
    agent_job_say(job, end);
  if (!partial || !r->packed || job->code == CD_E_CANCELLED)
    discard(c, job);
}

/* ---- the outcome ---- */

static void write_package(const agent_collect *c, cd_jw *w)
{
  const collect_run *r = &c->run;
  char digest[CD_DIGEST_TEXT_MAX];
  if (!r->kept) {
    cd_jw_null(w, "package");
    return;
  }
  cd_digest_text(&r->digest, digest);
  cd_jw_obj(w, "package");
  cd_jw_u64(w, "bytes", r->size);
  cd_jw_cstr(w, "digest", digest);
  cd_jw_u64(w, "artifacts", r->package.artifacts);
  cd_jw_u64(w, "content_bytes", r->package.content_bytes);
  cd_jw_u64(w, "incomplete", r->package.incomplete);
  cd_jw_raw(w, "incomplete_names", r->package.incomplete_names);
  cd_jw_cstr(w, "cap", r->package.cap[0] != '\0' ? r->package.cap : NULL);
  cd_jw_time(w, "kept_until", cd_wall_ms() + (int64_t)c->config->collect.keep_s * 1000);
  cd_jw_end_obj(w);
}

/* What the package is must reach the console, whatever the plugin has to say of it. */
static bool is_small(const agent_job *job)
{
  return job->result.len <= CD_RESULT_MAX / 2;
}

static void write_result(void *self, const agent_job *job, cd_jw *w)
{
  write_package(self, w);
  cd_jw_raw(w, "run", is_small(job) ? cd_buf_view(&job->result) : (cd_str){0});
}

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
      cd_json_parse(cd_str_from(c->run.job->action->params), PARAMS_MAX, "the order", ret_doc, err);
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
  cd_jw_cstr(&w, "action", c->run.job->action->id);
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

static cd_code prepare(void *self, agent_job *job, const agent_plugin *p, agent_op_order *order,
                       cd_buf *params, cd_err *err)
{
  agent_collect *c = self;
  collect_run *r = &c->run;
  const agent_config_collect *limits = &c->config->collect;
  cd_json_doc *doc = NULL;
  wish w = {.max_bytes = 0};
  (void)p;
  cd_code rc = read_wish(c, &doc, &w, err);
  if (rc == CD_OK)
    rc = write_params(c, &w, params, err);
  if (rc == CD_OK)
    rc = agent_spool_make(&c->spool, job->action->id, &r->file, err);
  r->place = (agent_op_package){.file = r->file,
                                .max_bytes = w.max_bytes,
                                .max_artifact_bytes = limits->max_artifact_bytes,
                                .max_total_bytes = limits->max_total_bytes,
                                .max_artifacts = limits->max_artifacts,
                                .free_bytes = limits->free_bytes};
  order->package = &r->place;
  order->budget_ms = (uint32_t)(r->budget_s + COLLECT_GRACE_S) * MS_PER_S;
  cd_json_free(doc);
  return rc;
}

/* A console that waits for it is told in the next connection. */
static void note_removed(void *context, const char *id, const char *why)
{
  agent_collect *c = context;
  agent_action *a = NULL;
  cd_err err = {0};
  cd_code rc = agent_journal_action(c->journal, id, &a, &err);
  if (rc == CD_OK && a->console)
    rc = agent_spool_note(&c->spool, id, why, &err);
  agent_action_free(a);
  if (rc != CD_OK)
    cd_log(CD_AREA_AGENT, CD_LOG_ERROR, "action=%s: nobody will hear that its package is gone: %s",
           id, err.text);
}

/* The oldest go first where there is no room for another one. */
static cd_code make_room(void *self, agent_job *job, cd_err *err)
{
  agent_collect *c = self;
  const agent_config_collect *limits = &c->config->collect;
  uint64_t used = 0;
  const agent_spool_ear ear = {.removes = note_removed, .context = c};
  c->run = (collect_run){.job = job, .file = -1};
  cd_buf_init(&c->run.package.text, CD_MANIFEST_MAX);
  cd_code rc = agent_spool_tidy(&c->spool, limits->keep_s, &ear, &used, err);
  if (rc == CD_OK && used + limits->max_bytes > limits->quota_bytes)
    rc = agent_spool_shrink(&c->spool, limits->quota_bytes - limits->max_bytes, &ear, err);
  return rc;
}

void collect_run_release(collect_run *r)
{
  host_package_release(&r->package);
  *r = (collect_run){.file = -1};
}

static void over(void *self, agent_job *job)
{
  agent_collect *c = self;
  (void)job;
  collect_run_release(&c->run);
}

static void left_open(void *self, const char *action_id)
{
  agent_collect *c = self;
  agent_spool_drop(&c->spool, action_id);
}

const agent_job_kind collect_kind = {
    .kind = AGENT_KIND_COLLECT,
    .capability = AGENT_CAP_COLLECT,
    .step = "collect",
    .plural = "packages",
    .not_begun = "nothing was collected",
    .cut_short = "nothing of it is kept",
    .unknown = "the agent ended while it was collected; nothing of it is kept",
    .ready = make_room,
    .prepare = prepare,
    .package = on_package,
    .discard = discard,
    .judge = judge,
    .finish = hash,
    .write = write_result,
    .over = over,
    .left_open = left_open};
