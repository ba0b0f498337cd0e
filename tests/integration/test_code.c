/* Release codes at a device: the right one ends the console's isolation for whoever has it, wrong
 * ones are counted whatever happens to the agent, and no code is found in what it leaves behind. */
#include "console.h"

#include "base/clock.h"
#include "protocol/release_code.h"

#include <fcntl.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

static const driver_options good = {.providers = {"good"}};
static const driver_options strict = {.providers = {"good"}, .release = "code"};

typedef struct pair {
  console *c;
  driver *d;
} pair;

/* An isolation that a console ordered, and its code. */
typedef struct isolation {
  char action[CD_ID_SIZE];
  char code[CD_RELEASE_CODE_TEXT];
} isolation;

static bool is_connected(driver *d, const void *context)
{
  driver_reply r = driver_request(d, "status", "{}");
  bool yes = strcmp(driver_at(r.result, "console.connection"), "connected") == 0;
  driver_reply_release(&r);
  return yes;
}

static void enrol(pair *p)
{
  driver_start(p->d, NULL);
  char *token = console_token(p->c);
  cd_buf params = CD_BUF_INIT(128 * 1024);
  cd_buf_addf(&params, "{\"token\":%s}", token);
  driver_reply r = driver_request(p->d, "enroll", cd_buf_cstr(&params));
  ck_assert_msg(r.ok, "%s", r.sentence);
  driver_reply_release(&r);
  cd_buf_release(&params);
  free(token);
  driver_wait(p->d, is_connected, NULL, "the device is connected");
}

static pair begin(const driver_options *options)
{
  pair p = {.c = console_new(), .d = driver_new(options)};
  enrol(&p);
  return p;
}

static void end(pair *p)
{
  if (p->d->running)
    driver_stop(p->d);
  driver_free(p->d);
  console_free(p->c);
}

typedef struct awaited {
  console *c;
  const char *action;
} awaited;

static bool has_result(driver *d, const void *context)
{
  const awaited *a = context;
  console_seen seen = {0};
  return console_result(a->c, a->action, &seen);
}

static console_seen wait_result(pair *p, const char *action)
{
  console_seen seen = {0};
  awaited a = {p->c, action};
  driver_wait(p->d, has_result, &a, "the console has the result");
  ck_assert(console_result(p->c, action, &seen));
  return seen;
}

/* The codes of one test are all different. */
static void make_code(const char *device, unsigned number, cd_release_code *code)
{
  uint8_t random[CD_RELEASE_CODE_RANDOM];
  cd_err err = {0};
  memset(random, (int)number, sizeof(random));
  random[0] = 7;
  ck_assert_int_eq(cd_release_code_make(cd_str_from(device), random, code, &err), CD_OK);
}

static void order_params(const cd_order *o, const cd_release_code *code, char *out, size_t size)
{
  cd_terms terms;
  cd_err err = {0};
  cd_buf text = CD_BUF_INIT(CD_TERMS_TEXT_MAX);
  cd_terms_init(&terms);
  terms.has_code = true;
  memset(terms.code_salt, 0x5a, sizeof(terms.code_salt));
  ck_assert_int_eq(cd_release_code_digest(code, cd_str_from(o->device), cd_str_from(o->action),
                                          terms.code_salt, &terms.code_digest, &err),
                   CD_OK);
  ck_assert_int_eq(cd_terms_print(&terms, &text, &err), CD_OK);
  (void)snprintf(out, size, "{\"type\":\"full\",\"exclusions\":[],%s", cd_buf_cstr(&text) + 1);
  cd_buf_release(&text);
}

static isolation isolate(pair *p, uint64_t generation, unsigned number)
{
  isolation x = {0};
  char params[CD_TERMS_TEXT_MAX + 64];
  cd_release_code code;
  cd_order o = console_order(p->c, CD_ORDER_ISOLATE, generation);
  make_code(o.device, number, &code);
  order_params(&o, &code, params, sizeof(params));
  o.parameters = cd_str_from(params);
  console_send(p->c, &o, false);
  ck_assert_int_eq(wait_result(p, o.action).status, CD_ACTION_SUCCEEDED);
  (void)snprintf(x.action, sizeof(x.action), "%s", o.action);
  cd_release_code_format(&code, x.code);
  return x;
}

