/* The agent's end: SETUP, the confinement, and frames both ways. */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/log.h"
#include "chan.h"
#include "ipc/message.h"
#include "message.h"
#include "platform/confine.h"

#include "base/banned.h"

#define FILES 96u /* candidates, their copies, the loop's own */

void chan_send(chan *c, uint8_t type, uint64_t op, cd_str payload)
{
  cd_err err = {0};
  if (c->leaving)
    return;
  if (ipc_link_send(&c->link, type, op, payload, &err) != CD_OK) {
    cd_log(CD_AREA_CHANNEL, CD_LOG_ERROR, "%s", err.text);
    exit(CHAN_EXIT_LINK);
  }
}

void chan_tell_lost(chan *c, const char *sentence, uint32_t wait_ms)
{
  cd_buf text = CD_BUF_INIT(4096);
  cd_jw w;
  cd_err err = {0};
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "sentence", sentence);
  cd_jw_u64(&w, "wait_ms", wait_ms);
  cd_jw_end_obj(&w);
  if (cd_jw_done(&w, "CHAN_LOST", &err) == CD_OK)
    chan_send(c, IPC_CHAN_LOST, c->connection, cd_buf_view(&text));
  cd_buf_release(&text);
}

void chan_leave(chan *c, int exit_code)
{
  if (c->leaving)
    return;
  c->leaving = true;
  c->exit_code = exit_code;
  ipc_link_finish(&c->link);
}

/* ---- SETUP ---- */

static cd_code confine(chan *c, cd_buf *ret_report, cd_err *err)
{
  char user[64] = "";
  (void)cd_str_copy(user, sizeof(user), c->setup.user);
  pf_confine how = {.user = user[0] != '\0' ? user : NULL,
                    .memory_bytes = IPC_CHANNEL_MEMORY_BYTES,
                    .files = FILES,
                    .file_bytes = 1,
                    .client = true,
                    .parent = c->setup.parent};
  return pf_confine_self(&how, ret_report, err);
}

static cd_code make_tls(chan *c, cd_err *err)
{
  net_tls_credentials from = {
      .ca = c->setup.ca, .certificate = c->setup.certificate, .key = c->setup.key};
  cd_code rc = CD_OK;
  if (c->setup.mode == CHAN_CONNECT)
    rc = chan_certificate_read(c->setup.certificate, &c->certificate, err);
  return rc == CD_OK ? net_tls_config_new(&from, &c->tls, err) : rc;
}

static void refuse(chan *c, const cd_err *why)
{
  cd_buf text = CD_BUF_INIT(4096);
  cd_jw w;
  cd_err err = {0};
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "status", cd_code_name(why->code));
  cd_jw_i64(&w, "os_error", why->os_error);
  cd_jw_cstr(&w, "sentence", why->text);
  cd_jw_end_obj(&w);
  if (cd_jw_done(&w, "REFUSED", &err) == CD_OK)
    chan_send(c, IPC_REFUSED, 0, cd_buf_view(&text));
  cd_buf_release(&text);
  chan_leave(c, CHAN_EXIT_REFUSED);
}

static void greet(chan *c, cd_str confined)
{
  cd_buf text = CD_BUF_INIT(4096);
  cd_buf_add_cstr(&text, "{\"protocol\":1,\"confined\":");
  cd_buf_add_str(&text, confined);
  cd_buf_add_char(&text, '}');
  chan_send(c, IPC_HELLO, 0, cd_buf_view(&text));
  cd_buf_release(&text);
}

static void set_up(chan *c, cd_str payload)
{
  cd_err err = {0};
  cd_buf report = CD_BUF_INIT(2048);
  cd_code rc = chan_setup_read(payload, &c->setup, &err);
  if (rc == CD_OK)
    rc = confine(c, &report, &err);
  if (rc == CD_OK)
    rc = make_tls(c, &err);
  if (rc == CD_OK) {
    c->ready = true;
    greet(c, cd_buf_view(&report));
    if (c->setup.mode == CHAN_ENROLL)
      chan_enroll(c);
    else
      chan_connect(c);
  } else {
    refuse(c, &err);
  }
  cd_buf_release(&report);
}

/* ---- frames ---- */

static void on_socket(chan *c, const ipc_frame *frame)
{
  cd_code code = CD_E_INTERNAL;
  char sentence[CD_ERR_TEXT_MAX] = "";
  cd_err err = {0};
  if (chan_socket_read(frame->payload, &code, sentence, &err) != CD_OK)
    cd_log(CD_AREA_CHANNEL, CD_LOG_ERROR, "%s", err.text);
  chan_dial_frame(c, frame->op, code, sentence);
}

static void on_frame(ipc_link *link, const ipc_frame *frame)
{
  chan *c = link->owner;
  if (c->leaving)
    return;
  if (!c->ready) {
    if (frame->type == IPC_SETUP)
      set_up(c, frame->payload);
    return;
  }
  switch (frame->type) {
  case IPC_QUIT: chan_leave(c, 0); break;
  case IPC_CHAN_SOCKET: on_socket(c, frame); break;
  case IPC_CHAN_PING: chan_send(c, IPC_CHAN_PONG, frame->op, CD_STR("{}")); break;
  case IPC_CHAN_HELLO:
  case IPC_CHAN_MARK:
  case IPC_CHAN_RESULT:
  case IPC_CHAN_REPORT:
  case IPC_CHAN_PROGRESS:
  case IPC_CHAN_ORDER_ACK:
  case IPC_CHAN_POLICY_ACK:
  case IPC_CHAN_RENEW:
  case IPC_CHAN_PACKAGE:
  case IPC_CHAN_CHUNK:
  case IPC_CHAN_DROP: chan_session_frame(c, frame); break;
  default: cd_log(CD_AREA_CHANNEL, CD_LOG_WARN, "a message of type %u is not known", frame->type);
  }
}

static void on_handle(ipc_link *link, uv_handle_type type)
{
  if (type == UV_TCP)
    chan_dial_handle(link->owner);
}

/* Without the agent there is nothing to do here. */
static void on_closed(ipc_link *link, cd_code code, const char *sentence)
{
  chan *c = link->owner;
  if (code != CD_OK)
    cd_log(CD_AREA_CHANNEL, CD_LOG_ERROR, "the link to the agent: %s", sentence);
  _Exit(c->leaving ? c->exit_code : CHAN_EXIT_LINK);
}

static const ipc_link_events events = {
    .on_frame = on_frame, .on_handle = on_handle, .on_closed = on_closed};

cd_code chan_link_open(chan *c, uv_file control, cd_err *err)
{
  cd_code rc = ipc_link_init(&c->link, &c->loop, true, CD_FRAME_PAYLOAD_MAX, &events, c, err);
  if (rc != CD_OK)
    return rc;
  int uv = uv_pipe_open(&c->link.pipe, control);
  if (uv != 0)
    return cd_fail_os(err, CD_E_IO, -uv, "the link to the agent cannot be opened: %s",
                      uv_strerror(uv));
  return ipc_link_start(&c->link, err);
}
