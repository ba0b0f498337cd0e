#define _GNU_SOURCE /* pipe2 */
#include "stage.h"

#include "base/clock.h"
#include "platform/file.h"

#include <uv.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

#define DEADLINE_MS 40000u
#define ARGS_MAX 20

static char folder[64];
static char port[16];
static pid_t console;
static int console_in = -1;

static char *unconst(const char *text)
{
  union {
    const char *in;
    char *out;
  } u = {.in = text};
  return u.out;
}

const char *stage_path(const char *name)
{
  static char paths[8][256];
  static unsigned next;
  char *path = paths[next++ % 8];
  ck_assert_int_lt(snprintf(path, sizeof(paths[0]), "%s/%s", folder, name), (int)sizeof(paths[0]));
  return path;
}

const char *stage_console(const char *host)
{
  static char urls[4][128];
  static unsigned next;
  char *url = urls[next++ % 4];
  (void)snprintf(url, sizeof(urls[0]), "https://%s:%s", host, port);
  return url;
}

void stage_file(const char *name, const char *text, unsigned mode)
{
  const char *path = stage_path(name);
  FILE *f = fopen(path, "wb");
  ck_assert_ptr_nonnull(f);
  ck_assert_uint_eq(fwrite(text, 1, strlen(text), f), strlen(text));
  ck_assert_int_eq(fclose(f), 0);
  ck_assert_int_eq(chmod(path, mode), 0);
}

/* ---- the console ---- */

static pid_t start(const char *const *argv, int in, int out)
{
  pid_t child = fork();
  if (child != 0)
    return child;
  if (in >= 0)
    (void)dup2(in, 0);
  if (out >= 0)
    (void)dup2(out, 1);
  char *words[ARGS_MAX] = {NULL};
  for (int i = 0; argv[i] != NULL && i + 1 < ARGS_MAX; i++)
    words[i] = unconst(argv[i]);
  (void)execvp(words[0], words);
  _exit(127);
}

