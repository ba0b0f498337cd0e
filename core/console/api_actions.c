/* Machine actions: isolate, release, lists, cancel. */
#include "api.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/limits.h"
#include "hub.h"
#include "list.h"
#include "store_exclusions.h"
#include "store_terms.h"

#include "base/banned.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)
/* What a preflight finds out is of no use to anybody much later. */
#define PREFLIGHT_MS (INT64_C(15) * 60 * 1000)
#define LEASE_MAX_S (INT64_C(366) * 24 * 3600)

/* ---- wishes ---- */

/* "Selective" means the set of the name `default`, unless Exclusions names another one: the public
 * API has no list of its own. What people keep at the console comes before what its configuration
 * says. */
static bool add_exclusions(con_call *c, cd_json *root, con_wish *w)
{
  cd_err err = {0};
  cd_str name = CD_STR("default");
  (void)cd_json_opt_str(root, "Exclusions", CON_SET_NAME_MAX, &name);
  if (!con_call_body_good(c, root))
    return false;
  /* Whoever only reads bodies has no store. */
  cd_code rc = c->server->store == NULL
                   ? CD_E_NOTFOUND
                   : con_exclusion_set_get(c->server->store, name, &w->kept, &err);
  if (rc == CD_OK)
    rc = con_exclusion_set_check(c->server->store, &w->kept, &err);
  if (rc == CD_E_CONFLICT)
    c->server->counters.access_refused++;
  if (rc != CD_OK && rc != CD_E_NOTFOUND) {
    con_call_trouble(c, &err);
    return false;
  }
  if (rc == CD_OK) {
    w->exclusions = w->kept.json;
  } else if (!con_config_exclusions(&c->server->config, name, &w->exclusions)) {
    con_reply_error(&c->reply, CON_INVALID_INPUT,
                    "Invalid input Exclusions: this console has no exclusions of the name '%.*s', "
                    "and a selective isolation without any would be a full one",
                    CD_STR_ARG(name));
    return false;
  }
  (void)cd_str_copy(w->set, sizeof(w->set), name);
  w->set_revision = w->kept.revision;
  w->scope = CD_STR("Selective");
  return true;
}

static bool read_type(con_call *c, cd_json *root, con_wish *w)
{
  cd_str type = CD_STR("Full");
  (void)cd_json_opt_str(root, "IsolationType", 64, &type);
  if (!con_call_body_good(c, root))
    return false;
  if (con_same(type, CD_STR("Selective")))
    return add_exclusions(c, root, w);
  if (cd_json_has(root, "Exclusions")) {
    con_reply_error(&c->reply, CON_INVALID_INPUT,
                    "Invalid input Exclusions: only a selective isolation has exclusions");
    return false;
  }
  if (!con_same(type, CD_STR("Full"))) {
    con_reply_error(&c->reply, CON_INVALID_INPUT,
                    "Invalid input IsolationType: it is Full or Selective");
    return false;
  }
  w->scope = CD_STR("Full");
  return true;
}

/* "Warn": what the device's preflight would refuse the isolation for, it only records. Whoever asks
 * for that is in the audit log with it. */
static bool read_judgement(con_call *c, cd_json *root, bool *ret_warn)
{
  cd_str judgement = CD_STR("Policy");
  (void)cd_json_opt_str(root, "Preflight", 64, &judgement);
  if (!con_call_body_good(c, root))
    return false;
  if (con_same(judgement, CD_STR("Policy")))
    return true;
  if (!con_same(judgement, CD_STR("Warn"))) {
    con_reply_error(&c->reply, CON_INVALID_INPUT, "Invalid input Preflight: it is Policy or Warn");
    return false;
  }
  *ret_warn = true;
  return true;
}

/* LeaseSeconds: how long from now on; Terms: the rules for a console that is lost or cannot be
 * reached. What is not said stays as it is in *terms. */
static bool read_terms(con_call *c, cd_json *root, cd_terms *terms)
{
  cd_json rules = {0};
  int64_t lease_s = 0;
  if (cd_json_has(root, "LeaseSeconds"))
    cd_json_i64(root, "LeaseSeconds", 1, LEASE_MAX_S, &lease_s);
  if (cd_json_opt_obj(root, "Terms", &rules)) {
    cd_terms_read_rules(&rules, terms);
    cd_json_no_more(&rules);
  }
  if (lease_s > 0)
    terms->lease_until_ms = cd_wall_ms() + lease_s * 1000;
  return con_call_body_good(c, root);
}

static bool read_isolation(con_call *c, cd_json *root, con_wish *w)
{
  cd_terms terms;
  bool warn = false;
  cd_err err = {0};
  cd_terms_init(&terms);
  if (!read_type(c, root, w) || !read_judgement(c, root, &warn) || !read_terms(c, root, &terms))
    return false;
  if (con_parameters_write(w->exclusions.len > 0 ? CD_STR("selective") : CD_STR("full"),
                           w->exclusions, warn, &terms, &w->parameters, &err) == CD_OK)
    return true;
  con_call_trouble(c, &err);
  return false;
}

