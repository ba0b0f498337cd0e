/* One connection after the other to a console: dialling, the WebSocket, waiting before the next. */
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/log.h"
#include "chan.h"
#include "ipc/message.h"
#include "message.h"
#include "platform/socket.h"

#include "base/banned.h"

static void on_timer(uv_timer_t *timer)
{
  chan_connect(timer->data);
}

static uint32_t random_below(uint32_t limit)
{
  uint32_t x = 0;
  (void)uv_random(NULL, NULL, &x, sizeof(x), 0, NULL);
  return x % limit;
}

/* Between half of the growing wait and all of it, so that a fleet does not come back at once. */
static uint32_t next_wait(const chan *c)
{
  uint32_t wait = CHAN_WAIT_MIN_MS;
  for (unsigned i = 0; i < c->failures && wait < CHAN_WAIT_MAX_MS; i++)
    wait *= 2;
  if (wait > CHAN_WAIT_MAX_MS)
    wait = CHAN_WAIT_MAX_MS;
  wait = wait / 2 + random_below(wait / 2 + 1);
  if (wait < CHAN_WAIT_MIN_MS)
    wait = CHAN_WAIT_MIN_MS;
  uint32_t asked_ms = c->retry_after_s * 1000u;
  return asked_ms > wait ? asked_ms + random_below(CHAN_WAIT_MIN_MS * 5) : wait;
}

static void come_again(chan *c, const char *sentence)
{
  uint32_t wait = next_wait(c);
  c->failures++;
  c->retry_after_s = 0;
  c->console = 0;
  if (c->leaving)
    return;
  chan_tell_lost(c, sentence, wait);
  (void)uv_timer_start(&c->timer, on_timer, wait, 0);
}

/* ---- the WebSocket ---- */

static void tell_open(chan *c)
{
  cd_buf text = CD_BUF_INIT(1024);
  cd_jw w;
  cd_err err = {0};
  const chan_console *console =
      &c->setup.consoles[c->setup.has_proxy ? c->console : c->target.console];
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "host", console->host);
  cd_jw_u64(&w, "port", console->port);
  cd_jw_cstr(&w, "address", c->target.text);
  cd_jw_bool(&w, "proxy", c->setup.has_proxy);
  cd_jw_i64(&w, "issued", c->certificate.not_before_ms);
  cd_jw_i64(&w, "expires", c->certificate.not_after_ms);
  cd_jw_end_obj(&w);
  if (cd_jw_done(&w, "CHAN_OPEN", &err) == CD_OK)
    chan_send(c, IPC_CHAN_OPEN, c->connection, cd_buf_view(&text));
  cd_buf_release(&text);
}

static void on_open(net_ws *ws, void *owner)
{
  chan *c = owner;
  c->connection++;
  c->greeted = false;
  c->marked = false;
  c->dropping = false;
  c->asked_count = 0;
  c->order_count = 0;
  tell_open(c);
  CD_FAULT_POINT("channel.opened");
}

static void on_message(net_ws *ws, void *owner, cd_ws_opcode type, cd_str payload)
{
  chan *c = owner;
  if (type != CD_WS_TEXT) {
    net_ws_close(ws, CD_WS_CLOSE_POLICY, CD_STR("streams go to the console only"));
    return;
  }
  chan_console_message(c, payload);
}

static void try_next(chan *c, const char *why)
{
  if (c->setup.has_proxy && ++c->console < c->setup.console_count)
    chan_connect(c);
  else if (c->setup.has_proxy)
    come_again(c, why);
  else
    chan_dial_next(c, why);
}

static void on_closed(net_ws *ws, void *owner, const net_ws_end *end)
{
  chan *c = owner;
  const char *why = end->sentence[0] != '\0' ? end->sentence : "the connection was closed";
  char text[CD_ERR_TEXT_MAX];
  c->ws = NULL;
  if (c->leaving)
    return;
  c->retry_after_s = end->retry_after_s;
  if (end->was_open) {
    come_again(c, why);
    return;
  }
  (void)snprintf(text, sizeof(text), "%s port %u: %.400s", c->target.text, c->target.port, why);
  if (c->retry_after_s > 0)
    come_again(c, text);
  else
    try_next(c, text);
}

