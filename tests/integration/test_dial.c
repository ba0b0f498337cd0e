/* The way to a console: dead addresses are passed over, names are looked up in the sandbox, IPv6,
 * and a proxy with credentials. */
#include "console.h"

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIPPED_V6 "there is no IPv6 here\n"

static const driver_options good = {.providers = {"good"}};

static bool is_connected(driver *d, const void *context)
{
  driver_reply r = driver_request(d, "status", "{}");
  bool yes = strcmp(driver_at(r.result, "console.connection"), "connected") == 0;
  driver_reply_release(&r);
  return yes;
}

static driver_reply enrol(driver *d, console *c)
{
  char *token = console_token(c);
  cd_buf params = CD_BUF_INIT(128 * 1024);
  cd_buf_addf(&params, "{\"token\":%s}", token);
  driver_reply r = driver_request(d, "enroll", cd_buf_cstr(&params));
  cd_buf_release(&params);
  free(token);
  return r;
}

static driver *connect_to(console *c, const driver_options *options)
{
  driver *d = driver_new(options);
  driver_start(d, NULL);
  driver_reply r = enrol(d, c);
  ck_assert_msg(r.ok, "%s", r.sentence);
  driver_reply_release(&r);
  driver_wait(d, is_connected, NULL, "the device is connected");
  return d;
}

static void end(driver *d, console *c)
{
  driver_stop(d);
  driver_free(d);
  console_free(c);
}

/* Nobody listens on port 1; 192.0.2.1 is nobody's; no name ends in .invalid. */
START_TEST(what_is_dead_is_passed_over)
{
  static const char *const agents[] = {"127.0.0.1:1", "192.0.2.1:%u", "nowhere.invalid:%u",
                                       "127.0.0.1:%u"};
  const char *list[] = {agents[0], agents[1], agents[2], agents[3], NULL};
  console *c = console_new();
  console_set_agents(c, list);
  driver *d = connect_to(c, &good);
  end(d, c);
}
END_TEST

/* localhost is looked up by the channel, and is not who the certificate is for. */
START_TEST(a_name_is_looked_up_and_must_be_the_certificates)
{
  const char *list[] = {"localhost:%u", "127.0.0.1:%u", NULL};
  console *c = console_new();
  console_set_agents(c, list);
  driver *d = connect_to(c, &good);
  driver_wait_log(d, "connected to the console at 127.0.0.1");
  end(d, c);
}
END_TEST

START_TEST(a_console_of_another_name_is_not_believed)
{
  const char *list[] = {"localhost:%u", NULL};
  console *c = console_new();
  console_set_agents(c, list);
  driver *d = driver_new(&good);
  driver_start(d, NULL);
  driver_reply r = enrol(d, c);
  ck_assert_msg(r.ok, "%s", r.sentence);
  driver_reply_release(&r);
  driver_wait_log(d, "no connection to the console");
  driver_wait_log(d, "'localhost'");
  ck_assert_uint_eq(console_connections(c), 0);
  end(d, c);
}
END_TEST

START_TEST(a_console_may_be_reached_by_ipv6_alone)
{
  console *c = console_new_v6();
  if (c == NULL) {
    (void)fputs(SKIPPED_V6, stderr);
    return;
  }
  driver *d = connect_to(c, &good);
  end(d, c);
}
END_TEST

/* ---- a proxy, in a process of its own ---- */

static void splice_both(int a, int b)
{
  char bytes[16384];
  for (;;) {
    struct pollfd p[2] = {{.fd = a, .events = POLLIN}, {.fd = b, .events = POLLIN}};
    if (poll(p, 2, 30000) <= 0)
      return;
    for (int i = 0; i < 2; i++) {
      if ((p[i].revents & (POLLIN | POLLHUP)) == 0)
        continue;
      ssize_t n = read(p[i].fd, bytes, sizeof(bytes));
      if (n <= 0 || write(i == 0 ? b : a, bytes, (size_t)n) != n)
        return;
    }
  }
}

