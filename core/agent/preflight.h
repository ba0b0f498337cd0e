/* What an isolation would meet on this device, before it is carried out: the provider's findings
 * (its dry run) and the agent's own, and what the policy makes of them. Pure functions: the fuzzer
 * lives here (tests/fuzz/fuzz_agent_preflight.c). */
#ifndef AGENT_PREFLIGHT_H
#define AGENT_PREFLIGHT_H

#include "base/json.h"
#include "base/limits.h"
#include "base/status.h"
#include "config.h"

#define PREFLIGHT_FINDINGS_MAX 64
#define PREFLIGHT_PATHS_MAX AGENT_ENDPOINTS_MAX
#define PREFLIGHT_SENTENCE_MAX 512u
#define PREFLIGHT_CUT_MAX (48u * 1024u) /* of what would be cut, as text: three lists of 64 */

typedef enum preflight_severity {
  PREFLIGHT_INFO = 0,
  PREFLIGHT_WARN,
  PREFLIGHT_REFUSE
} preflight_severity;

typedef struct preflight_finding {
  char check[AGENT_CHECK_MAX];
  preflight_severity severity; /* its own, and after the judgement what counts */
  agent_endpoint about;        /* a console that it is about; port 0: none */
  char sentence[PREFLIGHT_SENTENCE_MAX];
} preflight_finding;

/* How a console is reached once the rules are in force, as the provider says. */
typedef enum preflight_way {
  PREFLIGHT_WAY_NONE = 0,
  PREFLIGHT_WAY_OPEN,
  PREFLIGHT_WAY_DOUBTFUL,
  PREFLIGHT_WAY_CUT
} preflight_way;

typedef struct preflight_path {
  agent_endpoint to;
  preflight_way way;
} preflight_path;

typedef struct agent_preflight {
  preflight_finding findings[PREFLIGHT_FINDINGS_MAX];
  unsigned count;
  uint64_t left_out;
  preflight_path paths[PREFLIGHT_PATHS_MAX];
  unsigned path_count;
  cd_buf would_cut; /* a JSON object; empty: the provider told nothing */
  bool refused;     /* the policy refuses the isolation */
  bool forced;      /* it would, but for the order */
} agent_preflight;

/* Who orders the isolation, and with what in mind. */
typedef struct preflight_order {
  bool console; /* else somebody on this device */
  bool force;
} preflight_order;

agent_preflight *agent_preflight_new(void);    /* NULL: no memory */
void agent_preflight_free(agent_preflight *p); /* NULL is fine */

/* Takes what a dry run said. On failure nothing of it is taken. */
CD_MUST_USE cd_code agent_preflight_read(agent_preflight *p, cd_str result, cd_err *err);
/* A finding of the agent's. One that there is no room for is counted. */
void agent_preflight_add(agent_preflight *p, const char *check, preflight_severity severity,
                         const char *fmt, ...) CD_PRINTF(4, 5);
/* Only these are on the agent's way to its console (its proxy's, say): a tunnel on the way to
 * another is not worth a warning, and one on the way to all of these is worth a refusal. */
void agent_preflight_way(agent_preflight *p, const agent_endpoint *used, unsigned count);
/* Severities by the policy, and whether it refuses. Where the policy says nothing, somebody on the
 * device is only warned. */
void agent_preflight_judge(agent_preflight *p, const agent_config *config,
                           const preflight_order *order);
/* Takes a refusal back: what it is for is recorded as a warning. */
void agent_preflight_overlook(agent_preflight *p);
/* Why it refuses: "session_in_use: ...; ..." */
void agent_preflight_reason(const agent_preflight *p, cd_buf *out);
/* Member "preflight" of an action's result. */
void agent_preflight_write(const agent_preflight *p, cd_jw *w);

#endif
