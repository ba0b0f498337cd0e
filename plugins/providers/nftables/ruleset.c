#include "ruleset.h"

#include <stdlib.h>
#include <string.h>

#include "boxes.h"
#include "sha256.h"
#include "targets.h"

/* The interval sets of exclusions. Each has an IPv4 and an IPv6 half, and is written only where it
 * has elements. */
typedef enum set_id {
  OUT_TCP,
  OUT_UDP,
  OUT_ICMP,
  OUT_OTHER,
  IN_TCP,
  IN_UDP,
  IN_ICMP,
  IN_OTHER,
  EXCLUDED,
  SETS
} set_id;

static const struct {
  const char *name;
  unsigned direction;
  unsigned protocol;
  bool ports;
} sets[SETS] = {
    [OUT_TCP] = {"out_tcp", ISO_OUT, ISO_TCP, true},
    [OUT_UDP] = {"out_udp", ISO_OUT, ISO_UDP, true},
    [OUT_ICMP] = {"out_icmp", ISO_OUT, ISO_ICMP, false},
    [OUT_OTHER] = {"out_other", ISO_OUT, ISO_OTHER, false},
    [IN_TCP] = {"in_tcp", ISO_IN, ISO_TCP, true},
    [IN_UDP] = {"in_udp", ISO_IN, ISO_UDP, true},
    [IN_ICMP] = {"in_icmp", ISO_IN, ISO_ICMP, false},
    [IN_OTHER] = {"in_other", ISO_IN, ISO_OTHER, false},
    [EXCLUDED] = {"excluded", ISO_OUT | ISO_IN, ISO_ANY, false},
};

/* One set and family each: [set][0] IPv4, [set][1] IPv6. */
typedef struct plan {
  const iso_params *params;
  iso_boxes boxes[SETS][2];
  iso_target targets[ISO_TARGETS];
  bool has_resolvers[2];
  bool has_consoles[2];
  bool stateless; /* without conntrack: the table of strict */
  bool running;   /* with the control groups of the services that run */
} plan;

/* Where the rules stand. The guard comes behind the plain table, which so counts and refuses what
 * is dropped as long as it is there. */
typedef struct frame {
  const char *begin;
  int priority;
} frame;

static const frame plain_frame = {ISO_RULESET_DELETE "table inet " ISO_TABLE " {\n", 20};
static const frame guard_frame = {
    ISO_GUARD_DELETE "table inet " ISO_GUARD_TABLE " {\n  flags owner\n", 21};

static const char *const ip_word[2] = {"ip", "ip6"};
static const char *const addr_type[2] = {"ipv4_addr", "ipv6_addr"};
static const char *const family_digit[2] = {"4", "6"};

static cordon_status plan_exclusion(plan *pl, const iso_exclusion *x, sup_err *err)
{
  size_t f = x->remote.first.family == 6 ? 1 : 0;
  for (size_t s = 0; s < SETS; s++) {
    if ((sets[s].direction & x->directions) == 0 || (sets[s].protocol & x->protocols) == 0)
      continue;
    /* `any` needs no element among ICMP's: the rules for other protocols let it through. */
    if (sets[s].protocol == ISO_ICMP && x->protocols == ISO_ANY)
      continue;
    iso_box box = {.range = x->remote};
    if (sets[s].ports) {
      box.port_first = x->port_first;
      box.port_last = x->port_last;
    }
    if (!iso_boxes_add(&pl->boxes[s][f], &box))
      return sup_fail(err, CORDON_E_LIMIT, "there is no memory for the rules of the exclusions");
  }
  return CORDON_OK;
}

