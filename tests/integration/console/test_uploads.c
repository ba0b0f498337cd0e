/* Packages on their way home that are cut, killed and corrupted, point by point: the action says
 * what is missing, and unless it is over the package arrives whole the next time. */
#include "upload.h"

#include "base/clock.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK CD_CHUNK_DATA_MAX
#define LAST (5u * CHUNK)
#define ALL UPLOAD_BYTES
#define NEW_BYTES "all of its 328680 bytes are missing"

static fleet f;

static void set_up(void)
{
  fleet_up(&f);
}

static void tear_down(void)
{
  fleet_down(&f);
}

/* ---- what happens at the points ---- */

static void cut(upload *u)
{
  device_disconnect(u->device);
}

static void cut_unannounced(upload *u)
{
  cut(u);
}

static void cut_at(upload *u, uint64_t offset, size_t of_the_next)
{
  ck_assert(upload_offer(u, u->action));
  upload_until(u, offset);
  if (of_the_next > 0)
    upload_half(u, of_the_next);
  cut(u);
}

static void cut_announced(upload *u)
{
  cut_at(u, 0, 0);
}

static void cut_in_first(upload *u)
{
  cut_at(u, 0, 30000);
}

static void cut_behind_first(upload *u)
{
  cut_at(u, CHUNK, 0);
}

static void cut_in_header(upload *u)
{
  cut_at(u, 2 * CHUNK, 20);
}

static void cut_in_third(upload *u)
{
  cut_at(u, 2 * CHUNK, CHUNK - 1);
}

static void cut_before_last(upload *u)
{
  cut_at(u, LAST, 0);
}

static void cut_in_last(upload *u)
{
  cut_at(u, LAST, 600);
}

static void cut_before_done(upload *u)
{
  ck_assert(upload_offer(u, u->action));
  upload_until(u, ALL);
  /* Whether it is still heard is TCP's to say, so its end is: then the console has read it. */
  (void)SSL_shutdown(u->device->ws.tls.ssl);
  while (upload_heard(u) && !u->done)
    continue;
  cut(u);
}

static void killed_waiting(upload *u)
{
  ck_assert(upload_offer(u, u->action));
  upload_until(u, 3 * CHUNK);
  fleet_again(&f, SIGKILL);
}

#ifdef CORDON_FAULT_POINTS
static void killed_at(upload *u, const char *fault)
{
  ck_assert_int_eq(setenv("CORDON_FAULT", fault, 1), 0);
  fleet_again(&f, SIGKILL);
  ck_assert_int_eq(unsetenv("CORDON_FAULT"), 0);
  device_ready(u->device, &f.place);
  ck_assert(upload_offer(u, u->action));
  for (uint64_t at = 0; at < ALL; at += CHUNK)
    upload_chunk(u, at, upload_part(u, at, at < LAST ? CHUNK : ALL - LAST),
                 at < LAST ? 0 : CD_CHUNK_FIN);
  while (upload_heard(u))
    continue;
  fleet_again(&f, SIGKILL);
}

static void killed_in_third(upload *u)
{
  killed_at(u, "collect.console_chunk=kill:3");
}

static void killed_kept(upload *u)
{
  killed_at(u, "collect.console_kept=kill");
}
#endif

/* All of it, with another byte in the last chunk. */
static void send_wrong(upload *u)
{
  ck_assert(upload_offer(u, u->action));
  upload_until(u, LAST);
  u->content[LAST] ^= 1;
  ck_assert(!upload_rest(u));
  u->content[LAST] ^= 1;
}

static void wrong_bytes(upload *u)
{
  send_wrong(u);
}

static void wrong_bytes_thrice(upload *u)
{
  for (int i = 0; i < 3; i++)
    send_wrong(u);
  ck_assert(!upload_offer(u, u->action));
  ck_assert_ptr_nonnull(strstr(u->sentence, "no more of the package"));
}

/* One chunk as it should be, and one that is not. */
static void then_chunk(upload *u, uint64_t offset, cd_str data, uint8_t flags)
{
  ck_assert(upload_offer(u, u->action));
  upload_until(u, CHUNK);
  upload_chunk(u, offset, data, flags);
  ck_assert(upload_heard(u));
  ck_assert_str_ne(u->sentence, "");
}

