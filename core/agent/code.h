/* Release codes at the device: somebody who was read one over the phone ends an isolation of the
 * console's without the console.
 *
 * What is tried is counted in the journal and synced before it is compared, so that neither a kill
 * nor a reboot gives an attempt back. The first few may follow each other at once; then each is
 * followed by a wait, by the machine's monotonic clock, which nobody can step; a reboot begins the
 * wait anew. After the last one the isolation takes no code any more. */
#ifndef AGENT_CODE_H
#define AGENT_CODE_H

#include "agent.h"

#define AGENT_CODE_FREE 5u      /* wrong codes without a wait */
#define AGENT_CODE_ATTEMPTS 20u /* then none is taken for this isolation */
#define AGENT_CODE_WAIT_MS 30000u
#define AGENT_CODE_WAIT_MAX_MS 3600000u

/* How long the next attempt has to wait: `attempts` were made, the last at `last_ms` of the
 * monotonic clock of this run of the machine, or of another one. */
uint64_t agent_code_wait_ms(unsigned attempts, uint64_t last_ms, bool this_boot, uint64_t now_ms);

/* Whoever it is that asks: with the right code, orders the release in his name; `ret_id` names its
 * action, and the caller kicks the state. The sentence of a refusal says nothing of the code. */
CD_MUST_USE cd_code agent_code_release(agent *a, const pf_identity *who, cd_str code,
                                       cd_str comment, char ret_id[CD_ID_SIZE], cd_err *err);

/* CD_E_DENIED where the configuration says that an isolation of the console's with a code ends by
 * the console or by the code alone. `what` a local user asked for: "released", "changed". */
CD_MUST_USE cd_code agent_code_guard(agent *a, const char *what, cd_err *err);

#endif
