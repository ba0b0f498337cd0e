/* libwebsockets at one end of a WebSocket: `lws_peer server` is the echo server that ours.c
 * describes and prints its port first; `lws_peer client PORT` checks ours. `lws_peer server FOLDER`
 * serves over TLS with the server.pem, server.key and ca.pem there, to clients with a certificate
 * of that CA. */
#include "conn.h"

#include "base/buf.h"

#include <libwebsockets.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIXED "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"
#define PIECES_MAX 64

/* One frame to be written. */
typedef struct piece {
  enum lws_write_protocol how;
  cd_buf bytes; /* with LWS_PRE in front */
} piece;

typedef struct session {
  struct lws *wsi;
  cd_buf message;
  piece pieces[PIECES_MAX];
  unsigned first;
  unsigned count;
  bool closing; /* once everything is written */
  enum lws_close_status code;
  char reason[64];
  unsigned step; /* of the client */
} session;

static bool is_client;
static bool is_done; /* the client has checked everything */
static unsigned connection;

/* ---- writing ---- */

static void queue(session *s, int how, cd_str payload)
{
  static const char room[LWS_PRE];
  check(s->count < PIECES_MAX, "too many frames wait");
  piece *p = &s->pieces[(s->first + s->count++) % PIECES_MAX];
  p->how = (enum lws_write_protocol)how;
  cd_buf_init(&p->bytes, SIZE_MAX);
  cd_buf_add(&p->bytes, room, LWS_PRE);
  cd_buf_add_str(&p->bytes, payload);
  lws_callback_on_writable(s->wsi);
}

static void queue_fragments(session *s, cd_str text)
{
  for (size_t i = 0; i < text.len; i++)
    queue(s,
          (i == 0 ? LWS_WRITE_TEXT : LWS_WRITE_CONTINUATION) |
              (i + 1 < text.len ? LWS_WRITE_NO_FIN : 0),
          (cd_str){text.ptr + i, 1});
}

/* Returns what the callback returns: -1 closes. */
static int write_one(session *s)
{
  if (s->count == 0) {
    if (!s->closing)
      return 0;
    if (s->code != LWS_CLOSE_STATUS_NOSTATUS)
      lws_close_reason(s->wsi, s->code, (unsigned char *)s->reason, strlen(s->reason));
    return -1;
  }
  piece *p = &s->pieces[s->first];
  size_t len = p->bytes.len - LWS_PRE;
  int n = lws_write(s->wsi, (unsigned char *)p->bytes.ptr + LWS_PRE, len, p->how);
  check(n >= (int)len, "lws_write wrote %d of %zu", n, len);
  cd_buf_release(&p->bytes);
  s->first = (s->first + 1) % PIECES_MAX;
  s->count--;
  if (s->count > 0 || s->closing)
    lws_callback_on_writable(s->wsi);
  return 0;
}

/* ---- the server ---- */

static void close_as_asked(session *s, cd_str words)
{
  uint64_t code = 0;
  cd_str number = cd_str_cut(&words, ' ');
  (void)cd_str_to_u64(number, 4999, &code);
  (void)cd_str_copy(s->reason, sizeof(s->reason), words);
  s->code = (enum lws_close_status)code;
  s->closing = true;
  lws_callback_on_writable(s->wsi);
}

static void answer(session *s, cd_str text, bool binary)
{
  if (binary) {
    queue(s, LWS_WRITE_BINARY, text);
  } else if (cd_str_eq_cstr(text, "ping")) {
    queue(s, LWS_WRITE_PING, CD_STR("are you there"));
  } else if (cd_str_starts(text, CD_STR("fragments "))) {
    queue_fragments(s, (cd_str){text.ptr + 10, text.len - 10});
  } else if (cd_str_starts(text, CD_STR("close"))) {
    (void)cd_str_cut(&text, ' ');
    close_as_asked(s, text);
  } else {
    queue(s, LWS_WRITE_TEXT, text);
  }
}

static void answer_pong(session *s, cd_str payload)
{
  cd_buf text = CD_BUF_INIT(1000);
  cd_buf_add_cstr(&text, "pong: ");
  cd_buf_add_str(&text, payload);
  queue(s, LWS_WRITE_TEXT, cd_buf_view(&text));
  cd_buf_release(&text);
}

