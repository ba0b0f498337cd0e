/* Exclusions by service, with control groups made for it: what passes belongs to the group, and the
 * group that counts is the one that is there now. */
#define _GNU_SOURCE
#include "kernel.h"

#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char top[64];
static char slice[160];
static char inner[200];
static char service[64]; /* its name */
static char folder[300]; /* its group */
static char other[220];  /* a folder beside all services */
static fake_thread watching;

static void write_text(const char *path, const char *text)
{
  FILE *f = fopen(path, "we");
  ck_assert_msg(f != NULL, "%s: %s", path, strerror(errno));
  ck_assert_int_ge(fputs(text, f), 0);
  ck_assert_int_eq(fclose(f), 0);
}

static void move_to(const char *group)
{
  char path[320];
  char pid[16];
  (void)snprintf(path, sizeof(path), "%s/cgroup.procs", group);
  (void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
  write_text(path, pid);
}

static void enter(void)
{
  move_to(folder);
}

static void leave(void)
{
  move_to(top);
}

static void start_service(void)
{
  ck_assert_msg(mkdir(folder, 0755) == 0, "%s: %s", folder, strerror(errno));
}

static void stop_service(void)
{
  ck_assert_msg(rmdir(folder) == 0, "%s: %s", folder, strerror(errno));
}

/* A slice within a slice, as templates have it. */
static bool name_all(void)
{
  unsigned chance = 0;
  if (getrandom(&chance, sizeof(chance), 0) != sizeof(chance))
    return false;
  (void)snprintf(top, sizeof(top), "/sys/fs/cgroup%s",
                 access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0 ? "" : "/unified");
  (void)snprintf(slice, sizeof(slice), "%s/cordontest%08x.slice", top, chance);
  (void)snprintf(inner, sizeof(inner), "%s/cordontest%08x-web.slice", slice, chance);
  (void)snprintf(service, sizeof(service), "web@%08x.service", chance);
  (void)snprintf(folder, sizeof(folder), "%s/%s", inner, service);
  (void)snprintf(other, sizeof(other), "/sys/fs/cgroup/cordontest%08x", chance);
  return true;
}

/* Also after a test that failed. */
static void remove_all(void)
{
  char below[320];
  (void)snprintf(below, sizeof(below), "%s/worker", folder);
  (void)rmdir(below);
  (void)rmdir(folder);
  (void)rmdir(other);
  (void)snprintf(below, sizeof(below), "%s/%s", slice, service);
  (void)rmdir(below);
  (void)rmdir(inner);
  (void)rmdir(slice);
}

static void setup(void)
{
  remove_all();
  ck_assert_msg(mkdir(slice, 0755) == 0, "%s: %s", slice, strerror(errno));
  ck_assert_int_eq(mkdir(inner, 0755), 0);
  kernel_setup();
}

static void teardown(void)
{
  leave();
  kernel_teardown();
}

/* `rest` begins with a comma, or is empty. */
static const char *by_service(const char *direction, const char *rest)
{
  static char text[512];
  (void)snprintf(text, sizeof(text), "{\"direction\":\"%s\",\"service\":\"%s\"%s}", direction,
                 service, rest);
  return text;
}

static bool renews(void)
{
  ck_assert_str_eq(kernel_state(), "isolated");
  return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(host.result, "renew"));
}

static const cJSON *told(void)
{
  const cJSON *details = cJSON_GetObjectItemCaseSensitive(host.result, "details");
  return cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(details, "services"), 0);
}

static void expect_note(const char *part)
{
  const cJSON *note = cJSON_GetObjectItemCaseSensitive(told(), "note");
  ck_assert_ptr_nonnull(note);
  ck_assert_msg(strstr(note->valuestring, part) != NULL, "%s", note->valuestring);
}

static bool runs(void)
{
  const cJSON *s = told();
  const cJSON *name = cJSON_GetObjectItemCaseSensitive(s, "name");
  ck_assert_ptr_nonnull(name);
  ck_assert_str_eq(name->valuestring, service);
  return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(s, "running"));
}

/* ---- flows ---- */

