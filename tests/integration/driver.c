/* The agent's folders and its process. */
#include "driver.h"

#include "platform/file.h"
#include "protocol/digest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIBRARY_MAX (64u * 1024u * 1024u)
#define LOG_MAX (64u * 1024u * 1024u)
#define LOG_SHOWN_MAX 3500u /* Check gives up on messages that are much longer */
#define TICK_MS 10
#define SKIPPED 77

static char base[DRIVER_PATH_MAX];

/* ---- files ---- */

const char *driver_path(const driver *d, const char *name)
{
  static char paths[4][2 * DRIVER_PATH_MAX];
  static unsigned turn;
  char *path = paths[turn++ % 4];
  (void)snprintf(path, sizeof(paths[0]), "%s/%s", d->folder, name);
  return path;
}

void driver_write(const char *path, const char *text, unsigned mode)
{
  cd_err err = {0};
  cd_code rc = pf_file_replace(path, cd_str_from(text), mode, &err);
  ck_assert_msg(rc == CD_OK, "%s", err.text);
}

static void copy_file(const char *from, const char *to, unsigned mode)
{
  cd_err err = {0};
  cd_buf bytes = CD_BUF_INIT(LIBRARY_MAX);
  cd_code rc = pf_file_read(from, LIBRARY_MAX, &bytes, &err);
  if (rc == CD_OK)
    rc = pf_file_replace(to, cd_buf_view(&bytes), mode, &err);
  cd_buf_release(&bytes);
  if (rc != CD_OK) {
    (void)fprintf(stderr, "%s\n", err.text);
    abort();
  }
}

const char *driver_read(const char *path)
{
  static char text[64 * 1024];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
  if (fd >= 0)
    (void)close(fd);
  text[n > 0 ? n : 0] = '\0';
  return text;
}

static void plugin_id(const char *member, char out[128])
{
  (void)snprintf(out, 128, "org.cordon.test.%s", member);
  for (char *c = strchr(out, '_'); c != NULL; c = strchr(c, '_'))
    *c = '-';
}

static const char *private_file(const driver *d, const char *member, const char *name)
{
  char id[128];
  char relative[256];
  plugin_id(member, id);
  (void)snprintf(relative, sizeof(relative), "state/plugins/%s/%s", id, name);
  return driver_path(d, relative);
}

const char *driver_device(driver *d, const char *member)
{
  return driver_read(private_file(d, member, "state"));
}

void driver_set_device(driver *d, const char *member, const char *text)
{
  if (text == NULL)
    (void)unlink(private_file(d, member, "state"));
  else
    driver_write(private_file(d, member, "state"), text, 0644);
}

unsigned driver_calls(driver *d, const char *member, const char *call)
{
  char pattern[64];
  unsigned count = 0;
  (void)snprintf(pattern, sizeof(pattern), "%s op=", call);
  const char *at = driver_read(private_file(d, member, "calls"));
  for (at = strstr(at, pattern); at != NULL; at = strstr(at + 1, pattern))
    count++;
  return count;
}

/* ---- configuration ---- */

static void add_digest(cd_buf *out, const char *key, const char *path)
{
  cd_err err = {0};
  cd_digest digest;
  char text[CD_DIGEST_TEXT_MAX];
  cd_buf bytes = CD_BUF_INIT(LIBRARY_MAX);
  cd_code rc = pf_file_read(path, LIBRARY_MAX, &bytes, &err);
  if (rc == CD_OK)
    rc = cd_digest_of(bytes.ptr, bytes.len, &digest, &err);
  ck_assert_msg(rc == CD_OK, "%s", err.text);
  cd_digest_text(&digest, text);
  cd_buf_addf(out, ",\"%s\":\"%s\"", key, text);
  cd_buf_release(&bytes);
}

