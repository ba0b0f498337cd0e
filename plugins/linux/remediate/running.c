/* Which processes run a file, or have it mapped as a part of their program. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "remediate.h"

enum { ROUNDS = 32, END_MS = 10000 };

typedef struct looking {
  const rem_image *image;
  rem_running *found;
} looking;

/* `from-to perms offset major:minor inode path` */
static bool read_line(const char *line, uint64_t *ret_from, uint64_t *ret_dev, uint64_t *ret_ino)
{
  const char *at = line;
  char *end = NULL;
  *ret_from = strtoull(line, NULL, 16);
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
  *ret_dev = makedev(high, low);
  *ret_ino = strtoull(end, NULL, 10);
  return true;
}

/* Calls `fn` for each line until it says true. */
static bool each_line(const char *maps, bool (*fn)(const void *data, const char *line),
                      const void *data)
{
  char *line = NULL;
  size_t room = 0;
  bool found = false;
  FILE *f = fopen(maps, "re");
  while (f != NULL && !found && getline(&line, &room, f) > 0)
    found = fn(data, line);
  free(line);
  if (f != NULL)
    (void)fclose(f);
  return found;
}

typedef struct own_mapping {
  uint64_t from;
  rem_image *image;
} own_mapping;

static bool is_own(const void *data, const char *line)
{
  const own_mapping *o = data;
  uint64_t from = 0;
  uint64_t dev = 0;
  uint64_t ino = 0;
  if (!read_line(line, &from, &dev, &ino) || from != o->from)
    return false;
  o->image->map_dev = dev;
  o->image->map_ino = ino;
  return true;
}

/* btrfs, and overlayfs of older kernels, show other numbers in maps than in stat. What they are of
 * this file a mapping of our own shows. */
cordon_status rem_image_of(int fd, rem_image *ret_image, sup_err *err)
{
  struct stat st;
  if (fstat(fd, &st) != 0)
    return sup_fail_os(err, errno, "the file cannot be looked at");
  *ret_image =
      (rem_image){.dev = st.st_dev, .ino = st.st_ino, .map_dev = st.st_dev, .map_ino = st.st_ino};
  void *at = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0);
  if (at == MAP_FAILED)
    return CORDON_OK;
  const own_mapping own = {.from = (uintptr_t)at, .image = ret_image};
  (void)each_line("/proc/self/maps", is_own, &own);
  (void)munmap(at, 1);
  return CORDON_OK;
}

static bool line_is(const void *data, const char *line)
{
  const rem_image *i = data;
  uint64_t from = 0;
  uint64_t dev = 0;
  uint64_t ino = 0;
  return read_line(line, &from, &dev, &ino) && dev == i->map_dev && ino == i->map_ino;
}

static bool maps_it(int64_t pid, const rem_image *image)
{
  char path[64];
  (void)snprintf(path, sizeof(path), "/proc/%lld/maps", (long long)pid);
  return each_line(path, line_is, image);
}

static bool look(void *data, const rem_proc *p)
{
  looking *l = data;
  char path[64];
  struct stat st;
  (void)snprintf(path, sizeof(path), "/proc/%lld/exe", (long long)p->pid);
  bool runs = stat(path, &st) == 0 && st.st_dev == l->image->dev && st.st_ino == l->image->ino;
  if (!runs && !maps_it(p->pid, l->image))
    return true;
  if (l->found->count < REM_RUNNING)
    l->found->items[l->found->count++] = *p;
  else
    l->found->more++;
  return true;
}

void rem_running_find(const rem_image *image, rem_running *ret_running)
{
  looking l = {.image = image, .found = ret_running};
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
static cordon_status end_all(rem_job *j, const rem_image *image, rem_running *r, sup_err *err)
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
    rem_running_find(image, r);
  }
  return CORDON_OK;
}

cordon_status rem_running_stop(rem_job *j, const rem_image *image, sup_err *err)
{
  rem_running r;
  if (!j->stop || j->call->dry_run)
    return CORDON_OK;
  rem_running_find(image, &r);
  return end_all(j, image, &r, err);
}

cordon_status rem_running_settle(rem_job *j, const rem_image *image, sup_err *err)
{
  rem_running r;
  bool ends = j->stop && !j->call->dry_run;
  rem_running_find(image, &r);
  cordon_status status = ends ? end_all(j, image, &r, err) : CORDON_OK;
  if (status != CORDON_OK)
    return status;
  for (size_t i = 0; i < r.count; i++)
    rem_step(j, "running", "left", "process %lld (%s, user %u, start %llu) runs it%s",
             (long long)r.items[i].pid, r.items[i].name, r.items[i].uid,
             (unsigned long long)r.items[i].start,
             ends      ? " still"
             : j->stop ? ""
                       : " and was not to be stopped");
  j->partial = j->partial || (!j->call->dry_run && r.count + r.more > 0);
  rem_measured(j, "processes that run it", "%zu", r.count + r.more);
  return CORDON_OK;
}
