/* Isolation, release and preflight of all devices that carry a tag, with a preview first. */
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "hub.h"
#include "work.h"

#include "base/banned.h"

#define BULK_MAX 10000u
#define SLICE 100u /* in one transaction, in one turn of the loop */

typedef struct target {
  char id[CON_DEVICE_TEXT];
  char *name;
  char action[CD_ID_SIZE]; /* empty: `error` says why */
  char *error;
} target;

typedef struct targets {
  target *list;
  size_t count;
  size_t room;
  cd_code failed;
  cd_buf left_out; /* JSON: those with the tag that nothing is ordered of */
} targets;

static bool leave_out(targets *t, const con_device *d)
{
  cd_jw w;
  if (t->left_out.len > 0)
    cd_buf_add_char(&t->left_out, ',');
  cd_jw_init(&w, &t->left_out);
  cd_jw_obj(&w, NULL);
  cd_jw_str(&w, "id", d->id);
  cd_jw_str(&w, "computerDnsName", d->dns_name);
  cd_jw_cstr(&w, "reason", "the device is revoked");
  cd_jw_end_obj(&w);
  return true;
}

static bool each_target(void *context, const con_device *d)
{
  targets *t = context;
  if (d->revoked)
    return leave_out(t, d);
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
  for (size_t i = 0; i < t->count; i++) {
    free(t->list[i].name);
    free(t->list[i].error);
  }
  free(t->list);
  cd_buf_release(&t->left_out);
}

static void write_target(cd_jw *w, const target *t, bool preview)
{
  cd_jw_obj(w, NULL);
  cd_jw_cstr(w, "id", t->id);
  cd_jw_cstr(w, "computerDnsName", t->name);
  if (!preview) {
    cd_jw_cstr(w, "action", t->action[0] != '\0' ? t->action : NULL);
    cd_jw_cstr(w, "error", t->action[0] != '\0' ? NULL : t->error);
  }
  cd_jw_end_obj(w);
}

static void answer(con_call *c, const targets *t, cd_str tag, bool preview)
{
  cd_jw w;
  cd_jw_init(&w, &c->reply.body);
  cd_jw_obj(&w, NULL);
  cd_jw_bool(&w, "preview", preview);
  cd_jw_str(&w, "tag", tag);
  cd_jw_u64(&w, "count", t->count);
  cd_jw_arr(&w, "value");
  for (size_t i = 0; i < t->count; i++)
    write_target(&w, &t->list[i], preview);
  cd_jw_end_arr(&w);
  cd_buf left_out = CD_BUF_INIT(CON_REPLY_MAX);
  cd_buf_addf(&left_out, "[%s]", cd_buf_cstr(&t->left_out));
  cd_jw_raw(&w, "leftOut", cd_buf_view(&left_out));
  cd_buf_release(&left_out);
  cd_jw_end_obj(&w);
  con_call_written(c, preview ? 200 : 201, &w);
}

/* ---- the orders, a slice in each turn of the loop ---- */

typedef struct bulk {
  con_work work;
  con_call *call;
  cd_json_doc *doc; /* the texts of `wish` and `tag` are in it */
  con_wish wish;
  cd_str tag;
  targets targets;
  size_t done;
} bulk;

static void finish(bulk *b, bool closing)
{
  con_call *c = b->call;
  if (closing)
    con_reply_error(&c->reply, CON_UNAVAILABLE, "The console stops; %zu of %zu were ordered",
                    b->done, b->targets.count);
  else
    answer(c, &b->targets, b->tag, false);
  release(&b->targets);
  con_wish_release(&b->wish);
  cd_json_free(b->doc);
  free(b);
  con_call_done(c);
}

static void order_one(bulk *b, target *t)
{
  const con_by by = con_call_by(b->call, b->wish.comment);
  con_action_made made = {0};
  cd_err err = {0};
  if (con_wish_create(b->call->server, &by, cd_str_from(t->id), &b->wish, CD_STR("PublicApi"),
                      &made, &err) == CD_OK)
    memcpy(t->action, made.id, sizeof(t->action));
  else
    t->error = cd_str_dup(cd_str_from(err.text));
}

