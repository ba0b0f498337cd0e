/* cordon-signer as a program: confined, killed and started again, as another user than the console.
 */
#include "signer_loop.h"

#include "base/clock.h"
#include "protocol/order.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534u

static con_store *store;
static fleet_device desk;
static pid_t child;

static void start(uid_t user)
{
  uint64_t deadline = cd_mono_ms() + 20000;
  const char *config = at("signer.json");
  put_text(config, config_text(NULL));
  const char *folder = signer_folder();
  /* Where it was built another user may not look. */
  char program[512];
  (void)snprintf(program, sizeof(program), "%s", at("cordon-signer"));
  if (access(program, F_OK) != 0) {
    copy_file(SIGNER_PROGRAM, program);
    ck_assert_int_eq(chmod(program, 0755), 0);
  }
  child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    /* A test that fails leaves nobody behind. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (user != geteuid() && (setgid(user) != 0 || setuid(user) != 0))
      _exit(3);
    (void)execl(program, program, "--dir", folder, "--config", config, (char *)NULL);
    _exit(4);
  }
  while (access(socket_path(), F_OK) != 0 && cd_mono_ms() < deadline)
    (void)usleep(5000);
  ck_assert_int_eq(access(socket_path(), F_OK), 0);
}

static int stop(int number)
{
  int status = 0;
  ck_assert_int_eq(kill(child, number), 0);
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  (void)unlink(socket_path());
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void begin(void)
{
  store = open_store();
  enroll_device(store, "desk", &desk);
  loop_begin(NOBODY);
}

static void end(void)
{
  loop_end();
  free_device(&desk);
  con_store_close(store);
}

/* A line of /proc/PID/status. */
static bool status_has(const char *line)
{
  char path[64];
  char text[8192];
  (void)snprintf(path, sizeof(path), "/proc/%ld/status", (long)child);
  FILE *f = fopen(path, "r");
  ck_assert_ptr_nonnull(f);
  size_t len = fread(text, 1, sizeof(text) - 1, f);
  text[len] = '\0';
  ck_assert_int_eq(fclose(f), 0);
  return strstr(text, line) != NULL;
}

/* The socket is there a moment before the confinement is. */
static void expect_confined(void)
{
  uint64_t deadline = cd_mono_ms() + 20000;
  while (!status_has("Seccomp:\t2") && cd_mono_ms() < deadline)
    (void)usleep(5000);
  ck_assert(status_has("Seccomp:\t2"));
  ck_assert(status_has("NoNewPrivs:\t1"));
  ck_assert(status_has("CapEff:\t0000000000000000"));
}

static void expect_order(const con_action_made *made)
{
  client_sign(desk.enrolled.device, made);
  ck_assert_msg(last.code == CD_OK, "%s", last.sentence);
  ck_assert_str_ne(last.order, "");
}

START_TEST(it_signs_confined_and_stops_when_told)
{
  begin();
  start(geteuid());
  client_attach();
  ck_assert_msg(last.code == CD_OK, "%s", last.sentence);
  expect_confined();
  con_action_made made = isolate(store, desk.enrolled.device);
  expect_order(&made);
  ck_assert_int_eq(stop(SIGTERM), 0);
  end();
}
END_TEST

START_TEST(killed_between_orders_it_goes_on_where_it_was)
{
  begin();
  start(geteuid());
  client_attach();
  for (int i = 0; i < 3; i++) {
    con_action_made made = isolate(store, desk.enrolled.device);
    expect_order(&made);
    ck_assert_int_eq(stop(SIGKILL), 128 + SIGKILL);
    start(geteuid());
    client_sign(desk.enrolled.device, &made);
    if (last.code == CD_E_UNAVAILABLE)
      client_sign(desk.enrolled.device, &made);
    ck_assert_msg(last.code == CD_OK, "%s", last.sentence);
  }
  /* What it had verified is kept: the log cannot be shortened while it is away. */
  ck_assert_int_eq(stop(SIGKILL), 128 + SIGKILL);
  con_store_close(store);
  attack("DELETE FROM audit WHERE sequence = (SELECT max(sequence) FROM audit)");
  store = open_store();
  start(geteuid());
  client_attach();
  if (last.code == CD_E_UNAVAILABLE)
    client_attach();
  ck_assert_int_eq(last.code, CD_E_CONFLICT);
  ck_assert_int_eq(stop(SIGTERM), 0);
  end();
}
END_TEST

START_TEST(a_second_signer_on_the_same_folder_is_refused)
{
  char out[4096];
  begin();
  start(geteuid());
  client_attach();
  const char *const argv[] = {SIGNER_PROGRAM, "--dir",           signer_folder(),
                              "--config",     at("signer.json"), NULL};
  ck_assert_int_eq(run(argv, out, sizeof(out)), 1);
  ck_assert_msg(strstr(out, "another cordon-signer is running") != NULL, "%s", out);
  const char *const rotate[] = {SIGNER_PROGRAM, "--dir", signer_folder(),
                                "--rotate",     "order", NULL};
  ck_assert_int_eq(run(rotate, out, sizeof(out)), 1);
  ck_assert_ptr_nonnull(strstr(out, "another cordon-signer is running"));
  ck_assert_int_eq(stop(SIGTERM), 0);
  end();
}
END_TEST

static void give(const char *path)
{
  ck_assert_msg(chown(path, NOBODY, NOBODY) == 0, "%s", path);
}

static void give_folder(void)
{
  static const char *const names[] = {"root.key",      "root.pub", "order.key", "policy.key",
                                      "device-ca.key", "ca.pem",   "chain.pem", ""};
  char path[1024];
  for (size_t i = 0; i < COUNT_OF(names); i++) {
    (void)snprintf(path, sizeof(path), "%s/%s", signer_folder(), names[i]);
    give(path);
  }
}

/* The console is root here, the signer nobody, who may read the database and not write it. */
START_TEST(as_another_user_it_only_reads_the_database)
{
  if (geteuid() != 0)
    return;
  const con_store_options options = {.path = db_path(), .seal = test_seal(), .shared = true};
  expect_ok(con_store_open(&options, &store, &err));
  con_store_close(store);
  ck_assert_int_eq(chown(db_path(), 0, NOBODY), 0);
  ck_assert_int_eq(mkdir(at("run"), 0755), 0);
  give(at("run"));
  expect_ok(con_store_open(&options, &store, &err));
  enroll_device(store, "desk", &desk);
  loop_begin(NOBODY);
  give_folder();
  start(NOBODY);
  client_attach();
  ck_assert_msg(last.code == CD_OK, "%s", last.sentence);
  for (int i = 0; i < 3; i++) {
    con_action_made made = isolate(store, desk.enrolled.device);
    expect_order(&made);
    ck_assert_int_eq(last.code, CD_OK);
  }
  ck_assert_int_eq(stop(SIGTERM), 0);
  end();
}
END_TEST

START_TEST(its_options_are_checked)
{
  char out[4096];
  const char *const none[] = {SIGNER_PROGRAM, "--no-such", NULL};
  const char *const help[] = {SIGNER_PROGRAM, "--help", NULL};
  const char *const value[] = {SIGNER_PROGRAM, "--dir", NULL};
  const char *const check[] = {SIGNER_PROGRAM, "--check-config", "--config", at("s.json"), NULL};
  ck_assert_int_eq(run(none, out, sizeof(out)), 2);
  ck_assert_int_eq(run(value, out, sizeof(out)), 2);
  ck_assert_int_eq(run(help, out, sizeof(out)), 0);
  ck_assert_ptr_nonnull(strstr(out, "--accept-head"));
  put_text(at("s.json"), config_text(NULL));
  ck_assert_int_eq(run(check, out, sizeof(out)), 0);
  put_text(at("s.json"), "{}");
  ck_assert_int_eq(run(check, out, sizeof(out)), 1);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      it_signs_confined_and_stops_when_told,
      killed_between_orders_it_goes_on_where_it_was,
      a_second_signer_on_the_same_folder_is_refused,
      as_another_user_it_only_reads_the_database,
      its_options_are_checked,
  };
  return run_suite("console.signer.program", tests, COUNT_OF(tests));
}