static const struct {
  const char *name;
  bed_flow flow;
  bool udp;
} flows[] = {
    {"TCP out over IPv4", {.opener = BED_DEVICE, .to = OTHER4, .to_port = 443}, false},
    {"TCP out over IPv6", {.opener = BED_DEVICE, .to = OTHER6, .to_port = 443}, false},
    {"UDP out over IPv4", {.opener = BED_DEVICE, .to = OTHER4, .to_port = 5353}, true},
    {"UDP out over IPv6", {.opener = BED_DEVICE, .to = OTHER6, .to_port = 5353}, true},
    {"TCP in over IPv4", {.opener = BED_PEER, .from = OTHER4, .to = DEVICE4, .to_port = 80}, false},
    {"TCP in over IPv6", {.opener = BED_PEER, .from = OTHER6, .to = DEVICE6, .to_port = 80}, false},
    {"UDP in over IPv4", {.opener = BED_PEER, .from = OTHER4, .to = DEVICE4, .to_port = 53}, true},
    {"UDP in over IPv6", {.opener = BED_PEER, .from = OTHER6, .to = DEVICE6, .to_port = 53}, true},
};
enum { OUT_FLOWS = 4 };

static void expect_flow(size_t i, bool comes)
{
  bool came = flows[i].udp ? bed_udp(&flows[i].flow, comes) : bed_tcp(&flows[i].flow, comes);
  ck_assert_msg(came == comes, "%s: %s", flows[i].name, came ? "came through" : "was cut");
}

static void expect_flows(bool out, bool in)
{
  for (size_t i = 0; i < COUNT_OF(flows); i++)
    expect_flow(i, i < OUT_FLOWS ? out : in);
}

static void expect_service(bool out, bool in)
{
  enter();
  expect_flows(out, in);
  leave();
}

START_TEST(what_a_service_does_passes_and_nothing_else_does)
{
  start_service();
  kernel_isolate(by_service("both", ""));
  ck_assert(runs());
  expect_service(true, true);
  expect_flows(false, false);
  ck_assert(!renews());
  kernel_isolate(by_service("out", ""));
  expect_service(true, false);
  kernel_isolate(by_service("in", ""));
  expect_service(false, true);
  kernel_isolate(NULL);
  expect_service(false, false);
}
END_TEST

START_TEST(address_port_and_protocol_narrow_it)
{
  static const bed_flow good = {.opener = BED_DEVICE, .to = FRIEND4, .to_port = 443};
  static const bed_flow port = {.opener = BED_DEVICE, .to = FRIEND4, .to_port = 444};
  static const bed_flow host_ = {.opener = BED_DEVICE, .to = OTHER4, .to_port = 443};
  start_service();
  kernel_isolate(by_service("out", ",\"address\":\"10.77.0.3-10.77.0.9\",\"protocol\":\"tcp\","
                                   "\"port\":\"443\""));
  enter();
  ck_assert(bed_tcp(&good, true));
  ck_assert(!bed_tcp(&port, false));
  ck_assert(!bed_tcp(&host_, false));
  ck_assert(!bed_udp(&good, false));
  leave();
  ck_assert(!bed_tcp(&good, false));
}
END_TEST

START_TEST(a_service_that_restarts_passes_again_once_it_is_looked_up)
{
  char before[160];
  start_service();
  kernel_isolate(by_service("out", ""));
  (void)snprintf(before, sizeof(before), "%s", fake_text(&host, "digest"));
  stop_service();
  start_service();
  enter();
  expect_flow(0, false);
  leave();
  ck_assert(renews());
  ck_assert_str_eq(fake_text(&host, "digest"), before);
  kernel_isolate(by_service("out", ""));
  ck_assert_str_eq(fake_text(&host, "digest"), before);
  ck_assert(!renews());
  enter();
  expect_flow(0, true);
  leave();
}
END_TEST

START_TEST(a_service_that_does_not_run_is_taken_up_when_it_starts)
{
  kernel_isolate(by_service("out", ""));
  ck_assert(!runs());
  ck_assert(!renews());
  ck_assert(!runs());
  start_service();
  ck_assert(renews());
  kernel_isolate(by_service("out", ""));
  ck_assert(runs());
  enter();
  expect_flow(0, true);
  leave();
}
END_TEST

