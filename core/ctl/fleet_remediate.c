/* cordon remediate: what `cordon local service`, `process` and their like do, on a device of the
 * fleet. What the command looks up here where it is of this device must be said there. */
#include "fleet_job.h"
#include "remedy.h"

#include <string.h>

#include "base/buf.h"
#include "protocol/limits.h"
#include "protocol/path.h"
#include "protocol/remediate.h"

#include "base/banned.h"

#define REMEDIATE_WAIT_S "600"

typedef cd_code (*target_fn)(cd_jw *w, const ctl_args *args, cd_err *err);

enum { KIND = 1, VERB, WHAT, LINE };

static cd_code write_absolute(cd_jw *w, const char *key, const char *path, cd_err *err)
{
  cd_str bytes = cd_str_from(path);
  if (!cd_path_is_absolute(bytes) || bytes.len >= CD_PATH_MAX)
    return cd_fail(err, CD_E_INVALID, "the path must be absolute, as the device sees it, not '%s'",
                   path);
  cd_path_write(w, key, bytes);
  return CD_OK;
}

static cd_code write_name(cd_jw *w, const ctl_args *args, cd_err *err)
{
  cd_str name = cd_str_from(args->operand[WHAT]);
  if (name.len == 0 || name.len > CD_REMEDIATE_NAME_MAX || !cd_str_utf8_valid(name))
    return cd_fail(err, CD_E_INVALID, "NAME must be a name of at most %u bytes",
                   CD_REMEDIATE_NAME_MAX);
  cd_jw_str(w, "name", name);
  return CD_OK;
}

static cd_code write_task(cd_jw *w, const ctl_args *args, cd_err *err)
{
  return ctl_write_task(w, args->operand[WHAT], err);
}

static cd_code write_startup(cd_jw *w, const ctl_args *args, cd_err *err)
{
  return ctl_write_startup(w, args->operand[WHAT],
                           args->operands > LINE ? args->operand[LINE] : NULL, err);
}

static cd_code write_cron(cd_jw *w, const ctl_args *args, cd_err *err)
{
  uint64_t number = 0;
  cd_str text = cd_str_from(args->value[CTL_OPT_TEXT]);
  if (args->operands <= LINE ||
      !cd_str_to_u64(cd_str_from(args->operand[LINE]), CD_REMEDIATE_LINE_MAX, &number) ||
      number == 0)
    return cd_fail(err, CD_E_INVALID, "a line of cron needs FILE and the number of the LINE");
  if (text.len == 0 || text.len > CD_REMEDIATE_TEXT_MAX || !cd_str_utf8_valid(text) ||
      memchr(text.ptr, '\n', text.len) != NULL)
    return cd_fail(err, CD_E_INVALID,
                   "a line of cron needs --text TEXT: what it says, without the mark of one that "
                   "is off");
  cd_code rc = write_absolute(w, "file", args->operand[WHAT], err);
  cd_jw_u64(w, "line", number);
  cd_jw_str(w, "text", text);
  return rc;
}

static cd_code write_process(cd_jw *w, const ctl_args *args, cd_err *err)
{
  uint64_t pid = 0;
  uint64_t start = 0;
  cd_str boot = cd_str_from(args->value[CTL_OPT_BOOT]);
  if (!cd_str_to_u64(cd_str_from(args->operand[WHAT]), INT32_MAX, &pid) || pid == 0)
    return cd_fail(err, CD_E_INVALID, "PID must be the number of a process, not '%s'",
                   args->operand[WHAT]);
  bool started = args->value[CTL_OPT_START] != NULL &&
                 cd_str_to_u64(cd_str_from(args->value[CTL_OPT_START]), UINT64_MAX, &start);
  bool booted = boot.len > 0 && boot.len <= CD_BOOT_ID_MAX && cd_str_utf8_valid(boot);
  bool moment = start >= CD_START_IS_MOMENT && args->value[CTL_OPT_BOOT] == NULL;
  if (!started || (!booted && !moment))
    return cd_fail(err, CD_E_INVALID,
                   "a process of another device needs --start TICKS and --boot ID, or of one with "
                   "Windows the --start of its package alone: its number may be another's by then");
  cd_jw_u64(w, "pid", pid);
  cd_jw_u64(w, "start", start);
  if (booted)
    cd_jw_str(w, "boot", boot);
  return CD_OK;
}

static const struct {
  const char *kind;
  target_fn write;
  uint64_t options; /* besides those of all */
  bool more;        /* there may be something behind WHAT */
} kinds[] = {
    {"service", write_name, 0, false},
    {"timer", write_name, 0, false},
    {"user", write_name, 0, false},
    {"module", write_name, 0, false},
    {"task", write_task, 0, false},
    {"startup", write_startup, 0, true},
    {"cron", write_cron, CTL_HAS(CTL_OPT_TEXT), true},
    {"process", write_process, CTL_HAS(CTL_OPT_START) | CTL_HAS(CTL_OPT_BOOT), false},
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static size_t kind_of(const char *word)
{
  size_t i = 0;
  while (i < KINDS && strcmp(kinds[i].kind, word) != 0)
    i++;
  return i;
}

/* What would be passed over in silence was meant for something. */
static cd_code check_rest(size_t kind, const ctl_args *args, cd_err *err)
{
  static const ctl_option own[] = {CTL_OPT_TEXT, CTL_OPT_START, CTL_OPT_BOOT};
  for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
    if (args->value[own[i]] != NULL && (kinds[kind].options & CTL_HAS(own[i])) == 0)
      return cd_fail(err, CD_E_INVALID, "--%s does not go with a %s",
                     ctl_option_named(own[i])->name, kinds[kind].kind);
  if (args->operands > LINE && !kinds[kind].more)
    return cd_fail(err, CD_E_INVALID, "'%s' is one too many: a %s has no line", args->operand[LINE],
                   kinds[kind].kind);
  return CD_OK;
}

static cd_code write_one(const ctl_args *args, cd_jw *w, cd_err *err)
{
  cd_operation operation = 0;
  cd_buf name = CD_BUF_INIT(128);
  size_t kind = kind_of(args->operand[KIND]);
  cd_buf_addf(&name, "%.32s.%.32s", args->operand[KIND], args->operand[VERB]);
  bool known = kind < KINDS && cd_operation_from_name(cd_buf_view(&name), &operation);
  cd_buf_release(&name);
  if (!known)
    return cd_fail(err, CD_E_INVALID,
                   "there is no '%s %s' to remediate; 'cordon help remediate' has what there is",
                   args->operand[KIND], args->operand[VERB]);
  cd_code rc = check_rest(kind, args, err);
  if (rc != CD_OK)
    return rc;
  cd_jw_cstr(w, "Operation", cd_operation_name(operation));
  cd_jw_obj(w, "Target");
  rc = kinds[kind].write(w, args, err);
  cd_jw_end_obj(w);
  if (args->value[CTL_OPT_ANYWAY] != NULL)
    cd_jw_bool(w, "Force", true);
  return rc;
}

ctl_exit fleet_cmd_remediate(const ctl_context *ctx, const ctl_args *args)
{
  static const fleet_job job = {.verb = "remediate",
                                .wait_s = REMEDIATE_WAIT_S,
                                .folder = "/api/cordon/machines/",
                                .end = "/remediate",
                                .write = write_one};
  return fleet_job_run(ctx, args, &job);
}
