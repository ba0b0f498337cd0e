/* The allocator of a test program that fails on purpose: each allocation of a scenario in turn. The
 * program is linked with -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free. */
#ifndef CD_TEST_FAILING_MEMORY_H
#define CD_TEST_FAILING_MEMORY_H

#include "base/status.h"

#include "suite.h"

#include <cjson/cJSON.h>

#include <string.h>

/* The linker sends every call of this program to the __wrap_ functions; cJSON is a library of its
 * own and gets them as hooks. The names are the linker's.
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

static size_t fail_at; /* counts down; 0: never */
static bool failed;    /* it did */
static long live;      /* allocations that were not freed */

static bool fails_now(void)
{
  if (fail_at == 0 || --fail_at > 0)
    return false;
  failed = true;
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

/* No assertions inside: Check's own calls are in this program too and would fail. */
typedef cd_code (*scenario)(cd_err *err);

/* Runs `run` again and again, its n-th allocation failing, until it has no n-th allocation: each of
 * the first 128, then ever fewer of them, because a signature alone makes a thousand that are
 * alike.
 */
static void fail_each_in_turn(scenario run, size_t at_least)
{
  cJSON_Hooks hooks = {.malloc_fn = __wrap_malloc, .free_fn = __wrap_free};
  cJSON_InitHooks(&hooks);
  size_t n = 1;
  for (;; n += 1 + n / 128) {
    cd_err err = {0};
    fail_at = n;
    failed = false;
    long before = live;
    cd_code rc = run(&err);
    fail_at = 0;
    ck_assert_msg(live == before, "allocation %zu: %ld are left", n, live - before);
    if (!failed) {
      ck_assert_msg(rc == CD_OK, "%s", err.text);
      break;
    }
    ck_assert_msg(rc == CD_E_INTERNAL, "allocation %zu: %s: %s", n, cd_code_name(rc), err.text);
    ck_assert_msg(strstr(err.text, "no memory") != NULL, "allocation %zu: '%s'", n, err.text);
  }
  ck_assert_uint_gt(n, at_least);
  cJSON_InitHooks(NULL);
}

#endif
