/* Actions and what is wanted: creation, conflict groups, generations, ends. */
#include "store_place.h"

#include "base/clock.h"

#include <string.h>

#define RESULT "aGVhZA.cGF5bG9hZA.c2ln"

static void expect_wanted(con_store *s, const char *device, cd_wanted_value value,
                          const char *action, uint64_t generation)
{
  con_wanted w = {0};
  expect_ok(con_wanted_get(s, cd_str_from(device), CD_STATE_ISOLATE, &w, &err));
  ck_assert_int_eq(w.value, value);
  ck_assert_str_eq(w.action, action);
  ck_assert_uint_eq(w.generation, generation);
  con_wanted_release(&w);
}

static cd_action_status status_of(con_store *s, const char *id)
{
  con_action a = {0};
  expect_ok(con_action_get(s, cd_str_from(id), &a, &err));
  cd_action_status status = a.status;
  con_action_release(&a);
  return status;
}

static cd_code end(con_store *s, const char *id, cd_action_status status, const char *result)
{
  const con_action_outcome o = {.status = status,
                                .outcome = CD_STR("ok"),
                                .sentence = CD_STR(""),
                                .result = cd_str_from(result),
                                .evidence = CD_STR("{}")};
  return con_action_ended(s, cd_str_from(id), &o, &err);
}

START_TEST(an_action_is_created_with_its_entry_and_its_generation)
{
  con_store *s = open_store();
  con_enrolled e = add_device(s, "desk", 1);
  con_action a = {0};
  expect_wanted(s, e.device, CD_WANTED_RELEASED, "", 0);
  con_action_made made = isolate(s, e.device);
  ck_assert_uint_eq(made.generation, 1);
  ck_assert_uint_eq(made.audit.sequence, e.audit.sequence + 1);
  expect_ok(con_action_get(s, cd_str_from(made.id), &a, &err));
  ck_assert_int_eq(a.status, CD_ACTION_PENDING);
  ck_assert(cd_str_eq_cstr(a.dns_name, "desk"));
  ck_assert(cd_str_eq_cstr(a.requestor, "alice"));
  ck_assert(cd_str_eq_cstr(a.comment, "because of a test"));
  ck_assert_uint_eq(a.audit.sequence, made.audit.sequence);
  ck_assert(cd_digest_equal(&a.audit.digest, &made.audit.digest));
  con_action_release(&a);
  expect_wanted(s, e.device, CD_WANTED_ISOLATED, made.id, 1);
  con_store_close(s);
}
END_TEST

START_TEST(a_second_one_of_a_kind_is_refused_where_asked_for)
{
  con_store *s = open_store();
  con_enrolled e = add_device(s, "desk", 1);
  con_action_made made = isolate(s, e.device);
  con_action_made second = {0};
  con_audit_ref before = {0};
  con_audit_ref after = {0};
  con_action_new n = {.device = cd_str_from(e.device),
                      .kind = CD_ORDER_ISOLATE,
                      .type = CD_STR("Isolate"),
                      .parameters = CD_STR("{}"),
                      .expires_ms = cd_wall_ms() + HOUR_MS,
                      .one_at_a_time = true};
  expect_ok(con_audit_head(s, &before, &err));
  expect_refused(con_action_create(s, &alice, &n, &second, &err), CD_E_CONFLICT, made.id);
  expect_ok(con_audit_head(s, &after, &err));
  ck_assert_uint_eq(before.sequence, after.sequence);
  expect_ok(end(s, made.id, CD_ACTION_SUCCEEDED, RESULT));
  expect_ok(con_action_create(s, &alice, &n, &second, &err));
  ck_assert_uint_eq(second.generation, 2);
  n.device = CD_STR("none");
  expect_refused(con_action_create(s, &alice, &n, &second, &err), CD_E_NOTFOUND, "'none'");
  n.device = cd_str_from(e.device);
  expect_ok(con_device_revoke(s, &alice, n.device, &err));
  n.one_at_a_time = false;
  expect_refused(con_action_create(s, &alice, &n, &second, &err), CD_E_DENIED, "revoked");
  con_store_close(s);
}
END_TEST

typedef struct due {
  unsigned count;
  char ids[4][CD_ID_SIZE];
} due;

static bool note(void *context, const con_action *a)
{
  due *d = context;
  memcpy(d->ids[d->count++ % 4], a->id, CD_ID_SIZE);
  return true;
}

