/* Named sets of exclusions: what people keep here, and what the configuration brings. */
#include "api.h"
#include "base/limits.h"
#include "store_exclusions.h"

#include "base/banned.h"

static void write_set(cd_jw *w, const con_exclusion_set *x, bool whole)
{
  cd_jw_obj(w, NULL);
  cd_jw_str(w, "name", x->name);
  cd_jw_cstr(w, "source", x->revision > 0 ? "console" : "configuration");
  cd_jw_u64(w, "revision", x->revision);
  cd_jw_time(w, "updated", x->updated_ms);
  cd_jw_str(w, "updatedBy", x->updated_by);
  cd_jw_str(w, "comment", x->comment);
  cd_jw_u64(w, "devices", x->devices);
  if (whole)
    cd_jw_raw(w, "exclusions", x->json);
  cd_jw_end_obj(w);
}

static bool each_set(void *context, const con_exclusion_set *x)
{
  write_set(context, x, false);
  return true;
}

/* Those of the configuration that no set here replaces. */
static void write_configured(con_call *c, cd_jw *w)
{
  const con_config *config = &c->server->config;
  for (size_t i = 0; i < config->set_count; i++) {
    con_exclusion_set x = {0};
    cd_err err = {0};
    if (con_exclusion_set_get(c->server->store, config->sets[i].name, &x, &err) != CD_OK)
      write_set(w, &(const con_exclusion_set){.name = config->sets[i].name}, false);
    con_exclusion_set_release(&x);
  }
}

void con_api_exclusions(con_call *c)
{
  cd_jw w;
  cd_err err = {0};
  cd_jw_init(&w, &c->reply.body);
  cd_jw_obj(&w, NULL);
  cd_jw_arr(&w, "value");
  cd_code rc = con_exclusion_set_each(c->server->store, each_set, &w, &err);
  write_configured(c, &w);
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

static void reply_set(con_call *c, cd_str name)
{
  con_exclusion_set x = {0};
  con_exclusion_set shown = {.name = name};
  cd_err err = {0};
  cd_jw w;
  cd_code rc = con_exclusion_set_get(c->server->store, name, &x, &err);
  if (rc == CD_OK)
    shown = x;
  else if (rc == CD_E_NOTFOUND && con_config_exclusions(&c->server->config, name, &shown.json))
    rc = CD_OK;
  if (rc == CD_OK) {
    cd_jw_init(&w, &c->reply.body);
    write_set(&w, &shown, true);
    con_call_written(c, 200, &w);
  } else {
    answer_failure(c, rc, &err);
  }
  con_exclusion_set_release(&x);
}

void con_api_exclusions_one(con_call *c)
{
  reply_set(c, c->match.captured[0]);
}

static cd_code put(con_call *c, cd_json *root, const con_by *by, cd_err *err)
{
  cd_json list = {0};
  uint64_t revision = 0;
  cd_buf text = CD_BUF_INIT(CD_PARAMETERS_MAX);
  cd_json_arr(root, "exclusions", CD_EXCLUSIONS_MAX, &list);
  cd_code rc = con_call_body_rest(c, root, err);
  if (rc == CD_OK)
    rc = con_exclusions_print(&list, &text, err);
  if (rc == CD_OK)
    rc = con_exclusion_set_put(c->server->store, by, c->match.captured[0], cd_buf_view(&text),
                               &revision, err);
  cd_buf_release(&text);
  return rc;
}

/* Whoever is isolated with it follows before the answer leaves. */
void con_api_exclusions_set(con_call *c)
{
  cd_json_doc *doc = NULL;
  cd_json root = {0};
  cd_str comment = {0};
  cd_err err = {0};
  if (con_call_body(c, &doc, &root) &&
      con_call_text(c, &root, "Comment", CD_COMMENT_MAX, &comment)) {
    const con_by by = con_call_by(c, comment);
    cd_code rc = put(c, &root, &by, &err);
    if (rc == CD_OK) {
      con_exclusions_follow(c->server);
      reply_set(c, c->match.captured[0]);
    } else if (c->reply.status == 0) {
      answer_failure(c, rc, &err);
    }
  }
  cd_json_free(doc);
}

void con_api_exclusions_remove(con_call *c)
{
  cd_json_doc *doc = NULL;
  cd_json root = {0};
  cd_str comment = {0};
  cd_err err = {0};
  if (con_call_body(c, &doc, &root) &&
      con_call_text(c, &root, "Comment", CD_COMMENT_MAX, &comment) &&
      con_call_body_whole(c, &root)) {
    const con_by by = con_call_by(c, comment);
    cd_code rc = con_exclusion_set_remove(c->server->store, &by, c->match.captured[0], &err);
    if (rc == CD_OK) {
      cd_buf_add_cstr(&c->reply.body, "{\"removed\":true}");
      c->reply.status = 200;
    } else if (c->reply.status == 0) {
      answer_failure(c, rc, &err);
    }
  }
  cd_json_free(doc);
}
