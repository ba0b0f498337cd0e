/* The words of the protocol as tables, and what the parameters of each kind of order may be. */
#include "protocol/kind.h"

#include "base/id.h"
#include "base/limits.h"
#include "protocol/collection.h"
#include "protocol/exclusion.h"
#include "protocol/remediate.h"
#include "protocol/scan.h"
#include "protocol/terms.h"

#include "base/banned.h"

#define ADDRESS_MAX 100u /* a range of two IPv6 addresses */
#define PORT_MAX 11u     /* 49152-65535 */
#define NOTE_MAX 200u
#define COLLECT_MIN_S 5
#define COLLECT_MAX_S 86000
#define COLLECT_CUSTOM 2

static const char *const state_names[CD_STATE_COUNT] = {[CD_STATE_ISOLATE] = "isolate"};

static void check_isolate(cd_json *p);
static void check_release(cd_json *p);
static void check_cancel(cd_json *p);
static void check_collect(cd_json *p);
static void check_scan(cd_json *p);
static void check_remediate(cd_json *p);

static const struct {
  const char *name;
  cd_state state;
  bool releases;
  void (*check)(cd_json *parameters);
} kinds[CD_ORDER_KIND_COUNT] = {
    [CD_ORDER_ISOLATE] = {"isolate", CD_STATE_ISOLATE, false, check_isolate},
    [CD_ORDER_RELEASE] = {"release", CD_STATE_ISOLATE, true, check_release},
    [CD_ORDER_CANCEL] = {"cancel", CD_STATE_NONE, false, check_cancel},
    [CD_ORDER_PREFLIGHT] = {"preflight", CD_STATE_NONE, false, check_isolate},
    [CD_ORDER_COLLECT] = {"collect", CD_STATE_NONE, false, check_collect},
    [CD_ORDER_SCAN] = {"scan", CD_STATE_NONE, false, check_scan},
    [CD_ORDER_REMEDIATE] = {"remediate", CD_STATE_NONE, false, check_remediate},
};

static const char *const status_names[CD_ACTION_STATUS_COUNT] = {
    [CD_ACTION_PENDING] = "Pending",     [CD_ACTION_IN_PROGRESS] = "InProgress",
    [CD_ACTION_SUCCEEDED] = "Succeeded", [CD_ACTION_FAILED] = "Failed",
    [CD_ACTION_TIMED_OUT] = "TimeOut",   [CD_ACTION_CANCELLED] = "Cancelled",
};

const char *cd_state_name(cd_state state)
{
  return (unsigned)state < CD_STATE_COUNT ? state_names[state] : NULL;
}

bool cd_state_from_name(cd_str name, cd_state *ret_state)
{
  for (int i = 1; i < CD_STATE_COUNT; i++) {
    if (cd_str_eq_cstr(name, state_names[i])) {
      *ret_state = (cd_state)i;
      return true;
    }
  }
  return false;
}

const char *cd_order_kind_name(cd_order_kind kind)
{
  return (unsigned)kind < CD_ORDER_KIND_COUNT ? kinds[kind].name : NULL;
}

bool cd_order_kind_from_name(cd_str name, cd_order_kind *ret_kind)
{
  for (int i = 1; i < CD_ORDER_KIND_COUNT; i++) {
    if (cd_str_eq_cstr(name, kinds[i].name)) {
      *ret_kind = (cd_order_kind)i;
      return true;
    }
  }
  return false;
}

cd_state cd_order_kind_state(cd_order_kind kind)
{
  return (unsigned)kind < CD_ORDER_KIND_COUNT ? kinds[kind].state : CD_STATE_NONE;
}

bool cd_order_kind_releases(cd_order_kind kind)
{
  return (unsigned)kind < CD_ORDER_KIND_COUNT && kinds[kind].releases;
}

const char *cd_action_status_name(cd_action_status status)
{
  return (unsigned)status < CD_ACTION_STATUS_COUNT ? status_names[status] : NULL;
}

