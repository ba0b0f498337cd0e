/* What the device says: reports, results, progress. */
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "link.h"
#include "shape.h"

#include "base/banned.h"

#define PROGRESS_MS 250u /* between two that are kept */
#define INTERFACES_MAX 256u
#define UNKNOWN_WHAT 2u

/* ---- reports ---- */

static bool is_own(cd_str address)
{
  return cd_str_starts(address, CD_STR("127.")) || cd_str_eq_cstr(address, "::1") ||
         cd_str_starts(address, CD_STR("fe80:"));
}

/* The first address of an interface that is up; IPv4 before IPv6. */
static cd_str first_address(cd_json *root)
{
  cd_str best = {0};
  cd_json list = {0};
  if (!cd_json_opt_arr(root, "interfaces", INTERFACES_MAX, &list))
    return best;
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json interface = {0};
    cd_json addresses = {0};
    bool up = false;
    cd_json_at_obj(&list, i, &interface);
    if (!cd_json_opt_bool(&interface, "up", &up) || !up ||
        !cd_json_opt_arr(&interface, "addresses", INTERFACES_MAX, &addresses))
      continue;
    for (size_t k = 0; k < cd_json_len(&addresses); k++) {
      cd_str text = {0};
      cd_json_at_str(&addresses, k, 100, &text);
      cd_str address = cd_str_cut(&text, '/');
      if (address.len == 0 || is_own(address))
        continue;
      if (memchr(address.ptr, ':', address.len) == NULL)
        return address;
      if (best.len == 0)
        best = address;
    }
  }
  return best;
}

static void read_facts(cd_json *root, con_device_report *r)
{
  cd_json os = {0};
  cd_str family = {0};
  cd_str id = {0};
  (void)cd_json_opt_str(root, "host_name", CON_NAME_MAX, &r->dns_name);
  (void)cd_json_opt_str(root, "architecture", CON_WORD_MAX, &r->os_architecture);
  (void)cd_json_opt_str(root, "kernel", CON_WORD_MAX, &r->os_build);
  if (cd_json_opt_obj(root, "os", &os)) {
    (void)cd_json_opt_str(&os, "system", CON_WORD_MAX, &family);
    (void)cd_json_opt_str(&os, "id", CON_WORD_MAX, &id);
    (void)cd_json_opt_str(&os, "version", CON_WORD_MAX, &r->os_version);
    r->os_platform = con_platform_word(family, id);
  }
  r->last_ip = first_address(root);
}

/* Facts that are not what they should be are left out, and the rest of the report counts. */
static cd_code store_report(con_link *l, const cd_report *report, cd_err *err)
{
  con_device_report r = {.number = report->number, .at_ms = report->at_ms, .seen_ms = cd_wall_ms()};
  cd_json_doc *doc = NULL;
  cd_err why = {0};
  cd_jw w;
  cd_buf values = CD_BUF_INIT(CD_REPORT_PAYLOAD_MAX);
  cd_jw_init(&w, &values);
  cd_values_write(report->states, report->state_count, &w, NULL);
  cd_code rc = cd_jw_done(&w, "the values", err);
  if (rc == CD_OK && report->facts.len > 0) {
    cd_code read = cd_json_parse(report->facts, CD_FACTS_MAX, "the facts", &doc, &why);
    if (read == CD_OK) {
      con_device_report with = r;
      cd_json root = cd_json_root(doc);
      with.facts = report->facts;
      read_facts(&root, &with);
      read = cd_json_status(&root, &why);
      if (read == CD_OK)
        r = with;
    }
    if (read != CD_OK)
      cd_log(CD_AREA_DEVICES, CD_LOG_WARN, "device=%s: its facts are left out: %s", l->device,
             why.text);
  }
  r.values = cd_buf_view(&values);
  if (rc == CD_OK)
    rc = con_device_reported(l->server->store, cd_str_from(l->device), &r, err);
  cd_json_free(doc);
  cd_buf_release(&values);
  return rc;
}

static void keep_states(con_link *l, const cd_values *states, unsigned count)
{
  if (count == 0)
    return;
  memcpy(l->states, states, count * sizeof(*states));
  l->state_count = count;
}

