#include "place.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define START_MS 30000
#define SIGNER_UID 1 /* daemon */

/* Below the ephemeral ports, which anybody may get between this look and the console's start, and
 * by the process id, which no other test has at the same time. */
static bool is_free(uint16_t port)
{
  struct sockaddr_in at = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int on = 1;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  ck_assert(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
  bool yes = bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 1) == 0;
  (void)close(fd);
  return yes;
}

static uint16_t free_port(void)
{
  static unsigned taken; /* two places of one test */
  for (unsigned i = 0; i < 100; i++) {
    uint16_t port = (uint16_t)(10000 + ((unsigned)getpid() * 4 + taken++) % 10000);
    if (is_free(port))
      return port;
  }
  ck_abort_msg("no port is free");
}

static void write_config(const place *p)
{
  FILE *f = fopen(p->config, "w");
  ck_assert_ptr_nonnull(f);
  (void)fprintf(
      f,
      "{\"data_dir\":\"%s/data\",\"user\":\"nobody\","
      "\"people\":{\"listen\":\"127.0.0.1:%u\",\"url\":\"https://127.0.0.1:%u\"},"
      "\"signer\":{\"socket\":\"%s/run/signer.sock\",\"user\":\"daemon\"},"
      "\"agents\":{\"listen\":\"127.0.0.1:%u\",\"addresses\":[\"127.0.0.1:%u\"]},"
      "\"names\":[\"127.0.0.1\",\"localhost\"],"
      "\"limits\":{\"per_minute\":1000000,\"per_hour\":10000000},"
      "\"exclusions\":[{\"name\":\"default\",\"exclusions\":[{\"direction\":\"out\",\"address\":"
      "\"192.0.2.1\"}]}],\"log\":\"all=info,api=warn,devices=debug\"}",
      p->folder, (unsigned)p->people, (unsigned)p->people, p->folder, (unsigned)p->agents,
      (unsigned)p->agents);
  (void)fclose(f);
}

#ifdef SIGNER
/* The real signer, as another account where this one is root. */
static pid_t fork_signer(place *p, const char *command, const char *value)
{
  char folder[300];
  (void)snprintf(folder, sizeof(folder), "%s/signer", p->folder);
  const char *const arguments[] = {SIGNER,           "--dir", folder, "--config",
                                   p->signer_config, command, value,  NULL};
  int program = open(SIGNER, O_RDONLY | O_CLOEXEC);
  pid_t pid = fork();
  if (pid == 0) {
    if (geteuid() == 0 &&
        (setgroups(0, NULL) != 0 || setgid(p->group) != 0 || setuid(SIGNER_UID) != 0))
      _exit(126);
    /* It makes a session of its own: Check does not end it with the test. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (command != NULL)
      (void)dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), 1);
    /* Opened before: the other account need not reach the folder of the build. */
    (void)fexecve(program, (char *const *)(uintptr_t)arguments, environ);
    _exit(127);
  }
  (void)close(program);
  return pid;
}

