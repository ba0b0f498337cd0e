/* The profile custom: what the portable part (package/list.h) asks of Windows. */
#include "custom.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "file.h"
#include "path.h"
#include "support/utf16.h"
#include "support/wide.h"

/* ---- finding ---- */

/* A drive. Of its parts none may be a stream, nor what Windows takes for a pattern of its own. */
static bool root_of(const char *path, size_t *ret_len)
{
  bool letter = (path[0] >= 'A' && path[0] <= 'Z') || (path[0] >= 'a' && path[0] <= 'z');
  *ret_len = 2;
  return letter && path[1] == ':' && strpbrk(path + 2, ":/\"<>|") == NULL;
}

/* The folder of a drive alone ends with its separator. */
static bool wide_folder(const char *folder, wchar_t ret_path[WIN_PATH])
{
  if (!sup_to_wide(folder, ret_path, WIN_PATH - 1))
    return false;
  size_t len = wcslen(ret_path);
  if (len == 2) {
    ret_path[len++] = L'\\';
    ret_path[len] = L'\0';
  }
  return len > 2;
}

/* As the file systems compare names: in upper case, whatever the language is. */
static bool upper(const wchar_t *text, char *ret_text, size_t size)
{
  wchar_t wide[WIN_PATH];
  bool cut = false;
  int len = LCMapStringEx(LOCALE_NAME_INVARIANT, LCMAP_UPPERCASE, text, -1, wide, WIN_PATH, NULL,
                          NULL, 0);
  if (len <= 0)
    return false;
  (void)sup_utf16_text(wide, (size_t)len, ret_text, size, &cut);
  return !cut;
}

typedef struct listing {
  char pattern[COL_LIST_FOUND];
  col_list_entry_fn *fn;
  void *data;
  unsigned *looked;
} listing;

static bool list_entry(void *data, const wchar_t *folder, const WIN32_FIND_DATAW *entry)
{
  const listing *l = data;
  char name[COL_LIST_FOUND];
  DWORD a = entry->dwFileAttributes;
  (void)folder;
  ++*l->looked;
  if (!upper(entry->cFileName, name, sizeof(name)) || !col_glob(l->pattern, name))
    return *l->looked < COL_LIST_LOOKED;
  (void)sup_utf16_text(entry->cFileName, wcslen(entry->cFileName), name, sizeof(name), NULL);
  return l->fn(l->data, name,
               (a & FILE_ATTRIBUTE_DIRECTORY) != 0 && (a & FILE_ATTRIBUTE_REPARSE_POINT) == 0);
}

static int each(const col_task *t, const char *folder, const char *pattern, size_t len,
                col_list_entry_fn *fn, void *data, unsigned *looked)
{
  listing l = {.fn = fn, .data = data, .looked = looked};
  char text[COL_LIST_PATH + 1];
  wchar_t path[WIN_PATH];
  wchar_t part[WIN_PATH];
  if (len >= sizeof(text) || !wide_folder(folder, path))
    return ERROR_FILENAME_EXCED_RANGE;
  memcpy(text, pattern, len);
  text[len] = '\0';
  if (!sup_to_wide(text, part, WIN_PATH) || !upper(part, l.pattern, sizeof(l.pattern)))
    return ERROR_INVALID_NAME;
  return (int)win_each(t, path, list_entry, &l);
}

static int look(const col_task *t, const char *folder, const char *name, bool *ret_there)
{
  wchar_t path[WIN_PATH];
  wchar_t part[WIN_PATH];
  wchar_t full[WIN_PATH];
  (void)t;
  if (!wide_folder(folder, path) || !sup_to_wide(name, part, WIN_PATH) ||
      !win_join(path, part, full))
    return ERROR_FILENAME_EXCED_RANGE;
  *ret_there = win_attributes(full) != INVALID_FILE_ATTRIBUTES;
  return 0;
}

static bool is_absent(int error)
{
  return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND || error == ERROR_DIRECTORY;
}

static void tell(int error, char *ret_text, size_t size)
{
  if (error == ERROR_CANT_ACCESS_FILE)
    (void)snprintf(ret_text, size, "it is behind a link, or on no disk of this device");
  else
    sup_os_text(error, ret_text, size);
}

/* Without the prefix; the caller frees it. NULL: it does not fit. */
static char *plain_path(const wchar_t *real)
{
  char *text = malloc(COL_LIST_FOUND);
  bool cut = text == NULL;
  if (wcsncmp(real, L"\\\\?\\", 4) == 0)
    real += 4;
  if (!cut)
    (void)sup_utf16_text(real, wcslen(real), text, COL_LIST_FOUND, &cut);
  if (!cut)
    return text;
  free(text);
  return NULL;
}

