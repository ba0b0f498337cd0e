/* Policies as people name and edit them, which tags they are for, and what each device was given.
 * Part of the store: see store.h for the rules of all its functions. */
#ifndef CON_STORE_POLICY_H
#define CON_STORE_POLICY_H

#include "store.h"

#define CON_RANK_MAX 1000000u
#define CON_POLICY_DEFAULT "default" /* of devices that no tag gives another one */

/* Views as in con_device. */
typedef struct con_policy {
  cd_str name;
  cd_str body; /* JSON object, checked by cd_policy_check_body() */
  cd_str updated_by;
  cd_str comment;
  cd_str tags;       /* JSON array of {"tag":TEXT,"rank":N}, the highest rank first */
  uint64_t revision; /* another one at each change */
  int64_t updated_ms;
  uint64_t devices; /* that were given it last */
  char *memory;
} con_policy;
void con_policy_release(con_policy *p);

CD_MUST_USE cd_code con_policy_get(con_store *s, cd_str name, con_policy *ret_policy, cd_err *err);
CD_MUST_USE cd_code con_policy_each(con_store *s,
                                    bool (*each)(void *context, const con_policy *policy),
                                    void *context, cd_err *err);
/* Makes or replaces it; a body that is the same is a change too, so that it can be given again.
 * CD_E_INVALID: the name or the body is not good. */
CD_MUST_USE cd_code con_policy_set(con_store *s, const con_by *by, cd_str name, cd_str body,
                                   uint64_t *ret_revision, cd_err *err);
/* CD_E_CONFLICT while a tag has it. */
CD_MUST_USE cd_code con_policy_remove(con_store *s, const con_by *by, cd_str name, cd_err *err);
/* Devices with the tag get it, unless another of their tags has a higher rank; of two with the same
 * rank the tag that sorts first wins. A tag has one policy. */
CD_MUST_USE cd_code con_policy_assign(con_store *s, const con_by *by, cd_str name, cd_str tag,
                                      uint64_t rank, cd_err *err);
/* CD_E_NOTFOUND: the tag does not have that policy. */
CD_MUST_USE cd_code con_policy_unassign(con_store *s, const con_by *by, cd_str name, cd_str tag,
                                        cd_err *err);

/* ---- of a device ---- */

/* What a device is to have by its tags, what it was given, and what it said. */
typedef struct con_device_policy {
  cd_str name; /* of what it was given; may be empty */
  cd_str body;
  cd_str jws;       /* empty: not signed yet */
  cd_str key;       /* the statement about the key that signed it */
  cd_str standing;  /* JSON: the policy member of its last report; empty: never said */
  uint64_t version; /* 0: it was given none */
  uint64_t revision;
  int64_t issued_ms;
  con_audit_ref audit;
  uint64_t highest;                         /* that it took */
  char wanted_name[CD_POLICY_NAME_MAX + 1]; /* empty: none is for it */
  uint64_t wanted_revision;
  char *memory;
} con_device_policy;
void con_device_policy_release(con_device_policy *p);

CD_MUST_USE cd_code con_device_policy_get(con_store *s, cd_str device,
                                          con_device_policy *ret_policy, cd_err *err);
/* What the device is to have: what it was given before if that is still right, else the next
 * version, put on record with its audit entry "policy.issue". `anew`: the next version in any case
 * (another key). CD_E_NOTFOUND without a sentence: none is for it and it has none. */
CD_MUST_USE cd_code con_device_policy_issue(con_store *s, cd_str device, bool anew,
                                            con_device_policy *ret_policy, cd_err *err);
CD_MUST_USE cd_code con_device_policy_signed(con_store *s, cd_str device, uint64_t version,
                                             cd_str jws, cd_str key, cd_err *err);
/* From a verified report. */
CD_MUST_USE cd_code con_device_policy_stands(con_store *s, cd_str device, cd_str standing,
                                             uint64_t highest, cd_err *err);

#endif
