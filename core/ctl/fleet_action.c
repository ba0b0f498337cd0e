/* One action as the console tells it, in the words of docs/ipc.md: so what renders and judges an
 * action of this device does it for every device. */
#include "fleet_read.h"

#include "base/id.h"

#include "base/banned.h"

static void read_package(cd_json *obj, fleet_detail *d)
{
  cd_json package = {0};
  if (!cd_json_opt_obj(obj, "package", &package))
    return;
  cd_json_str(&package, "state", FLEET_TEXT_MAX, &d->package_state);
  (void)cd_json_opt_str(&package, "missing", FLEET_TEXT_MAX, &d->package_missing);
}

void fleet_detail_read(cd_json *obj, fleet_detail *ret_detail)
{
  fleet_detail d = {0};
  cd_json_str(obj, "id", FLEET_TEXT_MAX, &d.id);
  if (!cd_id_valid(d.id))
    cd_json_bad(obj, "id", "is no id of an action");
  cd_json_str(obj, "kind", FLEET_TEXT_MAX, &d.kind);
  cd_json_str(obj, "status", FLEET_TEXT_MAX, &d.status);
  (void)cd_json_opt_str(obj, "machineId", FLEET_TEXT_MAX, &d.machine);
  (void)cd_json_opt_str(obj, "computerDnsName", FLEET_TEXT_MAX, &d.name);
  (void)cd_json_opt_str(obj, "requestor", FLEET_TEXT_MAX, &d.requestor);
  (void)cd_json_opt_str(obj, "comment", FLEET_TEXT_MAX, &d.comment);
  (void)cd_json_opt_str(obj, "ticket", FLEET_TEXT_MAX, &d.ticket);
  (void)cd_json_opt_str(obj, "created", FLEET_TEXT_MAX, &d.created);
  (void)cd_json_opt_str(obj, "sent", FLEET_TEXT_MAX, &d.sent);
  (void)cd_json_opt_str(obj, "updated", FLEET_TEXT_MAX, &d.updated);
  (void)cd_json_opt_str(obj, "waitsFor", FLEET_TEXT_MAX, &d.waits);
  (void)cd_json_opt_str(obj, "outcome", FLEET_TEXT_MAX, &d.outcome);
  (void)cd_json_opt_str(obj, "sentence", FLEET_TEXT_MAX, &d.sentence);
  (void)cd_json_opt_obj(obj, "progress", &d.progress);
  (void)cd_json_opt_obj(obj, "parameters", &d.parameters);
  (void)cd_json_opt_obj(obj, "evidence", &d.evidence);
  read_package(obj, &d);
  *ret_detail = d;
}

bool fleet_status_ended(cd_str status)
{
  return !cd_str_eq_cstr(status, "Pending") && !cd_str_eq_cstr(status, "InProgress");
}

static void write_text(cd_jw *w, const char *key, cd_str text)
{
  if (text.len == 0)
    cd_jw_null(w, key);
  else
    cd_jw_str(w, key, text);
}

static void write_part(cd_jw *w, const char *key, const cd_json *part)
{
  if (part->node == NULL)
    cd_jw_null(w, key);
  else
    cd_jw_value(w, key, part);
}

/* An action that ended without a word of the device. */
static cd_str outcome_of(const fleet_detail *d)
{
  if (d->outcome.len > 0)
    return d->outcome;
  if (cd_str_eq_cstr(d->status, "TimeOut"))
    return CD_STR("deadline");
  if (cd_str_eq_cstr(d->status, "Cancelled"))
    return CD_STR("cancelled");
  return cd_str_eq_cstr(d->status, "Failed") ? CD_STR("internal") : (cd_str){0};
}

cd_code fleet_action_as_local(const fleet_detail *d, cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_str(&w, "id", d->id);
  cd_jw_str(&w, "kind", d->kind);
  cd_jw_str(&w, "status", d->status);
  cd_jw_str(&w, "comment", d->comment);
  cd_jw_obj(&w, "requestor");
  cd_jw_str(&w, "user", d->requestor);
  cd_jw_end_obj(&w);
  write_text(&w, "created", d->created);
  write_text(&w, "started", d->sent);
  write_text(&w, "ended", fleet_status_ended(d->status) ? d->updated : (cd_str){0});
  write_part(&w, "params", &d->parameters);
  write_text(&w, "outcome", outcome_of(d));
  write_text(&w, "sentence", d->sentence);
  write_part(&w, "result", &d->evidence);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the action", err);
}
