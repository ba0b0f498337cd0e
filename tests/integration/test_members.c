/* The agent with each misbehaving member of the zoo: it survives, the outcome is truthful, strikes
 * are counted, and a release works. */
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEMORY_IS_LIMITED false /* sanitizers reserve terabytes */
#else
#define MEMORY_IS_LIMITED true
#endif

/* How isolate ends with this member, and how the release after it. `strikes`: after the isolate. */
typedef struct expectation {
  const char *member;
  const char *settings;
  const char *status;
  const char *outcome;
  const char *sentence; /* beside the plugin's id */
  unsigned strikes;
  bool isolated;           /* the device is, afterwards */
  const char *log;         /* must be in the agent's log */
  const char *not_release; /* outcome of a release that cannot succeed; NULL: it does */
} expectation;

static const expectation members[] = {
    {"good", NULL, "Succeeded", "ok", NULL, 0, true, NULL, NULL},
    {"crash", NULL, "Failed", "internal", " in apply", 2, false, NULL, NULL},
    {"hang", NULL, "Failed", "internal",
     "did not end apply within 1500 ms, nor when told to stop, and was killed", 2, false, NULL,
     NULL},
    {"ignore_cancel", NULL, "Failed", "internal",
     "did not end apply within 1500 ms, nor when told to stop, and was killed", 2, false, NULL,
     NULL},
    {"ignore_cancel", "\"for_ms\":2500", "Succeeded", "ok", NULL, 0, true, NULL, NULL},
    {"spin", NULL, "Failed", "internal", "used up the 1 seconds of processor time", 2, false, NULL,
     NULL},
    {"flood", NULL, "Failed", "internal", "did not end apply within 3000 ms", 0, false, NULL, NULL},
    {"flood", "\"what\":\"logs\"", "Failed", "internal", "did not end apply within 3000 ms", 0,
     false, "log lines were dropped", NULL},
    {"flood", "\"what\":\"progress\"", "Failed", "internal", "did not end apply within 3000 ms", 0,
     false, NULL, NULL},
    {"garbage", "\"what\":\"record\"", "Failed", "internal", "not JSON", 2, false, NULL, NULL},
    {"garbage", "\"what\":\"result\"", "Failed", "internal", "not JSON", 2, false, NULL, NULL},
    {"garbage", "\"what\":\"array\"", "Failed", "internal", "not an object", 2, false, NULL, NULL},
    {"garbage", "\"what\":\"undo\"", "Failed", "internal", "not JSON", 2, false, NULL, NULL},
    {"garbage", "\"what\":\"null\"", "Failed", "internal", "null pointer", 2, false, NULL, NULL},
    {"garbage", "\"what\":\"large\"", "Failed", "internal", "1048577 bytes", 2, false, NULL, NULL},
    {"garbage", "\"what\":\"late\"", "Succeeded", "ok", NULL, 0, true, NULL, NULL},
    {"chatter", NULL, "Succeeded", "ok", NULL, 0, true, "stderr: printed to standard error", NULL},
    {"leak", NULL, "Succeeded", "ok", NULL, 0, true,
     "apply left 3 threads and 5 descriptors behind; its process is retired", NULL},
    {"old_struct", NULL, "Succeeded", "ok", NULL, 0, true, "cannot watch", NULL},
    {"bad_status", NULL, "Failed", "internal", "returned 77", 2, false, NULL, NULL},
    {"half_done", NULL, "Failed", "internal", " in apply", 2, false, NULL, NULL},
    {"half_done", "\"dies\":\"no\"", "Succeeded", "ok", NULL, 0, true, NULL, NULL},
    {"forks", "\"how\":\"fork\"", "Succeeded", "ok", NULL, 0, true, NULL, NULL},
    {"forks", "\"how\":\"exec\"", "Succeeded", "ok", NULL, 0, true, NULL, NULL},
    {"closes_fds", NULL, "Succeeded", "ok", NULL, 0, true, NULL, NULL},
    {"double_result", NULL, "Succeeded", "ok", NULL, 0, true, NULL, NULL},
    {"exits", NULL, "Failed", "internal", "ended by itself with exit code 0 in apply", 2, false,
     NULL, NULL},
    {"exits", "\"code\":7", "Failed", "internal", "ended by itself with exit code 7 in apply", 2,
     false, NULL, NULL},
    {"kills_parent", NULL, "Succeeded", "ok", NULL, 0, true, NULL, NULL},
    {"big_undo", NULL, "Failed", "internal", "65537 bytes", 2, false, NULL, NULL},
    {"crash", "\"at\":\"verify\"", "Failed", "unverified",
     "it is in force, but could not be shown to hold", 1, true, NULL, NULL},
    {"hang", "\"at\":\"verify\"", "Failed", "unverified",
     "it is in force, but could not be shown to hold", 1, true, NULL, NULL},
    {"good", "\"verify\":\"fails\"", "Failed", "unverified", "a probe got through", 0, true, NULL,
     NULL},
    {"crash", "\"at\":\"release\"", "Succeeded", "ok", NULL, 0, true, NULL, "internal"},
    {"new_major", NULL, "Failed", "unavailable", "it is no plugin for ABI 1", 0, false, NULL,
     "unavailable"},
    {"no_symbol", NULL, "Failed", "unavailable", "it is no plugin for ABI 1", 0, false, NULL,
     "unavailable"},
    {"undefined_symbol", NULL, "Failed", "unavailable", "zoo_nobody_has_this", 0, false, NULL,
     "invalid"},
    {"wrong_id", NULL, "Failed", "unavailable", "org.cordon.test.somebody-else", 0, false, NULL,
     "conflict"},
    {"eats_memory", NULL, MEMORY_IS_LIMITED ? "Failed" : "Succeeded",
     MEMORY_IS_LIMITED ? "internal" : "ok", MEMORY_IS_LIMITED ? "no memory after" : NULL, 0,
     !MEMORY_IS_LIMITED, NULL, NULL},
};