static cordon_status plan_make(plan *pl, const iso_params *p, sup_err *err)
{
  pl->params = p;
  iso_targets_choose(p, pl->targets);
  for (size_t i = 0; i < p->console_count; i++)
    pl->has_consoles[p->consoles[i].addr.family == 6] = true;
  for (size_t i = 0; i < p->resolver_count; i++)
    pl->has_resolvers[p->resolvers[i].family == 6] = true;
  for (size_t i = 0; i < p->exclusion_count; i++) {
    cordon_status status = plan_exclusion(pl, &p->exclusions[i], err);
    if (status != CORDON_OK)
      return status;
  }
  size_t left = ISO_ELEMENTS_MAX;
  for (size_t s = 0; s < SETS; s++) {
    for (size_t f = 0; f < 2; f++) {
      cordon_status status = iso_boxes_merge(&pl->boxes[s][f], left, err);
      if (status != CORDON_OK)
        return status;
      left -= pl->boxes[s][f].count;
    }
  }
  return CORDON_OK;
}

static void plan_release(plan *pl)
{
  for (size_t s = 0; s < SETS; s++) {
    iso_boxes_release(&pl->boxes[s][0]);
    iso_boxes_release(&pl->boxes[s][1]);
  }
}

static bool has(const plan *pl, set_id s, size_t f)
{
  return pl->boxes[s][f].count > 0;
}

static void write_range(sup_text *out, const iso_range *r)
{
  char first[ISO_ADDR_TEXT];
  char last[ISO_ADDR_TEXT];
  sup_text_add(out, iso_addr_text(&r->first, first));
  if (iso_addr_compare(&r->first, &r->last) != 0)
    sup_text_addf(out, "-%s", iso_addr_text(&r->last, last));
}

static void write_ports(sup_text *out, const iso_box *box)
{
  if (box->port_first == box->port_last)
    sup_text_addf(out, " . %u", box->port_first);
  else
    sup_text_addf(out, " . %u-%u", box->port_first, box->port_last);
}

static void write_set(sup_text *out, const plan *pl, set_id s, size_t f)
{
  const iso_boxes *b = &pl->boxes[s][f];
  if (b->count == 0)
    return;
  sup_text_addf(out, "  set %s%s {\n    type %s%s\n    flags interval\n    elements = {\n",
                sets[s].name, family_digit[f], addr_type[f],
                sets[s].ports ? " . inet_service" : "");
  for (size_t i = 0; i < b->count; i++) {
    sup_text_add(out, "      ");
    write_range(out, &b->items[i].range);
    if (sets[s].ports)
      write_ports(out, &b->items[i]);
    sup_text_add(out, i + 1 < b->count ? ",\n" : "\n");
  }
  sup_text_add(out, "    }\n  }\n");
}

/* The first of these addresses, to leave out what is there twice: a set takes an element once. */
static bool console_is_new(const iso_params *p, size_t i, bool with_port)
{
  for (size_t j = 0; j < i; j++) {
    if (iso_addr_compare(&p->consoles[j].addr, &p->consoles[i].addr) == 0 &&
        (!with_port || p->consoles[j].port == p->consoles[i].port))
      return false;
  }
  return true;
}

static void write_console_sets(sup_text *out, const plan *pl, size_t f)
{
  const iso_params *p = pl->params;
  if (!pl->has_consoles[f])
    return;
  for (int with_port = 0; with_port < 2; with_port++) {
    sup_text_addf(out, "  set %s%s {\n    type %s%s\n    elements = {",
                  with_port ? "console" : "console_addr", family_digit[f], addr_type[f],
                  with_port ? " . inet_service" : "");
    const char *comma = " ";
    for (size_t i = 0; i < p->console_count; i++) {
      char text[ISO_ADDR_TEXT];
      if ((p->consoles[i].addr.family == 6) != (f == 1) || !console_is_new(p, i, with_port != 0))
        continue;
      sup_text_addf(out, "%s%s", comma, iso_addr_text(&p->consoles[i].addr, text));
      if (with_port)
        sup_text_addf(out, " . %u", p->consoles[i].port);
      comma = ", ";
    }
    sup_text_add(out, " }\n  }\n");
  }
}

