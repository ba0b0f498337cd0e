#include "ruleset_groups.h"

#include <stdio.h>
#include <string.h>

static const char *const ways[2] = {"in", "out"};

/* TCP is told by its flags and not by conntrack: see ruleset.c. */
#define NOT_OPENING "tcp flags & (syn | ack) != syn"

void iso_groups_chain(char ret_name[ISO_GROUPS_NAME], size_t service, size_t way)
{
  (void)snprintf(ret_name, ISO_GROUPS_NAME, "service_%zu_%s", service, ways[way]);
}

void iso_groups_map(char ret_name[ISO_GROUPS_NAME], size_t way, unsigned level)
{
  (void)snprintf(ret_name, ISO_GROUPS_NAME, ISO_GROUPS_MAP "%s%u", ways[way], level);
}

/* `"system.slice/x.service" : jump service_0_in`, all of a map, between `begin` and `end`; nothing
 * if there are none. */
static void write_elements(sup_text *out, const iso_params *p, size_t way, unsigned level,
                           const char *begin, const char *end)
{
  const char *before = begin;
  for (size_t i = 0; i < p->group_count; i++) {
    char chain[ISO_GROUPS_NAME];
    iso_groups_chain(chain, i, way);
    for (size_t k = 0; k < p->groups[i].place_count; k++) {
      const iso_place *place = &p->groups[i].places[k];
      if (place->level != level)
        continue;
      sup_text_addf(out, "%s\"%s\" : jump %s", before, place->path, chain);
      before = ",\n      ";
    }
  }
  if (before != begin)
    sup_text_add(out, end);
}

static void write_map(sup_text *out, const iso_params *p, size_t way, unsigned level, bool running)
{
  char name[ISO_GROUPS_NAME];
  iso_groups_map(name, way, level);
  sup_text_addf(out, "  map %s {\n    type cgroupsv2 : verdict\n", name);
  if (running)
    write_elements(out, p, way, level, "    elements = {\n      ", "\n    }\n");
  sup_text_add(out, "  }\n");
}

void iso_groups_write_renewal(sup_text *out, const iso_params *p, const char *table)
{
  for (size_t way = 0; way < 2; way++) {
    for (unsigned level = 1; level <= ISO_GROUP_LEVELS; level++) {
      char name[ISO_GROUPS_NAME];
      char begin[128];
      iso_groups_map(name, way, level);
      sup_text_addf(out, "flush map inet %s %s\n", table, name);
      (void)snprintf(begin, sizeof(begin), "add element inet %s %s {\n      ", table, name);
      write_elements(out, p, way, level, begin, "\n}\n");
    }
  }
}

/* The remote, at that end of the packet. */
static void write_remote(sup_text *out, const iso_exclusion *x, const char *end)
{
  char first[ISO_ADDR_TEXT];
  char last[ISO_ADDR_TEXT];
  if (x->remote.first.family == 0)
    return;
  sup_text_addf(out, "%s %s %s", x->remote.first.family == 6 ? "ip6" : "ip", end,
                iso_addr_text(&x->remote.first, first));
  if (iso_addr_compare(&x->remote.first, &x->remote.last) != 0)
    sup_text_addf(out, "-%s", iso_addr_text(&x->remote.last, last));
  sup_text_add(out, " ");
}

/* One rule for packets that travel one way, of flows that were opened in one direction. */
static void write_rule(sup_text *out, const iso_exclusion *x, size_t way, unsigned direction,
                       unsigned protocol)
{
  bool opener = (way == 0) == (direction == ISO_IN); /* who opened the flow sent it */
  const char *name = protocol == ISO_TCP ? "tcp" : "udp";
  if ((x->directions & direction) == 0 || (x->protocols & protocol) == 0)
    return;
  sup_text_add(out, "    ");
  if (protocol == ISO_UDP)
    sup_text_addf(out, "ct direction %s ", opener ? "original" : "reply");
  write_remote(out, x, way == 0 ? "saddr" : "daddr");
  if (x->port_first > 0)
    sup_text_addf(out, "%s %s %u-%u ", name, opener ? "dport" : "sport", x->port_first,
                  x->port_last);
  else
    sup_text_addf(out, "meta l4proto %s ", name);
  if (protocol == ISO_TCP && !opener)
    sup_text_add(out, NOT_OPENING " ");
  sup_text_add(out, "accept\n");
}

/* Errors about its flows, which are found by the packet that they quote. */
static const char errors[] =
    "    ct state related icmp type { destination-unreachable, time-exceeded, parameter-problem } "
    "accept\n"
    "    ct state related icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, "
    "parameter-problem } accept\n";

static void write_chain(sup_text *out, const iso_params *p, size_t service, size_t way)
{
  char name[ISO_GROUPS_NAME];
  iso_groups_chain(name, service, way);
  sup_text_addf(out, "  chain %s {\n", name);
  for (size_t i = 0; i < p->by_service_count; i++) {
    const iso_exclusion *x = &p->by_service[i];
    if (x->service != service)
      continue;
    for (unsigned direction = ISO_OUT; direction <= ISO_IN; direction <<= 1) {
      write_rule(out, x, way, direction, ISO_TCP);
      write_rule(out, x, way, direction, ISO_UDP);
    }
  }
  if (way == 0)
    sup_text_add(out, errors);
  sup_text_add(out, "  }\n");
}

static bool accepts_tcp(const iso_params *p)
{
  for (size_t i = 0; i < p->by_service_count; i++) {
    if ((p->by_service[i].directions & ISO_IN) != 0 && (p->by_service[i].protocols & ISO_TCP) != 0)
      return true;
  }
  return false;
}

/* Between the SYN that a service's listening socket was let to take and the connection there is but
 * a request, which belongs to no group. It has no mark either, unlike every whole socket, and there
 * is none but for a SYN that was let in. What is past its connection (TIME_WAIT) is as little of a
 * socket: no SYN must get in by it. */
static const char handshake[] = "  chain handshake_in {\n"
                                "    socket mark & 0 == 0 return\n"
                                "    socket transparent { 0, 1 } tcp flags & (syn | ack) == ack "
                                "accept\n  }\n"
                                "  chain handshake_out {\n"
                                "    socket mark & 0 == 0 return\n"
                                "    socket transparent { 0, 1 } tcp flags & (syn | ack) == (syn | "
                                "ack) accept\n  }\n";

void iso_groups_write(sup_text *out, const iso_params *p, bool running)
{
  for (size_t way = 0; way < 2 && p->group_count > 0; way++) {
    for (unsigned level = 1; level <= ISO_GROUP_LEVELS; level++)
      write_map(out, p, way, level, running);
    for (size_t i = 0; i < p->group_count; i++)
      write_chain(out, p, i, way);
  }
  if (accepts_tcp(p))
    sup_text_add(out, handshake);
}

static void write_way(sup_text *out, const iso_params *p, size_t way)
{
  for (unsigned level = 1; level <= ISO_GROUP_LEVELS && p->group_count > 0; level++)
    sup_text_addf(out, "    socket cgroupv2 level %u vmap @" ISO_GROUPS_MAP "%s%u\n", level,
                  ways[way], level);
  if (accepts_tcp(p))
    sup_text_addf(out, "    meta l4proto tcp jump handshake_%s\n", ways[way]);
}

void iso_groups_write_in(sup_text *out, const iso_params *p)
{
  write_way(out, p, 0);
}

void iso_groups_write_out(sup_text *out, const iso_params *p)
{
  write_way(out, p, 1);
}
