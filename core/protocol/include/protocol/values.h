/* The three values of a state: what is wanted, what the OS holds, what probes showed. The JSON is
 * that of `cordon local status` (docs/ipc.md), with times as milliseconds. */
#ifndef CD_VALUES_H
#define CD_VALUES_H

#include <stdint.h>

#include "base/id.h"
#include "base/json.h"
#include "protocol/kind.h"
#include "protocol/limits.h"

typedef enum cd_wanted_value { CD_WANTED_RELEASED = 1, CD_WANTED_ISOLATED } cd_wanted_value;
typedef enum cd_enforced_value {
  CD_ENFORCED_UNKNOWN = 1,
  CD_ENFORCED_RELEASED,
  CD_ENFORCED_ISOLATED,
  CD_ENFORCED_PARTIAL
} cd_enforced_value;
typedef enum cd_proven_value {
  CD_PROVEN_UNKNOWN = 1,
  CD_PROVEN_RELEASED,
  CD_PROVEN_HOLDS,
  CD_PROVEN_FAILS
} cd_proven_value;

/* Plain value. Empty texts and times of 0 travel as null. */
typedef struct cd_values {
  cd_state state;
  cd_wanted_value wanted;
  char wanted_type[CD_WORD_MAX + 1]; /* "full", "selective" */
  uint64_t wanted_generation;        /* 0: no order was ever recorded */
  char wanted_action[CD_ID_SIZE];
  int64_t wanted_since_ms;
  cd_enforced_value enforced;
  int64_t enforced_at_ms;
  char enforced_digest[CD_EVIDENCE_DIGEST_MAX + 1];
  char enforced_note[CD_NOTE_MAX + 1];
  cd_proven_value proven;
  int64_t proven_at_ms;
  char proven_note[CD_NOTE_MAX + 1];
  uint64_t drift_count;
  int64_t drift_last_ms;
  char drift_note[CD_NOTE_MAX + 1];
  char provider[CD_PROVIDER_ID_MAX + 1];
} cd_values;

const char *cd_wanted_value_name(cd_wanted_value v);
const char *cd_enforced_value_name(cd_enforced_value v);
const char *cd_proven_value_name(cd_proven_value v);

/* An array, at `key`, with one object for each state. */
void cd_values_write(const cd_values *values, unsigned count, cd_jw *w, const char *key);
/* The inverse; failures stick to the document. No state twice. */
void cd_values_read(cd_json *obj, const char *key, cd_values out[CD_STATE_COUNT],
                    unsigned *ret_count);

#endif
