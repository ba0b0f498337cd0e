#include "elements.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "dumps.h"
#include "support/netlink.h"

enum { WHAT_MAX = 160 };

/* A message of this kind, its attributes. */
static bool is_kind(const sup_message *m, uint16_t kind, const unsigned char **ret_bytes,
                    size_t *ret_len)
{
  if (m->type != (NFNL_SUBSYS_NFTABLES << 8 | kind) || m->len < sizeof(struct nfgenmsg))
    return false;
  *ret_bytes = m->payload + sizeof(struct nfgenmsg);
  *ret_len = m->len - sizeof(struct nfgenmsg);
  return true;
}

static bool is_text(const sup_attribute *a, const char *text)
{
  size_t len = strlen(text) + 1;
  return a->len == len && memcmp(a->value, text, len) == 0;
}

static bool take_text(const sup_attribute *a, char ret_text[ISO_SET_NAME])
{
  if (a->len < 2 || a->len > ISO_SET_NAME || memchr(a->value, 0, a->len) != a->value + a->len - 1)
    return false;
  memcpy(ret_text, a->value, a->len);
  return true;
}

static bool take_u32(const sup_attribute *a, uint32_t *ret_number)
{
  uint32_t number = 0;
  if (a->len != sizeof(number))
    return false;
  memcpy(&number, a->value, sizeof(number));
  *ret_number = ntohl(number);
  return true;
}

static void end_of_part(const sup_message *m, bool *done, bool *interrupted)
{
  *interrupted = *interrupted || (m->flags & NLM_F_DUMP_INTR) != 0;
  *done = m->type == NLMSG_DONE || m->type == NLMSG_ERROR;
}

/* ---- sets ---- */

static void take_set(const unsigned char *bytes, size_t len, const char *table, iso_sets *sets)
{
  sup_attribute a;
  char name[ISO_SET_NAME] = "";
  uint32_t flags = 0;
  bool ours = false;
  while (sup_attribute_next(&bytes, &len, &a)) {
    switch (a.type) {
    case NFTA_SET_TABLE: ours = is_text(&a, table); break;
    case NFTA_SET_NAME: (void)take_text(&a, name); break;
    case NFTA_SET_FLAGS: (void)take_u32(&a, &flags); break;
    default: break;
    }
  }
  if (!ours || (flags & NFT_SET_ANONYMOUS) != 0)
    return;
  if (name[0] == '\0' || sets->count == ISO_SETS_MAX)
    sets->more = true;
  else
    memcpy(sets->names[sets->count++], name, sizeof(name));
}

void iso_sets_walk(const unsigned char *bytes, size_t len, const char *table, iso_sets *sets,
                   bool *done, bool *interrupted)
{
  sup_message m;
  while (!*done && sup_message_next(&bytes, &len, &m)) {
    const unsigned char *attributes = NULL;
    size_t attributes_len = 0;
    end_of_part(&m, done, interrupted);
    if (is_kind(&m, NFT_MSG_NEWSET, &attributes, &attributes_len))
      take_set(attributes, attributes_len, table, sets);
  }
}

typedef struct sets_read {
  const char *table;
  iso_sets *sets;
} sets_read;

static void forget_sets(void *data)
{
  const sets_read *r = data;
  *r->sets = (iso_sets){.count = 0};
}

static void take_sets(void *data, const unsigned char *bytes, size_t len, bool *done,
                      bool *interrupted)
{
  const sets_read *r = data;
  iso_sets_walk(bytes, len, r->table, r->sets, done, interrupted);
}

cordon_status iso_sets_read(const iso_table *table, iso_sets *ret_sets, sup_err *err)
{
  iso_table_ask ask;
  size_t len = 0;
  char what[WHAT_MAX];
  sup_err why = {0};
  sets_read r = {table->name, ret_sets};
  cordon_status status =
      iso_nft_ask_of(table, NFT_MSG_GETSET, NLM_F_REQUEST | NLM_F_DUMP, &ask, &len, err);
  if (status != CORDON_OK)
    return status;
  (void)snprintf(what, sizeof(what), "the sets of table '%s'", table->name);
  const iso_asked asked = {&ask, len, what, forget_sets, take_sets, &r};
  status = iso_ask_all(&asked, &why);
  if (status != CORDON_OK && why.os_error == ENOENT)
    status = CORDON_OK;
  else if (status != CORDON_OK)
    *err = why;
  return status;
}

/* ---- elements ---- */

static bool take_number(const sup_attribute *key, uint64_t *ret_number)
{
  const unsigned char *bytes = key->value;
  size_t len = key->len;
  sup_attribute a;
  bool taken = false;
  while (sup_attribute_next(&bytes, &len, &a)) {
    if (taken || a.type != NFTA_DATA_VALUE || a.len != sizeof(*ret_number))
      return false;
    memcpy(ret_number, a.value, sizeof(*ret_number));
    taken = true;
  }
  return taken;
}

static bool take_verdict(const sup_attribute *verdict, char ret_chain[ISO_SET_NAME])
{
  const unsigned char *bytes = verdict->value;
  size_t len = verdict->len;
  sup_attribute a;
  uint32_t code = 0;
  bool named = false;
  while (sup_attribute_next(&bytes, &len, &a)) {
    if (a.type == NFTA_VERDICT_CODE && !take_u32(&a, &code))
      return false;
    if (a.type == NFTA_VERDICT_CHAIN)
      named = take_text(&a, ret_chain);
  }
  return named && code == (uint32_t)NFT_JUMP;
}

