/* Orders that are given on this device: isolate, preflight, renew, release. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "code.h"
#include "control_private.h"
#include "control_read.h"
#include "lease.h"

#include "base/banned.h"

cd_code control_placed(control_client *c, agent_kind kind, const char *id, bool wait, cd_err *err)
{
  cd_code rc = CD_OK;
  cd_log(CD_AREA_CONTROL, CD_LOG_INFO, "%s action=%s ordered by user=%s pid=%llu",
         agent_kind_name(kind), id, c->who.user, (unsigned long long)c->who.process_id);
  if (wait) {
    cd_buf event = CD_BUF_INIT(256);
    (void)cd_str_copy(c->waits_for, sizeof(c->waits_for), cd_str_from(id));
    cd_buf_addf(&event, "{\"event\":\"action\",\"id\":\"%s\",\"status\":\"Pending\"}", id);
    control_event(c, cd_buf_view(&event));
    cd_buf_release(&event);
    agent_control_step(c->agent, id, "recorded", 1, 1, (cd_str){0});
  } else {
    rc = control_answer_id(c, id, err);
  }
  return rc;
}

/* Listens, and only then lets it run. */
static cd_code order_placed(control_client *c, agent_kind kind, const char *id, bool wait,
                            cd_err *err)
{
  cd_code rc = control_placed(c, kind, id, wait, err);
  agent_state_kick(c->agent->isolate);
  return rc;
}

static cd_code place_order(control_client *c, const agent_order_request *request, bool wait,
                           cd_err *err)
{
  char id[CD_ID_SIZE] = "";
  cd_code rc = agent_order(c->agent, request, id, err);
  return rc == CD_OK ? order_placed(c, request->kind, id, wait, err) : rc;
}

/* What the request does not say is as `terms` has it. */
static cd_code fill_terms(control_client *c, const control_order *order, cd_terms *terms,
                          cd_err *err)
{
  if (order->rules.lost_after_s != CONTROL_NO_RULE)
    terms->lost_after_s = order->rules.lost_after_s;
  if (order->rules.unreachable_after_s != CONTROL_NO_RULE)
    terms->unreachable_after_s = order->rules.unreachable_after_s;
  return agent_lease_until(c->agent->lease, order->lease_s, &terms->lease_until_ms, err);
}

/* Whoever may not release may not put a wider isolation in the place of one either. */
static cd_code may_change(const control_client *c, cd_err *err)
{
  agent_who who = c->agent->config.local_release;
  agent_wanted wanted = {0};
  if (who != AGENT_WHO_NOBODY && (who != AGENT_WHO_ADMINISTRATORS || c->who.administrator))
    return CD_OK;
  cd_code rc = agent_journal_wanted(c->agent->journal, AGENT_CAP_ISOLATE, &wanted, err);
  if (rc == CD_OK && wanted.isolated)
    rc = cd_fail(err, CD_E_DENIED,
                 "the device is isolated, and whoever may not release it may not change that "
                 "either; here %s may",
                 who == AGENT_WHO_NOBODY ? "nobody" : "only administrators");
  agent_wanted_release(&wanted);
  return rc;
}

/* An isolation, or what it would meet. */
static cd_code isolate_or_look(control_client *c, agent_kind kind, cd_json *params, cd_err *err)
{
  control_order order = {0};
  const agent_config *config = &c->agent->config;
  cd_terms terms = {.lost_after_s = config->lost_after_s,
                    .unreachable_after_s = config->unreachable_after_s};
  cd_code rc = control_isolate_read(params, &order, err);
  if (rc == CD_OK && kind == AGENT_KIND_ISOLATE)
    rc = may_change(c, err);
  if (rc == CD_OK && kind == AGENT_KIND_ISOLATE)
    rc = agent_code_guard(c->agent, "changed", err);
  if (rc == CD_OK)
    rc = fill_terms(c, &order, &terms, err);
  if (rc != CD_OK)
    return rc;
  agent_order_request request = {.kind = kind,
                                 .force = order.force,
                                 .selective = order.selective,
                                 .exclusions = order.has_exclusions ? &order.exclusions : NULL,
                                 .terms = &terms,
                                 .comment = order.comment,
                                 .who = &c->who};
  return place_order(c, &request, order.wait, err);
}

