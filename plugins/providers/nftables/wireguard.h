/* Which peer of a WireGuard interface gets the packets to an address, and where it is. Pure
 * functions over bytes that may be cut short or nonsense. */
#ifndef ISO_WIREGUARD_H
#define ISO_WIREGUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

/* The number of a family of generic netlink, of the answer to CTRL_CMD_GETFAMILY; 0: there is none.
 */
uint16_t iso_family_read(const unsigned char *bytes, size_t len);

/* The peer with the narrowest prefix of allowed addresses around `to`. */
typedef struct iso_peer {
  bool found;
  uint8_t bits;      /* of its prefix */
  iso_addr endpoint; /* family 0: it has none yet */
  uint16_t port;
} iso_peer;

/* Looks for it in a part of the answer to WG_CMD_GET_DEVICE. `*done`: the end of the dump was seen.
 */
void iso_peers_walk(const unsigned char *bytes, size_t len, const iso_addr *to, bool *done,
                    iso_peer *peer);

#endif
