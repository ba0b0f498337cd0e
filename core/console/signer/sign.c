/* Orders and marks. What an order says is read from the audit entry; the request only names it. */
#include "signer.h"

#include "base/fault.h"
#include "protocol/mark.h"
#include "protocol/order.h"
#include "protocol/remediate.h"
#include "protocol/terms.h"
#include "random.h"
#include "store.h"

#include <string.h>

#include "base/banned.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS INT64_C(3600000)

/* What the entry "action.create" says of the order. */
typedef struct recorded {
  cd_order_kind kind;
  uint64_t generation;
  int64_t expires_ms;
  cd_digest parameters;
  cd_str comment; /* a view into the entry's detail */
  cd_str source;  /* likewise */
  con_audit_ref repeats;
} recorded;

static void read_repeats(cd_json *root, con_audit_ref *out)
{
  cd_json repeats = {0};
  cd_str digest = {0};
  if (!cd_json_opt_obj(root, "repeats", &repeats))
    return;
  cd_json_u64(&repeats, "sequence", CD_GENERATION_MAX, &out->sequence);
  cd_json_str(&repeats, "digest", CD_DIGEST_TEXT_MAX, &digest);
  if (digest.ptr != NULL && !cd_digest_from_text(digest, &out->digest))
    cd_json_bad(&repeats, "digest", "must be a digest");
}

static cd_code read_recorded(const sig_entry *e, recorded *out, cd_err *err)
{
  cd_str kind = {0};
  cd_str parameters = {0};
  if (!cd_str_eq_cstr(cd_str_from(e->what), CON_WHAT_CREATE))
    return cd_fail(err, CD_E_DENIED, "the entry of the audit log that was named records no action");
  cd_json root = cd_json_root(e->detail);
  cd_json_str(&root, "kind", CD_WORD_MAX, &kind);
  cd_json_u64(&root, "generation", CD_GENERATION_MAX, &out->generation);
  cd_json_i64(&root, "expires", 1, CD_WALL_MS_MAX, &out->expires_ms);
  cd_json_str(&root, "parameters", CD_DIGEST_TEXT_MAX, &parameters);
  cd_json_str(&root, "comment", CD_COMMENT_MAX, &out->comment);
  (void)cd_json_opt_str(&root, "source", CON_WORD_MAX, &out->source);
  read_repeats(&root, &out->repeats);
  if (kind.ptr != NULL && !cd_order_kind_from_name(kind, &out->kind))
    cd_json_bad(&root, "kind", "is not known here");
  if (parameters.ptr != NULL && !cd_digest_from_text(parameters, &out->parameters))
    cd_json_bad(&root, "parameters", "must be a digest");
  return cd_json_status(&root, err);
}

static cd_code match(const sig_request *r, const sig_entry *e, const recorded *o, cd_err *err)
{
  cd_digest digest;
  unsigned long long at = (unsigned long long)r->audit.sequence;
  if (!cd_str_eq_cstr(cd_str_from(e->action), r->action))
    return cd_fail(err, CD_E_DENIED, "entry %llu of the audit log records another action than '%s'",
                   at, r->action);
  if (!cd_str_eq_cstr(cd_str_from(e->device), r->device))
    return cd_fail(err, CD_E_DENIED, "action '%s' is recorded for another device than '%s'",
                   r->action, r->device);
  cd_code rc = cd_digest_of(r->parameters.ptr, r->parameters.len, &digest, err);
  if (rc != CD_OK)
    return rc;
  if (!cd_digest_equal(&digest, &o->parameters))
    return cd_fail(err, CD_E_DENIED, "action '%s' is recorded with other parameters", r->action);
  if (r->generation < o->generation)
    return cd_fail(err, CD_E_DENIED, "action '%s' is recorded with generation %llu, not %llu",
                   r->action, (unsigned long long)o->generation, (unsigned long long)r->generation);
  if (r->expires_ms > o->expires_ms)
    return cd_fail(err, CD_E_DENIED, "action '%s' is recorded to end sooner", r->action);
  return CD_OK;
}

static cd_code check_state(sig_signer *s, const sig_request *r, int64_t now_ms, cd_err *err)
{
  bool closed = false;
  sig_device device = {0};
  if (r->expires_ms <= now_ms)
    return cd_fail(err, CD_E_DEADLINE, "the time of action '%s' is over", r->action);
  cd_code rc = sig_state_is_closed(s->state, cd_str_from(r->action), &closed, err);
  if (rc == CD_OK)
    rc = sig_state_device(s->state, cd_str_from(r->device), &device, err);
  if (rc != CD_OK)
    return rc;
  if (closed)
    return cd_fail(err, CD_E_DENIED, "action '%s' was cancelled or has ended", r->action);
  if (device.enrolled == 0 || device.revoked > device.enrolled)
    return cd_fail(err, CD_E_DENIED, "device '%s' is %s", r->device,
                   device.enrolled == 0 ? "not enrolled" : "revoked");
  return CD_OK;
}

