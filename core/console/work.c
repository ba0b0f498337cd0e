#include "work.h"

#include "base/banned.h"

static void on_idle(uv_idle_t *idle)
{
  con_server *s = idle->data;
  con_work *w = s->work;
  if (w != NULL) {
    s->work = w->next;
    w->next = NULL;
    if (w->step(w, false))
      con_work_add(s, w); /* behind the others: they take turns */
  }
  if (s->work == NULL)
    (void)uv_idle_stop(idle);
}

void con_work_add(con_server *s, con_work *w)
{
  con_work **at = &s->work;
  while (*at != NULL)
    at = &(*at)->next;
  *at = w;
  w->next = NULL;
  (void)uv_idle_start(&s->idle, on_idle);
}

void con_work_close(con_server *s)
{
  while (s->work != NULL) {
    con_work *w = s->work;
    s->work = w->next;
    (void)w->step(w, true);
  }
}
