#include "counters.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "dumps.h"
#include "support/netlink.h"

static bool is_text(const sup_attribute *a, const char *text)
{
  size_t len = strlen(text) + 1;
  return a->len == len && memcmp(a->value, text, len) == 0;
}

static bool take_name(const sup_attribute *a, iso_counter *ret_counter)
{
  if (a->len < 2 || a->len > sizeof(ret_counter->name) || a->value[a->len - 1] != '\0')
    return false;
  memcpy(ret_counter->name, a->value, a->len);
  return true;
}

static bool take_packets(const sup_attribute *data, iso_counter *ret_counter)
{
  const unsigned char *bytes = data->value;
  size_t len = data->len;
  sup_attribute a;
  while (sup_attribute_next(&bytes, &len, &a)) {
    uint64_t big = 0;
    if (a.type != NFTA_COUNTER_PACKETS || a.len != sizeof(big))
      continue;
    memcpy(&big, a.value, sizeof(big));
    ret_counter->packets = be64toh(big);
    return true;
  }
  return false;
}

static bool is_counter_type(const sup_attribute *a)
{
  uint32_t type = 0;
  if (a->len != sizeof(type))
    return false;
  memcpy(&type, a->value, sizeof(type));
  return ntohl(type) == NFT_OBJECT_COUNTER;
}

static bool read_counter(const sup_message *m, const char *table, iso_counter *ret_counter)
{
  const unsigned char *bytes = m->payload;
  size_t len = m->len;
  sup_attribute a;
  bool ours = false;
  bool counts = false;
  bool named = false;
  bool known = false;
  if (len < sizeof(struct nfgenmsg))
    return false;
  bytes += sizeof(struct nfgenmsg);
  len -= sizeof(struct nfgenmsg);
  while (sup_attribute_next(&bytes, &len, &a)) {
    switch (a.type) {
    case NFTA_OBJ_TABLE: ours = is_text(&a, table); break;
    case NFTA_OBJ_NAME: named = take_name(&a, ret_counter); break;
    case NFTA_OBJ_TYPE: counts = is_counter_type(&a); break;
    case NFTA_OBJ_DATA: known = take_packets(&a, ret_counter); break;
    default: break;
    }
  }
  return ours && counts && named && known;
}

void iso_counters_walk(const unsigned char *bytes, size_t len, const char *table, iso_counters *c,
                       bool *done, bool *interrupted)
{
  sup_message m;
  while (!*done && sup_message_next(&bytes, &len, &m)) {
    *interrupted = *interrupted || (m.flags & NLM_F_DUMP_INTR) != 0;
    *done = m.type == NLMSG_DONE || m.type == NLMSG_ERROR;
    iso_counter one = {.packets = 0};
    if (m.type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWOBJ) && c->count < ISO_COUNTERS_MAX &&
        read_counter(&m, table, &one))
      c->items[c->count++] = one;
  }
}

typedef struct reading {
  const char *table;
  iso_counters counters;
} reading;

static void forget(void *data)
{
  reading *r = data;
  r->counters.count = 0;
}

static void take(void *data, const unsigned char *bytes, size_t len, bool *done, bool *interrupted)
{
  reading *r = data;
  iso_counters_walk(bytes, len, r->table, &r->counters, done, interrupted);
}

cordon_status iso_counters_read(const iso_table *table, iso_counters *ret_counters, sup_err *err)
{
  iso_table_ask ask;
  size_t len = 0;
  char what[128];
  reading r = {.table = table->name};
  cordon_status status =
      iso_nft_ask_of(table, NFT_MSG_GETOBJ, NLM_F_REQUEST | NLM_F_DUMP, &ask, &len, err);
  if (status != CORDON_OK)
    return status;
  (void)snprintf(what, sizeof(what), "the counters of table '%s'", table->name);
  const iso_asked asked = {&ask, len, what, forget, take, &r};
  status = iso_ask_all(&asked, err);
  if (status == CORDON_OK)
    *ret_counters = r.counters;
  return status;
}

void iso_counters_add(iso_counters *c, const iso_counters *more)
{
  for (size_t i = 0; i < more->count; i++) {
    size_t at = 0;
    while (at < c->count && strcmp(c->items[at].name, more->items[i].name) != 0)
      at++;
    if (at < c->count)
      c->items[at].packets += more->items[i].packets;
    else if (at < ISO_COUNTERS_MAX)
      c->items[c->count++] = more->items[i];
  }
}

bool iso_counters_get(const iso_counters *c, const char *name, uint64_t *ret_packets)
{
  for (size_t i = 0; i < c->count; i++) {
    if (strcmp(c->items[i].name, name) == 0) {
      *ret_packets = c->items[i].packets;
      return true;
    }
  }
  return false;
}
