/* The collector's readers of files, by tables. */
#include "collect.h"
#include "mounts.h"
#include "net.h"
#include "parse.h"
#include "read.h"
#include "rpm.h"
#include "units.h"

#include "package.h"
#include "suite.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <utmp.h>

#include <linux/netlink.h>

static void is(col_view v, const char *text)
{
  char copy[512];
  (void)snprintf(copy, sizeof(copy), "%.*s", (int)v.len, v.ptr);
  ck_assert_str_eq(copy, text);
}

static const struct cron_case {
  const char *line;
  bool with_user;
  const char *schedule; /* NULL: it is no line */
  const char *user;
  const char *command;
} cron_cases[] = {
    {"*/5 * * * * root /bin/x --a", true, "*/5 * * * *", "root", "/bin/x --a"},
    {"@reboot\tada\t/bin/y", true, "@reboot", "ada", "/bin/y"},
    {"1 2 3 4 5 cmd with words", false, "1 2 3 4 5", "", "cmd with words"},
    {"PATH = /bin:/sbin", true, "PATH", "", "/bin:/sbin"},
    {"# 1 2 3 4 5 root x", true, NULL, NULL, NULL},
    {"1 2 3", true, NULL, NULL, NULL},
    {"@daily root", true, NULL, NULL, NULL},
    {"", false, NULL, NULL, NULL},
};

START_TEST(reads_lines_of_cron)
{
  for (size_t i = 0; i < COUNT_OF(cron_cases); i++) {
    const struct cron_case *c = &cron_cases[i];
    col_cron_line l;
    bool read = col_cron_read(col_view_of(c->line), c->with_user, &l);
    ck_assert_msg(read == (c->schedule != NULL), "%s", c->line);
    if (!read)
      continue;
    is(l.schedule, c->schedule);
    is(l.user, c->user);
    is(l.command, c->command);
  }
}
END_TEST

START_TEST(reads_processes_whose_names_hold_anything)
{
  col_proc_stat s;
  const char *text =
      "42 (a) (b ) S 1 2 3 34816 -1 4194560 1 2 3 4 500 60 7 8 20 -5 9 0 12345 1000 77 "
      "18446744073709551615";
  ck_assert(col_proc_stat_read(col_view_of(text), &s));
  is(s.comm, "a) (b ");
  ck_assert_int_eq(s.state, 'S');
  ck_assert_int_eq(s.ppid, 1);
  ck_assert_int_eq(s.terminal, 34816);
  ck_assert_uint_eq(s.user_ticks, 500);
  ck_assert_int_eq(s.nice, -5);
  ck_assert_int_eq(s.threads, 9);
  ck_assert_uint_eq(s.start_ticks, 12345);
  ck_assert_uint_eq(s.rss_pages, 77);
  ck_assert(!col_proc_stat_read(col_view_of("42 (x) S 1 2"), &s));
  ck_assert(!col_proc_stat_read(col_view_of(")("), &s));
}
END_TEST

START_TEST(reads_authorized_keys_and_their_fingerprints)
{
  /* A key and a fingerprint that GitHub publishes of its own host. */
  const char *line =
      "from=\"10.0.0.1, 10.0.0.2\",command=\"sh -c \\\"x y\\\"\" ssh-ed25519 "
      "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ada@host";
  col_key_line l;
  char fingerprint[64];
  ck_assert(col_key_read(col_view_of(line), &l));
  is(l.options, "from=\"10.0.0.1, 10.0.0.2\",command=\"sh -c \\\"x y\\\"\"");
  is(l.type, "ssh-ed25519");
  is(l.comment, "ada@host");
  col_key_fingerprint(l.key, fingerprint);
  ck_assert_str_eq(fingerprint, "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU");
  ck_assert(!col_key_read(col_view_of("# ssh-ed25519 AAAA"), &l));
  ck_assert(!col_key_read(col_view_of("nonsense"), &l));
  col_key_fingerprint(col_view_of("!!"), fingerprint);
  ck_assert_str_eq(fingerprint, "");
}
END_TEST

