/* One cordon-plugin-host process, and the operations that run in it.
 *
 * The process is started for the first operation, stays while there is one (a watch is one), and is
 * asked to go when it has been idle for a while. Whatever happens to it, every operation ends
 * exactly once, with a truthful sentence. */
#ifndef AGENT_HOST_H
#define AGENT_HOST_H

#include <uv.h>

#include "capability.h"
#include "registry.h"

typedef struct agent_host agent_host;
typedef struct agent_op agent_op;
typedef struct agent_supervisor agent_supervisor;

/* What came of an operation. Views and pointers are valid during the call. */
typedef struct agent_op_end {
  cd_code status;
  int64_t os_error;
  const char *sentence; /* never NULL; may be empty when it went well */
  cd_str result;        /* a JSON object, checked; empty if there is none */
  bool misbehaved;      /* crashed, hung or broke the protocol: a strike was counted */
} agent_op_end;

struct host_package;

typedef struct agent_op_events {
  void (*on_progress)(void *owner, uint64_t done, uint64_t total, cd_str what); /* may be NULL */
  void (*on_record)(void *owner, cd_str json); /* a JSON object, checked; may be NULL */
  /* An undo record; on disk when it returns CD_OK. NULL: the supervisor keeps it. */
  cd_code (*on_undo)(void *owner, cd_str record, cd_err *err);
  /* The package is finished, or failed, as it says; before on_end; may be NULL. */
  void (*on_package)(void *owner, const struct host_package *package);
  void (*on_end)(void *owner,
                 const agent_op_end *end); /* exactly once; the op is gone afterwards */
} agent_op_events;

/* The file that the operation's package goes to, and its ceilings, as docs/ipc.md has them. */
typedef struct agent_op_package {
  uv_file file; /* stays the caller's, open until the end */
  uint64_t max_bytes;
  uint64_t max_artifact_bytes;
  uint64_t max_total_bytes;
  uint64_t max_artifacts;
  uint64_t free_bytes;
} agent_op_package;

/* What to run. Texts are copied. */
typedef struct agent_op_order {
  agent_function function;
  uint32_t flags;
  cd_str params; /* JSON object */
  cd_str undo;   /* JSON array, newest first, or empty */
  const agent_op_events *events;
  void *owner;
  const agent_op_package *package; /* NULL: it makes none */
  uint32_t budget_ms; /* where that is less than the manifest allows; 0: as the manifest says */
  bool keeps;         /* it keeps a state that the plugin holds already: no quarantine stops it */
} agent_op_order;

/* Makes a host for the slot; the process is started by the first operation. NULL when there is no
 * memory. */
agent_host *agent_host_new(agent_supervisor *sup, agent_plugin *plugin, agent_capability cap);
/* Queues an operation. on_end is never called from inside this call. */
CD_MUST_USE cd_code agent_host_submit(agent_host *h, const agent_op_order *order, agent_op **ret_op,
                                      cd_err *err);
/* Asks the operation to end; it is killed if it does not within AGENT_CANCEL_GRACE_MS. Twice is
 * harmless. */
void agent_op_cancel(agent_op *op);
/* Ends the process: asks, then kills after a grace time. Operations that are left end as cancelled.
 */
void agent_host_stop(agent_host *h);
bool agent_host_usable(const agent_host *h); /* false once it has begun to end: make another */
/* For `plugins`: process id (0: none yet), operations running, whether a watch keeps it. */
void agent_host_describe(const agent_host *h, int *ret_pid, unsigned *ret_running,
                         bool *ret_resident);

#define AGENT_HOST_START_MS 10000
#define AGENT_HOST_IDLE_MS 5000
#define AGENT_CANCEL_GRACE_MS 3000
#define AGENT_HOST_QUIT_MS 4000
#define AGENT_HOST_OPS_MAX 16

#endif
