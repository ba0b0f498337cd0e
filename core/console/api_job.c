/* What is ordered beside the states of a machine: packages, scans, remediations. */
#include "api.h"

#include "base/clock.h"
#include "hub.h"

#include "base/banned.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define OPEN_MAX 64u /* remediations of one machine that have not ended */

/* ---- may it be another one ---- */

typedef struct open_jobs {
  cd_order_kind kind;
  cd_str parameters;
  unsigned count;
  bool same;
} open_jobs;

static bool each_open(void *context, const con_action *a)
{
  open_jobs *o = context;
  if (a->kind != o->kind)
    return true;
  o->count++;
  o->same = o->same || cd_str_eq(a->parameters, o->parameters);
  return true;
}

/* Any number of remediations, but not the same twice. */
static bool may_be(con_call *c, cd_str device, const con_job *job)
{
  open_jobs o = {.kind = job->kind, .parameters = cd_buf_view(&job->parameters)};
  cd_err err = {0};
  if (job->kind != CD_ORDER_REMEDIATE)
    return true;
  if (con_action_due(c->server->store, device, each_open, &o, &err) != CD_OK) {
    con_call_trouble(c, &err);
    return false;
  }
  if (o.same)
    con_reply_error(&c->reply, CON_ALREADY_ACTIVE, "Action is already in progress");
  else if (o.count >= OPEN_MAX)
    con_reply_error(&c->reply, CON_BAD_REQUEST,
                    "%u remediations of the machine have not ended: let them end first", o.count);
  return !o.same && o.count < OPEN_MAX;
}

/* ---- creating ---- */

void con_job_create(con_call *c, cd_str device, const con_job *job)
{
  con_action_made made = {0};
  cd_err err = {0};
  const con_by by = con_call_by(c, job->comment);
  const con_action_new action = {.device = device,
                                 .kind = job->kind,
                                 .type = job->type,
                                 .scope = job->scope,
                                 .ticket = job->ticket,
                                 .source = CD_STR("PublicApi"),
                                 .parameters = cd_buf_view(&job->parameters),
                                 .expires_ms =
                                     cd_wall_ms() + (int64_t)c->server->config.action_days * DAY_MS,
                                 .one_at_a_time = job->kind != CD_ORDER_REMEDIATE};
  if (!may_be(c, device, job))
    return;
  cd_code rc = cd_buf_status(&job->parameters, "the parameters", &err);
  if (rc == CD_OK)
    rc = con_action_create(c->server->store, &by, &action, &made, &err);
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

bool con_job_check(con_call *c, con_job *job)
{
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  cd_code rc = cd_buf_status(&job->parameters, "the parameters", &err);
  if (rc == CD_OK)
    rc = cd_json_parse(cd_buf_view(&job->parameters), CD_PARAMETERS_MAX, "the order", &doc, &err);
  if (rc == CD_OK) {
    cd_json root = cd_json_root(doc);
    cd_order_check_parameters(job->kind, &root);
    rc = cd_json_done(&root, &err);
  }
  cd_json_free(doc);
  if (rc == CD_OK)
    return true;
  if (rc == CD_E_INTERNAL)
    con_call_trouble(c, &err);
  else
    con_reply_error(&c->reply, CON_INVALID_INPUT, "Invalid input: %s", err.text);
  return false;
}

bool con_job_said(con_call *c, cd_json *root, con_job *job)
{
  if (!con_call_text(c, root, "Comment", CD_COMMENT_MAX, &job->comment))
    return false;
  (void)cd_json_opt_str(root, "ExternalId", CON_NOTE_MAX, &job->ticket);
  return con_call_body_good(c, root);
}

/* The machine first, then the body, as the API's clients expect. */
void con_job_order(con_call *c, con_job *job, bool (*read)(con_call *c, cd_json *root, con_job *j))
{
  con_device d = {0};
  cd_json_doc *doc = NULL;
  cd_json root = {0};
  cd_buf_init(&job->parameters, CD_PARAMETERS_MAX);
  if (!con_call_machine(c, &d))
    return;
  if (con_call_body(c, &doc, &root) && con_job_said(c, &root, job) && read(c, &root, job) &&
      con_call_body_whole(c, &root))
    con_job_create(c, d.id, job);
  cd_buf_release(&job->parameters);
  cd_json_free(doc);
  con_device_release(&d);
}
