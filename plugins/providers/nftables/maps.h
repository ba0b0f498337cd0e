/* What is in the maps of services, against the services that run. */
#ifndef ISO_MAPS_H
#define ISO_MAPS_H

#include "elements.h"
#include "params.h"

enum { ISO_IN_MAPS_MAX = 256, ISO_LOADED_MAX = 2 * ISO_GROUPS_MAX * ISO_GROUP_PLACES };

/* A group that a service's exclusions count for. */
typedef struct iso_let {
  uint64_t id;
  uint8_t level;
  uint8_t service; /* its place among the parameters */
  uint8_t way;     /* 0: in, 1: out */
} iso_let;

typedef struct iso_in_maps {
  iso_let items[ISO_IN_MAPS_MAX];
  size_t count;
  bool foreign; /* there is also what we never load */
} iso_in_maps;

/* The groups that we loaded ourselves: one of these that is gone is no surprise. Of either way. */
typedef struct iso_loaded {
  iso_let items[ISO_LOADED_MAX];
  size_t count;
} iso_loaded;

typedef enum iso_groups_state {
  ISO_GROUPS_RIGHT = 0,
  ISO_GROUPS_STALE,  /* a group that should be there is missing, or one is there that is gone */
  ISO_GROUPS_FOREIGN /* a group is let through that is none of these services' */
} iso_groups_state;

/* Adds those that were found to run. */
void iso_loaded_add(iso_loaded *l, const iso_params *p);

bool iso_loaded_same(const iso_loaded *a, const iso_loaded *b);

/* Is the set one of the maps? Its name begins as theirs do. Pure. */
bool iso_is_map(const char *set);

/* Adds an element of that map. Pure. */
void iso_in_maps_add(iso_in_maps *m, const char *set, const iso_element *e);

/* Reads all of the maps among these sets. */
cordon_status iso_in_maps_read(const iso_table *table, const iso_sets *sets, iso_in_maps *ret_maps,
                               sup_err *err);

/* `loaded`: NULL if nothing is known of it, when a group that is gone may have been one of ours.
 * Pure. */
iso_groups_state iso_groups_compare(const iso_in_maps *m, const iso_params *p,
                                    const iso_loaded *loaded);

#endif