static void write_trust(driver *d)
{
  cd_buf text = CD_BUF_INIT(64 * 1024);
  char id[128];
  char path[DRIVER_PATH_MAX];
  cd_buf_add_cstr(&text, "{\"plugins\":[");
  for (int i = 0; i < DRIVER_PROVIDERS_MAX && d->options.providers[i] != NULL; i++) {
    const char *member = d->options.providers[i];
    plugin_id(member, id);
    cd_buf_addf(&text, "%s{\"id\":\"%s\"", i > 0 ? "," : "", id);
    (void)snprintf(path, sizeof(path), "plugins/zoo_%s.so", member);
    add_digest(&text, "library", driver_path(d, path));
    (void)snprintf(path, sizeof(path), "plugins/zoo_%s.json", member);
    add_digest(&text, "manifest", driver_path(d, path));
    cd_buf_add_char(&text, '}');
  }
  cd_buf_add_cstr(&text, "]}");
  driver_write(driver_path(d, "etc/trust.json"), cd_buf_cstr(&text), 0644);
  cd_buf_release(&text);
}

static void add_providers(const driver_options *o, bool collect, cd_buf *out)
{
  char id[128];
  const char *comma = "";
  for (int i = 0; i < DRIVER_PROVIDERS_MAX && o->providers[i] != NULL; i++) {
    if (o->collects[i] != collect)
      continue;
    plugin_id(o->providers[i], id);
    cd_buf_addf(out, "%s\"%s\"", comma, id);
    comma = ",";
  }
}

/* The fake devices' private folders are made by the agent; a log of calls lies in each. */
static void write_config(driver *d)
{
  const driver_options *o = &d->options;
  cd_buf text = CD_BUF_INIT(64 * 1024);
  char id[128];
  cd_buf_add_cstr(&text, "{\"providers\":{\"isolate\":[");
  add_providers(o, false, &text);
  cd_buf_add_cstr(&text, "],\"collect\":[");
  add_providers(o, true, &text);
  cd_buf_addf(&text, "]},\"plugins\":{\"user\":\"%s\",\"settings\":{",
              o->plugin_user != NULL ? o->plugin_user : "nobody");
  for (int i = 0; i < DRIVER_PROVIDERS_MAX && o->providers[i] != NULL; i++) {
    plugin_id(o->providers[i], id);
    cd_buf_addf(&text, "%s\"%s\":{\"log_file\":\"%s\"%s%s}", i > 0 ? "," : "", id,
                private_file(d, o->providers[i], "calls"), o->settings[i] != NULL ? "," : "",
                o->settings[i] != NULL ? o->settings[i] : "");
  }
  cd_buf_addf(
      &text,
      "}},\"console\":{\"addresses\":[\"192.0.2.7:8443\"],\"channel_user\":\"nobody\","
      "\"proxy_file\":\"%s\"},\"reconcile\":{"
      "\"interval_s\":%u},\"policy\":{\"trial_s\":%u},\"local\":{\"group\":\"%s\",\"release\":"
      "\"%s\"},\"preflight\":%s,\"collect\":%s}",
      o->proxy != NULL ? driver_path(d, "etc/proxy.json") : "",
      o->interval_s != 0 ? o->interval_s : 300, o->trial_s != 0 ? o->trial_s : 120,
      o->group != NULL ? o->group : "", o->release != NULL ? o->release : "group",
      o->preflight != NULL ? o->preflight : "{}", o->collect != NULL ? o->collect : "{}");
  if (o->proxy != NULL)
    driver_write(driver_path(d, "etc/proxy.json"), o->proxy, 0600);
  driver_write(driver_path(d, "etc/cordond.json"), cd_buf_cstr(&text), 0644);
  cd_buf_release(&text);
}