static void offset_ahead(upload *u)
{
  then_chunk(u, 2 * CHUNK, upload_part(u, 2 * CHUNK, CHUNK), 0);
}

static void offset_again(upload *u)
{
  then_chunk(u, 0, upload_part(u, 0, CHUNK), 0);
}

static void offset_huge(upload *u)
{
  then_chunk(u, CD_STREAM_SIZE_MAX - CHUNK, upload_part(u, 0, CHUNK), 0);
}

static void beyond_size(upload *u)
{
  ck_assert(upload_offer(u, u->action));
  upload_until(u, LAST);
  upload_chunk(u, LAST, upload_part(u, LAST, 1001), CD_CHUNK_FIN);
  ck_assert(upload_heard(u));
}

static void more_behind_the_end(upload *u)
{
  ck_assert(upload_offer(u, u->action));
  upload_until(u, ALL);
  upload_chunk(u, ALL, upload_part(u, ALL, CHUNK), 0);
  ck_assert(upload_heard(u));
  ck_assert(u->done);
}

static void end_too_early(upload *u)
{
  then_chunk(u, CHUNK, upload_part(u, CHUNK, 10), CD_CHUNK_FIN);
}

static void end_at_once(upload *u)
{
  ck_assert(upload_offer(u, u->action));
  upload_chunk(u, 0, (cd_str){0}, CD_CHUNK_FIN);
  ck_assert(upload_heard(u));
}

static void given_up_by_device(upload *u)
{
  then_chunk(u, CHUNK, CD_STR("the disk is broken"), CD_CHUNK_ABORT);
}

/* It was removed there, for want of room. */
static void lost_by_device(upload *u)
{
  then_chunk(u, CHUNK, CD_STR("it made room for another one"), CD_CHUNK_GONE);
}

static void no_chunk(upload *u)
{
  ck_assert(upload_offer(u, u->action));
  upload_until(u, CHUNK);
  ck_assert(ws_send(&u->device->ws, CD_WS_BINARY, CD_STR("this is no chunk of anything")));
  ck_assert(!upload_heard(u));
}

static void never_announced(upload *u)
{
  u->stream = 7;
  upload_chunk(u, 0, upload_part(u, 0, CHUNK), 0);
  u->stream = 1;
  upload_chunk(u, 0, upload_part(u, 0, CHUNK), 0);
  ck_assert(upload_offer(u, u->action));
  ck_assert_uint_eq(u->offset, 0);
}

static void announced_twice(upload *u)
{
  ck_assert(upload_offer(u, u->action));
  upload_until(u, CHUNK);
  uint64_t first = u->stream;
  ck_assert(upload_offer(u, u->action));
  ck_assert_uint_ne(u->stream, first);
  ck_assert_uint_eq(u->offset, CHUNK);
  upload_until(u, 2 * CHUNK);
  cut(u);
}

/* ---- at the console ---- */

/* Two chunks are here; then `how` is done to them between two connections. */
static void part_changed(upload *u, void (*how)(int fd))
{
  char path[400];
  cut_at(u, 2 * CHUNK, 0);
  upload_path(u, ".part", path);
  int fd = open(path, O_RDWR | O_CLOEXEC);
  ck_assert_int_ge(fd, 0);
  how(fd);
  ck_assert_int_eq(close(fd), 0);
}

static void other_byte(int fd)
{
  ck_assert_int_eq(pwrite(fd, "\0\0\0\0\0\0\0\0", 8, 1000), 8);
}

static void shorter(int fd)
{
  ck_assert_int_eq(ftruncate(fd, 100), 0);
}

static void longer(int fd)
{
  ck_assert_int_eq(ftruncate(fd, ALL + 1), 0);
}

static void part_has_another_byte(upload *u)
{
  part_changed(u, other_byte);
  device_ready(u->device, &f.place);
  ck_assert(upload_offer(u, u->action));
  ck_assert_uint_eq(u->offset, 2 * CHUNK);
  ck_assert(!upload_rest(u));
}

static void part_is_shorter(upload *u)
{
  part_changed(u, shorter);
}

static void part_is_longer(upload *u)
{
  part_changed(u, longer);
}

