#include "pair.h"

#include "base/clock.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEADLINE_MS 10000

static void on_frame(ipc_link *link, const ipc_frame *frame)
{
  pair_end *end = link->owner;
  ck_assert_int_eq(end->closed, 0);
  if (end->frames < END_FRAMES_MAX)
    end->types[end->frames] = frame->type;
  end->frames++;
  end->bytes += frame->payload.len;
  end->last_op = frame->op;
  (void)snprintf(end->last, sizeof(end->last), "%.*s", CD_STR_ARG(frame->payload));
  if (end->then != NULL)
    end->then(end);
}

static void on_handle(ipc_link *link, uv_handle_type type)
{
  pair_end *end = link->owner;
  end->handles++;
  if (!end->take || end->taken_count == END_TAKEN_MAX)
    return;
  ck_assert_int_eq(type, UV_TCP);
  cd_err err = {0};
  uv_tcp_t *into = &end->taken[end->taken_count++];
  ck_assert_int_eq(uv_tcp_init(link->pipe.loop, into), 0);
  ck_assert_msg(ipc_link_accept(link, (uv_stream_t *)into, &err) == CD_OK, "%s", err.text);
}

static void on_closed(ipc_link *link, cd_code code, const char *sentence)
{
  pair_end *end = link->owner;
  end->closed++;
  end->code = code;
  (void)snprintf(end->sentence, sizeof(end->sentence), "%s", sentence);
}

const ipc_link_events pair_events = {on_frame, on_handle, on_closed};
const ipc_link_events pair_events_no_handles = {on_frame, NULL, on_closed};

static void end_open(pair *p, pair_end *end, int fd, bool pass_handles, uint32_t payload_max)
{
  cd_err err = {0};
  ck_assert_msg(ipc_link_init(&end->link, &p->loop, pass_handles, payload_max, &pair_events, end,
                              &err) == CD_OK,
                "%s", err.text);
  ck_assert_int_eq(uv_pipe_open(&end->link.pipe, fd), 0);
  ck_assert_msg(ipc_link_start(&end->link, &err) == CD_OK, "%s", err.text);
}

void pair_make(pair *p, bool pass_handles)
{
  int fds[2];
  memset(p, 0, sizeof(*p));
  p->raw = -1;
  ck_assert_int_eq(uv_loop_init(&p->loop), 0);
  ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  end_open(p, &p->a, fds[0], pass_handles, UINT32_MAX);
  end_open(p, &p->b, fds[1], pass_handles, UINT32_MAX);
}

void pair_make_raw(pair *p, uint32_t payload_max)
{
  int fds[2];
  memset(p, 0, sizeof(*p));
  ck_assert_int_eq(uv_loop_init(&p->loop), 0);
  ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  end_open(p, &p->a, fds[0], false, payload_max);
  p->raw = fds[1];
  p->b.closed = 1;
}

void pair_raw_write(pair *p, const void *bytes, size_t len)
{
  ck_assert_int_eq(write(p->raw, bytes, len), (ssize_t)len);
  (void)uv_run(&p->loop, UV_RUN_NOWAIT);
}

void pair_raw_close(pair *p)
{
  (void)close(p->raw);
  p->raw = -1;
}

static void on_deadline(uv_timer_t *t)
{
  ck_abort_msg("the deadline passed");
}

void pair_run_until(pair *p, const int *count, int wanted)
{
  uv_timer_t deadline;
  ck_assert_int_eq(uv_timer_init(&p->loop, &deadline), 0);
  ck_assert_int_eq(uv_timer_start(&deadline, on_deadline, DEADLINE_MS, 0), 0);
  while (*count < wanted)
    (void)uv_run(&p->loop, UV_RUN_ONCE);
  uv_close((uv_handle_t *)&deadline, NULL);
  (void)uv_run(&p->loop, UV_RUN_NOWAIT);
}

void pair_run_idle(pair *p)
{
  for (int i = 0; i < 20; i++)
    (void)uv_run(&p->loop, UV_RUN_NOWAIT);
}

void pair_done(pair *p)
{
  if (p->a.link.events != NULL)
    ipc_link_close(&p->a.link);
  if (p->b.link.events != NULL)
    ipc_link_close(&p->b.link);
  for (int i = 0; i < p->a.taken_count; i++)
    uv_close((uv_handle_t *)&p->a.taken[i], NULL);
  for (int i = 0; i < p->b.taken_count; i++)
    uv_close((uv_handle_t *)&p->b.taken[i], NULL);
  (void)uv_run(&p->loop, UV_RUN_DEFAULT);
  ck_assert_int_eq(p->a.closed, 1);
  ck_assert_int_eq(p->b.closed, 1);
  ck_assert_int_eq(uv_loop_close(&p->loop), 0);
  if (p->raw >= 0)
    pair_raw_close(p);
}

size_t frame_bytes(uint8_t *out, uint8_t type, uint64_t op, const char *payload)
{
  size_t len = strlen(payload);
  ipc_frame_header(out, type, op, (uint32_t)len);
  memcpy(out + IPC_FRAME_HEADER, payload, len);
  return IPC_FRAME_HEADER + len;
}