void con_link_report(con_link *l, cd_rpc *m)
{
  cd_str jws = {0};
  cd_report report = {0};
  cd_err err = {0};
  cd_code rc = cd_signed_read(m, CD_METHOD_REPORT, &jws, NULL, &err);
  if (rc == CD_OK)
    rc = cd_report_verify(jws, &l->key, cd_str_from(l->device), l->nonce, l->report_number, &report,
                          &err);
  if (rc == CD_OK) {
    l->report_number = report.number;
    rc = store_report(l, &report, &err);
  }
  if (rc != CD_OK) {
    cd_log(CD_AREA_DEVICES, CD_LOG_WARN, "device=%s: a report was not taken: %s", l->device,
           err.text);
  } else {
    CD_FAULT_POINT("console.report_kept");
    keep_states(l, report.states, report.state_count);
    con_link_policy_stands(l, &report.policy);
    con_link_consider(l);
  }
  cd_report_release(&report);
}

/* ---- results ---- */

/* A release that failed goes on, and so does an isolation that is in force and could not be shown
 * to hold: then the device names it as what is wanted. One that gave way is not named. */
static bool goes_on(const cd_result *r)
{
  cd_state state = cd_order_kind_state(r->kind);
  bool found = false;
  for (unsigned i = 0; i < r->state_count && r->status == CD_ACTION_FAILED; i++)
    found = found ||
            (r->states[i].state == state && strcmp(r->states[i].wanted_action, r->action) == 0);
  return found;
}

static con_action_outcome outcome_of(const cd_result *r, cd_str jws)
{
  return (con_action_outcome){.status = r->status,
                              .outcome = cd_str_from(cd_code_name(r->outcome)),
                              .sentence = cd_str_from(r->sentence),
                              .result = jws,
                              .evidence = r->result,
                              .generation = r->generation,
                              .stands = goes_on(r)};
}

/* Of an action that nobody here has heard of: given on the device itself, or lost with an older
 * database. The device's signature stands for it. */
static cd_code store_unknown(con_link *l, const cd_result *r, cd_str jws, cd_err *err)
{
  con_action_local a = {.device = cd_str_from(l->device),
                        .kind = r->kind,
                        .requestor = cd_str_from(r->requestor),
                        .comment = r->comment,
                        .generation = r->generation,
                        .created_ms = r->created_ms,
                        .outcome = outcome_of(r, jws)};
  a.type = con_action_local_type(r->kind);
  for (unsigned i = 0; i < r->state_count && r->kind == CD_ORDER_ISOLATE; i++) {
    if (r->states[i].state == CD_STATE_ISOLATE)
      a.scope =
          strcmp(r->states[i].wanted_type, "selective") == 0 ? CD_STR("Selective") : CD_STR("Full");
  }
  (void)cd_str_copy(a.id, sizeof(a.id), cd_str_from(r->action));
  return con_action_given_locally(l->server->store, &a, err);
}

/* A device could make up any number of them, and each is a row and an entry for ever. It keeps what
 * is refused like this, and sends it again. */
static cd_code check_unknown(con_link *l, cd_err *err)
{
  static const con_limit often = {.per_minute = 60, .per_hour = 240};
  unsigned wait_s = 0;
  if (con_limit_take(&l->server->device_limits, &often, cd_str_from(l->device), UNKNOWN_WHAT,
                     cd_mono_ms(), &wait_s))
    return CD_OK;
  return cd_fail(err, CD_E_UNAVAILABLE,
                 "too many actions of the device's own for now; again in %u s", wait_s);
}

static void compare_order(const con_link *l, const con_action *a, const cd_result *r)
{
  cd_digest sent = {0};
  cd_err err = {0};
  if (!r->has_order || a->order.len == 0 || cd_jws_digest(a->order, &sent, &err) != CD_OK ||
      cd_digest_equal(&sent, &r->order))
    return;
  cd_log(CD_AREA_DEVICES, CD_LOG_INFO,
         "device=%s action=%s: the result answers an order that was signed earlier for it",
         l->device, a->id);
}

/* *ret_first: no result of it came before. */
static cd_code end_action(con_link *l, const cd_result *r, cd_str jws, bool *ret_first, cd_err *err)
{
  con_action a = {0};
  const con_action_outcome outcome = outcome_of(r, jws);
  cd_code rc = con_action_get(l->server->store, cd_str_from(r->action), &a, err);
  if (rc == CD_E_NOTFOUND) {
    *ret_first = true;
    rc = check_unknown(l, err);
    return rc == CD_OK ? store_unknown(l, r, jws, err) : rc;
  }
  if (rc == CD_OK && (!cd_str_eq_cstr(a.device, l->device) || a.kind != r->kind))
    rc = cd_fail(err, CD_E_DENIED, "action '%s' is of another device or kind", r->action);
  if (rc == CD_OK) {
    *ret_first = a.result.len == 0;
    compare_order(l, &a, r);
    rc = con_action_ended(l->server->store, cd_str_from(r->action), &outcome, err);
  }
  con_action_release(&a);
  return rc;
}

