#include "protocol/scan.h"

#include "protocol/limits.h"

#include "base/banned.h"

#define ENGINE_MAX 128u /* a name, or a version */
#define COUNT_MAX (UINT64_C(1) << 53)

static const char *const type_names[] = {"quick", "full", "custom", NULL};

const char *cd_scan_type_name(cd_scan_type type)
{
  return type > 0 && type < CD_SCAN_TYPE_COUNT ? type_names[type - 1] : NULL;
}

bool cd_is_hex(cd_str text, size_t digits)
{
  uint8_t bytes[32];
  return text.len == digits && digits / 2 <= sizeof(bytes) && cd_unhex(bytes, digits / 2, text);
}

static void read_paths(cd_json *obj, cd_scan_type type, cd_json *out)
{
  cd_path path;
  *out = (cd_json){0};
  if (!cd_json_opt_arr(obj, "paths", CD_SCAN_PATHS_MAX, out)) {
    if (type == CD_SCAN_CUSTOM)
      cd_json_bad(obj, "paths", "is missing: a custom scan names what it scans");
    return;
  }
  if (type != CD_SCAN_CUSTOM && cd_json_len(out) > 0)
    cd_json_bad(obj, "paths", "are those of a custom scan");
  if (type == CD_SCAN_CUSTOM && cd_json_len(out) == 0)
    cd_json_bad(obj, "paths", "must not be empty in a custom scan");
  for (size_t i = 0; i < cd_json_len(out); i++)
    cd_path_read_absolute_at(out, i, &path);
}

static cd_scan_type read_type(cd_json *obj)
{
  int index = 0;
  cd_json_enum(obj, "type", type_names, &index);
  return (cd_scan_type)(index + 1);
}

void cd_scan_params_read(cd_json *parameters, cd_scan_params *ret_params)
{
  int64_t number = 0;
  cd_scan_params p = {.type = read_type(parameters)};
  read_paths(parameters, p.type, &p.paths);
  if (cd_json_opt_i64(parameters, "cpu_percent", 1, 100, &number))
    p.cpu_percent = (uint64_t)number;
  if (cd_json_opt_i64(parameters, "budget_s", CD_SCAN_BUDGET_MIN_S, CD_SCAN_BUDGET_MAX_S, &number))
    p.budget_s = (uint64_t)number;
  *ret_params = p;
}

/* ---- the result ---- */

static void read_hash(cd_json *obj, const char *key, size_t digits, cd_str *out)
{
  if (cd_json_opt_str(obj, key, digits, out) && out->len > 0 && !cd_is_hex(*out, digits))
    cd_json_bad(obj, key, "must be %zu hex digits", digits);
}

static void read_owner(cd_json *finding, cd_finding *out)
{
  cd_json owner = {0};
  if (!cd_json_opt_obj(finding, "owner", &owner))
    return;
  out->has_owner = cd_json_opt_u64(&owner, "uid", UINT32_MAX, &out->owner_id);
  (void)cd_json_opt_str(&owner, "name", CD_ACCOUNT_MAX, &out->owner_name);
}

void cd_process_read_at(cd_json *processes, size_t i, cd_process *ret_process)
{
  cd_json p = {0};
  *ret_process = (cd_process){0};
  cd_json_at_obj(processes, i, &p);
  cd_json_u64(&p, "pid", UINT32_MAX, &ret_process->pid);
  cd_json_u64(&p, "start", UINT64_MAX, &ret_process->start);
  cd_json_str(&p, "name", CD_PROCESS_NAME_MAX, &ret_process->name);
  (void)cd_json_opt_str(&p, "user", CD_ACCOUNT_MAX, &ret_process->user);
}

void cd_finding_read_at(cd_json *findings, size_t i, cd_finding *ret_finding)
{
  cd_json f = {0};
  cd_process process;
  *ret_finding = (cd_finding){0};
  cd_json_at_obj(findings, i, &f);
  cd_path_read(&f, "path", &ret_finding->path);
  cd_json_u64(&f, "size", COUNT_MAX, &ret_finding->size);
  read_hash(&f, "sha256", CD_SHA256_TEXT_LEN, &ret_finding->sha256);
  read_hash(&f, "sha1", CD_SHA1_TEXT_LEN, &ret_finding->sha1);
  cd_json_str(&f, "signature", CD_SIGNATURE_MAX, &ret_finding->signature);
  read_owner(&f, ret_finding);
  (void)cd_json_opt_i64(&f, "modified_ms", -CD_WALL_MS_MAX, CD_WALL_MS_MAX,
                        &ret_finding->modified_ms);
  (void)cd_json_opt_bool(&f, "deleted", &ret_finding->deleted);
  if (!cd_json_opt_arr(&f, "processes", CD_SCAN_PROCESSES_MAX, &ret_finding->processes))
    return;
  for (size_t n = 0; n < cd_json_len(&ret_finding->processes); n++)
    cd_process_read_at(&ret_finding->processes, n, &process);
}

