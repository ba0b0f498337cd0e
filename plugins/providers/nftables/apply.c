/* apply and release: one transaction of the kernel each. There is no undo to note, since each is
 * whole or not at all. */
#include "isolate.h"

#include <stdlib.h>
#include <string.h>

#include "nft.h"
#include "sockets.h"
#include "support/fault.h"
#include "support/json.h"
#include "survey.h"
#include "targets.h"

enum {
  APPLY_STEPS = 4,
  RELEASE_STEPS = 2,
  LOAD_TRIES = 32 /* a few milliseconds each */
};

static cordon_status answer_dry_run(const sup_call *call, const iso_params *p, const char *rules,
                                    sup_err *err)
{
  cordon_status status = iso_nft_load(rules, true, err);
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

/* Loads once and reads back. `ret_alone`: nobody changed nftables from before the load until after
 * the reading, so that what was read is what was loaded. Its digest would else be trusted from then
 * on with somebody's rule in it. */
static cordon_status load_once(iso_plugin *self, const sup_call *call, const char *rules,
                               const char *tag, iso_holding *ret_holding, bool *ret_alone,
                               sup_err *err)
{
  cordon_status status = sup_call_check(call, err);
  if (status != CORDON_OK)
    return status;
  SUP_FAULT_POINT("nftables.before_load");
  status = iso_load(self, rules, err);
  if (status != CORDON_OK)
    return status;
  SUP_FAULT_POINT("nftables.loaded");
  sup_err why = {0};
  status = iso_examine(self, tag, true, ret_holding, &why);
  if (status == CORDON_OK)
    status = iso_gens_undisturbed(&self->gens, ret_alone, &why);
  if (status != CORDON_OK)
    return sup_fail(err, CORDON_E_UNVERIFIED,
                    "the rules were loaded, but could not be read back: %s", why.sentence);
  return CORDON_OK;
}

static cordon_status judge_loaded(const iso_holding *h, const char *rules, sup_err *err)
{
  iso_shape wanted;
  iso_listing_shape(rules, &wanted);
  if (h->state != ISO_ISOLATED)
    return sup_fail(err, CORDON_E_UNVERIFIED,
                    "the rules were loaded, but what was read back is not them: %s",
                    h->note != NULL ? h->note : "the table is gone");
  if (!iso_shape_same(&h->shape, &wanted))
    return sup_fail(err, CORDON_E_UNVERIFIED,
                    "the rules were loaded, but what was read back has another number of rules");
  return CORDON_OK;
}

static cordon_status load_rules(iso_plugin *self, const sup_call *call, const char *rules,
                                const char *tag, iso_holding *ret_holding, sup_err *err)
{
  bool alone = false;
  for (int i = 0; i < LOAD_TRIES && !alone; i++) {
    cordon_status status = load_once(self, call, rules, tag, ret_holding, &alone, err);
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
  cordon_status status = judge_loaded(ret_holding, rules, err);
  if (status == CORDON_OK)
    iso_record_keep(self, tag, ret_holding->digest);
  return status;
}

static void add_sockets(cJSON *details, const iso_ended *e, const char *note)
{
  cJSON *sockets = cJSON_AddObjectToObject(details, "sockets");
  (void)cJSON_AddNumberToObject(sockets, "passes", e->passes);
  (void)cJSON_AddNumberToObject(sockets, "failed", e->failed);
  if (note != NULL)
    sup_json_add_text(sockets, "note", note);
}

static cordon_status answer_apply(const sup_call *call, const iso_holding *h, bool changed,
                                  const iso_ended *e, const char *note, sup_err *err)
{
  cJSON *result = cJSON_CreateObject();
  (void)cJSON_AddStringToObject(result, "state", iso_state_name(h->state));
  (void)cJSON_AddStringToObject(result, "digest", h->digest);
  (void)cJSON_AddNumberToObject(result, "sockets_ended", e->ended);
  (void)cJSON_AddBoolToObject(result, "changed", changed);
  cJSON *details = cJSON_AddObjectToObject(result, "details");
  (void)cJSON_AddStringToObject(details, "made_from", h->frame.tag);
  add_sockets(details, e, note);
  cordon_status status = sup_call_result(call, result, err);
  cJSON_Delete(result);
  return status;
}

/* The rules hold whatever becomes of the sockets: what could not be ended makes the work partial.
 */
static cordon_status end_sockets(const sup_call *call, const iso_params *p, const iso_holding *h,
                                 bool changed, sup_err *err)
{
  iso_ended ended = {0};
  sup_err why = {0};
  cordon_status outcome = iso_sockets_end(p, call, &ended, &why);
  SUP_FAULT_POINT("nftables.sockets_ended");
  const char *note = outcome != CORDON_OK ? why.sentence : iso_ended_note(&ended);
  cordon_status status = answer_apply(call, h, changed, &ended, note, err);
  if (status != CORDON_OK)
    return status;
  sup_call_progress(call, APPLY_STEPS, APPLY_STEPS, "sockets ended");
  if (note == NULL)
    return CORDON_OK;
  bool stopped = outcome == CORDON_E_CANCELLED || outcome == CORDON_E_DEADLINE;
  return sup_fail(err, stopped ? outcome : CORDON_PARTIAL,
                  "the rules are in force, but not all sockets were ended: %s", note);
}

/* What cannot be read is loaded anew, which is what puts it right. The record is put away while we
 * look: if reading ends this process, as an enormous table can, the next one finds no record, does
 * not look and loads at once. */
static void look_before(iso_plugin *self, const char *tag, iso_holding *ret_holding)
{
  iso_record known = self->record;
  sup_err why = {0};
  *ret_holding = (iso_holding){.state = ISO_PARTIAL};
  if (strcmp(known.tag, tag) != 0)
    return;
  iso_record_put_away(self);
  if (iso_examine(self, tag, false, ret_holding, &why) != CORDON_OK)
    sup_log(self->host, 0, CORDON_LOG_WARN, "the rules are loaded anew: %s", why.sentence);
  iso_record_keep(self, known.tag, known.digest);
}

cordon_status iso_apply(iso_plugin *self, const sup_call *call, sup_err *err)
{
  iso_params p = {0};
  sup_text rules = SUP_TEXT_INIT(ISO_RULESET_MAX);
  char tag[ISO_TAG_LEN + 1] = "";
  iso_holding h = {0};
  cordon_status status = iso_read_request(call, &p, &rules, tag, err);
  if (status == CORDON_OK)
    status = iso_targets_check(&p, err);
  if (status != CORDON_OK)
    goto done;
  if (call->dry_run) {
    status = answer_dry_run(call, &p, sup_text_get(&rules), err);
    goto done;
  }
  sup_call_progress(call, 1, APPLY_STEPS, "rules made");
  look_before(self, tag, &h);
  bool changed = h.state != ISO_ISOLATED || !h.recorded;
  if (changed)
    status = load_rules(self, call, sup_text_get(&rules), tag, &h, err);
  if (status != CORDON_OK)
    goto done;
  SUP_FAULT_POINT("nftables.read_back");
  sup_call_progress(call, 3, APPLY_STEPS, "rules read back");
  status = end_sockets(call, &p, &h, changed, err);
done:
  iso_params_release(&p);
  sup_text_release(&rules);
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

static cordon_status delete_rules(iso_plugin *self, const sup_call *call, sup_err *err)
{
  SUP_FAULT_POINT("nftables.before_delete");
  cordon_status status = iso_load(self, ISO_RULESET_DELETE, err);
  if (status != CORDON_OK)
    return status;
  SUP_FAULT_POINT("nftables.deleted");
  sup_call_progress(call, 1, RELEASE_STEPS, "rules deleted");
  bool still = true;
  sup_err why = {0};
  if (iso_nft_has_table(&still, &why) != CORDON_OK)
    return sup_fail(err, CORDON_E_UNVERIFIED,
                    "the rules were deleted, but that could not be read back: %s", why.sentence);
  if (still)
    return sup_fail(err, CORDON_E_UNVERIFIED,
                    "the rules were deleted, but a table of that name is there again");
  return CORDON_OK;
}

/* The parameters are not even looked at: nothing in them could be a reason to keep a device
 * isolated. */
cordon_status iso_release(iso_plugin *self, const sup_call *call, sup_err *err)
{
  bool there = false;
  cordon_status status = iso_nft_has_table(&there, err);
  if (status == CORDON_OK && there)
    status =
        call->dry_run ? iso_nft_load(ISO_RULESET_DELETE, true, err) : delete_rules(self, call, err);
  if (status != CORDON_OK)
    return status;
  if (!call->dry_run)
    iso_record_keep(self, "", "");
  sup_call_progress(call, RELEASE_STEPS, RELEASE_STEPS, "released");
  return answer_release(call, there, err);
}