START_TEST(its_connections_survive_and_those_of_others_do_not)
{
  int kept[2][2];
  int cut[2];
  char below[320];
  start_service();
  enter();
  bed_open_tcp(&flows[0].flow, kept[0]);
  /* A group of the service's own making, below its own. */
  (void)snprintf(below, sizeof(below), "%s/worker", folder);
  ck_assert_int_eq(mkdir(below, 0755), 0);
  move_to(below);
  bed_open_tcp(&flows[5].flow, kept[1]);
  leave();
  bed_open_tcp(&(const bed_flow){.opener = BED_DEVICE, .to = OTHER4, .to_port = 444}, cut);
  kernel_isolate(by_service("both", ""));
  ck_assert_int_eq((int)fake_number(&host, "sockets_ended"), 1);
  for (size_t i = 0; i < 4; i++) {
    char word[4];
    int from = kept[i / 2][i % 2];
    int to = kept[i / 2][1 - i % 2];
    ck_assert_int_eq(send(from, "hi", 2, MSG_NOSIGNAL), 2);
    ck_assert(bed_readable(to, 5000));
    ck_assert_int_eq(recv(to, word, sizeof(word), 0), 2);
  }
  ck_assert(bed_readable(cut[0], 5000));
  ck_assert_int_eq(recv(cut[0], below, 1, 0), -1);
  ck_assert_int_eq(errno, ECONNABORTED);
  (void)snprintf(below, sizeof(below), "%s/worker", folder);
  ck_assert_int_eq(rmdir(below), 0);
}
END_TEST

START_TEST(a_group_that_somebody_adds_is_drift_and_is_taken_out)
{
  char line[512];
  start_service();
  kernel_isolate(by_service("out", ""));
  (void)snprintf(line, sizeof(line),
                 "nft 'add element inet cordon services_out2 { \"%s\" : jump service_0_out }'",
                 inner + sizeof("/sys/fs/cgroup/") - 1);
  bed_shell(line);
  ck_assert_str_eq(kernel_state(), "partial");
  kernel_isolate(by_service("out", ""));
  ck_assert(!renews());
  bed_shell("! nft list map inet cordon services_out2 | grep -q elements");
}
END_TEST

START_TEST(the_guard_lets_it_through_as_well)
{
  start_service();
  kernel_isolate(by_service("both", ""));
  bed_shell("nft list table inet cordon_guard >/dev/null && nft delete table inet cordon");
  enter();
  expect_flow(0, true);
  expect_flow(4, true);
  leave();
  expect_flow(0, false);
}
END_TEST

START_TEST(a_service_in_two_slices_passes_in_both)
{
  char second[320];
  (void)snprintf(second, sizeof(second), "%s/%s", slice, service);
  start_service();
  ck_assert_int_eq(mkdir(second, 0755), 0);
  kernel_isolate(by_service("out", ""));
  expect_note("2 slices");
  ck_assert(!renews());
  enter();
  expect_flow(0, true);
  move_to(second);
  expect_flow(1, true);
  leave();
  ck_assert_int_eq(rmdir(second), 0);
  ck_assert(renews());
}
END_TEST

/* A folder of another hierarchy can have the number of the service's. */
START_TEST(a_folder_with_the_number_of_its_group_is_not_taken_for_it)
{
  start_service();
  ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
  ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
  ck_assert_int_eq(mkdir(other, 0755), 0);
  ck_assert_msg(mount(inner, other, NULL, MS_BIND, NULL) == 0, "%s", strerror(errno));
  kernel_isolate(by_service("out", ""));
  ck_assert(!renews());
  enter();
  expect_flow(0, true);
  leave();
  ck_assert_int_eq(umount2(other, MNT_DETACH), 0);
}
END_TEST

/* Whoever may make groups of his own can make many. */
START_TEST(a_look_goes_through_no_folder_but_slices)
{
  char buffer[4096];
  start_service();
  ck_assert_int_eq(mkdir(other, 0755), 0);
  kernel_isolate(by_service("out", ""));
  int opened = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  ck_assert_int_ge(inotify_add_watch(opened, other, IN_OPEN), 0);
  ck_assert(!renews());
  kernel_isolate(by_service("out", ""));
  stop_service();
  start_service();
  ck_assert(renews());
  kernel_isolate(by_service("out", ""));
  ck_assert_int_eq(read(opened, buffer, sizeof(buffer)), -1);
  ck_assert_int_eq(errno, EAGAIN);
  /* It would have been seen. */
  ck_assert_int_ge(open(other, O_RDONLY | O_CLOEXEC), 0);
  ck_assert_int_gt(read(opened, buffer, sizeof(buffer)), 0);
  ck_assert_int_eq(close(opened), 0);
}
END_TEST

