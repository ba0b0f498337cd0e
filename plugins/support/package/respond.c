/* run() and probe() of cordon.respond/1: parameters, records, the result. */
#include <string.h>

#include "package/readout.h"
#include "support/call.h"
#include "support/json.h"

enum { ROWS = 10000, ROWS_MAX = 200000, PATH_MAX_BYTES = 4096, RUN_MS = 120000 };

#define BYTES (8 * COL_MIB)
#define BYTES_MIN (64 * 1024u)
#define BYTES_MAX (64 * COL_MIB)

typedef struct asked {
  const col_reading *reading;
  const char *path;
  col_row_sink rows;
} asked;

static const col_reading *reading_of(const col_responder *r, const char *what)
{
  for (size_t i = 0; i < r->count; i++) {
    if (strcmp(r->readings[i].what, what) == 0)
      return &r->readings[i];
  }
  return NULL;
}

static cordon_status read_path(const cJSON *doc, asked *a, sup_err *err)
{
  cordon_status status = sup_json_text(doc, "", "path", 1, &a->path, err);
  if (status != CORDON_OK)
    return status;
  if (a->reading->of_path != (a->path != NULL))
    return sup_fail(err, CORDON_E_INVALID, a->path == NULL ? "%s needs a path" : "%s takes no path",
                    a->reading->what);
  if (a->path != NULL && strlen(a->path) > PATH_MAX_BYTES)
    return sup_fail(err, CORDON_E_LIMIT, "path has %zu bytes, the limit is %d", strlen(a->path),
                    PATH_MAX_BYTES);
  return CORDON_OK;
}

static cordon_status read_number(const cJSON *doc, const char *name, uint64_t min, uint64_t max,
                                 uint64_t *number, sup_err *err)
{
  uint32_t given = 0;
  if (sup_json_get(doc, name) == NULL)
    return CORDON_OK;
  cordon_status status = sup_json_u32(doc, "", name, (uint32_t)min, (uint32_t)max, &given, err);
  if (status == CORDON_OK)
    *number = given;
  return status;
}

static cordon_status read_params(const col_responder *r, const cJSON *doc, asked *a, sup_err *err)
{
  static const char *const names[] = {"what", "path", "max_rows", "max_bytes", NULL};
  const char *what = NULL;
  cordon_status status = sup_json_members(doc, "", names, err);
  if (status == CORDON_OK)
    status = sup_json_text(doc, "", "what", 0, &what, err);
  if (status != CORDON_OK)
    return status;
  a->reading = reading_of(r, what);
  if (a->reading == NULL)
    return sup_fail(err, CORDON_E_INVALID, "what '%.40s' is none of those that probe tells of",
                    what);
  status = read_path(doc, a, err);
  if (status == CORDON_OK)
    status = read_number(doc, "max_rows", 1, ROWS_MAX, &a->rows.max_rows, err);
  if (status == CORDON_OK)
    status = read_number(doc, "max_bytes", BYTES_MIN, BYTES_MAX, &a->rows.max_bytes, err);
  return status;
}

static cordon_status put_row(void *data, const char *json, size_t len)
{
  const sup_call *call = data;
  const cordon_host *h = call->host;
  return h->emit(h, call->op, json, len);
}

static bool can_emit(const cordon_host *h)
{
  return h->struct_size >= offsetof(cordon_host, emit) + sizeof(h->emit) && h->emit != NULL;
}

static bool is_cancelled(void *data)
{
  return sup_call_cancelled(data);
}

static void tell_progress(void *data, uint64_t done, uint64_t total, const char *what)
{
  sup_call_progress(data, done, total, what);
}

static cordon_status read_out(const col_responder *r, sup_call *call, asked *a, sup_err *err)
{
  col_read_totals totals = {0};
  a->rows.data = call;
  a->rows.put = put_row;
  col_options o = {.root = "",
                   .max_file = BYTES_MAX,
                   .deadline_ms = sup_call_until(call, RUN_MS),
                   .host = call->host,
                   .op = call->op,
                   .rows = &a->rows,
                   .data = call,
                   .cancelled = is_cancelled,
                   .progress = tell_progress};
  cJSON *result = cJSON_CreateObject();
  cJSON *tables = cJSON_CreateArray();
  cordon_status status = r->run(&o, a->path, a->reading, tables, &totals, err);
  sup_json_add_text(result, "what", a->reading->what);
  (void)cJSON_AddNumberToObject(result, "rows", (double)totals.rows);
  (void)cJSON_AddNumberToObject(result, "bytes", (double)totals.bytes);
  (void)cJSON_AddBoolToObject(result, "more", totals.more);
  if (!cJSON_AddItemToObject(result, "tables", tables))
    cJSON_Delete(tables);
  sup_err ignored = {0};
  cordon_status told = sup_call_result(call, result, &ignored);
  cJSON_Delete(result);
  if (told == CORDON_OK || status < 0)
    return status;
  *err = ignored;
  return told;
}

cordon_status col_respond_run(const col_responder *r, const cordon_host *host,
                              const cordon_request *req)
{
  sup_call call;
  sup_err err = {0};
  asked a = {.rows = {.max_rows = ROWS, .max_bytes = BYTES}};
  sup_call_begin(&call, host, req);
  if (!can_emit(host)) {
    (void)sup_fail(&err, CORDON_E_UNSUPPORTED, "this host takes no records");
    return sup_call_end(&call, CORDON_E_UNSUPPORTED, &err);
  }
  cJSON *doc = sup_call_params(&call, &err);
  cordon_status status = doc != NULL ? read_params(r, doc, &a, &err) : err.status;
  if (status == CORDON_OK)
    status = read_out(r, &call, &a, &err);
  cJSON_Delete(doc);
  return sup_call_end(&call, status, &err);
}

cordon_status col_respond_probe(const col_responder *r, const cordon_host *host,
                                const cordon_request *req)
{
  sup_call call;
  sup_err err = {0};
  sup_call_begin(&call, host, req);
  cJSON *result = cJSON_CreateObject();
  cJSON *names = cJSON_AddArrayToObject(result, "read_outs");
  for (size_t i = 0; i < r->count; i++)
    (void)cJSON_AddItemToArray(names, cJSON_CreateString(r->readings[i].what));
  cordon_status status = sup_call_result(&call, result, &err);
  cJSON_Delete(result);
  return sup_call_end(&call, status, &err);
}
