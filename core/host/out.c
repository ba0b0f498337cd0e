/* The way from the plugin's threads to the agent: one queue with a ceiling, which the control
 * thread empties into the link as fast as the agent reads. Progress is not queued, it lies in the
 * operation's slot and the latest wins; log lines are counted and dropped above a rate, so that
 * neither can flood anybody. */
#include "host.h"

#include "base/clock.h"
#include "ipc/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define PH_QUEUE_MAX                                                                               \
  (2u * 1024u * 1024u) /* bytes; one record of the largest size always fits in an empty queue */
#define PH_LINK_BUSY                                                                               \
  (2u * 1024u * 1024u)   /* bytes that the agent has not read; the link itself breaks at 8 MiB */
#define PH_ITEM_COST 64u /* counted per item, so that empty ones are not free */
#define PH_BUSY_MS 10u
#define PH_PROGRESS_MS 100u
#define PH_LOG_LINES 200u /* per second */
#define PH_LOG_SECOND_MS 1000u
#define PH_LOG_PAYLOAD_MAX (16u * 1024u) /* a line in JSON, where a byte can become six */

ph_item *ph_item_make(uint8_t type, uint64_t op, cd_str payload)
{
  ph_item *item = malloc(sizeof(*item) + payload.len);
  if (item == NULL)
    return NULL;
  *item = (ph_item){.type = type, .op = op, .len = payload.len, .payload = (char *)(item + 1)};
  if (payload.len > 0)
    memcpy(item->payload, payload.ptr, payload.len);
  return item;
}

bool ph_out_room(const ph_host *host)
{
  return host->out.bytes < PH_QUEUE_MAX;
}

void ph_out_push(ph_host *host, ph_item *item)
{
  item->next = NULL;
  if (host->out.last != NULL)
    host->out.last->next = item;
  else
    host->out.first = item;
  host->out.last = item;
  host->out.bytes += item->len + PH_ITEM_COST;
  /* It fails only for a handle of another kind. */
  (void)uv_async_send(&host->wake);
}

static ph_item *take(ph_host *host)
{
  uv_mutex_lock(&host->lock);
  ph_item *item = host->out.first;
  if (item != NULL) {
    host->out.first = item->next;
    if (host->out.first == NULL)
      host->out.last = NULL;
    host->out.bytes -= item->len + PH_ITEM_COST;
    uv_cond_broadcast(&host->changed);
  }
  uv_mutex_unlock(&host->lock);
  return item;
}

static bool link_is_busy(const ph_host *host)
{
  return uv_stream_get_write_queue_size((const uv_stream_t *)&host->link.pipe) > PH_LINK_BUSY;
}

static void send_item(ph_host *host, ph_item *item)
{
  if (item->ended != NULL) {
    ph_op_finish(host, item->ended);
    return;
  }
  ph_op *op = item->type == IPC_RECORD ? ph_op_find(host, item->op) : NULL;
  if (op != NULL)
    op->up = true;
  ph_host_send(host, item->type, item->op, (cd_str){item->payload, item->len});
  free(item);
}

/* ---- log lines ---- */

/* With the lock held: whether this line may go. The first that is dropped wakes the control thread,
 * which will say how many there were. */
static bool admit_line(ph_host *host)
{
  ph_lograte *rate = &host->lograte;
  uint64_t now_ms = cd_mono_ms();
  if (rate->dropped == 0 && now_ms - rate->since_ms >= PH_LOG_SECOND_MS) {
    rate->since_ms = now_ms;
    rate->lines = 0;
  }
  if (rate->lines < PH_LOG_LINES && ph_out_room(host)) {
    rate->lines++;
    return true;
  }
  if (rate->dropped++ == 0)
    (void)uv_async_send(&host->wake);
  return false;
}

/* The line cut to what one log line may have, at a character. */
static cd_str cut_line(const char *line)
{
  cd_str s = {line, strnlen(line, CD_LOG_LINE_MAX + 1)};
  if (s.len <= CD_LOG_LINE_MAX)
    return s;
  s.len = CD_LOG_LINE_MAX;
  while (s.len > CD_LOG_LINE_MAX - 4 && ((unsigned char)line[s.len] & 0xc0) == 0x80)
    s.len--;
  return s;
}

static ph_item *make_line(uint64_t op, int level, cd_str line)
{
  cd_buf payload = CD_BUF_INIT(PH_LOG_PAYLOAD_MAX);
  ph_item *item = NULL;
  if (ph_log_write(level, line, &payload, NULL) == CD_OK)
    item = ph_item_make(IPC_LOG, op, cd_buf_view(&payload));
  cd_buf_release(&payload);
  return item;
}

