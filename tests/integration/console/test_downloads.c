/* Packages that are fetched by a link, and how long and how many of them are kept. */
#include "upload.h"

#include "base/clock.h"
#include "protocol/base64.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LAST_BYTE (UPLOAD_BYTES - 1)
#define DAY_S INT64_C(86400)

static fleet f;
static device d;
static upload u;

static void whole(upload *at, device *by)
{
  upload_make(at, &f, by);
  ck_assert(upload_offer(at, at->action));
  ck_assert_msg(upload_rest(at), "%s", at->sentence);
  upload_wait(at, "here");
}

static void set_up(void)
{
  fleet_up(&f);
  fleet_enrol(&f, &d, "desk-1");
  device_ready(&d, &f.place);
  whole(&u, &d);
}

static void tear_down(void)
{
  upload_release(&u);
  device_release(&d);
  fleet_down(&f);
}

static char *link_to(const upload *at)
{
  char words[1000];
  unsigned status = 0;
  char *link = upload_link(at, &status, words, sizeof(words));
  ck_assert_msg(link != NULL, "%u %s", status, words);
  return link;
}

static void fetch(const char *method, const char *link, const char *headers, http_answer *a)
{
  cd_buf request = CD_BUF_INIT(16384);
  cd_buf_addf(&request, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%sConnection: close\r\n\r\n", method,
              link, headers);
  http_ask_raw(f.place.people, f.place.ca, cd_buf_cstr(&request), a);
  cd_buf_release(&request);
}

static unsigned status_of(const char *link)
{
  http_answer a;
  fetch("GET", link, "", &a);
  unsigned status = a.status;
  http_release(&a);
  return status;
}

static bool has_header(const http_answer *a, const char *line)
{
  return strstr(cd_buf_cstr(&a->head), line) != NULL;
}

static void check_part(const http_answer *a, uint64_t offset, uint64_t length)
{
  char line[100];
  (void)snprintf(line, sizeof(line), "content-range: bytes %llu-%llu/%u\r\n",
                 (unsigned long long)offset, (unsigned long long)(offset + length - 1),
                 UPLOAD_BYTES);
  ck_assert_uint_eq(a->status, 206);
  ck_assert_msg(has_header(a, line), "%s", cd_buf_cstr(&a->head));
  ck_assert_uint_eq(a->body.len, length);
  ck_assert(memcmp(a->body.ptr, u.content + offset, length) == 0);
}

static const struct {
  const char *range;
  unsigned status;
  uint64_t offset;
  uint64_t length;
} ranges[] = {
    {"bytes=0-0", 206, 0, 1},
    {"bytes=328679-328679", 206, LAST_BYTE, 1},
    {"bytes=-1", 206, LAST_BYTE, 1},
    {"bytes=-400000", 206, 0, UPLOAD_BYTES},
    {"bytes=65535-65536", 206, 65535, 2},
    {"bytes=1000-99999999999999999999999", 206, 1000, UPLOAD_BYTES - 1000},
    {"bytes=328680-", 416, 0, 0},
    {"bytes=-0", 416, 0, 0},
    {"bytes=0-0,2-2", 200, 0, UPLOAD_BYTES},
    {"bytes=2-1", 200, 0, UPLOAD_BYTES},
    {"lines=1-2", 200, 0, UPLOAD_BYTES},
};

START_TEST(a_part_of_it_is_had_and_nothing_beyond_it)
{
  char *link = link_to(&u);
  for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
    char header[200];
    http_answer a;
    (void)snprintf(header, sizeof(header), "Range: %s\r\n", ranges[i].range);
    fetch("GET", link, header, &a);
    ck_assert_msg(a.status == ranges[i].status, "%s: %u", ranges[i].range, a.status);
    if (a.status == 206)
      check_part(&a, ranges[i].offset, ranges[i].length);
    ck_assert_uint_eq(a.body.len, ranges[i].length);
    if (a.status == 416)
      ck_assert(has_header(&a, "content-range: bytes */328680\r\n"));
    http_release(&a);
  }
  free(link);
}
END_TEST

