/* What the kernel says of the way to one address: the route, and the IPsec policies. Pure functions
 * over bytes that may be cut short or nonsense. */
#ifndef ISO_ROUTES_H
#define ISO_ROUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

typedef struct iso_route {
  bool there;         /* packets to it leave by `interface` */
  unsigned interface; /* index */
  iso_addr source;    /* family 0: not told */
} iso_route;

/* Of the answer to RTM_GETROUTE. */
void iso_route_read(const unsigned char *bytes, size_t len, iso_route *ret_route);

/* Where a TCP connection goes. */
typedef struct iso_target_flow {
  iso_addr source; /* family 0: not known */
  iso_addr to;
  uint16_t port;
} iso_target_flow;

/* Notes in `*found` whether a policy in a part of the answer to XFRM_MSG_GETPOLICY puts the flow
 * into IPsec, and in `*ret_outer` where that is sent to (family 0: to the address itself). `*done`:
 * the end of the dump was seen. */
void iso_policies_walk(const unsigned char *bytes, size_t len, const iso_target_flow *flow,
                       bool *done, bool *found, iso_addr *ret_outer);

#endif
