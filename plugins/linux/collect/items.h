/* The items of the package, by the file that they are in. */
#ifndef COLLECT_ITEMS_H
#define COLLECT_ITEMS_H

#include "collect.h"

/* When the machine was started, in seconds since 1970, or -1. */
int64_t col_booted(const col_task *t);

/* processes.c, owned.c */
void col_processes(col_task *t);
void col_hidden_processes(col_task *t);
void col_search_hidden(col_task *t);
void col_programs(col_task *t);

/* system.c */
void col_system(col_task *t);
void col_system_files(col_task *t);
void col_mounts_table(col_task *t);
void col_sysctls(col_task *t);

/* services.c, manager.c, tasks.c */
void col_services(col_task *t);
void col_service_manager(col_task *t);
void col_cron(col_task *t);
void col_anacron(col_task *t);
void col_at_jobs(col_task *t);
void col_timers(col_task *t);

/* autoruns.c */
void col_systemd_units(col_task *t);
void col_init_scripts(col_task *t);
void col_desktop_autostart(col_task *t);
void col_shell_startup(col_task *t);
void col_loader(col_task *t);
void col_module_settings(col_task *t);
void col_udev_rules(col_task *t);
void col_pam(col_task *t);
void col_package_hooks(col_task *t);
void col_kernel_modules(col_task *t);
void col_binfmt(col_task *t);
void col_authorized_keys(col_task *t);
void col_sshd_settings(col_task *t);

/* accounts.c, logins.c */
void col_users_table(col_task *t);
void col_groups_table(col_task *t);
void col_sudoers(col_task *t);
void col_directories(col_task *t);
void col_sessions(col_task *t);
void col_logins(col_task *t);
void col_failed_logins(col_task *t);
void col_logged_in(col_task *t);
void col_last_logins(col_task *t);

/* programs.c, history.c */
void col_installed(col_task *t);
void col_installed_logs(col_task *t);
void col_prefetch_note(col_task *t);
void col_executables(col_task *t);
void col_shell_history(col_task *t);
void col_audit_execve(col_task *t);
void col_accounting(col_task *t);
void col_recently_used(col_task *t);

/* temp.c, smb.c, support.c, events.c, journal.c */
void col_temp(col_task *t);
void col_smb_inbound(col_task *t);
void col_smb_outbound(col_task *t);
void col_smb_files(col_task *t);
void col_support_logs(col_task *t);
void col_logs(col_task *t);
void col_journal(col_task *t);
void col_kernel_log(col_task *t);

/* extended.c */
void col_timeline(col_task *t);
void col_executable_hashes(col_task *t);
void col_open_files(col_task *t);
void col_memory_maps(col_task *t);

#endif
