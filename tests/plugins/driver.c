/* The agent's side of the link, reduced to what tests ask. */
#include "driver.h"

#include "base/json.h"
#include "base/limits.h"
#include "ipc/message.h"

#include <check.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Elsewhere the build says so. */
#ifndef ZOO_SUFFIX
#define ZOO_SUFFIX ".so"
#define ZOO_NOTHING "/dev/null"
#endif

#define PRINTED_MAX (1024u * 1024u)
#define SETUP_MAX 16384

/* ---- what comes ---- */

static void answer(driver *d, const ipc_frame *frame)
{
  char payload[64];
  if (frame->type == IPC_UNDO && d->undo_answer != NULL) {
    (void)snprintf(payload, sizeof(payload), "{\"status\":\"%s\"}", d->undo_answer);
    driver_send(d, IPC_UNDO_DONE, frame->op, payload);
  }
  if (frame->type == IPC_RECORD && d->grant_credits)
    driver_send(d, IPC_CREDIT, frame->op, "{\"records\":1}");
}

static void on_frame(ipc_link *link, const ipc_frame *frame)
{
  driver *d = link->owner;
  ck_assert_msg(d->count < DRIVER_FRAMES_MAX, "the host sent more than %u frames",
                DRIVER_FRAMES_MAX);
  d->frames[d->count] =
      (driver_frame){.type = frame->type, .op = frame->op, .payload = cd_str_dup(frame->payload)};
  ck_assert_ptr_nonnull(d->frames[d->count].payload);
  d->count++;
  answer(d, frame);
}

static void on_closed(ipc_link *link, cd_code code, const char *sentence)
{
  driver *d = link->owner;
  d->closed = true;
}

static const ipc_link_events link_events = {.on_frame = on_frame, .on_closed = on_closed};

static void on_exit_of_host(uv_process_t *process, int64_t code, int term_signal)
{
  driver *d = process->data;
  d->exited = true;
  d->exit_code = code;
  d->exit_signal = term_signal;
  uv_close((uv_handle_t *)process, NULL);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
  ret_buf->base = malloc(suggested);
  ret_buf->len = ret_buf->base != NULL ? suggested : 0;
}

static void on_printed(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
  driver *d = stream->data;
  cd_buf *into = &d->printed[stream == (uv_stream_t *)&d->out[1] ? 1 : 0];
  if (count > 0 && into->len + (size_t)count < into->max)
    cd_buf_add(into, buf->base, (size_t)count);
  free(buf->base);
  if (count < 0)
    uv_close((uv_handle_t *)stream, NULL);
}

/* ---- starting ---- */

static int open_library(driver *d, const driver_options *options)
{
  char path[CD_PATH_MAX];
  if (options->member == NULL)
    return open(ZOO_NOTHING, O_RDONLY | O_CLOEXEC);
  (void)snprintf(path, sizeof(path), "%s/zoo_%s" ZOO_SUFFIX, ZOO_FOLDER, options->member);
  (void)snprintf(d->id, sizeof(d->id), "org.cordon.test.%s", options->member);
  for (char *c = strchr(d->id, '_'); c != NULL; c = strchr(c, '_'))
    *c = '-';
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ck_assert_msg(fd >= 0, "there is no plugin '%s'", path);
  return fd;
}

static void spawn(driver *d, const driver_options *options, int library)
{
  static char path[] = "PATH=/usr/bin:/bin";
  static char lang[] = "LANG=C.UTF-8";
  static char program[] = CORDON_HOST;
  static char capability[] = "isolate";
  char fault[256];
  (void)snprintf(fault, sizeof(fault), "CORDON_FAULT=%s",
                 options->fault != NULL ? options->fault : "");
  char *args[] = {program, d->id, capability, NULL};
  char *env[] = {path, lang, options->fault != NULL ? fault : NULL, NULL};
  uv_stdio_container_t stdio[5] = {
      {.flags = UV_IGNORE},
      {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&d->out[0]},
      {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&d->out[1]},
      {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE | UV_WRITABLE_PIPE | UV_NONBLOCK_PIPE,
       .data.stream = (uv_stream_t *)&d->link.pipe},
      {.flags = UV_INHERIT_FD, .data.fd = library}};
  uv_process_options_t spawn_options = {.file = program,
                                        .args = args,
                                        .env = env,
                                        .stdio = stdio,
                                        .stdio_count = 5,
                                        .exit_cb = on_exit_of_host};
  d->process.data = d;
  int rc = uv_spawn(&d->loop, &d->process, &spawn_options);
  ck_assert_msg(rc == 0, "the host was not started: %s", uv_strerror(rc));
}

