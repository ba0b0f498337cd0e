/* Alerts: lists, single ones, what people change, and by somebody's own word. */
#include "api_alerts.h"
#include "api.h"

#include "base/clock.h"
#include "list.h"

#include "base/banned.h"

#define EVENT_AGE_MS (INT64_C(180) * 24 * 3600 * 1000)

/* ---- lists ---- */

static bool each_alert(void *context, const con_alert *a)
{
  con_list *list = context;
  con_alert_row row;
  con_alert_row_open(&row, a);
  bool go_on = con_list_wants(list, &row) ? con_list_take(list, &row) : con_list_open(list);
  con_alert_row_close(&row);
  return go_on;
}

static bool parse_query(con_call *c, con_odata **ret_query)
{
  cd_err err = {0};
  if (con_odata_parse(c->params, c->param_count, con_alerts.fields, con_alerts.field_count,
                      ret_query, &err) == CD_OK)
    return true;
  con_reply_error(&c->reply, CON_ODATA_ERROR, "%s", err.text);
  return false;
}

static void list_alerts(con_call *c, con_store *store, cd_str device)
{
  cd_err err = {0};
  con_odata *q = NULL;
  con_list list;
  cd_buf url = CD_BUF_INIT(4096);
  if (!parse_query(c, &q))
    return;
  const con_alert_query query = {.device = device, .evidence = con_odata_expands(q)};
  cd_buf_addf(&url, "%.*s/api/%.*s", CD_STR_ARG(c->server->config.url), CD_STR_ARG(c->rest));
  con_list_init(&list, &con_alerts, q);
  cd_code rc = con_alert_each(store, &query, each_alert, &list, &err);
  if (rc == CD_OK)
    rc = con_list_end(&list, c->server->config.url, cd_buf_view(&url), c->params, c->param_count,
                      &c->reply.body, &err);
  if (rc == CD_OK)
    c->reply.status = 200;
  else if (rc == CD_E_LIMIT)
    con_reply_error(&c->reply, CON_ODATA_ERROR,
                    "The answer is too large: ask for fewer by $top, or without $expand.");
  else
    con_call_trouble(c, &err);
  con_list_release(&list);
  con_odata_free(q);
  cd_buf_release(&url);
}

void con_api_alerts(con_call *c)
{
  list_alerts(c, c->reader, (cd_str){0});
}

void con_api_machine_alerts(con_call *c)
{
  con_device d = {0};
  if (!con_call_machine(c, &d))
    return;
  list_alerts(c, c->server->store, d.id);
  con_device_release(&d);
}

typedef struct counting {
  const con_odata *query;
  uint64_t count;
} counting;

static bool count_alert(void *context, const con_alert *a)
{
  counting *n = context;
  con_alert_row row;
  con_alert_row_open(&row, a);
  n->count += con_odata_matches(n->query, con_alerts.get, &row) ? 1 : 0;
  con_alert_row_close(&row);
  return true;
}

/* A bare number is the whole answer. */
void con_api_machine_alerts_count(con_call *c)
{
  cd_err err = {0};
  con_device d = {0};
  con_odata *q = NULL;
  counting n = {0};
  if (!con_call_machine(c, &d))
    return;
  if (parse_query(c, &q)) {
    const con_alert_query query = {.device = d.id};
    n.query = q;
    if (con_alert_each(c->server->store, &query, count_alert, &n, &err) == CD_OK) {
      cd_buf_addf(&c->reply.body, "%llu", (unsigned long long)n.count);
      c->reply.content_type = "text/plain";
      c->reply.status = 200;
    } else {
      con_call_trouble(c, &err);
    }
  }
  con_odata_free(q);
  con_device_release(&d);
}

/* ---- one ---- */

bool con_call_alert(con_call *c, cd_str id, con_alert *ret_alert)
{
  cd_err err = {0};
  cd_code rc = con_alert_get(c->server->store, id, ret_alert, &err);
  if (rc == CD_OK)
    return true;
  if (rc == CD_E_NOTFOUND)
    con_reply_error(&c->reply, CON_RESOURCE_NOT_FOUND, "Alert %.*s was not found", CD_STR_ARG(id));
  else
    con_call_trouble(c, &err);
  return false;
}

static void reply_alert(con_call *c, cd_str id)
{
  con_alert a = {0};
  con_alert_row row;
  if (!con_call_alert(c, id, &a))
    return;
  con_alert_row_open(&row, &a);
  con_call_entity(c, 200, &con_alerts, &row);
  con_alert_row_close(&row);
  con_alert_release(&a);
}

void con_api_alert(con_call *c)
{
  reply_alert(c, c->match.captured[0]);
}

