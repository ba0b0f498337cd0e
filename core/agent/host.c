/* The process of a plugin host: check, spawn, HELLO, what it prints, its end. Operations are in
 * host_ops.c. */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/json.h"
#include "base/log.h"
#include "host_private.h"
#include "host_read.h"
#include "ipc/message.h"
#include "platform/child.h"
#include "platform/confine.h"
#include "platform/file.h"
#include "platform/pass.h"
#include "platform/process.h"
#include "platform/sight.h"

#include "base/banned.h"

#define SETTLE_TIMES_MAX 5
#define SETTLE_MS 1000 /* between the process's end and the link's, whichever comes first */
#define FRAMES_PER_SECOND 20000
#define LINES_PER_SECOND 100
#define SETUP_MAX (512u * 1024u)

static void settle(agent_host *h);
static void go(agent_host *h);
static void log_line(host_lines *l);

static void free_when_closed(agent_host *h)
{
  if (--h->open_handles > 0)
    return;
  agent_supervisor *sup = h->sup;
  agent_plugin *plugin = h->plugin;
  pf_number_close(h->pass);
  agent_capability cap = h->cap;
  agent_supervisor_forget(sup, h, plugin, cap);
  free(h);
}

static void on_timer_closed(uv_handle_t *handle)
{
  free_when_closed(handle->data);
}

static void on_lines_closed(uv_handle_t *handle)
{
  host_lines *l = handle->data;
  free_when_closed(l->host);
}

static void on_process_closed(void *owner)
{
  free_when_closed(owner);
}

/* ---- the end ---- */

static void kill_process(agent_host *h)
{
  if (!h->running)
    return;
  pf_child_kill(h->child);
  /* With everything that the plugin started. */
  pf_process_kill_group(pf_child_pid(h->child));
}

/* The first reason for the end stays the reason. */
static void set_why(agent_host *h, bool strike, cd_code code, const char *text)
{
  if (!h->has_why) {
    (void)cd_fail(&h->why, code, "%s", text);
    h->has_why = true;
    h->strike = strike;
  }
  if (h->phase < HOST_ENDING)
    h->phase = HOST_ENDING;
}

void host_die(agent_host *h, bool strike, cd_code code, const char *fmt, ...)
{
  va_list args;
  char text[CD_ERR_TEXT_MAX];
  va_start(args, fmt);
  (void)vsnprintf(text, sizeof(text), fmt, args);
  va_end(args);
  set_why(h, strike, code, text);
  h->deaf = true;
  kill_process(h);
  settle(h);
}

static void explain_exit(agent_host *h)
{
  char text[CD_ERR_TEXT_MAX];
  const char *doing = host_ops_first_name(h);
  char how[64];
  if (h->exit_signal != 0)
    (void)snprintf(how, sizeof(how), "crashed with signal %d", h->exit_signal);
  else
    (void)snprintf(how, sizeof(how), "ended by itself with exit code %lld",
                   (long long)h->exit_status);
  if (!h->greeted)
    (void)snprintf(text, sizeof(text), "plugin '%s' %s while it was being started",
                   h->plugin->manifest.id, how);
  else
    (void)snprintf(text, sizeof(text), "plugin '%s' %s%s%s", h->plugin->manifest.id, how,
                   doing != NULL ? " in " : "", doing != NULL ? doing : "");
  set_why(h, true, CD_E_INTERNAL, text);
}

static void count_strike(agent_host *h)
{
  if (h->strike && !h->counted)
    agent_supervisor_strike(h->sup, h->plugin, h->cap, h->why.text);
  h->counted = true;
}

/* The strike counts before the operation's owner is told, who may look, or try again, at once. */
void host_leaves(agent_host *h, cd_code code, const char *sentence)
{
  set_why(h, true, code, sentence);
  count_strike(h);
  settle(h);
}

static void on_settle_timer(uv_timer_t *timer)
{
  agent_host *h = timer->data;
  char text[CD_ERR_TEXT_MAX];
  (void)snprintf(text, sizeof(text), "plugin '%s' closed its link, went on, and was killed",
                 h->plugin->manifest.id);
  if (h->running && !h->linked)
    set_why(h, true, CD_E_INTERNAL, text);
  kill_process(h);
  if (h->linked)
    ipc_link_close(&h->link);
  /* A process that is stuck in the kernel cannot even be killed; who waits for it is told. */
  if (++h->settling >= SETTLE_TIMES_MAX && h->phase == HOST_ENDING) {
    cd_log(CD_AREA_SUPERVISOR, CD_LOG_ERROR,
           "%s plugin=%s: its process or its files cannot be had back from the kernel; going on "
           "without",
           agent_capability_name(h->cap), h->plugin->manifest.id);
    go(h);
  }
}