START_TEST(a_group_acts_in_the_order_of_creation_and_cancels_do_not_wait)
{
  con_store *s = open_store();
  con_enrolled e = add_device(s, "desk", 1);
  con_action_made first = isolate(s, e.device);
  con_action_made second = release(s, e.device);
  con_action_made cancel = {0};
  due d = {0};
  const con_action_new n = {.device = cd_str_from(e.device),
                            .kind = CD_ORDER_CANCEL,
                            .type = CD_STR("Cancel"),
                            .parameters = CD_STR("{}"),
                            .expires_ms = cd_wall_ms() + HOUR_MS};
  expect_ok(con_action_create(s, &alice, &n, &cancel, &err));
  ck_assert_uint_eq(cancel.generation, 0);
  expect_ok(con_action_due(s, cd_str_from(e.device), note, &d, &err));
  ck_assert_uint_eq(d.count, 2);
  ck_assert_str_eq(d.ids[0], first.id);
  ck_assert_str_eq(d.ids[1], cancel.id);
  expect_ok(end(s, first.id, CD_ACTION_SUCCEEDED, RESULT));
  d = (due){0};
  expect_ok(con_action_due(s, cd_str_from(e.device), note, &d, &err));
  ck_assert_str_eq(d.ids[0], second.id);
  con_store_close(s);
}
END_TEST

START_TEST(an_action_runs_from_pending_to_its_end_and_ends_once)
{
  con_store *s = open_store();
  con_enrolled e = add_device(s, "desk", 1);
  con_action_made made = isolate(s, e.device);
  cd_str id = cd_str_from(made.id);
  con_action a = {0};
  expect_ok(con_action_sent(s, id, CD_STR("an order"), &err));
  ck_assert_int_eq(status_of(s, made.id), CD_ACTION_PENDING);
  expect_ok(con_action_accepted(s, id, &err));
  expect_ok(con_action_progress(s, id, CD_STR("{\"step\":\"apply\"}"), &err));
  ck_assert_int_eq(status_of(s, made.id), CD_ACTION_IN_PROGRESS);
  expect_ok(end(s, made.id, CD_ACTION_SUCCEEDED, RESULT));
  expect_ok(end(s, made.id, CD_ACTION_SUCCEEDED, RESULT));
  expect_refused(end(s, made.id, CD_ACTION_FAILED, "b.b.b"), CD_E_CONFLICT, "another result");
  expect_ok(con_action_accepted(s, id, &err));
  expect_ok(con_action_get(s, id, &a, &err));
  ck_assert_int_eq(a.status, CD_ACTION_SUCCEEDED);
  ck_assert(cd_str_eq_cstr(a.order, "an order"));
  ck_assert(cd_str_eq_cstr(a.result, RESULT));
  ck_assert(a.accepted);
  ck_assert_int_gt(a.sent_ms, 0);
  con_action_release(&a);
  expect_refused(end(s, "none", CD_ACTION_FAILED, ""), CD_E_NOTFOUND, "'none'");
  con_store_close(s);
}
END_TEST

START_TEST(what_failed_or_was_cancelled_gives_way_and_what_timed_out_does_not)
{
  con_store *s = open_store();
  con_enrolled e = add_device(s, "desk", 1);
  con_action_made first = isolate(s, e.device);
  expect_ok(end(s, first.id, CD_ACTION_SUCCEEDED, RESULT));
  con_action_made second = release(s, e.device);
  expect_wanted(s, e.device, CD_WANTED_RELEASED, second.id, 2);
  expect_ok(end(s, second.id, CD_ACTION_FAILED, RESULT));
  expect_wanted(s, e.device, CD_WANTED_ISOLATED, first.id, 2);
  con_action_made third = release(s, e.device);
  expect_ok(con_action_cancel(s, &alice, cd_str_from(third.id), NULL, &err));
  expect_wanted(s, e.device, CD_WANTED_ISOLATED, first.id, 3);
  con_action_made fourth = release(s, e.device);
  expect_ok(end(s, fourth.id, CD_ACTION_TIMED_OUT, ""));
  expect_wanted(s, e.device, CD_WANTED_RELEASED, fourth.id, 4);
  con_store_close(s);
}
END_TEST

/* A release that failed and goes on, an isolation that is in force and could not be shown to hold:
 * what the device keeps at is not to be undone from here. */
