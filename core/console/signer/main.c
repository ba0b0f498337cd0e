/* cordon-signer: options, the things an administrator does with its folder, and the loop. */
#include "base/clock.h"
#include "base/log.h"
#include "command.h"
#include "platform/confine.h"
#include "platform/system.h"
#include "server.h"

#include <uv.h>

#include <signal.h>
#include <stdio.h>

#include "base/banned.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

#define OPEN_FILES 64u

#if defined(__SANITIZE_ADDRESS__)
#define SIG_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SIG_SANITIZED 1
#endif
#endif

#ifdef SIG_SANITIZED
/* LeakSanitizer stops the process with ptrace, which the confinement forbids. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
  return "detect_leaks=0";
}
#endif

typedef struct program {
  const char *folder;
  const char *config_file;
  const char *init;
  const char *rotate;
  const char *accept_head;
  const char *log;
  bool forget_console;
  bool check_config;
  bool version;
  bool help;
  uv_loop_t loop;
  uv_signal_t signals[2];
  sig_signer signer;
  sig_server *server;
} program;

static const char usage[] =
    "usage: cordon-signer [OPTION...]\n"
    "Holds the keys of a Cordon console, and signs only what its audit log records.\n\n"
    "  --dir DIR            the folder of its keys (default " SIG_FOLDER ")\n"
    "  --config FILE        configuration (default " SIG_CONFIG ")\n"
    "  --log SPEC           such as all=info,signer=debug\n"
    "  --init DIR           make the keys in DIR, say what to do with them, and end\n"
    "  --rotate KEY         replace KEY (order, policy, device-ca), and end; needs root.key\n"
    "  --accept-head N      take the console's audit log as it is, ending at entry N, although\n"
    "                       it is older than the one that was seen before, and end\n"
    "  --forget-console     let another console in, and end\n"
    "  --check-config       read the configuration, say what is wrong, and end\n"
    "  --version, --help\n";

static bool same(const char *a, const char *b)
{
  return cd_str_eq(cd_str_from(a), cd_str_from(b));
}

static bool parse_options(program *p, int argc, char **argv)
{
  const struct {
    const char *name;
    const char **value;
  } values[] = {{"--dir", &p->folder},    {"--config", &p->config_file},
                {"--log", &p->log},       {"--init", &p->init},
                {"--rotate", &p->rotate}, {"--accept-head", &p->accept_head}};
  const struct {
    const char *name;
    bool *flag;
  } flags[] = {{"--forget-console", &p->forget_console},
               {"--check-config", &p->check_config},
               {"--version", &p->version},
               {"--help", &p->help}};
  for (int i = 1; i < argc; i++) {
    bool taken = false;
    for (size_t f = 0; f < sizeof(flags) / sizeof(flags[0]); f++) {
      if (same(argv[i], flags[f].name))
        taken = *flags[f].flag = true;
    }
    for (size_t v = 0; v < sizeof(values) / sizeof(values[0]) && !taken; v++) {
      if (!same(argv[i], values[v].name))
        continue;
      taken = true;
      if (i + 1 >= argc) {
        (void)fprintf(stderr, "cordon-signer: option '%s' needs a value\n", argv[i]);
        return false;
      }
      *values[v].value = argv[++i];
      break;
    }
    if (!taken) {
      (void)fprintf(stderr, "cordon-signer: there is no option '%s'; see cordon-signer --help\n",
                    argv[i]);
      return false;
    }
  }
  return true;
}

static void on_signal(uv_signal_t *handle, int number)
{
  program *p = handle->data;
  cd_log(CD_AREA_SIGNER, CD_LOG_INFO, "signal %d: stopping", number);
  pf_service_stopping();
  sig_server_stop(p->server);
  for (int i = 0; i < 2; i++) {
    if (!uv_is_closing((uv_handle_t *)&p->signals[i]))
      uv_close((uv_handle_t *)&p->signals[i], NULL);
  }
}

/* From here on: no other files are written than its own, no program is started, no socket made but
 * local ones. */
