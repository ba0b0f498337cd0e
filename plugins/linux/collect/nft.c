#include "nft.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>

typedef struct words {
  char *text;
  size_t size;
  size_t len;
} words;

static void add(words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(words *w, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  int made = w->len < w->size ? vsnprintf(w->text + w->len, w->size - w->len, format, args) : 0;
  va_end(args);
  w->len += made > 0 ? (size_t)made : 0;
  if (w->len >= w->size)
    w->len = w->size;
}

/* All numbers are in network order. */
static uint64_t number(const sup_attribute *a)
{
  uint64_t n = 0;
  for (size_t i = 0; i < a->len && i < 8; i++)
    n = n << 8 | a->value[i];
  return n;
}

static void take_name(const sup_attribute *a, char ret_name[COL_NFT_NAME])
{
  size_t len = strnlen((const char *)a->value, a->len);
  if (len >= COL_NFT_NAME)
    len = COL_NFT_NAME - 1;
  memcpy(ret_name, a->value, len);
  ret_name[len] = '\0';
}

static const char *name_at(const char *const *names, size_t count, uint64_t at)
{
  return at < count && names[at] != NULL ? names[at] : "?";
}

#define NAME_AT(names, at) name_at(names, sizeof(names) / sizeof((names)[0]), at)

/* The attributes of an expression, by type. */
enum { ATTRIBUTES_MAX = 24 };

typedef struct attributes {
  sup_attribute of[ATTRIBUTES_MAX];
  bool has[ATTRIBUTES_MAX];
} attributes;

static attributes take_all(const sup_attribute *from)
{
  attributes all;
  sup_attribute a;
  const unsigned char *bytes = from->value;
  size_t len = from->len;
  memset(&all, 0, sizeof(all));
  while (sup_attribute_next(&bytes, &len, &a)) {
    if (a.type < ATTRIBUTES_MAX) {
      all.of[a.type] = a;
      all.has[a.type] = true;
    }
  }
  return all;
}

static uint64_t number_of(const attributes *all, unsigned type)
{
  return all->has[type] ? number(&all->of[type]) : 0;
}

static void add_value(words *w, const sup_attribute *data)
{
  attributes d = take_all(data);
  if (!d.has[NFTA_DATA_VALUE])
    return;
  const sup_attribute *v = &d.of[NFTA_DATA_VALUE];
  add(w, "0x");
  for (size_t i = 0; i < v->len && i < 32; i++)
    add(w, "%02x", v->value[i]);
  if (v->len == 4)
    add(w, " (%u.%u.%u.%u)", v->value[0], v->value[1], v->value[2], v->value[3]);
  else if (v->len <= 2)
    add(w, " (%llu)", (unsigned long long)number(v));
}

static void add_text_value(words *w, const sup_attribute *data)
{
  attributes d = take_all(data);
  const sup_attribute *v = &d.of[NFTA_DATA_VALUE];
  bool printable = d.has[NFTA_DATA_VALUE] && v->len > 0 && v->value[0] > ' ';
  for (size_t i = 0; printable && i < v->len && v->value[i] != 0; i++)
    printable = v->value[i] >= ' ' && v->value[i] < 0x7f;
  if (printable && v->len > 4)
    add(w, "\"%.*s\"", (int)strnlen((const char *)v->value, v->len), (const char *)v->value);
  else
    add_value(w, data);
}

/* ---- expressions ---- */

static void say_meta(words *w, const attributes *e)
{
  static const char *const keys[] = {
      "length",  "protocol", "priority", "mark",    "iif",     "oif",       "iifname",  "oifname",
      "iiftype", "oiftype",  "skuid",    "skgid",   "nftrace", "rtclassid", NULL,       "nfproto",
      "l4proto", "ibrname",  "obrname",  "pkttype", "cpu",     "iifgroup",  "oifgroup", "cgroup"};
  add(w, "meta %s", NAME_AT(keys, number_of(e, NFTA_META_KEY)));
  if (e->has[NFTA_META_SREG])
    add(w, " set");
}

static void say_payload(words *w, const attributes *e)
{
  static const char *const bases[] = {"link", "network", "transport", "inner", "tunnel"};
  static const struct {
    unsigned base, offset, len;
    const char *name;
  } known[] = {{1, 12, 4, "ip saddr"},  {1, 16, 4, "ip daddr"},   {1, 9, 1, "ip protocol"},
               {1, 8, 16, "ip6 saddr"}, {1, 24, 16, "ip6 daddr"}, {1, 6, 1, "ip6 nexthdr"},
               {2, 0, 2, "th sport"},   {2, 2, 2, "th dport"},    {2, 13, 1, "tcp flags"},
               {2, 0, 1, "icmp type"},  {0, 0, 6, "ether daddr"}, {0, 6, 6, "ether saddr"},
               {0, 12, 2, "ether type"}};
  uint64_t base = number_of(e, NFTA_PAYLOAD_BASE);
  uint64_t offset = number_of(e, NFTA_PAYLOAD_OFFSET);
  uint64_t len = number_of(e, NFTA_PAYLOAD_LEN);
  for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
    if (known[i].base == base && known[i].offset == offset && known[i].len == len) {
      add(w, "%s%s", known[i].name, e->has[NFTA_PAYLOAD_SREG] ? " set" : "");
      return;
    }
  }
  add(w, "payload %s header, offset %llu, %llu bytes%s", NAME_AT(bases, base),
      (unsigned long long)offset, (unsigned long long)len, e->has[NFTA_PAYLOAD_SREG] ? " set" : "");
}

