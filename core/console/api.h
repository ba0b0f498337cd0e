/* The handlers of the API, for its table of routes (api.c). */
#ifndef CON_API_H
#define CON_API_H

#include "call.h"
#include "store_exclusions.h"

/* api_machines.c */
void con_api_machines(con_call *c);
void con_api_machine(con_call *c);
void con_api_find_by_ip(con_call *c);
void con_api_find_by_tag(con_call *c);
void con_api_tags(con_call *c);
void con_api_tags_of_many(con_call *c);

/* api_actions.c */
void con_api_isolate(con_call *c);
void con_api_unisolate(con_call *c);
void con_api_renew(con_call *c);
void con_api_actions(con_call *c);
void con_api_machine_actions(con_call *c);
void con_api_action(con_call *c);

/* api_cancel.c */
void con_api_cancel(con_call *c);

/* What an isolation or a release is to be; also for many at once. */
typedef struct con_wish {
  bool release;
  bool preflight; /* only what the isolation would meet */
  cd_str comment;
  cd_str ticket;
  cd_str scope;                        /* "Full", "Selective"; empty for a release */
  cd_str exclusions;                   /* JSON; empty for a full one */
  cd_buf parameters;                   /* JSON: all of it */
  char set[CON_EXCLUSION_SET_MAX + 1]; /* the name of the exclusions; empty: they have none */
  uint64_t set_revision;
  con_exclusion_set kept; /* whose text the exclusions are */
} con_wish;
/* Reads Comment, IsolationType, Exclusions, Preflight, ExternalId, LeaseSeconds, Terms, and refuses
 * what nobody has read by then. False: the reply says what is wrong. */
bool con_wish_read(con_call *c, cd_json *root, bool release, con_wish *ret_wish);
void con_wish_release(con_wish *w);
/* CD_E_CONFLICT: an action of the group is under way; CD_E_DENIED: the device is revoked. Whoever
 * calls lets the device know once it is committed: con_hub_poke(). */
CD_MUST_USE cd_code con_wish_create(con_server *s, const con_by *by, cd_str device,
                                    const con_wish *w, cd_str source, con_action_made *ret_made,
                                    cd_err *err);

/* api_job.c: what is ordered beside the states of a machine. */
typedef struct con_job {
  cd_order_kind kind;
  cd_str type;
  cd_str scope;
  cd_str comment;
  cd_str ticket;
  cd_buf parameters;
} con_job;
/* Comment and ExternalId. False: the reply says what is wrong; so below. */
bool con_job_said(con_call *c, cd_json *root, con_job *job);
/* The parameters are what a device takes. */
bool con_job_check(con_call *c, con_job *job);
/* Creates the action, and replies with it or with why there is none. */
void con_job_create(con_call *c, cd_str device, const con_job *job);
/* Finds the machine, reads the body by con_job_said() and `read`, which fills the parameters, and
 * creates the action. */
void con_job_order(con_call *c, con_job *job, bool (*read)(con_call *c, cd_json *root, con_job *j));

/* api_scan.c */
void con_api_scan(con_call *c);
void con_api_scan_own(con_call *c);

/* api_remediate.c */
void con_api_quarantine(con_call *c);
void con_api_remediate(con_call *c);
void con_api_undo(con_call *c);
void con_api_restore(con_call *c);
/* Any of them may order that remediation. */
uint32_t con_remediation_permissions(const con_action *a);

/* api_package.c */
void con_api_collect(con_call *c);
void con_api_package_uri(con_call *c);
void con_api_package_download(con_call *c);

/* Below /api/cordon/. */
void con_api_preflight(con_call *c);

/* api_devices.c: below /api/cordon/ */
void con_api_device(con_call *c);
void con_api_device_revoke(con_call *c);
void con_api_action_detail(con_call *c);
void con_api_report(con_call *c);
void con_api_audit(con_call *c);
void con_api_head(con_call *c);

/* api_code.c */
void con_api_code(con_call *c);
void con_api_code_show(con_call *c);

/* api_bulk.c */
void con_api_bulk_isolate(con_call *c);
void con_api_bulk_release(con_call *c);
void con_api_bulk_preflight(con_call *c);

/* api_tokens.c */
void con_api_tokens(con_call *c);
void con_api_token_create(con_call *c);
void con_api_token_revoke(con_call *c);

/* api_policies.c */
void con_api_policies(con_call *c);
void con_api_policy(con_call *c);
void con_api_policy_set(con_call *c);
void con_api_policy_remove(con_call *c);
void con_api_policy_assign(con_call *c);
void con_api_policy_unassign(con_call *c);
/* Member "policy" of a device. */
CD_MUST_USE cd_code con_api_device_policy(con_call *c, const con_device *d, cd_jw *w, cd_err *err);

/* api_exclusions.c */
void con_api_exclusions(con_call *c);
void con_api_exclusions_one(con_call *c);
void con_api_exclusions_set(con_call *c);
void con_api_exclusions_remove(con_call *c);

/* api_collections.c */
void con_api_collections(con_call *c);
void con_api_collection(con_call *c);
void con_api_collection_set(con_call *c);
void con_api_collection_remove(con_call *c);

/* api_enroll.c */
void con_api_enroll(con_call *c);

/* api_oauth.c: outside /api/ */
void con_api_token(con_call *c);

/* metrics.c */
void con_api_health(con_call *c);
void con_api_metrics(con_call *c);

#endif
