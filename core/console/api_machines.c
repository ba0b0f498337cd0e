/* Machines: lists, single ones, tags. */
#include <string.h>

#include "api.h"
#include "base/clock.h"
#include "hub.h"
#include "list.h"

#include "base/banned.h"

#define BATCH_MAX 500u /* machines of one call, as the API documents it */
#define FIND_WINDOW_MS (INT64_C(15) * 60 * 1000)
#define FIND_AGE_MS (INT64_C(30) * 24 * 3600 * 1000)

/* ---- lists ---- */

typedef struct machine_scan {
  con_list list;
  int64_t now_ms;
  cd_str ip; /* not empty: it must be one of the machine's, about the time `at_ms` */
  int64_t at_ms;
} machine_scan;

static bool was_there(const machine_scan *scan, const con_device *d)
{
  return scan->ip.len == 0 ||
         (cd_str_eq(d->last_ip, scan->ip) && d->last_seen_ms >= scan->at_ms - FIND_WINDOW_MS &&
          d->first_seen_ms <= scan->at_ms + FIND_WINDOW_MS);
}

static bool each_machine(void *context, const con_device *d)
{
  machine_scan *scan = context;
  con_machine_row row;
  bool go_on = true;
  if (!was_there(scan, d))
    return true;
  con_machine_row_open(&row, d, scan->now_ms);
  if (con_list_wants(&scan->list, &row)) {
    con_machine_row_addresses(&row);
    go_on = con_list_take(&scan->list, &row);
  } else {
    go_on = con_list_open(&scan->list);
  }
  con_machine_row_close(&row);
  return go_on;
}

/* The URL of the collection: what was asked, in the form that clients are used to. */
static void collection_url(const con_call *c, cd_buf *out)
{
  cd_buf_add_str(out, c->server->config.url);
  cd_buf_add_cstr(out, "/api/");
  cd_buf_add_str(out, c->rest);
}

static void run_scan(con_call *c, machine_scan *scan, const con_device_query *query)
{
  cd_err err = {0};
  con_odata *q = NULL;
  cd_buf url = CD_BUF_INIT(4096);
  if (con_odata_parse(c->params, c->param_count, con_machines.fields, con_machines.field_count, &q,
                      &err) != CD_OK) {
    con_reply_error(&c->reply, CON_ODATA_ERROR, "%s", err.text);
    return;
  }
  scan->now_ms = cd_wall_ms();
  con_list_init(&scan->list, &con_machines, q);
  cd_code rc = con_device_each(c->reader, query, each_machine, scan, &err);
  collection_url(c, &url);
  if (rc == CD_OK)
    rc = con_list_end(&scan->list, c->server->config.url, cd_buf_view(&url), c->params,
                      c->param_count, &c->reply.body, &err);
  if (rc == CD_OK)
    c->reply.status = 200;
  else
    con_call_trouble(c, &err);
  con_list_release(&scan->list);
  con_odata_free(q);
  cd_buf_release(&url);
}

void con_api_machines(con_call *c)
{
  const con_device_query all = {0};
  machine_scan scan = {0};
  run_scan(c, &scan, &all);
}

void con_api_find_by_tag(con_call *c)
{
  con_device_query query = {0};
  machine_scan scan = {0};
  cd_str prefix = {0};
  if (!con_call_param(c, "tag", &query.tag) || query.tag.len == 0) {
    con_reply_error(&c->reply, CON_MISSING_PARAMETER, "Parameter tag is missing");
    return;
  }
  if (con_call_param(c, "useStartsWithFilter", &prefix))
    query.tag_prefix = con_same(prefix, CD_STR("true"));
  run_scan(c, &scan, &query);
}

static bool is_address(cd_str text)
{
  char plain[64];
  unsigned char bytes[16];
  return cd_str_copy(plain, sizeof(plain), text) &&
         uv_inet_pton(memchr(text.ptr, ':', text.len) != NULL ? AF_INET6 : AF_INET, plain, bytes) ==
             0;
}

