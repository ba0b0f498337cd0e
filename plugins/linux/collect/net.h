/* The network as the kernel tells of it over netlink, in each network namespace that can be looked
 * into. */
#ifndef COLLECT_NET_H
#define COLLECT_NET_H

#include "collect.h"
#include "proctab.h"
#include "support/netlink.h"

enum { COL_SPACES_MAX = 100, COL_NAME_MAX = 64 };

/* A network namespace. The agent's own is the first one. */
typedef struct col_space {
  uint64_t id;
  int32_t pid; /* a process in it; 0: our own */
  int diag;
  int route;
  char name[COL_NAME_MAX];
} col_space;

typedef struct col_spaces {
  col_space items[COL_SPACES_MAX];
  size_t count;
  size_t left_out;
  char why[COL_SENTENCE]; /* the first one that was not entered */
} col_spaces;

void col_spaces_open(const col_task *t, col_spaces *ret_spaces);
void col_spaces_close(col_spaces *s);
/* The first field of every row: the namespace, empty for our own. */
void col_space_field(col_task *t, const col_space *s);

/* Sends a dump request and calls `fn` for each message of the answer. 0 or an errno. */
typedef void col_message_fn(void *data, const sup_message *m);
int col_dump(col_task *t, int fd, const void *request, size_t len, col_message_fn *fn, void *data);

/* ---- what the kernel says, taken apart; pure ---- */

/* The answer to the request of a number. */
typedef struct col_dumping {
  uint32_t sequence;
  int error;    /* an errno */
  bool changed; /* what was listed did, meanwhile */
} col_dumping;
/* Takes a part of it; other answers are skipped. True once it is over. */
bool col_dump_take(col_dumping *d, const unsigned char *bytes, size_t len, col_message_fn *fn,
                   void *data);

typedef struct col_inet {
  uint8_t family, state;
  char local[48], remote[48];
  uint16_t local_port, remote_port;
  uint32_t uid, interface, receive, send;
  uint64_t inode, cgroup;
  bool has_mark;
  uint32_t mark;
} col_inet;
bool col_inet_read(const sup_message *m, col_inet *ret_socket);
const char *col_inet_state(uint8_t state, bool tcp);

typedef struct col_unix {
  uint8_t type, state;
  uint64_t inode, peer;
  size_t path_len;
  char path[112]; /* an abstract one begins with '@' */
} col_unix;
bool col_unix_read(const sup_message *m, col_unix *ret_socket);

typedef struct col_packet {
  uint8_t type;
  uint16_t protocol;
  uint64_t inode;
  uint32_t interface, uid;
} col_packet;
bool col_packet_read(const sup_message *m, col_packet *ret_socket);

typedef struct col_link {
  uint32_t index, flags, mtu, master;
  uint64_t received, sent;
  char name[32], kind[32], mac[64];
} col_link;
bool col_link_read(const sup_message *m, col_link *ret_link);

typedef struct col_address {
  uint32_t index, flags, scope;
  uint8_t prefix;
  char address[48], peer[48], label[32];
} col_address;
bool col_address_read(const sup_message *m, col_address *ret_address);

typedef struct col_route {
  uint32_t table, priority, out, type, protocol, scope;
  uint8_t prefix;
  char to[48], via[48], source[48];
} col_route;
bool col_route_read(const sup_message *m, col_route *ret_route);

typedef struct col_neighbour {
  uint32_t index;
  uint16_t state;
  uint8_t flags;
  char address[48], mac[64];
} col_neighbour;
bool col_neighbour_read(const sup_message *m, col_neighbour *ret_neighbour);
void col_neighbour_state(uint16_t state, char ret_text[64]);

/* ---- items ---- */

void col_net_sockets(col_task *t);
void col_net_links(col_task *t);
void col_net_firewall(col_task *t);
void col_net_names(col_task *t);
/* Sockets of other machines at the ports of SMB: rows of the SMB folder. */
void col_net_smb(col_task *t);

#endif
