/* One action of the API with its evidence, in the words of docs/ipc.md: so what renders and judges
 * an action of this device does it for every device. */
#include "fleet_read.h"

#include "base/banned.h"

#define TIME_MAX INT64_C(253402300799999) /* the end of the year 9999 */

/* The API's words and ours, for the kinds that both have. */
static const struct {
  const char *type;
  const char *kind;
} kinds[] = {{"Isolate", "isolate"}, {"Unisolate", "release"}};

static cd_str kind_of(cd_str type)
{
  for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
    if (cd_str_eq_cstr(type, kinds[i].type))
      return cd_str_from(kinds[i].kind);
  return type;
}

static void write_text(cd_jw *w, const char *key, cd_str text)
{
  if (text.len == 0)
    cd_jw_null(w, key);
  else
    cd_jw_str(w, key, text);
}

/* A time of the evidence is the device's clock in milliseconds. */
static void write_time(cd_jw *w, const char *key, cd_json *evidence)
{
  int64_t ms = 0;
  if (!cd_json_opt_i64(evidence, key, 0, TIME_MAX, &ms))
    ms = 0;
  cd_jw_time(w, key, ms);
}

static void write_evidence(cd_jw *w, cd_json *evidence)
{
  static const char *const texts[] = {"outcome", "sentence", "provider"};
  cd_json result = {0};
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    cd_str text = {0};
    (void)cd_json_opt_str(evidence, texts[i], FLEET_TEXT_MAX, &text);
    write_text(w, texts[i], text);
  }
  write_time(w, "started", evidence);
  write_time(w, "ended", evidence);
  if (cd_json_opt_obj(evidence, "result", &result))
    cd_jw_value(w, "result", &result);
  else
    cd_jw_null(w, "result");
}

/* An action that ended without a word of the device. */
static cd_str outcome_without_evidence(const fleet_action *a)
{
  if (cd_str_eq_cstr(a->status, "TimeOut"))
    return CD_STR("deadline");
  if (cd_str_eq_cstr(a->status, "Cancelled"))
    return CD_STR("cancelled");
  return cd_str_eq_cstr(a->status, "Failed") ? CD_STR("internal") : (cd_str){0};
}

/* "Full" is what the API calls "full". */
static cd_str type_of(const fleet_action *a)
{
  if (cd_str_eq_cstr(a->scope, "Full"))
    return CD_STR("full");
  return cd_str_eq_cstr(a->scope, "Selective") ? CD_STR("selective") : a->scope;
}

static void write_action(cd_jw *w, const fleet_action *a, cd_json *evidence)
{
  cd_jw_obj(w, "action");
  cd_jw_str(w, "id", a->id);
  cd_jw_str(w, "kind", kind_of(a->type));
  cd_jw_str(w, "status", a->status);
  cd_jw_str(w, "comment", a->comment);
  cd_jw_obj(w, "requestor");
  cd_jw_str(w, "user", a->requestor);
  cd_jw_end_obj(w);
  write_text(w, "created", a->created);
  cd_jw_obj(w, "params");
  write_text(w, "type", type_of(a));
  cd_jw_end_obj(w);
  if (evidence != NULL)
    write_evidence(w, evidence);
  else
    write_text(w, "outcome", outcome_without_evidence(a));
  cd_jw_end_obj(w);
}

cd_code fleet_action_as_local(cd_json *answer, cd_buf *out, cd_err *err)
{
  cd_json obj = {0};
  cd_json evidence = {0};
  fleet_action a;
  cd_jw w;
  cd_json_obj(answer, "action", &obj);
  fleet_action_read(&obj, &a);
  bool has_evidence = cd_json_opt_obj(answer, "evidence", &evidence);
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  write_action(&w, &a, has_evidence ? &evidence : NULL);
  cd_jw_obj(&w, "device");
  cd_jw_str(&w, "id", a.machine);
  cd_jw_str(&w, "name", a.name);
  cd_jw_end_obj(&w);
  cd_jw_end_obj(&w);
  cd_code rc = cd_json_status(answer, err);
  return rc != CD_OK ? rc : cd_jw_done(&w, "the action", err);
}