static void go(agent_host *h)
{
  bool in_order = h->asked_to_quit && h->exit_signal == 0 && h->exit_status == 0;
  if (!h->has_why && in_order)
    set_why(h, false, CD_E_CANCELLED, "the plugin's process was asked to end");
  else if (!h->has_why)
    explain_exit(h);
  h->phase = HOST_GONE;
  count_strike(h);
  host_ops_end_all(h);
  for (int i = 0; i < 2; i++) {
    if (h->lines[i].open) {
      log_line(&h->lines[i]);
      h->lines[i].open = false;
      uv_close((uv_handle_t *)&h->lines[i].pipe, on_lines_closed);
    }
  }
  uv_close((uv_handle_t *)&h->timer, on_timer_closed);
}

/* Ends the object once nothing more can come from the process; until then waits, but not for long:
 * what it said before its end is still read, and its exit status explains more than the end of the
 * link. */
static void settle(agent_host *h)
{
  if (h->phase != HOST_ENDING)
    return;
  if (!h->running && !h->linked && !h->checking)
    go(h);
  else if (h->has_why || !h->running)
    (void)uv_timer_start(&h->timer, on_settle_timer, SETTLE_MS, SETTLE_MS);
}

static void on_link_closed(ipc_link *link, cd_code code, const char *sentence)
{
  agent_host *h = link->owner;
  h->linked = false;
  if (code != CD_OK && h->running && !h->asked_to_quit) {
    host_die(h, true, CD_E_INTERNAL, "plugin '%s' broke the protocol: %s", h->plugin->manifest.id,
             sentence);
  } else {
    if (h->running && !h->asked_to_quit) {
      h->phase = HOST_ENDING;
      (void)uv_timer_start(&h->timer, on_settle_timer, SETTLE_MS, SETTLE_MS);
    }
    settle(h);
  }
  free_when_closed(h);
}

static void on_child_exit(void *owner, int64_t status, int signal_number)
{
  agent_host *h = owner;
  int pid = pf_child_pid(h->child);
  pf_process_kill_group(pid);
  h->running = false;
  h->exit_status = status;
  h->exit_signal = signal_number;
  pf_child_close(h->child, on_process_closed);
  h->child = NULL;
  cd_log(CD_AREA_SUPERVISOR, CD_LOG_DEBUG,
         "%s plugin=%s: process %d ended, exit code %lld, signal %d", agent_capability_name(h->cap),
         h->plugin->manifest.id, pid, (long long)status, signal_number);
  if (h->phase < HOST_ENDING)
    h->phase = HOST_ENDING;
  settle(h);
}

/* ---- frames ---- */

static void on_hello(agent_host *h, cd_str payload)
{
  cd_err err = {0};
  host_hello hello = {0};
  if (h->phase != HOST_STARTING ||
      host_hello_read(payload, h->plugin->manifest.id, &hello, &err) != CD_OK) {
    host_die(h, true, CD_E_INTERNAL, "plugin '%s' broke the protocol: %s", h->plugin->manifest.id,
             err.text[0] != '\0' ? err.text : "HELLO out of turn");
    return;
  }
  (void)uv_timer_stop(&h->timer);
  h->concurrency = hello.concurrency;
  h->greeted = true;
  h->phase = HOST_READY;
  cd_log(CD_AREA_SUPERVISOR, CD_LOG_INFO, "%s plugin=%s: host %d is up after %llu us",
         agent_capability_name(h->cap), h->plugin->manifest.id, pf_child_pid(h->child),
         (unsigned long long)(cd_mono_us() - h->started_us));
  if (hello.note[0] != '\0')
    cd_log(CD_AREA_SUPERVISOR, CD_LOG_INFO, "%s plugin=%s: not confined in all: %s",
           agent_capability_name(h->cap), h->plugin->manifest.id, hello.note);
  host_ops_pump(h);
  host_idle(h);
}

