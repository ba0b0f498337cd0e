/* What the vouched entries of an action say, held against its order and its result. */
#include "fleet_proof_private.h"

#include "fleet_read.h"

#include <string.h>

#include "base/banned.h"

static cd_code differs(cd_err *err, const char *what)
{
  return cd_fail(err, CD_E_UNVERIFIED, "%s", what);
}

static void read_kind(cd_json *detail, cd_order_kind *out)
{
  cd_str name = {0};
  cd_json_str(detail, "kind", FLEET_TEXT_MAX, &name);
  if (name.ptr != NULL && !cd_order_kind_from_name(name, out))
    cd_json_bad(detail, "kind", "is not known here");
}

static void read_create(fleet_proof_log *log, cd_json *detail)
{
  log->origin = FLEET_ORIGIN_ORDERED;
  read_kind(detail, &log->kind);
  cd_json_str(detail, "type", FLEET_TEXT_MAX, &log->type);
  cd_json_str(detail, "scope", FLEET_TEXT_MAX, &log->scope);
  cd_json_str(detail, "comment", FLEET_TEXT_MAX, &log->comment);
  cd_json_str(detail, "ticket", FLEET_TEXT_MAX, &log->ticket);
  cd_json_str(detail, "source", FLEET_TEXT_MAX, &log->source);
}

/* The types of the API for what a device did by itself. */
static const char *type_of(cd_order_kind kind)
{
  static const char *const types[CD_ORDER_KIND_COUNT] = {
      [CD_ORDER_ISOLATE] = "Isolate",       [CD_ORDER_RELEASE] = "Unisolate",
      [CD_ORDER_PREFLIGHT] = "Preflight",   [CD_ORDER_COLLECT] = "CollectInvestigationPackage",
      [CD_ORDER_SCAN] = "RunAntiVirusScan", [CD_ORDER_REMEDIATE] = "Remediate",
      [CD_ORDER_CANCEL] = "Cancel"};
  return types[kind];
}

static void read_end(fleet_proof_log *log, cd_json *detail, int64_t at_ms)
{
  cd_str status = {0};
  cd_json_str(detail, "status", FLEET_TEXT_MAX, &status);
  if (status.ptr != NULL &&
      (!cd_action_status_from_name(status, &log->status) || !cd_action_status_final(log->status)))
    cd_json_bad(detail, "status", "is not that of an end");
  cd_json_str(detail, "outcome", FLEET_TEXT_MAX, &log->outcome);
  cd_json_str(detail, "sentence", FLEET_TEXT_MAX, &log->sentence);
  (void)cd_json_opt_str(detail, "result", CD_DIGEST_TEXT_MAX, &log->result);
  log->ended = true;
  log->ended_ms = at_ms;
}

static void read_local(fleet_proof_log *log, cd_json *detail, int64_t at_ms)
{
  read_kind(detail, &log->kind);
  cd_json_str(detail, "scope", FLEET_TEXT_MAX, &log->scope);
  cd_json_str(detail, "requestor", FLEET_TEXT_MAX, &log->requestor);
  log->source = CD_STR("Device");
  log->type = log->kind != 0 ? cd_str_from(type_of(log->kind)) : log->type;
  read_end(log, detail, at_ms);
}

typedef enum about {
  ABOUT_ELSE = 0,
  ABOUT_CREATE,
  ABOUT_LOCAL,
  ABOUT_ADOPTED,
  ABOUT_CANCEL,
  ABOUT_RESULT
} about;

static about about_of(cd_str what)
{
  static const char *const names[] = {[ABOUT_ELSE] = "",
                                      [ABOUT_CREATE] = "action.create",
                                      [ABOUT_LOCAL] = "action.local",
                                      [ABOUT_ADOPTED] = "action.adopted",
                                      [ABOUT_CANCEL] = "action.cancel",
                                      [ABOUT_RESULT] = "action.result"};
  for (size_t i = 1; i < sizeof(names) / sizeof(names[0]); i++)
    if (cd_str_eq_cstr(what, names[i]))
      return (about)i;
  return ABOUT_ELSE;
}

