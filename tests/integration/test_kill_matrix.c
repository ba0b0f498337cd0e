/* The kill matrix: agent and plugin host are killed at every kill point of the sources, during an
 * isolation, a release and a repair; a commit fails at each turn. After a restart the history is
 * true, nothing ran twice as an action, and the device is as ordered. */
#include "driver.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct fault_point {
  const char *name;
  bool fails; /* it can be made to fail, too */
} fault_point;

#include "fault_points.inc"

#define POINTS COUNT_OF(points)
#define KINDS 3
#define TURNS_MAX 4 /* a point in the host, or in a commit, is reached by each operation */
#define ROUNDS ((int)(POINTS * KINDS * TURNS_MAX * 2))
#define ROW_MAX 200

static const char *const kinds[KINDS] = {"isolate", "release", "repair"};

/* Rows come from the tests' own processes, through one open file. */
static FILE *table;

typedef struct round {
  const fault_point *point;
  const char *kind;
  const char *action; /* kill or fail */
  int turn;           /* from 1 */
  const char *member;
  bool reached;
  unsigned orders; /* that were placed; whether they were accepted is in the journal */
  bool answered;
  char told[64]; /* what the client was told */
} round_;

static bool in_host(const fault_point *p)
{
  return strncmp(p->name, "host.", 5) == 0;
}

/* The numbers of the loop are more than there are cases: the rest is left out. */
static bool choose(int i, round_ *r)
{
  r->turn = i % TURNS_MAX + 1;
  i /= TURNS_MAX;
  r->action = i % 2 == 0 ? "kill" : "fail";
  i /= 2;
  r->kind = kinds[i % KINDS];
  r->point = &points[i / KINDS];
  r->member = strstr(r->point->name, "undo") != NULL ? "half_done" : "good";
  if (strcmp(r->action, "fail") == 0 && !r->point->fails)
    return false;
  return r->turn == 1 || in_host(r->point) || r->point->fails;
}

/* The device as it is when the fault comes. */
static void prepare(driver *d, const round_ *r)
{
  if (strcmp(r->kind, "isolate") == 0)
    return;
  driver_start(d, NULL);
  driver_isolate_well(d);
  driver_stop(d);
  if (strcmp(r->kind, "repair") == 0)
    driver_set_device(d, r->member, "somebody else\n");
}

/* ---- the fault ---- */

/* The agent may die while it is asked. */
static bool repair_is_over(driver *d, const void *context)
{
  if (!d->running || driver_logged(d, "looking again later"))
    return true;
  driver_reply reply = driver_finish(driver_ask(d, "status", "{}"));
  bool over = reply.came && strcmp(driver_at(reply.result, "states.0.proven.value"), "holds") == 0;
  driver_reply_release(&reply);
  return over;
}

static void note_told(round_ *r, const driver_reply *reply)
{
  r->answered = reply->came;
  if (!reply->came)
    (void)snprintf(r->told, sizeof(r->told), "nothing");
  else if (!reply->ok)
    (void)snprintf(r->told, sizeof(r->told), "refused (%s)", reply->status);
  else
    (void)snprintf(r->told, sizeof(r->told), "%s (%s)", driver_at(reply->result, "action.status"),
                   driver_at(reply->result, "action.outcome"));
}

static void place_order(driver *d, round_ *r)
{
  bool isolate = strcmp(r->kind, "isolate") == 0;
  driver_call *call =
      driver_ask(d, r->kind, isolate ? "{\"type\":\"full\",\"wait\":true}" : "{\"wait\":true}");
  r->orders++;
  driver_reply reply = driver_finish(call);
  note_told(r, &reply);
  if (reply.came && !reply.ok)
    r->reached = strstr(reply.sentence, "made to fail") != NULL;
  if (!reply.came)
    driver_wait_exit(d);
  driver_reply_release(&reply);
}

