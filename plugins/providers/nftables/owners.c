#include "owners.h"

#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "ruleset.h"
#include "support/netlink.h"

/* Of headers that are younger than the libraries we build with. */
enum { TABLE_OWNER = 7, FLAG_OWNER = 2 };

static const struct owner_row {
  const char *name;
  bool ebpf;
  bool hosts;
} owners[ISO_OWNER_COUNT] = {
    [ISO_FIREWALLD] = {"firewalld", false, false},
    [ISO_UFW] = {"ufw", false, false},
    [ISO_DOCKER] = {"Docker", false, true},
    [ISO_PODMAN] = {"Podman", false, true},
    [ISO_LIBVIRT] = {"libvirt", false, true},
    [ISO_LXD] = {"LXD", false, true},
    [ISO_KUBE] = {"Kubernetes", false, true},
    [ISO_CALICO] = {"Calico", false, true},
    [ISO_FLANNEL] = {"Flannel", false, true},
    [ISO_CILIUM] = {"Cilium", true, true},
    [ISO_OVN] = {"OVN", true, true},
};

typedef struct prefix_row {
  const char *prefix;
  iso_owner owner;
} prefix_row;

static const prefix_row tables[] = {
    {"firewalld", ISO_FIREWALLD}, {"docker", ISO_DOCKER}, {"netavark", ISO_PODMAN},
    {"libvirt", ISO_LIBVIRT},     {"lxd", ISO_LXD},       {"incus", ISO_LXD},
    {"kube-", ISO_KUBE},          {"calico", ISO_CALICO}, {"cali-", ISO_CALICO},
    {"flannel", ISO_FLANNEL},     {"cilium", ISO_CILIUM}, {"ufw", ISO_UFW},
    {NULL, ISO_OWNER_NONE},
};
static const prefix_row chains[] = {
    {"ufw-", ISO_UFW},        {"ufw6-", ISO_UFW},        {"DOCKER", ISO_DOCKER},
    {"NETAVARK", ISO_PODMAN}, {"LIBVIRT_", ISO_LIBVIRT}, {"KUBE-", ISO_KUBE},
    {"cali-", ISO_CALICO},    {"FLANNEL", ISO_FLANNEL},  {"CILIUM_", ISO_CILIUM},
    {NULL, ISO_OWNER_NONE},
};
static const prefix_row interfaces[] = {
    {"docker", ISO_DOCKER},     {"br-docker", ISO_DOCKER}, {"podman", ISO_PODMAN},
    {"cni-podman", ISO_PODMAN}, {"virbr", ISO_LIBVIRT},    {"lxdbr", ISO_LXD},
    {"lxcbr", ISO_LXD},         {"incusbr", ISO_LXD},      {"cilium_", ISO_CILIUM},
    {"cali", ISO_CALICO},       {"flannel", ISO_FLANNEL},  {"cni0", ISO_KUBE},
    {"kube-", ISO_KUBE},        {"antrea-", ISO_OVN},      {"ovn-k8s-", ISO_OVN},
    {NULL, ISO_OWNER_NONE},
};
static const prefix_row processes[] = {
    {"firewalld", ISO_FIREWALLD},
    {"dockerd", ISO_DOCKER},
    {"libvirtd", ISO_LIBVIRT},
    {"virtqemud", ISO_LIBVIRT},
    {"lxd", ISO_LXD},
    {"incusd", ISO_LXD},
    {"kubelet", ISO_KUBE},
    {"kube-proxy", ISO_KUBE},
    {"calico-node", ISO_CALICO},
    {"flanneld", ISO_FLANNEL},
    {"cilium-agent", ISO_CILIUM},
    {"ovnkube", ISO_OVN},
    {"antrea-agent", ISO_OVN},
    {NULL, ISO_OWNER_NONE},
};

const char *iso_owner_name(iso_owner o)
{
  return owners[o].name;
}

bool iso_owner_is_ebpf(iso_owner o)
{
  return owners[o].ebpf;
}

bool iso_owner_hosts(iso_owner o)
{
  return owners[o].hosts;
}

static iso_owner find(const prefix_row *rows, const char *name)
{
  for (; rows->prefix != NULL; rows++) {
    if (strncmp(rows->prefix, name, strlen(rows->prefix)) == 0)
      return rows->owner;
  }
  return ISO_OWNER_NONE;
}

