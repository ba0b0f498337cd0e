/* Investigation packages: ordered, and given out by a link that is good for a short time and needs
 * no bearer token. */
#include "api.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "hub.h"
#include "package_state.h"
#include "platform/file.h"
#include "protocol/collection.h"
#include "protocol/secret.h"
#include "range.h"
#include "store_collection.h"

#include "base/banned.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define LINK_LIFE_S 300
#define LINK_PREFIX "package."
#define BUDGET_MIN_S 5
#define BUDGET_MAX_S 86000

/* ---- the order ---- */

typedef struct package_order {
  cd_str comment;
  cd_str ticket;
  cd_buf parameters;
  char list[CD_COLLECTION_NAME_MAX + 32]; /* its name and version; empty: none */
} package_order;

/* The list of that name as it is kept, if the audit log says the same of it. */
static cd_code add_list(con_call *c, cd_str name, package_order *o, cd_err *err)
{
  con_collection x = {0};
  cd_code rc = con_collection_get(c->server->store, name, &x, err);
  if (rc == CD_OK)
    rc = con_collection_check(c->server->store, &x, err);
  if (rc == CD_OK) {
    cd_buf_addf(&o->parameters, ",\"list\":%.*s", CD_STR_ARG(x.json));
    char name_text[CD_COLLECTION_NAME_MAX + 1] = "";
    (void)cd_str_copy(name_text, sizeof(name_text), x.name);
    (void)snprintf(o->list, sizeof(o->list), "%s version %llu", name_text,
                   (unsigned long long)x.version);
  }
  con_collection_release(&x);
  return rc;
}

static bool add_profile(con_call *c, cd_str profile, cd_str list, package_order *o)
{
  static const struct {
    const char *name;
    const char *word;
  } profiles[] = {{"Standard", "standard"}, {"Extended", "extended"}, {"Custom", "custom"}};
  const char *word = NULL;
  cd_err err = {0};
  for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
    if (con_same(profile, cd_str_from(profiles[i].name)))
      word = profiles[i].word;
  }
  bool custom = word != NULL && cd_str_eq_cstr(CD_STR("custom"), word);
  if (word == NULL || custom != (list.len > 0)) {
    con_reply_error(&c->reply, CON_INVALID_INPUT,
                    word == NULL ? "Invalid input Profile: it is Standard, Extended or Custom"
                    : custom     ? "Invalid input List: Profile Custom needs the name of a list"
                                 : "Invalid input List: it is for Profile Custom");
    return false;
  }
  cd_buf_addf(&o->parameters, "{\"profile\":\"%s\"", word);
  cd_code rc = custom ? add_list(c, list, o, &err) : CD_OK;
  if (rc == CD_E_NOTFOUND)
    con_reply_error(&c->reply, CON_INVALID_INPUT, "Invalid input List: %s", err.text);
  else if (rc != CD_OK)
    con_call_trouble(c, &err);
  return rc == CD_OK;
}

static bool read_order(con_call *c, cd_json *root, package_order *o)
{
  cd_str profile = CD_STR("Standard");
  cd_str list = {0};
  int64_t budget_s = 0;
  if (!con_call_text(c, root, "Comment", CD_COMMENT_MAX, &o->comment))
    return false;
  (void)cd_json_opt_str(root, "ExternalId", CON_NOTE_MAX, &o->ticket);
  (void)cd_json_opt_str(root, "Profile", CD_WORD_MAX, &profile);
  (void)cd_json_opt_str(root, "List", CD_COLLECTION_NAME_MAX, &list);
  (void)cd_json_opt_i64(root, "BudgetSeconds", BUDGET_MIN_S, BUDGET_MAX_S, &budget_s);
  if (!con_call_body_whole(c, root))
    return false;
  if (!add_profile(c, profile, list, o))
    return false;
  if (budget_s > 0)
    cd_buf_addf(&o->parameters, ",\"budget_s\":%lld", (long long)budget_s);
  cd_buf_add_char(&o->parameters, '}');
  return true;
}

