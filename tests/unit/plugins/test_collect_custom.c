/* The profile custom: what a list names, its ceilings, and what is never taken. */
#include "collect.h"
#include "custom.h"

#include "collect_device_bed.h"
#include "suite.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/call.h"

/* ---- patterns ---- */

START_TEST(a_star_is_any_text_and_a_question_mark_one_character)
{
  static const struct {
    const char *pattern;
    const char *text;
    bool fits;
  } rows[] = {
      {"*", "", true},
      {"*", ".hidden", true},
      {"*.log", "a.log", true},
      {"*.log", ".log", true},
      {"*.log", "a.log.1", false},
      {"a?c", "abc", true},
      {"a?c", "ac", false},
      {"a?c",
       "a\xc3\xa4"
       "c",
       true},
      {"a?c",
       "a\xff"
       "c",
       true},
      {"a*b*c", "aXbYbZc", true},
      {"a*b*c", "aXcYb", false},
      {"[a]", "a", false},
      {"[a]", "[a]", true},
      {"", "", true},
      {"", "a", false},
      {"*a", "aaab", false},
      {"a*", "a", true},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++)
    ck_assert_msg(col_glob(rows[i].pattern, rows[i].text) == rows[i].fits, "%s of %s",
                  rows[i].pattern, rows[i].text);
}
END_TEST

/* A pattern of stars over a text that it nearly is: no time without end. */
START_TEST(stars_take_no_time_without_end)
{
  static char text[4096];
  memset(text, 'a', sizeof(text) - 1);
  uint64_t before = sup_now_ms();
  for (int i = 0; i < 100; i++)
    ck_assert(!col_glob("*a*a*a*a*a*a*a*b", text));
  ck_assert_uint_lt(sup_now_ms() - before, 5000);
}
END_TEST

/* ---- secrets ---- */

START_TEST(secrets_are_known_by_their_names)
{
  static const char *const secret[] = {
      "/etc/shadow",
      "/etc/shadow-",
      "/etc/gshadow",
      "/home/ada/.ssh/id_rsa",
      "/home/ada/.ssh/id_work",
      "/etc/ssh/ssh_host_ed25519_key",
      "/etc/ssl/private/x.pem",
      "/srv/web/TLS.KEY",
      "/var/lib/cordon/device.key.pem",
      "/etc/cordon/cordond.json",
      "/root/.gnupg/private-keys-v1.d/A.key",
      "/srv/.htpasswd",
  };
  static const char *const open_to_all[] = {
      "/etc/passwd",
      "/home/ada/.ssh/id_rsa.pub",
      "/home/ada/.ssh/authorized_keys",
      "/etc/ssh/ssh_host_rsa_key.pub",
      "/var/log/auth.log",
      "/etc/ssl/certs/ca.pem",
  };
  for (size_t i = 0; i < COUNT_OF(secret); i++)
    ck_assert_msg(col_secret_named(secret[i]) != NULL, "%s", secret[i]);
  for (size_t i = 0; i < COUNT_OF(open_to_all); i++)
    ck_assert_msg(col_secret_named(open_to_all[i]) == NULL, "%s", open_to_all[i]);
}
END_TEST

typedef struct sunk {
  char text[200000];
  size_t len;
} sunk;

static bool sink(void *data, const void *bytes, size_t len)
{
  sunk *s = data;
  ck_assert_uint_lt(s->len + len, sizeof(s->text));
  memcpy(s->text + s->len, bytes, len);
  s->len += len;
  s->text[s->len] = '\0';
  return true;
}

/* In pieces of `step` bytes. */
static void scrub(const char *text, size_t len, size_t step, sunk *to, col_scrub *s)
{
  *to = (sunk){.len = 0};
  *s = (col_scrub){.put = sink, .data = to};
  for (size_t at = 0; at < len; at += step)
    ck_assert(col_scrub_put(s, text + at, len - at < step ? len - at : step));
  ck_assert(col_scrub_end(s));
}

static const char with_secrets[] =
    "first\n-----BEGIN OPENSSH PRIVATE KEY-----\nSECRETSECRET\n-----END OPENSSH PRIVATE "
    "KEY-----\nsecond $5 and $1 of $y\n"
    "ada:$y$j9T$SECRET.SECRETSECRET/$SECRETSECRETSECRET:19000:0\n"
    "hash=$2b$12$SECRETSECRETSECRETSECRETSECRET\n-----BEGIN CERTIFICATE-----\nopen\n"
    "-----END CERTIFICATE-----\n\"$argon2id$v=19$m=65536,t=3,p=4$SECRETSECRET$SECRET\" last\n";