static void part_is_removed(upload *u)
{
  char path[400];
  ck_assert(upload_offer(u, u->action));
  upload_until(u, 2 * CHUNK);
  upload_path(u, ".part", path);
  ck_assert_int_eq(unlink(path), 0);
  ck_assert(!upload_rest(u));
}

static void package_is_removed(upload *u)
{
  char path[400];
  ck_assert(upload_offer(u, u->action));
  ck_assert(upload_rest(u));
  upload_path(u, ".zip", path);
  ck_assert_int_eq(unlink(path), 0);
}

static void no_room(upload *u)
{
  upload_configure(&f, ",\"packages\":{\"quota_bytes\":328000}");
  device_ready(u->device, &f.place);
  ck_assert(!upload_offer(u, u->action));
  upload_configure(&f, "");
}

static void no_room_for_the_device(upload *u)
{
  upload first;
  upload_configure(&f, ",\"packages\":{\"device_bytes\":400000}");
  device_ready(u->device, &f.place);
  upload_make(&first, &f, u->device);
  ck_assert(upload_offer(&first, first.action));
  ck_assert(upload_rest(&first));
  upload_release(&first);
  ck_assert(!upload_offer(u, u->action));
  upload_configure(&f, "");
}

static void cancelled(upload *u)
{
  char path[200];
  char answer[4096];
  ck_assert(upload_offer(u, u->action));
  upload_until(u, CHUNK);
  (void)snprintf(path, sizeof(path), "/api/machineactions/%s/cancel", u->action);
  ck_assert_uint_eq(fleet_ask(&f, "POST", path, "{\"Comment\":\"test\"}", answer, sizeof(answer)),
                    400);
  ck_assert_ptr_nonnull(strstr(answer, "has ended already"));
  upload_until(u, 2 * CHUNK);
  cut(u);
}

static void isolated(upload *u)
{
  cd_order order = {0};
  char action[64];
  ck_assert(upload_offer(u, u->action));
  upload_until(u, CHUNK);
  fleet_order(&f, u->device->id, "isolate", "{\"Comment\":\"test\"}", action);
  fleet_carry_out(u->device, action, &order);
  ck_assert_int_eq(order.kind, CD_ORDER_ISOLATE);
  upload_until(u, 3 * CHUNK);
  cut(u);
}

static void revoked(upload *u)
{
  char path[200];
  char answer[4096];
  ck_assert(upload_offer(u, u->action));
  upload_until(u, CHUNK);
  (void)snprintf(path, sizeof(path), "/api/cordon/devices/%s/revoke", u->device->id);
  ck_assert_uint_eq(fleet_ask(&f, "POST", path, "{\"Comment\":\"test\"}", answer, sizeof(answer)),
                    200);
  while (upload_heard(u))
    continue;
  cut(u);
}

/* ---- the table ---- */

typedef struct point {
  const char *what;
  void (*happens)(upload *u);
  const char *state;   /* then, by the API */
  const char *missing; /* and these are among the words about what is missing */
  uint64_t from;       /* where the device goes on */
  bool over;           /* it does not go on */
} point;

