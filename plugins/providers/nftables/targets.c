#include "targets.h"

#include <stddef.h>

static const struct {
  const char *name;
  uint8_t family;
  uint8_t protocol;
  uint16_t port;
} kinds[ISO_TARGETS] = {
    {"tcp4", 4, ISO_TCP, 443}, {"udp4", 4, ISO_UDP, 443}, {"dns4", 4, ISO_UDP, 53},
    {"icmp4", 4, ISO_ICMP, 0}, {"tcp6", 6, ISO_TCP, 443}, {"udp6", 6, ISO_UDP, 443},
    {"dns6", 6, ISO_UDP, 53},  {"icmp6", 6, ISO_ICMP, 0},
};

/* The host parts are unlikely on purpose: labs like to give 192.0.2.1 to something. */
static const iso_addr documentation[] = {
    {4, {192, 0, 2, 233}},
    {4, {198, 51, 100, 233}},
    {4, {203, 0, 113, 233}},
    {6, {0x20, 0x01, 0x0d, 0xb8, 0xc0, 0xd1, 0xc0, 0xd1, [15] = 0xd1}},
    {6, {0x3f, 0xff, 0x0f, 0xff, 0xc0, 0xd1, 0xc0, 0xd1, [15] = 0xd1}},
};
static const iso_addr link_local = {
    6, {0xfe, 0x80, [8] = 0xc0, 0xd1, 0xc0, 0xd1, 0xc0, 0xd1, 0xc0, 0xd1}};

/* Other ports for where the exclusions let the usual one through: discard, and one that nobody
 * uses. For ICMP and DNS there is no other. */
static const uint16_t other_ports[] = {9, 49233};

static bool is_open(const iso_params *p, const iso_target *t, const iso_addr *a)
{
  return iso_params_excludes(p, ISO_OUT, t->protocol, a, t->port);
}

static void choose_addresses(const iso_params *p, iso_target *t)
{
  for (size_t d = 0; d < sizeof(documentation) / sizeof(documentation[0]) && t->addr.family == 0;
       d++) {
    if (documentation[d].family == t->family && !is_open(p, t, &documentation[d]))
      t->addr = documentation[d];
  }
  if (t->family == 6 && !is_open(p, t, &link_local))
    t->on_link = link_local;
}

void iso_targets_choose(const iso_params *p, iso_target ret_targets[ISO_TARGETS])
{
  for (size_t i = 0; i < ISO_TARGETS; i++) {
    iso_target *t = &ret_targets[i];
    *t = (iso_target){.name = kinds[i].name,
                      .family = kinds[i].family,
                      .protocol = kinds[i].protocol,
                      .port = kinds[i].port};
    choose_addresses(p, t);
    for (size_t n = 0; n < sizeof(other_ports) / sizeof(other_ports[0]) && t->port == 443 &&
                       t->addr.family == 0 && t->on_link.family == 0;
         n++) {
      iso_target other = *t;
      other.port = other_ports[n];
      choose_addresses(p, &other);
      if (other.addr.family != 0 || other.on_link.family != 0)
        *t = other;
    }
  }
}

cordon_status iso_targets_check(const iso_params *p, sup_err *err)
{
  iso_target targets[ISO_TARGETS];
  unsigned closed[2] = {0, 0};
  iso_targets_choose(p, targets);
  for (size_t i = 0; i < ISO_TARGETS; i++) {
    const iso_target *t = &targets[i];
    closed[t->family == 6 ? 1 : 0] += t->addr.family != 0 || t->on_link.family != 0;
  }
  for (size_t f = 0; f < 2; f++) {
    if (closed[f] == 0)
      return sup_fail(
          err, CORDON_E_INVALID,
          "the exclusions together let all of IPv%d through, so that nothing could show "
          "the isolation to hold; leave out what need not be reached",
          f == 0 ? 4 : 6);
  }
  return CORDON_OK;
}
