/* A package that is written into a folder of the test's own, and a tree of files that stands for a
 * device. */
#ifndef COLLECT_BED_H
#define COLLECT_BED_H

#include "collect.h"

typedef struct bed_folder {
  char path[256];
  int fd; /* the file that is open, or -1 */
  uint64_t id;
  unsigned files;
  uint64_t limit;      /* bytes of all files; 0: none */
  uint64_t last_limit; /* the same, and the last ones have to keep to it too */
  uint64_t bytes;
  int incomplete;
} bed_folder;

/* The sink that writes below `to->path`. */
col_sink bed_folder_sink(bed_folder *to);

#endif
