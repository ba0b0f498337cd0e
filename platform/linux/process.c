/* The other members of this process's group, from /proc: kill() would end this process with them.
 */
#include "platform/process.h"

#include "base/buf.h"
#include "base/str.h"
#include "platform/file.h"

#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

#define PASSES_MAX 100 /* a fork bomb may be faster; the limit of processes bounds it */
#define STAT_MAX 4096u

/* Whether what follows the name in /proc/PID/stat, " STATE PARENT GROUP ...", is of a process of
 * our group that lives. */
static bool describes_follower(const char *fields)
{
  uint64_t group = 0;
  cd_str rest = cd_str_from(fields);
  (void)cd_str_cut(&rest, ' ');
  cd_str state = cd_str_cut(&rest, ' ');
  (void)cd_str_cut(&rest, ' ');
  return cd_str_to_u64(cd_str_cut(&rest, ' '), INT32_MAX, &group) && (pid_t)group == getpid() &&
         !cd_str_eq(state, CD_STR("Z")) && !cd_str_eq(state, CD_STR("X"));
}

static bool is_follower(pid_t pid)
{
  char path[64];
  cd_buf text = CD_BUF_INIT(STAT_MAX);
  (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
  /* The name is in parentheses and may hold anything. */
  const char *end =
      pf_file_read(path, STAT_MAX, &text, NULL) == CD_OK ? strrchr(cd_buf_cstr(&text), ')') : NULL;
  bool follows = end != NULL && describes_follower(end + 1);
  cd_buf_release(&text);
  return follows;
}

static bool kill_followers(void)
{
  DIR *dir = opendir("/proc");
  bool any = false;
  if (dir == NULL)
    return false;
  for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
    uint64_t pid = 0;
    if (!cd_str_to_u64(cd_str_from(e->d_name), INT32_MAX, &pid) || (pid_t)pid == getpid() ||
        !is_follower((pid_t)pid))
      continue;
    if (kill((pid_t)pid, SIGKILL) == 0)
      any = true;
  }
  (void)closedir(dir);
  return any;
}

#define START_FIELD 20u /* behind the name, from 1; the 22nd of all */

cd_code pf_process_start(uint64_t pid, uint64_t *ret_start, cd_err *err)
{
  char path[64];
  cd_buf text = CD_BUF_INIT(STAT_MAX);
  (void)snprintf(path, sizeof(path), "/proc/%llu/stat", (unsigned long long)pid);
  if (pf_file_read(path, STAT_MAX, &text, NULL) != CD_OK)
    return cd_fail(err, CD_E_NOTFOUND, "there is no process %llu", (unsigned long long)pid);
  const char *end = strrchr(cd_buf_cstr(&text), ')');
  cd_str rest = cd_str_from(end != NULL ? end + 1 : "");
  cd_str field = {0};
  for (unsigned i = 0; i <= START_FIELD; i++)
    field = cd_str_cut(&rest, ' ');
  bool is = cd_str_to_u64(field, UINT64_MAX, ret_start);
  cd_buf_release(&text);
  return is ? CD_OK
            : cd_fail(err, CD_E_INTERNAL, "when process %llu was started is not known",
                      (unsigned long long)pid);
}

void pf_process_end_followers(void)
{
  if (getpgrp() != getpid())
    return;
  for (int pass = 0; pass < PASSES_MAX && kill_followers(); pass++) {
  }
}