void cd_not_scanned_read_at(cd_json *list, size_t i, cd_not_scanned *ret_one)
{
  cd_json n = {0};
  *ret_one = (cd_not_scanned){0};
  cd_json_at_obj(list, i, &n);
  cd_path_read(&n, "path", &ret_one->path);
  cd_json_str(&n, "reason", CD_SENTENCE_MAX, &ret_one->reason);
  ret_one->has_size = cd_json_opt_u64(&n, "size", COUNT_MAX, &ret_one->size);
}

cd_str cd_scan_untold_at(cd_scan_result *r, size_t i)
{
  cd_str name = {0};
  cd_json_at_str(&r->untold, i, ENGINE_MAX, &name);
  return name;
}

static void read_engine(cd_json *scan, cd_scan_result *out)
{
  cd_json engine = {0};
  cd_json database = {0};
  if (cd_json_opt_obj(scan, "engine", &engine)) {
    cd_json_str(&engine, "name", ENGINE_MAX, &out->engine);
    (void)cd_json_opt_str(&engine, "version", ENGINE_MAX, &out->engine_version);
    if (cd_json_opt_arr(&engine, "untold", CD_SCAN_UNTOLD_MAX, &out->untold))
      for (size_t i = 0; i < cd_json_len(&out->untold); i++)
        (void)cd_scan_untold_at(out, i);
  }
  if (!cd_json_opt_obj(scan, "database", &database))
    return;
  out->has_database_version =
      cd_json_opt_u64(&database, "version", COUNT_MAX, &out->database_version);
  (void)cd_json_opt_i64(&database, "built_ms", 0, CD_WALL_MS_MAX, &out->database_built_ms);
  (void)cd_json_opt_u64(&database, "signatures", COUNT_MAX, &out->signatures);
}

/* Lists are views, so they are read once here, and may be read again without a failure. */
static void read_lists(cd_json *scan, cd_scan_result *out)
{
  cd_finding finding;
  cd_not_scanned one;
  cd_json_arr(scan, "findings", CD_SCAN_FINDINGS_MAX, &out->findings);
  for (size_t i = 0; i < cd_json_len(&out->findings); i++)
    cd_finding_read_at(&out->findings, i, &finding);
  cd_json_arr(scan, "not_scanned", CD_SCAN_NOT_SCANNED_MAX, &out->not_scanned);
  for (size_t i = 0; i < cd_json_len(&out->not_scanned); i++)
    cd_not_scanned_read_at(&out->not_scanned, i, &one);
  if (out->findings_total < cd_json_len(&out->findings))
    cd_json_bad(scan, "findings_total", "is less than what is listed");
  if (out->not_scanned_total < cd_json_len(&out->not_scanned))
    cd_json_bad(scan, "not_scanned_total", "is less than what is listed");
}

static void read_reasons(cd_json *scan, cd_scan_result *out)
{
  cd_str reason = {0};
  uint64_t count = 0;
  if (!cd_json_opt_obj(scan, "not_scanned_reasons", &out->reasons))
    return;
  for (size_t i = 0; cd_json_member_at(&out->reasons, i, COUNT_MAX, &reason, &count); i++) {
    if (reason.len > CD_SENTENCE_MAX)
      cd_json_bad(scan, "not_scanned_reasons", "has a reason that is too long");
  }
}

static void read_left_out(cd_json *scan, cd_scan_result *out)
{
  cd_json left = {0};
  if (!cd_json_opt_obj(scan, "left_out", &left))
    return;
  (void)cd_json_opt_u64(&left, "special_files", COUNT_MAX, &out->special_files);
  (void)cd_json_opt_u64(&left, "file_systems_total", COUNT_MAX, &out->file_systems);
}

void cd_scan_result_read(cd_json *scan, cd_scan_result *ret_result)
{
  cd_scan_result r = {.type = read_type(scan)};
  bool complete = false;
  read_paths(scan, r.type, &r.paths);
  read_engine(scan, &r);
  cd_json_u64(scan, "files_planned", COUNT_MAX, &r.files_planned);
  cd_json_u64(scan, "files_scanned", COUNT_MAX, &r.files_scanned);
  cd_json_u64(scan, "bytes_scanned", COUNT_MAX, &r.bytes_scanned);
  cd_json_u64(scan, "findings_total", COUNT_MAX, &r.findings_total);
  cd_json_u64(scan, "not_scanned_total", COUNT_MAX, &r.not_scanned_total);
  read_lists(scan, &r);
  read_reasons(scan, &r);
  read_left_out(scan, &r);
  cd_json_bool(scan, "complete", &complete);
  cd_json_u64(scan, "elapsed_ms", COUNT_MAX, &r.elapsed_ms);
  r.complete = complete && r.not_scanned_total == 0;
  *ret_result = r;
}

bool cd_scan_is_clean(const cd_scan_result *r)
{
  return r->complete && r->findings_total == 0 && r->not_scanned_total == 0 &&
         cd_json_len(&r->untold) == 0;
}
