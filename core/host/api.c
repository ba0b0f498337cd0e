/* What a plugin may call: the cordon_host table. Any thread may come here, with anything in its
 * hands; what makes no sense is refused, said, and ends the operation it was done in as `internal`.
 */
#include "host.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/json.h"
#include "ipc/message.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define PH_UNDO_WAIT_MS                                                                            \
  30000u /* for the agent to have a record on disk, which takes a millisecond */
#define PH_NS_PER_MS 1000000u

static ph_host *host_of(const cordon_host *h)
{
  return h != NULL ? h->host_data : NULL;
}

/* With the lock held: the operation, if its function is running. */
static ph_op *running(ph_host *host, cordon_op id)
{
  ph_op *op = ph_op_find(host, id);
  return op != NULL && op->running ? op : NULL;
}

/* With the lock held: the operation whose worker this thread is. */
static ph_op *own(ph_host *host)
{
  uv_thread_t self = uv_thread_self();
  for (size_t i = 0; i < PH_OPS_MAX; i++) {
    ph_op *op = &host->ops[i];
    if (atomic_load(&op->id) != 0 && op->running && uv_thread_equal(&self, &op->self))
      return op;
  }
  return NULL;
}

static bool on_control_thread(const ph_host *host)
{
  uv_thread_t self = uv_thread_self();
  return uv_thread_equal(&self, &host->control);
}

cordon_status ph_misuse(ph_host *host, cordon_op id, cordon_status answer, const char *fmt, ...)
{
  char sentence[CD_ERR_TEXT_MAX];
  va_list args;
  va_start(args, fmt);
  (void)vsnprintf(sentence, sizeof(sentence), fmt, args);
  va_end(args);
  uv_mutex_lock(&host->lock);
  ph_op *op = running(host, id);
  if (op == NULL)
    op = own(host);
  if (op != NULL && op->misuse[0] == '\0')
    memcpy(op->misuse, sentence, sizeof(op->misuse));
  uv_mutex_unlock(&host->lock);
  if (op == NULL)
    ph_log(host, 0, CORDON_LOG_WARN, sentence);
  return answer;
}

static cordon_status unknown(ph_host *host, cordon_op id, const char *call)
{
  return ph_misuse(host, id, CORDON_E_INVALID,
                   "the plugin called %s for operation %" PRIu64 ", which does not run", call, id);
}

/* Whether the bytes are a JSON object of at most `max` bytes. */
static cordon_status check_object(ph_host *host, cordon_op id, const char *call, const char *json,
                                  size_t len, size_t max)
{
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  if (json == NULL)
    return ph_misuse(host, id, CORDON_E_INVALID, "the plugin called %s with a null pointer", call);
  if (len > max)
    return ph_misuse(host, id, CORDON_E_LIMIT,
                     "the plugin called %s with %zu bytes, the limit is %zu", call, len, max);
  cd_code rc = cd_json_parse((cd_str){json, len}, max, call, &doc, &err);
  if (rc != CD_OK)
    return ph_misuse(host, id, rc == CD_E_LIMIT ? CORDON_E_LIMIT : CORDON_E_INVALID,
                     "the plugin gave something that is not JSON: %s", err.text);
  cd_json any = cd_json_any(doc);
  bool object = cd_json_is_object(&any);
  cd_json_free(doc);
  if (!object)
    return ph_misuse(host, id, CORDON_E_INVALID,
                     "the plugin called %s with JSON that is not an object", call);
  return CORDON_OK;
}

static const void *CORDON_CALL api_get_extension(const cordon_host *h, const char *id)
{
  const ph_host *host = host_of(h);
  if (host == NULL || id == NULL)
    return NULL;
  if (strcmp(id, CORDON_HOST_ARTIFACT) == 0)
    return ph_artifact_table(host);
  return strcmp(id, CORDON_HOST_SIGHT) == 0 ? ph_sight_table(host) : NULL;
}

static void CORDON_CALL api_log(const cordon_host *h, cordon_op id, int32_t level, const char *line)
{
  ph_host *host = host_of(h);
  if (host == NULL)
    return;
  if (line == NULL)
    (void)ph_misuse(host, id, CORDON_E_INVALID, "the plugin called log with a null pointer");
  else
    ph_log(host, ph_op_find(host, id) != NULL ? id : 0, level, line);
}

static int32_t CORDON_CALL api_cancelled(const cordon_host *h, cordon_op id)
{
  ph_host *host = host_of(h);
  ph_op *op = host != NULL ? ph_op_find(host, id) : NULL;
  /* What does not run need not go on. */
  return op == NULL || atomic_load(&op->cancel) ? 1 : 0;
}

static void CORDON_CALL api_progress(const cordon_host *h, cordon_op id, uint64_t done,
                                     uint64_t total, const char *what)
{
  ph_host *host = host_of(h);
  if (host == NULL)
    return;
  uv_mutex_lock(&host->lock);
  ph_op *op = running(host, id);
  if (op != NULL) {
    op->progress_done = done;
    op->progress_total = total;
    op->progress_named = what != NULL;
    (void)snprintf(op->progress_what, sizeof(op->progress_what), "%s", what != NULL ? what : "");
    if (!op->progress_fresh)
      (void)uv_async_send(&host->wake);
    op->progress_fresh = true;
  }
  uv_mutex_unlock(&host->lock);
  if (op == NULL)
    (void)unknown(host, id, "progress");
}

/* With the lock held: waits until a record may be queued. It ends at the latest when the
 * operation is cancelled, as its budget does it, if it has one, and the agent, by itself or because
 * it goes away. */