cd_code fleet_proof_log_take(fleet_proof_log *log, cd_json *entry, const cd_digest *digest,
                             cd_err *err)
{
  cd_str who = {0};
  cd_str what = {0};
  cd_json detail = {0};
  int64_t at_ms = 0;
  cd_json_str(entry, "who", FLEET_TEXT_MAX, &who);
  cd_json_str(entry, "what", FLEET_TEXT_MAX, &what);
  cd_json_i64(entry, "at", 0, CD_WALL_MS_MAX, &at_ms);
  cd_json_obj(entry, "detail", &detail);
  about a = about_of(what);
  if (a == ABOUT_CREATE || a == ABOUT_LOCAL || a == ABOUT_ADOPTED) {
    if (log->origin != FLEET_ORIGIN_NONE)
      return differs(err, "two entries of the audit log say who asked for the action");
    log->requestor = who;
    log->asked_ms = at_ms;
    log->asked_digest = *digest;
    cd_json_u64(entry, "sequence", CD_GENERATION_MAX, &log->asked_entry);
  }
  switch (a) {
  case ABOUT_CREATE: read_create(log, &detail); break;
  case ABOUT_LOCAL:
  case ABOUT_ADOPTED:
    log->origin = a == ABOUT_LOCAL ? FLEET_ORIGIN_LOCAL : FLEET_ORIGIN_ADOPTED;
    read_local(log, &detail, at_ms);
    break;
  case ABOUT_CANCEL:
    log->cancelled = true;
    log->cancel_by = who;
    log->cancelled_ms = at_ms;
    cd_json_str(&detail, "comment", FLEET_TEXT_MAX, &log->cancel_comment);
    break;
  case ABOUT_RESULT: read_end(log, &detail, at_ms); break;
  default: break;
  }
  return cd_json_status(entry, err) == CD_OK
             ? CD_OK
             : fleet_proof_wrong(err, "the entries of the audit log");
}

/* ---- the signed parts ---- */

static cd_code judge_order(const fleet_proof *p, cd_err *err)
{
  const fleet_proof_log *log = &p->log;
  if (!p->has_order)
    return CD_OK;
  if (log->origin != FLEET_ORIGIN_ORDERED)
    return differs(err, "the log has no entry that asks for the order");
  if (p->order.audit_sequence != log->asked_entry ||
      !cd_digest_equal(&p->order.audit_digest, &log->asked_digest))
    return differs(err, "the order names another entry of the log than the one that asks for it");
  if (p->order.kind != log->kind || !cd_str_eq_cstr(log->requestor, p->order.requestor) ||
      !cd_str_eq(log->comment, p->order.comment))
    return differs(err, "the order has another kind, requestor or comment than the log");
  return CD_OK;
}

static cd_code judge_result(const fleet_proof *p, cd_str digest, cd_err *err)
{
  const fleet_proof_log *log = &p->log;
  const cd_result *r = &p->result;
  if (!p->has_result)
    return log->result.len == 0
               ? CD_OK
               : differs(err, "the device's result is missing, and the log names it");
  if (!cd_str_eq(log->result, digest))
    return differs(err, log->result.len > 0 ? "the log names another result"
                                            : "no entry of the audit log names the result");
  if (r->kind != log->kind)
    return differs(err, "the result is of another kind than the log says");
  if (log->origin == FLEET_ORIGIN_ORDERED && !r->has_order)
    return differs(err, "the result answers no order, and the log has one");
  if (log->origin == FLEET_ORIGIN_ORDERED && !p->has_order)
    return differs(err, "the order that the result answers is missing");
  if (log->origin == FLEET_ORIGIN_LOCAL && !cd_str_eq_cstr(log->requestor, r->requestor))
    return differs(err, "the log has another requestor than the result");
  if (r->status != log->status || !cd_str_eq_cstr(log->outcome, cd_code_name(r->outcome)) ||
      !cd_str_eq_cstr(log->sentence, r->sentence))
    return differs(err, "the log has another status, outcome or sentence than the result");
  return CD_OK;
}

cd_code fleet_proof_log_judge(fleet_proof *p, cd_str result_digest, cd_err *err)
{
  const fleet_proof_log *log = &p->log;
  if (log->origin == FLEET_ORIGIN_NONE)
    return differs(err, "no entry of the audit log says who asked for the action");
  cd_code rc = judge_order(p, err);
  if (rc == CD_OK)
    rc = judge_result(p, result_digest, err);
  if (rc != CD_OK)
    return rc;
  p->ended = log->ended || log->cancelled;
  p->status = log->ended ? log->status : log->cancelled ? CD_ACTION_CANCELLED : CD_ACTION_PENDING;
  return CD_OK;
}
