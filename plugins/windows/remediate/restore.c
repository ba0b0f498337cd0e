/* Giving a file back: written beside its place under a name of ours, so that only the system and
 * administrators can open it; moved to its place only if nothing is there. From the first byte to
 * the end it is open and shared with readers alone, so that neither it nor a folder above it can be
 * moved, and what the path says stays so. Only where it lies where it should does it become its
 * owner's again. */
#include "remediate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <sddl.h>
#include <winioctl.h>

#include "support/fault.h"
#include "support/json.h"
#include "support/wide.h"

typedef struct giving {
  rem_job *job;
  rem_meta *meta;
  rem_place place;
  wchar_t beside[REM_PATH];
  HANDLE handle; /* of what is, or will be, at its place */
  char show[REM_SHOW];
} giving;

static cordon_status finish(giving *g, sup_err *err)
{
  char why[REM_SHOW] = "";
  char refused[REM_SHOW] = "";
  rem_attrs_give(g->handle, &g->meta->attrs, refused);
  rem_attrs_times(g->handle, &g->meta->attrs);
  bool same = rem_attrs_same(g->handle, &g->meta->attrs, why);
  rem_measured(g->job, "metadata", "%s",
               same ? "owner, group, access list, attributes, times of creation and writing and "
                      "streams are as they were"
                    : why);
  SUP_FAULT_POINT("remediate.placed");
  /* Its bytes are where they were and are right: what is missing is told, and stays on record. */
  cordon_status status = rem_container_spend(g->job, g->meta, err);
  SUP_FAULT_POINT("remediate.spent");
  if (status != CORDON_OK)
    return status;
  rem_step(g->job, "file.restore", "done", "'%s' is at its place again", g->show);
  if (!same) {
    g->job->partial = true;
    rem_step(g->job, "metadata", "failed",
             "%s%s%.200s%s; how it was is in the description of container %s", why,
             refused[0] != '\0' ? " (" : "", refused, refused[0] != '\0' ? ")" : "", g->meta->id);
  }
  return CORDON_OK;
}

static cordon_status in_the_way(const giving *g, sup_err *err)
{
  return sup_fail(err, CORDON_E_CONFLICT,
                  "something is at '%s' by now; it was left there, and the file stays in its "
                  "container",
                  g->show);
}

/* ---- the copy ---- */

static DWORD make_beside(giving *g)
{
  PSECURITY_DESCRIPTOR sd = NULL;
  if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(L"D:P(A;;FA;;;SY)(A;;FA;;;BA)",
                                                            SDDL_REVISION_1, &sd, NULL))
    return GetLastError();
  SECURITY_ATTRIBUTES only_us = {.nLength = sizeof(only_us), .lpSecurityDescriptor = sd};
  g->handle = CreateFileW(
      g->beside, GENERIC_READ | GENERIC_WRITE | DELETE | READ_CONTROL | WRITE_DAC | WRITE_OWNER,
      FILE_SHARE_READ, &only_us, CREATE_NEW,
      FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
  DWORD error = g->handle == INVALID_HANDLE_VALUE ? GetLastError() : 0;
  (void)LocalFree(sd);
  return error;
}

/* By its own handle, wherever it lies by now. */
static void remove_copy(giving *g, sup_err *err)
{
  wchar_t where[REM_PATH] = L"?";
  char show[REM_SHOW];
  rem_look look = {0};
  sup_err why = *err;
  if (g->handle == INVALID_HANDLE_VALUE)
    return;
  DWORD error = rem_look_at(g->handle, &look) ? rem_remove(g->handle, &look) : GetLastError();
  DWORD len = GetFinalPathNameByHandleW(g->handle, where, REM_PATH, FILE_NAME_NORMALIZED);
  rem_close(&g->handle);
  if (error == 0)
    return;
  rem_step(g->job, "copy", "failed", "'%s' could not be removed: error %lu",
           len > 0 && len < REM_PATH ? rem_show_wide(where, show) : g->show, (unsigned long)error);
  (void)sup_fail(err, why.status,
                 "%.300s; the copy that was made for it, which only the system and administrators "
                 "can open, could not be removed: error %lu",
                 why.sentence, (unsigned long)error);
  err->os_error = why.os_error;
}

