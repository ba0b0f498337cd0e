#include "control_read.h"

#include "protocol/collection.h"
#include "protocol/exclusion.h"
#include "protocol/release_code.h"
#include "protocol/remediate.h"
#include "protocol/token_file.h"

#include "base/banned.h"

cd_code control_request_read(cd_str payload, cd_json_doc **ret_doc, cd_str *ret_method,
                             cd_json *ret_params, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_code rc = cd_json_parse(payload, CONTROL_REQUEST_MAX, "the request", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_str name = {0};
  cd_json params = {0};
  cd_json root = cd_json_root(doc);
  cd_json_str(&root, "method", 64, &name);
  cd_json_obj(&root, "params", &params);
  rc = cd_json_done(&root, err);
  if (rc != CD_OK) {
    cd_json_free(doc);
    return rc;
  }
  *ret_doc = doc;
  *ret_method = name;
  *ret_params = params;
  return CD_OK;
}

static void read_exclusion(cd_json *list, size_t i)
{
  static const char *const directions[] = {"out", "in", "both", NULL};
  static const char *const protocols[] = {"any", "tcp", "udp", "icmp", NULL};
  cd_json e = {0};
  cd_str text = {0};
  int choice = 0;
  cd_json_at_obj(list, i, &e);
  cd_json_enum(&e, "direction", directions, &choice);
  cd_exclusion_read_whose(&e, 128);
  (void)cd_json_opt_enum(&e, "protocol", protocols, &choice);
  (void)cd_json_opt_str(&e, "port", 16, &text);
  (void)cd_json_opt_str(&e, "note", 200, &text);
  cd_json_no_more(&e);
}

/* What both orders have. */
static cd_code read_rest(cd_json *params, control_order *order, control_order *ret_order,
                         cd_err *err)
{
  (void)cd_json_opt_str(params, "comment", CD_COMMENT_MAX, &order->comment);
  (void)cd_json_opt_bool(params, "wait", &order->wait);
  cd_code rc = cd_json_done(params, err);
  if (rc == CD_OK)
    *ret_order = *order;
  return rc;
}

static void read_terms(cd_json *params, control_order *order)
{
  int64_t lease_s = 0;
  order->rules =
      (cd_terms){.lost_after_s = CONTROL_NO_RULE, .unreachable_after_s = CONTROL_NO_RULE};
  if (cd_json_has(params, "lease_s"))
    cd_json_i64(params, "lease_s", 1, CONTROL_LEASE_MAX_S, &lease_s);
  order->lease_s = (uint32_t)lease_s;
  cd_terms_read_rules(params, &order->rules);
}

cd_code control_renew_read(cd_json *params, control_order *ret_order, cd_err *err)
{
  control_order order = {0};
  read_terms(params, &order);
  if (order.lease_s == 0)
    cd_json_bad(params, "lease_s", "is missing: for how long is it to be renewed?");
  return read_rest(params, &order, ret_order, err);
}

cd_code control_isolate_read(cd_json *params, control_order *ret_order, cd_err *err)
{
  static const char *const types[] = {"full", "selective", NULL};
  control_order order = {0};
  int type = 0;
  cd_json_enum(params, "type", types, &type);
  order.selective = type == 1;
  order.has_exclusions =
      cd_json_opt_arr(params, "exclusions", CD_EXCLUSIONS_MAX, &order.exclusions);
  for (size_t i = 0; i < cd_json_len(&order.exclusions); i++)
    read_exclusion(&order.exclusions, i);
  (void)cd_json_opt_bool(params, "force", &order.force);
  read_terms(params, &order);
  return read_rest(params, &order, ret_order, err);
}

cd_code control_release_read(cd_json *params, control_order *ret_order, cd_err *err)
{
  control_order order = {0};
  order.has_code = cd_json_opt_str(params, "code", CD_RELEASE_CODE_INPUT_MAX, &order.code);
  return read_rest(params, &order, ret_order, err);
}

cd_code control_actions_read(cd_json *params, unsigned *ret_limit, char before[CD_ID_SIZE],
                             cd_err *err)
{
  cd_str id = {0};
  uint64_t limit = 50;
  if (cd_json_opt_u64(params, "limit", 500, &limit) && limit == 0)
    cd_json_bad(params, "limit", "must be at least 1");
  if (cd_json_opt_str(params, "before", CD_ID_SIZE - 1, &id) && !cd_id_valid(id))
    cd_json_bad(params, "before", "is not an action id");
  cd_code rc = cd_json_done(params, err);
  if (rc != CD_OK)
    return rc;
  *ret_limit = (unsigned)limit;
  (void)cd_str_copy(before, CD_ID_SIZE, id);
  return CD_OK;
}

cd_code control_action_read(cd_json *params, char id[CD_ID_SIZE], cd_err *err)
{
  cd_str text = {0};
  cd_json_str(params, "id", CD_ID_SIZE - 1, &text);
  if (text.ptr != NULL && !cd_id_valid(text))
    cd_json_bad(params, "id", "is not an action id");
  cd_code rc = cd_json_done(params, err);
  if (rc == CD_OK)
    (void)cd_str_copy(id, CD_ID_SIZE, text);
  return rc;
}

cd_code control_unquarantine_read(cd_json *params, char plugin[AGENT_ID_MAX], cd_err *err)
{
  cd_str id = {0};
  cd_json_str(params, "plugin", AGENT_ID_MAX - 1, &id);
  cd_code rc = cd_json_done(params, err);
  if (rc == CD_OK)
    (void)cd_str_copy(plugin, AGENT_ID_MAX, id);
  return rc;
}

cd_code control_enroll_read(cd_json *params, control_enrolment *ret_wish, cd_err *err)
{
  control_enrolment wish = {0};
  cd_json_obj(params, "token", &wish.token);
  cd_json tags = {0};
  (void)cd_json_opt_str(params, "console", CD_ENROLL_URL_MAX, &wish.console);
  if (cd_json_opt_arr(params, "tags", CD_ENROLL_TAGS_MAX, &tags)) {
    wish.tag_count = (unsigned)cd_json_len(&tags);
    for (unsigned i = 0; i < wish.tag_count; i++)
      cd_json_at_str(&tags, i, CD_ENROLL_TAG_MAX, &wish.tags[i]);
  }
  cd_code rc = cd_json_done(params, err);
  if (rc == CD_OK)
    *ret_wish = wish;
  return rc;
}

const char *const control_profiles[] = {"standard", "extended", "custom", NULL};

cd_code control_collect_read(cd_json *params, control_package_order *ret_order, cd_err *err)
{
  control_package_order order = {0};
  (void)cd_json_opt_enum(params, "profile", control_profiles, &order.profile);
  bool given = cd_json_opt_obj(params, "list", &order.list);
  if (given != (order.profile == CONTROL_PROFILE_CUSTOM))
    cd_json_bad(params, "list", given ? "is for the profile custom" : "must say what custom is");
  if (given)
    cd_collection_read(&order.list, NULL, NULL);
  if (cd_json_opt_u64(params, "budget_s", CONTROL_BUDGET_MAX_S, &order.budget_s) &&
      order.budget_s < CONTROL_BUDGET_MIN_S)
    cd_json_bad(params, "budget_s", "must be at least %u", CONTROL_BUDGET_MIN_S);
  if (cd_json_opt_u64(params, "max_bytes", UINT64_MAX, &order.max_bytes) &&
      order.max_bytes < CONTROL_PACKAGE_MIN)
    cd_json_bad(params, "max_bytes", "must be at least %u", CONTROL_PACKAGE_MIN);
  (void)cd_json_opt_str(params, "comment", CD_COMMENT_MAX, &order.comment);
  (void)cd_json_opt_bool(params, "wait", &order.wait);
  cd_code rc = cd_json_done(params, err);
  if (rc == CD_OK)
    *ret_order = order;
  return rc;
}

cd_code control_scan_read(cd_json *params, control_scan_order *ret_order, cd_err *err)
{
  control_scan_order order = {.wait = false};
  cd_scan_params_read(params, &order.scan);
  (void)cd_json_opt_str(params, "comment", CD_COMMENT_MAX, &order.comment);
  (void)cd_json_opt_bool(params, "wait", &order.wait);
  cd_code rc = cd_json_done(params, err);
  if (rc == CD_OK)
    *ret_order = order;
  return rc;
}

cd_code control_remediate_read(cd_json *params, control_remediation *ret_remediation, cd_err *err)
{
  control_remediation r = {0};
  cd_remediation asked = {0};
  cd_json_obj(params, "order", &r.order);
  cd_remediation_read(&r.order, &asked);
  cd_json_no_more(&r.order);
  (void)cd_json_opt_str(params, "comment", CD_COMMENT_MAX, &r.comment);
  (void)cd_json_opt_bool(params, "wait", &r.wait);
  cd_code rc = cd_json_done(params, err);
  if (rc == CD_OK)
    *ret_remediation = r;
  return rc;
}

cd_code control_package_read(cd_json *params, char id[CD_ID_SIZE], uint64_t *ret_offset,
                             cd_err *err)
{
  uint64_t offset = 0;
  (void)cd_json_opt_u64(params, "offset", INT64_MAX, &offset);
  cd_code rc = control_action_read(params, id, err);
  if (rc == CD_OK)
    *ret_offset = offset;
  return rc;
}
