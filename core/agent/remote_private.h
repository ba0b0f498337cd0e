/* What remote.c (the connection), remote_say.c (results and reports), enrol.c and renew.c share;
 * nobody else includes it. */
#ifndef AGENT_REMOTE_PRIVATE_H
#define AGENT_REMOTE_PRIVATE_H

#include <uv.h>

#include "agent.h"
#include "channel.h"
#include "channel_read.h"
#include "enrolment.h"
#include "journal_remote.h"
#include "protocol/result.h"
#include "protocol/values.h"
#include "rate.h"
#include "remote.h"

#define REMOTE_ANSWER_MS 30000       /* HELLO, mark, a result: the console answers in this time */
#define REMOTE_REPORT_MS (5 * 60000) /* between two reports while nothing changes */
#define REMOTE_RESTART_MIN_MS 1000u  /* between two processes */
#define REMOTE_RESTART_MAX_MS 300000u
#define REMOTE_ORDERS_PER_SECOND 50
#define REMOTE_OP_MARK 2u /* 1 is HELLO's, see docs/protocol.md */

typedef enum remote_phase {
  REMOTE_OFF = 0,  /* no connection */
  REMOTE_GREETING, /* HELLO is sent */
  REMOTE_MARKING,  /* the console is who it should be; our mark is sent */
  REMOTE_READY
} remote_phase;

/* The package that is on its way in this connection. */
typedef struct remote_upload {
  char action[CD_ID_SIZE]; /* empty: none */
  char last[CD_ID_SIZE];   /* the last that was tried: those behind it come next */
  uint64_t op;             /* of the announcement, until it is answered; 0: none */
  uint64_t stream;         /* 0: it is not agreed on yet */
  uint64_t size;
  uint64_t sent;
  uint64_t kept;
  bool gone;         /* it was removed here: the console is told why, and that is all */
  uint64_t moved_ms; /* monotonic: when it last went on */
  uint64_t again_ms; /* monotonic: when those that did not go are tried again; 0: there is none */
} remote_upload;

/* One connection; void when it is lost. */
typedef struct remote_connection {
  uint64_t number; /* the channel's */
  remote_phase phase;
  channel_open at;
  uint8_t nonce[CD_NONCE_SIZE];         /* ours */
  uint8_t console_nonce[CD_NONCE_SIZE]; /* the console's */
  uint64_t began_ms;                    /* monotonic: when our nonce was made */
  int64_t console_ms;                   /* the console's clock, by its mark */
  int64_t since_ms;                     /* wall clock: ready since */
  uint64_t next_op;
  uint64_t reports;
  cd_values told; /* in the last report */
  cd_policy_standing told_policy;
  bool facts_told;
  int64_t outbox_seq; /* the result that is on its way, or the last that was answered */
  uint64_t outbox_op; /* 0: none is on its way */
  uint64_t renew_op;  /* 0: none is on its way */
  bool renewed;       /* asked for in this connection */
  remote_upload upload;
} remote_connection;

typedef struct agent_enrol agent_enrol;

struct agent_remote {
  agent *agent;
  agent_enrolment *enrolment; /* NULL: there is no console */
  agent_channel *channel;     /* NULL: no process */
  bool stopping;
  bool fresh;        /* the next process begins at once: the enrolment is a new one */
  unsigned failures; /* processes in a row that came to no connection */
  uv_timer_t restart;
  uv_timer_t deadline;
  uv_timer_t beat;
  agent_rate orders;
  char proxy_host[CD_HTTP_HOST_MAX + 1]; /* of the proxy file, when it was read last */
  uint16_t proxy_port;
  remote_connection connection;
  char why[CD_ERR_TEXT_MAX]; /* there is no connection, and why */
  int64_t why_ms;
  cd_digest facts; /* that were told last */
  cd_key *renew_key;
  agent_enrol *enrol; /* under way; NULL else */
};

/* remote.c */
void remote_restart(agent_remote *r, const char *why); /* another process, with what is now */
void remote_drop(agent_remote *r, const char *why);    /* this connection */
/* A message that makes no sense: the process is ended. */
void remote_distrust(agent_remote *r, const char *why);
int64_t remote_now_ms(const agent_remote *r); /* by the console's clock */
void remote_wait_answer(agent_remote *r);
void remote_answered(agent_remote *r);
void remote_send_json(agent_remote *r, uint8_t type, uint64_t op, cd_jw *w, cd_buf *text);
void remote_send_text(agent_remote *r, uint8_t type, uint64_t op, const char *member,
                      const char *value);
void remote_no_connection(agent_remote *r, const char *why);

/* remote_talk.c: a frame about the console; `owner` is the remote. */
void remote_frame(void *owner, const ipc_frame *frame);

/* remote_setup.c */
CD_MUST_USE cd_code remote_setup(agent_remote *r, cd_buf *out, cd_err *err); /* of a connection */
/* One of the consoles that this device was told by its enrolment or configuration; `i` counts up
 * from 0 until it is false. */
bool remote_console(const agent_remote *r, unsigned i, char host[CD_HTTP_HOST_MAX + 1],
                    uint16_t *ret_port);
/* Where a console, or the proxy, is: an isolation lets it through. */
void remote_remember(agent_remote *r, const char *host, uint16_t port,
                     const char (*addresses)[AGENT_ADDRESS_MAX], unsigned count);
/* Members "protocol" to "proxy" of SETUP; "host", "port" and "addresses" of a console. */
void remote_write_setup(agent_remote *r, cd_jw *w, const char *mode, const char *path);
void remote_write_console(const agent_remote *r, cd_jw *w, const char *host, uint16_t port);

/* remote_say.c */
void remote_report(agent_remote *r, bool only_news);
void remote_pump(agent_remote *r);
void remote_result_answered(agent_remote *r, cd_code code, const char *sentence);

/* remote_upload.c: packages on their way home, one at a time, beside everything else. */
void remote_upload_pump(agent_remote *r);
/* Gives the connection up if the console has kept nothing for long. */
void remote_upload_look(agent_remote *r);
void remote_upload_refused(agent_remote *r, const char *sentence);
void remote_upload_stream(agent_remote *r, const ipc_frame *frame, cd_err *err);
void remote_upload_kept(agent_remote *r, const ipc_frame *frame, cd_err *err);

/* renew.c */
void remote_renew(agent_remote *r);
void remote_renew_answered(agent_remote *r, cd_str certificate, const char *refusal);

/* enrol.c */
void remote_enrol_stop(agent_remote *r);

#endif
