/* A file by its SHA-1: looked for among the programs that run, in the places where what does not
 * belong there is usually put, and at the paths of known findings; each that is found is stopped
 * and taken away. What was looked at is said either way. */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "remediate.h"

enum {
  SEEN_MAX = 262144,
  FOUND_MAX = 32,
  DEPTH_MAX = 24,
  HOMES_MAX = 256,
  END_MS = 10000,
  RECENT_S = 7 * 86400
};

#define SIZE_MAX_BYTES (1024 * REM_MIB)

typedef struct seen {
  uint64_t dev;
  uint64_t ino;
} seen;

typedef struct finding {
  rem_job *job;
  char sha1[41];
  seen *seen; /* a table by hash, open addressing; ino 0: free */
  uint64_t count;
  uint64_t bytes;
  uint64_t programs;
  uint64_t files;
  uint64_t too_large;
  uint64_t not_read;
  uint64_t found;
  bool whole;
  int64_t since; /* of the walk: what was changed before is passed over; 0: nothing is */
  cordon_status status;
  sup_err err;
} finding;

static bool is_new(finding *f, const struct stat *st)
{
  size_t at = (size_t)(st->st_ino * 0x9e3779b97f4a7c15ull ^ st->st_dev) % SEEN_MAX;
  if (f->count >= SEEN_MAX - 1) {
    f->whole = false;
    return false;
  }
  while (f->seen[at].ino != 0) {
    if (f->seen[at].ino == st->st_ino && f->seen[at].dev == st->st_dev)
      return false;
    at = (at + 1) % SEEN_MAX;
  }
  f->seen[at] = (seen){.dev = st->st_dev, .ino = st->st_ino};
  f->count++;
  return true;
}

static bool goes_on(finding *f)
{
  sup_err err = {0};
  cordon_status status = sup_call_check(f->job->call, &err);
  if (status != CORDON_OK && f->status == CORDON_OK) {
    f->status = status;
    f->err = err;
  }
  return status == CORDON_OK && f->found < FOUND_MAX;
}

/* Whether the opened file is it. */
static bool matches(finding *f, int fd)
{
  struct stat st;
  char sha1[41] = "";
  sup_err err = {0};
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || !is_new(f, &st))
    return false;
  if ((uint64_t)st.st_size > SIZE_MAX_BYTES) {
    f->too_large++;
    return false;
  }
  if (rem_hash(f->job, fd, (uint64_t)st.st_size, NULL, sha1, &err) != CORDON_OK) {
    f->not_read++;
    return false;
  }
  f->bytes += (uint64_t)st.st_size;
  return strcmp(sha1, f->sha1) == 0;
}

static void take(finding *f, const char *path)
{
  char id[REM_ID];
  char show[REM_SHOW];
  sup_err err = {0};
  f->found++;
  rem_step(f->job, "find", "done", "'%s' has the SHA-1 %s", rem_show(path, show), f->sha1);
  (void)snprintf(id, sizeof(id), "%.50s-%llu", f->job->action, (unsigned long long)f->found);
  cordon_status status = rem_quarantine(f->job, path, id, NULL, &err);
  if (status == CORDON_OK)
    return;
  rem_step(f->job, "file.quarantine", "failed", "%s", err.sentence);
  if (f->status == CORDON_OK) {
    f->status = status;
    f->err = err;
  }
}

/* ---- programs ---- */

/* The file of a program, if its path leads to it here: it may be deleted, or of another namespace.
 */
static bool leads_to(const char *path, const struct stat *st)
{
  struct stat now;
  return path[0] == '/' && lstat(path, &now) == 0 && now.st_dev == st->st_dev &&
         now.st_ino == st->st_ino;
}

static void end_only(finding *f, const rem_proc *p, const char *path)
{
  char show[REM_SHOW];
  char why[REM_SHOW];
  rem_proc now = {0};
  sup_err err = {0};
  int error = 0;
  f->found++;
  rem_step(f->job, "find", "done",
           "process %lld (%s) runs it from '%s', which is deleted or not of this file system",
           (long long)p->pid, p->name, rem_show(path, show));
  if (f->job->call->dry_run)
    return;
  int handle = rem_proc_hold(p->pid, p->start, &now, &error);
  bool left = handle < 0 || rem_proc_protected(&now, why);
  bool ended =
      !left && rem_proc_end(handle, sup_call_until(f->job->call, END_MS), &err) == CORDON_OK;
  rem_step(f->job, "stop", ended ? "done" : "failed", "process %lld (%s)", (long long)p->pid,
           p->name);
  f->job->partial = f->job->partial || !ended;
  if (handle >= 0)
    (void)close(handle);
}

static bool look_at_program(void *data, const rem_proc *p)
{
  finding *f = data;
  char link[64];
  char path[REM_PATH];
  struct stat st;
  (void)snprintf(link, sizeof(link), "/proc/%lld/exe", (long long)p->pid);
  int fd = open(link, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ssize_t len = fd >= 0 ? readlink(link, path, sizeof(path) - 1) : -1;
  if (fd < 0)
    return goes_on(f);
  path[len > 0 ? len : 0] = '\0';
  f->programs++;
  bool is = matches(f, fd) && fstat(fd, &st) == 0;
  (void)close(fd);
  if (is && leads_to(path, &st))
    take(f, path);
  else if (is)
    end_only(f, p, path);
  return goes_on(f);
}

/* ---- files ---- */

static void look_at_file(finding *f, const char *path)
{
  int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | O_NOATIME);
  if (fd < 0) {
    f->not_read += errno != ENOENT && errno != ELOOP ? 1 : 0;
    return;
  }
  f->files++;
  bool is = matches(f, fd);
  (void)close(fd);
  if (is)
    take(f, path);
}

