#define _GNU_SOURCE /* pipe2, posix_openpt */
#include "play.h"

#include "base/clock.h"
#include "ipc/link.h"
#include "ipc/message.h"

#include <check.h>
#include <uv.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define DEADLINE_MS 30000
#define BUSY_MS 200 /* how long a server that is busy at first stays so */
#define ARGS_MAX 16
#define COLUMNS 60

/* libuv takes the words of a command line and what is to be written without const, and leaves them
 * alone. */
static char *unconst(const char *text)
{
  union {
    const char *in;
    char *out;
  } u = {.in = text};
  return u.out;
}

typedef struct stage {
  play *p;
  uv_loop_t loop;
  uv_pipe_t server;
  uv_timer_t deadline;
  uv_timer_t busy;
  uv_process_t child;
  uv_pipe_t out;
  uv_pipe_t err;
  ipc_link link;
  bool waits; /* a connection that is not taken yet */
  bool link_open;
  const play_step *next; /* NULL: no request yet, or the script is over */
  bool child_ended;
  int streams; /* of the child's that are open */
  int filler;
  int listener;
  char socket[108];
} stage;

static char folder_path[64];

static void remove_folder(void)
{
  DIR *d = opendir(folder_path);
  if (d == NULL)
    return;
  for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
    (void)unlinkat(dirfd(d), e->d_name, 0);
  (void)closedir(d);
  (void)rmdir(folder_path);
}

