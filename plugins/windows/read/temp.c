/* Temp Directories: what lies in the folders for temporary files, of each user and of the system.
 */
#include "items.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <aclapi.h>

#include "device.h"
#include "file.h"
#include "path.h"
#include "support/wide.h"

enum { DEPTH_MAX = 16, ROWS_MAX = 50000, STREAMS_TEXT = 1024 };

#define HASHED_FILE (50 * COL_MIB)
#define HASHED_ALL (1024 * COL_MIB)

typedef struct walk {
  col_task *task;
  uint64_t hashed;
  unsigned depth;
  unsigned refused;
  DWORD refusal;
  unsigned streamless; /* files of which the system lists no streams, not even their bytes */
  DWORD no_streams;
} walk;

static const char *kind_of(const unsigned char *head, size_t len)
{
  static const struct {
    const char *magic;
    size_t len;
    const char *name;
  } kinds[] = {{"MZ", 2, "program"},
               {"PK\x03\x04", 4, "zip"},
               {"\x7f"
                "ELF",
                4, "ELF"},
               {"%PDF", 4, "PDF"},
               {"\xd0\xcf\x11\xe0", 4, "compound document"},
               {"Rar!", 4, "rar"},
               {"7z\xbc\xaf", 4, "7z"},
               {"MSCF", 4, "cabinet"},
               {"\x1f\x8b", 2, "gzip"},
               {"L\0\0\0\x01\x14\x02", 7, "shortcut"},
               {"{\\rtf", 5, "rtf"},
               {"#!", 2, "script"},
               {"regf", 4, "hive"},
               {"SQLite format 3", 15, "SQLite"}};
  for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
    if (len >= kinds[i].len && memcmp(head, kinds[i].magic, kinds[i].len) == 0)
      return kinds[i].name;
  }
  return "";
}

static void put_owner(col_task *t, const wchar_t *path)
{
  PSECURITY_DESCRIPTOR sd = NULL;
  PSID owner = NULL;
  char sid[WIN_SID] = "";
  char name[WIN_ACCOUNT] = "";
  wchar_t full[WIN_PATH];
  if (win_long_path(path, full) &&
      GetNamedSecurityInfoW(full, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION, &owner, NULL, NULL,
                            NULL, &sd) == 0) {
    win_sid_text(owner, sid);
    win_account(t, owner, name);
  }
  if (sd != NULL)
    (void)LocalFree(sd);
  col_text(t, name[0] != '\0' ? name : sid);
}

/* Other streams than the file's own: where it came from, and where somebody may hide something. */
static void put_streams(walk *w, const wchar_t *path)
{
  wchar_t full[WIN_PATH];
  WIN32_FIND_STREAM_DATA stream;
  wchar_t text[STREAMS_TEXT];
  size_t at = 0;
  bool fits = win_long_path(path, full);
  HANDLE find =
      fits ? FindFirstStreamW(full, FindStreamInfoStandard, &stream, 0) : INVALID_HANDLE_VALUE;
  if (find == INVALID_HANDLE_VALUE && w->streamless++ == 0)
    w->no_streams = fits ? GetLastError() : ERROR_FILENAME_EXCED_RANGE;
  if (find != INVALID_HANDLE_VALUE) {
    do {
      size_t len = wcslen(stream.cStreamName);
      if (wcscmp(stream.cStreamName, L"::$DATA") == 0 || at + len + 2 >= STREAMS_TEXT)
        continue;
      if (at > 0)
        text[at++] = L' ';
      wmemcpy(text + at, stream.cStreamName, len);
      at += len;
    } while (FindNextStreamW(find, &stream));
    (void)FindClose(find);
  }
  win_text_n(w->task, text, at);
}

static void put_content(walk *w, const wchar_t *path, uint64_t size)
{
  col_task *t = w->task;
  win_file f;
  unsigned char head[16];
  char sha256[COL_SHA256_HEX + 1] = "";
  DWORD error = win_open(path, &f);
  size_t len = error == 0 ? win_read(&f, head, sizeof(head)) : 0;
  win_close(&f);
  col_text(t, kind_of(head, len));
  if (error != 0) {
    w->refused++;
    w->refusal = w->refusal == 0 ? error : w->refusal;
    col_text(t, error == ERROR_SHARING_VIOLATION ? "(in use)" : "(not read)");
  } else if (size > HASHED_FILE || w->hashed + size > HASHED_ALL) {
    col_text(t, "(too long)");
  } else {
    w->hashed += size;
    (void)win_sha256(t, path, HASHED_FILE, sha256);
    col_text(t, sha256);
  }
}