static long dropped(void)
{
  char text[256] = "";
  FILE *f = popen("nft list counter inet cordon dropped_out", "re");
  ck_assert_ptr_nonnull(f);
  ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, f), 0);
  ck_assert_int_eq(pclose(f), 0);
  const char *packets = strstr(text, "packets ");
  ck_assert_ptr_nonnull(packets);
  return strtol(packets + 8, NULL, 10);
}

/* The table is listed without elements where services are excluded. */
START_TEST(what_is_changed_in_other_sets_is_drift_all_the_same)
{
  static const char *const changes[] = {
      "nft 'add element inet cordon out_tcp4 { 198.51.100.1 . 80 }'",
      "nft 'delete element inet cordon console4 { " CONSOLE4 " . 8443 }'",
      "nft 'add set inet cordon more { type ipv4_addr; }'",
      "h=$(nft -a list chain inet cordon input | sed -n 's/.*nd-router-advert, .*handle //p'); "
      "nft replace rule inet cordon input handle $h 'icmpv6 type { 128, 134, 135, 136, 137 } ip6 "
      "hoplimit 255 accept'",
  };
  char exclusions[1024];
  (void)snprintf(exclusions, sizeof(exclusions),
                 "%s,{\"direction\":\"out\",\"address\":\"192.0.2.1-192.0.2.9\",\"protocol\":"
                 "\"tcp\",\"port\":\"80-90\"}",
                 by_service("out", ""));
  start_service();
  for (size_t i = 0; i < COUNT_OF(changes); i++) {
    kernel_isolate(exclusions);
    ck_assert(!renews());
    bed_shell(changes[i]);
    ck_assert_msg(strcmp(kernel_state(), "partial") == 0, "row %zu", i);
  }
}
END_TEST

START_TEST(a_renewal_keeps_the_counters)
{
  start_service();
  kernel_isolate(by_service("out", ""));
  expect_flow(0, false);
  long before = dropped();
  ck_assert_int_gt(before, 0);
  stop_service();
  start_service();
  kernel_isolate(by_service("out", ""));
  ck_assert(fake_flag(&host, "changed"));
  ck_assert_int_ge(dropped(), before);
  enter();
  expect_flow(0, true);
  bed_shell("nft delete table inet cordon");
  expect_flow(1, true); /* by the guard */
  leave();
}
END_TEST

/* Too few descriptors are left to look as deep: what is in force stays. */
START_TEST(a_service_that_cannot_be_looked_up_stays_let_through)
{
  struct rlimit before, none;
  start_service();
  kernel_isolate(by_service("out", ""));
  ck_assert(!renews());
  ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
  none = before;
  int free_one = dup(0);
  none.rlim_cur = (rlim_t)free_one + 2; /* nftables ends the process if it gets none */
  ck_assert_int_eq(close(free_one), 0);
  ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
  bool renewed = renews();
  ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
  ck_assert(!renewed);
  expect_note("could not be looked up");
  enter();
  expect_flow(0, true);
  leave();
}
END_TEST

START_TEST(an_isolation_that_stands_is_repaired_though_the_groups_are_hidden)
{
  start_service();
  kernel_isolate(by_service("out", ""));
  ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
  ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
  ck_assert_int_eq(mount("x", "/sys/fs/cgroup", "tmpfs", 0, NULL), 0);
  bed_shell("nft delete table inet cordon");
  fake_host_restart(&host, "isolate");
  isolate = host.plugin->get_extension(host.plugin, CORDON_EXT_ISOLATE);
  kernel_isolate(by_service("out", ""));
  expect_note("is mounted neither");
  ck_assert(!renews());
  ck_assert(!runs());
  expect_flow(0, false);
  ck_assert_int_eq(fake_run(&host, isolate->apply, 0, kernel_params(by_service("in", ""))),
                   CORDON_E_UNSUPPORTED);
  /* Neither a record nor a process knows of it any more, but the agent does. */
  bed_shell("nft flush ruleset");
  ck_assert_int_eq(
      fake_run(&host, isolate->apply, CORDON_REQ_HELD, kernel_params(by_service("in", ""))),
      CORDON_OK);
  expect_flow(0, false);
  ck_assert_int_eq(
      fake_run(&host, isolate->apply, CORDON_REQ_HELD, kernel_params(by_service("out", ""))),
      CORDON_OK);
  /* Numbers of another file system mean nothing. */
  bed_shell("mkdir -p /sys/fs/cgroup/system.slice; >/sys/fs/cgroup/cgroup.controllers");
  (void)kernel_params(by_service("out", ""));
  ck_assert(!renews());
  expect_note("is mounted neither");
  ck_assert_int_eq(umount2("/sys/fs/cgroup", MNT_DETACH), 0);
  ck_assert(renews());
  kernel_isolate(by_service("out", ""));
  enter();
  expect_flow(0, true);
  leave();
}
END_TEST

