/* What the files of the alerts' store share; nobody else includes it. All of it is called within a
 * transaction. */
#ifndef CON_STORE_ALERT_PRIVATE_H
#define CON_STORE_ALERT_PRIVATE_H

#include "store_alert.h"
#include "store_private.h"

typedef struct alert_key {
  cd_str text;      /* empty: the statement has no parameters */
  int64_t since_ms; /* 0: it has only the text */
} alert_key;
/* The number in the first column of a statement that counts. */
CD_MUST_USE cd_code alert_number(con_store *s, con_sql which, const alert_key *key,
                                 uint64_t *ret_number, cd_err *err);

CD_MUST_USE cd_code alert_id(int64_t now_ms, char ret_id[CON_ALERT_ID_SIZE], cd_err *err);
CD_MUST_USE cd_code alert_add(con_store *s, const con_alert *a, cd_err *err);

typedef struct alert_place {
  char id[CON_ALERT_ID_SIZE];
  con_severity severity;
} alert_place;
/* The newest of the device and title that is open, or was made since then, whatever became of it;
 * CD_E_NOTFOUND without a sentence: there is none. */
CD_MUST_USE cd_code alert_find_open(con_store *s, cd_str device, cd_str title, int64_t since_ms,
                                    alert_place *ret_place, cd_err *err);

#endif
