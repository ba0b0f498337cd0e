/* The agent's own part of an isolation's parameters (where the console is, the resolvers) changes
 * while it is in force: the order stays what it was, with its generation, and what the device holds
 * is replaced in one step. */
#include "base/log.h"
#include "remote_order.h"
#include "state_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* The order's part stays to the letter, the rest is what the configuration says now. */
static cd_code make_params(agent_state *s, cd_buf *out, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_str type = {0};
  cd_json exclusions = {0};
  cd_code rc =
      cd_json_parse(cd_str_from(s->wanted.params), CD_RESULT_MAX, "the parameters", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_json_str(&root, "type", CD_WORD_MAX, &type);
  cd_json_arr(&root, "exclusions", CD_EXCLUSIONS_MAX, &exclusions);
  rc = cd_json_status(&root, err);
  if (rc == CD_OK)
    rc = agent_isolate_params(s->sup->config, s->journal, cd_str_eq(type, CD_STR("selective")),
                              &exclusions, out, err);
  cd_json_free(doc);
  return rc;
}

static cd_code take_params(agent_state *s, const cd_buf *params, cd_err *err)
{
  cd_code rc = agent_journal_params(s->journal, s->cap, cd_buf_cstr(params), err);
  if (rc == CD_OK)
    rc = agent_journal_wanted(s->journal, s->cap, &s->wanted, err);
  if (rc == CD_OK)
    rc = agent_journal_settled(s->journal, s->cap, &s->settled, err);
  return rc;
}

void state_refresh(agent_state *s)
{
  cd_err err = {0};
  cd_buf params = CD_BUF_INIT(CD_RESULT_MAX);
  s->refresh_due = false;
  if (!s->wanted.isolated || s->wanted.params == NULL || s->cap != AGENT_CAP_ISOLATE)
    return;
  cd_code rc = make_params(s, &params, &err);
  if (rc == CD_OK && strcmp(cd_buf_cstr(&params), s->wanted.params) != 0) {
    rc = take_params(s, &params, &err);
    if (rc == CD_OK) {
      cd_log(CD_AREA_RECONCILE, CD_LOG_INFO,
             "%s: where the console is has changed; putting it in force anew",
             agent_capability_name(s->cap));
      s->refreshed = true;
      s->look_due = true;
    }
  }
  if (rc != CD_OK)
    cd_log(CD_AREA_RECONCILE, CD_LOG_ERROR, "%s; what is in force stays as it is", err.text);
  cd_buf_release(&params);
}
