#include "scan.h"

#include <stdlib.h>

#include "base/log.h"
#include "protocol/scan.h"

#include "base/banned.h"

#define MS_PER_S 1000u

struct agent_scan {
  const agent_config *config;
};

static uint64_t budget_of(const agent_config_scan *config, const cd_scan_params *p)
{
  if (p->budget_s > 0)
    return p->budget_s;
  return p->type == CD_SCAN_QUICK ? config->quick_budget_s : config->budget_s;
}

/* What the order does not say is as the device is set. */
static void write_params(const agent_config_scan *config, const cd_scan_params *p, cd_jw *w)
{
  cd_jw_obj(w, NULL);
  cd_jw_cstr(w, "type", cd_scan_type_name(p->type));
  if (p->type == CD_SCAN_CUSTOM)
    cd_jw_value(w, "paths", &p->paths);
  cd_jw_u64(w, "cpu_percent", p->cpu_percent > 0 ? p->cpu_percent : config->cpu_percent);
  cd_jw_u64(w, "budget_s", budget_of(config, p));
  cd_jw_end_obj(w);
}

static cd_code prepare(void *self, agent_job *job, const agent_plugin *p, agent_op_order *order,
                       cd_buf *params, cd_err *err)
{
  const agent_scan *s = self;
  cd_json_doc *doc = NULL;
  cd_scan_params asked = {.type = CD_SCAN_QUICK};
  cd_jw w;
  (void)p;
  cd_code rc =
      cd_json_parse(cd_str_from(job->action->params), CD_PARAMETERS_MAX, "the order", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_scan_params_read(&root, &asked);
  rc = cd_json_status(&root, err);
  if (rc == CD_OK) {
    cd_jw_init(&w, params);
    write_params(&s->config->scan, &asked, &w);
    rc = cd_jw_done(&w, "the parameters of the scan", err);
    order->budget_ms =
        (uint32_t)(budget_of(&s->config->scan, &asked) + AGENT_SCAN_GRACE_S) * MS_PER_S;
  }
  cd_json_free(doc);
  return rc;
}

cd_code agent_scan_result_check(cd_str result, bool *ret_complete, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_scan_result r;
  cd_code rc = cd_json_parse(result, CD_RESULT_MAX, "the provider's result", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_scan_result_read(&root, &r);
  *ret_complete = r.complete;
  rc = cd_json_status(&root, err);
  cd_json_free(doc);
  return rc;
}

/* Nothing is well that the provider does not say in the form that all understand, nor whole where
 * something was left out. */
static void judge(void *self, agent_job *job, const agent_op_end *end)
{
  cd_err err = {0};
  bool complete = false;
  bool has = end->result.len > 0;
  (void)self;
  cd_code rc = has ? agent_scan_result_check(end->result, &complete, &err)
                   : cd_fail(&err, CD_E_INTERNAL, "the provider said nothing of the scan");
  if (rc != CD_OK && has)
    cd_buf_reset(&job->result);
  if (job->by_request)
    agent_job_cancelled(job);
  else if (rc != CD_OK && cd_code_ok(end->status))
    agent_job_fail(job, CD_E_INTERNAL, err.text);
  else if (end->status == CD_OK && !complete)
    agent_job_fail(job, CD_PARTIAL, "not everything was scanned");
  else
    agent_job_say(job, end);
}

static void write_result(void *self, const agent_job *job, cd_jw *w)
{
  (void)self;
  cd_jw_raw(w, "scan", cd_buf_view(&job->result));
}

static const agent_job_kind kind = {
    .kind = AGENT_KIND_SCAN,
    .capability = AGENT_CAP_SCAN,
    .step = "scan",
    .plural = "scans",
    .not_begun = "nothing was scanned",
    .cut_short = "what was not scanned by then is not scanned",
    .unknown = "the agent ended in the middle of the scan; what it had found is not known",
    .prepare = prepare,
    .judge = judge,
    .write = write_result};

cd_code agent_scan_new(agent_jobs *jobs, const agent_config *config, agent_scan **ret_scan,
                       cd_err *err)
{
  agent_scan *s = calloc(1, sizeof(*s));
  if (s == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for scans");
  s->config = config;
  agent_jobs_add(jobs, &kind, s);
  *ret_scan = s;
  return CD_OK;
}

void agent_scan_free(agent_scan *s)
{
  free(s);
}
