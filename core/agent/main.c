/* cordond: options, signals, the loop. Everything else hangs on the agent object. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "agent.h"
#include "base/log.h"
#include "platform/confine.h"
#include "platform/install.h"
#include "platform/paths.h"
#include "platform/service.h"
#include "platform/system.h"
#include "restore.h"
#include "setup.h"

#include "base/banned.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

#if defined(__SANITIZE_THREAD__)
#define AGENT_THREAD_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define AGENT_THREAD_SANITIZED 1
#endif
#endif

#ifdef AGENT_THREAD_SANITIZED
/* libuv closes descriptors by a system call that the sanitizer does not see. When the pool then
 * opens a file that gets the same number (by openat(), which it does not see either), it takes that
 * for a race over the descriptor, in whatever opens, reads or closes it first. What is named here
 * shares nothing else: check_in_pool() works on a host that nobody touches meanwhile, and the
 * look-ups of users and groups open files of the C library's. */
__attribute__((visibility("default"))) const char *__tsan_default_suppressions(void);

const char *__tsan_default_suppressions(void)
{
  return "race:pf_file_open_trusted\nrace:pf_file_close\nrace:pf_file_read_open\n"
         "race:find_group\nrace:account_in_group\nrace:pf_account_by_uid\n";
}
#endif

typedef struct program {
  agent_options options;
  bool check_config;
  bool restore;
  bool service;
  bool help;
  bool version;
  uv_loop_t loop;
  uv_signal_t signals[2];
  uv_async_t wake; /* of a service that is to stop */
  agent agent;
  bool stopping;
} program;

static const char usage[] =
    "usage: cordond [OPTION...]\n"
    "The Cordon agent: keeps this device as its orders say.\n\n"
    "  --config FILE         configuration (default %s)\n"
    "  --trust FILE          which plugins may be loaded (default %s)\n"
    "  --state-dir DIR       journal and plugins' folders (default %s)\n"
    "  --run-dir DIR         folder of the control socket (default %s)\n"
    "  --plugin-dir DIR      plugins and manifests (default %s)\n"
    "  --plugin-host PROGRAM (default %s)\n"
    "  --channel PROGRAM     (default %s)\n"
    "  --log SPEC            such as all=info,-control,plugin=debug\n"
    "  --restore             put a wanted isolation back in force, as a step of the boot, and end\n"
    "  --install [--no-start]      (alone; Windows) folders, configuration, service; for an "
    "installer\n"
    "  --uninstall [--keep-state]  (alone; Windows) the service, and what the agent has written\n"
    "  --uninstall --keep-service  (alone; Windows) stop the service, for another version\n"
    "  --service             as a service of Windows; its manager starts it so\n"
    "  --check-config        read the configuration, say what is wrong, and end\n"
    "  --version, --help\n";

static void print_usage(FILE *to)
{
  const pf_paths *p = pf_paths_installed();
  (void)fprintf(to, usage, p->config_file, p->trust_file, p->state_dir, p->run_dir, p->plugin_dir,
                p->plugin_host, p->channel);
}

static bool take_value(int argc, char **argv, int *i, const char *name, const char **ret_value)
{
  if (!cd_str_eq_cstr(cd_str_from(argv[*i]), name))
    return false;
  if (*i + 1 < argc)
    *ret_value = argv[++*i];
  else
    *ret_value = NULL;
  return true;
}

static bool take_flag(const char *arg, const char *name, bool *ret_flag)
{
  if (!cd_str_eq_cstr(cd_str_from(arg), name))
    return false;
  *ret_flag = true;
  return true;
}

static bool parse_options(program *p, int argc, char **argv)
{
  agent_options *o = &p->options;
  const struct {
    const char *name;
    const char **value;
  } values[] = {
      {"--config", &o->config_file},    {"--trust", &o->trust_file},
      {"--state-dir", &o->state_dir},   {"--run-dir", &o->run_dir},
      {"--plugin-dir", &o->plugin_dir}, {"--plugin-host", &o->plugin_host},
      {"--channel", &o->channel},       {"--log", &o->log},
  };
  for (int i = 1; i < argc; i++) {
    bool taken = take_flag(argv[i], "--check-config", &p->check_config) ||
                 take_flag(argv[i], "--restore", &p->restore) ||
                 take_flag(argv[i], "--service", &p->service) ||
                 take_flag(argv[i], "--version", &p->version) ||
                 take_flag(argv[i], "--help", &p->help);
    for (size_t v = 0; v < sizeof(values) / sizeof(values[0]) && !taken; v++) {
      const char *name = argv[i];
      taken = take_value(argc, argv, &i, values[v].name, values[v].value);
      if (taken && *values[v].value == NULL) {
        (void)fprintf(stderr, "cordond: option '%s' needs a value\n", name);
        return false;
      }
    }
    if (!taken) {
      (void)fprintf(stderr, "cordond: there is no option '%s'; see cordond --help\n", argv[i]);
      return false;
    }
  }
  return true;
}

