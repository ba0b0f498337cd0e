#include "restore_plan.h"

#include "base/banned.h"

static uint64_t newest_file(const restore_facts *f)
{
  uint64_t newest = f->current == RESTORE_GOOD ? f->current_generation : 0;
  if (f->previous == RESTORE_GOOD && f->previous_generation > newest)
    newest = f->previous_generation;
  return newest;
}

static void add(restore_plan *p, agent_restore_source source)
{
  p->sources[p->count++] = source;
}

void agent_restore_plan(const restore_facts *f, restore_plan *ret_plan)
{
  restore_plan p = {0};
  bool filed = f->current != RESTORE_ABSENT || f->previous != RESTORE_ABSENT;
  bool ordered = f->journal == RESTORE_GOOD && f->known;
  if (ordered && !f->isolated && f->generation >= newest_file(f)) {
    p.why = filed ? "the journal has an order to release" : "the last order was to release";
  } else if (!filed && !(ordered && f->isolated)) {
    p.why = f->journal == RESTORE_BAD ? "there is no rule file, and the journal cannot be read"
                                      : "no isolation was ordered";
  } else {
    p.wanted = true;
    /* What was shown to hold comes before what was only ordered: the agent takes up an order that
     * came after it as soon as it runs. An order that was carried out, and that the file does not
     * have, comes first: the file could not be written. */
    bool stale = ordered && f->isolated && f->settled && f->generation > newest_file(f);
    if (stale)
      add(&p, AGENT_FROM_JOURNAL);
    if (f->current == RESTORE_GOOD)
      add(&p, AGENT_FROM_CURRENT);
    if (f->previous == RESTORE_GOOD)
      add(&p, AGENT_FROM_PREVIOUS);
    if (ordered && f->isolated && !stale)
      add(&p, AGENT_FROM_JOURNAL);
    add(&p, AGENT_FROM_BUILTIN);
  }
  *ret_plan = p;
}
