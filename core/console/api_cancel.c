/* Calling an action off: who may, and telling the device. */
#include "api.h"

#include "base/clock.h"
#include "base/limits.h"
#include "hub.h"
#include "permission.h"

#include "base/banned.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

/* The device may have the order: it is told by one of its own, signed like any other. */
static cd_code tell_device(con_server *s, const con_by *by, const con_action *a, cd_err *err)
{
  con_action_made made = {0};
  cd_buf parameters = CD_BUF_INIT(128);
  cd_buf_addf(&parameters, "{\"action\":\"%s\"}", a->id);
  const con_action_new cancel = {.device = a->device,
                                 .kind = CD_ORDER_CANCEL,
                                 .type = CD_STR("Cancel"),
                                 .source = CD_STR("Console"),
                                 .parameters = cd_buf_view(&parameters),
                                 .expires_ms =
                                     cd_wall_ms() + (int64_t)s->config.action_days * DAY_MS};
  cd_code rc = con_action_create(s->store, by, &cancel, &made, err);
  cd_buf_release(&parameters);
  return rc;
}

static bool read_comment(con_call *c, cd_json_doc **ret_doc, cd_str *ret_comment)
{
  cd_json root = {0};
  if (!con_call_body(c, ret_doc, &root))
    return false;
  return con_call_text(c, &root, "Comment", CD_COMMENT_MAX, ret_comment) &&
         con_call_body_whole(c, &root);
}

/* ---- who may ---- */

static bool forbidden(con_call *c, uint32_t permissions)
{
  cd_buf names = CD_BUF_INIT(1024);
  con_permissions_add(&names, permissions, ", ");
  con_reply_error(&c->reply, CON_FORBIDDEN,
                  "The application does not have any of the required application permissions (%s) "
                  "to access the resource.",
                  cd_buf_cstr(&names));
  cd_buf_release(&names);
  return false;
}

/* What a cancellation is to end; empty: it cannot be read. */
static void read_cancelled(const con_action *a, char out[CD_ID_SIZE])
{
  cd_json_doc *doc = NULL;
  cd_err ignored = {0};
  cd_str id = {0};
  if (cd_json_parse(a->parameters, CD_PARAMETERS_MAX, "the order", &doc, &ignored) != CD_OK)
    return;
  cd_json root = cd_json_root(doc);
  cd_json_str(&root, "action", CD_ID_SIZE - 1, &id);
  (void)cd_str_copy(out, CD_ID_SIZE, id);
  cd_json_free(doc);
}

/* Whoever may order it may call it off, and nobody else. */
static bool may(con_call *c, const con_action *a)
{
  uint32_t needed = CON_MAY_ACT;
  switch (a->kind) {
  case CD_ORDER_ISOLATE:
  case CD_ORDER_RELEASE:
  case CD_ORDER_PREFLIGHT: needed = CON_MAY_ISOLATE; break;
  case CD_ORDER_COLLECT: needed = CON_MAY_COLLECT; break;
  case CD_ORDER_SCAN: needed = CON_MAY_SCAN; break;
  case CD_ORDER_REMEDIATE: needed = con_remediation_permissions(a); break;
  default: break;
  }
  return (c->caller.permissions & needed) != 0 || forbidden(c, needed);
}

static bool may_cancel(con_call *c, const con_action *a)
{
  con_action cancelled = {0};
  char id[CD_ID_SIZE] = "";
  cd_err err = {0};
  if (a->kind != CD_ORDER_CANCEL)
    return may(c, a);
  read_cancelled(a, id);
  cd_code rc = con_call_action(c, cd_str_from(id), &cancelled, &err);
  bool good = rc == CD_OK && may(c, &cancelled);
  if (rc == CD_E_NOTFOUND)
    (void)forbidden(c, CON_MAY_ACT);
  else if (rc != CD_OK)
    con_call_trouble(c, &err);
  con_action_release(&cancelled);
  return good;
}

void con_api_cancel(con_call *c)
{
  con_action a = {0};
  cd_json_doc *doc = NULL;
  cd_str comment = {0};
  cd_err err = {0};
  bool sent = false;
  cd_code rc = con_call_action(c, c->match.captured[0], &a, &err);
  if (rc == CD_E_NOTFOUND) {
    con_reply_error(&c->reply, CON_RESOURCE_NOT_FOUND, "MachineAction %.*s was not found",
                    CD_STR_ARG(c->match.captured[0]));
    return;
  }
  if (rc != CD_OK) {
    con_call_trouble(c, &err);
    return;
  }
  if (may_cancel(c, &a) && read_comment(c, &doc, &comment)) {
    const con_by by = con_call_by(c, comment);
    rc = con_action_cancel(c->server->store, &by, cd_str_from(a.id), &sent, &err);
    if (rc == CD_OK && sent)
      rc = tell_device(c->server, &by, &a, &err);
    if (rc == CD_OK) {
      con_hub_poke(c->server, a.device);
      con_call_action_reply(c, 200, a.id);
    } else if (rc == CD_E_CONFLICT) {
      con_reply_error(&c->reply, CON_BAD_REQUEST,
                      "The action has ended already, so it cannot be cancelled");
    } else {
      con_call_trouble(c, &err);
    }
  }
  cd_json_free(doc);
  con_action_release(&a);
}