static void send_setup(driver *d, const driver_options *options)
{
  char setup[SETUP_MAX];
  char user[64];
  (void)snprintf(user, sizeof(user), options->user != NULL ? "\"%s\"" : "null%s",
                 options->user != NULL ? options->user : "");
  int len = snprintf(
      setup, sizeof(setup),
      "{\"protocol\":1,\"plugin\":\"%s\",\"version\":\"%s\",\"capability\":\"isolate\","
      "\"library\":\"zoo_%s.so\",\"state_dir\":\"%s\",\"settings\":{\"log_file\":\"%s/calls\"%s%s},"
      "\"confine\":{\"user\":%s,\"privileges\":[],\"memory_mb\":%u,\"processes\":%u,\"files\":64,"
      "\"file_mb\":16},\"parent\":%d}",
      options->id != NULL ? options->id : d->id,
      options->version != NULL ? options->version : "1.0.0", options->member, d->folder, d->folder,
      options->settings != NULL ? "," : "", options->settings != NULL ? options->settings : "",
      user, options->memory_mb != 0 ? options->memory_mb : 256, options->processes, (int)getpid());
  ck_assert_int_lt(len, (int)sizeof(setup));
  driver_send(d, IPC_SETUP, 0, setup);
}

static void begin(driver *d, const driver_options *options)
{
  cd_err err = {0};
  d->exited = false;
  d->closed = false;
  int library = open_library(d, options);
  cd_code rc =
      ipc_link_init(&d->link, &d->loop, false, CD_FRAME_PAYLOAD_MAX, &link_events, d, &err);
  ck_assert_msg(rc == CD_OK, "%s", err.text);
  for (int i = 0; i < 2; i++) {
    (void)uv_pipe_init(&d->loop, &d->out[i], 0);
    d->out[i].data = d;
  }
  spawn(d, options, library);
  (void)close(library);
  for (int i = 0; i < 2; i++)
    (void)uv_read_start((uv_stream_t *)&d->out[i], on_alloc, on_printed);
  rc = ipc_link_start(&d->link, &err);
  ck_assert_msg(rc == CD_OK, "%s", err.text);
  if (options->member != NULL)
    send_setup(d, options);
}

