/* What plugins share: text with a ceiling, strict JSON, calls of a host whose table is older,
 * probes. */
#include "support/call.h"
#include "support/json.h"
#include "support/probe.h"
#include "support/text.h"

#include "suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

START_TEST(text_stops_at_its_ceiling_and_is_empty_then)
{
  sup_text t = SUP_TEXT_INIT(10);
  ck_assert_str_eq(sup_text_get(&t), "");
  sup_text_add(&t, "01234");
  sup_text_addf(&t, "%d", 56789);
  ck_assert_str_eq(sup_text_get(&t), "0123456789");
  ck_assert(!t.failed);
  sup_text_add(&t, "x");
  ck_assert(t.failed);
  sup_text_add(&t, "y");
  sup_text_addf(&t, "%s", "z");
  ck_assert_str_eq(sup_text_get(&t), "");
  sup_text_release(&t);
  ck_assert(!t.failed);
  sup_text_add(&t, "again");
  ck_assert_str_eq(sup_text_get(&t), "again");
  sup_text_release(&t);
}
END_TEST

START_TEST(a_failure_carries_its_sentence_and_the_error_of_the_os)
{
  sup_err err = {0};
  ck_assert_int_eq(sup_fail(&err, CORDON_E_LIMIT, "%d too many", 3), CORDON_E_LIMIT);
  ck_assert_str_eq(err.sentence, "3 too many");
  ck_assert_int_eq(sup_fail_os(&err, EACCES, "no door"), CORDON_E_DENIED);
  ck_assert_str_eq(err.sentence, "no door: Permission denied");
  ck_assert_uint_eq(err.os_error, EACCES);
  ck_assert_int_eq(sup_fail(NULL, CORDON_E_IO, "nobody listens"), CORDON_E_IO);
}
END_TEST