static void write_resolver_set(sup_text *out, const plan *pl, size_t f)
{
  const iso_params *p = pl->params;
  if (!pl->has_resolvers[f])
    return;
  sup_text_addf(out, "  set resolver%s {\n    type %s\n    elements = {", family_digit[f],
                addr_type[f]);
  const char *comma = " ";
  for (size_t i = 0; i < p->resolver_count; i++) {
    bool is_new = (p->resolvers[i].family == 6) == (f == 1);
    for (size_t j = 0; j < i && is_new; j++)
      is_new = iso_addr_compare(&p->resolvers[j], &p->resolvers[i]) != 0;
    if (!is_new)
      continue;
    char text[ISO_ADDR_TEXT];
    sup_text_addf(out, "%s%s", comma, iso_addr_text(&p->resolvers[i], text));
    comma = ", ";
  }
  sup_text_add(out, " }\n  }\n");
}

static void write_counters(sup_text *out, const plan *pl)
{
  static const char *const drops[] = {"dropped_in", "dropped_out", "dropped_forward",
                                      ISO_CONSOLE_COUNTER};
  for (size_t i = 0; i < sizeof(drops) / sizeof(drops[0]); i++)
    sup_text_addf(out, "  counter %s { }\n", drops[i]);
  for (size_t i = 0; i < ISO_TARGETS; i++)
    sup_text_addf(out, "  counter probe_%s { }\n", pl->targets[i].name);
}

/* TCP is told by its flags and not by conntrack, which does not know the connections from before
 * the rules: only a SYN alone opens one, so whoever may not open one may send everything else. */
#define NOT_OPENING "tcp flags & (syn | ack) != syn"

static void write_in_exclusions(sup_text *out, const plan *pl, size_t f)
{
  const char *ip = ip_word[f];
  const char *n = family_digit[f];
  const char *original = pl->stateless ? "" : "ct direction original ";
  const char *reply = pl->stateless ? "" : "ct direction reply ";
  if (has(pl, OUT_TCP, f))
    sup_text_addf(out, "    %s saddr . tcp sport @out_tcp%s " NOT_OPENING " accept\n", ip, n);
  if (has(pl, IN_TCP, f))
    sup_text_addf(out, "    %s saddr . tcp dport @in_tcp%s accept\n", ip, n);
  if (has(pl, OUT_UDP, f))
    sup_text_addf(out, "    %s%s saddr . udp sport @out_udp%s accept\n", reply, ip, n);
  if (has(pl, IN_UDP, f))
    sup_text_addf(out, "    %s%s saddr . udp dport @in_udp%s accept\n", original, ip, n);
  const char *icmp = f == 1 ? "ipv6-icmp" : "icmp";
  if (has(pl, OUT_ICMP, f))
    sup_text_addf(out, "    %s%s saddr @out_icmp%s meta l4proto %s accept\n", reply, ip, n, icmp);
  if (has(pl, IN_ICMP, f))
    sup_text_addf(out, "    %s%s saddr @in_icmp%s meta l4proto %s accept\n", original, ip, n, icmp);
  if (has(pl, OUT_OTHER, f))
    sup_text_addf(out, "    %s%s saddr @out_other%s meta l4proto != { tcp, udp } accept\n", reply,
                  ip, n);
  if (has(pl, IN_OTHER, f))
    sup_text_addf(out, "    %s%s saddr @in_other%s meta l4proto != { tcp, udp } accept\n", original,
                  ip, n);
}

