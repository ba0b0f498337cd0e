/* The three values of a state, to JSON and back. */
#include "protocol/values.h"

#include "claims.h"

#include "base/banned.h"

/* Indexed by the enums, whose zero is "not set"; the reader's lists begin at 1. */
static const char *const wanted_names[] = {NULL, "released", "isolated", NULL};
static const char *const enforced_names[] = {NULL,       "unknown", "released",
                                             "isolated", "partial", NULL};
static const char *const proven_names[] = {NULL, "unknown", "released", "holds", "fails", NULL};

const char *cd_wanted_value_name(cd_wanted_value v)
{
  return (unsigned)v <= CD_WANTED_ISOLATED ? wanted_names[v] : NULL;
}

const char *cd_enforced_value_name(cd_enforced_value v)
{
  return (unsigned)v <= CD_ENFORCED_PARTIAL ? enforced_names[v] : NULL;
}

const char *cd_proven_value_name(cd_proven_value v)
{
  return (unsigned)v <= CD_PROVEN_FAILS ? proven_names[v] : NULL;
}

static void write_wanted(const cd_values *v, cd_jw *w)
{
  cd_jw_obj(w, "wanted");
  cd_jw_cstr(w, "value", cd_wanted_value_name(v->wanted));
  cd_claim_write_opt(w, "type", v->wanted_type);
  cd_jw_u64(w, "generation", v->wanted_generation);
  cd_claim_write_opt(w, "action", v->wanted_action);
  cd_claim_write_time(w, "since", v->wanted_since_ms);
  cd_jw_end_obj(w);
}

static void write_measured(const cd_values *v, cd_jw *w)
{
  cd_jw_obj(w, "enforced");
  cd_jw_cstr(w, "value", cd_enforced_value_name(v->enforced));
  cd_claim_write_time(w, "at", v->enforced_at_ms);
  cd_claim_write_opt(w, "digest", v->enforced_digest);
  cd_claim_write_opt(w, "note", v->enforced_note);
  cd_jw_end_obj(w);
  cd_jw_obj(w, "proven");
  cd_jw_cstr(w, "value", cd_proven_value_name(v->proven));
  cd_claim_write_time(w, "at", v->proven_at_ms);
  cd_claim_write_opt(w, "note", v->proven_note);
  cd_jw_end_obj(w);
}

void cd_values_write(const cd_values *values, unsigned count, cd_jw *w, const char *key)
{
  cd_jw_arr(w, key);
  for (unsigned i = 0; i < count; i++) {
    const cd_values *v = &values[i];
    cd_jw_obj(w, NULL);
    cd_jw_cstr(w, "state", cd_state_name(v->state));
    write_wanted(v, w);
    write_measured(v, w);
    cd_jw_obj(w, "drift");
    cd_jw_u64(w, "count", v->drift_count);
    cd_claim_write_time(w, "last", v->drift_last_ms);
    cd_claim_write_opt(w, "note", v->drift_note);
    cd_jw_end_obj(w);
    cd_claim_write_opt(w, "provider", v->provider);
    cd_jw_end_obj(w);
  }
  cd_jw_end_arr(w);
}

static void read_wanted(cd_json *obj, cd_values *out)
{
  int word = 0;
  cd_json j = {0};
  cd_json_obj(obj, "wanted", &j);
  cd_json_enum(&j, "value", wanted_names + 1, &word);
  out->wanted = (cd_wanted_value)(word + 1);
  cd_claim_opt_text(&j, "type", out->wanted_type, sizeof(out->wanted_type));
  cd_json_u64(&j, "generation", CD_GENERATION_MAX, &out->wanted_generation);
  if (cd_json_has(&j, "action"))
    cd_claim_action(&j, "action", out->wanted_action);
  else
    cd_claim_opt_text(&j, "action", out->wanted_action, sizeof(out->wanted_action));
  cd_claim_opt_time(&j, "since", &out->wanted_since_ms);
  cd_json_no_more(&j);
}

static void read_measured(cd_json *obj, cd_values *out)
{
  int word = 0;
  cd_json j = {0};
  cd_json_obj(obj, "enforced", &j);
  cd_json_enum(&j, "value", enforced_names + 1, &word);
  out->enforced = (cd_enforced_value)(word + 1);
  cd_claim_opt_time(&j, "at", &out->enforced_at_ms);
  cd_claim_opt_text(&j, "digest", out->enforced_digest, sizeof(out->enforced_digest));
  cd_claim_opt_text(&j, "note", out->enforced_note, sizeof(out->enforced_note));
  cd_json_no_more(&j);
  cd_json_obj(obj, "proven", &j);
  word = 0;
  cd_json_enum(&j, "value", proven_names + 1, &word);
  out->proven = (cd_proven_value)(word + 1);
  cd_claim_opt_time(&j, "at", &out->proven_at_ms);
  cd_claim_opt_text(&j, "note", out->proven_note, sizeof(out->proven_note));
  cd_json_no_more(&j);
}

static void read_one(cd_json *obj, cd_values *out)
{
  cd_str name = {0};
  cd_json j = {0};
  cd_json_str(obj, "state", CD_WORD_MAX, &name);
  if (name.ptr != NULL && !cd_state_from_name(name, &out->state))
    cd_json_bad(obj, "state", "is '%.*s', which is no state known here", CD_STR_ARG(name));
  read_wanted(obj, out);
  read_measured(obj, out);
  cd_json_obj(obj, "drift", &j);
  cd_json_u64(&j, "count", UINT64_C(1) << 53, &out->drift_count);
  cd_claim_opt_time(&j, "last", &out->drift_last_ms);
  cd_claim_opt_text(&j, "note", out->drift_note, sizeof(out->drift_note));
  cd_json_no_more(&j);
  cd_claim_opt_text(obj, "provider", out->provider, sizeof(out->provider));
  cd_json_no_more(obj);
}

void cd_values_read(cd_json *obj, const char *key, cd_values out[CD_STATE_COUNT],
                    unsigned *ret_count)
{
  cd_json list = {0};
  cd_json_arr(obj, key, CD_STATE_COUNT - 1, &list);
  unsigned count = (unsigned)cd_json_len(&list);
  for (unsigned i = 0; i < count; i++) {
    cd_json one = {0};
    out[i] = (cd_values){0};
    cd_json_at_obj(&list, i, &one);
    read_one(&one, &out[i]);
    for (unsigned before = 0; before < i; before++)
      if (out[before].state == out[i].state)
        cd_json_bad(&one, "state", "is there twice");
  }
  *ret_count = count;
}