START_TEST(says_of_passwords_how_they_are_and_never_what)
{
  static const char *const cases[][3] = {{"", "none", ""},
                                         {"!", "locked", ""},
                                         {"*", "no login", ""},
                                         {"!!", "locked", ""},
                                         {"!$6$salt$hash", "locked", "SHA-512"},
                                         {"$y$j9T$x$y", "set", "yescrypt"},
                                         {"x", "no login", ""},
                                         {"!*", "locked", ""}};
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    char method[24];
    ck_assert_str_eq(col_password_state(col_view_of(cases[i][0]), method), cases[i][1]);
    ck_assert_str_eq(method, cases[i][2]);
  }
}
END_TEST

START_TEST(masks_what_follows_words_for_secrets)
{
  static const char *const cases[][2] = {
      {"http_proxy=http://ada:s3cret@proxy:3128/", "http_proxy=http://***@proxy:3128/"},
      {"HTTPProxyPassword hunter2 # x", "HTTPProxyPassword *** # x"},
      {"password=\"hunter2\"", "password=\"***\""},
      {"export TOKEN=abc def", "export TOKEN=*** def"},
      {"https://host/path", "https://host/path"},
      {"rw,username=ada,password=x,uid=0", "rw,username=ada,password=***,uid=0"},
      {"AWS_SECRET_ACCESS_KEY=x", "AWS_SECRET_ACCESS_KEY=***"},
      {"GITHUB_TOKEN_RO=x y", "GITHUB_TOKEN_RO=*** y"},
      {"DB_PASS=x;MYSQL_PWD=y", "DB_PASS=***;MYSQL_PWD=***"},
      {"PASS=a\\ b\"c d\"e f", "PASS=*** f"},
      {"password=\"a b,c\" d=\"e\" key='f", "password=\"***\" d=\"e\" key='***"},
      {"{\"password\": \"a\\\"b\", \"x\": 1}", "{\"password\": \"***\", \"x\": 1}"},
      {"\"DB_PASS=a b\" c", "\"DB_PASS=***\" c"},
      {"ldap_authtok = two words", "ldap_authtok = ***"},
      {"--password hunter2 --x", "--password *** --x"},
      {"://u:p@ss@h /p@q", "://***@h /p@q"},
      {"://u:p/ss@h", "://***@h"},
      {"[ \"$KEY\" = \"x\" ]", "[ \"$KEY\" = \"x\" ]"},
      {"auth required pam_unix.so", "auth required pam_unix.so"},
      {"PATH=/bin:/sbin", "PATH=/bin:/sbin"},
      {"nothing here", "nothing here"}};
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    char text[128];
    ck_assert_uint_eq(col_mask(col_view_of(cases[i][0]), text, sizeof(text)), strlen(cases[i][1]));
    ck_assert_str_eq(text, cases[i][1]);
  }
}
END_TEST

START_TEST(knows_what_at_writes_in_front_of_a_job)
{
  static const struct {
    const char *line;
    bool sets;
  } lines[] = {{"SHELL=/bin/bash; export SHELL", true},
               {"A=b\\ c\\;d; export A", true},
               {"KEY=one\"", true},
               {"\"two\"", true},
               {"\"three; export KEY", true},
               {"\"three; export KEY", false},
               {"KEY=one\"", true},
               {"/bin/planted", false},
               {"\"x; export KEY", false},
               {"LD_PRELOAD=/tmp/x.so; export LD_PRELOAD", false},
               {"A=b; /bin/planted; export A", false},
               {"A=$(planted); export A", false},
               {"A=b; export B", false},
               {"A=b; export A; /bin/planted", false},
               {"A=b", false},
               {"umask 22", false}};
  bool in_value = false;
  for (size_t i = 0; i < COUNT_OF(lines); i++)
    ck_assert_msg(col_at_sets(col_view_of(lines[i].line), &in_value) == lines[i].sets, "%zu: %s", i,
                  lines[i].line);
}
END_TEST

START_TEST(reads_mounts_with_their_escapes)
{
  col_mount m;
  const char *line = "36 35 98:0 /mnt1 /mnt\\040two rw,noatime shared:1 master:2 - cifs "
                     "//srv/share rw,username=ada";
  ck_assert(col_mount_read(line, strlen(line), &m));
  ck_assert_str_eq(m.point, "/mnt two");
  ck_assert_str_eq(m.type, "cifs");
  ck_assert_str_eq(m.source, "//srv/share");
  ck_assert_str_eq(m.super_options, "rw,username=ada");
  ck_assert_uint_eq(m.major, 98);
  ck_assert(!col_mount_read("36 35 98:0 / /mnt", 17, &m));
  ck_assert(!col_mount_read("", 0, &m));
}
END_TEST

