/* Policies: edited, given to tags, and how each device stands. */
#include "api.h"
#include "hub.h"
#include "link.h"
#include "protocol/policy.h"
#include "store_policy.h"

#include "base/banned.h"

/* ---- one and all ---- */

static void write_policy(cd_jw *w, const con_policy *p, bool whole)
{
  cd_jw_obj(w, NULL);
  cd_jw_str(w, "name", p->name);
  cd_jw_u64(w, "revision", p->revision);
  cd_jw_time(w, "updated", p->updated_ms);
  cd_jw_str(w, "updatedBy", p->updated_by);
  cd_jw_str(w, "comment", p->comment);
  cd_jw_raw(w, "tags", p->tags.len > 0 ? p->tags : CD_STR("[]"));
  cd_jw_u64(w, "devices", p->devices);
  if (whole)
    cd_jw_raw(w, "body", p->body);
  cd_jw_end_obj(w);
}

static bool each_policy(void *context, const con_policy *p)
{
  write_policy(context, p, false);
  return true;
}

void con_api_policies(con_call *c)
{
  cd_jw w;
  cd_err err = {0};
  cd_jw_init(&w, &c->reply.body);
  cd_jw_obj(&w, NULL);
  cd_jw_arr(&w, "value");
  cd_code rc = con_policy_each(c->server->store, each_policy, &w, &err);
  cd_jw_end_arr(&w);
  cd_jw_end_obj(&w);
  if (rc == CD_OK)
    con_call_written(c, 200, &w);
  else
    con_call_trouble(c, &err);
}

static void answer_failure(con_call *c, cd_code rc, const cd_err *err)
{
  if (rc == CD_E_NOTFOUND)
    con_reply_error(&c->reply, CON_RESOURCE_NOT_FOUND, "%s", err->text);
  else if (rc == CD_E_INVALID || rc == CD_E_LIMIT || rc == CD_E_CONFLICT)
    con_reply_error(&c->reply, CON_INVALID_INPUT, "Invalid input: %s", err->text);
  else
    con_call_trouble(c, err);
}

static void reply_policy(con_call *c, cd_str name)
{
  con_policy p = {0};
  cd_err err = {0};
  cd_jw w;
  cd_code rc = con_policy_get(c->server->store, name, &p, &err);
  if (rc == CD_OK) {
    cd_jw_init(&w, &c->reply.body);
    write_policy(&w, &p, true);
    con_call_written(c, 200, &w);
  } else {
    answer_failure(c, rc, &err);
  }
  con_policy_release(&p);
}

void con_api_policy(con_call *c)
{
  reply_policy(c, c->match.captured[0]);
}

/* ---- changes ---- */

/* What each change has in common: the body with its comment, the change, and the policy as it is
 * then. */
typedef cd_code (*policy_change)(con_call *c, cd_json *root, const con_by *by, cd_err *err);

static void change(con_call *c, policy_change make)
{
  cd_json_doc *doc = NULL;
  cd_json root = {0};
  cd_str comment = {0};
  cd_err err = {0};
  if (con_call_body(c, &doc, &root) &&
      con_call_text(c, &root, "Comment", CD_COMMENT_MAX, &comment)) {
    const con_by by = con_call_by(c, comment);
    cd_code rc = make(c, &root, &by, &err);
    if (rc == CD_OK)
      con_hub_policies(c->server);
    else if (c->reply.status == 0)
      answer_failure(c, rc, &err);
  }
  cd_json_free(doc);
}

static cd_code make_set(con_call *c, cd_json *root, const con_by *by, cd_err *err)
{
  cd_json body = {0};
  uint64_t revision = 0;
  cd_buf text = CD_BUF_INIT(CD_POLICY_BODY_MAX);
  cd_json_obj(root, "body", &body);
  cd_code rc = con_call_body_rest(c, root, err);
  if (rc == CD_OK) {
    cd_json_print(&body, &text);
    rc = cd_buf_status(&text, "the policy", err);
  }
  /* What is wrong in it is named by the reader of policies, not by the body of the request. */
  if (rc == CD_OK)
    rc = con_policy_set(c->server->store, by, c->match.captured[0], cd_buf_view(&text), &revision,
                        err);
  cd_buf_release(&text);
  if (rc == CD_OK)
    reply_policy(c, c->match.captured[0]);
  return rc;
}

static cd_code make_remove(con_call *c, cd_json *root, const con_by *by, cd_err *err)
{
  cd_code rc = con_call_body_rest(c, root, err);
  if (rc == CD_OK)
    rc = con_policy_remove(c->server->store, by, c->match.captured[0], err);
  if (rc == CD_OK) {
    cd_buf_add_cstr(&c->reply.body, "{\"removed\":true}");
    c->reply.status = 200;
  }
  return rc;
}

