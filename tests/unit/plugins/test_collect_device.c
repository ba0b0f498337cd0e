/* Items over a device that is a folder of the test's own. */
#include "collect.h"
#include "items.h"
#include "manager.h"
#include "net.h"
#include "proctab.h"
#include "read.h"

#include "collect_device_bed.h"
#include "suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/call.h"

/* ---- programs that run ---- */

/* A process whose folder is in the test's own /proc, so that its program can be another one. */
static void make_process(const char *name, const char *program)
{
  bed_make_folder("/proc", 0755);
  bed_make_folder(name, 0755);
  char exe[64];
  (void)snprintf(exe, sizeof(exe), "%s/exe", name);
  bed_make_link(program, exe);
}

static char real_program[128];

static void holds_on(col_task *t)
{
  char path[COL_PATH];
  char exe[256];
  struct stat st;
  int dir = -1;
  ck_assert_int_eq(col_open_folder(t, "/proc/77", &dir), 0);
  int held = col_hold_program(dir, path, sizeof(path));
  ck_assert_int_ge(held, 0);
  ck_assert_str_eq(path, real_program);
  /* It starts another program now. */
  (void)snprintf(exe, sizeof(exe), "%s/proc/77/exe", bed_root);
  ck_assert_int_eq(unlink(exe), 0);
  ck_assert_int_eq(symlink("/nowhere", exe), 0);
  int fd = col_open_held(t, dir, held, path, &st);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(st.st_size, 5);
  (void)close(fd);
  (void)close(held);
  ck_assert_int_lt(col_hold_program(dir, path, sizeof(path)), 0);
  (void)close(dir);
  (void)col_puts(t, "done");
}

START_TEST(the_path_and_the_hash_of_a_program_are_of_one_file)
{
  static const col_item items[] = {{"F", "held", "x", holds_on, 2000, false, false}};
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  (void)snprintf(real_program, sizeof(real_program), "%s/program", bed_root);
  bed_make("/program", "first");
  make_process("/proc/77", real_program);
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_OK);
  free(bed_package_file("F/held"));
}
END_TEST

START_TEST(a_program_that_runs_has_its_own_hash)
{
  static const col_item items[] = {{"F", "programs.csv", "x", col_programs, 2000, false, false}};
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  (void)snprintf(real_program, sizeof(real_program), "%s/program", bed_root);
  bed_make("/program", "first");
  make_process("/proc/77", real_program);
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_OK);
  char *text = bed_package_file("F/programs.csv");
  ck_assert_ptr_nonnull(
      strstr(text, "a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e"));
  free(text);
}
END_TEST

/* ---- processes that do not answer ---- */

static void make_fifo(const char *path)
{
  char full[256];
  (void)snprintf(full, sizeof(full), "%s%s", bed_root, path);
  ck_assert_int_eq(mkfifo(full, 0644), 0);
}

/* Lets go whoever waits for it to be written. */
static void let_go(const char *path)
{
  char full[256];
  (void)snprintf(full, sizeof(full), "%s%s", bed_root, path);
  int fd = open(full, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd >= 0)
    (void)close(fd);
}

