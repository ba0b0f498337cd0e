/* Verifying what `cordon action report` wrote, without the console: every signature on its way from
 * the root, that the parts are about one action, that none is missing which the audit log vouches
 * for, and that what the report says beside them is what they say. Pure functions. */
#ifndef CTL_FLEET_PROOF_H
#define CTL_FLEET_PROOF_H

#include <stdbool.h>
#include <stdint.h>

#include "exit.h"

#include "base/json.h"
#include "protocol/key.h"
#include "protocol/order.h"
#include "protocol/result.h"

#define FLEET_PROOF_MAX (4u * 1024u * 1024u) /* a report's file */
#define FLEET_PROOF_ENTRIES 64u

typedef enum fleet_origin {
  FLEET_ORIGIN_NONE = 0,
  FLEET_ORIGIN_ORDERED, /* by the console: action.create */
  FLEET_ORIGIN_LOCAL,   /* given on the device: action.local */
  FLEET_ORIGIN_ADOPTED  /* found in force, by an order that the console knows nothing of */
} fleet_origin;

/* What the entries of the log say, which the signer vouches for. The texts are views into the
 * report. */
typedef struct fleet_proof_log {
  fleet_origin origin;
  uint64_t asked_entry;
  cd_digest asked_digest;
  int64_t asked_ms;
  cd_order_kind kind;
  cd_str type;
  cd_str scope;
  cd_str requestor;
  cd_str comment;
  cd_str ticket;
  cd_str source;
  bool cancelled;
  cd_str cancel_by;
  cd_str cancel_comment;
  int64_t cancelled_ms;
  bool ended; /* the last word about its end */
  cd_action_status status;
  cd_str outcome;
  cd_str sentence;
  int64_t ended_ms;
  cd_str result; /* the digest of the device's result; empty: no entry names one */
} fleet_proof_log;

/* What the device says that it made. */
typedef struct fleet_package {
  uint64_t bytes;
  cd_digest digest;
} fleet_package;

typedef struct fleet_proof {
  char root[CD_KEY_ID_TEXT_MAX];
  char device[CD_DEVICE_ID_MAX + 1];
  char action[CD_ID_SIZE];
  fleet_proof_log log;
  bool has_order;
  cd_order order;
  bool has_result;
  cd_result result;
  bool same_order; /* the result answers just this order, and not an earlier one of the action */
  bool ended;
  cd_action_status status; /* by the result; without one by the log */
  bool has_package;
  fleet_package package; /* by the result */
  uint64_t head;         /* the entry of the log up to which the signer vouches for the entries */
  size_t entries;
} fleet_proof;

/* CD_E_UNVERIFIED, in one sentence: something in it is not what it says; CD_E_INVALID: it is no
 * report. On success the caller releases *ret_proof, before the report's document. */
CD_MUST_USE cd_code fleet_proof_check(cd_json *report, fleet_proof *ret_proof, cd_err *err);
void fleet_proof_release(fleet_proof *p);
/* Whether `text`, a key's id or the key itself as token files have it, is the report's root. */
bool fleet_proof_is_root(const fleet_proof *p, const char *text);
/* CD_E_UNVERIFIED: it is another one. `root` NULL or empty: any will do. */
CD_MUST_USE cd_code fleet_proof_pinned(const fleet_proof *p, const char *root, cd_err *err);
/* A report's file, read and checked; `root` as above. CTL_EXIT_REFUSED: it cannot be read;
 * CTL_EXIT_FAILED: it is no report, or wrong. The caller frees *ret_doc behind *ret_proof in any
 * case. */
CD_MUST_USE ctl_exit fleet_proof_read(const char *path, const char *root, cd_json_doc **ret_doc,
                                      fleet_proof *ret_proof, cd_err *err);

#endif
