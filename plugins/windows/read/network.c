/* Network connections: sockets with their owners, neighbours, interfaces, routes. */
#include "items.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ws2tcpip.h>

#include <iphlpapi.h>
#include <psapi.h>

#include "support/wide.h"

enum { TRIES = 8, TABLE_MAX = 64 * 1024 * 1024 };

/* ---- sockets ---- */

static const char *state_name(DWORD state)
{
  static const char *const names[] = {
      "",           "closed",     "listening",  "syn sent", "syn received", "established",
      "fin wait 1", "fin wait 2", "close wait", "closing",  "last ack",     "time wait",
      "delete tcb"};
  return state < sizeof(names) / sizeof(names[0]) ? names[state] : "";
}

typedef struct sockets {
  col_task *task;
  unsigned waiting; /* those that listen; of a connection that is over nobody is the owner */
  unsigned waiting_owned;
} sockets;

static void put_owner(sockets *s, DWORD pid, bool waits)
{
  wchar_t path[WIN_PATH] = {0};
  DWORD len = WIN_PATH;
  s->waiting += waits ? 1 : 0;
  s->waiting_owned += waits && pid != 0 ? 1 : 0;
  HANDLE h = pid != 0 ? OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, pid) : NULL;
  if (h == NULL || !QueryFullProcessImageNameW(h, 0, path, &len))
    path[0] = L'\0';
  if (h != NULL)
    (void)CloseHandle(h);
  const wchar_t *slash = wcsrchr(path, L'\\');
  col_unum(s->task, pid);
  win_text(s->task, slash != NULL ? slash + 1 : path);
  win_text(s->task, path);
}

static void put_end(sockets *s, int family, const void *address, DWORD scope, DWORD port)
{
  char text[INET6_ADDRSTRLEN + 16] = "";
  (void)InetNtopA(family, address, text, INET6_ADDRSTRLEN);
  if (scope != 0) {
    size_t len = strlen(text);
    (void)snprintf(text + len, sizeof(text) - len, "%%%lu", (unsigned long)scope);
  }
  col_text(s->task, text);
  col_unum(s->task, ntohs((u_short)port));
}

static void put_no_end(sockets *s)
{
  win_empty(s->task, 2);
}

static bool put_tcp4(sockets *s, const void *table, DWORD i)
{
  const MIB_TCPROW_OWNER_PID *r = &((const MIB_TCPTABLE_OWNER_PID *)table)->table[i];
  col_text(s->task, "tcp");
  put_end(s, AF_INET, &r->dwLocalAddr, 0, r->dwLocalPort);
  if (r->dwState == MIB_TCP_STATE_LISTEN)
    put_no_end(s);
  else
    put_end(s, AF_INET, &r->dwRemoteAddr, 0, r->dwRemotePort);
  col_text(s->task, state_name(r->dwState));
  put_owner(s, r->dwOwningPid, r->dwState == MIB_TCP_STATE_LISTEN);
  return col_row(s->task);
}

static bool put_tcp6(sockets *s, const void *table, DWORD i)
{
  const MIB_TCP6ROW_OWNER_PID *r = &((const MIB_TCP6TABLE_OWNER_PID *)table)->table[i];
  col_text(s->task, "tcp6");
  put_end(s, AF_INET6, r->ucLocalAddr, r->dwLocalScopeId, r->dwLocalPort);
  if (r->dwState == MIB_TCP_STATE_LISTEN)
    put_no_end(s);
  else
    put_end(s, AF_INET6, r->ucRemoteAddr, r->dwRemoteScopeId, r->dwRemotePort);
  col_text(s->task, state_name(r->dwState));
  put_owner(s, r->dwOwningPid, r->dwState == MIB_TCP_STATE_LISTEN);
  return col_row(s->task);
}

static bool put_udp4(sockets *s, const void *table, DWORD i)
{
  const MIB_UDPROW_OWNER_PID *r = &((const MIB_UDPTABLE_OWNER_PID *)table)->table[i];
  col_text(s->task, "udp");
  put_end(s, AF_INET, &r->dwLocalAddr, 0, r->dwLocalPort);
  put_no_end(s);
  col_text(s->task, "");
  put_owner(s, r->dwOwningPid, true);
  return col_row(s->task);
}