START_TEST(what_failed_and_goes_on_is_still_wanted)
{
  con_store *s = open_store();
  con_enrolled e = add_device(s, "desk", 1);
  con_action_outcome o = {.status = CD_ACTION_FAILED,
                          .outcome = CD_STR("unverified"),
                          .sentence = CD_STR("it could not be shown to hold"),
                          .result = CD_STR(RESULT),
                          .evidence = CD_STR("{}"),
                          .stands = true};
  con_action_made first = release(s, e.device);
  expect_ok(end(s, first.id, CD_ACTION_SUCCEEDED, RESULT));
  con_action_made second = isolate(s, e.device);
  expect_ok(con_action_ended(s, cd_str_from(second.id), &o, &err));
  ck_assert_int_eq(status_of(s, second.id), CD_ACTION_FAILED);
  expect_wanted(s, e.device, CD_WANTED_ISOLATED, second.id, 2);
  con_action_made third = release(s, e.device);
  expect_ok(con_action_ended(s, cd_str_from(third.id), &o, &err));
  expect_wanted(s, e.device, CD_WANTED_RELEASED, third.id, 3);
  con_action_made fourth = isolate(s, e.device);
  expect_ok(end(s, fourth.id, CD_ACTION_FAILED, RESULT));
  expect_wanted(s, e.device, CD_WANTED_RELEASED, third.id, 4);
  con_store_close(s);
}
END_TEST

START_TEST(a_cancelled_action_names_who_and_a_late_result_is_the_truth)
{
  con_store *s = open_store();
  con_enrolled e = add_device(s, "desk", 1);
  con_action_made made = isolate(s, e.device);
  con_action a = {0};
  bool sent = true;
  expect_ok(con_action_cancel(s, &alice, cd_str_from(made.id), &sent, &err));
  ck_assert(!sent);
  expect_refused(con_action_cancel(s, &alice, cd_str_from(made.id), &sent, &err), CD_E_CONFLICT,
                 "has ended");
  expect_ok(con_action_get(s, cd_str_from(made.id), &a, &err));
  ck_assert_int_eq(a.status, CD_ACTION_CANCELLED);
  ck_assert(cd_str_eq_cstr(a.cancel_by, "alice"));
  con_action_release(&a);
  expect_ok(end(s, made.id, CD_ACTION_SUCCEEDED, RESULT));
  ck_assert_int_eq(status_of(s, made.id), CD_ACTION_SUCCEEDED);
  expect_wanted(s, e.device, CD_WANTED_ISOLATED, made.id, 1);
  con_store_close(s);
}
END_TEST

static void count_expired(void *context, const char *id, cd_str device)
{
  ++*(unsigned *)context;
}

START_TEST(pending_actions_time_out)
{
  con_store *s = open_store();
  con_enrolled e = add_device(s, "desk", 1);
  con_action_made first = isolate(s, e.device);
  con_action_made second = release(s, e.device);
  unsigned expired = 0;
  expect_ok(con_action_accepted(s, cd_str_from(first.id), &err));
  expect_ok(con_action_expire(s, cd_wall_ms(), count_expired, &expired, &err));
  ck_assert_uint_eq(expired, 0);
  expect_ok(con_action_expire(s, cd_wall_ms() + HOUR_MS + 60000, count_expired, &expired, &err));
  ck_assert_uint_eq(expired, 1);
  ck_assert_int_eq(status_of(s, first.id), CD_ACTION_IN_PROGRESS);
  ck_assert_int_eq(status_of(s, second.id), CD_ACTION_TIMED_OUT);
  con_store_close(s);
}
END_TEST

/* The device took it and fell silent: it does not stand in the way of others for ever. */
START_TEST(an_action_that_nobody_hears_of_times_out_and_a_late_result_is_the_truth)
{
  con_store *s = open_store();
  con_enrolled e = add_device(s, "desk", 1);
  con_action_made made = isolate(s, e.device);
  con_action a = {0};
  int64_t end_ms = made.created_ms + HOUR_MS;
  unsigned expired = 0;
  expect_ok(con_action_sent(s, cd_str_from(made.id), CD_STR("o"), &err));
  expect_ok(con_action_accepted(s, cd_str_from(made.id), &err));
  expect_ok(con_action_expire(s, end_ms + CON_SILENT_MS - 60000, count_expired, &expired, &err));
  ck_assert_uint_eq(expired, 0);
  expect_ok(con_action_expire(s, end_ms + CON_SILENT_MS + 60000, count_expired, &expired, &err));
  ck_assert_uint_eq(expired, 1);
  expect_ok(con_action_get(s, cd_str_from(made.id), &a, &err));
  ck_assert_int_eq(a.status, CD_ACTION_TIMED_OUT);
  ck_assert(cd_str_eq_cstr(a.sentence, "the device took it and never said what became of it"));
  con_action_release(&a);
  expect_wanted(s, e.device, CD_WANTED_ISOLATED, made.id, 1);
  expect_refused(con_action_active(s, cd_str_from(e.device), CD_STR("Isolate"), &a, &err),
                 CD_E_NOTFOUND, "");
  expect_ok(end(s, made.id, CD_ACTION_SUCCEEDED, RESULT));
  ck_assert_int_eq(status_of(s, made.id), CD_ACTION_SUCCEEDED);
  con_store_close(s);
}
END_TEST

