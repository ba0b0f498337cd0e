/* The runner: one item after the other, each on a thread of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "package/private.h"
#include "support/call.h"

/* What an item is waited for beyond its time, how often a cancel is looked for, and what is kept of
 * the whole time for the report and the manifest. */
enum {
  GRACE_MS = 1500,
  POLL_MS = 50,
  RESERVE_MS = 2000,
  READ_OUT_RESERVE_MS = 200,
  STACK = 2 * 1024 * 1024,
  CAP_TEXT = 200
};

static void package_free(col_package *p)
{
  for (size_t i = 0; i < p->count; i++) {
    free(p->records[i].name);
    free(p->records[i].item);
    free(p->records[i].source);
    free(p->records[i].error);
    free(p->records[i].cap);
  }
  free(p->records);
  if (p->o.own_free != NULL)
    p->o.own_free(p->o.own);
  col_gate_free(p->gate);
  free(p);
}

void col_package_drop(col_package *p)
{
  col_gate_lock(p->gate);
  bool last = --p->holders == 0;
  col_gate_unlock(p->gate);
  if (last)
    package_free(p);
}

/* Nobody waits for an item that does not come back: then it frees itself. */
static void end_thread(col_task *t)
{
  col_package *p = t->p;
  col_gate_lock(p->gate);
  bool abandoned = t->abandoned;
  t->done = true;
  col_gate_signal(p->gate);
  col_gate_unlock(p->gate);
  if (abandoned) {
    col_task_free(t);
    col_package_drop(p);
  }
}

static void run_item(void *arg)
{
  col_task *t = arg;
  if (!t->item->several)
    col_begin(t, t->item->name, t->item->source);
  t->item->collect(t);
  col_end_item(t);
  end_thread(t);
}

static void run_ahead(void *arg)
{
  col_task *t = arg;
  t->p->o.ahead(t);
  end_thread(t);
}

/* The lock is held. True: it has been cancelled just now. */
static bool hear_cancel(col_package *p)
{
  if (p->cancelled || p->o.cancelled == NULL || !p->o.cancelled(p->o.data))
    return false;
  p->cancelled = true;
  return true;
}

/* Waits for the end of an item. False: it was left behind. */
static bool wait_for(col_package *p, col_task *t)
{
  uint64_t give_up_ms = t->deadline_ms + GRACE_MS;
  col_gate_lock(p->gate);
  while (!t->done) {
    col_gate_wait(p->gate, POLL_MS);
    uint64_t now = sup_now_ms();
    if (hear_cancel(p))
      give_up_ms = now + GRACE_MS;
    if (p->cancelled || now >= t->deadline_ms)
      atomic_store_explicit(&t->stop, true, memory_order_relaxed);
    if (!t->done && now >= give_up_ms) {
      col_end_abandoned(t);
      t->abandoned = true;
      p->holders++;
      break;
    }
  }
  bool came_back = t->done;
  col_gate_unlock(p->gate);
  return came_back;
}

/* Waits for the thread of a task. False: it was left behind, and the task is its own. */
static bool join(col_package *p, col_task *t, col_thread *thread)
{
  bool came_back = wait_for(p, t);
  if (came_back)
    col_thread_join(thread);
  else
    col_thread_leave(thread);
  return came_back;
}

/* ---- what is done ahead ---- */

static void start_ahead(col_package *p, const col_item *items, size_t count)
{
  const col_item *item = NULL;
  for (size_t i = 0; p->o.ahead != NULL && i < count && item == NULL; i++)
    item = items[i].collect == p->o.ahead_of ? &items[i] : NULL;
  col_task *t = item != NULL ? col_task_new(p, item) : NULL;
  if (t == NULL)
    return;
  t->ahead_ms = col_wall_ms();
  t->ahead_mono_ms = sup_now_ms();
  if (col_thread_start(run_ahead, t, STACK, &p->ahead_thread))
    p->ahead = t;
  else
    col_task_free(t);
}

/* The item that it was done for waits for it as long as it may take. False: it was left behind. */
static bool take_ahead(col_package *p, uint64_t deadline_ms, col_task **ret_task)
{
  col_task *t = p->ahead;
  p->ahead = NULL;
  t->deadline_ms = deadline_ms;
  if (!join(p, t, p->ahead_thread))
    return false;
  t->done = false;
  atomic_store_explicit(&t->stop, false, memory_order_relaxed);
  *ret_task = t;
  return true;
}

/* There was no item that waited for it. */
static void end_ahead(col_package *p)
{
  col_task *t = NULL;
  if (p->ahead != NULL && take_ahead(p, 0, &t))
    col_task_free(t);
}

/* ---- items ---- */

