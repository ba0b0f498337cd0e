/* The table of commands and what each may be given. A command is a row in one of commands_*.c and a
 * function of its own. */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "exit.h"
#include "table.h"

#include "base/status.h"
#include "base/str.h"

typedef enum ctl_option {
  CTL_OPT_SELECTIVE = 0,
  CTL_OPT_COMMENT,
  CTL_OPT_NO_WAIT,
  CTL_OPT_LIMIT,
  CTL_OPT_ID,
  CTL_OPT_TOKEN_FILE,
  CTL_OPT_CONSOLE,
  CTL_OPT_TAGS,
  CTL_OPT_MAY_TAG,
  CTL_OPT_CODE,
  CTL_OPT_CODE_FILE,
  CTL_OPT_TIMEOUT,
  CTL_OPT_JSON,
  CTL_OPT_PROGRESS,
  CTL_OPT_HELP,
  CTL_OPT_SOCKET,
  /* of the fleet; some share a name with one of the above and mean something of their own */
  CTL_OPT_LIST, /* --selective */
  CTL_OPT_TICKET,
  CTL_OPT_WAIT,
  CTL_OPT_TAG,
  CTL_OPT_PREVIEW,
  CTL_OPT_EXPECT,
  CTL_OPT_DEVICE,
  CTL_OPT_USES,
  CTL_OPT_FOR,
  CTL_OPT_NOTE,
  CTL_OPT_OUTPUT,
  CTL_OPT_HEAD,
  CTL_OPT_ROOT,
  CTL_OPT_CONFIG,
  CTL_OPT_DEADLINE, /* --timeout */
  CTL_OPT_DRY_RUN,
  CTL_OPT_FORCE,
  /* of an isolation */
  CTL_OPT_LEASE, /* --for */
  CTL_OPT_LOST_CONSOLE,
  CTL_OPT_UNREACHABLE,
  /* of a package */
  CTL_OPT_PROFILE,
  CTL_OPT_OVERWRITE,
  CTL_OPT_BUDGET,
  CTL_OPT_MADE,       /* --id */
  CTL_OPT_FOLDER,     /* --output */
  CTL_OPT_COLLECTION, /* --list */
  CTL_OPT_REPORT,
  /* of a scan */
  CTL_OPT_QUICK,
  CTL_OPT_FULL,
  CTL_OPT_PATH,
  CTL_OPT_CPU,
  /* of remediations and alerts */
  CTL_OPT_SHA1,
  CTL_OPT_FILE,   /* --path */
  CTL_OPT_ANYWAY, /* --force */
  CTL_OPT_STATUS,
  CTL_OPT_CLASSIFICATION,
  CTL_OPT_DETERMINATION,
  CTL_OPT_STOP,
  CTL_OPT_START,
  CTL_OPT_BOOT,
  CTL_OPT_TEXT,
  CTL_OPT_COUNT
} ctl_option;

#define CTL_HAS(option) (UINT64_C(1) << (option))

typedef struct ctl_option_row {
  const char *name;  /* without the dashes */
  const char *value; /* what its value is called in help; NULL: it takes none */
  const char *help;
  bool lab; /* for the lab and the tests: named in the last lines of help only */
} ctl_option_row;

#define CTL_OPERANDS_MAX 5

/* A command line, taken apart. A switch that was given has the value "". */
typedef struct ctl_args {
  const char *value[CTL_OPT_COUNT];
  const char *operand[CTL_OPERANDS_MAX];
  size_t operands;
} ctl_args;

/* What main found out about the world, handed to each command. */
typedef struct ctl_context {
  FILE *out;
  FILE *err;
  ctl_style style; /* for `out` */
  bool live;       /* `err` is a terminal that can move its cursor */
  bool shown;      /* `out` is a terminal */
  bool json;       /* --json was given: errors are JSON too */
} ctl_context;

typedef struct ctl_command {
  const char *name;     /* the words as typed: "local isolate" */
  const char *operands; /* as shown in help, or NULL */
  size_t operands_min;
  size_t operands_max;
  uint64_t options; /* CTL_HAS() of each */
  const char *help; /* one line */
  const char *more; /* paragraphs for `cordon help COMMAND`; NULL: none */
  ctl_exit (*run)(const ctl_context *ctx, const ctl_args *args);
} ctl_command;

/* options.c */
const ctl_option_row *ctl_option_named(ctl_option option);

/* commands.c */
/* In the order of help; NULL behind the last. */
const ctl_command *ctl_command_at(size_t index);
/* The command that the words begin with, the longest name first; *ret_words of them are its name.
 * NULL: none. */
const ctl_command *ctl_command_find(int count, const char *const *words, int *ret_words);
/* Runs a command line (argv without the program's name) and returns its exit code. */
ctl_exit ctl_run(ctl_context *ctx, int count, const char *const *words);

