/* Orders that are signed are taken by a device; what the audit log does not say is not signed. */
#include "../syncs.h"
#include "signer_place.h"

#include "audit_head.h"
#include "base/clock.h"
#include "protocol/mark.h"
#include "protocol/order.h"

#include <stdio.h>
#include <string.h>

static con_store *store;
static sig_signer signer;
static fleet_device desk;

static void begin(const char *more)
{
  store = open_store();
  enroll_device(store, "desk", &desk);
  open_signer(&signer, more);
  expect_signed(attach(&signer));
}

static void end(void)
{
  sig_close(&signer);
  free_device(&desk);
  con_store_close(store);
}

static cd_code device_accepts(const con_signer_reply *r, uint64_t generation, cd_accepted *out)
{
  const cd_order_known known = {.device = cd_str_from(desk.enrolled.device),
                                .generations = {[CD_STATE_ISOLATE] = generation},
                                .now_ms = cd_wall_ms(),
                                .clock_trusted = true};
  return cd_order_accept(r->order_key, r->order, &signer.keys.root, &known, out, NULL, &err);
}

START_TEST(a_recorded_action_becomes_an_order_that_the_device_takes)
{
  cd_accepted a = {0};
  begin(NULL);
  con_action_made made = isolate(store, desk.enrolled.device);
  con_signer_reply r = sign_full(&signer, desk.enrolled.device, &made);
  expect_signed(r);
  expect_ok(device_accepts(&r, 0, &a));
  ck_assert_str_eq(a.order.action, made.id);
  ck_assert_str_eq(a.order.requestor, "alice");
  ck_assert(cd_str_eq_cstr(a.order.comment, "because of a test"));
  ck_assert(cd_str_eq_cstr(a.order.parameters, FULL));
  ck_assert_int_eq(a.order.kind, CD_ORDER_ISOLATE);
  ck_assert_uint_eq(a.order.audit_sequence, made.audit.sequence);
  ck_assert(cd_digest_equal(&a.order.audit_digest, &made.audit.digest));
  cd_order_release(&a.order);
  end();
}
END_TEST

/* What is signed, and what the log said of it until then, with one sync. */
START_TEST(an_order_is_on_the_disk_before_it_is_signed)
{
  begin(NULL);
  con_action_made made = isolate(store, desk.enrolled.device);
  expect_signed(sign_full(&signer, desk.enrolled.device, &made));
  made = isolate(store, desk.enrolled.device);
  syncs = 0;
  expect_signed(sign_full(&signer, desk.enrolled.device, &made));
  ck_assert_uint_eq(syncs, 1);
  end();
}
END_TEST

START_TEST(an_action_may_be_signed_again_with_a_higher_generation)
{
  cd_accepted a = {0};
  begin(NULL);
  con_action_made made = isolate(store, desk.enrolled.device);
  con_signer_reply r = sign(&signer, desk.enrolled.device, &made, FULL, 41);
  expect_signed(r);
  expect_ok(device_accepts(&r, 40, &a));
  ck_assert_uint_eq(a.order.generation, 41);
  cd_order_release(&a.order);
  expect_not_signed(sign(&signer, desk.enrolled.device, &made, FULL, made.generation - 1),
                    CD_E_DENIED, "generation");
  end();
}
END_TEST

START_TEST(what_the_entry_does_not_say_is_not_signed)
{
  begin(NULL);
  fleet_device other;
  enroll_device(store, "other", &other);
  con_action_made made = isolate(store, desk.enrolled.device);
  con_action_made wrong = made;
  expect_not_signed(sign_full(&signer, other.enrolled.device, &made), CD_E_DENIED,
                    "another device");
  expect_not_signed(sign(&signer, desk.enrolled.device, &made, "{}", 1), CD_E_DENIED,
                    "other parameters");
  memcpy(wrong.id, "0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01", sizeof(wrong.id));
  expect_not_signed(sign_full(&signer, desk.enrolled.device, &wrong), CD_E_DENIED,
                    "another action");
  wrong = made;
  wrong.audit = desk.enrolled.audit;
  expect_not_signed(sign_full(&signer, desk.enrolled.device, &wrong), CD_E_DENIED,
                    "records no action");
  wrong.audit.sequence = 900;
  expect_not_signed(sign_full(&signer, desk.enrolled.device, &wrong), CD_E_NOTFOUND,
                    "no entry 900");
  wrong = made;
  wrong.audit.digest.bytes[0] ^= 1;
  expect_not_signed(sign_full(&signer, desk.enrolled.device, &wrong), CD_E_CONFLICT,
                    "not the one that was named");
  wrong = made;
  wrong.created_ms += HOUR_MS;
  expect_not_signed(sign_full(&signer, desk.enrolled.device, &wrong), CD_E_DENIED, "end sooner");
  signer_now = made.created_ms + HOUR_MS;
  expect_not_signed(sign_full(&signer, desk.enrolled.device, &made), CD_E_DEADLINE, "is over");
  free_device(&other);
  end();
}
END_TEST