static void write_out_exclusions(sup_text *out, const plan *pl, size_t f)
{
  const char *ip = ip_word[f];
  const char *n = family_digit[f];
  const char *original = pl->stateless ? "" : "ct direction original ";
  const char *reply = pl->stateless ? "" : "ct direction reply ";
  if (has(pl, OUT_TCP, f))
    sup_text_addf(out, "    %s daddr . tcp dport @out_tcp%s accept\n", ip, n);
  if (has(pl, IN_TCP, f))
    sup_text_addf(out, "    %s daddr . tcp sport @in_tcp%s " NOT_OPENING " accept\n", ip, n);
  if (has(pl, OUT_UDP, f))
    sup_text_addf(out, "    %s%s daddr . udp dport @out_udp%s accept\n", original, ip, n);
  if (has(pl, IN_UDP, f))
    sup_text_addf(out, "    %s%s daddr . udp sport @in_udp%s accept\n", reply, ip, n);
  const char *icmp = f == 1 ? "ipv6-icmp" : "icmp";
  if (has(pl, OUT_ICMP, f))
    sup_text_addf(out, "    %s%s daddr @out_icmp%s meta l4proto %s accept\n", original, ip, n,
                  icmp);
  if (has(pl, IN_ICMP, f))
    sup_text_addf(out, "    %s%s daddr @in_icmp%s meta l4proto %s accept\n", reply, ip, n, icmp);
  if (has(pl, OUT_OTHER, f))
    sup_text_addf(out, "    %s%s daddr @out_other%s meta l4proto != { tcp, udp } accept\n",
                  original, ip, n);
  if (has(pl, IN_OTHER, f))
    sup_text_addf(out, "    %s%s daddr @in_other%s meta l4proto != { tcp, udp } accept\n", reply,
                  ip, n);
}

/* ICMP errors, from wherever on the path, about flows that are let through: without them the path's
 * MTU is not found. */
static void write_errors(sup_text *out, const char *set, size_t f)
{
  static const char *const types[2] = {
      "icmp type { destination-unreachable, time-exceeded, parameter-problem }",
      "icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem }"};
  static const char *const ends[2] = {"saddr", "daddr"};
  for (size_t e = 0; e < 2; e++)
    sup_text_addf(out, "    ct state related ct original %s %s @%s%s %s accept\n", ip_word[f],
                  ends[e], set, family_digit[f], types[f]);
}

/* What the network itself needs. It is no way in or out for more than that: packets are as short as
 * the protocol allows, and few; DHCP goes to everybody or to private addresses, from where a lease
 * is renewed (elsewhere a client asks everybody in the end). Neighbours on the link are probed by
 * their global addresses too, which no rule can tell from addresses that are far away. */
static const char in_network[] =
    "    meta nfproto ipv4 udp sport 67 udp dport 68 meta length <= 1500 limit rate 10/second "
    "burst "
    "20 packets accept\n"
    "    ip6 saddr fe80::/10 udp sport 547 udp dport 546 meta length <= 1500 limit rate 10/second "
    "burst 20 packets accept\n"
    "    icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, nd-redirect } "
    "ip6 "
    "hoplimit 255 accept\n"
    "    icmpv6 type mld-listener-query ip6 saddr fe80::/10 accept\n";

#define OUT_ND "    icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } "

static const char out_network[] =
    "    ip daddr { 255.255.255.255, 10.0.0.0/8, 100.64.0.0/10, 169.254.0.0/16, 172.16.0.0/12, "
    "192.168.0.0/16 } udp sport 68 udp dport 67 meta length <= 1500 limit rate 10/minute burst 10 "
    "packets accept\n"
    "    ip6 daddr { ff02::1:2, fe80::/10 } udp sport 546 udp dport 547 meta length <= 1500 limit "
    "rate 10/minute burst 10 packets accept\n" OUT_ND
    "ip6 daddr { fe80::/10, ff02::/16 } ip6 hoplimit 255 meta length <= 128 accept\n" OUT_ND
    "ip6 hoplimit 255 meta length <= 128 limit rate 20/second burst 100 packets accept\n"
    "    icmpv6 type mld2-listener-report ip6 daddr ff02::16 meta length <= 1500 limit rate "
    "10/second burst 50 packets accept\n";

/* The same for a link: lengths count the frame's own header, and what the link itself needs comes
 * first. 802.1X and LACP are asked for by whoever is at the other end of the cable, without an
 * answer the link goes down. */
