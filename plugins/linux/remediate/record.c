/* Undo records, as note_undo() took them: by this version of the plugin, an older one, or, after a
 * step back, a newer one, whose records are refused and kept. */
#include <string.h>

#include "remediate.h"
#include "support/json.h"

static const struct {
  const char *name;
  cordon_status (*run)(rem_job *j, const cJSON *record, sup_err *err);
} kinds[] = {
    {"file.restore", rem_restore_undo},    {"process.resume", rem_process_undo},
    {"process.suspend", rem_process_undo}, {"cron.enable", rem_cron_undo},
    {"cron.disable", rem_cron_undo},       {"user.enable", rem_user_undo},
    {"unit.enable", rem_unit_undo},        {"module.enable", rem_module_undo},
};

static size_t kind_of(const char *name)
{
  size_t i = 0;
  while (i < sizeof(kinds) / sizeof(kinds[0]) && strcmp(kinds[i].name, name) != 0)
    i++;
  return i;
}

cordon_status rem_record_check(const cJSON *record, const char **ret_do, sup_err *err)
{
  uint64_t version = 0;
  const cJSON *what = cJSON_IsObject(record) ? sup_json_get(record, "do") : NULL;
  if (what == NULL || !cJSON_IsString(what) || !rem_number(record, "v", &version))
    return sup_fail(err, CORDON_E_INVALID, "an undo record is none of this plugin's");
  if (version != REM_RECORD_VERSION)
    return sup_fail(err, CORDON_E_UNSUPPORTED,
                    "an undo record has version %llu, and this version of the plugin knows %d: "
                    "another version of Cordon made it, and it was left as it is",
                    (unsigned long long)version, REM_RECORD_VERSION);
  if (kind_of(what->valuestring) == sizeof(kinds) / sizeof(kinds[0]))
    return sup_fail(err, CORDON_E_UNSUPPORTED,
                    "an undo record asks for something that this version of the plugin does not "
                    "know; it was left as it is");
  *ret_do = what->valuestring;
  return CORDON_OK;
}

static cordon_status undo_one(rem_job *j, const cJSON *record, sup_err *err)
{
  const char *what = NULL;
  cordon_status status = rem_record_check(record, &what, err);
  return status == CORDON_OK && what != NULL ? kinds[kind_of(what)].run(j, record, err) : status;
}

/* Each is tried, the newest first; the first that fails is what is told. */
cordon_status rem_undo_all(rem_job *j, const char *records, size_t len, sup_err *err)
{
  const char *end = NULL;
  cJSON *list = records != NULL ? cJSON_ParseWithLengthOpts(records, len, &end, 0) : NULL;
  cordon_status status = CORDON_OK;
  if (records == NULL || (cJSON_IsArray(list) && cJSON_GetArraySize(list) == 0)) {
    cJSON_Delete(list);
    rem_step(j, "undo", "already", "there is nothing on record to take back");
    return CORDON_OK;
  }
  if (!cJSON_IsArray(list)) {
    cJSON_Delete(list);
    return sup_fail(err, CORDON_E_INVALID, "the undo records are no list");
  }
  const cJSON *record = NULL;
  cJSON_ArrayForEach(record, list)
  {
    sup_err one = {0};
    cordon_status got = sup_call_check(j->call, &one);
    bool over = got != CORDON_OK;
    if (!over)
      got = undo_one(j, record, &one);
    if (got < 0)
      rem_step(j, "undo", "failed", "%s", one.sentence);
    if (got < 0 && status >= 0) {
      status = got;
      *err = one;
    }
    if (over)
      break;
  }
  cJSON_Delete(list);
  return status;
}
