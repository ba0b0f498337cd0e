/* Putting rules in force: each time one transaction of the kernel, which is read back. */
#include "load.h"

#include "nft.h"
#include "support/fault.h"

enum {
  LOAD_TRIES = 32, /* a few milliseconds each */
  RENEW_TRIES = 3  /* for a group that went since it was looked up */
};

void iso_rules_release(iso_rules *r)
{
  sup_text_release(&r->plain);
  sup_text_release(&r->guard);
  sup_text_release(&r->strict);
}

/* The links are read anew for each load: one that came meanwhile would be left out. */
static cordon_status rules_for_links(iso_rules *r, sup_err *err)
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
static cordon_status rules_for_services(iso_rules *r, bool running, sup_err *err)
{
  iso_params *p = r->params;
  if (p->group_count == 0)
    return CORDON_OK;
  iso_services_look(p);
  for (size_t i = 0; i < p->group_count && !running; i++)
    p->groups[i].place_count = 0;
  r->loaded.count = 0;
  iso_loaded_add(&r->loaded, p);
  sup_text_release(&r->plain);
  sup_text_release(&r->guard);
  r->plain = (sup_text)SUP_TEXT_INIT(ISO_RULESET_ROOM);
  r->guard = (sup_text)SUP_TEXT_INIT(ISO_RULESET_ROOM);
  cordon_status status = iso_ruleset_render(p, &r->plain, r->tag, err);
  return status == CORDON_OK ? iso_ruleset_render_guard(p, &r->guard, err) : status;
}

static cordon_status load_text(iso_plugin *self, const iso_rules *r, bool guarded, sup_err *err)
{
  sup_text all = SUP_TEXT_INIT(3 * ISO_RULESET_ROOM);
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
static cordon_status load_all(iso_plugin *self, const iso_rules *r, sup_err *err)
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
static cordon_status load_gently(iso_plugin *self, const iso_rules *r, sup_err *err)
{
  bool guarded = iso_guard_possible(&self->guard);
  cordon_status status = load_text(self, r, guarded, err);
  if (status == CORDON_OK && guarded)
    iso_guard_note(&self->guard, r->tag);
  return status;
}

static bool services_moved(iso_rules *r)
{
  iso_loaded now = {.count = 0};
  iso_services_look(r->params);
  iso_loaded_add(&now, r->params);
  return !iso_loaded_same(&now, &r->loaded);
}

/* A group that went since it was looked up keeps all of the rules out. Without any they go in, and
 * are renewed. */
static cordon_status load_whatever_runs(iso_plugin *self, iso_rules *r, bool running, sup_err *err)
{
  const iso_params *p = r->params;
  sup_err why = {0};
  cordon_status status = rules_for_services(r, running, err);
  if (status != CORDON_OK || !iso_groups_any(p->groups, p->group_count))
    return status == CORDON_OK ? load_all(self, r, err) : status;
  if (load_gently(self, r, &why) == CORDON_OK)
    return CORDON_OK;
  if (!services_moved(r) && load_all(self, r, &why) == CORDON_OK)
    return CORDON_OK;
  sup_log(self->host, 0, CORDON_LOG_INFO, "the rules are loaded without the excluded services: %s",
          why.sentence);
  status = rules_for_services(r, false, err);
  return status == CORDON_OK ? load_all(self, r, err) : status;
}

/* Loads once and reads back. `ret_alone`: nobody changed nftables from before the load until after
 * the reading, so that what was read is what was loaded. Its digest would else be trusted from then
 * on with somebody's rule in it. */
static cordon_status load_once(iso_plugin *self, const sup_call *call, iso_rules *r, bool running,
                               iso_holding *ret_holding, bool *ret_alone, sup_err *err)
{
  cordon_status status = sup_call_check(call, err);
  if (status == CORDON_OK)
    status = rules_for_links(r, err);
  if (status != CORDON_OK)
    return status;
  SUP_FAULT_POINT("nftables.before_load");
  status = load_whatever_runs(self, r, running, err);
  if (status != CORDON_OK)
    return status;
  SUP_FAULT_POINT("nftables.loaded");
  sup_err why = {0};
  iso_expected loaded = {.tag = r->tag,
                         .strict = r->params->strict,
                         .fresh = true,
                         .params = r->params,
                         .loaded = &r->loaded};
  status = iso_examine(self, &loaded, ret_holding, &why);
  if (status == CORDON_OK)
    status = iso_gens_undisturbed(&self->gens, ret_alone, &why);
  if (status != CORDON_OK)
    return sup_fail(err, CORDON_E_UNVERIFIED,
                    "the rules were loaded, but could not be read back: %s", why.sentence);
  return CORDON_OK;
}

static cordon_status judge_loaded(const iso_holding *h, const iso_rules *r, sup_err *err)
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

/* A group may be another by the time that its name is loaded: then it was found when it was
 * compared.
 */
static void keep(iso_plugin *self, iso_rules *r, const iso_holding *h)
{
  iso_loaded_add(&r->loaded, r->params);
  iso_record_keep(self, r->tag, h->digest, &r->loaded);
}

cordon_status iso_rules_load(iso_plugin *self, const sup_call *call, iso_rules *r,
                             iso_holding *ret_holding, sup_err *err)
{
  bool alone = false, foreign = false;
  /* A process that ends before this is over leaves nothing on record rather than other groups. */
  iso_record_put_away(self);
  for (int i = 0; i < LOAD_TRIES && (!alone || foreign); i++) {
    /* A name led to another group than to the one that was looked up: twice may be chance. */
    bool running = !foreign || i < 2;
    cordon_status status = load_once(self, call, r, running, ret_holding, &alone, err);
    if (status != CORDON_OK)
      return status;
    foreign = ret_holding->groups == ISO_GROUPS_FOREIGN;
    if (i == 0)
      sup_call_progress(call, 2, ISO_APPLY_STEPS, "rules loaded");
  }
  if (!alone)
    return sup_fail(err, CORDON_E_UNVERIFIED,
                    "the rules were loaded %d times, but each time somebody else changed nftables "
                    "before they could be read back",
                    LOAD_TRIES);
  cordon_status status = judge_loaded(ret_holding, r, err);
  if (status == CORDON_OK)
    keep(self, r, ret_holding);
  return status;
}

cordon_status iso_rules_renew(iso_plugin *self, const sup_call *call, iso_rules *r, iso_holding *h,
                              sup_err *err)
{
  sup_err why = {0};
  iso_expected renewed = {
      .tag = r->tag, .strict = r->params->strict, .params = r->params, .loaded = &r->loaded};
  cordon_status status = CORDON_E_INTERNAL;
  iso_record_put_away(self);
  for (int i = 0; i < RENEW_TRIES && status != CORDON_OK; i++) {
    status = rules_for_services(r, true, &why);
    if (status == CORDON_OK)
      status = iso_renew_groups(self, r->params, h->guard == ISO_GUARD_HELD, &why);
  }
  if (status == CORDON_OK)
    status = iso_examine(self, &renewed, h, &why);
  if (status == CORDON_OK && h->state == ISO_ISOLATED && h->recorded) {
    keep(self, r, h);
    sup_call_progress(call, 2, ISO_APPLY_STEPS, "services renewed");
    return CORDON_OK;
  }
  sup_log(self->host, 0, CORDON_LOG_INFO,
          "all rules are loaded, since the excluded services alone could not be renewed: %s",
          status != CORDON_OK ? why.sentence
          : h->note != NULL   ? h->note
                              : "the rules are others");
  return iso_rules_load(self, call, r, h, err);
}
