/* The allocator of a test program that fails on purpose, at the allocation that is asked for. The
 * program is linked with -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free. */
#ifndef CD_TEST_FAILING_ALLOCATOR_H
#define CD_TEST_FAILING_ALLOCATOR_H

#include <stdbool.h>
#include <stddef.h>

/* The linker sends every call of this program to the __wrap_ functions; a library of its own gets
 * them as hooks. The names are the linker's.
 * NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
void __wrap_free(void *p);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static size_t fail_at;  /* counts down; 0: never */
static bool has_failed; /* it did */
static long live;       /* allocations that were not freed */

static bool fails_now(void)
{
  if (fail_at == 0 || --fail_at > 0)
    return false;
  has_failed = true;
  return true;
}

void *__wrap_malloc(size_t size)
{
  void *p = fails_now() ? NULL : __real_malloc(size);
  live += p != NULL;
  return p;
}

void *__wrap_calloc(size_t count, size_t size)
{
  void *p = fails_now() ? NULL : __real_calloc(count, size);
  live += p != NULL;
  return p;
}

void *__wrap_realloc(void *old, size_t size)
{
  void *p = fails_now() ? NULL : __real_realloc(old, size);
  live += p != NULL && old == NULL;
  return p;
}

void __wrap_free(void *p)
{
  live -= p != NULL;
  __real_free(p);
}

#endif