static void on_refused(agent_host *h, cd_str payload)
{
  cd_err err = {0};
  host_end refused = {0};
  const char *id = h->plugin->manifest.id;
  if (host_refused_read(payload, &refused, &err) != CD_OK) {
    host_die(h, true, CD_E_INTERNAL, "plugin '%s' broke the protocol: %s", id, err.text);
    return;
  }
  host_die(h, refused.status == CD_E_INTERNAL, refused.status, "plugin '%s' did not start: %s", id,
           refused.sentence);
  h->why.os_error = refused.os_error;
}

static void on_log(agent_host *h, const ipc_frame *frame)
{
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  cd_str line = {0};
  uint64_t level = CD_LOG_INFO;
  if (host_log_read(frame->payload, &doc, &level, &line, &err) != CD_OK) {
    host_die(h, true, CD_E_INTERNAL, "plugin '%s' broke the protocol: %s", h->plugin->manifest.id,
             err.text);
    return;
  }
  cd_log(CD_AREA_PLUGIN, (cd_log_level)level, "%s plugin=%s op=%llu: %.*s",
         agent_capability_name(h->cap), h->plugin->manifest.id, (unsigned long long)frame->op,
         CD_STR_ARG(line));
  cd_json_free(doc);
}

static void on_frame(ipc_link *link, const ipc_frame *frame)
{
  agent_host *h = link->owner;
  /* Whoever is being killed for what it said has nothing more to say. */
  if (h->deaf)
    return;
  if (!agent_rate_ok(&h->frame_rate, FRAMES_PER_SECOND)) {
    host_die(h, true, CD_E_LIMIT, "plugin '%s' sent more than %d messages in a second",
             h->plugin->manifest.id, FRAMES_PER_SECOND);
    return;
  }
  switch (frame->type) {
  case IPC_HELLO: on_hello(h, frame->payload); break;
  case IPC_REFUSED: on_refused(h, frame->payload); break;
  case IPC_LOG: on_log(h, frame); break;
  case IPC_PROGRESS:
  case IPC_RECORD:
  case IPC_UNDO:
  case IPC_RESULT:
  case IPC_PACKAGE:
  case IPC_END: host_ops_frame(h, frame); break;
  default:
    host_die(h, true, CD_E_INTERNAL,
             "plugin '%s' broke the protocol: a message of type %u is not for the agent",
             h->plugin->manifest.id, frame->type);
  }
}

static const ipc_link_events link_events = {
    .on_frame = on_frame, .on_handle = NULL, .on_closed = on_link_closed};

/* ---- what it prints ---- */

static void log_line(host_lines *l)
{
  agent_host *h = l->host;
  const char *cap = agent_capability_name(h->cap);
  const char *id = h->plugin->manifest.id;
  if (l->len == 0)
    return;
  if (agent_rate_ok(&h->line_rate, LINES_PER_SECOND)) {
    unsigned dropped = agent_rate_dropped(&h->line_rate);
    if (dropped > 0)
      cd_log(CD_AREA_PLUGIN, CD_LOG_WARN, "%s plugin=%s: %u lines of output were dropped", cap, id,
             dropped);
    cd_log(CD_AREA_PLUGIN, CD_LOG_INFO, "%s plugin=%s %s: %.*s", cap, id, l->name, (int)l->len,
           l->text);
  }
  l->len = 0;
}

static void on_lines_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
  host_lines *l = handle->data;
  (void)suggested;
  *buf = uv_buf_init(l->chunk, sizeof(l->chunk));
}

static void on_lines_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
  host_lines *l = stream->data;
  if (n < 0) {
    log_line(l);
    if (l->open) {
      l->open = false;
      uv_close((uv_handle_t *)stream, on_lines_closed);
    }
    return;
  }
  for (ssize_t i = 0; i < n; i++) {
    char ch = buf->base[i];
    if (ch == '\n' || l->len == sizeof(l->text))
      log_line(l);
    if (ch != '\n')
      l->text[l->len++] = ch;
  }
}

