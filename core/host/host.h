/* cordon-plugin-host: what its parts share. One ph_host is made in main() and handed down.
 *
 * Threads: the control thread owns the loop, the link and the slots' life; each operation has a
 * worker thread; a plugin may have threads of its own, which call in through api.c. What they share
 * is under `lock`, and what they have to say goes to the control thread through one queue (out.c).
 */
#ifndef PH_HOST_H
#define PH_HOST_H

#include "message.h"
#include "package.h"
#include "plugin.h"

#include "base/limits.h"
#include "cordon/plugin.h"
#include "ipc/link.h"
#include "platform/pass.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/* Exit codes, as docs/ipc.md lists them. */
enum {
  PH_EXIT_OK = 0,
  PH_EXIT_REFUSED = 1,
  PH_EXIT_BY_HAND = 2,
  PH_EXIT_LINK = 3,   /* the link closed, or what came over it made no sense */
  PH_EXIT_LIMIT = 4,  /* the processor time was used up */
  PH_EXIT_UNENDED = 5 /* an operation went on after QUIT; destroy was not called */
};

/* One place for an operation at once, and a few for those that run in the background. */
#define PH_OPS_MAX (PH_CONCURRENCY_MAX + 4u)
#define PH_WHAT_MAX 256u

typedef struct ph_host ph_host;

/* A slot for an operation. `id` 0 means free; it is written by the control thread alone. */
typedef struct ph_op {
  _Atomic uint64_t id;
  ph_host *host;
  const ph_function *function;
  cordon_op_fn call;
  ph_start start;
  uv_thread_t thread;
  uv_timer_t budget;
  pf_usage before; /* control thread only */
  atomic_bool cancel;
  bool overdue;  /* the budget passed; control thread only */
  bool measured; /* `before` can be compared with what is there at the end; control thread only */
  bool beside;   /* of a watch; control thread only */
  bool up; /* a watch that has made what it needs, as far as can be told; control thread only */
  uint64_t turn; /* the order of the starts; control thread only */

  /* under host->lock from here */
  bool running; /* between the call of the plugin's function and its return */
  bool undo_waiting;
  bool undo_lost; /* an answer did not come in time: no further change is allowed */
  bool progress_fresh;
  bool progress_named;
  uv_thread_t self; /* the worker, once `running` */
  uint64_t credits;
  char *result;
  size_t result_len;
  uint64_t progress_done;
  uint64_t progress_total;
  uint64_t progress_sent_ms;
  cd_code undo_status;
  cordon_status status;
  uint32_t os_error;
  char progress_what[PH_WHAT_MAX];
  char sentence[CD_ERR_TEXT_MAX];
  char misuse[CD_ERR_TEXT_MAX]; /* the first wrong use; empty if there was none */
} ph_op;

/* What waits to be sent, in order. `ended` marks the place of an operation's end. */
typedef struct ph_item {
  struct ph_item *next;
  uint8_t type;
  uint64_t op;
  ph_op *ended;
  size_t len;
  char *payload; /* in the same allocation */
} ph_item;

typedef struct ph_out {
  ph_item *first;
  ph_item *last;
  size_t bytes;
  ph_item end_of[PH_OPS_MAX]; /* an end needs no memory when it comes */
} ph_out;

/* What an operation left behind. */
typedef struct ph_growth {
  uint32_t threads;
  uint32_t files;
} ph_growth;

typedef struct ph_lograte {
  uint64_t since_ms;
  uint32_t lines;
  uint64_t dropped;
} ph_lograte;

struct ph_host {
  uv_loop_t loop;
  ipc_link link;
  uv_async_t wake;     /* from other threads: something is in `out` */
  uv_timer_t again;    /* the queue has to be looked at once more */
  uv_timer_t deadline; /* for SETUP to come, for workers to end after QUIT */
  pf_cpu_watch *cpu_watch;
  uv_thread_t control;
  uv_os_fd_t library;
  uv_file sight; /* -1: none */
  uv_file pass;  /* where the files of packages come from; -1: nowhere */
  int exit_code; /* for when the link has closed */
  bool ready;    /* HELLO was sent */
  bool leaving;  /* nothing is started, sent or ended any more but what ends this process */

  ph_setup setup;
  ph_plugin plugin;
  cordon_host api;

  uint64_t cpu_armed_ms; /* monotonic clock, and processor time used by then */
  uint64_t cpu_used_ms;
  uint32_t cpu_s;

  uint64_t turns;                    /* starts so far; control thread only */
  ph_growth grown[PH_FUNCTIONS_MAX]; /* by the last of each function beside a watch; likewise */

