/* Logs: copied as they are. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/klog.h>

#include "items.h"
#include "read.h"

#define LOG_MAX (32 * COL_MIB)

enum { KERNEL_LOG = 10, KERNEL_LOG_MAX = 4 * 1024 * 1024, ROTATED_MAX = 64 };

/* ---- logs and what they were rotated to ---- */

typedef struct rotated {
  col_task *task;
  const char *folder;
  const char *name;
  unsigned count;
} rotated;

static bool copy_rotated(void *data, int dir, const char *name)
{
  rotated *r = data;
  char path[COL_PATH];
  struct stat st;
  size_t len = strlen(r->name);
  if (strncmp(name, r->name, len) != 0 ||
      (name[len] != '\0' && name[len] != '.' && name[len] != '-'))
    return true;
  if (col_stat_at(dir, name, &st, NULL) != 0 || S_ISDIR(st.st_mode))
    return true;
  if (++r->count > ROTATED_MAX) {
    col_cap(r->task, "%s has more than %d older parts, and the others are left out", r->name,
            ROTATED_MAX);
    return false;
  }
  (void)snprintf(path, sizeof(path), "%s/%s", r->folder, name);
  col_copy(r->task, name, path, LOG_MAX);
  return !col_stop(r->task);
}

/* A log, then its older parts; where there is none a file that says so. */
static void copy_log(col_task *t, const char *folder, const char *name)
{
  char path[COL_PATH];
  rotated r = {.task = t, .folder = folder, .name = name};
  int error = col_each(t, folder, copy_rotated, &r);
  if (r.count > 0)
    return;
  (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
  col_begin(t, name, path);
  col_mark_os(t, error != 0 ? error : ENOENT, path);
}

void col_logs(col_task *t)
{
  static const char *const logs[][2] = {{"/var/log", "auth.log"}, {"/var/log", "secure"},
                                        {"/var/log", "kern.log"}, {"/var/log", "syslog"},
                                        {"/var/log", "messages"}, {"/var/log", "cron"},
                                        {"/var/log", "cron.log"}, {"/var/log", "faillog"},
                                        {"/var/log", "sudo.log"}, {"/var/log/audit", "audit.log"}};
  static const char *const databases[][2] = {{"wtmpdb.sqlite", "/var/lib/wtmpdb/wtmp.db"},
                                             {"lastlog2.sqlite", "/var/lib/lastlog/lastlog2.db"}};
  for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]) && !col_stop(t); i++)
    copy_log(t, logs[i][0], logs[i][1]);
  for (size_t i = 0; i < 2 && !col_stop(t); i++)
    col_copy(t, databases[i][0], databases[i][1], LOG_MAX);
}

/* ---- the kernel's own ---- */

void col_kernel_log(col_task *t)
{
  int size = klogctl(KERNEL_LOG, NULL, 0);
  if (size <= 0 || size > KERNEL_LOG_MAX)
    size = KERNEL_LOG_MAX;
  char *text = malloc((size_t)size);
  int len = text != NULL ? klogctl(3, text, size) : -1;
  if (len < 0)
    col_mark_os(t, errno, "the kernel does not give its log");
  else
    (void)col_put(t, text, (size_t)len);
  free(text);
}
