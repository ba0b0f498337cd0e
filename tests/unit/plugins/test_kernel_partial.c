/* Work that was done in part is not told as a success: the rules are in force, but sockets are
 * left. */
#include "kernel.h"

#include "suite.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "sockets.h"

/* From now on this process gets no socket to ask about sockets, as under a strict confinement. */
static void forbid_sock_diag(void)
{
  struct sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 5),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NETLINK_SOCK_DIAG, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPROTONOSUPPORT),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {.len = COUNT_OF(steps), .filter = steps};
  ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0), 0);
}

START_TEST(sockets_that_could_not_be_ended_make_it_partial)
{
  int ends[2];
  bed_flow flow = {.opener = BED_DEVICE, .to = OTHER4, .to_port = 443};
  bed_open_tcp(&flow, ends);
  forbid_sock_diag();
  ck_assert_int_eq(fake_run(&host, isolate->apply, 0, kernel_params(NULL)), CORDON_PARTIAL);
  ck_assert_ptr_nonnull(strstr(host.sentence, "not all sockets were ended"));
  ck_assert_str_eq(fake_text(&host, "state"), "isolated");
  const cJSON *details = cJSON_GetObjectItemCaseSensitive(host.result, "details");
  const cJSON *sockets = cJSON_GetObjectItemCaseSensitive(details, "sockets");
  ck_assert(cJSON_IsString(cJSON_GetObjectItemCaseSensitive(sockets, "note")));
  ck_assert_str_eq(kernel_state(), "isolated");
}
END_TEST

START_TEST(each_way_to_leave_sockets_has_its_words)
{
  ck_assert_ptr_null(iso_ended_note(&(iso_ended){.ended = 3, .passes = 2}));
  ck_assert_ptr_nonnull(
      strstr(iso_ended_note(&(iso_ended){.unsupported = true, .remaining = true}), "DESTROY"));
  ck_assert_ptr_nonnull(
      strstr(iso_ended_note(&(iso_ended){.failed = 1, .remaining = true}), "refused"));
  ck_assert_ptr_nonnull(strstr(iso_ended_note(&(iso_ended){.remaining = true}), "last pass"));
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      sockets_that_could_not_be_ended_make_it_partial,
      each_way_to_leave_sockets_has_its_words,
  };
  return run_kernel_suite("plugins.nftables.partial", tests, COUNT_OF(tests), kernel_setup,
                          kernel_teardown);
}
