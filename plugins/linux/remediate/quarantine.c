/* Taking a file away. First what runs it is ended, if that is asked for, so that it cannot put
 * itself back. Its container is whole, read back and on the disk before the file is touched; then
 * the way back is put on record; then the file is moved into a folder that only root can enter,
 * beside where it was, and looked at again there: what was swapped in meanwhile goes back. Only
 * what is sealed is removed, and what is there afterwards is looked at last. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "remediate.h"
#include "support/fault.h"

static const char aside_name[] = "file";

typedef struct taking {
  rem_job *job;
  rem_way way;
  rem_meta meta;
  rem_image image;
  struct stat st;
  int fd;
  bool unfixed; /* the immutable flag was taken off */
  bool aside;   /* it is neither at its place nor gone: its container is the way back */
} taking;

/* ---- what must stay ---- */

static cordon_status check_running(const taking *t, sup_err *err)
{
  char why[REM_SHOW];
  char show[REM_SHOW];
  rem_running r;
  rem_running_find(&t->image, &r);
  for (size_t i = 0; i < r.count; i++)
    if (rem_proc_protected(&r.items[i], why))
      return sup_fail(err, CORDON_E_DENIED, "'%s' is left alone: process %lld (%s) runs it, and %s",
                      rem_show(t->way.path, show), (long long)r.items[i].pid, r.items[i].name, why);
  return CORDON_OK;
}

static cordon_status check_owner(taking *t, sup_err *err)
{
  char by[REM_SHOW];
  char show[REM_SHOW];
  rem_owned owned = rem_owner_of(t->way.path, by);
  if (owned == REM_OWNED_NO)
    return CORDON_OK;
  if (!t->job->force && owned == REM_OWNED_YES)
    return sup_fail(
        err, CORDON_E_DENIED,
        "'%s' belongs to the package %s of this system; it is taken away only with force",
        rem_show(t->way.path, show), by);
  if (!t->job->force)
    return sup_fail(
        err, CORDON_E_DENIED,
        "whether '%s' belongs to a package is not known (%s); it is taken away only with "
        "force",
        rem_show(t->way.path, show), by);
  rem_step(t->job, "package", "done", "%s%s; it was forced",
           owned == REM_OWNED_YES ? "it belongs to the package " : "", by);
  return CORDON_OK;
}

static cordon_status check(taking *t, sup_err *err)
{
  struct statvfs fs;
  char show[REM_SHOW];
  if (rem_own_file(t->job, t->way.path, &t->st))
    return sup_fail(err, CORDON_E_DENIED, "'%s' is left alone: it is the agent's own",
                    rem_show(t->way.path, show));
  if (fstatvfs(t->fd, &fs) == 0 && (fs.f_flag & ST_RDONLY) != 0)
    return sup_fail(err, CORDON_E_DENIED, "'%s' is on a file system that can only be read",
                    rem_show(t->way.path, show));
  cordon_status status = check_running(t, err);
  return status == CORDON_OK ? check_owner(t, err) : status;
}

/* ---- taking it ---- */

static cordon_status unfix(taking *t, sup_err *err)
{
  if (!rem_attrs_fixed(t->meta.attrs.flags))
    return CORDON_OK;
  cordon_status status = rem_attrs_flags(t->fd, 0, err);
  t->unfixed = status == CORDON_OK;
  if (t->unfixed)
    rem_step(t->job, "flags", "done",
             "it was immutable or append-only; that was taken off, and comes back with the file");
  return status;
}

static void refix(taking *t)
{
  sup_err ignored = {0};
  if (t->unfixed && rem_attrs_flags(t->fd, t->meta.attrs.flags, &ignored) != CORDON_OK)
    rem_step(t->job, "flags", "failed", "%s", ignored.sentence);
  t->unfixed = false;
}

