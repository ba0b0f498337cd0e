#include "lease.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "lost.h"

#include "base/banned.h"

#define SAVE_MS (INT64_C(10) * 60 * 1000) /* a loss of power costs the count at most this */
#define LOOK_MIN_MS 20
#define LOOK_MAX_MS 5000 /* timers stand still while the device sleeps */
#define ASK_AGAIN_MS INT64_C(60000)
#define NOT_YET (-1)
#define UNREACHABLE "unreachable"

struct agent_lease {
  agent *agent;
  uv_timer_t timer;
  bool started;
  bool stopping;
  bool looking;
  bool again; /* something came up while it looked */
  bool blind; /* the clocks could not be read, which was said */
  uint32_t look_max_ms;
  agent_lease_record record;
  agent_lease_record saved;
  int64_t began_ms; /* from here on: elapsed_ms of the clock */
  bool by_console;  /* the isolation was given by one */
  cd_terms terms;   /* of it */
  int64_t in_force_ms;
  int64_t asked_ms; /* the provider was asked for its counters last */
  bool kept;        /* it was said that no console is reached, and that the rules are not why */
};

/* ---- the clock and its record ---- */

static bool advance(agent_lease *l)
{
  agent_now now;
  cd_err err = {0};
  if (agent_now_read(&now, &err) != CD_OK) {
    if (!l->blind)
      cd_log(CD_AREA_RECONCILE, CD_LOG_ERROR, "no lease is measured: %s", err.text);
    l->blind = true;
    return false;
  }
  l->blind = false;
  agent_clock_advance(&l->record.clock, &now);
  if (l->record.connected)
    l->record.heard_ms = l->record.clock.elapsed_ms;
  return true;
}

/* Whether anything is measured at all. */
static bool measures(const agent_lease *l)
{
  const cd_terms *t = &l->terms;
  return l->record.action[0] != '\0' && (t->lease_until_ms > 0 || t->lost_after_s > 0 ||
                                         (t->unreachable_after_s > 0 && !l->record.reached));
}

static void save_by(agent_lease *l,
                    cd_code (*set)(agent_journal *j, const agent_lease_record *r, cd_err *err))
{
  cd_err err = {0};
  if (set(l->agent->journal, &l->record, &err) == CD_OK)
    l->saved = l->record;
  else
    cd_log(CD_AREA_RECONCILE, CD_LOG_ERROR, "%s; trying again later", err.text);
}

static void save(agent_lease *l)
{
  save_by(l, agent_journal_lease_set);
}

static void save_if_stale(agent_lease *l)
{
  if (measures(l) && agent_clock_stale(&l->saved.clock, &l->record.clock, SAVE_MS))
    save(l);
}

/* A connection that was there when it was saved may have been heard until it was saved next. */
static cd_code load(agent_lease *l, cd_err *err)
{
  agent_lease_record *r = &l->record;
  cd_code rc = agent_journal_lease(l->agent->journal, r, err);
  if (rc != CD_OK)
    return rc;
  l->saved = *r;
  bool connected = r->connected;
  r->connected = false;
  if (!advance(l))
    return CD_OK;
  if (connected && r->clock.elapsed_ms - l->saved.clock.elapsed_ms > SAVE_MS)
    r->heard_ms = l->saved.clock.elapsed_ms + SAVE_MS;
  else if (connected)
    r->heard_ms = r->clock.elapsed_ms;
  l->began_ms = r->clock.elapsed_ms;
  return CD_OK;
}

/* ---- the isolation that is wanted ---- */

/* One that came from the boot's rule file, because the journal was lost, has no action here. */
static void read_terms(agent_lease *l, const agent_wanted *wanted)
{
  agent_action *a = NULL;
  cd_err err = {0};
  cd_terms_init(&l->terms);
  cd_code rc = agent_journal_action(l->agent->journal, wanted->action, &a, &err);
  l->by_console = rc != CD_OK || a->console;
  if (rc == CD_E_NOTFOUND)
    rc = CD_OK;
  if (rc == CD_OK && wanted->terms != NULL)
    rc = cd_terms_parse(cd_str_from(wanted->terms), &l->terms, &err);
  else if (!l->by_console)
    l->terms.unreachable_after_s = 0;
  if (rc != CD_OK)
    cd_log(CD_AREA_RECONCILE, CD_LOG_ERROR, "the isolation's terms: %s; it is kept", err.text);
  agent_action_free(a);
}

static void begin(agent_lease *l, const char *action)
{
  agent_lease_record *r = &l->record;
  (void)cd_str_copy(r->action, sizeof(r->action), cd_str_from(action));
  r->since_ms = r->clock.elapsed_ms;
  r->offset_ms = r->clock.offset_ms;
  r->reached = false;
  if (measures(l))
    save_by(l, agent_journal_lease_begin);
}

