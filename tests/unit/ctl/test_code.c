/* cordon local release with a code: where it is taken from, and that it goes nowhere else. */
#define _GNU_SOURCE /* posix_openpt */
#include "play.h"
#include "samples.h"
#include "suites.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER(payload) ((const play_step[]){{PLAY_RESPONSE, (payload), 0}, {PLAY_END, NULL, 0}})
#define CODE "05012-34567-89ABC-DEFGT"
#define SHOWN_MAX 4096

static void file_of(const char *text, unsigned mode)
{
  char path[256];
  play_file("code", text, strlen(text));
  ck_assert_int_eq(chmod(play_path("code", path), mode), 0);
}

START_TEST(a_file_that_only_you_can_read)
{
  play p = {.script = ANSWER(SAMPLE_RELEASED)};
  file_of("  o5012 34567-89abcdefgt\n", 0600);
  PLAY(&p, 0, "local", "release", "--code-file", "@code");
  HAS(&p.request, "{\"method\":\"release\",\"params\":{\"comment\":\"\",\"code\":\"  o5012 "
                  "34567-89abcdefgt\\n\",\"wait\":true}}");
  play_release(&p);
}
END_TEST

static const struct {
  const char *text;
  unsigned mode;
  const char *part;
} files[] = {
    {CODE, 0640, "is open to other users (its mode is 640); close it with chmod 600"},
    {CODE, 0604, "is open to other users"},
    {"", 0600, "it has 0 characters and a code has 20"},
    {CODE "0", 0600, "it has 21 characters"},
    {"05012-34567-89ABC-DEFGV", 0600, "checks the others and does not fit"},
    {"05012-U4567-89ABC-DEFGT", 0600, "its character 6 is none that a code has"},
};

START_TEST(a_file_that_is_not_good_is_refused_before_the_agent_is_asked)
{
  play p = {.script = ANSWER(SAMPLE_RELEASED)};
  file_of(files[_i].text, files[_i].mode);
  PLAY(&p, 2, "local", "release", "--code-file", "@code");
  HAS(&p.err, files[_i].part);
  HAS_NOT(&p.err, "34567");
  ck_assert_int_eq(p.requests, 0);
  play_release(&p);
}
END_TEST

START_TEST(a_code_is_never_a_word_of_the_command_line)
{
  play p = {.script = ANSWER(SAMPLE_RELEASED)};
  PLAY(&p, 2, "local", "release", "--code=" CODE);
  HAS(&p.err, "--code takes no value");
  PLAY(&p, 2, "local", "release", "--code", CODE);
  HAS(&p.err, "'local release' does not take");
  PLAY(&p, 2, "local", "release", "--code", "--code-file", "@code");
  HAS(&p.err, "give one");
  ck_assert_int_eq(p.requests, 0);
  play_release(&p);
}
END_TEST

START_TEST(what_the_agent_says_of_a_wrong_one)
{
  play p = {.script = ANSWER("{\"ok\":false,\"error\":{\"status\":\"denied\",\"sentence\":\"this "
                             "release code is wrong (attempt 3 of 20)\"}}")};
  file_of(CODE, 0600);
  PLAY(&p, 4, "local", "release", "--code-file", "@code");
  HAS(&p.err, "this release code is wrong (attempt 3 of 20)");
  HAS_NOT(&p.err, "34567");
  play_release(&p);
}
END_TEST

/* ---- at a terminal ---- */

/* Types it at the program's terminal; its exit code, and all that was to be seen there. */
static int typed(const char *text, char shown[SHOWN_MAX])
{
  size_t len = 0;
  ssize_t n = 0;
  int status = 0;
  bool answered = false;
  int master = posix_openpt(O_RDWR | O_NOCTTY);
  ck_assert_int_ge(master, 0);
  ck_assert_int_eq(grantpt(master), 0);
  ck_assert_int_eq(unlockpt(master), 0);
  pid_t pid = fork();
  ck_assert_int_ge(pid, 0);
  if (pid == 0) {
    (void)setsid();
    int slave = open(ptsname(master), O_RDWR);
    (void)dup2(slave, 0);
    (void)dup2(slave, 1);
    (void)dup2(slave, 2);
    (void)execl(CORDON_PROGRAM, "cordon", "local", "release", "--code", "--socket",
                "/nonexistent/control.sock", NULL);
    _exit(99);
  }
  shown[0] = '\0';
  while (len < SHOWN_MAX - 1 && (n = read(master, shown + len, SHOWN_MAX - 1 - len)) > 0) {
    len += (size_t)n;
    shown[len] = '\0';
    if (!answered && strstr(shown, "Release code: ") != NULL) {
      ck_assert_int_eq(write(master, text, strlen(text)), (ssize_t)strlen(text));
      answered = true;
    }
  }
  ck_assert_int_eq(waitpid(pid, &status, 0), pid);
  ck_assert(WIFEXITED(status));
  (void)close(master);
  return WEXITSTATUS(status);
}

START_TEST(it_is_asked_for_at_the_terminal_without_echo)
{
  char shown[SHOWN_MAX];
  ck_assert_int_eq(typed("05012 34567 89abc defgt\r", shown), 3);
  ck_assert_msg(strstr(shown, "cannot reach the agent") != NULL, "%s", shown);
  ck_assert_ptr_null(strstr(shown, "34567"));
  ck_assert_int_eq(typed("05012 34567 89abc defgv\r", shown), 2);
  ck_assert_msg(strstr(shown, "is mistyped") != NULL, "%s", shown);
  ck_assert_ptr_null(strstr(shown, "34567"));
  ck_assert_int_eq(typed("05\x03", shown), 1);
  ck_assert_msg(strstr(shown, "it was interrupted, and nothing was done") != NULL, "%s", shown);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

Suite *suite_code(void)
{
  Suite *s = suite_create("ctl.code");
  TCase *tc = tcase_create("code");
  tcase_set_timeout(tc, 60);
  tcase_add_test(tc, a_file_that_only_you_can_read);
  tcase_add_loop_test(tc, a_file_that_is_not_good_is_refused_before_the_agent_is_asked, 0,
                      ROWS(files));
  tcase_add_test(tc, a_code_is_never_a_word_of_the_command_line);
  tcase_add_test(tc, what_the_agent_says_of_a_wrong_one);
  tcase_add_test(tc, it_is_asked_for_at_the_terminal_without_echo);
  suite_add_tcase(s, tc);
  return s;
}