bool con_wish_read(con_call *c, cd_json *root, bool release, con_wish *ret_wish)
{
  con_wish w = {.release = release, .parameters = CD_BUF_INIT(CD_PARAMETERS_MAX)};
  bool good = con_call_text(c, root, "Comment", CD_COMMENT_MAX, &w.comment);
  if (good) {
    (void)cd_json_opt_str(root, "ExternalId", CON_NOTE_MAX, &w.ticket);
    good = con_call_body_good(c, root);
  }
  if (good && release)
    cd_buf_add_cstr(&w.parameters, "{}");
  else if (good)
    good = read_isolation(c, root, &w);
  good = good && con_call_body_whole(c, root);
  if (!good) {
    con_wish_release(&w);
    return false;
  }
  *ret_wish = w;
  return true;
}

void con_wish_release(con_wish *w)
{
  cd_buf_release(&w->parameters);
  con_exclusion_set_release(&w->kept);
}

/* One action at a time of the group isolate and release, as the API's clients expect. */
static cd_code check_group(con_server *s, cd_str device, cd_err *err)
{
  static const char *const group[] = {"Isolate", "Unisolate"};
  for (size_t i = 0; i < 2; i++) {
    con_action a = {0};
    cd_code rc = con_action_active(s->store, device, cd_str_from(group[i]), &a, err);
    con_action_release(&a);
    if (rc == CD_OK)
      return cd_fail(err, CD_E_CONFLICT, "an action of that kind is under way");
    if (rc != CD_E_NOTFOUND)
      return rc;
  }
  return CD_OK;
}

cd_code con_wish_create(con_server *s, const con_by *by, cd_str device, const con_wish *w,
                        cd_str source, con_action_made *ret_made, cd_err *err)
{
  int64_t wait_ms = w->preflight ? PREFLIGHT_MS : (int64_t)s->config.action_days * DAY_MS;
  const con_action_new action = {
      .device = device,
      .kind = w->release     ? CD_ORDER_RELEASE
              : w->preflight ? CD_ORDER_PREFLIGHT
                             : CD_ORDER_ISOLATE,
      .type = w->release     ? CD_STR("Unisolate")
              : w->preflight ? CD_STR("Preflight")
                             : CD_STR("Isolate"),
      .scope = w->scope,
      .ticket = w->ticket,
      .source = source,
      .parameters = cd_buf_view(&w->parameters),
      .exclusions_set = cd_str_from(w->set),
      .exclusions_revision = w->set_revision,
      .expires_ms = con_parameters_expiry(cd_buf_view(&w->parameters), cd_wall_ms() + wait_ms),
      .one_at_a_time = true};
  cd_code rc = cd_buf_status(&w->parameters, "the parameters", err);
  if (rc == CD_OK && !w->preflight)
    rc = check_group(s, device, err);
  if (rc == CD_OK)
    rc = con_action_create(s->store, by, &action, ret_made, err);
  if (rc == CD_OK)
    CD_FAULT_POINT("console.action_made");
  return rc;
}

static void create(con_call *c, cd_str device, const con_wish *w)
{
  con_action_made made = {0};
  cd_err err = {0};
  const con_by by = con_call_by(c, w->comment);
  cd_code rc = con_wish_create(c->server, &by, device, w, CD_STR("PublicApi"), &made, &err);
  if (rc == CD_OK) {
    con_hub_poke(c->server, device);
    con_call_action_reply(c, 201, made.id);
  } else if (rc == CD_E_CONFLICT) {
    con_reply_error(&c->reply, CON_ALREADY_ACTIVE, "Action is already in progress");
  } else if (rc == CD_E_DENIED) {
    con_reply_error(&c->reply, CON_DISALLOWED, "%s", err.text);
  } else {
    con_call_trouble(c, &err);
  }
}

static void start_action(con_call *c, bool release, bool preflight)
{
  con_device d = {0};
  cd_json_doc *doc = NULL;
  cd_json root = {0};
  con_wish w = {0};
  if (!con_call_machine(c, &d))
    return;
  if (con_call_body(c, &doc, &root) && con_wish_read(c, &root, release, &w)) {
    w.preflight = preflight;
    create(c, d.id, &w);
    con_wish_release(&w);
  }
  cd_json_free(doc);
  con_device_release(&d);
}

/* ---- renewal ---- */

/* It goes on following the set of exclusions that it was ordered with. */
static bool keep_set(con_call *c, const con_wanted *wanted, con_wish *w)
{
  cd_err err = {0};
  cd_code rc = con_isolation_set(c->server->store, cd_str_from(wanted->action), w->set,
                                 &w->set_revision, &err);
  if (rc == CD_OK || rc == CD_E_NOTFOUND)
    return true;
  con_call_trouble(c, &err);
  return false;
}

