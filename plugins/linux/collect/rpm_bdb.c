/* The hash `Packages` of Berkeley DB: pages, of which those of buckets list keys and values by
 * turns. A long value is in a chain of pages of its own. The buckets' order does not matter, so the
 * pages are gone through as they lie; then it is looked whether each bucket was among them, with
 * all pages that it goes on in. Layout: dbinc/db_page.h and dbinc/hash.h of Berkeley DB 4 and 5. */
#include "rpm_older.h"

#include <stdlib.h>
#include <string.h>

enum {
  META = 512, /* what every page has at least */
  MAGIC = 0x00061561,
  MAGIC_AT = 12,
  VERSION_AT = 16,
  VERSION_MIN = 8, /* of Berkeley DB 4.2 */
  VERSION_MAX = 10,
  PAGE_SIZE_AT = 20,
  ENCRYPTED_AT = 24,
  META_TYPE_AT = 25,
  FLAGS_AT = 26,
  SUMS_OF_PAGES = 1,
  LAST_PAGE_AT = 32,
  PAGES_MAX = 1 << 24, /* 64 GiB of pages of the usual size */
  LAST_BUCKET_AT = 72,
  SPARES_AT = 96, /* how far a bucket's page is from its number, by powers of two */
  SPARES = 32,
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
  uint32_t last_bucket;
  uint32_t spares[SPARES];
  unsigned char *met;    /* a bit for each page: it is of a bucket */
  unsigned char *wanted; /* it ought to be */
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
  uint32_t version = number(b, meta + VERSION_AT);
  if (version < VERSION_MIN || version > VERSION_MAX)
    return "it is of a version of Berkeley DB that is not known";
  if (meta[ENCRYPTED_AT] != 0 || (meta[FLAGS_AT] & SUMS_OF_PAGES) != 0)
    return "its pages are encrypted or have checksums, which rpm does not use";
  b->page_size = number(b, meta + PAGE_SIZE_AT);
  if (b->page_size < PAGE_MIN || b->page_size > PAGE_MAX || !is_power_of_two(b->page_size))
    return "its size of a page is none";
  uint64_t pages = b->from->size / b->page_size;
  b->last_page = number(b, meta + LAST_PAGE_AT);
  if (pages == 0)
    return "it is shorter than a page";
  if (b->last_page >= PAGES_MAX)
    return "it has more pages than packages need";
  if (b->last_page >= pages) {
    b->from->damaged++; /* shorter than it says */
    b->last_page = (uint32_t)pages - 1;
  }
  b->last_bucket = number(b, meta + LAST_BUCKET_AT);
  for (size_t i = 0; i < SPARES; i++)
    b->spares[i] = number(b, meta + SPARES_AT + i * 4);
  return NULL;
}

static bool read_page(const bdb *b, uint32_t page, unsigned char *ret_bytes)
{
  return page <= b->last_page && !b->from->stop(b->from->data) &&
         col_rpm_read_at(b->from, (uint64_t)page * b->page_size, ret_bytes, b->page_size);
}

/* Each page of the chain brings at least one byte, so it ends. */
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
  return page == 0;
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

/* Record 0 is no package: it holds the last number that was given. */
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
  if (entries > (b->page_size - HEAD) / 2 || entries % 2 != 0) {
    b->from->damaged++;
    return;
  }
  for (uint32_t i = 1; i < entries && !b->ended; i += 2)
    take_value(b, i);
}

static void set_bit(unsigned char *bits, uint32_t i)
{
  bits[i / 8] |= (unsigned char)(1u << i % 8);
}

static void want(bdb *b, uint64_t page)
{
  if (page <= b->last_page)
    set_bit(b->wanted, (uint32_t)page);
  else
    b->from->damaged++;
}

static void take_pages(bdb *b)
{
  for (uint32_t page = 1; page <= b->last_page && !b->ended; page++) {
    if (!read_page(b, page, b->bucket)) {
      b->from->damaged++;
      return;
    }
    uint8_t type = b->bucket[TYPE_AT];
    if ((type != BUCKET && type != BUCKET_UNSORTED) || number(b, b->bucket + OWN_NUMBER_AT) != page)
      continue;
    set_bit(b->met, page);
    uint32_t next = number(b, b->bucket + NEXT_AT);
    if (next != 0)
      want(b, next);
    take_bucket(b);
  }
}

/* Page numbers count from the buckets' own, with a distance that grows with each power of two. */
static void want_buckets(bdb *b)
{
  size_t bits = 0;
  for (uint64_t bucket = 0; bucket <= b->last_bucket && bucket <= b->last_page; bucket++) {
    while (bucket >> bits != 0)
      bits++;
    want(b, bucket + b->spares[bits]);
  }
  if (b->last_bucket > b->last_page)
    b->from->damaged++;
}

static void count_missing(const bdb *b)
{
  for (uint32_t page = 0; page <= b->last_page; page++) {
    unsigned bit = 1u << page % 8;
    if ((b->wanted[page / 8] & bit) != 0 && (b->met[page / 8] & bit) == 0)
      b->from->damaged++;
  }
}

static const char *make_rooms(bdb *b)
{
  size_t bits = (size_t)b->last_page / 8 + 1;
  b->bucket = malloc(b->page_size);
  b->part = malloc(b->page_size);
  b->met = calloc(1, bits);
  b->wanted = calloc(1, bits);
  return b->bucket == NULL || b->part == NULL || b->met == NULL || b->wanted == NULL
             ? "there is no memory to read it"
             : NULL;
}

const char *col_rpm_bdb(col_rpm_older *o)
{
  bdb b = {.from = o};
  const char *why = read_meta(&b);
  if (why == NULL)
    why = make_rooms(&b);
  if (why == NULL) {
    want_buckets(&b);
    take_pages(&b);
    if (!b.ended)
      count_missing(&b);
  }
  free(b.value.bytes);
  free(b.wanted);
  free(b.met);
  free(b.part);
  free(b.bucket);
  return why;
}
