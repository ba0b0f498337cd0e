/* Which processes run a file, or have it mapped as a part of their program. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "remediate.h"

enum { ROUNDS = 3, END_MS = 10000 };

typedef struct looking {
  uint64_t dev;
  uint64_t ino;
  rem_running *found;
} looking;

/* `address perms offset major:minor inode path`. File systems with several devices show another
 * number here than stat does, so that such files are found by who runs them only. */
static bool line_is(const char *line, const looking *l)
{
  const char *at = line;
  char *end = NULL;
  for (int i = 0; i < 3; i++) {
    at = strchr(at, ' ');
    if (at == NULL)
      return false;
    at++;
  }
  unsigned long high = strtoul(at, &end, 16);
  if (*end != ':')
    return false;
  unsigned long low = strtoul(end + 1, &end, 16);
  return strtoull(end, NULL, 10) == l->ino && makedev(high, low) == l->dev;
}

static bool maps_it(int64_t pid, const looking *l)
{
  char path[64];
  char *line = NULL;
  size_t room = 0;
  bool found = false;
  (void)snprintf(path, sizeof(path), "/proc/%lld/maps", (long long)pid);
  FILE *f = fopen(path, "re");
  while (f != NULL && !found && getline(&line, &room, f) > 0)
    found = line_is(line, l);
  free(line);
  if (f != NULL)
    (void)fclose(f);
  return found;
}

static bool look(void *data, const rem_proc *p)
{
  looking *l = data;
  char path[64];
  struct stat st;
  (void)snprintf(path, sizeof(path), "/proc/%lld/exe", (long long)p->pid);
  bool runs = stat(path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino;
  if (!runs && !maps_it(p->pid, l))
    return true;
  if (l->found->count < REM_RUNNING)
    l->found->items[l->found->count++] = *p;
  else
    l->found->more++;
  return true;
}

void rem_running_find(uint64_t dev, uint64_t ino, rem_running *ret_running)
{
  looking l = {.dev = dev, .ino = ino, .found = ret_running};
  *ret_running = (rem_running){0};
  rem_proc_each(look, &l);
}

static void end_one(rem_job *j, const rem_proc *p)
{
  char why[REM_SHOW];
  rem_proc now = {0};
  sup_err err = {0};
  int error = 0;
  int handle = rem_proc_hold(p->pid, p->start, &now, &error);
  if (handle < 0 && error == 0)
    return;
  if (handle < 0) {
    rem_step(j, "stop", "failed", "process %lld (%s) cannot be held", (long long)p->pid, p->name);
    return;
  }
  if (rem_proc_protected(&now, why))
    rem_step(j, "stop", "left", "process %lld (%s): %s", (long long)p->pid, p->name, why);
  else if (rem_proc_end(handle, sup_call_until(j->call, END_MS), &err) == CORDON_OK)
    rem_step(j, "stop", "done", "process %lld (%s, user %u) ran it and was ended",
             (long long)p->pid, p->name, p->uid);
  else
    rem_step(j, "stop", "failed", "process %lld (%s): %s", (long long)p->pid, p->name,
             err.sentence);
  (void)close(handle);
}

cordon_status rem_running_settle(rem_job *j, uint64_t dev, uint64_t ino, sup_err *err)
{
  rem_running r;
  rem_running_find(dev, ino, &r);
  for (int round = 0; j->stop && !j->call->dry_run && r.count > 0 && round < ROUNDS; round++) {
    for (size_t i = 0; i < r.count; i++) {
      cordon_status status = sup_call_check(j->call, err);
      if (status != CORDON_OK)
        return status;
      end_one(j, &r.items[i]);
    }
    rem_running_find(dev, ino, &r);
  }
  for (size_t i = 0; i < r.count; i++)
    rem_step(j, "running", "left", "process %lld (%s, user %u, start %llu) runs it%s",
             (long long)r.items[i].pid, r.items[i].name, r.items[i].uid,
             (unsigned long long)r.items[i].start,
             j->stop ? " still" : " and was not to be stopped");
  j->partial = j->partial || (j->stop && !j->call->dry_run && r.count > 0);
  rem_measured(j, "processes that run it", "%zu", r.count + r.more);
  return CORDON_OK;
}