#define LINK_FIRST "    ether type { arp, 0x888e, 0x8809 } accept\n"

static const char in_link[] =
    "    meta protocol ip udp sport 67 udp dport 68 meta length <= 1518 limit rate 10/second burst "
    "20 packets accept\n"
    "    ip6 saddr fe80::/10 udp sport 547 udp dport 546 meta length <= 1518 limit rate 10/second "
    "burst 20 packets accept\n"
    "    icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, nd-redirect } "
    "ip6 hoplimit 255 accept\n"
    "    icmpv6 type mld-listener-query ip6 saddr fe80::/10 accept\n"
    "    icmp type { destination-unreachable, time-exceeded, parameter-problem } accept\n"
    "    icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } "
    "accept\n";

static const char out_link[] =
    "    ip daddr { 255.255.255.255, 10.0.0.0/8, 100.64.0.0/10, 169.254.0.0/16, 172.16.0.0/12, "
    "192.168.0.0/16 } udp sport 68 udp dport 67 meta length <= 1518 limit rate 10/minute burst 10 "
    "packets accept\n"
    "    ip6 daddr { ff02::1:2, fe80::/10 } udp sport 546 udp dport 547 meta length <= 1518 limit "
    "rate 10/minute burst 10 packets accept\n" OUT_ND
    "ip6 hoplimit 255 meta length <= 146 limit rate 20/second burst 100 packets accept\n"
    "    icmpv6 type mld2-listener-report ip6 daddr ff02::16 meta length <= 1518 limit rate "
    "10/second burst 50 packets accept\n";

static void write_input(sup_text *out, const plan *pl, const frame *fr, const char *tag)
{
  sup_text_addf(out,
                "  chain input {\n"
                "    type filter hook input priority %d; policy drop;\n"
                "    iif \"lo\" accept comment \"" ISO_TAG_WORD " %s\"\n",
                fr->priority, tag);
  for (size_t f = 0; f < 2; f++) {
    if (pl->has_consoles[f])
      sup_text_addf(out, "    %s saddr . tcp sport @console%s " NOT_OPENING " accept\n", ip_word[f],
                    family_digit[f]);
  }
  sup_text_add(out, "    ct state invalid counter name \"dropped_in\" drop\n");
  for (size_t f = 0; f < 2; f++) {
    if (pl->has_resolvers[f])
      sup_text_addf(out,
                    "    ct direction reply %s saddr @resolver%s meta l4proto { tcp, udp } th "
                    "sport 53 accept\n",
                    ip_word[f], family_digit[f]);
  }
  write_in_exclusions(out, pl, 0);
  write_in_exclusions(out, pl, 1);
  iso_groups_write_in(out, pl->params);
  sup_text_add(out, in_network);
  for (size_t f = 0; f < 2; f++) {
    if (pl->has_consoles[f])
      write_errors(out, "console_addr", f);
    if (has(pl, EXCLUDED, f))
      write_errors(out, "excluded", f);
  }
  sup_text_add(out, "    counter name \"dropped_in\"\n  }\n");
}

/* Counts verify's own packets where they are about to be dropped like any other: behind every
 * accept. */
static void write_target(sup_text *out, const iso_target *t)
{
  static const char *const match[] = {[ISO_TCP] = "tcp dport", [ISO_UDP] = "udp dport"};
  const iso_addr *addrs[2] = {&t->addr, &t->on_link};
  for (size_t i = 0; i < 2; i++) {
    char text[ISO_ADDR_TEXT];
    if (addrs[i]->family == 0)
      continue;
    sup_text_addf(out, "    %s daddr %s ", ip_word[t->family == 6], iso_addr_text(addrs[i], text));
    if (t->protocol == ISO_ICMP)
      sup_text_add(out, t->family == 6 ? "icmpv6 type echo-request" : "icmp type echo-request");
    else
      sup_text_addf(out, "%s %u", match[t->protocol], t->port);
    sup_text_addf(out, " counter name \"probe_%s\"\n", t->name);
  }
}