/* ---- the client: one step is what is sent, and what comes back ---- */

static const size_t sizes[] = {0, 1, 125, 126, 127, 1000, 65535, 65536, 300000};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))
enum {
  STEP_TEXTS = 0,
  STEP_BYTES = SIZES,
  STEP_FRAGMENTS_THERE = 2 * SIZES,
  STEP_FRAGMENTS_BACK,
  STEP_PING_THERE,
  STEP_PING_BACK,
  STEP_CLOSE
};

static cd_str data_of(size_t len)
{
  static char data[300000];
  for (size_t i = 0; i < len; i++)
    data[i] = (char)('a' + i % 26);
  return (cd_str){data, len};
}

static void begin_step(session *s)
{
  if (connection == 2) {
    s->code = LWS_CLOSE_STATUS_NORMAL;
    (void)cd_str_copy(s->reason, sizeof(s->reason), CD_STR("bye"));
    s->closing = true;
    lws_callback_on_writable(s->wsi);
  } else if (s->step < STEP_BYTES) {
    queue(s, LWS_WRITE_TEXT, data_of(sizes[s->step]));
  } else if (s->step < STEP_FRAGMENTS_THERE) {
    queue(s, LWS_WRITE_BINARY, data_of(sizes[s->step - STEP_BYTES]));
  } else if (s->step == STEP_FRAGMENTS_THERE) {
    queue_fragments(s, CD_STR(MIXED));
  } else if (s->step == STEP_FRAGMENTS_BACK) {
    queue(s, LWS_WRITE_TEXT, CD_STR("fragments " MIXED));
  } else if (s->step == STEP_PING_THERE) {
    queue(s, LWS_WRITE_PING, CD_STR("from lws"));
  } else if (s->step == STEP_PING_BACK) {
    queue(s, LWS_WRITE_TEXT, CD_STR("ping"));
  } else {
    queue(s, LWS_WRITE_TEXT, CD_STR("close 4001 because"));
  }
}

static void end_step(session *s, cd_str got, bool binary)
{
  cd_str expected = CD_STR(MIXED);
  if (s->step < STEP_BYTES)
    expected = data_of(sizes[s->step]);
  else if (s->step < STEP_FRAGMENTS_THERE)
    expected = data_of(sizes[s->step - STEP_BYTES]);
  else if (s->step == STEP_PING_THERE)
    expected = CD_STR("from lws");
  else if (s->step == STEP_PING_BACK)
    expected = CD_STR("pong: are you there");
  check(cd_str_eq(got, expected), "step %u: got %zu bytes, expected %zu", s->step, got.len,
        expected.len);
  check(binary == (s->step >= STEP_BYTES && s->step < STEP_FRAGMENTS_THERE),
        "step %u: another type", s->step);
  s->step++;
  begin_step(s);
}

/* ---- events ---- */

static void received(session *s, const void *in, size_t len)
{
  if (lws_is_first_fragment(s->wsi))
    cd_buf_reset(&s->message);
  cd_buf_add(&s->message, in, len);
  if (!lws_is_final_fragment(s->wsi) || lws_remaining_packet_payload(s->wsi) > 0)
    return;
  bool binary = lws_frame_is_binary(s->wsi) != 0;
  if (is_client)
    end_step(s, cd_buf_view(&s->message), binary);
  else
    answer(s, cd_buf_view(&s->message), binary);
}

static void closed_by_peer(const uint8_t *in, size_t len)
{
  unsigned code = len >= 2 ? (unsigned)in[0] << 8 | in[1] : CD_WS_CLOSE_NO_STATUS;
  cd_str reason = len > 2 ? (cd_str){(const char *)in + 2, len - 2} : (cd_str){"", 0};
  check(!is_client || (connection == 1 && code == 4001 && cd_str_eq_cstr(reason, "because")),
        "closed with %u", code);
}

