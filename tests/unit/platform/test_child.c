/* A program of ours, this one, started as a child. Runs on each system. */
#include "platform/child.h"

#include <check.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define DEADLINE_MS 30000
#define PRINTED_MAX 65536u
#define LINK 3
#define ARGS_MAX 16
#define EXIT_OF_ECHO 7

static char self[1024];

/* ---- the child ---- */

static void say(const char *text)
{
  (void)fputs(text, stdout);
  (void)fputc('\n', stdout);
}

static int child_words(int argc, char **argv)
{
  char given[64];
  char secret[64];
  size_t given_size = sizeof(given);
  size_t secret_size = sizeof(secret);
  for (int i = 3; i < argc; i++)
    say(argv[i]);
  say(uv_os_getenv("CORDON_CHILD_GIVEN", given, &given_size) == 0 ? given : "(not given)");
  say(uv_os_getenv("CORDON_CHILD_SECRET", secret, &secret_size) == UV_ENOENT
          ? "(no secret)"
          : "the parent's environment is here");
  return 0;
}

/* Sends back what comes; of a socket its port. */
static uv_tcp_t taken;

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
  static char room[4096];
  (void)handle;
  (void)suggested;
  *ret_buf = uv_buf_init(room, sizeof(room));
}

static void answer(uv_stream_t *link, const char *text, size_t len)
{
  static char kept[4096];
  static uv_write_t request;
  if (len <= sizeof(kept)) {
    memcpy(kept, text, len);
    uv_buf_t buf = uv_buf_init(kept, (unsigned)len);
    (void)uv_write(&request, link, &buf, 1, NULL);
  }
}

static void answer_with_port(uv_stream_t *link)
{
  struct sockaddr_in at = {0};
  int len = sizeof(at);
  char text[32] = "no socket";
  (void)uv_tcp_init(link->loop, &taken);
  if (uv_accept(link, (uv_stream_t *)&taken) == 0 &&
      uv_tcp_getsockname(&taken, (struct sockaddr *)&at, &len) == 0)
    (void)snprintf(text, sizeof(text), "port %u", (unsigned)ntohs(at.sin_port));
  answer(link, text, strlen(text));
}

static void on_said(uv_stream_t *link, ssize_t n, const uv_buf_t *buf)
{
  if (n < 0)
    uv_stop(link->loop);
  else if (uv_pipe_pending_count((uv_pipe_t *)link) > 0)
    answer_with_port(link);
  else if (n > 0)
    answer(link, buf->base, (size_t)n);
}

static int child_echo(void)
{
  uv_loop_t loop;
  uv_pipe_t link;
  if (uv_loop_init(&loop) != 0 || uv_pipe_init(&loop, &link, 1) != 0 ||
      uv_pipe_open(&link, LINK) != 0 || uv_read_start((uv_stream_t *)&link, on_alloc, on_said) != 0)
    return 1;
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  return EXIT_OF_ECHO;
}

static int child_confined(bool client)
{
  cd_buf report = CD_BUF_INIT(4096);
  cd_err err = {0};
  pf_confine how = {.processes = 0, .client = client, .file_bytes = client ? 1 : 0};
  cd_code rc = pf_confine_self(&how, &report, &err);
  say(rc == CD_OK ? cd_buf_cstr(&report) : err.text);
  cd_buf_release(&report);
  return rc == CD_OK ? 0 : 1;
}

static int be_child(int argc, char **argv)
{
  const char *role = argc > 2 ? argv[2] : "";
  if (strcmp(role, "words") == 0)
    return child_words(argc, argv);
  if (strcmp(role, "echo") == 0)
    return child_echo();
  if (strcmp(role, "host") == 0 || strcmp(role, "client") == 0)
    return child_confined(role[0] == 'c');
  return 1;
}

/* ---- the parent ---- */

typedef struct play {
  uv_loop_t loop;
  uv_timer_t deadline;
  uv_pipe_t printed;
  uv_pipe_t link;
  cd_buf text; /* what it printed */
  cd_buf back; /* what came over the link */
  pf_child *child;
  bool exited;
  bool closed;
  int64_t status;
  int signal;
} play;

static void on_deadline(uv_timer_t *timer)
{
  (void)timer;
  ck_abort_msg("the child takes too long");
}

static void on_text(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
  play *p = stream->data;
  if (n > 0)
    cd_buf_add(stream == (uv_stream_t *)&p->link ? &p->back : &p->text, buf->base, (size_t)n);
  else if (n < 0 && !uv_is_closing((uv_handle_t *)stream))
    uv_close((uv_handle_t *)stream, NULL);
}

static void on_closed(void *owner)
{
  ((play *)owner)->closed = true;
}

static void on_exit_of_child(void *owner, int64_t status, int signal)
{
  play *p = owner;
  ck_assert_msg(!p->exited, "its end was told twice");
  p->exited = true;
  p->status = status;
  p->signal = signal;
  pf_child_close(p->child, on_closed);
}