/* A process that changes its maps for ever: whoever opens or reads their list waits. */
START_TEST(a_process_that_keeps_its_maps_locked_is_left_and_named)
{
  static const col_item items[] = {
      {"F", "memory_maps.csv", "x", col_memory_maps, 10000, false, false}};
  static char long_maps[200000];
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  size_t len = 0;
  bed_make_folder("/proc", 0755);
  bed_make_folder("/proc/7", 0755);
  make_fifo("/proc/7/maps");
  bed_make_folder("/proc/8", 0755);
  for (unsigned i = 0; len + 100 < sizeof(long_maps); i++)
    len += (size_t)snprintf(long_maps + len, sizeof(long_maps) - len,
                            "%08x-%08x r-xp 00000000 08:01 7 /usr/lib/planted %u\n", i, i + 1, i);
  bed_make_bytes("/proc/8/maps", long_maps, len);
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_PARTIAL);
  cJSON *doc = bed_manifest();
  ck_assert_str_eq(bed_item_text(doc, 0, "error"),
                   "the maps of 1 processes could not be read in time: 7");
  cJSON_Delete(doc);
  char *text = bed_package_file("F/memory_maps.csv");
  ck_assert_ptr_nonnull(strstr(text, "\r\n7,(not answered),,,,,\r\n"));
  /* The other one is whole, however many parts it was read in. */
  unsigned rows = 0;
  for (const char *at = text; (at = strstr(at, "/usr/lib/planted ")) != NULL; at++)
    rows++;
  unsigned lines = 0;
  for (size_t i = 0; i < len; i++)
    lines += long_maps[i] == '\n' ? 1 : 0;
  ck_assert_uint_eq(rows, lines);
  free(text);
  let_go("/proc/7/maps");
  uint64_t until = sup_now_ms() + 10000;
  while (bed_threads() > 1 && sup_now_ms() < until)
    (void)usleep(1000);
}
END_TEST

START_TEST(more_files_of_an_antivirus_than_there_is_room_for_are_told)
{
  static const col_item items[] = {{"F", "support", "x", col_support_logs, 10000, true, false}};
  char path[64];
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  bool told = false;
  bed_make_folder("/var", 0755);
  bed_make_folder("/var/log", 0755);
  bed_make_folder("/var/log/clamav", 0755);
  for (unsigned i = 0; i < 201; i++) {
    (void)snprintf(path, sizeof(path), "/var/log/clamav/%03u.log", i);
    bed_make(path, "x");
  }
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_PARTIAL);
  free(bed_package_file("F/clamav_log_199.log"));
  cJSON *doc = bed_manifest();
  for (int i = 0; i < 230 && !told; i++)
    told = strstr(bed_item_text(doc, i, "cap"), "/var/log/clamav has more than 200 files") != NULL;
  ck_assert(told);
  cJSON_Delete(doc);
}
END_TEST

/* ---- the service manager ---- */

static DBusMessage *answer_of_manager(void)
{
  static const char *const texts[] = {"planted.service", "A, service", "loaded",
                                      "failed",          "failed",     ""};
  const char *path = "/unit/planted";
  const char *kind = "start";
  dbus_uint32_t job = 7;
  DBusMessageIter all;
  DBusMessageIter list;
  DBusMessageIter unit;
  DBusMessage *m = dbus_message_new(DBUS_MESSAGE_TYPE_METHOD_RETURN);
  dbus_message_iter_init_append(m, &all);
  ck_assert(dbus_message_iter_open_container(&all, DBUS_TYPE_ARRAY, "(ssssssouso)", &list));
  ck_assert(dbus_message_iter_open_container(&list, DBUS_TYPE_STRUCT, NULL, &unit));
  for (int i = 0; i < 6; i++)
    ck_assert(dbus_message_iter_append_basic(&unit, DBUS_TYPE_STRING, (const void *)&texts[i]));
  ck_assert(dbus_message_iter_append_basic(&unit, DBUS_TYPE_OBJECT_PATH, (const void *)&path));
  ck_assert(dbus_message_iter_append_basic(&unit, DBUS_TYPE_UINT32, &job));
  ck_assert(dbus_message_iter_append_basic(&unit, DBUS_TYPE_STRING, (const void *)&kind));
  ck_assert(dbus_message_iter_append_basic(&unit, DBUS_TYPE_OBJECT_PATH, (const void *)&path));
  ck_assert(dbus_message_iter_close_container(&list, &unit));
  ck_assert(dbus_message_iter_close_container(&all, &list));
  return m;
}

static void reads_answers(col_task *t)
{
  DBusMessage *m = answer_of_manager();
  ck_assert(col_manager_put(t, m));
  dbus_message_unref(m);
  m = dbus_message_new(DBUS_MESSAGE_TYPE_METHOD_RETURN);
  ck_assert(!col_manager_put(t, m));
  dbus_message_unref(m);
}

