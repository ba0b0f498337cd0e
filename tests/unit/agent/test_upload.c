/* Packages on their way home, by a clock and a spool of the test's own: what is sent, what is
 * waited for, and when it is tried again. */
#include "collect.h"
#include "place.h"
#include "remote_private.h"

#include "base/clock.h"
#include "protocol/chunk.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK ((uint64_t)CD_CHUNK_DATA_MAX)
#define WINDOW (16 * CHUNK)
#define SIZE (20 * CHUNK + 100)
#define MINUTE (60u * 1000u)

static const char first[] = "01890a5d-ac96-774b-bcce-b302099a8057";
static const char second[] = "01890a5e-ac96-774b-bcce-b302099a8057";

/* What is in the spool, and what was seen. */
static struct {
  uint64_t now_ms;
  bool first_there, first_gone, second_there;
  unsigned announced;
  char last[CD_ID_SIZE];
  uint64_t op;
  unsigned chunks;
  cd_chunk chunk; /* the last one */
  char text[600]; /* of a chunk that is no content */
  unsigned forgotten;
  unsigned dropped;
} world;

static agent device;
static agent_remote remote;
static uint64_t streams;

/* ---- in the place of the agent's own: names by the compiler ---- */

uint64_t test_mono_ms(void);
cd_code test_read(agent_collect *c, const char *id, uint64_t offset, size_t max, cd_buf *out,
                  uint64_t *ret_size, cd_err *err);
cd_code test_gone(agent_collect *c, const char *id, cd_buf *out, cd_err *err);
void test_forget(agent_collect *c, const char *id);
bool test_next_home(agent_collect *c, const char *after, char ret_id[CD_ID_SIZE]);
void test_channel_send(agent_channel *c, uint8_t type, uint64_t op, cd_str payload);
void test_send_text(agent_remote *r, uint8_t type, uint64_t op, const char *member,
                    const char *value);
void test_drop(agent_remote *r, const char *why);

uint64_t test_mono_ms(void)
{
  return world.now_ms;
}

cd_code test_read(agent_collect *c, const char *id, uint64_t offset, size_t max, cd_buf *out,
                  uint64_t *ret_size, cd_err *err)
{
  static const char bytes[CD_CHUNK_DATA_MAX];
  (void)c;
  if (strcmp(id, first) == 0 ? !world.first_there : !world.second_there)
    return cd_fail(err, CD_E_NOTFOUND, "the package of action %s is not kept here", id);
  uint64_t left = SIZE - offset;
  cd_buf_add(out, bytes, left < max ? (size_t)left : max);
  *ret_size = SIZE;
  return CD_OK;
}

cd_code test_gone(agent_collect *c, const char *id, cd_buf *out, cd_err *err)
{
  (void)c;
  if (strcmp(id, first) != 0 || !world.first_gone)
    return cd_fail(err, CD_E_NOTFOUND, "there is no note");
  cd_buf_add_cstr(out, "there had to be room");
  return CD_OK;
}

void test_forget(agent_collect *c, const char *id)
{
  (void)c;
  world.forgotten++;
  if (strcmp(id, first) == 0)
    world.first_there = world.first_gone = false;
  else
    world.second_there = false;
}

bool test_next_home(agent_collect *c, const char *after, char ret_id[CD_ID_SIZE])
{
  (void)c;
  const char *id = (world.first_there || world.first_gone) && strcmp(first, after) > 0 ? first
                   : world.second_there && strcmp(second, after) > 0                   ? second
                                                                                       : "";
  (void)snprintf(ret_id, CD_ID_SIZE, "%s", id);
  return id[0] != '\0';
}

void test_channel_send(agent_channel *c, uint8_t type, uint64_t op, cd_str payload)
{
  cd_err err = {0};
  (void)c;
  (void)type;
  (void)op;
  ck_assert_int_eq(cd_chunk_read(payload, &world.chunk, &err), CD_OK);
  world.chunks++;
  if ((world.chunk.flags & CD_CHUNK_ABORT) != 0)
    (void)snprintf(world.text, sizeof(world.text), "%.*s", (int)world.chunk.data.len,
                   world.chunk.data.ptr);
}

