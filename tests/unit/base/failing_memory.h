/* Each allocation of a scenario fails in turn. */
#ifndef CD_TEST_FAILING_MEMORY_H
#define CD_TEST_FAILING_MEMORY_H

#include "base/status.h"

#include "failing_allocator.h"
#include "suite.h"

#include <cjson/cJSON.h>

#include <string.h>

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
    has_failed = false;
    long before = live;
    cd_code rc = run(&err);
    fail_at = 0;
    ck_assert_msg(live == before, "allocation %zu: %ld are left", n, live - before);
    if (!has_failed) {
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