static cd_code open_lines(agent_host *h, int i, cd_err *err)
{
  host_lines *l = &h->lines[i];
  int rc = uv_pipe_init(h->sup->loop, &l->pipe, 0);
  if (rc != 0)
    return cd_fail_os(err, CD_E_LIMIT, -rc, "cannot make a pipe: %s", uv_strerror(rc));
  l->host = h;
  l->name = i == 0 ? "stdout" : "stderr";
  l->pipe.data = l;
  l->open = true;
  h->open_handles++;
  return CD_OK;
}

/* ---- the start ---- */

static bool packs(const agent_host *h)
{
  return h->cap == AGENT_CAP_COLLECT;
}

/* The host writes the package, within this limit too. */
static uint64_t file_mb(const agent_host *h)
{
  uint64_t package_mb = h->sup->config->collect.max_bytes / (1024 * 1024) + 1;
  uint64_t own_mb = h->plugin->manifest.file_mb;
  return packs(h) && own_mb < package_mb ? package_mb : own_mb;
}

static void write_confine(const agent_host *h, cd_jw *w)
{
  static const char *const names[] = {"root",   "net_admin", "net_raw",   "read_all",
                                      "trace",  "kill",      "sys_admin", "sight",
                                      "syslog", "write_all", "modules",   "root_user"};
  const agent_manifest *m = &h->plugin->manifest;
  const char *user = h->sup->config->plugin_user;
  cd_jw_obj(w, "confine");
  cd_jw_cstr(w, "user",
             user[0] != '\0' && (m->privileges & (PF_PRIV_ROOT | PF_PRIV_ROOT_USER)) == 0 ? user
                                                                                          : NULL);
  cd_jw_arr(w, "privileges");
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    uint32_t bit = 0;
    if (pf_privilege_from_name(cd_str_from(names[i]), &bit) && (m->privileges & bit) != 0)
      cd_jw_cstr(w, NULL, names[i]);
  }
  cd_jw_end_arr(w);
  if (m->no_network)
    cd_jw_bool(w, "no_network", true);
  cd_jw_u64(w, "memory_mb", m->memory_mb);
  cd_jw_u64(w, "processes", m->processes);
  cd_jw_u64(w, "files", m->files);
  cd_jw_u64(w, "file_mb", file_mb(h));
  cd_jw_end_obj(w);
}

static cd_code send_setup(agent_host *h, cd_err *err)
{
  char state_dir[CD_PATH_MAX];
  cd_buf text = CD_BUF_INIT(SETUP_MAX);
  cd_buf settings = CD_BUF_INIT(CD_CONFIG_MAX);
  cd_jw w;
  cd_code rc = agent_supervisor_state_dir(h->sup, h->plugin, state_dir, err);
  if (rc != CD_OK)
    return rc;
  agent_config_settings(h->sup->config, h->plugin->manifest.id, &settings);
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_u64(&w, "protocol", IPC_PROTOCOL);
  cd_jw_cstr(&w, "plugin", h->plugin->manifest.id);
  cd_jw_cstr(&w, "version", h->plugin->manifest.version);
  cd_jw_cstr(&w, "capability", agent_capability_name(h->cap));
  cd_jw_cstr(&w, "library", h->plugin->library);
  cd_jw_cstr(&w, "state_dir", state_dir);
  cd_jw_raw(&w, "settings", cd_buf_view(&settings));
  write_confine(h, &w);
  cd_jw_u64(&w, "parent", (uint64_t)uv_os_getpid());
  cd_jw_end_obj(&w);
  rc = cd_jw_done(&w, "SETUP", err);
  if (rc == CD_OK)
    rc = ipc_link_send(&h->link, IPC_SETUP, 0, cd_buf_view(&text), err);
  cd_buf_release(&text);
  cd_buf_release(&settings);
  return rc;
}

/* What the child is told in SETUP to keep, for the system that takes the rest from it beforehand.
 */
static pf_confine what_is_left(const agent_host *h)
{
  const agent_manifest *m = &h->plugin->manifest;
  return (pf_confine){.privileges = m->privileges,
                      .memory_bytes = (uint64_t)m->memory_mb * 1024u * 1024u,
                      .processes = m->processes,
                      .no_network = m->no_network};
}

/* Without it the plugin is told that there is none. */
static void open_sight(const agent_host *h, uv_file *ret_sight)
{
  cd_err err = {0};
  if ((h->plugin->manifest.privileges & PF_PRIV_SIGHT) != 0 &&
      pf_sight_serve(ret_sight, &err) != CD_OK)
    cd_log(CD_AREA_SUPERVISOR, CD_LOG_WARN, "%s plugin=%s: %s; going on without",
           agent_capability_name(h->cap), h->plugin->manifest.id, err.text);
}

