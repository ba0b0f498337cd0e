/* Rows that were changed behind the console's back: told once each, and counted. From any thread.
 */
#ifndef CON_ALTERED_H
#define CON_ALTERED_H

#include <uv.h>

#include "base/status.h"
#include "store.h"

#define CON_ALTERED_KEPT 1024u /* that are known; beyond it the oldest may be told again */

typedef struct con_altered {
  uv_mutex_t lock;
  bool open;
  uint64_t count;
  uint64_t known[CON_ALTERED_KEPT];
} con_altered;

CD_MUST_USE cd_code con_altered_open(con_altered *a, cd_err *err);
void con_altered_close(con_altered *a); /* also one that is not open */
/* Does nothing where action->altered is empty. */
void con_altered_note(con_altered *a, const con_action *action);
uint64_t con_altered_count(con_altered *a);

#endif
