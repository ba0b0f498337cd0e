/* What the kernel tells of sockets over NETLINK_SOCK_DIAG. Pure functions over bytes that may be
 * nonsense. */
#ifndef ISO_DIAG_H
#define ISO_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/inet_diag.h>

#include "addr.h"

typedef struct iso_socket {
  iso_addr local; /* IPv4 for an IPv4-mapped address, whatever the socket's family */
  iso_addr remote;
  uint16_t local_port; /* of a raw socket: its protocol */
  uint16_t remote_port;
  bool has_mark;
  uint32_t mark;
  uint32_t inode;  /* 0: not told, or no file holds it */
  uint32_t user;   /* who made it */
  uint64_t cgroup; /* in which it was made; 0: not told */
  uint8_t family;  /* AF_INET, AF_INET6: the socket's own */
  uint8_t state;
  struct inet_diag_sockid id; /* with the cookie, to name exactly this socket */
} iso_socket;

typedef struct iso_dump {
  bool done;        /* the end of the dump was seen */
  bool interrupted; /* the kernel says that the dump is not consistent */
  int os_error;     /* the kernel refused, 0 if not */
} iso_dump;

typedef void iso_socket_fn(void *data, const iso_socket *socket);

/* Calls `fn` for each socket in a part of the answer to a dump, and notes in `dump` how the dump
 * stands. */
void iso_diag_walk(const unsigned char *bytes, size_t len, iso_dump *dump, iso_socket_fn *fn,
                   void *data);

#endif
