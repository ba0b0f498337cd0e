/* The system itself: its version, identity and size. */
#include "facts.h"

#include <stdio.h>
#include <string.h>

#include "support/json.h"
#include "support/wide.h"

/* A text of the registry's 64-bit view; empty if there is none. */
static void read_value(const wchar_t *key, const wchar_t *name, char ret_text[FACTS_TEXT])
{
  wchar_t text[FACTS_TEXT] = {0};
  DWORD size = sizeof(text) - sizeof(text[0]);
  DWORD type = 0;
  HKEY open = NULL;
  ret_text[0] = '\0';
  if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, key, 0, KEY_QUERY_VALUE | KEY_WOW64_64KEY, &open) != 0)
    return;
  if (RegQueryValueExW(open, name, NULL, &type, (BYTE *)text, &size) == 0 && type == REG_SZ)
    sup_from_wide(text, ret_text, FACTS_TEXT);
  (void)RegCloseKey(open);
}

static DWORD read_number(const wchar_t *key, const wchar_t *name)
{
  DWORD number = 0;
  DWORD size = sizeof(number);
  DWORD type = 0;
  HKEY open = NULL;
  if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, key, 0, KEY_QUERY_VALUE | KEY_WOW64_64KEY, &open) != 0)
    return 0;
  if (RegQueryValueExW(open, name, NULL, &type, (BYTE *)&number, &size) != 0 || type != REG_DWORD)
    number = 0;
  (void)RegCloseKey(open);
  return number;
}

void facts_time(uint64_t ticks, char ret_text[32])
{
  FILETIME ft = {.dwLowDateTime = (DWORD)ticks, .dwHighDateTime = (DWORD)(ticks >> 32)};
  SYSTEMTIME st = {0};
  ret_text[0] = '\0';
  if (ticks != 0 && FileTimeToSystemTime(&ft, &st))
    (void)snprintf(ret_text, 32, "%04u-%02u-%02uT%02u:%02u:%02uZ", st.wYear, st.wMonth, st.wDay,
                   st.wHour, st.wMinute, st.wSecond);
}

#define CURRENT_VERSION L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"

/* GetVersionEx() answers what the program's manifest says, so the kernel's own call is asked. */
static void add_os(cJSON *result)
{
  typedef LONG WINAPI get_version(OSVERSIONINFOW *);
  OSVERSIONINFOW v = {.dwOSVersionInfoSize = sizeof(v)};
  char name[FACTS_TEXT];
  char version[FACTS_TEXT];
  get_version *get = (get_version *)sup_system_call(L"ntdll.dll", "RtlGetVersion");
  if (get != NULL)
    (void)get(&v);
  unsigned long revision = read_number(CURRENT_VERSION, L"UBR");
  (void)snprintf(version, sizeof(version), "%lu.%lu.%lu.%lu", v.dwMajorVersion, v.dwMinorVersion,
                 v.dwBuildNumber, revision);
  read_value(CURRENT_VERSION, L"ProductName", name);
  cJSON *os = cJSON_AddObjectToObject(result, "os");
  (void)cJSON_AddStringToObject(os, "system", "windows");
  (void)cJSON_AddStringToObject(os, "id", "windows");
  sup_json_add_text(os, "name", name[0] != '\0' ? name : "Windows");
  (void)cJSON_AddStringToObject(os, "version", version);
  (void)cJSON_AddStringToObject(result, "kernel", version);
}

static const char *architecture(void)
{
  SYSTEM_INFO info = {0};
  GetNativeSystemInfo(&info);
  switch (info.wProcessorArchitecture) {
  case PROCESSOR_ARCHITECTURE_AMD64: return "x86_64";
  case PROCESSOR_ARCHITECTURE_ARM64: return "aarch64";
  case PROCESSOR_ARCHITECTURE_INTEL: return "x86";
  default: return "unknown";
  }
}

/* Windows numbers no boots, so the moment of it stands for one, by the ten seconds: the clock and
 * the count of milliseconds are not read at once, and the clock is set now and then. */
static void add_boot(cJSON *result)
{
  FILETIME now = {0};
  char when[32];
  char id[64];
  GetSystemTimeAsFileTime(&now);
  uint64_t ticks = (uint64_t)now.dwHighDateTime << 32 | now.dwLowDateTime;
  uint64_t booted = ticks - GetTickCount64() * 10000;
  DWORD boots = read_number(L"SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Memory "
                            L"Management\\PrefetchParameters",
                            L"BootId");
  if (boots != 0)
    (void)snprintf(id, sizeof(id), "boot-%lu", (unsigned long)boots);
  else
    (void)snprintf(id, sizeof(id), "booted-%llu", (unsigned long long)(booted / 100000000));
  (void)cJSON_AddStringToObject(result, "boot_id", id);
  facts_time(booted, when);
  (void)cJSON_AddStringToObject(result, "booted", when);
}

static void add_size(cJSON *result)
{
  MEMORYSTATUSEX memory = {.dwLength = sizeof(memory)};
  (void)cJSON_AddNumberToObject(result, "processors",
                                GetActiveProcessorCount(ALL_PROCESSOR_GROUPS));
  if (GlobalMemoryStatusEx(&memory))
    (void)cJSON_AddNumberToObject(result, "memory_bytes", (double)memory.ullTotalPhys);
}

void facts_add_system(cJSON *result)
{
  wchar_t host[FACTS_TEXT] = {0};
  char text[FACTS_TEXT];
  DWORD len = FACTS_TEXT;
  if (!GetComputerNameExW(ComputerNamePhysicalDnsHostname, host, &len))
    host[0] = L'\0';
  sup_from_wide(host, text, sizeof(text));
  sup_json_add_text(result, "host_name", text);
  add_os(result);
  (void)cJSON_AddStringToObject(result, "architecture", architecture());
  read_value(L"SOFTWARE\\Microsoft\\Cryptography", L"MachineGuid", text);
  sup_json_add_text(result, "machine_id", text[0] != '\0' ? text : NULL);
  add_boot(result);
  add_size(result);
}