START_TEST(what_the_service_manager_says_is_a_row_for_each_unit)
{
  static const col_item items[] = {{"F", "units.csv", "x", reads_answers, 2000, false, false}};
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_OK);
  char *text = bed_package_file("F/units.csv");
  ck_assert_str_eq(text, "planted.service,\"A, service\",loaded,failed,failed,,start\r\n");
  free(text);
}
END_TEST

/* ---- a device that is a folder ---- */

START_TEST(a_library_that_is_loaded_before_all_others_is_told)
{
  static const col_item items[] = {{"F", "loader.csv", "x", col_loader, 2000, false, false}};
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  bed_make_folder("/etc", 0755);
  bed_make("/etc/ld.so.preload", "/lib/planted.so\n");
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_OK);
  char *text = bed_package_file("F/loader.csv");
  ck_assert_ptr_nonnull(strstr(text, "/etc/ld.so.preload,,0644,"));
  ck_assert_ptr_nonnull(strstr(text, ",1,/lib/planted.so\r\n"));
  free(text);
}
END_TEST

static void copies_settings(col_task *t)
{
  col_copy_masked(t, "settings", "/etc/settings");
}

START_TEST(what_is_secret_in_files_of_users_stays_there)
{
  static const col_item items[] = {{"F", "at.csv", "x", col_at_jobs, 2000, false, false},
                                   {"F", "cron.csv", "x", col_cron, 2000, false, false},
                                   {"F", "anacron.csv", "x", col_anacron, 2000, false, false},
                                   {"F", "mounts.csv", "x", col_mounts_table, 2000, false, false},
                                   {"F", "settings", "x", copies_settings, 2000, true, false},
                                   {"F", "support", "x", col_support_logs, 2000, true, false}};
  static const char *const files[] = {"F/at.csv",     "F/cron.csv", "F/anacron.csv",
                                      "F/mounts.csv", "F/settings", "F/clamav_conf_planted.key"};
  static const char *const kept[] = {"LD_PRELOAD=/x; export LD_PRELOAD\r\n",
                                     "/bin/job",
                                     "/bin/daily",
                                     "https://***@h",
                                     "after",
                                     "a key"};
  static const char *const folders[] = {"/etc",       "/etc/clamav",           "/var",
                                        "/var/spool", "/var/spool/cron",       "/proc",
                                        "/proc/self", "/var/spool/cron/atjobs"};
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  for (size_t i = 0; i < COUNT_OF(folders); i++)
    bed_make_folder(folders[i], 0755);
  bed_make("/var/spool/cron/atjobs/a1",
           "#!/bin/sh\nX=hunter2; export X\n"
           "LD_PRELOAD=/x; export LD_PRELOAD\nDB_PASS=hunter2 /bin/job\n");
  bed_make("/etc/crontab", "DB_PASS = hunter2 and hunter2\nPROXY=http://u:hunter2@h\n"
                           "1 2 3 4 5 root /bin/job\n");
  bed_make("/etc/anacrontab", "DB_PASS=hunter2\n1 2 x /bin/daily\n");
  bed_make("/proc/self/mountinfo",
           "1 0 8:1 / /d rw - davfs https://u:hunter2@h/ rw,password=hunter2\n");
  bed_make("/etc/settings",
           "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END X-----\n"
           "-----BEGIN RSA PRIVATE KEY-----\nhunter2\na: 1\na: 2\na: 3\na: 4\nafter\n");
  bed_make("/etc/clamav/planted.key", "hunter2\n");
  ck_assert_int_ge(col_run(&o, items, COUNT_OF(items), &totals, NULL, NULL, &err), 0);
  for (size_t i = 0; i < COUNT_OF(files); i++) {
    char *text = bed_package_file(files[i]);
    ck_assert_msg(strstr(text, "hunter2") == NULL, "%s", text);
    ck_assert_msg(strstr(text, kept[i]) != NULL, "%s", text);
    free(text);
  }
}
END_TEST

