/* Which generations of the kernel's rules we made ourselves. The kernel tells who made one, but as
 * a thread's number in the first PID namespace, which a process in another one cannot know of
 * itself. So each load of ours asks for the generation before and after: if they are neighbours,
 * the one in between was ours. If somebody else got in between, none counts as ours: a watch says
 * too much rather than too little. */
#ifndef ISO_GENS_H
#define ISO_GENS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "support/err.h"

enum { ISO_GENS_KEPT = 64 };

typedef struct iso_gens {
  pthread_mutex_t lock;
  bool loading;
  uint32_t before;
  uint32_t ours[ISO_GENS_KEPT]; /* a ring */
  uint32_t count;
} iso_gens;

typedef enum iso_maker { ISO_THEIRS, ISO_OURS, ISO_UNSETTLED } iso_maker;

/* The kernel's generation now. */
cordon_status iso_gens_current(uint32_t *ret_generation, sup_err *err);

/* Around each load. Loads do not overlap: the plugin runs one operation at a time. */
cordon_status iso_gens_begin(iso_gens *g, sup_err *err);
void iso_gens_end(iso_gens *g);

/* Is the generation still the one that the last load made, with none in between? Then what was read
 * since is what was loaded, and nobody else's. */
cordon_status iso_gens_undisturbed(iso_gens *g, bool *ret_undisturbed, sup_err *err);

/* ISO_UNSETTLED while a load of ours is under way that may have made it. */
iso_maker iso_gens_maker(iso_gens *g, uint32_t generation);

#endif
