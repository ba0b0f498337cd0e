/* cordon-console: options, signals, the loop. Everything else hangs on the server object. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "apps.h"
#include "base/log.h"
#include "platform/confine.h"
#include "platform/system.h"
#include "server.h"

#include "base/banned.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

typedef cd_code (*command_function)(const con_config *config, const con_app_options *o,
                                    cd_err *err);

typedef struct program {
  const char *config_file;
  const char *log;
  con_app_options app;
  command_function command; /* NULL: serve */
  bool check_config;
  bool help;
  bool version;
  con_config config;
  uv_loop_t loop;
  uv_signal_t signals[2];
  con_server server;
} program;

static const char usage[] =
    "usage: cordon-console [OPTION...] [COMMAND]\n"
    "The Cordon console: devices connect to it, people and programs ask it.\n\n"
    "  (no command)          serve\n"
    "  init                  make the data folder and the database\n"
    "  app create --name NAME --permissions A,B --out FILE\n"
    "                        a new application; FILE (new, mode 0600) gets its id and secret\n"
    "  app list\n"
    "  app revoke --id ID\n\n"
    "  --config FILE         configuration (default %s)\n"
    "  --log SPEC            such as all=info,-api,devices=debug\n"
    "  --check-config        read the configuration, say what is wrong, and end\n"
    "  --version, --help\n";

static bool take_command(int argc, char **argv, int *i, program *p)
{
  static const struct {
    const char *group;
    const char *word;
    command_function run;
  } commands[] = {{"init", NULL, con_apps_init},
                  {"app", "create", con_apps_create},
                  {"app", "list", con_apps_list},
                  {"app", "revoke", con_apps_revoke}};
  for (size_t c = 0; c < sizeof(commands) / sizeof(commands[0]) && p->command == NULL; c++) {
    bool second = commands[c].word != NULL;
    if (strcmp(argv[*i], commands[c].group) != 0 ||
        (second && (*i + 1 >= argc || strcmp(argv[*i + 1], commands[c].word) != 0)))
      continue;
    *i += second ? 1 : 0;
    p->command = commands[c].run;
    return true;
  }
  return false;
}

static bool take_flag(const char *arg, const char *name, bool *ret_flag)
{
  if (strcmp(arg, name) != 0)
    return false;
  *ret_flag = true;
  return true;
}

static bool parse_options(program *p, int argc, char **argv)
{
  const struct {
    const char *name;
    const char **value;
  } values[] = {{"--config", &p->config_file}, {"--log", &p->log},
                {"--name", &p->app.name},      {"--permissions", &p->app.permissions},
                {"--out", &p->app.out},        {"--id", &p->app.id}};
  for (int i = 1; i < argc; i++) {
    const char *name = argv[i];
    bool taken = take_flag(name, "--check-config", &p->check_config) ||
                 take_flag(name, "--version", &p->version) || take_flag(name, "--help", &p->help) ||
                 take_command(argc, argv, &i, p);
    for (size_t v = 0; v < sizeof(values) / sizeof(values[0]) && !taken; v++) {
      if (strcmp(name, values[v].name) != 0)
        continue;
      if (i + 1 >= argc) {
        (void)fprintf(stderr, "cordon-console: option '%s' needs a value\n", name);
        return false;
      }
      *values[v].value = argv[++i];
      taken = true;
    }
    if (!taken) {
      (void)fprintf(stderr, "cordon-console: what is '%s'? See cordon-console --help\n", name);
      return false;
    }
  }
  return true;
}

static void on_stopped(con_server *s)
{
  program *p = (program *)s->loop->data;
  for (int i = 0; i < 2; i++)
    uv_close((uv_handle_t *)&p->signals[i], NULL);
}

static void on_signal(uv_signal_t *handle, int number)
{
  program *p = handle->data;
  if (p->server.closing)
    return;
  cd_log(CD_AREA_CONSOLE, CD_LOG_INFO, "signal %d: stopping", number);
  pf_service_stopping();
  con_server_stop(&p->server);
}

/* A device is a connection, so the soft limit of a login shell would be the fleet's size. */
static void raise_files(void)
{
  uint64_t files = 0;
  cd_err err = {0};
  if (pf_files_raise(&files, &err) == CD_OK)
    cd_log(CD_AREA_CONSOLE, CD_LOG_INFO, "room for %llu open descriptors",
           (unsigned long long)files);
  else
    cd_log(CD_AREA_CONSOLE, CD_LOG_WARN, "%s, going on", err.text);
}

static int serve(program *p)
{
  static const int numbers[] = {SIGTERM, SIGINT};
  cd_err err = {0};
  int uv = uv_loop_init(&p->loop);
  if (uv != 0) {
    (void)fprintf(stderr, "cordon-console: cannot make an event loop: %s\n", uv_strerror(uv));
    return EXIT_FAILED;
  }
  p->loop.data = p;
  raise_files();
  cd_code rc = con_become(&p->config, &err);
  if (rc == CD_OK)
    rc = con_server_start(&p->server, &p->loop, &p->config, on_stopped, &err);
  if (rc != CD_OK) {
    cd_log(CD_AREA_CONSOLE, CD_LOG_ERROR, "cannot start: %s", err.text);
    return EXIT_FAILED;
  }
  for (int i = 0; i < 2; i++) {
    (void)uv_signal_init(&p->loop, &p->signals[i]);
    p->signals[i].data = p;
    (void)uv_signal_start(&p->signals[i], on_signal, numbers[i]);
  }
  pf_service_ready();
  (void)uv_run(&p->loop, UV_RUN_DEFAULT);
  return uv_loop_close(&p->loop) == 0 && !p->server.failed ? 0 : EXIT_FAILED;
}

static int work(program *p)
{
  cd_err err = {0};
  cd_code rc = pf_harden_self(&err);
  if (rc == CD_OK)
    rc = con_config_load(p->config_file, &p->config, &err);
  if (rc == CD_OK)
    rc = cd_log_configure(cd_str_from(p->log != NULL ? p->log : p->config.log), &err);
  if (rc == CD_OK && p->check_config) {
    (void)printf("%s is in order\n", p->config_file);
  } else if (rc == CD_OK && p->command == NULL) {
    return serve(p);
  } else if (rc == CD_OK) {
    rc = p->command(&p->config, &p->app, &err);
  }
  if (rc != CD_OK)
    (void)fprintf(stderr, "cordon-console: %s\n", err.text);
  return rc == CD_OK ? 0 : EXIT_FAILED;
}

int main(int argc, char **argv)
{
  static program p;
  p.config_file = CORDON_CONSOLE_CONFIG;
  con_config_init(&p.config);
  if (!parse_options(&p, argc, argv))
    return EXIT_USAGE;
  if (p.help) {
    (void)printf(usage, CORDON_CONSOLE_CONFIG);
    return 0;
  }
  if (p.version) {
    (void)printf("cordon-console %s\n", CORDON_VERSION);
    return 0;
  }
  int code = work(&p);
  con_config_release(&p.config);
  return code;
}