START_TEST(a_higher_generation_of_the_device_is_passed)
{
  con_store *s = open_store();
  con_enrolled e = add_device(s, "desk", 1);
  cd_str device = cd_str_from(e.device);
  con_action_made first = isolate(s, e.device);
  con_action_made second = release(s, e.device);
  uint64_t generation = 0;
  expect_ok(con_action_refresh(s, cd_str_from(first.id), &generation, &err));
  ck_assert_uint_eq(generation, 1);
  expect_ok(con_wanted_raise(s, device, CD_STATE_ISOLATE, 1, &err));
  expect_ok(con_action_refresh(s, cd_str_from(first.id), &generation, &err));
  ck_assert_uint_eq(generation, 3);
  expect_ok(con_action_sent(s, cd_str_from(first.id), CD_STR("o"), &err));
  expect_ok(con_action_refresh(s, cd_str_from(first.id), &generation, &err));
  ck_assert_uint_eq(generation, 3);
  /* The second was given 2 when it was created; the device holds 3 by now. */
  expect_ok(con_action_refresh(s, cd_str_from(second.id), &generation, &err));
  ck_assert_uint_eq(generation, 4);
  expect_wanted(s, e.device, CD_WANTED_RELEASED, second.id, 4);
  expect_ok(con_wanted_raise(s, device, CD_STATE_ISOLATE, 40, &err));
  expect_ok(con_action_refresh(s, cd_str_from(second.id), &generation, &err));
  ck_assert_uint_eq(generation, 41);
  con_store_close(s);
}
END_TEST

START_TEST(a_release_on_the_device_itself_is_learnt_once)
{
  con_store *s = open_store();
  con_enrolled e = add_device(s, "desk", 1);
  con_enrolled other = add_device(s, "other", 2);
  con_action_made made = isolate(s, e.device);
  expect_ok(end(s, made.id, CD_ACTION_SUCCEEDED, RESULT));
  con_action_local l = {.id = "0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01",
                        .device = cd_str_from(e.device),
                        .kind = CD_ORDER_RELEASE,
                        .type = CD_STR("Unisolate"),
                        .requestor = CD_STR("bob"),
                        .generation = 5,
                        .created_ms = 12,
                        .outcome = {.status = CD_ACTION_SUCCEEDED,
                                    .outcome = CD_STR("ok"),
                                    .result = CD_STR("x.y.z"),
                                    .evidence = CD_STR("{}")}};
  expect_ok(con_action_given_locally(s, &l, &err));
  expect_ok(con_action_given_locally(s, &l, &err));
  expect_wanted(s, e.device, CD_WANTED_RELEASED, l.id, 5);
  l.device = cd_str_from(other.device);
  expect_refused(con_action_given_locally(s, &l, &err), CD_E_CONFLICT, "another device");
  con_action_made next = isolate(s, e.device);
  ck_assert_uint_eq(next.generation, 6);
  con_store_close(s);
}
END_TEST

