/* Reading an action, and deciding what the program says about it in its exit code. */
#include "action.h"

#include "render_scan.h"
#include "table.h"

#include "base/limits.h"

#include "base/banned.h"

#define TEXT_MAX CD_FRAME_PAYLOAD_MAX /* the frame is the ceiling; a longer text cannot come */

static const char *const status_names[] = {"Pending", "InProgress", "Succeeded", "Failed",
                                           "TimeOut", "Cancelled",  NULL};

static void read_result(ctl_action *a)
{
  cd_json part = {0};
  if (cd_json_opt_obj(&a->result, "verify", &part))
    (void)cd_json_opt_bool(&part, "holds", &a->holds);
  if (cd_json_opt_obj(&a->result, "proven", &part))
    (void)cd_json_opt_str(&part, "value", TEXT_MAX, &a->proven);
  if (cd_json_opt_obj(&a->result, "enforced", &part))
    (void)cd_json_opt_str(&part, "value", TEXT_MAX, &a->enforced);
  if (cd_json_opt_obj(&a->result, "preflight", &a->preflight))
    (void)cd_json_opt_str(&a->preflight, "verdict", TEXT_MAX, &a->verdict);
}

void ctl_action_read(cd_json *obj, ctl_action *ret_action)
{
  ctl_action a = {0};
  cd_json part = {0};
  cd_json list = {0};
  int status = 0;
  cd_json_str(obj, "id", TEXT_MAX, &a.id);
  cd_json_str(obj, "kind", TEXT_MAX, &a.kind);
  cd_json_enum(obj, "status", status_names, &status);
  a.status = (ctl_action_status)status;
  a.status_name = cd_str_from(status_names[status]);
  (void)cd_json_opt_str(obj, "outcome", TEXT_MAX, &a.outcome);
  (void)cd_json_opt_str(obj, "sentence", TEXT_MAX, &a.sentence);
  (void)cd_json_opt_str(obj, "comment", TEXT_MAX, &a.comment);
  (void)cd_json_opt_str(obj, "provider", TEXT_MAX, &a.provider);
  (void)cd_json_opt_str(obj, "created", TEXT_MAX, &a.created);
  (void)cd_json_opt_str(obj, "started", TEXT_MAX, &a.started);
  (void)cd_json_opt_str(obj, "ended", TEXT_MAX, &a.ended);
  if (cd_json_opt_obj(obj, "requestor", &part))
    (void)cd_json_opt_str(&part, "user", TEXT_MAX, &a.user);
  if (cd_json_opt_obj(obj, "params", &part)) {
    (void)cd_json_opt_str(&part, "type", TEXT_MAX, &a.type);
    if (cd_json_opt_arr(&part, "exclusions", CD_JSON_NODES_MAX, &list))
      a.exclusions = cd_json_len(&list);
  }
  a.has_result = cd_json_opt_obj(obj, "result", &a.result);
  if (a.has_result)
    read_result(&a);
  *ret_action = a;
}

cd_str ctl_action_noun(cd_str kind)
{
  if (cd_str_eq_cstr(kind, "collect"))
    return CD_STR("collecting");
  if (cd_str_eq_cstr(kind, "remediate"))
    return CD_STR("remediation");
  return cd_str_eq_cstr(kind, "isolate") ? CD_STR("isolation") : kind;
}

static bool is_release(const ctl_action *a)
{
  return cd_str_eq_cstr(a->kind, "release");
}

bool ctl_action_is_preflight(const ctl_action *a)
{
  return cd_str_eq_cstr(a->kind, "preflight");
}

bool ctl_action_is_proven(const ctl_action *a)
{
  if (is_release(a))
    return cd_str_eq_cstr(a->enforced, "released");
  return a->holds && cd_str_eq_cstr(a->proven, "holds");
}

static cd_code outcome_code(const ctl_action *a)
{
  char name[32];
  cd_code code = CD_E_INTERNAL;
  if (cd_str_copy(name, sizeof(name), a->outcome))
    (void)cd_code_from_name(name, &code);
  return code;
}

static ctl_exit exit_of_preflight(const ctl_action *a, cd_err *why)
{
  cd_buf reason = CD_BUF_INIT(CTL_OUTPUT_MAX);
  ctl_exit code = CTL_EXIT_DONE;
  if (a->verdict.len == 0) {
    (void)cd_fail(why, CD_E_UNVERIFIED, "the preflight has ended without a verdict");
    code = CTL_EXIT_UNPROVEN;
  } else if (cd_str_eq_cstr(a->verdict, "refuse")) {
    ctl_preflight_reason(a, "refuse", &reason);
    (void)cd_fail(why, CD_E_CONFLICT, "an isolation would be refused: %s", cd_buf_cstr(&reason));
    code = CTL_EXIT_REFUSED;
  }
  cd_buf_release(&reason);
  return code;
}

/* A package has nothing to prove, but it may not be all. */
static ctl_exit exit_of_package(const ctl_action *a, cd_err *why)
{
  if (a->outcome.len == 0 || outcome_code(a) == CD_OK)
    return CTL_EXIT_DONE;
  (void)cd_fail(why, CD_PARTIAL, "the package lacks something that should be in it%s%.*s",
                a->sentence.len > 0 ? ": " : "; its manifest says what", CD_STR_ARG(a->sentence));
  return CTL_EXIT_UNPROVEN;
}