static bool follows_exclusions(const recorded *o)
{
  return cd_str_eq_cstr(o->source, CON_SOURCE_EXCLUSIONS);
}

/* What the console asks for on its own account nobody asked for, unless it is what stands: so
 * nothing that is written into its database makes it ask for something else. Of an isolation that
 * follows its exclusions, that it stands is all that can be told here. */
/* The same wish, or the end of an isolation whose lease has ended. */
static cd_code check_wish(const sig_request *r, const recorded *o, const sig_stands *stands,
                          int64_t now_ms, cd_err *err)
{
  cd_digest wish;
  int64_t lease_ms = 0;
  bool ended =
      stands->kind == CD_ORDER_ISOLATE && stands->lease_ms != 0 && stands->lease_ms <= now_ms;
  if (ended && o->kind == CD_ORDER_RELEASE)
    return CD_OK;
  if (follows_exclusions(o) && stands->kind == CD_ORDER_ISOLATE && o->kind == CD_ORDER_ISOLATE)
    return CD_OK;
  cd_code rc = cd_wish_of(r->parameters, &wish, &lease_ms, err);
  if (rc == CD_OK && (stands->kind != o->kind || !cd_digest_equal(&stands->wish, &wish)))
    rc = cd_fail(err, CD_E_DENIED, "action '%s' is not what entry %llu, which it repeats, asks",
                 r->action, (unsigned long long)o->repeats.sequence);
  return rc;
}

static cd_code check_repeats(sig_signer *s, const sig_request *r, const recorded *o, int64_t now_ms,
                             cd_err *err)
{
  sig_stands stands = {0};
  cd_state state = cd_order_kind_state(o->kind);
  if (state == CD_STATE_NONE ||
      (o->repeats.sequence == 0 && !cd_str_eq_cstr(o->source, CON_SOURCE_CONSOLE) &&
       !follows_exclusions(o)))
    return CD_OK;
  if (o->repeats.sequence == 0)
    return cd_fail(err, CD_E_DENIED, "action '%s' is the console's own and repeats nothing",
                   r->action);
  cd_code rc = sig_standing_of(s->log.standing, cd_str_from(r->device), state,
                               cd_str_from(r->action), &stands, err);
  if (rc != CD_OK)
    return rc;
  if (stands.entry.sequence != o->repeats.sequence ||
      !cd_digest_equal(&stands.entry.digest, &o->repeats.digest))
    return cd_fail(err, CD_E_DENIED,
                   "action '%s' repeats entry %llu of the audit log, but entry %llu is what was "
                   "last asked of device '%s'",
                   r->action, (unsigned long long)o->repeats.sequence,
                   (unsigned long long)stands.entry.sequence, r->device);
  return check_wish(r, o, &stands, now_ms, err);
}

/* Whether the order takes something from the device: an isolation does, and a remediation that does
 * not only take back what an earlier one did. */