static void say_cmp(words *w, const attributes *e)
{
  static const char *const ops[] = {"==", "!=", "<", "<=", ">", ">="};
  add(w, "%s ", NAME_AT(ops, number_of(e, NFTA_CMP_OP)));
  if (e->has[NFTA_CMP_DATA])
    add_text_value(w, &e->of[NFTA_CMP_DATA]);
}

static void say_verdict(words *w, const sup_attribute *verdict)
{
  char chain[COL_NFT_NAME] = "";
  attributes v = take_all(verdict);
  if (v.has[NFTA_VERDICT_CHAIN])
    take_name(&v.of[NFTA_VERDICT_CHAIN], chain);
  switch ((int32_t)number_of(&v, NFTA_VERDICT_CODE)) {
  case NF_ACCEPT: add(w, "accept"); break;
  case NF_DROP: add(w, "drop"); break;
  case NF_QUEUE: add(w, "queue"); break;
  case NFT_CONTINUE: add(w, "continue"); break;
  case NFT_RETURN: add(w, "return"); break;
  case NFT_JUMP: add(w, "jump %s", chain); break;
  case NFT_GOTO: add(w, "goto %s", chain); break;
  default: add(w, "verdict %d", (int)(int32_t)number_of(&v, NFTA_VERDICT_CODE)); break;
  }
}

static void say_immediate(words *w, const attributes *e)
{
  if (!e->has[NFTA_IMMEDIATE_DATA])
    return;
  attributes d = take_all(&e->of[NFTA_IMMEDIATE_DATA]);
  if (d.has[NFTA_DATA_VERDICT]) {
    say_verdict(w, &d.of[NFTA_DATA_VERDICT]);
    return;
  }
  add(w, "value ");
  add_value(w, &e->of[NFTA_IMMEDIATE_DATA]);
}

static void say_ct(words *w, const attributes *e)
{
  static const char *const keys[] = {"state",      "direction", "status",    "mark",  "secmark",
                                     "expiration", "helper",    "l3proto",   "saddr", "daddr",
                                     "protocol",   "proto-src", "proto-dst", "label", "packets",
                                     "bytes",      "avgpkt",    "zone"};
  add(w, "ct %s%s", NAME_AT(keys, number_of(e, NFTA_CT_KEY)), e->has[NFTA_CT_SREG] ? " set" : "");
}

static void say_lookup(words *w, const attributes *e)
{
  char set[COL_NFT_NAME] = "";
  if (e->has[NFTA_LOOKUP_SET])
    take_name(&e->of[NFTA_LOOKUP_SET], set);
  add(w, "%sin set %s", (number_of(e, NFTA_LOOKUP_FLAGS) & 1) != 0 ? "not " : "", set);
}

static void say_bitwise(words *w, const attributes *e)
{
  if (!e->has[NFTA_BITWISE_MASK])
    return;
  add(w, "& ");
  add_value(w, &e->of[NFTA_BITWISE_MASK]);
}