START_TEST(a_cancelled_or_ended_action_and_a_revoked_device_get_no_order)
{
  begin(NULL);
  con_action_made first = isolate(store, desk.enrolled.device);
  con_action_made second = isolate(store, desk.enrolled.device);
  con_action_made third = isolate(store, desk.enrolled.device);
  const con_action_outcome o = {.status = CD_ACTION_FAILED, .outcome = CD_STR("io")};
  expect_signed(sign_full(&signer, desk.enrolled.device, &first));
  expect_ok(con_action_cancel(store, &alice, cd_str_from(first.id), NULL, &err));
  expect_not_signed(sign_full(&signer, desk.enrolled.device, &first), CD_E_DENIED,
                    "was cancelled or has ended");
  expect_ok(con_action_ended(store, cd_str_from(second.id), &o, &err));
  expect_not_signed(sign_full(&signer, desk.enrolled.device, &second), CD_E_DENIED,
                    "was cancelled or has ended");
  reopen_signer(&signer, NULL);
  expect_not_signed(sign_full(&signer, desk.enrolled.device, &first), CD_E_DENIED,
                    "was cancelled or has ended");
  expect_ok(con_device_revoke(store, &alice, cd_str_from(desk.enrolled.device), &err));
  expect_not_signed(sign_full(&signer, desk.enrolled.device, &third), CD_E_DENIED, "revoked");
  end();
}
END_TEST

START_TEST(the_caps_hold_across_a_restart)
{
  static const char caps[] = ",\"caps\":{\"orders_per_minute\":4,\"isolated_devices_per_hour\":1}";
  begin(caps);
  fleet_device other;
  enroll_device(store, "other", &other);
  con_action_made made = isolate(store, desk.enrolled.device);
  con_action_made second = isolate(store, other.enrolled.device);
  con_action_made back = release(store, desk.enrolled.device);
  expect_signed(sign_full(&signer, desk.enrolled.device, &made));
  expect_signed(sign_full(&signer, desk.enrolled.device, &made));
  reopen_signer(&signer, caps);
  expect_not_signed(sign_full(&signer, other.enrolled.device, &second), CD_E_LIMIT,
                    "1 devices were isolated in the last hour");
  expect_signed(sign(&signer, desk.enrolled.device, &back, "{}", back.generation));
  expect_signed(sign(&signer, desk.enrolled.device, &back, "{}", back.generation));
  expect_not_signed(sign(&signer, desk.enrolled.device, &back, "{}", back.generation), CD_E_LIMIT,
                    "4 orders were signed in the last minute");
  signer_now = cd_wall_ms() + 2 * 60000;
  expect_signed(sign(&signer, desk.enrolled.device, &back, "{}", back.generation));
  free_device(&other);
  end();
}
END_TEST

START_TEST(a_protected_device_is_never_isolated_and_always_released)
{
  char more[256];
  store = open_store();
  enroll_device(store, "desk", &desk);
  (void)snprintf(more, sizeof(more), ",\"protected\":[{\"device\":\"%s\",\"note\":\"the DC\"}]",
                 desk.enrolled.device);
  open_signer(&signer, more);
  expect_signed(attach(&signer));
  con_action_made made = isolate(store, desk.enrolled.device);
  con_action_made back = release(store, desk.enrolled.device);
  expect_not_signed(sign_full(&signer, desk.enrolled.device, &made), CD_E_DENIED, "protected");
  expect_signed(sign(&signer, desk.enrolled.device, &back, "{}", back.generation));
  end();
}
END_TEST

#define QUARANTINE "{\"operation\":\"file.quarantine\",\"target\":{\"path\":\"/tmp/x\"}}"
#define UNDO                                                                                       \
  "{\"operation\":\"undo\",\"target\":{\"action\":\"0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01\"}}"
#define QUICK "{\"type\":\"quick\"}"

static con_action_made job(const char *device, cd_order_kind kind, const char *parameters)
{
  con_action_made made = {0};
  const con_action_new n = {.device = cd_str_from(device),
                            .kind = kind,
                            .type = CD_STR("Job"),
                            .source = CD_STR("PublicApi"),
                            .parameters = cd_str_from(parameters),
                            .expires_ms = cd_wall_ms() + HOUR_MS};
  expect_ok(con_action_create(store, &alice, &n, &made, &err));
  return made;
}

