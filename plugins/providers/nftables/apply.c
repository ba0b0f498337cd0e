/* apply and release: one transaction of the kernel each. There is no undo to note, since each is
 * whole or not at all. */
#include "isolate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"
#include "nft.h"
#include "packets.h"
#include "sockets.h"
#include "spaces.h"
#include "support/fault.h"
#include "support/json.h"
#include "survey.h"
#include "targets.h"

enum {
  GUARD_WAIT_MS = 3000, /* another process that has the guard is most likely about to end */
  RELEASE_STEPS = 2
};

static cordon_status answer_dry_run(const sup_call *call, iso_params *p, const char *rules,
                                    sup_err *err)
{
  cordon_status status = call->apply_follows ? CORDON_OK : iso_nft_load(rules, true, err);
  iso_survey *survey = calloc(1, sizeof(*survey));
  if (status == CORDON_OK && survey == NULL)
    status = sup_fail(err, CORDON_E_LIMIT, "there is no memory to look at this device");
  if (status == CORDON_OK)
    iso_groups_find_below("", p->groups, p->group_count);
  if (status == CORDON_OK)
    status = iso_survey_take(p, call, survey, err);
  if (status == CORDON_OK) {
    cJSON *result = cJSON_CreateObject();
    (void)cJSON_AddBoolToObject(result, "dry_run", 1);
    (void)cJSON_AddStringToObject(result, "rules", rules);
    iso_findings_add(survey, result);
    status = sup_call_result(call, result, err);
    cJSON_Delete(result);
  }
  if (survey != NULL)
    iso_survey_release(survey);
  free(survey);
  return status;
}

/* The plain table is in force. The guard goes beside it, where that is possible: another process's
 * is waited for, which is most likely about to end. */
static cordon_status take_guard(iso_plugin *self, const iso_rules *r, iso_holding *h, sup_err *err)
{
  iso_guard *g = &self->guard;
  sup_err why = {0};
  cordon_status status = iso_guard_look(g, r->tag, &h->guard, err);
  if (status != CORDON_OK || h->guard == ISO_GUARD_HELD || r->blind || !iso_guard_possible(g))
    return status;
  if (h->guard == ISO_GUARD_FOREIGN && !iso_guard_wait(g, GUARD_WAIT_MS))
    return CORDON_OK;
  if (iso_load(self, true, sup_text_get(&r->guard), &why) == CORDON_OK) {
    iso_guard_note(g, r->tag);
  } else {
    iso_guard_refused(g, &why);
    g->unsupported = !iso_guard_works();
  }
  return iso_guard_look(g, r->tag, &h->guard, err);
}

/* What became of the sockets, here and in other namespaces. */
typedef struct outcome {
  iso_ended ended;
  const char *note; /* why some may be left, NULL if none is */
  iso_spaces spaces;
} outcome;

static void add_sockets(cJSON *details, const outcome *o)
{
  cJSON *sockets = cJSON_AddObjectToObject(details, "sockets");
  (void)cJSON_AddNumberToObject(sockets, "passes", o->ended.passes);
  (void)cJSON_AddNumberToObject(sockets, "failed", o->ended.failed);
  if (o->note != NULL)
    sup_json_add_text(sockets, "note", o->note);
  iso_spaces_add(&o->spaces, details);
}

static cordon_status answer_apply(const iso_plugin *self, const sup_call *call, const iso_params *p,
                                  const iso_holding *h, bool changed, const outcome *o,
                                  sup_err *err)
{
  cJSON *result = cJSON_CreateObject();
  (void)cJSON_AddStringToObject(result, "state", iso_state_name(h->state));
  (void)cJSON_AddStringToObject(result, "digest", h->digest);
  (void)cJSON_AddNumberToObject(result, "sockets_ended",
                                o->ended.ended + iso_spaces_ended(&o->spaces));
  (void)cJSON_AddBoolToObject(result, "changed", changed);
  cJSON *details = cJSON_AddObjectToObject(result, "details");
  (void)cJSON_AddStringToObject(details, "made_from", h->frame.tag);
  add_sockets(details, o);
  iso_packets_add(self->host, details);
  iso_guard_add(&self->guard, h->guard, details);
  if (p->strict)
    iso_strict_add(&h->strict, details);
  iso_services_add(p, details);
  cordon_status status = sup_call_result(call, result, err);
  cJSON_Delete(result);
  return status;
}

/* Our own sockets first, which are ended soonest. */
static cordon_status end_all(const iso_plugin *self, const sup_call *call, iso_params *p,
                             outcome *o, sup_err *err)
{
  iso_locals locals = {0};
  cordon_status status = iso_locals_read(&locals, err);
  iso_groups_find_below("", p->groups, p->group_count);
  if (status == CORDON_OK)
    status = iso_sockets_end(p, call, &locals, &o->ended, err);
  if (status == CORDON_OK)
    status = iso_spaces_end(self->host, call, p, &locals, &o->spaces, err);
  iso_locals_release(&locals);
  return status;
}

