/* Taking a file away. It is held from the first look to the end, so that nobody writes to it, moves
 * it or puts another in its place: what is removed is what was sealed. Its container is whole, read
 * back and on the disk before it is touched; then the way back is put on record; then its name is
 * removed through the handle; and what is there afterwards is looked at last. */
#include "remediate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/fault.h"
#include "support/json.h"

enum { REMOVE_MS = 5000, STEP_MS = 50 };

typedef struct taking {
  rem_job *job;
  const rem_place *place;
  const rem_wanted *wanted;
  HANDLE handle;
  rem_look look;
  rem_meta meta;
  rem_running running;
  rem_names names;
  char show[REM_SHOW];
} taking;

/* ---- what must stay ---- */

static cordon_status check_owner(taking *t, sup_err *err)
{
  char owner[REM_NAME];
  char why[REM_SHOW];
  rem_attrs_owner(&t->meta.attrs, owner);
  if (!rem_windows_own(t->place, owner, why))
    return CORDON_OK;
  if (!t->job->force)
    return sup_fail(err, CORDON_E_DENIED,
                    "'%s' is a part of Windows (%s); it is taken away only with force", t->show,
                    why);
  rem_step(t->job, "system", "done", "it is a part of Windows (%s); it was forced", why);
  return CORDON_OK;
}

/* Who runs it, and whether one of them must be left alone. */
static cordon_status find_running(taking *t, sup_err *err)
{
  char why[REM_SHOW];
  rem_running *r = &t->running;
  rem_running_find(t->place, &t->look.identity, r);
  for (size_t i = 0; i < r->count; i++) {
    HANDLE h = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, r->items[i].pid);
    bool stays = h != NULL && rem_process_protected(h, r->items[i].pid, why);
    if (h != NULL)
      (void)CloseHandle(h);
    if (stays)
      return sup_fail(err, CORDON_E_DENIED, "'%s' is left alone: process %lu (%.60s) runs it: %s",
                      t->show, (unsigned long)r->items[i].pid, r->items[i].name, why);
  }
  return CORDON_OK;
}

/* Windows removes no file that runs; who runs it is named, or ended. */
static cordon_status check_running(taking *t, sup_err *err)
{
  const rem_running *r = &t->running;
  cordon_status status = find_running(t, err);
  if (status != CORDON_OK)
    return status;
  if (r->count == 0 || (t->job->stop && !t->job->call->dry_run))
    return CORDON_OK;
  for (size_t i = 0; i < r->count; i++)
    rem_step(t->job, "running", "left", "process %lu (%s, start %llu) runs it%s",
             (unsigned long)r->items[i].pid, r->items[i].name,
             (unsigned long long)r->items[i].start,
             t->job->stop ? "" : " and was not to be stopped");
  if (t->job->call->dry_run)
    return CORDON_OK;
  return sup_fail(err, CORDON_E_CONFLICT,
                  "%llu processes run '%s', and Windows removes no file that runs: it is taken "
                  "with stop, which ends them; nothing was changed",
                  (unsigned long long)(r->count + r->more), t->show);
}

static cordon_status compare(const taking *t, const char *what, const char *is, const char *wanted,
                             sup_err *err)
{
  if (wanted == NULL || strcmp(is, wanted) == 0)
    return CORDON_OK;
  return sup_fail(err, CORDON_E_CONFLICT,
                  "'%s' has the %s %s and was to have %s: nothing was changed", t->show, what, is,
                  wanted);
}

static cordon_status check_wanted(const taking *t, const char *sha256, const char *sha1,
                                  sup_err *err)
{
  cordon_status status = compare(t, "SHA-256", sha256, t->wanted->sha256, err);
  return status == CORDON_OK ? compare(t, "SHA-1", sha1, t->wanted->sha1, err) : status;
}