/* A code of the right form for the device that is not the one. */
static const char *wrong_code(const pair *p, unsigned number)
{
  static char text[CD_RELEASE_CODE_TEXT];
  cd_release_code code;
  cd_order o = console_order(p->c, CD_ORDER_RELEASE, 1);
  make_code(o.device, 100 + number, &code);
  cd_release_code_format(&code, text);
  return text;
}

static driver_reply give(driver *d, const char *code)
{
  char params[256];
  (void)snprintf(params, sizeof(params), "{\"code\":\"%s\",\"wait\":true}", code);
  return driver_request_as(d, NOBODY, "release", params);
}

static void expect_refused(driver *d, const char *code, const char *status, const char *part)
{
  driver_reply r = give(d, code);
  ck_assert(!r.ok);
  ck_assert_msg(strcmp(r.status, status) == 0 && strstr(r.sentence, part) != NULL,
                "%s: %s; expected %s: ... %s ...", r.status, r.sentence, status, part);
  driver_reply_release(&r);
  driver_expect_state(d, "wanted.value", "isolated");
}

static void expect_released(driver *d, const char *code)
{
  driver_reply r = give(d, code);
  ck_assert_msg(r.ok, "%s", r.sentence);
  driver_reply_release(&r);
  driver_expect_state(d, "enforced.value", "released");
}

/* Changes the journal of an agent that does not run. */
static void change_journal(driver *d, const char *sql)
{
  sqlite3 *db = NULL;
  char *why = NULL;
  ck_assert(!d->running);
  ck_assert_int_eq(sqlite3_open(driver_path(d, "state/journal.db"), &db), SQLITE_OK);
  ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &why) == SQLITE_OK, "%s", why);
  ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

static bool holds(const char *path, const char *code)
{
  char chunk[65536];
  char joined[CD_RELEASE_CODE_TEXT];
  size_t have = 0;
  size_t n = 0;
  for (const char *c = code; *c != '\0'; c++) {
    if (*c != '-')
      joined[n++] = *c;
  }
  joined[n] = '\0';
  FILE *f = fopen(path, "re");
  bool found = false;
  while (f != NULL && (have = fread(chunk, 1, sizeof(chunk), f)) > 0)
    found = found || memmem(chunk, have, joined, n) != NULL ||
            memmem(chunk, have, code, strlen(code)) != NULL;
  if (f != NULL)
    (void)fclose(f);
  return found;
}

static void expect_no_trace(driver *d, const char *code)
{
  ck_assert(!driver_logged(d, code));
  ck_assert(!holds(driver_path(d, "state/journal.db"), code));
  ck_assert(!holds(driver_path(d, "state/journal.db-wal"), code));
}

/* ---- facts ---- */

START_TEST(the_right_code_releases_for_anybody_without_a_console)
{
  pair p = begin(&good);
  char action[CD_ID_SIZE];
  isolation x = isolate(&p, 5, 1);
  console_set_acks(p.c, false);
  console_hang_up(p.c);
  expect_released(p.d, x.code);
  driver_reply r = driver_request(p.d, "actions", "{}");
  ck_assert_str_eq(driver_at(r.result, "actions.0.kind"), "release");
  ck_assert_str_eq(driver_at(r.result, "actions.0.status"), "Succeeded");
  ck_assert_str_eq(driver_at(r.result, "actions.0.generation"), "6");
  ck_assert_str_eq(driver_at(r.result, "actions.0.requestor.source"), "local");
  ck_assert_str_eq(driver_at(r.result, "actions.0.requestor.user"), "code (nobody)");
  (void)snprintf(action, sizeof(action), "%s", driver_at(r.result, "actions.0.id"));
  driver_reply_release(&r);
  console_set_acks(p.c, true);
  console_seen seen = wait_result(&p, action);
  ck_assert_int_eq(seen.status, CD_ACTION_SUCCEEDED);
  ck_assert(!seen.has_order);
  ck_assert_str_eq(seen.requestor, "code (nobody)");
  expect_no_trace(p.d, x.code);
  end(&p);
}
END_TEST

