/* Who was given the way to a package. */
#include "store_private.h"

#include "base/banned.h"

cd_code con_action_package_shown(con_store *s, const con_by *by, const con_action *a, cd_err *err)
{
  const con_audit_entry entry = {.who = by->who,
                                 .what = CD_STR(CON_WHAT_PACKAGE),
                                 .device = a->device,
                                 .action = cd_str_from(a->id),
                                 .detail = CD_STR("{}")};
  cd_code rc = store_begin(s, err);
  if (rc != CD_OK)
    return rc;
  rc = audit_add(s, &entry, NULL, err);
  return store_end(s, rc, err);
}