typedef struct answer {
  struct nlmsghdr h;
  int32_t error;
} answer;

static answer answer_of(uint16_t type, uint16_t flags, uint32_t sequence, int32_t error)
{
  return (answer){.h = {.nlmsg_len = sizeof(answer),
                        .nlmsg_type = type,
                        .nlmsg_flags = flags,
                        .nlmsg_seq = sequence},
                  .error = error};
}

static void count_message(void *data, const sup_message *m)
{
  (void)m;
  ++*(unsigned *)data;
}

START_TEST(of_the_kernels_answers_only_those_to_the_request_count)
{
  unsigned count = 0;
  col_dumping d = {.sequence = 7};
  /* What was left of request 6, its end included, then two messages of ours. */
  answer first[] = {answer_of(20, NLM_F_MULTI, 6, 0), answer_of(NLMSG_DONE, NLM_F_MULTI, 6, 0),
                    answer_of(20, NLM_F_MULTI, 7, 0), answer_of(20, NLM_F_MULTI, 7, 0)};
  ck_assert(!col_dump_take(&d, (const unsigned char *)first, sizeof(first), count_message, &count));
  ck_assert_uint_eq(count, 2);
  ck_assert(!d.changed);
  answer last[] = {answer_of(20, NLM_F_MULTI | NLM_F_DUMP_INTR, 7, 0),
                   answer_of(NLMSG_DONE, NLM_F_MULTI, 7, -ENOBUFS)};
  ck_assert(col_dump_take(&d, (const unsigned char *)last, sizeof(last), count_message, &count));
  ck_assert_uint_eq(count, 3);
  ck_assert(d.changed);
  ck_assert_int_eq(d.error, ENOBUFS);
  d = (col_dumping){.sequence = 8};
  answer good = answer_of(NLMSG_DONE, NLM_F_MULTI, 8, 0);
  ck_assert(col_dump_take(&d, (const unsigned char *)&good, sizeof(good), count_message, &count));
  ck_assert_int_eq(d.error, 0);
}
END_TEST

START_TEST(knows_file_systems_that_may_hang)
{
  col_mounts m = {0};
  static const char *const lines[] = {
      "1 0 8:1 / / rw - ext4 /dev/sda1 rw", "2 1 0:50 / /home rw - nfs4 srv:/home rw",
      "3 1 0:51 / /mnt/f rw - fuse.sshfs x rw", "4 1 0:52 / /tmp rw - tmpfs tmpfs rw",
      "5 1 0:53 / /sys/fs/fuse/connections rw - fusectl x rw"};
  for (size_t i = 0; i < COUNT_OF(lines); i++)
    col_mounts_add(&m, lines[i], strlen(lines[i]));
  ck_assert_str_eq(col_mounts_far(&m, "/home/ada/.bashrc"), "nfs4");
  ck_assert_str_eq(col_mounts_far(&m, "/mnt/f"), "fuse.sshfs");
  ck_assert_ptr_null(col_mounts_far(&m, "/homework"));
  ck_assert_ptr_null(col_mounts_far(&m, "/tmp/x"));
  ck_assert_ptr_null(col_mounts_far(&m, "/sys/fs/fuse/connections/1"));
  col_mounts_release(&m);
}
END_TEST

START_TEST(of_mounts_over_each_other_the_one_that_is_seen_counts)
{
  col_mounts m = {0};
  /* At /auto the real one is on autofs; /over hides what was mounted below it before; /far/near is
   * mounted on a far one. */
  static const char *const lines[] = {
      "1 0 8:1 / / rw - ext4 /dev/sda1 rw",       "2 1 0:50 / /auto rw - autofs systemd-1 rw",
      "3 2 8:2 / /auto rw - ext4 /dev/sdb1 rw",   "4 1 8:3 / /over/old rw - ext4 /dev/sdc1 rw",
      "5 1 0:51 / /over rw - nfs4 srv:/over rw",  "6 1 0:52 / /far rw - nfs4 srv:/far rw",
      "7 6 8:4 / /far/near rw - ext4 /dev/sdd rw"};
  for (size_t i = 0; i < COUNT_OF(lines); i++)
    col_mounts_add(&m, lines[i], strlen(lines[i]));
  ck_assert_ptr_null(col_mounts_far(&m, "/auto/x"));
  ck_assert_str_eq(col_mounts_far(&m, "/over/old/x"), "nfs4");
  ck_assert_str_eq(col_mounts_far(&m, "/far/x"), "nfs4");
  ck_assert_ptr_null(col_mounts_far(&m, "/far/near/x"));
  col_mounts_release(&m);
}
END_TEST