static void walk(finding *f, const char *top)
{
  char root[REM_PATH];
  char *roots[2] = {root, NULL};
  (void)snprintf(root, sizeof(root), "%s", top);
  if (access(root, F_OK) != 0 || !goes_on(f))
    return;
  FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
  if (fts == NULL) {
    f->not_read++;
    return;
  }
  for (FTSENT *e = fts_read(fts); e != NULL && goes_on(f); e = fts_read(fts)) {
    if (e->fts_info == FTS_D && e->fts_level > DEPTH_MAX) {
      f->whole = false;
      (void)fts_set(fts, e, FTS_SKIP);
    } else if (e->fts_info == FTS_F && e->fts_statp->st_ctime >= f->since) {
      look_at_file(f, e->fts_path);
    } else if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR) {
      f->not_read++;
    }
  }
  (void)fts_close(fts);
}

static const char *const places[] = {"/tmp",
                                     "/var/tmp",
                                     "/dev/shm",
                                     "/run/user",
                                     "/etc/crontab",
                                     "/etc/cron.d",
                                     "/etc/cron.hourly",
                                     "/etc/cron.daily",
                                     "/etc/cron.weekly",
                                     "/etc/cron.monthly",
                                     "/var/spool/cron",
                                     "/etc/systemd",
                                     "/run/systemd/system",
                                     "/etc/profile.d",
                                     "/etc/rc.local",
                                     "/etc/init.d",
                                     "/etc/ld.so.preload",
                                     "/root",
                                     "/var/www"};

/* Where much is that has long been there: only what was changed in the last days. */
static const char *const recent[] = {"/usr/local", "/opt", "/srv"};

static const char *const at_home[] = {
    ".config/autostart", ".config/systemd", ".local/bin", ".local/share/systemd",
    "Downloads",         "Desktop",         "bin"};

static void walk_homes(finding *f)
{
  FILE *list = fopen("/etc/passwd", "re");
  char *line = NULL;
  size_t room = 0;
  char path[REM_PATH];
  for (int homes = 0; list != NULL && homes < HOMES_MAX && getline(&line, &room, list) > 0;) {
    char *at = line;
    for (int i = 0; i < 5 && at != NULL; i++)
      at = strchr(at, ':') != NULL ? strchr(at, ':') + 1 : NULL;
    if (at == NULL || strncmp(at, "/home/", 6) != 0)
      continue;
    at[strcspn(at, ":\n")] = '\0';
    homes++;
    for (size_t i = 0; i < sizeof(at_home) / sizeof(at_home[0]); i++) {
      (void)snprintf(path, sizeof(path), "%s/%s", at, at_home[i]);
      walk(f, path);
    }
  }
  free(line);
  if (list != NULL)
    (void)fclose(list);
}

static void look_at_known(finding *f)
{
  char path[REM_PATH];
  const cJSON *item = NULL;
  cJSON_ArrayForEach(item, f->job->known)
  {
    sup_err ignored = {0};
    cJSON *wrapped = cJSON_CreateObject();
    (void)cJSON_AddItemToObject(wrapped, "path", cJSON_Duplicate(item, 1));
    if (rem_bytes_get(wrapped, "path", path, sizeof(path), &ignored) == CORDON_OK)
      look_at_file(f, path);
    cJSON_Delete(wrapped);
    if (!goes_on(f))
      break;
  }
}

static cordon_status conclude(finding *f, sup_err *err)
{
  char scope[REM_SHOW];
  int known = cJSON_GetArraySize(f->job->known);
  (void)snprintf(
      scope, sizeof(scope),
      "%llu running programs, %llu files in the usual places (of /usr/local, /opt and /srv those "
      "changed in 7 days), and %d known findings",
      (unsigned long long)f->programs, (unsigned long long)f->files, known);
  rem_measured(f->job, "looked at", "%s; %llu bytes", scope, (unsigned long long)f->bytes);
  bool all = f->too_large + f->not_read == 0 && f->whole;
  if (!all)
    rem_measured(
        f->job, "not looked at", "%llu files above %llu MiB, %llu that could not be read%s",
        (unsigned long long)f->too_large, SIZE_MAX_BYTES / REM_MIB, (unsigned long long)f->not_read,
        f->whole ? "" : ", and what was too deep or many");
  if (f->status != CORDON_OK) {
    *err = f->err;
    return f->status;
  }
  if (f->found == 0)
    return sup_fail(err, CORDON_E_NOTFOUND, "not found in %s%s; nothing was changed", scope,
                    all ? "" : ", and not everything there could be looked at");
  /* Another copy may lie in what was not looked at. */
  f->job->partial = f->job->partial || !f->whole || f->found >= FOUND_MAX;
  return CORDON_OK;
}

cordon_status rem_find_run(rem_job *j, sup_err *err)
{
  uint8_t digest[20];
  const char *sha1 = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(j->target, "sha1"));
  finding f = {.job = j, .whole = true};
  if (sha1 == NULL || !rem_unhex(sha1, digest, sizeof(digest)))
    return sup_fail(err, CORDON_E_INVALID, "sha1 is not 40 lower-case hexadecimal digits");
  rem_hex(digest, sizeof(digest), f.sha1);
  f.seen = calloc(SEEN_MAX, sizeof(*f.seen));
  if (f.seen == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory to look with");
  j->stop = true;
  rem_proc_each(look_at_program, &f);
  look_at_known(&f);
  for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
    walk(&f, places[i]);
  walk_homes(&f);
  f.since = (int64_t)time(NULL) - RECENT_S;
  for (size_t i = 0; i < sizeof(recent) / sizeof(recent[0]); i++)
    walk(&f, recent[i]);
  free(f.seen);
  return conclude(&f, err);
}
