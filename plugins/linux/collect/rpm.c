/* The header of a package, as rpm keeps it in its database: an index of tags, then their values,
 * all of them big-endian. Tags and types: lib/rpmtag.h of rpm. */
#include "rpm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  ENTRY = 16,
  HEAD = 8,
  ENTRIES_MAX = 65536,
  FOLDERS_MAX = 65536,
  TYPE_INT32 = 4,
  TYPE_STRING = 6,
  TYPE_STRINGS = 8,
  TYPE_I18N = 9,
  TAG_NAME = 1000,
  TAG_VERSION = 1001,
  TAG_RELEASE = 1002,
  TAG_EPOCH = 1003,
  TAG_SUMMARY = 1004,
  TAG_INSTALLED = 1008,
  TAG_SIZE = 1009,
  TAG_VENDOR = 1011,
  TAG_ARCH = 1022,
  TAG_WHOLE_PATHS = 1027, /* as packages had them before rpm 4 */
  TAG_FOLDER_OF_FILE = 1116,
  TAG_FILES = 1117,
  TAG_FOLDERS = 1118
};

static uint32_t be32(const unsigned char *bytes)
{
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

typedef struct header {
  const unsigned char *index;
  uint32_t entries;
  const unsigned char *store;
  uint32_t size;
} header;

static bool take_apart(const unsigned char *bytes, size_t len, header *ret_header)
{
  if (len < HEAD)
    return false;
  header h = {.index = bytes + HEAD, .entries = be32(bytes), .size = be32(bytes + 4)};
  if (h.entries > ENTRIES_MAX || (uint64_t)h.entries * ENTRY + h.size > len - HEAD)
    return false;
  h.store = h.index + (size_t)h.entries * ENTRY;
  *ret_header = h;
  return true;
}

/* The values of a tag, and how many bytes there are from them on. What was added when the package
 * was installed comes last, and counts. */
static const unsigned char *find(const header *h, uint32_t tag, uint32_t type, uint32_t other,
                                 size_t *ret_left)
{
  for (uint32_t i = h->entries; i-- > 0;) {
    const unsigned char *e = h->index + (size_t)i * ENTRY;
    uint32_t at = be32(e + 8);
    if (be32(e) != tag || (be32(e + 4) != type && be32(e + 4) != other) || at >= h->size)
      continue;
    *ret_left = h->size - at;
    return h->store + at;
  }
  return NULL;
}

static void take_text(const header *h, uint32_t tag, char *ret_text, size_t size)
{
  size_t left = 0;
  const unsigned char *at = find(h, tag, TYPE_STRING, TYPE_I18N, &left);
  size_t len = at != NULL ? strnlen((const char *)at, left) : 0;
  if (len >= size)
    len = size - 1;
  if (len > 0)
    memcpy(ret_text, at, len);
  ret_text[len] = '\0';
}

static int64_t take_number(const header *h, uint32_t tag)
{
  size_t left = 0;
  const unsigned char *at = find(h, tag, TYPE_INT32, TYPE_INT32, &left);
  return at != NULL && left >= 4 ? (int64_t)be32(at) : -1;
}

bool col_rpm_read(const unsigned char *bytes, size_t len, col_rpm *ret_rpm)
{
  char version[200];
  char release[200];
  header h;
  *ret_rpm = (col_rpm){.header = bytes, .header_len = len};
  if (!take_apart(bytes, len, &h))
    return false;
  take_text(&h, TAG_NAME, ret_rpm->name, sizeof(ret_rpm->name));
  take_text(&h, TAG_VERSION, version, sizeof(version));
  take_text(&h, TAG_RELEASE, release, sizeof(release));
  int64_t epoch = take_number(&h, TAG_EPOCH);
  if (epoch > 0)
    (void)snprintf(ret_rpm->version, sizeof(ret_rpm->version), "%lld:%s-%s", (long long)epoch,
                   version, release);
  else
    (void)snprintf(ret_rpm->version, sizeof(ret_rpm->version), "%s-%s", version, release);
  take_text(&h, TAG_ARCH, ret_rpm->arch, sizeof(ret_rpm->arch));
  take_text(&h, TAG_VENDOR, ret_rpm->vendor, sizeof(ret_rpm->vendor));
  take_text(&h, TAG_SUMMARY, ret_rpm->summary, sizeof(ret_rpm->summary));
  ret_rpm->installed = take_number(&h, TAG_INSTALLED);
  ret_rpm->size = take_number(&h, TAG_SIZE);
  return ret_rpm->name[0] != '\0';
}

/* Texts that lie one behind the other, each with its NUL; what comes next, or NULL. */
typedef struct texts {
  const char *at;
  size_t left;
} texts;

static const char *next_text(texts *t, size_t *ret_len)
{
  const char *text = t->at;
  size_t len = text != NULL ? strnlen(text, t->left) : 0;
  if (text == NULL || len == t->left)
    return NULL;
  t->at += len + 1;
  t->left -= len + 1;
  *ret_len = len;
  return text;
}

static texts find_texts(const header *h, uint32_t tag)
{
  texts t = {0};
  t.at = (const char *)find(h, tag, TYPE_STRINGS, TYPE_STRINGS, &t.left);
  return t;
}

static uint32_t count_of(const header *h, uint32_t tag)
{
  for (uint32_t i = h->entries; i-- > 0;) {
    const unsigned char *e = h->index + (size_t)i * ENTRY;
    if (be32(e) == tag)
      return be32(e + 12);
  }
  return 0;
}

typedef struct folder {
  const char *path;
  size_t len;
} folder;

static bool find_folders(const header *h, folder *folders, uint32_t count)
{
  texts t = find_texts(h, TAG_FOLDERS);
  for (uint32_t i = 0; i < count; i++) {
    folders[i].path = next_text(&t, &folders[i].len);
    if (folders[i].path == NULL)
      return false;
  }
  return true;
}

static bool tell_file(const folder *in, const char *name, size_t len, col_rpm_file_fn *fn,
                      void *data)
{
  char path[COL_PATH];
  if (in->len + len >= sizeof(path))
    return true;
  (void)snprintf(path, sizeof(path), "%s%s", in->path, name);
  return fn(data, path, in->len + len);
}

static bool each_file(const header *h, const folder *folders, uint32_t count, col_rpm_file_fn *fn,
                      void *data)
{
  size_t left = 0;
  size_t len = 0;
  const unsigned char *index = find(h, TAG_FOLDER_OF_FILE, TYPE_INT32, TYPE_INT32, &left);
  texts names = find_texts(h, TAG_FILES);
  uint32_t files = count_of(h, TAG_FILES);
  for (uint32_t i = 0; i < files; i++) {
    const char *name = next_text(&names, &len);
    if (name == NULL || index == NULL || left < 4 || be32(index) >= count)
      return false;
    if (!tell_file(&folders[be32(index)], name, len, fn, data))
      return true;
    index += 4;
    left -= 4;
  }
  return true;
}

static bool each_whole_path(const header *h, col_rpm_file_fn *fn, void *data)
{
  static const folder none = {.path = ""};
  size_t len = 0;
  texts paths = find_texts(h, TAG_WHOLE_PATHS);
  for (uint32_t i = count_of(h, TAG_WHOLE_PATHS); i > 0; i--) {
    const char *path = next_text(&paths, &len);
    if (path == NULL)
      return false;
    if (!tell_file(&none, path, len, fn, data))
      return true;
  }
  return true;
}

bool col_rpm_files(const col_rpm *rpm, col_rpm_file_fn *fn, void *data)
{
  header h;
  if (!take_apart(rpm->header, rpm->header_len, &h))
    return false;
  uint32_t count = count_of(&h, TAG_FOLDERS);
  if (count == 0)
    return count_of(&h, TAG_FILES) == 0 && each_whole_path(&h, fn, data);
  folder *folders = count <= FOLDERS_MAX ? calloc(count, sizeof(*folders)) : NULL;
  bool whole = folders != NULL && find_folders(&h, folders, count) &&
               each_file(&h, folders, count, fn, data);
  free(folders);
  return whole;
}
