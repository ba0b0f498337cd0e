/* Any bytes as what the kernel tells. The first byte says of what: below 16, notices of nftables if
 * it is even and sockets if it is odd; from 16 on, links, addresses, changes of the network, a line
 * about a packet socket, counters, or sets and the groups of services in them. */
#include "counters.h"
#include "diag.h"
#include "events.h"
#include "links.h"
#include "locals.h"
#include "maps.h"
#include "network.h"
#include "packets.h"
#include "stacked.h"
#include "support/netlink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what)
{
  if (holds)
    return;
  (void)fprintf(stderr, "%s\n", what);
  abort();
}

static void on_event(void *data, const iso_event *e)
{
  size_t *count = data;
  (*count)++;
  must(memchr(e->name, 0, sizeof(e->name)) != NULL, "a name without an end");
  must(e->touches_us || e->new_generation, "a notice of nothing");
}

static void on_socket(void *data, const iso_socket *s)
{
  size_t *count = data;
  char text[ISO_ADDR_TEXT];
  (*count)++;
  must(iso_addr_text(&s->remote, text)[0] != '\0' && iso_addr_text(&s->local, text)[0] != '\0',
       "an address without a text");
}

static void walk_links(const uint8_t *data, size_t size)
{
  iso_hooks hooks = {.count = 0};
  iso_stacked stacked = {.count = 0};
  iso_hooks_walk(data, size, &hooks);
  iso_stacked_walk(data, size, size % 2 == 0, &stacked);
  must(stacked.count <= ISO_STACKED_MAX && stacked.count <= size / 16, "more links than there are");
  must(hooks.count <= ISO_HOOKS_MAX && hooks.count <= size / 16, "more links than there are");
  for (size_t i = 0; i < hooks.count; i++) {
    const char *end = memchr(hooks.items[i].name, 0, sizeof(hooks.items[i].name));
    must(end != NULL && end != hooks.items[i].name, "a link without a name");
    must(strpbrk(hooks.items[i].name, "\"\\ \n") == NULL, "a name that ends its quotes");
  }
}

static void walk_addresses(const uint8_t *data, size_t size)
{
  static iso_addr addrs[ISO_LOCALS_MAX];
  iso_locals locals = {.addrs = addrs};
  bool done = false;
  (void)iso_locals_walk(data, size, &locals, &done);
  must(locals.count <= size / 16, "more addresses than there are");
  for (size_t i = 0; i < locals.count; i++)
    must(addrs[i].family == 4 || addrs[i].family == 6, "an address of no family");
}

static void walk_counters(const uint8_t *data, size_t size)
{
  iso_counters counters = {.count = 0};
  bool done = false;
  bool interrupted = false;
  iso_counters_walk(data, size, "cordon", &counters, &done, &interrupted);
  must(counters.count <= ISO_COUNTERS_MAX && counters.count <= size / 16,
       "more counters than there are");
  for (size_t i = 0; i < counters.count; i++) {
    uint64_t packets = 0;
    must(memchr(counters.items[i].name, 0, ISO_COUNTER_NAME) != NULL, "a name without an end");
    must(iso_counters_get(&counters, counters.items[i].name, &packets), "a counter that is lost");
  }
}

static void on_element(void *data, const iso_element *e)
{
  iso_in_maps *maps = data;
  must(memchr(e->chain, 0, sizeof(e->chain)) != NULL, "a chain without an end");
  must(!e->jumps || e->chain[0] != '\0', "a jump to nowhere");
  iso_in_maps_add(maps, "services_out2", e);
}

static void walk_sets(const uint8_t *data, size_t size)
{
  iso_sets sets = {.count = 0};
  iso_in_maps maps = {.count = 0};
  iso_group web = {
      .name = "web.service", .places = {{.level = 2, .id = 0x1122334455667788}}, .place_count = 1};
  const iso_params p = {.group_count = 1, .groups = &web};
  bool done = false, interrupted = false;
  iso_sets_walk(data, size, "cordon", &sets, &done, &interrupted);
  must(sets.count <= ISO_SETS_MAX && sets.count <= size / 16, "more sets than there are");
  for (size_t i = 0; i < sets.count; i++)
    must(sets.names[i][0] != '\0' && memchr(sets.names[i], 0, ISO_SET_NAME) != NULL,
         "a set without a name");
  done = false;
  iso_elements_walk(data, size, "cordon", "services_out2", on_element, &maps, &done, &interrupted);
  must(maps.count <= ISO_IN_MAPS_MAX && maps.count <= size / 16, "more groups than there are");
  must(iso_groups_compare(&maps, &p, NULL) != ISO_GROUPS_RIGHT, "right in one of two maps");
}

static void walk_rest(unsigned what, const uint8_t *data, size_t size)
{
  char line[256] = "";
  iso_packet packet;
  iso_network network = {.links = false};
  switch ((what - 16) % 6) {
  case 0: walk_links(data, size); break;
  case 1: walk_addresses(data, size); break;
  case 2: iso_network_walk(data, size, &network); break;
  case 4: walk_counters(data, size); break;
  case 5: walk_sets(data, size); break;
  default:
    memcpy(line, data, size < sizeof(line) ? size : sizeof(line) - 1);
    (void)iso_packet_read(line, &packet);
    (void)iso_packet_expected(line);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  size_t count = 0;
  if (size == 0)
    return 0;
  if (data[0] >= 16) {
    walk_rest(data[0], data + 1, size - 1);
    return 0;
  }
  iso_dump dump = {0};
  if (data[0] % 2 == 0)
    iso_events_walk(data + 1, size - 1, on_event, &count);
  else
    iso_diag_walk(data + 1, size - 1, &dump, on_socket, &count);
  must(count <= size / 16, "more messages than there are headers");
  return 0;
}
