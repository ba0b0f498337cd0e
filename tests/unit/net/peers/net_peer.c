/* The WebSocket client of core/net as a program, for servers and proxies that others wrote:
 *
 *   net_peer certs FOLDER      writes ca.pem, server.pem/.key, device.pem/.key, foreign.pem/.key
 *   net_peer port              prints a port of 127.0.0.1 that is free now
 *   net_peer talk HOST PORT FOLDER OWN [PROXY-PORT [USER PASSWORD]]
 *                              says much to an echo server, through a proxy if one is named
 *
 * The last line is "talked", or the sentence of why not. */
#include "certs.h"
#include "net/ws.h"

#include <uv.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/banned.h"

#define MIXED "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"

static void check(bool holds, const char *fmt, ...) CD_PRINTF(2, 3);
static void check(bool holds, const char *fmt, ...)
{
  if (holds)
    return;
  va_list args;
  va_start(args, fmt);
  (void)vprintf(fmt, args);
  (void)putchar('\n');
  va_end(args);
  exit(1);
}

/* ---- files ---- */

static void write_file(const char *folder, const char *name, cd_str text)
{
  char path[1024];
  (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  check(fd >= 0 && write(fd, text.ptr, text.len) == (ssize_t)text.len && close(fd) == 0,
        "cannot write %s", path);
}

static cd_str read_file(const char *folder, const char *name, const char *suffix)
{
  static char texts[3][8192];
  static unsigned used;
  char path[1024];
  char *text = texts[used++];
  (void)snprintf(path, sizeof(path), "%s/%s%s", folder, name, suffix);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd >= 0 ? read(fd, text, sizeof(texts[0])) : -1;
  check(n > 0, "cannot read %s", path);
  (void)close(fd);
  return (cd_str){text, (size_t)n};
}

static void write_certs(const char *folder)
{
  write_file(folder, "ca.pem", cert_pem(CERT_CA));
  write_file(folder, "server.pem", cert_pem(CERT_SERVER));
  write_file(folder, "server.key", cert_key(CERT_SERVER));
  write_file(folder, "device.pem", cert_pem(CERT_DEVICE));
  write_file(folder, "device.key", cert_key(CERT_DEVICE));
  write_file(folder, "foreign.pem", cert_pem(CERT_DEVICE_FOREIGN));
  write_file(folder, "foreign.key", cert_key(CERT_DEVICE_FOREIGN));
}

/* Below the ephemeral ports, and by the process id: nobody takes it before who asked does. */
static void print_free_port(void)
{
  int on = 1;
  for (unsigned i = 0; i < 100; i++) {
    uint16_t port = (uint16_t)(20000 + ((unsigned)getpid() + i) % 10000);
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0, "no socket");
    bool free_now = bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 1) == 0;
    (void)close(fd);
    if (free_now) {
      (void)printf("%u\n", port);
      return;
    }
  }
  check(false, "no port");
}

/* ---- talking: one step is what is sent, and what comes back ---- */

static const size_t sizes[] = {0, 1, 125, 126, 127, 1000, 65535, 65536, 300000};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))
enum { STEP_BYTES = SIZES, STEP_FRAGMENTS = 2 * SIZES, STEP_PONG, STEP_CLOSE };
static char data[300000];
static unsigned step;

static void begin_step(net_ws *ws)
{
  cd_err err = {0};
  cd_code rc = CD_OK;
  if (step < STEP_BYTES)
    rc = net_ws_send_text(ws, (cd_str){data, sizes[step]}, &err);
  else if (step < STEP_FRAGMENTS)
    rc = net_ws_send_binary(ws, (cd_str){data, sizes[step - STEP_BYTES]}, &err);
  else if (step == STEP_FRAGMENTS)
    rc = net_ws_send_text(ws, CD_STR("fragments " MIXED), &err);
  else if (step == STEP_PONG)
    rc = net_ws_send_text(ws, CD_STR("ping"), &err);
  else
    rc = net_ws_send_text(ws, CD_STR("close 4001 because"), &err);
  check(rc == CD_OK, "step %u: %s", step, err.text);
}

