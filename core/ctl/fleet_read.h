/* What the console answers, read. Pure functions: nothing is believed of the answer but what was
 * checked here, and a fuzzer can drive them. */
#ifndef CTL_FLEET_READ_H
#define CTL_FLEET_READ_H

#include <stdbool.h>
#include <stddef.h>

#include "action.h"
#include "exit.h"
#include "fleet_http.h"

#include "base/json.h"

#define FLEET_ID_MAX 64u /* of a device */
#define FLEET_TEXT_MAX 65536u
#define FLEET_LIST_MAX 10000u

/* An answer of the API: 2xx becomes a document (NULL if there is no body), anything else an exit
 * code with the console's own words. */
CD_MUST_USE ctl_exit fleet_read_answer(long status, cd_str body, cd_json_doc **ret_doc,
                                       cd_err *err);
/* An answer of the token address. */
CD_MUST_USE ctl_exit fleet_read_token(long status, cd_str body, char out[FLEET_BEARER_MAX + 1],
                                      cd_err *err);

/* A device, as the machine resource tells it. Views into the document; absent text is empty. */
typedef struct fleet_machine {
  cd_str id;
  cd_str name;
  cd_str last_seen;
  cd_str health;
  cd_str os;
  cd_str version;
  cd_str address;
  cd_str agent;
  cd_json tags; /* an array of texts, or a dead reader */
} fleet_machine;
/* A failure sticks to the document. The id goes into addresses, so only an id is one. */
void fleet_machine_read(cd_json *obj, fleet_machine *ret_machine);
/* 1 to FLEET_ID_MAX of a-z, 0-9 and '-'. */
bool fleet_id_valid(cd_str s);

/* A machineAction. */
typedef struct fleet_action {
  cd_str id;
  cd_str type;   /* "Isolate" */
  cd_str scope;  /* "Full" */
  cd_str status; /* "Pending" */
  cd_str requestor;
  cd_str comment;
  cd_str machine;
  cd_str name;
  cd_str created;
  cd_str updated;
  cd_str ticket;
} fleet_action;
void fleet_action_read(cd_json *obj, fleet_action *ret_action);
/* Neither Pending nor InProgress. */
bool fleet_status_ended(cd_str status);

/* One action with all that the console knows of it. The readers are dead where there is nothing. */
typedef struct fleet_detail {
  cd_str id;
  cd_str kind; /* "isolate", "release" */
  cd_str status;
  cd_str machine;
  cd_str name;
  cd_str requestor;
  cd_str comment;
  cd_str ticket;
  cd_str created;
  cd_str sent;
  cd_str updated;
  cd_str waits; /* what for, while it has not ended */
  cd_str outcome;
  cd_str sentence;
  cd_str package_state;   /* of what it made: "here", "coming" ...; empty: it has made nothing */
  cd_str package_missing; /* what of it is not at the console, and why */
  cd_json progress;
  cd_json parameters;
  cd_json evidence; /* what the device measured */
} fleet_detail;
void fleet_detail_read(cd_json *obj, fleet_detail *ret_detail);

/* The action as its agent would tell it (docs/ipc.md), so that it is rendered and judged like a
 * local one. */
CD_MUST_USE cd_code fleet_action_as_local(const fleet_detail *d, cd_buf *out, cd_err *err);

#endif