  uv_mutex_t sight_lock; /* one question at a time */
  uv_mutex_t package_lock;
  ph_package *package; /* under package_lock; NULL: none is made now */
  uint64_t package_op; /* whose it is; likewise */
  uv_mutex_t lock;
  uv_cond_t changed;                    /* room, credits, an answer, a cancel */
  bool quitting;                        /* under lock */
  ph_out out;                           /* under lock */
  ph_lograte lograte;                   /* under lock */
  char last_complaint[CD_ERR_TEXT_MAX]; /* the last line of level warn or above; under lock */
  ph_op ops[PH_OPS_MAX];
};

/* ---- control.c: the control thread ---- */

CD_MUST_USE cd_code ph_host_init(ph_host *host, uv_file control, uv_os_fd_t library, cd_err *err);
/* Never comes back: the process ends in one of the exit codes. */
void ph_host_run(ph_host *host);
/* Sends on the control thread; a link that does not take it ends this process. */
void ph_host_send(ph_host *host, uint8_t type, uint64_t op, cd_str payload);
/* Nothing more is done; the process ends with `exit_code` when what was sent is written. */
void ph_host_leave(ph_host *host, int exit_code);
/* After QUIT: once no operation is left, destroys and leaves. */
void ph_host_op_ended(ph_host *host);

/* ---- op.c: operations; all on the control thread ---- */

void ph_op_init_all(ph_host *host);
/* Runs the function, or answers with END at once. */
void ph_op_start(ph_host *host, uint64_t id, cd_str payload);
void ph_op_cancel(ph_host *host, ph_op *op);
/* The worker has returned: sends what is left to say and frees the slot. */
void ph_op_finish(ph_host *host, ph_op *op);
/* Ends an operation whose worker may still run; the process is about to end. */
void ph_op_give_up(ph_host *host, ph_op *op, cd_code status, const char *sentence);
ph_op *ph_op_find(ph_host *host, uint64_t id);
/* How many run now; *ret_background how many of them are watches. */
size_t ph_op_count(ph_host *host, size_t *ret_background);

/* ---- leak.c: what operations leave behind; all on the control thread ---- */

/* Before the operation's slot is taken. */
void ph_leak_begin(ph_host *host, ph_op *op);
/* Fills in what is left; its worker has returned and is joined. */
void ph_leak_end(ph_host *host, ph_op *op, ph_end *end);

/* ---- out.c: from any thread to the agent ---- */

/* A queue item with a copy of the payload; NULL if there is no memory. */
ph_item *ph_item_make(uint8_t type, uint64_t op, cd_str payload);
/* With host->lock held. ph_out_room(): whether one more may be queued by a thread that can wait. */
bool ph_out_room(const ph_host *host);
void ph_out_push(ph_host *host, ph_item *item);
/* The lines of a plugin: counted, cut, never blocking. Any thread. */
void ph_log(ph_host *host, uint64_t op, int level, const char *line);
/* A line of the host's own. Any thread. */
void ph_logf(ph_host *host, uint64_t op, int level, const char *fmt, ...) CD_PRINTF(4, 5);
/* Sends what is queued and due. Control thread. */
void ph_out_pump(ph_host *host);
/* The same without regard to how much the agent has taken in; for the last words. */
void ph_out_flush(ph_host *host);
/* The last progress of an operation, whenever the one before was. Control thread. */
void ph_out_progress(ph_host *host, ph_op *op);

/* ---- api.c: what the plugin calls ---- */

void ph_api_init(ph_host *host);
/* Keeps the first wrong use for the operation's END and returns `answer`. One that belongs to no
 * operation is logged. */
cordon_status ph_misuse(ph_host *host, cordon_op id, cordon_status answer, const char *fmt, ...)
    CD_PRINTF(4, 5);

/* ---- sight.c: what the agent looks up for the plugin ---- */

/* The table, or NULL where there is none. */
const void *ph_sight_table(const ph_host *host);

/* ---- artifact.c: the package of an operation ---- */

/* The table, or NULL where no packages are made. */
const void *ph_artifact_table(const ph_host *host);
/* Before the operation's function runs. */
CD_MUST_USE cd_code ph_artifact_begin(ph_host *host, uint64_t op, const ph_package_limits *limits,
                                      cd_err *err);
/* The function has returned: what is to be told of the package, NULL if there is none. */
ph_item *ph_artifact_end(ph_host *host, uint64_t op);
/* The function does not run after all. */
void ph_artifact_drop(ph_host *host, uint64_t op);

/* ---- cpu.c: the processor time ---- */

CD_MUST_USE cd_code ph_cpu_init(ph_host *host, cd_err *err);
/* Allows what the operations that run now may use, counted from now. */
void ph_cpu_arm(ph_host *host);

#endif
