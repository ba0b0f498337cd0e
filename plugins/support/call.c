#include "support/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/json.h"

/* A member counts only if the host's table is long enough to hold it; pointers may be absent too.
 */
#define HAS(object, type, member)                                                                  \
  ((object)->struct_size >= offsetof(type, member) + sizeof((object)->member))
#define HOST_CAN(host, member) (HAS(host, cordon_host, member) && (host)->member != NULL)

void sup_call_begin(sup_call *c, const cordon_host *host, const cordon_request *req)
{
  *c = (sup_call){.host = host};
  if (HAS(req, cordon_request, op)) {
    c->op = req->op;
    c->dry_run = (req->flags & CORDON_REQ_DRY_RUN) != 0;
    c->held = (req->flags & CORDON_REQ_HELD) != 0;
    c->apply_follows = (req->flags & CORDON_REQ_APPLY_FOLLOWS) != 0;
  }
  if (HAS(req, cordon_request, budget_ms) && req->budget_ms != 0) {
    uint64_t now = sup_now_ms();
    c->deadline_ms = req->budget_ms > UINT64_MAX - now ? UINT64_MAX : now + req->budget_ms;
  }
  if (HAS(req, cordon_request, params_len)) {
    c->params = req->params;
    c->params_len = req->params_len;
  }
}

cJSON *sup_call_params(const sup_call *c, sup_err *err)
{
  if (c->params == NULL) {
    (void)sup_fail(err, CORDON_E_INVALID, "the request carries no parameters");
    return NULL;
  }
  return sup_json_parse(c->params, c->params_len, err);
}

bool sup_call_cancelled(const sup_call *c)
{
  return HOST_CAN(c->host, cancelled) && c->host->cancelled(c->host, c->op) != 0;
}

cordon_status sup_call_check(const sup_call *c, sup_err *err)
{
  if (sup_call_cancelled(c))
    return sup_fail(err, CORDON_E_CANCELLED, "the operation was cancelled");
  if (c->deadline_ms != 0 && sup_now_ms() >= c->deadline_ms)
    return sup_fail(err, CORDON_E_DEADLINE, "the operation's time is over");
  return CORDON_OK;
}

uint64_t sup_call_until(const sup_call *c, uint64_t ms)
{
  uint64_t until = sup_now_ms() + ms;
  return c->deadline_ms != 0 && c->deadline_ms < until ? c->deadline_ms : until;
}

void sup_call_progress(const sup_call *c, uint64_t done, uint64_t total, const char *what)
{
  if (HOST_CAN(c->host, progress))
    c->host->progress(c->host, c->op, done, total, what);
}

cordon_status sup_call_emit(const sup_call *c, const cJSON *record)
{
  if (!HOST_CAN(c->host, emit))
    return CORDON_E_UNSUPPORTED;
  char *text = cJSON_PrintUnformatted(record);
  if (text == NULL)
    return CORDON_E_LIMIT;
  cordon_status status = c->host->emit(c->host, c->op, text, strlen(text));
  cJSON_free(text);
  return status;
}

cordon_status sup_call_result(const sup_call *c, const cJSON *result, sup_err *err)
{
  if (!HOST_CAN(c->host, result))
    return sup_fail(err, CORDON_E_UNSUPPORTED, "this host takes no results");
  char *text = cJSON_PrintUnformatted(result);
  if (text == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory for the result");
  cordon_status status = c->host->result(c->host, c->op, text, strlen(text));
  cJSON_free(text);
  if (status != CORDON_OK)
    return sup_fail(err, status, "the host refused the result with status %d", (int)status);
  return CORDON_OK;
}

cordon_status sup_call_end(const sup_call *c, cordon_status status, const sup_err *err)
{
  if (status != CORDON_OK && err->sentence[0] != '\0' && HOST_CAN(c->host, explain))
    c->host->explain(c->host, c->op, err->os_error, err->sentence);
  return status;
}

void sup_log(const cordon_host *host, cordon_op op, int32_t level, const char *format, ...)
{
  if (!HOST_CAN(host, log))
    return;
  char line[512];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(line, sizeof(line), format, args);
  va_end(args);
  host->log(host, op, level, line);
}
