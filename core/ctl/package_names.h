/* The names of a package's entries and of the folders that these stand in, to be found by their
 * hash: a package may have many thousand. */
#ifndef CTL_PACKAGE_NAMES_H
#define CTL_PACKAGE_NAMES_H

#include "base/status.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

typedef struct ctl_names {
  struct ctl_name *slots; /* an open hash table; NULL: nothing was added yet */
  size_t count;
  uint64_t factor; /* odd, and another one each time: who chose the names cannot fill one place */
} ctl_names;

/* How a name may not stand beside those that are there. */
typedef enum ctl_name_clash {
  CTL_NAME_FREE,
  CTL_NAME_TWICE,     /* a file of that name is there */
  CTL_NAME_BOTH_KINDS /* it is a file where another needs a folder, or the other way round */
} ctl_name_clash;

/* Whether `name`, which cd_entry_name_check() took, may be added. *ret_entry: the number of the
 * entry that it clashes with. */
ctl_name_clash ctl_names_clash(const ctl_names *n, cd_str name, size_t *ret_entry);
/* Adds it as entry number `entry`, with its folders. CD_E_LIMIT: there are more than
 * CTL_PACKAGE_ENTRIES_MAX entries make; CD_E_INTERNAL: no memory. */
CD_MUST_USE cd_code ctl_names_add(ctl_names *n, cd_str name, size_t entry, cd_err *err);
/* The number of the file of that name, or of one that differs by the case of letters; SIZE_MAX:
 * there is none. */
size_t ctl_names_find(const ctl_names *n, cd_str name);
void ctl_names_release(ctl_names *n);

#endif
