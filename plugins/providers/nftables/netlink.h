/* Netlink sockets, and taking netlink messages apart. The walkers are pure functions over bytes
 * that may be cut short or nonsense. */
#ifndef ISO_NETLINK_H
#define ISO_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/err.h"

enum { ISO_NETLINK_BUFFER = 256 * 1024 };

/* One message: the bytes behind its header. */
typedef struct iso_message {
  uint16_t type;
  uint16_t flags;
  uint32_t sequence;
  const unsigned char *payload;
  size_t len;
} iso_message;

/* Takes the next message off the front of `*bytes`; false at the end or where the rest is
 * malformed. */
bool iso_message_next(const unsigned char **bytes, size_t *len, iso_message *ret_message);

/* One attribute of a message. */
typedef struct iso_attribute {
  uint16_t type;
  const unsigned char *value;
  size_t len;
} iso_attribute;

bool iso_attribute_next(const unsigned char **bytes, size_t *len, iso_attribute *ret_attribute);

/* The error in an acknowledgement: 0 for success, an errno otherwise, -1 if the message is none. */
int iso_message_error(const iso_message *m);

/* A non-blocking socket of this protocol that hears `group` (0: none). */
cordon_status iso_netlink_open(int protocol, unsigned group, int *ret_fd, sup_err *err);

/* Sends the bytes of a request. */
cordon_status iso_netlink_send(int fd, const void *request, size_t len, sup_err *err);

/* Waits for bytes from the kernel until `deadline_ms`. Other senders' are ignored. */
cordon_status iso_netlink_receive(int fd, void *buffer, size_t size, uint64_t deadline_ms,
                                  size_t *ret_len, sup_err *err);

/* One request on a socket of its own, and the first bytes that come back, within two seconds. */
cordon_status iso_netlink_ask(int protocol, const void *request, size_t len, void *answer,
                              size_t size, size_t *ret_len, sup_err *err);

/* The same of NETLINK_NETFILTER, on a socket that is kept. Of any thread. */
cordon_status iso_netlink_ask_nftables(const void *request, size_t len, void *answer, size_t size,
                                       size_t *ret_len, sup_err *err);

/* Likewise for an answer in parts. `take` gets each and says whether more is to come. */
typedef bool iso_part_fn(void *data, const unsigned char *bytes, size_t len);
cordon_status iso_netlink_dump_nftables(const void *request, size_t len, iso_part_fn *take,
                                        void *data, sup_err *err);

#endif