static void create(con_call *c, cd_str device, const package_order *o)
{
  con_action_made made = {0};
  cd_err err = {0};
  const con_by by = con_call_by(c, o->comment);
  const con_action_new action = {.device = device,
                                 .kind = CD_ORDER_COLLECT,
                                 .type = CD_STR("CollectInvestigationPackage"),
                                 .ticket = o->ticket,
                                 .source = CD_STR("PublicApi"),
                                 .parameters = cd_buf_view(&o->parameters),
                                 .collection = cd_str_from(o->list),
                                 .expires_ms =
                                     cd_wall_ms() + (int64_t)c->server->config.action_days * DAY_MS,
                                 .one_at_a_time = true};
  cd_code rc = con_action_create(c->server->store, &by, &action, &made, &err);
  if (rc == CD_OK) {
    con_hub_poke(c->server, device);
    con_call_action_reply(c, 201, made.id);
  } else if (rc == CD_E_CONFLICT) {
    con_reply_error(&c->reply, CON_ALREADY_ACTIVE, "Action is already in progress");
  } else if (rc == CD_E_DENIED) {
    con_reply_error(&c->reply, CON_DISALLOWED, "%s", err.text);
  } else {
    con_call_trouble(c, &err);
  }
}

void con_api_collect(con_call *c)
{
  con_device d = {0};
  cd_json_doc *doc = NULL;
  cd_json root = {0};
  package_order o = {.parameters = CD_BUF_INIT(CD_PARAMETERS_MAX)};
  if (!con_call_machine(c, &d))
    return;
  if (con_call_body(c, &doc, &root) && read_order(c, &root, &o))
    create(c, d.id, &o);
  cd_buf_release(&o.parameters);
  cd_json_free(doc);
  con_device_release(&d);
}

/* ---- the link ---- */

static cd_code make_link(con_call *c, const char *id, cd_buf *out, cd_err *err)
{
  con_bearer b = {.issued_s = cd_wall_ms() / 1000};
  cd_buf token = CD_BUF_INIT(CON_BEARER_MAX);
  b.expires_s = b.issued_s + LINK_LIFE_S;
  (void)snprintf(b.app, sizeof(b.app), LINK_PREFIX "%s", id);
  cd_code rc =
      con_bearer_make(c->server->bearer_key, &b, (cd_str){0}, c->server->config.url, &token, err);
  if (rc == CD_OK)
    cd_buf_addf(out, "%.*s/api/cordon/packages/%s", CD_STR_ARG(c->server->config.url),
                cd_buf_cstr(&token));
  cd_buf_wipe(&token);
  return rc;
}

static void write_link(con_call *c, const con_action *a)
{
  cd_jw w;
  cd_err err = {0};
  cd_buf link = CD_BUF_INIT(CON_BEARER_MAX + 1024);
  const con_by by = con_call_by(c, (cd_str){0});
  cd_code rc = con_action_package_shown(c->server->store, &by, a, &err);
  if (rc == CD_OK)
    rc = make_link(c, a->id, &link, &err);
  if (rc != CD_OK) {
    con_call_trouble(c, &err);
  } else {
    cd_jw_init(&w, &c->reply.body);
    cd_jw_obj(&w, NULL);
    cd_jw_strf(&w, "@odata.context", "%.*s/api/$metadata#Edm.String",
               CD_STR_ARG(c->server->config.url));
    cd_jw_str(&w, "value", cd_buf_view(&link));
    cd_jw_end_obj(&w);
    con_call_written(c, 200, &w);
  }
  cd_buf_wipe(&link);
}

/* It has ended and made none, and no result that might tell of one is still to come. */
static bool makes_none(const con_action *a, const char **ret_why)
{
  *ret_why = "the action has made none yet";
  if (a->kind != CD_ORDER_COLLECT || !cd_action_status_final(a->status))
    return false;
  if (a->result.len > 0) {
    *ret_why = a->status == CD_ACTION_CANCELLED ? "the action was cancelled and has made none"
                                                : "the action has ended and has made none";
    return true;
  }
  *ret_why = a->sent_ms > 0 ? "the action has ended here, and the device may still have made one"
             : a->status == CD_ACTION_CANCELLED
                 ? "the action was cancelled before the device had it"
                 : "the device was not reached in time";
  return a->sent_ms == 0;
}

/* Gone: whoever waits for it need not go on. */
static void not_here(con_call *c, const con_action *a)
{
  cd_err err = {0};
  cd_buf why = CD_BUF_INIT(2048);
  const char *sentence = NULL;
  bool over = false;
  bool known =
      a->kind == CD_ORDER_COLLECT && con_package_missing(c->server, a, &why, &over, &err) == CD_OK;
  if (!known)
    over = makes_none(a, &sentence);
  if (known)
    con_reply_error(&c->reply, over ? CON_GONE : CON_RESOURCE_NOT_FOUND,
                    "The package of MachineAction %.*s is not here: %s",
                    CD_STR_ARG(c->match.captured[0]), cd_buf_cstr(&why));
  else if (a->id[0] == '\0')
    con_reply_error(&c->reply, CON_RESOURCE_NOT_FOUND, "MachineAction %.*s was not found",
                    CD_STR_ARG(c->match.captured[0]));
  else
    con_reply_error(&c->reply, over ? CON_GONE : CON_RESOURCE_NOT_FOUND,
                    "The package of MachineAction %.*s is not here: %s",
                    CD_STR_ARG(c->match.captured[0]), sentence);
  cd_buf_release(&why);
}