/* The manifest as it was built, but for what the options change. */
static void copy_manifest(const driver *d, const char *from, const char *to)
{
  static const char memory[] = "\"memory_mb\": 256";
  const char *text = driver_read(from);
  const char *at = strstr(text, memory);
  cd_buf out = CD_BUF_INIT(64 * 1024);
  ck_assert_msg(at != NULL, "'%s' is not as expected", from);
  cd_buf_add(&out, text, (size_t)(at - text));
  cd_buf_addf(&out, "\"memory_mb\": %u", d->options.memory_mb != 0 ? d->options.memory_mb : 256);
  cd_buf_add_cstr(&out, at + sizeof(memory) - 1);
  driver_write(to, cd_buf_cstr(&out), 0644);
  cd_buf_release(&out);
}

void driver_configure(driver *d, const driver_options *options)
{
  char from[DRIVER_PATH_MAX];
  char to[DRIVER_PATH_MAX];
  d->options = *options;
  for (int i = 0; i < DRIVER_PROVIDERS_MAX && options->providers[i] != NULL; i++) {
    const char *member = options->providers[i];
    (void)snprintf(to, sizeof(to), "plugins/zoo_%s.so", member);
    (void)snprintf(from, sizeof(from), "%s/zoo_%s.so", ZOO_FOLDER, member);
    if (access(driver_path(d, to), F_OK) != 0)
      copy_file(from, driver_path(d, to), 0644);
    (void)snprintf(to, sizeof(to), "plugins/zoo_%s.json", member);
    (void)snprintf(from, sizeof(from), "%s/zoo_%s.json", ZOO_FOLDER, member);
    copy_manifest(d, from, driver_path(d, to));
  }
  (void)snprintf(d->host, sizeof(d->host), "%.400s/bin/cordon-plugin-host", base);
  if (options->host != NULL) {
    (void)snprintf(d->host, sizeof(d->host), "%s", driver_path(d, "host"));
    copy_file(options->host, d->host, 0755);
  }
  (void)snprintf(d->channel, sizeof(d->channel), "%.400s/bin/cordon-channel", base);
  if (options->channel != NULL) {
    (void)snprintf(d->channel, sizeof(d->channel), "%s", driver_path(d, "channel"));
    copy_file(options->channel, d->channel, 0755);
  }
  write_trust(d);
  write_config(d);
}

void driver_rebuild_plugin(driver *d, const char *member)
{
  char path[DRIVER_PATH_MAX];
  (void)snprintf(path, sizeof(path), "plugins/zoo_%s.so", member);
  int fd = open(driver_path(d, path), O_WRONLY | O_APPEND | O_CLOEXEC);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(write(fd, "", 1), 1);
  (void)close(fd);
  write_trust(d);
}

driver *driver_new(const driver_options *options)
{
  static const char *const folders[] = {"etc", "plugins", "state", "run"};
  driver *d = calloc(1, sizeof(*d));
  ck_assert_ptr_nonnull(d);
  /* Not by the number of the process: those come again when many are made. */
  (void)snprintf(d->folder, sizeof(d->folder), "%.400s/XXXXXX", base);
  ck_assert_ptr_nonnull(mkdtemp(d->folder));
  ck_assert_int_eq(chmod(d->folder, 0755), 0);
  for (size_t i = 0; i < COUNT_OF(folders); i++)
    ck_assert_int_eq(mkdir(driver_path(d, folders[i]), 0755), 0);
  ck_assert_int_eq(uv_loop_init(&d->loop), 0);
  (void)uv_timer_init(&d->loop, &d->tick);
  d->tick.data = d;
  cd_buf_init(&d->log, LOG_MAX);
  driver_configure(d, options);
  return d;
}

void driver_free(driver *d)
{
  if (d->running)
    driver_kill(d);
  uv_close((uv_handle_t *)&d->tick, NULL);
  (void)uv_run(&d->loop, UV_RUN_DEFAULT);
  ck_assert_int_eq(uv_loop_close(&d->loop), 0);
  cd_buf_release(&d->log);
  free(d);
}

/* ---- waiting ---- */

/* Wakes the loop now and then, for facts that no handle tells. */
static void on_tick(uv_timer_t *timer)
{
}