/* What an order that was cut short has left, and nothing that it leads to. */
static void remove_beside(const giving *g)
{
  rem_look look;
  HANDLE h =
      CreateFileW(g->beside, DELETE | FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES,
                  FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                  FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
  if (h != INVALID_HANDLE_VALUE && rem_look_at(h, &look) && rem_leads_there(h, g->beside))
    (void)rem_remove(h, &look);
  rem_close(&h);
}

static cordon_status check_room(const giving *g, sup_err *err)
{
  wchar_t folder[REM_PATH];
  ULARGE_INTEGER free_bytes = {0};
  rem_above(g->place.full, folder);
  if (GetDiskFreeSpaceExW(folder, &free_bytes, NULL, NULL) &&
      free_bytes.QuadPart < g->meta->attrs.look.size)
    return sup_fail(err, CORDON_E_LIMIT, "'%s' has %llu bytes, and its disk has no room for them",
                    g->show, (unsigned long long)g->meta->attrs.look.size);
  return CORDON_OK;
}

static cordon_status write_copy(giving *g, sup_err *err)
{
  char sha256[65] = "";
  DWORD got = 0;
  const rem_meta *m = g->meta;
  remove_beside(g);
  DWORD error = make_beside(g);
  if (error != 0)
    return sup_fail_os(err, (int)error, "'%s' cannot be written beside its place", g->show);
  if (!rem_leads_there(g->handle, g->beside))
    return sup_fail(err, CORDON_E_INVALID,
                    "a folder on the way to '%s' is a link by now: the file stays in its container",
                    g->show);
  SUP_FAULT_POINT("remediate.copy");
  if ((m->attrs.look.attributes & FILE_ATTRIBUTE_SPARSE_FILE) != 0)
    (void)DeviceIoControl(g->handle, FSCTL_SET_SPARSE, NULL, 0, NULL, 0, &got, NULL);
  cordon_status status = rem_container_open(g->job, m, g->handle, g->beside, err);
  if (status == CORDON_OK)
    status = rem_hash(g->job, g->handle, m->attrs.look.size, sha256, NULL, err);
  if (status == CORDON_OK && strcmp(sha256, m->sha256) != 0)
    status =
        sup_fail(err, CORDON_E_IO, "what was written back has the SHA-256 %s and should have %s",
                 sha256, m->sha256);
  if (status != CORDON_OK)
    return status;
  rem_measured(g->job, "bytes", "read back, they have the SHA-256 %s", sha256);
  rem_attrs_apply(g->handle, &m->attrs);
  return FlushFileBuffers(g->handle)
             ? CORDON_OK
             : sup_fail_os(err, (int)GetLastError(), "the file could not be put on the disk");
}

static cordon_status note_identity(giving *g, sup_err *err)
{
  rem_look now;
  if (!rem_look_at(g->handle, &now))
    return sup_fail_os(err, (int)GetLastError(), "the file cannot be looked at");
  g->meta->state = REM_RESTORING;
  g->meta->restored = now.identity;
  cordon_status status = rem_container_save(g->job, g->meta, err);
  SUP_FAULT_POINT("remediate.restoring");
  return status;
}

static cordon_status place(giving *g, sup_err *err)
{
  DWORD error = rem_move(g->handle, g->place.full);
  if (error == ERROR_ALREADY_EXISTS || error == ERROR_FILE_EXISTS)
    return in_the_way(g, err);
  if (error != 0)
    return sup_fail_os(err, (int)error, "'%s' could not be put at its place", g->show);
  if (!rem_leads_there(g->handle, g->place.full))
    return sup_fail(err, CORDON_E_UNVERIFIED,
                    "a folder on the way to '%s' is a link by now: the file stays in its container",
                    g->show);
  /* Its name too is on the disk before the container is spent. */
  return FlushFileBuffers(g->handle)
             ? CORDON_OK
             : sup_fail_os(err, (int)GetLastError(),
                           "the name of '%s' could not be put on the disk", g->show);
}

static cordon_status give(giving *g, sup_err *err)
{
  cordon_status status = check_room(g, err);
  if (status == CORDON_OK)
    status = write_copy(g, err);
  if (status == CORDON_OK)
    status = note_identity(g, err);
  if (status == CORDON_OK)
    status = place(g, err);
  SUP_FAULT_POINT("remediate.renamed");
  if (status == CORDON_OK)
    return finish(g, err);
  sup_err ignored = {0};
  remove_copy(g, err);
  if (g->meta->state == REM_RESTORING) {
    g->meta->state = REM_KEPT;
    (void)rem_container_save(g->job, g->meta, &ignored);
  }
  return status;
}

/* ---- something is at the place ---- */

/* What was put there has another number than what was taken, and the same bytes. */
static bool is_copy(const giving *g, HANDLE h, const rem_look *look)
{
  char sha256[65] = "";
  sup_err ignored = {0};
  return look->size == g->meta->attrs.look.size &&
         rem_hash(g->job, h, look->size, sha256, NULL, &ignored) == CORDON_OK &&
         strcmp(sha256, g->meta->sha256) == 0;
}

/* With the rights to set whose it is, as far as they are given. */
static cordon_status hold_placed(giving *g, rem_look *ret_look)
{
  static const DWORD more[] = {WRITE_DAC | WRITE_OWNER | FILE_APPEND_DATA, WRITE_DAC | WRITE_OWNER,
                               0};
  sup_err ignored = {0};
  cordon_status status = CORDON_E_DENIED;
  for (size_t i = 0; i < sizeof(more) / sizeof(more[0]) && status == CORDON_E_DENIED; i++)
    status = rem_hold_for(&g->place, more[i], &g->handle, ret_look, &ignored);
  return status;
}

/* What an order that was cut short put there or never took, or another's. The number may be
 * another's by now, so that the bytes are compared as well. */
static cordon_status taken(giving *g, sup_err *err)
{
  rem_look look = {0};
  const rem_meta *m = g->meta;
  if (hold_placed(g, &look) != CORDON_OK)
    return in_the_way(g, err);
  bool ours = m->state == REM_RESTORING && rem_same_file(&look.identity, &m->restored);
  bool never = m->state == REM_SEALED && rem_same_file(&look.identity, &m->attrs.look.identity);
  if (ours ? !is_copy(g, g->handle, &look) : !never || !rem_container_is_of(g->job, m, g->handle))
    return in_the_way(g, err);
  if (g->job->call->dry_run) {
    rem_step(g->job, "file.restore", "planned", "'%s' is at its place", g->show);
    return CORDON_OK;
  }
  /* Of one that may only be read there is no handle to do this with. */
  if (ours)
    (void)FlushFileBuffers(g->handle);
  if (ours)
    return finish(g, err);
  rem_container_drop(g->job, m->id);
  rem_step(g->job, "file.restore", "already", "'%s' was not taken from its place", g->show);
  return CORDON_OK;
}

static cordon_status look_and_give(giving *g, sup_err *err)
{
  char name[REM_NAME];
  wchar_t wide[REM_NAME];
  wchar_t folder[REM_PATH];
  (void)rem_show(g->place.path, g->show);
  (void)snprintf(name, sizeof(name), ".cordon-%s", g->meta->id);
  rem_above(g->place.full, folder);
  if (!sup_to_wide(name, wide, REM_NAME) || !rem_join(folder, wide, g->beside))
    return sup_fail(err, CORDON_E_LIMIT, "the path '%s' is too long", g->show);
  DWORD error = GetFileAttributesW(g->place.full) == INVALID_FILE_ATTRIBUTES ? GetLastError() : 0;
  if (error == ERROR_PATH_NOT_FOUND)
    return sup_fail(err, CORDON_E_NOTFOUND,
                    "the folder of '%s' is not there any more: make it, and order this again",
                    g->show);
  if (error != ERROR_FILE_NOT_FOUND)
    return taken(g, err);
  if (g->job->call->dry_run) {
    rem_step(g->job, "file.restore", "planned", "'%s', %llu bytes", g->show,
             (unsigned long long)g->meta->attrs.look.size);
    return CORDON_OK;
  }
  return give(g, err);
}

cordon_status rem_restore(rem_job *j, rem_meta *m, sup_err *err)
{
  char show[REM_SHOW];
  if (m->state == REM_RESTORED) {
    rem_step(j, "file.restore", "already", "'%s' was given back before", rem_show(m->path, show));
    return CORDON_OK;
  }
  giving *g = calloc(1, sizeof(*g));
  if (g == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory to give a file back");
  g->job = j;
  g->meta = m;
  g->handle = INVALID_HANDLE_VALUE;
  cordon_status status = rem_place_of(m->path, &g->place, err);
  if (status == CORDON_OK)
    status = look_and_give(g, err);
  rem_close(&g->handle);
  free(g);
  return status;
}

/* ---- by action, and by record ---- */

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
  sup_err err = {0};
  rem_meta *m = calloc(1, sizeof(*m));
  if (m == NULL)
    return false;
  cordon_status status = rem_container_load(s->job, id, m, &err);
  if (status == CORDON_OK && strcmp(m->action, s->action) == 0) {
    s->found++;
    status = rem_restore(s->job, m, &err);
  }
  rem_meta_release(m);
  free(m);
  /* The others are still given back. */
  if (status != CORDON_OK && s->status == CORDON_OK && err.sentence[0] != '\0') {
    s->status = status;
    *s->err = err;
  }
  return !sup_call_cancelled(s->job->call);
}

cordon_status rem_restore_run(rem_job *j, sup_err *err)
{
  const char *action = NULL;
  (void)snprintf(j->no_undo, sizeof(j->no_undo), "giving back is the way back itself");
  cordon_status status = sup_json_text(j->target, "target", "action", 0, &action, err);
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
  const char *id = NULL;
  cordon_status status = sup_json_text(record, "record", "container", 0, &id, err);
  if (status == CORDON_OK && !rem_is_name(id, REM_ID - 1))
    status = sup_fail(err, CORDON_E_INVALID, "the undo record names no container");
  if (status != CORDON_OK)
    return status;
  rem_meta *m = calloc(1, sizeof(*m));
  if (m == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory for a container");
  status = rem_container_load(j, id, m, err);
  if (status == CORDON_E_NOTFOUND && err->sentence[0] == '\0') {
    rem_step(j, "file.restore", "already", "there is no container %s: nothing was taken", id);
    status = CORDON_OK;
  } else if (status == CORDON_OK) {
    status = rem_restore(j, m, err);
  }
  rem_meta_release(m);
  free(m);
  return status;
}
