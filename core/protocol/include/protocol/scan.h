/* Scans: the parameters of an order of kind scan, and the member `scan` of its result.
 *
 *   {"type":"quick"|"full"|"custom","paths":[PATH..],"cpu_percent":50,"budget_s":3600}
 *
 *   {"type":"custom","paths":[PATH..],"engine":{"name":"ClamAV","version":"1.0.3","untold":["limits"]},
 *    "database":{"version":N,"built_ms":MS,"signatures":N},"files_planned":N,"files_scanned":N,
 *    "bytes_scanned":N,"findings_total":N,"findings":[FINDING..],"not_scanned_total":N,
 *    "not_scanned":[{"path":PATH,"reason":TEXT,"size":N}..],"not_scanned_reasons":{TEXT:N},
 *    "complete":true,"elapsed_ms":MS}
 *
 * A console does not trust the device that says so: each member is read with a ceiling. Members
 * that it does not know it leaves alone, so that no finding is lost with a newer agent. */
#ifndef CD_SCAN_H
#define CD_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "protocol/path.h"

#define CD_SCAN_PATHS_MAX 32u /* of one order */
#define CD_SCAN_BUDGET_MIN_S 60u
#define CD_SCAN_BUDGET_MAX_S 86400u
#define CD_SCAN_FINDINGS_MAX 200u    /* that a result names; the total says how many there were */
#define CD_SCAN_NOT_SCANNED_MAX 100u /* likewise */
#define CD_SCAN_PROCESSES_MAX 16u    /* of one finding */
#define CD_SCAN_UNTOLD_MAX 8u
#define CD_SIGNATURE_MAX 256u /* bytes of a signature's name */
#define CD_ACCOUNT_MAX 256u   /* of a user's name on the device */
#define CD_PROCESS_NAME_MAX 256u
#define CD_SHA1_TEXT_LEN 40u
#define CD_SHA256_TEXT_LEN 64u

typedef enum cd_scan_type {
  CD_SCAN_QUICK = 1,
  CD_SCAN_FULL,
  CD_SCAN_CUSTOM,
  CD_SCAN_TYPE_COUNT
} cd_scan_type;

const char *cd_scan_type_name(cd_scan_type type); /* "quick" ... */

/* A view into the document. */
typedef struct cd_scan_params {
  cd_scan_type type;
  cd_json paths;        /* of custom: 1 to CD_SCAN_PATHS_MAX, cd_path_read_absolute_at() */
  uint64_t cpu_percent; /* 1 to 100; 0: as the device is set */
  uint64_t budget_s;    /* 0: as the device is set */
} cd_scan_params;

/* What is wrong sticks to the document. */
void cd_scan_params_read(cd_json *parameters, cd_scan_params *ret_params);

/* Views into the document. */
typedef struct cd_scan_result {
  cd_scan_type type;
  cd_json paths; /* as above */
  cd_str engine;
  cd_str engine_version;
  uint64_t special_files; /* sockets, pipes, devices: what a scan is not about */
  uint64_t file_systems;  /* of the network or of other programs, and links of users: nor these */
  cd_json untold; /* what the engine leaves out in files without a word: cd_scan_untold_at() */
  bool has_database_version;
  uint64_t database_version;
  int64_t database_built_ms; /* 0: it does not say */
  uint64_t signatures;       /* 0: it does not say */
  uint64_t files_planned;
  uint64_t files_scanned;
  uint64_t bytes_scanned;
  uint64_t findings_total;
  uint64_t not_scanned_total;
  bool complete; /* it says so, and nothing that it says is against it */
  uint64_t elapsed_ms;
  cd_json findings;
  cd_json not_scanned;
  cd_json reasons; /* an object whose keys are reasons: cd_json_member_at() */
} cd_scan_result;

/* `scan`: the member of the result. Reads all of it, each finding too. What is wrong sticks. */
void cd_scan_result_read(cd_json *scan, cd_scan_result *ret_result);
/* One name of `untold`: "limits", "encrypted", "archives", or another of a newer agent. */
cd_str cd_scan_untold_at(cd_scan_result *r, size_t i);
/* Nothing was found, there is nothing that was not scanned, and the engine keeps nothing to itself:
 * the only result that may be called clean. */
bool cd_scan_is_clean(const cd_scan_result *r);

typedef struct cd_finding {
  cd_path path;
  uint64_t size;
  cd_str sha256; /* lower-case hex; empty: it is not known */
  cd_str sha1;
  cd_str signature;
  bool has_owner;
  uint64_t owner_id;
  cd_str owner_name;   /* may be empty */
  int64_t modified_ms; /* 0: it is not known */
  bool deleted;        /* a program that runs, and whose file is gone */
  cd_json processes;
} cd_finding;

/* i < cd_json_len(&r->findings). */
void cd_finding_read_at(cd_json *findings, size_t i, cd_finding *ret_finding);

typedef struct cd_process {
  uint64_t pid;
  uint64_t start; /* clock ticks since boot */
  cd_str name;
  cd_str user; /* may be empty */
} cd_process;

void cd_process_read_at(cd_json *processes, size_t i, cd_process *ret_process);

typedef struct cd_not_scanned {
  cd_path path;
  cd_str reason;
  bool has_size;
  uint64_t size;
} cd_not_scanned;

void cd_not_scanned_read_at(cd_json *list, size_t i, cd_not_scanned *ret_one);

/* Hex digits of either case, just so many. */
bool cd_is_hex(cd_str text, size_t digits);

#endif