static bool wait_for(driver *d, bool (*holds)(driver *d, const void *context), const void *context,
                     unsigned ms)
{
  /* A fact may wait for another one meanwhile: each has its own deadline. */
  uint64_t end_ms = uv_hrtime() / 1000000u + ms;
  bool found = holds(d, context);
  while (!found && uv_hrtime() / 1000000u < end_ms) {
    (void)uv_timer_start(&d->tick, on_tick, TICK_MS, TICK_MS);
    (void)uv_run(&d->loop, UV_RUN_ONCE);
    found = holds(d, context);
  }
  (void)uv_timer_stop(&d->tick);
  return found;
}

static const char *log_end(const driver *d)
{
  const char *text = cd_buf_cstr(&d->log);
  return d->log.len > LOG_SHOWN_MAX ? text + d->log.len - LOG_SHOWN_MAX : text;
}

void driver_wait(driver *d, bool (*holds)(driver *d, const void *context), const void *context,
                 const char *what)
{
  ck_assert_msg(wait_for(d, holds, context, DRIVER_WAIT_MS),
                "it did not come to this: %s; the end of the log:\n%s", what, log_end(d));
}

static bool is_logged(driver *d, const void *text)
{
  return strstr(cd_buf_cstr(&d->log), text) != NULL;
}

bool driver_logged(driver *d, const char *text)
{
  return is_logged(d, text);
}

void driver_wait_log(driver *d, const char *text)
{
  driver_wait(d, is_logged, text, text);
}

void driver_set_clock(driver *d, int64_t uptime_by_ms, int64_t wall_by_ms, const char *boot)
{
  char text[256];
  char path[DRIVER_PATH_MAX];
  (void)snprintf(text, sizeof(text), "%lld %lld%s%s", (long long)uptime_by_ms,
                 (long long)wall_by_ms, boot != NULL ? " " : "", boot != NULL ? boot : "");
  (void)snprintf(path, sizeof(path), "%s.new", driver_path(d, "clock"));
  driver_write(path, text, 0644);
  ck_assert_int_eq(rename(path, driver_path(d, "clock")), 0);
}

/* ---- processes ---- */

/* The program that a process runs, "" if it is none of ours to know. */
static void program_of(const char *pid, char out[DRIVER_PATH_MAX])
{
  char link[64];
  (void)snprintf(link, sizeof(link), "/proc/%.20s/exe", pid);
  ssize_t n = readlink(link, out, DRIVER_PATH_MAX - 1);
  out[n > 0 ? n : 0] = '\0';
}

/* Valgrind stands in for the program that it runs; then only the arguments tell. */
static bool runs(const char *wanted, const char *pid)
{
  char program[DRIVER_PATH_MAX];
  program_of(pid, program);
  return strcmp(program, wanted) == 0;
}

static unsigned count_processes(const char *program, pid_t *ret_pid)
{
  unsigned count = 0;
  DIR *dir = opendir("/proc");
  ck_assert_ptr_nonnull(dir);
  for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
    if (e->d_name[0] < '0' || e->d_name[0] > '9' || !runs(program, e->d_name))
      continue;
    count++;
    if (ret_pid != NULL)
      *ret_pid = (pid_t)strtol(e->d_name, NULL, 10);
  }
  (void)closedir(dir);
  return count;
}

unsigned driver_hosts(const driver *d, pid_t *ret_pid)
{
  return count_processes(d->host, ret_pid);
}

unsigned driver_channels(const driver *d, pid_t *ret_pid)
{
  return count_processes(d->channel, ret_pid);
}

static bool has_hosts(driver *d, const void *count)
{
  return driver_hosts(d, NULL) == *(const unsigned *)count;
}

void driver_wait_hosts(driver *d, unsigned count)
{
  driver_wait(d, has_hosts, &count, "that many plugin hosts run");
}

