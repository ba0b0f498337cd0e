/* What is proven of an action. Nothing is printed that is not signed, or vouched for by the signer.
 */
#include "render_proof.h"

#include "table.h"
#include "text.h"

#include "base/clock.h"

#include "base/banned.h"

static const ctl_style plain = {0};

static void add_time(cd_buf *out, int64_t ms)
{
  char text[CD_TIME_TEXT_MAX];
  cd_time_text(ms, text);
  ctl_time_add(out, cd_str_from(text));
}

/* "full" or "selective", by the order; where there is none, by the log. Empty: no isolation. */
static cd_str scope_of(const fleet_proof *p, char type[CD_WORD_MAX + 1])
{
  cd_json_doc *doc = NULL;
  cd_str said = {0};
  cd_err unused = {0};
  if (p->log.kind != CD_ORDER_ISOLATE || !p->has_order ||
      cd_json_parse(p->order.parameters, CD_PARAMETERS_MAX, "the order", &doc, &unused) != CD_OK)
    return p->log.scope;
  cd_json root = cd_json_root(doc);
  (void)cd_json_opt_str(&root, "type", CD_WORD_MAX, &said);
  (void)cd_str_copy(type, CD_WORD_MAX + 1, said);
  cd_json_free(doc);
  return cd_str_from(type);
}

/* How the device stood with what the action changes, when that had ended. */
static const cd_values *values_of(const fleet_proof *p)
{
  for (unsigned i = 0; p->has_result && i < p->result.state_count; i++)
    if (p->result.states[i].state == cd_order_kind_state(p->result.kind))
      return &p->result.states[i];
  return NULL;
}

/* ---- for people ---- */

static void add_line(cd_buf *out, const char *label, cd_str text)
{
  ctl_line(out, &plain, label, CTL_PLAIN, text);
}

static void add_by(cd_buf *out, const char *label, cd_str who, int64_t ms)
{
  ctl_label(out, &plain, label);
  ctl_text_add(out, who);
  cd_buf_add_cstr(out, ", ");
  add_time(out, ms);
  cd_buf_add_char(out, '\n');
}

static void add_asked(const fleet_proof *p, cd_buf *out)
{
  const fleet_proof_log *log = &p->log;
  char type[CD_WORD_MAX + 1] = "";
  cd_str scope = scope_of(p, type);
  ctl_label(out, &plain, "Action");
  cd_buf_addf(out, "%s%s", cd_order_kind_name(log->kind), scope.len > 0 ? " (" : "");
  ctl_text_add(out, scope);
  cd_buf_addf(out, "%s, %s\n", scope.len > 0 ? ")" : "", p->action);
  add_line(out, "Device", cd_str_from(p->device));
  add_by(out, "Asked by", log->requestor, log->asked_ms);
  if (log->origin != FLEET_ORIGIN_ORDERED)
    add_line(out, "Asked",
             log->origin == FLEET_ORIGIN_LOCAL
                 ? CD_STR("on the device itself")
                 : CD_STR("found in force there, by an order that the console knew nothing of"));
  add_line(out, "Comment",
           log->origin == FLEET_ORIGIN_LOCAL && p->has_result ? p->result.comment : log->comment);
  add_line(out, "Ticket", log->ticket);
  if (log->cancelled) {
    add_by(out, "Cancelled", log->cancel_by, log->cancelled_ms);
    add_line(out, "Because", log->cancel_comment);
  }
}

static void add_order(const fleet_proof *p, cd_buf *out)
{
  ctl_label(out, &plain, "Order");
  if (p->has_order) {
    cd_buf_addf(out, "generation %llu, signed ", (unsigned long long)p->order.generation);
    add_time(out, p->order.issued_ms);
    cd_buf_add_cstr(out, p->has_result && !p->same_order
                             ? "; the result answers an earlier order of the action\n"
                             : "\n");
  } else {
    cd_buf_add_cstr(out, "none\n");
  }
}

static void add_values(const fleet_proof *p, cd_buf *out)
{
  const cd_values *v = values_of(p);
  if (v == NULL)
    return;
  ctl_label(out, &plain, "Enforced");
  cd_buf_addf(out, "%s, ", cd_enforced_value_name(v->enforced));
  add_time(out, v->enforced_at_ms);
  cd_buf_add_char(out, '\n');
  ctl_label(out, &plain, "Proven");
  cd_buf_addf(out, "%s, ", cd_proven_value_name(v->proven));
  add_time(out, v->proven_at_ms);
  cd_buf_add_char(out, '\n');
}