static void on_stopped(void *owner)
{
  program *p = owner;
  for (int i = 0; i < 2; i++)
    uv_close((uv_handle_t *)&p->signals[i], NULL);
  if (p->service)
    uv_close((uv_handle_t *)&p->wake, NULL);
}

static void begin_stop(program *p)
{
  if (p->stopping)
    return;
  p->stopping = true;
  pf_service_stopping();
  agent_stop(&p->agent, on_stopped, p);
}

static void on_signal(uv_signal_t *handle, int number)
{
  cd_log(CD_AREA_AGENT, CD_LOG_INFO, "signal %d: stopping", number);
  begin_stop(handle->data);
}

static void on_wake(uv_async_t *handle)
{
  cd_log(CD_AREA_AGENT, CD_LOG_INFO, "the service is to stop");
  begin_stop(handle->data);
}

static void stop_service(void *context)
{
  program *p = context;
  (void)uv_async_send(&p->wake);
}

static int check_config(const program *p)
{
  cd_err err = {0};
  agent_config config;
  agent_config_init(&config);
  cd_code rc = agent_config_load(p->options.config_file, &config, &err);
  if (rc == CD_OK)
    rc = cd_log_configure(cd_str_from(config.log), &err);
  agent_config_release(&config);
  if (rc != CD_OK) {
    (void)fprintf(stderr, "cordond: %s\n", err.text);
    return EXIT_FAILED;
  }
  (void)printf("%s is in order\n", p->options.config_file);
  return 0;
}

static int restore_step(const program *p)
{
  cd_err err = {0};
  /* It is no reason to leave a device open. */
  if (pf_harden_self(&err) != CD_OK)
    cd_log(CD_AREA_AGENT, CD_LOG_WARN, "restore: %s; going on", err.text);
  return agent_restore(&p->options);
}

static cd_code set_up(program *p, cd_err *err)
{
  cd_code rc = pf_harden_self(err);
  if (rc == CD_OK && p->service)
    rc = pf_install_check(err);
  return rc == CD_OK ? agent_start(&p->agent, &p->loop, &p->options, err) : rc;
}

static int run(void *context)
{
  program *p = context;
  static const int numbers[] = {SIGTERM, SIGINT};
  cd_err err = {0};
  int uv = uv_loop_init(&p->loop);
  if (uv != 0) {
    (void)fprintf(stderr, "cordond: cannot make an event loop: %s\n", uv_strerror(uv));
    return EXIT_FAILED;
  }
  if (set_up(p, &err) != CD_OK) {
    /* Ending here is safe: what was in force stays in force, and the journal is synced. */
    cd_log(CD_AREA_AGENT, CD_LOG_ERROR, "cannot start: %s", err.text);
    return EXIT_FAILED;
  }
  for (int i = 0; i < 2; i++) {
    (void)uv_signal_init(&p->loop, &p->signals[i]);
    p->signals[i].data = p;
    (void)uv_signal_start(&p->signals[i], on_signal, numbers[i]);
  }
  if (p->service) {
    (void)uv_async_init(&p->loop, &p->wake, on_wake);
    p->wake.data = p;
  }
  pf_service_ready();
  (void)uv_run(&p->loop, UV_RUN_DEFAULT);
  agent_free(&p->agent);
  return uv_loop_close(&p->loop) == 0 ? 0 : EXIT_FAILED;
}

static int run_service(program *p)
{
  cd_err err = {0};
  int code = EXIT_FAILED;
  if (pf_service_run(run, stop_service, p, &code, &err) != CD_OK)
    (void)fprintf(stderr, "cordond: %s\n", err.text);
  return code;
}

int main(int argc, char **argv)
{
  static program p;
  char socket[CD_PATH_MAX];
  const pf_paths *paths = pf_paths_installed();
  int code = 0;
  pf_heap_frugal();
  if (agent_setup_run(argc, argv, &code))
    return code;
  p.options = (agent_options){.config_file = paths->config_file,
                              .trust_file = paths->trust_file,
                              .state_dir = paths->state_dir,
                              .run_dir = paths->run_dir,
                              .plugin_dir = paths->plugin_dir,
                              .plugin_host = paths->plugin_host,
                              .channel = paths->channel};
  if (!parse_options(&p, argc, argv))
    return EXIT_USAGE;
  if (p.help) {
    print_usage(stdout);
    return 0;
  }
  if (p.version) {
    (void)printf("cordond %s\n", CORDON_VERSION);
    return 0;
  }
  if (p.check_config)
    return check_config(&p);
  if (p.restore)
    return restore_step(&p);
  p.options.control_socket = paths->control_socket;
  if (!cd_str_eq_cstr(cd_str_from(p.options.run_dir), paths->run_dir)) {
    if (!pf_paths_control(p.options.run_dir, socket, sizeof(socket)))
      return EXIT_USAGE;
    p.options.control_socket = socket;
  }
  return p.service ? run_service(&p) : run(&p);
}
