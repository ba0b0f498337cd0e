/* What the agent must not forget: orders, what is wanted, who holds it, how to undo it, strikes,
 * drift.
 *
 * SQLite in WAL mode with every commit synced, in one process only (exclusive locking), with room
 * taken in advance so that a full disk does not refuse an isolation. Calls block for about the time
 * of one fdatasync (0.3 ms at the median); an order must be on disk before anything else may
 * happen, so nothing is won by another thread. All calls on the loop's thread. */
#ifndef AGENT_JOURNAL_H
#define AGENT_JOURNAL_H

#include "action.h"
#include "base/status.h"
#include "config.h"
#include "platform/system.h"

typedef struct agent_journal agent_journal;

/* What a state should be: the order with the highest generation. Owns its text:
 * agent_wanted_release(). */
typedef struct agent_wanted {
  bool known;    /* false: no order was ever recorded */
  bool isolated; /* the state is wanted in force */
  uint64_t generation;
  char action[CD_ID_SIZE];
  int64_t since_ms;
  char *params; /* JSON of apply while in force, NULL else */
  char *terms;  /* of the isolation, as in agent_action; NULL: the defaults */
} agent_wanted;

void agent_wanted_release(agent_wanted *w);
CD_MUST_USE cd_code agent_wanted_copy(agent_wanted *to, const agent_wanted *from, cd_err *err);

/* Opens or makes `folder`/journal.db. A damaged file is set aside as journal.damaged-<time>.db and
 * a new one begun; *ret_damaged says so (the reconciler then leaves alone what it finds in force).
 */
CD_MUST_USE cd_code agent_journal_open(const char *folder, agent_journal **ret_journal,
                                       bool *ret_damaged, cd_err *err);
void agent_journal_close(agent_journal *j); /* NULL is fine */
/* Opens the journal of an agent that does not run, to read from: nothing in it is changed, neither
 * now nor when it is closed. CD_E_NOTFOUND where there is none; what takes longer than the time in
 * all fails. */
CD_MUST_USE cd_code agent_journal_peek(const char *folder, unsigned budget_ms,
                                       agent_journal **ret_journal, cd_err *err);
/* Whether the database is whole, as far as it can tell. */
CD_MUST_USE cd_code agent_journal_sound(agent_journal *j, cd_err *err);

/* Records a new order and what it makes wanted, in one transaction, synced. Sets a->generation.
 * `wanted` NULL: it changes no state, and has no generation. */
CD_MUST_USE cd_code agent_journal_order(agent_journal *j, agent_action *a, agent_wanted *wanted,
                                        cd_err *err);
/* A job's is synced. Another's goes to the disk with the next synced transaction: after a loss of
 * power the order is taken up again. */
CD_MUST_USE cd_code agent_journal_started(agent_journal *j, const agent_action *a, cd_err *err);
/* Records the outcome, and, where not NULL, what the state has settled on (the order was carried
 * out) and what is wanted from now on (an order that could not be carried out gives way to what was
 * settled before). An action that has ended already is not changed: CD_E_CONFLICT. */
CD_MUST_USE cd_code agent_journal_ended(agent_journal *j, const agent_action *a,
                                        const agent_wanted *settled, const agent_wanted *wanted,
                                        cd_err *err);

/* Other parameters for what is wanted in force, and for what the same order settled: it is the same
 * order. What its holders put in force is not on record any more, so it is put in force anew. */
CD_MUST_USE cd_code agent_journal_params(agent_journal *j, agent_capability state,
                                         const char *params, cd_err *err);
CD_MUST_USE cd_code agent_journal_wanted(agent_journal *j, agent_capability state,
                                         agent_wanted *ret_wanted, cd_err *err);
/* What the last order that was carried out asked for. */
CD_MUST_USE cd_code agent_journal_settled(agent_journal *j, agent_capability state,
                                          agent_wanted *ret_settled, cd_err *err);
/* What the journal has forgotten, or an older copy of it never knew: wanted, settled, and held by
 * that provider. */
struct agent_holder;
CD_MUST_USE cd_code agent_journal_adopt(agent_journal *j, agent_capability state,
                                        const agent_wanted *wanted,
                                        const struct agent_holder *holder, cd_err *err);
/* The oldest action of the state that has not ended; CD_E_NOTFOUND without a sentence if there is
 * none. */
CD_MUST_USE cd_code agent_journal_next(agent_journal *j, agent_capability state,
                                       agent_action **ret_action, cd_err *err);
