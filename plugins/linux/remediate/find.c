/* A file by its SHA-1: looked for at the paths of known findings, among the programs that run, and
 * in the places of a quick scan; each that is found is stopped and taken away. What was looked at,
 * and what was not, is said either way. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "remediate.h"
#include "support/fault.h"
#include "support/files.h"

enum { FOUND_MAX = 32, NAMED_MAX = 8, NUMBERS_MAX = 1024 };

#define SIZE_MAX_BYTES (1024 * REM_MIB)

typedef struct finding {
  rem_job *job;
  char sha1[41];
  uint64_t bytes;
  uint64_t programs;
  uint64_t files;
  uint64_t found;
  uint64_t taken;
  uint64_t missed[SUP_MISSES];
  uint64_t left_out;
  uint64_t links;
  unsigned named;
  bool programs_now;   /* what is looked at is what runs */
  bool cut;            /* there was more than could be looked at */
  int left[FOUND_MAX]; /* what ran and is not where its path leads: perhaps elsewhere */
  size_t left_count;
  cordon_status status;
  sup_err err;
} finding;

static void keep_failure(finding *f, cordon_status status, const sup_err *err)
{
  if (f->status != CORDON_OK)
    return;
  f->status = status;
  f->err = *err;
}

static bool goes_on(finding *f)
{
  sup_err err = {0};
  cordon_status status = sup_call_check(f->job->call, &err);
  if (status != CORDON_OK)
    keep_failure(f, status, &err);
  return status == CORDON_OK && f->found < FOUND_MAX;
}

static void on_missed(void *data, const char *path, sup_miss reason, uint64_t size)
{
  finding *f = data;
  char show[REM_SHOW];
  (void)size;
  f->missed[reason]++;
  if (f->named++ < NAMED_MAX)
    rem_step(f->job, "find", "left", "'%s' was not looked at: %s", rem_show(path, show),
             sup_miss_name(reason));
}

static void on_left_out(void *data, const char *path, const char *type)
{
  finding *f = data;
  (void)path;
  if (type == NULL)
    return;
  if (strcmp(type, "link") == 0)
    f->links++;
  else
    f->left_out++;
}

/* Whether the opened file is it. */
static bool matches(finding *f, const sup_file *file)
{
  char sha1[41] = "";
  sup_err err = {0};
  uint64_t size = (uint64_t)file->st.st_size;
  if (size > SIZE_MAX_BYTES) {
    on_missed(f, file->path, SUP_MISS_TOO_LARGE, size);
    return false;
  }
  if (rem_hash(f->job, file->fd, size, NULL, sha1, &err) != CORDON_OK) {
    if (goes_on(f))
      on_missed(f, file->path, SUP_MISS_IO, size);
    return false;
  }
  f->bytes += size;
  if (strcmp(sha1, f->sha1) == 0)
    return true;
  sup_miss after = sup_file_after(file, SIZE_MAX_BYTES);
  if (after != SUP_MISSES)
    on_missed(f, file->path, after, size);
  return false;
}

/* A container of this action that is free: those of a run of the same order that was cut short
 * keep what they have. */
static cordon_status free_id(const finding *f, char ret_id[REM_ID], sup_err *err)
{
  cordon_status status = CORDON_OK;
  for (unsigned n = (unsigned)f->found, end = n + NUMBERS_MAX; n < end; n++) {
    rem_meta m = {0};
    (void)snprintf(ret_id, REM_ID, "%.50s-%u", f->job->action, n);
    status = rem_container_load(f->job, ret_id, &m, err);
    rem_meta_release(&m);
    if (status == CORDON_E_NOTFOUND)
      return CORDON_OK;
  }
  return status != CORDON_OK ? status
                             : sup_fail(err, CORDON_E_LIMIT, "action %s has %d containers already",
                                        f->job->action, NUMBERS_MAX);
}

