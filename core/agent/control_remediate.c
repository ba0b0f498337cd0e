/* Remediations over the control socket. */
#include "control_private.h"
#include "job.h"
#include "protocol/limits.h"

#include "base/banned.h"

cd_code control_remediate(control_client *c, cd_json *params, cd_err *err)
{
  control_remediation asked = {0};
  char id[CD_ID_SIZE] = "";
  cd_code rc = control_remediate_read(params, &asked, err);
  if (rc != CD_OK)
    return rc;
  cd_buf order = CD_BUF_INIT(CD_PARAMETERS_MAX);
  cd_json_print(&asked.order, &order);
  rc = cd_buf_status(&order, "the order", err);
  if (rc == CD_OK) {
    agent_job_request request = {.capability = AGENT_CAP_REMEDIATE,
                                 .params = cd_buf_view(&order),
                                 .comment = asked.comment,
                                 .who = &c->who};
    rc = agent_jobs_order(c->agent->jobs, &request, id, err);
  }
  if (rc == CD_OK)
    rc = control_placed(c, AGENT_KIND_REMEDIATE, id, asked.wait, err);
  if (rc == CD_OK)
    agent_jobs_kick(c->agent->jobs, AGENT_CAP_REMEDIATE);
  cd_buf_release(&order);
  return rc;
}