static void say_counter(words *w, const attributes *e)
{
  add(w, "counter packets %llu bytes %llu", (unsigned long long)number_of(e, NFTA_COUNTER_PACKETS),
      (unsigned long long)number_of(e, NFTA_COUNTER_BYTES));
}

static void say_log(words *w, const attributes *e)
{
  char prefix[COL_NFT_NAME] = "";
  if (e->has[NFTA_LOG_PREFIX])
    take_name(&e->of[NFTA_LOG_PREFIX], prefix);
  add(w, "log \"%s\"", prefix);
}

static void say_nat(words *w, const attributes *e)
{
  add(w, "%s", number_of(e, NFTA_NAT_TYPE) == NFT_NAT_SNAT ? "snat" : "dnat");
}

static void say_object(words *w, const attributes *e)
{
  char name[COL_NFT_NAME] = "";
  if (e->has[NFTA_OBJREF_IMM_NAME])
    take_name(&e->of[NFTA_OBJREF_IMM_NAME], name);
  add(w, "object %s", name);
}

/* Matches and targets of iptables that are kept in nftables. */
static void say_extension(words *w, const attributes *e)
{
  char name[COL_NFT_NAME] = "";
  if (e->has[NFTA_MATCH_NAME])
    take_name(&e->of[NFTA_MATCH_NAME], name);
  add(w, "extension %s", name);
}

static void say_expression(words *w, const sup_attribute *expression)
{
  static const struct {
    const char *name;
    void (*say)(words *w, const attributes *e);
  } known[] = {{"meta", say_meta},       {"payload", say_payload},
               {"cmp", say_cmp},         {"immediate", say_immediate},
               {"ct", say_ct},           {"lookup", say_lookup},
               {"bitwise", say_bitwise}, {"counter", say_counter},
               {"log", say_log},         {"nat", say_nat},
               {"objref", say_object},   {"match", say_extension},
               {"target", say_extension}};
  char name[COL_NFT_NAME] = "";
  attributes x = take_all(expression);
  if (!x.has[NFTA_EXPR_NAME])
    return;
  take_name(&x.of[NFTA_EXPR_NAME], name);
  attributes e = take_all(&x.of[NFTA_EXPR_DATA]);
  if (w->len > 0)
    add(w, "; ");
  for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
    if (strcmp(known[i].name, name) == 0) {
      known[i].say(w, &e);
      return;
    }
  }
  add(w, "%s", name);
}

/* A comment is the first kind of what users may hang on a rule: type, length, text. */
static void say_comment(words *w, const sup_attribute *data)
{
  for (size_t at = 0; at + 2 <= data->len && at + 2 + data->value[at + 1] <= data->len;
       at += 2u + data->value[at + 1]) {
    const char *text = (const char *)data->value + at + 2;
    if (data->value[at] == 0)
      add(w, "; comment \"%.*s\"", (int)strnlen(text, data->value[at + 1]), text);
  }
}

/* ---- objects ---- */

static void read_rule(const attributes *all, col_nft *n)
{
  words w = {.text = n->text, .size = sizeof(n->text)};
  if (all->has[NFTA_RULE_CHAIN])
    take_name(&all->of[NFTA_RULE_CHAIN], n->name);
  n->handle = number_of(all, NFTA_RULE_HANDLE);
  sup_attribute list = all->of[NFTA_RULE_EXPRESSIONS];
  sup_attribute a;
  while (all->has[NFTA_RULE_EXPRESSIONS] && sup_attribute_next(&list.value, &list.len, &a))
    say_expression(&w, &a);
  if (all->has[NFTA_RULE_USERDATA])
    say_comment(&w, &all->of[NFTA_RULE_USERDATA]);
}

static void read_chain(const attributes *all, col_nft *n)
{
  static const char *const hooks[] = {"prerouting", "input",       "forward",
                                      "output",     "postrouting", "ingress"};
  words w = {.text = n->text, .size = sizeof(n->text)};
  if (all->has[NFTA_CHAIN_NAME])
    take_name(&all->of[NFTA_CHAIN_NAME], n->name);
  n->handle = number_of(all, NFTA_CHAIN_HANDLE);
  if (!all->has[NFTA_CHAIN_HOOK])
    return;
  char type[COL_NFT_NAME] = "";
  attributes hook = take_all(&all->of[NFTA_CHAIN_HOOK]);
  if (all->has[NFTA_CHAIN_TYPE])
    take_name(&all->of[NFTA_CHAIN_TYPE], type);
  add(&w, "type %s; hook %s; priority %d", type,
      NAME_AT(hooks, number_of(&hook, NFTA_HOOK_HOOKNUM)),
      (int)(int32_t)number_of(&hook, NFTA_HOOK_PRIORITY));
  if (all->has[NFTA_CHAIN_POLICY])
    add(&w, "; policy %s", number_of(all, NFTA_CHAIN_POLICY) == NF_ACCEPT ? "accept" : "drop");
}