/* args.c: takes the words behind a command's name apart. --help ends it early, with no complaint
 * about the rest. */
CD_MUST_USE cd_code ctl_args_read(const ctl_command *command, int count, const char *const *words,
                                  ctl_args *ret_args, cd_err *err);
/* A decimal number from `min` to `max`; `fallback` if the option was not given. */
CD_MUST_USE cd_code ctl_args_number(const ctl_args *args, ctl_option option, uint64_t min,
                                    uint64_t max, uint64_t fallback, uint64_t *ret_value,
                                    cd_err *err);

/* output.c: everything that `cordon` prints leaves through these. */
/* Writes to standard output; an error there (a full disk, a closed pipe) is said once and becomes
 * the exit code. */
ctl_exit ctl_put(const ctl_context *ctx, cd_str text, ctl_exit code);
/* "cordon: <sentence>" on standard error, escaped. */
void ctl_say(const ctl_context *ctx, cd_str sentence);
/* A failure, as the user asked for it: {"error":{...}} on standard output with --json, else a
 * sentence. Returns `code`. `action`: the id of an action that goes on, or NULL. */
ctl_exit ctl_report(const ctl_context *ctx, ctl_exit code, const cd_err *err, const char *action);

/* cmd_*.c, fleet_*.c and help.c */
ctl_exit ctl_cmd_status(const ctl_context *ctx, const ctl_args *args);
ctl_exit ctl_cmd_plugins(const ctl_context *ctx, const ctl_args *args);
ctl_exit ctl_cmd_actions(const ctl_context *ctx, const ctl_args *args);
ctl_exit ctl_cmd_isolate(const ctl_context *ctx, const ctl_args *args);
ctl_exit ctl_cmd_renew(const ctl_context *ctx, const ctl_args *args);
ctl_exit ctl_cmd_release(const ctl_context *ctx, const ctl_args *args);
ctl_exit ctl_cmd_unquarantine(const ctl_context *ctx, const ctl_args *args);
ctl_exit ctl_cmd_quarantine(const ctl_context *ctx, const ctl_args *args);
ctl_exit ctl_cmd_restore(const ctl_context *ctx, const ctl_args *args);
ctl_exit ctl_cmd_undo(const ctl_context *ctx, const ctl_args *args);
ctl_exit ctl_cmd_find_quarantine(const ctl_context *ctx, const ctl_args *args);
ctl_exit ctl_cmd_process(const ctl_context *ctx, const ctl_args *args);
ctl_exit ctl_cmd_service(const ctl_context *ctx, const ctl_args *args);
ctl_exit ctl_cmd_timer(const ctl_context *ctx, const ctl_args *args);
ctl_exit ctl_cmd_user(const ctl_context *ctx, const ctl_args *args);
ctl_exit ctl_cmd_module(const ctl_context *ctx, const ctl_args *args);
ctl_exit ctl_cmd_cron(const ctl_context *ctx, const ctl_args *args);
ctl_exit ctl_cmd_task(const ctl_context *ctx, const ctl_args *args);
ctl_exit ctl_cmd_startup(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_device_list(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_device_show(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_isolate(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_renew(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_release(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_collect(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_scan(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_quarantine(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_remediate(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_restore(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_undo(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_alerts(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_alert_show(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_alert_resolve(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_tag_add(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_tag_remove(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_actions(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_action_show(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_action_cancel(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_action_code(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_action_report(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_action_verify(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_token_create(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_token_list(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_token_revoke(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_audit_verify(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_policy_list(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_policy_show(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_policy_set(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_policy_assign(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_policy_unassign(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_policy_remove(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_exclusions_list(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_exclusions_show(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_exclusions_set(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_exclusions_remove(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_collection_list(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_collection_show(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_collection_set(const ctl_context *ctx, const ctl_args *args);
ctl_exit fleet_cmd_collection_remove(const ctl_context *ctx, const ctl_args *args);
ctl_exit ctl_cmd_policy(const ctl_context *ctx, const ctl_args *args);
ctl_exit ctl_cmd_scan(const ctl_context *ctx, const ctl_args *args);
ctl_exit ctl_cmd_collect(const ctl_context *ctx, const ctl_args *args);
ctl_exit ctl_cmd_package_verify(const ctl_context *ctx, const ctl_args *args);
ctl_exit ctl_cmd_package_list(const ctl_context *ctx, const ctl_args *args);
ctl_exit ctl_cmd_package_extract(const ctl_context *ctx, const ctl_args *args);
ctl_exit ctl_cmd_enroll(const ctl_context *ctx, const ctl_args *args);
ctl_exit ctl_cmd_help(const ctl_context *ctx, const ctl_args *args);

void ctl_help_overview(cd_buf *out);
/* The commands whose name starts with the word, such as "local"; false if there are none. */
bool ctl_help_group(cd_str word, cd_buf *out);
void ctl_help_command(const ctl_command *command, cd_buf *out);

#endif
