/* apply and release: one transaction of the kernel each. There is no undo to note, since each is
 * whole or not at all. */
#include "isolate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nft.h"
#include "packets.h"
#include "sockets.h"
#include "spaces.h"
#include "support/fault.h"
#include "support/json.h"
#include "survey.h"
#include "targets.h"

enum {
  APPLY_STEPS = 4,
  GUARD_WAIT_MS = 3000, /* another process that has the guard is most likely about to end */
  RELEASE_STEPS = 2,
  LOAD_TRIES = 32 /* a few milliseconds each */
};

static cordon_status answer_dry_run(const sup_call *call, const iso_params *p, const char *rules,
                                    sup_err *err)
{
  cordon_status status = call->apply_follows ? CORDON_OK : iso_nft_load(rules, true, err);
  iso_survey *survey = calloc(1, sizeof(*survey));
  if (status == CORDON_OK && survey == NULL)
    status = sup_fail(err, CORDON_E_LIMIT, "there is no memory to look at this device");
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

/* What an apply loads, and as what it is known afterwards. */
typedef struct rules {
  iso_params *params;
  sup_text plain; /* replaces the table */
  sup_text guard;
  sup_text
      strict; /* replaces the table of strict, or takes it away; empty if there is nothing to do */
  char tag[ISO_TAG_LEN + 1];
} rules;

static void rules_release(rules *r)
{
  sup_text_release(&r->plain);
  sup_text_release(&r->guard);
  sup_text_release(&r->strict);
}

/* The links are read anew for each load: one that came meanwhile would be left out. */
static cordon_status rules_for_links(rules *r, sup_err *err)
{
  iso_hooks links;
  bool there = false;
  sup_text_release(&r->strict);
  r->strict = (sup_text)SUP_TEXT_INIT(ISO_RULESET_MAX);
  if (r->params->strict) {
    cordon_status status = iso_hooks_read(&links, err);
    return status == CORDON_OK ? iso_ruleset_render_strict(r->params, &links, &r->strict, err)
                               : status;
  }
  cordon_status status = iso_nft_has_table(&iso_strict_table, &there, NULL, err);
  if (status == CORDON_OK && there)
    sup_text_add(&r->strict, ISO_STRICT_DELETE);
  return status;
}

/* With the control groups of the services that run now, or of none. */
static cordon_status rules_for_services(rules *r, bool running, sup_err *err)
{
  iso_params *p = r->params;
  if (p->group_count == 0)
    return CORDON_OK;
  iso_groups_find("", p->groups, p->group_count);
  for (size_t i = 0; i < p->group_count && !running; i++)
    p->groups[i].path[0] = '\0';
  sup_text_release(&r->plain);
  sup_text_release(&r->guard);
  r->plain = (sup_text)SUP_TEXT_INIT(ISO_RULESET_MAX);
  r->guard = (sup_text)SUP_TEXT_INIT(ISO_RULESET_MAX);
  cordon_status status = iso_ruleset_render(p, &r->plain, r->tag, err);
  return status == CORDON_OK ? iso_ruleset_render_guard(p, &r->guard, err) : status;
}

static cordon_status load_text(iso_plugin *self, const rules *r, bool guarded, sup_err *err)
{
  sup_text all = SUP_TEXT_INIT(3 * ISO_RULESET_MAX);
  sup_text_add(&all, sup_text_get(&r->plain));
  sup_text_add(&all, sup_text_get(&r->strict));
  if (guarded)
    sup_text_add(&all, sup_text_get(&r->guard));
  cordon_status status = all.failed
                             ? sup_fail(err, CORDON_E_LIMIT, "there is no memory for the rules")
                             : iso_load(self, guarded, sup_text_get(&all), err);
  sup_text_release(&all);
  return status;
}

/* One transaction for everything. Where that does not go because of the guard, it goes without; an
 * own guard is given up first, so that none with other rules is left. */
static cordon_status load_all(iso_plugin *self, const rules *r, sup_err *err)
{
  sup_err why = {0};
  if (iso_guard_possible(&self->guard)) {
    if (load_text(self, r, true, &why) == CORDON_OK) {
      iso_guard_note(&self->guard, r->tag);
      return CORDON_OK;
    }
    iso_guard_refused(&self->guard, &why);
  }
  return load_text(self, r, false, err);
}

/* One transaction, without giving anything up for it. */
static cordon_status load_gently(iso_plugin *self, const rules *r, sup_err *err)
{
  bool guarded = iso_guard_possible(&self->guard);
  cordon_status status = load_text(self, r, guarded, err);
  if (status == CORDON_OK && guarded)
    iso_guard_note(&self->guard, r->tag);
  return status;
}

/* A group that went since it was looked up keeps all of the rules out. Without any they go in, and
 * are renewed. */
static cordon_status load_whatever_runs(iso_plugin *self, rules *r, sup_err *err)
{
  iso_params *p = r->params;
  sup_err why = {0};
  cordon_status status = rules_for_services(r, true, err);
  if (status != CORDON_OK || !iso_groups_any(p->groups, p->group_count))
    return status == CORDON_OK ? load_all(self, r, err) : status;
  if (load_gently(self, r, &why) == CORDON_OK)
    return CORDON_OK;
  if (!iso_groups_moved(p->groups, p->group_count) && load_all(self, r, &why) == CORDON_OK)
    return CORDON_OK;
  sup_log(self->host, 0, CORDON_LOG_INFO, "the rules are loaded without the excluded services: %s",
          why.sentence);
  status = rules_for_services(r, false, err);
  return status == CORDON_OK ? load_all(self, r, err) : status;
}

/* Loads once and reads back. `ret_alone`: nobody changed nftables from before the load until after
 * the reading, so that what was read is what was loaded. Its digest would else be trusted from then
 * on with somebody's rule in it. */
static cordon_status load_once(iso_plugin *self, const sup_call *call, rules *r,
                               iso_holding *ret_holding, bool *ret_alone, sup_err *err)
{
  cordon_status status = sup_call_check(call, err);
  if (status == CORDON_OK)
    status = rules_for_links(r, err);
  if (status != CORDON_OK)
    return status;
  SUP_FAULT_POINT("nftables.before_load");
  status = load_whatever_runs(self, r, err);
  if (status != CORDON_OK)
    return status;
  SUP_FAULT_POINT("nftables.loaded");
  sup_err why = {0};
  iso_expected loaded = {
      .tag = r->tag, .strict = r->params->strict, .fresh = true, .params = r->params};
  status = iso_examine(self, &loaded, ret_holding, &why);
  if (status == CORDON_OK)
    status = iso_gens_undisturbed(&self->gens, ret_alone, &why);
  if (status != CORDON_OK)
    return sup_fail(err, CORDON_E_UNVERIFIED,
                    "the rules were loaded, but could not be read back: %s", why.sentence);
  return CORDON_OK;
}

static cordon_status judge_loaded(const iso_holding *h, const rules *r, sup_err *err)
{
  iso_shape wanted;
  iso_listing_shape(sup_text_get(&r->plain), &wanted);
  if (h->state != ISO_ISOLATED)
    return sup_fail(err, CORDON_E_UNVERIFIED,
                    "the rules were loaded, but what was read back is not them: %s",
                    h->note != NULL ? h->note : "the table is gone");
  if (!iso_shape_same(&h->shape, &wanted))
    return sup_fail(err, CORDON_E_UNVERIFIED,
                    "the rules were loaded, but what was read back has another number of rules");
  return CORDON_OK;
}

static cordon_status load_rules(iso_plugin *self, const sup_call *call, rules *r,
                                iso_holding *ret_holding, sup_err *err)
{
  bool alone = false;
  for (int i = 0; i < LOAD_TRIES && !alone; i++) {
    cordon_status status = load_once(self, call, r, ret_holding, &alone, err);
    if (status != CORDON_OK)
      return status;
    if (i == 0)
      sup_call_progress(call, 2, APPLY_STEPS, "rules loaded");
  }
  if (!alone)
    return sup_fail(err, CORDON_E_UNVERIFIED,
                    "the rules were loaded %d times, but each time somebody else changed nftables "
                    "before they could be read back",
                    LOAD_TRIES);
  cordon_status status = judge_loaded(ret_holding, r, err);
  if (status == CORDON_OK)
    iso_record_keep(self, r->tag, ret_holding->digest);
  return status;
}

/* The plain table is in force. The guard goes beside it, where that is possible: another process's
 * is waited for, which is most likely about to end. */
static cordon_status take_guard(iso_plugin *self, const rules *r, iso_holding *h, sup_err *err)
{
  iso_guard *g = &self->guard;
  sup_err why = {0};
  cordon_status status = iso_guard_look(g, r->tag, &h->guard, err);
  if (status != CORDON_OK || h->guard == ISO_GUARD_HELD || !iso_guard_possible(g))
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
static cordon_status end_all(const iso_plugin *self, const sup_call *call, const iso_params *p,
                             outcome *o, sup_err *err)
{
  iso_locals locals = {0};
  cordon_status status = iso_locals_read(&locals, err);
  if (status == CORDON_OK)
    status = iso_sockets_end(p, call, &locals, &o->ended, err);
  if (status == CORDON_OK)
    status = iso_spaces_end(self->host, call, p, &locals, &o->spaces, err);
  iso_locals_release(&locals);
  return status;
}

/* The rules hold whatever becomes of the sockets: what could not be ended makes the work partial.
 */
static cordon_status end_sockets(const iso_plugin *self, const sup_call *call, const iso_params *p,
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
  sup_call_progress(call, APPLY_STEPS, APPLY_STEPS, "sockets ended");
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
static void look_before(iso_plugin *self, const rules *r, iso_holding *ret_holding)
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
  iso_record_keep(self, known.tag, known.digest);
}

/* What cannot be honoured is refused before anything changes. */
static cordon_status prepare(iso_plugin *self, const sup_call *call, iso_params *p, rules *r,
                             sup_err *err)
{
  cordon_status status = iso_read_request(self, call, p, &r->plain, r->tag, err);
  if (status == CORDON_OK)
    status = iso_targets_check(p, err);
  if (status == CORDON_OK)
    status = iso_ruleset_render_guard(p, &r->guard, err);
  if (status == CORDON_OK && p->strict)
    status = iso_strict_works(err);
  if (status == CORDON_OK && p->group_count > 0)
    status = iso_services_check(self, p, err);
  return status;
}

static cordon_status put_in_force(iso_plugin *self, const sup_call *call, rules *r, sup_err *err)
{
  iso_holding h = {0};
  look_before(self, r, &h);
  bool changed = h.state != ISO_ISOLATED || !h.recorded || h.strict.uncovered[0] != '\0' ||
                 h.groups == ISO_GROUPS_STALE;
  cordon_status status = changed ? load_rules(self, call, r, &h, err) : CORDON_OK;
  if (status == CORDON_OK)
    status = take_guard(self, r, &h, err);
  if (status != CORDON_OK)
    return status;
  SUP_FAULT_POINT("nftables.read_back");
  sup_call_progress(call, 3, APPLY_STEPS, "rules read back");
  return end_sockets(self, call, r->params, &h, changed, err);
}

cordon_status iso_apply(iso_plugin *self, const sup_call *call, sup_err *err)
{
  iso_params p = {0};
  rules r = {.params = &p,
             .plain = SUP_TEXT_INIT(ISO_RULESET_MAX),
             .guard = SUP_TEXT_INIT(ISO_RULESET_MAX),
             .strict = SUP_TEXT_INIT(ISO_RULESET_MAX)};
  cordon_status status = prepare(self, call, &p, &r, err);
  if (status == CORDON_OK && call->dry_run) {
    status = answer_dry_run(call, &p, sup_text_get(&r.plain), err);
  } else if (status == CORDON_OK) {
    sup_call_progress(call, 1, APPLY_STEPS, "rules made");
    status = put_in_force(self, call, &r, err);
  }
  iso_params_release(&p);
  rules_release(&r);
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
    iso_record_keep(self, "", "");
  sup_call_progress(call, RELEASE_STEPS, RELEASE_STEPS, "released");
  return answer_release(call, there, err);
}