static void on_open(net_ws *ws, void *owner)
{
  begin_step(ws);
}

static void on_message(net_ws *ws, void *owner, cd_ws_opcode type, cd_str payload)
{
  cd_str wanted = CD_STR(MIXED);
  if (step < STEP_FRAGMENTS)
    wanted = (cd_str){data, sizes[step % SIZES]};
  else if (step == STEP_PONG)
    wanted = CD_STR("pong: are you there");
  check(cd_str_eq(payload, wanted), "step %u: got %zu bytes, expected %zu", step, payload.len,
        wanted.len);
  check((type == CD_WS_BINARY) == (step >= STEP_BYTES && step < STEP_FRAGMENTS),
        "step %u: another type", step);
  step++;
  begin_step(ws);
}

static void on_closed(net_ws *ws, void *owner, const net_ws_end *end)
{
  check(step == STEP_CLOSE, "%s", end->sentence);
  check(end->close_code == 4001 && strstr(end->sentence, "closed the WebSocket with 4001: because"),
        "at the end: %s", end->sentence);
  (void)puts("talked");
}

static uint16_t port_of(const char *text)
{
  uint64_t port = 0;
  check(cd_str_to_u64(cd_str_from(text), UINT16_MAX, &port), "no port: %s", text);
  return (uint16_t)port;
}

static net_tls_config *config_of(const char *folder, const char *own)
{
  cd_err err = {0};
  net_tls_config *config = NULL;
  const net_tls_credentials from = {.ca = read_file(folder, "ca", ".pem"),
                                    .certificate = read_file(folder, own, ".pem"),
                                    .key = read_file(folder, own, ".key")};
  check(net_tls_config_new(&from, &config, &err) == CD_OK, "%s", err.text);
  return config;
}

static void talk(int argc, char **argv)
{
  static const net_ws_events events = {
      .on_open = on_open, .on_message = on_message, .on_closed = on_closed};
  struct sockaddr_in address;
  net_ws *ws = NULL;
  cd_err err = {0};
  net_proxy proxy = {.has_credentials = argc == 9};
  if (proxy.has_credentials) {
    proxy.user = cd_str_from(argv[7]);
    proxy.password = cd_str_from(argv[8]);
  }
  memset(data, 'x', sizeof(data));
  check(uv_ip4_addr("127.0.0.1", port_of(argc > 6 ? argv[6] : argv[3]), &address) == 0, "address");
  const net_ws_options options = {.endpoint = {.socket = NET_NO_SOCKET,
                                               .address = (const struct sockaddr *)&address,
                                               .proxy = argc > 6 ? &proxy : NULL,
                                               .host = cd_str_from(argv[2]),
                                               .port = port_of(argv[3])},
                                  .tls = config_of(argv[4], argv[5]),
                                  .path = CD_STR("/"),
                                  .protocol = CD_STR("cordon.v1")};
  uv_loop_t *loop = uv_default_loop();
  check(net_ws_open(loop, &options, &events, NULL, &ws, &err) == CD_OK, "%s", err.text);
  net_tls_config_free(options.tls);
  (void)uv_run(loop, UV_RUN_DEFAULT);
  check(uv_loop_close(loop) == 0, "the loop is not empty");
}

int main(int argc, char **argv)
{
  (void)signal(SIGPIPE, SIG_IGN);
  (void)alarm(60);
  if (argc == 3 && strcmp(argv[1], "certs") == 0)
    write_certs(argv[2]);
  else if (argc == 2 && strcmp(argv[1], "port") == 0)
    print_free_port();
  else if ((argc == 6 || argc == 7 || argc == 9) && strcmp(argv[1], "talk") == 0)
    talk(argc, argv);
  else
    check(false, "usage: see the top of the source");
  return 0;
}
