/* Long work that must happen on the loop's thread, because it writes to the store: done in pieces,
 * with the loop's other business between them. */
#ifndef CON_WORK_H
#define CON_WORK_H

#include <stdbool.h>

#include "server.h"

typedef struct con_work con_work;
struct con_work {
  /* The next piece, of some ten milliseconds; false: that was the last, and the memory may be gone.
   * `closing`: the console stops, so there is no other piece. */
  bool (*step)(con_work *w, bool closing);
  con_work *next;
};

/* Works on it after what was there before. */
void con_work_add(con_server *s, con_work *w);
/* The last steps; the handle is closed by the server. */
void con_work_close(con_server *s);

#endif