/* ---- changes ---- */

/* A page of the public API has `Status` where its example has `status`. */
static bool opt_text(cd_json *root, const char *camel, const char *pascal, size_t max, cd_str *out)
{
  return cd_json_opt_str(root, camel, max, out) || cd_json_opt_str(root, pascal, max, out);
}

static bool invalid(con_call *c, const char *what, cd_str value)
{
  con_reply_error(&c->reply, CON_INVALID_INPUT, "Invalid input %s: '%.*s' is none of its values",
                  what, CD_STR_ARG(value));
  return false;
}

static bool is_none(cd_str word)
{
  return word.len == 0 || con_same(word, CD_STR("Unknown")) ||
         con_same(word, CD_STR("NotAvailable"));
}

/* `now`: the classification that the alert has; it counts where none is said. */
static bool read_judgement(con_call *c, cd_json *root, cd_str now, con_alert_change *out)
{
  cd_str word = {0};
  out->has_classification = opt_text(root, "classification", "Classification", CON_WORD_MAX, &word);
  if (out->has_classification && !is_none(word)) {
    out->classification = cd_str_from(con_classification_word(word));
    if (out->classification.len == 0)
      return invalid(c, "classification", word);
  }
  cd_str counts = out->has_classification ? out->classification : now;
  out->has_determination = opt_text(root, "determination", "Determination", CON_WORD_MAX, &word);
  if (!out->has_determination || is_none(word))
    return true;
  out->determination = cd_str_from(con_determination_word(counts, word));
  return out->determination.len > 0 || invalid(c, "determination", word);
}

static bool read_change(con_call *c, cd_json *root, cd_str classification, con_alert_change *out)
{
  cd_str word = {0};
  con_alert_change change = {0};
  bool has_status = opt_text(root, "status", "Status", CON_WORD_MAX, &word);
  if (!con_call_body_good(c, root))
    return false;
  if (has_status && !con_alert_status_from_name(word, &change.status))
    return invalid(c, "status", word);
  if (!read_judgement(c, root, classification, &change))
    return false;
  change.has_assigned =
      opt_text(root, "assignedTo", "AssignedTo", CON_AUDIT_WHO_MAX, &change.assigned_to);
  (void)opt_text(root, "comment", "Comment", CD_COMMENT_MAX, &change.comment);
  if (!con_call_body_whole(c, root))
    return false;
  if (!has_status && !change.has_assigned && !change.has_classification &&
      !change.has_determination && change.comment.len == 0) {
    con_reply_error(&c->reply, CON_MISSING_PARAMETER,
                    "One of status, assignedTo, classification, determination and comment is "
                    "missing");
    return false;
  }
  *out = change;
  return true;
}

static bool apply(con_call *c, const cd_str *ids, size_t count, const con_alert_change *change)
{
  cd_err err = {0};
  const con_by by = con_call_by(c, (cd_str){0});
  cd_code rc = con_alert_change_all(c->server->store, &by, ids, count, change, &err);
  if (rc == CD_OK)
    return true;
  if (rc == CD_E_NOTFOUND)
    con_reply_error(&c->reply, CON_RESOURCE_NOT_FOUND, "%s", err.text);
  else if (rc == CD_E_LIMIT)
    con_reply_error(&c->reply, CON_BAD_REQUEST, "%s", err.text);
  else
    con_call_trouble(c, &err);
  return false;
}

void con_api_alert_change(con_call *c)
{
  con_alert a = {0};
  cd_json_doc *doc = NULL;
  cd_json root = {0};
  con_alert_change change = {0};
  if (!con_call_alert(c, c->match.captured[0], &a))
    return;
  const cd_str id = cd_str_from(a.id);
  if (con_call_body(c, &doc, &root) && read_change(c, &root, a.classification, &change) &&
      apply(c, &id, 1, &change))
    reply_alert(c, id);
  cd_json_free(doc);
  con_alert_release(&a);
}

static bool read_ids(con_call *c, cd_json *root, cd_str ids[CON_ALERT_BATCH_MAX], size_t *ret_count)
{
  cd_json list = {0};
  if (!cd_json_opt_arr(root, "alertIds", CON_BODY_MAX, &list) &&
      !cd_json_opt_arr(root, "AlertIds", CON_BODY_MAX, &list)) {
    if (con_call_body_good(c, root))
      con_reply_error(&c->reply, CON_MISSING_PARAMETER, "Parameter alertIds is missing");
    return false;
  }
  *ret_count = cd_json_len(&list);
  if (*ret_count > CON_ALERT_BATCH_MAX) {
    con_reply_error(&c->reply, CON_BATCH_TOO_LARGE, "Received: %zu, allowed: %u", *ret_count,
                    CON_ALERT_BATCH_MAX);
    return false;
  }
  for (size_t i = 0; i < *ret_count; i++)
    cd_json_at_str(&list, i, CON_WORD_MAX, &ids[i]);
  return con_call_body_good(c, root);
}

