/* 200 actions in a row: none is lost, nothing piles up. Under valgrind (CORDON_TEST_WRAP, see
 * driver.c) also: nothing leaks. */
#include "driver.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACTIONS 200

/* Descriptors of the agent. */
static unsigned count_files(const driver *d)
{
  char path[64];
  unsigned count = 0;
  (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)d->process.pid);
  DIR *dir = opendir(path);
  ck_assert_ptr_nonnull(dir);
  while (readdir(dir) != NULL)
    count++;
  (void)closedir(dir);
  return count;
}

/* A host that has just ended has its pipes closed in the agent's next turn. */
static bool has_files(driver *d, const void *count)
{
  return driver_hosts(d, NULL) == 0 && count_files(d) <= *(const unsigned *)count;
}

START_TEST(two_hundred_actions_leave_nothing_behind)
{
  driver *d = driver_new(&(driver_options){.providers = {"good"}});
  driver_start(d, NULL);
  driver_wait_hosts(d, 0);
  unsigned files = count_files(d);
  driver_isolate_well(d);
  driver_release_well(d);
  for (int i = 2; i < ACTIONS; i += 2) {
    driver_isolate_well(d);
    ck_assert_msg(strncmp(driver_device(d, "good"), "isolated ", 9) == 0, "action %d", i);
    driver_release_well(d);
    ck_assert_msg(driver_device(d, "good")[0] == '\0', "action %d", i + 1);
  }
  driver_reply r = driver_request(d, "actions", "{\"limit\":500}");
  ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(r.result, "actions")), ACTIONS);
  ck_assert_str_eq(driver_at(r.result, "actions.0.generation"), "200");
  driver_reply_release(&r);
  driver_expect_state(d, "drift.count", "0");
  driver_wait(d, has_files, &files, "no more descriptors are open than at the start");
  driver_stop(d);
  driver_free(d);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {two_hundred_actions_leave_nothing_behind};
  return driver_suite("integration.actions", tests, COUNT_OF(tests), 1200);
}
