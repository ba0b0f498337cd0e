/* Notes an undo record over the limit of 64 KiB, at settings.at, and gives up if it is refused. */
#include "zoo.h"

#include <string.h>

cordon_status zoo_act(const char *call, const cordon_request *req, bool *ret_done)
{
  static char record[64 * 1024 + 1];
  if (!zoo_is_at(call))
    return CORDON_OK;
  (void)memset(record, ' ', sizeof(record));
  record[0] = '{';
  record[sizeof(record) - 1] = '}';
  cordon_status status = zoo_host()->note_undo(zoo_host(), req->op, record, sizeof(record));
  *ret_done = status != CORDON_OK;
  return status;
}
