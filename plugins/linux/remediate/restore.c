/* Giving a file back: written beside its place in a folder that only root can enter, with all that
 * it had, and moved to its place only if nothing is there. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "remediate.h"
#include "support/fault.h"

static const char aside_name[] = "file";
static const char copy_name[] = "copy";

typedef struct giving {
  rem_job *job;
  rem_meta *meta;
  rem_way way;
  int fd; /* of what is, or will be, at its place */
} giving;

static cordon_status spend(giving *g, const char *lost, sup_err *err)
{
  char show[REM_SHOW];
  cordon_status status = rem_container_spend(g->job, g->meta, err);
  SUP_FAULT_POINT("remediate.spent");
  if (status != CORDON_OK)
    return status;
  rem_step(g->job, "file.restore", "done", "'%s' is at its place again",
           rem_show(g->way.path, show));
  if (lost[0] != '\0') {
    g->job->partial = true;
    rem_step(g->job, "attributes", "failed",
             "%s could not be put back: setting that takes rights that this plugin has not; the "
             "values are in the description of container %s",
             lost, g->meta->id);
  }
  return CORDON_OK;
}

static cordon_status finish(giving *g, sup_err *err)
{
  char show[REM_SHOW];
  char why[REM_SHOW] = "";
  char lost[REM_SHOW] = "";
  cordon_status status = rem_sync_folder(g->way.path, g->way.dir, err);
  if (status == CORDON_OK)
    status = rem_attrs_flags(g->fd, g->meta->attrs.flags, err);
  if (status != CORDON_OK)
    return status;
  bool same = rem_attrs_same(g->fd, &g->meta->attrs, why, lost);
  rem_measured(g->job, "metadata", "%s%s",
               same ? "owner, mode, times, flags, attributes and ACLs are as they were" : why,
               same && lost[0] != '\0' ? ", but for those that could not be put back" : "");
  SUP_FAULT_POINT("remediate.placed");
  if (!same)
    return sup_fail(err, CORDON_E_UNVERIFIED, "'%s' is back, but %s; its container is kept",
                    rem_show(g->way.path, show), why);
  return spend(g, lost, err);
}

static cordon_status in_the_way(const giving *g, sup_err *err)
{
  char show[REM_SHOW];
  return sup_fail(err, CORDON_E_CONFLICT,
                  "something is at '%s' by now; it was left there, and the file stays in its "
                  "container",
                  rem_show(g->way.path, show));
}

static cordon_status place(giving *g, int aside, const char *from, sup_err *err)
{
  char show[REM_SHOW];
  if (renameat2(aside, from, g->way.dir, g->way.name, RENAME_NOREPLACE) == 0)
    return CORDON_OK;
  if (errno == EEXIST)
    return in_the_way(g, err);
  return sup_fail_os(err, errno, "'%s' could not be put at its place", rem_show(g->way.path, show));
}

