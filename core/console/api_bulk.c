/* Isolation, release and preflight of all devices that carry a tag, with a preview first. */
#include <stdlib.h>
#include <string.h>

#include "api.h"

#include "base/banned.h"

#define BULK_MAX 10000u

typedef struct target {
  char id[CON_DEVICE_TEXT];
  char *name;
} target;

typedef struct targets {
  target *list;
  size_t count;
  size_t room;
  cd_code failed;
} targets;

static bool each_target(void *context, const con_device *d)
{
  targets *t = context;
  if (d->revoked)
    return true;
  if (t->count == t->room) {
    size_t room = t->room == 0 ? 64 : t->room * 2;
    target *list = t->count < BULK_MAX ? realloc(t->list, room * sizeof(*list)) : NULL;
    if (list == NULL) {
      t->failed = t->count < BULK_MAX ? CD_E_INTERNAL : CD_E_LIMIT;
      return false;
    }
    t->list = list;
    t->room = room;
  }
  target *at = &t->list[t->count++];
  *at = (target){.name = cd_str_dup(d->dns_name)};
  if (!cd_str_copy(at->id, sizeof(at->id), d->id))
    t->count--;
  return true;
}

static void release(targets *t)
{
  for (size_t i = 0; i < t->count; i++)
    free(t->list[i].name);
  free(t->list);
}

static void write_target(con_call *c, cd_jw *w, const target *t, const con_wish *wish,
                         const con_by *by)
{
  con_action_made made = {0};
  cd_err err = {0};
  cd_jw_obj(w, NULL);
  cd_jw_cstr(w, "id", t->id);
  cd_jw_cstr(w, "computerDnsName", t->name);
  if (by != NULL) {
    cd_code rc =
        con_wish_create(c->server, by, cd_str_from(t->id), wish, CD_STR("PublicApi"), &made, &err);
    if (rc == CD_OK) {
      cd_jw_cstr(w, "action", made.id);
      cd_jw_null(w, "error");
    } else {
      cd_jw_null(w, "action");
      cd_jw_cstr(w, "error", err.text);
    }
  }
  cd_jw_end_obj(w);
}

static void answer(con_call *c, const targets *t, cd_str tag, bool preview, const con_wish *wish)
{
  const con_by by = con_call_by(c, wish->comment);
  cd_jw w;
  cd_jw_init(&w, &c->reply.body);
  cd_jw_obj(&w, NULL);
  cd_jw_bool(&w, "preview", preview);
  cd_jw_str(&w, "tag", tag);
  cd_jw_u64(&w, "count", t->count);
  cd_jw_arr(&w, "value");
  for (size_t i = 0; i < t->count; i++)
    write_target(c, &w, &t->list[i], wish, preview ? NULL : &by);
  cd_jw_end_arr(&w);
  cd_jw_end_obj(&w);
  con_call_written(c, preview ? 200 : 201, &w);
}

/* A count of the caller's own guards against a fleet that has changed since the preview. */
static bool is_expected(con_call *c, cd_json *root, const targets *t)
{
  uint64_t expected = 0;
  bool asked = cd_json_opt_u64(root, "expect", BULK_MAX, &expected);
  if (!con_call_body_good(c, root))
    return false;
  if (!asked || expected == t->count)
    return true;
  con_reply_error(&c->reply, CON_INVALID_INPUT,
                  "Invalid input expect: the tag now has %zu devices; look at the preview again",
                  t->count);
  return false;
}

static void run(con_call *c, cd_json *root, cd_order_kind kind)
{
  con_wish wish = {0};
  targets t = {0};
  cd_err err = {0};
  con_device_query query = {0};
  bool preview = false;
  if (!con_call_text(c, root, "tag", CON_TAG_MAX, &query.tag))
    return;
  (void)cd_json_opt_bool(root, "preview", &preview);
  if (!con_call_body_good(c, root) || !con_wish_read(c, root, kind == CD_ORDER_RELEASE, &wish))
    return;
  wish.preflight = kind == CD_ORDER_PREFLIGHT;
  cd_code rc = con_device_each(c->server->store, &query, each_target, &t, &err);
  if (rc == CD_OK && t.failed != CD_OK)
    con_reply_error(&c->reply, CON_BATCH_TOO_LARGE, "Received: more, allowed: %u", BULK_MAX);
  else if (rc != CD_OK)
    con_call_trouble(c, &err);
  else if (is_expected(c, root, &t))
    answer(c, &t, query.tag, preview, &wish);
  release(&t);
  con_wish_release(&wish);
}

static void start(con_call *c, cd_order_kind kind)
{
  cd_json_doc *doc = NULL;
  cd_json root = {0};
  if (con_call_body(c, &doc, &root))
    run(c, &root, kind);
  cd_json_free(doc);
}

void con_api_bulk_isolate(con_call *c)
{
  start(c, CD_ORDER_ISOLATE);
}

void con_api_bulk_release(con_call *c)
{
  start(c, CD_ORDER_RELEASE);
}

void con_api_bulk_preflight(con_call *c)
{
  start(c, CD_ORDER_PREFLIGHT);
}