static const net_ws_events ws_events = {
    .on_open = on_open, .on_message = on_message, .on_closed = on_closed};

static void on_dialled(chan *c, cd_code code, uv_os_sock_t socket, const chan_candidate *target)
{
  cd_err err = {0};
  if (code != CD_OK) {
    come_again(c, c->dial.why[0] != '\0' ? c->dial.why : "no console has an address");
    return;
  }
  c->target = *target;
  const chan_console *console =
      &c->setup.consoles[c->setup.has_proxy ? c->console : target->console];
  net_proxy proxy = {.has_credentials = c->setup.has_credentials,
                     .user = c->setup.proxy_user,
                     .password = c->setup.proxy_password};
  net_ws_options options = {.endpoint = {.socket = socket,
                                         .proxy = c->setup.has_proxy ? &proxy : NULL,
                                         .host = cd_str_from(console->host),
                                         .port = console->port},
                            .tls = c->tls,
                            .path = c->setup.path,
                            .protocol = CD_STR(CD_PROTOCOL_NAME),
                            .agent = c->setup.agent,
                            .ping_ms = 60000};
  if (net_ws_open(&c->loop, &options, &ws_events, c, &c->ws, &err) != CD_OK) {
    pf_socket_close(socket);
    try_next(c, err.text);
  }
}

void chan_connect(chan *c)
{
  if (c->setup.has_proxy)
    chan_dial_start(c, &c->setup.proxy, 1, on_dialled);
  else
    chan_dial_start(c, c->setup.consoles, c->setup.console_count, on_dialled);
}

/* ---- what the agent says ---- */

static void greet(chan *c, const ipc_frame *frame, cd_buf *out, cd_err *err)
{
  cd_hello hello;
  cd_json_doc *doc = NULL;
  if (frame->op != c->connection)
    return; /* it answers a connection that is gone */
  if (chan_hello_read(frame->payload, &doc, &hello, err) != CD_OK)
    return;
  c->greeted = chan_ask(c, 1, CD_METHOD_HELLO);
  if (c->greeted && cd_hello_write(&hello, 1, out, err) == CD_OK)
    chan_console_say(c, out, err);
  cd_json_free(doc);
}

static void say_document(chan *c, const ipc_frame *frame, cd_method method, const char *member,
                         bool asks, cd_buf *out, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_str jws = {0};
  cd_code rc = chan_text_read(frame->payload, member, CD_MESSAGE_MAX, &doc, &jws, err);
  if (rc == CD_OK && asks && !chan_ask(c, frame->op, method))
    rc = cd_fail(err, CD_E_LIMIT, "the agent asks more than the console answers");
  if (rc == CD_OK && method == CD_METHOD_RENEW)
    rc = cd_renew_write(jws, frame->op, out, err);
  if (rc == CD_OK && method == CD_METHOD_RENEW && !cd_str_copy(c->csr, sizeof(c->csr), jws))
    rc = cd_fail(err, CD_E_LIMIT, "the request for a certificate is too long");
  if (rc == CD_OK && method != CD_METHOD_RENEW)
    rc = cd_signed_write(method, jws, asks ? frame->op : 0, out, err);
  if (rc == CD_OK)
    chan_console_say(c, out, err);
  cd_json_free(doc);
}

static void say_progress(chan *c, const ipc_frame *frame, cd_buf *out, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_progress p;
  if (chan_progress_read(frame->payload, &doc, &p, err) != CD_OK)
    return;
  /* It is for people: a console that does not read is spared it. */
  if (net_ws_queued(c->ws) == 0 && cd_progress_write(&p, out, err) == CD_OK)
    chan_console_say(c, out, err);
  cd_json_free(doc);
}

