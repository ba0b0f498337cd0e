/* Scans over the control socket. They are cancelled as all jobs are. */
#include "base/limits.h"
#include "control_private.h"
#include "job.h"
#include "protocol/limits.h"
#include "protocol/scan.h"

#include "base/banned.h"

static cd_code write_order(const cd_scan_params *p, cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "type", cd_scan_type_name(p->type));
  if (p->type == CD_SCAN_CUSTOM)
    cd_jw_value(&w, "paths", &p->paths);
  if (p->cpu_percent > 0)
    cd_jw_u64(&w, "cpu_percent", p->cpu_percent);
  if (p->budget_s > 0)
    cd_jw_u64(&w, "budget_s", p->budget_s);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the order", err);
}

cd_code control_scan(control_client *c, cd_json *params, cd_err *err)
{
  control_scan_order order;
  char id[CD_ID_SIZE] = "";
  cd_buf text = CD_BUF_INIT(CD_PARAMETERS_MAX);
  cd_code rc = control_scan_read(params, &order, err);
  if (rc == CD_OK)
    rc = write_order(&order.scan, &text, err);
  if (rc == CD_OK) {
    agent_job_request request = {.capability = AGENT_CAP_SCAN,
                                 .params = cd_buf_view(&text),
                                 .comment = order.comment,
                                 .who = &c->who};
    rc = agent_jobs_order(c->agent->jobs, &request, id, err);
  }
  if (rc == CD_OK)
    rc = control_placed(c, AGENT_KIND_SCAN, id, order.wait, err);
  if (rc == CD_OK)
    agent_jobs_kick(c->agent->jobs, AGENT_CAP_SCAN);
  cd_buf_release(&text);
  return rc;
}