START_TEST(secrets_within_a_file_are_left_out_however_it_is_read)
{
  static const char wanted[] =
      "first\n(a private key, which is not taken)\nsecond $5 and $1 of $y\n"
      "ada:***:19000:0\nhash=***\n-----BEGIN CERTIFICATE-----\nopen\n"
      "-----END CERTIFICATE-----\n\"***\" last\n";
  static const size_t steps[] = {1, 2, 7, 64, 1000};
  static sunk to;
  static col_scrub s;
  for (size_t i = 0; i < COUNT_OF(steps); i++) {
    scrub(with_secrets, sizeof(with_secrets) - 1, steps[i], &to, &s);
    ck_assert_str_eq(to.text, wanted);
    ck_assert_uint_eq(s.keys, 1);
    ck_assert_uint_eq(s.hashes, 3);
  }
}
END_TEST

/* The text as UTF-16, the lower byte first or last, with a mark in front. */
static size_t widen(const char *text, size_t len, bool high_first, char *ret_wide)
{
  memcpy(ret_wide, high_first ? "\xfe\xff" : "\xff\xfe", 2);
  for (size_t i = 0; i < len; i++) {
    ret_wide[2 + 2 * i + (high_first ? 0 : 1)] = '\0';
    ret_wide[2 + 2 * i + (high_first ? 1 : 0)] = text[i];
  }
  return 2 + 2 * len;
}

START_TEST(secrets_in_utf_16_are_left_out_and_the_rest_is_as_it_was)
{
  static const size_t steps[] = {1, 2, 7, 64, 1000};
  static sunk to;
  static sunk narrow;
  static col_scrub s;
  static char wide[4096];
  static char wanted[4096];
  scrub(with_secrets, sizeof(with_secrets) - 1, 7, &narrow, &s);
  for (size_t i = 0; i < 2 * COUNT_OF(steps); i++) {
    size_t len = widen(with_secrets, sizeof(with_secrets) - 1, i % 2 == 1, wide);
    size_t left = widen(narrow.text, narrow.len, i % 2 == 1, wanted);
    scrub(wide, len, steps[i / 2], &to, &s);
    ck_assert_uint_eq(to.len, left);
    ck_assert_mem_eq(to.text, wanted, left);
    ck_assert_uint_eq(s.keys, 1);
    ck_assert_uint_eq(s.hashes, 3);
  }
}
END_TEST

/* Wherever the part begins that is taken. */
START_TEST(the_rest_of_a_secret_is_one)
{
  static sunk to;
  static col_scrub s;
  for (size_t cut = 0; cut < sizeof(with_secrets); cut++) {
    const char *rest = with_secrets + cut;
    to = (sunk){.len = 0};
    s = (col_scrub){.put = NULL};
    ck_assert(col_scrub_put(&s, with_secrets, cut));
    col_scrub_begin(&s, sink, &to);
    ck_assert(col_scrub_put(&s, rest, strlen(rest)));
    ck_assert(col_scrub_end(&s));
    ck_assert_msg(strstr(to.text, "SECRET") == NULL, "from %zu on: %s", cut, to.text);
    ck_assert_msg(strstr(rest, "SECRET") == NULL || s.keys + s.hashes > 0, "from %zu on", cut);
    /* A secret just in front may be told of. */
    if (strchr(rest, '"') == NULL)
      ck_assert_str_eq(to.text + to.len - strlen(rest), rest);
  }
}
END_TEST

START_TEST(what_holds_no_secret_is_taken_to_the_byte)
{
  static char bytes[100000];
  static sunk to;
  static col_scrub s;
  unsigned seed = 7;
  for (size_t i = 0; i < sizeof(bytes); i++) {
    seed = seed * 1103515245u + 12345u;
    bytes[i] = (char)(seed >> 16);
  }
  scrub(bytes, sizeof(bytes), 16384, &to, &s);
  ck_assert_uint_eq(to.len, sizeof(bytes));
  ck_assert_mem_eq(to.text, bytes, sizeof(bytes));
  /* A key without an end: all of it is the key. */
  static const char open_key[] = "a\n-----BEGIN PRIVATE KEY-----\nSECRET";
  scrub(open_key, sizeof(open_key) - 1, 3, &to, &s);
  ck_assert_ptr_null(strstr(to.text, "SECRET"));
}
END_TEST