/* What is followed is the isolation that is wanted now. */
static void notice(agent_lease *l, const agent_wanted *wanted)
{
  agent_lease_record *r = &l->record;
  const char *action = wanted->action[0] != '\0' ? wanted->action : "unknown";
  bool same = cd_str_eq_cstr(cd_str_from(action), r->action);
  if (!wanted->isolated) {
    r->action[0] = '\0';
    l->in_force_ms = NOT_YET;
    return;
  }
  if (!same || !l->started) {
    read_terms(l, wanted);
    l->in_force_ms = NOT_YET;
    l->asked_ms = NOT_YET;
    l->kept = false;
  }
  if (!same)
    begin(l, action);
  if (l->in_force_ms == NOT_YET && l->started && agent_state_is_settled(l->agent->isolate))
    l->in_force_ms = r->clock.elapsed_ms;
}

/* ---- what is due ---- */

static bool release(agent_lease *l, const char *user, const char *comment)
{
  char id[CD_ID_SIZE];
  cd_err err = {0};
  pf_identity who = {.process_id = (uint64_t)uv_os_getpid(), .administrator = true};
  (void)cd_str_copy(who.user, sizeof(who.user), cd_str_from(user));
  const agent_order_request request = {
      .kind = AGENT_KIND_RELEASE, .comment = cd_str_from(comment), .who = &who};
  if (agent_order(l->agent, &request, id, &err) != CD_OK) {
    cd_log(CD_AREA_RECONCILE, CD_LOG_ERROR, "%s, but it is not released: %s; trying again", comment,
           err.text);
    return false;
  }
  cd_log(CD_AREA_RECONCILE, CD_LOG_WARN, "release action=%s ordered by user=%s: %s", id, user,
         comment);
  l->record.action[0] = '\0';
  if (l->started)
    agent_state_kick(l->agent->isolate);
  return true;
}

static bool lease_ended(agent_lease *l)
{
  char until[CD_TIME_TEXT_MAX];
  char comment[256];
  cd_time_text(l->terms.lease_until_ms, until);
  (void)snprintf(comment, sizeof(comment), "The lease of the isolation ended at %s%s", until,
                 l->started ? "" : ", before the agent began");
  return release(l, "lease", comment);
}

static bool console_lost(agent_lease *l)
{
  char comment[256];
  (void)snprintf(comment, sizeof(comment),
                 "No console was heard for %u s, after which the isolation is to be released",
                 l->terms.lost_after_s);
  return release(l, "lost-console", comment);
}

static bool roll_back(agent_lease *l, int64_t dropped)
{
  char comment[320];
  (void)snprintf(comment, sizeof(comment),
                 "No console was reached through the rules within %u s, and they dropped %lld "
                 "packets of the agent's own; rolled back, attempt %u",
                 l->terms.unreachable_after_s, (long long)dropped, l->record.rollbacks + 1);
  if (!release(l, UNREACHABLE, comment))
    return false;
  l->record.rollbacks++;
  save(l);
  return true;
}

/* True if it was rolled back. The counters are those of the last query; another is asked for where
 * they say nothing. */
static bool roll_back_if_ours(agent_lease *l)
{
  agent_lease_record *r = &l->record;
  int64_t dropped = agent_state_console_dropped(l->agent->isolate);
  bool fresh = l->asked_ms != NOT_YET && !agent_state_is_busy(l->agent->isolate);
  if (fresh && dropped > 0 && agent_link_is_up())
    return roll_back(l, dropped);
  if (fresh && !l->kept) {
    l->kept = true;
    cd_log(CD_AREA_RECONCILE, CD_LOG_WARN,
           "no console was reached through the rules within %u s, but %s: the isolation is kept",
           l->terms.unreachable_after_s,
           dropped < 0    ? "the provider does not count what it drops"
           : dropped == 0 ? "they dropped nothing that was for one"
                          : "no network is up");
  }
  if (l->asked_ms == NOT_YET || r->clock.elapsed_ms - l->asked_ms >= ASK_AGAIN_MS) {
    l->asked_ms = r->clock.elapsed_ms;
    agent_state_reread(l->agent->isolate);
  }
  return false;
}

/* The next time at which something is due. What failed is tried again in a while. */
static int64_t act(agent_lease *l)
{
  const agent_lease_record *r = &l->record;
  int64_t now = r->clock.elapsed_ms;
  int64_t ends = agent_lease_ends_ms(&l->terms, r, l->by_console);
  int64_t lost = agent_lost_due_ms(&l->terms, r, l->began_ms);
  int64_t asks = l->agent->remote != NULL && agent_remote_is_enrolled(l->agent->remote)
                     ? agent_unreachable_due_ms(&l->terms, r, l->in_force_ms)
                     : AGENT_NEVER_MS;
  if ((now >= ends && lease_ended(l)) || (now >= lost && !r->connected && console_lost(l)) ||
      (now >= asks && l->started && roll_back_if_ours(l)))
    return AGENT_NEVER_MS;
  int64_t next = ends < lost ? ends : lost;
  if (asks < next)
    next = asks;
  return next > now ? next : now + LOOK_MAX_MS;
}

static void on_timer(uv_timer_t *timer)
{
  agent_lease_look(timer->data);
}

