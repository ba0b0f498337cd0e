/* The capabilities of ABI 1 and the functions of their tables, as data. */
#ifndef PH_CAPABILITY_H
#define PH_CAPABILITY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* A slot of a capability's table. */
typedef struct ph_function {
  const char *name;
  size_t offset;   /* in cordon_state or cordon_job */
  bool optional;   /* a plugin may leave it out */
  bool background; /* runs beside the others and counts as none: watch */
} ph_function;

#define PH_FUNCTIONS_MAX 6u

typedef struct ph_capability {
  const char *name; /* between our processes: "isolate" */
  const char *id;   /* towards the plugin: "cordon.isolate/1" */
  const ph_function *functions;
  size_t count;      /* of functions, at most PH_FUNCTIONS_MAX */
  size_t table_size; /* of the table, as this host knows it */
  bool packs;        /* its operations may make a package */
} ph_capability;

/* NULL if ABI 1 has no capability of that name. */
const ph_capability *ph_capability_find(cd_str name);
/* NULL if the capability has no such function. */
const ph_function *ph_function_find(const ph_capability *capability, const char *name);

#endif