void con_api_find_by_ip(con_call *c)
{
  con_param arguments[CON_ARGUMENTS] = {0};
  size_t count = 0;
  cd_err err = {0};
  cd_str when = {0};
  int64_t ticks = 0;
  con_device_query query = {0};
  machine_scan scan = {0};
  if (con_route_arguments(c->match.arguments, arguments, &count, &err) != CD_OK) {
    con_reply_error(&c->reply, CON_BAD_REQUEST, "%s", err.text);
    return;
  }
  for (size_t i = 0; i < count; i++) {
    if (con_same(arguments[i].name, CD_STR("ip")))
      query.ip = arguments[i].value;
    else if (con_same(arguments[i].name, CD_STR("timestamp")))
      when = arguments[i].value;
  }
  if (query.ip.len == 0 || !is_address(query.ip)) {
    con_reply_error(&c->reply, CON_INVALID_IP, "'%.*s' is not an IP address", CD_STR_ARG(query.ip));
    return;
  }
  bool is_time = con_time_parse(when, &ticks);
  scan.at_ms = ticks / 10000;
  if (!is_time || cd_wall_ms() - scan.at_ms > FIND_AGE_MS) {
    con_reply_error(&c->reply, CON_INVALID_INPUT,
                    "Invalid input timestamp: it must be a time within the last 30 days");
    return;
  }
  scan.ip = query.ip;
  run_scan(c, &scan, &query);
}

/* ---- one ---- */

void con_api_machine(con_call *c)
{
  con_device d = {0};
  con_machine_row row;
  if (!con_call_machine(c, &d))
    return;
  con_hub_seen(c->server, &d);
  con_machine_row_open(&row, &d, cd_wall_ms());
  con_machine_row_addresses(&row);
  con_call_entity(c, 200, &con_machines, &row);
  con_machine_row_close(&row);
  con_device_release(&d);
}

/* ---- tags ---- */

/* Value and Action. */
static bool read_tag(con_call *c, cd_json *root, cd_str *ret_tag, bool *ret_add)
{
  cd_str action = {0};
  if (!con_call_text(c, root, "Value", CON_TAG_MAX, ret_tag) ||
      !con_call_text(c, root, "Action", 32, &action))
    return false;
  *ret_add = con_same(action, CD_STR("Add"));
  if (*ret_add || con_same(action, CD_STR("Remove")))
    return true;
  con_reply_error(&c->reply, CON_INVALID_INPUT, "Invalid input Action");
  return false;
}

static bool set_tag(con_call *c, cd_str device, cd_str tag, bool add)
{
  const con_by by = con_call_by(c, (cd_str){0});
  cd_err err = {0};
  bool changed = false;
  cd_code rc = con_device_tag(c->server->store, &by, device, tag, add, &changed, &err);
  if (rc == CD_OK) {
    /* Another tag may be another policy. */
    con_hub_poke(c->server, device);
    return true;
  }
  if (rc == CD_E_LIMIT || rc == CD_E_INVALID)
    con_reply_error(&c->reply, CON_INVALID_INPUT, "Invalid input Value: %s", err.text);
  else
    con_call_trouble(c, &err);
  return false;
}

void con_api_tags(con_call *c)
{
  con_device d = {0};
  cd_json_doc *doc = NULL;
  cd_json root = {0};
  cd_str tag = {0};
  bool add = false;
  if (!con_call_machine(c, &d))
    return;
  if (con_call_body(c, &doc, &root) && read_tag(c, &root, &tag, &add) &&
      con_call_body_whole(c, &root) && set_tag(c, d.id, tag, add))
    con_call_machine_reply(c, 200, d.id);
  cd_json_free(doc);
  con_device_release(&d);
}