static void begin(play *p)
{
  memset(p, 0, sizeof(*p));
  ck_assert_int_eq(uv_loop_init(&p->loop), 0);
  (void)uv_timer_init(&p->loop, &p->deadline);
  (void)uv_timer_start(&p->deadline, on_deadline, DEADLINE_MS, 0);
  (void)uv_pipe_init(&p->loop, &p->printed, 0);
  (void)uv_pipe_init(&p->loop, &p->link, 1);
  p->printed.data = p;
  p->link.data = p;
  cd_buf_init(&p->text, PRINTED_MAX);
  cd_buf_init(&p->back, PRINTED_MAX);
}

static cd_code try_start(play *p, const char *program, const char *const *words, char **env,
                         const pf_confine *confine, cd_err *err)
{
  static char room[ARGS_MAX][64];
  char *args[ARGS_MAX + 2] = {self};
  for (size_t i = 0; words[i] != NULL; i++) {
    ck_assert_int_lt(snprintf(room[i], sizeof(room[i]), "%s", words[i]), (int)sizeof(room[i]));
    args[i + 1] = room[i];
  }
  uv_stdio_container_t stdio[4] = {
      {.flags = UV_IGNORE},
      {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&p->printed},
      {.flags = UV_IGNORE},
      {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE | UV_WRITABLE_PIPE | UV_NONBLOCK_PIPE,
       .data.stream = (uv_stream_t *)&p->link}};
  pf_child_options options = {.program = program,
                              .args = args,
                              .env = env,
                              .confine = confine,
                              .stdio = stdio,
                              .stdio_count = 4,
                              .on_exit = on_exit_of_child,
                              .owner = p};
  return pf_child_start(&p->loop, &options, &p->child, err);
}

static void start(play *p, const char *const *args, char **env, const pf_confine *confine)
{
  cd_err err = {0};
  begin(p);
  cd_code rc = try_start(p, self, args, env, confine, &err);
  ck_assert_msg(rc == CD_OK, "%s", err.text);
  (void)uv_read_start((uv_stream_t *)&p->printed, on_alloc, on_text);
  (void)uv_read_start((uv_stream_t *)&p->link, on_alloc, on_text);
}

static void end(play *p)
{
  uv_close((uv_handle_t *)&p->deadline, NULL);
  if (!uv_is_closing((uv_handle_t *)&p->link))
    uv_close((uv_handle_t *)&p->link, NULL);
  if (!uv_is_closing((uv_handle_t *)&p->printed))
    uv_close((uv_handle_t *)&p->printed, NULL);
  (void)uv_run(&p->loop, UV_RUN_DEFAULT);
  ck_assert_int_eq(uv_loop_close(&p->loop), 0);
  cd_buf_release(&p->text);
  cd_buf_release(&p->back);
}

static void await_end(play *p)
{
  while (!p->closed || !uv_is_closing((uv_handle_t *)&p->printed))
    (void)uv_run(&p->loop, UV_RUN_ONCE);
}

/* A C library that writes text ends lines in its own way. */
static void drop_returns(cd_buf *text, char out[PRINTED_MAX + 1])
{
  size_t n = 0;
  for (size_t i = 0; i < text->len; i++) {
    if (cd_buf_cstr(text)[i] != '\r')
      out[n++] = cd_buf_cstr(text)[i];
  }
  out[n] = '\0';
}

START_TEST(words_arrive_whole_and_nothing_of_ours_comes_along)
{
  static char printed[PRINTED_MAX + 1];
  char given[] = "CORDON_CHILD_GIVEN=for \xc3\xa4 \xe6\x9d\xb1";
  const char *const args[] = {"child",   "words",           "two words",   "",  "a\"b",
                              "back\\s", "ends with it \\", "\\\\\"x\\\"", "-", NULL};
  char *env[] = {given, NULL};
  play p;
  ck_assert_int_eq(uv_os_setenv("CORDON_CHILD_SECRET", "secret"), 0);
  start(&p, args, env, NULL);
  await_end(&p);
  drop_returns(&p.text, printed);
  ck_assert_str_eq(printed, "two words\n\na\"b\nback\\s\nends with it \\\n\\\\\"x\\\"\n-\n"
                            "for \xc3\xa4 \xe6\x9d\xb1\n(no secret)\n");
  ck_assert_int_eq(p.status, 0);
  ck_assert_int_eq(p.signal, 0);
  end(&p);
}
END_TEST

static void send_text(play *p, uv_write_t *request, char *text, uv_stream_t *handle)
{
  uv_buf_t buf = uv_buf_init(text, (unsigned)strlen(text));
  int failed = handle != NULL ? uv_write2(request, (uv_stream_t *)&p->link, &buf, 1, handle, NULL)
                              : uv_write(request, (uv_stream_t *)&p->link, &buf, 1, NULL);
  ck_assert_msg(failed == 0, "%s", uv_strerror(failed));
}

