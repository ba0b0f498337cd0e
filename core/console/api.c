/* The table of routes, and what stands before every handler: is there such a thing, who calls, may
 * they, do they call too often. */
#include "api.h"
#include "api_alerts.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "permission.h"
#include "scan.h"

#include "base/banned.h"

#define MAY_SEE (CON_MAY_READ | CON_MAY_WRITE)
#define SEE_ALERTS (CON_MAY_READ_ALERTS | CON_MAY_WRITE_ALERTS)

typedef struct route {
  con_verb verb;
  const char *pattern;
  uint32_t permissions; /* any of them; 0: for everybody */
  bool scan;            /* looks at many rows: runs on the pool */
  void (*handler)(con_call *c);
} route;

/* The first that fits counts. Below /api/ and /api/v1.0/. */
static const route routes[] = {
    {CON_GET, "machines", MAY_SEE, true, con_api_machines},
    {CON_GET, "machines/findbyip()", MAY_SEE, true, con_api_find_by_ip},
    {CON_GET, "machines/findbytag", MAY_SEE, true, con_api_find_by_tag},
    {CON_POST, "machines/addorremovetagformultiplemachines", CON_MAY_WRITE, false,
     con_api_tags_of_many},
    {CON_GET, "machines/*", MAY_SEE, false, con_api_machine},
    {CON_POST, "machines/*/tags", CON_MAY_WRITE, false, con_api_tags},
    {CON_POST, "machines/*/isolate", CON_MAY_ISOLATE, false, con_api_isolate},
    {CON_POST, "machines/*/unisolate", CON_MAY_ISOLATE, false, con_api_unisolate},
    {CON_POST, "machines/*/collectinvestigationpackage", CON_MAY_COLLECT, false, con_api_collect},
    {CON_POST, "machines/*/runantivirusscan", CON_MAY_SCAN, false, con_api_scan},
    {CON_POST, "machines/*/stopandquarantinefile", CON_MAY_QUARANTINE, false, con_api_quarantine},
    {CON_GET, "machines/*/machineactions", MAY_SEE, false, con_api_machine_actions},
    {CON_GET, "machines/*/alerts", SEE_ALERTS, false, con_api_machine_alerts},
    {CON_GET, "machines/*/alerts/$count", SEE_ALERTS, false, con_api_machine_alerts_count},
    {CON_GET, "alerts", SEE_ALERTS, true, con_api_alerts},
    {CON_POST, "alerts/createalertbyreference", CON_MAY_WRITE_ALERTS, false, con_api_alert_create},
    {CON_POST, "alerts/batchupdate", CON_MAY_WRITE_ALERTS, false, con_api_alerts_change},
    {CON_GET, "alerts/*", SEE_ALERTS, false, con_api_alert},
    {CON_PATCH, "alerts/*", CON_MAY_WRITE_ALERTS, false, con_api_alert_change},
    {CON_GET, "alerts/*/machine", MAY_SEE, false, con_api_alert_machine},
    {CON_GET, "alerts/*/user", SEE_ALERTS, false, con_api_alert_user},
    {CON_GET, "alerts/*/files", SEE_ALERTS, false, con_api_alert_files},
    {CON_GET, "alerts/*/ips", SEE_ALERTS, false, con_api_alert_ips},
    {CON_GET, "alerts/*/domains", SEE_ALERTS, false, con_api_alert_domains},
    {CON_GET, "machineactions", MAY_SEE, true, con_api_actions},
    {CON_GET, "machineactions/*", MAY_SEE, false, con_api_action},
    {CON_GET, "machineactions/*/getpackageuri", MAY_SEE, false, con_api_package_uri},
    {CON_POST, "machineactions/*/cancel", CON_MAY_ACT, false, con_api_cancel},

    {CON_GET, "cordon/alerts/*", SEE_ALERTS, false, con_api_alert_detail},
    {CON_GET, "cordon/devices/*", MAY_SEE, false, con_api_device},
    {CON_POST, "cordon/devices/*/revoke", CON_MAY_REVOKE, false, con_api_device_revoke},
    {CON_GET, "cordon/actions/*", MAY_SEE, false, con_api_action_detail},
    {CON_GET, "cordon/actions/*/report", MAY_SEE, false, con_api_report},
    {CON_POST, "cordon/machines/*/renew", CON_MAY_ISOLATE, false, con_api_renew},
    {CON_POST, "cordon/machines/*/preflight", CON_MAY_ISOLATE, false, con_api_preflight},
    {CON_POST, "cordon/machines/*/scan", CON_MAY_SCAN, false, con_api_scan_own},
    {CON_POST, "cordon/machines/*/remediate", CON_MAY_QUARANTINE | CON_MAY_REMEDIATE, false,
     con_api_remediate},
    {CON_POST, "cordon/machineactions/*/undo", CON_MAY_QUARANTINE | CON_MAY_REMEDIATE, false,
     con_api_undo},
    {CON_POST, "cordon/machineactions/*/restore", CON_MAY_QUARANTINE | CON_MAY_REMEDIATE, false,
     con_api_restore},
    {CON_POST, "cordon/preflight", CON_MAY_ISOLATE, false, con_api_bulk_preflight},
    {CON_GET, "cordon/machineactions/*/code", CON_MAY_CODE, false, con_api_code},
    {CON_POST, "cordon/machineactions/*/code", CON_MAY_CODE, false, con_api_code_show},
    {CON_POST, "cordon/isolate", CON_MAY_ISOLATE, false, con_api_bulk_isolate},
    {CON_POST, "cordon/release", CON_MAY_ISOLATE, false, con_api_bulk_release},
    {CON_GET, "cordon/tokens", CON_MAY_ENROLL, false, con_api_tokens},
    {CON_POST, "cordon/tokens", CON_MAY_ENROLL, false, con_api_token_create},
    {CON_POST, "cordon/tokens/*/revoke", CON_MAY_ENROLL, false, con_api_token_revoke},
    {CON_DELETE, "cordon/tokens/*", CON_MAY_ENROLL, false, con_api_token_revoke},
    {CON_GET, "cordon/audit", CON_MAY_AUDIT, true, con_api_audit},
    {CON_GET, "cordon/audit/head", CON_MAY_AUDIT, false, con_api_head},
    {CON_POST, "cordon/enroll", 0, false, con_api_enroll},
    {CON_GET, "cordon/packages/*", 0, false, con_api_package_download},
    {CON_GET, "cordon/policies", MAY_SEE | CON_MAY_POLICY, false, con_api_policies},
    {CON_GET, "cordon/policies/*", MAY_SEE | CON_MAY_POLICY, false, con_api_policy},
    {CON_POST, "cordon/policies/*", CON_MAY_POLICY, false, con_api_policy_set},
    {CON_POST, "cordon/policies/*/remove", CON_MAY_POLICY, false, con_api_policy_remove},
    {CON_POST, "cordon/policies/*/assign", CON_MAY_POLICY, false, con_api_policy_assign},
    {CON_POST, "cordon/policies/*/unassign", CON_MAY_POLICY, false, con_api_policy_unassign},
    {CON_GET, "cordon/exclusions", MAY_SEE | CON_MAY_POLICY, false, con_api_exclusions},
    {CON_GET, "cordon/exclusions/*", MAY_SEE | CON_MAY_POLICY, false, con_api_exclusions_one},
    {CON_POST, "cordon/exclusions/*", CON_MAY_POLICY, false, con_api_exclusions_set},
    {CON_POST, "cordon/exclusions/*/remove", CON_MAY_POLICY, false, con_api_exclusions_remove},
    {CON_GET, "cordon/collections", MAY_SEE | CON_MAY_COLLECTION, false, con_api_collections},
    {CON_GET, "cordon/collections/*", MAY_SEE | CON_MAY_COLLECTION, false, con_api_collection},
    {CON_POST, "cordon/collections/*", CON_MAY_COLLECTION, false, con_api_collection_set},
    {CON_POST, "cordon/collections/*/remove", CON_MAY_COLLECTION, false, con_api_collection_remove},
};