static void write_agents_own(sup_text *out, const plan *pl)
{
  uint32_t mark = pl->params->mark;
  for (size_t f = 0; f < 2; f++) {
    if (pl->has_consoles[f])
      sup_text_addf(out, "    meta mark 0x%08x %s daddr . tcp dport @console%s accept\n", mark,
                    ip_word[f], family_digit[f]);
    if (pl->has_resolvers[f])
      sup_text_addf(out,
                    "    meta mark 0x%08x %s daddr @resolver%s meta l4proto { tcp, udp } th dport "
                    "53 accept\n",
                    mark, ip_word[f], family_digit[f]);
  }
}

static void write_output(sup_text *out, const plan *pl, const frame *fr)
{
  sup_text_addf(out,
                "  chain output {\n"
                "    type filter hook output priority %d; policy drop;\n"
                "    oif \"lo\" accept\n",
                fr->priority);
  write_agents_own(out, pl);
  write_out_exclusions(out, pl, 0);
  write_out_exclusions(out, pl, 1);
  iso_groups_write_out(out, pl->params);
  sup_text_add(out, out_network);
  for (size_t i = 0; i < ISO_TARGETS; i++)
    write_target(out, &pl->targets[i]);
  /* Whoever has the mark is the agent on its way to its console: nobody else is counted. */
  sup_text_addf(out,
                "    meta mark 0x%08x tcp dport != 53 counter name \"" ISO_CONSOLE_COUNTER "\"\n",
                pl->params->mark);
  sup_text_add(out, "    counter name \"dropped_out\"\n"
                    "    meta l4proto tcp reject with tcp reset\n"
                    "    reject with icmpx admin-prohibited\n"
                    "  }\n");
}

static void write_sets(sup_text *out, const plan *pl)
{
  for (size_t f = 0; f < 2; f++) {
    write_console_sets(out, pl, f);
    write_resolver_set(out, pl, f);
    for (size_t s = 0; s < SETS; s++)
      write_set(out, pl, (set_id)s, f);
  }
}

static void write_all(sup_text *out, const plan *pl, const frame *fr, const char *tag)
{
  sup_text_add(out, fr->begin);
  write_sets(out, pl);
  write_counters(out, pl);
  iso_groups_write(out, pl->params, pl->running);
  write_input(out, pl, fr, tag);
  write_output(out, pl, fr);
  sup_text_addf(out,
                "  chain forward {\n"
                "    type filter hook forward priority %d; policy drop;\n"
                "    counter name \"dropped_forward\"\n"
                "  }\n"
                "}\n",
                fr->priority);
}

/* On a link there is no direction by conntrack: what the console and the resolvers say is let in to
 * the inet table, which looks again. */
static void write_strict_in(sup_text *out, const plan *pl)
{
  sup_text_add(out, "  chain in {\n" LINK_FIRST);
  for (size_t f = 0; f < 2; f++) {
    if (pl->has_consoles[f])
      sup_text_addf(out, "    %s saddr . tcp sport @console%s " NOT_OPENING " accept\n", ip_word[f],
                    family_digit[f]);
    if (pl->has_resolvers[f])
      sup_text_addf(out, "    %s saddr @resolver%s meta l4proto { tcp, udp } th sport 53 accept\n",
                    ip_word[f], family_digit[f]);
    write_in_exclusions(out, pl, f);
  }
  sup_text_add(out, in_link);
  sup_text_add(out, "    counter name \"dropped_ingress\" drop\n  }\n");
}

static void write_strict_out(sup_text *out, const plan *pl)
{
  sup_text_add(out, "  chain out {\n" LINK_FIRST);
  write_agents_own(out, pl);
  write_out_exclusions(out, pl, 0);
  write_out_exclusions(out, pl, 1);
  sup_text_add(out, out_link);
  sup_text_add(out, "    counter name \"dropped_egress\" drop\n  }\n");
}