static cordon_status check_room(const giving *g, int aside, sup_err *err)
{
  struct statvfs fs;
  char show[REM_SHOW];
  if (fstatvfs(aside, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize < g->meta->attrs.size)
    return sup_fail(err, CORDON_E_LIMIT,
                    "'%s' has %llu bytes, and its file system has no room for them",
                    rem_show(g->way.path, show), (unsigned long long)g->meta->attrs.size);
  return CORDON_OK;
}

static cordon_status write_copy(giving *g, int aside, sup_err *err)
{
  char sha256[65];
  char sha1[41];
  (void)unlinkat(aside, copy_name, 0);
  g->fd = openat(aside, copy_name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOATIME | O_CLOEXEC,
                 0600);
  if (g->fd < 0)
    return sup_fail_os(err, errno, "the file cannot be written beside its place");
  SUP_FAULT_POINT("remediate.copy");
  cordon_status status = rem_container_open(g->job, g->meta, g->fd, err);
  if (status == CORDON_OK)
    status = rem_hash(g->job, g->fd, g->meta->attrs.size, sha256, sha1, err);
  if (status == CORDON_OK && strcmp(sha256, g->meta->sha256) != 0)
    status =
        sup_fail(err, CORDON_E_IO, "what was written back has the SHA-256 %s and should have %s",
                 sha256, g->meta->sha256);
  if (status == CORDON_OK)
    rem_measured(g->job, "bytes", "read back, they have the SHA-256 %s", sha256);
  if (status == CORDON_OK)
    status = rem_attrs_apply(g->fd, &g->meta->attrs, true, err);
  if (status == CORDON_OK && fsync(g->fd) != 0)
    status = sup_fail_os(err, errno, "the file could not be put on the disk");
  return status;
}

static cordon_status note_identity(giving *g, sup_err *err)
{
  struct stat st;
  if (fstat(g->fd, &st) != 0)
    return sup_fail_os(err, errno, "the file cannot be looked at");
  g->meta->state = REM_RESTORING;
  g->meta->restored_dev = st.st_dev;
  g->meta->restored_ino = st.st_ino;
  cordon_status status = rem_container_save(g->job, g->meta, err);
  SUP_FAULT_POINT("remediate.restoring");
  return status;
}

/* The file itself, moved and not yet removed when an order was cut short. */
static bool is_original(giving *g, int aside)
{
  int fd = openat(aside, aside_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME | O_CLOEXEC);
  if (fd < 0)
    return false;
  bool is = rem_container_is_of(g->job, g->meta, fd);
  if (is)
    g->fd = fd;
  else
    (void)close(fd);
  return is;
}

static cordon_status give(giving *g, sup_err *err)
{
  char name[REM_NAME];
  int aside = -1;
  cordon_status status = rem_way_private(&g->way, g->meta->id, &aside, name, err);
  if (status != CORDON_OK)
    return status;
  const char *from = aside_name;
  if (!is_original(g, aside)) {
    from = copy_name;
    status = check_room(g, aside, err);
    if (status == CORDON_OK)
      status = write_copy(g, aside, err);
    if (status == CORDON_OK)
      status = note_identity(g, err);
  }
  if (status == CORDON_OK)
    status = place(g, aside, from, err);
  if (status != CORDON_OK) {
    sup_err ignored = {0};
    (void)unlinkat(aside, copy_name, 0);
    if (g->meta->state == REM_RESTORING) {
      g->meta->state = REM_KEPT;
      (void)rem_container_save(g->job, g->meta, &ignored);
    }
  }
  SUP_FAULT_POINT("remediate.renamed");
  rem_way_private_end(&g->way, aside, name);
  return status == CORDON_OK ? finish(g, err) : status;
}

/* What was put there has other numbers than what was taken, and the same bytes. */
static bool is_copy(const giving *g)
{
  char sha256[65];
  char sha1[41];
  struct stat st;
  sup_err ignored = {0};
  return fstat(g->fd, &st) == 0 && (uint64_t)st.st_size == g->meta->attrs.size &&
         rem_hash(g->job, g->fd, g->meta->attrs.size, sha256, sha1, &ignored) == CORDON_OK &&
         strcmp(sha256, g->meta->sha256) == 0;
}

/* Something is at the place: what an order that was cut short put there or never took, or
 * another's. The numbers may be another's by now, so that the bytes are compared as well.
 */
static cordon_status taken(giving *g, const struct stat *st, sup_err *err)
{
  char show[REM_SHOW];
  char name[REM_NAME];
  struct stat now;
  int aside = -1;
  const rem_meta *m = g->meta;
  bool ours =
      m->state == REM_RESTORING && st->st_dev == m->restored_dev && st->st_ino == m->restored_ino;
  bool never = m->state == REM_SEALED && st->st_dev == m->attrs.dev && st->st_ino == m->attrs.ino;
  if (!ours && !never)
    return in_the_way(g, err);
  if (g->job->call->dry_run) {
    rem_step(g->job, "file.restore", "planned", "'%s' is at its place",
             rem_show(g->way.path, show));
    return CORDON_OK;
  }
  cordon_status status = rem_way_file(&g->way, &g->fd, &now, err);
  if (status != CORDON_OK)
    return status;
  if (ours ? !is_copy(g) : !rem_container_is_of(g->job, m, g->fd))
    return in_the_way(g, err);
  if (rem_way_private(&g->way, m->id, &aside, name, err) == CORDON_OK) {
    (void)unlinkat(aside, copy_name, 0);
    rem_way_private_end(&g->way, aside, name);
  }
  if (ours)
    return finish(g, err);
  status = rem_attrs_flags(g->fd, m->attrs.flags, err);
  if (status == CORDON_OK) {
    rem_container_drop(g->job, m->id);
    rem_step(g->job, "file.restore", "already", "'%s' was not taken from its place",
             rem_show(g->way.path, show));
  }
  return status;
}

cordon_status rem_restore(rem_job *j, rem_meta *m, sup_err *err)
{
  char show[REM_SHOW];
  struct stat st;
  giving g = {.job = j, .meta = m, .way = {.dir = -1}, .fd = -1};
  if (m->state == REM_RESTORED) {
    rem_step(j, "file.restore", "already", "'%s' was given back before", rem_show(m->path, show));
    return CORDON_OK;
  }
  cordon_status status = rem_way_open(m->path, &g.way, err);
  if (status != CORDON_OK)
    return status;
  if (fstatat(g.way.dir, g.way.name, &st, AT_SYMLINK_NOFOLLOW) == 0)
    status = taken(&g, &st, err);
  else if (errno != ENOENT)
    status = sup_fail_os(err, errno, "'%s'", rem_show(g.way.path, show));
  else if (j->call->dry_run)
    rem_step(j, "file.restore", "planned", "'%s', %llu bytes", rem_show(m->path, show),
             (unsigned long long)m->attrs.size);
  else
    status = give(&g, err);
  if (g.fd >= 0)
    (void)close(g.fd);
  rem_way_close(&g.way);
  return status;
}

/* ---- by action ---- */

typedef struct search {
  rem_job *job;
  const char *action;
  unsigned found;
  cordon_status status;
  sup_err *err;
} search;

static bool restore_one(void *data, const char *id)
{
  search *s = data;
  rem_meta m = {0};
  sup_err err = {0};
  cordon_status status = rem_container_load(s->job, id, &m, &err);
  if (status == CORDON_OK && strcmp(m.action, s->action) == 0) {
    s->found++;
    status = rem_restore(s->job, &m, &err);
  }
  rem_meta_release(&m);
  /* The others are still given back. */
  if (status != CORDON_OK && s->status == CORDON_OK && err.sentence[0] != '\0') {
    s->status = status;
    *s->err = err;
  }
  return !sup_call_cancelled(s->job->call);
}

cordon_status rem_restore_run(rem_job *j, sup_err *err)
{
  char action[REM_ID];
  (void)snprintf(j->no_undo, sizeof(j->no_undo), "giving back is the way back itself");
  cordon_status status = rem_bytes_get(j->target, "action", action, sizeof(action), err);
  if (status != CORDON_OK)
    return status;
  search s = {.job = j, .action = action, .err = err};
  rem_container_each(j, restore_one, &s);
  if (s.found == 0 && s.status == CORDON_OK)
    return sup_fail(err, CORDON_E_NOTFOUND, "nothing that action %.40s has taken is kept here",
                    action);
  return s.status;
}

cordon_status rem_restore_undo(rem_job *j, const cJSON *record, sup_err *err)
{
  char id[REM_ID];
  rem_meta m = {0};
  cordon_status status = rem_bytes_get(record, "container", id, sizeof(id), err);
  if (status == CORDON_OK && !rem_is_name(id, REM_ID - 1))
    status = sup_fail(err, CORDON_E_INVALID, "the undo record names no container");
  if (status != CORDON_OK)
    return status;
  status = rem_container_load(j, id, &m, err);
  if (status == CORDON_E_NOTFOUND) {
    rem_step(j, "file.restore", "already", "there is no container %s: nothing was taken", id);
    return CORDON_OK;
  }
  if (status == CORDON_OK)
    status = rem_restore(j, &m, err);
  rem_meta_release(&m);
  return status;
}
