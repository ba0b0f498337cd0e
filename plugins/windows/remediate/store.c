/* The store of containers: their folder, which files they have in it, and the descriptions. */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "support/wide.h"

/* A description grows by a few bytes until its file is restored. */
enum { META_MAX = 1024 * 1024, META_GROWS = 4096 };

#define EPOCH_TICKS 116444736000000000ull

static bool store_path(const rem_job *j, wchar_t ret_path[REM_PATH])
{
  return j->state_dir[0] != L'\0' && rem_join(j->state_dir, L"quarantine", ret_path);
}

cordon_status rem_store_open(const rem_job *j, wchar_t ret_path[REM_PATH], sup_err *err)
{
  if (!store_path(j, ret_path))
    return sup_fail(err, CORDON_E_UNAVAILABLE, "there is no private folder to keep files in");
  if (!CreateDirectoryW(ret_path, NULL) && GetLastError() != ERROR_ALREADY_EXISTS)
    return sup_fail_os(err, (int)GetLastError(), "the folder of quarantined files cannot be made");
  DWORD attributes = GetFileAttributesW(ret_path);
  if (attributes == INVALID_FILE_ATTRIBUTES || (attributes & FILE_ATTRIBUTE_DIRECTORY) == 0 ||
      (attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0)
    return sup_fail(err, CORDON_E_IO, "the folder of quarantined files is none");
  return CORDON_OK;
}

bool rem_store_file(const wchar_t *store, const char *id, const char *kind,
                    wchar_t ret_path[REM_PATH])
{
  char name[REM_NAME];
  wchar_t wide[REM_NAME];
  (void)snprintf(name, sizeof(name), "%s.%s", id, kind);
  return sup_to_wide(name, wide, REM_NAME) && rem_join(store, wide, ret_path);
}

static void remove_file(const wchar_t *store, const char *id, const char *kind)
{
  wchar_t path[REM_PATH];
  if (rem_store_file(store, id, kind, path))
    (void)DeleteFileW(path);
}

HANDLE rem_store_make(const wchar_t *path)
{
  (void)DeleteFileW(path);
  return CreateFileW(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_NEW,
                     FILE_ATTRIBUTE_NORMAL | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
}

HANDLE rem_store_read(const wchar_t *path)
{
  return CreateFileW(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING,
                     FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_SEQUENTIAL_SCAN, NULL);
}

uint64_t rem_store_now_ms(void)
{
  FILETIME now;
  GetSystemTimeAsFileTime(&now);
  return (((uint64_t)now.dwHighDateTime << 32 | now.dwLowDateTime) - EPOCH_TICKS) / 10000;
}

cordon_status rem_store_write(HANDLE to, const uint8_t *bytes, size_t len, sup_err *err)
{
  while (len > 0) {
    DWORD put = 0;
    if (!WriteFile(to, bytes, (DWORD)len, &put, NULL) || put == 0)
      return sup_fail_os(err, (int)GetLastError(), "the bytes could not be written");
    bytes += put;
    len -= put;
  }
  return CORDON_OK;
}

cordon_status rem_store_save(const wchar_t *store, const rem_meta *m, sup_err *err)
{
  wchar_t path[REM_PATH];
  wchar_t temporary[REM_PATH];
  char *text = rem_meta_write(m);
  /* What could not be read again is not kept: the file is still at its place. */
  if (text != NULL && m->state == REM_SEALED && strlen(text) > META_MAX - META_GROWS) {
    cJSON_free(text);
    return sup_fail(err, CORDON_E_LIMIT,
                    "the file has more attributes than a container describes (%d bytes): nothing "
                    "was changed",
                    META_MAX - META_GROWS);
  }
  bool fits = text != NULL && rem_store_file(store, m->id, "json", path) &&
              rem_store_file(store, m->id, "new", temporary);
  HANDLE h = fits ? rem_store_make(temporary) : INVALID_HANDLE_VALUE;
  cordon_status status =
      h != INVALID_HANDLE_VALUE
          ? rem_store_write(h, (const uint8_t *)text, strlen(text), err)
          : sup_fail_os(err, text != NULL ? (int)GetLastError() : ERROR_NOT_ENOUGH_MEMORY,
                        "the container cannot be described");
  if (status == CORDON_OK && !FlushFileBuffers(h))
    status = sup_fail_os(err, (int)GetLastError(), "the description of the container");
  rem_close(&h);
  if (status == CORDON_OK &&
      !MoveFileExW(temporary, path, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH))
    status =
        sup_fail_os(err, (int)GetLastError(), "the description of the container could not be kept");
  cJSON_free(text);
  return status;
}

cordon_status rem_store_load(const wchar_t *store, const char *id, rem_meta *ret_meta, sup_err *err)
{
  wchar_t path[REM_PATH];
  LARGE_INTEGER size = {0};
  DWORD got = 0;
  HANDLE h = rem_store_file(store, id, "json", path) ? rem_store_read(path) : INVALID_HANDLE_VALUE;
  DWORD error = h == INVALID_HANDLE_VALUE ? GetLastError() : 0;
  if (error == ERROR_FILE_NOT_FOUND)
    return CORDON_E_NOTFOUND;
  if (error != 0)
    return sup_fail_os(err, (int)error, "the description of container %s", id);
  bool fits = GetFileSizeEx(h, &size) && size.QuadPart <= META_MAX;
  char *text = fits ? malloc((size_t)size.QuadPart + 1) : NULL;
  bool read = text != NULL && ReadFile(h, text, (DWORD)size.QuadPart, &got, NULL) &&
              got == (DWORD)size.QuadPart;
  rem_close(&h);
  cordon_status status =
      read ? rem_meta_parse(text, got, ret_meta, err)
           : sup_fail(err, CORDON_E_IO, "the description of container %s cannot be read", id);
  if (text != NULL)
    SecureZeroMemory(text, (size_t)size.QuadPart);
  free(text);
  return status;
}

/* ---- by their job ---- */

cordon_status rem_container_load(const rem_job *j, const char *id, rem_meta *ret_meta, sup_err *err)
{
  wchar_t store[REM_PATH];
  cordon_status status = rem_store_open(j, store, err);
  return status == CORDON_OK ? rem_store_load(store, id, ret_meta, err) : status;
}

cordon_status rem_container_save(const rem_job *j, const rem_meta *m, sup_err *err)
{
  wchar_t store[REM_PATH];
  cordon_status status = rem_store_open(j, store, err);
  return status == CORDON_OK ? rem_store_save(store, m, err) : status;
}

cordon_status rem_container_spend(const rem_job *j, rem_meta *m, sup_err *err)
{
  wchar_t store[REM_PATH];
  wchar_t path[REM_PATH];
  cordon_status status = rem_store_open(j, store, err);
  if (status != CORDON_OK)
    return status;
  m->state = REM_RESTORED;
  m->restored_ms = rem_store_now_ms();
  SecureZeroMemory(m->key, sizeof(m->key));
  status = rem_store_save(store, m, err);
  if (status == CORDON_OK && rem_store_file(store, m->id, "data", path) && !DeleteFileW(path) &&
      GetLastError() != ERROR_FILE_NOT_FOUND)
    status =
        sup_fail_os(err, (int)GetLastError(), "the bytes in the container could not be removed");
  return status;
}

void rem_container_drop(const rem_job *j, const char *id)
{
  wchar_t store[REM_PATH];
  if (!store_path(j, store))
    return;
  remove_file(store, id, "json");
  remove_file(store, id, "data");
  remove_file(store, id, "new");
}

/* The id of a file of this kind; false: it is of another. */
static bool id_of(const wchar_t *name, const char *kind, char ret_id[REM_ID])
{
  char text[REM_NAME];
  sup_from_wide(name, text, sizeof(text));
  char *dot = strrchr(text, '.');
  if (dot == NULL || strcmp(dot + 1, kind) != 0)
    return false;
  *dot = '\0';
  if (!rem_is_name(text, REM_ID - 1))
    return false;
  (void)snprintf(ret_id, REM_ID, "%s", text);
  return true;
}

/* Bytes without a description. */
static void tidy_one(const wchar_t *store, const wchar_t *name)
{
  char id[REM_ID];
  wchar_t path[REM_PATH];
  if (id_of(name, "data", id) && rem_store_file(store, id, "json", path) &&
      GetFileAttributesW(path) == INVALID_FILE_ATTRIBUTES && GetLastError() == ERROR_FILE_NOT_FOUND)
    remove_file(store, id, "data");
}

void rem_container_each(const rem_job *j, rem_container_fn *fn, void *data)
{
  wchar_t store[REM_PATH];
  wchar_t pattern[REM_PATH];
  char id[REM_ID];
  WIN32_FIND_DATAW entry;
  bool more = true;
  if (!store_path(j, store) || !rem_join(store, L"*", pattern))
    return;
  HANDLE find = FindFirstFileW(pattern, &entry);
  if (find == INVALID_HANDLE_VALUE)
    return;
  do {
    tidy_one(store, entry.cFileName);
    if (id_of(entry.cFileName, "json", id))
      more = fn(data, id);
  } while (more && FindNextFileW(find, &entry));
  (void)FindClose(find);
}

typedef struct search {
  const rem_job *job;
  wchar_t path[REM_PATH];
  char found[REM_ID];
  uint64_t sealed_ms;
} search;

/* Windows does not tell capital letters from small ones. */
static bool is_path(const char *text, const wchar_t *path)
{
  wchar_t wide[REM_PATH];
  return sup_to_wide(text, wide, REM_PATH) &&
         CompareStringOrdinal(wide, -1, path, -1, TRUE) == CSTR_EQUAL;
}

static bool match(void *data, const char *id)
{
  search *s = data;
  sup_err ignored = {0};
  rem_meta *m = calloc(1, sizeof(*m));
  if (m == NULL)
    return false;
  if (rem_container_load(s->job, id, m, &ignored) == CORDON_OK && m->state != REM_RESTORED &&
      is_path(m->path, s->path) && (s->found[0] == '\0' || m->sealed_ms >= s->sealed_ms)) {
    (void)snprintf(s->found, sizeof(s->found), "%s", m->id);
    s->sealed_ms = m->sealed_ms;
  }
  rem_meta_release(m);
  free(m);
  return true;
}

cordon_status rem_container_of_path(const rem_job *j, const char *path, rem_meta *ret_meta,
                                    sup_err *err)
{
  search s = {.job = j};
  if (!sup_to_wide(path, s.path, REM_PATH))
    return CORDON_E_NOTFOUND;
  rem_container_each(j, match, &s);
  if (s.found[0] == '\0')
    return CORDON_E_NOTFOUND;
  return rem_container_load(j, s.found, ret_meta, err);
}