/* Nobody is ended for a file that is not the one that was meant. */
static cordon_status stop_first(taking *t, sup_err *err)
{
  char sha256[65] = "";
  char sha1[41] = "";
  cordon_status status = CORDON_OK;
  if (t->running.count == 0)
    return CORDON_OK;
  if (t->wanted->sha256 != NULL || t->wanted->sha1 != NULL) {
    status = rem_hash(t->job, t->handle, t->look.size, sha256, sha1, err);
    if (status == CORDON_OK)
      status = check_wanted(t, sha256, sha1, err);
  }
  if (status == CORDON_OK)
    status = rem_running_stop(t->job, t->place, &t->look.identity, &t->running, err);
  if (status == CORDON_OK && t->running.count > 0)
    status = sup_fail(err, CORDON_E_CONFLICT,
                      "process %lu (%.60s) runs '%s' still, and Windows removes no file that runs",
                      (unsigned long)t->running.items[0].pid, t->running.items[0].name, t->show);
  return status;
}

/* ---- taking it ---- */

static cordon_status seal(taking *t, sup_err *err)
{
  char owner[REM_NAME];
  rem_meta *m = &t->meta;
  cordon_status status = rem_container_seal(t->job, t->place, t->handle, m, err);
  SUP_FAULT_POINT("remediate.sealed");
  if (status == CORDON_OK)
    status = check_wanted(t, m->sha256, m->sha1, err);
  if (status != CORDON_OK)
    return status;
  rem_attrs_owner(&m->attrs, owner);
  rem_step(t->job, "seal", "done",
           "%llu bytes, SHA-256 %s, SHA-1 %s, owner %s, attributes 0x%lx, %lu streams besides",
           (unsigned long long)m->attrs.look.size, m->sha256, m->sha1, owner,
           (unsigned long)m->attrs.look.attributes, (unsigned long)m->attrs.stream_count);
  rem_measured(t->job, "container", "its bytes, opened again, have the SHA-256 %s", m->sha256);
  if (m->attrs.extended > 0)
    rem_measured(t->job, "extended attributes", "%lu bytes of them are not kept",
                 (unsigned long)m->attrs.extended);
  if (!m->attrs.streams_known)
    rem_measured(t->job, "streams",
                 "unsupported here: the file system does not list them; if the file had any "
                 "besides its bytes, they are lost");
  return CORDON_OK;
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

/* Of a process that has just ended the file may be held for a moment yet. */
static cordon_status take_away(taking *t, sup_err *err)
{
  uint64_t until = sup_call_until(t->job->call, REMOVE_MS);
  /* A stream that somebody has made since they were listed would go with the file. */
  cordon_status status = rem_attrs_streams_stay(t->handle, &t->meta.attrs, err);
  if (status != CORDON_OK)
    return status;
  DWORD error = rem_remove(t->handle, &t->look);
  while (error == ERROR_ACCESS_DENIED && sup_now_ms() < until &&
         !sup_call_cancelled(t->job->call)) {
    Sleep(STEP_MS);
    error = rem_remove(t->handle, &t->look);
  }
  if (error == ERROR_ACCESS_DENIED)
    return sup_fail_os(err, (int)error,
                       "'%s' could not be removed: it is in use as a program or library, or "
                       "Windows keeps it",
                       t->show);
  if (error != 0)
    return sup_fail_os(err, (int)error, "'%s' could not be removed", t->show);
  rem_close(&t->handle);
  rem_attrs_let_go(&t->meta.attrs);
  SUP_FAULT_POINT("remediate.unlinked");
  t->meta.state = REM_KEPT;
  status = rem_container_save(t->job, &t->meta, err);
  SUP_FAULT_POINT("remediate.kept");
  return status;
}

static void look_after(taking *t)
{
  rem_job *j = t->job;
  rem_names_left(j, &t->names, t->look.links > 0 ? t->look.links - 1 : 0);
  rem_running_find(t->place, &t->look.identity, &t->running);
  for (size_t i = 0; i < t->running.count; i++)
    rem_step(j, "running", "left", "process %lu (%s) runs it still",
             (unsigned long)t->running.items[i].pid, t->running.items[i].name);
  j->partial = j->partial || t->running.count > 0;
  rem_measured(j, "processes that run it", "%llu",
               (unsigned long long)(t->running.count + t->running.more));
  DWORD attributes = GetFileAttributesW(t->place->full);
  DWORD error = attributes == INVALID_FILE_ATTRIBUTES ? GetLastError() : 0;
  if (error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND) {
    rem_measured(j, "path", "nothing is at '%s'", t->show);
    return;
  }
  j->partial = true;
  if (error == ERROR_ACCESS_DENIED || error == ERROR_DELETE_PENDING)
    rem_measured(j, "path",
                 "'%s' is removed when the last process that holds it open closes it: by then it "
                 "cannot be opened",
                 t->show);
  else
    rem_measured(j, "path", "something else is at '%s' by now", t->show);
}

/* An earlier order that was cut short sealed the same file and did not get to removing it. */
static void drop_leftover(taking *t)
{
  sup_err ignored = {0};
  rem_meta *m = calloc(1, sizeof(*m));
  if (m == NULL)
    return;
  if (rem_container_of_path(t->job, t->place->path, m, &ignored) == CORDON_OK &&
      m->state == REM_SEALED && rem_container_is_of(t->job, m, t->handle))
    rem_container_drop(t->job, m->id);
  rem_meta_release(m);
  free(m);
}

static cordon_status take(taking *t, sup_err *err)
{
  cordon_status status =
      rem_own_file(t->job, t->place->full)
          ? sup_fail(err, CORDON_E_DENIED, "'%s' is left alone: it is the agent's own", t->show)
          : rem_attrs_read(t->handle, &t->meta.attrs, err);
  if (status == CORDON_OK)
    status = check_owner(t, err);
  if (status == CORDON_OK)
    status = check_running(t, err);
  if (status == CORDON_OK && t->job->call->dry_run) {
    rem_step(t->job, "file.quarantine", "planned", "'%s', %llu bytes", t->show,
             (unsigned long long)t->look.size);
    return CORDON_OK;
  }
  if (status == CORDON_OK)
    status = stop_first(t, err);
  if (status != CORDON_OK)
    return status;
  (void)snprintf(t->meta.path, sizeof(t->meta.path), "%s", t->place->path);
  drop_leftover(t);
  status = seal(t, err);
  if (status == CORDON_OK)
    status = note_restore(t, err);
  if (t->look.links > 1)
    rem_names_read(t->place, &t->names);
  if (status == CORDON_OK)
    status = take_away(t, err);
  /* Nothing is gone from its place: the container is not needed. */
  if (status != CORDON_OK && t->meta.state == REM_SEALED)
    rem_container_drop(t->job, t->meta.id);
  if (status != CORDON_OK)
    return status;
  rem_step(t->job, "file.quarantine", "done", "'%s' is in container %s", t->show, t->meta.id);
  look_after(t);
  return CORDON_OK;
}

/* Whether it could be given back: its bytes are opened and hashed. */
static cordon_status still_whole(const rem_job *j, const rem_meta *m, sup_err *err)
{
  sup_err why = {0};
  if (rem_container_open(j, m, NULL, NULL, &why) == CORDON_OK)
    return CORDON_OK;
  return sup_fail(err, CORDON_E_IO,
                  "it was taken by action %s, and what was kept of it is not whole: %.300s",
                  m->action, why.sentence);
}

/* It is not at its place: perhaps because it was taken before. */
static cordon_status not_there(rem_job *j, const rem_place *p, sup_err *err)
{
  char show[REM_SHOW];
  sup_err why = *err;
  rem_meta *m = calloc(1, sizeof(*m));
  if (m == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory for a container");
  cordon_status status = rem_container_of_path(j, p->path, m, err);
  if (status == CORDON_E_NOTFOUND) {
    *err = why;
    free(m);
    return status;
  }
  /* Of an order that was cut short after it had removed the file. */
  if (status == CORDON_OK && m->state == REM_SEALED && !j->call->dry_run) {
    m->state = REM_KEPT;
    status = rem_container_save(j, m, err);
  }
  if (status == CORDON_OK && !j->call->dry_run)
    status = still_whole(j, m, err);
  if (status == CORDON_OK) {
    rem_step(j, "file.quarantine", "already", "'%s' was taken by action %s",
             rem_show(p->path, show), m->action);
    rem_measured(j, "path", "nothing is at '%s'; SHA-256 of what is in container %s is %s", show,
                 m->id, m->sha256);
  }
  rem_meta_release(m);
  free(m);
  return status;
}

/* What runs it may keep everybody from opening it, until it has ended. By then its bytes cannot be
 * read, so that this is done only for a file that was named by its path alone. */
static cordon_status stop_and_hold(taking *t, rem_place *p, sup_err *err)
{
  char why[REM_SHOW];
  char owner[REM_NAME];
  sup_err held = *err;
  rem_look seen = {0};
  cordon_status status = rem_glance(p, &seen, owner, err);
  if (status != CORDON_OK)
    return status;
  (void)rem_show(p->path, t->show);
  if (rem_own_file(t->job, p->full) || (!t->job->force && rem_windows_own(p, owner, why))) {
    *err = held;
    return held.status;
  }
  t->look = seen;
  status = find_running(t, err);
  if (status == CORDON_OK)
    status = rem_running_stop(t->job, p, &seen.identity, &t->running, err);
  SUP_FAULT_POINT("remediate.ended");
  if (status == CORDON_OK)
    status = rem_hold(p, &t->handle, &t->look, err);
  if (status == CORDON_OK && !rem_same_file(&t->look.identity, &seen.identity))
    status = sup_fail(err, CORDON_E_CONFLICT,
                      "another file is at '%s' since those that ran it were ended: it was left",
                      t->show);
  return status;
}

cordon_status rem_quarantine(rem_job *j, rem_place *p, const char *id, const rem_wanted *wanted,
                             sup_err *err)
{
  static const rem_wanted any = {0};
  taking *t = calloc(1, sizeof(*t));
  if (t == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory to take a file away");
  t->job = j;
  t->place = p;
  t->wanted = wanted != NULL ? wanted : &any;
  (void)snprintf(t->meta.id, sizeof(t->meta.id), "%s", id);
  (void)snprintf(t->meta.action, sizeof(t->meta.action), "%s", j->action);
  cordon_status status = rem_hold(p, &t->handle, &t->look, err);
  if (status == CORDON_E_CONFLICT && j->stop && wanted == NULL && !j->call->dry_run)
    status = stop_and_hold(t, p, err);
  (void)rem_show(p->path, t->show);
  if (status == CORDON_OK)
    status = take(t, err);
  else if (status == CORDON_E_NOTFOUND)
    status = not_there(j, p, err);
  rem_close(&t->handle);
  rem_meta_release(&t->meta);
  rem_names_release(&t->names);
  free(t);
  return status;
}

cordon_status rem_quarantine_run(rem_job *j, sup_err *err)
{
  rem_place p;
  char sha256[65];
  uint8_t digest[32];
  const cJSON *wanted = sup_json_get(j->target, "sha256");
  cordon_status status = rem_place_read(j->target, "path", &p, err);
  if (status != CORDON_OK)
    return status;
  if (wanted == NULL || cJSON_IsNull(wanted))
    return rem_quarantine(j, &p, j->action, NULL, err);
  if (!cJSON_IsString(wanted) || !rem_unhex(wanted->valuestring, digest, sizeof(digest)))
    return sup_fail(err, CORDON_E_INVALID, "sha256 is not 64 hexadecimal digits");
  char *hex = rem_hex(digest, sizeof(digest));
  (void)snprintf(sha256, sizeof(sha256), "%s", hex != NULL ? hex : "");
  free(hex);
  return rem_quarantine(j, &p, j->action, &(const rem_wanted){.sha256 = sha256}, err);
}
