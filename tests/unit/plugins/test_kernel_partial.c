/* Work that was done in part is not told as a success: the rules are in force, but sockets are
 * left. */
#include "kernel.h"

#include "suite.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "nft.h"
#include "sockets.h"
#include "support/netlink.h"

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

static bool take_one_part(void *data, const unsigned char *bytes, size_t len)
{
  int *parts = data;
  (void)bytes;
  (void)len;
  (*parts)++;
  return false;
}

/* A question about a table has an answer of one message. */
static void expect_right_answer(void)
{
  iso_table_ask ask;
  unsigned char answer[4096];
  const unsigned char *bytes = answer;
  size_t ask_len = 0, len = 0;
  sup_message m;
  ck_assert_int_eq(
      iso_nft_ask_of(&iso_plain_table, NFT_MSG_GETTABLE, NLM_F_REQUEST, &ask, &ask_len, NULL),
      CORDON_OK);
  ck_assert_int_eq(sup_netlink_ask_nftables(&ask, ask_len, answer, sizeof(answer), &len, NULL),
                   CORDON_OK);
  ck_assert(sup_message_next(&bytes, &len, &m));
  ck_assert_int_eq(m.type, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE);
}

/* Of a long answer only the beginning is taken, and of one that is acknowledged only the answer. */
START_TEST(the_rest_of_an_answer_is_not_taken_for_the_next)
{
  iso_table_ask ask;
  unsigned char answer[4096];
  size_t ask_len = 0, len = 0;
  int parts = 0;
  bed_shell("{ echo 'table inet cordon {'; for i in $(seq 2000); do echo \"chain c$i { }\"; done; "
            "echo '}'; } | nft -f -");
  ck_assert_int_eq(iso_nft_ask_of(&iso_plain_table, NFT_MSG_GETCHAIN, NLM_F_REQUEST | NLM_F_DUMP,
                                  &ask, &ask_len, NULL),
                   CORDON_OK);
  ck_assert_int_eq(sup_netlink_dump_nftables(&ask, ask_len, take_one_part, &parts, NULL),
                   CORDON_OK);
  ck_assert_int_eq(parts, 1);
  expect_right_answer();
  ck_assert_int_eq(iso_nft_ask_of(&iso_plain_table, NFT_MSG_GETTABLE, NLM_F_REQUEST | NLM_F_ACK,
                                  &ask, &ask_len, NULL),
                   CORDON_OK);
  ck_assert_int_eq(sup_netlink_ask_nftables(&ask, ask_len, answer, sizeof(answer), &len, NULL),
                   CORDON_OK);
  expect_right_answer();
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      sockets_that_could_not_be_ended_make_it_partial,
      each_way_to_leave_sockets_has_its_words,
      the_rest_of_an_answer_is_not_taken_for_the_next,
  };
  return run_kernel_suite("plugins.nftables.partial", tests, COUNT_OF(tests), kernel_setup,
                          kernel_teardown);
}