static const char *family_name(uint8_t family)
{
  switch (family) {
  case NFPROTO_INET: return "inet";
  case NFPROTO_IPV4: return "ip";
  case NFPROTO_ARP: return "arp";
  case NFPROTO_NETDEV: return "netdev";
  case NFPROTO_BRIDGE: return "bridge";
  case NFPROTO_IPV6: return "ip6";
  default: return "?";
  }
}

bool col_nft_read(const sup_message *m, col_nft *ret_nft)
{
  struct nfgenmsg head;
  if (m->type >> 8 != NFNL_SUBSYS_NFTABLES || m->len < sizeof(head))
    return false;
  memcpy(&head, m->payload, sizeof(head));
  sup_attribute rest = {.value = m->payload + sizeof(head), .len = m->len - sizeof(head)};
  attributes all = take_all(&rest);
  *ret_nft = (col_nft){.family = family_name(head.nfgen_family), .number = head.nfgen_family};
  /* The name of the table is the first attribute of all of them. */
  if (all.has[1])
    take_name(&all.of[1], ret_nft->table);
  switch (m->type & 0xff) {
  case NFT_MSG_NEWTABLE: ret_nft->kind = "table"; return true;
  case NFT_MSG_NEWCHAIN:
    ret_nft->kind = "chain";
    read_chain(&all, ret_nft);
    return true;
  case NFT_MSG_NEWRULE:
    ret_nft->kind = "rule";
    read_rule(&all, ret_nft);
    return true;
  case NFT_MSG_NEWSET:
    ret_nft->kind = "set";
    if (all.has[NFTA_SET_NAME])
      take_name(&all.of[NFTA_SET_NAME], ret_nft->name);
    return true;
  default: return false;
  }
}

static void say_element(words *w, const attributes *e)
{
  bool end = (number_of(e, NFTA_SET_ELEM_FLAGS) & NFT_SET_ELEM_INTERVAL_END) != 0;
  if (end)
    add(w, "up to, and without, ");
  if (e->has[NFTA_SET_ELEM_KEY])
    add_text_value(w, &e->of[NFTA_SET_ELEM_KEY]);
  if (e->has[NFTA_SET_ELEM_KEY_END]) {
    add(w, " to ");
    add_text_value(w, &e->of[NFTA_SET_ELEM_KEY_END]);
  }
  if (!e->has[NFTA_SET_ELEM_DATA])
    return;
  attributes d = take_all(&e->of[NFTA_SET_ELEM_DATA]);
  add(w, " : ");
  if (d.has[NFTA_DATA_VERDICT])
    say_verdict(w, &d.of[NFTA_DATA_VERDICT]);
  else
    add_value(w, &e->of[NFTA_SET_ELEM_DATA]);
}

void col_nft_elements(const sup_message *m, unsigned *left, col_nft_element_fn *fn, void *data)
{
  if (m->type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM) ||
      m->len < sizeof(struct nfgenmsg))
    return;
  sup_attribute rest = {.value = m->payload + sizeof(struct nfgenmsg),
                        .len = m->len - sizeof(struct nfgenmsg)};
  attributes all = take_all(&rest);
  sup_attribute list = all.of[NFTA_SET_ELEM_LIST_ELEMENTS];
  sup_attribute a;
  while (all.has[NFTA_SET_ELEM_LIST_ELEMENTS] && *left > 0 &&
         sup_attribute_next(&list.value, &list.len, &a)) {
    char text[COL_NFT_TEXT] = "";
    words w = {.text = text, .size = sizeof(text)};
    attributes e = take_all(&a);
    say_element(&w, &e);
    (*left)--;
    fn(data, text);
  }
}