START_TEST(a_head_has_no_body_and_a_changed_one_is_sent_whole)
{
  char tag[100];
  char header[300];
  http_answer a;
  char *link = link_to(&u);
  fetch("HEAD", link, "", &a);
  ck_assert_uint_eq(a.status, 200);
  ck_assert(has_header(&a, "content-length: 328680\r\n") && a.body.len == 0);
  (void)snprintf(tag, sizeof(tag), "etag: \"%s\"\r\n", u.action);
  ck_assert_msg(has_header(&a, tag), "%s", cd_buf_cstr(&a.head));
  ck_assert(has_header(&a, "accept-ranges: bytes\r\n") &&
            has_header(&a, "cache-control: no-store"));
  http_release(&a);
  fetch("HEAD", link, "Range: bytes=5-6\r\n", &a);
  ck_assert(a.status == 206 && has_header(&a, "content-length: 2\r\n") && a.body.len == 0);
  http_release(&a);
  /* The same package: the part; another: all of it. */
  (void)snprintf(header, sizeof(header), "Range: bytes=5-6\r\nIf-Range: \"%s\"\r\n", u.action);
  fetch("GET", link, header, &a);
  check_part(&a, 5, 2);
  http_release(&a);
  fetch("GET", link, "Range: bytes=5-6\r\nIf-Range: \"other\"\r\n", &a);
  ck_assert(a.status == 200 && a.body.len == UPLOAD_BYTES);
  http_release(&a);
  fetch("GET", link, "Range: bytes=5-6\r\nIf-Range: Wed, 21 Oct 2015 07:28:00 GMT\r\n", &a);
  ck_assert(a.status == 200 && a.body.len == UPLOAD_BYTES);
  http_release(&a);
  fetch("HEAD", "/healthz", "", &a);
  ck_assert(a.status == 200 && a.body.len == 0);
  http_release(&a);
  free(link);
}
END_TEST

/* ---- who, and how long ---- */

static int64_t number_in(const char *json, const char *name)
{
  char text[100];
  json_member(json, name, text, sizeof(text));
  return strtoll(text, NULL, 10);
}

/* It is good for whoever has it, for five minutes, for this package and for nothing else. */
START_TEST(the_link_is_the_key_to_this_package_alone)
{
  char payload[2048];
  char other[4096];
  char answer[4096];
  size_t len = 0;
  char *link = link_to(&u);
  const char *token = strrchr(link, '/') + 1;
  cd_str rest = cd_str_from(token);
  (void)cd_str_cut(&rest, '.');
  ck_assert(cd_base64url_decode(cd_str_cut(&rest, '.'), payload, sizeof(payload) - 1, &len));
  payload[len] = '\0';
  ck_assert_int_eq(number_in(payload, "exp") - number_in(payload, "iat"), 300);
  /* From elsewhere, without a bearer token. */
  tls_come_from(0x7f000105);
  ck_assert_uint_eq(status_of(link), 200);
  tls_come_from(0);
  /* As a bearer token it is none, and a bearer token is no link. */
  http_answer a;
  http_ask(f.place.people, f.place.ca, "GET", "/api/machines", token, NULL, &a);
  ck_assert_uint_eq(a.status, 401);
  http_release(&a);
  (void)snprintf(other, sizeof(other), "/api/cordon/packages/%s", f.bearer);
  ck_assert_uint_eq(status_of(other), 404);
  /* Another character in its signature, and in its content. */
  size_t end = strlen(link);
  (void)snprintf(other, sizeof(other), "%s", link);
  other[end - 10] = other[end - 10] == 'A' ? 'B' : 'A';
  ck_assert_uint_eq(status_of(other), 404);
  (void)snprintf(other, sizeof(other), "%s", link);
  char *middle = strchr(other, '.') + 20;
  *middle = *middle == 'A' ? 'B' : 'A';
  ck_assert_uint_eq(status_of(other), 404);
  /* It does not change anything. */
  fetch("POST", link, "Content-Length: 0\r\n", &a);
  ck_assert_uint_ge(a.status, 400);
  http_release(&a);
  fetch("DELETE", link, "", &a);
  ck_assert_uint_ge(a.status, 400);
  http_release(&a);
  /* Who was given it is in the audit log. */
  ck_assert_uint_eq(fleet_ask(&f, "GET", "/api/cordon/audit", NULL, answer, sizeof(answer)), 200);
  ck_assert_ptr_nonnull(strstr(answer, "\"action.package\""));
  free(link);
}
END_TEST

