/* Somebody with root works against the isolation while it is made: a success must not trust what
 * they put in. */
#define _GNU_SOURCE
#include "kernel.h"

#include "suite.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* An apply that is disturbed takes 32 loads, seconds on a busy machine with sanitizers. */
enum { ROUNDS = 25, ROUNDS_S = 15 };

/* A process that runs this command of nft over and over in the device's namespace, for as long as
 * rounds begin: libnftables reads everything again whenever somebody was faster, and on a slow
 * machine it would not come to an end. */
static pid_t tamper_start(const char *command)
{
  char line[512];
  (void)snprintf(line, sizeof(line), "while :; do nft %s; done 2>/dev/null", command);
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)alarm(ROUNDS_S);
    (void)execl("/bin/sh", "sh", "-c", line, (char *)NULL);
    _exit(127);
  }
  return child;
}

static void tamper_stop(pid_t child)
{
  ck_assert_int_eq(kill(child, SIGKILL), 0);
  ck_assert_int_eq(waitpid(child, NULL, 0), child);
}

static void expect_digest(const char *digest)
{
  ck_assert_str_eq(fake_text(&host, "digest"), digest);
}

START_TEST(a_digest_never_includes_what_somebody_slipped_in)
{
  char digest[100];
  kernel_isolate(NULL);
  (void)snprintf(digest, sizeof(digest), "%s", fake_text(&host, "digest"));
  pid_t tamperer = tamper_start("insert rule inet cordon output meta mark 7 accept");
  time_t until = time(NULL) + ROUNDS_S;
  for (int i = 0; i < ROUNDS && time(NULL) < until; i++) {
    ck_assert_int_eq(fake_run(&host, isolate->release, 0, "{}"), CORDON_OK);
    cordon_status status = fake_run(&host, isolate->apply, 0, kernel_params(NULL));
    if (status == CORDON_OK)
      expect_digest(digest);
    else
      ck_assert_msg(status == CORDON_E_UNVERIFIED && strstr(host.sentence, "somebody") != NULL,
                    "round %d: %d %s", i, (int)status, host.sentence);
  }
  tamper_stop(tamperer);
  kernel_isolate(NULL);
  expect_digest(digest);
}
END_TEST

/* Elements with long comments, as many as make the listing longer than is read. */
static void blow_up(void)
{
  bed_shell("file=$(mktemp)\n"
            "awk 'BEGIN { note = sprintf(\"%120s\", \"x\"); gsub(/ /, \"x\", note)\n"
            "for (i = 0; i < 2; i++) { print \"add element inet cordon big {\"\n"
            "for (j = 0; j < 10000; j++) printf(\"20.%d.%d.%d comment \\\"%s\\\",\", i, j / 100, "
            "j % 100, note)\n"
            "print \"}\" } }' >\"$file\"\n"
            "nft 'add set inet cordon big { type ipv4_addr; }'\n"
            "nft -f \"$file\"; rm \"$file\"\n"
            "nft insert rule inet cordon output accept");
}

START_TEST(a_table_too_large_to_read_is_partial_and_repaired)
{
  char digest[100];
  kernel_isolate(NULL);
  (void)snprintf(digest, sizeof(digest), "%s", fake_text(&host, "digest"));
  blow_up();
  ck_assert_str_eq(kernel_state(), "partial");
  const cJSON *details = cJSON_GetObjectItemCaseSensitive(host.result, "details");
  const cJSON *note = cJSON_GetObjectItemCaseSensitive(details, "note");
  ck_assert_ptr_nonnull(strstr(note->valuestring, "too large"));
  ck_assert(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(host.result, "digest")));
  ck_assert_int_eq(fake_run(&host, isolate->verify, 0, kernel_params(NULL)), CORDON_E_UNVERIFIED);
  kernel_isolate(NULL);
  ck_assert(fake_flag(&host, "changed"));
  expect_digest(digest);
  ck_assert_str_eq(kernel_state(), "isolated");
}
END_TEST

START_TEST(a_table_too_large_to_read_is_released)
{
  kernel_isolate(NULL);
  blow_up();
  ck_assert_int_eq(fake_run(&host, isolate->release, 0, "{}"), CORDON_OK);
  ck_assert_str_eq((kernel_params(NULL), kernel_state()), "released");
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      a_digest_never_includes_what_somebody_slipped_in,
      a_table_too_large_to_read_is_partial_and_repaired,
      a_table_too_large_to_read_is_released,
  };
  return run_kernel_suite("plugins.nftables.tamper", tests, COUNT_OF(tests), kernel_setup,
                          kernel_teardown);
}