static const point points[] = {
    {"cut before it is announced", cut_unannounced, "waiting", NEW_BYTES, 0, false},
    {"cut before the first chunk", cut_announced, "waiting", NEW_BYTES, 0, false},
    {"cut within the first chunk", cut_in_first, "waiting", NEW_BYTES, 0, false},
    {"cut behind the first chunk", cut_behind_first, "coming", "263144 of its 328680 bytes", CHUNK,
     false},
    {"cut within a chunk's header", cut_in_header, "coming", "197608 of its", 2 * CHUNK, false},
    {"cut within the third chunk", cut_in_third, "coming", "197608 of its", 2 * CHUNK, false},
    {"cut before the last chunk", cut_before_last, "coming", "1000 of its", LAST, false},
    {"cut within the last chunk", cut_in_last, "coming", "1000 of its", LAST, false},
    {"cut before the device hears of it", cut_before_done, "here", NULL, ALL, false},
    {"console killed while it waits", killed_waiting, "coming", "132072 of its", 3 * CHUNK, false},
#ifdef CORDON_FAULT_POINTS
    {"console killed at the third chunk", killed_in_third, "coming", "132072 of its", 3 * CHUNK,
     false},
    {"console killed when it is whole", killed_kept, "here", NULL, ALL, false},
#endif
    {"another byte in the last chunk", wrong_bytes, "waiting", "is not the package that the device",
     0, false},
    {"the same three times", wrong_bytes_thrice, "given_up",
     "no more of it is taken, after 3 tries: what came is not", 0, true},
    {"a chunk is left out", offset_ahead, "waiting", "begins at byte 131072, and 65536 is next", 0,
     false},
    {"a chunk comes twice", offset_again, "waiting", "begins at byte 0, and 65536 is next", 0,
     false},
    {"an offset of 2^53", offset_huge, "waiting", "and 65536 is next", 0, false},
    {"a byte too many", beyond_size, "waiting", "is longer than its limit of 328680 bytes", 0,
     false},
    {"a chunk behind the end", more_behind_the_end, "here", NULL, ALL, false},
    {"an end that is too early", end_too_early, "waiting", "ended before all of it had come", 0,
     false},
    {"an end at once", end_at_once, "waiting", "ended before all of it had come", 0, false},
    {"the device cannot read it", given_up_by_device, "coming", "the disk is broken", CHUNK, false},
    {"the device has it no more", lost_by_device, "lost",
     "and will not come, as the device has it no more: ", 0, true},
    {"what is no chunk", no_chunk, "coming", "the chunk has the version 116", CHUNK, false},
    {"chunks of no stream", never_announced, "waiting", NEW_BYTES, 0, false},
    {"announced twice", announced_twice, "coming", "197608 of its", 2 * CHUNK, false},
    {"another byte in what was kept", part_has_another_byte, "waiting", "is not the package that",
     0, false},
    {"what was kept is shorter", part_is_shorter, "coming", "328580 of its", 100, false},
    {"what was kept is too long", part_is_longer, "waiting", NEW_BYTES, 0, false},
    {"what was kept is removed meanwhile", part_is_removed, "waiting", "could not be kept", 0,
     false},
    {"the whole one is removed by hand", package_is_removed, "waiting", NEW_BYTES, 0, false},
    {"no room at the console", no_room, "waiting", "there is no room for another package: ", 0,
     false},
    {"no room for the device", no_room_for_the_device, "waiting",
     "another package of this device: 328680 of 400000", 0, false},
    {"the action is cancelled meanwhile", cancelled, "coming", "197608 of its", 2 * CHUNK, false},
    {"the device is isolated meanwhile", isolated, "coming", "132072 of its", 3 * CHUNK, false},
    {"the device is revoked meanwhile", revoked, "coming", "263144 of its", 0, true},
};

static void check_shown(const upload *u, const point *p)
{
  static char shown[16384];
  const char *words = p->missing != NULL ? p->missing : "the console has all of it";
  upload_shown(u, shown, sizeof(shown));
  ck_assert_msg(strstr(shown, words) != NULL, "%s: %s", p->what, shown);
}

static void check_words(const upload *u, const point *p)
{
  char missing[1000];
  char words[1000];
  unsigned status = 0;
  upload_wait(u, p->state);
  if ((size_t)(p - points) % SHOW_EVERY == 0)
    check_shown(u, p);
  if (p->missing == NULL)
    return;
  upload_told(u, "missing", missing, sizeof(missing));
  ck_assert_msg(strstr(missing, p->missing) != NULL, "%s: %s", p->what, missing);
  ck_assert_ptr_null(upload_link(u, &status, words, sizeof(words)));
  bool gone = strcmp(p->state, "given_up") == 0 || strcmp(p->state, "lost") == 0;
  ck_assert_uint_eq(status, gone ? 410 : 404);
  ck_assert_msg(strstr(words, missing) != NULL, "%s: %s", p->what, words);
}

static void arrives(upload *u, const point *p)
{
  device_ready(u->device, &f.place);
  ck_assert_msg(upload_offer(u, u->action), "%s: %s", p->what, u->sentence);
  ck_assert_msg(u->offset == p->from, "%s: it goes on at %llu", p->what,
                (unsigned long long)u->offset);
  if (u->offset == ALL)
    ck_assert(upload_heard(u) && u->done);
  else
    ck_assert_msg(upload_rest(u), "%s: %s", p->what, u->sentence);
  upload_wait(u, "here");
  upload_compare(u);
}

