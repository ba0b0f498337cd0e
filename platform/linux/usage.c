/* What this process holds, from /proc/self: to see what an operation left behind. */
#include "platform/confine.h"

#include "posix/posix.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "base/banned.h"

static cd_code count_names(const char *path, uint32_t *ret_count, cd_err *err)
{
  DIR *dir = opendir(path);
  if (dir == NULL)
    return cd_fail_os(err, cd_code_from_errno(errno), errno, "'%s' could not be listed: %s", path,
                      strerror(errno));
  uint32_t count = 0;
  for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir))
    if (e->d_name[0] != '.')
      count++;
  (void)closedir(dir);
  *ret_count = count;
  return CD_OK;
}

cd_code pf_usage_self(pf_usage *ret_usage, cd_err *err)
{
  pf_usage usage = {0};
  struct rusage used = {0};
  cd_code rc = count_names("/proc/self/task", &usage.threads, err);
  if (rc == CD_OK)
    rc = count_names("/proc/self/fd", &usage.files, err);
  if (rc != CD_OK)
    return rc;
  /* One of them is the descriptor that counted. */
  usage.files--;
  if (getrusage(RUSAGE_SELF, &used) != 0)
    return cd_fail_os(err, CD_E_INTERNAL, errno, "the processor time used is unknown: %s",
                      strerror(errno));
  usage.cpu_ms = (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000u +
                 (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000u;
  *ret_usage = usage;
  return CD_OK;
}
