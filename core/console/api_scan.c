/* Scans: quick and full as the machine-action API has them, and of paths. */
#include "api.h"

#include "protocol/scan.h"

#include "base/banned.h"

/* The API's word for a type of scan, and ours. */
static const struct {
  cd_str word;
  cd_scan_type type;
} types[] = {{CD_STR_INIT("Quick"), CD_SCAN_QUICK},
             {CD_STR_INIT("Full"), CD_SCAN_FULL},
             {CD_STR_INIT("Custom"), CD_SCAN_CUSTOM}};
#define TYPES (sizeof(types) / sizeof(types[0]))

static bool read_type(con_call *c, cd_json *root, size_t count, con_job *job)
{
  cd_str type = {0};
  if (!con_call_text(c, root, "ScanType", CD_WORD_MAX, &type))
    return false;
  for (size_t i = 0; i < count; i++) {
    if (!con_same(type, types[i].word))
      continue;
    job->scope = types[i].word;
    cd_buf_addf(&job->parameters, "{\"type\":\"%s\"", cd_scan_type_name(types[i].type));
    return true;
  }
  con_reply_error(&c->reply, CON_INVALID_INPUT, "Invalid input ScanType: it is Quick%s",
                  count == TYPES ? ", Full or Custom" : " or Full");
  return false;
}

static bool read_public(con_call *c, cd_json *root, con_job *job)
{
  if (!read_type(c, root, 2, job))
    return false;
  cd_buf_add_char(&job->parameters, '}');
  return con_job_check(c, job);
}

void con_api_scan(con_call *c)
{
  con_job job = {.kind = CD_ORDER_SCAN, .type = CD_STR("RunAntiVirusScan")};
  con_job_order(c, &job, read_public);
}

static bool read_own(con_call *c, cd_json *root, con_job *job)
{
  cd_json paths = {0};
  int64_t number = 0;
  if (!read_type(c, root, TYPES, job))
    return false;
  if (cd_json_opt_arr(root, "Paths", CD_SCAN_PATHS_MAX, &paths)) {
    cd_buf_add_cstr(&job->parameters, ",\"paths\":");
    cd_json_print(&paths, &job->parameters);
  }
  if (cd_json_opt_i64(root, "CpuPercent", 1, 100, &number))
    cd_buf_addf(&job->parameters, ",\"cpu_percent\":%lld", (long long)number);
  if (cd_json_opt_i64(root, "BudgetSeconds", CD_SCAN_BUDGET_MIN_S, CD_SCAN_BUDGET_MAX_S, &number))
    cd_buf_addf(&job->parameters, ",\"budget_s\":%lld", (long long)number);
  if (!con_call_body_whole(c, root))
    return false;
  cd_buf_add_char(&job->parameters, '}');
  return con_job_check(c, job);
}

void con_api_scan_own(con_call *c)
{
  con_job job = {.kind = CD_ORDER_SCAN, .type = CD_STR("RunAntiVirusScan")};
  con_job_order(c, &job, read_own);
}
