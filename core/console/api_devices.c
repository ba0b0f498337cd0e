/* What the public API lacks: the three values, why an action waits, evidence, revocation. */
#include "api.h"
#include "base/clock.h"
#include "hub.h"
#include "link.h"
#include "package_state.h"
#include "store_exclusions.h"
#include "store_terms.h"

#include "base/banned.h"

/* ---- why something waits ---- */

static void add_time(cd_buf *out, int64_t ms)
{
  char text[CD_TIME_TEXT_MAX];
  cd_time_text(ms, text);
  cd_buf_add_cstr(out, text);
}

static void add_reason(cd_buf *out, const con_server *s, const con_action *a,
                       const con_device *device, bool is_first)
{
  const con_link *link = con_hub_find(s, a->device);
  if (!is_first) {
    cd_buf_add_cstr(out, "it waits until the action before it has ended");
  } else if (device->revoked) {
    cd_buf_add_cstr(out, "the device was revoked");
  } else if (link == NULL && device->last_seen_ms == 0) {
    cd_buf_add_cstr(out, "the device has never been connected");
  } else if (link == NULL) {
    cd_buf_add_cstr(out, "the device is not connected; it was last seen at ");
    add_time(out, device->last_seen_ms);
  } else if (a->accepted) {
    cd_buf_add_cstr(out, "the device has the order and is carrying it out");
  } else if (con_link_note(link->note)[0] != '\0') {
    cd_buf_add_cstr(out, link->note);
  } else if (link->phase != CON_LINK_READY) {
    cd_buf_add_cstr(out, "the device is connecting");
  } else if (link->signing) {
    cd_buf_add_cstr(out, "the order is being signed");
  } else {
    cd_buf_add_cstr(out, "the order was sent and the device has not answered yet");
  }
}

typedef struct due_ids {
  char ids[64][CD_ID_SIZE];
  size_t count;
} due_ids;

static bool each_due(void *context, const con_action *a)
{
  due_ids *due = context;
  if (due->count == sizeof(due->ids) / sizeof(due->ids[0]))
    return false;
  (void)cd_str_copy(due->ids[due->count++], CD_ID_SIZE, cd_str_from(a->id));
  return true;
}

static bool is_due(const due_ids *due, const char *id)
{
  for (size_t i = 0; i < due->count; i++) {
    if (cd_str_eq_cstr(cd_str_from(due->ids[i]), id))
      return true;
  }
  return false;
}

/* ---- a device ---- */

typedef struct pending_list {
  const con_call *call;
  const con_device *device;
  due_ids due;
  cd_jw *w;
} pending_list;

static bool each_action(void *context, const con_action *a)
{
  pending_list *p = context;
  cd_buf reason = CD_BUF_INIT(2048);
  con_altered_note(&p->call->server->altered, a);
  if (cd_action_status_final(a->status))
    return true;
  add_reason(&reason, p->call->server, a, p->device, is_due(&p->due, a->id));
  cd_jw_obj(p->w, NULL);
  cd_jw_cstr(p->w, "id", a->id);
  cd_jw_str(p->w, "type", a->type);
  cd_jw_cstr(p->w, "status", cd_action_status_name(a->status));
  cd_jw_time(p->w, "created", a->created_ms);
  cd_jw_time(p->w, "sent", a->sent_ms);
  cd_jw_time(p->w, "expires", a->expires_ms);
  cd_jw_str(p->w, "waitsFor", cd_buf_view(&reason));
  cd_jw_raw(p->w, "progress", a->progress);
  cd_jw_end_obj(p->w);
  cd_buf_release(&reason);
  return true;
}

static cd_code write_pending(con_call *c, const con_device *d, cd_jw *w, cd_err *err)
{
  pending_list p = {.call = c, .device = d, .w = w};
  const con_action_query query = {.device = d->id, .limit = 100};
  cd_jw_arr(w, "pending");
  cd_code rc = con_action_due(c->server->store, d->id, each_due, &p.due, err);
  if (rc == CD_OK)
    rc = con_action_each(c->server->store, &query, each_action, &p, err);
  cd_jw_end_arr(w);
  return rc;
}

