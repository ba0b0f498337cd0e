/* The plugin supervisor: which plugin serves a capability, its host process, strikes and
 * quarantine.
 *
 * Three strikes within ten minutes quarantine the pair of a library's digest and a capability,
 * across restarts, until an operator or another digest lifts it. Quarantine never blocks release,
 * query, verify or undo, nor what keeps a state that the plugin holds already (`keeps` of an
 * order): whoever kills a host three times must not get a device out of its isolation by it. */
#ifndef AGENT_SUPERVISOR_H
#define AGENT_SUPERVISOR_H

#include <uv.h>

#include "config.h"
#include "host.h"
#include "journal.h"
#include "registry.h"

#define AGENT_STRIKES_MAX 3
#define AGENT_STRIKES_WINDOW_MS (10LL * 60 * 1000)

struct agent_supervisor {
  uv_loop_t *loop;
  agent_journal *journal;
  const agent_config *config;
  agent_registry registry;
  char plugin_host[CD_PATH_MAX];
  char state_dir[CD_PATH_MAX];
  /* Where there is no journal: keeps an undo record, synced. */
  cd_code (*keep_undo)(void *undo_owner, const char *plugin, cd_str record, cd_err *err);
  void *undo_owner;
  unsigned live; /* host objects not yet freed */
  bool stopping;
  void (*on_stopped)(void *owner); /* once, when stopping and live is 0 */
  void *owner;
};

/* Loads the registry. The journal and the configuration must outlive it. Without a journal (NULL,
 * at boot) no strikes are counted, nothing is in quarantine, and undo records go to keep_undo. */
CD_MUST_USE cd_code agent_supervisor_init(agent_supervisor *s, uv_loop_t *loop,
                                          agent_journal *journal, const agent_config *config,
                                          const char *plugin_dir, const char *trust_file,
                                          const char *plugin_host, const char *state_dir,
                                          cd_err *err);
/* Ends every host; on_stopped may come from inside the call. */
void agent_supervisor_stop(agent_supervisor *s, void (*on_stopped)(void *owner), void *owner);
/* After on_stopped, or when init failed. */
void agent_supervisor_release(agent_supervisor *s);

/* The i-th provider of the capability by policy; NULL past the end. It may be unusable: see
 * agent_plugin.usable. `ret_id` gets the id that policy names even where no such plugin exists
 * (then NULL is returned with *ret_more true). */
agent_plugin *agent_supervisor_provider(const agent_supervisor *s, agent_capability cap, unsigned i,
                                        const char **ret_id, bool *ret_more);

/* Runs one operation. Fails at once, changing nothing, if the plugin is unusable or quarantined for
 * this function. */
CD_MUST_USE cd_code agent_supervisor_run(agent_supervisor *s, agent_plugin *p, agent_capability cap,
                                         const agent_op_order *order, agent_op **ret_op,
                                         cd_err *err);
/* The state of a pair, for `plugins`. */
void agent_supervisor_strikes(const agent_supervisor *s, const agent_plugin *p,
                              agent_capability cap, unsigned *ret_strikes, bool *ret_quarantined);
/* Whether a probe of it has passed since the agent began, and nothing has spoken against it since:
 * no strike, and no operation that ended because it cannot work here. An order then need not wait
 * for another probe: what has changed meanwhile, its dry run or apply says. */
bool agent_supervisor_able(const agent_plugin *p, agent_capability cap);
/* For host_ops.c: how an operation of the plugin ended. */
void agent_supervisor_ended(agent_plugin *p, agent_capability cap, agent_function fn,
                            cd_code status);
/* Its library is distrusted by configuration or policy: it may release, and say what it holds. */
bool agent_supervisor_distrusts(const agent_supervisor *s, const agent_plugin *p);
/* Its host process; false if there is none. */
bool agent_supervisor_describe(const agent_plugin *p, agent_capability cap, int *ret_pid,
                               unsigned *ret_running, bool *ret_resident);
/* Lifts all quarantines of a plugin. */
CD_MUST_USE cd_code agent_supervisor_pardon(agent_supervisor *s, const char *id,
                                            unsigned *ret_lifted, cd_err *err);

/* For host.c: counts a strike and quarantines if it was one too many. */
void agent_supervisor_strike(agent_supervisor *s, const agent_plugin *p, agent_capability cap,
                             const char *reason);
/* For host_ops.c: an undo record is on disk when it returns. */
CD_MUST_USE cd_code agent_supervisor_undo(const agent_supervisor *s, const agent_plugin *p,
                                          agent_capability cap, cd_str record, cd_err *err);
/* For host.c: the host is about to be freed. */
void agent_supervisor_forget(agent_supervisor *s, agent_host *h, agent_plugin *p,
                             agent_capability cap);
/* For host.c: makes the plugin's private folder; its path into `out`. */
CD_MUST_USE cd_code agent_supervisor_state_dir(const agent_supervisor *s, const agent_plugin *p,
                                               char out[CD_PATH_MAX], cd_err *err);

#endif