bool cd_action_status_from_name(cd_str name, cd_action_status *ret_status)
{
  for (int i = 1; i < CD_ACTION_STATUS_COUNT; i++) {
    if (cd_str_eq_cstr(name, status_names[i])) {
      *ret_status = (cd_action_status)i;
      return true;
    }
  }
  return false;
}

bool cd_action_status_final(cd_action_status status)
{
  return status >= CD_ACTION_SUCCEEDED && status < CD_ACTION_STATUS_COUNT;
}

/* ---- parameters ---- */

/* The form of config/schemas/isolate.params.schema.json; what an address or a port means is for the
 * provider to say, before it changes anything. */
static void check_exclusion(cd_json *e)
{
  static const char *const directions[] = {"out", "in", "both", NULL};
  static const char *const protocols[] = {"any", "tcp", "udp", "icmp", NULL};
  int word = 0;
  cd_str text = {0};
  cd_json_enum(e, "direction", directions, &word);
  cd_exclusion_read_whose(e, ADDRESS_MAX);
  (void)cd_json_opt_enum(e, "protocol", protocols, &word);
  (void)cd_json_opt_str(e, "port", PORT_MAX, &text);
  (void)cd_json_opt_str(e, "note", NOTE_MAX, &text);
  cd_json_no_more(e);
}

/* Also of a preflight, which is about an isolation with just these. */
static void check_isolate(cd_json *p)
{
  static const char *const types[] = {"full", "selective", NULL};
  static const char *const judgements[] = {"policy", "warn", NULL};
  cd_terms terms;
  int type = 0;
  cd_json list = {0};
  cd_json_enum(p, "type", types, &type);
  cd_json_arr(p, "exclusions", CD_EXCLUSIONS_MAX, &list);
  size_t count = cd_json_len(&list);
  if (type == 0 && count > 0)
    cd_json_bad(p, "exclusions", "must be empty in a full isolation");
  if (type == 1 && count == 0)
    cd_json_bad(p, "exclusions",
                "must not be empty in a selective isolation: it would be a full one");
  for (size_t i = 0; i < count; i++) {
    cd_json e = {0};
    cd_json_at_obj(&list, i, &e);
    check_exclusion(&e);
  }
  (void)cd_json_opt_enum(p, "preflight", judgements, &type);
  cd_terms_read(p, &terms);
}

static void check_release(cd_json *p)
{
  (void)p; /* it has none */
}

static void check_cancel(cd_json *p)
{
  cd_str action = {0};
  cd_json_str(p, "action", CD_ID_SIZE - 1, &action);
  if (action.ptr != NULL && !cd_id_valid(action))
    cd_json_bad(p, "action", "must be the id of an action");
}

static void check_collect(cd_json *p)
{
  static const char *const profiles[] = {"standard", "extended", "custom", NULL};
  int profile = 0;
  int64_t budget_s = 0;
  cd_json list = {0};
  cd_json_enum(p, "profile", profiles, &profile);
  bool given = cd_json_opt_obj(p, "list", &list);
  if (given != (profile == COLLECT_CUSTOM))
    cd_json_bad(p, "list", given ? "is for the profile custom" : "must say what custom is");
  if (given)
    cd_collection_read(&list, NULL, NULL);
  (void)cd_json_opt_i64(p, "budget_s", COLLECT_MIN_S, COLLECT_MAX_S, &budget_s);
}

static void check_scan(cd_json *p)
{
  cd_scan_params params;
  cd_scan_params_read(p, &params);
}

static void check_remediate(cd_json *p)
{
  cd_remediation remediation;
  cd_remediation_read(p, &remediation);
}

void cd_order_check_parameters(cd_order_kind kind, cd_json *parameters)
{
  if ((unsigned)kind >= CD_ORDER_KIND_COUNT || kinds[kind].check == NULL) {
    cd_json_bad(parameters, NULL, "are of an order of no known kind");
    return;
  }
  kinds[kind].check(parameters);
  cd_json_no_more(parameters);
}