#define KEY_BODY "SECRETSECRETSECRETSECRETSECRETSECRETSECRETSECRETSECRETSECRETSECR\n"

START_TEST(a_key_without_an_end_hides_no_more_than_a_key)
{
  static const char text[] = "a\n-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
                             "DEK-Info: AES-256-CBC,00\n\n" KEY_BODY KEY_BODY "SECRET=\n"
                             "one: and more\ntwo: and more\nthree: and more\nfour: and more\n"
                             "five: and more\n-----BEGIN CERTIFICATE-----\n";
  static sunk to;
  static col_scrub s;
  for (size_t step = 1; step < 300; step += 37) {
    scrub(text, sizeof(text) - 1, step, &to, &s);
    ck_assert_str_eq(to.text, "a\n(a private key, which is not taken)\nfive: and more\n"
                              "-----BEGIN CERTIFICATE-----\n");
    ck_assert_uint_eq(s.endless, 1);
  }
}
END_TEST

/* As a log has it, with the time in front. */
START_TEST(a_key_within_a_log_is_one_to_its_end)
{
  static const char text[] =
      "Nov 1 h app: -----BEGIN PRIVATE KEY-----\nNov 1 h app: " KEY_BODY "Nov 1 h app: " KEY_BODY
      "Nov 1 h app: SECRET==\nNov 1 h app: -----END PRIVATE KEY-----\nafter\n";
  static sunk to;
  static col_scrub s;
  scrub(text, sizeof(text) - 1, 11, &to, &s);
  ck_assert_ptr_null(strstr(to.text, "SECRET"));
  ck_assert_ptr_nonnull(strstr(to.text, "after"));
  ck_assert_uint_eq(s.endless, 0);
}
END_TEST

START_TEST(a_key_has_a_length)
{
  static char text[2 * COL_KEY_BYTES];
  static sunk to;
  static col_scrub s;
  size_t len = (size_t)snprintf(text, sizeof(text), "-----BEGIN PRIVATE KEY-----\n");
  while (len < COL_KEY_BYTES + 1000)
    len += (size_t)snprintf(text + len, sizeof(text) - len, KEY_BODY);
  len += (size_t)snprintf(text + len, sizeof(text) - len, "after\n");
  scrub(text, len, 1000, &to, &s);
  ck_assert_uint_lt(to.len, 1200);
  ck_assert_ptr_nonnull(strstr(to.text, "after"));
}
END_TEST

/* ---- a device that is a folder ---- */

static cordon_status run(const char *items, cJSON **ret_manifest)
{
  char text[4096];
  char state[128];
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  size_t count = 0;
  (void)snprintf(text, sizeof(text), "{\"name\":\"web\",\"version\":7,\"items\":[%s]}", items);
  /* A link, as where the state was moved to another disk; and one that is not there any more. */
  (void)snprintf(state, sizeof(state), "[\"%s/state\",\"/srv/agent\"]", bed_root);
  cJSON *list = cJSON_Parse(text);
  cJSON *keep_out = cJSON_Parse(state);
  ck_assert_ptr_nonnull(list);
  ck_assert_int_eq(col_list_read(list, keep_out, &o.list, &err), CORDON_OK);
  cJSON_Delete(list);
  cJSON_Delete(keep_out);
  const col_item *runs = col_list_runs(o.list, &count);
  cordon_status status = col_run(&o, runs, count, &totals, NULL, NULL, &err);
  *ret_manifest = bed_manifest();
  return status;
}

/* The record of the file of this path. */
static const cJSON *record(const cJSON *doc, const char *source, const char *item)
{
  const cJSON *r = NULL;
  cJSON_ArrayForEach(r, cJSON_GetObjectItemCaseSensitive(doc, "items"))
  {
    const char *s = cJSON_GetObjectItemCaseSensitive(r, "source")->valuestring;
    const char *i = cJSON_GetObjectItemCaseSensitive(r, "item")->valuestring;
    if (strcmp(s, source) == 0 && (item == NULL || strcmp(i, item) == 0))
      return r;
  }
  return NULL;
}

static void expect(const cJSON *doc, const char *source, const char *status, const char *error)
{
  const cJSON *r = record(doc, source, NULL);
  ck_assert_msg(r != NULL, "%s has no record", source);
  const char *is = cJSON_GetObjectItemCaseSensitive(r, "status")->valuestring;
  const char *why = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(r, "error"));
  ck_assert_msg(strcmp(is, status) == 0, "%s: %s (%s)", source, is, why);
  ck_assert_msg(error == NULL || (why != NULL && strstr(why, error) != NULL), "%s: %s", source,
                why);
}