iso_owner iso_owner_of_table(const char *name)
{
  return find(tables, name);
}

iso_owner iso_owner_of_chain(const char *name)
{
  return find(chains, name);
}

iso_owner iso_owner_of_interface(const char *name)
{
  return find(interfaces, name);
}

/* Names of processes are whole, and cut off by the kernel behind 15 bytes. */
iso_owner iso_owner_of_process(const char *name)
{
  for (const prefix_row *r = processes; r->prefix != NULL; r++) {
    if (strcmp(r->prefix, name) == 0)
      return r->owner;
  }
  return ISO_OWNER_NONE;
}

void iso_owners_note(iso_owners *to, iso_owner o, const char *what, const char *name)
{
  if (o == ISO_OWNER_NONE || to->seen[o][0] != '\0')
    return;
  (void)snprintf(to->seen[o], sizeof(to->seen[o]), "%s '%.40s'", what, name);
}

/* ---- tables and chains ---- */

typedef struct object {
  char table[ISO_OWNER_NAME];
  char chain[ISO_OWNER_NAME];
  uint32_t flags;
  uint32_t owner;
} object;

static void take_name(const sup_attribute *a, char out[ISO_OWNER_NAME])
{
  size_t len = 0;
  while (len < a->len && len + 1 < ISO_OWNER_NAME && a->value[len] != '\0') {
    out[len] = a->value[len] > ' ' && a->value[len] < 0x7f ? (char)a->value[len] : '?';
    len++;
  }
  out[len] = '\0';
}

static uint32_t take_u32(const sup_attribute *a)
{
  uint32_t number = 0;
  if (a->len == sizeof(number))
    memcpy(&number, a->value, sizeof(number));
  return ntohl(number);
}

static object read_object(const sup_message *m, bool table)
{
  object o = {0};
  const unsigned char *bytes = m->payload + sizeof(struct nfgenmsg);
  size_t len = m->len - sizeof(struct nfgenmsg);
  sup_attribute a;
  while (sup_attribute_next(&bytes, &len, &a)) {
    if (a.type == NFTA_TABLE_NAME) /* and NFTA_CHAIN_TABLE */
      take_name(&a, o.table);
    else if (table && a.type == NFTA_TABLE_FLAGS)
      o.flags = take_u32(&a);
    else if (table && a.type == TABLE_OWNER)
      o.owner = take_u32(&a);
    else if (!table && a.type == NFTA_CHAIN_NAME)
      take_name(&a, o.chain);
  }
  return o;
}

/* `cordon`, and what is beside it for the same purpose. */
static bool is_ours(const char *table)
{
  size_t len = strlen(ISO_TABLE);
  return strncmp(table, ISO_TABLE, len) == 0 && (table[len] == '\0' || table[len] == '_');
}

static void note_owned(iso_owners *to, const object *o)
{
  if ((o->flags & FLAG_OWNER) == 0)
    return;
  if (to->owned_count == ISO_OWNED_MAX) {
    to->owned_left++;
    return;
  }
  iso_owned *owned = &to->owned[to->owned_count++];
  memcpy(owned->name, o->table, sizeof(owned->name));
  owned->port = o->owner;
}

static void note_object(iso_owners *to, const sup_message *m, bool table)
{
  object o = read_object(m, table);
  if (o.table[0] == '\0' || is_ours(o.table))
    return;
  if (table) {
    iso_owners_note(to, iso_owner_of_table(o.table), "table", o.table);
    note_owned(to, &o);
  } else {
    iso_owners_note(to, iso_owner_of_chain(o.chain), "chain", o.chain);
  }
}

void iso_owners_walk(const unsigned char *bytes, size_t len, bool *done, iso_owners *to)
{
  sup_message m;
  while (!*done && sup_message_next(&bytes, &len, &m)) {
    if (m.type == NLMSG_DONE || m.type == NLMSG_ERROR)
      *done = true;
    bool table = m.type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE);
    bool chain = m.type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN);
    if ((table || chain) && m.len >= sizeof(struct nfgenmsg))
      note_object(to, &m, table);
  }
}