START_TEST(a_code_is_read_as_people_type_it)
{
  pair p = begin(&good);
  char typed[64];
  isolation x = isolate(&p, 5, 1);
  size_t n = 0;
  for (const char *c = x.code; *c != '\0'; c++)
    typed[n++] = *c == '-' ? ' ' : (char)(*c >= 'A' ? *c - 'A' + 'a' : *c);
  typed[n] = '\0';
  expect_released(p.d, typed);
  end(&p);
}
END_TEST

START_TEST(nobody_else_may_without_one)
{
  pair p = begin(&good);
  (void)isolate(&p, 5, 1);
  driver_reply r = driver_request_as(p.d, NOBODY, "release", "{}");
  ck_assert_str_eq(r.status, "denied");
  driver_reply_release(&r);
  r = driver_request_as(p.d, NOBODY, "isolate", "{\"type\":\"full\",\"code\":\"x\"}");
  ck_assert_str_eq(r.status, "denied");
  driver_reply_release(&r);
  driver_release_well(p.d);
  end(&p);
}
END_TEST

START_TEST(a_used_or_older_code_has_its_sentence)
{
  pair p = begin(&good);
  isolation first = isolate(&p, 5, 1);
  isolation second = isolate(&p, 6, 2);
  expect_refused(p.d, first.code, "denied", "is of an older isolation");
  expect_released(p.d, second.code);
  driver_reply r = give(p.d, second.code);
  ck_assert_str_eq(r.status, "conflict");
  ck_assert_msg(strstr(r.sentence, "was used already, at 20") != NULL, "%s", r.sentence);
  driver_reply_release(&r);
  isolation third = isolate(&p, 8, 3);
  expect_refused(p.d, second.code, "denied", "was used already, at 20");
  expect_released(p.d, third.code);
  r = give(p.d, wrong_code(&p, 1));
  ck_assert_str_eq(r.status, "conflict");
  ck_assert_msg(strstr(r.sentence, "no isolation of this device is on record") != NULL, "%s",
                r.sentence);
  driver_reply_release(&r);
  end(&p);
}
END_TEST

START_TEST(what_cannot_be_the_code_is_not_counted)
{
  pair p = begin(&good);
  isolation x = isolate(&p, 5, 1);
  char other[CD_RELEASE_CODE_TEXT];
  cd_release_code code;
  make_code("another-device", 1, &code);
  cd_release_code_format(&code, other);
  for (int i = 0; i < 10; i++) {
    expect_refused(p.d, "QQQQQ-QQQQQ", "invalid", "it has 10 characters");
    expect_refused(p.d, other, "denied", "is of another device");
  }
  expect_refused(p.d, wrong_code(&p, 1), "denied", "is wrong (attempt 1 of 20");
  expect_released(p.d, x.code);
  end(&p);
}
END_TEST

START_TEST(a_wrong_code_is_a_refused_release_that_the_console_hears_of)
{
  pair p = begin(&good);
  char action[CD_ID_SIZE];
  isolation x = isolate(&p, 5, 1);
  expect_refused(p.d, wrong_code(&p, 1), "denied", "is wrong (attempt 1 of 20");
  driver_reply r = driver_request(p.d, "actions", "{}");
  ck_assert_str_eq(driver_at(r.result, "actions.0.status"), "Failed");
  ck_assert_str_eq(driver_at(r.result, "actions.0.requestor.user"), "code (nobody)");
  (void)snprintf(action, sizeof(action), "%s", driver_at(r.result, "actions.0.id"));
  driver_reply_release(&r);
  console_seen seen = wait_result(&p, action);
  ck_assert_int_eq(seen.status, CD_ACTION_FAILED);
  ck_assert_uint_eq(seen.generation, 5);
  ck_assert_ptr_nonnull(strstr(seen.sentence, "attempt 1 of 20"));
  expect_released(p.d, x.code);
  end(&p);
}
END_TEST

