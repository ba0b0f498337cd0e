/* The interfaces of this device as rtnetlink tells them, and which of them are tunnels. Pure
 * functions over bytes that may be cut short or nonsense. */
#ifndef ISO_NETIFS_H
#define ISO_NETIFS_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

enum { ISO_NETIF_KIND = 16 };

typedef struct iso_netif {
  unsigned index;
  unsigned master;           /* of a bridge, bond or VRF; 0: none */
  char name[IF_NAMESIZE];    /* printable ASCII */
  char kind[ISO_NETIF_KIND]; /* "wireguard", "bridge"; empty: hardware, or not told */
  uint16_t hardware;         /* ARPHRD_* */
  bool up;
  iso_addr outer;      /* where a tunnel sends to; family 0: not told */
  uint16_t outer_port; /* host order; 0: none, or not told */
} iso_netif;

/* How a tunnel's own packets leave. */
typedef struct iso_tunnel {
  const char *kind;
  const char *name;  /* in a sentence */
  uint8_t protocol;  /* ISO_UDP, ISO_OTHER; 0: a program sends them, as it likes */
  bool may_be_local; /* it may well send frames that are no IP packets */
} iso_tunnel;

typedef void iso_netif_fn(void *data, const iso_netif *netif);

/* Calls `fn` for each interface in a part of the answer to a dump. `*done`: its end was seen. */
void iso_netifs_walk(const unsigned char *bytes, size_t len, bool *done, iso_netif_fn *fn,
                     void *data);

/* NULL if it is none. */
const iso_tunnel *iso_netif_tunnel(const iso_netif *n);

#endif
