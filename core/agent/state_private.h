/* What state.c (life and words), state_run.c (one run) and state_watch.c (when to look again)
 * share; nobody else includes it. */
#ifndef AGENT_STATE_PRIVATE_H
#define AGENT_STATE_PRIVATE_H

#include "base/limits.h"
#include "rules.h"
#include "state.h"

typedef enum state_enforced {
  ENFORCED_UNKNOWN = 0,
  ENFORCED_RELEASED,
  ENFORCED_PARTIAL,
  ENFORCED_ISOLATED
} state_enforced;
typedef enum state_proven {
  PROVEN_UNKNOWN = 0,
  PROVEN_RELEASED,
  PROVEN_FAILS,
  PROVEN_HOLDS
} state_proven;

#define STATE_DIGEST_MAX 160
#define STATE_NOTE_MAX 256
#define STATE_ATTEMPTS_MAX 2 /* of apply, and of release, within one run */

/* One run: an order being carried out, or a look at the device. */
typedef struct state_run {
  bool active;
  agent_action *action; /* NULL: a look */
  bool isolate;         /* the target */
  char *params;         /* of apply, query, verify; "{}" for a release */
  bool looking;         /* the first query of a look */
  bool verify;          /* a look that also proves */
  bool news;            /* a look that found something else than was last measured */
  bool refreshing;      /* a look that puts other parameters in force */
  bool last_resort;     /* a repair by the holder, though it is in quarantine */
  bool measured;        /* the state's enforced and */
  bool proved;          /* proven are of this run */
  unsigned next_provider;
  agent_plugin *plugin;                   /* the provider in hand */
  agent_holder before[AGENT_HOLDERS_MAX]; /* the holders before it was asked to apply */
  unsigned before_count;
  uint32_t tried; /* bit per provider of the policy: not again in this run */
  agent_holder holders[AGENT_HOLDERS_MAX];
  unsigned holder_count;
  unsigned holder;          /* the one that is being released */
  bool holders_are_guesses; /* nobody is known to hold it: every provider is asked */
  unsigned released;        /* providers that said so */
  unsigned attempts;
  unsigned all_attempts;
  char digest[STATE_DIGEST_MAX]; /* of what apply put in force */
  bool releasing;                /* queries belong to a release */
  bool dry;                      /* op is the dry run of the preflight */
  bool unprobed;                 /* the provider in hand was not probed for this run */
  agent_preflight *preflight;    /* NULL: there was none */
  bool touched;                  /* an apply was not refused: something may be in force */
  bool kept; /* it failed, but the order stands: in force and not proven, or still to be released */
  cd_err failure; /* code CD_OK: none */
  cd_buf reasons; /* why providers were passed over */
  cd_buf results[AGENT_FN_COUNT];
  agent_op *op;
  agent_function function; /* what op runs */
  uint64_t told_ms;        /* monotonic; when its progress was told last */
} state_run;

struct agent_state {
  agent_supervisor *sup;
  agent_journal *journal;
  agent_capability cap;
  uint32_t interval_s;
  const agent_state_events *events;
  void *owner;
  bool stopping;
  char boot[PF_BOOT_ID_MAX]; /* this run of the machine */
  agent_rules rules;         /* for the next boot */
  bool restored;             /* the boot put it in force, and no look has seen that yet: */
  char restored_digest[STATE_DIGEST_MAX];
  char restored_provider[AGENT_ID_MAX];
  int64_t restored_ms; /* when it did; 0: it did not */
  agent_wanted wanted;
  agent_wanted settled;
  state_enforced enforced;
  int64_t enforced_ms;
  char enforced_digest[STATE_DIGEST_MAX];
  char enforced_note[STATE_NOTE_MAX];
  state_proven proven;
  int64_t proven_ms;
  char proven_note[STATE_NOTE_MAX];
  char provider[AGENT_ID_MAX]; /* the current holder; empty: none */
  bool refresh_due;            /* the parameters may be others */
  bool refreshed;              /* and they are: the next look applies them */
  bool look_due;               /* something may have changed */
  bool proof_due;              /* and a look should also prove */
  char changed_by[128];        /* what watch said last */
  uint64_t proof_at_ms;        /* monotonic; the next proof is due, whatever happens between */
  uint64_t looked_ms;          /* monotonic; when the last look began */
  int64_t console_dropped;     /* by the last query or verify; -1: not known */
  unsigned failures;           /* looks in a row that could not mend what they found */
  uv_timer_t timer;
  agent_op *watch;
  char watch_plugin[AGENT_ID_MAX];
  bool watch_bad;    /* it said something that is not by the schema, and is told to end */
  bool watch_absent; /* the provider has none, or may not: the timer is all there is */
  unsigned watch_failures;
  uint64_t watch_began_ms; /* monotonic */
  uv_timer_t watch_timer;
  state_run run;
};

/* state.c */
void state_measured(agent_state *s, state_enforced value, cd_str digest, const char *note);
void state_proved(agent_state *s, state_proven value, const char *note);
/* Members "enforced" and "proven". `of_run`: what this run did not measure is unknown. */
void state_write_measured(const agent_state *s, bool of_run, cd_jw *w);
const char *state_enforced_name(state_enforced v);
const char *state_proven_name(state_proven v);

/* state_run.c */
void state_next(agent_state *s); /* begins the next order, or a look that is due, if nothing runs */
/* Runs a function of run->plugin; its end comes to the function's `after` in state_run.c, at once
 * if it cannot even begin. */
void state_run_function(agent_state *s, agent_function fn);
void state_fail(agent_state *s, cd_code code, const char *fmt, ...)
    CD_PRINTF(3, 4); /* the first failure stays */
void state_try_provider(agent_state *s);
void state_probe(agent_state *s); /* asks the provider in hand whether it can */
/* The words of the contract for what does not work on this device; a probe says the same. */
bool state_cannot_here(cd_code status);
void state_pass_over(agent_state *s, const char *id, const char *reason);
void state_apply(agent_state *s);

/* state_release.c */
void state_release_begin(agent_state *s);
void state_after_release(agent_state *s, const agent_op_end *end);
void state_after_release_query(agent_state *s, const agent_op_end *end);

/* state_refresh.c: makes the parameters of what is wanted anew. */
void state_refresh(agent_state *s);

/* state_preflight.c */
/* Looks what the isolation would meet, if this is a new order that was not looked at; false: there
 * is nothing to look at. */
bool state_preflight_begin(agent_state *s);
void state_after_preflight(agent_state *s, const agent_op_end *end);

/* state_look.c */
void state_look_begin(agent_state *s);
void state_after_look_query(agent_state *s, const agent_op_end *end);

/* state_end.c: the run is over, well if run.failure.code is CD_OK. */
void state_conclude(agent_state *s);

/* What a query said; false (with a failure noted in *err) if that is not by the schema. */
bool state_read_query(const agent_op_end *end, state_enforced *ret_value,
                      char digest[STATE_DIGEST_MAX], cd_err *err);

/* state_rules.c: what was proven is kept for the next boot; an order to release is there; a look
 * has found in force what the journal knows. */
void state_rules_keep(agent_state *s);
void state_rules_forget(agent_state *s);
void state_rules_taken_up(agent_state *s);
/* What is in force is still what the boot put there. */
bool state_is_of_boot(const agent_state *s);

/* state_watch.c: after a run: watch, timer. */
void state_rest(agent_state *s);
void state_watch_stop(agent_state *s);

#endif
