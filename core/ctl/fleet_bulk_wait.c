/* The actions of one tag, waited for together. */
#include "fleet_bulk.h"

#include "fleet_output.h"

#include "base/banned.h"

#define LOST_MAX 5u  /* looks in a row that may go wrong */
#define LOOK_MS 600u /* for one of them: the console takes 100 requests a minute */

typedef struct waiting {
  fleet_bulk *b;
  ctl_progress progress;
  size_t ended;
  unsigned lost;
  bool over; /* no more looks: interrupted, or the console is gone */
} waiting;

size_t fleet_bulk_ended(const fleet_bulk *b, ctl_exit code)
{
  size_t count = 0;
  for (size_t i = 0; i < b->count; i++)
    count += b->targets[i].action[0] != '\0' && b->targets[i].exit == code ? 1 : 0;
  return count;
}

/* A step of its own for each, so that a log has a line for each. */
static void show_count(waiting *w, const fleet_target *t)
{
  cd_buf event = CD_BUF_INIT(1024);
  cd_err unused = {0};
  cd_jw jw;
  cd_jw_init(&jw, &event);
  cd_jw_obj(&jw, NULL);
  cd_jw_cstr(&jw, "event", "step");
  cd_jw_cstr(&jw, "id", t->action);
  cd_jw_strf(&jw, "step", "device %zu of %zu", w->ended, w->b->actions);
  cd_jw_end_obj(&jw);
  /* What is only shown must not end what goes on. */
  if (cd_jw_done(&jw, "the progress", &unused) == CD_OK)
    (void)!ctl_progress_event(&w->progress, cd_buf_view(&event), &unused);
  cd_buf_release(&event);
}

static void say_why(waiting *w, const fleet_target *t)
{
  cd_err said = t->why;
  ctl_progress_end(&w->progress);
  (void)cd_err_prefix(&said, "%.*s, action %s", CD_STR_ARG(t->name), t->action);
  ctl_say(w->b->ctx, cd_str_from(said.text));
}

static void take_end(waiting *w, fleet_target *t, cd_json_doc *doc)
{
  ctl_style style = {0};
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  cd_json root = cd_json_root(doc);
  t->exit = fleet_action_print(&root, &style, true, &out, &t->why);
  t->ended = true;
  t->doc = doc;
  w->ended++;
  show_count(w, t);
  if (t->exit != CTL_EXIT_DONE)
    say_why(w, t);
  cd_buf_release(&out);
}

static void look_at(waiting *w, fleet_target *t)
{
  cd_json_doc *doc = NULL;
  bool ended = false;
  cd_err err = {0};
  ctl_exit code = fleet_action_look(w->b->s, t->action, &doc, &ended, &err);
  w->lost = code == CTL_EXIT_DONE ? 0 : w->lost + 1;
  if (code == CTL_EXIT_DONE && ended) {
    take_end(w, t, doc);
    return;
  }
  cd_json_free(doc);
  if (code == CTL_EXIT_DONE)
    return;
  /* A console that restarts is gone for a moment; being refused does not get better. */
  if (code == CTL_EXIT_REFUSED || code == CTL_EXIT_DENIED) {
    t->why = err;
    t->ended = true;
    say_why(w, t);
  } else if (err.code == CD_E_CANCELLED || w->lost > LOST_MAX) {
    ctl_progress_end(&w->progress);
    ctl_say(w->b->ctx, cd_str_from(err.text));
    w->over = true;
  }
}

/* How many there are still to be looked at. */
static size_t look_at_all(waiting *w)
{
  size_t left = 0;
  for (size_t i = 0; i < w->b->count; i++) {
    fleet_target *t = &w->b->targets[i];
    if (t->action[0] == '\0' || t->ended)
      continue;
    if (!w->over && fleet_left_ms(w->b->s) > 0)
      look_at(w, t);
    left += t->ended ? 0 : 1;
  }
  return left;
}

static void tell_left(waiting *w)
{
  for (size_t i = 0; i < w->b->count; i++) {
    fleet_target *t = &w->b->targets[i];
    if (t->action[0] == '\0' || t->ended)
      continue;
    (void)cd_fail(&t->why, CD_E_DEADLINE,
                  "it has not ended; it goes on, 'cordon action show %s' tells", t->action);
    say_why(w, t);
  }
}

void fleet_bulk_wait(fleet_bulk *b)
{
  waiting w = {.b = b};
  uint64_t interval_ms = 0;
  ctl_progress_init(&w.progress, b->ctx, fleet_progress_form(b->ctx, b->args), b->order->verb);
  fleet_watch_interrupts(b->s);
  for (size_t i = 0; i < b->count; i++)
    b->targets[i].exit = CTL_EXIT_WAITING;
  for (;;) {
    size_t left = look_at_all(&w);
    if (left == 0 || w.over || fleet_left_ms(b->s) == 0)
      break;
    interval_ms = fleet_poll_ms(interval_ms);
    if (!fleet_wait_ms(b->s, left * LOOK_MS > interval_ms ? left * LOOK_MS : interval_ms))
      break;
  }
  tell_left(&w);
  ctl_progress_end(&w.progress);
}