static void await_back(play *p, const char *text)
{
  while (strcmp(cd_buf_cstr(&p->back), text) != 0)
    (void)uv_run(&p->loop, UV_RUN_ONCE);
}

START_TEST(the_link_carries_words_and_sockets_both_ways_and_its_end_is_told)
{
  const char *const args[] = {"child", "echo", NULL};
  char hello[] = "hello";
  char socket[] = "s";
  char wanted[64];
  uv_write_t requests[2];
  uv_tcp_t tcp;
  struct sockaddr_in at;
  int len = sizeof(at);
  play p;
  start(&p, args, NULL, NULL);
  ck_assert_int_gt(pf_child_pid(p.child), 0);
  send_text(&p, &requests[0], hello, NULL);
  await_back(&p, "hello");
  (void)uv_tcp_init(&p.loop, &tcp);
  ck_assert_int_eq(uv_ip4_addr("127.0.0.1", 0, &at), 0);
  ck_assert_int_eq(uv_tcp_bind(&tcp, (const struct sockaddr *)&at, 0), 0);
  ck_assert_int_eq(uv_listen((uv_stream_t *)&tcp, 1, NULL), 0);
  ck_assert_int_eq(uv_tcp_getsockname(&tcp, (struct sockaddr *)&at, &len), 0);
  send_text(&p, &requests[1], socket, (uv_stream_t *)&tcp);
  (void)snprintf(wanted, sizeof(wanted), "helloport %u", (unsigned)ntohs(at.sin_port));
  await_back(&p, wanted);
  uv_close((uv_handle_t *)&tcp, NULL);
  uv_close((uv_handle_t *)&p.link, NULL);
  await_end(&p);
  ck_assert_int_eq(p.status, EXIT_OF_ECHO);
  ck_assert_int_eq(p.signal, 0);
  end(&p);
}
END_TEST

START_TEST(a_child_that_is_killed_has_a_signal)
{
  const char *const args[] = {"child", "echo", NULL};
  play p;
  start(&p, args, NULL, NULL);
  pf_child_kill(p.child);
  await_end(&p);
  ck_assert_int_eq(p.signal, SIGKILL);
  end(&p);
}
END_TEST

START_TEST(a_program_that_is_not_there_is_named)
{
  const char *const args[] = {NULL};
  char nothing[1100];
  cd_err err = {0};
  play p;
  begin(&p);
  (void)snprintf(nothing, sizeof(nothing), "%s-that-is-not-there", self);
  ck_assert_int_eq(try_start(&p, nothing, args, NULL, NULL, &err), CD_E_NOTFOUND);
  ck_assert_msg(strstr(err.text, "that-is-not-there") != NULL, "%s", err.text);
  ck_assert(!p.exited);
  end(&p);
}
END_TEST

static void confined(const char *role, const pf_confine *how)
{
  const char *const args[] = {"child", role, NULL};
  play p;
  start(&p, args, NULL, how);
  await_end(&p);
  ck_assert_msg(p.status == 0, "%s", cd_buf_cstr(&p.text));
  ck_assert_msg(strstr(cd_buf_cstr(&p.text), "\"privileges\":[]") != NULL, "%s",
                cd_buf_cstr(&p.text));
  /* Said on Windows, of what is looked at. */
  ck_assert_msg(strstr(cd_buf_cstr(&p.text), "\"administrators\":true") == NULL, "%s",
                cd_buf_cstr(&p.text));
  ck_assert_msg(strstr(cd_buf_cstr(&p.text), "\"job\":false") == NULL, "%s", cd_buf_cstr(&p.text));
  end(&p);
}

START_TEST(a_child_confines_itself_after_it_was_confined)
{
  const pf_confine nothing = {0};
  const pf_confine client = {.client = true, .file_bytes = 1};
  confined("host", &nothing);
  confined("client", &client);
}
END_TEST

/* A child may not be looked into by the process that LeakSanitizer starts. */
#if defined(__SANITIZE_ADDRESS__)
__attribute__((visibility("default"))) const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
  return "detect_leaks=0";
}
#endif

int main(int argc, char **argv)
{
  size_t size = sizeof(self);
  char **words = uv_setup_args(argc, argv);
  if (argc > 1 && strcmp(words[1], "child") == 0)
    return be_child(argc, words);
  if (uv_exepath(self, &size) != 0)
    return EXIT_FAILURE;
  Suite *s = suite_create("platform.child");
  TCase *c = tcase_create("child");
  tcase_set_timeout(c, 60);
  tcase_add_test(c, words_arrive_whole_and_nothing_of_ours_comes_along);
  tcase_add_test(c, the_link_carries_words_and_sockets_both_ways_and_its_end_is_told);
  tcase_add_test(c, a_child_that_is_killed_has_a_signal);
  tcase_add_test(c, a_program_that_is_not_there_is_named);
  tcase_add_test(c, a_child_confines_itself_after_it_was_confined);
  suite_add_tcase(s, c);
  SRunner *r = srunner_create(s);
  srunner_set_fork_status(r, CK_NOFORK);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