/* The same of those that cannot go on after a restart: they had begun, or were ordered on this
 * device. */
CD_MUST_USE cd_code agent_journal_left_open(agent_journal *j, agent_capability state,
                                            agent_action **ret_action, cd_err *err);
CD_MUST_USE cd_code agent_journal_unfinished_count(agent_journal *j, agent_capability state,
                                                   unsigned *ret_count, cd_err *err);
CD_MUST_USE cd_code agent_journal_action(agent_journal *j, const char *id,
                                         agent_action **ret_action, cd_err *err);
/* Newest first; `before` NULL or an action id. Each action belongs to the callee's caller only
 * during the call. */
CD_MUST_USE cd_code agent_journal_actions(agent_journal *j, unsigned limit, const char *before,
                                          void (*each)(void *context, const agent_action *a),
                                          void *context, cd_err *err);

/* The results of this kind of action that hold the text somewhere, the newest first. */
CD_MUST_USE cd_code agent_journal_results(agent_journal *j, agent_kind kind, const char *text,
                                          unsigned limit,
                                          void (*each)(void *context, cd_str result), void *context,
                                          cd_err *err);

/* A provider that may hold a state: it was asked to apply. Written before apply starts, so that
 * release knows whom to ask. */
typedef struct agent_holder {
  char plugin[AGENT_ID_MAX];
  char digest[160];          /* of what it put in force; empty: not known to be in force */
  char boot[PF_BOOT_ID_MAX]; /* the run of the machine in which it was asked */
  bool current;              /* the one that should hold it now */
} agent_holder;
#define AGENT_HOLDERS_MAX AGENT_PROVIDERS_MAX
CD_MUST_USE cd_code agent_journal_holders(agent_journal *j, agent_capability state,
                                          agent_holder out[AGENT_HOLDERS_MAX], unsigned *ret_count,
                                          cd_err *err);
/* Adds or changes one; `current` makes all others not current. Synced while the digest is empty,
 * for then it is about to be asked; what it put in force goes to the disk with the next synced
 * transaction: without its power a machine has to look what is in force anyway. */
CD_MUST_USE cd_code agent_journal_hold(agent_journal *j, agent_capability state,
                                       const agent_holder *holder, cd_err *err);
/* It released: forgets it and its undo records. */
CD_MUST_USE cd_code agent_journal_unhold(agent_journal *j, agent_capability state,
                                         const char *plugin, cd_err *err);

/* Undo records of a plugin for a state; synced on return. One that is on record already, to the
 * letter, is not added again. */
CD_MUST_USE cd_code agent_journal_undo_add(agent_journal *j, agent_capability state,
                                           const char *plugin, cd_str record, cd_err *err);
/* A JSON array, newest first, into `out`; left empty if there are none. */
CD_MUST_USE cd_code agent_journal_undo_list(agent_journal *j, agent_capability state,
                                            const char *plugin, cd_buf *out, cd_err *err);

/* Strikes of one library's digest at one capability. */
CD_MUST_USE cd_code agent_journal_strike(agent_journal *j, const char *digest, agent_capability cap,
                                         int64_t wall_ms, const char *reason, cd_err *err);
/* Strikes since the time, and when the pair was quarantined (0: it is not). */
CD_MUST_USE cd_code agent_journal_strikes(agent_journal *j, const char *digest,
                                          agent_capability cap, int64_t since_ms,
                                          unsigned *ret_strikes, int64_t *ret_quarantined_ms,
                                          cd_err *err);
CD_MUST_USE cd_code agent_journal_quarantine(agent_journal *j, const char *digest,
                                             agent_capability cap, int64_t wall_ms, cd_err *err);
/* Lifts the quarantine and forgets the strikes of a digest; *ret_lifted counts capabilities. */
CD_MUST_USE cd_code agent_journal_pardon(agent_journal *j, const char *digest, unsigned *ret_lifted,
                                         cd_err *err);

/* Drift: enforced differed from wanted. */
typedef struct agent_drift {
  uint64_t count;
  int64_t last_ms; /* 0: never */
  char note[256];
} agent_drift;
CD_MUST_USE cd_code agent_journal_drift_add(agent_journal *j, agent_capability state,
                                            int64_t wall_ms, const char *note, cd_err *err);
CD_MUST_USE cd_code agent_journal_drift(agent_journal *j, agent_capability state,
                                        agent_drift *ret_drift, cd_err *err);

#endif