START_TEST(scans_and_remediations_are_signed_as_they_are_recorded)
{
  cd_accepted a = {0};
  begin(NULL);
  con_action_made scan = job(desk.enrolled.device, CD_ORDER_SCAN, QUICK);
  con_action_made cure = job(desk.enrolled.device, CD_ORDER_REMEDIATE, QUARANTINE);
  con_signer_reply r = sign(&signer, desk.enrolled.device, &scan, QUICK, 0);
  expect_signed(r);
  expect_ok(device_accepts(&r, 0, &a));
  ck_assert_int_eq(a.order.kind, CD_ORDER_SCAN);
  cd_order_release(&a.order);
  expect_not_signed(sign(&signer, desk.enrolled.device, &scan, "{\"type\":\"full\"}", 0),
                    CD_E_DENIED, "other parameters");
  expect_not_signed(sign(&signer, desk.enrolled.device, &cure, UNDO, 0), CD_E_DENIED,
                    "other parameters");
  r = sign(&signer, desk.enrolled.device, &cure, QUARANTINE, 0);
  expect_signed(r);
  expect_ok(device_accepts(&r, 0, &a));
  ck_assert_int_eq(a.order.kind, CD_ORDER_REMEDIATE);
  cd_order_release(&a.order);
  con_action_made wrong = job(desk.enrolled.device, CD_ORDER_REMEDIATE, "{}");
  expect_not_signed(sign(&signer, desk.enrolled.device, &wrong, "{}", 0), CD_E_INVALID,
                    "operation is missing");
  end();
}
END_TEST

START_TEST(a_protected_device_is_scanned_and_given_back_and_never_remediated)
{
  char more[256];
  store = open_store();
  enroll_device(store, "desk", &desk);
  (void)snprintf(more, sizeof(more), ",\"protected\":[{\"device\":\"%s\"}]", desk.enrolled.device);
  open_signer(&signer, more);
  expect_signed(attach(&signer));
  con_action_made scan = job(desk.enrolled.device, CD_ORDER_SCAN, QUICK);
  con_action_made cure = job(desk.enrolled.device, CD_ORDER_REMEDIATE, QUARANTINE);
  con_action_made back = job(desk.enrolled.device, CD_ORDER_REMEDIATE, UNDO);
  expect_signed(sign(&signer, desk.enrolled.device, &scan, QUICK, 0));
  expect_not_signed(sign(&signer, desk.enrolled.device, &cure, QUARANTINE, 0), CD_E_DENIED,
                    "protected: it is never remediated");
  expect_signed(sign(&signer, desk.enrolled.device, &back, UNDO, 0));
  end();
}
END_TEST

START_TEST(no_more_devices_are_remediated_in_an_hour_than_the_cap_says)
{
  static const char caps[] = ",\"caps\":{\"remediated_devices_per_hour\":1}";
  begin(caps);
  fleet_device other;
  enroll_device(store, "other", &other);
  con_action_made first = job(desk.enrolled.device, CD_ORDER_REMEDIATE, QUARANTINE);
  con_action_made second = job(other.enrolled.device, CD_ORDER_REMEDIATE, QUARANTINE);
  con_action_made back = job(other.enrolled.device, CD_ORDER_REMEDIATE, UNDO);
  con_action_made held = isolate(store, other.enrolled.device);
  expect_signed(sign(&signer, desk.enrolled.device, &first, QUARANTINE, 0));
  expect_signed(sign(&signer, desk.enrolled.device, &first, QUARANTINE, 0));
  expect_not_signed(sign(&signer, other.enrolled.device, &second, QUARANTINE, 0), CD_E_LIMIT,
                    "1 devices were remediated in the last hour");
  expect_signed(sign(&signer, other.enrolled.device, &back, UNDO, 0));
  expect_signed(sign_full(&signer, other.enrolled.device, &held));
  free_device(&other);
  end();
}
END_TEST

START_TEST(a_mark_is_for_this_device_and_nonce)
{
  static const uint8_t nonce[CD_NONCE_SIZE] = {0};
  cd_mark m = {0};
  char params[256];
  begin(NULL);
  (void)snprintf(params, sizeof(params),
                 "{\"device\":\"%s\",\"nonce\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"states\":[{\"state\":"
                 "\"isolate\",\"generation\":12}]}",
                 desk.enrolled.device);
  con_signer_reply r = ask(&signer, "mark", params);
  expect_signed(r);
  expect_ok(cd_mark_verify(r.mark, cd_key_public(signer.keys.order.key), CD_MARK_FROM_CONSOLE,
                           cd_str_from(desk.enrolled.device), nonce, &m, &err));
  ck_assert_uint_eq(m.generations[CD_STATE_ISOLATE], 12);
  ck_assert_uint_eq(m.key_generation, 1);
  end();
}
END_TEST