/* `in` is for what others open. */
START_TEST(a_service_that_accepts_loses_what_it_opened_itself)
{
  int opened[2];
  char word[4];
  start_service();
  enter();
  bed_open_tcp(&flows[0].flow, opened);
  int listener = bed_socket(BED_DEVICE, SOCK_STREAM, DEVICE4, 80, 0);
  ck_assert_int_eq(listen(listener, 1), 0);
  leave();
  int remote = bed_socket(BED_PEER, SOCK_STREAM, OTHER4, 0, 0);
  bed_connect(remote, DEVICE4, 80);
  ck_assert(bed_connected(remote, 5000) && bed_readable(listener, 5000));
  int accepted = accept(listener, NULL, NULL);
  kernel_isolate(by_service("in", ""));
  ck_assert_int_eq((int)fake_number(&host, "sockets_ended"), 1);
  ck_assert_int_eq(recv(opened[0], word, sizeof(word), 0), -1);
  ck_assert_int_eq(errno, ECONNABORTED);
  ck_assert_int_eq(send(accepted, "hi", 2, MSG_NOSIGNAL), 2);
  ck_assert(bed_readable(remote, 5000));
  ck_assert_int_eq(recv(remote, word, sizeof(word), 0), 2);
}
END_TEST

/* A process that ends while it renews leaves no false alarm. */
START_TEST(a_group_of_before_is_no_drift_to_the_next_process)
{
  start_service();
  kernel_isolate(by_service("out", ""));
  fake_host_restart(&host, "isolate");
  isolate = host.plugin->get_extension(host.plugin, CORDON_EXT_ISOLATE);
  stop_service();
  ck_assert(renews());
  kernel_isolate(by_service("out", ""));
  ck_assert(!renews());
}
END_TEST

/* Its group comes and goes all the time, also between being looked up and being loaded. */
START_TEST(a_service_that_flaps_never_keeps_the_rules_out)
{
  pid_t flapping = fork();
  if (flapping == 0) {
    (void)close_range(3, ~0u, 0); /* the plugin's sockets above all */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;)
      (void)(mkdir(folder, 0755) == 0 && rmdir(folder) == 0);
  }
  ck_assert_int_gt(flapping, 0);
  for (int i = 0; i < 30; i++) {
    kernel_isolate(i % 2 == 0 ? by_service("out", "") : by_service("in", ""));
    ck_assert_str_eq(kernel_state(), "isolated");
  }
  ck_assert_int_eq(kill(flapping, SIGKILL), 0);
  ck_assert_int_eq(waitpid(flapping, NULL, 0), flapping);
  expect_flow(0, false);
  (void)rmdir(folder);
  start_service();
  kernel_isolate(by_service("out", ""));
  enter();
  expect_flow(0, true);
  leave();
}
END_TEST

static void expect_refused(const char *params, cordon_status status, const char *part)
{
  ck_assert_int_eq(fake_run(&host, isolate->apply, 0, params), status);
  ck_assert_msg(strstr(host.sentence, part) != NULL, "%s", host.sentence);
  bed_shell("[ -z \"$(nft list ruleset)\" ]");
}

START_TEST(what_cannot_be_honoured_changes_nothing)
{
  static char strict[4096];
  start_service();
  const char *plain = kernel_params(by_service("out", ""));
  (void)snprintf(strict, sizeof(strict), "%.*s,\"strict\":true}", (int)strlen(plain) - 1, plain);
  expect_refused(strict, CORDON_E_UNSUPPORTED, "together with strict");
  expect_refused(kernel_params(by_service("out", ",\"protocol\":\"icmp\"")), CORDON_E_UNSUPPORTED,
                 "exclusions[0].protocol");
  enter();
  expect_refused(kernel_params(by_service("out", "")), CORDON_E_INVALID, service);
  leave();
}
END_TEST

