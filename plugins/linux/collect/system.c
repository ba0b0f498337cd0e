/* What this machine and its system are. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/utsname.h>

#include "items.h"
#include "listing.h"
#include "parse.h"
#include "read.h"

enum { TEXT = 4096 };

static void put(col_task *t, const char *name, const char *value)
{
  col_text(t, name);
  col_text(t, value);
  (void)col_row(t);
}

static void put_seconds(col_task *t, const char *name, int64_t seconds)
{
  char text[40] = "";
  if (seconds > 0)
    col_utc(seconds, 0, false, text);
  put(t, name, text);
}

static void put_line_of(col_task *t, const char *name, const char *path)
{
  char text[TEXT];
  col_read_line(t, path, text, sizeof(text));
  put(t, name, text);
}

static bool put_release(void *data, const char *line, size_t len)
{
  col_task *t = data;
  col_view key;
  col_view value;
  char name[64];
  if (!col_assignment((col_view){.ptr = line, .len = len}, &key, &value))
    return true;
  if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
    value = (col_view){.ptr = value.ptr + 1, .len = value.len - 2};
  (void)snprintf(name, sizeof(name), "os-release %.*s", (int)(key.len < 40 ? key.len : 40),
                 key.ptr);
  col_text(t, name);
  col_bytes(t, value.ptr, value.len);
  return col_row(t);
}

static void put_kernel(col_task *t)
{
  struct utsname name = {0};
  char text[TEXT];
  (void)uname(&name);
  put(t, "host name", name.nodename);
  put(t, "kernel", name.release);
  put(t, "kernel build", name.version);
  put(t, "architecture", name.machine);
  put_line_of(t, "kernel version", "/proc/version");
  put_line_of(t, "kernel command line", "/proc/cmdline");
  col_read_line(t, "/proc/sys/kernel/tainted", text, sizeof(text));
  put(t, "kernel tainted", text);
  int64_t bits = col_view_number(col_view_of(text));
  if (bits >= 0) {
    col_taint_words((uint64_t)bits, text, sizeof(text));
    put(t, "kernel tainted by", bits == 0 ? "nothing" : text);
  }
  put_line_of(t, "kernel lockdown", "/sys/kernel/security/lockdown");
  put_line_of(t, "security modules", "/sys/kernel/security/lsm");
  put_line_of(t, "SELinux enforcing", "/sys/fs/selinux/enforce");
  put_line_of(t, "AppArmor enabled", "/sys/module/apparmor/parameters/enabled");
}

/* The variable has four bytes of attributes in front of its value. */
static void put_secure_boot(col_task *t)
{
  char bytes[8];
  int64_t len =
      col_read(t, "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
               bytes, sizeof(bytes));
  put(t, "secure boot", len < 5 ? "not told (no EFI variable)" : bytes[4] == 1 ? "on" : "off");
}

static void put_machine(col_task *t)
{
  static const char *const dmi[] = {"sys_vendor",   "product_name",   "product_version",
                                    "product_uuid", "product_serial", "board_vendor",
                                    "board_name",   "bios_vendor",    "bios_version",
                                    "bios_date",    "chassis_type",   "chassis_asset_tag"};
  char path[128];
  char name[64];
  for (size_t i = 0; i < sizeof(dmi) / sizeof(dmi[0]); i++) {
    (void)snprintf(path, sizeof(path), "/sys/class/dmi/id/%s", dmi[i]);
    (void)snprintf(name, sizeof(name), "DMI %s", dmi[i]);
    put_line_of(t, name, path);
  }
  put_line_of(t, "hypervisor", "/sys/hypervisor/type");
  put_line_of(t, "container", "/run/systemd/container");
  put_line_of(t, "control group of process 1", "/proc/1/cgroup");
  put_secure_boot(t);
  put_line_of(t, "EFI firmware", "/sys/firmware/efi/fw_platform_size");
}

static void put_clock(col_task *t)
{
  char path[COL_PATH];
  char target[COL_PATH];
  char text[128];
  struct timex now = {0};
  int64_t booted = col_booted(t);
  put_seconds(t, "time", col_wall_ms() / 1000);
  put_seconds(t, "started", booted);
  put_line_of(t, "uptime and idle seconds", "/proc/uptime");
  col_path(t, "/etc/localtime", path);
  ssize_t len = readlink(path, target, sizeof(target) - 1);
  target[len > 0 ? len : 0] = '\0';
  put(t, "time zone", target);
  put_line_of(t, "time zone name", "/etc/timezone");
  int state = adjtimex(&now);
  (void)snprintf(text, sizeof(text), "%s, estimated error %ld us",
                 state >= 0 && (now.status & STA_UNSYNC) == 0 ? "synchronised" : "not synchronised",
                 now.esterror);
  put(t, "clock", text);
  put_line_of(t, "clock source",
              "/sys/devices/system/clocksource/clocksource0/current_clocksource");
}

void col_system(col_task *t)
{
  col_head(t, "name,value");
  put_kernel(t);
  if (col_lines(t, "/etc/os-release", COL_MIB, put_release, t) != 0)
    (void)col_lines(t, "/usr/lib/os-release", COL_MIB, put_release, t);
  put_line_of(t, "machine id", "/etc/machine-id");
  put_line_of(t, "boot id", "/proc/sys/kernel/random/boot_id");
  put_clock(t);
  put_machine(t);
  put_line_of(t, "load", "/proc/loadavg");
}

/* ---- copies ---- */