static void write_strict(sup_text *out, const plan *pl, const iso_hooks *links)
{
  sup_text_add(out, ISO_STRICT_DELETE "table netdev " ISO_STRICT_TABLE " {\n");
  write_sets(out, pl);
  sup_text_add(out, "  counter dropped_ingress { }\n  counter dropped_egress { }\n");
  write_strict_in(out, pl);
  write_strict_out(out, pl);
  for (size_t i = 0; links != NULL && i < links->count; i++) {
    const iso_hook *l = &links->items[i];
    sup_text_addf(out,
                  "  chain in_%u {\n    type filter hook ingress device \"%s\" priority 0; policy "
                  "drop;\n    jump in\n  }\n"
                  "  chain out_%u {\n    type filter hook egress device \"%s\" priority 0; policy "
                  "drop;\n    jump out\n  }\n",
                  l->index, l->name, l->index, l->name);
  }
  sup_text_add(out, "}\n");
}

static plan *plan_new(const iso_params *p, sup_err *err)
{
  plan *pl = calloc(1, sizeof(*pl));
  if (pl == NULL) {
    (void)sup_fail(err, CORDON_E_LIMIT, "there is no memory for the rules");
    return NULL;
  }
  if (plan_make(pl, p, err) == CORDON_OK)
    return pl;
  plan_release(pl);
  free(pl);
  return NULL;
}

static cordon_status plan_end(plan *pl, bool failed, sup_err *err)
{
  size_t count = pl->params->exclusion_count + pl->params->by_service_count;
  plan_release(pl);
  free(pl);
  return failed ? sup_fail(err, CORDON_E_LIMIT,
                           "the rules for %zu exclusions are longer than %d bytes", count,
                           ISO_RULESET_MAX)
                : CORDON_OK;
}

/* Everything that the rules are made from: what strict adds is part of what they are known by, but
 * for the links, which come and go, as do the control groups of services. */
static bool make_tag(plan *pl, char ret_tag[ISO_TAG_LEN + 1])
{
  sup_text untagged = SUP_TEXT_INIT(2 * ISO_RULESET_MAX);
  write_all(&untagged, pl, &plain_frame, "");
  /* Without the services that run: none may be a reason to refuse what was taken before. */
  bool too_long = untagged.len > ISO_RULESET_MAX - ISO_TAG_LEN;
  if (pl->params->strict) {
    pl->stateless = true;
    write_strict(&untagged, pl, NULL);
    pl->stateless = false;
  }
  iso_sha256(sup_text_get(&untagged), untagged.len, ret_tag);
  bool failed = untagged.failed || too_long;
  sup_text_release(&untagged);
  return !failed;
}

static cordon_status render(const iso_params *p, const frame *fr, sup_text *out,
                            char ret_tag[ISO_TAG_LEN + 1], sup_err *err)
{
  plan *pl = plan_new(p, err);
  if (pl == NULL)
    return err->status;
  bool tagged = make_tag(pl, ret_tag);
  pl->running = true;
  if (tagged)
    write_all(out, pl, fr, ret_tag);
  return plan_end(pl, !tagged || out->failed, err);
}

cordon_status iso_ruleset_render(const iso_params *p, sup_text *out, char ret_tag[ISO_TAG_LEN + 1],
                                 sup_err *err)
{
  return render(p, &plain_frame, out, ret_tag, err);
}

cordon_status iso_ruleset_render_guard(const iso_params *p, sup_text *out, sup_err *err)
{
  char tag[ISO_TAG_LEN + 1];
  return render(p, &guard_frame, out, tag, err);
}

cordon_status iso_ruleset_render_strict(const iso_params *p, const iso_hooks *links, sup_text *out,
                                        sup_err *err)
{
  plan *pl = plan_new(p, err);
  if (pl == NULL)
    return err->status;
  pl->stateless = true;
  write_strict(out, pl, links);
  return plan_end(pl, out->failed, err);
}