START_TEST(compares_mount_points_of_any_length)
{
  col_mounts m = {0};
  char name[701];
  char line[1024];
  char path[1024];
  memset(name, 'n', sizeof(name) - 1);
  name[sizeof(name) - 1] = '\0';
  (void)snprintf(line, sizeof(line), "2 1 0:50 / /%s rw - nfs4 srv:/x rw", name);
  col_mounts_add(&m, line, strlen(line));
  (void)snprintf(path, sizeof(path), "/%s/x", name);
  ck_assert_str_eq(col_mounts_far(&m, path), "nfs4");
  col_mounts_release(&m);
}
END_TEST

START_TEST(reads_units)
{
  static const char *const lines[] = {"[Service]",
                                      "ExecStart=/bin/a --b",
                                      "ExecStartPre=-/bin/c",
                                      "User=ada",
                                      "# ExecStop=/bin/no",
                                      "OnCalendar=daily",
                                      "WantedBy=multi-user.target",
                                      "Description=A thing",
                                      "Unit=other.service"};
  col_unit u = {0};
  for (size_t i = 0; i < COUNT_OF(lines); i++)
    col_unit_add(&u, col_view_of(lines[i]));
  ck_assert_str_eq(u.run, "ExecStart=/bin/a --b\nExecStartPre=-/bin/c");
  ck_assert_str_eq(u.user, "ada");
  ck_assert_str_eq(u.timer, "OnCalendar=daily");
  ck_assert_str_eq(u.wanted_by, "multi-user.target");
  ck_assert_str_eq(u.unit, "other.service");
}
END_TEST

static void read_unit(col_unit *u, const char *text, size_t len)
{
  col_unit_lines lines = {.unit = u};
  *u = (col_unit){0};
  col_lines_of(text, len, col_unit_line, &lines);
  col_unit_end(&lines);
}

START_TEST(joins_lines_of_units_as_systemd_does)
{
  static const struct {
    const char *text;
    size_t len; /* 0: to its NUL */
    const char *run;
  } cases[] = {
      {"ExecStart=/a \\\n-b\n", 0, "ExecStart=/a  -b"},
      {"ExecStart=/a \\", 0, "ExecStart=/a"},
      {"# no \\\nExecStart=/a\n", 0, "ExecStart=/a"},
      {"ExecStart=/a\\\n# no\n-b\n", 0, "ExecStart=/a -b"},
      {"Description=x\\\\\nExecStart=/a\n", 0, "ExecStart=/a"},
      {"User=x\0ExecStart=/a\n", 20, "ExecStart=/a"},
  };
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    col_unit u;
    read_unit(&u, cases[i].text, cases[i].len > 0 ? cases[i].len : strlen(cases[i].text));
    ck_assert_str_eq(u.run, cases[i].run);
    ck_assert(!u.cut);
  }
}
END_TEST

START_TEST(says_in_a_unit_what_did_not_fit)
{
  static char text[3 * COL_UNIT_TEXT];
  col_unit u;
  memset(text, 'x', sizeof(text));
  memcpy(text, "ExecStart=", 10);
  read_unit(&u, text, sizeof(text));
  ck_assert(u.cut);
  ck_assert_uint_eq(strlen(u.run), sizeof(u.run) - 1);
  ck_assert_str_eq(u.run + strlen(u.run) - strlen(COL_CUT), COL_CUT);
  /* Nor does a second line vanish behind one that fills it. */
  text[sizeof(u.run) - sizeof(COL_CUT)] = '\n';
  memcpy(text + sizeof(u.run), "\nExecStop=/b\n", 14);
  read_unit(&u, text, sizeof(u.run) + 14);
  ck_assert(u.cut);
  ck_assert_str_eq(u.run + strlen(u.run) - strlen(COL_CUT), COL_CUT);
}
END_TEST

