/* A secret is asked for at the terminal: nothing of it is echoed, and the terminal is left as it
 * was. */
#include "platform/terminal.h"

#include "platform_tests.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define SHOWN_MAX 4096

typedef struct asked {
  int master;
  int answer; /* the child writes what it read here */
  pid_t pid;
  char shown[SHOWN_MAX]; /* on the terminal */
  size_t shown_len;
} asked;

static void child(int answer, const char *terminal, unsigned timeout_ms)
{
  cd_buf out = CD_BUF_INIT(PF_SECRET_MAX);
  cd_err err = {0};
  (void)setsid();
  (void)signal(SIGINT, SIG_DFL); /* Check has a handler, which ends the test */
  if (terminal != NULL && open(terminal, O_RDWR) < 0)
    _exit(99);
  cd_code rc = pf_terminal_secret("Code? ", timeout_ms, &out, &err);
  const char *text = rc == CD_OK ? cd_buf_cstr(&out) : err.text;
  if (write(answer, text, strlen(text)) < 0)
    _exit(98);
  _exit((int)rc);
}

static asked begin(bool terminal, unsigned timeout_ms)
{
  asked a = {.master = posix_openpt(O_RDWR | O_NOCTTY)};
  int ends[2];
  ck_assert_int_ge(a.master, 0);
  ck_assert_int_eq(grantpt(a.master), 0);
  ck_assert_int_eq(unlockpt(a.master), 0);
  ck_assert_int_eq(pipe(ends), 0);
  a.pid = fork();
  ck_assert_int_ge(a.pid, 0);
  if (a.pid == 0)
    child(ends[1], terminal ? ptsname(a.master) : NULL, timeout_ms);
  (void)close(ends[1]);
  a.answer = ends[0];
  return a;
}

static void read_until(asked *a, const char *text)
{
  while (strstr(a->shown, text) == NULL) {
    ck_assert_uint_lt(a->shown_len, SHOWN_MAX - 1);
    ssize_t n = read(a->master, a->shown + a->shown_len, SHOWN_MAX - 1 - a->shown_len);
    ck_assert_int_gt(n, 0);
    a->shown_len += (size_t)n;
    a->shown[a->shown_len] = '\0';
  }
}

static void type(const asked *a, const char *text)
{
  ck_assert_int_eq(write(a->master, text, strlen(text)), (ssize_t)strlen(text));
}

static void end(asked *a, cd_code code, const char *answer)
{
  char text[CD_ERR_TEXT_MAX] = "";
  size_t len = 0;
  ssize_t n = 0;
  int status = 0;
  while ((n = read(a->answer, text + len, sizeof(text) - 1 - len)) > 0)
    len += (size_t)n;
  ck_assert_int_eq(waitpid(a->pid, &status, 0), a->pid);
  ck_assert(WIFEXITED(status));
  ck_assert_msg(WEXITSTATUS(status) == (uint8_t)code && strstr(text, answer) != NULL, "%d: '%s'",
                WEXITSTATUS(status), text);
  (void)close(a->answer);
}

START_TEST(a_line_is_read_without_echo)
{
  asked a = begin(true, 30000);
  struct termios after;
  read_until(&a, "Code? ");
  type(&a, "wrong\x15se\b\x7fsecret 17\r");
  end(&a, CD_OK, "secret 17");
  read_until(&a, "\n");
  ck_assert_ptr_null(strstr(a.shown, "secret"));
  ck_assert_ptr_null(strstr(a.shown, "wrong"));
  ck_assert_int_eq(tcgetattr(a.master, &after), 0);
  ck_assert((after.c_lflag & ECHO) != 0 && (after.c_lflag & ICANON) != 0 &&
            (after.c_lflag & ISIG) != 0);
  (void)close(a.master);
}
END_TEST

START_TEST(an_interrupt_and_a_signal_leave_the_terminal_as_it_was)
{
  struct termios after;
  for (int i = 0; i < 2; i++) {
    asked a = begin(true, 30000);
    read_until(&a, "Code? ");
    if (i == 1)
      ck_assert_int_eq(kill(a.pid, SIGINT), 0);
    type(&a, i == 0 ? "sec\x03" : "sec\x04");
    int status = 0;
    ck_assert_int_eq(waitpid(a.pid, &status, 0), a.pid);
    ck_assert(i == 0 ? WIFEXITED(status) && WEXITSTATUS(status) == (uint8_t)CD_E_CANCELLED
                     : WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
    ck_assert_int_eq(tcgetattr(a.master, &after), 0);
    ck_assert((after.c_lflag & ECHO) != 0);
    (void)close(a.answer);
    (void)close(a.master);
  }
}
END_TEST

START_TEST(it_does_not_wait_for_ever)
{
  asked a = begin(true, 50);
  end(&a, CD_E_DEADLINE, "nothing was typed in time");
  (void)close(a.master);
}
END_TEST

START_TEST(a_line_that_is_too_long_is_refused)
{
  char text[PF_SECRET_MAX + 2];
  asked a = begin(true, 30000);
  read_until(&a, "Code? ");
  memset(text, 'x', sizeof(text) - 1);
  text[sizeof(text) - 1] = '\0';
  type(&a, text);
  end(&a, CD_E_LIMIT, "longer than 256 bytes");
  (void)close(a.master);
}
END_TEST

START_TEST(without_a_terminal_it_says_so)
{
  asked a = begin(false, 30000);
  end(&a, CD_E_UNAVAILABLE, "there is no terminal to ask at");
  (void)close(a.master);
}
END_TEST

Suite *terminal_suite(void)
{
  Suite *suite = suite_create("platform.terminal");
  TCase *facts = tcase_create("facts");
  tcase_set_timeout(facts, 60);
  tcase_add_test(facts, a_line_is_read_without_echo);
  tcase_add_test(facts, an_interrupt_and_a_signal_leave_the_terminal_as_it_was);
  tcase_add_test(facts, it_does_not_wait_for_ever);
  tcase_add_test(facts, a_line_that_is_too_long_is_refused);
  tcase_add_test(facts, without_a_terminal_it_says_so);
  suite_add_tcase(suite, facts);
  return suite;
}