/* Elsewhere. */
static const route others[] = {
    {CON_POST, "*/oauth2/token", 0, false, con_api_token},
    {CON_GET, "*/oauth2/token", 0, false, con_api_token}, /* a client is known that does so */
    {CON_POST, "*/oauth2/v2.0/token", 0, false, con_api_token},
    {CON_GET, "*/oauth2/v2.0/token", 0, false, con_api_token},
    {CON_GET, "healthz", 0, false, con_api_health},
    {CON_GET, "metrics", 0, false, con_api_metrics},
};

static const route *find(const route *table, size_t count, con_verb verb, cd_str path,
                         con_match *ret_match)
{
  for (size_t i = 0; i < count; i++) {
    if (table[i].verb == verb && con_route_match(table[i].pattern, path, ret_match))
      return &table[i];
  }
  return NULL;
}

static const route *find_route(con_call *c)
{
  cd_str path = cd_str_from(c->path);
  if (con_route_api(path, &c->rest))
    return find(routes, sizeof(routes) / sizeof(routes[0]), c->verb, c->rest, &c->match);
  if (path.len > 0)
    path = (cd_str){path.ptr + 1, path.len - 1};
  return find(others, sizeof(others) / sizeof(others[0]), c->verb, path, &c->match);
}

static bool unauthorized(con_call *c, const char *why)
{
  cd_log(CD_AREA_API, CD_LOG_DEBUG, "peer=%s: not authorized: %s", c->peer, why);
  con_reply_error(&c->reply, CON_UNAUTHORIZED,
                  "Unauthorized. The authorization header is missing, "
                  "invalid or has expired.");
  return false;
}