/* The lab's kernel has no CIFS: the line is as one that has writes it. */
START_TEST(what_only_root_is_told_is_said_to_be_missing)
{
  static const col_item items[] = {{"N", "names", "x", col_net_names, 5000, true, false},
                                   {"S", "inbound", "x", col_smb_inbound, 5000, true, false}};
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  bed_make_folder("/run", 0755);
  bed_make_folder("/run/samba", 0755);
  bed_make_folder("/run/systemd", 0755);
  bed_make_folder("/run/systemd/resolve", 0755);
  ck_assert_int_ge(col_run(&o, items, COUNT_OF(items), &totals, NULL, NULL, &err), 0);
  char *text = bed_package_file("N/resolved_cache.txt");
  ck_assert_ptr_nonnull(strstr(text, "resolvectl show-cache"));
  free(text);
  text = bed_package_file("S/samba_sessions.txt");
  ck_assert_ptr_nonnull(strstr(text, "smbstatus"));
  free(text);
}
END_TEST

START_TEST(a_mount_of_cifs_is_a_session_to_elsewhere)
{
  static const col_item items[] = {{"S", "outbound", "x", col_smb_outbound, 5000, true, false}};
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  bed_make_folder("/proc", 0755);
  bed_make_folder("/proc/self", 0755);
  bed_make(
      "/proc/self/mountinfo",
      "21 1 254:1 / / rw,relatime - ext4 /dev/vda1 rw\n"
      "83 21 0:47 / /mnt/our\\040share rw,relatime shared:44 - cifs //srv.example/our\\040share "
      "rw,vers=3.1.1,cache=strict,username=ada,domain=CORP,uid=0,forceuid,gid=0,forcegid,"
      "addr=192.0.2.7,file_mode=0755,dir_mode=0755,soft,nounix,serverino,mapposix\n");
  ck_assert_int_ge(col_run(&o, items, COUNT_OF(items), &totals, NULL, NULL, &err), 0);
  char *text = bed_package_file("S/SMBOutboundSession.csv");
  ck_assert_ptr_nonnull(
      strstr(text, "\r\ncifs,//srv.example/our share,/mnt/our share,ada,\"rw,relatime\","));
  ck_assert_ptr_nonnull(strstr(text, "addr=192.0.2.7"));
  ck_assert_ptr_null(strstr(text, "ext4"));
  free(text);
}
END_TEST

/* The collector's own are set not to keep times of access. */
START_TEST(mounts_are_told_as_the_agent_has_them)
{
  static const col_item items[] = {{"F", "mounts.csv", "x", col_mounts_table, 2000, false, false},
                                   {"S", "outbound", "x", col_smb_outbound, 5000, true, false}};
  static const char *const files[] = {"F/mounts.csv", "S/SMBOutboundSession.csv"};
  char folder[64];
  char path[80];
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  (void)snprintf(folder, sizeof(folder), "/proc/%ld", (long)getppid());
  (void)snprintf(path, sizeof(path), "%s/mountinfo", folder);
  bed_make_folder("/proc", 0755);
  bed_make_folder("/proc/self", 0755);
  bed_make_folder(folder, 0755);
  bed_make("/proc/self/mountinfo", "83 21 0:47 / /mnt rw,noatime - cifs //srv/share rw\n");
  bed_make(path, "21 1 0:47 / /mnt rw,relatime - cifs //srv/share rw\n");
  ck_assert_int_ge(col_run(&o, items, COUNT_OF(items), &totals, NULL, NULL, &err), 0);
  for (size_t i = 0; i < COUNT_OF(files); i++) {
    char *text = bed_package_file(files[i]);
    ck_assert_msg(strstr(text, "\"rw,relatime\"") != NULL, "%s", text);
    ck_assert_msg(strstr(text, "noatime") == NULL, "%s", text);
    free(text);
  }
}
END_TEST

static bool put_read_line(void *data, const char *line, size_t len)
{
  (void)col_put(data, line, len);
  return col_puts(data, "|");
}