static void say_order_ack(chan *c, const ipc_frame *frame, cd_buf *out, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_order_ack ack = {0};
  bool known = false;
  for (unsigned i = 0; i < c->order_count && !known; i++) {
    known = c->orders[i] == frame->op;
    if (known)
      c->orders[i] = c->orders[--c->order_count];
  }
  if (!known || chan_order_ack_read(frame->payload, &doc, &ack, err) != CD_OK)
    return;
  CD_FAULT_POINT("channel.before_order_ack");
  if (cd_order_ack_write(&ack, frame->op, out, err) == CD_OK)
    chan_console_say(c, out, err);
  CD_FAULT_POINT("channel.acked");
  cd_json_free(doc);
}

static void drop(chan *c, const ipc_frame *frame, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_str why = {0};
  if (chan_text_read(frame->payload, "sentence", CD_SENTENCE_MAX, &doc, &why, err) != CD_OK)
    return;
  c->dropping = true;
  net_ws_close(c->ws, CD_WS_CLOSE_POLICY, (cd_str){why.ptr, cd_str_utf8_cut(why, 120)});
  cd_json_free(doc);
}

static void say_package(chan *c, const ipc_frame *frame, cd_buf *out, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_str action = {0};
  char id[CD_ID_SIZE];
  cd_code rc = chan_text_read(frame->payload, "action", CD_ID_SIZE - 1, &doc, &action, err);
  if (rc == CD_OK && !cd_str_copy(id, sizeof(id), action))
    rc = cd_fail(err, CD_E_INVALID, "the id of an action is too long");
  if (rc == CD_OK && !chan_ask(c, frame->op, CD_METHOD_PACKAGE))
    rc = cd_fail(err, CD_E_LIMIT, "the agent asks more than the console answers");
  if (rc == CD_OK && cd_package_write(id, frame->op, out, err) == CD_OK)
    chan_console_say(c, out, err);
  cd_json_free(doc);
}

/* The agent sends no more than the console has said that it can take. */
static void say_chunk(chan *c, const ipc_frame *frame, cd_err *err)
{
  CD_FAULT_POINT("collect.channel_chunk");
  if (net_ws_send_binary(c->ws, frame->payload, err) != CD_OK)
    net_ws_close(c->ws, CD_WS_CLOSE_POLICY, CD_STR("the console does not read"));
}

void chan_session_frame(chan *c, const ipc_frame *frame)
{
  cd_buf out = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_err err = {0};
  /* Before HELLO everything belongs to a connection that is gone. */
  if (c->ws == NULL || c->dropping || (!c->greeted && frame->type != IPC_CHAN_HELLO))
    return;
  switch (frame->type) {
  case IPC_CHAN_HELLO: greet(c, frame, &out, &err); break;
  case IPC_CHAN_MARK: say_document(c, frame, CD_METHOD_MARK, "mark", true, &out, &err); break;
  case IPC_CHAN_RESULT:
    CD_FAULT_POINT("channel.result");
    say_document(c, frame, CD_METHOD_RESULT, "result", true, &out, &err);
    CD_FAULT_POINT("channel.result_said");
    break;
  case IPC_CHAN_REPORT:
    say_document(c, frame, CD_METHOD_REPORT, "report", false, &out, &err);
    break;
  case IPC_CHAN_RENEW: say_document(c, frame, CD_METHOD_RENEW, "csr", true, &out, &err); break;
  case IPC_CHAN_PROGRESS: say_progress(c, frame, &out, &err); break;
  case IPC_CHAN_PACKAGE: say_package(c, frame, &out, &err); break;
  case IPC_CHAN_CHUNK: say_chunk(c, frame, &err); break;
  case IPC_CHAN_ORDER_ACK:
  case IPC_CHAN_POLICY_ACK: say_order_ack(c, frame, &out, &err); break;
  default: drop(c, frame, &err); break;
  }
  if (err.code != CD_OK)
    cd_log(CD_AREA_CHANNEL, CD_LOG_WARN, "a message of the agent was not passed on: %s", err.text);
  cd_buf_release(&out);
}
