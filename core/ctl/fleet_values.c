/* On the way from device to console times are milliseconds (docs/protocol.md), on the device they
 * are text (docs/ipc.md). What is rendered is the latter. */
#include "fleet_values.h"

#include "response.h"

#include "protocol/values.h"

#include "base/banned.h"

#define STATES_MAX 65536u

static void write_text(cd_jw *w, const char *key, const char *text)
{
  cd_jw_cstr(w, key, text[0] != '\0' ? text : NULL);
}

/* The terms are of what the console wants, while the device does too. */
static void write_terms(cd_json *device, const cd_values *v, cd_jw *w)
{
  static const char *const keys[] = {"lease_until", "lost_console", "unreachable"};
  cd_json list = {0};
  if (v->wanted != CD_WANTED_ISOLATED || !cd_json_opt_arr(device, "wanted", CD_STATE_COUNT, &list))
    return;
  for (size_t i = 0; i < cd_json_len(&list); i++) {
    cd_json item = {0};
    cd_str text = {0};
    cd_json rule = {0};
    cd_json_at_obj(&list, i, &item);
    (void)cd_json_opt_str(&item, "state", CD_WORD_MAX, &text);
    if (!cd_str_eq_cstr(text, cd_state_name(v->state)))
      continue;
    if (cd_json_opt_str(&item, keys[0], CD_WORD_MAX, &text))
      cd_jw_str(w, keys[0], text);
    for (size_t k = 1; k < sizeof(keys) / sizeof(keys[0]); k++)
      if (cd_json_opt_obj(&item, keys[k], &rule))
        cd_jw_value(w, keys[k], &rule);
  }
}

static void write_state(cd_json *device, const cd_values *v, cd_jw *w)
{
  cd_jw_obj(w, NULL);
  cd_jw_cstr(w, "state", cd_state_name(v->state));
  cd_jw_obj(w, "wanted");
  cd_jw_cstr(w, "value", cd_wanted_value_name(v->wanted));
  write_text(w, "type", v->wanted_type);
  write_terms(device, v, w);
  cd_jw_end_obj(w);
  cd_jw_obj(w, "enforced");
  cd_jw_cstr(w, "value", cd_enforced_value_name(v->enforced));
  cd_jw_time(w, "at", v->enforced_at_ms);
  write_text(w, "note", v->enforced_note);
  cd_jw_end_obj(w);
  cd_jw_obj(w, "proven");
  cd_jw_cstr(w, "value", cd_proven_value_name(v->proven));
  cd_jw_time(w, "at", v->proven_at_ms);
  write_text(w, "note", v->proven_note);
  cd_jw_end_obj(w);
  cd_jw_obj(w, "drift");
  cd_jw_u64(w, "count", v->drift_count);
  cd_jw_time(w, "last", v->drift_last_ms);
  write_text(w, "note", v->drift_note);
  cd_jw_end_obj(w);
  write_text(w, "provider", v->provider);
  cd_jw_end_obj(w);
}

static cd_code write_states(cd_json *device, cd_buf *out, cd_err *err)
{
  cd_values values[CD_STATE_COUNT];
  unsigned count = 0;
  cd_jw w;
  cd_values_read(device, "states", values, &count);
  cd_code rc = cd_json_status(device, err);
  if (rc != CD_OK)
    return rc;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_arr(&w, "states");
  for (unsigned i = 0; i < count; i++)
    write_state(device, &values[i], &w);
  cd_jw_end_arr(&w);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the states", err);
}

cd_code fleet_values_render(cd_json *device, const ctl_style *style, cd_buf *out, cd_err *err)
{
  cd_buf json = CD_BUF_INIT(STATES_MAX);
  cd_json_doc *doc = NULL;
  cd_code rc = write_states(device, &json, err);
  if (rc == CD_OK)
    rc = cd_json_parse(cd_buf_view(&json), STATES_MAX, "the states", &doc, err);
  if (rc == CD_OK) {
    cd_json root = cd_json_root(doc);
    ctl_render_states(&root, style, out);
    rc = cd_json_status(&root, err);
  }
  cd_json_free(doc);
  cd_buf_release(&json);
  return rc;
}
