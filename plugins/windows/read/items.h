/* What can be read, by the file that it is in. */
#ifndef READ_ITEMS_H
#define READ_ITEMS_H

#include "read.h"

/* network.c, names.c */
void win_connections(col_task *t);
void win_arp(col_task *t);
void win_ipconfig(col_task *t);
void win_routes(col_task *t);
void win_dns_cache(col_task *t);
void win_name_files(col_task *t);
void win_firewall_rules(col_task *t);
void win_firewall_log(col_task *t);

/* processes.c */
void win_processes(col_task *t);
void win_modules(col_task *t);

/* services.c, tasks.c */
void win_services(col_task *t);
void win_drivers(col_task *t);
void win_tasks(col_task *t);

/* autoruns.c, folders.c, system.c, bits.c */
void win_autoruns(col_task *t);
void win_hives(col_task *t);
void win_startup_folders(col_task *t);
void win_startup_files(col_task *t);
void win_wmi_autoruns(col_task *t);
void win_bits_jobs(col_task *t);

/* registry.c: the key that was asked for, HKLM\..., HKLM (32)\... or HKU\... */
bool win_is_key_path(const wchar_t *path);
void win_registry(col_task *t);

/* users.c, smb.c */
void win_users(col_task *t);
void win_groups(col_task *t);
void win_logons(col_task *t);
void win_sessions(col_task *t);
void win_smb_inbound(col_task *t);
void win_smb_outbound(col_task *t);
void win_smb_shares(col_task *t);
void win_smb_files(col_task *t);

/* system.c */
void win_system(col_task *t);
void win_volumes(col_task *t);
void win_hotfixes(col_task *t);
void win_antivirus(col_task *t);

/* programs.c, folders.c, temp.c, events.c */
void win_installed(col_task *t);
void win_prefetch(col_task *t);
void win_support_logs(col_task *t);
void win_temp(col_task *t);
void win_security_log(col_task *t);
void win_other_logs(col_task *t);
void win_defender_log(col_task *t);

#endif