/* The rules hold whatever becomes of the sockets: what could not be ended makes the work partial.
 */
static cordon_status end_sockets(const iso_plugin *self, const sup_call *call, iso_params *p,
                                 const iso_holding *h, bool changed, sup_err *err)
{
  sup_err why = {0};
  outcome *o = calloc(1, sizeof(*o));
  if (o == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory to end sockets");
  cordon_status ended = end_all(self, call, p, o, &why);
  SUP_FAULT_POINT("nftables.sockets_ended");
  o->note = ended != CORDON_OK ? why.sentence : iso_ended_note(&o->ended);
  cordon_status status = answer_apply(self, call, p, h, changed, o, err);
  if (status != CORDON_OK)
    goto done;
  sup_call_progress(call, ISO_APPLY_STEPS, ISO_APPLY_STEPS, "sockets ended");
  bool stopped = ended == CORDON_E_CANCELLED || ended == CORDON_E_DEADLINE;
  if (o->note != NULL)
    status = sup_fail(err, stopped ? ended : CORDON_PARTIAL,
                      "the rules are in force, but not all sockets were ended: %s", o->note);
  else if (h->guard == ISO_GUARD_FOREIGN)
    status = sup_fail(err, CORDON_PARTIAL,
                      "the rules are in force, but another process keeps a table "
                      "inet " ISO_GUARD_TABLE " of its own, which may drop more than they do");
done:
  free(o);
  return status;
}

/* What cannot be read is loaded anew, which is what puts it right. The record is put away while we
 * look: if reading ends this process, as an enormous table can, the next one finds no record, does
 * not look and loads at once. */
static void look_before(iso_plugin *self, const iso_rules *r, iso_holding *ret_holding)
{
  iso_record known = self->record;
  sup_err why = {0};
  iso_expected same = {.tag = r->tag, .strict = r->params->strict, .params = r->params};
  *ret_holding = (iso_holding){.state = ISO_PARTIAL};
  if (strcmp(known.tag, r->tag) != 0)
    return;
  iso_record_put_away(self);
  if (iso_examine(self, &same, ret_holding, &why) != CORDON_OK)
    sup_log(self->host, 0, CORDON_LOG_WARN, "the rules are loaded anew: %s", why.sentence);
  iso_record_keep(self, known.tag, known.digest, &known.loaded);
}

/* Were these rules in force, as far as the agent or we know? Who took our record and our process
 * away must not get a repair refused by it. */
static bool stands(const iso_plugin *self, const sup_call *call, const char *tag)
{
  return call->held || strcmp(self->record.tag, tag) == 0 ||
         (self->guard.held && strcmp(self->guard.tag, tag) == 0);
}

/* What cannot be honoured is refused before anything changes. */
static cordon_status prepare(iso_plugin *self, const sup_call *call, iso_params *p, iso_rules *r,
                             sup_err *err)
{
  cordon_status status = iso_read_request(NULL, call, p, &r->plain, r->tag, err);
  if (status == CORDON_OK)
    status = iso_targets_check(p, err);
  if (status == CORDON_OK)
    status = iso_ruleset_render_guard(p, &r->guard, err);
  r->blind = p->groups_blind;
  if (status == CORDON_OK && p->strict)
    status = iso_strict_works(err);
  if (status == CORDON_OK && p->group_count > 0)
    status = iso_services_check(self, p, !call->dry_run && stands(self, call, r->tag), err);
  /* Before they are looked up again, so that no start falls between. */
  if (status == CORDON_OK && !call->dry_run && iso_names_set(&self->names, p))
    iso_watchers_wake_all(&self->watchers);
  return status;
}

static cordon_status put_in_force(iso_plugin *self, const sup_call *call, iso_rules *r,
                                  sup_err *err)
{
  iso_holding h = {0};
  look_before(self, r, &h);
  bool whole = h.state == ISO_ISOLATED && h.recorded && h.strict.uncovered[0] == '\0';
  bool changed = !whole || h.groups == ISO_GROUPS_STALE;
  cordon_status status = CORDON_OK;
  if (!whole)
    status = iso_rules_load(self, call, r, &h, err);
  else if (changed)
    status = iso_rules_renew(self, call, r, &h, err);
  if (status == CORDON_OK)
    status = take_guard(self, r, &h, err);
  if (status != CORDON_OK)
    return status;
  SUP_FAULT_POINT("nftables.read_back");
  sup_call_progress(call, 3, ISO_APPLY_STEPS, "rules read back");
  return end_sockets(self, call, r->params, &h, changed, err);
}

cordon_status iso_apply(iso_plugin *self, const sup_call *call, sup_err *err)
{
  iso_params p = {0};
  iso_rules r = {.params = &p,
                 .plain = SUP_TEXT_INIT(ISO_RULESET_ROOM),
                 .guard = SUP_TEXT_INIT(ISO_RULESET_ROOM),
                 .strict = SUP_TEXT_INIT(ISO_RULESET_MAX)};
  cordon_status status = prepare(self, call, &p, &r, err);
  if (status == CORDON_OK && call->dry_run) {
    status = answer_dry_run(call, &p, sup_text_get(&r.plain), err);
  } else if (status == CORDON_OK) {
    sup_call_progress(call, 1, ISO_APPLY_STEPS, "rules made");
    status = put_in_force(self, call, &r, err);
  }
  iso_params_release(&p);
  iso_rules_release(&r);
  return status;
}

static cordon_status answer_release(const sup_call *call, bool changed, sup_err *err)
{
  cJSON *result = cJSON_CreateObject();
  if (call->dry_run) {
    (void)cJSON_AddBoolToObject(result, "dry_run", 1);
    (void)cJSON_AddStringToObject(result, "rules", changed ? ISO_RULESET_DELETE : "");
  } else {
    (void)cJSON_AddStringToObject(result, "state", iso_state_name(ISO_RELEASED));
    (void)cJSON_AddBoolToObject(result, "changed", changed);
  }
  cordon_status status = sup_call_result(call, result, err);
  cJSON_Delete(result);
  return status;
}

/* Which tables of ours are there. */
typedef struct tables {
  bool plain;
  bool guard; /* whoever has it */
  bool strict;
} tables;

static cordon_status find_tables(tables *ret_tables, sup_err *err)
{
  tables t = {.plain = false};
  cordon_status status = iso_nft_has_table(&iso_plain_table, &t.plain, NULL, err);
  if (status == CORDON_OK)
    status = iso_nft_has_table(&iso_guard_table, &t.guard, NULL, err);
  if (status == CORDON_OK)
    status = iso_nft_has_table(&iso_strict_table, &t.strict, NULL, err);
  if (status == CORDON_OK)
    *ret_tables = t;
  return status;
}

/* In one transaction. An own guard that cannot be deleted goes with its socket. */
static cordon_status delete_tables(iso_plugin *self, const tables *t, sup_err *err)
{
  sup_err why = {0};
  char without[512];
  char with[1024];
  bool held = self->guard.held;
  (void)snprintf(without, sizeof(without), "%s%s", ISO_RULESET_DELETE,
                 t->strict ? ISO_STRICT_DELETE : "");
  (void)snprintf(with, sizeof(with), "%s%s", without, ISO_GUARD_DELETE);
  if (held && iso_load(self, true, with, &why) == CORDON_OK) {
    iso_guard_note(&self->guard, NULL);
    return CORDON_OK;
  }
  if (held)
    iso_guard_drop(&self->guard);
  return iso_load(self, false, without, err);
}

static cordon_status delete_rules(iso_plugin *self, const sup_call *call, const tables *t,
                                  sup_err *err)
{
  tables left = {.plain = true};
  sup_err why = {0};
  SUP_FAULT_POINT("nftables.before_delete");
  cordon_status status = delete_tables(self, t, err);
  if (status != CORDON_OK)
    return status;
  SUP_FAULT_POINT("nftables.deleted");
  sup_call_progress(call, 1, RELEASE_STEPS, "rules deleted");
  (void)iso_guard_wait(&self->guard, GUARD_WAIT_MS);
  if (find_tables(&left, &why) != CORDON_OK)
    return sup_fail(err, CORDON_E_UNVERIFIED,
                    "the rules were deleted, but that could not be read back: %s", why.sentence);
  if (left.plain || left.strict)
    return sup_fail(err, CORDON_E_UNVERIFIED,
                    "the rules were deleted, but a table of that name is there again");
  if (left.guard)
    return sup_fail(
        err, CORDON_E_UNVERIFIED,
        "the rules were deleted, but another process keeps a table inet " ISO_GUARD_TABLE
        ", which nobody else can delete and which still isolates: end that process");
  return CORDON_OK;
}

/* The parameters are not even looked at: nothing in them could be a reason to keep a device
 * isolated. */
cordon_status iso_release(iso_plugin *self, const sup_call *call, sup_err *err)
{
  tables t = {.plain = false};
  cordon_status status = find_tables(&t, err);
  bool there = t.plain || t.guard || t.strict;
  if (status == CORDON_OK && there)
    status = call->dry_run ? iso_nft_load(ISO_RULESET_DELETE, true, err)
                           : delete_rules(self, call, &t, err);
  if (status != CORDON_OK)
    return status;
  if (!call->dry_run)
    iso_record_keep(self, "", "", NULL);
  if (!call->dry_run && iso_names_set(&self->names, NULL))
    iso_watchers_wake_all(&self->watchers);
  sup_call_progress(call, RELEASE_STEPS, RELEASE_STEPS, "released");
  return answer_release(call, there, err);
}