static void break_it(driver *d, round_ *r)
{
  char fault[128];
  (void)snprintf(fault, sizeof(fault), "%s=%s:%d", r->point->name, r->action, r->turn);
  (void)snprintf(r->told, sizeof(r->told), "nothing");
  driver_spawn(d, fault);
  if (driver_wait_ready(d)) {
    if (strcmp(r->kind, "repair") == 0)
      driver_wait(d, repair_is_over, NULL, "the repair is over");
    else
      place_order(d, r);
  }
  bool host_died = driver_logged(d, "exit code 0, signal 9");
  if (d->running) {
    r->reached = r->reached || (in_host(r->point) && host_died) || driver_logged(d, "made to fail");
    driver_stop(d);
  } else {
    r->reached = true;
    ck_assert_msg(d->exit_signal == SIGKILL, "the agent ended with exit code %d",
                  (int)d->exit_code);
    ck_assert_msg(!in_host(r->point), "the agent died, and not its host");
  }
  driver_wait_hosts(d, 0);
}

/* ---- after ---- */

static bool every_action_has_ended(driver *d, const void *context)
{
  driver_reply reply = driver_request(d, "actions", "{}");
  bool all = true;
  const cJSON *a = NULL;
  cJSON_ArrayForEach(a, cJSON_GetObjectItemCaseSensitive(reply.result, "actions"))
  {
    all = all && strcmp(driver_at(a, "ended"), "null") != 0;
  }
  driver_reply_release(&reply);
  return all;
}

static bool device_is(driver *d, const round_ *r, const char *value)
{
  const char *device = driver_device(d, r->member);
  if (strcmp(value, "isolated") == 0)
    return strncmp(device, "isolated ", 9) == 0 && strcmp(device, "isolated elsewhere\n") != 0;
  return device[0] == '\0';
}

/* The three values agree with each other and with the device. */
static bool is_settled(driver *d, const void *context)
{
  const round_ *r = context;
  char wanted[32];
  (void)snprintf(wanted, sizeof(wanted), "%s", driver_state(d, "wanted.value"));
  const char *proof = strcmp(wanted, "isolated") == 0 ? "holds" : "released";
  return every_action_has_ended(d, NULL) &&
         strcmp(driver_state(d, "enforced.value"), wanted) == 0 &&
         strcmp(driver_state(d, "proven.value"), proof) == 0 && device_is(d, r, wanted);
}

static void check_action(const cJSON *a)
{
  const char *status = driver_at(a, "status");
  const char *outcome = driver_at(a, "outcome");
  bool succeeded = strcmp(status, "Succeeded") == 0;
  ck_assert_msg(succeeded || strcmp(status, "Failed") == 0, "an action is %s", status);
  ck_assert_msg((strcmp(outcome, "ok") == 0) == succeeded, "an action %s with %s", status, outcome);
  ck_assert_msg((strcmp(driver_at(a, "sentence"), "null") == 0) == succeeded,
                "an action %s and says: %s", status, driver_at(a, "sentence"));
  ck_assert_str_ne(driver_at(a, "started"), "null");
}

/* The history, newest first: each order once, in generations without a gap. */
static void check_history(const round_ *r, const cJSON *actions)
{
  unsigned prepared = strcmp(r->kind, "isolate") == 0 ? 0 : 1;
  unsigned count = (unsigned)cJSON_GetArraySize(actions);
  ck_assert_uint_ge(count, prepared);
  ck_assert_uint_le(count, prepared + r->orders);
  if (r->answered && strncmp(r->told, "refused", 7) != 0)
    ck_assert_uint_eq(count, prepared + r->orders);
  unsigned i = 0;
  const cJSON *a = NULL;
  cJSON_ArrayForEach(a, actions)
  {
    check_action(a);
    ck_assert_uint_eq(strtoul(driver_at(a, "generation"), NULL, 10), count - i++);
  }
}

static void check_newest(driver *d, const cJSON *actions)
{
  const cJSON *newest = cJSON_GetArrayItem(actions, 0);
  if (newest == NULL || strcmp(driver_at(newest, "status"), "Succeeded") != 0)
    return;
  bool isolate = strcmp(driver_at(newest, "kind"), "isolate") == 0;
  ck_assert_str_eq(driver_state(d, "wanted.value"), isolate ? "isolated" : "released");
}

