/* An agent that is none, or that hands on text of somebody who wants the terminal. */
#include "play.h"
#include "samples.h"
#include "suites.h"

#include "ipc/frame.h"
#include "ipc/message.h"

#include <string.h>
#include <unistd.h>

#define ANSWER(payload) ((const play_step[]){{PLAY_RESPONSE, (payload), 0}, {PLAY_END, NULL, 0}})

/* Sets the title, clears the screen, overprints, turns the text around, and a C1 control. */
#define EVIL "\\u001b]0;owned\\u0007\\u001b[2J\\rroot\\u202e\\u009b31m\\u007f"
#define EVIL_SAFE "\\x1b]0;owned\\x07\\x1b[2J\\rroot\\u{202e}\\u{9b}31m\\x7f"

/* A sentence has its ASCII controls as blanks from the start. */
#define EVIL_SENTENCE " ]0;owned  [2J root\\u{202e}\\u{9b}31m "

/* Nothing but printable ASCII and newlines: what the sample texts are made of. */
static void ck_printable(const cd_buf *b)
{
  for (size_t i = 0; i < b->len; i++)
    ck_assert_msg((b->ptr[i] >= ' ' && b->ptr[i] <= '~') || b->ptr[i] == '\n',
                  "byte %02x at %zu of '%s'", (unsigned char)b->ptr[i], i, b->ptr);
}

typedef struct text_row {
  const char *command[4];
  const char *payload;
  int code;
} text_row;

static const text_row texts[] = {
    {{"local", "status"},
     SAMPLE_OK("{\"agent\":{\"version\":\"" EVIL "\",\"pid\":1,\"started\":\"" EVIL
               "\"},\"device\":{\"host_name\":\"" EVIL "\",\"os\":{\"name\":\"" EVIL
               "\",\"version\":\"" EVIL "\"},\"kernel\":\"" EVIL "\",\"architecture\":\"" EVIL
               "\"},\"states\":[{\"state\":\"" EVIL
               "\",\"wanted\":{\"value\":\"isolated\",\"type\":\"" EVIL
               "\"},\"enforced\":{\"value\":\"" EVIL "\",\"note\":\"" EVIL
               "\"},\"proven\":{\"value\":\"" EVIL "\",\"at\":\"" EVIL "\",\"note\":\"n" EVIL
               "\"},\"drift\":{\"count\":1,\"last\":\"" EVIL "\",\"note\":\"" EVIL
               "\"},\"provider\":\"" EVIL "\"}],\"capabilities\":[{\"capability\":\"" EVIL
               "\",\"provider\":\"" EVIL "\",\"reason\":\"" EVIL "\"}]}"),
     0},
    {{"local", "plugins"},
     SAMPLE_OK("{\"plugins\":[{\"id\":\"" EVIL "\",\"version\":\"" EVIL "\",\"provides\":[\"" EVIL
               "\"],\"trusted\":true,\"reason\":\"" EVIL "\",\"quarantined\":[\"" EVIL
               "\"],\"hosts\":[{\"capability\":\"" EVIL "\",\"pid\":1}]}]}"),
     0},
    {{"local", "actions"},
     SAMPLE_OK("{\"actions\":[{\"id\":\"" EVIL "\",\"kind\":\"" EVIL
               "\",\"status\":\"Failed\",\"outcome\":\"" EVIL "\",\"comment\":\"" EVIL
               "\",\"requestor\":{\"user\":\"" EVIL "\"},\"created\":\"" EVIL "\"}]}"),
     0},
    {{"local", "isolate"},
     SAMPLE_OK("{\"action\":{\"id\":\"" EVIL
               "\",\"kind\":\"isolate\",\"status\":\"Failed\",\"outcome\":\"" EVIL
               "\",\"sentence\":\"" EVIL "\",\"comment\":\"" EVIL "\",\"provider\":\"" EVIL
               "\",\"params\":{\"type\":\"" EVIL "\"},\"requestor\":{\"user\":\"" EVIL
               "\"},\"created\":\"" EVIL "\",\"result\":{\"enforced\":{\"value\":\"" EVIL
               "\"},\"proven\":{\"value\":\"" EVIL
               "\"},\"verify\":{\"holds\":false,\"digest\":\"" EVIL
               "\",\"probes\":[{\"name\":\"" EVIL "\",\"target\":\"" EVIL "\",\"outcome\":\"" EVIL
               "\",\"counter_before\":0,\"counter_after\":0,\"note\":\"" EVIL
               "\"}],\"not_probed\":[\"" EVIL "\"]}}}}"),
     1},
    {{"local", "release"}, SAMPLE_ERROR("io", EVIL), 1},
    {{"local", "isolate"}, SAMPLE_ERROR(EVIL, EVIL), 1},
};

