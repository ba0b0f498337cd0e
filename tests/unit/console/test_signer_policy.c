/* Policies that are signed are taken by the device they are for; what the audit log does not say is
 * not signed. */
#include "signer_place.h"

#include "base/clock.h"
#include "protocol/policy.h"
#include "store_policy.h"

#include <stdio.h>
#include <string.h>

#define BODY "{\"local\":{\"isolate\":\"nobody\"}}"

static con_store *store;
static sig_signer signer;
static fleet_device desk;
static con_device_policy given;

static void begin(void)
{
  uint64_t revision = 0;
  store = open_store();
  enroll_device(store, "desk", &desk);
  expect_ok(con_policy_set(store, &alice, CD_STR("default"), CD_STR(BODY), &revision, &err));
  expect_ok(con_device_policy_issue(store, cd_str_from(desk.enrolled.device), false, &given, &err));
  open_signer(&signer, NULL);
  expect_signed(attach(&signer));
}

static void end(void)
{
  con_device_policy_release(&given);
  sig_close(&signer);
  free_device(&desk);
  con_store_close(store);
}

typedef struct wish {
  const char *device;
  const char *name;
  const char *body;
  uint64_t version;
  con_audit_ref audit;
} wish;

static wish good(void)
{
  return (wish){.device = desk.enrolled.device,
                .name = "default",
                .body = BODY,
                .version = given.version,
                .audit = given.audit};
}

static con_signer_reply sign_policy(const wish *x)
{
  char digest[CD_DIGEST_TEXT_MAX];
  cd_buf params = CD_BUF_INIT(64u * 1024u);
  cd_jw w;
  cd_digest_text(&x->audit.digest, digest);
  cd_jw_init(&w, &params);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "device", x->device);
  cd_jw_u64(&w, "version", x->version);
  cd_jw_cstr(&w, "name", x->name);
  cd_jw_cstr(&w, "body", x->body);
  cd_jw_obj(&w, "audit");
  cd_jw_u64(&w, "sequence", x->audit.sequence);
  cd_jw_cstr(&w, "digest", digest);
  cd_jw_end_obj(&w);
  cd_jw_end_obj(&w);
  expect_ok(cd_jw_done(&w, "the request", &err));
  con_signer_reply reply = ask(&signer, "sign_policy", cd_buf_cstr(&params));
  cd_buf_release(&params);
  return reply;
}

START_TEST(a_recorded_policy_is_signed_and_the_device_takes_it)
{
  begin();
  wish x = good();
  cd_policy_accepted a = {0};
  con_signer_reply r = sign_policy(&x);
  expect_signed(r);
  const cd_policy_known known = {
      .device = cd_str_from(desk.enrolled.device), .now_ms = cd_wall_ms(), .clock_trusted = true};
  expect_ok(cd_policy_accept(r.policy_key, r.policy, &signer.keys.root, &known, &a, NULL, &err));
  ck_assert_str_eq(a.policy.name, "default");
  ck_assert(cd_str_eq_cstr(a.policy.body, BODY));
  ck_assert_uint_eq(a.policy.version, 1);
  ck_assert_uint_eq(a.policy.audit_sequence, given.audit.sequence);
  /* The order key signs no policy, and the policy key no order. */
  ck_assert_int_eq(
      cd_policy_verify(r.policy, cd_key_public(signer.keys.order.key), &a.policy, NULL, &err),
      CD_E_DENIED);
  cd_policy_release(&a.policy);
  end();
}
END_TEST

#define expect_no_policy(x, words)                                                                 \
  do {                                                                                             \
    con_signer_reply reply_ = sign_policy(x);                                                      \
    ck_assert_msg(reply_.code != CD_OK, "it was signed");                                          \
    ck_assert_uint_eq(reply_.policy.len, 0);                                                       \
    ck_assert_msg(strstr(reply_.sentence, (words)) != NULL, "'%s' has no '%s'", reply_.sentence,   \
                  (words));                                                                        \
  } while (0)

START_TEST(what_the_entry_does_not_say_is_not_signed)
{
  begin();
  fleet_device other;
  enroll_device(store, "other", &other);
  con_action_made action = isolate(store, desk.enrolled.device);
  wish x = good();
  x.body = "{}";
  expect_no_policy(&x, "another body");
  x = good();
  x.version = 2;
  expect_no_policy(&x, "another version or name");
  x = good();
  x.name = "servers";
  expect_no_policy(&x, "another version or name");
  x = good();
  x.device = other.enrolled.device;
  expect_no_policy(&x, "another device");
  x = good();
  x.audit = action.audit;
  expect_no_policy(&x, "records no policy");
  x = good();
  x.audit.sequence++;
  expect_no_policy(&x, "audit log");
  expect_ok(con_device_revoke(store, &alice, cd_str_from(desk.enrolled.device), &err));
  x = good();
  expect_no_policy(&x, "revoked");
  free_device(&other);
  end();
}
END_TEST

START_TEST(an_entry_that_was_made_behind_the_console_counts_for_nothing)
{
  begin();
  attack("UPDATE audit SET detail = replace(detail, 'default', 'servers') WHERE what = "
         "'policy.issue'");
  wish x = good();
  x.name = "servers";
  reopen_signer(&signer, NULL);
  expect_no_policy(&x, "");
  end();
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      a_recorded_policy_is_signed_and_the_device_takes_it,
      what_the_entry_does_not_say_is_not_signed,
      an_entry_that_was_made_behind_the_console_counts_for_nothing,
  };
  return run_suite("console.signer_policy", tests, COUNT_OF(tests));
}
