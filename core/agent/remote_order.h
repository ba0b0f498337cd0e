/* An order that came from the console: judged, and put on record before anybody hears of it. */
#ifndef AGENT_REMOTE_ORDER_H
#define AGENT_REMOTE_ORDER_H

#include "config.h"
#include "enrolment.h"
#include "journal_remote.h"
#include "protocol/order.h"
#include "protocol/values.h"

/* Who judges: what the device knows. `values` are the three values of now, for a result that is
 * signed at once. */
typedef struct agent_judge {
  agent_journal *journal;
  const agent_config *config;
  const agent_enrolment *enrolment;
  bool clock_trusted;
  int64_t now_ms;
  unsigned value_count;
  cd_values values[CD_STATE_COUNT];
} agent_judge;

typedef struct agent_verdict {
  bool accepted;
  cd_refusal refusal;
  char sentence[CD_ERR_TEXT_MAX];
  cd_order_kind kind;         /* if accepted */
  char action[CD_ID_SIZE];    /* of the order, if it is authentic; else empty */
  bool answered;              /* a result waits in the outbox already */
  char cancelled[CD_ID_SIZE]; /* an action that ended by it; else empty */
  char stopped[CD_ID_SIZE];   /* one that runs, and is to be told to stop; else empty */
} agent_verdict;

/* Everything is synced when it returns. */
void agent_judge_order(const agent_judge *judge, cd_str order_jws, cd_str key_jws,
                       agent_verdict *ret_verdict);

/* The parameters of apply: the agent's part (where the console is) from configuration and journal,
 * the exclusions (an array, NULL for a full isolation) from the order. */
CD_MUST_USE cd_code agent_isolate_params(const agent_config *config, agent_journal *journal,
                                         bool selective, const cd_json *exclusions, cd_buf *out,
                                         cd_err *err);

agent_kind agent_kind_of_order(cd_order_kind kind);
/* Whose turn it waits for: a job waits for those of its kind alone. */
agent_capability agent_order_capability(cd_order_kind kind);
/* Signs the result of an action that has ended. */
CD_MUST_USE cd_code agent_result_sign(const agent_action *a, const agent_enrolment *e,
                                      const cd_values *values, unsigned value_count, cd_buf *out,
                                      cd_err *err);

#endif
