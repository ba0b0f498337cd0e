/* A console with its signer and two devices, for a command that is no program of this system:
 *
 *   console_stand FILE
 *
 * "desk-1" carries out what it is ordered, "desk-2" is off. FILE gets the path of the console's
 * configuration once all is there. It ends when its standard input does. */
#include "fleet.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static fleet f;
static device on;
static device off;
static const char *ready;

static void carry_out_all(void)
{
  const struct timeval for_ever = {0};
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  device_ready(&on, &f.place);
  device_report(&on, CD_WANTED_RELEASED, 0);
  (void)setsockopt(on.ws.tls.fd, SOL_SOCKET, SO_RCVTIMEO, &for_ever, sizeof(for_ever));
  for (;;) {
    cd_order order;
    cd_digest digest = {0};
    device_take_order(&on, &order, &digest);
    ck_assert(device_result(&on, &order, &digest, on.key));
  }
}

static void say_ready(void)
{
  FILE *file = fopen(ready, "we");
  ck_assert_ptr_nonnull(file);
  ck_assert_int_gt(fprintf(file, "%s\n", f.place.config), 0);
  ck_assert_int_eq(fclose(file), 0);
}

START_TEST(it_stands)
{
  char byte = 0;
  fleet_up(&f);
  fleet_enrol(&f, &on, "desk-1");
  fleet_enrol(&f, &off, "desk-2");
  pid_t worker = fork();
  ck_assert_int_ge(worker, 0);
  if (worker == 0)
    carry_out_all();
  say_ready();
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  (void)kill(worker, SIGKILL);
  (void)waitpid(worker, NULL, 0);
  device_release(&on);
  device_release(&off);
  fleet_down(&f);
}
END_TEST

int main(int argc, char **argv)
{
  if (argc != 2) {
    (void)fputs("usage: console_stand FILE\n", stderr);
    return 2;
  }
  ready = argv[1];
  (void)signal(SIGPIPE, SIG_IGN);
  Suite *s = suite_create("console.stand");
  TCase *c = tcase_create("stand");
  tcase_add_test(c, it_stands);
  suite_add_tcase(s, c);
  SRunner *r = srunner_create(s);
  srunner_set_fork_status(r, CK_NOFORK);
  srunner_run_all(r, CK_NORMAL);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
