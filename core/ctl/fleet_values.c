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

static void write_state(const cd_values *v, cd_jw *w)
{
  cd_jw_obj(w, NULL);
  cd_jw_cstr(w, "state", cd_state_name(v->state));
  cd_jw_obj(w, "wanted");
  cd_jw_cstr(w, "value", cd_wanted_value_name(v->wanted));
  write_text(w, "type", v->wanted_type);
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
    write_state(&values[i], &w);
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
