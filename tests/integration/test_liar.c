/* A plugin that has taken over its host process and speaks to the agent as it likes: the agent says
 * what is wrong, ends the process, and goes on. */
#include "driver.h"

#include <stdio.h>
#include <string.h>

/* An agent that is slowed down does not come to so many: the deadline ends it then. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FLOOD_SENTENCE "plugin 'org.cordon.test.good' "
#else
#define FLOOD_SENTENCE "sent more than 20000 messages in a second"
#endif

static const struct {
  const char *lie;
  const char *outcome;
  const char *sentence; /* NULL: none is expected in particular */
  const char *log;
} lies[] = {
    {"protocol", "unavailable", "broke the protocol: HELLO: protocol must be 1", NULL},
    {"other_id", "unavailable", "HELLO: plugin is not 'org.cordon.test.good'", NULL},
    {"no_concurrency", "unavailable", "HELLO: concurrency must be at least 1", NULL},
    {"hello_array", "unavailable", "HELLO: the document must be an object, it is an array", NULL},
    {"hello_twice", "unavailable", "broke the protocol: HELLO out of turn", NULL},
    {"silent", "unavailable", "was not ready 10000 ms after its process was started", NULL},
    {"unknown_op", "internal", "which is not running", NULL},
    {"wrong_type", "internal", "a message of type 2 is not for the agent", NULL},
    {"unknown_type", "internal", "a message of type 200 is not for the agent", NULL},
    {"result_array", "internal", "the result is not an object", NULL},
    {"record_text", "internal", "broke the protocol in apply: a record: ", NULL},
    {"undo_bad", "internal", "an undo record is not an object", NULL},
    {"garbage", "internal", "broke the protocol", NULL},
    {"huge", "internal", "broke the protocol", NULL},
    {"flood", "internal", FLOOD_SENTENCE, NULL},
    {"bad_status", "internal", "END: status is not a status", NULL},
    {"closes_link", "internal", "closed its link, went on, and was killed", NULL},
    {"no_end", "internal", "did not end apply within 10000 ms, nor when told to stop", NULL},
    {"no_result", "internal", "the result of apply", NULL},
    {"end_twice", "unavailable", "ended apply as unavailable and gave no reason",
     "which is not running"},
    {"undo_flood", NULL, NULL, "has noted 1024 undo records, the limit is 1024"},
    {"record_early", NULL, NULL, NULL},
    {"functions", NULL, NULL, NULL},
    {"no_quit", NULL, NULL, NULL},
};

static driver *start_liar(const char *lie)
{
  driver *d = driver_new(&(driver_options){.providers = {"good"}, .host = LIAR});
  driver_write(driver_path(d, "host.lie"), lie, 0644);
  driver_start(d, NULL);
  return d;
}

START_TEST(a_lie_is_told_and_ended)
{
  driver *d = start_liar(lies[_i].lie);
  driver_reply r = driver_isolate(d);
  ck_assert_msg(r.ok, "%s", r.sentence);
  if (lies[_i].outcome != NULL)
    driver_expect(&r, "Failed", lies[_i].outcome, lies[_i].sentence, NULL);
  else
    driver_expect(&r, "Succeeded", "ok", NULL, NULL);
  driver_reply_release(&r);
  if (lies[_i].log != NULL)
    driver_wait_log(d, lies[_i].log);
  /* It is alive and has its wits together. */
  r = driver_request(d, "actions", "{}");
  ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(r.result, "actions")), 1);
  driver_reply_release(&r);
  driver_stop(d);
  driver_free(d);
}
END_TEST

int main(void)
{
  return driver_suite_rounds("integration.liar", a_lie_is_told_and_ended, COUNT_OF(lies), 120);
}