static bool put_udp6(sockets *s, const void *table, DWORD i)
{
  const MIB_UDP6ROW_OWNER_PID *r = &((const MIB_UDP6TABLE_OWNER_PID *)table)->table[i];
  col_text(s->task, "udp6");
  put_end(s, AF_INET6, r->ucLocalAddr, r->dwLocalScopeId, r->dwLocalPort);
  put_no_end(s);
  col_text(s->task, "");
  put_owner(s, r->dwOwningPid, true);
  return col_row(s->task);
}

/* Wine (8.0) says that there is no memory whenever the table changed while it was listed. */
static bool has_moved(DWORD error)
{
  return error == ERROR_INSUFFICIENT_BUFFER || error == ERROR_OUTOFMEMORY ||
         error == ERROR_NOT_ENOUGH_MEMORY;
}

/* The table of one protocol, which grows while it is read. */
static DWORD read_table(bool tcp, ULONG family, void **ret_table)
{
  DWORD size = 64 * 1024;
  DWORD error = ERROR_INSUFFICIENT_BUFFER;
  *ret_table = NULL;
  for (int i = 0; i < TRIES && has_moved(error) && size <= TABLE_MAX; i++) {
    free(*ret_table);
    *ret_table = malloc(size);
    if (*ret_table == NULL)
      return ERROR_NOT_ENOUGH_MEMORY;
    error = tcp ? GetExtendedTcpTable(*ret_table, &size, FALSE, family, TCP_TABLE_OWNER_PID_ALL, 0)
                : GetExtendedUdpTable(*ret_table, &size, FALSE, family, UDP_TABLE_OWNER_PID, 0);
  }
  return error;
}

void win_connections(col_task *t)
{
  static const struct {
    const char *name;
    bool tcp;
    ULONG family;
    bool (*put)(sockets *s, const void *table, DWORD i);
  } tables[] = {{"TCP", true, AF_INET, put_tcp4},
                {"TCP over IPv6", true, AF_INET6, put_tcp6},
                {"UDP", false, AF_INET, put_udp4},
                {"UDP over IPv6", false, AF_INET6, put_udp6}};
  sockets s = {.task = t};
  col_head(t, "protocol,local_address,local_port,remote_address,remote_port,state,pid,process,"
              "path");
  for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
    void *table = NULL;
    DWORD error = read_table(tables[i].tcp, tables[i].family, &table);
    DWORD count = error == 0 ? *(const DWORD *)table : 0;
    if (error != 0)
      win_mark(t, error, tables[i].name);
    for (DWORD n = 0; n < count && tables[i].put(&s, table, n); n++)
      continue;
    free(table);
  }
  if (s.waiting > 0 && s.waiting_owned == 0)
    win_mark_pretended(t, "the owners: every socket that others may come to is said to belong to "
                          "process 0");
}

/* ---- neighbours ---- */

static void put_mac(col_task *t, const BYTE *bytes, ULONG len)
{
  char plain[3 * 32 + 1];
  size_t at = 0;
  for (ULONG i = 0; i < len && i < 32; i++)
    at += (size_t)snprintf(plain + at, sizeof(plain) - at, "%s%02x", i > 0 ? "-" : "", bytes[i]);
  plain[at] = '\0';
  col_text(t, plain);
}

static bool put_neighbour(col_task *t, const MIB_IPNET_ROW2 *r)
{
  static const char *const states[] = {"unreachable", "incomplete", "probe",    "delay",
                                       "stale",       "reachable",  "permanent"};
  char text[INET6_ADDRSTRLEN] = "";
  const void *address = r->Address.si_family == AF_INET ? (const void *)&r->Address.Ipv4.sin_addr
                                                        : (const void *)&r->Address.Ipv6.sin6_addr;
  (void)InetNtopA(r->Address.si_family, address, text, sizeof(text));
  col_unum(t, r->InterfaceIndex);
  col_text(t, text);
  put_mac(t, r->PhysicalAddress, r->PhysicalAddressLength);
  col_text(t, (unsigned)r->State < 7 ? states[r->State] : "");
  col_flag(t, r->IsRouter != 0);
  return col_row(t);
}

