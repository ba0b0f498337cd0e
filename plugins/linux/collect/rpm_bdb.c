/* The hash `Packages` of Berkeley DB: pages, of which those of buckets list keys and values by
 * turns. A long value is in a chain of pages of its own. The buckets' order does not matter, so the
 * pages are gone through as they lie. Layout: dbinc/db_page.h of Berkeley DB 4 and 5. */
#include "rpm_older.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  META = 512, /* what every page has at least */
  MAGIC = 0x00061561,
  MAGIC_AT = 12,
  PAGE_SIZE_AT = 20,
  ENCRYPTED_AT = 24,
  META_TYPE_AT = 25,
  FLAGS_AT = 26,
  SUMS_OF_PAGES = 1,
  LAST_PAGE_AT = 32,
  HASH_META = 8,
  PAGE_MIN = 512,
  PAGE_MAX = 65536,
  /* In the head of a page. */
  HEAD = 26,
  OWN_NUMBER_AT = 8,
  NEXT_AT = 16,
  ENTRIES_AT = 20,
  LENGTH_AT = 22, /* of a page of a long value */
  TYPE_AT = 25,
  BUCKET_UNSORTED = 2,
  OVERFLOW = 7,
  BUCKET = 13,
  /* Kinds of items. */
  HERE = 1,
  ELSEWHERE = 3,
  ELSEWHERE_SIZE = 12
};

typedef struct bdb {
  col_rpm_older *from;
  bool big; /* byte order */
  uint32_t page_size;
  uint32_t last_page;
  unsigned char *bucket;
  unsigned char *part;
  col_rpm_room value;
  bool ended;
} bdb;

static uint32_t number(const bdb *b, const unsigned char *at)
{
  return b->big ? (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3]
                : (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

static uint32_t half(const bdb *b, const unsigned char *at)
{
  return b->big ? (uint32_t)at[0] << 8 | at[1] : (uint32_t)at[1] << 8 | at[0];
}

static bool is_power_of_two(uint32_t n)
{
  return n != 0 && (n & (n - 1)) == 0;
}

static const char *read_meta(bdb *b)
{
  unsigned char meta[META];
  if (!col_rpm_read_at(b->from, 0, meta, sizeof(meta)))
    return "it is shorter than a page";
  b->big = false;
  if (number(b, meta + MAGIC_AT) != MAGIC)
    b->big = true;
  if (number(b, meta + MAGIC_AT) != MAGIC || meta[META_TYPE_AT] != HASH_META)
    return "it is no hash of Berkeley DB";
  if (meta[ENCRYPTED_AT] != 0 || (meta[FLAGS_AT] & SUMS_OF_PAGES) != 0)
    return "its pages are encrypted or have checksums, which rpm does not use";
  b->page_size = number(b, meta + PAGE_SIZE_AT);
  if (b->page_size < PAGE_MIN || b->page_size > PAGE_MAX || !is_power_of_two(b->page_size))
    return "its size of a page is none";
  b->last_page = number(b, meta + LAST_PAGE_AT);
  return NULL;
}

static bool read_page(const bdb *b, uint32_t page, unsigned char *ret_bytes)
{
  return page <= b->last_page && !b->from->stop(b->from->data) &&
         col_rpm_read_at(b->from, (uint64_t)page * b->page_size, ret_bytes, b->page_size);
}

/* Each page of the chain brings at least one byte, so it ends, and a ring is found out. */
static bool read_chain(bdb *b, uint32_t page, uint32_t total)
{
  size_t have = 0;
  if (!col_rpm_make_room(&b->value, total))
    return false;
  while (have < total) {
    if (!read_page(b, page, b->part) || number(b, b->part + OWN_NUMBER_AT) != page ||
        b->part[TYPE_AT] != OVERFLOW)
      return false;
    uint32_t len = half(b, b->part + LENGTH_AT);
    if (len == 0 || len > b->page_size - HEAD || len > total - have)
      return false;
    memcpy(b->value.bytes + have, b->part + HEAD, len);
    have += len;
    page = number(b, b->part + NEXT_AT);
  }
  return true;
}

/* The bytes of an item of the bucket: from its offset to that of the one before it, for the first
 * to the end of the page. NULL: it does not lie within. */
static const unsigned char *find_item(const bdb *b, uint32_t i, uint32_t *ret_len)
{
  const unsigned char *offsets = b->bucket + HEAD;
  uint32_t from = half(b, offsets + (size_t)i * 2);
  uint32_t to = i == 0 ? b->page_size : half(b, offsets + (size_t)(i - 1) * 2);
  if (from < HEAD || to > b->page_size || from >= to)
    return NULL;
  *ret_len = to - from;
  return b->bucket + from;
}

/* Record 0 is no package: it counts them. */
static bool is_counter(const bdb *b, uint32_t key)
{
  uint32_t len = 0;
  const unsigned char *item = find_item(b, key, &len);
  return item != NULL && len == 5 && item[0] == HERE && number(b, item + 1) == 0;
}

static void take_value(bdb *b, uint32_t i)
{
  uint32_t len = 0;
  const unsigned char *item = find_item(b, i, &len);
  if (is_counter(b, i - 1))
    return;
  if (item != NULL && item[0] == HERE) {
    b->ended = !b->from->header(b->from->data, item + 1, len - 1);
  } else if (item != NULL && item[0] == ELSEWHERE && len >= ELSEWHERE_SIZE) {
    uint32_t total = number(b, item + 8);
    if (read_chain(b, number(b, item + 4), total))
      b->ended = !b->from->header(b->from->data, b->value.bytes, total);
    else
      b->from->damaged++;
  } else {
    b->from->damaged++;
  }
}

static void take_bucket(bdb *b)
{
  uint32_t entries = half(b, b->bucket + ENTRIES_AT);
  if (entries > (b->page_size - HEAD) / 2) {
    b->from->damaged++;
    return;
  }
  for (uint32_t i = 1; i < entries && !b->ended; i += 2)
    take_value(b, i);
}

static void take_pages(bdb *b)
{
  for (uint64_t page = 1; page <= b->last_page && !b->ended; page++) {
    if (!read_page(b, (uint32_t)page, b->bucket)) {
      b->from->damaged++; /* shorter than it says */
      return;
    }
    uint8_t type = b->bucket[TYPE_AT];
    if (type != BUCKET && type != BUCKET_UNSORTED)
      continue;
    if (number(b, b->bucket + OWN_NUMBER_AT) == page)
      take_bucket(b);
    else
      b->from->damaged++;
  }
}

const char *col_rpm_bdb(col_rpm_older *o)
{
  bdb b = {.from = o};
  const char *why = read_meta(&b);
  if (why != NULL)
    return why;
  b.bucket = malloc(b.page_size);
  b.part = malloc(b.page_size);
  if (b.bucket != NULL && b.part != NULL)
    take_pages(&b);
  else
    why = "there is no memory to read it";
  free(b.value.bytes);
  free(b.part);
  free(b.bucket);
  return why;
}