START_TEST(the_files_that_a_list_names_are_in_its_folders)
{
  cJSON *doc = NULL;
  bed_make_folder("/var", 0755);
  bed_make_folder("/var/log", 0755);
  bed_make_folder("/var/log/web", 0755);
  bed_make("/var/log/web/access.log", "GET /");
  bed_make("/var/log/web/error.log", "oops");
  bed_make("/var/log/web/notes.txt", "no");
  bed_make_folder("/home", 0755);
  bed_make_folder("/home/ada", 0755);
  bed_make_folder("/home/eve", 0755);
  bed_make("/home/ada/.bash_history", "ls");
  ck_assert_int_eq(run("{\"folder\":\"Web server\",\"path\":\"/var/log/web/*.log\",\"why\":\"x\"},"
                       "{\"folder\":\"Homes\",\"path\":\"/home/*/.bash_history\",\"why\":\"x\"},"
                       "{\"folder\":\"None\",\"path\":\"/opt/nothing/*\",\"why\":\"x\"},"
                       "{\"folder\":\"None\",\"path\":\"/etc/nothing\",\"why\":\"x\"},"
                       "{\"folder\":\"None\",\"path\":\"C:\\\\logs\\\\*.log\",\"why\":\"x\"}",
                       &doc),
                   CORDON_OK);
  char *text = bed_package_file("Web server/var_log_web_access.log");
  ck_assert_str_eq(text, "GET /");
  free(text);
  text = bed_package_file("Homes/home_ada_.bash_history");
  ck_assert_str_eq(text, "ls");
  free(text);
  text = bed_package_file("Web server/files.csv");
  ck_assert_ptr_nonnull(
      strstr(text, "/var/log/web/error.log,ok,,Web server/var_log_web_error.log"));
  ck_assert_ptr_null(strstr(text, "notes.txt"));
  free(text);
  text = bed_package_file("collection_list.json");
  ck_assert_ptr_nonnull(strstr(text, "/home/*/.bash_history"));
  free(text);
  expect(doc, "/etc/nothing", "absent", NULL);
  expect(doc, "C:\\logs\\*.log", "absent", "a path of another system's");
  expect(doc, "/opt/nothing/*", "absent", "nothing on this device matches");
  ck_assert_ptr_null(record(doc, "/home/eve/.bash_history", NULL));
  ck_assert_str_eq(cJSON_GetObjectItemCaseSensitive(doc, "profile")->valuestring, "custom");
  ck_assert_str_eq(cJSON_GetObjectItemCaseSensitive(doc, "list")->valuestring, "web");
  ck_assert_int_eq(cJSON_GetObjectItemCaseSensitive(doc, "list_version")->valueint, 7);
  cJSON_Delete(doc);
}
END_TEST

START_TEST(ceilings_of_files_bytes_and_depth_are_told)
{
  cJSON *doc = NULL;
  char path[64];
  bed_make_folder("/many", 0755);
  for (int i = 0; i < 20; i++) {
    (void)snprintf(path, sizeof(path), "/many/%02d", i);
    bed_make(path, "x");
  }
  bed_make("/long", "0123456789");
  bed_make_folder("/deep", 0755);
  bed_make("/deep/0", "0");
  bed_make_folder("/deep/a", 0755);
  bed_make("/deep/a/1", "1");
  bed_make_folder("/deep/a/b", 0755);
  bed_make("/deep/a/b/2", "2");
  ck_assert_int_eq(run("{\"folder\":\"M\",\"path\":\"/many/*\",\"max_files\":5,\"why\":\"x\"},"
                       "{\"folder\":\"L\",\"path\":\"/long\",\"max_bytes\":4,\"why\":\"x\"},"
                       "{\"folder\":\"D\",\"path\":\"/deep/**/*\",\"max_depth\":1,\"why\":\"x\"}",
                       &doc),
                   CORDON_PARTIAL);
  expect(doc, "/many/*", "partial", "more than 5 files match");
  ck_assert_ptr_nonnull(record(doc, "/many/04", NULL));
  ck_assert_ptr_null(record(doc, "/many/05", NULL));
  expect(doc, "/long", "partial", "it has 10 bytes, of which these are the last 4");
  char *text = bed_package_file("L/long");
  ck_assert_str_eq(text, "6789");
  free(text);
  expect(doc, "/deep/**/*", "partial", "folders deeper than 1");
  free(bed_package_file("D/deep_0"));
  free(bed_package_file("D/deep_a_1"));
  ck_assert_ptr_null(record(doc, "/deep/a/b/2", NULL));
  cJSON_Delete(doc);
}
END_TEST