static void take(finding *f, const char *path)
{
  char id[REM_ID];
  char show[REM_SHOW];
  sup_err err = {0};
  const rem_wanted wanted = {.sha1 = f->sha1};
  rem_step(f->job, "find", "done", "'%s' has the SHA-1 %s", rem_show(path, show), f->sha1);
  SUP_FAULT_POINT("remediate.found");
  cordon_status status = free_id(f, id, &err);
  if (status == CORDON_OK)
    status = rem_quarantine(f->job, path, id, &wanted, &err);
  if (status == CORDON_OK) {
    f->taken++;
    return;
  }
  rem_step(f->job, "file.quarantine", "failed", "%s", err.sentence);
  keep_failure(f, status, &err);
}

/* ---- what runs and has no path here ---- */

/* The file of a program may be deleted, or of another namespace. */
static bool leads_to(const char *path, const struct stat *st)
{
  struct stat now;
  int place = sup_place(AT_FDCWD, path);
  bool is =
      place >= 0 && fstat(place, &now) == 0 && now.st_dev == st->st_dev && now.st_ino == st->st_ino;
  if (place >= 0)
    (void)close(place);
  return is;
}

static void end_only(finding *f, const sup_file *file)
{
  char show[REM_SHOW];
  sup_err err = {0};
  rem_step(f->job, "find", "done", "what runs from '%s' is it, which is deleted or not of here",
           rem_show(file->path, show));
  rem_image image;
  cordon_status status = rem_image_of(file->fd, &image, &err);
  if (status == CORDON_OK)
    status = rem_running_settle(f->job, &image, &err);
  if (status != CORDON_OK)
    keep_failure(f, status, &err);
  int fd = f->left_count < FOUND_MAX ? fcntl(file->fd, F_DUPFD_CLOEXEC, 0) : -1;
  if (fd >= 0)
    f->left[f->left_count++] = fd;
  else
    f->cut = true;
}

/* By now its other names may have been found and taken. */
static void look_at_left(finding *f)
{
  for (size_t i = 0; i < f->left_count; i++) {
    struct stat st = {0};
    if (fstat(f->left[i], &st) != 0)
      f->cut = true;
    else if (st.st_nlink == 0)
      rem_measured(f->job, "deleted program", "no name is left of it");
    else
      rem_measured(f->job, "deleted program", "it has %llu names besides, which were not found",
                   (unsigned long long)st.st_nlink);
    f->job->partial = f->job->partial || (st.st_nlink > 0 && !f->job->call->dry_run);
    (void)close(f->left[i]);
  }
}

/* ---- looking ---- */

static void look_at(finding *f, const sup_file *file)
{
  if (f->programs_now)
    f->programs++;
  else
    f->files++;
  if (!matches(f, file))
    return;
  f->found++;
  if (!f->programs_now || leads_to(file->path, &file->st))
    take(f, file->path);
  else
    end_only(f, file);
}

static void search(finding *f, const sup_plan *plan)
{
  sup_walk_events events = {.not_scanned = on_missed, .left_out = on_left_out, .data = f};
  sup_walk *w = goes_on(f) ? sup_walk_new(plan, false, 0, &events) : NULL;
  sup_file file;
  int got = w != NULL ? 0 : -1;
  f->cut = f->cut || plan->cut || w == NULL;
  while (got >= 0 && goes_on(f)) {
    got = sup_walk_next(w, &file);
    if (got > 0)
      look_at(f, &file);
    sup_file_release(&file);
  }
  f->cut = f->cut || got >= 0;
  sup_walk_free(w);
}

static void search_programs(finding *f)
{
  sup_plan plan = {0};
  sup_plan_images(&plan, f->job->call);
  f->programs_now = true;
  search(f, &plan);
  f->programs_now = false;
  sup_plan_release(&plan);
}

