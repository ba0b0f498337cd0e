/* A channel that was taken over: it has what a channel has, speaks to the agent, and tries what
 * somebody in there would. What it is made to try is decided when it is built. */
#include "ipc/link.h"
#include "ipc/message.h"
#include "protocol/base64.h"
#include "protocol/mark.h"
#include "protocol/order.h"
#include "protocol/statement.h"

#include "base/json.h"
#include "base/limits.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROGUE_WELCOME = 1, ROGUE_ORDER, ROGUE_GARBAGE, ROGUE_FLOOD, ROGUE_SOCKETS, ROGUE_SILENT };

static ipc_link control;
static uv_loop_t loop;
static cd_key *own; /* a root, order and console key of its own making */
static char device[CD_DEVICE_ID_MAX + 1];
static uint8_t nonce[CD_NONCE_SIZE];

static int fill(void *context, unsigned char *bytes, size_t len)
{
  return uv_random(NULL, NULL, bytes, len, 0, NULL);
}

static const cd_random entropy = {.fill = fill};

static void must(cd_code rc)
{
  if (rc != CD_OK)
    _exit(9);
}

static void say(uint8_t type, uint64_t op, const char *text)
{
  cd_err err = {0};
  if (ipc_link_send(&control, type, op, cd_str_from(text), &err) != CD_OK)
    _exit(0);
}

static int64_t now_ms(void)
{
  return (int64_t)time(NULL) * 1000;
}

static void state_own(cd_buf *out)
{
  cd_err err = {0};
  cd_statement s = {.purpose = CD_PURPOSE_ORDER,
                    .key = *cd_key_public(own),
                    .generation = 9,
                    .not_before_ms = now_ms() - 1000,
                    .not_after_ms = now_ms() + 3600000};
  must(cd_statement_sign(&s, own, &entropy, out, &err));
}

static void forge_welcome(void)
{
  cd_err err = {0};
  char text[20000];
  cd_buf key = CD_BUF_INIT(8192);
  cd_buf mark = CD_BUF_INIT(8192);
  cd_mark m = {.from = CD_MARK_FROM_CONSOLE, .at_ms = now_ms(), .key_generation = 9};
  (void)cd_str_copy(m.device, sizeof(m.device), cd_str_from(device));
  memcpy(m.nonce, nonce, sizeof(m.nonce));
  state_own(&key);
  must(cd_mark_sign(&m, own, &entropy, &mark, &err));
  (void)snprintf(text, sizeof(text),
                 "{\"console\":\"x\",\"nonce\":\"AQIDBAUGBwgJCgsMDQ4PEA\",\"key\":\"%s\",\"mark\":"
                 "\"%s\"}",
                 cd_buf_cstr(&key), cd_buf_cstr(&mark));
  say(IPC_CHAN_WELCOME, 0, text);
  cd_buf_release(&key);
  cd_buf_release(&mark);
}

/* Without the console's mark no order is even looked at. */
static void forge_order(void)
{
  cd_err err = {0};
  char text[20000];
  cd_buf key = CD_BUF_INIT(8192);
  cd_buf jws = CD_BUF_INIT(8192);
  cd_order o = {.kind = CD_ORDER_ISOLATE,
                .generation = 77,
                .issued_ms = now_ms(),
                .expires_ms = now_ms() + 3600000,
                .audit_sequence = 1,
                .parameters = CD_STR("{\"type\":\"full\",\"exclusions\":[]}")};
  (void)cd_str_copy(o.device, sizeof(o.device), cd_str_from(device));
  (void)cd_str_copy(o.requestor, sizeof(o.requestor), CD_STR("mallory"));
  must(cd_id_make(o.action, &err));
  must(cd_order_sign(&o, own, &entropy, &jws, &err));
  state_own(&key);
  (void)snprintf(text, sizeof(text), "{\"order\":\"%s\",\"key\":\"%s\"}", cd_buf_cstr(&jws),
                 cd_buf_cstr(&key));
  say(IPC_CHAN_ORDER, 1, text);
  cd_buf_release(&key);
  cd_buf_release(&jws);
}

/* Without an end, and as cheap for the agent as can be: an agent that is slow sees it too. */
static void flood(void)
{
  enum { AT_ONCE = 1000 };
  static uint8_t frames[AT_ONCE * IPC_FRAME_HEADER];
  int flags = fcntl(IPC_CHANNEL_FD, F_GETFL);
  for (size_t i = 0; i < AT_ONCE; i++)
    ipc_frame_header(frames + i * IPC_FRAME_HEADER, IPC_CHAN_PONG, 0, 0);
  if (flags == -1 || fcntl(IPC_CHANNEL_FD, F_SETFL, flags & ~O_NONBLOCK) == -1)
    _exit(9);
  /* Whole frames, whatever a write takes of them. */
  for (size_t at = 0;;) {
    ssize_t n = write(IPC_CHANNEL_FD, frames + at, sizeof(frames) - at);
    if (n <= 0)
      _exit(0);
    at = (at + (size_t)n) % sizeof(frames);
  }
}

static void on_hello(cd_str payload)
{
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  cd_str text = {0};
  size_t len = 0;
  must(cd_json_parse(payload, CD_FRAME_PAYLOAD_MAX, "HELLO", &doc, &err));
  cd_json root = cd_json_root(doc);
  cd_json_str(&root, "device", CD_DEVICE_ID_MAX, &text);
  (void)cd_str_copy(device, sizeof(device), text);
  cd_json_str(&root, "nonce", 64, &text);
  (void)cd_base64url_decode(text, nonce, sizeof(nonce), &len);
  cd_json_free(doc);
  if (ROGUE == ROGUE_WELCOME)
    forge_welcome();
  if (ROGUE == ROGUE_ORDER)
    forge_order();
}

static void begin(void)
{
  say(IPC_HELLO, 0, "{\"protocol\":1,\"confined\":{}}");
  if (ROGUE == ROGUE_GARBAGE)
    say(IPC_CHAN_WELCOME, 0, "{\"nonsense\":[]}");
  if (ROGUE == ROGUE_FLOOD)
    flood();
  for (int i = 0; ROGUE == ROGUE_SOCKETS && i < 200; i++)
    say(IPC_CHAN_WANT_SOCKET, (uint64_t)i + 1, "{\"address\":\"192.0.2.1\",\"port\":1}");
  say(IPC_CHAN_OPEN, 1,
      "{\"host\":\"127.0.0.1\",\"port\":1,\"address\":\"127.0.0.1\",\"proxy\":false,\"issued\":0,"
      "\"expires\":0}");
}

static void on_frame(ipc_link *link, const ipc_frame *frame)
{
  if (frame->type == IPC_SETUP)
    begin();
  if (frame->type == IPC_CHAN_HELLO)
    on_hello(frame->payload);
}

static void on_handle(ipc_link *link, uv_handle_type type)
{
}

static void on_closed(ipc_link *link, cd_code code, const char *sentence)
{
  if (ROGUE == ROGUE_SILENT)
    (void)pause();
  _exit(0);
}

static const ipc_link_events events = {
    .on_frame = on_frame, .on_handle = on_handle, .on_closed = on_closed};

int main(void)
{
  cd_err err = {0};
  (void)signal(SIGPIPE, SIG_IGN);
  must(cd_key_generate(&entropy, &own, &err));
  (void)uv_loop_init(&loop);
  must(ipc_link_init(&control, &loop, true, CD_FRAME_PAYLOAD_MAX, &events, NULL, &err));
  if (uv_pipe_open(&control.pipe, IPC_CHANNEL_FD) != 0)
    return 9;
  must(ipc_link_start(&control, &err));
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  return 0;
}