/* Every name leads to loopback here. "user:word" is dXNlcjp3b3Jk. */
static void serve_proxy(int fd)
{
  char head[4096];
  size_t len = 0;
  unsigned port = 0;
  head[0] = '\0';
  while (len + 1 < sizeof(head) && strstr(head, "\r\n\r\n") == NULL) {
    if (read(fd, head + len, 1) != 1)
      return;
    head[++len] = '\0';
  }
  if (strstr(head, "Proxy-Authorization: Basic dXNlcjp3b3Jk\r\n") == NULL) {
    static const char no[] = "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n";
    (void)!write(fd, no, sizeof(no) - 1);
    return;
  }
  const char *colon = strchr(head, ':');
  if (strncmp(head, "CONNECT ", 8) != 0 || colon == NULL)
    return;
  port = (unsigned)strtoul(colon + 1, NULL, 10);
  struct sockaddr_in to = {.sin_family = AF_INET,
                           .sin_port = htons((uint16_t)port),
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int there = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  static const char yes[] = "HTTP/1.1 200 Yes\r\n\r\n";
  if (connect(there, (struct sockaddr *)&to, sizeof(to)) == 0 &&
      write(fd, yes, sizeof(yes) - 1) > 0)
    splice_both(fd, there);
  (void)close(there);
}

static pid_t start_proxy(uint16_t *ret_port)
{
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof(any);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ck_assert_int_eq(bind(listener, (struct sockaddr *)&any, sizeof(any)), 0);
  ck_assert_int_eq(listen(listener, 8), 0);
  ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&any, &len), 0);
  *ret_port = ntohs(any.sin_port);
  pid_t pid = fork();
  ck_assert_int_ge(pid, 0);
  if (pid > 0) {
    (void)close(listener);
    return pid;
  }
  (void)signal(SIGPIPE, SIG_IGN);
  (void)alarm(120);
  for (;;) {
    int fd = accept(listener, NULL, NULL);
    if (fd < 0)
      _exit(1);
    serve_proxy(fd);
    (void)close(fd);
  }
}

static void end_proxy(pid_t pid)
{
  (void)kill(pid, SIGKILL);
  (void)waitpid(pid, NULL, 0);
}

/* The proxy looks the name up: nobody here could. An isolation lets the proxy through. */
START_TEST(the_way_may_lead_through_a_proxy)
{
  const char *list[] = {"console.test:%u", NULL};
  char file[256];
  char params[128];
  uint16_t port = 0;
  pid_t proxy = start_proxy(&port);
  (void)snprintf(file, sizeof(file),
                 "{\"proxy\":\"127.0.0.1:%u\",\"user\":\"user\",\"password\":\"word\"}", port);
  driver_options options = good;
  options.proxy = file;
  console *c = console_new();
  console_set_agents(c, list);
  driver *d = connect_to(c, &options);
  driver_reply r = driver_isolate(d);
  (void)snprintf(params, sizeof(params), "%u", port);
  ck_assert_str_eq(driver_at(r.result, "action.params.console.1.address"), "127.0.0.1");
  ck_assert_str_eq(driver_at(r.result, "action.params.console.1.port"), params);
  driver_reply_release(&r);
  ck_assert(!driver_logged(d, "word\""));
  end(d, c);
  end_proxy(proxy);
}
END_TEST

START_TEST(a_proxy_that_refuses_is_told_of)
{
  char file[256];
  uint16_t port = 0;
  pid_t proxy = start_proxy(&port);
  (void)snprintf(file, sizeof(file),
                 "{\"proxy\":\"127.0.0.1:%u\",\"user\":\"user\",\"password\":\"wrong\"}", port);
  driver_options options = good;
  options.proxy = file;
  console *c = console_new();
  driver *d = driver_new(&options);
  driver_start(d, NULL);
  driver_reply r = enrol(d, c);
  ck_assert(!r.ok);
  ck_assert_msg(strstr(r.sentence, "proxy") != NULL, "%s", r.sentence);
  ck_assert_msg(strstr(r.sentence, "wrong") == NULL, "%s", r.sentence);
  ck_assert_uint_eq(console_enrolments(c), 0);
  driver_reply_release(&r);
  end(d, c);
  end_proxy(proxy);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      what_is_dead_is_passed_over,
      a_name_is_looked_up_and_must_be_the_certificates,
      a_console_of_another_name_is_not_believed,
      a_console_may_be_reached_by_ipv6_alone,
      the_way_may_lead_through_a_proxy,
      a_proxy_that_refuses_is_told_of,
  };
  return driver_suite("integration.dial", tests, COUNT_OF(tests), 120);
}
