/* Every item, in order of volatility: what is gone first is read first. */
#include "items.h"
#include "net.h"

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

enum { QUICK = 10000, SLOW = 30000, LONG = 60000, HOUR = 3600000 };

static const col_item items[] = {
    {NETWORK, "sockets", "sock_diag", col_net_sockets, SLOW, true, false},
    {NETWORK, "links", "rtnetlink", col_net_links, QUICK, true, false},
    {NETWORK, "firewall.csv", "nfnetlink: nftables; /proc/net/ip_tables_names", col_net_firewall,
     QUICK, false, false},
    {PROCESSES, "processes.csv", "/proc", col_processes, LONG, false, false},
    {PROCESSES, "open_files.csv", "/proc/PID/fd", col_open_files, SLOW, false, true},
    {PROCESSES, "memory_maps.csv", "/proc/PID/maps", col_memory_maps, SLOW, false, true},
    {USERS, "logged_in.csv", "/run/utmp", col_logged_in, QUICK, false, false},
    {USERS, "sessions.csv", "/run/systemd/sessions", col_sessions, QUICK, false, false},
    {SMB, "inbound sessions", "sock_diag: TCP ports 445, 139, 2049; /proc/fs/nfsd/clients",
     col_smb_inbound, QUICK, true, false},
    {SMB, "outbound sessions", "/proc/PID/mountinfo of the agent", col_smb_outbound, QUICK, true,
     false},
    {SMB, "files", "/proc/fs, /etc", col_smb_files, QUICK, true, false},
    {AUTORUNS, "kernel_modules.csv", "/proc/modules, /sys/module", col_kernel_modules, QUICK, false,
     false},
    {SYSTEM, "system.csv", "uname, /proc, /sys, /etc/os-release", col_system, QUICK, false, false},
    {SYSTEM, "mounts.csv", "/proc/PID/mountinfo of the agent, statvfs", col_mounts_table, QUICK,
     false, false},
    {SYSTEM, "sysctl.csv", "/proc/sys", col_sysctls, QUICK, false, false},
    {SYSTEM, "files", "/proc, /etc", col_system_files, QUICK, true, false},
    {EVENTS, "kernel.log", "the kernel's buffer, syslog(2)", col_kernel_log, QUICK, false, false},
    {PROCESSES, "programs.csv", "/proc/PID/exe; lists of files of dpkg, rpm, apk", col_programs,
     SLOW, false, false},
    {NETWORK, "names", "/etc", col_net_names, QUICK, true, false},
    {SERVICES, "units.csv", "systemd over the system's message bus: ListUnits", col_service_manager,
     QUICK, false, false},
    {SERVICES, "services.csv", "unit files of systemd, /sys/fs/cgroup", col_services, SLOW, false,
     false},
    {TASKS, "cron.csv", "/etc/crontab, /etc/cron.*, /var/spool/cron", col_cron, QUICK, false,
     false},
    {TASKS, "anacron.csv", "/etc/anacrontab, /etc/cron.allow, /etc/at.allow", col_anacron, QUICK,
     false, false},
    {TASKS, "at_jobs.csv", "/var/spool/cron/atjobs, /var/spool/at", col_at_jobs, QUICK, false,
     false},
    {TASKS, "timers.csv", "unit files of systemd, /var/lib/systemd/timers", col_timers, SLOW, false,
     false},
    {AUTORUNS, "systemd_units.csv", "unit files, drop-ins and links of systemd", col_systemd_units,
     SLOW, false, false},
    {AUTORUNS, "init_scripts.csv", "/etc/rc.local, /etc/init.d and its like", col_init_scripts,
     QUICK, false, false},
    {AUTORUNS, "desktop_autostart.csv", "/etc/xdg/autostart, ~/.config/autostart",
     col_desktop_autostart, QUICK, false, false},
    {AUTORUNS, "shell_startup.csv", "/etc/profile and its like, rc files of users",
     col_shell_startup, QUICK, false, false},
    {AUTORUNS, "loader.csv", "/etc/ld.so.preload, /etc/ld.so.conf.d", col_loader, QUICK, false,
     false},
    {AUTORUNS, "module_settings.csv", "/etc/modules, modules-load.d, modprobe.d",
     col_module_settings, QUICK, false, false},
    {AUTORUNS, "udev_rules.csv", "rules of udev that run something", col_udev_rules, QUICK, false,
     false},
    {AUTORUNS, "pam.csv", "/etc/pam.d", col_pam, QUICK, false, false},
    {AUTORUNS, "package_hooks.csv", "settings of apt, dpkg, pacman", col_package_hooks, QUICK,
     false, false},
    {AUTORUNS, "binfmt_misc.csv", "/proc/sys/fs/binfmt_misc", col_binfmt, QUICK, false, false},
    {AUTORUNS, "authorized_keys.csv", "~/.ssh/authorized_keys", col_authorized_keys, QUICK, false,
     false},
    {AUTORUNS, "sshd_settings.csv", "/etc/ssh/sshd_config", col_sshd_settings, QUICK, false, false},
    {USERS, "users.csv", "/etc/passwd, /etc/shadow without hashes, /var/log/lastlog",
     col_users_table, QUICK, false, false},
    {USERS, "groups", "/etc/group, /etc/passwd", col_groups_table, QUICK, true, false},
    {USERS, "sudoers.csv", "/etc/sudoers, doas, polkit", col_sudoers, QUICK, false, false},
    {USERS, "directories.csv", "/etc/nsswitch.conf, sssd, Kerberos", col_directories, QUICK, false,
     false},
    {TEMP, "folders", "/tmp, /var/tmp, /dev/shm, /run/user", col_temp, LONG, true, false},
    /* Begins with the first item, and is as volatile as that. */
    {PROCESSES, "hidden_processes.csv",
     "process numbers given since the start (extended: every number), and control groups, against "
     "the listing of /proc",
     col_hidden_processes, QUICK, false, false},
    {PROGRAMS, "programs.csv", "databases of dpkg, rpm, apk, pacman, snap, flatpak; /opt",
     col_installed, SLOW, false, false},
    {PROGRAMS, "logs", "/var/log", col_installed_logs, QUICK, true, false},
    {PREFETCH, "README.txt", "this collector", col_prefetch_note, QUICK, false, false},
    {PREFETCH, "shell_history.csv", "histories of shells in the homes of users", col_shell_history,
     QUICK, false, false},
    {PREFETCH, "executables.csv", "/usr/bin and its like", col_executables, QUICK, false, false},
    {PREFETCH, "audit_execve.csv", "/var/log/audit/audit.log", col_audit_execve, SLOW, false,
     false},
    {PREFETCH, "accounting.csv", "/var/log/account/pacct", col_accounting, QUICK, false, false},
    {PREFETCH, "recently_used.csv", "~/.local/share/recently-used.xbel", col_recently_used, QUICK,
     false, false},
    {SUPPORT, "files", "/var/log, /etc of antivirus products", col_support_logs, SLOW, true, false},
    {EVENTS, "logins.csv", "/var/log/wtmp", col_logins, QUICK, false, false},
    {EVENTS, "failed_logins.csv", "/var/log/btmp", col_failed_logins, QUICK, false, false},
    {EVENTS, "last_logins.csv", "/var/log/lastlog", col_last_logins, QUICK, false, false},
    {EVENTS, "logs", "/var/log", col_logs, LONG, true, false},
    {EVENTS, "journal", "/var/log/journal, /run/log/journal", col_journal, LONG, true, false},
    {
        SYSTEM,
        "timeline.body",
        "every file of local file systems",
        col_timeline,
        HOUR,
        false,
        true,
    },
    {SYSTEM, "executables_sha256.csv", "every program of local file systems", col_executable_hashes,
     HOUR, false, true},
};

const col_item *col_items(size_t *ret_count)
{
  *ret_count = sizeof(items) / sizeof(items[0]);
  return items;
}
