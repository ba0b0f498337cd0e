/* What control.c (connections) and control_methods.c (what may be asked) share; nobody else
 * includes it. */
#ifndef AGENT_CONTROL_PRIVATE_H
#define AGENT_CONTROL_PRIVATE_H

#include "agent.h"
#include "control_read.h"
#include "ipc/link.h"
#include "rate.h"

#define CONTROL_CLIENTS_MAX 32
#define CONTROL_WARNINGS_PER_SECOND 10
#define CONTROL_CLIENTS_OF_USER_MAX 4 /* of one user who is no administrator */
#define CONTROL_REQUEST_MS 5000       /* from connect to a whole request */
#define CONTROL_LOOKUPS_MAX 2         /* at once: the pool has other work, and others wait for it */
#define CONTROL_LOOKUP_MS 10000
#define CONTROL_ANSWER_MAX (900u * 1024u)
#define CONTROL_PIECE_MAX (1024u * 1024u) /* of a package, in one answer */

typedef struct control_client {
  agent *agent;
  ipc_link link;
  uv_timer_t timer;
  int open_handles;
  pf_identity who;
  bool answered;
  bool gone;        /* the link has closed */
  uv_work_t lookup; /* who the user is, for requests that not everybody may make */
  pf_identity looked_up;
  cd_code lookup_rc;
  cd_err lookup_err;
  bool member;   /* of the configured group */
  bool coded;    /* the request has a release code: it does not wait for ever */
  bool served;   /* though the pool still looks */
  char *request; /* kept while the pool looks; NULL else */
  size_t request_len;
  char waits_for[CD_ID_SIZE]; /* an action; empty: none */
} control_client;

struct agent_control {
  uv_pipe_t server;
  agent_rate warnings;
  unsigned lookups; /* in the pool now */
  control_client *clients[CONTROL_CLIENTS_MAX];
};

/* control.c */
void control_answer(control_client *c, cd_str result_json); /* the value of "result" */
void control_refuse(control_client *c, const cd_err *err);
/* A line in the log about somebody who may be anybody: with a ceiling. */
void control_warn(agent *a, const char *fmt, ...) CD_PRINTF(2, 3);
/* Looks up the user's name and membership in the pool, then comes back to control_looked_up(), or
 * answers CD_E_DEADLINE; a request with a release code comes back without the name then.
 * CD_E_UNAVAILABLE: as many as may be are being looked up. */
CD_MUST_USE cd_code control_look_up(control_client *c, cd_str payload, cd_err *err);
void control_event(control_client *c, cd_str event_json);

/* control_methods.c */
void control_request(control_client *c, cd_str payload);
void control_looked_up(control_client *c, cd_str payload);
void control_answer_action(control_client *c, const agent_action *a);
/* The answer is the action of this id. */
CD_MUST_USE cd_code control_answer_id(control_client *c, const char *id, cd_err *err);

/* control_orders.c: an order is on record: listens if asked to, or answers. The caller then lets it
 * run. */
CD_MUST_USE cd_code control_placed(control_client *c, agent_kind kind, const char *id, bool wait,
                                   cd_err *err);

/* control_remediate.c: a method. */
cd_code control_remediate(control_client *c, cd_json *params, cd_err *err);
/* control_collect.c: methods. */
cd_code control_collect(control_client *c, cd_json *params, cd_err *err);
cd_code control_cancel(control_client *c, cd_json *params, cd_err *err);
cd_code control_package(control_client *c, cd_json *params, cd_err *err);
cd_code control_forget(control_client *c, cd_json *params, cd_err *err);

/* control_scan.c: method. */
cd_code control_scan(control_client *c, cd_json *params, cd_err *err);

/* What was a secret, in the request's document or in the frame that it came in. */
void control_wipe(cd_str secret);

/* control_orders.c: methods. */
cd_code control_isolate(control_client *c, cd_json *params, cd_err *err);
cd_code control_preflight(control_client *c, cd_json *params, cd_err *err);
cd_code control_renew(control_client *c, cd_json *params, cd_err *err);
cd_code control_release(control_client *c, cd_json *params, cd_err *err);

#endif
