/* The places of the registry from which something starts by itself. */
#ifndef READ_ASEP_H
#define READ_ASEP_H

#include <stddef.h>

#include "read.h"

typedef enum asep_root {
  ASEP_SOFTWARE = 1,      /* HKLM\SOFTWARE, both views */
  ASEP_USER_SOFTWARE = 2, /* HKU\SID\SOFTWARE */
  ASEP_SYSTEM = 4,        /* HKLM\SYSTEM\CurrentControlSet */
  ASEP_USER = 8,          /* HKU\SID */
  ASEP_CLASSES = 16,      /* HKLM\SOFTWARE\Classes, both views */
  ASEP_USER_CLASSES = 32, /* HKU\SID_Classes */
  ASEP_MACHINE = 64       /* HKLM\SYSTEM itself */
} asep_root;

#define ASEP_BOTH (ASEP_SOFTWARE | ASEP_USER_SOFTWARE)
#define ASEP_ALL_CLASSES (ASEP_CLASSES | ASEP_USER_CLASSES)

typedef struct asep {
  const char *file;
  unsigned roots;
  const wchar_t *path;   /* a part that is `*` stands for every key there */
  unsigned depth;        /* of the keys below that are gone into */
  const wchar_t *values; /* those that matter, with blanks between; NULL: all. `_` is a key's own;
                            a blank in a name is a `?` */
} asep;

const asep *win_aseps(size_t *ret_count);

#endif