START_TEST(text_from_the_agent_is_escaped)
{
  const text_row *t = &texts[_i];
  play p = {.script = ANSWER(t->payload)};
  PLAY(&p, t->code, t->command[0], t->command[1]);
  ck_printable(&p.out);
  ck_printable(&p.err);
  if (p.out.len > 0)
    HAS(&p.out, EVIL_SAFE);
  else
    HAS(&p.err, EVIL_SENTENCE);
  PLAY(&p, t->code, t->command[0], t->command[1], "--json");
  ck_printable(&p.out);
  HAS(&p.out, "root\\u202e\\u009b31m");
  play_release(&p);
}
END_TEST

START_TEST(text_in_events_is_escaped)
{
  static const play_step script[] = {
      {PLAY_EVENT, SAMPLE_EVENT_STEP(EVIL, 1, 2, "\"" EVIL "\""), 0},
      {PLAY_EVENT, SAMPLE_EVENT_STEP("apply", 1, 2, "\"" EVIL "\""), 0},
      {PLAY_RESPONSE, SAMPLE_ISOLATED, 0},
      {PLAY_END, NULL, 0}};
  play p = {.script = script};
  PLAY(&p, 0, "local", "isolate");
  ck_printable(&p.err);
  PLAY(&p, 0, "local", "isolate", "--json", "--progress");
  ck_printable(&p.err);
  HAS(&p.err, "\\u009b31m");
  play_release(&p);
}
END_TEST

START_TEST(an_id_that_is_none_is_not_repeated_in_a_command)
{
  static const play_step script[] = {
      {PLAY_EVENT, "{\"event\":\"action\",\"id\":\"x; rm -rf ~\",\"status\":\"Pending\"}", 0},
      {PLAY_CLOSE, NULL, 0},
      {PLAY_END, NULL, 0}};
  play p = {.script = script};
  PLAY(&p, 6, "local", "isolate");
  HAS(&p.err, "whether it accepted the isolation is not known");
  HAS_NOT(&p.err, "rm -rf");
  play_release(&p);
}
END_TEST

typedef struct bytes_row {
  play_step step;
  int status_code;  /* of `local status` */
  int isolate_code; /* of `local isolate` */
} bytes_row;

#define RAW(text)                                                                                  \
  {                                                                                                \
    PLAY_RAW, (text), sizeof(text) - 1                                                             \
  }

