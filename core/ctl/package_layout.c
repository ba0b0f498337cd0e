#include "package_layout.h"

#include "package_read.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define LOCAL_SIZE 30u
#define CENTRAL_SIZE 46u
#define END_SIZE 22u
#define END64_SIZE 56u
#define LOCATOR_SIZE 20u
#define TAIL_MAX (END64_SIZE + LOCATOR_SIZE + END_SIZE)
#define DESCRIPTOR_SIZE 16u
#define DESCRIPTOR64_SIZE 24u
#define SIZE_IS_BEHIND 0x8u /* a flag: sizes and checksum come behind the content */
#define NAME_MAX_BYTES 4096u
#define EXTRA_MAX 4096u
#define EXTRA_ZIP64 0x0001u
#define EXTRA_NAME 0x7075u /* another name, which some tools take instead */
#define DIRECTORY_MAX ((size_t)CTL_PACKAGE_ENTRIES_MAX * 512u)

typedef struct layout {
  ctl_layout_read read;
  void *context;
  uint64_t size;
  uint64_t count;
  uint64_t directory_at;
  uint64_t directory_len;
  unsigned char *directory;
} layout;

/* An entry, as the directory or its own header has it. */
typedef struct header {
  size_t number; /* the first is 1 */
  uint16_t flags;
  const unsigned char *fixed; /* flags, method, time and date */
  uint32_t crc;
  uint64_t packed;
  uint64_t bytes;
  uint64_t at;
  size_t name_len;
  size_t extra_len;
  const unsigned char *name;
  const unsigned char *extra;
} header;

static uint16_t u16(const unsigned char *p)
{
  return (uint16_t)(p[0] | (unsigned)p[1] << 8);
}

static uint32_t u32(const unsigned char *p)
{
  return u16(p) | (uint32_t)u16(p + 2) << 16;
}

static uint64_t u64(const unsigned char *p)
{
  return u32(p) | (uint64_t)u32(p + 4) << 32;
}

static bool is_mark(const unsigned char *p, unsigned char a, unsigned char b)
{
  return p[0] == 'P' && p[1] == 'K' && p[2] == a && p[3] == b;
}

static cd_code bad_entry(size_t number, const char *what, cd_err *err)
{
  return cd_fail(err, CD_E_INVALID, "entry %zu of the package %s", number, what);
}

static cd_code bad_directory(cd_err *err)
{
  return cd_fail(err, CD_E_INVALID,
                 "the package's directory is not where and as long as its end says, or something "
                 "is in front of the package");
}

/* ---- the end ---- */

/* A number that is all ones stands in the larger end; else it is the same there. */
static bool is_same(uint64_t is, uint64_t small, uint64_t all_ones)
{
  return small == all_ones ? is >= all_ones : is == small;
}

/* The end for what is too large or too many for the small one; `tail`: all of both. */
static bool read_end64(layout *l, const unsigned char *tail, const unsigned char *end)
{
  const unsigned char *locator = tail + END64_SIZE;
  uint64_t at = l->size - TAIL_MAX;
  if (!is_mark(tail, 6, 6) || u64(tail + 4) != END64_SIZE - 12 || u32(tail + 16) != 0 ||
      u32(tail + 20) != 0 || u64(tail + 24) != u64(tail + 32) || u32(locator + 4) != 0 ||
      u64(locator + 8) != at || u32(locator + 16) != 1)
    return false;
  l->count = u64(tail + 32);
  l->directory_len = u64(tail + 40);
  l->directory_at = u64(tail + 48);
  return is_same(l->count, u16(end + 10), UINT16_MAX) &&
         is_same(l->directory_len, u32(end + 12), UINT32_MAX) &&
         is_same(l->directory_at, u32(end + 16), UINT32_MAX) && l->directory_at <= at &&
         l->directory_len == at - l->directory_at;
}

static bool read_end32(layout *l, const unsigned char *end)
{
  uint64_t at = l->size - END_SIZE;
  l->count = u16(end + 10);
  l->directory_len = u32(end + 12);
  l->directory_at = u32(end + 16);
  return l->directory_at <= at && l->directory_len == at - l->directory_at;
}

