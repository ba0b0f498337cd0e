#define _GNU_SOURCE
#include "packets.h"

#include <inttypes.h>
#include <net/if.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/json.h"

enum { LINE_MAX_LEN = 256, PASSWD_MAX = 4096 };

static const char *const folders[] = {"/usr/sbin/", "/sbin/", "/usr/bin/",    "/bin/",
                                      "/usr/lib/",  "/lib/",  "/usr/libexec/"};
static const char *const programs[] = {
    "dhclient",       "dhcpcd",        "udhcpc",  "NetworkManager", "systemd-networkd",
    "wpa_supplicant", "hostapd",       "iwd",     "lldpd",          "lldpad",
    "teamd",          "avahi-autoipd", "connmand"};

const cordon_host_sight *iso_sight(const cordon_host *host)
{
  const cordon_host_sight *sight =
      host->get_extension != NULL ? host->get_extension(host, CORDON_HOST_SIGHT) : NULL;
  return sight != NULL && sight->struct_size >= sizeof(*sight) ? sight : NULL;
}

bool iso_packet_expected(const char *program)
{
  const char *name = strrchr(program, '/');
  bool of_the_system = false;
  if (name == NULL)
    return false;
  for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
    of_the_system = of_the_system || strncmp(program, folders[i], strlen(folders[i])) == 0;
  for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]) && of_the_system; i++) {
    if (strcmp(name + 1, programs[i]) == 0)
      return true;
  }
  return false;
}

/* sk RefCnt Type Proto Iface R Rmem User Inode */
bool iso_packet_read(const char *line, iso_packet *ret_packet)
{
  unsigned protocol = 0;
  unsigned link = 0;
  uint32_t user = 0;
  uint64_t inode = 0;
  /* NOLINTNEXTLINE(cert-err34-c): the kernel's own numbers, and a line is taken whole or not */
  if (sscanf(line, "%*s %*d %*d %x %u %*d %*u %" SCNu32 " %" SCNu64, &protocol, &link, &user,
             &inode) != 4)
    return false;
  *ret_packet =
      (iso_packet){.inode = inode, .user = user, .link = link, .protocol = (uint16_t)protocol};
  return true;
}

static void read_packets(iso_packets *p)
{
  char line[LINE_MAX_LEN];
  FILE *f = fopen("/proc/thread-self/net/packet", "re");
  while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
    iso_packet packet;
    if (!iso_packet_read(line, &packet))
      continue;
    if (p->count < ISO_PACKETS_MAX)
      p->items[p->count++] = packet;
    else
      p->more = true;
  }
  if (f != NULL)
    (void)fclose(f);
}

/* From the file alone: what else may know users can take long, over a network that is cut. */
static void add_user(cJSON *item, uint32_t user)
{
  char buffer[PASSWD_MAX];
  struct passwd entry;
  struct passwd *found = NULL;
  FILE *f = fopen("/etc/passwd", "re");
  while (f != NULL && fgetpwent_r(f, &entry, buffer, sizeof(buffer), &found) == 0) {
    if (found->pw_uid == user)
      break;
    found = NULL;
  }
  if (found != NULL)
    sup_json_add_text(item, "user", found->pw_name);
  (void)cJSON_AddNumberToObject(item, "uid", user);
  if (f != NULL)
    (void)fclose(f);
}

static void add_packet(cJSON *list, const iso_packet *p, const cordon_holder *holder)
{
  char name[IF_NAMESIZE] = "all";
  char protocol[8];
  cJSON *item = cJSON_CreateObject();
  if (p->link != 0 && if_indextoname(p->link, name) == NULL)
    (void)snprintf(name, sizeof(name), "%u", p->link);
  if (holder->pid != 0) {
    (void)cJSON_AddNumberToObject(item, "pid", holder->pid);
    sup_json_add_text(item, "name", holder->name);
    if (holder->program[0] != '\0')
      sup_json_add_text(item, "program", holder->program);
  }
  add_user(item, p->user);
  sup_json_add_text(item, "interface", name);
  (void)snprintf(protocol, sizeof(protocol), "0x%04x", p->protocol);
  (void)cJSON_AddStringToObject(item, "protocol", protocol);
  (void)cJSON_AddBoolToObject(item, "expected", iso_packet_expected(holder->program));
  (void)cJSON_AddItemToArray(list, item);
}

void iso_packets_add(const cordon_host *host, cJSON *details)
{
  iso_packets p = {.count = 0};
  cordon_holder holders[ISO_PACKETS_MAX] = {{.pid = 0}};
  uint64_t inodes[ISO_PACKETS_MAX];
  read_packets(&p);
  if (p.count == 0)
    return;
  const cordon_host_sight *sight = iso_sight(host);
  for (size_t i = 0; i < p.count; i++)
    inodes[i] = p.items[i].inode;
  if (sight == NULL || sight->holders(host, inodes, (uint32_t)p.count, holders) != CORDON_OK)
    memset(holders, 0, sizeof(holders));
  cJSON *list = cJSON_AddArrayToObject(details, "packet_sockets");
  for (size_t i = 0; i < p.count; i++) {
    holders[i].name[sizeof(holders[i].name) - 1] = '\0';
    holders[i].program[sizeof(holders[i].program) - 1] = '\0';
    add_packet(list, &p.items[i], &holders[i]);
  }
  if (p.more)
    (void)cJSON_AddStringToObject(details, "packet_sockets_note",
                                  "there are more, which are not listed");
}