/* The agent dies while it judges this code. */
static void die_at(driver *d, const char *fault, const char *code)
{
  char params[128];
  driver_stop(d);
  driver_start(d, fault);
  (void)snprintf(params, sizeof(params), "{\"code\":\"%s\"}", code);
  driver_reply r = driver_finish(driver_ask(d, "release", params));
  ck_assert(!r.came);
  driver_reply_release(&r);
  driver_wait_exit(d);
  driver_start(d, NULL);
}

START_TEST(a_kill_gives_no_attempt_back)
{
  pair p = begin(&good);
  char params[128];
  isolation x = isolate(&p, 5, 1);
  die_at(p.d, "code.counted=kill", wrong_code(&p, 1));
  die_at(p.d, "code.refused_before_commit=kill", wrong_code(&p, 2));
  for (unsigned i = 3; i <= 5; i++) {
    (void)snprintf(params, sizeof(params), "is wrong (attempt %u of 20", i);
    expect_refused(p.d, wrong_code(&p, i), "denied", params);
  }
  expect_refused(p.d, x.code, "limit",
                 "5 wrong release codes were given: the next can be tried in");
  driver_kill(p.d);
  driver_start(p.d, NULL);
  expect_refused(p.d, x.code, "limit", "the next can be tried in");
  end(&p);
}
END_TEST

/* A reboot begins the wait anew: this machine has run for longer than that. */
START_TEST(the_wait_ends_and_the_attempts_too)
{
  pair p = begin(&good);
  isolation x = isolate(&p, 5, 1);
  expect_refused(p.d, wrong_code(&p, 1), "denied", "attempt 1 of 20");
  driver_stop(p.d);
  change_journal(p.d, "UPDATE codes SET attempts = 5, boot = 'the last one'");
  driver_start(p.d, NULL);
  expect_refused(p.d, wrong_code(&p, 2), "denied", "attempt 6 of 20");
  expect_refused(p.d, x.code, "limit", "6 wrong release codes were given");
  driver_stop(p.d);
  change_journal(p.d, "UPDATE codes SET attempts = 20, last = 0");
  driver_start(p.d, NULL);
  expect_refused(p.d, x.code, "limit", "it takes none any more");
  driver_wait(p.d, is_connected, NULL, "the device is connected");
  isolation y = isolate(&p, 6, 2);
  expect_released(p.d, y.code);
  end(&p);
}
END_TEST

START_TEST(a_crash_behind_the_order_leaves_a_released_device)
{
  pair p = begin(&good);
  isolation x = isolate(&p, 5, 1);
  die_at(p.d, "code.ordered=kill", x.code);
  driver_wait_state(p.d, "enforced.value", "released");
  driver_reply r = give(p.d, x.code);
  ck_assert_str_eq(r.status, "conflict");
  driver_reply_release(&r);
  end(&p);
}
END_TEST

/* The isolation itself may cut the directory off that knows the users' names. */
static pair begin_without_directory(void)
{
  driver_options options = good;
  options.group = "daemon";
  pair p = {.c = console_new(), .d = driver_new(&options)};
  const char *pipe = driver_path(p.d, "groups");
  ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
  ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
  ck_assert_int_eq(mkfifo(pipe, 0644), 0);
  ck_assert_int_eq(mount(pipe, "/etc/group", NULL, MS_BIND, NULL), 0);
  enrol(&p);
  return p;
}

/* It answers now: the threads that wait for it see an end. */
static void end_with_directory(pair *p)
{
  int fd = open("/etc/group", O_WRONLY | O_CLOEXEC);
  ck_assert_int_ge(fd, 0);
  (void)close(fd);
  end(p);
}

