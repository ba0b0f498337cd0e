/* What verify probes: for each kind of traffic one target of its own, that the rules count apart.
 * Targets are documentation addresses (RFC 5737, RFC 3849, RFC 9637) and one link-local address,
 * never anybody's. */
#ifndef ISO_TARGETS_H
#define ISO_TARGETS_H

#include "params.h"

enum { ISO_TARGETS = 8 };

typedef struct iso_target {
  const char *name; /* tcp4, ...; the rules' counter is `probe_` and this */
  uint8_t family;
  uint8_t protocol; /* ISO_TCP, ISO_UDP, ISO_ICMP */
  uint16_t port;    /* 0 for ICMP */
  iso_addr addr; /* a documentation address that no exclusion covers; family 0 if they cover all of
                    them */
  iso_addr
      on_link; /* IPv6: a link-local address for a device without an IPv6 route; family 0: none */
} iso_target;

/* A pure function of the parameters: apply writes the rules for the same targets that verify
 * probes. */
void iso_targets_choose(const iso_params *p, iso_target ret_targets[ISO_TARGETS]);

/* The exclusions together must leave something of each family closed: CORDON_E_INVALID where they
 * cover every target of one, since nothing could then show that the isolation holds for it. */
cordon_status iso_targets_check(const iso_params *p, sup_err *err);

#endif