static void add_result(const fleet_proof *p, cd_buf *out)
{
  char digest[CD_DIGEST_TEXT_MAX];
  ctl_label(out, &plain, "Status");
  if (!p->ended) {
    cd_buf_add_cstr(out, "not ended, as far as the log tells\n");
    return;
  }
  cd_buf_addf(out, "%s, %s\n", cd_action_status_name(p->status),
              p->has_result  ? "signed by the device"
              : p->log.ended ? "by the console's word; the device has said nothing"
                             : "before the device said anything");
  add_line(out, "Outcome", p->log.outcome);
  add_line(out, "Because", p->log.sentence);
  if (!p->has_result)
    return;
  ctl_label(out, &plain, "Ended");
  add_time(out, p->result.ended_ms);
  cd_buf_add_cstr(out, " by the device's clock\n");
  add_values(p, out);
  if (!p->has_package)
    return;
  cd_digest_text(&p->package.digest, digest);
  ctl_label(out, &plain, "Package");
  cd_buf_addf(out, "%llu bytes, %s\n", (unsigned long long)p->package.bytes, digest);
}

void fleet_proof_print(const fleet_proof *p, cd_buf *out)
{
  add_asked(p, out);
  add_order(p, out);
  add_result(p, out);
  ctl_label(out, &plain, "Audit log");
  cd_buf_addf(out, "%zu entries, vouched for at entry %llu\n", p->entries,
              (unsigned long long)p->head);
}

/* ---- as JSON ---- */

static void write_text(cd_jw *w, const char *key, cd_str text)
{
  if (text.len > 0)
    cd_jw_str(w, key, text);
  else
    cd_jw_null(w, key);
}

static void write_asked(const fleet_proof *p, cd_jw *w)
{
  static const char *const origins[] = {[FLEET_ORIGIN_NONE] = NULL,
                                        [FLEET_ORIGIN_ORDERED] = "ordered",
                                        [FLEET_ORIGIN_LOCAL] = "local",
                                        [FLEET_ORIGIN_ADOPTED] = "adopted"};
  const fleet_proof_log *log = &p->log;
  char type[CD_WORD_MAX + 1] = "";
  cd_jw_cstr(w, "origin", origins[log->origin]);
  cd_jw_cstr(w, "kind", cd_order_kind_name(log->kind));
  write_text(w, "type", scope_of(p, type));
  write_text(w, "requestor", log->requestor);
  cd_jw_time(w, "asked", log->asked_ms);
  write_text(w, "comment",
             log->origin == FLEET_ORIGIN_LOCAL && p->has_result ? p->result.comment : log->comment);
  write_text(w, "ticket", log->ticket);
  write_text(w, "cancelledBy", log->cancel_by);
  cd_jw_time(w, "cancelled", log->cancelled_ms);
  write_text(w, "cancelComment", log->cancel_comment);
}

static void write_ended(const fleet_proof *p, cd_jw *w)
{
  char digest[CD_DIGEST_TEXT_MAX];
  const cd_values *v = values_of(p);
  cd_jw_cstr(w, "status", p->ended ? cd_action_status_name(p->status) : NULL);
  cd_jw_bool(w, "signedByDevice", p->has_result);
  write_text(w, "outcome", p->log.outcome);
  write_text(w, "sentence", p->log.sentence);
  cd_jw_time(w, "ended", p->has_result ? p->result.ended_ms : 0);
  cd_jw_cstr(w, "enforced", v != NULL ? cd_enforced_value_name(v->enforced) : NULL);
  cd_jw_cstr(w, "proven", v != NULL ? cd_proven_value_name(v->proven) : NULL);
  if (!p->has_package) {
    cd_jw_null(w, "package");
    return;
  }
  cd_digest_text(&p->package.digest, digest);
  cd_jw_obj(w, "package");
  cd_jw_u64(w, "bytes", p->package.bytes);
  cd_jw_cstr(w, "digest", digest);
  cd_jw_end_obj(w);
}

void fleet_proof_write(const fleet_proof *p, cd_jw *w)
{
  cd_jw_cstr(w, "root", p->root);
  cd_jw_cstr(w, "action", p->action);
  cd_jw_cstr(w, "device", p->device);
  cd_jw_bool(w, "order", p->has_order);
  write_asked(p, w);
  write_ended(p, w);
}
