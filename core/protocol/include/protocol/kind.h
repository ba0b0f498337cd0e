/* The words of the protocol: states, kinds of orders, statuses of actions. */
#ifndef CD_KIND_H
#define CD_KIND_H

#include <stdbool.h>

#include "base/json.h"
#include "base/str.h"

/* What a device is held in, each with a generation of its own. */
typedef enum cd_state { CD_STATE_NONE = 0, CD_STATE_ISOLATE, CD_STATE_COUNT } cd_state;

typedef enum cd_order_kind {
  CD_ORDER_ISOLATE = 1,
  CD_ORDER_RELEASE,
  CD_ORDER_CANCEL,    /* of another action; touches no state */
  CD_ORDER_PREFLIGHT, /* what an isolation would meet; touches nothing */
  CD_ORDER_COLLECT,   /* an investigation package; touches nothing */
  CD_ORDER_SCAN,      /* for malware; touches nothing (protocol/scan.h) */
  CD_ORDER_REMEDIATE, /* one change, and how it is taken back (protocol/remediate.h) */
  CD_ORDER_KIND_COUNT
} cd_order_kind;

/* The words of the public machine-action API. */
typedef enum cd_action_status {
  CD_ACTION_PENDING = 1,
  CD_ACTION_IN_PROGRESS,
  CD_ACTION_SUCCEEDED,
  CD_ACTION_FAILED,
  CD_ACTION_TIMED_OUT,
  CD_ACTION_CANCELLED,
  CD_ACTION_STATUS_COUNT
} cd_action_status;

const char *cd_state_name(cd_state state); /* "isolate"; NULL for CD_STATE_NONE */
bool cd_state_from_name(cd_str name, cd_state *ret_state);
const char *cd_order_kind_name(cd_order_kind kind); /* "isolate", "release" ... */
bool cd_order_kind_from_name(cd_str name, cd_order_kind *ret_kind);
/* The state it changes; CD_STATE_NONE for what is no change of state. */
cd_state cd_order_kind_state(cd_order_kind kind);
/* It gives something back to the device: no clock may stand in its way. */
bool cd_order_kind_releases(cd_order_kind kind);
const char *cd_action_status_name(cd_action_status status); /* "Succeeded" */
bool cd_action_status_from_name(cd_str name, cd_action_status *ret_status);
/* It will not change any more. */
bool cd_action_status_final(cd_action_status status);

/* Reads the parameters of an order, all of them; what is wrong or not known sticks to the document
 * and shows in cd_json_status(). */
void cd_order_check_parameters(cd_order_kind kind, cd_json *parameters);

#endif