START_TEST(a_link_to_what_is_gone_leads_nowhere)
{
  char path[400];
  char words[1000];
  unsigned status = 0;
  char *link = link_to(&u);
  upload_path(&u, ".zip", path);
  ck_assert_int_eq(unlink(path), 0);
  ck_assert_uint_eq(status_of(link), 404);
  ck_assert_ptr_null(upload_link(&u, &status, words, sizeof(words)));
  ck_assert_uint_eq(status, 404);
  free(link);
}
END_TEST

/* Which package it is says the device's signed result, whatever its row says. */
START_TEST(what_the_database_says_of_a_package_is_not_believed)
{
  upload second;
  char sql[1000];
  char file[400];
  char words[1000];
  char path[200];
  static char answer[65536];
  unsigned status = 0;
  static const char forged[] =
      "UPDATE action SET evidence = '{\"package\":{\"bytes\":5,\"digest\":\"sha256:"
      "0000000000000000000000000000000000000000000000000000000000000000\"}}' WHERE id = '%s'";
  (void)snprintf(sql, sizeof(sql), forged, u.action);
  fleet_edit(&f, sql);
  (void)snprintf(path, sizeof(path), "/api/cordon/actions/%s", u.action);
  ck_assert_uint_eq(fleet_ask(&f, "GET", path, NULL, answer, sizeof(answer)), 200);
  ck_assert_msg(strstr(answer, "sha256:00000") == NULL, "%s", answer);
  ck_assert_ptr_nonnull(strstr(answer, "(the evidence)"));
  upload_compare(&u);
  /* What comes home is held against the signed one as well. */
  upload_make(&second, &f, &d);
  (void)snprintf(sql, sizeof(sql), forged, second.action);
  fleet_edit(&f, sql);
  ck_assert(upload_offer(&second, second.action));
  ck_assert_msg(upload_rest(&second), "%s", second.sentence);
  upload_wait(&second, "here");
  upload_compare(&second);
  upload_release(&second);
  /* A file in its place that is as long as the row says. */
  upload_path(&u, ".zip", file);
  ck_assert_int_eq(truncate(file, 5), 0);
  ck_assert_ptr_null(upload_link(&u, &status, words, sizeof(words)));
  ck_assert_uint_eq(status, 410);
  ck_assert_msg(strstr(words, "not the one that the device has signed") != NULL, "%s", words);
}
END_TEST

static char *read_file(const char *path)
{
  static char text[4 * 1024 * 1024];
  FILE *file = fopen(path, "r");
  ck_assert_ptr_nonnull(file);
  text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
  (void)fclose(file);
  return text;
}

/* Of the console, from here on, with every request. */
static void log_to(const char *path)
{
  static const char quiet[] = "api=warn";
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  ck_assert(fd >= 0 && dup2(fd, 2) == 2 && close(fd) == 0);
  char *text = read_file(f.place.config);
  char *at = strstr(text, quiet);
  ck_assert_ptr_nonnull(at);
  FILE *file = fopen(f.place.config, "w");
  ck_assert(file != NULL &&
            fprintf(file, "%.*sapi=debug%s", (int)(at - text), text, at + sizeof(quiet) - 1) > 0);
  (void)fclose(file);
  fleet_again(&f, SIGTERM);
}