static void make_special(const char *path, mode_t type, dev_t device)
{
  char full[256];
  (void)snprintf(full, sizeof(full), "%s%s", bed_root, path);
  ck_assert_int_eq(mknod(full, type | 0666, device), 0);
}

START_TEST(links_out_fifos_and_devices_are_told_and_not_read)
{
  cJSON *doc = NULL;
  if (geteuid() != 0)
    return;
  bed_make_folder("/etc", 0755);
  bed_make("/etc/real", "real");
  bed_make_folder("/srv", 0777);
  bed_make_folder("/srv/out", 0777);
  bed_make_link("/etc/real", "/srv/out/link");
  bed_make_link("/etc", "/srv/way");
  make_special("/srv/out/fifo", S_IFIFO, 0);
  make_special("/srv/out/zero", S_IFCHR, (1 << 8) | 5);
  ck_assert_int_eq(run("{\"folder\":\"O\",\"path\":\"/srv/out/*\",\"why\":\"x\"},"
                       "{\"folder\":\"W\",\"path\":\"/srv/*/real\",\"why\":\"x\"},"
                       "{\"folder\":\"X\",\"path\":\"/srv/way/real\",\"why\":\"x\"},"
                       "{\"folder\":\"Y\",\"path\":\"/srv/way/r*\",\"why\":\"x\"}",
                       &doc),
                   CORDON_PARTIAL);
  expect(doc, "/srv/out/link", "denied", "a link");
  expect(doc, "/srv/out/fifo", "denied", "no plain file");
  expect(doc, "/srv/out/zero", "denied", "no plain file");
  expect(doc, "/srv/*/real", "absent", NULL);
  expect(doc, "/srv/way/real", "denied", "a link");
  expect(doc, "/srv/way/r*", "denied", "a link");
  cJSON_Delete(doc);
}
END_TEST

START_TEST(secrets_are_not_taken_by_whatever_name)
{
  static const char *const secret[] = {"/etc/shadow", "/srv/copy", "/srv/agent/key.pem",
                                       "/srv/moved/device", "/srv/id_rsa"};
  cJSON *doc = NULL;
  char from[256];
  char to[256];
  bed_make_folder("/etc", 0755);
  bed_make_folder("/srv", 0755);
  bed_make_folder("/srv/agent", 0755);
  bed_make_folder("/srv/moved", 0755);
  bed_make("/srv/moved/device", "hunter2");
  bed_make_link("srv/moved", "/state");
  bed_make("/etc/shadow", "root:hunter2");
  bed_make("/srv/agent/key.pem", "hunter2");
  bed_make("/srv/id_rsa", "hunter2");
  bed_make("/srv/log", "a\n-----BEGIN EC PRIVATE KEY-----\nhunter2\n-----END EC PRIVATE KEY-----\n"
                       "root:$6$saltsalt$hunter2hunter2:1\nb\n");
  (void)snprintf(from, sizeof(from), "%s/etc/shadow", bed_root);
  (void)snprintf(to, sizeof(to), "%s/srv/copy", bed_root);
  ck_assert_int_eq(link(from, to), 0);
  ck_assert_int_eq(run("{\"folder\":\"S\",\"path\":\"/**/*\",\"max_depth\":5,\"why\":\"x\"}", &doc),
                   CORDON_PARTIAL);
  for (size_t i = 0; i < COUNT_OF(secret); i++)
    expect(doc, secret[i], "denied", "secrets are never taken");
  expect(doc, "/srv/log", "partial", "1 private keys, 1 hashes");
  char *text = bed_package_file("S/srv_log");
  ck_assert_str_eq(text, "a\n(a private key, which is not taken)\nroot:***:1\nb\n");
  free(text);
  cJSON_Delete(doc);
}
END_TEST