START_TEST(the_dry_run_names_a_service_that_does_not_run)
{
  ck_assert_int_eq(
      fake_run(&host, isolate->apply, CORDON_REQ_DRY_RUN, kernel_params(by_service("out", ""))),
      CORDON_OK);
  char *text = cJSON_PrintUnformatted(host.result);
  ck_assert_ptr_nonnull(strstr(text, "\"service_not_running\""));
  ck_assert_ptr_nonnull(strstr(text, service));
  ck_assert_ptr_null(strstr(text, "\"service_of_users\""));
  cJSON_free(text);
}
END_TEST

START_TEST(the_dry_run_warns_of_what_acts_for_users)
{
  static const char users[] = "{\"direction\":\"out\",\"service\":\"user@1000.service\"}";
  ck_assert_int_eq(fake_run(&host, isolate->apply, CORDON_REQ_DRY_RUN, kernel_params(users)),
                   CORDON_OK);
  char *text = cJSON_PrintUnformatted(host.result);
  ck_assert_ptr_nonnull(strstr(text, "\"service_of_users\""));
  ck_assert_ptr_nonnull(strstr(text, "user@1000.service runs what users tell it to"));
  cJSON_free(text);
}
END_TEST

/* Waits for the next record after `count`, which has to tell of a start. */
static void expect_told(int count)
{
  ck_assert(fake_wait_records(&host, count + 1, 5000));
  const cJSON *r = host.records[count];
  ck_assert_str_eq(cJSON_GetObjectItemCaseSensitive(r, "event")->valuestring, "changed");
  ck_assert_ptr_null(cJSON_GetObjectItemCaseSensitive(r, "by"));
  ck_assert_ptr_nonnull(
      strstr(cJSON_GetObjectItemCaseSensitive(r, "note")->valuestring, "may have started"));
}

START_TEST(watch_tells_that_it_starts)
{
  char neighbour[320];
  kernel_isolate(by_service("out", ""));
  fake_start(&host, isolate->watch, &watching);
  expect_told(1); /* what it may have missed before it watched */
  start_service();
  expect_told(2);
  stop_service();
  (void)snprintf(neighbour, sizeof(neighbour), "%s/other.service", inner);
  ck_assert_int_eq(mkdir(neighbour, 0755), 0);
  ck_assert_int_eq(rmdir(neighbour), 0);
  ck_assert_int_eq(rmdir(inner), 0);
  /* Its slice is new as well. */
  ck_assert_int_eq(mkdir(inner, 0755), 0);
  expect_told(3);
  start_service();
  expect_told(4);
  /* Once it is released nobody waits for it, nor for what was refused. */
  ck_assert_int_eq(fake_run(&host, isolate->release, 0, "{}"), CORDON_OK);
  stop_service();
  start_service();
  enter();
  ck_assert_int_eq(fake_run(&host, isolate->apply, 0, kernel_params(by_service("out", ""))),
                   CORDON_E_INVALID);
  leave();
  stop_service();
  start_service();
  ck_assert(!fake_wait_records(&host, 6, 300));
  ck_assert_int_eq(fake_stop(&watching), CORDON_E_CANCELLED);
  ck_assert_int_eq(host.record_count, 5);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      what_a_service_does_passes_and_nothing_else_does,
      address_port_and_protocol_narrow_it,
      a_service_that_restarts_passes_again_once_it_is_looked_up,
      a_service_that_does_not_run_is_taken_up_when_it_starts,
      its_connections_survive_and_those_of_others_do_not,
      a_group_that_somebody_adds_is_drift_and_is_taken_out,
      the_guard_lets_it_through_as_well,
      a_service_in_two_slices_passes_in_both,
      a_folder_with_the_number_of_its_group_is_not_taken_for_it,
      a_look_goes_through_no_folder_but_slices,
      what_is_changed_in_other_sets_is_drift_all_the_same,
      a_renewal_keeps_the_counters,
      a_service_that_cannot_be_looked_up_stays_let_through,
      an_isolation_that_stands_is_repaired_though_the_groups_are_hidden,
      a_service_that_accepts_loses_what_it_opened_itself,
      a_group_of_before_is_no_drift_to_the_next_process,
      a_service_that_flaps_never_keeps_the_rules_out,
      what_cannot_be_honoured_changes_nothing,
      the_dry_run_names_a_service_that_does_not_run,
      the_dry_run_warns_of_what_acts_for_users,
      watch_tells_that_it_starts,
  };
  if (!name_all())
    return EXIT_FAILURE;
  int code = run_kernel_suite("plugins.nftables.services", tests, COUNT_OF(tests), setup, teardown);
  remove_all();
  return code;
}
