#include "protocol/remediate.h"

#include <string.h>

#include "base/id.h"
#include "protocol/limits.h"
#include "protocol/scan.h"

#include "base/banned.h"

static void read_process(cd_json *target, cd_remediation *out)
{
  cd_json_u64(target, "pid", INT32_MAX, &out->pid);
  cd_json_u64(target, "start", UINT64_MAX, &out->start);
  if (!cd_json_opt_str(target, "boot", CD_BOOT_ID_MAX, &out->boot)) {
    if (target->node != NULL && out->start < CD_START_IS_MOMENT)
      cd_json_bad(target, "boot", "is missing: the start is counted from a boot");
  } else if (out->boot.len == 0) {
    cd_json_bad(target, "boot", "must not be empty");
  }
  if (target->node != NULL && out->pid == 0)
    cd_json_bad(target, "pid", "must be at least 1");
}

static void read_file(cd_json *target, cd_remediation *out)
{
  cd_path_read_absolute(target, "path", &out->path);
  if (cd_json_opt_str(target, "sha256", CD_SHA256_TEXT_LEN, &out->sha256) &&
      !cd_is_hex(out->sha256, CD_SHA256_TEXT_LEN))
    cd_json_bad(target, "sha256", "must be 64 hex digits");
}

static void read_sha1(cd_json *target, cd_remediation *out)
{
  cd_json_str(target, "sha1", CD_SHA1_TEXT_LEN, &out->sha1);
  if (out->sha1.ptr != NULL && !cd_is_hex(out->sha1, CD_SHA1_TEXT_LEN))
    cd_json_bad(target, "sha1", "must be 40 hex digits");
}

/* Names are no paths, and go into no one's command line; the device looks them up as they are. */
static bool is_name(cd_str name)
{
  for (size_t i = 0; i < name.len; i++) {
    if ((unsigned char)name.ptr[i] < 0x20 || name.ptr[i] == 0x7f || name.ptr[i] == '/')
      return false;
  }
  return name.len > 0 && name.ptr[0] != '-' && name.ptr[0] != '.';
}

static void read_name(cd_json *target, cd_remediation *out)
{
  cd_json_str(target, "name", CD_REMEDIATE_NAME_MAX, &out->name);
  if (out->name.ptr != NULL && !is_name(out->name))
    cd_json_bad(target, "name", "must be a name: not empty, no path, no control characters");
}

static void read_cron(cd_json *target, cd_remediation *out)
{
  int64_t line = 0;
  cd_path_read_absolute(target, "file", &out->path);
  cd_json_i64(target, "line", 1, CD_REMEDIATE_LINE_MAX, &line);
  cd_json_str(target, "text", CD_REMEDIATE_TEXT_MAX, &out->text);
  out->line = (uint64_t)line;
}

static bool starts_without_case(cd_str text, const char *with)
{
  size_t len = strlen(with);
  for (size_t i = 0; i < len; i++) {
    char c = i < text.len ? text.ptr[i] : '\0';
    if ((c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c) != with[i])
      return false;
  }
  return text.len > len;
}

bool cd_is_registry_key(cd_str text)
{
  return starts_without_case(text, "HKLM\\") || starts_without_case(text, "HKU\\");
}

/* A file that starts something, or a value of a key whose values do. */
static void read_startup(cd_json *target, cd_remediation *out)
{
  bool named = cd_json_opt_str(target, "name", CD_REMEDIATE_NAME_MAX, &out->name);
  cd_path_read(target, "path", &out->path);
  if (out->path.text.ptr == NULL || out->path.text.len == 0)
    return;
  char bytes[CD_PATH_MAX];
  cd_str path = {bytes, cd_path_bytes(&out->path, bytes)};
  bool key = cd_is_registry_key(path);
  if (!key && !cd_path_is_absolute(path))
    cd_json_bad(target, "path", "must be an absolute path, or a key below HKLM\\ or HKU\\");
  else if (key && out->name.len == 0)
    cd_json_bad(target, "name", "is missing: which value of the key?");
  else if (!key && named)
    cd_json_bad(target, "name", "is that of a value, and the path is no key of the registry");
}

bool cd_is_task(cd_str text)
{
  if (text.len < 2 || text.ptr[0] != '\\' || text.ptr[text.len - 1] == '\\')
    return false;
  for (size_t i = 0; i < text.len; i++) {
    if ((unsigned char)text.ptr[i] < 0x20 || strchr("/:*?\"<>|\x7f", text.ptr[i]) != NULL ||
        (i > 0 && text.ptr[i] == '\\' && text.ptr[i - 1] == '\\'))
      return false;
  }
  return true;
}

static void read_task(cd_json *target, cd_remediation *out)
{
  cd_json_str(target, "name", CD_REMEDIATE_TASK_MAX, &out->name);
  if (out->name.ptr != NULL && !cd_is_task(out->name))
    cd_json_bad(target, "name", "must be the path of a task, such as \\Folder\\Name");
}

static void read_action(cd_json *target, cd_remediation *out)
{
  cd_json_str(target, "action", CD_ID_SIZE - 1, &out->action);
  if (out->action.ptr != NULL && !cd_id_valid(out->action))
    cd_json_bad(target, "action", "must be the id of an action");
}