/* What was not committed was not ordered. */
static void forget(bulk *b, size_t end, const cd_err *err)
{
  for (size_t i = b->done; i < end; i++) {
    target *t = &b->targets.list[i];
    t->action[0] = '\0';
    free(t->error);
    t->error = cd_str_dup(cd_str_from(err->text));
  }
}

static bool order_some(con_work *w, bool closing)
{
  bulk *b = (bulk *)w;
  con_server *s = b->call->server;
  size_t left = b->targets.count - b->done;
  size_t end = b->done + (left < SLICE ? left : SLICE);
  cd_err err = {0};
  if (closing || left == 0) {
    finish(b, closing);
    return false;
  }
  cd_code rc = con_store_many_begin(s->store, &err);
  for (size_t i = b->done; i < end && rc == CD_OK; i++)
    order_one(b, &b->targets.list[i]);
  if (rc == CD_OK)
    rc = con_store_many_end(s->store, &err);
  if (rc != CD_OK)
    forget(b, end, &err);
  for (; b->done < end; b->done++) {
    if (b->targets.list[b->done].action[0] != '\0')
      con_hub_poke(s, cd_str_from(b->targets.list[b->done].id));
  }
  return true;
}

/* Takes all of it over; false: no memory. */
static bool order_all(con_call *c, cd_json_doc *doc, con_wish *wish, targets *t, cd_str tag)
{
  bulk *b = calloc(1, sizeof(*b));
  if (b == NULL) {
    con_reply_trouble(&c->reply);
    return false;
  }
  *b = (bulk){.work = {.step = order_some},
              .call = c,
              .doc = doc,
              .wish = *wish,
              .tag = tag,
              .targets = *t};
  c->later = true;
  con_work_add(c->server, &b->work);
  return true;
}

/* What is asked beside the wish. */
typedef struct bulk_wish {
  cd_str tag;
  bool preview;
  bool has_expected;
  uint64_t expected;
} bulk_wish;

/* Before the wish, whose reader refuses what nobody has read. */
static bool read_bulk(con_call *c, cd_json *root, bulk_wish *b)
{
  if (!con_call_text(c, root, "tag", CON_TAG_MAX, &b->tag))
    return false;
  (void)cd_json_opt_bool(root, "preview", &b->preview);
  b->has_expected = cd_json_opt_u64(root, "expect", BULK_MAX, &b->expected);
  return con_call_body_good(c, root);
}

/* A count of the caller's own guards against a fleet that has changed since the preview. */
static bool is_expected(con_call *c, const bulk_wish *b, const targets *t)
{
  if (!b->has_expected || b->expected == t->count)
    return true;
  con_reply_error(&c->reply, CON_INVALID_INPUT,
                  "Invalid input expect: the tag now has %zu devices; look at the preview again",
                  t->count);
  return false;
}

/* True: the document has become the work's. */
static bool run(con_call *c, cd_json_doc *doc, cd_json *root, cd_order_kind kind)
{
  con_wish wish = {0};
  targets t = {.left_out = CD_BUF_INIT(CON_REPLY_MAX)};
  cd_err err = {0};
  bulk_wish b = {0};
  if (!read_bulk(c, root, &b) || !con_wish_read(c, root, kind == CD_ORDER_RELEASE, &wish))
    return false;
  const con_device_query query = {.tag = b.tag};
  wish.preflight = kind == CD_ORDER_PREFLIGHT;
  cd_code rc = con_device_each(c->server->store, &query, each_target, &t, &err);
  if (rc == CD_OK && t.failed != CD_OK)
    con_reply_error(&c->reply, CON_BATCH_TOO_LARGE, "Received: more, allowed: %u", BULK_MAX);
  else if (rc != CD_OK)
    con_call_trouble(c, &err);
  else if (is_expected(c, &b, &t) && b.preview)
    answer(c, &t, b.tag, true);
  else if (c->reply.status == 0 && order_all(c, doc, &wish, &t, b.tag))
    return true;
  release(&t);
  con_wish_release(&wish);
  return false;
}

static void start(con_call *c, cd_order_kind kind)
{
  cd_json_doc *doc = NULL;
  cd_json root = {0};
  if (!con_call_body(c, &doc, &root) || !run(c, doc, &root, kind))
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