static cd_code read_end(layout *l, cd_err *err)
{
  unsigned char tail[TAIL_MAX];
  size_t len = l->size < TAIL_MAX ? (size_t)l->size : TAIL_MAX;
  const unsigned char *end = len < END_SIZE ? NULL : tail + len - END_SIZE;
  cd_code rc = l->read(l->context, l->size - len, tail, len, err);
  if (rc != CD_OK)
    return rc;
  /* A comment could hold another end. */
  if (end == NULL || !is_mark(end, 5, 6) || u16(end + 20) != 0)
    return cd_fail(err, CD_E_INVALID,
                   "the file does not end as a package does: it is no package, or not all of it, "
                   "or something is behind its end");
  bool large = len == TAIL_MAX && is_mark(end - LOCATOR_SIZE, 6, 7);
  if (u32(end + 4) != 0 || u16(end + 8) != u16(end + 10) ||
      !(large ? read_end64(l, tail, end) : read_end32(l, end)))
    return bad_directory(err);
  if (l->count > CTL_PACKAGE_ENTRIES_MAX)
    return cd_fail(err, CD_E_LIMIT, "the package has more than %u entries",
                   CTL_PACKAGE_ENTRIES_MAX);
  if (l->directory_len > DIRECTORY_MAX)
    return cd_fail(err, CD_E_LIMIT, "the package's directory has %llu bytes, the limit is %zu",
                   (unsigned long long)l->directory_len, DIRECTORY_MAX);
  return CD_OK;
}

/* ---- headers ---- */

/* Numbers that are all ones stand in the field for them, in this order; `p` to `end`. */
static bool read_zip64(header *h, bool with_place, const unsigned char *p, size_t len)
{
  uint64_t *numbers[] = {&h->bytes, &h->packed, &h->at};
  for (size_t i = 0; i < (with_place ? 3u : 2u); i++) {
    if (*numbers[i] != UINT32_MAX)
      continue;
    if (len < 8)
      return false;
    *numbers[i] = u64(p);
    p += 8;
    len -= 8;
  }
  return true;
}

/* `with_place`: it is the directory's. */
static cd_code read_extra(header *h, bool with_place, cd_err *err)
{
  bool large = false;
  const unsigned char *p = h->extra;
  for (size_t left = h->extra_len; left > 0;) {
    size_t len = left >= 4 ? u16(p + 2) : left;
    if (len + 4 > left)
      return bad_entry(h->number, "has fields of its header that are damaged", err);
    if (u16(p) == EXTRA_NAME)
      return bad_entry(h->number, "has a second name", err);
    if (u16(p) == EXTRA_ZIP64 && (large || !read_zip64(h, with_place, p + 4, len)))
      return bad_entry(h->number, "has sizes that make no sense", err);
    large = large || u16(p) == EXTRA_ZIP64;
    p += len + 4;
    left -= len + 4;
  }
  if (!large &&
      (h->bytes == UINT32_MAX || h->packed == UINT32_MAX || (with_place && h->at == UINT32_MAX)))
    return bad_entry(h->number, "has sizes that make no sense", err);
  return CD_OK;
}

/* What both headers have alike; `p` is at the flags. */
static cd_code read_common(header *h, const unsigned char *p, cd_err *err)
{
  h->fixed = p;
  h->flags = u16(p);
  h->crc = u32(p + 8);
  h->packed = u32(p + 12);
  h->bytes = u32(p + 16);
  h->name_len = u16(p + 20);
  h->extra_len = u16(p + 22);
  if (h->name_len > NAME_MAX_BYTES || h->extra_len > EXTRA_MAX)
    return cd_fail(err, CD_E_LIMIT, "entry %zu of the package has a header that is too large",
                   h->number);
  return CD_OK;
}

/* The next of the directory, from *at on. */
static cd_code read_central(const layout *l, size_t number, size_t *at, header *ret, cd_err *err)
{
  const unsigned char *p = l->directory + *at;
  size_t left = (size_t)l->directory_len - *at;
  header h = {.number = number};
  if (left < CENTRAL_SIZE || !is_mark(p, 1, 2))
    return bad_entry(number, "is not in the package's directory", err);
  cd_code rc = read_common(&h, p + 8, err);
  if (rc != CD_OK)
    return rc;
  size_t len = CENTRAL_SIZE + h.name_len + h.extra_len + u16(p + 32);
  if (len > left || u16(p + 34) != 0)
    return bad_entry(number, "is not whole in the package's directory", err);
  h.at = u32(p + 42);
  h.name = p + CENTRAL_SIZE;
  h.extra = h.name + h.name_len;
  rc = read_extra(&h, true, err);
  if (rc != CD_OK)
    return rc;
  *at += len;
  *ret = h;
  return CD_OK;
}

/* A number that its writer did not know yet is 0. */
static bool may_be(uint64_t local, uint64_t central, bool behind)
{
  return local == central || (behind && local == 0);
}