START_TEST(of_a_key_the_last_part_is_not_taken_either)
{
  static char text[40000];
  cJSON *doc = NULL;
  size_t len = 0;
  while (len < sizeof(text) - 3000)
    len += (size_t)snprintf(text + len, sizeof(text) - len, "line\n");
  len += (size_t)snprintf(text + len, sizeof(text) - len, "-----BEGIN RSA PRIVATE KEY-----\n");
  for (int i = 0; i < 25; i++)
    len += (size_t)snprintf(text + len, sizeof(text) - len, "hunter2%057d\n", i);
  (void)snprintf(text + len, sizeof(text) - len, "-----END RSA PRIVATE KEY-----\nlast\n");
  bed_make_folder("/srv", 0755);
  bed_make("/srv/log", text);
  ck_assert_int_eq(
      run("{\"folder\":\"S\",\"path\":\"/srv/log\",\"max_bytes\":500,\"why\":\"x\"}", &doc),
      CORDON_PARTIAL);
  expect(doc, "/srv/log", "partial", "of which these are the last 500");
  char *taken = bed_package_file("S/srv_log");
  ck_assert_str_eq(taken, "(a private key, which is not taken)\nlast\n");
  free(taken);
  cJSON_Delete(doc);
}
END_TEST

static atomic_bool stop_writing;

static void *writes_on(void *arg)
{
  static char block[65536];
  int fd = open(arg, O_WRONLY | O_APPEND | O_CLOEXEC);
  while (fd >= 0 && !atomic_load(&stop_writing)) {
    if (write(fd, block, sizeof(block)) < 0 || lseek(fd, 0, SEEK_CUR) > 64 * 1024 * 1024)
      break;
  }
  (void)close(fd);
  return NULL;
}

START_TEST(a_file_that_grows_while_it_is_read_ends)
{
  cJSON *doc = NULL;
  char path[256];
  pthread_t writer;
  bed_make("/grows", "x");
  (void)snprintf(path, sizeof(path), "%s/grows", bed_root);
  atomic_store(&stop_writing, false);
  ck_assert_int_eq(pthread_create(&writer, NULL, writes_on, path), 0);
  struct stat st;
  uint64_t until = sup_now_ms() + 10000;
  while (stat(path, &st) == 0 && st.st_size < 100 && sup_now_ms() < until)
    (void)usleep(1000);
  cordon_status status =
      run("{\"folder\":\"G\",\"path\":\"/grows\",\"max_bytes\":100,\"why\":\"x\"}", &doc);
  atomic_store(&stop_writing, true);
  (void)pthread_join(writer, NULL);
  ck_assert_int_eq(status, CORDON_PARTIAL);
  const cJSON *r = record(doc, "/grows", "grows");
  ck_assert_int_eq(cJSON_GetObjectItemCaseSensitive(r, "bytes")->valueint, 100);
  cJSON_Delete(doc);
}
END_TEST

START_TEST(a_list_that_leads_up_or_says_nothing_is_refused)
{
  static const char *const bad[] = {
      "{\"items\":[]}",
      "{\"name\":\"x\"}",
      "{\"items\":[{\"folder\":\"a\",\"path\":\"/a/../b\"}]}",
      "{\"items\":[{\"folder\":\"a\",\"path\":\"a\"}]}",
      "{\"items\":[{\"folder\":\"a\",\"path\":\"/a//b\"}]}",
      "{\"items\":[{\"path\":\"/a\"}]}",
      "[]",
  };
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    col_list *l = NULL;
    sup_err err = {0};
    cJSON *list = cJSON_Parse(bad[i]);
    ck_assert_msg(col_list_read(list, NULL, &l, &err) == CORDON_E_INVALID, "%s", bad[i]);
    ck_assert_ptr_null(l);
    cJSON_Delete(list);
  }
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      a_star_is_any_text_and_a_question_mark_one_character,
      stars_take_no_time_without_end,
      secrets_are_known_by_their_names,
      secrets_within_a_file_are_left_out_however_it_is_read,
      secrets_in_utf_16_are_left_out_and_the_rest_is_as_it_was,
      the_rest_of_a_secret_is_one,
      a_key_without_an_end_hides_no_more_than_a_key,
      a_key_within_a_log_is_one_to_its_end,
      a_key_has_a_length,
      what_holds_no_secret_is_taken_to_the_byte,
      the_files_that_a_list_names_are_in_its_folders,
      ceilings_of_files_bytes_and_depth_are_told,
      links_out_fifos_and_devices_are_told_and_not_read,
      secrets_are_not_taken_by_whatever_name,
      of_a_key_the_last_part_is_not_taken_either,
      a_file_that_grows_while_it_is_read_ends,
      a_list_that_leads_up_or_says_nothing_is_refused,
  };
  return run_suite_with("plugins.collect_custom", tests, COUNT_OF(tests), bed_setup, bed_teardown);
}
