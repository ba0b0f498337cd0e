/* A second thread for an item that has more to do than one can: both do the same at once. */
#ifndef COLLECT_HANDS_H
#define COLLECT_HANDS_H

typedef struct col_hands col_hands;

/* NULL where there is one processor, or no thread is to be had: then the caller works alone. */
col_hands *col_hands_new(void);
/* Calls `work` on this thread and on the other one, and comes back when both have. What hangs there
 * hangs here: the runner leaves the item behind with both. */
void col_hands_do(col_hands *h, void (*work)(void *data), void *data);
/* The same in two steps: the caller does something else meanwhile. Without hands nothing is done.
 */
void col_hands_begin(col_hands *h, void (*work)(void *data), void *data);
void col_hands_wait(col_hands *h);
void col_hands_free(col_hands *h);

#endif
