#include "platform/file.h"

#include "place.h"
#include "platform_tests.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static cd_err err;

START_TEST(is_held_once_and_names_its_holder)
{
  char pid[32];
  place_new();
  ck_assert_int_eq(pf_file_lock(at("lock"), &err), CD_OK);
  ck_assert_int_eq(pf_file_lock(at("lock"), &err), CD_E_CONFLICT);
  (void)snprintf(pid, sizeof(pid), "process %ld", (long)getpid());
  ck_assert_msg(strstr(err.text, pid) != NULL, "%s", err.text);
}
END_TEST

/* A child that locks, tells its outcome, and stays until it is killed. */
static pid_t locker(const char *path, cd_code *ret_code)
{
  int ends[2];
  ck_assert_int_eq(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0) {
    cd_code code = pf_file_lock(path, &err);
    (void)!write(ends[1], &code, sizeof(code));
    for (;;)
      (void)pause();
  }
  ck_assert_int_eq(read(ends[0], ret_code, sizeof(*ret_code)), sizeof(*ret_code));
  (void)close(ends[0]);
  (void)close(ends[1]);
  return child;
}

static void end(pid_t child)
{
  int status = 0;
  ck_assert_int_eq(kill(child, SIGKILL), 0);
  ck_assert_int_eq(waitpid(child, &status, 0), child);
}

START_TEST(ends_with_its_process_however_that_ends)
{
  cd_code code = CD_E_INTERNAL;
  char pid[32];
  place_new();
  pid_t child = locker(at("lock"), &code);
  ck_assert_int_eq(code, CD_OK);
  ck_assert_int_eq(pf_file_lock(at("lock"), &err), CD_E_CONFLICT);
  (void)snprintf(pid, sizeof(pid), "process %ld", (long)child);
  ck_assert_msg(strstr(err.text, pid) != NULL, "%s", err.text);
  end(child);
  ck_assert_msg(pf_file_lock(at("lock"), &err) == CD_OK, "%s", err.text);
  child = locker(at("lock"), &code);
  ck_assert_int_eq(code, CD_E_CONFLICT);
  end(child);
}
END_TEST

START_TEST(is_made_only_on_a_regular_file)
{
  place_new();
  ck_assert_int_eq(mkfifo(at("fifo"), 0600), 0);
  ck_assert_int_eq(pf_file_lock(at("fifo"), &err), CD_E_INVALID);
  make_file(at("f"), "keep", 0600);
  ck_assert_int_eq(symlink("f", at("link")), 0);
  ck_assert_int_ne(pf_file_lock(at("link"), &err), CD_OK);
  ck_assert_int_eq(pf_file_lock(at("absent/lock"), &err), CD_E_NOTFOUND);
}
END_TEST

Suite *lock_suite(void)
{
  Suite *s = suite_create("platform.lock");
  TCase *c = tcase_create("lock");
  tcase_add_test(c, is_held_once_and_names_its_holder);
  tcase_add_test(c, ends_with_its_process_however_that_ends);
  tcase_add_test(c, is_made_only_on_a_regular_file);
  suite_add_tcase(s, c);
  return s;
}
