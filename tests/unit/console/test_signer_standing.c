/* What the console asks for on its own account is signed only if it is what stands last of that
 * device, by the log; what is in its database besides does not count. */
#include "signer_place.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

static con_store *store;
static sig_signer signer;
static fleet_device desk;

static void begin(void)
{
  store = open_store();
  enroll_device(store, "desk", &desk);
  open_signer(&signer, NULL);
  expect_signed(attach(&signer));
}

static void end(void)
{
  sig_close(&signer);
  free_device(&desk);
  con_store_close(store);
}

static const char *source = CON_SOURCE_CONSOLE;

static con_action_made again(cd_order_kind kind, const char *parameters,
                             const con_audit_ref *repeats)
{
  const con_by console = {.who = CD_STR("cordon-console")};
  con_action_made made = {0};
  const con_action_new n = {.device = cd_str_from(desk.enrolled.device),
                            .kind = kind,
                            .type = CD_STR("Isolate"),
                            .source = cd_str_from(source),
                            .parameters = cd_str_from(parameters),
                            .expires_ms = cd_wall_ms() + HOUR_MS,
                            .repeats = repeats};
  expect_ok(con_action_create(store, &console, &n, &made, &err));
  return made;
}

static con_signer_reply repeat(cd_order_kind kind, const char *parameters,
                               const con_audit_ref *repeats, con_action_made *ret_made)
{
  con_action_made made = again(kind, parameters, repeats);
  if (ret_made != NULL)
    *ret_made = made;
  return sign(&signer, desk.enrolled.device, &made, parameters, made.generation);
}

static void finish(const con_action_made *made, cd_action_status status)
{
  const con_action_outcome o = {.status = status,
                                .outcome = CD_STR("ok"),
                                .result =
                                    status == CD_ACTION_SUCCEEDED ? CD_STR("a.b.c") : (cd_str){0},
                                .evidence = CD_STR("{}"),
                                .generation = made->generation};
  expect_ok(con_action_ended(store, cd_str_from(made->id), &o, &err));
}

static void by_itself(const char *id, cd_order_kind kind, uint64_t generation)
{
  con_action_local l = {.device = cd_str_from(desk.enrolled.device),
                        .kind = kind,
                        .type = CD_STR("Unisolate"),
                        .scope = kind == CD_ORDER_ISOLATE ? CD_STR("Full") : (cd_str){0},
                        .requestor = CD_STR("bob"),
                        .generation = generation,
                        .created_ms = 12,
                        .outcome = {.status = CD_ACTION_SUCCEEDED,
                                    .outcome = CD_STR("ok"),
                                    .result = CD_STR("x.y.z"),
                                    .evidence = CD_STR("{}")}};
  memcpy(l.id, id, CD_ID_SIZE);
  expect_ok(con_action_given_locally(store, &l, &err));
}

START_TEST(what_stands_is_signed_again_and_then_the_repetition_stands)
{
  con_action_made second = {0};
  begin();
  con_action_made made = isolate(store, desk.enrolled.device);
  finish(&made, CD_ACTION_SUCCEEDED);
  expect_signed(repeat(CD_ORDER_ISOLATE, FULL, &made.audit, &second));
  finish(&second, CD_ACTION_SUCCEEDED);
  expect_not_signed(repeat(CD_ORDER_ISOLATE, FULL, &made.audit, &second), CD_E_DENIED,
                    "is what was last asked");
  finish(&second, CD_ACTION_FAILED);
  end();
}
END_TEST

START_TEST(the_consoles_own_wish_needs_somebody_who_asked)
{
  begin();
  expect_not_signed(repeat(CD_ORDER_ISOLATE, FULL, NULL, NULL), CD_E_DENIED, "repeats nothing");
  end();
}
END_TEST

START_TEST(what_was_undone_is_not_signed_again)
{
  con_action_made wrong = {0};
  begin();
  con_action_made made = isolate(store, desk.enrolled.device);
  finish(&made, CD_ACTION_SUCCEEDED);
  con_action_made back = release(store, desk.enrolled.device);
  finish(&back, CD_ACTION_SUCCEEDED);
  expect_not_signed(repeat(CD_ORDER_ISOLATE, FULL, &made.audit, &wrong), CD_E_DENIED,
                    "is what was last asked");
  finish(&wrong, CD_ACTION_FAILED);
  reopen_signer(&signer, NULL);
  expect_not_signed(repeat(CD_ORDER_ISOLATE, FULL, &made.audit, &wrong), CD_E_DENIED,
                    "is what was last asked");
  finish(&wrong, CD_ACTION_FAILED);
  /* Neither is another thing in the name of what stands. */
  expect_not_signed(repeat(CD_ORDER_ISOLATE, FULL, &back.audit, &wrong), CD_E_DENIED,
                    "is not what entry");
  finish(&wrong, CD_ACTION_FAILED);
  expect_signed(repeat(CD_ORDER_RELEASE, "{}", &back.audit, NULL));
  end();
}
END_TEST

