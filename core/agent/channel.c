#include "channel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/log.h"
#include "channel_read.h"
#include "ipc/link.h"
#include "ipc/message.h"
#include "platform/child.h"
#include "platform/file.h"
#include "platform/socket.h"
#include "rate.h"

#include "base/banned.h"

#define SOCKETS_MAX 40 /* on their way to the channel: all its candidates, and some */
#define FRAMES_PER_SECOND 2000
#define LINES_PER_SECOND 50
#define LAST_WORDS_MS 2000 /* from its end until what it said last was read */

typedef struct channel_socket {
  uv_tcp_t tcp;
  agent_channel *channel;
  uint64_t op;
  bool used;
} channel_socket;

struct agent_channel {
  agent_channel_options options;
  pf_child *child; /* while it runs */
  bool running;
  ipc_link link;
  bool linked;
  uv_pipe_t printed; /* its standard error */
  bool printing;
  char chunk[1024];
  char line[CD_LOG_LINE_MAX];
  size_t line_len;
  uv_timer_t timer; /* until HELLO, then until PONG */
  bool greeted;
  bool gone; /* by itself; `why` says how */
  bool ending;
  int open_handles;
  agent_rate frames;
  agent_rate lines;
  channel_socket sockets[SOCKETS_MAX];
  char why[CD_ERR_TEXT_MAX];
};

/* ---- the end ---- */

static void free_when_closed(agent_channel *c)
{
  if (--c->open_handles > 0)
    return;
  void *owner = c->options.owner;
  void (*on_ended)(void *, const char *) = c->options.events->on_ended;
  char why[CD_ERR_TEXT_MAX];
  memcpy(why, c->why, sizeof(why));
  free(c);
  on_ended(owner, why);
}

static void on_closed(uv_handle_t *handle)
{
  free_when_closed(handle->data);
}

static void on_socket_closed(uv_handle_t *handle)
{
  channel_socket *s = handle->data;
  s->used = false;
  free_when_closed(s->channel);
}

static void close_socket(channel_socket *s)
{
  if (s->used && !uv_is_closing((uv_handle_t *)&s->tcp))
    uv_close((uv_handle_t *)&s->tcp, on_socket_closed);
}

static void close_printed(agent_channel *c)
{
  if (c->printing)
    uv_close((uv_handle_t *)&c->printed, on_closed);
  c->printing = false;
}

void agent_channel_end(agent_channel *c, const char *sentence)
{
  if (c->ending)
    return;
  c->ending = true;
  (void)snprintf(c->why, sizeof(c->why), "%s", sentence);
  if (c->running)
    pf_child_kill(c->child);
  if (c->linked)
    ipc_link_close(&c->link);
  for (int i = 0; i < SOCKETS_MAX; i++)
    close_socket(&c->sockets[i]);
  uv_close((uv_handle_t *)&c->timer, on_closed);
  if (!c->running)
    close_printed(c);
}

static void on_child_closed(void *owner)
{
  free_when_closed(owner);
}

static void on_last_words(uv_timer_t *timer)
{
  agent_channel *c = timer->data;
  char text[CD_ERR_TEXT_MAX];
  memcpy(text, c->why, sizeof(text));
  agent_channel_end(c, text);
}

/* Its end may be heard of before what it said last, such as why an enrolment failed: the end of the
 * link comes after that. */
static void on_child_exit(void *owner, int64_t status, int signal_number)
{
  agent_channel *c = owner;
  char text[128];
  if (signal_number != 0)
    (void)snprintf(text, sizeof(text), "cordon-channel ended by signal %d", signal_number);
  else
    (void)snprintf(text, sizeof(text), "cordon-channel ended with exit code %lld",
                   (long long)status);
  c->running = false;
  pf_child_close(c->child, on_child_closed);
  c->child = NULL;
  if (c->linked && !c->ending) {
    c->gone = true;
    (void)snprintf(c->why, sizeof(c->why), "%s", text);
    (void)uv_timer_start(&c->timer, on_last_words, LAST_WORDS_MS, 0);
    return;
  }
  agent_channel_end(c, text);
  close_printed(c);
}