static void put_entry(walk *w, const wchar_t *path, const WIN32_FIND_DATAW *e)
{
  col_task *t = w->task;
  DWORD a = e->dwFileAttributes;
  uint64_t size = (uint64_t)e->nFileSizeHigh << 32 | e->nFileSizeLow;
  bool link = (a & FILE_ATTRIBUTE_REPARSE_POINT) != 0;
  bool folder = (a & FILE_ATTRIBUTE_DIRECTORY) != 0;
  win_text(t, path);
  col_text(t, link ? "link" : folder ? "folder" : "file");
  win_hex(t, a);
  col_unum(t, size);
  win_filetime(t, e->ftCreationTime);
  win_filetime(t, e->ftLastWriteTime);
  win_filetime(t, e->ftLastAccessTime);
  put_owner(t, path);
  if (link || folder) {
    win_empty(t, 3);
  } else {
    put_streams(w, path);
    put_content(w, path, size);
  }
  (void)col_row(t);
}

static bool take_entry(void *data, const wchar_t *folder, const WIN32_FIND_DATAW *entry)
{
  walk *w = data;
  wchar_t path[WIN_PATH];
  if (!win_join(folder, entry->cFileName, path)) {
    col_mark(w->task, COL_PARTIAL, "there are paths longer than %d, which are left out", WIN_PATH);
    return true;
  }
  if (col_rows(w->task) >= ROWS_MAX) {
    col_cap(w->task, "there are more than %d files and folders", ROWS_MAX);
    return false;
  }
  put_entry(w, path, entry);
  bool enter = (entry->dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0 &&
               (entry->dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) == 0;
  if (enter && w->depth == DEPTH_MAX) {
    col_cap(w->task, "there are folders deeper than %d", DEPTH_MAX);
  } else if (enter) {
    w->depth++;
    DWORD error = win_each(w->task, path, take_entry, w);
    w->depth--;
    if (error != 0) {
      w->refused++;
      w->refusal = w->refusal == 0 ? error : w->refusal;
    }
  }
  return !col_stop(w->task);
}

static void mark(const walk *w)
{
  char refused[COL_SENTENCE / 2] = "";
  char streams[COL_SENTENCE / 2] = "";
  if (w->refused > 0)
    (void)snprintf(refused, sizeof(refused),
                   "%u files or folders were not read, the first with error %lu", w->refused,
                   (unsigned long)w->refusal);
  if (w->streamless > 0)
    (void)snprintf(streams, sizeof(streams),
                   "unsupported here: the streams of %u files, which are not listed: error %lu",
                   w->streamless, (unsigned long)w->no_streams);
  if (w->refused + w->streamless > 0)
    col_mark(w->task, COL_PARTIAL, "%s%s%s", streams,
             w->refused > 0 && w->streamless > 0 ? "; " : "", refused);
}

static void collect_folder(col_task *t, const char *name, const wchar_t *path)
{
  char source[COL_SOURCE];
  walk w = {.task = t};
  sup_from_wide(path, source, sizeof(source));
  col_begin(t, name, source);
  DWORD attributes = win_attributes(path);
  if (attributes == INVALID_FILE_ATTRIBUTES) {
    win_mark(t, GetLastError(), source);
    return;
  }
  col_head(t, "path,type,attributes,size,created,written,read,owner,streams,kind,sha256");
  DWORD error = win_each(t, path, take_entry, &w);
  if (error != 0)
    win_mark(t, error, source);
  mark(&w);
  if (col_rows(t) == 0 && !col_is_marked(t) && !col_over(t)) {
    char none[COL_NAME];
    (void)snprintf(none, sizeof(none), "%.*s.txt", (int)(strlen(name) - 4), name);
    win_say_none(t, none, "the folder is empty");
  }
}

void win_temp(col_task *t)
{
  wchar_t path[WIN_PATH];
  char name[COL_NAME];
  const win_device *d = win_device_of(t);
  if (win_place(WIN_WINDOWS, L"Temp", path))
    collect_folder(t, "Windows Temp.csv", path);
  if (win_place(WIN_WINDOWS, L"SystemTemp", path))
    collect_folder(t, "Windows SystemTemp.csv", path);
  for (size_t i = 0; i < d->count && !col_over(t); i++) {
    const win_user *u = &d->users[i];
    if (!u->has_profile || !win_join(u->profile, L"AppData\\Local\\Temp", path))
      continue;
    (void)snprintf(name, sizeof(name), "%.100s Temp.csv", u->name);
    collect_folder(t, name, path);
  }
}
