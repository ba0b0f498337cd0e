/* The plugin needs no more than its manifest asks for: all of it works as an ordinary user with two
 * capabilities. */
#define _GNU_SOURCE
#include "kernel.h"

#include "suite.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum { NOBODY = 65534 };

static void become_nobody_with(uint32_t capabilities)
{
  struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2] = {{.effective = capabilities, .permitted = capabilities}};
  struct rlimit none = {0};
  ck_assert_int_eq(chown(host.state_dir, NOBODY, NOBODY), 0);
  ck_assert_int_eq(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), 0);
  ck_assert_int_eq(setgroups(0, NULL), 0);
  ck_assert_int_eq(setresgid(NOBODY, NOBODY, NOBODY), 0);
  ck_assert_int_eq(setresuid(NOBODY, NOBODY, NOBODY), 0);
  ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  ck_assert_int_eq((int)syscall(SYS_capset, &head, data), 0);
  ck_assert_int_eq(setrlimit(RLIMIT_CORE, &none), 0);
}

/* Of the dry run: the connection, whose it is, and nothing that could not be read. */
static void expect_all_seen(void)
{
  const cJSON *f = NULL;
  cJSON_ArrayForEach(f, cJSON_GetObjectItemCaseSensitive(host.result, "findings"))
  {
    ck_assert_str_ne(cJSON_GetObjectItemCaseSensitive(f, "check")->valuestring, "not_seen");
  }
  const cJSON *cut = cJSON_GetObjectItemCaseSensitive(host.result, "would_cut");
  const cJSON *c = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(cut, "connections"), 0);
  ck_assert_str_eq(cJSON_GetObjectItemCaseSensitive(c, "remote")->valuestring, OTHER4);
  ck_assert_str_eq(cJSON_GetObjectItemCaseSensitive(c, "user")->valuestring, "root");
}

START_TEST(everything_works_with_the_two_capabilities)
{
  int ends[2];
  bed_flow flow = {.opener = BED_DEVICE, .to = OTHER4, .to_port = 443};
  bed_open_tcp(&flow, ends);
  become_nobody_with(1u << CAP_NET_ADMIN | 1u << CAP_NET_RAW);
  ck_assert_msg(fake_run(&host, isolate->probe, 0, "{}") == CORDON_OK, "%s", host.sentence);
  ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(host.result, "features")),
                   17);
  fake_thread watching;
  fake_start(&host, isolate->watch, &watching);
  ck_assert(fake_wait_records(&host, 1, 5000));
  ck_assert_int_eq(fake_run(&host, isolate->apply, CORDON_REQ_DRY_RUN, kernel_params(NULL)),
                   CORDON_OK);
  expect_all_seen();
  kernel_isolate(NULL);
  ck_assert_int_eq((int)fake_number(&host, "sockets_ended"), 1);
  ck_assert_str_eq(kernel_state(), "isolated");
  ck_assert_msg(fake_run(&host, isolate->verify, 0, kernel_params(NULL)) == CORDON_OK, "%s",
                host.sentence);
  char path[128];
  (void)snprintf(path, sizeof(path), "%s/isolate.json", host.state_dir);
  ck_assert_int_eq(access(path, R_OK), 0);
  ck_assert_int_eq(fake_run(&host, isolate->release, 0, "{}"), CORDON_OK);
  ck_assert_int_eq(access(path, F_OK), -1);
  ck_assert_int_eq(fake_stop(&watching), CORDON_E_CANCELLED);
}
END_TEST

START_TEST(without_them_probe_says_what_is_missing)
{
  become_nobody_with(0);
  ck_assert_int_eq(fake_run(&host, isolate->probe, 0, "{}"), CORDON_E_UNAVAILABLE);
  ck_assert_ptr_nonnull(strstr(host.sentence, "CAP_NET_ADMIN"));
  ck_assert_int_eq(fake_run(&host, isolate->apply, 0, kernel_params(NULL)), CORDON_E_DENIED);
  ck_assert_int_eq(fake_run(&host, isolate->watch, 0, "{}"), CORDON_E_DENIED);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      everything_works_with_the_two_capabilities,
      without_them_probe_says_what_is_missing,
  };
  return run_kernel_suite("plugins.nftables.confined", tests, COUNT_OF(tests), kernel_setup,
                          kernel_teardown);
}
