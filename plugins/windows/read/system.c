/* System Information: version, identity, clock, memory, disks, updates, protection. */
#include "items.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <lm.h>

#include "path.h"
#include "reg.h"
#include "support/wide.h"
#include "wmi.h"

#define CURRENT_VERSION L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"
#define CONTROL L"SYSTEM\\CurrentControlSet\\Control\\"

static void put(col_task *t, const char *name, const char *value)
{
  col_text(t, name);
  col_text(t, value);
  (void)col_row(t);
}

static void put_wide(col_task *t, const char *name, const wchar_t *value)
{
  col_text(t, name);
  win_text(t, value);
  (void)col_row(t);
}

static void put_number(col_task *t, const char *name, uint64_t number)
{
  col_text(t, name);
  col_unum(t, number);
  (void)col_row(t);
}

static void put_time(col_task *t, const char *name, uint64_t ticks)
{
  col_text(t, name);
  win_ticks(t, ticks);
  (void)col_row(t);
}

static void put_names(col_task *t)
{
  static const struct {
    const char *name;
    COMPUTER_NAME_FORMAT format;
  } names[] = {{"host_name", ComputerNamePhysicalDnsHostname},
               {"dns_name", ComputerNamePhysicalDnsFullyQualified},
               {"netbios_name", ComputerNamePhysicalNetBIOS}};
  wchar_t text[256];
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    DWORD len = 256;
    if (GetComputerNameExW(names[i].format, text, &len))
      put_wide(t, names[i].name, text);
  }
}

static void put_join(col_task *t)
{
  static const char *const kinds[] = {"unknown", "none", "workgroup", "domain"};
  wchar_t *name = NULL;
  NETSETUP_JOIN_STATUS kind = NetSetupUnknownStatus;
  if (NetGetJoinInformation(NULL, &name, &kind) != 0)
    return;
  put(t, "member_of", (unsigned)kind < 4 ? kinds[kind] : "");
  put_wide(t, "domain_or_workgroup", name);
  (void)NetApiBufferFree(name);
}

static void put_version(col_task *t)
{
  typedef LONG WINAPI get_version(OSVERSIONINFOW *);
  static const struct {
    const char *name;
    const wchar_t *value;
  } texts[] = {{"product", L"ProductName"},
               {"edition", L"EditionID"},
               {"display_version", L"DisplayVersion"},
               {"release", L"ReleaseId"},
               {"build_lab", L"BuildLabEx"},
               {"owner", L"RegisteredOwner"},
               {"organisation", L"RegisteredOrganization"},
               {"system_root", L"SystemRoot"}};
  OSVERSIONINFOW v = {.dwOSVersionInfoSize = sizeof(v)};
  get_version *get = (get_version *)sup_system_call(L"ntdll.dll", "RtlGetVersion");
  char text[64];
  uint32_t number = 0;
  wchar_t wide[WIN_PATH];
  if (get != NULL && get(&v) == 0) {
    (void)snprintf(text, sizeof(text), "%lu.%lu.%lu", v.dwMajorVersion, v.dwMinorVersion,
                   v.dwBuildNumber);
    put(t, "version", text);
  }
  if (win_reg_number(HKEY_LOCAL_MACHINE, CURRENT_VERSION, L"UBR", &number))
    put_number(t, "revision", number);
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    if (win_reg_text(HKEY_LOCAL_MACHINE, CURRENT_VERSION, texts[i].value, wide))
      put_wide(t, texts[i].name, wide);
  }
  if (win_reg_number(HKEY_LOCAL_MACHINE, CURRENT_VERSION, L"InstallDate", &number)) {
    col_text(t, "installed");
    col_time(t, number);
    (void)col_row(t);
  }
  if (win_reg_text(HKEY_LOCAL_MACHINE, L"SOFTWARE\\Microsoft\\Cryptography", L"MachineGuid", wide))
    put_wide(t, "machine_guid", wide);
  if (sup_is_wine())
    put(t, "wine", "yes: this is no Windows");
}

