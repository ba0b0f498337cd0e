/* Firewall rules, and how names are looked up. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "listing.h"
#include "net.h"
#include "nft.h"
#include "parse.h"
#include "read.h"

enum { SETS_MAX = 256, ELEMENTS_MAX = 10000 };

typedef struct firewall {
  col_task *task;
  col_nft *sets; /* that were told */
  size_t count;
  const col_nft *set; /* whose elements are */
  unsigned left;
} firewall;

static void put_row(col_task *t, const col_nft *n, const char *kind, const char *text)
{
  col_text(t, kind);
  col_text(t, n->family);
  col_text(t, n->table);
  col_text(t, n->name);
  col_unum(t, n->handle);
  col_text(t, text);
  (void)col_row(t);
}

static void put_nft(void *data, const sup_message *m)
{
  firewall *f = data;
  col_nft n;
  if (!col_nft_read(m, &n) || col_stop(f->task))
    return;
  put_row(f->task, &n, n.kind, n.text);
  if (strcmp(n.kind, "set") != 0)
    return;
  if (f->count < SETS_MAX)
    f->sets[f->count++] = n;
  else
    col_cap(f->task, "only the elements of the first %d sets", SETS_MAX);
}

static int list_nft(firewall *f, int fd, uint8_t type)
{
  struct {
    struct nlmsghdr h;
    struct nfgenmsg g;
  } request = {.h = {.nlmsg_len = sizeof(request),
                     .nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type),
                     .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
  return col_dump(f->task, fd, &request, sizeof(request), put_nft, f);
}

static void put_element(void *data, const char *text)
{
  firewall *f = data;
  put_row(f->task, f->set, "element", text);
}

static void put_elements(void *data, const sup_message *m)
{
  firewall *f = data;
  if (!col_stop(f->task))
    col_nft_elements(m, &f->left, put_element, f);
}

static size_t add_name(unsigned char *at, uint16_t type, const char *name)
{
  size_t len = strlen(name) + 1;
  struct nlattr head = {.nla_len = (uint16_t)(sizeof(head) + len), .nla_type = type};
  memcpy(at, &head, sizeof(head));
  memcpy(at + sizeof(head), name, len);
  return (sizeof(head) + len + 3) & ~(size_t)3;
}

static void list_elements(firewall *f, int fd, const col_nft *set)
{
  f->set = set;
  unsigned char request[sizeof(struct nlmsghdr) + sizeof(struct nfgenmsg) + 3 * COL_NFT_NAME] = {0};
  size_t len = sizeof(struct nlmsghdr);
  struct nfgenmsg family = {.nfgen_family = set->number};
  memcpy(request + len, &family, sizeof(family));
  len += sizeof(family);
  len += add_name(request + len, NFTA_SET_ELEM_LIST_TABLE, set->table);
  len += add_name(request + len, NFTA_SET_ELEM_LIST_SET, set->name);
  struct nlmsghdr head = {.nlmsg_len = (uint32_t)len,
                          .nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM,
                          .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP};
  memcpy(request, &head, sizeof(head));
  f->left = ELEMENTS_MAX;
  int error = col_dump(f->task, fd, request, len, put_elements, f);
  if (error != 0)
    col_mark(f->task, COL_PARTIAL, "the elements of set %s: %s", set->name, strerror(error));
  if (f->left == 0)
    col_cap(f->task, "of set %s the first %d elements", set->name, ELEMENTS_MAX);
}

static void tables_of_iptables(col_task *t)
{
  static const char *const files[][2] = {{"ip", "/proc/net/ip_tables_names"},
                                         {"ip6", "/proc/net/ip6_tables_names"},
                                         {"arp", "/proc/net/arp_tables_names"}};
  for (size_t i = 0; i < 3; i++) {
    char text[4096];
    col_view name;
    if (col_read(t, files[i][1], text, sizeof(text)) <= 0)
      continue;
    col_view rest = col_view_of(text);
    while (col_word(&rest, &name)) {
      col_text(t, "iptables table (its rules are not read)");
      col_text(t, files[i][0]);
      col_bytes(t, name.ptr, name.len);
      col_text(t, "");
      col_text(t, "");
      col_text(t, "");
      (void)col_row(t);
    }
  }
}

void col_net_firewall(col_task *t)
{
  static const uint8_t types[] = {NFT_MSG_GETTABLE, NFT_MSG_GETCHAIN, NFT_MSG_GETRULE,
                                  NFT_MSG_GETSET};
  sup_err err = {0};
  int fd = -1;
  col_head(t, "kind,family,table,name,handle,text");
  if (sup_netlink_open(NETLINK_NETFILTER, 0, &fd, &err) != CORDON_OK)
    col_mark(t, COL_ERROR, "%s", err.sentence);
  firewall f = {.task = t, .sets = calloc(SETS_MAX, sizeof(col_nft))};
  if (f.sets == NULL)
    col_mark(t, COL_ERROR, "there is no memory to list the rules of nftables");
  for (size_t i = 0; f.sets != NULL && fd >= 0 && i < sizeof(types); i++) {
    int error = list_nft(&f, fd, types[i]);
    if (error == EINVAL || error == EOPNOTSUPP)
      col_mark(t, COL_PARTIAL, "this kernel has no nftables: %s", strerror(error));
    else if (error != 0)
      col_mark_os(t, error, "the kernel does not list its nftables rules");
  }
  for (size_t i = 0; f.sets != NULL && i < f.count && !col_stop(t); i++)
    list_elements(&f, fd, &f.sets[i]);
  free(f.sets);
  if (fd >= 0)
    (void)close(fd);
  tables_of_iptables(t);
}

/* ---- names and proxies ---- */

typedef struct proxies {
  col_task *task;
  const char *path;
  unsigned line;
} proxies;

static bool put_proxy(void *data, const char *line, size_t len)
{
  proxies *p = data;
  col_view v = col_trim((col_view){.ptr = line, .len = len});
  p->line++;
  if (v.len == 0 || v.ptr[0] == '#' || !col_view_has(v, "proxy"))
    return true;
  col_text(p->task, p->path);
  col_num(p->task, p->line);
  col_masked(p->task, v);
  return col_row(p->task);
}

static void proxies_in(col_task *t, const char *path)
{
  proxies p = {.task = t, .path = path};
  if (col_lines(t, path, COL_MIB, put_proxy, &p) == EFBIG)
    col_cap(t, "%s: only its first MiB", path);
}

typedef struct folder {
  col_task *task;
  const char *path;
} folder;

static bool proxies_of(void *data, int dir, const char *name)
{
  const folder *f = data;
  char path[COL_PATH];
  (void)dir;
  (void)snprintf(path, sizeof(path), "%s/%s", f->path, name);
  proxies_in(f->task, path);
  return true;
}

void col_net_names(col_task *t)
{
  static const char *const copied[] = {"/etc/resolv.conf",   "/etc/hosts",
                                       "/etc/nsswitch.conf", "/etc/hosts.allow",
                                       "/etc/hosts.deny",    "/etc/systemd/resolved.conf"};
  static const char *const files[] = {"/etc/environment",  "/etc/apt/apt.conf", "/etc/profile",
                                      "/etc/dnf/dnf.conf", "/etc/yum.conf",     "/etc/wgetrc"};
  static const char *const folders[] = {"/etc/apt/apt.conf.d", "/etc/profile.d",
                                        "/etc/NetworkManager/system-connections",
                                        "/etc/environment.d"};
  for (size_t i = 0; i < sizeof(copied) / sizeof(copied[0]) && !col_stop(t); i++)
    col_copy(t, strrchr(copied[i], '/') + 1, copied[i], COL_MIB);
  col_say_untold(
      t, "resolved_cache.txt", "/run/systemd/resolve",
      "systemd-resolved shows the names that it remembers to root, and this collector is "
      "not root and runs no program. As root on the device: resolvectl show-cache "
      "(systemd 254 and newer)");
  col_begin(t, "proxies.csv",
            "lines with proxy in /etc/environment, apt, dnf, NetworkManager, profiles");
  col_head(t, "path,line,text");
  for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
    proxies_in(t, files[i]);
  for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
    folder f = {.task = t, .path = folders[i]};
    (void)col_each(t, folders[i], proxies_of, &f);
  }
}