/* One that fails is undone alone; nothing is there for others before the end of all. */
START_TEST(many_actions_have_one_commit)
{
  con_store *s = open_store();
  con_store *reader = NULL;
  con_enrolled e = add_device(s, "desk", 1);
  con_enrolled other = add_device(s, "other", 2);
  con_audit_report report = {0};
  con_audit_ref before = {0};
  con_action_made made = {0};
  con_action a = {0};
  const con_action_new wrong = {.device = CD_STR("none"),
                                .kind = CD_ORDER_ISOLATE,
                                .type = CD_STR("Isolate"),
                                .parameters = CD_STR("{}"),
                                .expires_ms = cd_wall_ms() + HOUR_MS};
  expect_ok(con_store_open_reader(db_path(), &reader, &err));
  expect_ok(con_audit_head(s, &before, &err));
  expect_ok(con_store_many_begin(s, &err));
  con_action_made first = isolate(s, e.device);
  expect_refused(con_action_create(s, &alice, &wrong, &made, &err), CD_E_NOTFOUND, "'none'");
  con_action_made second = isolate(s, other.device);
  expect_refused(con_action_get(reader, cd_str_from(first.id), &a, &err), CD_E_NOTFOUND, first.id);
  expect_ok(con_store_many_end(s, &err));
  ck_assert_uint_eq(first.audit.sequence, before.sequence + 1);
  ck_assert_uint_eq(second.audit.sequence, before.sequence + 2);
  expect_ok(con_action_get(reader, cd_str_from(second.id), &a, &err));
  con_action_release(&a);
  expect_ok(con_audit_verify(s, NULL, NULL, test_seal(), &report, &err));
  ck_assert_int_eq(report.fault, CON_AUDIT_INTACT);
  con_action_made third = release(s, e.device);
  ck_assert_uint_eq(third.audit.sequence, before.sequence + 3);
  con_store_close(reader);
  con_store_close(s);
}
END_TEST

static con_action_made isolate_until(con_store *s, const char *device, int64_t until_ms)
{
  con_action_made made = {0};
  cd_buf parameters = CD_BUF_INIT(256);
  cd_buf_addf(&parameters, "{\"type\":\"full\",\"exclusions\":[],\"lease\":{\"until\":%lld}}",
              (long long)until_ms);
  const con_action_new n = {.device = cd_str_from(device),
                            .kind = CD_ORDER_ISOLATE,
                            .type = CD_STR("Isolate"),
                            .scope = CD_STR("Full"),
                            .source = CD_STR("PublicApi"),
                            .parameters = cd_buf_view(&parameters),
                            .expires_ms = cd_wall_ms() + HOUR_MS};
  expect_ok(con_action_create(s, &alice, &n, &made, &err));
  cd_buf_release(&parameters);
  return made;
}

static void note_lapsed(void *context, const char *action, cd_str device)
{
  memcpy(context, action, CD_ID_SIZE);
}

START_TEST(an_isolation_is_wanted_until_its_lease_ends)
{
  con_store *s = open_store();
  con_enrolled e = add_device(s, "desk", 1);
  con_enrolled other = add_device(s, "other", 2);
  char lapsed[CD_ID_SIZE] = "";
  con_action_made made = isolate_until(s, e.device, cd_wall_ms() + 200);
  con_action_made longer = isolate_until(s, other.device, cd_wall_ms() + HOUR_MS);
  expect_wanted(s, e.device, CD_WANTED_ISOLATED, made.id, 1);
  for (int64_t end_ms = cd_wall_ms() + 20000; lapsed[0] == '\0' && cd_wall_ms() < end_ms;)
    expect_ok(con_wanted_lapse(s, 10, note_lapsed, lapsed, &err));
  ck_assert_str_eq(lapsed, made.id);
  expect_wanted(s, e.device, CD_WANTED_RELEASED, made.id, 1);
  expect_wanted(s, other.device, CD_WANTED_ISOLATED, longer.id, 1);
  lapsed[0] = '\0';
  expect_ok(con_wanted_lapse(s, 10, note_lapsed, lapsed, &err));
  ck_assert_str_eq(lapsed, "");
  /* Nor does its result bring it back. */
  expect_ok(end(s, made.id, CD_ACTION_SUCCEEDED, RESULT));
  expect_wanted(s, e.device, CD_WANTED_RELEASED, made.id, 1);
  con_store_close(s);
}
END_TEST

/* Which of two is newer says the order in which they were asked for, not a number in a row. */
START_TEST(what_was_asked_last_is_wanted)
{
  con_store *s = open_store();
  con_enrolled e = add_device(s, "desk", 1);
  con_action_made first = isolate(s, e.device);
  expect_ok(end(s, first.id, CD_ACTION_SUCCEEDED, RESULT));
  con_action_made second = release(s, e.device);
  attack("UPDATE action SET generation = 900 WHERE type = 'Isolate'");
  expect_ok(end(s, second.id, CD_ACTION_SUCCEEDED, RESULT));
  expect_wanted(s, e.device, CD_WANTED_RELEASED, second.id, 2);
  con_store_close(s);
}
END_TEST

