#include "counters.h"

#include <endian.h>
#include <string.h>

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "support/netlink.h"

enum { READ_TRIES = 8 };

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
  bool interrupted;
  int os_error; /* with which the kernel ended it; 0: none */
} reading;

/* A dump that fails can say so in a message of its own, or in its last. */
static int error_in(const unsigned char *bytes, size_t len)
{
  sup_message m;
  while (sup_message_next(&bytes, &len, &m)) {
    int error = 0;
    if (m.type == NLMSG_ERROR)
      return sup_message_error(&m);
    if (m.type == NLMSG_DONE && m.len >= sizeof(error))
      memcpy(&error, m.payload, sizeof(error));
    if (error < 0 && error >= -4095)
      return -error;
  }
  return 0;
}

static bool take_part(void *data, const unsigned char *bytes, size_t len)
{
  reading *r = data;
  bool done = false;
  iso_counters_walk(bytes, len, r->table, &r->counters, &done, &r->interrupted);
  if (done)
    r->os_error = error_in(bytes, len);
  return !done;
}

cordon_status iso_counters_read(const iso_table *table, iso_counters *ret_counters, sup_err *err)
{
  iso_table_ask ask;
  size_t len = 0;
  cordon_status status =
      iso_nft_ask_of(table, NFT_MSG_GETOBJ, NLM_F_REQUEST | NLM_F_DUMP, &ask, &len, err);
  reading r = {.interrupted = true};
  for (int i = 0; i < READ_TRIES && status == CORDON_OK && r.interrupted; i++) {
    r = (reading){.table = table->name};
    status = sup_netlink_dump_nftables(&ask, len, take_part, &r, err);
    if (status == CORDON_OK && r.os_error != 0)
      status = sup_fail_os(err, r.os_error, "the kernel does not tell the counters of table '%s'",
                           table->name);
  }
  if (status == CORDON_OK && r.interrupted)
    status =
        sup_fail(err, CORDON_E_UNAVAILABLE,
                 "the counters could not be read: the rules changed each of %d times", READ_TRIES);
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