START_TEST(no_link_is_in_the_log)
{
  char path[400];
  char other[4096];
  http_answer a;
  (void)snprintf(path, sizeof(path), "%s/log", f.place.folder);
  log_to(path);
  char *link = link_to(&u);
  const char *token = strrchr(link, '/') + 1;
  ck_assert_uint_eq(status_of(link), 200);
  fetch("GET", link, "Range: bytes=999999-\r\n", &a);
  http_release(&a);
  fetch("POST", link, "Content-Length: 0\r\n", &a);
  http_release(&a);
  (void)snprintf(other, sizeof(other), "%s/more", link);
  ck_assert_uint_eq(status_of(other), 404);
  (void)snprintf(other, sizeof(other), "/API/v1.0/Cordon/Packages/%s?x=1", token);
  ck_assert_uint_eq(status_of(other), 200);
  place_stop(&f.place, SIGTERM);
  const char *text = read_file(path);
  ck_assert_ptr_nonnull(strstr(text, "/api/cordon/packages/***: 200"));
  ck_assert_ptr_nonnull(strstr(text, "/API/v1.0/Cordon/Packages/***: 200"));
  ck_assert_ptr_null(strstr(text, strrchr(token, '.') + 1));
  free(link);
}
END_TEST

/* ---- how long, and how many ---- */