static void on_exit_of_agent(uv_process_t *process, int64_t code, int term_signal)
{
  driver *d = process->data;
  d->running = false;
  d->exit_code = code;
  d->exit_signal = term_signal;
  uv_close((uv_handle_t *)process, NULL);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
  driver *d = handle->data;
  *ret_buf = uv_buf_init(d->chunk, sizeof(d->chunk));
}

static void on_err_closed(uv_handle_t *handle)
{
  driver *d = handle->data;
  d->printing = false;
}

static void on_printed(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
  driver *d = stream->data;
  if (count > 0)
    cd_buf_add(&d->log, buf->base, (size_t)count);
  if (count < 0)
    uv_close((uv_handle_t *)stream, on_err_closed);
}

/* The program and its arguments; CORDON_TEST_WRAP is put before it, word by word. */
static void make_args(driver *d, const char *more, char *args[64], cd_buf *words)
{
  const char *wrap = getenv("CORDON_TEST_WRAP");
  size_t n = 0;
  if (wrap != NULL)
    cd_buf_addf(words, "%s ", wrap);
  cd_buf_addf(words,
              "%.400s/bin/cordond --config %s/etc/cordond.json --trust %s/etc/trust.json "
              "--state-dir %s/state --run-dir %s/run --plugin-dir %s/plugins --plugin-host %s "
              "--channel %s --log all=debug%s",
              base, d->folder, d->folder, d->folder, d->folder, d->folder, d->host, d->channel,
              more);
  for (char *at = words->ptr; at != NULL && n < 63;) {
    args[n++] = at;
    at = strchr(at, ' ');
    if (at != NULL)
      *at++ = '\0';
  }
  args[n] = NULL;
}

static void spawn(driver *d, const char *more, const char *fault)
{
  char *args[64];
  cd_buf words = CD_BUF_INIT(16 * 1024);
  make_args(d, more, args, &words);
  if (fault != NULL)
    ck_assert_int_eq(setenv("CORDON_FAULT", fault, 1), 0);
  ck_assert_int_eq(setenv("CORDON_CLOCK", driver_path(d, "clock"), 1), 0);
  uv_stdio_container_t stdio[3] = {
      {.flags = UV_IGNORE},
      {.flags = UV_IGNORE},
      {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&d->err}};
  uv_process_options_t options = {
      .file = args[0], .args = args, .stdio = stdio, .stdio_count = 3, .exit_cb = on_exit_of_agent};
  (void)uv_pipe_init(&d->loop, &d->err, 0);
  d->err.data = d;
  d->process.data = d;
  int rc = uv_spawn(&d->loop, &d->process, &options);
  ck_assert_msg(rc == 0, "'%s' was not started: %s", args[0], uv_strerror(rc));
  (void)unsetenv("CORDON_FAULT");
  (void)unsetenv("CORDON_CLOCK");
  cd_buf_release(&words);
  d->running = true;
  d->printing = true;
  d->exit_code = 0;
  d->exit_signal = 0;
  (void)uv_read_start((uv_stream_t *)&d->err, on_alloc, on_printed);
}

void driver_spawn(driver *d, const char *fault)
{
  spawn(d, "", fault);
}

static bool is_gone(driver *d, const void *context)
{
  return !d->running && !d->printing;
}

bool driver_exits_within(driver *d, unsigned ms)
{
  return wait_for(d, is_gone, NULL, ms);
}

void driver_wait_exit(driver *d)
{
  driver_wait(d, is_gone, NULL, "the agent has ended");
}

/* With a loop of its own, since the agent may be running. */
int driver_restore(driver *d, const char *fault)
{
  unsigned none = 0;
  driver *step = calloc(1, sizeof(*step));
  ck_assert_ptr_nonnull(step);
  memcpy(step->folder, d->folder, sizeof(step->folder));
  memcpy(step->host, d->host, sizeof(step->host));
  memcpy(step->channel, d->channel, sizeof(step->channel));
  ck_assert_int_eq(uv_loop_init(&step->loop), 0);
  (void)uv_timer_init(&step->loop, &step->tick);
  step->tick.data = step;
  cd_buf_init(&step->log, LOG_MAX);
  spawn(step, " --restore", fault);
  driver_wait_exit(step);
  cd_buf_add_str(&d->log, cd_buf_view(&step->log));
  int code = step->exit_signal != 0 ? -step->exit_signal : (int)step->exit_code;
  driver_free(step);
  if (!d->running)
    driver_wait(d, has_hosts, &none, "no process of the boot's step is left");
  return code;
}