static cd_code takes(const sig_request *r, cd_order_kind kind, bool *ret_takes, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_remediation remediation = {0};
  *ret_takes = kind == CD_ORDER_ISOLATE;
  if (kind != CD_ORDER_REMEDIATE)
    return CD_OK;
  cd_code rc = cd_json_parse(r->parameters, CD_PARAMETERS_MAX, "the parameters", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_remediation_read(&root, &remediation);
  rc = cd_json_done(&root, err);
  cd_json_free(doc);
  *ret_takes = !cd_operation_gives_back(remediation.operation);
  return rc;
}

static cd_code check_devices(sig_signer *s, const sig_request *r, cd_order_kind kind,
                             int64_t now_ms, cd_err *err)
{
  uint64_t count = 0;
  bool isolates = kind == CD_ORDER_ISOLATE;
  uint64_t cap = isolates ? s->config.isolated_per_hour : s->config.remediated_per_hour;
  cd_code rc = sig_state_count_devices(s->state, now_ms - HOUR_MS, cd_str_from(r->device),
                                       cd_str_from(cd_order_kind_name(kind)), &count, err);
  if (rc == CD_OK && count >= cap)
    return cd_fail(err, CD_E_LIMIT, "%llu devices were %s in the last hour, which is the cap",
                   (unsigned long long)count, isolates ? "isolated" : "remediated");
  return rc;
}

static cd_code check_caps(sig_signer *s, const sig_request *r, cd_order_kind kind, int64_t now_ms,
                          cd_err *err)
{
  uint64_t count = 0;
  bool taken = false;
  cd_code rc = takes(r, kind, &taken, err);
  if (rc == CD_OK && taken && sig_config_protects(&s->config, r->device))
    return cd_fail(err, CD_E_DENIED, "device '%s' is protected: it is never %s", r->device,
                   kind == CD_ORDER_ISOLATE ? "isolated" : "remediated");
  if (rc == CD_OK)
    rc = sig_state_count_orders(s->state, now_ms - MINUTE_MS, &count, err);
  if (rc == CD_OK && count >= s->config.orders_per_minute)
    return cd_fail(err, CD_E_LIMIT, "%llu orders were signed in the last minute, which is the cap",
                   (unsigned long long)count);
  return rc == CD_OK && taken ? check_devices(s, r, kind, now_ms, err) : rc;
}

static cd_code write_order(sig_signer *s, const sig_request *r, const sig_entry *e,
                           const recorded *o, int64_t now_ms, cd_jw *w, cd_err *err)
{
  cd_buf jws = CD_BUF_INIT(cd_jws_max(&cd_jws_order));
  cd_order order = {.kind = o->kind,
                    .generation = r->generation,
                    .issued_ms = now_ms,
                    .expires_ms = r->expires_ms,
                    .audit_sequence = r->audit.sequence,
                    .audit_digest = r->audit.digest,
                    .comment = o->comment,
                    .parameters = r->parameters};
  memcpy(order.device, r->device, sizeof(order.device));
  memcpy(order.action, r->action, sizeof(order.action));
  memcpy(order.requestor, e->who, sizeof(order.requestor));
  cd_code rc = cd_order_sign(&order, s->keys.order.key, &sig_random, &jws, err);
  if (rc == CD_OK) {
    cd_jw_str(w, "order", cd_buf_view(&jws));
    cd_jw_cstr(w, "order_key", s->keys.order.statement);
  }
  cd_buf_release(&jws);
  return rc;
}

/* Kept before it is signed: what a crash leaves behind is counted, not forgotten. */
static cd_code keep(sig_signer *s, const sig_request *r, cd_order_kind kind, int64_t now_ms,
                    cd_err *err)
{
  cd_code rc = sig_state_signed(s->state, now_ms, cd_str_from(r->action), cd_str_from(r->device),
                                cd_str_from(cd_order_kind_name(kind)), r->generation,
                                r->audit.sequence, err);
  return rc == CD_OK
             ? sig_standing_signed(s->log.standing, cd_str_from(r->action), r->generation, err)
             : rc;
}

cd_code sig_sign_order(sig_signer *s, const sig_request *r, cd_jw *w, cd_err *err)
{
  sig_entry e = {0};
  recorded o = {0};
  int64_t now_ms = s->now_ms();
  CD_FAULT_POINT("signer.asked");
  cd_code rc = sig_log_catch_up_riding(&s->log, err);
  if (rc == CD_OK)
    rc = sig_entry_read(&s->log, &r->audit, &e, err);
  if (rc == CD_OK)
    rc = read_recorded(&e, &o, err);
  if (rc == CD_OK)
    rc = match(r, &e, &o, err);
  if (rc == CD_OK)
    rc = check_state(s, r, now_ms, err);
  if (rc == CD_OK)
    rc = check_repeats(s, r, &o, now_ms, err);
  if (rc == CD_OK)
    rc = check_caps(s, r, o.kind, now_ms, err);
  if (rc == CD_OK) {
    CD_FAULT_POINT("signer.order_judged");
    rc = keep(s, r, o.kind, now_ms, err);
  }
  CD_FAULT_POINT("signer.kept");
  if (rc == CD_OK)
    rc = write_order(s, r, &e, &o, now_ms, w, err);
  CD_FAULT_POINT("signer.signed");
  sig_entry_release(&e);
  return rc;
}

/* A mark makes no device do anything, so it does not wait for the audit log to be right: devices
 * stay connected while an administrator looks into it. */
cd_code sig_sign_mark(sig_signer *s, const sig_request *r, cd_jw *w, cd_err *err)
{
  cd_buf jws = CD_BUF_INIT(cd_jws_max(&cd_jws_mark));
  cd_mark m = {.from = CD_MARK_FROM_CONSOLE,
               .at_ms = s->now_ms(),
               .key_generation = s->keys.order.said.generation};
  memcpy(m.device, r->device, sizeof(m.device));
  memcpy(m.nonce, r->nonce, sizeof(m.nonce));
  memcpy(m.generations, r->generations, sizeof(m.generations));
  cd_code rc = cd_mark_sign(&m, s->keys.order.key, &sig_random, &jws, err);
  if (rc == CD_OK) {
    cd_jw_str(w, "mark", cd_buf_view(&jws));
    cd_jw_cstr(w, "order_key", s->keys.order.statement);
  }
  cd_buf_release(&jws);
  return rc;
}