/* Of IPv4 alone: the older call. */
static DWORD put_old_neighbours(col_task *t)
{
  static const char *const types[] = {"", "other", "invalid", "dynamic", "static"};
  ULONG size = 256 * 1024;
  MIB_IPNETTABLE *table = malloc(size);
  DWORD error = table != NULL ? GetIpNetTable(table, &size, FALSE) : ERROR_NOT_ENOUGH_MEMORY;
  for (DWORD i = 0; error == 0 && i < table->dwNumEntries; i++) {
    const MIB_IPNETROW *r = &table->table[i];
    char text[INET_ADDRSTRLEN] = "";
    (void)InetNtopA(AF_INET, &r->dwAddr, text, sizeof(text));
    col_unum(t, r->dwIndex);
    col_text(t, text);
    put_mac(t, r->bPhysAddr, r->dwPhysAddrLen);
    col_text(t, r->dwType < 5 ? types[r->dwType] : "");
    win_empty(t, 1);
    if (!col_row(t))
      break;
  }
  free(table);
  return error == ERROR_NO_DATA ? 0 : error;
}

void win_arp(col_task *t)
{
  MIB_IPNET_TABLE2 *table = NULL;
  col_head(t, "interface,address,mac,state,router");
  DWORD error = GetIpNetTable2(AF_UNSPEC, &table);
  if (error == 0 && table != NULL) {
    for (ULONG i = 0; i < table->NumEntries && put_neighbour(t, &table->Table[i]); i++)
      continue;
    FreeMibTable(table);
    return;
  }
  win_mark(t, error, "the neighbours of IPv6 (GetIpNetTable2)");
  error = put_old_neighbours(t);
  if (error != 0)
    win_mark(t, error, "the neighbours of IPv4 (GetIpNetTable)");
}

/* ---- interfaces ---- */

static void put_setting(col_task *t, const char *of, const char *name, const char *value)
{
  col_text(t, of);
  col_text(t, name);
  col_text(t, value);
  (void)col_row(t);
}

static void put_wide(col_task *t, const char *of, const char *name, const wchar_t *value)
{
  col_text(t, of);
  col_text(t, name);
  win_text(t, value);
  (void)col_row(t);
}

static void put_address(col_task *t, const char *of, const char *name, const SOCKET_ADDRESS *a,
                        int prefix)
{
  char text[INET6_ADDRSTRLEN + 8] = "";
  const struct sockaddr *sa = a->lpSockaddr;
  const void *from =
      sa->sa_family == AF_INET
          ? (const void *)&((const struct sockaddr_in *)(const void *)sa)->sin_addr
          : (const void *)&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
  (void)InetNtopA(sa->sa_family, from, text, INET6_ADDRSTRLEN);
  size_t len = strlen(text);
  if (prefix >= 0)
    (void)snprintf(text + len, sizeof(text) - len, "/%d", prefix);
  put_setting(t, of, name, text);
}

static void put_adapter(col_task *t, const IP_ADAPTER_ADDRESSES *a)
{
  char name[256];
  char text[64];
  sup_from_wide(a->FriendlyName, name, sizeof(name));
  put_wide(t, name, "description", a->Description);
  put_setting(t, name, "guid", a->AdapterName);
  (void)snprintf(text, sizeof(text), "%lu", (unsigned long)a->IfIndex);
  put_setting(t, name, "index", text);
  put_setting(t, name, "state", a->OperStatus == IfOperStatusUp ? "up" : "down");
  put_setting(t, name, "dhcp", a->Dhcpv4Enabled ? "yes" : "no");
  col_text(t, name);
  col_text(t, "mac");
  put_mac(t, a->PhysicalAddress, a->PhysicalAddressLength);
  (void)col_row(t);
  put_wide(t, name, "dns suffix", a->DnsSuffix);
  for (const IP_ADAPTER_UNICAST_ADDRESS *u = a->FirstUnicastAddress; u != NULL; u = u->Next)
    put_address(t, name, "address", &u->Address, u->OnLinkPrefixLength);
  for (const IP_ADAPTER_DNS_SERVER_ADDRESS *d = a->FirstDnsServerAddress; d != NULL; d = d->Next)
    put_address(t, name, "dns server", &d->Address, -1);
  for (const IP_ADAPTER_GATEWAY_ADDRESS_LH *g = a->FirstGatewayAddress; g != NULL; g = g->Next)
    put_address(t, name, "gateway", &g->Address, -1);
  if (a->Dhcpv4Server.lpSockaddr != NULL && a->Dhcpv4Server.iSockaddrLength > 0)
    put_address(t, name, "dhcp server", &a->Dhcpv4Server, -1);
}

