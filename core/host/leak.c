/* What an operation leaves behind: threads and descriptors that were not there before it. The OS
 * counts them for the process as a whole, so that it can be told only while nothing else changes
 * their number. A watch runs all the time; it changes it little once it has come up, and what it
 * does change is not to be laid at an operation's door: beside a watch, only what two operations of
 * a function leave one after the other counts. */
#include "host.h"

#include "base/banned.h"

#define PH_LEAVE_TRIES 20 /* a thread that was joined stays in the OS's list for a moment */
#define PH_LEAVE_TRY_MS 1u

static bool is_up(const ph_op *op)
{
  return op->function->background && op->up;
}

void ph_leak_begin(ph_host *host, ph_op *op)
{
  op->up = false;
  op->turn = ++host->turns;
  op->beside = false;
  op->measured = true;
  for (size_t i = 0; i < PH_OPS_MAX; i++) {
    ph_op *other = &host->ops[i];
    if (other == op || atomic_load(&other->id) == 0)
      continue;
    op->beside = true;
    op->measured = op->measured && is_up(other);
    other->measured = false;
  }
  op->measured = op->measured && pf_usage_self(&op->before, NULL) == CD_OK;
}

/* A watch that has been there for the whole of another operation has come up, whether it says
 * something or not. */
static void let_come_up(ph_host *host, const ph_op *ended)
{
  for (size_t i = 0; i < PH_OPS_MAX; i++) {
    ph_op *other = &host->ops[i];
    if (other != ended && atomic_load(&other->id) != 0 && other->turn < ended->turn)
      other->up = true;
  }
}

static uint32_t less(uint32_t a, uint32_t b)
{
  return a < b ? a : b;
}

static uint32_t beyond(uint32_t now, uint32_t before)
{
  return now > before ? now - before : 0;
}

/* The worker is joined already, but the OS may list it a little longer, and a watch may have a file
 * open for a moment: the least that was seen within a few looks. */
static ph_growth least_growth(const pf_usage *before)
{
  ph_growth least = {.threads = UINT32_MAX, .files = UINT32_MAX};
  for (int i = 0; i < PH_LEAVE_TRIES && (least.threads > 0 || least.files > 0); i++) {
    pf_usage now = {0};
    if (i > 0)
      uv_sleep(PH_LEAVE_TRY_MS);
    if (pf_usage_self(&now, NULL) != CD_OK)
      return (ph_growth){0};
    least.threads = less(least.threads, beyond(now.threads, before->threads));
    least.files = less(least.files, beyond(now.files, before->files));
  }
  return least;
}

void ph_leak_end(ph_host *host, ph_op *op, ph_end *end)
{
  let_come_up(host, op);
  if (!op->measured)
    return;
  ph_growth growth = least_growth(&op->before);
  end->threads_left = growth.threads;
  end->files_left = growth.files;
  if (!op->beside)
    return;
  ph_growth *last = &host->grown[op->function - host->setup.capability->functions];
  end->threads_left = less(growth.threads, last->threads);
  end->files_left = less(growth.files, last->files);
  *last = growth;
}
