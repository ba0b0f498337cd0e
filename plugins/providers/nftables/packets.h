/* The packet sockets of this device: what has one sends and receives past a table of family inet.
 * They are not ended, for DHCP and the link's own protocols need them, but named. */
#ifndef ISO_PACKETS_H
#define ISO_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "cordon/plugin.h"

enum { ISO_PACKETS_MAX = 32 };

typedef struct iso_packet {
  uint64_t inode;
  uint32_t user;
  unsigned link;     /* 0: all of them */
  uint16_t protocol; /* 0: receives nothing, but may send */
} iso_packet;

typedef struct iso_packets {
  iso_packet items[ISO_PACKETS_MAX];
  size_t count;
  bool more;
} iso_packets;

/* Reads a line of /proc/net/packet; false if it is none. Pure. */
bool iso_packet_read(const char *line, iso_packet *ret_packet);

/* Is it one that a device is expected to have: a program of the system for DHCP, 802.1X or what the
 * switch asks for? Told by the file that runs, which takes root to be made up. */
bool iso_packet_expected(const char *program);

/* Adds `packet_sockets` to the details of a result. Who holds them is asked of the agent. */
void iso_packets_add(const cordon_host *host, cJSON *details);

/* What the agent looks up for us, NULL if it does not. */
const cordon_host_sight *iso_sight(const cordon_host *host);

#endif
