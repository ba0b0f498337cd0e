/* What the kernel tells of changes to links, addresses and routes. */
#ifndef ISO_NETWORK_H
#define ISO_NETWORK_H

#include <stdbool.h>
#include <stddef.h>

#include "support/err.h"

typedef struct iso_network {
  bool links;
  bool addresses;
  bool routes;
  bool lost; /* there were more notices than the kernel could keep */
} iso_network;

/* A socket that hears of them from now on. */
cordon_status iso_network_open(int *ret_fd, sup_err *err);

/* Notes what the notices in `bytes` are about. Pure, over bytes that may be nonsense. What changes
 * nothing for packets is left out: what a radio reports, and routes that a cache learns. */
void iso_network_walk(const unsigned char *bytes, size_t len, iso_network *network);

bool iso_network_moved(const iso_network *network);

#endif
