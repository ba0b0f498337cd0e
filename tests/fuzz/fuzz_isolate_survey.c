/* Any bytes as what a dry run reads; the first byte says as what: interfaces, a route, IPsec
 * policies, tables and chains, peers of WireGuard, the title or the settings of sshd, utmp. */
#include "netifs.h"
#include "owners.h"
#include "procs.h"
#include "routes.h"
#include "wireguard.h"

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

/* Ends, and is printable ASCII. */
static void must_be_plain(const char *text, size_t size)
{
  const char *end = memchr(text, 0, size);
  must(end != NULL, "a text without an end");
  for (; text < end; text++)
    must(*text >= ' ' && *text <= '~', "a text that is not plain");
}

static void on_netif(void *data, const iso_netif *n)
{
  size_t *count = data;
  char text[ISO_ADDR_TEXT];
  (*count)++;
  must_be_plain(n->name, sizeof(n->name));
  must_be_plain(n->kind, sizeof(n->kind));
  must(n->outer.family == 0 || iso_addr_text(&n->outer, text)[0] != '\0', "an odd address");
  (void)iso_netif_tunnel(n);
}

static void read_netifs(const uint8_t *data, size_t size)
{
  size_t count = 0;
  bool done = false;
  iso_netifs_walk(data, size, &done, on_netif, &count);
  must(count <= size / 16, "more messages than there are headers");
}

static void read_route(const uint8_t *data, size_t size)
{
  iso_route r;
  iso_route_read(data, size, &r);
  must(!r.there || r.interface != 0 || size > 0, "a route out of nothing");
}

static void read_policies(const uint8_t *data, size_t size)
{
  static const uint8_t bytes[16] = {192, 0, 2, 1};
  const iso_target_flow flow = {.to = iso_addr_from(size % 2 == 0 ? 4 : 6, bytes), .port = 8443};
  bool done = false;
  bool found = false;
  iso_addr outer = {0};
  iso_policies_walk(data, size, &flow, &done, &found, &outer);
  must(outer.family == 0 || found, "an outer address without a policy");
}

static void read_owners(const uint8_t *data, size_t size)
{
  iso_owners o = {0};
  bool done = false;
  iso_owners_walk(data, size, &done, &o);
  must(o.owned_count <= ISO_OWNED_MAX, "more owned tables than there is room for");
  for (size_t i = 0; i < o.owned_count; i++)
    must_be_plain(o.owned[i].name, sizeof(o.owned[i].name));
  for (size_t i = 0; i < ISO_OWNER_COUNT; i++)
    must_be_plain(o.seen[i], sizeof(o.seen[i]));
}

static void read_peers(const uint8_t *data, size_t size)
{
  static const uint8_t bytes[16] = {192, 0, 2, 1};
  const iso_addr to = iso_addr_from(size % 2 == 0 ? 4 : 6, bytes);
  bool done = false;
  iso_peer peer = {0};
  iso_peers_walk(data, size, &to, &done, &peer);
  must(peer.endpoint.family == 0 || peer.found, "an endpoint of no peer");
  (void)iso_family_read(data, size);
}

static void read_text(const uint8_t *data, size_t size)
{
  char user[ISO_USER_NAME] = "";
  iso_procs p = {0};
  char *text = malloc(size + 1);
  must(text != NULL, "no memory");
  memcpy(text, data, size);
  text[size] = '\0';
  if (iso_sshd_user(text, user))
    must_be_plain(user, sizeof(user));
  iso_sshd_ports(text, &p);
  must(p.sshd_port_count <= ISO_SSHD_PORTS_MAX, "more ports than there is room for");
  free(text);
}

static void read_utmp(const uint8_t *data, size_t size)
{
  char user[ISO_USER_NAME] = "";
  const iso_addr remote = {.family = 4};
  if (iso_utmp_user(data, size, &remote, user))
    must_be_plain(user, sizeof(user));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static void (*const readers[])(const uint8_t *, size_t) = {
      read_netifs, read_route, read_policies, read_owners, read_text, read_utmp, read_peers};
  if (size == 0)
    return 0;
  readers[data[0] % 7](data + 1, size - 1);
  return 0;
}