static cordon_status wait_for_room(ph_host *host, cordon_op id)
{
  for (;;) {
    ph_op *op = running(host, id);
    if (op == NULL || atomic_load(&op->cancel) || host->quitting)
      return CORDON_E_CANCELLED;
    if (op->credits > 0 && ph_out_room(host)) {
      op->credits--;
      return CORDON_OK;
    }
    /* The control thread is the one that makes room. */
    if (on_control_thread(host))
      return CORDON_E_LIMIT;
    uv_cond_wait(&host->changed, &host->lock);
  }
}

static cordon_status CORDON_CALL api_emit(const cordon_host *h, cordon_op id, const char *json,
                                          size_t len)
{
  ph_host *host = host_of(h);
  if (host == NULL)
    return CORDON_E_INVALID;
  cordon_status rc = check_object(host, id, "emit", json, len, CD_FRAME_PAYLOAD_MAX);
  if (rc != CORDON_OK)
    return rc;
  ph_item *item = ph_item_make(IPC_RECORD, id, (cd_str){json, len});
  if (item == NULL)
    return CORDON_E_LIMIT;
  uv_mutex_lock(&host->lock);
  bool known = running(host, id) != NULL;
  rc = known ? wait_for_room(host, id) : CORDON_E_INVALID;
  if (rc == CORDON_OK)
    ph_out_push(host, item);
  uv_mutex_unlock(&host->lock);
  if (rc != CORDON_OK)
    free(item);
  return known ? rc : unknown(host, id, "emit");
}

/* With the lock held: waits for UNDO_DONE. After any other answer than OK no more changes are
 * allowed. */
static cordon_status wait_for_undo(ph_host *host, ph_op *op)
{
  uint64_t end_ms = cd_mono_ms() + PH_UNDO_WAIT_MS;
  while (op->undo_waiting) {
    uint64_t now_ms = cd_mono_ms();
    if (now_ms >= end_ms)
      op->undo_lost = true;
    if (op->undo_lost || atomic_load(&op->cancel) || host->quitting)
      return op->undo_lost ? CORDON_E_DEADLINE : CORDON_E_CANCELLED;
    (void)uv_cond_timedwait(&host->changed, &host->lock, (end_ms - now_ms) * PH_NS_PER_MS);
  }
  return (cordon_status)op->undo_status;
}

static cordon_status CORDON_CALL api_note_undo(const cordon_host *h, cordon_op id, const char *json,
                                               size_t len)
{
  ph_host *host = host_of(h);
  if (host == NULL)
    return CORDON_E_INVALID;
  cordon_status rc = check_object(host, id, "note_undo", json, len, CD_UNDO_RECORD_MAX);
  if (rc != CORDON_OK)
    return rc;
  ph_item *item = ph_item_make(IPC_UNDO, id, (cd_str){json, len});
  if (item == NULL)
    return CORDON_E_LIMIT;
  uv_mutex_lock(&host->lock);
  ph_op *op = running(host, id);
  bool mine = op != NULL && op == own(host);
  /* A cancelled operation makes no further change, and so an answer that comes late cannot be taken
   * for another's. */
  if (mine && (op->undo_lost || atomic_load(&op->cancel) || host->quitting)) {
    rc = op->undo_lost ? CORDON_E_DEADLINE : CORDON_E_CANCELLED;
    free(item);
  } else if (mine) {
    op->undo_waiting = true;
    ph_out_push(host, item);
    CD_FAULT_POINT("host.undo_wait");
    rc = wait_for_undo(host, op);
  }
  uv_mutex_unlock(&host->lock);
  if (mine)
    return rc;
  free(item);
  return op == NULL
             ? unknown(host, id, "note_undo")
             : ph_misuse(host, id, CORDON_E_INVALID,
                         "the plugin called note_undo on a thread that is not the operation's");
}

static cordon_status CORDON_CALL api_result(const cordon_host *h, cordon_op id, const char *json,
                                            size_t len)
{
  ph_host *host = host_of(h);
  if (host == NULL)
    return CORDON_E_INVALID;
  cordon_status rc = check_object(host, id, "result", json, len, CD_RESULT_MAX);
  if (rc != CORDON_OK)
    return rc;
  char *copy = cd_str_dup((cd_str){json, len});
  if (copy == NULL)
    return CORDON_E_LIMIT;
  uv_mutex_lock(&host->lock);
  ph_op *op = running(host, id);
  if (op != NULL) {
    free(op->result);
    op->result = copy;
    op->result_len = len;
  }
  uv_mutex_unlock(&host->lock);
  if (op != NULL)
    return CORDON_OK;
  free(copy);
  return unknown(host, id, "result");
}

static void CORDON_CALL api_explain(const cordon_host *h, cordon_op id, uint32_t os_error,
                                    const char *sentence)
{
  ph_host *host = host_of(h);
  if (host == NULL)
    return;
  uv_mutex_lock(&host->lock);
  ph_op *op = running(host, id);
  if (op != NULL) {
    op->os_error = os_error;
    (void)snprintf(op->sentence, sizeof(op->sentence), "%s", sentence != NULL ? sentence : "");
  }
  uv_mutex_unlock(&host->lock);
  if (op == NULL)
    (void)unknown(host, id, "explain");
  else if (sentence == NULL)
    (void)ph_misuse(host, id, CORDON_E_INVALID, "the plugin called explain with a null pointer");
}

void ph_api_init(ph_host *host)
{
  host->api = (cordon_host){.struct_size = sizeof(host->api),
                            .abi_minor = CORDON_ABI_MINOR,
                            .host_data = host,
                            .version = CORDON_VERSION,
                            .get_extension = api_get_extension,
                            .log = api_log,
                            .cancelled = api_cancelled,
                            .progress = api_progress,
                            .emit = api_emit,
                            .note_undo = api_note_undo,
                            .result = api_result,
                            .explain = api_explain};
}