/* What no host lived to read is put in force anew, and is no drift that anybody saw. */
static void check_drift(driver *d, const round_ *r)
{
  unsigned long count = strtoul(driver_state(d, "drift.count"), NULL, 10);
  if (strcmp(r->kind, "repair") != 0)
    ck_assert_uint_eq(count, 0);
  else
    ck_assert_msg(count >= (in_host(r->point) ? 0u : 1u) && count <= 2,
                  "drift was counted %lu times", count);
}

static void note_row(driver *d, const round_ *r, const cJSON *actions)
{
  char row[ROW_MAX];
  const cJSON *newest = cJSON_GetArrayItem(actions, 0);
  const char *wanted = driver_state(d, "wanted.value");
  int len = snprintf(row, sizeof(row), "%-28s %s:%d %-8s %-11s %-22s %-10s %s\n", r->point->name,
                     r->action, r->turn, r->kind, r->reached ? "reached" : "not reached", r->told,
                     newest != NULL ? driver_at(newest, "status") : "no action", wanted);
  ck_assert_int_eq(write(fileno(table), row, (size_t)len), len);
}

START_TEST(history_and_device_are_true)
{
  round_ r = {0};
  if (!choose(_i, &r))
    return;
  driver *d = driver_new(
      &(driver_options){.providers = {r.member},
                        .settings = {strcmp(r.member, "good") == 0 ? NULL : "\"dies\":\"no\""}});
  prepare(d, &r);
  break_it(d, &r);
  char id[128];
  (void)snprintf(id, sizeof(id), "{\"plugin\":\"org.cordon.test.%s\"}",
                 strcmp(r.member, "good") == 0 ? "good" : "half-done");
  driver_start(d, NULL);
  driver_reply reply = driver_request(d, "unquarantine", id);
  ck_assert_msg(reply.ok, "%s", reply.sentence);
  driver_reply_release(&reply);
  driver_wait(d, is_settled, &r, "device and values are as the last order says");
  reply = driver_request(d, "actions", "{}");
  const cJSON *actions = cJSON_GetObjectItemCaseSensitive(reply.result, "actions");
  check_history(&r, actions);
  check_newest(d, actions);
  check_drift(d, &r);
  note_row(d, &r, actions);
  driver_reply_release(&reply);
  driver_stop(d);
  driver_free(d);
}
END_TEST

/* Prints the rows and says which points no round has reached. */
static int print_table(void)
{
  static char text[ROUNDS * ROW_MAX];
  char reached[128];
  int missed = 0;
  rewind(table);
  size_t len = fread(text, 1, sizeof(text) - 1, table);
  text[len] = '\0';
  (void)printf("%-28s %-6s %-8s %-11s %-22s %-10s %s\n%s", "point", "fault", "during", "",
               "the client was told", "history", "device, as wanted", text);
  for (size_t i = 0; i < POINTS; i++) {
    bool found = false;
    (void)snprintf(reached, sizeof(reached), "%-28s ", points[i].name);
    for (const char *at = strstr(text, reached); at != NULL; at = strstr(at + 1, reached)) {
      char row[ROW_MAX];
      (void)snprintf(row, sizeof(row), "%.*s", (int)strcspn(at, "\n"), at);
      found = found || strstr(row, " reached") != NULL;
    }
    if (!found) {
      (void)printf("no round has reached %s\n", points[i].name);
      missed++;
    }
  }
  return missed;
}

int main(void)
{
  table = tmpfile();
  if (table == NULL)
    return EXIT_FAILURE;
  int code =
      driver_suite_rounds("integration.kill_matrix", history_and_device_are_true, ROUNDS, 120);
  if (code == EXIT_SUCCESS && print_table() > 0)
    code = EXIT_FAILURE;
  return code;
}
