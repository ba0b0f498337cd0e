/* Whether the device holds what is wanted, and what is done if not.
 *
 * The database only says where to look. What is asked of the device anew is what a sealed entry of
 * the audit log asked for, and the signer signs it only if that entry is what stands last: an
 * edited row makes no device do anything, it shows. */
#include <string.h>

#include "audit_walk.h"
#include "base/clock.h"
#include "base/log.h"
#include "link.h"
#include "store_exclusions.h"
#include "store_terms.h"

#include "base/banned.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define WHO "cordon-console"

typedef enum verdict {
  HOLDS = 1,
  WAITS, /* for the results of what the device did by itself */
  BEHIND,
  STRANGE /* it holds something else, and its own word had time to come */
} verdict;

static const cd_values *values_of(const con_link *l, cd_state state)
{
  for (unsigned i = 0; i < l->state_count; i++) {
    if (l->states[i].state == state)
      return &l->states[i];
  }
  return NULL;
}

/* ---- what the database says is not what was asked for ---- */

static bool is_held(const con_link *l, const con_wanted *wanted)
{
  return l->held && strcmp(l->held_action, wanted->action) == 0;
}

/* Until somebody asks for something else, nothing is tried again in this connection. */
static void hold(con_link *l, const char *action, const char *why)
{
  l->held = true;
  (void)cd_str_copy(l->held_action, sizeof(l->held_action), cd_str_from(action));
  cd_log(CD_AREA_DEVICES, CD_LOG_ERROR, "device=%s: nothing is ordered anew: %s", l->device, why);
}

void con_link_not_repeated(con_link *l, const char *why)
{
  l->server->counters.wanted_refused++;
  hold(l, l->repeated_action, why);
}

/* ---- ordering anew ---- */

typedef struct asked {
  const con_link *link;
  const con_wanted *wanted;
} asked;

static bool is_asking(cd_str what)
{
  return cd_str_eq_cstr(what, CON_WHAT_CREATE) || cd_str_eq_cstr(what, CON_WHAT_LOCAL) ||
         cd_str_eq_cstr(what, CON_WHAT_ADOPTED);
}

/* Released is what an isolation asks for once its lease has ended. */
static bool has_lapsed(const asked *a, cd_order_kind kind, cd_json *root)
{
  int64_t lease_ms = 0;
  return a->wanted->value == CD_WANTED_RELEASED && kind == CD_ORDER_ISOLATE &&
         cd_json_opt_i64(root, "lease", 1, CD_WALL_MS_MAX, &lease_ms) && lease_ms <= cd_wall_ms();
}

static cd_code compare(const asked *a, const con_audit_entry *e, cd_json *root, cd_err *err)
{
  cd_str kind_name = {0};
  cd_str digest_text = {0};
  cd_order_kind kind = 0;
  cd_digest recorded;
  cd_digest digest;
  cd_json_str(root, "kind", CD_WORD_MAX, &kind_name);
  cd_json_str(root, "parameters", CD_DIGEST_TEXT_MAX, &digest_text);
  cd_code rc = cd_json_status(root, err);
  if (rc == CD_OK)
    rc = cd_digest_of(a->wanted->parameters.ptr, a->wanted->parameters.len, &digest, err);
  if (rc != CD_OK)
    return rc;
  bool isolates = a->wanted->value == CD_WANTED_ISOLATED;
  bool known = cd_order_kind_from_name(kind_name, &kind);
  if (known && has_lapsed(a, kind, root))
    return CD_OK;
  if (!known || kind != (isolates ? CD_ORDER_ISOLATE : CD_ORDER_RELEASE) ||
      !cd_digest_from_text(digest_text, &recorded) || !cd_digest_equal(&recorded, &digest))
    return cd_fail(err, CD_E_CONFLICT, "entry %llu of the audit log asks for something else",
                   (unsigned long long)e->sequence);
  return CD_OK;
}