/* One folder per test process; Check runs each test in a process of its own. */
static const char *folder(void)
{
  if (folder_path[0] == '\0') {
    (void)snprintf(folder_path, sizeof(folder_path), "/tmp/cordon-ctl.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder_path));
    ck_assert_int_eq(chmod(folder_path, 0755), 0);
    ck_assert_int_eq(atexit(remove_folder), 0);
  }
  return folder_path;
}

const char *play_path(const char *name, char out[256])
{
  ck_assert_int_lt(snprintf(out, 256, "%s/%s", folder(), name), 256);
  return out;
}

void play_file(const char *name, const void *bytes, size_t len)
{
  char path[256];
  FILE *f = fopen(play_path(name, path), "wb");
  ck_assert_ptr_nonnull(f);
  ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
  ck_assert_int_eq(fclose(f), 0);
}

static void on_deadline(uv_timer_t *t)
{
  stage *s = t->data;
  ck_abort_msg("the play did not end; out '%s', err '%s'", cd_buf_cstr(&s->p->out),
               cd_buf_cstr(&s->p->err));
}

static void send_frame(stage *s, int type, const char *text)
{
  cd_err err = {0};
  /* A client that is gone already is what some plays are about. */
  if (s->link_open)
    (void)!ipc_link_send(&s->link, (uint8_t)type, 0, cd_str_from(text), &err);
}

static void go_on(stage *s)
{
  while (s->next != NULL && s->next->verb != PLAY_END) {
    const play_step *step = s->next;
    if (step->verb == PLAY_AWAIT && strstr(cd_buf_cstr(&s->p->err), step->text) == NULL)
      return;
    s->next++;
    if (step->verb == PLAY_EVENT) {
      send_frame(s, IPC_EVENT, step->text);
    } else if (step->verb == PLAY_RESPONSE) {
      send_frame(s, IPC_RESPONSE, step->text);
    } else if (step->verb == PLAY_FRAME) {
      send_frame(s, step->number, step->text);
    } else if (step->verb == PLAY_RAW && s->link_open) {
      uv_buf_t bytes = uv_buf_init(unconst(step->text), (unsigned)step->number);
      (void)uv_try_write((uv_stream_t *)&s->link.pipe, &bytes, 1);
    } else if (step->verb == PLAY_CLOSE && s->link_open) {
      ipc_link_finish(&s->link);
    } else if (step->verb == PLAY_SIGNAL) {
      ck_assert_int_eq(uv_process_kill(&s->child, step->number), 0);
    }
  }
}

static void on_frame(ipc_link *link, const ipc_frame *frame)
{
  stage *s = link->owner;
  ck_assert_int_eq(frame->type, IPC_REQUEST);
  s->p->requests++;
  cd_buf_reset(&s->p->request);
  cd_buf_add_str(&s->p->request, frame->payload);
  s->next = s->p->script;
  go_on(s);
}

static void close_if_over(stage *s);

static void take_connection(stage *s);

static void on_link_closed(ipc_link *link, cd_code code, const char *sentence)
{
  stage *s = link->owner;
  s->link_open = false;
  if (s->waits)
    take_connection(s);
  close_if_over(s);
}

static const ipc_link_events events = {.on_frame = on_frame, .on_closed = on_link_closed};

static void take_connection(stage *s)
{
  cd_err err = {0};
  s->waits = false;
  s->p->connections++;
  ck_assert_int_eq(ipc_link_init(&s->link, &s->loop, false, UINT32_MAX, &events, s, &err), CD_OK);
  s->link_open = true;
  ck_assert_int_eq(uv_accept((uv_stream_t *)&s->server, (uv_stream_t *)&s->link.pipe), 0);
  ck_assert_int_eq(ipc_link_start(&s->link, &err), CD_OK);
}

/* A client has one connection at a time: the next is taken when the one before is closed. */
static void on_connection(uv_stream_t *server, int status)
{
  stage *s = server->data;
  ck_assert_int_eq(status, 0);
  ck_assert(!s->waits);
  s->waits = s->link_open;
  if (!s->waits)
    take_connection(s);
}

static struct sockaddr_un address_of(const stage *s)
{
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  memcpy(a.sun_path, s->socket, strlen(s->socket) + 1);
  return a;
}

static int bound_socket(stage *s)
{
  struct sockaddr_un a = address_of(s);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
  ck_assert_int_eq(chmod(s->socket, 0666), 0);
  return fd;
}

static void listen_now(stage *s, int fd)
{
  ck_assert_int_eq(uv_pipe_open(&s->server, fd), 0);
  ck_assert_int_eq(uv_listen((uv_stream_t *)&s->server, 16, on_connection), 0);
}

/* The queue of a Unix socket with backlog 0 holds one connection; the client's is then refused with
 * EAGAIN. */
static int busy_socket(stage *s)
{
  struct sockaddr_un a = address_of(s);
  int fd = bound_socket(s);
  ck_assert_int_eq(listen(fd, 0), 0);
  s->filler = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ck_assert_int_ge(s->filler, 0);
  ck_assert_int_eq(connect(s->filler, (struct sockaddr *)&a, sizeof(a)), 0);
  return fd;
}

/* Takes the filler out of the queue, then listens as usual. */
static void on_busy_over(uv_timer_t *t)
{
  stage *s = t->data;
  int taken = accept(s->listener, NULL, NULL);
  ck_assert_int_ge(taken, 0);
  (void)close(taken);
  listen_now(s, s->listener);
  s->listener = -1;
}

static void start_server(stage *s)
{
  switch (s->p->server) {
  case PLAY_SERVER_NORMAL: listen_now(s, bound_socket(s)); return;
  case PLAY_SERVER_ABSENT: return;
  case PLAY_SERVER_STALE: (void)close(bound_socket(s)); return;
  case PLAY_SERVER_BUSY: s->listener = busy_socket(s); return;
  case PLAY_SERVER_BUSY_FIRST:
    s->listener = busy_socket(s);
    ck_assert_int_eq(uv_timer_start(&s->busy, on_busy_over, BUSY_MS, 0), 0);
    return;
  case PLAY_SERVER_NOBODY: {
    int fd = bound_socket(s);
    /* The kernel notes who listens, at the moment of listen(). */
    ck_assert_int_eq(seteuid(65534), 0);
    listen_now(s, fd);
    ck_assert_int_eq(seteuid(0), 0);
    return;
  }
  }
}

static void close_if_over(stage *s)
{
  if (!s->child_ended || s->streams > 0)
    return;
  if (s->link_open) {
    ipc_link_close(&s->link);
    return;
  }
  uv_handle_t *handles[] = {(uv_handle_t *)&s->server, (uv_handle_t *)&s->deadline,
                            (uv_handle_t *)&s->busy};
  for (size_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++)
    if (!uv_is_closing(handles[i]))
      uv_close(handles[i], NULL);
}

static void on_child_exit(uv_process_t *child, int64_t status, int signal)
{
  stage *s = child->data;
  s->p->exit_code = signal != 0 ? -1 : status;
  s->child_ended = true;
  uv_close((uv_handle_t *)child, NULL);
  close_if_over(s);
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *ret_buf)
{
  static char bytes[65536];
  *ret_buf = uv_buf_init(bytes, sizeof(bytes));
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
  stage *s = stream->data;
  if (count > 0) {
    cd_buf_add(stream == (uv_stream_t *)&s->err ? &s->p->err : &s->p->out, buf->base,
               (size_t)count);
    go_on(s);
    return;
  }
  if (count == 0)
    return;
  /* A terminal whose other end is gone reads as EIO. */
  uv_close((uv_handle_t *)stream, NULL);
  s->streams--;
  close_if_over(s);
}

/* The child's end of the stream; ours is being read. */
static int open_stream(stage *s, uv_pipe_t *ours)
{
  int fds[2];
  if (s->p->terminal) {
    fds[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert_int_ge(fds[0], 0);
    ck_assert_int_eq(grantpt(fds[0]), 0);
    ck_assert_int_eq(unlockpt(fds[0]), 0);
    fds[1] = open(ptsname(fds[0]), O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert_int_ge(fds[1], 0);
    struct winsize size = {.ws_row = 24, .ws_col = COLUMNS};
    ck_assert_int_eq(ioctl(fds[1], TIOCSWINSZ, &size), 0);
  } else {
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
  }
  ck_assert_int_eq(uv_pipe_init(&s->loop, ours, 0), 0);
  ck_assert_int_eq(uv_pipe_open(ours, fds[0]), 0);
  ours->data = s;
  ck_assert_int_eq(uv_read_start((uv_stream_t *)ours, on_alloc, on_read), 0);
  s->streams++;
  return fds[1];
}

/* A copy that a user who may not enter the build folder can run. */
static const char *program_of(const play *p)
{
  static char copy[256];
  if (!p->as_nobody)
    return CORDON_PROGRAM;
  uv_fs_t req;
  ck_assert_int_eq(uv_fs_copyfile(NULL, &req, CORDON_PROGRAM, play_path("cordon", copy), 0, NULL),
                   0);
  uv_fs_req_cleanup(&req);
  ck_assert_int_eq(chmod(copy, 0755), 0);
  return copy;
}

static void start_child(stage *s, const char *const *args)
{
  char *argv[ARGS_MAX + 4] = {NULL};
  static char paths[ARGS_MAX][256];
  char term[64];
  char no_colour[64];
  char *env[8] = {NULL};
  int count = 0;
  int envs = 0;
  argv[count++] = unconst(program_of(s->p));
  for (int i = 0; args[i] != NULL; i++) {
    ck_assert_int_lt(i, ARGS_MAX);
    const char *arg = args[i][0] == '@' ? play_path(args[i] + 1, paths[i]) : args[i];
    argv[count++] = unconst(arg);
  }
  argv[count++] = unconst("--socket");
  argv[count++] = s->p->socket != NULL ? unconst(s->p->socket) : s->socket;
  /* What a sanitizer is told must reach the program too. */
  static const char *const kept[] = {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS",
                                     "LSAN_OPTIONS"};
  static char options[4][512];
  for (size_t i = 0; i < 4; i++) {
    if (getenv(kept[i]) == NULL)
      continue;
    (void)snprintf(options[i], sizeof(options[i]), "%s=%s", kept[i], getenv(kept[i]));
    env[envs++] = options[i];
  }
  if (s->p->term != NULL) {
    (void)snprintf(term, sizeof(term), "TERM=%s", s->p->term);
    env[envs++] = term;
  }
  if (s->p->no_colour != NULL) {
    (void)snprintf(no_colour, sizeof(no_colour), "NO_COLOR=%s", s->p->no_colour);
    env[envs++] = no_colour;
  }
  int out = open_stream(s, &s->out);
  int err = open_stream(s, &s->err);
  if (s->p->closed_out) {
    /* A pipe whose reader is gone. */
    uv_close((uv_handle_t *)&s->out, NULL);
    s->streams--;
    (void)uv_run(&s->loop, UV_RUN_NOWAIT);
  }
  uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE},
                                   {.flags = UV_INHERIT_FD, .data.fd = out},
                                   {.flags = UV_INHERIT_FD, .data.fd = err}};
  uv_process_options_t spawn = {.exit_cb = on_child_exit,
                                .file = argv[0],
                                .args = argv,
                                .env = env,
                                .stdio_count = 3,
                                .stdio = stdio};
  if (s->p->as_nobody) {
    spawn.flags = UV_PROCESS_SETUID | UV_PROCESS_SETGID;
    spawn.uid = 65534;
    spawn.gid = 65534;
  }
  int status = uv_spawn(&s->loop, &s->child, &spawn);
  ck_assert_msg(status == 0, "%s: %s", argv[0], uv_strerror(status));
  (void)close(out);
  (void)close(err);
}

static void stage_init(stage *s, play *p)
{
  memset(s, 0, sizeof(*s));
  s->p = p;
  s->filler = -1;
  s->listener = -1;
  s->server.data = s;
  ck_assert_int_lt(snprintf(s->socket, sizeof(s->socket), "%s/control.sock", folder()),
                   (int)sizeof(s->socket));
  (void)unlink(s->socket);
  ck_assert_int_eq(uv_loop_init(&s->loop), 0);
  ck_assert_int_eq(uv_pipe_init(&s->loop, &s->server, 0), 0);
  ck_assert_int_eq(uv_timer_init(&s->loop, &s->deadline), 0);
  ck_assert_int_eq(uv_timer_init(&s->loop, &s->busy), 0);
  s->server.data = s;
  s->deadline.data = s;
  s->busy.data = s;
  s->child.data = s;
  ck_assert_int_eq(uv_timer_start(&s->deadline, on_deadline, DEADLINE_MS, 0), 0);
}

void play_run(play *p, const char *const *args)
{
  stage s;
  /* As a client that is gone must not end the test. */
  (void)signal(SIGPIPE, SIG_IGN);
  play_release(p);
  cd_buf_init(&p->out, 16u * 1024 * 1024);
  cd_buf_init(&p->err, 16u * 1024 * 1024);
  cd_buf_init(&p->request, 2u * 1024 * 1024);
  p->requests = 0;
  p->connections = 0;
  stage_init(&s, p);
  start_server(&s);
  uint64_t start = cd_mono_ms();
  start_child(&s, args);
  (void)uv_run(&s.loop, UV_RUN_DEFAULT);
  p->took_ms = cd_mono_ms() - start;
  ck_assert_int_eq(uv_loop_close(&s.loop), 0);
  if (s.filler >= 0)
    (void)close(s.filler);
  if (s.listener >= 0)
    (void)close(s.listener);
  (void)unlink(s.socket);
}

void play_release(play *p)
{
  cd_buf_release(&p->out);
  cd_buf_release(&p->err);
  cd_buf_release(&p->request);
}
