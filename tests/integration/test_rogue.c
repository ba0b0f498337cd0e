/* A channel that was taken over forges nothing and disturbs nothing: the device is enrolled with an
 * honest one, which is then replaced. */
#include "console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static driver *begin(console *c, const char *rogue)
{
  driver_options options = {.providers = {"good"}};
  driver *d = driver_new(&options);
  char *token = console_token(c);
  cd_buf params = CD_BUF_INIT(128 * 1024);
  driver_start(d, NULL);
  cd_buf_addf(&params, "{\"token\":%s}", token);
  driver_reply r = driver_request(d, "enroll", cd_buf_cstr(&params));
  ck_assert_msg(r.ok, "%s", r.sentence);
  driver_reply_release(&r);
  cd_buf_release(&params);
  free(token);
  driver_isolate_well(d);
  driver_stop(d);
  options.channel = rogue;
  driver_configure(d, &options);
  driver_start(d, NULL);
  return d;
}

static void end(driver *d, console *c)
{
  driver_wait_state(d, "proven.value", "holds");
  driver_expect_state(d, "wanted.generation", "1");
  driver_expect_state(d, "wanted.value", "isolated");
  driver_release_well(d);
  ck_assert_uint_eq(console_forgeries(c), 0);
  driver_stop(d);
  driver_free(d);
  console_free(c);
}

static void expect(const char *rogue, const char *line)
{
  console *c = console_new();
  driver *d = begin(c, rogue);
  driver_wait_log(d, line);
  end(d, c);
}

START_TEST(a_welcome_of_its_own_making_is_not_believed)
{
  expect(ROGUE_FOLDER "/rogue_1", "the connection to the console is given up: the key statement is "
                                  "forged");
}
END_TEST

START_TEST(an_order_of_its_own_making_is_not_even_looked_at)
{
  expect(ROGUE_FOLDER "/rogue_2", "cordon-channel broke the protocol: an order out of turn");
}
END_TEST

START_TEST(garbage_ends_it)
{
  expect(ROGUE_FOLDER "/rogue_3", "cordon-channel broke the protocol: a welcome out of turn");
}
END_TEST

START_TEST(a_flood_ends_it)
{
  expect(ROGUE_FOLDER "/rogue_4", "cordon-channel sent too many messages in a second");
}
END_TEST

START_TEST(it_gets_a_limited_number_of_sockets)
{
  expect(ROGUE_FOLDER "/rogue_5", "sockets are on their way already");
}
END_TEST

START_TEST(one_that_does_not_end_is_killed_with_the_agent)
{
  console *c = console_new();
  driver *d = begin(c, ROGUE_FOLDER "/rogue_6");
  driver_wait_log(d, "is up");
  end(d, c);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      a_welcome_of_its_own_making_is_not_believed,
      an_order_of_its_own_making_is_not_even_looked_at,
      garbage_ends_it,
      a_flood_ends_it,
      it_gets_a_limited_number_of_sockets,
      one_that_does_not_end_is_killed_with_the_agent,
  };
  return driver_suite("integration.rogue", tests, COUNT_OF(tests), 120);
}
