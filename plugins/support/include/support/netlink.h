/* Netlink sockets, and taking netlink messages apart. The walkers are pure functions over bytes
 * that may be cut short or nonsense. */
#ifndef SUP_NETLINK_H
#define SUP_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/err.h"

enum { SUP_NETLINK_BUFFER = 256 * 1024, SUP_REQUEST_MAX = 1024 };

/* One message: the bytes behind its header. */
typedef struct sup_message {
  uint16_t type;
  uint16_t flags;
  uint32_t sequence;
  uint32_t port; /* whom it answers, or who asks */
  const unsigned char *payload;
  size_t len;
} sup_message;

/* Takes the next message off the front of `*bytes`; false at the end or where the rest is
 * malformed. */
bool sup_message_next(const unsigned char **bytes, size_t *len, sup_message *ret_message);

/* One attribute of a message. */
typedef struct sup_attribute {
  uint16_t type;
  const unsigned char *value;
  size_t len;
} sup_attribute;

bool sup_attribute_next(const unsigned char **bytes, size_t *len, sup_attribute *ret_attribute);

/* The error in an acknowledgement: 0 for success, an errno otherwise, -1 if the message is none. */
int sup_message_error(const sup_message *m);

/* A non-blocking socket of this protocol that hears `group` (0: none). */
cordon_status sup_netlink_open(int protocol, unsigned group, int *ret_fd, sup_err *err);

/* Sends the bytes of a request. */
cordon_status sup_netlink_send(int fd, const void *request, size_t len, sup_err *err);

/* Waits for bytes from the kernel until `deadline_ms`. Other senders' are ignored. */
cordon_status sup_netlink_receive(int fd, void *buffer, size_t size, uint64_t deadline_ms,
                                  size_t *ret_len, sup_err *err);

/* One request on a socket of its own, and the first bytes that come back to it, within two seconds.
 * Here and below the request is numbered, at most SUP_REQUEST_MAX long, and what does not carry its
 * number is passed over. */
cordon_status sup_netlink_ask(int protocol, const void *request, size_t len, void *answer,
                              size_t size, size_t *ret_len, sup_err *err);

/* The same of NETLINK_NETFILTER, on a socket that is kept. Of any thread. */
cordon_status sup_netlink_ask_nftables(const void *request, size_t len, void *answer, size_t size,
                                       size_t *ret_len, sup_err *err);

/* Likewise for an answer in parts. `take` gets each and says whether it wants more. */
typedef bool sup_part_fn(void *data, const unsigned char *bytes, size_t len);
cordon_status sup_netlink_dump_nftables(const void *request, size_t len, sup_part_fn *take,
                                        void *data, sup_err *err);

#endif
