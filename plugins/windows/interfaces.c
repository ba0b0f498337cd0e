/* The network interfaces, with their addresses. */
#include "facts.h"

#include <stdio.h>
#include <stdlib.h>

#include <winsock2.h>
#include <ws2tcpip.h>

#include <iphlpapi.h>

#include "support/json.h"
#include "support/wide.h"

enum { TRIES = 4, FIRST_SIZE = 32 * 1024, SIZE_MAX_BYTES = 8 * 1024 * 1024 };

/* The list grows while it is read, so it is asked for a few times. */
static IP_ADAPTER_ADDRESSES *read_adapters(void)
{
  ULONG size = FIRST_SIZE;
  for (int i = 0; i < TRIES && size <= SIZE_MAX_BYTES; i++) {
    IP_ADAPTER_ADDRESSES *list = malloc(size);
    if (list == NULL)
      return NULL;
    ULONG error = GetAdaptersAddresses(
        AF_UNSPEC, GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST | GAA_FLAG_SKIP_DNS_SERVER, NULL,
        list, &size);
    if (error == ERROR_SUCCESS)
      return list;
    free(list);
    if (error != ERROR_BUFFER_OVERFLOW)
      return NULL;
  }
  return NULL;
}

static bool add_address(cJSON *addresses, const IP_ADAPTER_UNICAST_ADDRESS *a)
{
  char address[INET6_ADDRSTRLEN] = "";
  char text[INET6_ADDRSTRLEN + 8];
  const struct sockaddr *sa = a->Address.lpSockaddr;
  const void *from = NULL;
  if (sa->sa_family == AF_INET)
    from = &((const struct sockaddr_in *)(const void *)sa)->sin_addr;
  else if (sa->sa_family == AF_INET6)
    from = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
  if (from == NULL || InetNtopA(sa->sa_family, from, address, sizeof(address)) == NULL)
    return false;
  (void)snprintf(text, sizeof(text), "%s/%u", address, a->OnLinkPrefixLength);
  return cJSON_AddItemToArray(addresses, cJSON_CreateString(text));
}

static void add_interface(cJSON *interfaces, const IP_ADAPTER_ADDRESSES *a, size_t *count)
{
  char text[FACTS_TEXT];
  static const unsigned char none[6] = {0};
  cJSON *add = cJSON_CreateObject();
  sup_from_wide(a->FriendlyName, text, sizeof(text));
  sup_json_add_text(add, "name", text);
  const BYTE *m = a->PhysicalAddress;
  if (a->PhysicalAddressLength == 6 && memcmp(m, none, sizeof(none)) != 0) {
    (void)snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3],
                   m[4], m[5]);
    (void)cJSON_AddStringToObject(add, "mac", text);
  } else {
    (void)cJSON_AddNullToObject(add, "mac");
  }
  (void)cJSON_AddBoolToObject(add, "up", a->OperStatus == IfOperStatusUp);
  cJSON *addresses = cJSON_AddArrayToObject(add, "addresses");
  for (const IP_ADAPTER_UNICAST_ADDRESS *u = a->FirstUnicastAddress;
       u != NULL && *count < FACTS_ADDRESSES_MAX; u = u->Next)
    *count += add_address(addresses, u) ? 1 : 0;
  (void)cJSON_AddItemToArray(interfaces, add);
}

void facts_add_interfaces(cJSON *result)
{
  size_t addresses = 0;
  cJSON *interfaces = cJSON_AddArrayToObject(result, "interfaces");
  IP_ADAPTER_ADDRESSES *list = read_adapters();
  for (const IP_ADAPTER_ADDRESSES *a = list;
       a != NULL && cJSON_GetArraySize(interfaces) < FACTS_INTERFACES_MAX; a = a->Next)
    add_interface(interfaces, a, &addresses);
  free(list);
}
