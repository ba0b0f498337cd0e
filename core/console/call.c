#include "call.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "hub.h"
#include "protocol/secret.h"

#include "base/banned.h"

con_call *con_call_new(con_server *s)
{
  con_call *c = calloc(1, sizeof(*c));
  if (c == NULL)
    return NULL;
  c->server = s;
  cd_buf_init(&c->body, CON_BODY_MAX);
  con_reply_init(&c->reply);
  return c;
}

/* The body of a token request and the header of any other hold secrets. */
void con_call_free(con_call *c)
{
  if (c == NULL)
    return;
  if (c->authorization != NULL)
    cd_wipe(c->authorization, strlen(c->authorization));
  free(c->authorization);
  free(c->range);
  free(c->if_range);
  cd_buf_wipe(&c->body);
  con_reply_release(&c->reply);
  free(c->path);
  free(c->query);
  free(c);
}

void con_call_done(con_call *c)
{
  c->on_done(c);
}

bool con_call_param(const con_call *c, const char *name, cd_str *ret_value)
{
  for (size_t i = 0; i < c->param_count; i++) {
    if (con_same(c->params[i].name, cd_str_from(name))) {
      *ret_value = c->params[i].value;
      return true;
    }
  }
  return false;
}

bool con_call_body(con_call *c, cd_json_doc **ret_doc, cd_json *ret_root)
{
  cd_err err = {0};
  if (cd_json_parse(cd_buf_view(&c->body), CON_BODY_MAX, "the body", ret_doc, &err) != CD_OK) {
    con_reply_error(&c->reply, CON_INVALID_BODY, "Request body is incorrect");
    return false;
  }
  *ret_root = cd_json_any(*ret_doc);
  if (!cd_json_is_object(ret_root)) {
    con_reply_error(&c->reply, CON_INVALID_BODY, "Request body is incorrect");
    return false;
  }
  *ret_root = cd_json_root(*ret_doc);
  return con_call_body_good(c, ret_root);
}

bool con_call_body_good(con_call *c, const cd_json *root)
{
  cd_err err = {0};
  if (cd_json_status(root, &err) == CD_OK)
    return true;
  con_reply_error(&c->reply, CON_INVALID_BODY, "Request body is incorrect: %s", err.text);
  return false;
}

bool con_call_body_whole(con_call *c, cd_json *root)
{
  cd_json_no_more(root);
  return con_call_body_good(c, root);
}

cd_code con_call_body_rest(con_call *c, cd_json *root, cd_err *err)
{
  cd_code rc = cd_json_status(root, err);
  if (rc != CD_OK || con_call_body_whole(c, root))
    return rc;
  return cd_json_status(root, err);
}

bool con_call_text(con_call *c, cd_json *root, const char *key, size_t max, cd_str *ret_text)
{
  bool there = cd_json_opt_str(root, key, max, ret_text);
  if (!con_call_body_good(c, root))
    return false;
  if (!there || ret_text->len == 0) {
    con_reply_error(&c->reply, CON_MISSING_PARAMETER, "Parameter %s is missing", key);
    return false;
  }
  return true;
}

bool con_call_machine(con_call *c, con_device *ret_device)
{
  cd_err err = {0};
  cd_str id = c->match.captured[0];
  cd_code rc = con_device_find(c->server->store, id, ret_device, &err);
  if (rc == CD_OK)
    return true;
  if (rc == CD_E_NOTFOUND)
    con_reply_error(&c->reply, CON_RESOURCE_NOT_FOUND, "Machine %.*s was not found",
                    CD_STR_ARG(id));
  else if (rc == CD_E_CONFLICT)
    con_reply_error(&c->reply, CON_INVALID_INPUT, "Invalid input machine id: %s", err.text);
  else
    con_call_trouble(c, &err);
  return false;
}

void con_call_trouble(con_call *c, const cd_err *err)
{
  cd_log(CD_AREA_API, CD_LOG_ERROR, "%s: %s", c->path != NULL ? c->path : "", err->text);
  con_reply_trouble(&c->reply);
}

con_by con_call_by(const con_call *c, cd_str comment)
{
  return (con_by){.who = cd_str_from(c->caller.name), .comment = comment};
}

void con_call_written(con_call *c, unsigned status, cd_jw *w)
{
  cd_err err = {0};
  if (cd_jw_done(w, "an answer", &err) != CD_OK)
    con_call_trouble(c, &err);
  else
    c->reply.status = status;
}

void con_call_entity(con_call *c, unsigned status, const con_shape *shape, const void *row)
{
  cd_jw w;
  cd_jw_init(&w, &c->reply.body);
  con_shape_write(shape, &w, NULL, row, c->server->config.url);
  con_call_written(c, status, &w);
}

void con_call_machine_reply(con_call *c, unsigned status, cd_str id)
{
  con_device d = {0};
  con_machine_row row;
  cd_err err = {0};
  if (con_device_get(c->server->store, id, &d, &err) != CD_OK) {
    con_call_trouble(c, &err);
    return;
  }
  con_hub_seen(c->server, &d);
  con_machine_row_open(&row, &d, cd_wall_ms());
  con_machine_row_addresses(&row);
  con_call_entity(c, status, &con_machines, &row);
  con_machine_row_close(&row);
  con_device_release(&d);
}

cd_code con_call_action(con_call *c, cd_str id, con_action *ret_action, cd_err *err)
{
  cd_code rc = con_action_checked(c->server->store, id, ret_action, err);
  if (rc == CD_OK)
    con_altered_note(&c->server->altered, ret_action);
  return rc;
}

void con_call_action_reply(con_call *c, unsigned status, const char *id)
{
  con_action a = {0};
  cd_err err = {0};
  if (con_call_action(c, cd_str_from(id), &a, &err) != CD_OK) {
    con_call_trouble(c, &err);
    return;
  }
  con_call_entity(c, status, &con_actions, &a);
  con_action_release(&a);
}
