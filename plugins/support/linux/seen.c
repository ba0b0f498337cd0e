#include <stdlib.h>
#include <string.h>

#include "support/files.h"

struct sup_pair {
  uint64_t dev;
  uint64_t ino; /* 0: free */
};

enum { ROOM_FIRST = 4096 };
#define ROOM_MAX (UINT64_C(1) << 24)

static struct sup_pair *slot_of(struct sup_pair *slots, size_t room, uint64_t dev, uint64_t ino)
{
  uint64_t h = (ino * UINT64_C(0x9E3779B97F4A7C15)) ^ (dev * UINT64_C(0xC2B2AE3D27D4EB4F));
  size_t i = (size_t)(h ^ (h >> 29)) & (room - 1);
  while (slots[i].ino != 0 && (slots[i].ino != ino || slots[i].dev != dev))
    i = (i + 1) & (room - 1);
  return &slots[i];
}

static bool grow(sup_seen *s)
{
  size_t room = s->room == 0 ? ROOM_FIRST : s->room * 2;
  struct sup_pair *slots = room <= ROOM_MAX ? calloc(room, sizeof(*slots)) : NULL;
  if (slots == NULL)
    return false;
  for (size_t i = 0; i < s->room; i++) {
    if (s->slots[i].ino != 0)
      *slot_of(slots, room, s->slots[i].dev, s->slots[i].ino) = s->slots[i];
  }
  free(s->slots);
  s->slots = slots;
  s->room = room;
  return true;
}

bool sup_seen_add(sup_seen *s, uint64_t dev, uint64_t ino)
{
  if (ino == 0)
    return true;
  /* What does not fit any more is scanned twice, if it comes twice. */
  if (!s->full && (s->count + 1) * 4 > s->room * 3)
    s->full = !grow(s);
  if (s->room == 0)
    return true;
  struct sup_pair *p = slot_of(s->slots, s->room, dev, ino);
  if (p->ino != 0)
    return false;
  if ((s->count + 1) * 8 > s->room * 7)
    return true;
  *p = (struct sup_pair){.dev = dev, .ino = ino};
  s->count++;
  return true;
}

void sup_seen_clear(sup_seen *s)
{
  if (s->slots != NULL)
    memset(s->slots, 0, s->room * sizeof(*s->slots));
  s->count = 0;
  s->full = false;
}

void sup_seen_release(sup_seen *s)
{
  free(s->slots);
  *s = (sup_seen){0};
}
