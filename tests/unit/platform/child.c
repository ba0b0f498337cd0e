#include "child.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FAILED_STATUS 99

static int words = -1;

void child_fail(const char *fmt, ...)
{
  char text[512];
  va_list args;
  va_start(args, fmt);
  int len = vsnprintf(text, sizeof(text), fmt, args);
  va_end(args);
  (void)!write(words, text, len < (int)sizeof(text) ? (size_t)len : sizeof(text) - 1);
  _exit(FAILED_STATUS);
}

static int run(void (*body)(const void *context), const void *context, char *said, size_t size)
{
  int ends[2];
  int status = 0;
  ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
  (void)fflush(NULL);
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    (void)close(ends[0]);
    words = ends[1];
    body(context);
    /* Not exit(): what the sanitizers do there needs what the child gave up. */
    _exit(0);
  }
  (void)close(ends[1]);
  ssize_t n = read(ends[0], said, size - 1);
  said[n > 0 ? n : 0] = '\0';
  (void)close(ends[0]);
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  return status;
}

void in_child(void (*body)(const void *context), const void *context)
{
  char said[512];
  int status = run(body, context, said, sizeof(said));
  ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with 0x%x: %s",
                (unsigned)status, said);
}

int status_of_child(void (*body)(const void *context), const void *context)
{
  char said[512];
  int status = run(body, context, said, sizeof(said));
  ck_assert_msg(!WIFEXITED(status) || WEXITSTATUS(status) != FAILED_STATUS, "%s", said);
  return status;
}

void confine(const pf_confine *c, char *report, size_t report_size)
{
  cd_buf out = CD_BUF_INIT(4096);
  cd_err err = {0};
  if (pf_confine_self(c, &out, &err) != CD_OK)
    child_fail("%s", err.text);
  if (report != NULL)
    (void)snprintf(report, report_size, "%s", cd_buf_cstr(&out));
  cd_buf_release(&out);
}

uint64_t own_status(const char *name, int base)
{
  char text[4096];
  int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  EXPECT(fd >= 0);
  ssize_t n = read(fd, text, sizeof(text) - 1);
  EXPECT(n > 0);
  (void)close(fd);
  text[n] = '\0';
  const char *line = strstr(text, name);
  EXPECT(line != NULL);
  return strtoull(line + strlen(name), NULL, base);
}

long landlock_version(void)
{
  long found = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return found > 0 ? found : 0;
}