static void run_one(col_package *p, const col_item *item)
{
  col_thread *thread = NULL;
  col_task *t = NULL;
  uint64_t reserve_ms = p->o.rows != NULL ? READ_OUT_RESERVE_MS : RESERVE_MS;
  uint64_t end = p->o.deadline_ms > reserve_ms ? p->o.deadline_ms - reserve_ms : 0;
  uint64_t now = sup_now_ms();
  uint64_t deadline_ms = now + item->budget_ms < end ? now + item->budget_ms : end;
  if (p->ahead == NULL || p->ahead->item != item)
    t = col_task_new(p, item);
  else if (!take_ahead(p, deadline_ms, &t))
    return;
  if (t != NULL && now < end) {
    t->deadline_ms = deadline_ms;
    if (col_thread_start(run_item, t, STACK, &thread)) {
      if (join(p, t, thread))
        col_task_free(t);
      return;
    }
  }
  col_task_free(t);
  col_skip(p, item, COL_ERROR,
           now < end ? "there is no memory to run it"
                     : "it was not begun: the time of the collection was over");
}

void col_run_items(col_package *p, const col_item *items, size_t count)
{
  const col_options *o = &p->o;
  for (size_t i = 0; i < count; i++) {
    if (items[i].extended && !o->extended)
      continue;
    if (o->progress != NULL)
      o->progress(o->data, i, count + 1, items[i].name);
    col_gate_lock(p->gate);
    (void)hear_cancel(p);
    col_gate_unlock(p->gate);
    if (p->cancelled)
      col_skip(p, &items[i], COL_ERROR, "it was not begun: the collection was cancelled");
    else if (o->rows != NULL && p->full)
      col_skip(p, &items[i], COL_PARTIAL, "it was not begun: the read-out takes no more");
    else
      run_one(p, &items[i]);
  }
}

/* The report and the manifest, which need no thread: they read nothing. False: it is not whole. */
static bool write_last(col_package *p, void (*write)(col_task *))
{
  static const col_item item = {.folder = "", .name = "", .source = ""};
  col_task *t = col_task_new(p, &item);
  if (t == NULL)
    return false;
  t->last = true;
  t->deadline_ms = p->o.deadline_ms;
  write(t);
  col_end(t);
  bool whole = t->opened && !t->refused;
  col_task_free(t);
  return whole;
}

const char *col_profile(const col_options *o)
{
  return o->list_name != NULL ? "custom" : o->extended ? "extended" : "standard";
}

col_package *col_package_new(const col_options *o, sup_err *err)
{
  col_package *p = calloc(1, sizeof(*p));
  if (p != NULL)
    p->gate = col_gate_new();
  if (p == NULL || p->gate == NULL) {
    free(p);
    if (o->own_free != NULL)
      o->own_free(o->own);
    (void)sup_fail(err, CORDON_E_LIMIT, "there is no memory for the package");
    return NULL;
  }
  p->o = *o;
  p->holders = 1;
  p->started_ms = col_wall_ms();
  return p;
}

static void count_records(const col_package *p, col_totals *ret_totals, col_cap_fn *on_cap,
                          void *data)
{
  *ret_totals = (col_totals){0};
  for (size_t i = 0; i < p->count; i++) {
    const col_record *r = &p->records[i];
    ret_totals->count[r->status]++;
    ret_totals->bytes += r->bytes;
    ret_totals->files += r->name != NULL && r->name[0] != '\0' ? 1 : 0;
    if (r->cap != NULL && on_cap != NULL) {
      char text[CAP_TEXT];
      char plain[COL_NAME + COL_SENTENCE];
      (void)snprintf(plain, sizeof(plain), "%s: %s", r->item != NULL ? r->item : "", r->cap);
      sup_csv_escape(plain, strlen(plain), text, sizeof(text));
      on_cap(data, text);
    }
  }
}

static cordon_status outcome(const col_package *p, const col_totals *totals, sup_err *err)
{
  if (p->cancelled)
    return sup_fail(err, CORDON_E_CANCELLED, "the collection was cancelled");
  if (p->broken)
    return sup_fail(err, CORDON_E_IO, "the package could not be written");
  if (!p->told)
    return sup_fail(err, CORDON_E_IO, "the manifest of the package could not be written whole");
  size_t all = 0;
  for (int i = 0; i < COL_STATUSES; i++)
    all += totals->count[i];
  uint32_t wrong = totals->count[COL_PARTIAL] + totals->count[COL_DENIED] +
                   totals->count[COL_ERROR] + (uint32_t)p->left_out;
  if (wrong == 0)
    return CORDON_OK;
  (void)sup_fail(err, CORDON_PARTIAL, "%u of %zu records are not complete: the manifest says why",
                 wrong, all + p->left_out);
  return CORDON_PARTIAL;
}

cordon_status col_package_run(const col_options *o, const col_item *items, size_t count,
                              col_totals *ret_totals, col_cap_fn *on_cap, void *data, sup_err *err)
{
  col_package *p = col_package_new(o, err);
  if (p == NULL)
    return CORDON_E_LIMIT;
  start_ahead(p, items, count);
  col_run_items(p, items, count);
  end_ahead(p);
  (void)write_last(p, col_write_report);
  count_records(p, ret_totals, on_cap, data);
  p->told = write_last(p, col_write_manifest);
  if (o->progress != NULL)
    o->progress(o->data, count + 1, count + 1, "the manifest");
  cordon_status status = outcome(p, ret_totals, err);
  col_package_drop(p);
  return status;
}