/* Without it an operation that makes a package fails when it is to start. */
static void open_pass(agent_host *h, uv_file *ret_child)
{
  cd_err err = {0};
  if (packs(h) && pf_pass_pair(&h->pass, ret_child, &err) != CD_OK)
    cd_log(CD_AREA_SUPERVISOR, CD_LOG_WARN, "%s plugin=%s: %s; going on without",
           agent_capability_name(h->cap), h->plugin->manifest.id, err.text);
}

static cd_code start_child(agent_host *h, cd_err *err)
{
  uv_file sight = -1;
  uv_file pass = -1;
  char *args[] = {h->sup->plugin_host, h->plugin->manifest.id, NULL, NULL};
  char *env[2] = {NULL, NULL};
  char cap[32];
  (void)cd_str_copy(cap, sizeof(cap), cd_str_from(agent_capability_name(h->cap)));
  args[2] = cap;
#ifdef CORDON_FAULT_POINTS
  char fault[512];
  if (cd_fault_spec() != NULL) {
    (void)snprintf(fault, sizeof(fault), "CORDON_FAULT=%s", cd_fault_spec());
    env[0] = fault;
  }
#endif
  open_sight(h, &sight);
  open_pass(h, &pass);
  uv_stdio_container_t stdio[7] = {
      {.flags = UV_IGNORE},
      {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&h->lines[0].pipe},
      {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&h->lines[1].pipe},
      {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE | UV_WRITABLE_PIPE | UV_NONBLOCK_PIPE,
       .data.stream = (uv_stream_t *)&h->link.pipe},
      {.flags = UV_INHERIT_FD, .data.fd = h->library},
      {.flags = sight >= 0 ? UV_INHERIT_FD : UV_IGNORE, .data.fd = sight},
      {.flags = pass >= 0 ? UV_INHERIT_FD : UV_IGNORE, .data.fd = pass},
  };
  const pf_confine confine = what_is_left(h);
  pf_child_options options = {.program = h->sup->plugin_host,
                              .args = args,
                              .env = env,
                              .confine = &confine,
                              .stdio = stdio,
                              .stdio_count = pass >= 0    ? 7
                                             : sight >= 0 ? 6
                                                          : 5,
                              .on_exit = on_child_exit,
                              .owner = h};
  cd_code rc = pf_child_start(h->sup->loop, &options, &h->child, err);
  if (sight >= 0)
    pf_number_close(sight);
  if (pass >= 0)
    pf_number_close(pass);
  return rc;
}

static void on_start_timer(uv_timer_t *timer)
{
  agent_host *h = timer->data;
  const char *id = h->plugin->manifest.id;
  if (h->phase == HOST_CHECKING)
    host_die(h, false, CD_E_DEADLINE, "plugin '%s': its library '%s' could not be read in %d ms",
             id, h->plugin->library, AGENT_HOST_START_MS);
  else
    host_die(h, true, CD_E_DEADLINE,
             "plugin '%s' was not ready %d ms after its process was started, and was killed", id,
             AGENT_HOST_START_MS);
}

static cd_code start_process(agent_host *h, cd_err *err)
{
  cd_code rc =
      ipc_link_init(&h->link, h->sup->loop, false, CD_FRAME_PAYLOAD_MAX, &link_events, h, err);
  if (rc != CD_OK)
    return rc;
  h->linked = true;
  h->open_handles++;
  for (int i = 0; i < 2 && rc == CD_OK; i++)
    rc = open_lines(h, i, err);
  if (rc != CD_OK)
    return rc;
  rc = start_child(h, err);
  if (rc != CD_OK)
    return rc;
  h->open_handles++;
  h->running = true;
  for (int i = 0; i < 2; i++)
    (void)uv_read_start((uv_stream_t *)&h->lines[i].pipe, on_lines_alloc, on_lines_read);
  rc = ipc_link_start(&h->link, err);
  if (rc == CD_OK)
    rc = send_setup(h, err);
  return rc;
}