/* What came was compared with the digest that the device has signed before it got its name. A file
 * of another size than the signed one is not it any more; false: the reply says so. */
static bool is_signed(con_call *c, const con_action *a, uint64_t size)
{
  con_package p = {0};
  cd_err err = {0};
  if (con_package_expected(a, &p, &err) == CD_OK && p.bytes == size)
    return true;
  cd_log(CD_AREA_CONSOLE, CD_LOG_ERROR,
         "action=%s: the file of its package is not what the device has signed", a->id);
  con_reply_error(&c->reply, CON_GONE,
                  "The package of MachineAction %s is not given out: its file here is not the one "
                  "that the device has signed",
                  a->id);
  return false;
}

void con_api_package_uri(con_call *c)
{
  con_action a = {0};
  cd_err err = {0};
  uv_file file = -1;
  uint64_t size = 0;
  cd_code rc = con_call_action(c, c->match.captured[0], &a, &err);
  if (rc == CD_OK && a.kind != CD_ORDER_COLLECT)
    rc = CD_E_NOTFOUND;
  if (rc == CD_OK)
    rc = con_package_whole(c->server, a.id, &file, &size, &err);
  if (rc == CD_OK) {
    pf_file_close(file);
    if (is_signed(c, &a, size))
      write_link(c, &a);
  } else if (rc == CD_E_NOTFOUND) {
    not_here(c, &a);
  } else {
    con_call_trouble(c, &err);
  }
  con_action_release(&a);
}

/* ---- the download ---- */

/* A package does not change once it is here: its action's id is a validator. */
static void write_tag(con_file *f, const char *id)
{
  (void)snprintf(f->tag, sizeof(f->tag), "\"%.*s\"", (int)sizeof(f->tag) - 3, id);
}

static void give(con_call *c, const char *id, uv_file file, uint64_t size)
{
  con_file *f = &c->reply.file;
  *f = (con_file){.file = file, .size = size, .length = size};
  write_tag(f, id);
  c->reply.content_type = "application/zip";
  c->reply.file_name = "cordon-package.zip";
  c->reply.status = 200;
  bool same = c->if_range == NULL || strcmp(c->if_range, f->tag) == 0;
  con_range_kind kind = CON_RANGE_ALL;
  if (c->range != NULL && same)
    kind = con_range_read(cd_str_from(c->range), size, &f->offset, &f->length);
  f->partial = kind != CON_RANGE_ALL;
  if (kind == CON_RANGE_PART) {
    c->reply.status = 206;
  } else if (kind == CON_RANGE_NONE) {
    c->reply.status = 416;
    f->length = 0;
    f->unsatisfied = true;
  }
  cd_log(CD_AREA_API, CD_LOG_INFO, "peer=%s action=%s: its package is fetched, from byte %llu on",
         c->peer, id, (unsigned long long)f->offset);
}

void con_api_package_download(con_call *c)
{
  con_bearer b = {0};
  cd_err err = {0};
  uv_file file = -1;
  uint64_t size = 0;
  cd_code rc =
      con_bearer_check(c->server->bearer_key, c->match.captured[0], cd_wall_ms() / 1000, &b, &err);
  bool good = rc == CD_OK && cd_str_starts(cd_str_from(b.app), CD_STR(LINK_PREFIX)) &&
              cd_id_valid(cd_str_from(b.app + sizeof(LINK_PREFIX) - 1));
  if (!good) {
    con_reply_error(&c->reply, CON_RESOURCE_NOT_FOUND,
                    "The link is not good (any more); ask for another one");
    return;
  }
  const char *id = b.app + sizeof(LINK_PREFIX) - 1;
  con_action a = {0};
  rc = con_package_whole(c->server, id, &file, &size, &err);
  if (rc == CD_OK)
    rc = con_call_action(c, cd_str_from(id), &a, &err);
  bool whole = rc == CD_OK && is_signed(c, &a, size);
  if (whole)
    give(c, id, file, size);
  else if (file >= 0)
    pf_file_close(file);
  if (rc != CD_OK)
    con_reply_error(&c->reply, CON_RESOURCE_NOT_FOUND, "The package is not here any more");
  con_action_release(&a);
}
