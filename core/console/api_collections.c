/* Collection lists: what packages of the profile custom are made by. */
#include "api.h"
#include "base/limits.h"
#include "protocol/collection.h"
#include "store_collection.h"

#include "base/banned.h"

static void write_list(cd_jw *w, const con_collection *x, bool whole)
{
  cd_jw_obj(w, NULL);
  cd_jw_str(w, "name", x->name);
  cd_jw_u64(w, "version", x->version);
  cd_jw_time(w, "updated", x->updated_ms);
  cd_jw_str(w, "updatedBy", x->updated_by);
  cd_jw_str(w, "comment", x->comment);
  if (whole)
    cd_jw_raw(w, "list", x->json);
  cd_jw_end_obj(w);
}

static bool each_list(void *context, const con_collection *x)
{
  write_list(context, x, false);
  return true;
}

void con_api_collections(con_call *c)
{
  cd_jw w;
  cd_err err = {0};
  cd_jw_init(&w, &c->reply.body);
  cd_jw_obj(&w, NULL);
  cd_jw_arr(&w, "value");
  cd_code rc = con_collection_each(c->server->store, each_list, &w, &err);
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

static void reply_list(con_call *c, cd_str name)
{
  con_collection x = {0};
  cd_err err = {0};
  cd_jw w;
  cd_code rc = con_collection_get(c->server->store, name, &x, &err);
  if (rc == CD_OK) {
    cd_jw_init(&w, &c->reply.body);
    write_list(&w, &x, true);
    con_call_written(c, 200, &w);
  } else {
    answer_failure(c, rc, &err);
  }
  con_collection_release(&x);
}

void con_api_collection(con_call *c)
{
  reply_list(c, c->match.captured[0]);
}

/* The name in the address is the one in the list. */
static cd_code put(con_call *c, cd_json *root, const con_by *by, cd_err *err)
{
  cd_json list = {0};
  cd_str name = {0};
  uint64_t version = 0;
  cd_json_obj(root, "list", &list);
  cd_json kept = list;
  cd_collection_read(&list, &name, &version);
  if (name.ptr != NULL && !cd_str_eq(name, c->match.captured[0]))
    cd_json_bad(&list, "name", "is another one than that of the address");
  cd_code rc = con_call_body_rest(c, root, err);
  return rc == CD_OK ? con_collection_put(c->server->store, by, &kept, err) : rc;
}

void con_api_collection_set(con_call *c)
{
  cd_json_doc *doc = NULL;
  cd_json root = {0};
  cd_str comment = {0};
  cd_err err = {0};
  if (con_call_body(c, &doc, &root) &&
      con_call_text(c, &root, "Comment", CD_COMMENT_MAX, &comment)) {
    const con_by by = con_call_by(c, comment);
    cd_code rc = put(c, &root, &by, &err);
    if (rc == CD_OK)
      reply_list(c, c->match.captured[0]);
    else if (c->reply.status == 0)
      answer_failure(c, rc, &err);
  }
  cd_json_free(doc);
}

void con_api_collection_remove(con_call *c)
{
  cd_json_doc *doc = NULL;
  cd_json root = {0};
  cd_str comment = {0};
  cd_err err = {0};
  if (con_call_body(c, &doc, &root) &&
      con_call_text(c, &root, "Comment", CD_COMMENT_MAX, &comment) &&
      con_call_body_whole(c, &root)) {
    const con_by by = con_call_by(c, comment);
    cd_code rc = con_collection_remove(c->server->store, &by, c->match.captured[0], &err);
    if (rc == CD_OK) {
      cd_buf_add_cstr(&c->reply.body, "{\"removed\":true}");
      c->reply.status = 200;
    } else {
      answer_failure(c, rc, &err);
    }
  }
  cd_json_free(doc);
}
