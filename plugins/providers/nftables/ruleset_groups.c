#define _GNU_SOURCE
#include "ruleset_groups.h"

#include <stdio.h>
#include <string.h>

enum { ELEMENT_MAX = ISO_GROUP_PATH + 64, ELEMENTS_MAX = 2 * ISO_GROUPS_MAX };

static const char *const ways[2] = {"in", "out"};

/* TCP is told by its flags and not by conntrack: see ruleset.c. */
#define NOT_OPENING "tcp flags & (syn | ack) != syn"

/* `"system.slice/x.service" : jump service_0_in` */
static void element(char ret_text[ELEMENT_MAX], const iso_group *g, size_t i, size_t way)
{
  (void)snprintf(ret_text, ELEMENT_MAX, "\"%s\" : jump service_%zu_%s", g->path, i, ways[way]);
}

static void write_map(sup_text *out, const iso_params *p, size_t way, unsigned level, bool running)
{
  const char *comma = "";
  sup_text_addf(out, "  map " ISO_GROUPS_MAP "%s%u {\n    type cgroupsv2 : verdict\n", ways[way],
                level);
  for (size_t i = 0; i < p->group_count && running; i++) {
    char text[ELEMENT_MAX];
    if (p->groups[i].path[0] == '\0' || p->groups[i].level != level)
      continue;
    element(text, &p->groups[i], i, way);
    sup_text_addf(out, "%s%s", comma[0] == '\0' ? "    elements = {\n      " : comma, text);
    comma = ",\n      ";
  }
  sup_text_add(out, comma[0] == '\0' ? "  }\n" : "\n    }\n  }\n");
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
  sup_text_addf(out, "  chain service_%zu_%s {\n", service, ways[way]);
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

/* ---- what is in force ---- */

typedef struct wanted {
  const iso_params *params;
  bool seen[2][ISO_GROUPS_MAX];
  iso_groups_state state;
} wanted;

static void worsen(wanted *w, iso_groups_state state)
{
  if (state > w->state)
    w->state = state;
}

/* Which of ours it is, by the map that it is in. */
static bool is_wanted(wanted *w, const char *text, size_t len, size_t way, unsigned level)
{
  for (size_t i = 0; i < w->params->group_count; i++) {
    const iso_group *g = &w->params->groups[i];
    char ours[ELEMENT_MAX];
    element(ours, g, i, way);
    if (g->path[0] == '\0' || g->level != level || w->seen[way][i] || strlen(ours) != len ||
        memcmp(ours, text, len) != 0)
      continue;
    w->seen[way][i] = true;
    return true;
  }
  return false;
}

/* nftables prints the number of a group that it does not find any more. */
static void take_element(wanted *w, const char *text, size_t len, size_t way, unsigned level)
{
  while (len > 0 && strchr(" \t\r", text[0]) != NULL)
    text++, len--;
  while (len > 0 && strchr(" \t\r", text[len - 1]) != NULL)
    len--;
  if (len == 0 || is_wanted(w, text, len, way, level))
    return;
  size_t digits = 0;
  while (digits < len && text[digits] >= '0' && text[digits] <= '9')
    digits++;
  bool gone = digits > 0 && len - digits > 8 && memcmp(text + digits, " : jump ", 8) == 0 &&
              memchr(text + digits, '"', len - digits) == NULL;
  worsen(w, gone ? ISO_GROUPS_STALE : ISO_GROUPS_FOREIGN);
}

static void take_elements(wanted *w, const char *line, size_t len, size_t way, unsigned level)
{
  static const char begin[] = "elements = {";
  const char *found = memmem(line, len, begin, sizeof(begin) - 1);
  if (found != NULL) {
    len -= (size_t)(found - line) + sizeof(begin) - 1;
    line = found + sizeof(begin) - 1;
  }
  while (len > 0 && strchr(" \t\r}", line[len - 1]) != NULL)
    len--;
  while (len > 0) {
    const char *comma = memchr(line, ',', len);
    size_t part = comma != NULL ? (size_t)(comma - line) : len;
    take_element(w, line, part, way, level);
    part += comma != NULL ? 1 : 0;
    line += part;
    len -= part;
  }
}

/* `map services_in2 {`: which one. */
static bool begins_map(const char *line, size_t len, size_t *ret_way, unsigned *ret_level)
{
  static const char any[] = "map " ISO_GROUPS_MAP;
  /* There may be ten thousands of other lines. */
  if (memmem(line, len, any, sizeof(any) - 1) == NULL)
    return false;
  for (size_t way = 0; way < 2; way++) {
    for (unsigned level = 1; level <= ISO_GROUP_LEVELS; level++) {
      char text[64];
      size_t text_len =
          (size_t)snprintf(text, sizeof(text), "map " ISO_GROUPS_MAP "%s%u {", ways[way], level);
      if (memmem(line, len, text, text_len) == NULL)
        continue;
      *ret_way = way;
      *ret_level = level;
      return true;
    }
  }
  return false;
}

iso_groups_state iso_groups_compare(const char *listing, size_t len, const iso_params *p)
{
  wanted w = {.params = p};
  size_t way = 0;
  unsigned level = 0;
  bool in_map = false, in_elements = false;
  while (len > 0) {
    const char *end = memchr(listing, '\n', len);
    size_t line = end != NULL ? (size_t)(end - listing) : len;
    if (!in_map) {
      in_map = begins_map(listing, line, &way, &level);
    } else if (in_elements || memmem(listing, line, "elements = {", 12) != NULL) {
      in_elements = memchr(listing, '}', line) == NULL;
      take_elements(&w, listing, line, way, level);
    } else if (memchr(listing, '}', line) != NULL) {
      in_map = false;
    }
    line += end != NULL ? 1 : 0;
    listing += line;
    len -= line;
  }
  for (size_t i = 0; i < p->group_count; i++) {
    if (p->groups[i].path[0] != '\0' && (!w.seen[0][i] || !w.seen[1][i]))
      worsen(&w, ISO_GROUPS_STALE);
  }
  return w.state;
}