static void check_in_pool(uv_work_t *work)
{
  agent_host *h = work->data;
  uv_os_fd_t program;
  uv_os_fd_t library;
  h->check_rc = pf_file_open_trusted(h->sup->plugin_host, &program, &h->check_err);
  if (h->check_rc != CD_OK)
    return;
  pf_file_close(program);
  h->check_rc = agent_plugin_open(h->plugin, &library, &h->check_err);
  if (h->check_rc != CD_OK)
    return;
  h->library = uv_open_osfhandle(library);
  if (h->library < 0) {
    pf_file_close(library);
    h->check_rc =
        cd_fail(&h->check_err, CD_E_LIMIT, "there is no number left for '%s'", h->plugin->library);
  }
}

static void begin_process(agent_host *h)
{
  cd_err err = {0};
  h->phase = HOST_STARTING;
  (void)uv_timer_start(&h->timer, on_start_timer, AGENT_HOST_START_MS, 0);
  cd_code rc = start_process(h, &err);
  if (rc == CD_OK)
    return;
  if (h->linked)
    ipc_link_close(&h->link);
  host_die(h, false, rc, "%s", err.text);
}

static void on_checked(uv_work_t *work, int status)
{
  agent_host *h = work->data;
  bool opened = h->check_rc == CD_OK;
  (void)status;
  h->checking = false;
  if (h->phase == HOST_CHECKING && opened)
    begin_process(h);
  else if (!opened)
    host_die(h, false, h->check_rc, "%s", h->check_err.text);
  else
    settle(h);
  if (opened)
    pf_number_close(h->library);
  free_when_closed(h);
}

static void on_idle_timer(uv_timer_t *timer)
{
  agent_host_stop(timer->data);
}

void host_idle(agent_host *h)
{
  if (h->phase == HOST_READY && h->op_count == 0)
    (void)uv_timer_start(&h->timer, on_idle_timer, AGENT_HOST_IDLE_MS, 0);
}

agent_host *agent_host_new(agent_supervisor *sup, agent_plugin *plugin, agent_capability cap)
{
  agent_host *h = calloc(1, sizeof(*h));
  if (h == NULL)
    return NULL;
  h->sup = sup;
  h->plugin = plugin;
  h->cap = cap;
  h->concurrency = 1;
  h->pass = -1;
  h->check.data = h;
  (void)uv_timer_init(sup->loop, &h->timer);
  h->timer.data = h;
  h->open_handles = 1;
  return h;
}

bool agent_host_usable(const agent_host *h)
{
  return h->phase < HOST_ENDING;
}

void agent_host_describe(const agent_host *h, int *ret_pid, unsigned *ret_running,
                         bool *ret_resident)
{
  *ret_pid = h->running ? pf_child_pid(h->child) : 0;
  *ret_running = host_ops_running(h, ret_resident);
}

static void on_quit_timer(uv_timer_t *timer)
{
  agent_host *h = timer->data;
  host_die(h, true, CD_E_DEADLINE,
           "plugin '%s' did not end within %d ms when asked to, and was killed",
           h->plugin->manifest.id, AGENT_HOST_QUIT_MS);
}

void agent_host_stop(agent_host *h)
{
  cd_err err = {0};
  if (h->phase >= HOST_ENDING)
    return;
  if (h->phase != HOST_READY) {
    host_die(h, false, CD_E_CANCELLED, "plugin '%s' was stopped before it was ready",
             h->plugin->manifest.id);
    return;
  }
  h->phase = HOST_ENDING;
  h->asked_to_quit = true;
  (void)uv_timer_start(&h->timer, on_quit_timer, AGENT_HOST_QUIT_MS, 0);
  if (ipc_link_send(&h->link, IPC_QUIT, 0, CD_STR("{}"), &err) != CD_OK)
    host_die(h, false, CD_E_IO, "%s", err.text);
}

cd_code host_begin(agent_host *h, cd_err *err)
{
  h->started_us = cd_mono_us();
  int rc = uv_queue_work(h->sup->loop, &h->check, check_in_pool, on_checked);
  if (rc != 0)
    return cd_fail_os(err, CD_E_INTERNAL, -rc, "cannot queue work: %s", uv_strerror(rc));
  h->checking = true;
  h->open_handles++;
  h->phase = HOST_CHECKING;
  (void)uv_timer_start(&h->timer, on_start_timer, AGENT_HOST_START_MS, 0);
  return CD_OK;
}
