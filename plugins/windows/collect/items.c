/* Every item, in order of volatility: what is gone first is read first. */
#include "items.h"
#include "collect.h"

#define AUTORUNS "Autoruns"
#define PROGRAMS "Installed programs"
#define NETWORK "Network connections"
#define PREFETCH "Prefetch files"
#define PROCESSES "Processes"
#define TASKS "Scheduled tasks"
#define EVENTS "Security event log"
#define SERVICES "Services"
#define SMB "Windows Server Message Block (SMB) sessions"
#define SYSTEM "System Information"
#define TEMP "Temp Directories"
#define USERS "Users and Groups"
#define SUPPORT "WdSupportLogs"

enum { BRIEF = 10000, SLOW = 30000, LENGTHY = 60000 };

static const col_item items[] = {
    {NETWORK, "ActiveNetConnections.csv", "GetExtendedTcpTable, GetExtendedUdpTable",
     win_connections, BRIEF, false, false},
    {NETWORK, "Arp.csv", "GetIpNetTable2", win_arp, BRIEF, false, false},
    {NETWORK, "DnsCache.csv", "DnsGetCacheDataTable", win_dns_cache, BRIEF, false, false},
    {PROCESSES, "processes.csv", "CreateToolhelp32Snapshot, NtQueryInformationProcess",
     win_processes, LENGTHY, false, false},
    {PROCESSES, "modules.csv", "EnumProcessModulesEx", win_modules, LENGTHY, false, false},
    {USERS, "logon_sessions.csv", "LsaEnumerateLogonSessions", win_logons, BRIEF, false, false},
    {USERS, "sessions.csv", "WTSEnumerateSessions", win_sessions, BRIEF, false, false},
    {SMB, "inbound sessions", "NetSessionEnum", win_smb_inbound, BRIEF, true, false},
    {SMB, "outbound sessions", "NetUseEnum", win_smb_outbound, BRIEF, true, false},
    {SMB, "shares.csv", "NetShareEnum", win_smb_shares, BRIEF, false, false},
    {SMB, "open_files.csv", "NetFileEnum", win_smb_files, BRIEF, false, false},
    {NETWORK, "IpConfig.csv", "GetAdaptersAddresses", win_ipconfig, BRIEF, false, false},
    {NETWORK, "routes.csv", "GetIpForwardTable2", win_routes, BRIEF, false, false},
    {SYSTEM, "SystemInformation.csv", "RtlGetVersion, GlobalMemoryStatusEx, the registry",
     win_system, BRIEF, false, false},
    {SYSTEM, "volumes.csv", "GetVolumeInformation", win_volumes, BRIEF, false, false},
    {NETWORK, "names", "%windir%\\System32\\drivers\\etc", win_name_files, BRIEF, true, false},
    {NETWORK, "FirewallExecutionLog.csv", "the registry: FirewallPolicy, WindowsFirewall",
     win_firewall_rules, BRIEF, false, false},
    {NETWORK, "pfirewall.log", "%windir%\\System32\\LogFiles\\Firewall", win_firewall_log, SLOW,
     true, false},
    {SERVICES, "services.csv", "EnumServicesStatusEx, QueryServiceConfig2", win_services, LENGTHY,
     false, false},
    {SERVICES, "drivers.csv", "EnumServicesStatusEx, QueryServiceConfig2", win_drivers, LENGTHY,
     false, false},
    {TASKS, "tasks.csv", "ITaskService; %windir%\\System32\\Tasks", win_tasks, SLOW, false, false},
    {AUTORUNS, "hives.csv", "ProfileList, HKEY_USERS, NTUSER.DAT", win_hives, SLOW, false, false},
    {AUTORUNS, "registry", "HKLM, HKU", win_autoruns, LENGTHY, true, false},
    {AUTORUNS, "startup_folders.csv", "Start Menu\\Programs\\Startup", win_startup_folders, SLOW,
     false, false},
    {AUTORUNS, "files", "%windir%, profiles", win_startup_files, BRIEF, true, false},
    {AUTORUNS, "bits_jobs.csv", "BITS: IBackgroundCopyManager", win_bits_jobs, BRIEF, false, false},
    {AUTORUNS, "wmi_subscriptions.csv", "WMI: root\\subscription, root\\default", win_wmi_autoruns,
     BRIEF, false, false},
    {USERS, "users.csv", "NetUserEnum", win_users, BRIEF, false, false},
    {USERS, "groups", "NetLocalGroupEnum", win_groups, BRIEF, true, false},
    {TEMP, "folders", "Temp of Windows and of each profile", win_temp, LENGTHY, true, false},
    {PROGRAMS, "programs.csv", "the registry: Uninstall", win_installed, BRIEF, false, false},
    {PREFETCH, "files", "%windir%\\Prefetch", win_prefetch, SLOW, true, false},
    {SYSTEM, "hotfixes.csv", "WMI: Win32_QuickFixEngineering", win_hotfixes, SLOW, false, false},
    {SYSTEM, "antivirus.csv", "WMI: root\\SecurityCenter2", win_antivirus, BRIEF, false, false},
    {SUPPORT, "files", "%ProgramData%\\Microsoft\\Windows Defender\\Support", win_support_logs,
     SLOW, true, false},
    {SUPPORT, "events", "EvtExportLog", win_defender_log, SLOW, true, false},
    {EVENTS, "Security", "EvtExportLog", win_security_log, LENGTHY, true, false},
    {EVENTS, "other logs", "EvtExportLog", win_other_logs, LENGTHY, true, false},
};

const col_item *win_items(size_t *ret_count)
{
  *ret_count = sizeof(items) / sizeof(items[0]);
  return items;
}