static const struct {
  const char *name;
  void (*read)(cd_json *target, cd_remediation *out);
} operations[CD_OPERATION_COUNT] = {
    [CD_OP_PROCESS_STOP] = {"process.stop", read_process},
    [CD_OP_PROCESS_SUSPEND] = {"process.suspend", read_process},
    [CD_OP_PROCESS_RESUME] = {"process.resume", read_process},
    [CD_OP_FILE_QUARANTINE] = {"file.quarantine", read_file},
    [CD_OP_FILE_RESTORE] = {"file.restore", read_action},
    [CD_OP_FILE_FIND_QUARANTINE] = {"file.find_quarantine", read_sha1},
    [CD_OP_SERVICE_DISABLE] = {"service.disable", read_name},
    [CD_OP_SERVICE_ENABLE] = {"service.enable", read_name},
    [CD_OP_TIMER_DISABLE] = {"timer.disable", read_name},
    [CD_OP_TIMER_ENABLE] = {"timer.enable", read_name},
    [CD_OP_CRON_DISABLE] = {"cron.disable", read_cron},
    [CD_OP_CRON_ENABLE] = {"cron.enable", read_cron},
    [CD_OP_USER_DISABLE] = {"user.disable", read_name},
    [CD_OP_USER_ENABLE] = {"user.enable", read_name},
    [CD_OP_MODULE_DISABLE] = {"module.disable", read_name},
    [CD_OP_MODULE_ENABLE] = {"module.enable", read_name},
    [CD_OP_TASK_DISABLE] = {"task.disable", read_task},
    [CD_OP_TASK_ENABLE] = {"task.enable", read_task},
    [CD_OP_STARTUP_REMOVE] = {"startup.remove", read_startup},
    [CD_OP_STARTUP_RESTORE] = {"startup.restore", read_startup},
    [CD_OP_UNDO] = {"undo", read_action},
};

const char *cd_operation_name(cd_operation operation)
{
  return (unsigned)operation < CD_OPERATION_COUNT ? operations[operation].name : NULL;
}

bool cd_operation_from_name(cd_str name, cd_operation *ret_operation)
{
  for (int i = 1; i < CD_OPERATION_COUNT; i++) {
    if (cd_str_eq_cstr(name, operations[i].name)) {
      *ret_operation = (cd_operation)i;
      return true;
    }
  }
  return false;
}

bool cd_operation_gives_back(cd_operation operation)
{
  return operation == CD_OP_UNDO || operation == CD_OP_FILE_RESTORE;
}

static cd_operation read_operation(cd_json *obj)
{
  cd_operation operation = 0;
  cd_str name = {0};
  cd_json_str(obj, "operation", CD_WORD_MAX, &name);
  if (name.ptr != NULL && !cd_operation_from_name(name, &operation))
    cd_json_bad(obj, "operation", "is none that is known, such as file.quarantine");
  return operation;
}

void cd_remediation_read(cd_json *parameters, cd_remediation *ret_remediation)
{
  cd_json target = {0};
  cd_remediation r = {.operation = read_operation(parameters)};
  cd_json_obj(parameters, "target", &target);
  if (r.operation != 0)
    operations[r.operation].read(&target, &r);
  cd_json_no_more(&target);
  (void)cd_json_opt_bool(parameters, "force", &r.force);
  if (r.operation == CD_OP_FILE_QUARANTINE)
    (void)cd_json_opt_bool(parameters, "stop", &r.stop);
  *ret_remediation = r;
}

/* ---- the result ---- */

void cd_remediate_step_read_at(cd_json *steps, size_t i, cd_remediate_step *ret_step)
{
  cd_json s = {0};
  *ret_step = (cd_remediate_step){0};
  cd_json_at_obj(steps, i, &s);
  cd_json_str(&s, "step", CD_SENTENCE_MAX, &ret_step->step);
  cd_json_str(&s, "outcome", CD_SENTENCE_MAX, &ret_step->outcome);
  (void)cd_json_opt_str(&s, "detail", CD_REMEDIATE_DETAIL_MAX, &ret_step->detail);
}

void cd_remediate_check_read_at(cd_json *verified, size_t i, cd_remediate_check *ret_check)
{
  cd_json v = {0};
  *ret_check = (cd_remediate_check){0};
  cd_json_at_obj(verified, i, &v);
  cd_json_str(&v, "what", CD_REMEDIATE_DETAIL_MAX, &ret_check->what);
  cd_json_value(&v, "measured", &ret_check->measured);
}

void cd_remediate_result_read(cd_json *remediate, cd_remediate_result *ret_result)
{
  cd_remediate_step step;
  cd_remediate_check check;
  cd_remediate_result r = {.operation = read_operation(remediate)};
  (void)cd_json_opt_obj(remediate, "target", &r.target);
  cd_json_arr(remediate, "steps", CD_REMEDIATE_STEPS_MAX, &r.steps);
  for (size_t i = 0; i < cd_json_len(&r.steps); i++)
    cd_remediate_step_read_at(&r.steps, i, &step);
  if (cd_json_opt_arr(remediate, "verified", CD_REMEDIATE_STEPS_MAX, &r.verified)) {
    for (size_t i = 0; i < cd_json_len(&r.verified); i++)
      cd_remediate_check_read_at(&r.verified, i, &check);
  }
  (void)cd_json_opt_str(remediate, "undo", CD_REMEDIATE_DETAIL_MAX, &r.undo);
  r.can_undo = cd_str_eq_cstr(r.undo, "available");
  *ret_result = r;
}
