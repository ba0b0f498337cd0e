/* One action as the history holds it: who, when, why, what came of it. */
#ifndef AGENT_ACTION_H
#define AGENT_ACTION_H

#include "base/id.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/status.h"
#include "capability.h"
#include "protocol/digest.h"
#include "protocol/limits.h"

typedef enum agent_kind {
  AGENT_KIND_ISOLATE = 1,
  AGENT_KIND_RELEASE = 2,
  AGENT_KIND_PREFLIGHT = 3, /* what an isolation would meet; it changes nothing and has no
                              generation */
  AGENT_KIND_COLLECT = 4,   /* an investigation package; likewise */
  AGENT_KIND_SCAN = 5,      /* likewise */
  AGENT_KIND_REMEDIATE = 6, /* it changes the device, and has no generation */
  AGENT_KIND_COUNT
} agent_kind;

/* The words of the public machine-action API. */
typedef enum agent_action_status {
  AGENT_PENDING = 1,
  AGENT_IN_PROGRESS,
  AGENT_SUCCEEDED,
  AGENT_FAILED,
  AGENT_TIMED_OUT,
  AGENT_CANCELLED
} agent_action_status;

/* Owns its text: agent_action_free(). */
typedef struct agent_action {
  char id[CD_ID_SIZE];
  agent_kind kind;
  agent_action_status status;
  agent_capability state; /* the state it changes */
  uint64_t generation;
  bool console;                    /* the console gave it, else somebody on this device */
  bool force;                      /* whatever the preflight finds, it is only recorded */
  cd_digest order;                 /* of the console's order: what the result names */
  char user[CD_REQUESTOR_MAX + 1]; /* who asked */
  uint64_t user_id;                /* of a local one; 0 else */
  uint64_t process_id;
  int64_t created_ms; /* wall clock */
  int64_t started_ms; /* 0: not yet */
  int64_t ended_ms;
  cd_code outcome; /* meaningful once ended */
  char *comment;   /* NULL: none */
  char *params;    /* JSON object */
  char *terms;     /* of an isolation, cd_terms_print()'s object; NULL: the defaults */
  char *provider;  /* NULL: none chosen yet */
  char *sentence;  /* NULL: nothing to say */
  char *result;    /* JSON object, NULL before the end */
} agent_action;

/* A job (job.h), which changes no state. */
bool agent_kind_is_job(agent_kind kind);
const char *agent_kind_name(agent_kind kind);
bool agent_kind_from_name(cd_str name, agent_kind *ret_kind);
const char *agent_action_status_name(agent_action_status status);
bool agent_action_status_from_name(cd_str name, agent_action_status *ret_status);
bool agent_action_ended(const agent_action *a);

void agent_action_free(agent_action *a); /* NULL is fine */
/* Replaces one of the owned texts by a copy; false when there is no memory (the old text is kept).
 */
bool agent_text_set(char **field, cd_str text);
/* "<id>: <reason>" behind what is there already; what does not fit any more is left out and marked,
 * so that the first reasons stay. */
void agent_reason_add(cd_buf *reasons, const char *id, const char *reason);
/* The action as docs/ipc.md gives it. */
void agent_action_write(const agent_action *a, cd_jw *w, const char *key);

#endif
