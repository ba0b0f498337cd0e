#include "events.h"

#include <string.h>

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "ruleset.h"
#include "support/netlink.h"

/* NFTA_TABLE_NAME, NFTA_CHAIN_TABLE, NFTA_RULE_TABLE and so on: the table's name is the first
 * attribute of every object. */
enum { TABLE_NAME = 1 };

static bool get_u32(const sup_attribute *a, uint32_t *ret_number)
{
  uint32_t number = 0;
  if (a->len != sizeof(number))
    return false;
  memcpy(&number, a->value, sizeof(number));
  *ret_number = ntohl(number);
  return true;
}

static bool get_name(const sup_attribute *a, char ret_name[ISO_EVENT_NAME])
{
  size_t len = strnlen((const char *)a->value, a->len);
  if (len >= ISO_EVENT_NAME)
    return false;
  memcpy(ret_name, a->value, len);
  ret_name[len] = '\0';
  return true;
}

static void read_generation(const unsigned char *bytes, size_t len, iso_event *e)
{
  sup_attribute a;
  e->new_generation = true;
  while (sup_attribute_next(&bytes, &len, &a)) {
    if (a.type == NFTA_GEN_ID)
      (void)get_u32(&a, &e->generation);
    else if (a.type == NFTA_GEN_PROC_PID)
      (void)get_u32(&a, &e->thread);
    else if (a.type == NFTA_GEN_PROC_NAME)
      (void)get_name(&a, e->name);
  }
}

static bool is_table(const unsigned char *bytes, size_t len, const char *ours)
{
  sup_attribute a;
  char name[ISO_EVENT_NAME];
  while (sup_attribute_next(&bytes, &len, &a)) {
    if (a.type == TABLE_NAME)
      return get_name(&a, name) && strcmp(name, ours) == 0;
  }
  return false;
}

static bool touches(uint8_t family, const unsigned char *bytes, size_t len)
{
  if (family == NFPROTO_INET)
    return is_table(bytes, len, ISO_TABLE) || is_table(bytes, len, ISO_GUARD_TABLE);
  return family == NFPROTO_NETDEV && is_table(bytes, len, ISO_STRICT_TABLE);
}

void iso_events_walk(const unsigned char *bytes, size_t len, iso_event_fn *fn, void *data)
{
  sup_message m;
  while (sup_message_next(&bytes, &len, &m)) {
    struct nfgenmsg head;
    if (NFNL_SUBSYS_ID(m.type) != NFNL_SUBSYS_NFTABLES || m.len < sizeof(head))
      continue;
    memcpy(&head, m.payload, sizeof(head));
    const unsigned char *attributes = m.payload + sizeof(head);
    size_t left = m.len - sizeof(head);
    iso_event e = {0};
    if (NFNL_MSG_TYPE(m.type) == NFT_MSG_NEWGEN)
      read_generation(attributes, left, &e);
    else
      e.touches_us = touches(head.nfgen_family, attributes, left);
    if (e.new_generation || e.touches_us)
      fn(data, &e);
  }
}
