/* What the agent must not forget about its console: which orders it has seen, the generation of the
 * order key, results that the console has not acknowledged, where the consoles were. In the same
 * file and transactions as the rest of the journal. */
#ifndef AGENT_JOURNAL_REMOTE_H
#define AGENT_JOURNAL_REMOTE_H

#include "journal.h"
#include "protocol/key.h"

/* From now on the end of each action leaves a place in the outbox, in the transaction that records
 * the end. Off until there is a console to report to. */
void agent_journal_reporting(agent_journal *j, bool on);

/* ---- orders ---- */

/* The order that makes the change: what is remembered with it. */
typedef struct agent_order_source {
  const char *root; /* id of the pinned root key */
  uint64_t key_generation;
} agent_order_source;

/* *ret_seen: an action of this id is known, whatever became of it. */
CD_MUST_USE cd_code agent_journal_seen(agent_journal *j, const char *action, bool *ret_seen,
                                       cd_err *err);
/* The highest generation of an order key of that root; 0: none was taken. */
CD_MUST_USE cd_code agent_journal_key_generation(agent_journal *j, const char *root,
                                                 uint64_t *ret_generation, cd_err *err);
/* A console's order with the generation that it has, what it makes wanted, its id as seen and its
 * key's generation, in one transaction, synced. CD_E_CONFLICT: the generation is not above the one
 * held. `wanted` NULL: it changes no state, and has no generation. */
CD_MUST_USE cd_code agent_journal_order_taken(agent_journal *j, const agent_action *a,
                                              const agent_wanted *wanted,
                                              const agent_order_source *source, cd_err *err);
/* An order that ends as it is taken (a cancel), or that is refused (source NULL): its id is seen,
 * its signed result waits in the outbox. Where `ended` is not NULL, that action ends with it, and
 * `wanted` (may be NULL) takes the place of what it made wanted. */
CD_MUST_USE cd_code agent_journal_order_answered(agent_journal *j, const char *action,
                                                 const char *result_jws, const agent_action *ended,
                                                 const agent_wanted *wanted,
                                                 const agent_order_source *source, cd_err *err);

/* ---- the outbox ---- */

/* A result on its way. Owns its text: agent_outgoing_release(). */
typedef struct agent_outgoing {
  int64_t seq;
  char action[CD_ID_SIZE];
  char *jws; /* NULL: the action's result is still to be signed */
} agent_outgoing;

void agent_outgoing_release(agent_outgoing *o);
/* The first behind `after`; CD_E_NOTFOUND without a sentence if there is none. */
CD_MUST_USE cd_code agent_journal_outbox_next(agent_journal *j, int64_t after,
                                              agent_outgoing *ret_outgoing, cd_err *err);
/* Keeps the signed result, so that it is the same each time it is sent. */
CD_MUST_USE cd_code agent_journal_outbox_seal(agent_journal *j, int64_t seq, const char *jws,
                                              cd_err *err);
/* The console has it, or there is nothing to send. */
CD_MUST_USE cd_code agent_journal_outbox_done(agent_journal *j, int64_t seq, cd_err *err);
CD_MUST_USE cd_code agent_journal_outbox_count(agent_journal *j, unsigned *ret_count, cd_err *err);

/* ---- consoles ---- */

#define AGENT_CONSOLE_ADDRESSES_MAX 8 /* of one name */

/* Where a console's name led to when it was last looked up: it must be reachable after a restart in
 * isolation, when no name can be looked up. Replaces what was known of that name and port. */
CD_MUST_USE cd_code agent_journal_console_set(agent_journal *j, const char *host, uint16_t port,
                                              const char (*addresses)[AGENT_ADDRESS_MAX],
                                              unsigned count, cd_err *err);
/* The addresses of that name and port, or with host NULL of all, without repeats. */
CD_MUST_USE cd_code agent_journal_console(agent_journal *j, const char *host, uint16_t port,
                                          agent_endpoint *out, unsigned max, unsigned *ret_count,
                                          cd_err *err);
/* Forgets the consoles that `keep` says no to. */
CD_MUST_USE cd_code agent_journal_consoles_keep(agent_journal *j,
                                                bool (*keep)(void *context, const char *host,
                                                             uint16_t port),
                                                void *context, cd_err *err);
/* Forgets consoles and, because they are another console's, results that were signed for it. */
CD_MUST_USE cd_code agent_journal_consoles_forget(agent_journal *j, cd_err *err);

#endif