START_TEST(reads_commands_of_the_audit_log_that_come_in_parts)
{
  char text[64];
  ck_assert(col_audit_arguments(
      col_view_of("type=EXECVE msg=audit(1.2:3): argc=3 a0=\"sh\" a1_len=9 a1[0]=2D63 "
                  "a1[1]=\"d\" a2=\"x\""),
      text, sizeof(text)));
  ck_assert_str_eq(text, "sh -cd x");
  ck_assert(col_audit_arguments(col_view_of("type=EXECVE: a7[3]=\"x\" a8=\"y\""), text, 64));
  ck_assert_str_eq(text, "x y");
  ck_assert(!col_audit_arguments(col_view_of("a0=\"abcdefgh\" a1=\"ijkl\""), text, 20));
  ck_assert_str_eq(text, "abcdefgh ij" COL_CUT);
}
END_TEST

START_TEST(reads_the_audit_log)
{
  col_view line =
      col_view_of("type=EXECVE msg=audit(1700000000.123:45): argc=2 auid=2101 a0=\"ls\" "
                  "a1=2F746D702F61206200 exe=\"/bin/ls\" tty=(none)");
  char text[64];
  ck_assert_int_eq(col_audit_field(line, "a0", true, text, sizeof(text)), 2);
  ck_assert_str_eq(text, "ls");
  ck_assert_int_eq(col_audit_field(line, "a1", true, text, sizeof(text)), 9);
  ck_assert_str_eq(text, "/tmp/a b ");
  ck_assert_int_eq(col_audit_field(line, "tty", true, text, sizeof(text)), 6);
  ck_assert_int_eq(col_audit_field(line, "auid", false, text, sizeof(text)), 4);
  ck_assert_str_eq(text, "2101");
  ck_assert_int_eq(col_audit_field(line, "a2", true, text, sizeof(text)), -1);
  ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(reads_login_records)
{
  struct utmp u;
  col_login l;
  memset(&u, 0, sizeof(u));
  u.ut_type = USER_PROCESS;
  u.ut_tv.tv_sec = 1700000000;
  memset(u.ut_user, 'a', sizeof(u.ut_user)); /* full: no NUL */
  memcpy(u.ut_host, "h", 1);
  u.ut_addr_v6[0] = 0x0100007f;
  col_login_read((const unsigned char *)&u, &l);
  ck_assert_int_eq(l.seconds, 1700000000);
  ck_assert_uint_eq(strlen(l.user), 32);
  ck_assert_str_eq(l.address, "127.0.0.1");
  ck_assert_str_eq(col_login_type(l.type), "user process");
  ck_assert_str_eq(col_login_type(-3), "unknown");
}
END_TEST

START_TEST(reads_desktops_recent_documents)
{
  char text[64];
  col_view tag = col_view_of("<bookmark href=\"file:///a%20b&amp;c\" modified=\"2026-01-01\">");
  ck_assert_int_gt(col_xml_attribute(tag, "href", text, sizeof(text)), 0);
  ck_assert_str_eq(text, "file:///a%20b&c");
  ck_assert_int_eq(col_xml_attribute(tag, "count", text, sizeof(text)), -1);
}
END_TEST

START_TEST(makes_names_that_any_archive_takes)
{
  static const char *const cases[][2] = {{"plain.csv", "F/plain.csv"},
                                         {"a/b\\c:d", "F/a_b_c_d"},
                                         {"..", "F/__"},
                                         {"new\nline", "F/new_line"},
                                         {"bad\xffutf", "F/bad_utf"},
                                         {"dot.", "F/dot_"},
                                         {"NUL", "F/NUL_"},
                                         {"com1 .tar.gz", "F/com1_ .tar.gz"},
                                         {"console", "F/console"},
                                         {"", "F/_"}};
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    char name[COL_NAME];
    col_clean_name("F", cases[i][0], name);
    ck_assert_str_eq(name, cases[i][1]);
  }
  char long_name[400];
  char name[COL_NAME];
  memset(long_name, 'x', sizeof(long_name) - 1);
  long_name[sizeof(long_name) - 1] = '\0';
  col_clean_name("F", long_name, name);
  ck_assert_uint_le(strlen(name), 115);
}
END_TEST

