/* What the kernel holds, and the two steps that every operation shares. */
#include "isolate.h"

#include <string.h>

#include "nft.h"

const char *iso_state_name(iso_state s)
{
  static const char *const names[] = {
      [ISO_RELEASED] = "released", [ISO_ISOLATED] = "isolated", [ISO_PARTIAL] = "partial"};
  return names[s];
}

/* NULL if the frame is whole. */
static const char *what_is_wrong(const iso_frame *f, const char *tag)
{
  if (f->dormant)
    return "the table is switched off by its flag 'dormant'";
  if (!f->input || !f->output || !f->forward)
    return "a chain is missing, or does not drop by default at its hook";
  if (f->tag[0] == '\0')
    return "the first rule, which carries our tag, is missing";
  if (tag != NULL && strcmp(f->tag, tag) != 0)
    return "the rules were made from other parameters";
  return NULL;
}

static void judge(const iso_plugin *self, const char *tag, bool fresh, iso_holding *h)
{
  const iso_record *r = &self->record;
  bool known = !fresh && h->frame.tag[0] != '\0' && strcmp(r->tag, h->frame.tag) == 0;
  h->recorded = known && strcmp(r->digest, h->digest) == 0;
  h->note = what_is_wrong(&h->frame, tag);
  if (h->note == NULL && known && !h->recorded)
    h->note = "the rules are no longer as they were loaded";
  h->state = h->note == NULL ? ISO_ISOLATED : ISO_PARTIAL;
}

cordon_status iso_examine(const iso_plugin *self, const char *tag, bool fresh,
                          iso_holding *ret_holding, sup_err *err)
{
  iso_holding h = {.state = ISO_RELEASED};
  bool there = false;
  sup_text listing = SUP_TEXT_INIT(ISO_LISTING_MAX);
  sup_text normal = SUP_TEXT_INIT(ISO_LISTING_MAX);
  cordon_status status = iso_nft_has_table(&there, err);
  if (status != CORDON_OK || !there)
    goto done;
  sup_err why = {0};
  status = iso_nft_list("list table inet " ISO_TABLE, false, &listing, &why);
  if (status == CORDON_E_LIMIT) {
    /* What we load can be listed, so this is somebody's work. */
    h.state = ISO_PARTIAL;
    h.frame.table = true;
    h.note = "the table is too large to be read: more was added to it than we ever load";
    status = CORDON_OK;
    goto done;
  }
  if (status != CORDON_OK) {
    *err = why;
    goto done;
  }
  iso_listing_normalise(sup_text_get(&listing), listing.len, &normal);
  if (normal.failed) {
    status = sup_fail(err, CORDON_E_LIMIT, "there is no memory to compare the rules");
    goto done;
  }
  iso_listing_digest(&normal, h.digest);
  iso_listing_frame(sup_text_get(&normal), &h.frame);
  iso_listing_shape(sup_text_get(&normal), &h.shape);
  judge(self, tag, fresh, &h);
done:
  sup_text_release(&listing);
  sup_text_release(&normal);
  if (status == CORDON_OK)
    *ret_holding = h;
  return status;
}

cordon_status iso_take_counters(iso_counters *ret_counters, sup_err *err)
{
  sup_text text = SUP_TEXT_INIT(ISO_LISTING_MAX);
  cordon_status status = iso_nft_list("list counters table inet " ISO_TABLE, true, &text, err);
  if (status == CORDON_OK)
    iso_counters_read(sup_text_get(&text), text.len, ret_counters);
  sup_text_release(&text);
  return status;
}

void iso_add_console_dropped(cJSON *details, const iso_counters *counters)
{
  uint64_t packets = 0;
  if (iso_counters_get(counters, ISO_CONSOLE_COUNTER, &packets))
    (void)cJSON_AddNumberToObject(details, "console_dropped", (double)packets);
}

cordon_status iso_load(iso_plugin *self, const char *commands, sup_err *err)
{
  cordon_status status = iso_gens_begin(&self->gens, err);
  if (status != CORDON_OK)
    return status;
  status = iso_nft_load(commands, false, err);
  iso_gens_end(&self->gens);
  iso_watchers_wake_all(&self->watchers);
  return status;
}

cordon_status iso_read_request(const sup_call *call, iso_params *p, sup_text *rules,
                               char ret_tag[ISO_TAG_LEN + 1], sup_err *err)
{
  cJSON *doc = sup_call_params(call, err);
  if (doc == NULL)
    return err->status;
  cordon_status status = iso_params_read(doc, p, err);
  cJSON_Delete(doc);
  if (status == CORDON_OK)
    status = iso_ruleset_render(p, rules, ret_tag, err);
  return status;
}