START_TEST(what_failed_or_was_cancelled_gives_way)
{
  begin();
  con_action_made made = isolate(store, desk.enrolled.device);
  finish(&made, CD_ACTION_SUCCEEDED);
  con_action_made back = release(store, desk.enrolled.device);
  finish(&back, CD_ACTION_FAILED);
  con_action_made third = release(store, desk.enrolled.device);
  expect_ok(con_action_cancel(store, &alice, cd_str_from(third.id), NULL, &err));
  con_action_made other = {0};
  expect_signed(repeat(CD_ORDER_ISOLATE, FULL, &made.audit, &other));
  finish(&other, CD_ACTION_FAILED);
  /* What nobody heard the end of is still wanted. */
  con_action_made late = release(store, desk.enrolled.device);
  finish(&late, CD_ACTION_TIMED_OUT);
  expect_not_signed(repeat(CD_ORDER_ISOLATE, FULL, &made.audit, NULL), CD_E_DENIED,
                    "is what was last asked");
  end();
}
END_TEST

START_TEST(what_failed_and_goes_on_stands)
{
  con_action_made wrong = {0};
  begin();
  con_action_made made = isolate(store, desk.enrolled.device);
  finish(&made, CD_ACTION_SUCCEEDED);
  con_action_made back = release(store, desk.enrolled.device);
  const con_action_outcome o = {.status = CD_ACTION_FAILED,
                                .outcome = CD_STR("unavailable"),
                                .result = CD_STR("a.b.c"),
                                .evidence = CD_STR("{}"),
                                .generation = back.generation,
                                .stands = true};
  expect_ok(con_action_ended(store, cd_str_from(back.id), &o, &err));
  expect_not_signed(repeat(CD_ORDER_ISOLATE, FULL, &made.audit, &wrong), CD_E_DENIED,
                    "is what was last asked");
  finish(&wrong, CD_ACTION_FAILED);
  expect_signed(repeat(CD_ORDER_RELEASE, "{}", &back.audit, NULL));
  end();
}
END_TEST

START_TEST(what_the_device_did_by_itself_stands)
{
  con_action a = {0};
  con_action_made other = {0};
  begin();
  con_action_made made = isolate(store, desk.enrolled.device);
  finish(&made, CD_ACTION_SUCCEEDED);
  by_itself("0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01", CD_ORDER_RELEASE, made.generation + 1);
  expect_not_signed(repeat(CD_ORDER_ISOLATE, FULL, &made.audit, &other), CD_E_DENIED,
                    "is what was last asked");
  finish(&other, CD_ACTION_FAILED);
  expect_ok(con_action_get(store, CD_STR("0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01"), &a, &err));
  expect_signed(repeat(CD_ORDER_RELEASE, "{}", &a.audit, &other));
  finish(&other, CD_ACTION_FAILED);
  con_action_release(&a);
  /* What was heard late, and is older by its generation, does not. */
  con_action_made newer = isolate(store, desk.enrolled.device);
  newer.generation += 5;
  finish(&newer, CD_ACTION_SUCCEEDED);
  by_itself("0198d2a0-5c31-7a10-8c55-2f6d3a1b9e02", CD_ORDER_RELEASE, newer.generation - 1);
  expect_signed(repeat(CD_ORDER_ISOLATE, FULL, &newer.audit, NULL));
  end();
}
END_TEST

/* A release code is each order's own, and no part of what is asked. */
START_TEST(another_release_code_is_the_same_wish)
{
  con_action_made made = {0};
  con_action_made again_made = {0};
  static const char with_code[] =
      "{\"type\":\"full\",\"exclusions\":[],\"code\":{\"salt\":\"EREREREREREREREREREREQ\","
      "\"digest\":\"sha256:"
      "2222222222222222222222222222222222222222222222222222222222222222\"}}";
  begin();
  made = isolate(store, desk.enrolled.device);
  finish(&made, CD_ACTION_SUCCEEDED);
  expect_signed(repeat(CD_ORDER_ISOLATE, with_code, &made.audit, &again_made));
  finish(&again_made, CD_ACTION_FAILED);
  expect_not_signed(repeat(CD_ORDER_ISOLATE,
                           "{\"type\":\"full\",\"exclusions\":[],\"lease\":{\"until\":1}}",
                           &made.audit, NULL),
                    CD_E_DENIED, "is not what entry");
  end();
}
END_TEST

static int64_t later_ms(void)
{
  return cd_wall_ms() + HOUR_MS / 120;
}