static cd_code make_assign(con_call *c, cd_json *root, const con_by *by, cd_err *err)
{
  cd_str tag = {0};
  uint64_t rank = 0;
  cd_json_str(root, "tag", CON_TAG_MAX, &tag);
  (void)cd_json_opt_u64(root, "rank", CON_RANK_MAX, &rank);
  cd_code rc = con_call_body_rest(c, root, err);
  if (rc == CD_OK)
    rc = con_policy_assign(c->server->store, by, c->match.captured[0], tag, rank, err);
  if (rc == CD_OK)
    reply_policy(c, c->match.captured[0]);
  return rc;
}

static cd_code make_unassign(con_call *c, cd_json *root, const con_by *by, cd_err *err)
{
  cd_str tag = {0};
  cd_json_str(root, "tag", CON_TAG_MAX, &tag);
  cd_code rc = con_call_body_rest(c, root, err);
  if (rc == CD_OK)
    rc = con_policy_unassign(c->server->store, by, c->match.captured[0], tag, err);
  if (rc == CD_OK)
    reply_policy(c, c->match.captured[0]);
  return rc;
}

void con_api_policy_set(con_call *c)
{
  change(c, make_set);
}

void con_api_policy_remove(con_call *c)
{
  change(c, make_remove);
}

void con_api_policy_assign(con_call *c)
{
  change(c, make_assign);
}

void con_api_policy_unassign(con_call *c)
{
  change(c, make_unassign);
}

/* ---- of a device ---- */

/* Why it does not have what is for it; empty: it has. */
static void add_reason(const con_device *d, const con_device_policy *p, const con_link *link,
                       cd_buf *out)
{
  bool is_right = p->revision == p->wanted_revision && cd_str_eq_cstr(p->name, p->wanted_name);
  if (d->revoked)
    cd_buf_add_cstr(out, "the device was revoked");
  else if (link == NULL || link->phase != CON_LINK_READY)
    cd_buf_add_cstr(out, "the device is not connected");
  else if (!link->policy.known)
    cd_buf_add_cstr(out, "its agent has not said that it takes policies");
  else if (con_link_note(link->policy_note)[0] != '\0')
    cd_buf_add_cstr(out, link->policy_note);
  else if (link->policy_signing != 0)
    cd_buf_add_cstr(out, "it is being signed");
  else if (!is_right)
    cd_buf_add_cstr(out, "a new version is being made");
  else if (link->policy_version == p->version)
    cd_buf_add_cstr(out, "it was sent, and the device has not said that it is in force");
}

static bool reported_version(cd_str standing, uint64_t *ret_version)
{
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  if (standing.len == 0 || cd_json_parse(standing, 8192, "the standing", &doc, &err) != CD_OK)
    return false;
  cd_json root = cd_json_root(doc);
  cd_json_u64(&root, "version", CD_GENERATION_MAX, ret_version);
  bool good = cd_json_status(&root, &err) == CD_OK;
  cd_json_free(doc);
  return good;
}

cd_code con_api_device_policy(con_call *c, const con_device *d, cd_jw *w, cd_err *err)
{
  con_device_policy p = {0};
  uint64_t in_force = 0;
  cd_buf why = CD_BUF_INIT(2048);
  cd_code rc = con_device_policy_get(c->server->store, d->id, &p, err);
  if (rc != CD_OK)
    return rc;
  bool said = reported_version(p.standing, &in_force);
  bool none = p.wanted_name[0] == '\0' && p.version == 0;
  bool current = p.revision == p.wanted_revision && cd_str_eq_cstr(p.name, p.wanted_name);
  if (!none && !(said && current && in_force == p.version))
    add_reason(d, &p, con_hub_find(c->server, d->id), &why);
  cd_jw_obj(w, "policy");
  cd_jw_cstr(w, "wanted", p.wanted_name[0] != '\0' ? p.wanted_name : NULL);
  cd_jw_u64(w, "wantedRevision", p.wanted_revision);
  cd_jw_u64(w, "wantedVersion", current ? p.version : 0);
  cd_jw_raw(w, "reported", p.standing);
  if (why.len > 0)
    cd_jw_str(w, "why", cd_buf_view(&why));
  else
    cd_jw_null(w, "why");
  cd_jw_end_obj(w);
  con_device_policy_release(&p);
  cd_buf_release(&why);
  return CD_OK;
}
