/* Names and the firewall: what the resolver keeps, the files of names, rules and their log. */
#include "items.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <ws2tcpip.h>

#include <windns.h>

#include "file.h"
#include "path.h"
#include "reg.h"
#include "reg_text.h"
#include "support/wide.h"

enum { CACHE_MAX = 20000 };

/* ---- the resolver's cache ---- */

/* In no header. */
typedef struct cache_entry {
  struct cache_entry *next;
  wchar_t *name;
  WORD type;
  WORD data_len;
  ULONG flags;
} cache_entry;
typedef BOOL WINAPI cache_fn(cache_entry **ret_entries);

static const char *type_name(WORD type)
{
  static const struct {
    WORD type;
    const char *name;
  } names[] = {{DNS_TYPE_A, "A"},     {DNS_TYPE_AAAA, "AAAA"}, {DNS_TYPE_CNAME, "CNAME"},
               {DNS_TYPE_PTR, "PTR"}, {DNS_TYPE_SRV, "SRV"},   {DNS_TYPE_MX, "MX"},
               {DNS_TYPE_TEXT, "TXT"}};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    if (names[i].type == type)
      return names[i].name;
  }
  return "";
}

static void put_data(col_task *t, const DNS_RECORDW *r)
{
  char text[INET6_ADDRSTRLEN] = "";
  if (r->wType == DNS_TYPE_A) {
    (void)InetNtopA(AF_INET, &r->Data.A.IpAddress, text, sizeof(text));
    col_text(t, text);
  } else if (r->wType == DNS_TYPE_AAAA) {
    (void)InetNtopA(AF_INET6, &r->Data.AAAA.Ip6Address, text, sizeof(text));
    col_text(t, text);
  } else if (r->wType == DNS_TYPE_CNAME || r->wType == DNS_TYPE_PTR) {
    win_text(t, r->Data.PTR.pNameHost);
  } else if (r->wType == DNS_TYPE_SRV) {
    win_text(t, r->Data.SRV.pNameTarget);
  } else {
    win_empty(t, 1);
  }
}

/* What the cache has of a name; nothing is asked of the network. */
static void put_entry(col_task *t, const cache_entry *e)
{
  DNS_RECORDW *records = NULL;
  DNS_STATUS status =
      DnsQuery_W(e->name, e->type, DNS_QUERY_NO_WIRE_QUERY, NULL, (PDNS_RECORD *)&records, NULL);
  const DNS_RECORDW *r = status == 0 ? records : NULL;
  do {
    win_text(t, e->name);
    col_text(t, type_name(e->type));
    col_unum(t, e->type);
    if (r != NULL) {
      win_text(t, r->pName);
      put_data(t, r);
      col_unum(t, r->dwTtl);
    } else {
      win_empty(t, 3);
    }
    (void)col_row(t);
    r = r != NULL ? r->pNext : NULL;
  } while (r != NULL && !col_stop(t));
  if (records != NULL)
    DnsRecordListFree((PDNS_RECORD)records, DnsFreeRecordList);
}

void win_dns_cache(col_task *t)
{
  cache_entry *entries = NULL;
  unsigned count = 0;
  cache_fn *get = (cache_fn *)sup_system_call(L"dnsapi.dll", "DnsGetCacheDataTable");
  SetLastError(0);
  if (get == NULL || !get(&entries)) {
    col_mark(t, COL_ERROR, "unsupported here: DnsGetCacheDataTable %s%s",
             get == NULL ? "is not there" : "refuses", sup_is_wine() ? " (this is Wine)" : "");
    return;
  }
  col_head(t, "name,type,type_number,record,data,ttl_seconds");
  while (entries != NULL) {
    cache_entry *e = entries;
    entries = e->next;
    if (!col_stop(t) && ++count <= CACHE_MAX && e->name != NULL)
      put_entry(t, e);
    DnsFree(e->name, DnsFreeFlat);
    DnsFree(e, DnsFreeFlat);
  }
  if (count > CACHE_MAX)
    col_cap(t, "more than %d names are in the cache", CACHE_MAX);
}

/* ---- files ---- */

void win_name_files(col_task *t)
{
  static const wchar_t *const files[] = {L"hosts", L"lmhosts", L"networks", L"services",
                                         L"protocol"};
  wchar_t below[WIN_PATH];
  wchar_t path[WIN_PATH];
  char name[64];
  for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && !col_over(t); i++) {
    sup_from_wide(files[i], name, sizeof(name));
    if (win_join(L"System32\\drivers\\etc", files[i], below) && win_place(WIN_WINDOWS, below, path))
      win_copy(t, name, path, COL_MIB);
  }
}

/* ---- the firewall ---- */