/* The device's own word that it could not reach us changes nothing of what is wanted. */
START_TEST(what_a_device_rolled_back_is_still_wanted)
{
  con_store *s = open_store();
  con_enrolled e = add_device(s, "desk", 1);
  uint64_t count = 9;
  con_action_made made = isolate(s, e.device);
  expect_ok(end(s, made.id, CD_ACTION_SUCCEEDED, RESULT));
  con_action_local l = {.id = "0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01",
                        .device = cd_str_from(e.device),
                        .kind = CD_ORDER_RELEASE,
                        .type = CD_STR("Unisolate"),
                        .requestor = CD_STR("unreachable"),
                        .generation = 2,
                        .created_ms = 12,
                        .outcome = {.status = CD_ACTION_SUCCEEDED,
                                    .outcome = CD_STR("ok"),
                                    .result = CD_STR("x.y.z"),
                                    .evidence = CD_STR("{}")}};
  expect_ok(con_action_given_locally(s, &l, &err));
  expect_wanted(s, e.device, CD_WANTED_ISOLATED, made.id, 2);
  expect_ok(con_action_rolled_back(s, cd_str_from(e.device), &count, &err));
  ck_assert_uint_eq(count, 1);
  con_action_made again = isolate(s, e.device);
  expect_wanted(s, e.device, CD_WANTED_ISOLATED, again.id, 3);
  expect_ok(con_action_rolled_back(s, cd_str_from(e.device), &count, &err));
  ck_assert_uint_eq(count, 0);
  (void)cd_str_copy(l.id, sizeof(l.id), CD_STR("0198d2a0-5c31-7a10-8c55-2f6d3a1b9e02"));
  l.requestor = CD_STR("lease");
  l.generation = 4;
  expect_ok(con_action_given_locally(s, &l, &err));
  expect_ok(end(s, again.id, CD_ACTION_SUCCEEDED, RESULT));
  expect_wanted(s, e.device, CD_WANTED_RELEASED, l.id, 4);
  con_store_close(s);
}
END_TEST

START_TEST(actions_are_listed_newest_first_in_pages)
{
  con_store *s = open_store();
  con_enrolled e = add_device(s, "desk", 1);
  con_enrolled other = add_device(s, "other", 2);
  con_action_made first = isolate(s, e.device);
  con_action_made second = isolate(s, other.device);
  con_action a = {0};
  due d = {0};
  expect_ok(con_action_each(s, &(con_action_query){0}, note, &d, &err));
  ck_assert_uint_eq(d.count, 2);
  ck_assert_str_eq(d.ids[0], second.id);
  expect_ok(con_action_get(s, cd_str_from(second.id), &a, &err));
  d = (due){0};
  expect_ok(con_action_each(s, &(con_action_query){.before = a.number}, note, &d, &err));
  ck_assert_uint_eq(d.count, 1);
  ck_assert_str_eq(d.ids[0], first.id);
  con_action_release(&a);
  d = (due){0};
  expect_ok(
      con_action_each(s, &(con_action_query){.device = cd_str_from(other.device)}, note, &d, &err));
  ck_assert_uint_eq(d.count, 1);
  d = (due){0};
  expect_ok(con_action_each(s, &(con_action_query){.status = CD_ACTION_FAILED}, note, &d, &err));
  ck_assert_uint_eq(d.count, 0);
  con_store_close(s);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      an_action_is_created_with_its_entry_and_its_generation,
      a_second_one_of_a_kind_is_refused_where_asked_for,
      a_group_acts_in_the_order_of_creation_and_cancels_do_not_wait,
      an_action_runs_from_pending_to_its_end_and_ends_once,
      what_failed_or_was_cancelled_gives_way_and_what_timed_out_does_not,
      what_failed_and_goes_on_is_still_wanted,
      a_cancelled_action_names_who_and_a_late_result_is_the_truth,
      pending_actions_time_out,
      what_was_asked_last_is_wanted,
      many_actions_have_one_commit,
      an_action_that_nobody_hears_of_times_out_and_a_late_result_is_the_truth,
      a_higher_generation_of_the_device_is_passed,
      a_release_on_the_device_itself_is_learnt_once,
      an_isolation_is_wanted_until_its_lease_ends,
      what_a_device_rolled_back_is_still_wanted,
      actions_are_listed_newest_first_in_pages,
  };
  return run_suite("console.store.action", tests, COUNT_OF(tests));
}