/* What ran is looked at again where it is of the places: it may be there by another name. */
static void search_places(finding *f)
{
  sup_plan plan = {0};
  sup_mounts_read(&plan.mounts);
  sup_plan_places(&plan);
  sup_plan_add(&plan, "/usr/local", true, false);
  sup_plan_add(&plan, "/srv", true, false);
  search(f, &plan);
  sup_plan_release(&plan);
}

static void look_at_path(finding *f, char *path)
{
  sup_file file = {.path = path, .fd = sup_open_file(sup_place(AT_FDCWD, path), NULL)};
  if (file.fd < 0) {
    /* It was somebody's before. */
    if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
      on_missed(f, path, errno == EACCES ? SUP_MISS_PERMISSION : SUP_MISS_IO, 0);
    return;
  }
  if (fstat(file.fd, &file.st) == 0)
    look_at(f, &file);
  (void)close(file.fd);
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
    if (goes_on(f) && rem_bytes_get(wrapped, "path", path, sizeof(path), &ignored) == CORDON_OK)
      look_at_path(f, path);
    cJSON_Delete(wrapped);
  }
}

/* ---- what came of it ---- */

/* False: all of it was looked at. */
static bool say_missed(const finding *f, char *ret_text, size_t size)
{
  size_t at = 0;
  ret_text[0] = '\0';
  for (size_t i = 0; i < SUP_MISSES && at < size; i++) {
    if (f->missed[i] > 0)
      at += (size_t)snprintf(ret_text + at, size - at, "%s%llu %s", at > 0 ? ", " : "",
                             (unsigned long long)f->missed[i], sup_miss_name((sup_miss)i));
  }
  if (f->cut && at < size)
    at += (size_t)snprintf(ret_text + at, size - at, "%smore than fits", at > 0 ? ", " : "");
  return at > 0;
}

static cordon_status conclude(finding *f, sup_err *err)
{
  char scope[REM_SHOW];
  char missed[REM_SHOW];
  int known = cJSON_GetArraySize(f->job->known);
  (void)snprintf(scope, sizeof(scope),
                 "%d known findings, %llu running programs and libraries, and %llu files in the "
                 "places of a quick scan and, changed in 7 days, in /usr/local and /srv",
                 known, (unsigned long long)f->programs, (unsigned long long)f->files);
  rem_measured(f->job, "looked at", "%s; %llu bytes", scope, (unsigned long long)f->bytes);
  bool some = say_missed(f, missed, sizeof(missed));
  if (some)
    rem_measured(f->job, "not looked at", "%s", missed);
  if (f->left_out + f->links > 0)
    rem_measured(f->job, "left out",
                 "%llu file systems of the network or of other programs, %llu places that users "
                 "made links",
                 (unsigned long long)f->left_out, (unsigned long long)f->links);
  /* What was done is not undone by what was refused beside it: a step names that. */
  if (f->status != CORDON_OK && f->taken + f->left_count == 0) {
    *err = f->err;
    return f->status;
  }
  f->job->partial = f->job->partial || f->status != CORDON_OK;
  if (f->found == 0)
    return sup_fail(err, CORDON_E_NOTFOUND, "not found in %s%s; nothing was changed", scope,
                    some ? ", and not everything there could be looked at" : "");
  /* Another copy may lie in what was not looked at. */
  f->job->partial = f->job->partial || some;
  return CORDON_OK;
}

cordon_status rem_find_run(rem_job *j, sup_err *err)
{
  uint8_t digest[20];
  const char *sha1 = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(j->target, "sha1"));
  finding f = {.job = j};
  if (sha1 == NULL || !rem_unhex(sha1, digest, sizeof(digest)))
    return sup_fail(err, CORDON_E_INVALID, "sha1 is not 40 lower-case hexadecimal digits");
  rem_hex(digest, sizeof(digest), f.sha1);
  j->stop = true;
  look_at_known(&f);
  search_programs(&f);
  search_places(&f);
  look_at_left(&f);
  return conclude(&f, err);
}
