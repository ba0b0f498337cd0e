/* Files for openssl, its process, and the port that it names. */
#define _GNU_SOURCE
#include "openssl.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

static char folder[32];

static void write_file(const char *name, cd_str text)
{
  char path[128];
  (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(write(fd, text.ptr, text.len), (ssize_t)text.len);
  ck_assert_int_eq(close(fd), 0);
}

static void remove_files(void)
{
  static const char *const names[] = {"cert.pem", "key.pem", "ca.pem"};
  char path[128];
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
    (void)unlink(path);
  }
  (void)rmdir(folder);
}

static void run_openssl(openssl_rules rules, int out)
{
  const char *argv[32] = {"openssl",  "s_server", "-accept", "127.0.0.1:0",
                          "-naccept", "1",        "-rev",    "-cert",
                          "cert.pem", "-key",     "key.pem", rules.version};
  size_t n = 12;
  if (rules.asks_client) {
    argv[n++] = "-Verify";
    argv[n++] = "1";
    argv[n++] = "-verify_return_error";
    argv[n++] = "-CAfile";
    argv[n++] = "ca.pem";
  }
  argv[n] = rules.more;
  int null = open("/dev/null", O_RDWR);
  if (chdir(folder) != 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(null, 2) < 0)
    _exit(1);
  (void)alarm(20);
  (void)execv("/usr/bin/openssl", (char *const *)(uintptr_t)argv);
  _exit(1);
}

/* "ACCEPT 127.0.0.1:34567" */
static uint16_t read_port(int fd)
{
  char line[256];
  size_t n = 0;
  uint64_t port = 0;
  while (n < sizeof(line) && read(fd, line + n, 1) == 1) {
    if (line[n] != '\n') {
      n++;
      continue;
    }
    cd_str rest = {line, n};
    n = 0;
    if (!cd_str_starts(rest, CD_STR("ACCEPT ")))
      continue;
    (void)cd_str_cut(&rest, ':');
    ck_assert(cd_str_to_u64(rest, UINT16_MAX, &port));
    break;
  }
  ck_assert_uint_ne(port, 0);
  return (uint16_t)port;
}

peer_process openssl_start(openssl_rules rules)
{
  peer_process process = {0};
  int out[2];
  (void)snprintf(folder, sizeof(folder), "/tmp/cordon-net-XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(folder));
  write_file("cert.pem", cert_pem(rules.certificate));
  write_file("key.pem", cert_key(rules.certificate));
  write_file("ca.pem", cert_pem(CERT_CA));
  ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
  process.pid = fork();
  ck_assert_int_ge(process.pid, 0);
  if (process.pid == 0)
    run_openssl(rules, out[1]);
  (void)close(out[1]);
  process.port = read_port(out[0]);
  return process; /* the pipe stays: openssl goes on writing into it */
}

void openssl_finish(const peer_process *process)
{
  ck_assert_int_eq(waitpid(process->pid, NULL, 0), process->pid);
  remove_files();
}