/* All of them must be there before one is changed. */
static bool check_ids(con_call *c, cd_json *ids)
{
  for (size_t i = 0; i < cd_json_len(ids); i++) {
    cd_str id = {0};
    con_device d = {0};
    cd_err err = {0};
    cd_json_at_str(ids, i, CON_NAME_MAX, &id);
    if (!con_call_body_good(c, ids))
      return false;
    cd_code rc = con_device_get(c->server->store, id, &d, &err);
    con_device_release(&d);
    if (rc == CD_E_NOTFOUND)
      con_reply_error(&c->reply, CON_RESOURCE_NOT_FOUND, "Machine %.*s was not found",
                      CD_STR_ARG(id));
    else if (rc != CD_OK)
      con_call_trouble(c, &err);
    if (rc != CD_OK)
      return false;
  }
  return true;
}

static void write_machines(con_call *c, cd_json *ids)
{
  cd_jw w;
  cd_err err = {0};
  cd_jw_init(&w, &c->reply.body);
  cd_jw_obj(&w, NULL);
  cd_jw_strf(&w, "@odata.context", "%.*s/api/$metadata#Machines",
             CD_STR_ARG(c->server->config.url));
  cd_jw_arr(&w, "value");
  for (size_t i = 0; i < cd_json_len(ids); i++) {
    cd_str id = {0};
    con_device d = {0};
    con_machine_row row;
    cd_json_at_str(ids, i, CON_NAME_MAX, &id);
    if (con_device_get(c->server->store, id, &d, &err) != CD_OK)
      continue;
    con_machine_row_open(&row, &d, cd_wall_ms());
    con_machine_row_addresses(&row);
    con_shape_write(&con_machines, &w, NULL, &row, (cd_str){0});
    con_machine_row_close(&row);
    con_device_release(&d);
  }
  cd_jw_end_arr(&w);
  cd_jw_end_obj(&w);
  con_call_written(c, 200, &w);
}

/* The ids of the body. False: the reply says what is wrong. */
static bool read_ids(con_call *c, cd_json *root, cd_json *ret_ids)
{
  bool there = cd_json_opt_arr(root, "MachineIds", SIZE_MAX, ret_ids);
  if (!con_call_body_whole(c, root))
    return false;
  if (!there || cd_json_len(ret_ids) == 0) {
    con_reply_error(&c->reply, CON_MISSING_PARAMETER, "Parameter MachineIds is missing");
    return false;
  }
  if (cd_json_len(ret_ids) > BATCH_MAX) {
    con_reply_error(&c->reply, CON_BATCH_TOO_LARGE, "Received: %zu, allowed: %u",
                    cd_json_len(ret_ids), BATCH_MAX);
    return false;
  }
  return check_ids(c, ret_ids);
}

/* One commit for all of them. What comes before one that fails stays. */
static bool set_tags(con_call *c, cd_json *ids, cd_str tag, bool add)
{
  cd_err err = {0};
  bool good = true;
  cd_code rc = con_store_many_begin(c->server->store, &err);
  for (size_t i = 0; rc == CD_OK && good && i < cd_json_len(ids); i++) {
    cd_str id = {0};
    cd_json_at_str(ids, i, CON_NAME_MAX, &id);
    good = set_tag(c, id, tag, add);
  }
  if (rc == CD_OK)
    rc = con_store_many_end(c->server->store, &err);
  if (rc != CD_OK)
    con_call_trouble(c, &err);
  return good && rc == CD_OK;
}

void con_api_tags_of_many(con_call *c)
{
  cd_json_doc *doc = NULL;
  cd_json root = {0};
  cd_json ids = {0};
  cd_str tag = {0};
  bool add = false;
  bool good =
      con_call_body(c, &doc, &root) && read_tag(c, &root, &tag, &add) && read_ids(c, &root, &ids);
  if (good && set_tags(c, &ids, tag, add))
    write_machines(c, &ids);
  cd_json_free(doc);
}
