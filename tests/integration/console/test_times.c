/* Days later, at the real console with its real signer: both are made to believe so. */
#include "device.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define ALL "Machine.Read.All,Machine.ReadWrite.All,Machine.Isolate,Cordon.Enroll,Cordon.Audit.Read"
#define PATIENCE_MS 90000 /* the console looks for what has ended twice a minute */
#define DAY_S 86400

static place p;
static char *bearer;

static void set_up(void)
{
  place_make(&p);
  place_start(&p);
  bearer = place_app(&p, "tests", ALL);
}

static void tear_down(void)
{
  place_stop(&p, SIGTERM);
  place_remove(&p);
  free(bearer);
}

/* The console and its signer begin anew, so many days later. */
static void days_later(unsigned days)
{
  char seconds[32];
  (void)snprintf(seconds, sizeof(seconds), "%u", days * DAY_S);
  place_stop(&p, SIGTERM);
  place_stop_signer(&p);
  ck_assert(setenv("LD_PRELOAD", SHIFT_CLOCK, 1) == 0 &&
            setenv("CORDON_TEST_SHIFT_S", seconds, 1) == 0);
  place_start(&p);
  free(bearer);
  bearer = place_app(&p, "later", ALL);
  ck_assert(unsetenv("LD_PRELOAD") == 0 && unsetenv("CORDON_TEST_SHIFT_S") == 0);
}

static void enrolled(device *d, const char *name)
{
  char token[64];
  device_make(d, name);
  token_new(&p, bearer, "{\"uses\":1}", token);
  ck_assert_uint_eq(device_enroll(d, &p, token), 201);
}

static void isolate(const device *d, char action[64])
{
  char path[200];
  http_answer a;
  (void)snprintf(path, sizeof(path), "/api/machines/%s/isolate", d->id);
  http_ask(p.people, p.ca, "POST", path, bearer, "{\"Comment\":\"test\"}", &a);
  ck_assert_uint_eq(a.status, 201);
  json_member(cd_buf_cstr(&a.body), "id", action, 64);
  http_release(&a);
}

static void wait_for_status(const char *action, const char *wanted)
{
  const struct timespec pause = {.tv_nsec = 20000000};
  char path[200];
  char value[64] = "";
  (void)snprintf(path, sizeof(path), "/api/machineactions/%s", action);
  for (int waited = 0; waited < PATIENCE_MS; waited += 20) {
    http_answer a;
    http_ask(p.people, p.ca, "GET", path, bearer, NULL, &a);
    ck_assert_uint_eq(a.status, 200);
    json_member(cd_buf_cstr(&a.body), "status", value, sizeof(value));
    http_release(&a);
    if (strcmp(value, wanted) == 0)
      return;
    (void)nanosleep(&pause, NULL);
  }
  ck_abort_msg("action %s is '%s' and not '%s'", action, value, wanted);
}

START_TEST(a_certificate_that_has_ended_is_refused)
{
  device d;
  char token[64];
  enrolled(&d, "desk-1");
  days_later(29);
  ck_assert_uint_eq(device_connect(&d, &p), 101);
  device_disconnect(&d);
  days_later(31);
  ck_assert_uint_ne(device_connect(&d, &p), 101);
  /* Nothing but its end was in the way. */
  token_new(&p, bearer, "{\"uses\":1}", token);
  ck_assert_uint_eq(device_enroll(&d, &p, token), 201);
  ck_assert_uint_eq(device_connect(&d, &p), 101);
  device_release(&d);
}
END_TEST

/* The order that waited for it has ended long ago; what was wanted is wanted still. */
START_TEST(a_device_that_was_off_for_days_comes_back_as_wanted)
{
  device d;
  cd_order order = {0};
  cd_digest digest = {0};
  char action[64];
  enrolled(&d, "desk-1");
  isolate(&d, action);
  days_later(5);
  wait_for_status(action, "TimeOut");
  device_ready(&d, &p);
  device_report(&d, CD_WANTED_RELEASED, 0);
  device_take_order(&d, &order, &digest);
  ck_assert_int_eq(order.kind, CD_ORDER_ISOLATE);
  ck_assert_str_ne(order.action, action);
  ck_assert(device_result(&d, &order, &digest, d.key));
  wait_for_status(order.action, "Succeeded");
  wait_for_status(action, "TimeOut");
  device_release(&d);
}
END_TEST

/* For as long as nothing else is said: nobody who is there is given up. */
START_TEST(a_device_that_says_nothing_is_asked_whether_it_is_there)
{
  device d;
  cd_ws_event event = {0};
  enrolled(&d, "desk-1");
  device_ready(&d, &p);
  device_report(&d, CD_WANTED_RELEASED, 0);
  d.ws.shows_pings = true;
  /* It is asked after half a minute. */
  const struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
  ck_assert_int_eq(setsockopt(d.ws.tls.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)),
                   0);
  ck_assert(ws_next(&d.ws, &event));
  ck_assert_int_eq(event.type, CD_WS_PING);
  device_release(&d);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("console.times");
  TCase *t = tcase_create("times");
  tcase_add_checked_fixture(t, set_up, tear_down);
  tcase_set_timeout(t, 120);
  tcase_add_test(t, a_certificate_that_has_ended_is_refused);
  tcase_add_test(t, a_device_that_was_off_for_days_comes_back_as_wanted);
  tcase_add_test(t, a_device_that_says_nothing_is_asked_whether_it_is_there);
  suite_add_tcase(s, t);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