/* The isolation that is wanted of the device, with another lease. False: the reply says why not. */
static bool read_renewal(con_call *c, cd_json *root, const con_wanted *wanted, con_wish *w)
{
  cd_terms terms;
  cd_err err = {0};
  if (!con_call_text(c, root, "Comment", CD_COMMENT_MAX, &w->comment))
    return false;
  (void)cd_json_opt_str(root, "ExternalId", CON_NOTE_MAX, &w->ticket);
  if (!cd_json_has(root, "LeaseSeconds")) {
    con_reply_error(&c->reply, CON_MISSING_PARAMETER, "Parameter LeaseSeconds is missing");
    return false;
  }
  if (wanted->value != CD_WANTED_ISOLATED) {
    con_reply_error(&c->reply, CON_BAD_REQUEST,
                    "The machine is not to be isolated, so there is nothing to renew");
    return false;
  }
  if (con_parameters_terms(wanted->parameters, &terms, &err) != CD_OK) {
    con_call_trouble(c, &err);
    return false;
  }
  if (!read_terms(c, root, &terms) || !con_call_body_whole(c, root))
    return false;
  if (con_parameters_with(wanted->parameters, &terms, &w->parameters, &err) != CD_OK) {
    con_reply_error(&c->reply, CON_BAD_REQUEST,
                    "The isolation was given on the machine itself, which renews it");
    return false;
  }
  w->scope = cd_str_eq_cstr(wanted->type, "selective") ? CD_STR("Selective") : CD_STR("Full");
  return keep_set(c, wanted, w);
}

void con_api_renew(con_call *c)
{
  con_device d = {0};
  cd_json_doc *doc = NULL;
  cd_json root = {0};
  con_wanted wanted = {0};
  con_wish w = {.parameters = CD_BUF_INIT(CD_PARAMETERS_MAX)};
  cd_err err = {0};
  if (!con_call_machine(c, &d))
    return;
  if (con_call_body(c, &doc, &root)) {
    if (con_wanted_get(c->server->store, d.id, CD_STATE_ISOLATE, &wanted, &err) != CD_OK)
      con_call_trouble(c, &err);
    else if (read_renewal(c, &root, &wanted, &w))
      create(c, d.id, &w);
  }
  con_wish_release(&w);
  con_wanted_release(&wanted);
  cd_json_free(doc);
  con_device_release(&d);
}

void con_api_isolate(con_call *c)
{
  start_action(c, false, false);
}

void con_api_unisolate(con_call *c)
{
  start_action(c, true, false);
}

void con_api_preflight(con_call *c)
{
  start_action(c, false, true);
}

/* ---- lists ---- */

typedef struct action_listing {
  con_call *call;
  con_list list;
} action_listing;

static bool each_action(void *context, const con_action *a)
{
  action_listing *l = context;
  con_list *list = &l->list;
  con_altered_note(&l->call->server->altered, a);
  return con_list_wants(list, a) ? con_list_take(list, a) : con_list_open(list);
}

static void list_actions(con_call *c, con_store *store, const con_action_query *query)
{
  cd_err err = {0};
  con_odata *q = NULL;
  action_listing l = {.call = c};
  cd_buf url = CD_BUF_INIT(4096);
  if (con_odata_parse(c->params, c->param_count, con_actions.fields, con_actions.field_count, &q,
                      &err) != CD_OK) {
    con_reply_error(&c->reply, CON_ODATA_ERROR, "%s", err.text);
    return;
  }
  cd_buf_addf(&url, "%.*s/api/%.*s", CD_STR_ARG(c->server->config.url), CD_STR_ARG(c->rest));
  con_list_init(&l.list, &con_actions, q);
  cd_code rc = con_action_each(store, query, each_action, &l, &err);
  if (rc == CD_OK)
    rc = con_list_end(&l.list, c->server->config.url, cd_buf_view(&url), c->params, c->param_count,
                      &c->reply.body, &err);
  if (rc == CD_OK)
    c->reply.status = 200;
  else
    con_call_trouble(c, &err);
  con_list_release(&l.list);
  con_odata_free(q);
  cd_buf_release(&url);
}

void con_api_actions(con_call *c)
{
  const con_action_query all = {0};
  list_actions(c, c->reader, &all);
}

void con_api_machine_actions(con_call *c)
{
  con_device d = {0};
  if (!con_call_machine(c, &d))
    return;
  const con_action_query query = {.device = d.id};
  list_actions(c, c->server->store, &query);
  con_device_release(&d);
}

/* ---- one ---- */

void con_api_action(con_call *c)
{
  con_action a = {0};
  cd_err err = {0};
  cd_code rc = con_call_action(c, c->match.captured[0], &a, &err);
  if (rc == CD_OK)
    con_call_entity(c, 200, &con_actions, &a);
  else if (rc == CD_E_NOTFOUND)
    con_reply_error(&c->reply, CON_RESOURCE_NOT_FOUND, "MachineAction %.*s was not found",
                    CD_STR_ARG(c->match.captured[0]));
  else
    con_call_trouble(c, &err);
  con_action_release(&a);
}