cd_code control_isolate(control_client *c, cd_json *params, cd_err *err)
{
  return isolate_or_look(c, AGENT_KIND_ISOLATE, params, err);
}

cd_code control_preflight(control_client *c, cd_json *params, cd_err *err)
{
  return isolate_or_look(c, AGENT_KIND_PREFLIGHT, params, err);
}

/* The isolation that is wanted, if it was given here: the console renews its own. */
static cd_code find_renewable(control_client *c, agent_wanted *wanted, bool *ret_force, cd_err *err)
{
  agent_action *a = NULL;
  cd_code rc = agent_journal_wanted(c->agent->journal, AGENT_CAP_ISOLATE, wanted, err);
  if (rc == CD_OK && !wanted->isolated)
    return cd_fail(err, CD_E_CONFLICT, "this device is not isolated: there is nothing to renew");
  if (rc == CD_OK)
    rc = agent_journal_action(c->agent->journal, wanted->action, &a, err);
  if (rc == CD_OK && a->console)
    rc = cd_fail(err, CD_E_CONFLICT, "the isolation was given by the console, which renews it");
  if (rc == CD_OK)
    *ret_force = a->force;
  agent_action_free(a);
  return rc;
}

static cd_code renew(control_client *c, const control_order *order, const agent_wanted *wanted,
                     bool force, cd_json *root, cd_err *err)
{
  cd_terms terms = {0};
  cd_str type = {0};
  cd_json exclusions = {0};
  cd_json_str(root, "type", CD_WORD_MAX, &type);
  cd_json_arr(root, "exclusions", CD_EXCLUSIONS_MAX, &exclusions);
  cd_code rc = cd_json_status(root, err);
  if (rc == CD_OK && wanted->terms != NULL)
    rc = cd_terms_parse(cd_str_from(wanted->terms), &terms, err);
  if (rc == CD_OK)
    rc = fill_terms(c, order, &terms, err);
  if (rc != CD_OK)
    return rc;
  bool selective = cd_str_eq_cstr(type, "selective");
  agent_order_request request = {.kind = AGENT_KIND_ISOLATE,
                                 .force = force,
                                 .selective = selective,
                                 .exclusions = selective ? &exclusions : NULL,
                                 .terms = &terms,
                                 .comment = order->comment,
                                 .who = &c->who};
  return place_order(c, &request, order->wait, err);
}

/* Another isolation, with the same exclusions and other terms: it takes the place of the one that
 * is in force in one step. */
cd_code control_renew(control_client *c, cd_json *params, cd_err *err)
{
  control_order order = {0};
  agent_wanted wanted = {0};
  cd_json_doc *doc = NULL;
  bool force = false;
  cd_code rc = control_renew_read(params, &order, err);
  if (rc == CD_OK)
    rc = may_change(c, err);
  if (rc == CD_OK)
    rc = find_renewable(c, &wanted, &force, err);
  if (rc == CD_OK)
    rc = cd_json_parse(cd_str_from(wanted.params), CD_RESULT_MAX, "the isolation's parameters",
                       &doc, err);
  if (rc == CD_OK) {
    cd_json root = cd_json_root(doc);
    rc = renew(c, &order, &wanted, force, &root, err);
  }
  cd_json_free(doc);
  agent_wanted_release(&wanted);
  return rc;
}

static cd_code release_by_code(control_client *c, const control_order *order, cd_err *err)
{
  char id[CD_ID_SIZE] = "";
  cd_code rc = agent_code_release(c->agent, &c->who, order->code, order->comment, id, err);
  control_wipe(order->code);
  return rc == CD_OK ? order_placed(c, AGENT_KIND_RELEASE, id, order->wait, err) : rc;
}

cd_code control_release(control_client *c, cd_json *params, cd_err *err)
{
  control_order order = {0};
  cd_code rc = control_release_read(params, &order, err);
  if (rc == CD_OK && order.has_code)
    return release_by_code(c, &order, err);
  if (rc == CD_OK)
    rc = agent_code_guard(c->agent, "released", err);
  if (rc != CD_OK)
    return rc;
  agent_order_request request = {
      .kind = AGENT_KIND_RELEASE, .comment = order.comment, .who = &c->who};
  return place_order(c, &request, order.wait, err);
}