static void put_clock(col_task *t)
{
  FILETIME now = {0};
  DYNAMIC_TIME_ZONE_INFORMATION zone = {0};
  GetSystemTimeAsFileTime(&now);
  put_time(t, "time", win_ticks_of(now));
  put_time(t, "started", win_ticks_of(now) - GetTickCount64() * 10000);
  if (GetDynamicTimeZoneInformation(&zone) != TIME_ZONE_ID_INVALID) {
    put_wide(t, "time_zone", zone.TimeZoneKeyName);
    col_text(t, "time_zone_bias_minutes");
    col_num(t, zone.Bias);
    (void)col_row(t);
  }
}

static void put_machine(col_task *t)
{
  static const struct {
    const char *name;
    const wchar_t *value;
  } bios[] = {{"manufacturer", L"SystemManufacturer"},
              {"model", L"SystemProductName"},
              {"bios_vendor", L"BIOSVendor"},
              {"bios_version", L"BIOSVersion"},
              {"bios_date", L"BIOSReleaseDate"}};
  SYSTEM_INFO info = {0};
  MEMORYSTATUSEX memory = {.dwLength = sizeof(memory)};
  wchar_t text[WIN_PATH];
  GetNativeSystemInfo(&info);
  put_number(t, "processors", GetActiveProcessorCount(ALL_PROCESSOR_GROUPS));
  put_number(t, "architecture", info.wProcessorArchitecture);
  if (win_reg_text(HKEY_LOCAL_MACHINE, L"HARDWARE\\DESCRIPTION\\System\\CentralProcessor\\0",
                   L"ProcessorNameString", text))
    put_wide(t, "processor", text);
  if (GlobalMemoryStatusEx(&memory)) {
    put_number(t, "memory_bytes", memory.ullTotalPhys);
    put_number(t, "memory_free_bytes", memory.ullAvailPhys);
    put_number(t, "page_file_bytes", memory.ullTotalPageFile);
  }
  for (size_t i = 0; i < sizeof(bios) / sizeof(bios[0]); i++) {
    if (win_reg_text(HKEY_LOCAL_MACHINE, L"HARDWARE\\DESCRIPTION\\System\\BIOS", bios[i].value,
                     text))
      put_wide(t, bios[i].name, text);
  }
}

static void put_security(col_task *t)
{
  static const struct {
    const char *name;
    const wchar_t *key;
    const wchar_t *value;
  } numbers[] = {
      {"secure_boot", CONTROL L"SecureBoot\\State", L"UEFISecureBootEnabled"},
      {"lsa_protection", CONTROL L"Lsa", L"RunAsPPL"},
      {"wdigest_keeps_passwords", CONTROL L"SecurityProviders\\WDigest", L"UseLogonCredential"},
      {"user_account_control", L"SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System",
       L"EnableLUA"},
      {"remote_desktop_denied", CONTROL L"Terminal Server", L"fDenyTSConnections"},
      {"smb1_server", L"SYSTEM\\CurrentControlSet\\Services\\LanmanServer\\Parameters", L"SMB1"},
      {"hypervisor_integrity", CONTROL L"DeviceGuard\\Scenarios\\HypervisorEnforcedCodeIntegrity",
       L"Enabled"},
      {"powershell_script_log",
       L"SOFTWARE\\Policies\\Microsoft\\Windows\\PowerShell\\ScriptBlockLogging",
       L"EnableScriptBlockLogging"},
  };
  for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
    uint32_t number = 0;
    if (win_reg_number(HKEY_LOCAL_MACHINE, numbers[i].key, numbers[i].value, &number))
      put_number(t, numbers[i].name, number);
    else
      put(t, numbers[i].name, "(not set)");
  }
}

void win_system(col_task *t)
{
  col_head(t, "name,value");
  put_names(t);
  put_join(t);
  put_version(t);
  put_clock(t);
  put_machine(t);
  put_security(t);
}

