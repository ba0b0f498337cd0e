/* What host.c (the process) and host_ops.c (its operations) share; nobody else includes it. */
#ifndef AGENT_HOST_PRIVATE_H
#define AGENT_HOST_PRIVATE_H

#include "base/limits.h"
#include "host.h"
#include "ipc/link.h"
#include "platform/child.h"
#include "rate.h"
#include "supervisor.h"

typedef enum host_phase {
  HOST_NEW = 0,  /* no process yet */
  HOST_CHECKING, /* the pool opens and hashes the library */
  HOST_STARTING, /* the process is there, HELLO is not */
  HOST_READY,
  HOST_ENDING, /* asked to quit, killed, or dead: takes nothing new */
  HOST_GONE    /* all operations have ended; handles are closing */
} host_phase;

typedef struct host_lines {
  uv_pipe_t pipe;
  agent_host *host;
  const char *name; /* "stdout" or "stderr" */
  bool open;
  char text[CD_LOG_LINE_MAX];
  size_t len;
  char chunk[4096];
} host_lines;

struct agent_host {
  agent_supervisor *sup;
  agent_plugin *plugin;
  agent_capability cap;
  host_phase phase;
  uv_work_t check;
  bool checking;
  unsigned settling; /* times that the settle timer ran out */
  cd_code check_rc;
  cd_err check_err;
  uv_file library; /* open between check and spawn */
  pf_child *child; /* while it runs */
  bool running;    /* the process exists */
  int64_t exit_status;
  int exit_signal;
  bool asked_to_quit;
  ipc_link link;
  bool linked;  /* the link is open */
  uv_file pass; /* hands files of packages over; -1: there are none */
  host_lines lines[2];
  agent_rate line_rate;
  agent_rate frame_rate;
  uv_timer_t timer; /* by phase: start, idle, quit or settle deadline */
  int open_handles;
  uint64_t started_us;
  bool greeted; /* HELLO came */
  bool deaf;    /* it is being killed: what it still says does not count */
  bool leaking; /* an operation left something behind */
  unsigned concurrency;
  agent_op *ops[AGENT_HOST_OPS_MAX];
  unsigned op_count;
  uint64_t next_op;
  bool has_why;
  bool strike;  /* the end is the plugin's fault */
  bool counted; /* and it was */
  cd_err why;   /* first reason for the end */
};

struct agent_op {
  agent_host *host;
  uint64_t number;
  agent_function function;
  uint32_t flags;
  char *params;
  char *undo; /* NULL: none */
  const agent_op_events *events;
  void *owner;
  bool packs;
  agent_op_package package;
  uint32_t budget_ms;
  uv_timer_t timer;  /* budget, then grace */
  uv_timer_t credit; /* withheld record credits */
  int open_handles;
  bool sent;
  bool cancelling;
  bool late; /* its budget ran out */
  cd_buf result;
  unsigned owed; /* records taken and not yet granted again */
  agent_rate record_rate;
};

/* host_ops.c */
void host_ops_pump(agent_host *h); /* sends what may be sent */
void host_ops_frame(agent_host *h,
                    const ipc_frame *frame); /* a frame that belongs to an operation */
void host_ops_end_all(agent_host *h);        /* every operation ends for h->why */
unsigned host_ops_running(const agent_host *h, bool *ret_watch);
const char *host_ops_first_name(
    const agent_host *h); /* function of the oldest running one, or NULL */

/* host.c */
void host_die(agent_host *h, bool strike, cd_code code, const char *fmt, ...) CD_PRINTF(4, 5);
/* It has said that it ends itself, and why; a strike. */
void host_leaves(agent_host *h, cd_code code, const char *sentence);
cd_code host_begin(agent_host *h, cd_err *err); /* NEW to CHECKING, for the first operation */
void host_idle(agent_host *h);                  /* after an operation ended */

#endif