/* 200 and nothing in it. */
void con_api_alerts_change(con_call *c)
{
  cd_json_doc *doc = NULL;
  cd_json root = {0};
  cd_str ids[CON_ALERT_BATCH_MAX] = {{0}};
  size_t count = 0;
  con_alert_change change = {0};
  if (con_call_body(c, &doc, &root) && read_ids(c, &root, ids, &count) &&
      read_change(c, &root, (cd_str){0}, &change) && apply(c, ids, count, &change))
    c->reply.status = 200;
  cd_json_free(doc);
}

/* ---- by somebody's own word ---- */

static bool need(con_call *c, cd_json *root, const char *camel, const char *pascal, size_t max,
                 cd_str *out)
{
  bool there = opt_text(root, camel, pascal, max, out);
  if (!con_call_body_good(c, root))
    return false;
  if (!there || out->len == 0)
    con_reply_error(&c->reply, CON_MISSING_PARAMETER, "Parameter %s is missing", camel);
  return there && out->len > 0;
}

static bool read_words(con_call *c, cd_json *root, con_alert_new *n)
{
  cd_str severity = {0};
  cd_str category = {0};
  if (!need(c, root, "severity", "Severity", CON_WORD_MAX, &severity) ||
      !need(c, root, "title", "Title", CON_ALERT_TITLE_MAX, &n->title) ||
      !need(c, root, "description", "Description", CON_ALERT_TEXT_MAX / 2, &n->description) ||
      !need(c, root, "recommendedAction", "RecommendedAction", CON_ALERT_TEXT_MAX / 2,
            &n->recommended) ||
      !need(c, root, "category", "Category", CON_WORD_MAX, &category) ||
      !con_call_body_whole(c, root))
    return false;
  if (!con_severity_from_name(severity, &n->severity) || n->severity == CON_SEVERITY_INFORMATIONAL)
    return invalid(c, "severity", severity);
  n->category = cd_str_from(con_category_word(category));
  return n->category.len > 0 || invalid(c, "category", category);
}

static bool read_new(con_call *c, cd_json *root, con_alert_new *n, cd_str *ret_machine)
{
  cd_str when = {0};
  int64_t ticks = 0;
  int64_t now_ms = cd_wall_ms();
  if (!need(c, root, "machineId", "MachineId", CON_NAME_MAX, ret_machine) ||
      !need(c, root, "reportId", "ReportId", CON_NOTE_MAX, &n->reference) ||
      !need(c, root, "eventTime", "EventTime", CON_WORD_MAX, &when))
    return false;
  bool is_time = con_time_parse(when, &ticks);
  n->event_ms = ticks / 10000;
  if (!is_time || n->event_ms > now_ms + CD_CLOCK_SKEW_MS || n->event_ms < now_ms - EVENT_AGE_MS) {
    con_reply_error(&c->reply, CON_INVALID_INPUT,
                    "Invalid input eventTime: it must be a time within the last 180 days");
    return false;
  }
  return read_words(c, root, n);
}

static void create(con_call *c, cd_str machine, con_alert_new *n)
{
  cd_err err = {0};
  con_device d = {0};
  char id[CON_ALERT_ID_SIZE];
  const con_by by = con_call_by(c, (cd_str){0});
  cd_code rc = con_device_find(c->server->store, machine, &d, &err);
  if (rc == CD_E_NOTFOUND || rc == CD_E_CONFLICT) {
    con_reply_error(&c->reply, CON_RESOURCE_NOT_FOUND, "Machine %.*s was not found",
                    CD_STR_ARG(machine));
    return;
  }
  n->device = d.id;
  if (rc == CD_OK)
    rc = con_alert_create(c->server->store, &by, n, id, &err);
  if (rc == CD_OK) {
    c->server->counters.alerts_created++;
    reply_alert(c, cd_str_from(id));
  } else {
    con_call_trouble(c, &err);
  }
  con_device_release(&d);
}

void con_api_alert_create(con_call *c)
{
  cd_json_doc *doc = NULL;
  cd_json root = {0};
  cd_str machine = {0};
  con_alert_new n = {0};
  if (con_call_body(c, &doc, &root) && read_new(c, &root, &n, &machine))
    create(c, machine, &n);
  cd_json_free(doc);
}