/* What a scan found is on record with its result, or neither is. */
static cd_code store_result(con_link *l, const cd_result *r, cd_str jws, cd_err *err)
{
  bool first = false;
  if (r->kind != CD_ORDER_SCAN)
    return end_action(l, r, jws, &first, err);
  cd_code rc = con_store_many_begin(l->server->store, err);
  if (rc != CD_OK)
    return rc;
  rc = end_action(l, r, jws, &first, err);
  if (rc == CD_OK && first)
    rc = con_link_found(l->server, r, err);
  if (rc == CD_OK)
    return con_store_many_end(l->server->store, err);
  con_store_many_undo(l->server->store);
  return rc;
}

static void after_result(con_link *l, const cd_result *r)
{
  l->server->counters.results++;
  cd_log(CD_AREA_DEVICES, CD_LOG_INFO, "device=%s action=%s: %s", l->device, r->action,
         cd_action_status_name(r->status));
  keep_states(l, r->states, r->state_count);
  con_link_consider(l);
}

void con_link_result(con_link *l, cd_rpc *m)
{
  cd_str jws = {0};
  cd_result r = {0};
  cd_rpc_fault fault = {0};
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(CD_MESSAGE_MAX);
  if (cd_signed_read(m, CD_METHOD_RESULT, &jws, &fault, &err) != CD_OK) {
    con_link_refuse(l, fault.id, fault.code, err.text);
    return;
  }
  cd_code rc = cd_result_verify(jws, &l->key, cd_str_from(l->device), &r, &err);
  CD_FAULT_POINT("console.result_heard");
  if (rc == CD_OK)
    rc = store_result(l, &r, jws, &err);
  if (rc == CD_OK) {
    CD_FAULT_POINT("console.result_recorded");
    if (cd_ack_write(m->id, &out, &err) == CD_OK)
      con_link_send(l, &out);
    CD_FAULT_POINT("console.result_answered");
    after_result(l, &r);
    con_store_write_back(l->server->store);
  } else {
    bool trouble = rc == CD_E_IO || rc == CD_E_INTERNAL || rc == CD_E_UNAVAILABLE;
    l->server->counters.results_refused += trouble ? 0 : 1;
    con_link_refuse(l, m->id, trouble ? CD_RPC_UNAVAILABLE : CD_RPC_REFUSED, err.text);
  }
  cd_buf_release(&out);
  cd_result_release(&r);
}

/* ---- progress ---- */

static cd_code store_progress(con_link *l, const cd_progress *p, cd_err *err)
{
  con_action a = {0};
  cd_jw w;
  cd_buf text = CD_BUF_INIT(4096);
  cd_code rc = con_action_get(l->server->store, cd_str_from(p->action), &a, err);
  if (rc == CD_OK && !cd_str_eq_cstr(a.device, l->device))
    rc = cd_fail(err, CD_E_DENIED, "action '%s' is of another device", p->action);
  if (rc == CD_OK) {
    cd_jw_init(&w, &text);
    cd_jw_obj(&w, NULL);
    cd_jw_cstr(&w, "status", cd_action_status_name(p->status));
    if (p->step.len > 0)
      cd_jw_str(&w, "step", p->step);
    else
      cd_jw_null(&w, "step");
    cd_jw_u64(&w, "done", p->done);
    cd_jw_u64(&w, "total", p->total);
    if (p->what.len > 0)
      cd_jw_str(&w, "what", p->what);
    else
      cd_jw_null(&w, "what");
    cd_jw_time(&w, "at", cd_wall_ms());
    cd_jw_end_obj(&w);
    rc = cd_jw_done(&w, "a progress", err);
  }
  if (rc == CD_OK)
    rc = con_action_progress(l->server->store, cd_str_from(p->action), cd_buf_view(&text), err);
  con_action_release(&a);
  cd_buf_release(&text);
  return rc;
}

/* It only shows what is going on, so a flood of it costs nothing but the flood. */
void con_link_progress(con_link *l, cd_rpc *m)
{
  cd_progress p = {0};
  cd_err err = {0};
  uint64_t now_ms = cd_mono_ms();
  if (now_ms - l->progress_ms < PROGRESS_MS)
    return;
  l->progress_ms = now_ms;
  cd_code rc = cd_progress_read(m, &p, &err);
  if (rc == CD_OK)
    rc = store_progress(l, &p, &err);
  if (rc != CD_OK)
    cd_log(CD_AREA_DEVICES, CD_LOG_DEBUG, "device=%s: a progress was not taken: %s", l->device,
           err.text);
}
