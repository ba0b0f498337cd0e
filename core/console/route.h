/* Which resource a path names. Pure functions over decoded paths: in any case, with or without a
 * slash at the end, with or without the version, with OData's functions. */
#ifndef CON_ROUTE_H
#define CON_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "base/str.h"
#include "odata.h"

#define CON_CAPTURES 2u
#define CON_ARGUMENTS 4u

typedef enum con_verb { CON_OTHER = 0, CON_GET, CON_POST, CON_PATCH, CON_DELETE } con_verb;

typedef struct con_match {
  cd_str captured[CON_CAPTURES]; /* what stood where the pattern has '*' */
  unsigned captures;
  cd_str arguments; /* of a function: between its parentheses */
} con_match;

/* What follows "/api/" or "/api/v1.0/", without slashes at the end. False: no path of the API. */
bool con_route_api(cd_str path, cd_str *ret_rest);
/* `pattern` has lower-case segments, '*' for any one segment (not empty), and "()" behind the name
 * of a function: "machines/findbyip()". `path` has no slash in front. */
bool con_route_match(const char *pattern, cd_str path, con_match *ret_match);
/* name='text',name=bare: strings without their quotes; '' within one is refused. Views into `text`.
 */
CD_MUST_USE cd_code con_route_arguments(cd_str text, con_param ret_arguments[CON_ARGUMENTS],
                                        size_t *ret_count, cd_err *err);

#endif
