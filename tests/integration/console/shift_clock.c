/* Preloaded into a program, it lives CORDON_TEST_SHIFT_S seconds later: what a wall clock says, and
 * nothing else. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

/* By the system's calls, since who asks for the time may be anywhere. */
static time_t shift_of_file(const char *path)
{
  char text[32] = "";
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return 0;
  (void)!syscall(SYS_read, fd, text, sizeof(text) - 1);
  (void)syscall(SYS_close, fd);
  return (time_t)strtoll(text, NULL, 10);
}

static time_t shift(void)
{
  const char *text = getenv("CORDON_TEST_SHIFT_S");
  const char *file = getenv("CORDON_TEST_SHIFT_FILE"); /* which may change while it runs */
  time_t by = text != NULL ? (time_t)strtoll(text, NULL, 10) : 0;
  return file != NULL ? by + shift_of_file(file) : by;
}

EXPORTED int clock_gettime(clockid_t clock, struct timespec *out)
{
  int rc = (int)syscall(SYS_clock_gettime, clock, out);
  if (rc == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    out->tv_sec += shift();
  return rc;
}

EXPORTED int gettimeofday(struct timeval *out, void *zone)
{
  struct timespec now = {0};
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0)
    return -1;
  *out = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
  return 0;
}

EXPORTED time_t time(time_t *out)
{
  struct timespec now = {0};
  (void)clock_gettime(CLOCK_REALTIME, &now);
  if (out != NULL)
    *out = now.tv_sec;
  return now.tv_sec;
}