START_TEST(the_head_is_signed)
{
  con_head head = {0};
  con_audit_ref here = {0};
  begin(NULL);
  con_signer_reply r = ask(&signer, "head", "{}");
  expect_signed(r);
  expect_ok(con_audit_head(store, &here, &err));
  expect_ok(con_head_verify(r.signed_head, cd_key_public(signer.keys.order.key), &head, &err));
  ck_assert_uint_eq(head.ref.sequence, here.sequence);
  ck_assert(cd_digest_equal(&head.ref.digest, &here.digest));
  ck_assert_int_eq(
      con_head_verify(r.signed_head, cd_key_public(signer.keys.policy.key), &head, &err),
      CD_E_DENIED);
  end();
}
END_TEST

/* Only for those that are there, and as they are. */
START_TEST(the_head_speaks_for_entries)
{
  char params[512];
  char digest[CD_DIGEST_TEXT_MAX];
  con_head head = {0};
  static const char form[] = "{\"entries\":[{\"sequence\":%llu,\"digest\":\"%s\"}]}";
  begin(NULL);
  con_action_made made = isolate(store, desk.enrolled.device);
  cd_digest_text(&made.audit.digest, digest);
  (void)snprintf(params, sizeof(params), form, (unsigned long long)made.audit.sequence, digest);
  con_signer_reply r = ask(&signer, "head", params);
  expect_signed(r);
  expect_ok(con_head_verify(r.signed_head, cd_key_public(signer.keys.order.key), &head, &err));
  ck_assert_uint_eq(head.entry_count, 1);
  ck_assert_uint_eq(head.entries[0].sequence, made.audit.sequence);
  ck_assert(cd_digest_equal(&head.entries[0].digest, &made.audit.digest));
  (void)snprintf(params, sizeof(params), form, (unsigned long long)made.audit.sequence - 1, digest);
  expect_not_signed(ask(&signer, "head", params), CD_E_CONFLICT, "not the one that was named");
  (void)snprintf(params, sizeof(params), form, (unsigned long long)made.audit.sequence + 1, digest);
  expect_not_signed(ask(&signer, "head", params), CD_E_NOTFOUND, "no entry");
  attack("UPDATE audit SET detail = '{}' WHERE what = 'action.create'");
  (void)snprintf(params, sizeof(params), form, (unsigned long long)made.audit.sequence, digest);
  expect_not_signed(ask(&signer, "head", params), CD_E_CONFLICT, "edited");
  end();
}
END_TEST

START_TEST(a_malformed_request_is_refused_with_a_sentence)
{
  begin(NULL);
  expect_not_signed(ask(&signer, "no_such", "{}"), CD_E_INVALID, "not one of the signer's");
  expect_not_signed(ask(&signer, "head", "[]"), CD_E_INVALID, "params");
  expect_not_signed(ask(&signer, "head", "{"), CD_E_INVALID, "the request");
  expect_not_signed(ask(&signer, "head", "{\"a\":1}"), CD_E_INVALID, "not a known key");
  expect_not_signed(ask(&signer, "mark", "{}"), CD_E_INVALID, "device");
  expect_not_signed(ask(&signer, "mark", "{\"device\":\"UPPER\"}"), CD_E_INVALID, "device");
  expect_not_signed(ask(&signer, "attach", "{\"seal\":\"AAAA\"}"), CD_E_INVALID, "32 bytes");
  end();
}
END_TEST

START_TEST(another_console_is_not_let_in_and_nothing_goes_without_one)
{
  char params[128];
  store = open_store();
  enroll_device(store, "desk", &desk);
  open_signer(&signer, NULL);
  con_action_made made = isolate(store, desk.enrolled.device);
  expect_not_signed(sign_full(&signer, desk.enrolled.device, &made), CD_E_UNAVAILABLE,
                    "no console has introduced itself");
  expect_signed(attach(&signer));
  reopen_signer(&signer, NULL);
  expect_signed(sign_full(&signer, desk.enrolled.device, &made));
  (void)snprintf(params, sizeof(params), "{\"seal\":\"%s\"}",
                 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
  expect_not_signed(ask(&signer, "attach", params), CD_E_DENIED, "another console");
  end();
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      a_recorded_action_becomes_an_order_that_the_device_takes,
      an_order_is_on_the_disk_before_it_is_signed,
      an_action_may_be_signed_again_with_a_higher_generation,
      what_the_entry_does_not_say_is_not_signed,
      a_cancelled_or_ended_action_and_a_revoked_device_get_no_order,
      the_caps_hold_across_a_restart,
      a_protected_device_is_never_isolated_and_always_released,
      scans_and_remediations_are_signed_as_they_are_recorded,
      a_protected_device_is_scanned_and_given_back_and_never_remediated,
      no_more_devices_are_remediated_in_an_hour_than_the_cap_says,
      a_mark_is_for_this_device_and_nonce,
      the_head_is_signed,
      the_head_speaks_for_entries,
      a_malformed_request_is_refused_with_a_sentence,
      another_console_is_not_let_in_and_nothing_goes_without_one,
  };
  return run_suite("console.signer.orders", tests, COUNT_OF(tests));
}
