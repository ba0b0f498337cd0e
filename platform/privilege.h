/* The names of privileges, shared by the manifest's reader and by the report of what was applied.
 */
#ifndef PF_PRIVILEGE_H
#define PF_PRIVILEGE_H

#include <stddef.h>
#include <stdint.h>

typedef struct pf_privilege {
  const char *name;
  uint32_t bit;
} pf_privilege;

/* All of them, in the order of the bits; *ret_count says how many. */
const pf_privilege *pf_privileges(size_t *ret_count);

#endif