START_TEST(an_isolation_whose_lease_has_ended_is_followed_by_its_release)
{
  char parameters[128];
  con_action_made made = {0};
  con_action_made wrong = {0};
  long long until_ms = cd_wall_ms() + HOUR_MS / 240;
  begin();
  (void)snprintf(parameters, sizeof(parameters),
                 "{\"type\":\"full\",\"exclusions\":[],\"lease\":{\"until\":%lld}}", until_ms);
  const con_action_new n = {.device = cd_str_from(desk.enrolled.device),
                            .kind = CD_ORDER_ISOLATE,
                            .type = CD_STR("Isolate"),
                            .source = CD_STR("PublicApi"),
                            .parameters = cd_str_from(parameters),
                            .expires_ms = cd_wall_ms() + HOUR_MS};
  expect_ok(con_action_create(store, &alice, &n, &made, &err));
  finish(&made, CD_ACTION_SUCCEEDED);
  expect_not_signed(repeat(CD_ORDER_RELEASE, "{}", &made.audit, &wrong), CD_E_DENIED,
                    "is not what entry");
  finish(&wrong, CD_ACTION_FAILED);
  signer.now_ms = later_ms;
  expect_signed(repeat(CD_ORDER_RELEASE, "{}", &made.audit, NULL));
  end();
}
END_TEST

START_TEST(what_a_device_rolled_back_still_stands)
{
  begin();
  con_action_made made = isolate(store, desk.enrolled.device);
  finish(&made, CD_ACTION_SUCCEEDED);
  con_action_local l = {.id = "0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01",
                        .device = cd_str_from(desk.enrolled.device),
                        .kind = CD_ORDER_RELEASE,
                        .type = CD_STR("Unisolate"),
                        .requestor = CD_STR(CON_REQUESTOR_ROLLED_BACK),
                        .generation = made.generation + 1,
                        .created_ms = 12,
                        .outcome = {.status = CD_ACTION_SUCCEEDED,
                                    .outcome = CD_STR("ok"),
                                    .result = CD_STR("x.y.z"),
                                    .evidence = CD_STR("{}")}};
  expect_ok(con_action_given_locally(store, &l, &err));
  expect_signed(repeat(CD_ORDER_ISOLATE, FULL, &made.audit, NULL));
  end();
}
END_TEST

/* Its exclusions may be others than what was asked for; that it stands is what counts. */
START_TEST(an_isolation_that_follows_its_exclusions_follows_what_stands)
{
  static const char selective[] =
      "{\"type\":\"selective\",\"exclusions\":[{\"direction\":\"out\",\"address\":\"192.0.2.1\"}]}";
  con_action_made refused = {0};
  begin();
  source = CON_SOURCE_EXCLUSIONS;
  expect_not_signed(repeat(CD_ORDER_ISOLATE, selective, NULL, &refused), CD_E_DENIED,
                    "repeats nothing");
  finish(&refused, CD_ACTION_FAILED);
  con_action_made made = isolate(store, desk.enrolled.device);
  finish(&made, CD_ACTION_SUCCEEDED);
  expect_signed(repeat(CD_ORDER_ISOLATE, selective, &made.audit, NULL));
  con_action_made back = release(store, desk.enrolled.device);
  finish(&back, CD_ACTION_SUCCEEDED);
  expect_not_signed(repeat(CD_ORDER_ISOLATE, selective, &made.audit, &refused), CD_E_DENIED,
                    "is what was last asked");
  finish(&refused, CD_ACTION_FAILED);
  expect_not_signed(repeat(CD_ORDER_ISOLATE, selective, &back.audit, NULL), CD_E_DENIED,
                    "which it repeats, asks");
  end();
}
END_TEST

/* The signer read the log before somebody cut out of it what came later. */
START_TEST(a_log_that_was_cut_behind_its_back_brings_nothing_back)
{
  char sql[256];
  begin();
  con_action_made made = isolate(store, desk.enrolled.device);
  finish(&made, CD_ACTION_SUCCEEDED);
  con_action_made back = release(store, desk.enrolled.device);
  finish(&back, CD_ACTION_SUCCEEDED);
  con_action_made wrong = again(CD_ORDER_ISOLATE, FULL, &made.audit);
  expect_signed(ask(&signer, "head", "{}"));
  (void)snprintf(sql, sizeof(sql), "DELETE FROM audit WHERE action = '%s'", back.id);
  attack(sql);
  expect_not_signed(sign(&signer, desk.enrolled.device, &wrong, FULL, wrong.generation),
                    CD_E_DENIED, "is what was last asked");
  reopen_signer(&signer, NULL);
  expect_not_signed(sign(&signer, desk.enrolled.device, &wrong, FULL, wrong.generation),
                    CD_E_CONFLICT, "was cut");
  end();
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      what_stands_is_signed_again_and_then_the_repetition_stands,
      the_consoles_own_wish_needs_somebody_who_asked,
      what_was_undone_is_not_signed_again,
      what_failed_or_was_cancelled_gives_way,
      what_failed_and_goes_on_stands,
      what_the_device_did_by_itself_stands,
      another_release_code_is_the_same_wish,
      an_isolation_whose_lease_has_ended_is_followed_by_its_release,
      what_a_device_rolled_back_still_stands,
      an_isolation_that_follows_its_exclusions_follows_what_stands,
      a_log_that_was_cut_behind_its_back_brings_nothing_back,
  };
  return run_suite("console.signer.standing", tests, COUNT_OF(tests));
}