static cd_code compare(const header *central, const header *local, cd_err *err)
{
  bool behind = (central->flags & SIZE_IS_BEHIND) != 0;
  if (local->name_len != central->name_len ||
      memcmp(local->name, central->name, local->name_len) != 0)
    return bad_entry(central->number, "has another name in the package's directory", err);
  if (memcmp(local->fixed, central->fixed, 8) != 0 || !may_be(local->crc, central->crc, behind) ||
      !may_be(local->packed, central->packed, behind) ||
      !may_be(local->bytes, central->bytes, behind))
    return bad_entry(central->number, "is not what the package's directory says", err);
  return CD_OK;
}

/* ---- an entry ---- */

/* What stands behind the content, up to the next entry. */
static cd_code check_behind(const layout *l, const header *h, uint64_t at, uint64_t len,
                            cd_err *err)
{
  unsigned char p[DESCRIPTOR64_SIZE];
  bool behind = (h->flags & SIZE_IS_BEHIND) != 0;
  if (!behind && len == 0)
    return CD_OK;
  if (!behind || (len != DESCRIPTOR_SIZE && len != DESCRIPTOR64_SIZE))
    return bad_entry(h->number, "is not followed by the next one, or by the directory", err);
  cd_code rc = l->read(l->context, at, p, (size_t)len, err);
  if (rc != CD_OK)
    return rc;
  bool large = len == DESCRIPTOR64_SIZE;
  if (!is_mark(p, 7, 8) || u32(p + 4) != h->crc || (large ? u64(p + 8) : u32(p + 8)) != h->packed ||
      (large ? u64(p + 16) : u32(p + 12)) != h->bytes)
    return bad_entry(h->number, "is not what the package's directory says", err);
  return CD_OK;
}

/* `end`: where the next one stands. */
static cd_code check_entry(const layout *l, const header *central, uint64_t end, cd_err *err)
{
  unsigned char p[LOCAL_SIZE + NAME_MAX_BYTES + EXTRA_MAX];
  header h = {.number = central->number, .at = central->at};
  if (end < central->at || end - central->at < LOCAL_SIZE)
    return bad_entry(h.number, "is not where the package's directory says", err);
  uint64_t left = end - central->at - LOCAL_SIZE;
  cd_code rc = l->read(l->context, central->at, p, LOCAL_SIZE, err);
  if (rc == CD_OK && !is_mark(p, 3, 4))
    rc = bad_entry(h.number, "is not where the package's directory says", err);
  if (rc == CD_OK)
    rc = read_common(&h, p + 6, err);
  if (rc != CD_OK)
    return rc;
  uint64_t more = h.name_len + h.extra_len;
  if (more > left || central->packed > left - more)
    return bad_entry(h.number, "is longer than its place", err);
  h.name = p + LOCAL_SIZE;
  h.extra = h.name + h.name_len;
  rc = l->read(l->context, central->at + LOCAL_SIZE, p + LOCAL_SIZE, (size_t)more, err);
  if (rc == CD_OK)
    rc = read_extra(&h, false, err);
  if (rc == CD_OK)
    rc = compare(central, &h, err);
  left -= more + central->packed;
  return rc == CD_OK ? check_behind(l, central, end - left, left, err) : rc;
}

static cd_code check_entries(const layout *l, cd_err *err)
{
  header h = {0};
  header next = {.at = l->directory_at};
  size_t at = 0;
  cd_code rc = l->count > 0 ? read_central(l, 1, &at, &next, err) : CD_OK;
  if (rc == CD_OK && next.at != 0)
    return bad_directory(err);
  for (size_t i = 1; i <= l->count && rc == CD_OK; i++) {
    h = next;
    next = (header){.at = l->directory_at};
    if (i < l->count)
      rc = read_central(l, i + 1, &at, &next, err);
    if (rc == CD_OK && next.at > l->directory_at)
      rc = bad_entry(i + 1, "is not where the package's directory says", err);
    if (rc == CD_OK)
      rc = check_entry(l, &h, next.at, err);
  }
  if (rc == CD_OK && at != l->directory_len)
    rc = cd_fail(err, CD_E_INVALID, "the package's directory has more than its %llu entries",
                 (unsigned long long)l->count);
  return rc;
}

cd_code ctl_layout_check(ctl_layout_read read, void *context, uint64_t size, uint64_t *ret_entries,
                         cd_err *err)
{
  layout l = {.read = read, .context = context, .size = size};
  cd_code rc = read_end(&l, err);
  if (rc != CD_OK)
    return rc;
  l.directory = malloc((size_t)l.directory_len + 1);
  if (l.directory == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for the package's directory");
  rc = read(context, l.directory_at, l.directory, (size_t)l.directory_len, err);
  if (rc == CD_OK)
    rc = check_entries(&l, err);
  free(l.directory);
  if (rc == CD_OK)
    *ret_entries = l.count;
  return rc;
}