START_TEST(texts_of_unknown_making_become_utf8)
{
  static const char *const rows[][2] = {
      {"plain", "plain"},
      {"\xe5\xbe\xa1", "\xe5\xbe\xa1"},
      {"a\xff"
       "b",
       "a?b"},
      {"\xc0\xaf", "??"},
      {"\xed\xa0\x80", "???"},
      {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
      {"\xf4\x90\x80\x80", "????"},
      {"\xe5\xbe", "??"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    cJSON *o = cJSON_CreateObject();
    sup_json_add_text(o, "t", rows[i][0]);
    ck_assert_str_eq(sup_json_get(o, "t")->valuestring, rows[i][1]);
    sup_json_add_text(o, "none", NULL);
    ck_assert(cJSON_IsNull(sup_json_get(o, "none")));
    cJSON_Delete(o);
  }
}
END_TEST

START_TEST(an_escaped_backslash_before_u0000_is_no_nul)
{
  sup_err err = {0};
  static const char harmless[] = "{\"a\":\"\\\\u0000\"}";
  static const char harmful[] = "{\"a\":\"\\\\\\u0000\"}";
  cJSON *doc = sup_json_parse(harmless, sizeof(harmless) - 1, &err);
  ck_assert_ptr_nonnull(doc);
  cJSON_Delete(doc);
  ck_assert_ptr_null(sup_json_parse(harmful, sizeof(harmful) - 1, &err));
}
END_TEST

/* A host from before anything but log() existed, and one whose pointers are all absent. */
START_TEST(an_older_host_is_not_called_beyond_its_table)
{
  cordon_host old = {.struct_size = offsetof(cordon_host, cancelled)};
  cordon_host empty = {.struct_size = sizeof(cordon_host)};
  old.cancelled = (int32_t(CORDON_CALL *)(const cordon_host *, cordon_op))(
      uintptr_t)1; /* a trap, if it were called */
  cordon_request request = {
      .struct_size = offsetof(cordon_request, budget_ms), .op = 7, .budget_ms = 1};
  const cordon_host *const hosts[] = {&old, &empty};
  for (size_t i = 0; i < COUNT_OF(hosts); i++) {
    sup_call call;
    sup_err err = {0};
    cJSON *o = cJSON_CreateObject();
    sup_call_begin(&call, hosts[i], &request);
    ck_assert(call.op == 7);
    ck_assert(call.deadline_ms == 0);
    ck_assert_ptr_null(sup_call_params(&call, &err));
    ck_assert_int_eq(sup_call_check(&call, &err), CORDON_OK);
    sup_call_progress(&call, 1, 2, "step");
    ck_assert_int_eq(sup_call_emit(&call, o), CORDON_E_UNSUPPORTED);
    ck_assert_int_eq(sup_call_result(&call, o, &err), CORDON_E_UNSUPPORTED);
    ck_assert_int_eq(sup_call_end(&call, CORDON_E_IO, &err), CORDON_E_IO);
    sup_log(hosts[i], 0, CORDON_LOG_INFO, "line");
    cJSON_Delete(o);
  }
}
END_TEST

START_TEST(a_call_ends_at_its_deadline)
{
  cordon_host host = {.struct_size = sizeof(cordon_host)};
  cordon_request request = {.struct_size = sizeof(cordon_request), .budget_ms = UINT64_MAX};
  sup_call call;
  sup_err err = {0};
  sup_call_begin(&call, &host, &request);
  ck_assert(call.deadline_ms == UINT64_MAX);
  call.deadline_ms = sup_now_ms();
  ck_assert_int_eq(sup_call_check(&call, &err), CORDON_E_DEADLINE);
  ck_assert(sup_call_until(&call, 1000) == call.deadline_ms);
}
END_TEST

static struct sockaddr_storage loopback(int family, uint16_t port)
{
  struct sockaddr_storage to = {0};
  struct sockaddr_in *four = (struct sockaddr_in *)&to;
  struct sockaddr_in6 *six = (struct sockaddr_in6 *)&to;
  to.ss_family = (sa_family_t)family;
  if (family == AF_INET) {
    four->sin_port = htons(port);
    four->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  } else {
    six->sin6_port = htons(port);
    six->sin6_addr = in6addr_loopback;
  }
  return to;
}

START_TEST(probes_tell_an_answer_from_a_refusal)
{
  struct sockaddr_storage self = loopback(AF_INET, 0);
  socklen_t len = sizeof(struct sockaddr_in);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ck_assert_int_eq(bind(listener, (struct sockaddr *)&self, len), 0);
  ck_assert_int_eq(listen(listener, 1), 0);
  ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&self, &len), 0);
  sup_probe probes[] = {
      {.kind = SUP_PROBE_TCP, .to = self},
      {.kind = SUP_PROBE_TCP, .to = loopback(AF_INET, 1)},
      {.kind = SUP_PROBE_UDP, .to = loopback(AF_INET, 1), .payload = "x", .payload_len = 1},
      {.kind = SUP_PROBE_NONE},
  };
  for (size_t i = 0; i < COUNT_OF(probes); i++)
    sup_probe_start(&probes[i]);
  sup_probe_wait(probes, COUNT_OF(probes), sup_now_ms() + 5000);
  ck_assert(probes[0].answered && probes[0].os_error == 0);
  ck_assert(!probes[1].answered && probes[1].os_error == ECONNREFUSED);
  ck_assert(probes[2].left && !probes[2].answered && probes[2].os_error == ECONNREFUSED);
  ck_assert_int_eq(probes[3].os_error, EINVAL);
  for (size_t i = 0; i < COUNT_OF(probes); i++)
    ck_assert_int_eq(probes[i].fd, -1);
  (void)close(listener);
}
END_TEST

START_TEST(pings_and_raw_syns_reach_this_machine)
{
  if (geteuid() != 0)
    return; /* raw sockets; the kernel tests, which need root anyway, use them too */
  sup_probe probes[] = {
      {.kind = SUP_PROBE_ICMP, .to = loopback(AF_INET, 0)},
      {.kind = SUP_PROBE_ICMP, .to = loopback(AF_INET6, 0)},
      {.kind = SUP_PROBE_SYN, .to = loopback(AF_INET, 1)},
      {.kind = SUP_PROBE_SYN, .to = loopback(AF_INET6, 1)},
  };
  for (size_t i = 0; i < COUNT_OF(probes); i++) {
    sup_probe_start(&probes[i]);
    ck_assert_msg(probes[i].left, "probe %zu: %s", i, strerror(probes[i].os_error));
  }
  sup_probe_wait(probes, COUNT_OF(probes), sup_now_ms() + 5000);
  ck_assert(probes[0].answered && probes[1].answered);
  ck_assert(!probes[2].answered && !probes[3].answered);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      text_stops_at_its_ceiling_and_is_empty_then,
      a_failure_carries_its_sentence_and_the_error_of_the_os,
      texts_of_unknown_making_become_utf8,
      an_escaped_backslash_before_u0000_is_no_nul,
      an_older_host_is_not_called_beyond_its_table,
      a_call_ends_at_its_deadline,
      probes_tell_an_answer_from_a_refusal,
      pings_and_raw_syns_reach_this_machine,
  };
  return run_suite("plugins.support", tests, COUNT_OF(tests));
}
