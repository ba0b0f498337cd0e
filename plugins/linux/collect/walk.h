/* A walk over a folder and all that is below it: one thread reads names and hands over what was
 * seen, in the order of the folders, while both look at the entries. Other file systems are told
 * and not entered. */
#ifndef COLLECT_WALK_H
#define COLLECT_WALK_H

#include "collect.h"
#include "hands.h"

enum { COL_ENTRY_NAME = 256 };

/* An entry of a folder, and what was seen of it. */
typedef struct col_entry {
  char name[COL_ENTRY_NAME];
  unsigned char type; /* as the folder says */
  bool there;
  bool far;        /* it may hang, and was not touched */
  bool mounted;    /* something is mounted over it, of which this is told */
  bool not_hashed; /* as there were so many before */
  int error;       /* an errno: it is there, and cannot be told of */
  struct stat st;
  int64_t born;
  const char *kind;
  char *attributes; /* or NULL */
  char *target;     /* or NULL */
  char sha256[COL_SHA256_HEX + 1];
} col_entry;

typedef struct col_walk_calls {
  void *data;
  /* Looks at an entry of `dir`, which `folder` names: on either thread. */
  void (*look)(void *data, int dir, const char *folder, col_entry *e);
  /* Takes one that is there: on the caller's thread. False: no more. */
  bool (*put)(void *data, const col_entry *e, const char *path);
} col_walk_calls;

/* Walks the open folder `fd`, which `path` names, and closes it. Without `hands` alone. False: it
 * was stopped. */
bool col_walk(col_task *t, col_hands *hands, int fd, const char *path, const col_walk_calls *calls);

#endif
