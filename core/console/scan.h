/* Scans over many rows, on the loop's pool, one at a time, with a reader of the store of their own:
 * a list of ten thousand machines does not hold up an order. */
#ifndef CON_SCAN_H
#define CON_SCAN_H

#include "call.h"

CD_MUST_USE cd_code con_scans_open(con_server *s, cd_err *err);
/* Runs c->handler on the pool; con_call_done() comes on the loop. */
void con_scan_queue(con_call *c);
/* Nothing is queued any more. False: one is running; the call comes back through its owner, and
 * con_scans_close() is to be called again then. */
bool con_scans_close(con_server *s);

#endif