static const bytes_row broken[] = {
    {RAW("HTTP/1.1 400 Bad Request\r\n\r\n"), 3, 6},
    {RAW("CDN1\x22\x00\x00\x00\0\0\0\0\0\0\0\0\xff\xff\xff\xff"), 3, 6},
    {RAW("CDN1\x22\x01\x00\x00\0\0\0\0\0\0\0\0\0\0\0\0"), 3, 6},
    {RAW("CDN1\x22\x00\x00\x07\0\0\0\0\0\0\0\0\0\0\0\0"), 3, 6},
    {RAW("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), 3, 6},
    {{PLAY_FRAME, "{}", IPC_REQUEST}, 3, 6},
    {{PLAY_FRAME, "{}", 255}, 3, 6},
    {{PLAY_RESPONSE, "", 0}, 3, 6},
    {{PLAY_RESPONSE, "hello", 0}, 3, 6},
    {{PLAY_RESPONSE, "{\"ok\":true,\"result\":{}}", 0}, 3, 6},
    {{PLAY_CLOSE, NULL, 0}, 3, 6},
};

START_TEST(an_answer_that_is_none)
{
  const play_step script[] = {broken[_i].step, {PLAY_END, NULL, 0}};
  play p = {.script = script};
  PLAY(&p, broken[_i].status_code, "local", "status");
  HAS(&p.err, "cordon: ");
  ck_assert_uint_eq(p.out.len, 0);
  ck_printable(&p.err);
  PLAY(&p, broken[_i].isolate_code, "local", "isolate", "--json");
  HAS(&p.out, "{\"error\":{\"status\":\"");
  play_release(&p);
}
END_TEST

static const char *const bad_events[] = {
    "", "7", "{}", "{\"event\":7}", "{\"event\":\"step\"}", "{\"event\":\"step\",\"step\":[]}"};

START_TEST(an_event_that_is_none_ends_the_wait)
{
  const play_step script[] = {
      {PLAY_EVENT, bad_events[_i], 0}, {PLAY_RESPONSE, SAMPLE_ISOLATED, 0}, {PLAY_END, NULL, 0}};
  play p = {.script = script};
  PLAY(&p, 6, "local", "isolate");
  HAS(&p.err, "the agent's event");
  play_release(&p);
}
END_TEST

START_TEST(a_frame_that_is_cut_off)
{
  static const play_step script[] = {RAW("CDN1\x22\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x08{\"ok"),
                                     {PLAY_CLOSE, NULL, 0},
                                     {PLAY_END, NULL, 0}};
  play p = {.script = script};
  PLAY(&p, 3, "local", "status");
  HAS(&p.err, "in the middle of a frame");
  play_release(&p);
}
END_TEST

START_TEST(what_follows_the_answer_is_not_looked_at)
{
  static const play_step script[] = {
      {PLAY_RESPONSE, SAMPLE_OK("{\"lifted\":0}"), 0}, RAW("garbage"), {PLAY_END, NULL, 0}};
  play p = {.script = script};
  PLAY(&p, 0, "local", "unquarantine", "x");
  play_release(&p);
}
END_TEST

START_TEST(a_server_of_another_user_is_not_spoken_to)
{
  play p = {.server = PLAY_SERVER_NOBODY, .script = ANSWER(SAMPLE_ISOLATED)};
  if (geteuid() != 0)
    return;
  PLAY(&p, 3, "local", "isolate");
  HAS(&p.err, "belongs to user nobody");
  ck_assert_int_eq(p.connections, 1);
  ck_assert_int_eq(p.requests, 0);
  PLAY(&p, 3, "local", "isolate", "--json");
  HAS(&p.out, "{\"error\":{\"status\":\"denied\",");
  /* Its own user may stand in for it, as in a test. */
  p.as_nobody = true;
  PLAY(&p, 0, "local", "isolate");
  play_release(&p);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

Suite *suite_hostile(void)
{
  Suite *s = suite_create("ctl.hostile");
  TCase *tc = tcase_create("hostile");
  tcase_set_timeout(tc, 60);
  tcase_add_loop_test(tc, text_from_the_agent_is_escaped, 0, ROWS(texts));
  tcase_add_test(tc, text_in_events_is_escaped);
  tcase_add_test(tc, an_id_that_is_none_is_not_repeated_in_a_command);
  tcase_add_loop_test(tc, an_answer_that_is_none, 0, ROWS(broken));
  tcase_add_loop_test(tc, an_event_that_is_none_ends_the_wait, 0, ROWS(bad_events));
  tcase_add_test(tc, a_frame_that_is_cut_off);
  tcase_add_test(tc, what_follows_the_answer_is_not_looked_at);
  tcase_add_test(tc, a_server_of_another_user_is_not_spoken_to);
  suite_add_tcase(s, tc);
  return s;
}
