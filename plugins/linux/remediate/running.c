/* Which processes run a file, or have it mapped as a part of their program. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "remediate.h"

enum { ROUNDS = 32, END_MS = 10000 };

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

/* True: it is gone. */
static bool end_one(rem_job *j, const rem_proc *p)
{
  char why[REM_SHOW];
  rem_proc now = {0};
  sup_err err = {0};
  int error = 0;
  int handle = rem_proc_hold(p->pid, p->start, &now, &error);
  bool ended = false;
  if (handle < 0 && error == 0)
    return true;
  if (handle < 0) {
    rem_step(j, "stop", "failed", "process %lld (%s) cannot be held", (long long)p->pid, p->name);
    return false;
  }
  if (rem_proc_protected(&now, why))
    rem_step(j, "stop", "left", "process %lld (%s): %s", (long long)p->pid, p->name, why);
  else if ((ended = rem_proc_end(handle, sup_call_until(j->call, END_MS), &err) == CORDON_OK))
    rem_step(j, "stop", "done", "process %lld (%s, user %u) ran it and was ended",
             (long long)p->pid, p->name, p->uid);
  else
    rem_step(j, "stop", "failed", "process %lld (%s): %s", (long long)p->pid, p->name,
             err.sentence);
  if (ended && j->no_undo[0] == '\0')
    (void)snprintf(j->no_undo, sizeof(j->no_undo),
                   "a process that has ended cannot be brought back");
  (void)close(handle);
  return ended;
}

/* As often as there are new ones: each may have started others before it ended. */
static cordon_status end_all(rem_job *j, uint64_t dev, uint64_t ino, rem_running *r, sup_err *err)
{
  bool ended = true;
  for (int round = 0; ended && r->count > 0 && round < ROUNDS; round++) {
    ended = false;
    for (size_t i = 0; i < r->count; i++) {
      cordon_status status = sup_call_check(j->call, err);
      if (status != CORDON_OK)
        return status;
      ended = end_one(j, &r->items[i]) || ended;
    }
    rem_running_find(dev, ino, r);
  }
  return CORDON_OK;
}

cordon_status rem_running_stop(rem_job *j, uint64_t dev, uint64_t ino, sup_err *err)
{
  rem_running r;
  if (!j->stop || j->call->dry_run)
    return CORDON_OK;
  rem_running_find(dev, ino, &r);
  return end_all(j, dev, ino, &r, err);
}

cordon_status rem_running_settle(rem_job *j, uint64_t dev, uint64_t ino, sup_err *err)
{
  rem_running r;
  bool ends = j->stop && !j->call->dry_run;
  rem_running_find(dev, ino, &r);
  cordon_status status = ends ? end_all(j, dev, ino, &r, err) : CORDON_OK;
  if (status != CORDON_OK)
    return status;
  for (size_t i = 0; i < r.count; i++)
    rem_step(j, "running", "left", "process %lld (%s, user %u, start %llu) runs it%s",
             (long long)r.items[i].pid, r.items[i].name, r.items[i].uid,
             (unsigned long long)r.items[i].start,
             ends      ? " still"
             : j->stop ? ""
                       : " and was not to be stopped");
  j->partial = j->partial || (ends && r.count > 0);
  rem_measured(j, "processes that run it", "%zu", r.count + r.more);
  return CORDON_OK;
}
