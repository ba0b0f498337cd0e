/* cordon local quarantine, restore, undo, find, process, service, timer, cron, user, module, task
 * and startup: one order of kind remediate each. */
#include "local.h"
#include "remedy.h"

#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/json.h"
#include "platform/file.h"
#include "platform/process.h"
#include "platform/system.h"
#include "protocol/limits.h"
#include "protocol/path.h"
#include "protocol/remediate.h"
#include "protocol/scan.h"

#include "base/banned.h"

#define CRONTAB_MAX (1024u * 1024u)

/* ---- targets ---- */

static cd_code write_absolute(cd_jw *w, const char *key, const char *path, cd_err *err)
{
  cd_str bytes = cd_str_from(path);
  if (!cd_path_is_absolute(bytes) || bytes.len >= CD_PATH_MAX)
    return cd_fail(err, CD_E_INVALID, "PATH must be an absolute path, not '%s'", path);
  cd_path_write(w, key, bytes);
  return CD_OK;
}

static cd_code write_path(cd_jw *w, const ctl_args *args, cd_err *err)
{
  return write_absolute(w, "path", args->operand[0], err);
}

static cd_code write_action(cd_jw *w, const ctl_args *args, cd_err *err)
{
  cd_str id = cd_str_from(args->operand[0]);
  if (!cd_id_valid(id))
    return cd_fail(err, CD_E_INVALID,
                   "ACTION must be the id of an action, such as 'cordon local actions' prints");
  cd_jw_str(w, "action", id);
  return CD_OK;
}

static cd_code write_sha1(cd_jw *w, const ctl_args *args, cd_err *err)
{
  uint8_t bytes[CD_SHA1_TEXT_LEN / 2];
  char text[CD_SHA1_TEXT_LEN + 1];
  if (!cd_unhex(bytes, sizeof(bytes), cd_str_from(args->operand[0])))
    return cd_fail(err, CD_E_INVALID, "SHA1 must be 40 hex digits");
  cd_hex(text, bytes, sizeof(bytes));
  cd_jw_cstr(w, "sha1", text);
  return CD_OK;
}

/* Now: what the number names when the agent comes to it may be another. */
static cd_code write_process(cd_jw *w, const ctl_args *args, cd_err *err)
{
  uint64_t pid = 0;
  uint64_t start = 0;
  char boot[PF_BOOT_ID_MAX];
  if (!cd_str_to_u64(cd_str_from(args->operand[1]), INT32_MAX, &pid) || pid == 0)
    return cd_fail(err, CD_E_INVALID, "PID must be the number of a process, not '%s'",
                   args->operand[1]);
  cd_code rc = pf_process_start(pid, &start, err);
  if (rc == CD_OK)
    rc = pf_boot_id(boot, err);
  if (rc != CD_OK)
    return rc;
  cd_jw_u64(w, "pid", pid);
  cd_jw_u64(w, "start", start);
  cd_jw_cstr(w, "boot", boot);
  return CD_OK;
}

static cd_code write_name(cd_jw *w, const ctl_args *args, cd_err *err)
{
  cd_str name = cd_str_from(args->operand[1]);
  if (name.len == 0 || name.len > CD_REMEDIATE_NAME_MAX || !cd_str_utf8_valid(name))
    return cd_fail(err, CD_E_INVALID, "NAME must be a name of at most %u bytes",
                   CD_REMEDIATE_NAME_MAX);
  cd_jw_str(w, "name", name);
  return CD_OK;
}

static cd_code write_task(cd_jw *w, const ctl_args *args, cd_err *err)
{
  return ctl_write_task(w, args->operand[1], err);
}

static cd_code write_startup(cd_jw *w, const ctl_args *args, cd_err *err)
{
  return ctl_write_startup(w, args->operand[1], args->operands > 2 ? args->operand[2] : NULL, err);
}

/* The mark of one that is off, which is no part of it (plugins/linux/remediate/cron.c). */
static cd_str without_mark(cd_str line)
{
  static const char mark[] = "#cordon-off# ";
  size_t len = sizeof(mark) - 1;
  if (line.len < len || memcmp(line.ptr, mark, len) != 0)
    return line;
  return (cd_str){line.ptr + len, line.len - len};
}