void ph_log(ph_host *host, uint64_t op, int level, const char *line)
{
  if (level < CORDON_LOG_DEBUG)
    level = CORDON_LOG_DEBUG;
  if (level > CORDON_LOG_ERROR)
    level = CORDON_LOG_ERROR;
  cd_str text = cut_line(line);
  uv_mutex_lock(&host->lock);
  bool admitted = admit_line(host);
  if (level >= CORDON_LOG_WARN)
    (void)snprintf(host->last_complaint, sizeof(host->last_complaint), "%.*s", CD_STR_ARG(text));
  uv_mutex_unlock(&host->lock);
  ph_item *item = admitted ? make_line(op, level, text) : NULL;
  if (item == NULL)
    return;
  uv_mutex_lock(&host->lock);
  ph_out_push(host, item);
  uv_mutex_unlock(&host->lock);
}

void ph_logf(ph_host *host, uint64_t op, int level, const char *fmt, ...)
{
  char line[CD_ERR_TEXT_MAX];
  va_list args;
  va_start(args, fmt);
  (void)vsnprintf(line, sizeof(line), fmt, args);
  va_end(args);
  ph_log(host, op, level, line);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
  return a < b ? a : b;
}

/* Says how many lines were dropped, a second after the first that counted. Returns when to look
 * again, UINT64_MAX for never. */
static uint64_t report_dropped(ph_host *host, bool now)
{
  uint64_t dropped = 0;
  uint64_t wait_ms = UINT64_MAX;
  uv_mutex_lock(&host->lock);
  uint64_t age_ms = cd_mono_ms() - host->lograte.since_ms;
  if (host->lograte.dropped > 0 && !now && age_ms < PH_LOG_SECOND_MS) {
    wait_ms = PH_LOG_SECOND_MS - age_ms;
  } else if (host->lograte.dropped > 0) {
    dropped = host->lograte.dropped;
    host->lograte = (ph_lograte){.since_ms = cd_mono_ms()};
  }
  uv_mutex_unlock(&host->lock);
  if (dropped > 0) {
    char line[128];
    (void)snprintf(line, sizeof(line), "%llu log lines were dropped: more than %u in a second",
                   (unsigned long long)dropped, PH_LOG_LINES);
    ph_item *item = make_line(0, CORDON_LOG_WARN, cd_str_from(line));
    if (item != NULL)
      send_item(host, item);
  }
  return wait_ms;
}

/* ---- progress ---- */

void ph_out_progress(ph_host *host, ph_op *op)
{
  char what[PH_WHAT_MAX];
  uv_mutex_lock(&host->lock);
  bool fresh = op->progress_fresh;
  bool named = op->progress_named;
  uint64_t done = op->progress_done;
  uint64_t total = op->progress_total;
  memcpy(what, op->progress_what, sizeof(what));
  op->progress_fresh = false;
  op->progress_sent_ms = cd_mono_ms();
  uv_mutex_unlock(&host->lock);
  if (!fresh)
    return;
  cd_buf payload = CD_BUF_INIT(PH_LOG_PAYLOAD_MAX);
  if (ph_progress_write(done, total, named ? what : NULL, &payload, NULL) == CD_OK)
    ph_host_send(host, IPC_PROGRESS, atomic_load(&op->id), cd_buf_view(&payload));
  cd_buf_release(&payload);
}

/* Sends the progress that is due. Returns when the next is, UINT64_MAX for none. */
static uint64_t send_progress(ph_host *host)
{
  uint64_t wait_ms = UINT64_MAX;
  for (size_t i = 0; i < PH_OPS_MAX; i++) {
    ph_op *op = &host->ops[i];
    if (atomic_load(&op->id) == 0)
      continue;
    uv_mutex_lock(&host->lock);
    bool fresh = op->progress_fresh;
    uint64_t age_ms = cd_mono_ms() - op->progress_sent_ms;
    uv_mutex_unlock(&host->lock);
    if (fresh && age_ms >= PH_PROGRESS_MS)
      ph_out_progress(host, op);
    else if (fresh)
      wait_ms = sooner(wait_ms, PH_PROGRESS_MS - age_ms);
  }
  return wait_ms;
}

/* ---- the pump ---- */

static void on_again(uv_timer_t *timer)
{
  ph_out_pump(timer->data);
}

void ph_out_pump(ph_host *host)
{
  uint64_t wait_ms = UINT64_MAX;
  while (!host->leaving) {
    if (link_is_busy(host)) {
      wait_ms = PH_BUSY_MS;
      break;
    }
    ph_item *item = take(host);
    if (item == NULL)
      break;
    send_item(host, item);
  }
  if (host->leaving)
    return;
  if (wait_ms == UINT64_MAX)
    wait_ms = sooner(send_progress(host), report_dropped(host, false));
  if (wait_ms != UINT64_MAX)
    (void)uv_timer_start(&host->again, on_again, wait_ms, 0);
}

void ph_out_flush(ph_host *host)
{
  for (ph_item *item = take(host); item != NULL; item = take(host)) {
    /* An end is given by whoever flushes. */
    if (item->ended == NULL)
      send_item(host, item);
  }
  (void)report_dropped(host, true);
}
