/* The share of the processors that a scan may take: what clamd and this process have used is
 * measured, and no more is asked for until it fits. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clamav.h"

enum { EVERY_MS = 50 };
#define CREDIT_MAX_S 0.1

/* Behind the name, which may hold anything. */
bool clam_stat_field(const char *text, int number, uint64_t *ret_value)
{
  const char *at = strrchr(text, ')');
  char *end = NULL;
  if (at == NULL)
    return false;
  for (int i = 2; i < number; i++) {
    at = strchr(at + 1, ' ');
    if (at == NULL)
      return false;
  }
  *ret_value = strtoull(at + 1, &end, 10);
  return end != at + 1;
}

bool clam_process_cpu(int32_t pid, double *ret_seconds, char *ret_state)
{
  char path[64];
  char text[1024];
  uint64_t user = 0;
  uint64_t system = 0;
  (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
  int fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  ssize_t len = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
  if (fd >= 0)
    (void)close(fd);
  if (len <= 0)
    return false;
  text[len] = '\0';
  const char *rest = strrchr(text, ')');
  if (rest == NULL || rest[1] != ' ' || !clam_stat_field(text, 14, &user) ||
      !clam_stat_field(text, 15, &system))
    return false;
  *ret_state = rest[2];
  *ret_seconds = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
  return true;
}

static double own_seconds(void)
{
  struct timespec t = {0};
  (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void clam_pace_begin(clam_pace *p, uint32_t percent, int32_t pid)
{
  char state = 0;
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  *p = (clam_pace){.pid = pid, .own_s = own_seconds(), .at_ms = sup_now_ms()};
  if (percent < 100)
    p->share = (double)(cores > 0 ? cores : 1) * (double)percent / 100.0;
  (void)clam_process_cpu(pid, &p->engine_s, &state);
}

bool clam_pace_may(clam_pace *p)
{
  char state = 0;
  double engine_s = 0;
  uint64_t now = sup_now_ms();
  if (p->share <= 0)
    return true;
  if (now - p->at_ms < EVERY_MS)
    return p->credit_s >= 0;
  double own_s = own_seconds();
  if (!clam_process_cpu(p->pid, &engine_s, &state))
    engine_s = p->engine_s;
  double used = own_s - p->own_s + (engine_s > p->engine_s ? engine_s - p->engine_s : 0);
  p->credit_s += (double)(now - p->at_ms) / 1000.0 * p->share - used;
  if (p->credit_s > CREDIT_MAX_S * p->share)
    p->credit_s = CREDIT_MAX_S * p->share;
  p->own_s = own_s;
  p->engine_s = engine_s;
  p->at_ms = now;
  return p->credit_s >= 0;
}