static bool same_times(const struct stat *a, const struct stat *b)
{
  return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
         a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* What was moved is what was sealed. Where it was touched meanwhile its bytes decide, which nobody
 * can get at by its name any more: else its owner could keep it by touching it again and again. */
static bool is_it(const taking *t, int aside, bool touched)
{
  struct stat st;
  char sha256[65];
  char sha1[41];
  sup_err ignored = {0};
  if (fstatat(aside, aside_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode) ||
      st.st_dev != t->st.st_dev || st.st_ino != t->st.st_ino || st.st_size != t->st.st_size)
    return false;
  if (!touched && same_times(&st, &t->st))
    return true;
  return rem_hash(t->job, t->fd, (uint64_t)st.st_size, sha256, sha1, &ignored) == CORDON_OK &&
         strcmp(sha256, t->meta.sha256) == 0;
}

/* Since it was opened; the time of its inode cannot be set back by who writes to it. */
static bool was_touched(const taking *t)
{
  struct stat st;
  return fstat(t->fd, &st) != 0 || !same_times(&st, &t->st) ||
         st.st_ctim.tv_sec != t->st.st_ctim.tv_sec || st.st_ctim.tv_nsec != t->st.st_ctim.tv_nsec;
}

static cordon_status put_back(taking *t, int aside, const char *because, sup_err *err)
{
  char show[REM_SHOW];
  if (renameat2(aside, aside_name, t->way.dir, t->way.name, RENAME_NOREPLACE) == 0)
    return sup_fail(err, CORDON_E_CONFLICT, "'%s' %s; what is there was left there",
                    rem_show(t->way.path, show), because);
  int error = errno;
  t->aside = true;
  return sup_fail_os(err, error,
                     "'%s' %s, and it could not be put back: what was there is in the folder "
                     ".cordon-%s beside it, which root can enter",
                     rem_show(t->way.path, show), because, t->meta.id);
}

static cordon_status move_and_remove(taking *t, int aside, bool touched, sup_err *err)
{
  char show[REM_SHOW];
  SUP_FAULT_POINT("remediate.private");
  /* What is in there already is of an order that was cut short, and may be anybody's file. */
  if (renameat2(t->way.dir, t->way.name, aside, aside_name, RENAME_NOREPLACE) != 0)
    return sup_fail_os(err, errno, "'%s' could not be taken away", rem_show(t->way.path, show));
  SUP_FAULT_POINT("remediate.aside");
  if (!is_it(t, aside, touched))
    return put_back(t, aside, "was swapped or written to while it was taken", err);
  if (unlinkat(aside, aside_name, 0) != 0) {
    char because[REM_SHOW];
    int error = errno;
    (void)snprintf(because, sizeof(because), "could not be removed (%s)", strerror(error));
    (void)put_back(t, aside, because, err);
    return sup_fail_os(err, error, "%.*s", REM_SHOW, err->sentence);
  }
  t->unfixed = false;
  SUP_FAULT_POINT("remediate.unlinked");
  return CORDON_OK;
}

static cordon_status take_away(taking *t, sup_err *err)
{
  char name[REM_NAME];
  int aside = -1;
  bool touched = was_touched(t);
  cordon_status status = unfix(t, err);
  SUP_FAULT_POINT("remediate.unfixed");
  if (status == CORDON_OK)
    status = rem_way_private(&t->way, t->meta.id, &aside, name, err);
  if (status == CORDON_OK) {
    status = move_and_remove(t, aside, touched, err);
    rem_way_private_end(&t->way, aside, name);
  }
  if (status != CORDON_OK) {
    refix(t);
    return status;
  }
  status = rem_sync_folder(t->way.path, t->way.dir, err);
  t->meta.state = REM_KEPT;
  if (status == CORDON_OK)
    status = rem_container_save(t->job, &t->meta, err);
  SUP_FAULT_POINT("remediate.kept");
  return status;
}

static cordon_status note_restore(taking *t, sup_err *err)
{
  cJSON *record = cJSON_CreateObject();
  (void)cJSON_AddStringToObject(record, "do", "file.restore");
  (void)cJSON_AddStringToObject(record, "container", t->meta.id);
  cordon_status status = rem_note(t->job, record, err);
  SUP_FAULT_POINT("remediate.noted");
  return status;
}

static cordon_status compare(const taking *t, const char *what, const char *is, const char *wanted,
                             sup_err *err)
{
  char show[REM_SHOW];
  if (wanted == NULL || strcmp(is, wanted) == 0)
    return CORDON_OK;
  return sup_fail(err, CORDON_E_CONFLICT,
                  "'%s' has the %s %s and was to have %s: nothing was changed",
                  rem_show(t->way.path, show), what, is, wanted);
}

static cordon_status check_wanted(const taking *t, const rem_wanted *wanted, const char *sha256,
                                  const char *sha1, sup_err *err)
{
  cordon_status status = compare(t, "SHA-256", sha256, wanted->sha256, err);
  return status == CORDON_OK ? compare(t, "SHA-1", sha1, wanted->sha1, err) : status;
}

static cordon_status seal(taking *t, const rem_wanted *wanted, sup_err *err)
{
  cordon_status status = rem_container_seal(t->job, t->fd, &t->meta, err);
  SUP_FAULT_POINT("remediate.sealed");
  if (status == CORDON_OK)
    status = check_wanted(t, wanted, t->meta.sha256, t->meta.sha1, err);
  if (status != CORDON_OK)
    return status;
  rem_step(t->job, "seal", "done", "%llu bytes, SHA-256 %s, SHA-1 %s, owner %u:%u, mode %04o",
           (unsigned long long)t->meta.attrs.size, t->meta.sha256, t->meta.sha1, t->meta.attrs.uid,
           t->meta.attrs.gid, t->meta.attrs.mode);
  rem_measured(t->job, "container", "its bytes, opened again, have the SHA-256 %s", t->meta.sha256);
  return CORDON_OK;
}

/* The path last: whoever was ended or found in between can put nothing there any more. */
static cordon_status look_after(taking *t, sup_err *err)
{
  char show[REM_SHOW];
  struct stat st;
  rem_names_left(t->job, t->fd, t->way.path);
  cordon_status status = rem_running_settle(t->job, &t->image, err);
  if (fstatat(t->way.dir, t->way.name, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT) {
    rem_measured(t->job, "path", "nothing is at '%s'", rem_show(t->way.path, show));
  } else {
    rem_measured(t->job, "path", "something else is at '%s' by now", rem_show(t->way.path, show));
    t->job->partial = true;
  }
  return status;
}

/* An earlier order that was cut short sealed the same file and did not get to moving it. */
static void drop_leftover(taking *t)
{
  char folder[REM_NAME];
  rem_meta m = {0};
  sup_err ignored = {0};
  if (rem_container_of_path(t->job, t->way.path, &m, &ignored) == CORDON_OK &&
      m.state == REM_SEALED && rem_container_is_of(t->job, &m, t->fd)) {
    /* It may have got to taking the flags off. */
    t->meta.attrs.flags |= m.attrs.flags;
    (void)snprintf(folder, sizeof(folder), ".cordon-%s", m.id);
    (void)unlinkat(t->way.dir, folder, AT_REMOVEDIR);
    rem_container_drop(t->job, m.id);
  }
  rem_meta_release(&m);
}

/* Nobody is ended for a file that is not the one that was meant. */
static cordon_status stop_first(taking *t, const rem_wanted *wanted, sup_err *err)
{
  char sha256[65];
  char sha1[41];
  cordon_status status = CORDON_OK;
  if (!t->job->stop)
    return CORDON_OK;
  if (wanted->sha256 != NULL || wanted->sha1 != NULL)
    status = rem_hash(t->job, t->fd, (uint64_t)t->st.st_size, sha256, sha1, err);
  if (status == CORDON_OK && (wanted->sha256 != NULL || wanted->sha1 != NULL))
    status = check_wanted(t, wanted, sha256, sha1, err);
  if (status == CORDON_OK)
    status = rem_running_stop(t->job, &t->image, err);
  if (status == CORDON_OK && fstat(t->fd, &t->st) != 0)
    status = sup_fail_os(err, errno, "the file cannot be looked at");
  return status;
}

static cordon_status read_attrs(taking *t, sup_err *err)
{
  char cannot[REM_SHOW];
  char show[REM_SHOW];
  cordon_status status = rem_attrs_read(t->fd, &t->meta.attrs, err);
  if (status != CORDON_OK)
    return status;
  if (rem_attrs_beyond(&t->meta.attrs, cannot)) {
    if (!t->job->force)
      return sup_fail(err, CORDON_E_DENIED,
                      "'%s' has the attribute %s, which could not be put back; it is taken away "
                      "only with force",
                      rem_show(t->way.path, show), cannot);
    rem_step(
        t->job, "attributes", "left",
        "%s cannot be put back, but will be in the description of the container; it was forced",
        cannot);
  }
  if (!rem_attrs_sees_trusted())
    rem_measured(t->job, "metadata",
                 "all of it is kept but attributes of the kind trusted.*, which this plugin has no "
                 "right to see: if the file had any, they would be lost");
  return CORDON_OK;
}

static cordon_status plan_only(taking *t, sup_err *err)
{
  char show[REM_SHOW];
  rem_step(t->job, "file.quarantine", "planned", "'%s', %llu bytes", rem_show(t->way.path, show),
           (unsigned long long)t->st.st_size);
  return rem_running_settle(t->job, &t->image, err);
}

static cordon_status take(taking *t, const rem_wanted *wanted, sup_err *err)
{
  char show[REM_SHOW];
  cordon_status status = check(t, err);
  if (status == CORDON_OK && t->job->call->dry_run)
    return plan_only(t, err);
  if (status == CORDON_OK)
    status = stop_first(t, wanted, err);
  if (status == CORDON_OK)
    status = read_attrs(t, err);
  if (status != CORDON_OK)
    return status;
  (void)snprintf(t->meta.path, sizeof(t->meta.path), "%s", t->way.path);
  drop_leftover(t);
  status = seal(t, wanted, err);
  if (status == CORDON_OK) {
    status = note_restore(t, err);
    if (status == CORDON_OK)
      status = take_away(t, err);
  }
  /* Nothing is gone from its place: the container is not needed. */
  if (status != CORDON_OK && t->meta.state == REM_SEALED && !t->aside)
    rem_container_drop(t->job, t->meta.id);
  if (status != CORDON_OK)
    return status;
  rem_step(t->job, "file.quarantine", "done", "'%s' is in container %s",
           rem_show(t->way.path, show), t->meta.id);
  return look_after(t, err);
}

/* Of an order that was cut short after it had moved the file: what it moved is removed if it is
 * what was sealed. */
static cordon_status finish_taking(rem_job *j, rem_meta *m, sup_err *err)
{
  char name[REM_NAME];
  rem_way w;
  int aside = -1;
  cordon_status status = rem_way_open(m->path, &w, err);
  if (status != CORDON_OK)
    return status;
  status = rem_way_private(&w, m->id, &aside, name, err);
  if (status == CORDON_OK) {
    int fd = openat(aside, aside_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME | O_CLOEXEC);
    if (fd >= 0 && rem_container_is_of(j, m, fd))
      (void)unlinkat(aside, aside_name, 0);
    else if (fd >= 0 || errno != ENOENT)
      status = sup_fail(err, CORDON_E_CONFLICT,
                        "an order that was cut short left another file than the one it sealed in "
                        "the folder %s beside it, which root can enter: look at it, and remove it "
                        "or put it back",
                        name);
    if (fd >= 0)
      (void)close(fd);
    rem_way_private_end(&w, aside, name);
  }
  if (status == CORDON_OK)
    status = rem_sync_folder(w.path, w.dir, err);
  m->state = REM_KEPT;
  if (status == CORDON_OK)
    status = rem_container_save(j, m, err);
  rem_way_close(&w);
  return status;
}

/* Whether it could be given back: its bytes are opened and hashed. */
static cordon_status still_whole(const rem_job *j, const rem_meta *m, sup_err *err)
{
  sup_err why = {0};
  if (rem_container_open(j, m, -1, &why) == CORDON_OK)
    return CORDON_OK;
  return sup_fail(err, CORDON_E_IO,
                  "it was taken by action %s, and what was kept of it is not whole: %.300s",
                  m->action, why.sentence);
}

/* It is not at its place: perhaps because it was taken before. */
static cordon_status not_there(rem_job *j, const char *path, sup_err *err)
{
  char show[REM_SHOW];
  rem_meta m = {0};
  sup_err why = *err;
  cordon_status status = rem_container_of_path(j, path, &m, err);
  if (status == CORDON_E_NOTFOUND) {
    *err = why;
    return status;
  }
  if (status == CORDON_OK && m.state == REM_SEALED && !j->call->dry_run)
    status = finish_taking(j, &m, err);
  if (status == CORDON_OK && !j->call->dry_run)
    status = still_whole(j, &m, err);
  if (status == CORDON_OK) {
    rem_step(j, "file.quarantine", "already", "'%s' was taken by action %s", rem_show(path, show),
             m.action);
    rem_measured(j, "path", "nothing is at '%s'; SHA-256 of what is in container %s is %s", show,
                 m.id, m.sha256);
  }
  rem_meta_release(&m);
  return status;
}

cordon_status rem_quarantine(rem_job *j, const char *path, const char *id, const rem_wanted *wanted,
                             sup_err *err)
{
  taking t = {.job = j, .way = {.dir = -1}, .fd = -1};
  (void)snprintf(t.meta.id, sizeof(t.meta.id), "%s", id);
  (void)snprintf(t.meta.action, sizeof(t.meta.action), "%s", j->action);
  cordon_status status = rem_way_open(path, &t.way, err);
  if (status == CORDON_OK)
    status = rem_way_file(&t.way, &t.fd, &t.st, err);
  if (status == CORDON_OK)
    status = rem_image_of(t.fd, &t.image, err);
  if (status == CORDON_OK)
    status = take(&t, wanted != NULL ? wanted : &(const rem_wanted){0}, err);
  else if (status == CORDON_E_NOTFOUND && t.way.dir >= 0)
    status = not_there(j, t.way.path, err);
  if (t.fd >= 0)
    (void)close(t.fd);
  rem_way_close(&t.way);
  rem_meta_release(&t.meta);
  return status;
}

cordon_status rem_quarantine_run(rem_job *j, sup_err *err)
{
  char path[REM_PATH];
  char sha256[65];
  uint8_t digest[32];
  const cJSON *wanted = cJSON_GetObjectItemCaseSensitive(j->target, "sha256");
  cordon_status status = rem_bytes_get(j->target, "path", path, sizeof(path), err);
  if (status != CORDON_OK)
    return status;
  if (wanted == NULL)
    return rem_quarantine(j, path, j->action, NULL, err);
  if (!cJSON_IsString(wanted) || !rem_unhex(wanted->valuestring, digest, sizeof(digest)))
    return sup_fail(err, CORDON_E_INVALID, "sha256 is not 64 lower-case hexadecimal digits");
  rem_hex(digest, sizeof(digest), sha256);
  const rem_wanted must = {.sha256 = sha256};
  return rem_quarantine(j, path, j->action, &must, err);
}