START_TEST(words_for_a_tainted_kernel)
{
  char text[256];
  col_taint_words(1u << 12 | 1u << 13, text, sizeof(text));
  ck_assert_str_eq(text, "module from outside the tree; unsigned module");
  col_taint_words(~0ull, text, 16);
  ck_assert_uint_lt(strlen(text), 16);
}
END_TEST

/* A header of rpm: entries, bytes of the store, the index, the store. */
static const unsigned char rpm_header[] = {
    0,    0,    0,    4,    0,   0,   0,   17,                                    /* */
    0,    0,    3,    0xe8, 0,   0,   0,   6,   0, 0,   0,   4,   0, 0,   0,   1, /* name */
    0,    0,    3,    0xe9, 0,   0,   0,   6,   0, 0,   0,   9,   0, 0,   0,   1, /* version */
    0,    0,    3,    0xea, 0,   0,   0,   6,   0, 0,   0,   13,  0, 0,   0,   1, /* release */
    0,    0,    3,    0xf0, 0,   0,   0,   4,   0, 0,   0,   0,   0, 0,   0,   1, /* installed */
    0x65, 0x53, 0xf1, 0,    'b', 'a', 's', 'h', 0, '5', '.', '2', 0, '1', '.', 'f', 0};

START_TEST(reads_packages_of_rpm)
{
  col_rpm rpm;
  ck_assert(col_rpm_read(rpm_header, sizeof(rpm_header), &rpm));
  ck_assert_str_eq(rpm.name, "bash");
  ck_assert_str_eq(rpm.version, "5.2-1.f");
  ck_assert_int_eq(rpm.installed, 1700000000);
  ck_assert_int_eq(rpm.size, -1);
  for (size_t len = 0; len < sizeof(rpm_header); len++)
    ck_assert(!col_rpm_read(rpm_header, len, &rpm));
}
END_TEST

START_TEST(writes_times_as_the_c_library_does)
{
  static const int64_t starts[] = {0, 951782400 - 86400, 4107542400 - 86400, 253402300799 - 86400};
  char text[40];
  for (size_t i = 0; i < COUNT_OF(starts); i++) {
    for (int64_t day = 0; day < 3; day++) {
      time_t when = (time_t)(starts[i] + day * 43200);
      struct tm utc;
      char want[40];
      ck_assert_ptr_nonnull(gmtime_r(&when, &utc));
      (void)strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", &utc);
      col_utc(when, 0, false, text);
      ck_assert_str_eq(text, want);
    }
  }
  for (int64_t day = 0; day < 60000; day++) {
    time_t when = (time_t)(day * 86400 + 3661);
    struct tm utc;
    char want[40];
    ck_assert_ptr_nonnull(gmtime_r(&when, &utc));
    (void)strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", &utc);
    col_utc(when, 0, false, text);
    ck_assert_str_eq(text, want);
  }
  col_utc(1700000000, 7, true, text);
  ck_assert_str_eq(text, "2023-11-14T22:13:20.007Z");
  col_utc(-1, 0, false, text);
  ck_assert_str_eq(text, "");
  col_utc(253402300800, 0, false, text);
  ck_assert_str_eq(text, "");
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {reads_lines_of_cron,
                                reads_processes_whose_names_hold_anything,
                                reads_authorized_keys_and_their_fingerprints,
                                says_of_passwords_how_they_are_and_never_what,
                                masks_what_follows_words_for_secrets,
                                knows_what_at_writes_in_front_of_a_job,
                                reads_mounts_with_their_escapes,
                                of_the_kernels_answers_only_those_to_the_request_count,
                                knows_file_systems_that_may_hang,
                                of_mounts_over_each_other_the_one_that_is_seen_counts,
                                compares_mount_points_of_any_length,
                                reads_units,
                                reads_packages_of_rpm,
                                writes_times_as_the_c_library_does,
                                joins_lines_of_units_as_systemd_does,
                                says_in_a_unit_what_did_not_fit,
                                reads_commands_of_the_audit_log_that_come_in_parts,
                                reads_the_audit_log,
                                reads_login_records,
                                reads_desktops_recent_documents,
                                makes_names_that_any_archive_takes,
                                words_for_a_tainted_kernel};
  return run_suite("plugins.collect_parse", tests, COUNT_OF(tests));
}