driver *driver_start(const driver_options *options)
{
  driver *d = calloc(1, sizeof(*d));
  ck_assert_ptr_nonnull(d);
  ck_assert_int_eq(uv_loop_init(&d->loop), 0);
  (void)uv_timer_init(&d->loop, &d->timer);
  d->timer.data = d;
  cd_buf_init(&d->printed[0], PRINTED_MAX);
  cd_buf_init(&d->printed[1], PRINTED_MAX);
  d->undo_answer = "ok";
  (void)snprintf(d->folder, sizeof(d->folder), "/tmp/cordon-zoo-XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(d->folder));
  /* Some hosts run as another user. */
  ck_assert_int_eq(chmod(d->folder, 0777), 0);
  begin(d, options);
  return d;
}

static void forget_frames(driver *d)
{
  for (size_t i = 0; i < d->count; i++)
    free(d->frames[i].payload);
  d->count = 0;
}

void driver_restart(driver *d, const driver_options *options)
{
  driver_wait_exit(d);
  forget_frames(d);
  begin(d, options);
}

static void remove_folder(const driver *d)
{
  static const char *const names[] = {"calls", "state", "state.new"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    (void)unlink(driver_path(d, names[i]));
  ck_assert_msg(rmdir(d->folder) == 0, "something was left in '%s'", d->folder);
}

void driver_stop(driver *d)
{
  if (!d->exited)
    (void)uv_process_kill(&d->process, SIGKILL);
  ipc_link_close(&d->link);
  driver_wait_exit(d);
  uv_close((uv_handle_t *)&d->timer, NULL);
  (void)uv_run(&d->loop, UV_RUN_DEFAULT);
  ck_assert_int_eq(uv_loop_close(&d->loop), 0);
  ck_assert_msg(strstr(cd_buf_cstr(&d->printed[1]), "ThreadSanitizer: data race") == NULL, "%s",
                cd_buf_cstr(&d->printed[1]));
  forget_frames(d);
  cd_buf_release(&d->printed[0]);
  cd_buf_release(&d->printed[1]);
  remove_folder(d);
  free(d);
}

/* ---- saying ---- */

void driver_send(driver *d, uint8_t type, uint64_t op, const char *payload)
{
  cd_err err = {0};
  /* A host that has just ended takes nothing; what the test waits for tells. */
  if (!d->closed)
    (void)!ipc_link_send(&d->link, type, op, cd_str_from(payload), &err);
}

static uint64_t start(driver *d, const char *function, unsigned budget_ms, unsigned cpu_s,
                      const char *params, const char *undo)
{
  char payload[SETUP_MAX];
  int len = snprintf(payload, sizeof(payload),
                     "{\"function\":\"%s\",\"flags\":0,\"budget_ms\":%u,\"cpu_s\":%u,"
                     "\"params\":%s,\"undo\":%s}",
                     function, budget_ms, cpu_s, params != NULL ? params : "{}",
                     undo != NULL ? undo : "null");
  ck_assert_int_lt(len, (int)sizeof(payload));
  driver_send(d, IPC_START, ++d->next_op, payload);
  return d->next_op;
}

uint64_t driver_call(driver *d, const char *function, const char *params, const char *undo)
{
  return start(d, function, 0, 0, params, undo);
}

uint64_t driver_call_with(driver *d, const char *function, unsigned budget_ms, unsigned cpu_s)
{
  return start(d, function, budget_ms, cpu_s, NULL, NULL);
}

/* ---- waiting ---- */

static void on_timeout(uv_timer_t *timer)
{
  driver *d = timer->data;
  d->timed_out = true;
}

static void arm(driver *d)
{
  d->timed_out = false;
  uv_update_time(&d->loop);
  (void)uv_timer_start(&d->timer, on_timeout, DRIVER_WAIT_MS, DRIVER_WAIT_MS / 100);
}

static const driver_frame *find(const driver *d, uint8_t type, uint64_t op)
{
  for (size_t i = 0; i < d->count; i++) {
    if (d->frames[i].type == type && (op == 0 || d->frames[i].op == op))
      return &d->frames[i];
  }
  return NULL;
}

const driver_frame *driver_wait_frame(driver *d, uint8_t type, uint64_t op)
{
  const driver_frame *frame = find(d, type, op);
  arm(d);
  while (frame == NULL && !d->closed && !d->timed_out) {
    (void)uv_run(&d->loop, UV_RUN_ONCE);
    frame = find(d, type, op);
  }
  (void)uv_timer_stop(&d->timer);
  ck_assert_msg(
      frame != NULL, "no frame of type %u for operation %llu came: %s; last: %s; it printed: %s",
      type, (unsigned long long)op, d->closed ? "the host ended" : "the time passed",
      d->count > 0 ? d->frames[d->count - 1].payload : "nothing", cd_buf_cstr(&d->printed[1]));
  return frame;
}

const driver_frame *driver_wait_end(driver *d, uint64_t op, const char *status)
{
  const driver_frame *end = driver_wait_frame(d, IPC_END, op);
  ck_assert_msg(strcmp(driver_text(end, "status"), status) == 0, "expected '%s', got %s", status,
                end->payload);
  ck_assert_uint_eq(driver_count(d, IPC_END, op), 1);
  return end;
}

void driver_wait_exit(driver *d)
{
  arm(d);
  while (!(d->exited && d->closed && uv_is_closing((uv_handle_t *)&d->out[0]) &&
           uv_is_closing((uv_handle_t *)&d->out[1])) &&
         !d->timed_out)
    (void)uv_run(&d->loop, UV_RUN_ONCE);
  (void)uv_timer_stop(&d->timer);
  ck_assert_msg(!d->timed_out, "the host did not end");
  /* The handles are closed in the next turn of the loop; their memory may be used again then. */
  (void)uv_run(&d->loop, UV_RUN_NOWAIT);
}

static void on_turned(uv_timer_t *timer)
{
}

/* The timer repeats: one that is due already runs before the loop polls, and the poll would then
 * wait without an end. */
void driver_turn(driver *d, unsigned ms)
{
  (void)uv_timer_start(&d->timer, on_turned, ms, ms);
  (void)uv_run(&d->loop, UV_RUN_ONCE);
  (void)uv_timer_stop(&d->timer);
}

void driver_wait_in_file(driver *d, const char *name, const char *text)
{
  char content[DRIVER_TEXT_MAX];
  uint64_t end_ms = uv_hrtime() / 1000000u + DRIVER_WAIT_MS;
  bool found = false;
  while (!found && uv_hrtime() / 1000000u < end_ms) {
    driver_turn(d, 5);
    found = driver_read_file(d, name, content, sizeof(content)) && strstr(content, text) != NULL;
  }
  ck_assert_msg(found, "'%s' never held '%s'", name, text);
}

void driver_settle(driver *d)
{
  uint64_t op = driver_call(d, "no_such_function", NULL, NULL);
  (void)driver_wait_end(d, op, "unsupported");
}

/* ---- looking ---- */

size_t driver_count(const driver *d, uint8_t type, uint64_t op)
{
  size_t count = 0;
  for (size_t i = 0; i < d->count; i++) {
    if (d->frames[i].type == type && (op == 0 || d->frames[i].op == op))
      count++;
  }
  return count;
}

const char *driver_text(const driver_frame *frame, const char *key)
{
  static char text[DRIVER_TEXT_MAX];
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  cd_buf out = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  cd_json value = {0};
  cd_code rc =
      cd_json_parse(cd_str_from(frame->payload), CD_FRAME_PAYLOAD_MAX, "payload", &doc, &err);
  ck_assert_msg(rc == CD_OK, "%s", err.text);
  cd_json root = cd_json_root(doc);
  if (cd_json_opt_value(&root, key, &value))
    cd_json_print(&value, &out);
  cd_str printed = cd_buf_view(&out);
  if (printed.len >= 2 && printed.ptr[0] == '"')
    printed = (cd_str){printed.ptr + 1, printed.len - 2};
  ck_assert(cd_str_copy(text, sizeof(text), printed));
  cd_buf_release(&out);
  cd_json_free(doc);
  return text;
}

bool driver_logged(const driver *d, const char *text)
{
  for (size_t i = 0; i < d->count; i++) {
    if (d->frames[i].type == IPC_LOG && strstr(d->frames[i].payload, text) != NULL)
      return true;
  }
  return false;
}

const char *driver_path(const driver *d, const char *name)
{
  static char path[CD_PATH_MAX];
  (void)snprintf(path, sizeof(path), "%s/%s", d->folder, name);
  return path;
}

bool driver_read_file(const driver *d, const char *name, char *out, size_t size)
{
  out[0] = '\0';
  int fd = open(driver_path(d, name), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return false;
  ssize_t got = read(fd, out, size - 1);
  (void)close(fd);
  out[got > 0 ? got : 0] = '\0';
  return true;
}

/* In one piece: whoever looks sees the old or the new content. */
void driver_write_file(const driver *d, const char *name, const char *text)
{
  char temporary[CD_PATH_MAX];
  (void)snprintf(temporary, sizeof(temporary), "%s/%s.new", d->folder, name);
  int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
  (void)close(fd);
  ck_assert_int_eq(rename(temporary, driver_path(d, name)), 0);
}

void driver_check_killed(const driver *d)
{
#ifdef CORDON_TEST_SHIM_H
  ck_assert_int_eq(d->exit_code, 1);
#else
  ck_assert_int_eq(d->exit_signal, SIGKILL);
#endif
}
