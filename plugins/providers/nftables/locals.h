/* The addresses of this device, and its interfaces that are up. */
#ifndef ISO_LOCALS_H
#define ISO_LOCALS_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "addr.h"

enum { ISO_LOCALS_MAX = 4096, ISO_LINKS_MAX = 16 };

typedef struct iso_link {
  char name[IF_NAMESIZE];
  unsigned index;
} iso_link;

typedef struct iso_locals {
  iso_addr *addrs;
  size_t count;
  iso_link links[ISO_LINKS_MAX]; /* up, and no loopback */
  size_t link_count;
  bool can_send[2]; /* IPv4, IPv6: an interface that is up, and no loopback, has an address to send
                       from */
} iso_locals;

cordon_status iso_locals_read(iso_locals *ret_locals, sup_err *err);
/* Adds the addresses in a part of the answer to RTM_GETADDR; false once there are too many. Pure,
 * over bytes that may be nonsense. `ret_done`: the end of the answer was seen. */
bool iso_locals_walk(const unsigned char *bytes, size_t len, iso_locals *l, bool *ret_done);
bool iso_locals_has(const iso_locals *l, const iso_addr *a);
void iso_locals_release(iso_locals *l);

#endif