static void make_old(const upload *at, const char *suffix, int64_t days)
{
  char path[400];
  const struct timespec then = {.tv_sec = (time_t)(cd_wall_ms() / 1000 - days * DAY_S - 60)};
  const struct timespec times[2] = {then, then};
  upload_path(at, suffix, path);
  ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

START_TEST(what_is_old_is_removed_and_the_action_says_so)
{
  upload part;
  upload young;
  char missing[1000];
  char words[1000];
  unsigned status = 0;
  static char shown[16384];
  upload_make(&part, &f, &d);
  ck_assert(upload_offer(&part, part.action));
  upload_until(&part, 2 * CD_CHUNK_DATA_MAX);
  device_disconnect(&d);
  device_ready(&d, &f.place);
  whole(&young, &d);
  make_old(&u, ".zip", 7);
  make_old(&part, ".part", 7);
  make_old(&young, ".zip", 6);
  upload_configure(&f, ",\"packages\":{\"days\":7}"); /* at its start it looks */
  upload_wait(&u, "removed");
  upload_told(&u, "missing", missing, sizeof(missing));
  ck_assert_str_eq(missing, "it was here and was removed: packages are kept for 7 days");
  upload_shown(&u, shown, sizeof(shown));
  ck_assert_ptr_nonnull(strstr(shown, missing));
  ck_assert_ptr_null(upload_link(&u, &status, words, sizeof(words)));
  ck_assert_uint_eq(status, 410);
  ck_assert_ptr_nonnull(strstr(words, missing));
  upload_wait(&part, "waiting");
  upload_told(&part, "missing", missing, sizeof(missing));
  ck_assert_ptr_nonnull(strstr(missing, "what had come of it was removed: it is kept for 7 days"));
  upload_compare(&young);
  /* What was here is not taken again, what never was is. */
  device_ready(&d, &f.place);
  ck_assert(!upload_offer(&u, u.action));
  ck_assert_ptr_nonnull(strstr(u.sentence, "is not taken again"));
  ck_assert(upload_offer(&part, part.action));
  ck_assert_uint_eq(part.offset, 0);
  ck_assert(upload_rest(&part));
  upload_compare(&part);
  upload_release(&part);
  upload_release(&young);
}
END_TEST

/* Neither what is here already nor another device loses by one that sends much. */
START_TEST(a_full_console_keeps_what_it_has)
{
  device other;
  upload second;
  upload third;
  char missing[1000];
  fleet_enrol(&f, &other, "desk-2");
  upload_configure(&f, ",\"packages\":{\"quota_bytes\":700000,\"device_bytes\":400000}");
  device_ready(&d, &f.place);
  device_ready(&other, &f.place);
  upload_make(&second, &f, &d);
  ck_assert(!upload_offer(&second, second.action));
  upload_told(&second, "missing", missing, sizeof(missing));
  ck_assert_ptr_nonnull(strstr(missing, "another package of this device: 328680 of 400000"));
  whole(&third, &other);
  upload_release(&second);
  /* 657360 of 700000 are used. */
  upload_configure(&f, ",\"packages\":{\"quota_bytes\":700000}");
  device_ready(&other, &f.place);
  upload_make(&second, &f, &other);
  ck_assert(!upload_offer(&second, second.action));
  ck_assert_ptr_nonnull(
      strstr(second.sentence, "no room for another package: 657360 of 700000 bytes are used"));
  upload_compare(&u);
  upload_compare(&third);
  upload_release(&second);
  upload_release(&third);
  device_release(&other);
}
END_TEST

#ifdef SHIFT_CLOCK
static void set_shift(const char *path, int seconds)
{
  char fresh[500];
  (void)snprintf(fresh, sizeof(fresh), "%s.new", path);
  FILE *file = fopen(fresh, "w");
  ck_assert(file != NULL && fprintf(file, "%d", seconds) > 0 && fclose(file) == 0);
  ck_assert(chmod(fresh, 0644) == 0 && rename(fresh, path) == 0);
}

START_TEST(a_link_ends_with_its_time)
{
  char path[400];
  (void)snprintf(path, sizeof(path), "%s/shift", f.place.folder);
  set_shift(path, 0);
  ck_assert(setenv("LD_PRELOAD", SHIFT_CLOCK, 1) == 0 &&
            setenv("CORDON_TEST_SHIFT_FILE", path, 1) == 0);
  fleet_again(&f, SIGTERM);
  ck_assert(unsetenv("LD_PRELOAD") == 0 && unsetenv("CORDON_TEST_SHIFT_FILE") == 0);
  char *link = link_to(&u);
  ck_assert_uint_eq(status_of(link), 200);
  set_shift(path, 270);
  ck_assert_uint_eq(status_of(link), 200);
  set_shift(path, 301);
  ck_assert_uint_eq(status_of(link), 404);
  free(link);
}
END_TEST
#endif

/* ---- by the command ---- */

static char words[65536];

static int cordon(const char *host, const char *const *args)
{
  return upload_cordon(&u, host, args, words, sizeof(words));
}

static void place_of(const char *name, char out[400])
{
  (void)snprintf(out, 400, "%s/%s", f.place.folder, name);
}

static bool is_content(const char *path)
{
  static char got[UPLOAD_BYTES + 1];
  FILE *file = fopen(path, "r");
  ck_assert_ptr_nonnull(file);
  size_t len = fread(got, 1, sizeof(got), file);
  (void)fclose(file);
  return len == UPLOAD_BYTES && memcmp(got, u.content, len) == 0;
}

/* The console calls itself 127.0.0.1. */
START_TEST(the_command_fetches_it_by_any_name_of_the_console)
{
  char path[400];
  char report[400];
  place_of("fetched.zip", path);
  place_of("fetched.json", report);
  const char *const fetch_it[] = {CORDON, "collect", "--id", u.action, "-o", path, "--json", NULL};
  const char *const get[] = {CORDON, "action", "report", u.action, "-o", report, NULL};
  const char *const verify[] = {CORDON, "package", "verify", path, "--report", report, NULL};
  const char *const show[] = {CORDON, "action", "verify", report, NULL};
  ck_assert_msg(cordon("localhost", fetch_it) == 0, "%s", words);
  ck_assert(is_content(path));
  ck_assert_msg(strstr(words, "{\"file\":\"/") != NULL, "%s", words);
  /* Told as it is now. */
  ck_assert_msg(strstr(words, "\"state\":\"here\"") != NULL, "%s", words);
  ck_assert_msg(cordon("localhost", get) == 0, "%s", words);
  ck_assert_msg(cordon("localhost", show) == 0, "%s", words);
  ck_assert_msg(strstr(words, "Package     328680 bytes, sha256:") != NULL, "%s", words);
  /* It is what was signed, and then no zip of ours. */
  ck_assert_int_eq(cordon("localhost", verify), 1);
  ck_assert_msg(strstr(words, "has signed") == NULL, "%s", words);
  ck_assert(truncate(path, 1000) == 0);
  ck_assert_int_eq(cordon("localhost", verify), 1);
  ck_assert_msg(strstr(words, "is not the package that the device has signed") != NULL, "%s",
                words);
  ck_assert(unlink(path) == 0 && unlink(report) == 0);
}
END_TEST

/* Whoever writes to the console's database and folder gives out another package. */
START_TEST(what_the_device_has_not_signed_is_not_taken)
{
  char path[400];
  char kept[400];
  char sql[400];
  place_of("forged.zip", path);
  upload_path(&u, ".zip", kept);
  FILE *file = fopen(kept, "w");
  ck_assert(file != NULL && fputs("hello", file) >= 0 && fclose(file) == 0);
  (void)snprintf(sql, sizeof(sql),
                 "UPDATE action SET evidence = json_set(evidence, '$.package.bytes', 5,"
                 " '$.package.digest', 'sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e"
                 "1b161e5c1fa7425e73043362938b9824') WHERE id = '%s'",
                 u.action);
  fleet_edit(&f, sql);
  const char *const fetch_it[] = {CORDON, "collect",   "--id", u.action, "-o",
                                  path,   "--timeout", "6",    NULL};
  ck_assert_msg(cordon("127.0.0.1", fetch_it) != 0, "%s", words);
  ck_assert(access(path, F_OK) != 0);
}
END_TEST

START_TEST(only_a_collection_has_a_package)
{
  char path[400];
  char action[64];
  cd_order order = {0};
  place_of("none.zip", path);
  fleet_order(&f, d.id, "isolate", "{\"Comment\":\"x\"}", action);
  fleet_carry_out(&d, action, &order);
  const char *const other[] = {CORDON, "collect", "--id", action, "-o", path, NULL};
  const char *const unknown[] = {CORDON, "collect", "--id", "01936c5e-8f2a-7b3c-9d4e-5f6a7b8c9d0e",
                                 "-o",   path,      NULL};
  ck_assert_msg(cordon("127.0.0.1", other) == 5, "%s", words);
  ck_assert_msg(strstr(words, "makes no package: it is of the kind 'isolate'") != NULL, "%s",
                words);
  ck_assert_msg(cordon("127.0.0.1", unknown) == 5, "%s", words);
  ck_assert(access(path, F_OK) != 0);
}
END_TEST

int main(void)
{
  (void)signal(SIGPIPE, SIG_IGN);
  Suite *s = suite_create("console.downloads");
  TCase *t = tcase_create("downloads");
  tcase_add_checked_fixture(t, set_up, tear_down);
  tcase_set_timeout(t, 120);
  tcase_add_test(t, a_part_of_it_is_had_and_nothing_beyond_it);
  tcase_add_test(t, a_head_has_no_body_and_a_changed_one_is_sent_whole);
  tcase_add_test(t, the_link_is_the_key_to_this_package_alone);
  tcase_add_test(t, a_link_to_what_is_gone_leads_nowhere);
  tcase_add_test(t, what_the_database_says_of_a_package_is_not_believed);
  tcase_add_test(t, no_link_is_in_the_log);
  tcase_add_test(t, what_is_old_is_removed_and_the_action_says_so);
  tcase_add_test(t, a_full_console_keeps_what_it_has);
#ifdef SHIFT_CLOCK
  tcase_add_test(t, a_link_ends_with_its_time);
#endif
  tcase_add_test(t, the_command_fetches_it_by_any_name_of_the_console);
  tcase_add_test(t, what_the_device_has_not_signed_is_not_taken);
  tcase_add_test(t, only_a_collection_has_a_package);
  suite_add_tcase(s, t);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