void test_send_text(agent_remote *r, uint8_t type, uint64_t op, const char *member,
                    const char *value)
{
  (void)r;
  (void)type;
  ck_assert_str_eq(member, "action");
  world.announced++;
  world.op = op;
  (void)snprintf(world.last, sizeof(world.last), "%s", value);
}

void test_drop(agent_remote *r, const char *why)
{
  (void)r;
  (void)why;
  world.dropped++;
}

/* ---- what the console says ---- */

static void come(void)
{
  memset(&remote.connection, 0, sizeof(remote.connection));
  remote.connection.phase = REMOTE_READY;
  remote.connection.next_op = 1;
  remote_upload_pump(&remote);
}

static void say(void (*take)(agent_remote *, const ipc_frame *, cd_err *), uint64_t op,
                const char *text)
{
  cd_err err = {0};
  const ipc_frame frame = {.op = op, .payload = cd_str_from(text)};
  take(&remote, &frame, &err);
  ck_assert_msg(err.code == CD_OK, "%s", err.text);
}

/* It wants it from there on. */
static void answer(uint64_t offset)
{
  char text[200];
  (void)snprintf(text, sizeof(text), "{\"stream\":%llu,\"offset\":%llu}",
                 (unsigned long long)++streams, (unsigned long long)offset);
  say(remote_upload_stream, world.op, text);
}

static void kept(uint64_t offset, bool done, const char *sentence)
{
  char text[400];
  (void)snprintf(text, sizeof(text), "{\"stream\":%llu,\"offset\":%llu,\"done\":%s%s%s%s}",
                 (unsigned long long)streams, (unsigned long long)offset, done ? "true" : "false",
                 sentence != NULL ? ",\"sentence\":\"" : "", sentence != NULL ? sentence : "",
                 sentence != NULL ? "\"" : "");
  say(remote_upload_kept, 0, text);
}

static void wait_ms(uint64_t ms)
{
  world.now_ms += ms;
  remote_upload_look(&remote);
}

static void set_up(void)
{
  memset(&world, 0, sizeof(world));
  memset(&remote, 0, sizeof(remote));
  world.now_ms = 1000000;
  world.first_there = true;
  remote.agent = &device;
  remote.channel = (agent_channel *)(void *)&device; /* only that there is one */
  streams = 0;
}

/* ---- facts ---- */

START_TEST(it_is_sent_no_further_than_the_window_and_forgotten_at_the_end)
{
  come();
  ck_assert_str_eq(world.last, first);
  answer(0);
  ck_assert_uint_eq(world.chunks, 16);
  kept(CHUNK, false, NULL);
  ck_assert_uint_eq(world.chunks, 17);
  kept(5 * CHUNK, false, NULL);
  ck_assert_uint_eq(world.chunks, 21);
  ck_assert_uint_eq(world.chunk.flags, CD_CHUNK_FIN);
  kept(SIZE, false, NULL);
  ck_assert_uint_eq(world.forgotten, 0);
  kept(SIZE, true, NULL);
  ck_assert_uint_eq(world.forgotten, 1);
}
END_TEST

START_TEST(after_hours_without_a_network_it_goes_on_where_it_was)
{
  come();
  answer(0);
  kept(3 * CHUNK, false, NULL);
  for (int hour = 0; hour < 7; hour++) {
    world.now_ms += 60 * MINUTE;
    come();
    ck_assert_uint_eq(world.announced, 2 + (unsigned)hour);
  }
  world.chunks = 0;
  answer(3 * CHUNK);
  ck_assert_uint_eq(world.chunks, 16);
  ck_assert_uint_eq(world.chunk.offset, 18 * CHUNK);
  kept(SIZE, true, NULL);
  ck_assert_uint_eq(world.forgotten, 1);
  ck_assert_uint_eq(world.dropped, 0);
}
END_TEST

