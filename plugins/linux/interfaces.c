/* The network interfaces, with their addresses. */
#include "facts.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <sys/socket.h>

#include "support/json.h"

static cJSON *find_interface(cJSON *interfaces, const char *name)
{
  cJSON *i = NULL;
  cJSON_ArrayForEach(i, interfaces)
  {
    if (strcmp(cJSON_GetObjectItemCaseSensitive(i, "name")->valuestring, name) == 0)
      return i;
  }
  return NULL;
}

static cJSON *take_interface(cJSON *interfaces, const struct ifaddrs *a)
{
  cJSON *found = find_interface(interfaces, a->ifa_name);
  if (found != NULL || cJSON_GetArraySize(interfaces) >= FACTS_INTERFACES_MAX)
    return found;
  cJSON *add = cJSON_CreateObject();
  sup_json_add_text(add, "name", a->ifa_name);
  (void)cJSON_AddNullToObject(add, "mac");
  (void)cJSON_AddBoolToObject(add, "up",
                              (a->ifa_flags & IFF_UP) != 0 && (a->ifa_flags & IFF_RUNNING) != 0);
  (void)cJSON_AddArrayToObject(add, "addresses");
  if (cJSON_GetObjectItemCaseSensitive(add, "name") == NULL) {
    cJSON_Delete(add);
    return NULL;
  }
  (void)cJSON_AddItemToArray(interfaces, add);
  return add;
}

static void set_mac(cJSON *interface, const struct sockaddr *address)
{
  struct sockaddr_ll ll;
  char text[32];
  static const unsigned char none[6] = {0};
  memcpy(&ll, address, sizeof(ll));
  if (ll.sll_halen != 6 || memcmp(ll.sll_addr, none, sizeof(none)) == 0)
    return;
  const unsigned char *m = ll.sll_addr;
  (void)snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
                 m[5]);
  (void)cJSON_ReplaceItemInObjectCaseSensitive(interface, "mac", cJSON_CreateString(text));
}

static unsigned prefix_of(const unsigned char *mask, size_t len)
{
  unsigned bits = 0;
  while (bits < len * 8 && (mask[bits / 8] & (0x80u >> (bits % 8))) != 0)
    bits++;
  return bits;
}

static void add_address(cJSON *interface, const struct ifaddrs *a)
{
  char address[INET6_ADDRSTRLEN];
  char text[INET6_ADDRSTRLEN + 8];
  unsigned prefix = 0;
  if (a->ifa_addr->sa_family == AF_INET) {
    struct sockaddr_in in, mask = {0};
    memcpy(&in, a->ifa_addr, sizeof(in));
    if (a->ifa_netmask != NULL)
      memcpy(&mask, a->ifa_netmask, sizeof(mask));
    (void)inet_ntop(AF_INET, &in.sin_addr, address, sizeof(address));
    prefix = prefix_of((const unsigned char *)&mask.sin_addr, 4);
  } else {
    struct sockaddr_in6 in6, mask = {0};
    memcpy(&in6, a->ifa_addr, sizeof(in6));
    if (a->ifa_netmask != NULL)
      memcpy(&mask, a->ifa_netmask, sizeof(mask));
    (void)inet_ntop(AF_INET6, &in6.sin6_addr, address, sizeof(address));
    prefix = prefix_of((const unsigned char *)&mask.sin6_addr, 16);
  }
  (void)snprintf(text, sizeof(text), "%s/%u", address, prefix);
  cJSON *addresses = cJSON_GetObjectItemCaseSensitive(interface, "addresses");
  (void)cJSON_AddItemToArray(addresses, cJSON_CreateString(text));
}

void facts_add_interfaces(cJSON *result)
{
  cJSON *interfaces = cJSON_AddArrayToObject(result, "interfaces");
  struct ifaddrs *list = NULL;
  if (getifaddrs(&list) != 0)
    return;
  size_t addresses = 0;
  for (const struct ifaddrs *a = list; a != NULL; a = a->ifa_next) {
    cJSON *interface = take_interface(interfaces, a);
    if (interface == NULL || a->ifa_addr == NULL)
      continue;
    if (a->ifa_addr->sa_family == AF_PACKET)
      set_mac(interface, a->ifa_addr);
    else if ((a->ifa_addr->sa_family == AF_INET || a->ifa_addr->sa_family == AF_INET6) &&
             addresses++ < FACTS_ADDRESSES_MAX)
      add_address(interface, a);
  }
  freeifaddrs(list);
}