static void put_volume(col_task *t, const wchar_t *root)
{
  static const char *const types[] = {"unknown", "none",    "removable", "fixed",
                                      "far",     "optical", "memory"};
  wchar_t label[MAX_PATH + 1] = {0};
  wchar_t kind[MAX_PATH + 1] = {0};
  DWORD serial = 0;
  DWORD flags = 0;
  ULARGE_INTEGER mine = {0};
  ULARGE_INTEGER all = {0};
  ULARGE_INTEGER left = {0};
  UINT type = GetDriveTypeW(root);
  win_text(t, root);
  col_text(t, type < 7 ? types[type] : "");
  /* Asking a far one would wait for the network. */
  bool asked = type != DRIVE_REMOTE && type != DRIVE_NO_ROOT_DIR;
  if (asked &&
      GetVolumeInformationW(root, label, MAX_PATH, &serial, NULL, &flags, kind, MAX_PATH)) {
    win_text(t, kind);
    win_text(t, label);
    win_hex(t, serial);
    win_hex(t, flags);
  } else {
    win_empty(t, 4);
  }
  if (asked && GetDiskFreeSpaceExW(root, &mine, &all, &left)) {
    col_unum(t, all.QuadPart);
    col_unum(t, left.QuadPart);
  } else {
    win_empty(t, 2);
  }
  (void)col_row(t);
}

void win_volumes(col_task *t)
{
  DWORD drives = GetLogicalDrives();
  if (drives == 0) {
    win_mark(t, GetLastError(), "drives (GetLogicalDrives)");
    return;
  }
  col_head(t, "root,type,file_system,label,serial,flags,bytes,bytes_free");
  for (unsigned i = 0; i < 26 && !col_stop(t); i++) {
    wchar_t root[4] = {(wchar_t)(L'A' + i), L':', L'\\', L'\0'};
    if ((drives & (1u << i)) != 0)
      put_volume(t, root);
  }
}

void win_hotfixes(col_task *t)
{
  static const wchar_t *const columns[] = {L"HotFixID", L"Description", L"InstalledOn",
                                           L"InstalledBy"};
  col_head(t, "id,description,installed,by");
  HRESULT hr = win_wmi_rows(t, L"ROOT\\CIMV2",
                            L"SELECT HotFixID, Description, InstalledOn, InstalledBy FROM "
                            L"Win32_QuickFixEngineering",
                            columns, 4, NULL);
  if (FAILED(hr))
    win_mark_hr(t, hr, "updates (WMI, Win32_QuickFixEngineering)");
  else if (sup_is_wine())
    win_mark_pretended(t, "updates: WMI tells of some that are not there");
  else
    win_say_none(t, "hotfixes.txt", "no update is listed");
}

void win_antivirus(col_task *t)
{
  static const wchar_t *const columns[] = {L"displayName", L"pathToSignedProductExe",
                                           L"productState", L"timestamp"};
  HRESULT hr = win_wmi_rows(t, L"ROOT\\SecurityCenter2", L"SELECT * FROM AntiVirusProduct", columns,
                            4, NULL);
  if (FAILED(hr))
    win_mark_hr(t, hr, "antivirus products (WMI, SecurityCenter2; servers have none)");
}

/* ---- what WMI itself starts ---- */

void win_wmi_autoruns(col_task *t)
{
  static const wchar_t *const spaces[] = {L"ROOT\\subscription", L"ROOT\\default"};
  static const wchar_t *const columns[] = {L"__CLASS",        L"Name",       L"CommandLineTemplate",
                                           L"ExecutablePath", L"ScriptText", L"ScriptFileName",
                                           L"Query",          L"Consumer",   L"Filter"};
  static const wchar_t *const queries[] = {L"SELECT * FROM __EventFilter",
                                           L"SELECT * FROM __EventConsumer",
                                           L"SELECT * FROM __FilterToConsumerBinding"};
  col_head(t, "name_space,class,name,command,program,script,script_file,query,consumer,filter");
  for (size_t s = 0; s < 2; s++) {
    char space[32];
    sup_from_wide(spaces[s], space, sizeof(space));
    for (size_t q = 0; q < 3 && !col_stop(t); q++) {
      HRESULT hr = win_wmi_rows(t, spaces[s], queries[q], columns, 9, space);
      if (FAILED(hr))
        win_mark_hr(t, hr, space);
    }
  }
  if (sup_is_wine() && col_rows(t) == 0)
    win_mark_pretended(t, "WMI has no subscriptions here");
}