static bool take_jump(const sup_attribute *data, char ret_chain[ISO_SET_NAME])
{
  const unsigned char *bytes = data->value;
  size_t len = data->len;
  sup_attribute a;
  bool taken = false;
  while (sup_attribute_next(&bytes, &len, &a)) {
    if (taken || a.type != NFTA_DATA_VERDICT || !take_verdict(&a, ret_chain))
      return false;
    taken = true;
  }
  return taken;
}

static void show_element(const sup_attribute *one, iso_element_fn *fn, void *data)
{
  const unsigned char *bytes = one->value;
  size_t len = one->len;
  sup_attribute a;
  iso_element e = {.bytes = one->value, .len = one->len};
  bool number = false, jump = false, else_ = false;
  while (sup_attribute_next(&bytes, &len, &a)) {
    switch (a.type) {
    case NFTA_SET_ELEM_KEY: number = take_number(&a, &e.number); break;
    case NFTA_SET_ELEM_DATA: jump = take_jump(&a, e.chain); break;
    default: else_ = true;
    }
  }
  e.jumps = number && jump && !else_;
  fn(data, &e);
}

static void take_elements(const unsigned char *bytes, size_t len, const char *table,
                          const char *set, iso_element_fn *fn, void *data)
{
  sup_attribute a, list = {0}, one;
  bool ours = false, of_set = false;
  while (sup_attribute_next(&bytes, &len, &a)) {
    switch (a.type) {
    case NFTA_SET_ELEM_LIST_TABLE: ours = is_text(&a, table); break;
    case NFTA_SET_ELEM_LIST_SET: of_set = is_text(&a, set); break;
    case NFTA_SET_ELEM_LIST_ELEMENTS: list = a; break;
    default: break;
    }
  }
  while (ours && of_set && sup_attribute_next(&list.value, &list.len, &one)) {
    if (one.type == NFTA_LIST_ELEM)
      show_element(&one, fn, data);
  }
}

void iso_elements_walk(const unsigned char *bytes, size_t len, const char *table, const char *set,
                       iso_element_fn *fn, void *data, bool *done, bool *interrupted)
{
  sup_message m;
  while (!*done && sup_message_next(&bytes, &len, &m)) {
    const unsigned char *attributes = NULL;
    size_t attributes_len = 0;
    end_of_part(&m, done, interrupted);
    if (is_kind(&m, NFT_MSG_NEWSETELEM, &attributes, &attributes_len))
      take_elements(attributes, attributes_len, table, set, fn, data);
  }
}

typedef struct elements_read {
  const char *table;
  const char *set;
  void (*forget)(void *data);
  iso_element_fn *fn;
  void *data;
} elements_read;

static void forget_elements(void *data)
{
  const elements_read *r = data;
  r->forget(r->data);
}

static void take_part_of_elements(void *data, const unsigned char *bytes, size_t len, bool *done,
                                  bool *interrupted)
{
  const elements_read *r = data;
  iso_elements_walk(bytes, len, r->table, r->set, r->fn, r->data, done, interrupted);
}

/* The question about a table, and of which set. */
typedef struct elements_ask {
  union {
    iso_table_ask table;
    unsigned char bytes[sizeof(iso_table_ask) + sizeof(struct nlattr) + ISO_SET_NAME];
  } of;
  size_t len;
} elements_ask;

static cordon_status ask_of_set(const iso_table *table, const char *set, elements_ask *ret_ask,
                                sup_err *err)
{
  size_t name_len = strlen(set) + 1;
  struct nlattr head = {.nla_type = NFTA_SET_ELEM_LIST_SET,
                        .nla_len = (uint16_t)(sizeof(head) + name_len)};
  *ret_ask = (elements_ask){.len = 0};
  if (name_len > ISO_SET_NAME)
    return sup_fail(err, CORDON_E_LIMIT, "the name of a set is too long");
  cordon_status status = iso_nft_ask_of(table, NFT_MSG_GETSETELEM, NLM_F_REQUEST | NLM_F_DUMP,
                                        &ret_ask->of.table, &ret_ask->len, err);
  if (status != CORDON_OK)
    return status;
  memcpy(ret_ask->of.bytes + ret_ask->len, &head, sizeof(head));
  memcpy(ret_ask->of.bytes + ret_ask->len + sizeof(head), set, name_len);
  ret_ask->len += sizeof(head) + (name_len + 3) / 4 * 4;
  ret_ask->of.table.head.nlmsg_len = (uint32_t)ret_ask->len;
  return CORDON_OK;
}

cordon_status iso_elements_read(const iso_table *table, const char *set, void (*forget)(void *data),
                                iso_element_fn *fn, void *data, sup_err *err)
{
  elements_ask ask;
  char what[WHAT_MAX];
  sup_err why = {0};
  elements_read r = {table->name, set, forget, fn, data};
  cordon_status status = ask_of_set(table, set, &ask, err);
  if (status != CORDON_OK)
    return status;
  (void)snprintf(what, sizeof(what), "the elements of set '%s'", set);
  const iso_asked asked = {ask.of.bytes, ask.len, what, forget_elements, take_part_of_elements, &r};
  status = iso_ask_all(&asked, &why);
  if (status != CORDON_OK && why.os_error == ENOENT)
    status = CORDON_OK;
  else if (status != CORDON_OK)
    *err = why;
  return status;
}