static void session_end(session *s)
{
  cd_buf_release(&s->message);
  for (; s->count > 0; s->count--, s->first = (s->first + 1) % PIECES_MAX)
    cd_buf_release(&s->pieces[s->first].bytes);
  check(!is_client || connection == 2 || s->step == STEP_CLOSE, "ended at step %u", s->step);
  is_done = true;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
  session *s = user;
  switch ((int)reason) {
  case LWS_CALLBACK_OPENSSL_PERFORM_CLIENT_CERT_VERIFICATION:
    return len != 0 ? 0 : 1; /* the answer replaces OpenSSL's verdict, which is in len */
  case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    check(false, "no connection: %s", in != NULL ? (const char *)in : "?");
    break;
  case LWS_CALLBACK_ESTABLISHED:
  case LWS_CALLBACK_CLIENT_ESTABLISHED:
    *s = (session){.wsi = wsi, .message = CD_BUF_INIT(SIZE_MAX)};
    if (is_client)
      begin_step(s);
    break;
  case LWS_CALLBACK_RECEIVE:
  case LWS_CALLBACK_CLIENT_RECEIVE: received(s, in, len); break;
  case LWS_CALLBACK_RECEIVE_PONG: answer_pong(s, (cd_str){in, len}); break;
  case LWS_CALLBACK_CLIENT_RECEIVE_PONG: end_step(s, (cd_str){in, len}, false); break;
  case LWS_CALLBACK_SERVER_WRITEABLE:
  case LWS_CALLBACK_CLIENT_WRITEABLE: return write_one(s);
  case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE: closed_by_peer(in, len); break;
  case LWS_CALLBACK_CLOSED:
  case LWS_CALLBACK_CLIENT_CLOSED: session_end(s); break;
  default: break;
  }
  return 0;
}

static const struct lws_protocols protocols[] = {
    {.name = PEER_PROTOCOL,
     .callback = on_event,
     .per_session_data_size = sizeof(session),
     .rx_buffer_size = 65536},
    {.name = NULL},
};

static void serve(struct lws_context *context, int port)
{
  (void)printf("%d\n", port);
  (void)fflush(stdout);
  while (lws_service(context, 0) >= 0)
    continue;
}

static void ask(struct lws_context *context, int port)
{
  for (connection = 1; connection <= 2; connection++) {
    const struct lws_client_connect_info info = {.context = context,
                                                 .address = "127.0.0.1",
                                                 .host = "127.0.0.1",
                                                 .port = port,
                                                 .path = "/",
                                                 .protocol = PEER_PROTOCOL};
    is_done = false;
    check(lws_client_connect_via_info(&info) != NULL, "no connection");
    while (!is_done && lws_service(context, 0) >= 0)
      continue;
  }
}

static void use_tls(struct lws_context_creation_info *info, const char *folder)
{
  static char paths[3][1024];
  static const char *const names[] = {"server.pem", "server.key", "ca.pem"};
  for (int i = 0; i < 3; i++)
    (void)snprintf(paths[i], sizeof(paths[i]), "%s/%s", folder, names[i]);
  info->options = LWS_SERVER_OPTION_REQUIRE_VALID_OPENSSL_CLIENT_CERT; /* implies TLS */
  info->ssl_cert_filepath = paths[0];
  info->ssl_private_key_filepath = paths[1];
  info->ssl_ca_filepath = paths[2];
  info->alpn = "http/1.1";
}

int main(int argc, char **argv)
{
  uint64_t port = 0;
  is_client = argc == 3 && strcmp(argv[1], "client") == 0;
  bool tls = argc == 3 && !is_client;
  check(argc >= 2 && (!is_client || cd_str_to_u64(cd_str_from(argv[2]), 65535, &port)),
        "usage: lws_peer server [FOLDER] | lws_peer client PORT");
  lws_set_log_level(tls ? 0 : LLL_ERR | LLL_WARN, NULL); /* it warns of each refused client */
  (void)signal(SIGPIPE, SIG_IGN);
  (void)alarm(60);
  struct lws_context_creation_info info = {.port = is_client ? CONTEXT_PORT_NO_LISTEN : 0,
                                           .iface = "127.0.0.1",
                                           .protocols = protocols,
                                           .gid = (gid_t)-1,
                                           .uid = (uid_t)-1};
  if (tls)
    use_tls(&info, argv[2]);
  struct lws_context *context = lws_create_context(&info);
  check(context != NULL, "no context");
  if (is_client)
    ask(context, (int)port);
  else
    serve(context, lws_get_vhost_listen_port(lws_get_vhost_by_name(context, "default")));
  lws_context_destroy(context);
  return 0;
}
