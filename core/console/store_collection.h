/* Collection lists: which files a package of the profile custom holds. What an order carries is the
 * list as it is kept here, and counts only as far as the audit log says the same. Part of the
 * store: see store.h for the rules of all its functions. */
#ifndef CON_STORE_COLLECTION_H
#define CON_STORE_COLLECTION_H

#include "base/json.h"
#include "store.h"

/* Views as in con_device. */
typedef struct con_collection {
  cd_str name;
  cd_str json; /* the list, as cd_collection_read() takes it */
  cd_str updated_by;
  cd_str comment;
  uint64_t version; /* the list's own; it only grows */
  int64_t updated_ms;
  char *memory;
} con_collection;
void con_collection_release(con_collection *x);

CD_MUST_USE cd_code con_collection_get(con_store *s, cd_str name, con_collection *ret_list,
                                       cd_err *err);
/* CD_E_CONFLICT: the audit log does not record it like this; nothing may go by it. */
CD_MUST_USE cd_code con_collection_check(con_store *s, const con_collection *list, cd_err *err);
CD_MUST_USE cd_code con_collection_each(con_store *s,
                                        bool (*each)(void *context, const con_collection *list),
                                        void *context, cd_err *err);
/* Checks and keeps a list under the name that it has. CD_E_CONFLICT: it is there with the same
 * version or a later one. */
CD_MUST_USE cd_code con_collection_put(con_store *s, const con_by *by, const cd_json *list,
                                       cd_err *err);
CD_MUST_USE cd_code con_collection_remove(con_store *s, const con_by *by, cd_str name, cd_err *err);

#endif
