#include "policy_over.h"

#include <stdio.h>

#include "base/limits.h"
#include "enrolment.h"

#include "base/banned.h"

#define JOURNAL_MS 2000u /* for all that is asked of it */

cd_code agent_policy_over(const agent_config *file, const agent_policy_record *record,
                          agent_config *config, cd_err *err)
{
  char name[128];
  cd_json_doc *doc = NULL;
  cd_buf text = CD_BUF_INIT(CD_CONFIG_MAX);
  cd_code rc = cd_json_parse(cd_str_from(record->version > 0 ? record->body : "{}"),
                             CD_POLICY_BODY_MAX, "the policy", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json under = cd_json_any(file->doc);
  cd_json over = cd_json_any(doc);
  cd_json_overlay(&under, &over, &text);
  (void)snprintf(name, sizeof(name), "policy '%s' version %llu over the configuration",
                 record->name, (unsigned long long)record->version);
  rc = cd_buf_status(&text, name, err);
  if (rc == CD_OK)
    rc = agent_config_parse(cd_buf_view(&text), name, config, err);
  if (rc == CD_OK)
    agent_config_distrust_too(config, file);
  cd_buf_release(&text);
  cd_json_free(doc);
  return rc;
}

/* A device that belongs to no fleet has no policy, whatever its journal says; nor has one without a
 * journal. */
static cd_code read_kept(const char *state_dir, agent_policy_record *ret_record, cd_err *err)
{
  cd_err why = {0};
  agent_enrolment *e = NULL;
  agent_journal *j = NULL;
  agent_policy_record before = {0};
  agent_policy_seen seen;
  cd_code rc = agent_enrolment_load(state_dir, &e, err);
  if (rc != CD_OK || e == NULL)
    return rc;
  rc = agent_journal_peek(state_dir, JOURNAL_MS, &j, &why);
  if (rc == CD_OK)
    rc = agent_journal_policy(j, e->root_id, ret_record, &before, &seen, &why);
  agent_journal_close(j);
  agent_enrolment_free(e);
  agent_policy_record_release(&before);
  if (rc == CD_OK || rc == CD_E_NOTFOUND)
    return CD_OK;
  return cd_fail_os(err, rc, why.os_error, "%s", why.text);
}

cd_code agent_policy_over_kept(const char *config_file, const char *state_dir, agent_config *config,
                               cd_err *err)
{
  agent_config file;
  agent_policy_record record = {0};
  agent_config_init(&file);
  cd_code rc = agent_config_load(config_file, &file, err);
  if (rc == CD_OK)
    rc = read_kept(state_dir, &record, err);
  if (rc == CD_OK)
    rc = agent_policy_over(&file, &record, config, err);
  agent_policy_record_release(&record);
  agent_config_release(&file);
  return rc;
}