static void expect_no_process_left(driver *d)
{
  unsigned none = 0;
  driver_wait(d, has_hosts, &none, "no process of the agent is left");
}

void driver_stop(driver *d)
{
  ck_assert_int_eq(uv_process_kill(&d->process, SIGTERM), 0);
  driver_wait_exit(d);
  ck_assert_msg(d->exit_code == 0 && d->exit_signal == 0, "exit code %d, signal %d:\n%s",
                (int)d->exit_code, d->exit_signal, log_end(d));
  /* It waits for its hosts: none may be left the moment it is gone. */
  ck_assert_uint_eq(driver_hosts(d, NULL), 0);
}

void driver_kill(driver *d)
{
  ck_assert_int_eq(uv_process_kill(&d->process, SIGKILL), 0);
  driver_wait_exit(d);
  ck_assert_int_eq(d->exit_signal, SIGKILL);
  expect_no_process_left(d);
}

/* ---- the program ---- */

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
  return remove(path);
}

static void make_base(void)
{
  char to[DRIVER_PATH_MAX];
  (void)snprintf(base, sizeof(base), "/run/cordon-test-XXXXXX");
  if (mkdtemp(base) == NULL || chmod(base, 0755) != 0)
    abort();
  (void)snprintf(to, sizeof(to), "%.400s/bin", base);
  if (mkdir(to, 0755) != 0)
    abort();
  (void)snprintf(to, sizeof(to), "%.400s/bin/cordond", base);
  copy_file(CORDOND, to, 0755);
  (void)snprintf(to, sizeof(to), "%.400s/bin/cordon-plugin-host", base);
  copy_file(CORDON_HOST, to, 0755);
  (void)snprintf(to, sizeof(to), "%.400s/bin/cordon-channel", base);
  copy_file(CORDON_CHANNEL, to, 0755);
}

/* Ends what a failed test may have left. Check ends the process group of each test; this is for
 * what has left its group. */
static void end_processes(void)
{
  char program[DRIVER_PATH_MAX];
  DIR *dir = opendir("/proc");
  for (const struct dirent *e = dir != NULL ? readdir(dir) : NULL; e != NULL; e = readdir(dir)) {
    if (e->d_name[0] < '0' || e->d_name[0] > '9')
      continue;
    program_of(e->d_name, program);
    if (strncmp(program, base, strlen(base)) == 0)
      (void)kill((pid_t)strtol(e->d_name, NULL, 10), SIGKILL);
  }
  if (dir != NULL)
    (void)closedir(dir);
}

static int run(const char *name, const TTest *const *tests, size_t count, int rounds, int timeout_s)
{
  if (geteuid() != 0) {
    (void)puts("not root: there is no folder for trusted files");
    return SKIPPED;
  }
  Suite *suite = suite_create(name);
  TCase *facts = tcase_create("facts");
  tcase_set_timeout(facts, timeout_s);
  for (size_t i = 0; i < count; i++)
    tcase_add_loop_test(facts, tests[i], 0, rounds);
  suite_add_tcase(suite, facts);
  SRunner *runner = srunner_create(suite);
  make_base();
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  end_processes();
  (void)nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int driver_suite(const char *name, const TTest *const *tests, size_t count, int timeout_s)
{
  return run(name, tests, count, 1, timeout_s);
}

int driver_suite_rounds(const char *name, const TTest *test, int rounds, int timeout_s)
{
  return run(name, &test, 1, rounds, timeout_s);
}