START_TEST(it_arrives_whole_or_the_action_says_what_is_missing)
{
  for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
    const point *p = &points[i];
    device d;
    upload u;
    char name[32];
    char missing[1000];
    uint64_t from_ms = cd_mono_ms();
    (void)snprintf(name, sizeof(name), "desk-%zu", i);
    fleet_enrol(&f, &d, name);
    device_ready(&d, &f.place);
    upload_make(&u, &f, &d);
    p->happens(&u);
    check_words(&u, p);
    upload_told(&u, "missing", missing, sizeof(missing));
    if (!p->over)
      arrives(&u, p);
    (void)printf("%2zu  %-36s %-9s %-8s %6llu %5llu ms  %s\n", i + 1, p->what, p->state,
                 p->over ? "over" : "arrives", (unsigned long long)p->from,
                 (unsigned long long)(cd_mono_ms() - from_ms), missing);
    (void)fflush(stdout);
    upload_release(&u);
    device_release(&d);
  }
}
END_TEST

/* ---- what is not a package at all ---- */

START_TEST(what_is_not_a_package_of_the_device_is_refused)
{
  device d;
  device other;
  upload u;
  cd_order order = {0};
  cd_digest digest = {{0}};
  char words[1000];
  char sql[200];
  unsigned status = 0;
  fleet_enrol(&f, &d, "desk-1");
  fleet_enrol(&f, &other, "desk-2");
  device_ready(&d, &f.place);
  device_ready(&other, &f.place);
  upload_order(&u, &f, &d);
  /* No result yet. */
  device_take_order(&d, &order, &digest);
  ck_assert(!upload_offer(&u, u.action));
  ck_assert_ptr_nonnull(strstr(u.sentence, "has no package yet"));
  ck_assert_ptr_null(upload_link(&u, &status, words, sizeof(words)));
  ck_assert_uint_eq(status, 404);
  ck_assert_ptr_nonnull(strstr(words, "the action has made none yet"));
  /* A result without a package. */
  d.evidence = "{\"run\":{}}";
  ck_assert(device_result(&d, &order, &digest, d.key));
  d.evidence = NULL;
  ck_assert(!upload_offer(&u, u.action));
  ck_assert_ptr_nonnull(strstr(u.sentence, "has made no package"));
  upload_release(&u);
  /* Another device's, which hears nothing of it. */
  upload_make(&u, &f, &d);
  u.device = &other;
  ck_assert(!upload_offer(&u, u.action));
  ck_assert_ptr_nonnull(strstr(u.sentence, "is of another device"));
  upload_told(&u, "missing", words, sizeof(words));
  ck_assert_str_eq(words, NEW_BYTES);
  ck_assert(!upload_offer(&u, "0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01"));
  /* The action goes, in the middle of it. */
  u.device = &d;
  ck_assert(upload_offer(&u, u.action));
  upload_until(&u, CHUNK);
  (void)snprintf(sql, sizeof(sql), "DELETE FROM action WHERE id = '%s'", u.action);
  fleet_edit(&f, sql);
  device_disconnect(&d);
  device_ready(&d, &f.place);
  ck_assert(!upload_offer(&u, u.action));
  ck_assert_ptr_null(upload_link(&u, &status, words, sizeof(words)));
  ck_assert_uint_eq(status, 404);
  upload_release(&u);
  device_release(&d);
  device_release(&other);
}
END_TEST