static void on_link_closed(ipc_link *link, cd_code code, const char *sentence)
{
  agent_channel *c = link->owner;
  char text[CD_ERR_TEXT_MAX];
  c->linked = false;
  (void)snprintf(text, sizeof(text), "cordon-channel: %.450s",
                 code != CD_OK ? sentence : "the link was closed");
  /* A process that has ended says why by its exit code. */
  if (c->gone)
    on_last_words(&c->timer);
  else if (code != CD_OK)
    agent_channel_end(c, text);
  free_when_closed(c);
}

/* ---- what it prints ---- */

static void log_line(agent_channel *c)
{
  if (c->line_len > 0 && agent_rate_ok(&c->lines, LINES_PER_SECOND))
    cd_log(CD_AREA_CHANNEL, CD_LOG_INFO, "%.*s", (int)c->line_len, c->line);
  c->line_len = 0;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
  agent_channel *c = handle->data;
  (void)suggested;
  *buf = uv_buf_init(c->chunk, sizeof(c->chunk));
}

static void on_printed(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
  agent_channel *c = stream->data;
  if (n < 0) {
    log_line(c);
    close_printed(c);
    return;
  }
  for (ssize_t i = 0; i < n; i++) {
    char ch = buf->base[i];
    if (ch == '\n' || c->line_len == sizeof(c->line))
      log_line(c);
    if (ch != '\n')
      c->line[c->line_len++] = ch;
  }
}

/* ---- sockets ---- */

static channel_socket *free_place(agent_channel *c)
{
  for (int i = 0; i < SOCKETS_MAX; i++) {
    if (!c->sockets[i].used)
      return &c->sockets[i];
  }
  return NULL;
}

/* A handle of ours around a marked socket; it is closed when the channel has its own. */
static cd_code open_socket(agent_channel *c, channel_socket *s, bool ipv6, cd_err *err)
{
  uv_os_sock_t socket = (uv_os_sock_t)-1;
  cd_code rc = pf_socket_marked(ipv6, c->options.mark, &socket, err);
  if (rc != CD_OK)
    return rc;
  (void)uv_tcp_init(c->options.loop, &s->tcp);
  s->tcp.data = s;
  s->channel = c;
  s->used = true;
  c->open_handles++;
  int uv = uv_tcp_open(&s->tcp, socket);
  if (uv == 0)
    return CD_OK;
  pf_socket_close(socket);
  close_socket(s);
  return cd_fail_os(err, CD_E_INTERNAL, -uv, "a socket could not be taken: %s", uv_strerror(uv));
}

static void refuse_socket(agent_channel *c, uint64_t op, const cd_err *why)
{
  cd_buf text = CD_BUF_INIT(2048);
  cd_jw w;
  cd_err err = {0};
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "status", cd_code_name(why->code));
  cd_jw_cstr(&w, "sentence", why->text);
  cd_jw_end_obj(&w);
  if (cd_jw_done(&w, "CHAN_SOCKET", &err) == CD_OK)
    agent_channel_send(c, IPC_CHAN_SOCKET, op, cd_buf_view(&text));
  cd_buf_release(&text);
}

