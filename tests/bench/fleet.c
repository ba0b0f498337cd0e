/* A fleet for the benchmarks: so many devices, each with keys, a certificate of the signer's and a
 * mutual-TLS connection of its own, at a real console with its real signer, all over the loopback.
 *
 *   bench_fleet DEVICES IDLE_S
 *
 * Prints raw numbers, a line each: `enrolled_per_s N`, `connected_per_s N`, `connected N`,
 * `rss_empty KB`, `rss_full KB`, `per_device BYTES`, `signer_pss KB`, `idle_cpu_ms N`,
 * `still_connected N`. */
#include "device.h"

#include "base/clock.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define SPARE_FILES 200u
#define PING_MS 30000u
#define USES_OF_A_TOKEN 1000u
#define FROM_AN_ADDRESS 25u /* enrolments that the console takes in a minute: more */

static size_t count;
static uint64_t idle_s;
static place p;
static char *bearer;
static device *devices;

/* The number behind `name` in a file of /proc. */
static uint64_t number_in(pid_t pid, const char *file, const char *name)
{
  char path[64];
  char line[512];
  unsigned long long value = 0;
  (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
  FILE *f = fopen(path, "re");
  ck_assert_msg(f != NULL, "%s cannot be read", path);
  while (fgets(line, sizeof(line), f) != NULL) {
    if (strncmp(line, name, strlen(name)) == 0)
      value = strtoull(line + strlen(name), NULL, 10);
  }
  (void)fclose(f);
  return value;
}

static uint64_t cpu_ms(pid_t pid)
{
  char path[64];
  char line[1024] = "";
  unsigned long long user = 0;
  unsigned long long system = 0;
  (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
  FILE *f = fopen(path, "re");
  ck_assert(f != NULL && fgets(line, sizeof(line), f) != NULL);
  (void)fclose(f);
  /* Fields 14 and 15; the 2nd may have spaces, and ends with the last bracket. */
  char *at = strrchr(line, ')');
  for (int field = 2; at != NULL && field < 14; field++)
    at = strchr(at + 1, ' ');
  ck_assert_ptr_nonnull(at);
  user = strtoull(at, &at, 10);
  system = strtoull(at, NULL, 10);
  return (user + system) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

static uint64_t connected_now(void)
{
  http_answer a;
  unsigned long long value = 0;
  http_ask(p.people, p.ca, "GET", "/metrics", NULL, NULL, &a);
  const char *at = strstr(cd_buf_cstr(&a.body), "\ncordon_devices_connected ");
  if (a.status == 200 && at != NULL)
    value = strtoull(at + strlen("\ncordon_devices_connected "), NULL, 10);
  http_release(&a);
  return value;
}

static void raise_files(void)
{
  struct rlimit limit = {0};
  ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
  ck_assert_msg(limit.rlim_max >= count + SPARE_FILES,
                "this account may have %llu files open, %zu devices take more",
                (unsigned long long)limit.rlim_max, count);
}

static void enrol_all(void)
{
  char name[32];
  char token[64] = "";
  uint64_t began = cd_mono_ms();
  for (size_t i = 0; i < count; i++) {
    if (i % USES_OF_A_TOKEN == 0)
      token_new(&p, bearer, "{\"uses\":1000,\"hours\":24}", token);
    (void)snprintf(name, sizeof(name), "desk-%zu", i + 1);
    tls_come_from(0x7f000101 + (uint32_t)(i / FROM_AN_ADDRESS));
    device_make(&devices[i], name);
    ck_assert_uint_eq(device_enroll(&devices[i], &p, token), 201);
  }
  tls_come_from(0);
  uint64_t took = cd_mono_ms() - began;
  (void)printf("enrolled_per_s %llu\n", (unsigned long long)(count * 1000 / (took + 1)));
}

/* Pings are answered while one looks. */
static void look_at(size_t i)
{
  const struct timeval soon = {.tv_usec = 1000};
  cd_ws_event event = {0};
  (void)setsockopt(devices[i].ws.tls.fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
  while (ws_next(&devices[i].ws, &event))
    ck_assert_msg(event.type != CD_WS_CLOSE, "the console ended the connection of device %zu",
                  i + 1);
}

/* As agents do who have not heard from their console for a while. */
static void ping_all(size_t connected, uint64_t now_ms)
{
  static uint64_t pinged_ms;
  if (now_ms - pinged_ms < PING_MS)
    return;
  pinged_ms = now_ms;
  for (size_t i = 0; i < connected; i++)
    (void)ws_send(&devices[i].ws, CD_WS_PING, CD_STR("x"));
}

/* Until then, and at least once. */
static void serve(struct pollfd *polled, size_t connected, uint64_t until_ms)
{
  uint64_t now = cd_mono_ms();
  do {
    uint64_t left = now < until_ms ? until_ms - now : 0;
    ping_all(connected, now);
    int ready = poll(polled, connected, left < 1000 ? (int)left : 1000);
    ck_assert(ready >= 0 || errno == EINTR);
    for (size_t i = 0; ready > 0 && i < connected; i++) {
      if (polled[i].revents != 0)
        look_at(i);
    }
    now = cd_mono_ms();
  } while (now < until_ms);
}

static void connect_all(struct pollfd *polled)
{
  uint64_t began = cd_mono_ms();
  for (size_t i = 0; i < count; i++) {
    device_ready(&devices[i], &p);
    device_report(&devices[i], CD_WANTED_RELEASED, 0);
    polled[i] = (struct pollfd){.fd = devices[i].ws.tls.fd, .events = POLLIN};
    if (i % 100 == 99)
      serve(polled, i + 1, 0);
  }
  uint64_t took = cd_mono_ms() - began;
  (void)printf("connected_per_s %llu\n", (unsigned long long)(count * 1000 / (took + 1)));
}

START_TEST(a_fleet_is_connected)
{
  struct pollfd *polled = calloc(count, sizeof(*polled));
  devices = calloc(count, sizeof(*devices));
  ck_assert(polled != NULL && devices != NULL);
  (void)signal(SIGPIPE, SIG_IGN);
  raise_files();
  place_make(&p);
  place_start(&p);
  bearer = place_app(&p, "bench", "Machine.Read.All,Cordon.Enroll");
  enrol_all();
  /* Anew, so that what enrolment left in its heap is not counted as the connections'. */
  place_stop(&p, SIGTERM);
  place_start(&p);
  uint64_t empty = number_in(p.console, "status", "VmRSS:");
  connect_all(polled);
  serve(polled, count, cd_mono_ms() + 1000);
  uint64_t full = number_in(p.console, "status", "VmRSS:");
  (void)printf("connected %llu\n", (unsigned long long)connected_now());
  (void)printf("rss_empty %llu\nrss_full %llu\n", (unsigned long long)empty,
               (unsigned long long)full);
  (void)printf("per_device %llu\n", (unsigned long long)((full - empty) * 1024 / count));
  (void)printf("signer_pss %llu\n",
               (unsigned long long)number_in(p.signer, "smaps_rollup", "Pss:"));
  uint64_t cpu = cpu_ms(p.console);
  serve(polled, count, cd_mono_ms() + idle_s * 1000);
  (void)printf("idle_cpu_ms %llu\n", (unsigned long long)(cpu_ms(p.console) - cpu));
  (void)printf("still_connected %llu\n", (unsigned long long)connected_now());
  for (size_t i = 0; i < count; i++)
    device_release(&devices[i]);
  free(devices);
  free(polled);
}
END_TEST

int main(int argc, char **argv)
{
  count = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
  idle_s = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
  if (count == 0 || argc != 3) {
    (void)fprintf(stderr, "usage: bench_fleet DEVICES IDLE_S\n");
    return 2;
  }
  Suite *s = suite_create("bench.fleet");
  TCase *t = tcase_create("fleet");
  tcase_add_test(t, a_fleet_is_connected);
  suite_add_tcase(s, t);
  SRunner *r = srunner_create(s);
  srunner_set_fork_status(r, CK_NOFORK);
  srunner_run_all(r, CK_SILENT);
  int failed = srunner_ntests_failed(r);
  if (failed != 0)
    srunner_print(r, CK_NORMAL);
  srunner_free(r);
  place_remove(&p);
  free(bearer);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
