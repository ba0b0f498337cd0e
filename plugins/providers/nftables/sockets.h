/* Ending the sockets that the rules have cut off, so that programs notice at once, and so that
 * nothing comes back to life when the rules are changed. */
#ifndef ISO_SOCKETS_H
#define ISO_SOCKETS_H

#include "diag.h"
#include "locals.h"
#include "params.h"
#include "support/call.h"

/* TCP ports that are listened on. */
typedef struct iso_ports {
  uint8_t bits[65536 / 8];
} iso_ports;

/* By anybody on this device, and by each of the excluded services. */
typedef struct iso_listened {
  iso_ports any;
  iso_ports by_service[ISO_GROUPS_MAX];
} iso_listened;

void iso_listened_add(iso_listened *l, const iso_params *p, const iso_socket *listener);

typedef struct iso_ended {
  uint32_t ended;
  uint32_t failed; /* could not be ended, and were still there */
  uint32_t passes;
  bool unsupported; /* the kernel cannot end sockets (CONFIG_INET_DIAG_DESTROY) */
  bool remaining;   /* the last pass still found some */
} iso_ended;

/* Must this socket stay: because it is the agent's, because it does not leave the device, or
 * because an exclusion lets it through? Of a TCP socket on a port that somebody listens on it is
 * the remote that opened it; that it is a service's, the service itself has to listen there. */
bool iso_socket_stays(const iso_params *p, const iso_locals *locals, const iso_listened *listened,
                      uint8_t protocol, const iso_socket *s);

/* Ends what must not stay: TCP in every state of a connection, connected UDP and raw sockets. Looks
 * again, since sockets come and go while it looks, until a pass finds none. */
cordon_status iso_sockets_end(const iso_params *p, const sup_call *call, const iso_locals *locals,
                              iso_ended *ret_ended, sup_err *err);

/* The same in another namespace, through a socket of NETLINK_SOCK_DIAG that was made there, and
 * with the addresses of all namespaces of this machine: what does not leave it stays, nothing else.
 */
bool iso_socket_stays_elsewhere(const iso_locals *locals, const iso_socket *s);
cordon_status iso_sockets_end_elsewhere(const iso_params *p, const sup_call *call,
                                        const iso_locals *locals, int fd, iso_ended *ret_ended,
                                        sup_err *err);

/* What iso_sockets_show() tells of. `listens`: a TCP socket that waits for connections, which is
 * told before all others; else one that would be ended, and whether the remote opened it. */
typedef struct iso_shown {
  const iso_socket *socket;
  uint8_t protocol;
  bool listens;
  bool opened_by_remote;
} iso_shown;
typedef void iso_shown_fn(void *data, const iso_shown *shown);

/* Shows what iso_sockets_end() would find at its first pass, and ends nothing. */
cordon_status iso_sockets_show(const iso_params *p, const sup_call *call, iso_shown_fn *fn,
                               void *data, sup_err *err);

/* Why sockets may be left, a part of a sentence; NULL if none is. */
const char *iso_ended_note(const iso_ended *e);

/* Can this kernel end sockets? */
bool iso_sockets_can_end(void);

#endif