static void give_socket(agent_channel *c, const ipc_frame *frame)
{
  cd_err err = {0};
  agent_endpoint to;
  channel_socket *s = free_place(c);
  cd_code rc = channel_want_socket_read(frame->payload, &to, &err);
  if (rc == CD_OK && !pf_socket_travels()) {
    agent_channel_send(c, IPC_CHAN_SOCKET, frame->op, CD_STR("{\"status\":\"ok\"}"));
    return;
  }
  if (rc == CD_OK && s == NULL)
    rc = cd_fail(&err, CD_E_LIMIT, "%d sockets are on their way already", SOCKETS_MAX);
  if (rc == CD_OK)
    rc = open_socket(c, s, strchr(to.address, ':') != NULL, &err);
  if (rc != CD_OK) {
    cd_log(CD_AREA_REMOTE, CD_LOG_WARN, "no socket for the channel: %s", err.text);
    refuse_socket(c, frame->op, &err);
    return;
  }
  s->op = frame->op;
  if (ipc_link_send_handle(&c->link, IPC_CHAN_SOCKET, frame->op, CD_STR("{\"status\":\"ok\"}"),
                           (uv_stream_t *)&s->tcp, &err) != CD_OK)
    agent_channel_end(c, err.text);
}

static void socket_taken(agent_channel *c, uint64_t op)
{
  for (int i = 0; i < SOCKETS_MAX; i++) {
    if (c->sockets[i].used && c->sockets[i].op == op)
      close_socket(&c->sockets[i]);
  }
}

/* ---- frames ---- */

static void on_refused(agent_channel *c, cd_str payload)
{
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  cd_str name = {0};
  cd_str sentence = {0};
  int64_t os_error = 0;
  char text[CD_ERR_TEXT_MAX] = "cordon-channel could not start";
  if (cd_json_parse(payload, CD_FRAME_PAYLOAD_MAX, "REFUSED", &doc, &err) == CD_OK) {
    cd_json root = cd_json_root(doc);
    cd_json_str(&root, "status", 32, &name);
    cd_json_i64(&root, "os_error", INT32_MIN, INT32_MAX, &os_error);
    cd_json_str(&root, "sentence", CD_ERR_TEXT_MAX - 1, &sentence);
    (void)snprintf(text, sizeof(text), "cordon-channel could not start: %.*s",
                   sentence.len > 400 ? 400 : (int)sentence.len,
                   sentence.ptr != NULL ? sentence.ptr : "");
    cd_json_free(doc);
  }
  agent_channel_end(c, text);
}

static void answered(agent_channel *c)
{
  if (!c->gone)
    (void)uv_timer_stop(&c->timer);
}

static void on_frame(ipc_link *link, const ipc_frame *frame)
{
  agent_channel *c = link->owner;
  if (c->ending)
    return;
  if (!agent_rate_ok(&c->frames, FRAMES_PER_SECOND)) {
    agent_channel_end(c, "cordon-channel sent too many messages in a second");
    return;
  }
  switch (frame->type) {
  case IPC_HELLO:
    c->greeted = true;
    answered(c);
    cd_log(CD_AREA_REMOTE, CD_LOG_INFO, "cordon-channel %d is up: %.*s", agent_channel_pid(c),
           CD_STR_ARG(frame->payload));
    break;
  case IPC_REFUSED: on_refused(c, frame->payload); break;
  case IPC_CHAN_WANT_SOCKET: give_socket(c, frame); break;
  case IPC_CHAN_SOCKET_TAKEN: socket_taken(c, frame->op); break;
  case IPC_CHAN_PONG: answered(c); break;
  default:
    if (c->greeted)
      c->options.events->on_frame(c->options.owner, frame);
    else
      agent_channel_end(c, "cordon-channel spoke before HELLO");
  }
}

static const ipc_link_events link_events = {
    .on_frame = on_frame, .on_handle = NULL, .on_closed = on_link_closed};

void agent_channel_send(agent_channel *c, uint8_t type, uint64_t op, cd_str payload)
{
  cd_err err = {0};
  if (!c->ending && ipc_link_send(&c->link, type, op, payload, &err) != CD_OK)
    agent_channel_end(c, err.text);
}

static void on_timer(uv_timer_t *timer)
{
  agent_channel *c = timer->data;
  agent_channel_end(c, c->greeted ? "cordon-channel did not answer and was killed"
                                  : "cordon-channel was not ready in time and was killed");
}