static char *real_folder(const char *folder)
{
  wchar_t path[WIN_PATH];
  wchar_t real[WIN_PATH];
  if (!wide_folder(folder, path))
    return NULL;
  HANDLE h = CreateFileW(path, FILE_READ_ATTRIBUTES,
                         FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                         OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
  if (h == INVALID_HANDLE_VALUE)
    return NULL;
  DWORD len = GetFinalPathNameByHandleW(h, real, WIN_PATH, FILE_NAME_NORMALIZED);
  (void)CloseHandle(h);
  return len > 0 && len < WIN_PATH ? plain_path(real) : NULL;
}

/* ---- taking ---- */

typedef struct facts {
  BY_HANDLE_FILE_INFORMATION info;
  bool opened;
} facts;

typedef struct reading {
  const win_file *file;
  DWORD error;
} reading;

static int64_t read_some(void *data, void *ret_bytes, size_t max)
{
  reading *r = data;
  DWORD got = 0;
  if (ReadFile(r->file->handle, ret_bytes, (DWORD)max, &got, NULL))
    return got;
  r->error = GetLastError();
  return r->error == ERROR_HANDLE_EOF ? 0 : -1;
}

static void seek_to(void *data, uint64_t from)
{
  const reading *r = data;
  LARGE_INTEGER to = {.QuadPart = (LONGLONG)from};
  (void)SetFilePointerEx(r->file->handle, to, NULL, FILE_BEGIN);
}

static void tell_read(void *data, col_task *t)
{
  const reading *r = data;
  win_mark(t, r->error, "reading it failed");
}

static void take_opened(col_task *t, const col_list *l, const col_list_item *i, const win_file *f,
                        const facts *known)
{
  reading r = {.file = f};
  col_stream from = {
      .data = &r, .read = read_some, .seek = seek_to, .tell = tell_read, .size = f->bytes};
  const char *what = win_secret_opened(l, f->handle, known->info.nNumberOfLinks);
  if (what != NULL) {
    col_say_secret(t, what);
    return;
  }
  col_set_mtime(t, (int64_t)(f->modified / 10000000) - 11644473600);
  col_copy_scrubbed(t, &from, i->max_bytes);
}

static void take(col_task *t, const col_list *l, const col_list_item *i, const char *path,
                 void *ret_facts)
{
  facts *known = ret_facts;
  wchar_t wide[WIN_PATH];
  win_file f = {.handle = INVALID_HANDLE_VALUE};
  const char *what = win_secret_named(path);
  if (what != NULL) {
    col_say_secret(t, what);
    return;
  }
  DWORD error = sup_to_wide(path, wide, WIN_PATH) ? win_open(wide, &f) : ERROR_INVALID_NAME;
  if (error == 0 && !GetFileInformationByHandle(f.handle, &known->info))
    error = GetLastError();
  if (error == ERROR_CANT_ACCESS_FILE)
    col_mark(t, COL_DENIED,
             "it is behind a link, no plain file, or would be fetched from elsewhere: not read");
  else if (error != 0)
    win_mark(t, error, path);
  known->opened = error == 0;
  if (known->opened)
    take_opened(t, l, i, &f, known);
  win_close(&f);
}

static void put_facts(col_task *t, const void *data)
{
  const facts *f = data;
  if (!f->opened) {
    win_empty(t, 6);
    return;
  }
  win_hex(t, f->info.dwFileAttributes);
  col_unum(t, (uint64_t)f->info.nFileSizeHigh << 32 | f->info.nFileSizeLow);
  win_filetime(t, f->info.ftCreationTime);
  win_filetime(t, f->info.ftLastWriteTime);
  win_filetime(t, f->info.ftLastAccessTime);
  col_unum(t, f->info.nNumberOfLinks);
}

static const col_list_os windows_files = {.root_of = root_of,
                                          .separator = '\\',
                                          .each = each,
                                          .look = look,
                                          .is_absent = is_absent,
                                          .tell = tell,
                                          .real_folder = real_folder,
                                          .take = take,
                                          .columns = "attributes,size,created,written,read,links",
                                          .put_facts = put_facts,
                                          .facts_size = sizeof(facts)};

cordon_status win_list_read(const cJSON *list, const cJSON *keep_out, col_list **ret_list,
                            sup_err *err)
{
  return col_list_read_for(&windows_files, list, keep_out, ret_list, err);
}
