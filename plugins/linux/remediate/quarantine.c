/* Taking a file away. Its container is whole, read back and on the disk before the file is touched;
 * then the way back is put on record; then the file is moved into a folder that only root can
 * enter, beside where it was, and looked at again there: what was swapped in meanwhile goes back.
 * Only what is sealed is removed. */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "remediate.h"
#include "support/fault.h"

enum { LINKS_NAMED = 16, LINKS_MS = 5000 };

static const char aside_name[] = "file";

typedef struct taking {
  rem_job *job;
  rem_way way;
  rem_meta meta;
  struct stat st;
  int fd;
  bool unfixed; /* the immutable flag was taken off */
} taking;

/* ---- what must stay ---- */

static cordon_status check_running(const taking *t, sup_err *err)
{
  char why[REM_SHOW];
  char show[REM_SHOW];
  rem_running r;
  rem_running_find(t->st.st_dev, t->st.st_ino, &r);
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

/* ---- its other names ---- */

/* The folder at which the file's file system begins, as far as its own path shows it. */
static void top_of(const char *path, uint64_t dev, char ret_top[REM_PATH])
{
  char at[REM_PATH];
  struct stat st;
  (void)snprintf(at, sizeof(at), "%s", path);
  (void)snprintf(ret_top, REM_PATH, "%s", path);
  for (char *slash = strrchr(at, '/'); slash != NULL; slash = strrchr(at, '/')) {
    *slash = '\0';
    if (stat(at[0] != '\0' ? at : "/", &st) != 0 || st.st_dev != dev)
      break;
    (void)snprintf(ret_top, REM_PATH, "%s", at[0] != '\0' ? at : "/");
  }
}

static void name_links(taking *t)
{
  char top[REM_PATH];
  char show[REM_SHOW];
  char *roots[2] = {top, NULL};
  uint64_t more = t->meta.attrs.links - 1;
  uint64_t until = sup_call_until(t->job->call, LINKS_MS);
  unsigned found = 0;
  if (t->meta.attrs.links < 2)
    return;
  top_of(t->way.path, t->st.st_dev, top);
  FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
  bool whole = walk != NULL;
  for (FTSENT *e = whole ? fts_read(walk) : NULL; e != NULL && found < more; e = fts_read(walk)) {
    if (sup_now_ms() > until || sup_call_cancelled(t->job->call)) {
      whole = false;
      break;
    }
    if (e->fts_info != FTS_F || e->fts_statp->st_ino != t->st.st_ino ||
        e->fts_statp->st_dev != t->st.st_dev || strcmp(e->fts_path, t->way.path) == 0)
      continue;
    if (found++ < LINKS_NAMED)
      rem_step(t->job, "hard link", "left", "the same file is also '%s', and stays there",
               rem_show(e->fts_path, show));
  }
  if (walk != NULL)
    (void)fts_close(walk);
  rem_step(t->job, "hard links", "left",
           "the file has %llu other names, of which %u were found%s: its bytes stay under them",
           (unsigned long long)more, found, whole ? "" : " in the time there was");
  t->job->partial = true;
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

/* What was moved is what was sealed. */
static bool is_it(const taking *t, int aside)
{
  struct stat st;
  return fstatat(aside, aside_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
         st.st_dev == t->st.st_dev && st.st_ino == t->st.st_ino && st.st_size == t->st.st_size &&
         st.st_mtim.tv_sec == t->st.st_mtim.tv_sec && st.st_mtim.tv_nsec == t->st.st_mtim.tv_nsec;
}

static cordon_status put_back(const taking *t, int aside, sup_err *err)
{
  char show[REM_SHOW];
  if (renameat2(aside, aside_name, t->way.dir, t->way.name, RENAME_NOREPLACE) != 0)
    return sup_fail_os(err, errno,
                       "'%s' was swapped or written to while it was taken, and what was there is "
                       "in the folder .cordon-%s beside it, because it could not be put back",
                       rem_show(t->way.path, show), t->meta.id);
  return sup_fail(err, CORDON_E_CONFLICT,
                  "'%s' was swapped or written to while it was taken; what is there was left there",
                  rem_show(t->way.path, show));
}

static cordon_status move_and_remove(taking *t, int aside, sup_err *err)
{
  char show[REM_SHOW];
  SUP_FAULT_POINT("remediate.private");
  (void)unlinkat(aside, aside_name, 0);
  if (renameat2(t->way.dir, t->way.name, aside, aside_name, RENAME_NOREPLACE) != 0)
    return sup_fail_os(err, errno, "'%s' could not be taken away", rem_show(t->way.path, show));
  SUP_FAULT_POINT("remediate.aside");
  if (!is_it(t, aside))
    return put_back(t, aside, err);
  if (unlinkat(aside, aside_name, 0) != 0) {
    int error = errno;
    (void)put_back(t, aside, err);
    return sup_fail_os(err, error, "'%s' could not be removed", rem_show(t->way.path, show));
  }
  t->unfixed = false;
  SUP_FAULT_POINT("remediate.unlinked");
  return CORDON_OK;
}

static cordon_status take_away(taking *t, sup_err *err)
{
  char name[REM_NAME];
  int aside = -1;
  cordon_status status = unfix(t, err);
  SUP_FAULT_POINT("remediate.unfixed");
  if (status == CORDON_OK)
    status = rem_way_private(&t->way, t->meta.id, &aside, name, err);
  if (status == CORDON_OK) {
    status = move_and_remove(t, aside, err);
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

static cordon_status seal(taking *t, const char *sha256, sup_err *err)
{
  char show[REM_SHOW];
  cordon_status status = rem_container_seal(t->job, t->fd, &t->meta, err);
  SUP_FAULT_POINT("remediate.sealed");
  if (status != CORDON_OK)
    return status;
  if (sha256 != NULL && strcmp(sha256, t->meta.sha256) != 0)
    return sup_fail(err, CORDON_E_CONFLICT,
                    "'%s' has the SHA-256 %s and was to have %s: nothing was changed",
                    rem_show(t->way.path, show), t->meta.sha256, sha256);
  rem_step(t->job, "seal", "done", "%llu bytes, SHA-256 %s, SHA-1 %s, owner %u:%u, mode %04o",
           (unsigned long long)t->meta.attrs.size, t->meta.sha256, t->meta.sha1, t->meta.attrs.uid,
           t->meta.attrs.gid, t->meta.attrs.mode);
  rem_measured(t->job, "container", "its bytes, opened again, have the SHA-256 %s", t->meta.sha256);
  return CORDON_OK;
}

static cordon_status look_after(taking *t, sup_err *err)
{
  char show[REM_SHOW];
  struct stat st;
  if (fstatat(t->way.dir, t->way.name, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT) {
    rem_measured(t->job, "path", "nothing is at '%s'", rem_show(t->way.path, show));
  } else {
    rem_measured(t->job, "path", "something else is at '%s' by now", rem_show(t->way.path, show));
    t->job->partial = true;
  }
  name_links(t);
  return rem_running_settle(t->job, t->st.st_dev, t->st.st_ino, err);
}

/* An earlier order that was cut short sealed the same file and did not get to moving it. */
static void drop_leftover(taking *t)
{
  char folder[REM_NAME];
  rem_meta m = {0};
  sup_err ignored = {0};
  if (rem_container_of_path(t->job, t->way.path, &m, &ignored) == CORDON_OK &&
      m.state == REM_SEALED && m.attrs.dev == t->meta.attrs.dev &&
      m.attrs.ino == t->meta.attrs.ino) {
    /* It may have got to taking the flags off. */
    t->meta.attrs.flags |= m.attrs.flags;
    (void)snprintf(folder, sizeof(folder), ".cordon-%s", m.id);
    (void)unlinkat(t->way.dir, folder, AT_REMOVEDIR);
    rem_container_drop(t->job, m.id);
  }
  rem_meta_release(&m);
}

static cordon_status take(taking *t, const char *sha256, sup_err *err)
{
  char show[REM_SHOW];
  cordon_status status = check(t, err);
  if (status == CORDON_OK)
    status = rem_attrs_read(t->fd, &t->meta.attrs, err);
  if (status != CORDON_OK)
    return status;
  (void)snprintf(t->meta.path, sizeof(t->meta.path), "%s", t->way.path);
  if (t->job->call->dry_run) {
    rem_step(t->job, "file.quarantine", "planned", "'%s', %llu bytes", rem_show(t->way.path, show),
             (unsigned long long)t->meta.attrs.size);
    return rem_running_settle(t->job, t->st.st_dev, t->st.st_ino, err);
  }
  drop_leftover(t);
  status = seal(t, sha256, err);
  if (status == CORDON_OK) {
    status = note_restore(t, err);
    if (status == CORDON_OK)
      status = take_away(t, err);
  }
  /* Nothing is gone from its place: the container is not needed. */
  if (status != CORDON_OK && t->meta.state == REM_SEALED)
    rem_container_drop(t->job, t->meta.id);
  if (status != CORDON_OK)
    return status;
  rem_step(t->job, "file.quarantine", "done", "'%s' is in container %s",
           rem_show(t->way.path, show), t->meta.id);
  return look_after(t, err);
}

/* It is not at its place: perhaps because it was taken before. */
static cordon_status not_there(rem_job *j, const char *path, sup_err *err)
{
  char show[REM_SHOW];
  char name[REM_NAME];
  rem_meta m = {0};
  rem_way w;
  sup_err why = *err;
  int aside = -1;
  cordon_status status = rem_container_of_path(j, path, &m, err);
  if (status == CORDON_E_NOTFOUND) {
    *err = why;
    return status;
  }
  if (status == CORDON_OK && m.state == REM_SEALED && !j->call->dry_run &&
      rem_way_open(path, &w, err) == CORDON_OK) {
    status = rem_way_private(&w, m.id, &aside, name, err);
    if (status == CORDON_OK) {
      (void)unlinkat(aside, aside_name, 0);
      rem_way_private_end(&w, aside, name);
      status = rem_sync_folder(w.path, w.dir, err);
      m.state = REM_KEPT;
    }
    if (status == CORDON_OK)
      status = rem_container_save(j, &m, err);
    rem_way_close(&w);
  }
  if (status == CORDON_OK) {
    rem_step(j, "file.quarantine", "already", "'%s' was taken by action %s", rem_show(path, show),
             m.action);
    rem_measured(j, "path", "nothing is at '%s'; SHA-256 of what is in container %s is %s", show,
                 m.id, m.sha256);
  }
  rem_meta_release(&m);
  return status;
}

cordon_status rem_quarantine(rem_job *j, const char *path, const char *id, const char *sha256,
                             sup_err *err)
{
  taking t = {.job = j, .way = {.dir = -1}, .fd = -1};
  (void)snprintf(t.meta.id, sizeof(t.meta.id), "%s", id);
  (void)snprintf(t.meta.action, sizeof(t.meta.action), "%s", j->action);
  cordon_status status = rem_way_open(path, &t.way, err);
  if (status == CORDON_OK)
    status = rem_way_file(&t.way, &t.fd, &t.st, err);
  if (status == CORDON_OK)
    status = take(&t, sha256, err);
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
  return rem_quarantine(j, path, j->action, sha256, err);
}