static bool authenticate(con_call *c)
{
  cd_str token = {0};
  con_bearer bearer = {0};
  con_app app = {0};
  cd_err err = {0};
  if (c->authorization == NULL || !con_bearer_of_header(cd_str_from(c->authorization), &token))
    return unauthorized(c, "no bearer token");
  if (con_bearer_check(c->server->bearer_key, token, cd_wall_ms() / 1000, &bearer, &err) != CD_OK)
    return unauthorized(c, err.text);
  cd_code rc = con_app_get(c->server->store, cd_str_from(bearer.app), &app, &err);
  if (rc == CD_E_NOTFOUND || (rc == CD_OK && app.revoked)) {
    con_app_release(&app);
    return unauthorized(c, "the application is gone");
  }
  if (rc == CD_E_CONFLICT) {
    c->server->counters.access_refused++;
    cd_log(CD_AREA_API, CD_LOG_ERROR, "peer=%s: refused: %s", c->peer, err.text);
    return unauthorized(c, "the application is not known");
  }
  if (rc != CD_OK) {
    con_call_trouble(c, &err);
    return false;
  }
  (void)cd_str_copy(c->caller.app, sizeof(c->caller.app), cd_str_from(app.id));
  if (!cd_str_copy(c->caller.name, sizeof(c->caller.name), app.name) || app.name.len == 0)
    (void)cd_str_copy(c->caller.name, sizeof(c->caller.name), cd_str_from(app.id));
  c->caller.permissions = con_permissions_read(app.permissions);
  con_app_release(&app);
  return true;
}

static bool authorize(con_call *c, const route *r)
{
  if ((c->caller.permissions & r->permissions) != 0)
    return true;
  cd_buf names = CD_BUF_INIT(1024);
  con_permissions_add(&names, r->permissions, ", ");
  con_reply_error(&c->reply, CON_FORBIDDEN,
                  "The application does not have any of the required application permissions (%s) "
                  "to access the resource.",
                  cd_buf_cstr(&names));
  cd_buf_release(&names);
  return false;
}

/* Those that the public API limits by themselves; else it is as the configuration says. */
static const struct {
  void (*handler)(con_call *c);
  con_limit limit;
} own_limits[] = {{con_api_alert_create, {.per_minute = 15, .per_hour = 900}},
                  {con_api_alerts_change, {.per_minute = 10, .per_hour = 500}}};

static const con_limit *limit_of(const con_call *c, const route *r)
{
  for (size_t i = 0; i < sizeof(own_limits) / sizeof(own_limits[0]); i++) {
    if (own_limits[i].handler == r->handler)
      return &own_limits[i].limit;
  }
  return &c->server->config.limit;
}

static bool not_too_often(con_call *c, const route *r)
{
  unsigned wait_s = 0;
  if (con_limit_take(&c->server->limits, limit_of(c, r), cd_str_from(c->caller.app),
                     (uint32_t)(r - routes), cd_mono_ms(), &wait_s))
    return true;
  con_reply_error(&c->reply, CON_TOO_MANY, "Too many requests. Try again in %u seconds.", wait_s);
  c->reply.retry_after_s = wait_s;
  return false;
}

void con_call_run(con_call *c)
{
  const route *r = find_route(c);
  if (r == NULL) {
    con_reply_error(&c->reply, CON_NOT_FOUND,
                    "No HTTP resource was found that matches the request URI '%.*s%s'.",
                    CD_STR_ARG(c->server->config.url), c->path);
    return;
  }
  if (r->permissions != 0 && (!authenticate(c) || !authorize(c, r) || !not_too_often(c, r)))
    return;
  c->handler = r->handler;
  if (r->scan)
    con_scan_queue(c);
  else
    r->handler(c);
}