static bool put_vulnerability(void *data, int dir, const char *name)
{
  col_task *t = data;
  char text[512];
  (void)col_read_at(dir, name, text, sizeof(text));
  text[strcspn(text, "\n")] = '\0';
  put(t, name, text);
  return !col_stop(t);
}

void col_system_files(col_task *t)
{
  static const char *const copied[][2] = {
      {"cpuinfo.txt", "/proc/cpuinfo"},       {"meminfo.txt", "/proc/meminfo"},
      {"partitions.txt", "/proc/partitions"}, {"swaps.txt", "/proc/swaps"},
      {"interrupts.txt", "/proc/interrupts"}, {"devices.txt", "/proc/devices"},
      {"cgroups.txt", "/proc/cgroups"},       {"os-release.txt", "/etc/os-release"}};
  for (size_t i = 0; i < sizeof(copied) / sizeof(copied[0]) && !col_stop(t); i++)
    col_copy(t, copied[i][0], copied[i][1], 4 * COL_MIB);
  col_copy_masked(t, "fstab.txt", "/etc/fstab");
  col_copy_masked(t, "crypttab.txt", "/etc/crypttab");
  col_begin(t, "cpu_vulnerabilities.csv", "/sys/devices/system/cpu/vulnerabilities");
  col_head(t, "name,value");
  int error = col_each(t, "/sys/devices/system/cpu/vulnerabilities", put_vulnerability, t);
  if (error != 0)
    col_mark_os(t, error, "it cannot be read");
}

/* ---- mounts ---- */

/* How full a file system is, but for those that may hang. */
static void put_space(col_task *t, const col_mount *m)
{
  char path[COL_PATH];
  struct statvfs fs;
  col_path(t, m->point, path);
  if (col_mount_is_far(m->type) || col_is_far(t, m->point, NULL) || statvfs(path, &fs) != 0) {
    col_text(t, "");
    col_text(t, "");
    col_text(t, "");
    return;
  }
  col_unum(t, (uint64_t)fs.f_blocks * fs.f_frsize);
  col_unum(t, (uint64_t)fs.f_bavail * fs.f_frsize);
  col_unum(t, (uint64_t)fs.f_favail);
}

static bool put_mount(void *data, const char *line, size_t len)
{
  col_task *t = data;
  col_mount m;
  char device[32];
  if (!col_mount_read(line, len, &m))
    return true;
  (void)snprintf(device, sizeof(device), "%u:%u", m.major, m.minor);
  col_text(t, m.point);
  col_text(t, m.type);
  col_masked(t, col_view_of(m.source));
  col_text(t, m.root);
  col_text(t, m.options);
  col_masked(t, col_view_of(m.super_options));
  col_text(t, device);
  put_space(t, &m);
  return col_row(t);
}

void col_mounts_table(col_task *t)
{
  col_head(t, "point,type,source,root,options,file_system_options,device,bytes,bytes_free,"
              "inodes_free");
  int error = col_agents_mounts(t, put_mount, t);
  if (error != 0)
    col_mark_os(t, error, "mountinfo cannot be read");
}

/* ---- settings of the kernel ---- */

void col_sysctls(col_task *t)
{
  static const char *const names[] = {"kernel/core_pattern",
                                      "kernel/dmesg_restrict",
                                      "kernel/kexec_load_disabled",
                                      "kernel/kptr_restrict",
                                      "kernel/modprobe",
                                      "kernel/modules_disabled",
                                      "kernel/perf_event_paranoid",
                                      "kernel/randomize_va_space",
                                      "kernel/sysrq",
                                      "kernel/unprivileged_bpf_disabled",
                                      "kernel/unprivileged_userns_clone",
                                      "kernel/yama/ptrace_scope",
                                      "kernel/ftrace_enabled",
                                      "kernel/hotplug",
                                      "kernel/poweroff_cmd",
                                      "kernel/printk",
                                      "kernel/io_uring_disabled",
                                      "fs/protected_fifos",
                                      "fs/protected_hardlinks",
                                      "fs/protected_regular",
                                      "fs/protected_symlinks",
                                      "fs/suid_dumpable",
                                      "fs/file-max",
                                      "user/max_user_namespaces",
                                      "vm/mmap_min_addr",
                                      "vm/unprivileged_userfaultfd",
                                      "net/core/bpf_jit_harden",
                                      "net/ipv4/ip_forward",
                                      "net/ipv4/tcp_syncookies",
                                      "net/ipv4/conf/all/accept_redirects",
                                      "net/ipv4/conf/all/accept_source_route",
                                      "net/ipv4/conf/all/log_martians",
                                      "net/ipv4/conf/all/rp_filter",
                                      "net/ipv4/conf/all/send_redirects",
                                      "net/ipv4/ip_unprivileged_port_start",
                                      "net/ipv6/conf/all/accept_ra",
                                      "net/ipv6/conf/all/accept_redirects",
                                      "net/ipv6/conf/all/forwarding"};
  col_head(t, "name,value,note");
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !col_stop(t); i++) {
    char path[128];
    char text[TEXT];
    (void)snprintf(path, sizeof(path), "/proc/sys/%s", names[i]);
    int64_t len = col_read(t, path, text, sizeof(text));
    text[strcspn(text, "\n")] = '\0';
    col_text(t, names[i]);
    col_text(t, text);
    col_text(t, len < 0 ? col_why((int)-len) : "");
    (void)col_row(t);
  }
}