static cd_code confine(const program *p, cd_err *err)
{
  cd_buf report = CD_BUF_INIT(4096);
  const pf_confine c = {.no_network = true, .files = OPEN_FILES, .state_dir = p->folder};
  cd_code rc = pf_confine_self(&c, &report, err);
  if (rc == CD_OK)
    cd_log(CD_AREA_SIGNER, CD_LOG_INFO, "confined: %s", cd_buf_cstr(&report));
  cd_buf_release(&report);
  return rc;
}

static cd_code load_config(const program *p, sig_config *config, cd_err *err)
{
  cd_code rc = sig_config_load(p->config_file, config, err);
  if (rc == CD_OK)
    rc = cd_log_configure(cd_str_from(p->log != NULL ? p->log : config->log), err);
  return rc;
}

static cd_code set_up(program *p, cd_err *err)
{
  sig_config config = {0};
  cd_code rc = pf_harden_self(err);
  if (rc == CD_OK)
    rc = load_config(p, &config, err);
  if (rc == CD_OK)
    rc = sig_open(&p->signer, p->folder, &config, err);
  if (rc == CD_OK)
    rc = sig_server_start(&p->loop, &p->signer, &p->server, err);
  return rc == CD_OK ? confine(p, err) : rc;
}

static int run(program *p)
{
  static const int numbers[] = {SIGTERM, SIGINT};
  cd_err err = {0};
  if (uv_loop_init(&p->loop) != 0) {
    (void)fprintf(stderr, "cordon-signer: cannot make an event loop\n");
    return EXIT_FAILED;
  }
  if (set_up(p, &err) != CD_OK) {
    cd_log(CD_AREA_SIGNER, CD_LOG_ERROR, "cannot start: %s", err.text);
    return EXIT_FAILED;
  }
  for (int i = 0; i < 2; i++) {
    (void)uv_signal_init(&p->loop, &p->signals[i]);
    p->signals[i].data = p;
    (void)uv_signal_start(&p->signals[i], on_signal, numbers[i]);
  }
  cd_log(CD_AREA_SIGNER, CD_LOG_INFO, "listening at %s", p->signer.config.socket);
  pf_service_ready();
  (void)uv_run(&p->loop, UV_RUN_DEFAULT);
  sig_close(&p->signer);
  return uv_loop_close(&p->loop) == 0 ? 0 : EXIT_FAILED;
}

/* What is done to the folder, once. */
static cd_code command(program *p, cd_err *err)
{
  sig_config config = {0};
  if (p->init != NULL)
    return sig_command_init(p->init, stdout, err);
  if (p->rotate != NULL)
    return sig_command_rotate(p->folder, p->rotate, stdout, err);
  if (p->forget_console)
    return sig_command_forget_console(p->folder, stdout, err);
  cd_code rc = load_config(p, &config, err);
  if (rc == CD_OK && p->accept_head != NULL)
    return sig_command_accept_head(p->folder, &config, p->accept_head, stdout, err);
  if (rc == CD_OK)
    (void)printf("%s is in order\n", p->config_file);
  sig_config_release(&config);
  return rc;
}

int main(int argc, char **argv)
{
  static program p = {.folder = SIG_FOLDER, .config_file = SIG_CONFIG};
  cd_err err = {0};
  if (!parse_options(&p, argc, argv))
    return EXIT_USAGE;
  if (p.help || p.version) {
    (void)printf("%s", p.help ? usage : "cordon-signer " CORDON_VERSION "\n");
    return 0;
  }
  if (p.init == NULL && p.rotate == NULL && p.accept_head == NULL && !p.check_config &&
      !p.forget_console)
    return run(&p);
  if (pf_harden_self(&err) == CD_OK && command(&p, &err) == CD_OK)
    return 0;
  (void)fprintf(stderr, "cordon-signer: %s\n", err.text);
  return EXIT_FAILED;
}
