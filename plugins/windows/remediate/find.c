/* A file by its SHA-1: looked for at the paths of known findings, among the programs and libraries
 * that run, and in the places of places.c; each that is found is stopped and taken away. What was
 * looked at, and what was not, is said either way. */
#include "remediate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/fault.h"
#include "support/wide.h"

enum { FOUND_MAX = 32, NAMED_MAX = 8, NUMBERS_MAX = 1024, SEEN_MAX = 65536 };

#define SIZE_MAX_BYTES (1024 * REM_MIB)

typedef struct finding {
  rem_job *job;
  char sha1[41];
  uint64_t bytes;
  uint64_t programs;
  uint64_t files;
  uint64_t found;
  uint64_t taken;
  uint64_t missed;
  bool programs_now;  /* what is looked at is what runs */
  bool cut;           /* there was more than could be looked at */
  rem_identity *seen; /* what was hashed and is another file: libraries are loaded many times */
  size_t seen_count;
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

static bool goes_on(void *data)
{
  finding *f = data;
  sup_err err = {0};
  cordon_status status = sup_call_check(f->job->call, &err);
  if (status != CORDON_OK)
    keep_failure(f, status, &err);
  f->cut = f->cut || status != CORDON_OK || f->found >= FOUND_MAX;
  return status == CORDON_OK && f->found < FOUND_MAX;
}

static void on_missed(void *data, const wchar_t *full, DWORD error)
{
  finding *f = data;
  char show[REM_SHOW];
  char why[128];
  if (f->missed++ >= NAMED_MAX)
    return;
  sup_os_text((int)error, why, sizeof(why));
  rem_step(f->job, "find", "left", "'%s' was not looked at: %s", rem_show_wide(full + 4, show),
           why);
}

static bool was_seen(const finding *f, const rem_identity *identity)
{
  for (size_t i = 0; i < f->seen_count; i++)
    if (rem_same_file(&f->seen[i], identity))
      return true;
  return false;
}

/* Whether the opened file is it. */
static bool matches(finding *f, HANDLE h, const rem_look *look, const wchar_t *full)
{
  char sha1[41] = "";
  sup_err err = {0};
  if (look->size > SIZE_MAX_BYTES) {
    on_missed(f, full, ERROR_FILE_TOO_LARGE);
    return false;
  }
  if (rem_hash(f->job, h, look->size, NULL, sha1, &err) != CORDON_OK) {
    if (goes_on(f))
      on_missed(f, full, err.os_error != 0 ? err.os_error : ERROR_READ_FAULT);
    return false;
  }
  f->bytes += look->size;
  if (strcmp(sha1, f->sha1) == 0)
    return true;
  if (f->programs_now && f->seen_count < SEEN_MAX)
    f->seen[f->seen_count++] = look->identity;
  return false;
}

/* A container of this action that is free: those of a run of the same order that was cut short
 * keep what they have. */
static cordon_status free_id(const finding *f, char ret_id[REM_ID], sup_err *err)
{
  cordon_status status = CORDON_OK;
  rem_meta *m = calloc(1, sizeof(*m));
  if (m == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory for a container");
  for (unsigned n = (unsigned)f->found, end = n + NUMBERS_MAX; n < end; n++) {
    (void)snprintf(ret_id, REM_ID, "%.50s-%u", f->job->action, n);
    status = rem_container_load(f->job, ret_id, m, err);
    rem_meta_release(m);
    *m = (rem_meta){0};
    if (status == CORDON_E_NOTFOUND)
      break;
  }
  free(m);
  if (status == CORDON_E_NOTFOUND)
    return CORDON_OK;
  return status != CORDON_OK ? status
                             : sup_fail(err, CORDON_E_LIMIT, "action %s has %d containers already",
                                        f->job->action, NUMBERS_MAX);
}

static void take(finding *f, const wchar_t *full)
{
  char id[REM_ID];
  char show[REM_SHOW];
  char path[REM_PATH];
  sup_err err = {0};
  rem_place *p = calloc(1, sizeof(*p));
  const rem_wanted wanted = {.sha1 = f->sha1};
  sup_from_wide(full + 4, path, sizeof(path));
  rem_step(f->job, "find", "done", "'%s' has the SHA-1 %s", rem_show(path, show), f->sha1);
  SUP_FAULT_POINT("remediate.found");
  cordon_status status = p != NULL
                             ? rem_place_of(path, p, &err)
                             : sup_fail(&err, CORDON_E_LIMIT, "there is no memory for a path");
  if (status == CORDON_OK)
    status = free_id(f, id, &err);
  if (status == CORDON_OK)
    status = rem_quarantine(f->job, p, id, &wanted, &err);
  free(p);
  if (status == CORDON_OK) {
    f->taken++;
    return;
  }
  rem_step(f->job, "file.quarantine", "failed", "%s", err.sentence);
  keep_failure(f, status, &err);
}

/* What is not there any more, was a link, or is elsewhere, is no miss: nobody said that it is. */
static bool look_at(void *data, const wchar_t *full)
{
  finding *f = data;
  HANDLE h = INVALID_HANDLE_VALUE;
  rem_look look = {0};
  DWORD error = rem_peek(full, &h, &look);
  if (error != 0) {
    if (error != ERROR_FILE_NOT_FOUND && error != ERROR_PATH_NOT_FOUND &&
        error != ERROR_CANT_ACCESS_FILE && error != ERROR_INVALID_NAME)
      on_missed(f, full, error);
    return goes_on(f);
  }
  bool again = f->programs_now && was_seen(f, &look.identity);
  if (!again && f->programs_now)
    f->programs++;
  else if (!again)
    f->files++;
  bool is = !again && matches(f, h, &look, full);
  rem_close(&h);
  if (is) {
    f->found++;
    take(f, full);
  }
  return goes_on(f);
}

static void look_at_known(finding *f)
{
  const cJSON *item = NULL;
  rem_place *p = calloc(1, sizeof(*p));
  cJSON_ArrayForEach(item, f->job->known)
  {
    sup_err ignored = {0};
    if (p != NULL && cJSON_IsString(item) && goes_on(f) &&
        rem_place_of(item->valuestring, p, &ignored) == CORDON_OK)
      (void)look_at(f, p->full);
  }
  free(p);
}

/* ---- what came of it ---- */

static cordon_status conclude(finding *f, sup_err *err)
{
  char scope[REM_SHOW];
  (void)snprintf(scope, sizeof(scope),
                 "%d known findings, %llu running programs and libraries, and %llu files that the "
                 "registry and services start or that are in start-up, temporary and download "
                 "folders",
                 cJSON_GetArraySize(f->job->known), (unsigned long long)f->programs,
                 (unsigned long long)f->files);
  bool some = f->missed > 0 || f->cut;
  rem_measured(f->job, "looked at", "%s; %llu bytes", scope, (unsigned long long)f->bytes);
  if (some)
    rem_measured(f->job, "not looked at", "%llu files or folders%s", (unsigned long long)f->missed,
                 f->cut ? ", and more than fits" : "");
  /* What was done is not undone by what was refused beside it: a step names that. */
  if (f->status != CORDON_OK && f->taken == 0) {
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
  finding *f = calloc(1, sizeof(*f));
  char *hex = NULL;
  cordon_status status = CORDON_OK;
  if (f == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory to look for a file");
  f->seen = calloc(SEEN_MAX, sizeof(*f->seen));
  if (f->seen == NULL)
    status = sup_fail(err, CORDON_E_LIMIT, "there is no memory to look for a file");
  else if (sha1 == NULL || !rem_unhex(sha1, digest, sizeof(digest)))
    status = sup_fail(err, CORDON_E_INVALID, "sha1 is not 40 hexadecimal digits");
  else if ((hex = rem_hex(digest, sizeof(digest))) == NULL)
    status = sup_fail(err, CORDON_E_LIMIT, "there is no memory to look for a file");
  if (status == CORDON_OK) {
    (void)snprintf(f->sha1, sizeof(f->sha1), "%s", hex);
    f->job = j;
    j->stop = true;
    look_at_known(f);
    f->programs_now = true;
    rem_images_each(look_at, f);
    f->programs_now = false;
    if (goes_on(f))
      rem_places_walk(
          &(const rem_search){.file = look_at, .goes_on = goes_on, .missed = on_missed, .data = f});
    status = conclude(f, err);
  }
  free(hex);
  free(f->seen);
  free(f);
  return status;
}