static void put_host(col_task *t)
{
  static const struct {
    const char *name;
    COMPUTER_NAME_FORMAT format;
  } names[] = {{"host name", ComputerNamePhysicalDnsHostname},
               {"primary dns suffix", ComputerNamePhysicalDnsDomain}};
  wchar_t text[256];
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    DWORD len = 256;
    if (GetComputerNameExW(names[i].format, text, &len))
      put_wide(t, "", names[i].name, text);
  }
}

void win_ipconfig(col_task *t)
{
  ULONG size = 64 * 1024;
  ULONG error = ERROR_BUFFER_OVERFLOW;
  IP_ADAPTER_ADDRESSES *list = NULL;
  for (int i = 0; i < TRIES && error == ERROR_BUFFER_OVERFLOW && size <= TABLE_MAX; i++) {
    free(list);
    list = malloc(size);
    error = list != NULL
                ? GetAdaptersAddresses(AF_UNSPEC,
                                       GAA_FLAG_INCLUDE_GATEWAYS | GAA_FLAG_INCLUDE_ALL_INTERFACES,
                                       NULL, list, &size)
                : ERROR_NOT_ENOUGH_MEMORY;
  }
  col_head(t, "interface,name,value");
  put_host(t);
  if (error != 0)
    win_mark(t, error, "the interfaces (GetAdaptersAddresses)");
  for (const IP_ADAPTER_ADDRESSES *a = error == 0 ? list : NULL; a != NULL && !col_stop(t);
       a = a->Next)
    put_adapter(t, a);
  free(list);
}

static bool put_route(col_task *t, const MIB_IPFORWARD_ROW2 *r)
{
  char to[INET6_ADDRSTRLEN] = "";
  char via[INET6_ADDRSTRLEN] = "";
  bool v4 = r->DestinationPrefix.Prefix.si_family == AF_INET;
  const SOCKADDR_INET *p = &r->DestinationPrefix.Prefix;
  (void)InetNtopA(p->si_family,
                  v4 ? (const void *)&p->Ipv4.sin_addr : (const void *)&p->Ipv6.sin6_addr, to,
                  sizeof(to));
  (void)InetNtopA(r->NextHop.si_family,
                  v4 ? (const void *)&r->NextHop.Ipv4.sin_addr
                     : (const void *)&r->NextHop.Ipv6.sin6_addr,
                  via, sizeof(via));
  col_text(t, to);
  col_unum(t, r->DestinationPrefix.PrefixLength);
  col_text(t, via);
  col_unum(t, r->InterfaceIndex);
  col_unum(t, r->Metric);
  col_unum(t, r->Protocol);
  return col_row(t);
}

void win_routes(col_task *t)
{
  MIB_IPFORWARD_TABLE2 *table = NULL;
  DWORD error = GetIpForwardTable2(AF_UNSPEC, &table);
  if (error != 0 || table == NULL) {
    win_mark(t, error, "the routes (GetIpForwardTable2)");
    return;
  }
  col_head(t, "to,prefix,via,interface,metric,protocol");
  for (ULONG i = 0; i < table->NumEntries && put_route(t, &table->Table[i]); i++)
    continue;
  FreeMibTable(table);
}
