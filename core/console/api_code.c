/* The release code of an isolation: whether it can be shown, and showing it, once. */
#include <string.h>

#include "api.h"
#include "base/log.h"
#include "protocol/secret.h"

#include "base/banned.h"

static void not_found(con_call *c)
{
  con_reply_error(&c->reply, CON_RESOURCE_NOT_FOUND, "MachineAction %.*s was not found",
                  CD_STR_ARG(c->match.captured[0]));
}

/* Of a GET: what a POST would do. */
void con_api_code(con_call *c)
{
  con_code_state state = {0};
  cd_err err = {0};
  cd_jw w;
  cd_code rc = con_action_code_look(c->server->store, c->match.captured[0], &state, &err);
  if (rc != CD_OK) {
    if (rc == CD_E_NOTFOUND)
      not_found(c);
    else
      con_call_trouble(c, &err);
    return;
  }
  cd_jw_init(&w, &c->reply.body);
  cd_jw_obj(&w, NULL);
  cd_jw_str(&w, "id", c->match.captured[0]);
  cd_jw_cstr(&w, "machineId", state.device);
  cd_jw_bool(&w, "available", state.available);
  cd_jw_cstr(&w, "shownTo", state.shown_ms != 0 ? state.shown_to : NULL);
  cd_jw_time(&w, "shown", state.shown_ms);
  cd_jw_cstr(&w, "sentence", state.available ? NULL : state.sentence);
  cd_jw_end_obj(&w);
  con_call_written(c, 200, &w);
}

static void write_code(con_call *c, const cd_release_code *code)
{
  char text[CD_RELEASE_CODE_TEXT];
  cd_jw w;
  cd_release_code_format(code, text);
  cd_jw_init(&w, &c->reply.body);
  cd_jw_obj(&w, NULL);
  cd_jw_str(&w, "id", c->match.captured[0]);
  cd_jw_cstr(&w, "code", text);
  cd_jw_end_obj(&w);
  con_call_written(c, 200, &w);
  cd_wipe(text, sizeof(text));
}

void con_api_code_show(con_call *c)
{
  cd_json_doc *doc = NULL;
  cd_json root = {0};
  cd_str comment = {0};
  cd_release_code code = {0};
  cd_err err = {0};
  bool good = con_call_body(c, &doc, &root);
  if (good) {
    (void)cd_json_opt_str(&root, "Comment", CD_COMMENT_MAX, &comment);
    good = con_call_body_whole(c, &root);
  }
  if (!good) {
    cd_json_free(doc);
    return;
  }
  const con_by by = con_call_by(c, comment);
  cd_code rc = con_action_code_show(c->server->store, &by, c->match.captured[0], &code, &err);
  if (rc == CD_OK) {
    cd_log(CD_AREA_API, CD_LOG_INFO, "action=%.*s: its release code was shown to '%s'",
           CD_STR_ARG(c->match.captured[0]), c->caller.name);
    write_code(c, &code);
  } else if (rc == CD_E_NOTFOUND) {
    not_found(c);
  } else if (rc == CD_E_CONFLICT) {
    con_reply_error(&c->reply, CON_DISALLOWED, "%s", err.text);
  } else {
    con_call_trouble(c, &err);
  }
  cd_wipe(&code, sizeof(code));
  cd_json_free(doc);
}
