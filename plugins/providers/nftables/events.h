/* What the kernel tells of changes to nftables: first a notice for each object of a transaction,
 * then one for the new generation, with who made it. */
#ifndef ISO_EVENTS_H
#define ISO_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ISO_EVENT_NAME = 32 };

typedef struct iso_event {
  bool touches_us;     /* an object of our table was made, changed or deleted */
  bool new_generation; /* a transaction is complete; the rest is about it */
  uint32_t generation;
  uint32_t thread; /* who made it, in the numbers of the first PID namespace; 0: not told */
  char name[ISO_EVENT_NAME];
} iso_event;

typedef void iso_event_fn(void *data, const iso_event *event);

/* Calls `fn` for each notice in what was received. Pure, over bytes that may be nonsense. */
void iso_events_walk(const unsigned char *bytes, size_t len, iso_event_fn *fn, void *data);

#endif
