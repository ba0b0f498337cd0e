/* Named sets of exclusions: what a selective isolation keeps reachable. An isolation remembers
 * which set it was ordered with, so that a change of the set reaches whoever is isolated with it.
 * Part of the store: see store.h for the rules of all its functions. */
#ifndef CON_STORE_EXCLUSIONS_H
#define CON_STORE_EXCLUSIONS_H

#include "base/json.h"
#include "store.h"

#define CON_EXCLUSION_SET_MAX 64u /* bytes of a name */

/* Views as in con_device. */
typedef struct con_exclusion_set {
  cd_str name;
  cd_str json; /* array of exclusions, not empty */
  cd_str updated_by;
  cd_str comment;
  uint64_t revision; /* another one at each change, at least 1 */
  int64_t updated_ms;
  uint64_t devices; /* that are wanted isolated with it */
  char *memory;
} con_exclusion_set;
void con_exclusion_set_release(con_exclusion_set *x);

/* Checks a list by the rules for orders and prints it. */
CD_MUST_USE cd_code con_exclusions_print(const cd_json *list, cd_buf *out, cd_err *err);

CD_MUST_USE cd_code con_exclusion_set_get(con_store *s, cd_str name, con_exclusion_set *ret_set,
                                          cd_err *err);
/* CD_E_CONFLICT: the audit log does not record it like this; nothing may go by it. */
CD_MUST_USE cd_code con_exclusion_set_check(con_store *s, const con_exclusion_set *set,
                                            cd_err *err);
CD_MUST_USE cd_code con_exclusion_set_each(con_store *s,
                                           bool (*each)(void *context,
                                                        const con_exclusion_set *set),
                                           void *context, cd_err *err);
/* `json` as con_exclusions_print() made it. */
CD_MUST_USE cd_code con_exclusion_set_put(con_store *s, const con_by *by, cd_str name, cd_str json,
                                          uint64_t *ret_revision, cd_err *err);
/* CD_E_CONFLICT while a device is isolated with it. */
CD_MUST_USE cd_code con_exclusion_set_remove(con_store *s, const con_by *by, cd_str name,
                                             cd_err *err);

/* The set that an isolation was ordered with; CD_E_NOTFOUND without a sentence: none. */
CD_MUST_USE cd_code con_isolation_set(con_store *s, cd_str action,
                                      char ret_name[CON_EXCLUSION_SET_MAX + 1],
                                      uint64_t *ret_revision, cd_err *err);
/* Orders the next device that is isolated with an older state of its set anew, with the terms that
 * it has. CD_E_NOTFOUND without a sentence: there is none. `ret_device` takes CON_DEVICE_TEXT. */
CD_MUST_USE cd_code con_isolation_set_follow(con_store *s, int64_t expires_ms,
                                             char ret_device[CON_DEVICE_TEXT],
                                             con_action_made *ret_made, cd_err *err);

#endif