static void reads_ends(col_task *t)
{
  static const uint64_t sizes[] = {4, 5, 8, 100};
  for (size_t i = 0; i < COUNT_OF(sizes); i++) {
    bool cut = false;
    struct stat st;
    int fd = -1;
    ck_assert_int_eq(col_open(t, "/log", &fd, &st), 0);
    ck_assert_int_eq(col_last_lines_fd(t, fd, sizes[i], put_read_line, t, &cut), 0);
    (void)col_puts(t, cut ? "cut\n" : "whole\n");
    (void)close(fd);
  }
}

START_TEST(of_a_log_that_is_too_long_the_last_whole_lines_are_read)
{
  static const col_item items[] = {{"F", "ends", "x", reads_ends, 2000, false, false}};
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  bed_make("/log", "one\ntwo\nsix");
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_OK);
  char *text = bed_package_file("F/ends");
  ck_assert_str_eq(text, "six|cut\nsix|cut\ntwo|six|cut\none|two|six|whole\n");
  free(text);
}
END_TEST

/* A process that pads its environment and its command line. */
static void make_padded_process(void)
{
  enum { PAD = 300 * 1024, LONG = 600 };
  static char text[PAD + 2 * LONG];
  bed_make_folder("/proc", 0755);
  bed_make_folder("/proc/7", 0755);
  bed_make("/proc/7/stat",
           "7 (x) S 1 2 3 34816 -1 4194560 1 2 3 4 500 60 7 8 20 -5 9 0 12345 1000 77 9");
  bed_make("/proc/7/status", "Uid:\t0\t0\n");
  memset(text, 'a', sizeof(text));
  memcpy(text + PAD, "\0LD_LIBRARY_PATH=", 17);
  memcpy(text + PAD + LONG, "\0LD_PRELOAD=/planted.so", 24);
  bed_make_bytes("/proc/7/environ", text, PAD + LONG + 24);
  bed_make_bytes("/proc/7/cmdline", text, PAD);
}

START_TEST(nothing_is_pushed_out_of_sight)
{
  static const col_item items[] = {{"F", "processes.csv", "x", col_processes, 2000, false, false},
                                   {"F", "cron.csv", "x", col_cron, 2000, false, false}};
  static char crontab[2 * COL_MIB];
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  make_padded_process();
  bed_make_folder("/etc", 0755);
  memset(crontab, '#', sizeof(crontab));
  bed_make_bytes("/etc/crontab", crontab, sizeof(crontab));
  ck_assert_int_eq(col_run(&o, items, 2, &totals, NULL, NULL, &err), CORDON_PARTIAL);
  char *text = bed_package_file("F/processes.csv");
  ck_assert_ptr_nonnull(strstr(text, "LD_PRELOAD=/planted.so"));
  ck_assert_ptr_nonnull(strstr(text, "aaa" COL_CUT ","));
  free(text);
  cJSON *doc = bed_manifest();
  ck_assert_ptr_nonnull(strstr(bed_item_text(doc, 0, "cap"), "cmdline"));
  ck_assert_ptr_nonnull(strstr(bed_item_text(doc, 1, "cap"), "/etc/crontab"));
  cJSON_Delete(doc);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {the_path_and_the_hash_of_a_program_are_of_one_file,
                                a_program_that_runs_has_its_own_hash,
                                a_process_that_keeps_its_maps_locked_is_left_and_named,
                                more_files_of_an_antivirus_than_there_is_room_for_are_told,
                                what_the_service_manager_says_is_a_row_for_each_unit,
                                a_library_that_is_loaded_before_all_others_is_told,
                                what_is_secret_in_files_of_users_stays_there,
                                what_only_root_is_told_is_said_to_be_missing,
                                a_mount_of_cifs_is_a_session_to_elsewhere,
                                mounts_are_told_as_the_agent_has_them,
                                of_a_log_that_is_too_long_the_last_whole_lines_are_read,
                                nothing_is_pushed_out_of_sight};
  return run_suite_with("plugins.collect_device", tests, COUNT_OF(tests), bed_setup, bed_teardown);
}