static void expect_released_by_number(driver *d, const char *code)
{
  expect_released(d, code);
  driver_reply r = driver_request(d, "actions", "{}");
  ck_assert_str_eq(driver_at(r.result, "actions.0.requestor.user"), "code (65534)");
  driver_reply_release(&r);
}

START_TEST(a_directory_that_does_not_answer_keeps_no_code_from_working)
{
  pair p = begin_without_directory();
  isolation x = isolate(&p, 5, 1);
  expect_released_by_number(p.d, x.code);
  end_with_directory(&p);
}
END_TEST

/* As many users as may be are being looked up: the next is turned away, and one with a code is not.
 */
START_TEST(others_who_are_looked_up_keep_no_code_from_working)
{
  pair p = begin_without_directory();
  pid_t children[3];
  int status = 0;
  isolation x = isolate(&p, 5, 1);
  for (size_t i = 0; i < COUNT_OF(children); i++) {
    children[i] = fork();
    ck_assert_int_ge(children[i], 0);
    if (children[i] == 0) {
      driver_reply r = driver_request_as(p.d, 1, "plugins", "{}");
      _exit(strcmp(r.status, "unavailable") == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
    }
  }
  ck_assert_int_gt(waitpid(-1, &status, 0), 0);
  ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
  uint64_t before_ms = cd_mono_ms();
  expect_released_by_number(p.d, x.code);
  ck_assert_uint_lt(cd_mono_ms() - before_ms, 9000);
  end_with_directory(&p);
}
END_TEST

START_TEST(where_it_is_wanted_root_needs_the_code_too)
{
  pair p = begin(&strict);
  driver_isolate_well(p.d);
  driver_release_well(p.d);
  isolation x = isolate(&p, 5, 1);
  driver_reply r = driver_request(p.d, "release", "{}");
  ck_assert_str_eq(r.status, "denied");
  ck_assert_msg(strstr(r.sentence, "is released by the console or with its release code") != NULL,
                "%s", r.sentence);
  driver_reply_release(&r);
  r = driver_request(p.d, "isolate", "{\"type\":\"full\"}");
  ck_assert_str_eq(r.status, "denied");
  driver_reply_release(&r);
  driver_expect_state(p.d, "wanted.generation", "5");
  expect_released(p.d, x.code);
  driver_isolate_well(p.d);
  driver_release_well(p.d);
  end(&p);
}
END_TEST

START_TEST(an_isolation_without_a_code_takes_none)
{
  pair p = begin(&strict);
  driver_isolate_well(p.d);
  expect_refused(p.d, wrong_code(&p, 1), "unsupported", "has no release code");
  driver_release_well(p.d);
  cd_order o = console_order(p.c, CD_ORDER_ISOLATE, 5);
  console_send(p.c, &o, false);
  (void)wait_result(&p, o.action);
  expect_refused(p.d, wrong_code(&p, 1), "unsupported", "has no release code");
  driver_release_well(p.d);
  end(&p);
}
END_TEST

START_TEST(a_device_without_a_console_says_so)
{
  driver *d = driver_new(&good);
  driver_start(d, NULL);
  driver_isolate_well(d);
  expect_refused(d, "05000-00000-00000-0000M", "unsupported", "this device is not enrolled");
  driver_stop(d);
  driver_free(d);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      the_right_code_releases_for_anybody_without_a_console,
      a_code_is_read_as_people_type_it,
      nobody_else_may_without_one,
      a_used_or_older_code_has_its_sentence,
      what_cannot_be_the_code_is_not_counted,
      a_wrong_code_is_a_refused_release_that_the_console_hears_of,
      a_kill_gives_no_attempt_back,
      the_wait_ends_and_the_attempts_too,
      a_crash_behind_the_order_leaves_a_released_device,
      a_directory_that_does_not_answer_keeps_no_code_from_working,
      others_who_are_looked_up_keep_no_code_from_working,
      where_it_is_wanted_root_needs_the_code_too,
      an_isolation_without_a_code_takes_none,
      a_device_without_a_console_says_so,
  };
  return driver_suite("integration.code", tests, COUNT_OF(tests), 180);
}
