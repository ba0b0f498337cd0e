/* Services by their control groups of the second hierarchy, which the rules tell packets by: a
 * socket belongs to the group that it was made in. A group goes with the last process of its
 * service and comes back as another one, so which it is has to be looked up again and again. */
#ifndef ISO_GROUPS_H
#define ISO_GROUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/err.h"

enum {
  ISO_GROUPS_MAX = 16,
  ISO_GROUP_NAME = 256, /* systemd's own limit, and its end */
  ISO_GROUP_PATH = 512,
  ISO_GROUP_LEVELS = 5, /* how deep a service may lie */
  ISO_GROUP_PLACES = 4, /* in how many slices one name counts */
  ISO_GROUP_BELOW = 512 /* groups of a service's own making, whose open connections stay */
};

/* Where nftables looks for them. */
#define ISO_GROUPS_FOLDER "/sys/fs/cgroup"

typedef struct iso_place {
  char path[ISO_GROUP_PATH]; /* below ISO_GROUPS_FOLDER */
  unsigned level;            /* how many names deep below the top of the hierarchy */
  uint64_t id;
} iso_place;

typedef struct iso_group {
  char name[ISO_GROUP_NAME];          /* of the service */
  iso_place places[ISO_GROUP_PLACES]; /* the least deep first, then by name */
  size_t place_count;                 /* 0: it does not run */
  bool more_places;                   /* than count */
  uint64_t *below;                    /* NULL: not asked for */
  size_t below_count;
  bool more_below; /* than could be seen or kept */
} iso_group;

/* A unit's name as systemd allows it, of a kind whose processes or sockets are in a group:
 * *.service and *.socket, but no template without its instance. Pure. */
bool iso_group_name_good(const char *name);

/* Does it do what any user asks of it, so that its exclusion is one of all users? Known by name.
 * Pure. */
bool iso_group_acts_for_users(const char *name);

/* The unit of a group's folder, within its name: systemd writes a `_` before what could be taken
 * for a file of the kernel's (`cpu.service`), and before a `_`. Pure. */
const char *iso_group_unit(const char *folder);

/* Is that number its group's, or that of a group below? */
bool iso_group_has(const iso_group *g, uint64_t id);

/* The folder of the hierarchy below ISO_GROUPS_FOLDER below `root` ("" for this device's own):
 * "" or "unified". NULL: there is none. */
const char *iso_groups_top(const char *root);

/* Looks up all of them: in the top of the hierarchy and in slices within slices, whose owner is the
 * top's. What is in no slice is not looked at, so that nobody but that owner can make one.
 * CORDON_E_UNSUPPORTED: there is no such hierarchy, and none runs. Any other failure tells nothing
 * about them, and they stay as they were. `ret_more`: there are more slices than were looked at. */
cordon_status iso_groups_find(const char *root, iso_group *groups, size_t count, bool *ret_more,
                              sup_err *err);

/* Adds the groups below those that were found. */
void iso_groups_find_below(const char *root, iso_group *groups, size_t count);

/* Does any of them run, as they were looked up? */
bool iso_groups_any(const iso_group *groups, size_t count);

/* Whose group the process is in by the text of its /proc/PID/cgroup; NULL: none of these. Pure. */
const iso_group *iso_groups_of_process(const char *text, const iso_group *groups, size_t count);

/* Can the rules tell packets by group here? Changes nothing. `known`: whether the kernel can, where
 * it was tried before; a try takes some milliseconds. */
cordon_status iso_groups_work(bool *known, sup_err *err);

#endif