void agent_channel_check(agent_channel *c)
{
  if (c->ending || c->gone || !c->greeted || uv_is_active((uv_handle_t *)&c->timer))
    return;
  agent_channel_send(c, IPC_CHAN_PING, 0, CD_STR("{}"));
  if (!c->ending)
    (void)uv_timer_start(&c->timer, on_timer, AGENT_CHANNEL_PONG_MS, 0);
}

/* ---- the start ---- */

static cd_code start_child(agent_channel *c, cd_err *err)
{
  char program[CD_PATH_MAX];
  char *env[2] = {NULL, NULL};
  char *args[] = {program, NULL};
#ifdef CORDON_FAULT_POINTS
  char fault[512];
  if (cd_fault_spec() != NULL) {
    (void)snprintf(fault, sizeof(fault), "CORDON_FAULT=%s", cd_fault_spec());
    env[0] = fault;
  }
#endif
  uv_stdio_container_t stdio[4] = {
      {.flags = UV_IGNORE},
      {.flags = UV_IGNORE},
      {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&c->printed},
      {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE | UV_WRITABLE_PIPE | UV_NONBLOCK_PIPE,
       .data.stream = (uv_stream_t *)&c->link.pipe},
  };
  const pf_confine confine = {.memory_bytes = IPC_CHANNEL_MEMORY_BYTES, .client = true};
  pf_child_options options = {.program = program,
                              .args = args,
                              .env = env,
                              .confine = &confine,
                              .stdio = stdio,
                              .stdio_count = 4,
                              .on_exit = on_child_exit,
                              .owner = c};
  (void)cd_str_copy(program, sizeof(program), cd_str_from(c->options.program));
  return pf_child_start(c->options.loop, &options, &c->child, err);
}

static cd_code check_program(const char *program, cd_err *err)
{
  uv_os_fd_t file;
  cd_code rc = pf_file_open_trusted(program, &file, err);
  if (rc == CD_OK)
    pf_file_close(file);
  return rc;
}

static cd_code run(agent_channel *c, cd_err *err)
{
  cd_code rc = start_child(c, err);
  if (rc != CD_OK)
    return rc;
  c->open_handles++;
  c->running = true;
  (void)uv_read_start((uv_stream_t *)&c->printed, on_alloc, on_printed);
  rc = ipc_link_start(&c->link, err);
  if (rc == CD_OK)
    rc = ipc_link_send(&c->link, IPC_SETUP, 0, c->options.setup, err);
  if (rc == CD_OK)
    (void)uv_timer_start(&c->timer, on_timer, AGENT_CHANNEL_START_MS, 0);
  return rc;
}

/* From here on a failure is an end like any other: on_ended tells it. */
cd_code agent_channel_start(const agent_channel_options *options, agent_channel **ret_channel,
                            cd_err *err)
{
  cd_err why = {0};
  cd_code rc = check_program(options->program, err);
  if (rc != CD_OK)
    return rc;
  agent_channel *c = calloc(1, sizeof(*c));
  if (c == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for the channel");
  c->options = *options;
  rc = ipc_link_init(&c->link, options->loop, true, CD_FRAME_PAYLOAD_MAX, &link_events, c, err);
  if (rc != CD_OK) {
    free(c);
    return rc;
  }
  c->linked = true;
  (void)uv_timer_init(options->loop, &c->timer);
  (void)uv_pipe_init(options->loop, &c->printed, 0);
  c->timer.data = c;
  c->printed.data = c;
  c->printing = true;
  c->open_handles = 3;
  *ret_channel = c;
  if (run(c, &why) != CD_OK)
    agent_channel_end(c, why.text);
  c->options.setup = (cd_str){0};
  return CD_OK;
}

int agent_channel_pid(const agent_channel *c)
{
  return c->running ? pf_child_pid(c->child) : 0;
}