/* Nothing found says something only where all was scanned. */
static ctl_exit exit_of_scan(const ctl_action *a, cd_err *why)
{
  cd_json result = a->result;
  uint64_t findings = 0;
  uint64_t missed = 0;
  bool complete = false;
  if (!a->has_result || !ctl_scan_counts(&result, &findings, &complete, &missed)) {
    (void)cd_fail(why, CD_E_UNVERIFIED, "the scan has ended, and does not say what it scanned");
    return CTL_EXIT_UNPROVEN;
  }
  if (findings == 0 && complete)
    return CTL_EXIT_DONE;
  if (findings > 0)
    (void)cd_fail(why, CD_PARTIAL, "%llu finding%s%s", (unsigned long long)findings,
                  findings == 1 ? "" : "s", complete ? "" : ", and not everything was scanned");
  else
    (void)cd_fail(why, CD_PARTIAL, "nothing was found, but %llu %s not scanned",
                  (unsigned long long)missed, missed == 1 ? "thing was" : "things were");
  return CTL_EXIT_UNPROVEN;
}

/* What it measured afterwards is in its result; the outcome says whether that is all. */
static ctl_exit exit_of_remediation(const ctl_action *a, cd_err *why)
{
  cd_code outcome = a->outcome.len > 0 ? outcome_code(a) : CD_OK;
  bool told = a->has_result && cd_json_has(&a->result, "remediate");
  if (outcome == CD_OK && told)
    return CTL_EXIT_DONE;
  if (outcome == CD_OK) {
    (void)cd_fail(why, CD_E_UNVERIFIED,
                  "the remediation has ended, and does not say what it measured");
    return CTL_EXIT_UNPROVEN;
  }
  (void)cd_fail(why, outcome, "the remediation was done %s%s%.*s",
                outcome == CD_REBOOT ? "and is in force after a reboot" : "in part",
                a->sentence.len > 0 ? ": " : "; its steps say which part", CD_STR_ARG(a->sentence));
  return CTL_EXIT_UNPROVEN;
}

static ctl_exit exit_of_success(const ctl_action *a, cd_err *why)
{
  if (ctl_action_is_preflight(a))
    return exit_of_preflight(a, why);
  if (cd_str_eq_cstr(a->kind, "collect"))
    return exit_of_package(a, why);
  if (cd_str_eq_cstr(a->kind, "scan"))
    return exit_of_scan(a, why);
  if (cd_str_eq_cstr(a->kind, "remediate"))
    return exit_of_remediation(a, why);
  cd_str noun = ctl_action_noun(a->kind);
  cd_code outcome = a->outcome.len > 0 ? outcome_code(a) : CD_OK;
  if (outcome == CD_OK && ctl_action_is_proven(a))
    return CTL_EXIT_DONE;
  if (a->sentence.len > 0)
    (void)cd_fail(why, CD_E_UNVERIFIED, "the %.*s was done but is not proven: %.*s",
                  CD_STR_ARG(noun), CD_STR_ARG(a->sentence));
  else
    (void)cd_fail(why, CD_E_UNVERIFIED, "the %.*s was done but is not proven", CD_STR_ARG(noun));
  return CTL_EXIT_UNPROVEN;
}

static ctl_exit exit_of_failure(const ctl_action *a, cd_err *why)
{
  cd_str noun = ctl_action_noun(a->kind);
  cd_code outcome = outcome_code(a);
  const char *verb = a->status == CTL_ACTION_CANCELLED   ? "was cancelled"
                     : a->status == CTL_ACTION_TIMED_OUT ? "took too long"
                                                         : "failed";
  if (a->sentence.len > 0)
    (void)cd_fail(why, outcome, "the %.*s %s: %.*s", CD_STR_ARG(noun), verb,
                  CD_STR_ARG(a->sentence));
  else
    (void)cd_fail(why, outcome, "the %.*s %s (%.*s)", CD_STR_ARG(noun), verb,
                  CD_STR_ARG(a->outcome));
  return a->status == CTL_ACTION_FAILED ? ctl_exit_of_failed_action(outcome) : CTL_EXIT_FAILED;
}

ctl_exit ctl_action_exit(const ctl_action *a, cd_err *why)
{
  cd_str noun = ctl_action_noun(a->kind);
  switch (a->status) {
  case CTL_ACTION_SUCCEEDED: return exit_of_success(a, why);
  case CTL_ACTION_FAILED:
  case CTL_ACTION_TIMED_OUT:
  case CTL_ACTION_CANCELLED: return exit_of_failure(a, why);
  case CTL_ACTION_PENDING:
  case CTL_ACTION_IN_PROGRESS: break;
  }
  (void)cd_fail(why, CD_E_DEADLINE,
                "the agent answered before the %.*s ended; it goes on as action %.*s",
                CD_STR_ARG(noun), CD_STR_ARG(a->id));
  return CTL_EXIT_WAITING;
}

ctl_colour ctl_action_colour(const ctl_action *a)
{
  switch (a->status) {
  case CTL_ACTION_SUCCEEDED: return CTL_GOOD;
  case CTL_ACTION_FAILED:
  case CTL_ACTION_TIMED_OUT: return CTL_BAD;
  case CTL_ACTION_CANCELLED: return CTL_WARN;
  case CTL_ACTION_PENDING:
  case CTL_ACTION_IN_PROGRESS: break;
  }
  return CTL_PLAIN;
}