static bool make_certificates(void)
{
  int status = 0;
  pid_t child =
      start((const char *const[]){"sh", CORDON_SOURCE "/certificates.sh", folder, NULL}, -1, -1);
  return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static bool start_console(void)
{
  int in[2];
  int out[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
    return false;
  console = start((const char *const[]){"node", CORDON_SOURCE "/console.js", folder, NULL}, in[0],
                  out[1]);
  (void)close(in[0]);
  (void)close(out[1]);
  console_in = in[1];
  FILE *f = fdopen(out[0], "r");
  bool ok = console > 0 && f != NULL && fgets(port, sizeof(port), f) != NULL;
  port[strcspn(port, "\n")] = '\0';
  if (f != NULL)
    (void)fclose(f);
  return ok && port[0] != '\0';
}

bool stage_open(void)
{
  (void)snprintf(folder, sizeof(folder), "/tmp/cordon-fleet.XXXXXX");
  (void)signal(SIGPIPE, SIG_IGN);
  return mkdtemp(folder) != NULL && make_certificates() && start_console();
}

void stage_close(void)
{
  int status = 0;
  if (console_in >= 0)
    (void)close(console_in);
  if (console > 0)
    (void)waitpid(console, &status, 0);
  pid_t child = start((const char *const[]){"rm", "-rf", folder, NULL}, -1, -1);
  if (child > 0)
    (void)waitpid(child, &status, 0);
}

void stage_log(const char *client, cd_buf *out)
{
  char name[64];
  cd_err err = {0};
  cd_buf_init(out, 1u << 20);
  (void)snprintf(name, sizeof(name), "%s.log", client);
  cd_code rc = pf_file_read(stage_path(name), 1u << 20, out, &err);
  ck_assert_msg(rc == CD_OK || rc == CD_E_NOTFOUND, "%s", err.text);
}

/* ---- one run ---- */

typedef struct child {
  stage_run *r;
  uv_loop_t loop;
  uv_timer_t deadline;
  uv_process_t process;
  uv_pipe_t streams[2];
  int open;
  bool ended;
  bool signalled;
} child;

static void close_if_over(child *c)
{
  if (c->ended && c->open == 0)
    uv_close((uv_handle_t *)&c->deadline, NULL);
}

static void on_deadline(uv_timer_t *t)
{
  child *c = t->data;
  (void)uv_process_kill(&c->process, SIGKILL);
  ck_abort_msg("cordon did not end; out '%s', err '%s'", cd_buf_cstr(&c->r->out),
               cd_buf_cstr(&c->r->err));
}

static void on_exit_of_child(uv_process_t *p, int64_t status, int signal_number)
{
  child *c = p->data;
  c->r->exit_code = signal_number != 0 ? -1 : status;
  c->ended = true;
  uv_close((uv_handle_t *)p, NULL);
  close_if_over(c);
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *ret_buf)
{
  static char bytes[65536];
  *ret_buf = uv_buf_init(bytes, sizeof(bytes));
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
  child *c = stream->data;
  if (count > 0) {
    cd_buf_add(stream == (uv_stream_t *)&c->streams[1] ? &c->r->err : &c->r->out, buf->base,
               (size_t)count);
    if (c->r->signal_at != NULL && !c->signalled &&
        strstr(cd_buf_cstr(&c->r->err), c->r->signal_at) != NULL) {
      c->signalled = true;
      (void)uv_process_kill(&c->process, c->r->signal_is != 0 ? c->r->signal_is : SIGINT);
    }
    return;
  }
  if (count == 0)
    return;
  uv_close((uv_handle_t *)stream, NULL);
  c->open--;
  close_if_over(c);
}

static int open_stream(child *c, uv_pipe_t *ours)
{
  int fds[2];
  ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
  ck_assert_int_eq(uv_pipe_init(&c->loop, ours, 0), 0);
  ck_assert_int_eq(uv_pipe_open(ours, fds[0]), 0);
  ours->data = c;
  ck_assert_int_eq(uv_read_start((uv_stream_t *)ours, on_alloc, on_read), 0);
  c->open++;
  return fds[1];
}

/* NAME=value, kept for the run. */
static void add_variable(char **env, int *count, const char *name, const char *value)
{
  static char texts[16][512];
  if (value == NULL || value[0] == '\0')
    return;
  char *text = texts[*count];
  ck_assert_int_lt(*count, 15);
  (void)snprintf(text, sizeof(texts[0]), "%s=%s", name, value);
  env[(*count)++] = text;
}

static void make_environment(const stage_run *r, char **env)
{
  static const char *const kept[] = {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS",
                                     "LSAN_OPTIONS"};
  int count = 0;
  add_variable(env, &count, "HOME", folder);
  for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
    add_variable(env, &count, kept[i], getenv(kept[i]));
  const char *url = r->console != NULL ? r->console : stage_console("127.0.0.1");
  if (url[0] == '\0')
    return;
  add_variable(env, &count, "CORDON_CONSOLE", url);
  add_variable(env, &count, "CORDON_CA", r->ca != NULL ? r->ca : stage_path("ca.pem"));
  add_variable(env, &count, "CORDON_CLIENT_ID", r->client != NULL ? r->client : "plain");
  add_variable(env, &count, "CORDON_CLIENT_SECRET", r->secret != NULL ? r->secret : SECRET);
}

static void spawn(child *c, const char *const *args)
{
  static const char no_room[] = "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"";
  char *argv[ARGS_MAX + 5] = {unconst("/bin/sh"), unconst("-c"), unconst(no_room),
                              unconst(CORDON_PROGRAM)};
  char *env[16] = {NULL};
  char **first = c->r->no_room ? argv : argv + 3;
  for (int i = 0; args[i] != NULL; i++) {
    ck_assert_int_lt(i + 1, ARGS_MAX);
    argv[4 + i] = unconst(args[i]);
  }
  make_environment(c->r, env);
  int out = open_stream(c, &c->streams[0]);
  int err = open_stream(c, &c->streams[1]);
  uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE},
                                   {.flags = UV_INHERIT_FD, .data.fd = out},
                                   {.flags = UV_INHERIT_FD, .data.fd = err}};
  uv_process_options_t options = {.exit_cb = on_exit_of_child,
                                  .file = first[0],
                                  .args = first,
                                  .env = env,
                                  .stdio_count = 3,
                                  .stdio = stdio};
  int status = uv_spawn(&c->loop, &c->process, &options);
  ck_assert_msg(status == 0, "%s: %s", first[0], uv_strerror(status));
  (void)close(out);
  (void)close(err);
}

void stage_cordon(stage_run *r, const char *const *args)
{
  child c = {.r = r};
  stage_release(r);
  cd_buf_init(&r->out, 16u << 20);
  cd_buf_init(&r->err, 16u << 20);
  ck_assert_int_eq(uv_loop_init(&c.loop), 0);
  ck_assert_int_eq(uv_timer_init(&c.loop, &c.deadline), 0);
  c.deadline.data = &c;
  c.process.data = &c;
  ck_assert_int_eq(uv_timer_start(&c.deadline, on_deadline, DEADLINE_MS, DEADLINE_MS), 0);
  uint64_t before = cd_mono_ms();
  spawn(&c, args);
  (void)uv_run(&c.loop, UV_RUN_DEFAULT);
  r->took_ms = cd_mono_ms() - before;
  ck_assert_int_eq(uv_loop_close(&c.loop), 0);
}

void stage_release(stage_run *r)
{
  cd_buf_release(&r->out);
  cd_buf_release(&r->err);
}

const char *stage_member(const stage_run *r, const char *key)
{
  static char text[512];
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  cd_str value = {0};
  ck_assert_msg(cd_json_parse(cd_buf_view(&r->out), 16u << 20, "the output", &doc, &err) == CD_OK,
                "%s", err.text);
  cd_json root = cd_json_root(doc);
  cd_json_str(&root, key, sizeof(text) - 1, &value);
  ck_assert_msg(cd_json_status(&root, &err) == CD_OK, "%s", err.text);
  ck_assert(cd_str_copy(text, sizeof(text), value));
  cd_json_free(doc);
  return text;
}