void place_tell_signer(place *p, const char *command, const char *value)
{
  int status = 0;
  pid_t pid = fork_signer(p, command, value);
  ck_assert(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

void place_start_signer(place *p)
{
  const struct timespec pause = {.tv_nsec = 10000000};
  char path[400];
  struct stat st;
  (void)snprintf(path, sizeof(path), "%s/run/signer.sock", p->folder);
  (void)unlink(path);
  p->signer = fork_signer(p, NULL, NULL);
  for (int waited = 0; stat(path, &st) != 0; waited += 10) {
    ck_assert_msg(waited < START_MS, "the signer does not listen");
    (void)nanosleep(&pause, NULL);
  }
}

void place_stop_signer(place *p)
{
  if (p->signer > 0) {
    (void)kill(p->signer, SIGKILL);
    (void)waitpid(p->signer, NULL, 0);
  }
  p->signer = 0;
}

static void make_signer(place *p)
{
  char path[400];
  struct stat st;
  (void)snprintf(path, sizeof(path), "%s/data", p->folder);
  ck_assert(stat(path, &st) == 0);
  p->group = st.st_gid; /* which may read the database */
  static const char *const folders[] = {"signer", "run"};
  for (int i = 0; i < 2; i++) {
    (void)snprintf(path, sizeof(path), "%s/%s", p->folder, folders[i]);
    ck_assert(mkdir(path, i == 0 ? 0700 : 0755) == 0);
    ck_assert(geteuid() != 0 || chown(path, SIGNER_UID, p->group) == 0);
  }
  (void)snprintf(p->signer_config, sizeof(p->signer_config), "%s/signer.json", p->folder);
  FILE *f = fopen(p->signer_config, "w");
  ck_assert_ptr_nonnull(f);
  (void)fprintf(f,
                "{\"database\":\"%s/data/console.db\",\"socket\":\"%s/run/signer.sock\","
                "\"console_user\":\"%u\"}",
                p->folder, p->folder, (unsigned)st.st_uid);
  (void)fclose(f);
  (void)chmod(p->signer_config, 0644);
  (void)snprintf(path, sizeof(path), "%s/signer", p->folder);
  place_tell_signer(p, "--init", path);
}
#endif

/* What it writes comes back in `output`; its exit code is the result. */
static int run_console(const place *p, char *output, size_t size, ...)
{
  const char *arguments[16] = {CONSOLE, "--config", p->config};
  int count = 3;
  int pipes[2];
  va_list args;
  va_start(args, size);
  for (const char *a = va_arg(args, const char *); a != NULL; a = va_arg(args, const char *))
    arguments[count++] = a;
  va_end(args);
  ck_assert(pipe(pipes) == 0);
  pid_t pid = fork();
  if (pid == 0) {
    (void)dup2(pipes[1], 1);
    (void)execv(CONSOLE, (char *const *)(uintptr_t)arguments);
    _exit(127);
  }
  (void)close(pipes[1]);
  size_t len = 0;
  for (ssize_t n = 1; n > 0 && len + 1 < size; len += n > 0 ? (size_t)n : 0)
    n = read(pipes[0], output + len, size - len - 1);
  output[len] = '\0';
  (void)close(pipes[0]);
  int status = 0;
  (void)waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void place_make(place *p)
{
  char output[4096];
  const char *base = geteuid() == 0 ? "/run" : getenv("HOME");
  *p = (place){.people = free_port(), .agents = free_port()};
  if (base == NULL)
    exit(77);
  (void)snprintf(p->folder, sizeof(p->folder), "%s/cordon-test-XXXXXX", base);
  if (mkdtemp(p->folder) == NULL || chmod(p->folder, 0755) != 0)
    exit(77);
  (void)snprintf(p->config, sizeof(p->config), "%s/console.json", p->folder);
  write_config(p);
  ck_assert_int_eq(run_console(p, output, sizeof(output), "init", (char *)NULL), 0);
#ifdef SIGNER
  make_signer(p);
#endif
}

void place_remove(place *p)
{
  char command[400];
  place_stop(p, SIGKILL);
  if (p->signer > 0) {
    (void)kill(p->signer, SIGKILL);
    (void)waitpid(p->signer, NULL, 0);
  }
  (void)snprintf(command, sizeof(command), "rm -rf '%s'", p->folder);
  FILE *f = popen(command, "r");
  if (f != NULL)
    (void)pclose(f);
}

/* The CA's certificate is behind the console's own in its chain. */
static bool read_ca(place *p)
{
  char path[400];
  char text[16384];
  (void)snprintf(path, sizeof(path), "%s/data/tls.pem", p->folder);
  FILE *f = fopen(path, "r");
  if (f == NULL)
    return false;
  size_t len = fread(text, 1, sizeof(text) - 1, f);
  text[len] = '\0';
  (void)fclose(f);
  const char *second = strstr(text + 1, "-----BEGIN");
  return second != NULL && cd_str_copy(p->ca, sizeof(p->ca), cd_str_from(second));
}

static bool answers(place *p)
{
  http_answer a;
  if (!read_ca(p))
    return false;
  http_ask(p->people, p->ca, "GET", "/healthz", NULL, NULL, &a);
  bool good = a.status == 200;
  http_release(&a);
  return good;
}

void place_start(place *p)
{
  const struct timespec pause = {.tv_nsec = 20000000};
  char path[400];
#ifdef SIGNER
  if (p->signer == 0)
    place_start_signer(p);
#endif
  /* The signer within the console has a new CA each time. */
  (void)snprintf(path, sizeof(path), "%s/data/tls.pem", p->folder);
  (void)unlink(path);
  p->console = fork();
  if (p->console == 0) {
    struct rlimit files = {0};
    (void)getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = 256; /* as a login shell would: it raises it itself */
    (void)setrlimit(RLIMIT_NOFILE, &files);
    (void)execl(CONSOLE, CONSOLE, "--config", p->config, (char *)NULL);
    _exit(127);
  }
  for (int waited = 0; waited < START_MS; waited += 20) {
    if (answers(p))
      return;
    ck_assert_msg(waitpid(p->console, NULL, WNOHANG) == 0, "the console has ended");
    (void)nanosleep(&pause, NULL);
  }
  ck_abort_msg("the console does not answer");
}

void place_stop(place *p, int with_signal)
{
  int status = 0;
  if (p->console <= 0)
    return;
  (void)kill(p->console, with_signal);
  (void)waitpid(p->console, &status, 0);
  p->console = 0;
  if (with_signal == SIGTERM)
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the console ended with %d",
                  status);
}

void json_member(const char *json, const char *name, char *out, size_t size)
{
  char key[100];
  (void)snprintf(key, sizeof(key), "\"%s\":", name);
  const char *at = strstr(json, key);
  out[0] = '\0';
  if (at == NULL)
    return;
  at += strlen(key);
  bool quoted = *at == '"';
  at += quoted ? 1 : 0;
  (void)cd_str_copy(out, size, (cd_str){at, strcspn(at, quoted ? "\"" : ",}]")});
}

char *place_app(place *p, const char *name, const char *permissions)
{
  char output[4096];
  char path[400];
  char text[2048] = "";
  char id[64];
  char secret[64];
  char token[4096];
  http_answer a;
  (void)snprintf(path, sizeof(path), "%s/%s.json", p->folder, name);
  (void)unlink(path);
  ck_assert_int_eq(run_console(p, output, sizeof(output), "app", "create", "--name", name,
                               "--permissions", permissions, "--out", path, (char *)NULL),
                   0);
  FILE *f = fopen(path, "r");
  ck_assert_ptr_nonnull(f);
  ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, f), 0);
  (void)fclose(f);
  json_member(text, "client_id", id, sizeof(id));
  json_member(text, "client_secret", secret, sizeof(secret));
  /* What is seen by others has no secret in it. */
  ck_assert_ptr_null(strstr(output, secret));
  (void)snprintf(text, sizeof(text),
                 "grant_type=client_credentials&client_id=%s&client_secret=%s&resource=x", id,
                 secret);
  http_ask(p->people, p->ca, "POST", "/tenant/oauth2/v2.0/token", NULL, text, &a);
  ck_assert_uint_eq(a.status, 200);
  json_member(cd_buf_cstr(&a.body), "access_token", token, sizeof(token));
  http_release(&a);
  return strdup(token);
}