static void arm(agent_lease *l, int64_t next)
{
  int64_t wait = next == AGENT_NEVER_MS ? next : next - l->record.clock.elapsed_ms;
  if (!measures(l) || l->stopping) {
    (void)uv_timer_stop(&l->timer);
    return;
  }
  if (wait > l->look_max_ms)
    wait = l->look_max_ms;
  (void)uv_timer_start(&l->timer, on_timer, wait > LOOK_MIN_MS ? (uint64_t)wait : LOOK_MIN_MS, 0);
}

static void look_once(agent_lease *l)
{
  agent_wanted wanted = {0};
  cd_err err = {0};
  int64_t next = AGENT_NEVER_MS;
  if (agent_journal_wanted(l->agent->journal, AGENT_CAP_ISOLATE, &wanted, &err) != CD_OK) {
    cd_log(CD_AREA_RECONCILE, CD_LOG_ERROR, "%s", err.text);
  } else if (advance(l)) {
    notice(l, &wanted);
    save_if_stale(l);
    if (measures(l))
      next = act(l);
  }
  agent_wanted_release(&wanted);
  arm(l, next);
}

void agent_lease_look(agent_lease *l)
{
  if (l == NULL || l->stopping)
    return;
  l->again = true;
  if (l->looking)
    return;
  l->looking = true;
  for (int i = 0; l->again && i < 4; i++) {
    l->again = false;
    look_once(l);
  }
  l->looking = false;
}

/* ---- what is heard ---- */

void agent_lease_mark(agent_lease *l, int64_t console_ms)
{
  if (l == NULL || !advance(l))
    return;
  agent_clock_correct(&l->record.clock, console_ms);
  l->record.heard_ms = l->record.clock.elapsed_ms;
}

void agent_lease_heard(agent_lease *l)
{
  if (l == NULL || !advance(l))
    return;
  l->record.heard_ms = l->record.clock.elapsed_ms;
  if (l->in_force_ms == NOT_YET || l->record.reached)
    return;
  bool measured = measures(l);
  l->record.reached = true;
  l->record.rollbacks = 0;
  if (measured)
    save(l);
  agent_lease_look(l);
}

void agent_lease_connected(agent_lease *l, bool connected)
{
  if (l == NULL || l->record.connected == connected || !advance(l))
    return;
  l->record.connected = connected;
  if (connected)
    agent_lease_heard(l);
  if (l->terms.lost_after_s > 0 && measures(l))
    save(l);
  agent_lease_look(l);
}

/* ---- life ---- */

static uint32_t longest_look(void)
{
#ifdef CORDON_FAULT_POINTS
  char path[2];
  size_t size = sizeof(path);
  if (uv_os_getenv("CORDON_CLOCK", path, &size) != UV_ENOENT)
    return 100; /* a test moves the clock */
#endif
  return LOOK_MAX_MS;
}

cd_code agent_lease_new(agent *a, agent_lease **ret_lease, cd_err *err)
{
  agent_lease *l = calloc(1, sizeof(*l));
  if (l == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for the lease");
  l->agent = a;
  l->in_force_ms = NOT_YET;
  l->asked_ms = NOT_YET;
  l->look_max_ms = longest_look();
  cd_terms_init(&l->terms);
  cd_code rc = load(l, err);
  if (rc != CD_OK) {
    free(l);
    return rc;
  }
  (void)uv_timer_init(a->loop, &l->timer);
  l->timer.data = l;
  *ret_lease = l;
  return CD_OK;
}

void agent_lease_start(agent_lease *l)
{
  agent_lease_look(l);
  l->started = true;
}

void agent_lease_stop(agent_lease *l)
{
  if (l == NULL || l->stopping)
    return;
  if (advance(l) && measures(l))
    save(l);
  l->stopping = true;
  uv_close((uv_handle_t *)&l->timer, NULL);
}

void agent_lease_free(agent_lease *l)
{
  free(l);
}

/* ---- for others ---- */

cd_code agent_lease_until(agent_lease *l, uint32_t lease_s, int64_t *ret_until_ms, cd_err *err)
{
  if (lease_s == 0) {
    *ret_until_ms = 0;
    return CD_OK;
  }
  if (!advance(l))
    return cd_fail(err, CD_E_UNAVAILABLE,
                   "the clocks of this device cannot be read, so no lease can be measured");
  *ret_until_ms = agent_clock_console_ms(&l->record.clock) + (int64_t)lease_s * 1000;
  return CD_OK;
}

bool agent_lease_rolled_back(const agent_action *a)
{
  return !a->console && a->kind == AGENT_KIND_RELEASE &&
         cd_str_eq_cstr(cd_str_from(a->user), UNREACHABLE);
}

void agent_terms_write(const agent_wanted *wanted, cd_jw *w)
{
  cd_terms t;
  cd_err err = {0};
  if (!wanted->isolated || wanted->terms == NULL ||
      cd_terms_parse(cd_str_from(wanted->terms), &t, &err) != CD_OK) {
    cd_jw_null(w, "lease_until");
    cd_jw_null(w, "lost_console");
    cd_jw_null(w, "unreachable");
    return;
  }
  cd_jw_time(w, "lease_until", t.lease_until_ms);
  cd_terms_write_rules(&t, w);
}
