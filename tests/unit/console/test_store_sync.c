/* What the console has on its disk before it goes on, and what goes there with the next that it
 * has.
 */
#include "store_place.h"

#include "../syncs.h"

START_TEST(an_order_is_synced_and_what_the_device_says_again_is_not)
{
  con_store *s = open_store();
  con_enrolled e = add_device(s, "desk", 1);
  syncs = 0;
  con_action_made made = isolate(s, e.device);
  ck_assert_uint_eq(syncs, 1);
  expect_ok(con_action_sent(s, cd_str_from(made.id), CD_STR("a.b.c"), &err));
  expect_ok(con_action_accepted(s, cd_str_from(made.id), &err));
  expect_ok(con_action_progress(s, cd_str_from(made.id), CD_STR("{}"), &err));
  ck_assert_uint_eq(syncs, 1);
  const con_action_outcome o = {.status = CD_ACTION_SUCCEEDED,
                                .outcome = CD_STR("ok"),
                                .sentence = CD_STR(""),
                                .evidence = CD_STR("{}")};
  expect_ok(con_action_ended(s, cd_str_from(made.id), &o, &err));
  ck_assert_uint_eq(syncs, 2);
  con_store_close(s);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {an_order_is_synced_and_what_the_device_says_again_is_not};
  return run_suite("console.store_sync", tests, COUNT_OF(tests));
}
