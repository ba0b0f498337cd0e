/* The signer's socket and the console's side of it, in one loop. */
#include "signer_loop.h"

#include "base/clock.h"
#include "base/limits.h"
#include "ipc/link.h"
#include "ipc/message.h"
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static con_store *store;
static sig_signer signer;
static sig_server *server;
static fleet_device desk;

static void begin(const char *user)
{
  store = open_store();
  enroll_device(store, "desk", &desk);
  open_signer(&signer, NULL);
  if (user != NULL)
    (void)snprintf(signer.config.console_user, sizeof(signer.config.console_user), "%s", user);
  loop_begin(UINT64_MAX);
  expect_ok(sig_server_start(&loop, &signer, &server, &err));
}

static void end(void)
{
  sig_server_stop(server);
  loop_end();
  sig_close(&signer);
  free_device(&desk);
  con_store_close(store);
}

START_TEST(requests_are_answered_over_the_socket)
{
  begin(NULL);
  con_action_made made = isolate(store, desk.enrolled.device);
  client_attach();
  ck_assert_msg(last.code == CD_OK, "%s", last.sentence);
  client_sign(desk.enrolled.device, &made);
  ck_assert_msg(last.code == CD_OK, "%s", last.sentence);
  ck_assert_str_ne(last.order, "");
  made.audit.digest.bytes[3] ^= 1;
  client_sign(desk.enrolled.device, &made);
  ck_assert_int_eq(last.code, CD_E_CONFLICT);
  ck_assert_str_eq(last.order, "");
  end();
}
END_TEST

START_TEST(many_requests_are_answered_in_their_order)
{
  const con_sign_mark mark = {.device = CD_STR("d")};
  begin(NULL);
  client_attach();
  last = (answered){0};
  for (int i = 0; i < 100; i++)
    con_signer_mark(client, &mark, on_answer, &last);
  con_signer_head(client, NULL, 0, on_answer, &last);
  wait_for(101);
  ck_assert_int_eq(last.code, CD_OK);
  ck_assert_str_eq(last.order_key, "");
  end();
}
END_TEST

START_TEST(another_user_is_turned_away)
{
  begin("4000000");
  client_attach();
  ck_assert_int_eq(last.code, CD_E_UNAVAILABLE);
  ck_assert(!signer.log.sealed);
  end();
}
END_TEST

START_TEST(without_a_signer_there_is_an_answer_and_with_one_again_an_order)
{
  begin(NULL);
  con_action_made made = isolate(store, desk.enrolled.device);
  client_attach();
  sig_server_stop(server);
  last = (answered){0};
  client_sign(desk.enrolled.device, &made);
  ck_assert_int_eq(last.code, CD_E_UNAVAILABLE);
  client_sign(desk.enrolled.device, &made);
  ck_assert_int_eq(last.code, CD_E_UNAVAILABLE);
  ck_assert_ptr_nonnull(strstr(last.sentence, "cannot be reached"));
  expect_ok(sig_server_start(&loop, &signer, &server, &err));
  client_sign(desk.enrolled.device, &made);
  ck_assert_msg(last.code == CD_OK, "%s", last.sentence);
  end();
}
END_TEST

START_TEST(what_is_open_when_the_client_closes_is_answered)
{
  begin(NULL);
  last = (answered){0};
  con_signer_head(client, NULL, 0, on_answer, &last);
  con_signer_head(client, NULL, 0, on_answer, &last);
  end();
  ck_assert_uint_eq(last.count, 2);
  ck_assert_int_eq(last.code, CD_E_CANCELLED);
}
END_TEST

/* ---- a client that does not keep to the rules ---- */

typedef struct rude {
  ipc_link link;
  uv_connect_t connect;
  const char *payload;
  size_t len;
  uint8_t type;
  bool closed;
  char answer[1024];
} rude;

static void rude_frame(ipc_link *link, const ipc_frame *frame)
{
  rude *r = link->owner;
  (void)snprintf(r->answer, sizeof(r->answer), "%.*s", CD_STR_ARG(frame->payload));
  ipc_link_close(link);
}

static void rude_closed(ipc_link *link, cd_code code, const char *sentence)
{
  rude *r = link->owner;
  r->closed = true;
}

static const ipc_link_events rude_events = {.on_frame = rude_frame, .on_closed = rude_closed};

static void rude_connected(uv_connect_t *req, int status)
{
  rude *r = req->data;
  ck_assert_int_eq(status, 0);
  expect_ok(ipc_link_start(&r->link, &err));
  expect_ok(ipc_link_send(&r->link, r->type, 1, (cd_str){r->payload, r->len}, &err));
}

static void be_rude(rude *r)
{
  uint64_t deadline = cd_mono_ms() + 20000;
  expect_ok(ipc_link_init(&r->link, &loop, false, CD_FRAME_PAYLOAD_MAX, &rude_events, r, &err));
  r->connect.data = r;
  uv_pipe_connect(&r->connect, &r->link.pipe, socket_path(), rude_connected);
  while (!r->closed && cd_mono_ms() < deadline)
    (void)uv_run(&loop, UV_RUN_ONCE);
  ck_assert(r->closed);
}

START_TEST(malformed_and_oversized_requests_do_no_harm)
{
  static char large[SIG_REQUEST_MAX + 1];
  begin(NULL);
  memset(large, ' ', sizeof(large));
  rude garbage = {.payload = "garbage", .len = 7, .type = IPC_REQUEST};
  rude oversized = {.payload = large, .len = sizeof(large), .type = IPC_REQUEST};
  rude wrong = {.payload = "{}", .len = 2, .type = IPC_SETUP};
  be_rude(&garbage);
  ck_assert_ptr_nonnull(strstr(garbage.answer, "\"ok\":false"));
  ck_assert_ptr_nonnull(strstr(garbage.answer, "the request"));
  be_rude(&oversized);
  ck_assert_str_eq(oversized.answer, "");
  be_rude(&wrong);
  ck_assert_str_eq(wrong.answer, "");
  client_attach();
  ck_assert_msg(last.code == CD_OK, "%s", last.sentence);
  end();
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      requests_are_answered_over_the_socket,
      many_requests_are_answered_in_their_order,
      another_user_is_turned_away,
      without_a_signer_there_is_an_answer_and_with_one_again_an_order,
      what_is_open_when_the_client_closes_is_answered,
      malformed_and_oversized_requests_do_no_harm,
  };
  return run_suite("console.signer.socket", tests, COUNT_OF(tests));
}