static cd_code write_wanted(con_call *c, const con_device *d, cd_jw *w, cd_err *err)
{
  con_wanted wanted = {0};
  char set[CON_EXCLUSION_SET_MAX + 1] = "";
  uint64_t revision = 0;
  uint64_t rolled_back = 0;
  cd_code rc = con_action_rolled_back(c->server->store, d->id, &rolled_back, err);
  if (rc == CD_OK)
    rc = con_wanted_get(c->server->store, d->id, CD_STATE_ISOLATE, &wanted, err);
  if (rc == CD_OK && wanted.value == CD_WANTED_ISOLATED)
    rc = con_isolation_set(c->server->store, cd_str_from(wanted.action), set, &revision, err);
  if (rc != CD_OK && rc != CD_E_NOTFOUND) {
    con_wanted_release(&wanted);
    return rc;
  }
  cd_jw_arr(w, "wanted");
  cd_jw_obj(w, NULL);
  cd_jw_cstr(w, "state", cd_state_name(CD_STATE_ISOLATE));
  cd_jw_cstr(w, "value", cd_wanted_value_name(wanted.value));
  if (wanted.type.len > 0)
    cd_jw_str(w, "type", wanted.type);
  else
    cd_jw_null(w, "type");
  cd_jw_cstr(w, "exclusions", set[0] != '\0' ? set : NULL);
  cd_jw_u64(w, "generation", wanted.value_generation);
  cd_jw_cstr(w, "action", wanted.action[0] != '\0' ? wanted.action : NULL);
  cd_jw_time(w, "since", wanted.since_ms);
  con_parameters_show(wanted.parameters, wanted.value == CD_WANTED_ISOLATED, w);
  cd_jw_u64(w, "rolled_back", rolled_back);
  cd_jw_end_obj(w);
  cd_jw_end_arr(w);
  con_wanted_release(&wanted);
  return CD_OK;
}

static void write_device(con_call *c, const con_device *d)
{
  const con_link *link = con_hub_find(c->server, d->id);
  cd_err err = {0};
  cd_jw w;
  cd_jw_init(&w, &c->reply.body);
  cd_jw_obj(&w, NULL);
  cd_jw_str(&w, "id", d->id);
  cd_jw_str(&w, "computerDnsName", d->dns_name);
  cd_jw_str(&w, "osPlatform", d->os_platform);
  cd_jw_str(&w, "agentVersion", d->agent_version);
  cd_jw_raw(&w, "tags", d->tags.len > 0 ? d->tags : CD_STR("[]"));
  cd_jw_time(&w, "firstSeen", d->first_seen_ms);
  cd_jw_time(&w, "lastSeen", d->last_seen_ms);
  cd_jw_bool(&w, "connected", link != NULL && link->phase == CON_LINK_READY);
  cd_jw_bool(&w, "revoked", d->revoked);
  cd_jw_bool(&w, "cloneSuspected", d->clone_suspected);
  cd_jw_str(&w, "keyId", d->key_id);
  cd_jw_time(&w, "certificateNotAfter", d->cert_not_after_ms);
  cd_jw_time(&w, "statesReported", d->report_at_ms);
  cd_jw_raw(&w, "states", d->values.len > 0 ? d->values : CD_STR("[]"));
  cd_code rc = write_wanted(c, d, &w, &err);
  if (rc == CD_OK)
    rc = write_pending(c, d, &w, &err);
  if (rc == CD_OK)
    rc = con_api_device_policy(c, d, &w, &err);
  cd_jw_raw(&w, "facts", d->facts);
  cd_jw_end_obj(&w);
  if (rc == CD_OK)
    con_call_written(c, 200, &w);
  else
    con_call_trouble(c, &err);
}

void con_api_device(con_call *c)
{
  con_device d = {0};
  if (!con_call_machine(c, &d))
    return;
  con_hub_seen(c->server, &d);
  write_device(c, &d);
  con_device_release(&d);
}