START_TEST(what_is_refused_is_announced_again_after_ten_minutes)
{
  come();
  ck_assert_uint_eq(world.announced, 1);
  remote_upload_refused(&remote, "there is no room");
  for (int minute = 0; minute < 9; minute++)
    wait_ms(MINUTE);
  ck_assert_uint_eq(world.announced, 1);
  wait_ms(MINUTE);
  ck_assert_uint_eq(world.announced, 2);
  answer(0);
  kept(CHUNK, false, "the disk is full");
  ck_assert_uint_eq(world.announced, 2);
  wait_ms(10 * MINUTE);
  ck_assert_uint_eq(world.announced, 3);
  answer(CHUNK);
  kept(SIZE, true, NULL);
  ck_assert_uint_eq(world.forgotten, 1);
  /* And then there is nothing more to be tried. */
  for (int minute = 0; minute < 60; minute++)
    wait_ms(MINUTE);
  ck_assert_uint_eq(world.announced, 3);
}
END_TEST

START_TEST(one_that_is_refused_does_not_hold_up_the_next)
{
  world.second_there = true;
  come();
  remote_upload_refused(&remote, "not this one");
  ck_assert_str_eq(world.last, second);
  answer(0);
  kept(SIZE, true, NULL);
  ck_assert(!world.second_there);
  wait_ms(10 * MINUTE);
  ck_assert_str_eq(world.last, first);
}
END_TEST

START_TEST(a_console_that_keeps_nothing_is_left_after_four_minutes)
{
  come();
  answer(0);
  wait_ms(4 * MINUTE);
  ck_assert_uint_eq(world.dropped, 0);
  wait_ms(1);
  ck_assert_uint_eq(world.dropped, 1);
}
END_TEST

START_TEST(one_that_was_removed_is_told_and_its_note_kept_until_the_console_knows)
{
  world.first_there = false;
  world.first_gone = true;
  come();
  answer(2 * CHUNK);
  ck_assert_uint_eq(world.chunks, 1);
  ck_assert_uint_eq(world.chunk.flags, CD_CHUNK_GONE);
  ck_assert_str_eq(world.text, "there had to be room");
  ck_assert_uint_eq(world.forgotten, 0);
  /* The answer is lost with the connection: it is told again. */
  come();
  answer(2 * CHUNK);
  ck_assert_uint_eq(world.chunks, 2);
  kept(2 * CHUNK, false, "the sender ended it");
  ck_assert_uint_eq(world.forgotten, 1);
  ck_assert(!world.first_gone);
}
END_TEST

/* While another one is sent: in its turn, not in the next connection. */
START_TEST(one_that_is_removed_later_is_told_within_ten_minutes)
{
  world.first_there = false;
  world.second_there = true;
  come();
  answer(0);
  world.first_gone = true;
  kept(SIZE, true, NULL);
  ck_assert_uint_eq(world.announced, 1);
  wait_ms(10 * MINUTE);
  ck_assert_uint_eq(world.announced, 2);
  ck_assert_str_eq(world.last, first);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      it_is_sent_no_further_than_the_window_and_forgotten_at_the_end,
      after_hours_without_a_network_it_goes_on_where_it_was,
      what_is_refused_is_announced_again_after_ten_minutes,
      one_that_is_refused_does_not_hold_up_the_next,
      a_console_that_keeps_nothing_is_left_after_four_minutes,
      one_that_was_removed_is_told_and_its_note_kept_until_the_console_knows,
      one_that_is_removed_later_is_told_within_ten_minutes};
  Suite *s = suite_create("agent.upload");
  TCase *t = tcase_create("facts");
  tcase_add_checked_fixture(t, set_up, NULL);
  for (size_t i = 0; i < COUNT_OF(tests); i++)
    tcase_add_test(t, tests[i]);
  suite_add_tcase(s, t);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