#define FIREWALL L"SYSTEM\\CurrentControlSet\\Services\\SharedAccess\\Parameters\\FirewallPolicy"

typedef struct rules {
  col_task *task;
  const char *kind;
} rules;

static bool put_rule(void *data, HKEY key, const win_value *v)
{
  rules *r = data;
  char text[REG_TEXT_MAX];
  char type[16];
  (void)key;
  size_t len = win_reg_value_text(v->type, v->bytes, v->len, text, sizeof(text));
  col_text(r->task, r->kind);
  win_text(r->task, v->name);
  col_text(r->task, win_reg_type(v->type, type));
  col_bytes(r->task, text, len);
  return col_row(r->task);
}

/* 0 or an error; a key that is not there counts as none. */
static DWORD put_rules_of(col_task *t, const char *kind, const wchar_t *path)
{
  HKEY key = NULL;
  rules r = {.task = t, .kind = kind};
  DWORD error = (DWORD)RegOpenKeyExW(HKEY_LOCAL_MACHINE, path, 0, KEY_READ | KEY_WOW64_64KEY, &key);
  if (error != 0)
    return error;
  error = win_each_value(t, key, put_rule, &r);
  (void)RegCloseKey(key);
  return error;
}

/* The log's own name is a setting, and nobody's word is taken for where it is: win_copy() opens
 * plain files of this machine only. */
static bool put_log(col_task *t, const char *name, const wchar_t *path)
{
  if (GetFileAttributesW(path) == INVALID_FILE_ATTRIBUTES)
    return false;
  win_copy(t, name, path, 32 * COL_MIB);
  return true;
}

void win_firewall_rules(col_task *t)
{
  static const struct {
    const char *kind;
    const wchar_t *path;
  } parts[] = {
      {"domain profile", FIREWALL L"\\DomainProfile"},
      {"private profile", FIREWALL L"\\StandardProfile"},
      {"public profile", FIREWALL L"\\PublicProfile"},
      {"rule", FIREWALL L"\\FirewallRules"},
      {"app rule", FIREWALL L"\\RestrictedServices\\AppIso\\FirewallRules"},
      {"service rule", FIREWALL L"\\RestrictedServices\\Static\\System"},
      {"domain profile by policy",
       L"SOFTWARE\\Policies\\Microsoft\\WindowsFirewall\\DomainProfile"},
      {"private profile by policy",
       L"SOFTWARE\\Policies\\Microsoft\\WindowsFirewall\\StandardProfile"},
      {"public profile by policy",
       L"SOFTWARE\\Policies\\Microsoft\\WindowsFirewall\\PublicProfile"},
      {"rule by policy", L"SOFTWARE\\Policies\\Microsoft\\WindowsFirewall\\FirewallRules"},
  };
  col_head(t, "kind,name,type,text");
  for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && !col_stop(t); i++) {
    DWORD error = put_rules_of(t, parts[i].kind, parts[i].path);
    if (error != 0 && error != ERROR_FILE_NOT_FOUND)
      win_mark(t, error, parts[i].kind);
  }
  if (col_rows(t) == 0)
    win_mark_pretended(t, "the rules of the firewall: the registry has none of them");
}

void win_firewall_log(col_task *t)
{
  static const wchar_t *const profiles[] = {L"DomainProfile", L"StandardProfile", L"PublicProfile"};
  wchar_t usual[WIN_PATH];
  wchar_t old[WIN_PATH];
  unsigned found = 0;
  if (win_place(WIN_WINDOWS, L"System32\\LogFiles\\Firewall\\pfirewall.log", usual) &&
      win_place(WIN_WINDOWS, L"System32\\LogFiles\\Firewall\\pfirewall.log.old", old)) {
    found += put_log(t, "pfirewall.log", usual) ? 1 : 0;
    found += put_log(t, "pfirewall.log.old", old) ? 1 : 0;
  }
  for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]) && !col_over(t); i++) {
    wchar_t key[256];
    wchar_t raw[WIN_PATH];
    wchar_t path[WIN_PATH];
    (void)swprintf(key, sizeof(key) / sizeof(key[0]), FIREWALL L"\\%ls\\Logging", profiles[i]);
    if (win_reg_text(HKEY_LOCAL_MACHINE, key, L"LogFilePath", raw) && win_expand(raw, path) &&
        _wcsicmp(path, usual) != 0)
      found += put_log(t, "pfirewall.log", path) ? 1 : 0;
  }
  if (found == 0 && !col_over(t)) {
    col_begin(t, "pfirewall.log", "%windir%\\System32\\LogFiles\\Firewall");
    col_mark(t, COL_ABSENT, "there is no log: the firewall keeps none unless it is told to");
  }
}