static cd_code check_entry(void *context, const con_audit_entry *e, cd_err *err)
{
  const asked *a = context;
  cd_json_doc *doc = NULL;
  if (!is_asking(e->what) || !cd_str_eq_cstr(e->device, a->link->device) ||
      !cd_str_eq_cstr(e->action, a->wanted->action))
    return cd_fail(err, CD_E_CONFLICT, "entry %llu of the audit log does not record it",
                   (unsigned long long)e->sequence);
  cd_code rc = cd_json_parse(e->detail, CON_AUDIT_DETAIL_MAX, "the entry", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  rc = compare(a, e, &root, err);
  cd_json_free(doc);
  return rc;
}

/* The entry that asked for what is wanted. */
static cd_code find_entry(con_link *l, const con_wanted *wanted, con_audit_ref *ret_ref,
                          cd_err *err)
{
  con_action a = {0};
  asked asked_for = {.link = l, .wanted = wanted};
  cd_code rc = con_action_get(l->server->store, cd_str_from(wanted->action), &a, err);
  if (rc == CD_OK)
    rc = con_audit_look_at(l->server->store, &a.audit, &l->server->seal, check_entry, &asked_for,
                           err);
  if (rc == CD_OK)
    *ret_ref = a.audit;
  con_action_release(&a);
  return rc;
}

static cd_code create_again(con_link *l, const con_wanted *wanted, const con_audit_ref *repeats,
                            cd_err *err)
{
  const con_by by = {.who = CD_STR(WHO),
                     .comment = CD_STR("The device does not hold what is wanted of it.")};
  bool isolates = wanted->value == CD_WANTED_ISOLATED;
  con_action_new action = {
      .device = cd_str_from(l->device),
      .kind = isolates ? CD_ORDER_ISOLATE : CD_ORDER_RELEASE,
      .type = isolates ? CD_STR("Isolate") : CD_STR("Unisolate"),
      .source = CD_STR(CON_SOURCE_CONSOLE),
      .parameters = wanted->parameters,
      .expires_ms = con_parameters_expiry(
          wanted->parameters, cd_wall_ms() + (int64_t)l->server->config.action_days * DAY_MS),
      .one_at_a_time = true,
      .repeats = repeats};
  con_action_made made = {0};
  char set[CON_EXCLUSION_SET_MAX + 1] = "";
  cd_code rc = con_isolation_set(l->server->store, cd_str_from(wanted->action), set,
                                 &action.exclusions_revision, err);
  if (rc != CD_OK && rc != CD_E_NOTFOUND)
    return rc;
  action.exclusions_set = cd_str_from(isolates ? set : "");
  if (isolates)
    action.scope = cd_str_eq_cstr(wanted->type, "selective") ? CD_STR("Selective") : CD_STR("Full");
  (void)cd_str_copy(l->repeated_action, sizeof(l->repeated_action), cd_str_from(wanted->action));
  cd_log(CD_AREA_DEVICES, CD_LOG_WARN,
         "device=%s: it does not hold what is wanted (%s), so it is ordered anew", l->device,
         cd_wanted_value_name(wanted->value));
  return con_action_create(l->server->store, &by, &action, &made, err);
}

static cd_code order_again(con_link *l, const con_wanted *wanted, cd_err *err)
{
  con_audit_ref repeats = {0};
  cd_err why = {0};
  /* Selective, and given on the device itself or by a console that is forgotten. */
  if (wanted->value == CD_WANTED_ISOLATED && cd_str_eq_cstr(wanted->parameters, "{}")) {
    hold(l, wanted->action, "nobody here knows what that isolation lets through");
    return CD_OK;
  }
  cd_code rc = find_entry(l, wanted, &repeats, &why);
  if (rc == CD_OK)
    return create_again(l, wanted, &repeats, err);
  if (rc != CD_E_IO && rc != CD_E_INTERNAL) {
    (void)cd_err_prefix(&why, "what the database wants of it is not what the audit log says");
    l->server->counters.wanted_refused++;
    hold(l, wanted->action, why.text);
    return CD_OK;
  }
  if (err != NULL)
    *err = why;
  return rc;
}

/* ---- what this console does not know of ---- */

/* Its newest order or word is not in this database, which then is an older one. The device is not
 * to be released, or isolated, because of what was lost. */
static bool is_unknown(con_link *l, const cd_values *v, const con_wanted *wanted)
{
  con_action a = {0};
  cd_err err = {0};
  if (v->wanted_action[0] == '\0' || v->wanted_generation < wanted->value_generation)
    return false;
  cd_code rc = con_action_get(l->server->store, cd_str_from(v->wanted_action), &a, &err);
  con_action_release(&a);
  return rc == CD_E_NOTFOUND;
}

static cd_code adopt(con_link *l, const cd_values *v, cd_err *err)
{
  bool isolated = v->wanted == CD_WANTED_ISOLATED;
  con_action_local a = {
      .device = cd_str_from(l->device),
      .kind = isolated ? CD_ORDER_ISOLATE : CD_ORDER_RELEASE,
      .type = isolated ? CD_STR("Isolate") : CD_STR("Unisolate"),
      .requestor = cd_str_from(l->device),
      .generation = v->wanted_generation,
      .created_ms = v->wanted_since_ms,
      .outcome = {.status = CD_ACTION_SUCCEEDED,
                  .outcome = CD_STR("ok"),
                  .sentence = CD_STR("the device holds it; this console knew nothing of it")},
      .adopted = true};
  if (isolated)
    a.scope = strcmp(v->wanted_type, "selective") == 0 ? CD_STR("Selective") : CD_STR("Full");
  (void)cd_str_copy(a.id, sizeof(a.id), cd_str_from(v->wanted_action));
  cd_log(CD_AREA_DEVICES, CD_LOG_WARN,
         "device=%s action=%s: it holds '%s' by an order that this console does not know; that is "
         "what is wanted from now on",
         l->device, a.id, cd_wanted_value_name(v->wanted));
  return con_action_given_locally(l->server->store, &a, err);
}

/* ---- judging ---- */

static bool is_under_way(con_link *l)
{
  static const char *const group[] = {"Isolate", "Unisolate"};
  bool found = false;
  for (size_t i = 0; i < 2; i++) {
    con_action a = {0};
    cd_err err = {0};
    cd_code rc = con_action_active(l->server->store, cd_str_from(l->device), cd_str_from(group[i]),
                                   &a, &err);
    found = found || rc != CD_E_NOTFOUND;
    con_action_release(&a);
  }
  return found;
}

/* Released is released. Isolated it is by the order that was asked for, or by a newer one of the
 * same kind; one selective isolation is not another. */
static bool holds(const cd_values *v, const con_wanted *wanted)
{
  if (v->wanted != wanted->value)
    return false;
  if (wanted->value == CD_WANTED_RELEASED ||
      (v->wanted_action[0] != '\0' && strcmp(v->wanted_action, wanted->action) == 0))
    return true;
  return v->wanted_generation >= wanted->value_generation &&
         cd_str_eq_cstr(wanted->type, v->wanted_type) &&
         (v->wanted_action[0] == '\0' || cd_str_eq_cstr(wanted->type, "full"));
}

/* How long it may be otherwise: for what it did by itself to be told, and longer each time that it
 * could not reach us through the rules that were wanted. UINT64_MAX: too often, until somebody
 * isolates it anew. */
static uint64_t grace_of(con_link *l)
{
  uint64_t count = 0;
  uint64_t grace = CON_LINK_GRACE_MS;
  cd_err err = {0};
  if (con_action_rolled_back(l->server->store, cd_str_from(l->device), &count, &err) != CD_OK)
    cd_log(CD_AREA_DEVICES, CD_LOG_ERROR, "device=%s: %s", l->device, err.text);
  if (count > CON_LINK_ROLL_BACKS)
    return UINT64_MAX;
  for (uint64_t i = 1; i < count; i++)
    grace *= 4;
  return grace;
}

static void stop_ordering(con_link *l)
{
  static const char why[] = "the device could not reach the console through these rules, several "
                            "times: it is not ordered again until somebody isolates or releases it";
  if (con_link_set_note(&l->note, cd_str_from(why)))
    cd_log(CD_AREA_DEVICES, CD_LOG_ERROR, "device=%s: %s", l->device, why);
}

static void give_time(con_link *l)
{
  uint64_t grace = grace_of(l);
  if (grace == UINT64_MAX)
    stop_ordering(l);
  else
    l->consider_ms = cd_mono_ms() + grace;
}

/* A device that is behind is ordered at once; to one that is ahead, by what it did by itself, time
 * is given to say so. */
static verdict judge(con_link *l, const cd_values *v, const con_wanted *wanted)
{
  uint64_t now_ms = cd_mono_ms();
  bool due = l->consider_ms != 0 && now_ms >= l->consider_ms;
  if (v == NULL || holds(v, wanted) || is_held(l, wanted)) {
    l->consider_ms = 0;
    return HOLDS;
  }
  if (v->wanted_generation < wanted->value_generation || due) {
    l->consider_ms = 0;
    return v->wanted_generation < wanted->value_generation ? BEHIND : STRANGE;
  }
  if (l->consider_ms == 0)
    give_time(l);
  return WAITS;
}

static cd_code act(con_link *l, const cd_values *v, const con_wanted *wanted, cd_err *err)
{
  verdict found = judge(l, v, wanted);
  if (found != BEHIND && found != STRANGE)
    return CD_OK;
  if (is_under_way(l)) {
    /* What is under way ends with a result, and with another look. In case none comes, time is
     * given anew: what the device does by itself meanwhile counts for how much. */
    if (found == STRANGE)
      give_time(l);
    return CD_OK;
  }
  if (found == STRANGE && is_unknown(l, v, wanted))
    return adopt(l, v, err);
  /* Nothing is done about a state that nobody ever asked for here. */
  return wanted->value_generation > 0 ? order_again(l, wanted, err) : CD_OK;
}

void con_link_consider(con_link *l)
{
  con_wanted wanted = {0};
  cd_err err = {0};
  if (l->phase != CON_LINK_READY)
    return;
  cd_code rc =
      con_wanted_get(l->server->store, cd_str_from(l->device), CD_STATE_ISOLATE, &wanted, &err);
  if (rc == CD_OK)
    rc = act(l, values_of(l, CD_STATE_ISOLATE), &wanted, &err);
  if (rc != CD_OK && rc != CD_E_CONFLICT)
    cd_log(CD_AREA_DEVICES, CD_LOG_ERROR, "device=%s: %s", l->device, err.text);
  con_wanted_release(&wanted);
  con_link_pump(l);
}
