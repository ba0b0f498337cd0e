/* What may be asked over the control socket, read and checked. Pure functions over text that
 * anybody on this machine may have written: the fuzzer lives here
 * (tests/fuzz/fuzz_control_request.c). docs/ipc.md has every member. */
#ifndef AGENT_CONTROL_READ_H
#define AGENT_CONTROL_READ_H

#include "base/id.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/status.h"
#include "config.h"
#include "protocol/enroll.h"
#include "protocol/scan.h"
#include "protocol/terms.h"

#define CONTROL_REQUEST_MAX (512u * 1024u)
#define CONTROL_BUDGET_MIN_S 5u
#define CONTROL_BUDGET_MAX_S 86000u
#define CONTROL_PACKAGE_MIN (4u * 1024u * 1024u)

/* The request without its parameters. Name and params are views into *ret_doc, which the caller
 * frees; on failure there is nothing to free. */
CD_MUST_USE cd_code control_request_read(cd_str payload, cd_json_doc **ret_doc, cd_str *ret_method,
                                         cd_json *ret_params, cd_err *err);

/* Parameters of `isolate`, `preflight` and `release`; views into the document. */
typedef struct control_order {
  bool selective;
  bool has_exclusions;
  cd_json exclusions;
  uint32_t lease_s; /* 0: not given */
  cd_terms rules;   /* lost_after_s and unreachable_after_s alone; CONTROL_NO_RULE: not given */
  cd_str comment;
  bool wait;
  bool force;
  bool has_code; /* of a release */
  cd_str code;   /* a secret: wiped by whoever has read it */
} control_order;
#define CONTROL_NO_RULE UINT32_MAX
#define CONTROL_LEASE_MAX_S (366u * 24u * 3600u)

CD_MUST_USE cd_code control_isolate_read(cd_json *params, control_order *ret_order, cd_err *err);
/* A renewal: lease_s must be given. */
CD_MUST_USE cd_code control_renew_read(cd_json *params, control_order *ret_order, cd_err *err);
CD_MUST_USE cd_code control_release_read(cd_json *params, control_order *ret_order, cd_err *err);
/* A package; what is 0 was not given. */
#define CONTROL_PROFILE_CUSTOM 2
extern const char *const control_profiles[]; /* by their names; NULL at the end */
typedef struct control_package_order {
  int profile;  /* of control_profiles */
  cd_json list; /* of the profile custom, checked */
  uint64_t budget_s;
  uint64_t max_bytes;
  cd_str comment;
  bool wait;
} control_package_order;
CD_MUST_USE cd_code control_collect_read(cd_json *params, control_package_order *ret_order,
                                         cd_err *err);
/* A scan; views into the document. */
typedef struct control_scan_order {
  cd_scan_params scan;
  cd_str comment;
  bool wait;
} control_scan_order;
CD_MUST_USE cd_code control_scan_read(cd_json *params, control_scan_order *ret_order, cd_err *err);
/* `order` is a remediation (protocol/remediate.h), checked; a view into the request. */
typedef struct control_remediation {
  cd_json order;
  cd_str comment;
  bool wait;
} control_remediation;
CD_MUST_USE cd_code control_remediate_read(cd_json *params, control_remediation *ret_remediation,
                                           cd_err *err);
CD_MUST_USE cd_code control_package_read(cd_json *params, char id[CD_ID_SIZE], uint64_t *ret_offset,
                                         cd_err *err);
/* before: empty if it is not given. */
CD_MUST_USE cd_code control_actions_read(cd_json *params, unsigned *ret_limit,
                                         char before[CD_ID_SIZE], cd_err *err);
CD_MUST_USE cd_code control_action_read(cd_json *params, char id[CD_ID_SIZE], cd_err *err);
CD_MUST_USE cd_code control_unquarantine_read(cd_json *params, char plugin[AGENT_ID_MAX],
                                              cd_err *err);

/* The contents of the token file, unread: a reader of the document. */
typedef struct control_enrolment {
  cd_json token;
  cd_str console; /* which it must be for; empty: whatever the token says */
  unsigned tag_count;
  cd_str tags[CD_ENROLL_TAGS_MAX]; /* to ask for */
} control_enrolment;
CD_MUST_USE cd_code control_enroll_read(cd_json *params, control_enrolment *ret_wish, cd_err *err);

#endif
