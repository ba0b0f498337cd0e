/* A test bed in two network namespaces that live as long as the test's process: `device`, which is
 * isolated, and `peer`, which is everybody else. One thread serves both: a socket stays in the
 * namespace it was made in.
 *
 *   device  10.77.0.10  fd77::10   default routes to the peer
 *   peer    10.77.0.1   fd77::1    the console
 *           10.77.0.2   fd77::2    some other host
 *           10.77.0.3   fd77::3    an excluded host
 *           10.77.1.5   fd77:0:0:1::5   behind the peer */
#ifndef BED_H
#define BED_H

#include <stdbool.h>
#include <stdint.h>

#define CONSOLE4 "10.77.0.1"
#define CONSOLE6 "fd77::1"
#define OTHER4 "10.77.0.2"
#define OTHER6 "fd77::2"
#define FRIEND4 "10.77.0.3"
#define FRIEND6 "fd77::3"
#define DEVICE4 "10.77.0.10"
/* The agent's mark. */
#define BED_MARK 0xc0d10001u
#define DEVICE6 "fd77::10"

typedef enum bed_side { BED_DEVICE, BED_PEER } bed_side;

/* Leaves the thread in the device's namespace. Fails the test if it cannot. */
void bed_make(void);
/* The device's namespace with nothing in it but loopback. */
void bed_make_empty(void);

/* Runs a line of shell in the device's namespace; fails the test unless it succeeds. */
void bed_shell(const char *line);
/* The same in the peer's. */
void bed_peer_shell(const char *line);

/* A TCP or UDP socket in that namespace, bound if `address` is given. `mark` 0: none. */
int bed_socket(bed_side side, int type, const char *address, uint16_t port, uint32_t mark);
/* Starts to connect; the descriptor does not block. */
void bed_connect(int fd, const char *address, uint16_t port);
/* Does the connection come about, or the socket get something to read, within `ms`? The error is in
 * errno if not. */
bool bed_connected(int fd, int ms);
bool bed_readable(int fd, int ms);

/* One attempt from one side to the other. `from` may be NULL (any), `from_port` 0 (any). */
typedef struct bed_flow {
  bed_side opener;
  const char *from;
  uint16_t from_port;
  const char *to;
  uint16_t to_port;
  uint32_t mark;
} bed_flow;

/* Each tells whether it came through. `expected` only decides how long to wait: what should come
 * gets seconds, so that a busy machine fails no test; what should not come is given up after a time
 * that a veth never needs.
 *
 * Opens a connection to a listener made for it, and sends a word each way. */
bool bed_tcp(const bed_flow *flow, bool expected);
/* Sends a datagram to a socket made for it, and one back. */
bool bed_udp(const bed_flow *flow, bool expected);
/* An echo request, answered by the other side's kernel. `from` may be NULL. */
bool bed_ping(bed_side opener, const char *from, const char *to, bool expected);

/* A connection that is open: [0] the opener's end, [1] the other's. Fails the test if it does not
 * come about. */
void bed_open_tcp(const bed_flow *flow, int ret_ends[2]);

#endif
