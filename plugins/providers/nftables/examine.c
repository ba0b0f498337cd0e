/* What the kernel holds, and the two steps that every operation shares. */
#include "isolate.h"

#include <stdlib.h>
#include <string.h>

#include "nft.h"

static const char list_plain[] = "list table inet " ISO_TABLE;

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

static void judge(const iso_plugin *self, const iso_expected *x, iso_holding *h)
{
  const iso_record *r = &self->record;
  bool known = !x->fresh && h->frame.tag[0] != '\0' && strcmp(r->tag, h->frame.tag) == 0;
  h->recorded = known && strcmp(r->digest, h->digest) == 0;
  h->note = what_is_wrong(&h->frame, x->tag);
  if (h->note == NULL && known && !h->recorded)
    h->note = "the rules are no longer as they were loaded";
  if (h->note == NULL && x->strict && !h->strict.there)
    h->note = "the table of strict is missing";
  if (h->note == NULL && h->groups == ISO_GROUPS_FOREIGN)
    h->note = "a control group is let through that is none of the excluded services'";
  h->state = h->note == NULL ? ISO_ISOLATED : ISO_PARTIAL;
  h->renew =
      h->state == ISO_ISOLATED && (h->guard == ISO_GUARD_NONE || h->guard == ISO_GUARD_STALE ||
                                   h->strict.uncovered[0] != '\0' || h->groups == ISO_GROUPS_STALE);
}

/* Without the plain table: what else of ours is there still isolates, or was left. */
static void judge_rest(iso_holding *h)
{
  if (h->guard == ISO_GUARD_NONE || h->guard == ISO_GUARD_IMPOSSIBLE) {
    h->note = h->strict.there ? "the table is gone; the one of strict is left" : NULL;
  } else {
    h->note = "the table is gone; the guard table isolates in its place";
  }
  h->state = h->note == NULL ? ISO_RELEASED : ISO_PARTIAL;
}

/* The elements of one set, each in hex. */
static void add_hex(void *data, const iso_element *e)
{
  static const char digits[] = "0123456789abcdef";
  sup_text *t = data;
  for (size_t i = 0; i < e->len; i++) {
    const char two[2] = {digits[e->bytes[i] >> 4], digits[e->bytes[i] & 15]};
    sup_text_bytes(t, two, sizeof(two));
  }
  sup_text_add(t, ",");
}

static void forget_hex(void *data)
{
  sup_text *t = data;
  size_t limit = t->limit;
  sup_text_release(t);
  *t = (sup_text)SUP_TEXT_INIT(limit);
}

/* What a listing without elements leaves out, but for the groups of services, which come and go. */
static cordon_status add_sets(const iso_sets *sets, sup_text *normal, sup_err *err)
{
  cordon_status status = CORDON_OK;
  for (size_t i = 0; i < sets->count && status == CORDON_OK; i++) {
    sup_text hex = SUP_TEXT_INIT(ISO_LISTING_MAX);
    if (!iso_is_map(sets->names[i]))
      status = iso_elements_read(&iso_plain_table, sets->names[i], forget_hex, add_hex, &hex, err);
    if (status == CORDON_OK && hex.failed)
      status = sup_fail(err, CORDON_E_LIMIT, "the elements of set '%s' are too many to be read",
                        sets->names[i]);
    if (hex.len > 0)
      iso_listing_add_elements(sets->names[i], sup_text_get(&hex), hex.len, normal);
    sup_text_release(&hex);
  }
  return status;
}

/* The maps of services are read from the kernel alone, whoever's they are. */
static cordon_status read_by_service(const iso_plugin *self, const iso_expected *x,
                                     const iso_sets *sets, sup_text *listing, sup_text *normal,
                                     iso_holding *h, sup_err *err)
{
  iso_in_maps *maps = calloc(1, sizeof(*maps));
  if (maps == NULL)
    return sup_fail(err, CORDON_E_INTERNAL, "there is no memory to compare the services");
  cordon_status status = iso_nft_list_terse(self->guard.session, list_plain, listing, err);
  if (status == CORDON_OK) {
    iso_listing_normalise(sup_text_get(listing), listing->len, normal);
    status = add_sets(sets, normal, err);
  }
  if (status == CORDON_OK)
    status = iso_in_maps_read(&iso_plain_table, sets, maps, err);
  if (status == CORDON_OK && x->params != NULL) {
    bool recorded = x->tag != NULL && strcmp(self->record.tag, x->tag) == 0;
    const iso_loaded *loaded = recorded ? &self->record.loaded : NULL;
    h->groups = iso_groups_compare(maps, x->params, x->loaded != NULL ? x->loaded : loaded);
  }
  free(maps);
  return status;
}

static bool have_maps(const iso_sets *sets)
{
  size_t i = 0;
  while (i < sets->count && !iso_is_map(sets->names[i]))
    i++;
  return i < sets->count;
}

