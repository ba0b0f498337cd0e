/* `Packages.db` of ndb: a head, pages of slots, and behind them the headers, in blocks of 16 bytes.
 * Numbers are little-endian. Layout: lib/backend/ndb/rpmpkg.c of rpm 4.14 and later. */
#include "rpm_older.h"

#include <stdlib.h>
#include <string.h>

enum {
  PAGE = 4096,
  SLOT = 16,
  BLOCK = 16,
  SLOTS_BEFORE = 2, /* where the head is */
  BLOB_HEAD = 16,
  BLOB_TAIL = 12,
  VERSION_AT = 4,
  SLOT_PAGES_AT = 12
};

typedef struct ndb {
  col_rpm_older *from;
  uint32_t slot_pages;
  col_rpm_room blob;
  bool ended;
} ndb;

static uint32_t number(const unsigned char *at)
{
  return (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

static const char *read_head(ndb *n)
{
  unsigned char head[SLOTS_BEFORE * SLOT];
  if (!col_rpm_read_at(n->from, 0, head, sizeof(head)))
    return "it is shorter than its head";
  if (memcmp(head, "RpmP", 4) != 0)
    return "it is no database of ndb";
  if (number(head + VERSION_AT) != 0)
    return "it is of a version of ndb that is not known";
  n->slot_pages = number(head + SLOT_PAGES_AT);
  if (n->slot_pages == 0 || n->slot_pages > n->from->size / PAGE)
    return "its table of packages is missing, or longer than itself";
  return NULL;
}

/* The blob repeats the number of its package, so what was moved meanwhile is found out. */
static bool read_blob(ndb *n, const unsigned char *slot, uint32_t *ret_len)
{
  unsigned char head[BLOB_HEAD];
  uint64_t at = (uint64_t)number(slot + 8) * BLOCK;
  uint64_t room = (uint64_t)number(slot + 12) * BLOCK;
  if (at < (uint64_t)n->slot_pages * PAGE || room < BLOB_HEAD + BLOB_TAIL ||
      !col_rpm_read_at(n->from, at, head, sizeof(head)) || memcmp(head, "BlbS", 4) != 0 ||
      number(head + 4) != number(slot + 4))
    return false;
  *ret_len = number(head + 12);
  return *ret_len <= room - BLOB_HEAD - BLOB_TAIL && col_rpm_make_room(&n->blob, *ret_len) &&
         col_rpm_read_at(n->from, at + BLOB_HEAD, n->blob.bytes, *ret_len);
}

static void take_slot(ndb *n, const unsigned char *slot)
{
  uint32_t len = 0;
  if (memcmp(slot, "Slot", 4) != 0)
    n->from->damaged++;
  else if (number(slot + 8) == 0)
    return; /* free */
  else if (read_blob(n, slot, &len))
    n->ended = !n->from->header(n->from->data, n->blob.bytes, len);
  else
    n->from->damaged++;
}

static void take_slots(ndb *n)
{
  unsigned char page[PAGE];
  for (uint32_t i = 0; i < n->slot_pages && !n->ended; i++) {
    if (!col_rpm_read_at(n->from, (uint64_t)i * PAGE, page, sizeof(page))) {
      n->from->damaged++;
      return;
    }
    for (size_t at = i == 0 ? SLOTS_BEFORE * SLOT : 0; at < PAGE && !n->ended; at += SLOT) {
      if (n->from->stop(n->from->data))
        return;
      take_slot(n, page + at);
    }
  }
}

const char *col_rpm_ndb(col_rpm_older *o)
{
  ndb n = {.from = o};
  const char *why = read_head(&n);
  if (why == NULL)
    take_slots(&n);
  free(n.blob.bytes);
  return why;
}
