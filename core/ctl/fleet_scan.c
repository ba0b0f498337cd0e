/* cordon scan, quarantine, restore, undo: what a device of the fleet is to look for, take away and
 * give back. */
#include "fleet_job.h"

#include "scan_order.h"

#include "protocol/path.h"
#include "protocol/scan.h"

#include <string.h>

#include "base/banned.h"

/* A full scan takes hours. */
#define SCAN_WAIT_S "86400"
#define REMEDIATE_WAIT_S "600"

/* ---- scan ---- */

/* What ctl_scan_write() takes, in the words of the console's API. */
static cd_code write_scan(const ctl_args *args, cd_jw *w, cd_err *err)
{
  cd_jw other;
  uint64_t percent = 0;
  uint64_t budget_s = 0;
  const char *path = args->value[CTL_OPT_PATH];
  cd_buf checked = CD_BUF_INIT(65536);
  cd_jw_init(&other, &checked);
  cd_jw_obj(&other, NULL);
  cd_code rc = ctl_scan_write(args, &other, err);
  cd_buf_release(&checked);
  if (rc == CD_OK)
    rc = ctl_args_number(args, CTL_OPT_CPU, 1, 100, 0, &percent, err);
  if (rc == CD_OK)
    rc = ctl_args_number(args, CTL_OPT_BUDGET, CD_SCAN_BUDGET_MIN_S, CD_SCAN_BUDGET_MAX_S, 0,
                         &budget_s, err);
  if (rc != CD_OK)
    return rc;
  cd_jw_cstr(w, "ScanType",
             path != NULL                         ? "Custom"
             : args->value[CTL_OPT_QUICK] != NULL ? "Quick"
                                                  : "Full");
  if (path != NULL) {
    cd_jw_arr(w, "Paths");
    cd_path_write(w, NULL, cd_str_from(path));
    cd_jw_end_arr(w);
  }
  if (percent > 0)
    cd_jw_u64(w, "CpuPercent", percent);
  if (budget_s > 0)
    cd_jw_u64(w, "BudgetSeconds", budget_s);
  return CD_OK;
}

ctl_exit fleet_cmd_scan(const ctl_context *ctx, const ctl_args *args)
{
  static const fleet_job job = {.verb = "scan",
                                .wait_s = SCAN_WAIT_S,
                                .folder = "/api/cordon/machines/",
                                .end = "/scan",
                                .write = write_scan};
  return fleet_job_run(ctx, args, &job);
}

/* ---- quarantine ---- */

static cd_code write_quarantine(const ctl_args *args, cd_jw *w, cd_err *err)
{
  const char *sha1 = args->value[CTL_OPT_SHA1];
  const char *path = args->value[CTL_OPT_FILE];
  bool anyway = args->value[CTL_OPT_ANYWAY] != NULL;
  bool stop = args->value[CTL_OPT_STOP] != NULL;
  if ((sha1 != NULL) == (path != NULL))
    return cd_fail(err, CD_E_INVALID, "which file? Either --sha1 HASH or --path PATH says it");
  if (sha1 != NULL && !cd_is_hex(cd_str_from(sha1), CD_SHA1_TEXT_LEN))
    return cd_fail(err, CD_E_INVALID, "--sha1 must be 40 hex digits");
  if (path != NULL && (!cd_path_is_absolute(cd_str_from(path)) || strlen(path) >= CD_PATH_MAX))
    return cd_fail(err, CD_E_INVALID, "--path must be absolute, as the device sees it");
  if (sha1 != NULL && anyway)
    return cd_fail(err, CD_E_INVALID, "--force goes with --path");
  if (sha1 != NULL && stop)
    return cd_fail(err, CD_E_INVALID,
                   "--stop goes with --path; with --sha1 what runs of the file is always ended");
  if (sha1 != NULL) {
    cd_jw_cstr(w, "Sha1", sha1);
    return CD_OK;
  }
  cd_jw_cstr(w, "Operation", "file.quarantine");
  cd_jw_obj(w, "Target");
  cd_path_write(w, "path", cd_str_from(path));
  cd_jw_end_obj(w);
  if (anyway)
    cd_jw_bool(w, "Force", true);
  if (stop)
    cd_jw_bool(w, "Stop", true);
  return CD_OK;
}

ctl_exit fleet_cmd_quarantine(const ctl_context *ctx, const ctl_args *args)
{
  static const fleet_job by_hash = {.verb = "quarantine",
                                    .wait_s = REMEDIATE_WAIT_S,
                                    .folder = "/api/machines/",
                                    .end = "/StopAndQuarantineFile",
                                    .write = write_quarantine};
  static const fleet_job by_path = {.verb = "quarantine",
                                    .wait_s = REMEDIATE_WAIT_S,
                                    .folder = "/api/cordon/machines/",
                                    .end = "/remediate",
                                    .write = write_quarantine};
  return fleet_job_run(ctx, args, args->value[CTL_OPT_SHA1] != NULL ? &by_hash : &by_path);
}

/* ---- taking back ---- */

ctl_exit fleet_cmd_restore(const ctl_context *ctx, const ctl_args *args)
{
  static const fleet_job job = {.verb = "restore",
                                .wait_s = REMEDIATE_WAIT_S,
                                .on_action = true,
                                .folder = "/api/cordon/machineactions/",
                                .end = "/restore"};
  return fleet_job_run(ctx, args, &job);
}

ctl_exit fleet_cmd_undo(const ctl_context *ctx, const ctl_args *args)
{
  static const fleet_job job = {.verb = "undo",
                                .wait_s = REMEDIATE_WAIT_S,
                                .on_action = true,
                                .folder = "/api/cordon/machineactions/",
                                .end = "/undo"};
  return fleet_job_run(ctx, args, &job);
}