void con_api_device_revoke(con_call *c)
{
  con_device d = {0};
  cd_json_doc *doc = NULL;
  cd_json root = {0};
  cd_str comment = {0};
  cd_err err = {0};
  if (!con_call_machine(c, &d))
    return;
  if (con_call_body(c, &doc, &root) && con_call_text(c, &root, "Comment", 1024, &comment) &&
      con_call_body_whole(c, &root)) {
    const con_by by = con_call_by(c, comment);
    if (con_device_revoke(c->server->store, &by, d.id, &err) == CD_OK) {
      con_hub_drop(c->server, d.id, "the device was revoked");
      con_call_machine_reply(c, 200, d.id);
    } else {
      con_call_trouble(c, &err);
    }
  }
  cd_json_free(doc);
  con_device_release(&d);
}

/* ---- an action ---- */

static void write_detail(con_call *c, const con_action *a, const con_device *d, const due_ids *due)
{
  cd_buf reason = CD_BUF_INIT(2048);
  cd_err err = {0};
  char digest[CD_DIGEST_TEXT_MAX];
  cd_jw w;
  cd_digest_text(&a->audit.digest, digest);
  if (!cd_action_status_final(a->status))
    add_reason(&reason, c->server, a, d, is_due(due, a->id));
  cd_jw_init(&w, &c->reply.body);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "id", a->id);
  cd_jw_str(&w, "type", a->type);
  cd_jw_cstr(&w, "kind", cd_order_kind_name(a->kind));
  cd_jw_cstr(&w, "status", cd_action_status_name(a->status));
  cd_jw_str(&w, "machineId", a->device);
  cd_jw_str(&w, "computerDnsName", a->dns_name);
  cd_jw_str(&w, "requestor", a->requestor);
  cd_jw_str(&w, "comment", a->comment);
  cd_jw_str(&w, "ticket", a->ticket);
  cd_jw_str(&w, "source", a->source);
  cd_jw_time(&w, "created", a->created_ms);
  cd_jw_time(&w, "updated", a->updated_ms);
  cd_jw_time(&w, "sent", a->sent_ms);
  cd_jw_time(&w, "expires", a->expires_ms);
  cd_jw_u64(&w, "generation", a->generation);
  cd_jw_raw(&w, "parameters", a->parameters);
  con_parameters_show(a->parameters, a->kind == CD_ORDER_ISOLATE, &w);
  cd_jw_bool(&w, "accepted", a->accepted);
  if (reason.len > 0)
    cd_jw_str(&w, "waitsFor", cd_buf_view(&reason));
  else
    cd_jw_null(&w, "waitsFor");
  cd_jw_raw(&w, "progress", a->progress);
  cd_jw_str(&w, "outcome", a->outcome);
  cd_jw_str(&w, "sentence", a->sentence);
  cd_jw_raw(&w, "evidence", a->evidence);
  if (con_package_write(c->server, a, &w, &err) != CD_OK) {
    con_call_trouble(c, &err);
    cd_buf_release(&reason);
    return;
  }
  if (a->altered.len > 0)
    cd_jw_str(&w, "altered", a->altered);
  else
    cd_jw_null(&w, "altered");
  cd_jw_obj(&w, "audit");
  cd_jw_u64(&w, "sequence", a->audit.sequence);
  cd_jw_cstr(&w, "digest", digest);
  cd_jw_end_obj(&w);
  cd_jw_end_obj(&w);
  con_call_written(c, 200, &w);
  cd_buf_release(&reason);
}

void con_api_action_detail(con_call *c)
{
  con_action a = {0};
  con_device d = {0};
  due_ids due = {0};
  cd_err err = {0};
  cd_code rc = con_call_action(c, c->match.captured[0], &a, &err);
  if (rc == CD_E_NOTFOUND) {
    con_reply_error(&c->reply, CON_RESOURCE_NOT_FOUND, "MachineAction %.*s was not found",
                    CD_STR_ARG(c->match.captured[0]));
    return;
  }
  if (rc == CD_OK)
    rc = con_device_get(c->server->store, a.device, &d, &err);
  if (rc == CD_OK)
    rc = con_action_due(c->server->store, a.device, each_due, &due, &err);
  if (rc == CD_OK)
    write_detail(c, &a, &d, &due);
  else
    con_call_trouble(c, &err);
  con_device_release(&d);
  con_action_release(&a);
}