static void expect_device(driver *d, const expectation *e)
{
  const char *device = driver_device(d, e->member);
  bool isolated = strncmp(device, "isolated ", 9) == 0;
  ck_assert_msg(isolated == e->isolated && (isolated || device[0] == '\0'), "the device is '%s'",
                device);
}

static void expect_outcome(driver *d, const expectation *e, const driver_reply *r)
{
  char id[128];
  char strikes[16];
  bool failed = strcmp(e->status, "Failed") == 0;
  (void)snprintf(id, sizeof(id), "org.cordon.test.%s", e->member);
  for (char *c = strchr(id, '_'); c != NULL; c = strchr(c, '_'))
    *c = '-';
  bool named = failed && strcmp(e->outcome, "unverified") != 0;
  driver_expect(r, e->status, e->outcome, e->sentence, named ? id : NULL);
  expect_device(d, e);
  if (!failed || e->isolated) {
    driver_expect_state(d, "wanted.value", "isolated");
    driver_expect_state(d, "enforced.value", "isolated");
  } else {
    driver_expect_state(d, "wanted.value", "released");
    driver_expect_state(d, "provider", "null");
  }
  driver_expect_state(d, "drift.count", "0");
  (void)snprintf(strikes, sizeof(strikes), "%u", e->strikes);
  ck_assert_str_eq(driver_plugin(d, e->member, "strikes"), strikes);
  ck_assert_str_eq(driver_plugin(d, e->member, "quarantined"), "[]");
  if (e->log != NULL)
    driver_wait_log(d, e->log);
}

static void expect_release(driver *d, const expectation *e)
{
  driver_reply r = driver_release(d);
  if (e->not_release != NULL) {
    driver_expect(&r, "Failed", e->not_release, NULL, NULL);
  } else {
    driver_expect(&r, "Succeeded", "ok", NULL, NULL);
    ck_assert_str_eq(driver_device(d, e->member), "");
    driver_expect_state(d, "enforced.value", "released");
    driver_expect_state(d, "proven.value", "released");
  }
  driver_expect_state(d, "wanted.value", "released");
  driver_reply_release(&r);
}

START_TEST(member)
{
  const expectation *e = &members[_i];
  driver *d = driver_new(&(driver_options){.providers = {e->member}, .settings = {e->settings}});
  driver_start(d, NULL);
  driver_reply r = driver_isolate(d);
  expect_outcome(d, e, &r);
  driver_reply_release(&r);
  expect_release(d, e);
  driver_stop(d);
  driver_free(d);
}
END_TEST

int main(void)
{
  return driver_suite_rounds("integration.members", member, COUNT_OF(members), 120);
}