/* Two devices at once: what the one has still to send is not the other's room. */
START_TEST(what_comes_has_its_room)
{
  device d;
  device other;
  upload u;
  upload second;
  upload_configure(&f, ",\"packages\":{\"quota_bytes\":600000}");
  fleet_enrol(&f, &d, "desk-1");
  fleet_enrol(&f, &other, "desk-2");
  device_ready(&d, &f.place);
  device_ready(&other, &f.place);
  upload_make(&u, &f, &d);
  upload_make(&second, &f, &other);
  ck_assert(upload_offer(&u, u.action));
  upload_until(&u, CHUNK);
  ck_assert(!upload_offer(&second, second.action));
  ck_assert_ptr_nonnull(strstr(second.sentence, "328680 of 600000 bytes are used"));
  /* It goes: what it kept stays, what it lacked is free again. */
  device_disconnect(&d);
  upload_wait(&u, "coming");
  while (!upload_offer(&second, second.action))
    ck_assert_ptr_nonnull(strstr(second.sentence, "bytes are used"));
  ck_assert(upload_rest(&second));
  upload_compare(&second);
  upload_release(&u);
  upload_release(&second);
  device_release(&d);
  device_release(&other);
}
END_TEST

/* What the first announcement counted as coming is not the second one's room. */
START_TEST(announced_twice_it_has_its_room)
{
  device d;
  upload u;
  upload_configure(&f, ",\"packages\":{\"quota_bytes\":400000}");
  fleet_enrol(&f, &d, "desk-1");
  device_ready(&d, &f.place);
  upload_make(&u, &f, &d);
  ck_assert(upload_offer(&u, u.action));
  upload_until(&u, CHUNK);
  ck_assert_msg(upload_offer(&u, u.action), "%s", u.sentence);
  ck_assert(upload_rest(&u));
  upload_compare(&u);
  upload_release(&u);
  device_release(&d);
}
END_TEST

/* The quota is of a count that is kept: what was thrown away, given up or removed is in it no more,
 * and what is there when the console starts is. */
START_TEST(what_is_thrown_away_is_room_again)
{
  device d;
  upload u;
  upload second;
  upload_configure(&f, ",\"packages\":{\"quota_bytes\":400000}");
  fleet_enrol(&f, &d, "desk-1");
  device_ready(&d, &f.place);
  upload_make(&u, &f, &d);
  wrong_bytes_thrice(&u);
  upload_release(&u);
  upload_make(&u, &f, &d);
  lost_by_device(&u);
  upload_wait(&u, "lost");
  upload_release(&u);
  upload_make(&u, &f, &d);
  ck_assert_msg(upload_offer(&u, u.action), "%s", u.sentence);
  ck_assert(upload_rest(&u));
  upload_configure(&f, ",\"packages\":{\"quota_bytes\":400000}");
  device_ready(&d, &f.place);
  upload_make(&second, &f, &d);
  ck_assert(!upload_offer(&second, second.action));
  ck_assert_ptr_nonnull(strstr(second.sentence, "328680 of 400000 bytes are used"));
  upload_release(&second);
  upload_release(&u);
  device_release(&d);
}
END_TEST

/* Each chunk is one byte: it is read no faster than other messages. */
START_TEST(small_chunks_are_read_slowly)
{
  device d;
  upload u;
  char answer[65536];
  fleet_enrol(&f, &d, "desk-1");
  device_ready(&d, &f.place);
  upload_make(&u, &f, &d);
  ck_assert(upload_offer(&u, u.action));
  for (uint64_t i = 0; i < 215; i++)
    upload_chunk(&u, i, upload_part(&u, i, 1), 0);
  while (u.offset < 215)
    ck_assert(upload_heard(&u));
  ck_assert_uint_eq(fleet_ask(&f, "GET", "/metrics", NULL, answer, sizeof(answer)), 200);
  ck_assert_ptr_nonnull(strstr(answer, "cordon_device_connections_slowed_total 1\n"));
  upload_release(&u);
  device_release(&d);
}
END_TEST

int main(void)
{
  (void)signal(SIGPIPE, SIG_IGN);
  Suite *s = suite_create("console.uploads");
  TCase *t = tcase_create("uploads");
  tcase_add_checked_fixture(t, set_up, tear_down);
  tcase_set_timeout(t, 240);
  tcase_add_test(t, it_arrives_whole_or_the_action_says_what_is_missing);
  tcase_add_test(t, what_is_not_a_package_of_the_device_is_refused);
  tcase_add_test(t, what_comes_has_its_room);
  tcase_add_test(t, announced_twice_it_has_its_room);
  tcase_add_test(t, what_is_thrown_away_is_room_again);
  tcase_add_test(t, small_chunks_are_read_slowly);
  suite_add_tcase(s, t);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
