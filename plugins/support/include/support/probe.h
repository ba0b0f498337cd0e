/* Network probes: one packet or one connection attempt each, non-blocking, many at once, all ended
 * by one deadline.
 *
 * They answer two questions apart: did the kernel let the packet out (`left`), and did anything
 * come back (`answered`). A probe of a blocked path needs the first: a packet that the local
 * firewall drops is refused at send with EPERM, which nothing remote can cause. */
#ifndef SUP_PROBE_H
#define SUP_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/socket.h>

typedef enum sup_probe_kind {
  SUP_PROBE_NONE,
  SUP_PROBE_TCP,  /* connect() */
  SUP_PROBE_UDP,  /* one datagram */
  SUP_PROBE_ICMP, /* one echo request; ICMPv6 for an IPv6 address. Needs a raw socket */
  SUP_PROBE_SYN   /* one TCP SYN through a raw socket: says whether the kernel lets it out, which
                     connect() hides */
} sup_probe_kind;

typedef struct sup_probe {
  sup_probe_kind kind;
  struct sockaddr_storage to; /* with port, and with scope for a link-local address */
  const void *payload;        /* of a datagram; may be NULL */
  size_t payload_len;
  uint32_t mark;      /* SO_MARK; 0: none */
  const char *device; /* SO_BINDTODEVICE; NULL: by the routes */

  bool left;     /* the kernel took the packet (not known of TCP) */
  bool answered; /* connected, or a datagram came back */
  int os_error;  /* of the step that failed, 0 if none did */
  int fd;        /* while it waits for an answer, else -1 */
} sup_probe;

/* Starts the probe and fills what is known at once. It is over if `fd` is -1 afterwards. */
void sup_probe_start(sup_probe *p);

/* Waits until each of the probes is over, at most until `deadline_ms` of sup_now_ms(), and closes
 * them. */
void sup_probe_wait(sup_probe *probes, size_t count, uint64_t deadline_ms);

#endif