static cordon_status read_normal(const iso_plugin *self, const iso_expected *x, sup_text *normal,
                                 iso_holding *h, sup_err *err)
{
  sup_text listing = SUP_TEXT_INIT(ISO_LISTING_MAX);
  iso_sets *sets = calloc(1, sizeof(*sets));
  if (sets == NULL)
    return sup_fail(err, CORDON_E_INTERNAL, "there is no memory to read the sets");
  cordon_status status = iso_sets_read(&iso_plain_table, sets, err);
  if (status == CORDON_OK && sets->more) {
    status = sup_fail(err, CORDON_E_LIMIT, "the table has more sets than we ever load");
  } else if (status == CORDON_OK && have_maps(sets)) {
    status = read_by_service(self, x, sets, &listing, normal, h, err);
  } else if (status == CORDON_OK) {
    status = iso_nft_list(self->guard.session, list_plain, &listing, err);
    iso_listing_normalise(sup_text_get(&listing), listing.len, normal);
  }
  free(sets);
  sup_text_release(&listing);
  return status;
}

/* Reads the table itself, behind which `normal` may hold what strict has. */
static cordon_status read_table(const iso_plugin *self, const iso_expected *x,
                                const sup_text *strict, iso_holding *h, sup_err *err)
{
  sup_text normal = SUP_TEXT_INIT(2 * ISO_LISTING_MAX);
  /* Before the maps: a group of ours that is in them was there when it was loaded, and so is found.
   */
  if (x->params != NULL)
    iso_services_look(x->params);
  cordon_status status = read_normal(self, x, &normal, h, err);
  if (status != CORDON_OK)
    goto done;
  iso_listing_frame(sup_text_get(&normal), &h->frame);
  iso_listing_shape(sup_text_get(&normal), &h->shape);
  sup_text_bytes(&normal, sup_text_get(strict), strict->len);
  if (normal.failed)
    status = sup_fail(err, CORDON_E_INTERNAL, "there is no memory to compare the rules");
  else
    iso_listing_digest(&normal, h->digest);
done:
  sup_text_release(&normal);
  return status;
}

cordon_status iso_examine(const iso_plugin *self, const iso_expected *expected,
                          iso_holding *ret_holding, sup_err *err)
{
  iso_holding h = {.state = ISO_RELEASED};
  bool there = false;
  sup_text strict = SUP_TEXT_INIT(ISO_LISTING_MAX);
  cordon_status status = iso_nft_has_table(&iso_plain_table, &there, NULL, err);
  if (status == CORDON_OK)
    status = iso_guard_look(&self->guard, expected->tag, &h.guard, err);
  if (status == CORDON_OK)
    status = iso_strict_look(expected->strict, &h.strict, &strict, err);
  if (status != CORDON_OK)
    goto done;
  if (!there) {
    judge_rest(&h);
    goto done;
  }
  sup_err why = {0};
  status = read_table(self, expected, &strict, &h, &why);
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
  judge(self, expected, &h);
done:
  sup_text_release(&strict);
  if (status == CORDON_OK)
    *ret_holding = h;
  return status;
}

cordon_status iso_take_counters(const iso_holding *h, iso_counters *ret_counters, sup_err *err)
{
  cordon_status status = iso_counters_read(&iso_plain_table, ret_counters, err);
  iso_counters more = {0};
  bool guarded = h->guard == ISO_GUARD_HELD || h->guard == ISO_GUARD_STALE;
  if (status == CORDON_OK && guarded && h->state != ISO_ISOLATED &&
      iso_counters_read(&iso_guard_table, &more, NULL) == CORDON_OK)
    iso_counters_add(ret_counters, &more);
  more = (iso_counters){0};
  if (status == CORDON_OK && h->strict.there &&
      iso_counters_read(&iso_strict_table, &more, NULL) == CORDON_OK)
    iso_counters_add(ret_counters, &more);
  return status;
}

void iso_add_console_dropped(cJSON *details, const iso_counters *counters)
{
  uint64_t packets = 0;
  if (iso_counters_get(counters, ISO_CONSOLE_COUNTER, &packets))
    (void)cJSON_AddNumberToObject(details, "console_dropped", (double)packets);
}

cordon_status iso_load(iso_plugin *self, bool guarded, const char *commands, sup_err *err)
{
  cordon_status status = iso_gens_begin(&self->gens, err);
  if (status != CORDON_OK)
    return status;
  status = guarded ? iso_session_load(self->guard.session, commands, err)
                   : iso_nft_load(commands, false, err);
  iso_gens_end(&self->gens);
  iso_watchers_wake_all(&self->watchers);
  return status;
}

cordon_status iso_read_request(iso_plugin *self, const sup_call *call, iso_params *p,
                               sup_text *rules, char ret_tag[ISO_TAG_LEN + 1], sup_err *err)
{
  cJSON *doc = sup_call_params(call, err);
  if (doc == NULL)
    return err->status;
  cordon_status status = iso_params_read(doc, p, err);
  cJSON_Delete(doc);
  if (status != CORDON_OK)
    return status;
  /* In this order, so that no start falls between. */
  if (self != NULL && !call->dry_run && iso_names_set(&self->names, p))
    iso_watchers_wake_all(&self->watchers);
  iso_services_look(p);
  return iso_ruleset_render(p, rules, ret_tag, err);
}
