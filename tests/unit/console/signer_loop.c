#include "signer_loop.h"

#include "base/clock.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define WAIT_MS 20000u

uv_loop_t loop;
con_signer *client;
answered last;
/* Repeating, so that the loop always has something to wake it. */
static uv_timer_t tick;

static void on_tick(uv_timer_t *timer)
{
  (void)timer;
}

void loop_begin(uint64_t signer_user)
{
  const con_signer_options options = {.socket = socket_path(), .user_id = signer_user};
  (void)signal(SIGPIPE, SIG_IGN); /* as every program of ours does */
  ck_assert_int_eq(uv_loop_init(&loop), 0);
  ck_assert_int_eq(uv_timer_init(&loop, &tick), 0);
  ck_assert_int_eq(uv_timer_start(&tick, on_tick, 20, 20), 0);
  expect_ok(con_signer_open(&loop, &options, &client, &err));
}

void loop_end(void)
{
  con_signer_close(client, NULL, NULL);
  uv_close((uv_handle_t *)&tick, NULL);
  ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ck_assert_int_eq(uv_loop_close(&loop), 0);
}

void on_answer(void *context, const con_signer_reply *reply)
{
  answered *a = context;
  a->count++;
  a->code = reply->code;
  (void)snprintf(a->sentence, sizeof(a->sentence), "%s", reply->sentence);
  ck_assert(cd_str_copy(a->order, sizeof(a->order), reply->order));
  ck_assert(cd_str_copy(a->order_key, sizeof(a->order_key), reply->order_key));
}

void wait_for(unsigned count)
{
  uint64_t deadline = cd_mono_ms() + WAIT_MS;
  while (last.count < count && cd_mono_ms() < deadline)
    (void)uv_run(&loop, UV_RUN_ONCE);
  ck_assert_uint_eq(last.count, count);
}

void client_attach(void)
{
  last = (answered){0};
  con_signer_attach(client, test_seal(), on_answer, &last);
  ck_assert_uint_eq(last.count, 0);
  wait_for(1);
}

void client_sign(const char *device, const con_action_made *made)
{
  const con_sign_order order = {.device = cd_str_from(device),
                                .action = cd_str_from(made->id),
                                .generation = made->generation,
                                .expires_ms = made->created_ms + HOUR_MS / 2,
                                .parameters = CD_STR(FULL),
                                .audit = made->audit};
  last = (answered){0};
  con_signer_sign_order(client, &order, on_answer, &last);
  wait_for(1);
}
