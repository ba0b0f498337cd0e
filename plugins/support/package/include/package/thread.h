/* A lock with a signal, and threads that may be left behind: what the runner takes from the OS. */
#ifndef PACKAGE_THREAD_H
#define PACKAGE_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct col_gate col_gate;

col_gate *col_gate_new(void);    /* NULL: no memory */
void col_gate_free(col_gate *g); /* NULL is fine */
void col_gate_lock(col_gate *g);
void col_gate_unlock(col_gate *g);
/* The lock is held, by who waits and who signals. Waits at most `ms` by a clock that never goes
 * back, and may return early. */
void col_gate_wait(col_gate *g, uint32_t ms);
void col_gate_signal(col_gate *g);

typedef struct col_thread col_thread;

/* False: it could not be started. */
bool col_thread_start(void (*run)(void *data), void *data, size_t stack, col_thread **ret_thread);
/* Each thread is joined or left, once. */
void col_thread_join(col_thread *t);
void col_thread_leave(col_thread *t);

#endif
