/* Remediations: the parameters of an order of kind remediate, one operation on one target, and the
 * member `remediate` of its result.
 *
 *   {"operation":"file.quarantine","target":{"path":PATH,"sha256":HEX},"force":true,"stop":true}
 *
 *   {"operation","target":{..},"steps":[{"step","outcome","detail"}..],
 *    "undo":"available" | "none because ..","verified":[{"what","measured"}..]} */
#ifndef CD_REMEDIATE_H
#define CD_REMEDIATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "protocol/path.h"

#define CD_REMEDIATE_NAME_MAX 255u /* of a service, a timer, a user, a module, a value */
#define CD_REMEDIATE_TASK_MAX 1023u
#define CD_REMEDIATE_LINE_MAX 1000000u
#define CD_REMEDIATE_TEXT_MAX 4096u /* of a line of cron */
#define CD_REMEDIATE_STEPS_MAX 256u
#define CD_REMEDIATE_DETAIL_MAX 8192u /* two paths and a sentence */
#define CD_BOOT_ID_MAX 64u
/* A start is counted from the boot, in ticks, or it is a moment, in 100 ns since 1601. From here on
 * (1917, or 31 years of ticks) it is a moment, which no other boot has. */
#define CD_START_IS_MOMENT UINT64_C(100000000000000000)

typedef enum cd_operation {
  CD_OP_PROCESS_STOP = 1,
  CD_OP_PROCESS_SUSPEND,
  CD_OP_PROCESS_RESUME,
  CD_OP_FILE_QUARANTINE,
  CD_OP_FILE_RESTORE,
  CD_OP_FILE_FIND_QUARANTINE, /* of every file with a SHA-1, where it is looked for */
  CD_OP_SERVICE_DISABLE,
  CD_OP_SERVICE_ENABLE,
  CD_OP_TIMER_DISABLE,
  CD_OP_TIMER_ENABLE,
  CD_OP_CRON_DISABLE,
  CD_OP_CRON_ENABLE,
  CD_OP_USER_DISABLE,
  CD_OP_USER_ENABLE,
  CD_OP_MODULE_DISABLE,
  CD_OP_MODULE_ENABLE,
  CD_OP_TASK_DISABLE,
  CD_OP_TASK_ENABLE,
  CD_OP_STARTUP_REMOVE,
  CD_OP_STARTUP_RESTORE,
  CD_OP_UNDO,
  CD_OPERATION_COUNT
} cd_operation;

const char *cd_operation_name(cd_operation operation); /* "file.quarantine" ... */
bool cd_operation_from_name(cd_str name, cd_operation *ret_operation);
/* It only takes back what an earlier action did. */
bool cd_operation_gives_back(cd_operation operation);

/* A key of the registry with the root before it: HKLM\\... or HKU\\... */
bool cd_is_registry_key(cd_str text);
/* The path of a task of Windows: \\Folder\\Name. */
bool cd_is_task(cd_str text);

/* A view into the document; which members are set goes by the operation. */
typedef struct cd_remediation {
  cd_operation operation;
  bool force;
  bool stop;    /* file.quarantine: end the processes that run it */
  uint64_t pid; /* process.*: all three of them name it */
  uint64_t start;
  cd_str boot;   /* ptr NULL: the start is a moment */
  cd_path path;  /* file.quarantine, startup.*, and the file of cron.* */
  cd_str sha256; /* file.quarantine: it must be that file; may be empty */
  cd_str sha1;   /* file.find_quarantine */
  cd_str name;   /* service.*, timer.*, user.*, module.*, task.*; startup.*: of a value, or empty */
  uint64_t line; /* cron.* */
  cd_str text;   /* likewise */
  cd_str action; /* undo, file.restore: whose change is taken back */
} cd_remediation;

/* What is wrong sticks to the document. */
void cd_remediation_read(cd_json *parameters, cd_remediation *ret_remediation);

typedef struct cd_remediate_result {
  cd_operation operation;
  cd_json target; /* as it was given, unread */
  cd_json steps;
  cd_json verified;
  cd_str undo;
  bool can_undo;
} cd_remediate_result;

/* `remediate`: the member of the result; members that are not known are left alone. */
void cd_remediate_result_read(cd_json *remediate, cd_remediate_result *ret_result);

typedef struct cd_remediate_step {
  cd_str step;
  cd_str outcome;
  cd_str detail; /* may be empty */
} cd_remediate_step;

void cd_remediate_step_read_at(cd_json *steps, size_t i, cd_remediate_step *ret_step);

typedef struct cd_remediate_check {
  cd_str what;
  cd_json measured; /* any value */
} cd_remediate_check;

void cd_remediate_check_read_at(cd_json *verified, size_t i, cd_remediate_check *ret_check);

#endif