/* The line is read here, with the rights of who asks: it is what the order is about. */
static cd_code write_cron(cd_jw *w, const ctl_args *args, cd_err *err)
{
  uint64_t number = 0;
  cd_buf text = CD_BUF_INIT(CRONTAB_MAX);
  cd_str line = {0};
  if (!cd_str_to_u64(cd_str_from(args->operand[2]), CD_REMEDIATE_LINE_MAX, &number) || number == 0)
    return cd_fail(err, CD_E_INVALID, "LINE must be the number of a line, not '%s'",
                   args->operand[2]);
  cd_code rc = write_absolute(w, "file", args->operand[1], err);
  if (rc == CD_OK)
    rc = pf_file_read(args->operand[1], CRONTAB_MAX, &text, err);
  cd_str rest = cd_buf_view(&text);
  for (uint64_t i = 0; i < number && rc == CD_OK; i++) {
    if (rest.len == 0)
      rc = cd_fail(err, CD_E_NOTFOUND, "'%s' has no line %llu", args->operand[1],
                   (unsigned long long)number);
    line = cd_str_cut(&rest, '\n');
  }
  line = without_mark(line);
  if (rc == CD_OK &&
      (line.len == 0 || line.len > CD_REMEDIATE_TEXT_MAX || !cd_str_utf8_valid(line)))
    rc = cd_fail(err, CD_E_INVALID, "line %llu of '%s' is no entry of cron",
                 (unsigned long long)number, args->operand[1]);
  if (rc == CD_OK) {
    cd_jw_u64(w, "line", number);
    cd_jw_str(w, "text", line);
  }
  cd_buf_release(&text);
  return rc;
}

/* ---- the order ---- */

typedef cd_code (*target_fn)(cd_jw *w, const ctl_args *args, cd_err *err);

static ctl_exit place(const ctl_context *ctx, const ctl_args *args, cd_operation operation,
                      target_fn write_target)
{
  cd_jw w;
  cd_err err = {0};
  cd_buf text = CD_BUF_INIT(CD_PARAMETERS_MAX);
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "operation", cd_operation_name(operation));
  cd_jw_obj(&w, "target");
  cd_code rc = write_target(&w, args, &err);
  cd_jw_end_obj(&w);
  if (args->value[CTL_OPT_ANYWAY] != NULL)
    cd_jw_bool(&w, "force", true);
  if (args->value[CTL_OPT_STOP] != NULL)
    cd_jw_bool(&w, "stop", true);
  cd_jw_end_obj(&w);
  if (rc == CD_OK)
    rc = cd_jw_done(&w, "the order", &err);
  ctl_exit code =
      rc == CD_OK ? ctl_local_order(
                        ctx, args, &(ctl_order){.method = "remediate", .order = cd_buf_view(&text)})
                  : ctl_report(ctx, CTL_EXIT_USAGE, &err, NULL);
  cd_buf_release(&text);
  return code;
}

/* `KIND VERB ...`, where KIND is what the command is called. */
static ctl_exit place_verb(const ctl_context *ctx, const ctl_args *args, const char *kind,
                           target_fn write_target)
{
  cd_err err = {0};
  cd_operation operation = 0;
  cd_buf name = CD_BUF_INIT(128);
  cd_buf_addf(&name, "%s.%.32s", kind, args->operand[0]);
  bool known = cd_operation_from_name(cd_buf_view(&name), &operation);
  cd_buf_release(&name);
  if (known)
    return place(ctx, args, operation, write_target);
  (void)cd_fail(&err, CD_E_INVALID, "'local %s' has no '%s'; see 'cordon help local %s'", kind,
                args->operand[0], kind);
  return ctl_report(ctx, CTL_EXIT_USAGE, &err, NULL);
}

ctl_exit ctl_cmd_quarantine(const ctl_context *ctx, const ctl_args *args)
{
  return place(ctx, args, CD_OP_FILE_QUARANTINE, write_path);
}

ctl_exit ctl_cmd_restore(const ctl_context *ctx, const ctl_args *args)
{
  return place(ctx, args, CD_OP_FILE_RESTORE, write_action);
}

ctl_exit ctl_cmd_undo(const ctl_context *ctx, const ctl_args *args)
{
  return place(ctx, args, CD_OP_UNDO, write_action);
}

ctl_exit ctl_cmd_find_quarantine(const ctl_context *ctx, const ctl_args *args)
{
  return place(ctx, args, CD_OP_FILE_FIND_QUARANTINE, write_sha1);
}

ctl_exit ctl_cmd_process(const ctl_context *ctx, const ctl_args *args)
{
  return place_verb(ctx, args, "process", write_process);
}

ctl_exit ctl_cmd_service(const ctl_context *ctx, const ctl_args *args)
{
  return place_verb(ctx, args, "service", write_name);
}

ctl_exit ctl_cmd_timer(const ctl_context *ctx, const ctl_args *args)
{
  return place_verb(ctx, args, "timer", write_name);
}

ctl_exit ctl_cmd_user(const ctl_context *ctx, const ctl_args *args)
{
  return place_verb(ctx, args, "user", write_name);
}

ctl_exit ctl_cmd_module(const ctl_context *ctx, const ctl_args *args)
{
  return place_verb(ctx, args, "module", write_name);
}

ctl_exit ctl_cmd_cron(const ctl_context *ctx, const ctl_args *args)
{
  return place_verb(ctx, args, "cron", write_cron);
}

ctl_exit ctl_cmd_task(const ctl_context *ctx, const ctl_args *args)
{
  return place_verb(ctx, args, "task", write_task);
}

ctl_exit ctl_cmd_startup(const ctl_context *ctx, const ctl_args *args)
{
  return place_verb(ctx, args, "startup", write_startup);
}
