#include "package/thread.h"

#include <process.h>
#include <stdlib.h>

#include <windows.h>

struct col_gate {
  SRWLOCK lock;
  CONDITION_VARIABLE changed;
};

struct col_thread {
  HANDLE handle;
};

/* The thread's own, so that its handle may go first. */
typedef struct begin {
  void (*run)(void *data);
  void *data;
} begin;

col_gate *col_gate_new(void)
{
  col_gate *g = calloc(1, sizeof(*g));
  if (g == NULL)
    return NULL;
  InitializeSRWLock(&g->lock);
  InitializeConditionVariable(&g->changed);
  return g;
}

void col_gate_free(col_gate *g)
{
  free(g);
}

void col_gate_lock(col_gate *g)
{
  AcquireSRWLockExclusive(&g->lock);
}

void col_gate_unlock(col_gate *g)
{
  ReleaseSRWLockExclusive(&g->lock);
}

void col_gate_wait(col_gate *g, uint32_t ms)
{
  (void)SleepConditionVariableSRW(&g->changed, &g->lock, ms, 0);
}

void col_gate_signal(col_gate *g)
{
  WakeConditionVariable(&g->changed);
}

static unsigned __stdcall run_thread(void *arg)
{
  begin b = *(begin *)arg;
  free(arg);
  b.run(b.data);
  return 0;
}

bool col_thread_start(void (*run)(void *data), void *data, size_t stack, col_thread **ret_thread)
{
  col_thread *t = calloc(1, sizeof(*t));
  begin *b = calloc(1, sizeof(*b));
  uintptr_t handle = 0;
  if (t != NULL && b != NULL) {
    *b = (begin){.run = run, .data = data};
    handle = _beginthreadex(NULL, (unsigned)stack, run_thread, b, STACK_SIZE_PARAM_IS_A_RESERVATION,
                            NULL);
  }
  if (handle == 0) {
    free(t);
    free(b);
    return false;
  }
  t->handle = (HANDLE)handle;
  *ret_thread = t;
  return true;
}

void col_thread_join(col_thread *t)
{
  (void)WaitForSingleObject(t->handle, INFINITE);
  col_thread_leave(t);
}

void col_thread_leave(col_thread *t)
{
  (void)CloseHandle(t->handle);
  free(t);
}
