/* Policies: their claims and bodies, and each way in which they can be wrong though they are
 * signed. */
#include "protocol/policy.h"

#include "fixture.h"
#include "protocol/message.h"
#include "protocol/result.h"

#include <stdio.h>
#include <string.h>

#define BODY                                                                                       \
  "{\"providers\":{\"isolate\":[\"nftables\",\"iptables\"]},"                                      \
  "\"console\":{\"agents\":[\"console-b.example:8444\",\"[2001:db8::2]:8444\"],"                   \
  "\"resolvers\":[\"192.0.2.53\"]}}"

static const char text_of_sample[] =
    "{\"device\":\"" DEVICE "\",\"version\":7,\"name\":\"servers\",\"issued\":1790000000000,"
    "\"audit\":{\"sequence\":812,\"digest\":\"sha256:"
    "a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5\"},\"body\":" BODY "}";

static cd_policy sample(void)
{
  cd_policy p = {.version = 7, .issued_ms = NOW_MS, .audit_sequence = 812, .body = CD_STR(BODY)};
  (void)cd_str_copy(p.device, sizeof(p.device), CD_STR(DEVICE));
  (void)cd_str_copy(p.name, sizeof(p.name), CD_STR("servers"));
  memset(p.audit_digest.bytes, 0xa5, sizeof(p.audit_digest.bytes));
  return p;
}

START_TEST(is_written_in_one_way_and_says_what_was_signed)
{
  keys k;
  cd_err err = {0};
  cd_policy back = {0};
  cd_buf jws = CD_BUF_INIT(65536);
  cd_buf payload = CD_BUF_INIT(65536);
  keys_make(&k);
  cd_policy p = sample();
  expect_ok(cd_policy_sign(&p, k.order, &test_random, &jws, &err), &err);
  expect_ok(
      cd_jws_verify(&cd_jws_policy, cd_buf_view(&jws), cd_key_public(k.order), &payload, &err),
      &err);
  ck_assert_str_eq(cd_buf_cstr(&payload), text_of_sample);
  expect_ok(cd_policy_verify(cd_buf_view(&jws), cd_key_public(k.order), &back, NULL, &err), &err);
  ck_assert_str_eq(back.device, DEVICE);
  ck_assert_str_eq(back.name, "servers");
  ck_assert_uint_eq(back.version, 7);
  ck_assert_uint_eq(back.audit_sequence, 812);
  ck_assert(cd_str_eq_cstr(back.body, BODY));
  cd_policy_release(&back);
  cd_policy_release(&back);
  cd_buf_release(&payload);
  cd_buf_release(&jws);
  keys_free(&k);
}
END_TEST

START_TEST(a_policy_that_takes_everything_back_has_no_name)
{
  keys k;
  cd_err err = {0};
  cd_policy back = {0};
  cd_buf jws = CD_BUF_INIT(65536);
  keys_make(&k);
  cd_policy p = sample();
  p.name[0] = '\0';
  p.body = CD_STR("{}");
  expect_ok(cd_policy_sign(&p, k.order, &test_random, &jws, &err), &err);
  expect_ok(cd_policy_verify(cd_buf_view(&jws), cd_key_public(k.order), &back, NULL, &err), &err);
  ck_assert_str_eq(back.name, "");
  cd_policy_release(&back);
  cd_buf_release(&jws);
  keys_free(&k);
}
END_TEST

static const struct changed {
  const char *part;
  const char *by;
  cd_refusal refusal;
  const char *text;
} wrong[] = {
    {"\"version\":7", "\"version\":0", CD_REFUSAL_MALFORMED,
     "the policy: version must be at least 1"},
    {"\"name\":\"servers\"", "\"name\":\"Servers\"", CD_REFUSAL_MALFORMED,
     "the policy: name must be 1 to 64 of a-z, 0-9, '-', '_' and '.', or null"},
    {"\"sequence\":812", "\"sequence\":0", CD_REFUSAL_MALFORMED,
     "the policy: audit.sequence must be at least 1"},
    {"\"version\":7", "\"version\":7,\"expires\":1", CD_REFUSAL_MALFORMED,
     "the policy: expires is not a known key"},
    {"\"body\":{", "\"body\":{\"isolated\":true,", CD_REFUSAL_PARAMETERS,
     "the policy: body.isolated is not a known key"},
    {"\"resolvers\"", "\"addresses\"", CD_REFUSAL_PARAMETERS,
     "the policy: body.console.addresses is not a known key"},
    {"[\"192.0.2.53\"]", "[\"dns.example\"]", CD_REFUSAL_PARAMETERS,
     "the policy: body.console.resolvers has 'dns.example', which is no address"},
    {"console-b.example:8444", "console-b.example", CD_REFUSAL_PARAMETERS,
     "the policy: body.console.agents has 'console-b.example', which is no HOST:PORT"},
    {"\"nftables\",\"iptables\"", "\"nftables\",\"nftables\"", CD_REFUSAL_PARAMETERS,
     "the policy: body.providers.isolate names 'nftables' twice"},
    {"\"nftables\",\"iptables\"", "", CD_REFUSAL_PARAMETERS,
     "the policy: body.providers.isolate must not be empty"},
    {"\"nftables\",\"iptables\"", "\"../nft\"", CD_REFUSAL_PARAMETERS,
     "the policy: body.providers.isolate has '../nft', which is no id of a plugin"},
    {"\"isolate\":[", "\"isolation\":[", CD_REFUSAL_PARAMETERS,
     "the policy: body.providers.isolation is not a known key"},
};

START_TEST(refuses_what_is_wrong_though_it_is_signed)
{
  keys k;
  keys_make(&k);
  for (size_t i = 0; i < COUNT_OF(wrong); i++) {
    cd_err err = {0};
    cd_refusal refusal = CD_REFUSAL_NONE;
    cd_policy back = {0};
    cd_buf jws = CD_BUF_INIT(65536);
    char *text = with(text_of_sample, wrong[i].part, wrong[i].by);
    sign_text(&cd_jws_policy, text, k.order, &jws);
    ck_assert_int_ne(
        cd_policy_verify(cd_buf_view(&jws), cd_key_public(k.order), &back, &refusal, &err), CD_OK);
    ck_assert_str_eq(err.text, wrong[i].text);
    ck_assert_msg(refusal == wrong[i].refusal, "%s: %s", wrong[i].by, cd_refusal_name(refusal));
    cd_buf_release(&jws);
    free(text);
  }
  keys_free(&k);
}
END_TEST

static const struct {
  const char *body;
  const char *text; /* NULL: it is good */
} bodies[] = {
    {"{}", NULL},
    {"{\"isolate\":{\"lost_console\":{\"rule\":\"release\",\"after_s\":86400},"
     "\"unreachable\":{\"rule\":\"keep\"},\"strict\":true}}",
     NULL},
    {"{\"local\":{\"isolate\":\"group\",\"release\":\"code\"}}", NULL},
    {"{\"preflight\":{\"refuse\":[\"vpn\"],\"warn\":[]},\"notify\":{\"enabled\":false,"
     "\"contact\":\"security@example.org\"}}",
     NULL},
    {"{\"plugins\":{\"distrust\":[\"sha256:"
     "a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5\"]}}",
     NULL},
    {"{\"plugins\":{\"distrust\":[\"md5:1\"]}}",
     "the body: plugins.distrust has 'md5:1', which is no digest"},
    {"{\"plugins\":{\"trust\":[]}}", "the body: plugins.trust is not a known key"},
    {"{\"isolate\":{\"lost_console\":{\"rule\":\"release\"}}}",
     "the body: isolate.lost_console.after_s goes with the rule 'release', and only with it"},
    {"{\"isolate\":{\"lost_console\":{\"rule\":\"release\",\"after_s\":59}}}",
     "the body: isolate.lost_console.after_s must be at least 60"},
    {"{\"isolate\":{\"unreachable\":{\"rule\":\"keep\",\"after_s\":60}}}",
     "the body: isolate.unreachable.after_s goes with the rule 'release', and only with it"},
    {"{\"local\":{\"isolate\":\"code\"}}",
     "the body: local.isolate must be one of: administrators, group, nobody"},
    {"{\"local\":{\"group\":\"wheel\"}}", "the body: local.group is not a known key"},
    {"{\"preflight\":{\"warn\":[\"a b\"]}}",
     "the body: preflight.warn has 'a b', which is no name of a check"},
    {"{\"notify\":{\"enabled\":1}}",
     "the body: notify.enabled must be true or false, it is a number"},
};

START_TEST(a_body_has_known_members_only)
{
  for (size_t i = 0; i < COUNT_OF(bodies); i++) {
    cd_json_doc *doc = NULL;
    cd_err err = {0};
    ck_assert_int_eq(
        cd_json_parse(cd_str_from(bodies[i].body), CD_POLICY_BODY_MAX, "the body", &doc, &err),
        CD_OK);
    cd_json root = cd_json_root(doc);
    cd_policy_check_body(&root);
    cd_code rc = cd_json_done(&root, &err);
    ck_assert_msg((rc == CD_OK) == (bodies[i].text == NULL), "%s: %s", bodies[i].body, err.text);
    if (bodies[i].text != NULL)
      ck_assert_str_eq(err.text, bodies[i].text);
    cd_json_free(doc);
  }
}
END_TEST

START_TEST(a_name_is_of_few_letters)
{
  ck_assert(cd_policy_name_valid(CD_STR("servers-2_eu.west")));
  ck_assert(!cd_policy_name_valid(CD_STR("")));
  ck_assert(!cd_policy_name_valid(CD_STR("a/b")));
  ck_assert(!cd_policy_name_valid(CD_STR("Servers")));
}
END_TEST

/* ---- may this device take it ---- */

typedef struct scene {
  keys k;
  cd_statement statement;
  cd_policy policy;
  cd_policy_known known;
  const cd_key *policy_key;
  const cd_key *issuer;
} scene;

static void scene_make(scene *s)
{
  *s = (scene){0};
  keys_make(&s->k);
  s->statement = sample_statement(&s->k);
  s->statement.purpose = CD_PURPOSE_POLICY;
  s->policy = sample();
  s->known = (cd_policy_known){
      .device = CD_STR(DEVICE), .version = 6, .now_ms = NOW_MS, .clock_trusted = true};
  s->policy_key = s->k.order;
  s->issuer = s->k.root;
}

static cd_code take(scene *s, cd_refusal *ret_refusal, cd_err *err)
{
  cd_buf statement = CD_BUF_INIT(8192);
  cd_buf jws = CD_BUF_INIT(65536);
  cd_policy_accepted a = {0};
  sign_statement(&s->statement, s->issuer, &statement);
  expect_ok(cd_policy_sign(&s->policy, s->policy_key, &test_random, &jws, err), err);
  cd_code rc = cd_policy_accept(cd_buf_view(&statement), cd_buf_view(&jws),
                                cd_key_public(s->k.root), &s->known, &a, ret_refusal, err);
  if (rc == CD_OK)
    ck_assert_uint_eq(a.key_generation, s->statement.generation);
  cd_policy_release(&a.policy);
  cd_buf_release(&jws);
  cd_buf_release(&statement);
  return rc;
}

static void twist_none(scene *s)
{
  (void)s;
}
static void twist_purpose(scene *s)
{
  s->statement.purpose = CD_PURPOSE_ORDER;
}
static void twist_issuer(scene *s)
{
  s->issuer = s->k.other;
}
static void twist_key(scene *s)
{
  s->policy_key = s->k.other;
}
static void twist_device(scene *s)
{
  s->known.device = CD_STR(OTHER_DEVICE);
}
static void twist_same(scene *s)
{
  s->known.version = 7;
}
static void twist_lower(scene *s)
{
  s->known.version = 8;
}
static void twist_old_key(scene *s)
{
  s->known.key_generation = s->statement.generation + 1;
}
static void twist_key_time(scene *s)
{
  s->known.now_ms = s->statement.not_after_ms + 1;
}
static void twist_clock(scene *s)
{
  s->known.now_ms = s->statement.not_after_ms + 1;
  s->known.clock_trusted = false;
}

static const struct {
  void (*twist)(scene *s);
  cd_refusal refusal;
} turns[] = {
    {twist_none, CD_REFUSAL_NONE},
    {twist_purpose, CD_REFUSAL_FORGED},
    {twist_issuer, CD_REFUSAL_FORGED},
    {twist_key, CD_REFUSAL_FORGED},
    {twist_device, CD_REFUSAL_WRONG_DEVICE},
    {twist_same, CD_REFUSAL_REPLAYED},
    {twist_lower, CD_REFUSAL_OLD_GENERATION},
    {twist_old_key, CD_REFUSAL_OLD_KEY},
    {twist_key_time, CD_REFUSAL_KEY_TIME},
    {twist_clock, CD_REFUSAL_NONE},
};

START_TEST(a_device_takes_only_its_own_newer_one_of_the_policy_key)
{
  for (size_t i = 0; i < COUNT_OF(turns); i++) {
    scene s;
    cd_err err = {0};
    cd_refusal refusal = CD_REFUSAL_NONE;
    scene_make(&s);
    turns[i].twist(&s);
    cd_code rc = take(&s, &refusal, &err);
    ck_assert_msg(refusal == turns[i].refusal, "row %zu: %s: %s", i, cd_refusal_name(refusal),
                  err.text);
    ck_assert((rc == CD_OK) == (turns[i].refusal == CD_REFUSAL_NONE));
    keys_free(&s.k);
  }
}
END_TEST

START_TEST(an_order_is_no_policy)
{
  keys k;
  cd_err err = {0};
  cd_refusal refusal = CD_REFUSAL_NONE;
  cd_policy back = {0};
  cd_buf jws = CD_BUF_INIT(65536);
  keys_make(&k);
  cd_order o = sample_order();
  sign_order(&o, k.order, &jws);
  ck_assert_int_eq(
      cd_policy_verify(cd_buf_view(&jws), cd_key_public(k.order), &back, &refusal, &err),
      CD_E_INVALID);
  ck_assert_int_eq(refusal, CD_REFUSAL_MALFORMED);
  cd_buf_release(&jws);
  keys_free(&k);
}
END_TEST

/* ---- on the way, and back ---- */

START_TEST(travels_as_a_message_and_comes_back_in_a_report)
{
  keys k;
  cd_err err = {0};
  cd_rpc m = {0};
  cd_method method = (cd_method)0;
  cd_policy_message back = {0};
  cd_buf out = CD_BUF_INIT(65536);
  const cd_policy_message p = {.policy = CD_STR("a.b.c"), .key = CD_STR("d.e.f")};
  expect_ok(cd_policy_message_write(&p, 9, &out, &err), &err);
  expect_ok(cd_rpc_parse(cd_buf_view(&out), &m, NULL, &err), &err);
  expect_ok(cd_message_method(&m, CD_SIDE_AGENT, &method, NULL, &err), &err);
  ck_assert_int_eq(method, CD_METHOD_POLICY);
  expect_ok(cd_policy_message_read(&m, &back, NULL, &err), &err);
  ck_assert(cd_str_eq(back.policy, p.policy) && cd_str_eq(back.key, p.key));
  cd_rpc_release(&m);
  cd_buf_reset(&out);

  keys_make(&k);
  cd_report r = {.number = 1,
                 .at_ms = NOW_MS,
                 .policy = {.known = true,
                            .version = 6,
                            .highest = 7,
                            .refused = 7,
                            .name = "s",
                            .sentence = "the console was not reached"}};
  cd_report got = {0};
  uint8_t nonce[CD_NONCE_SIZE] = {0};
  (void)cd_str_copy(r.device, sizeof(r.device), CD_STR(DEVICE));
  expect_ok(cd_report_sign(&r, k.device, &test_random, &out, &err), &err);
  expect_ok(cd_report_verify(cd_buf_view(&out), cd_key_public(k.device), CD_STR(DEVICE), nonce, 0,
                             &got, &err),
            &err);
  ck_assert(got.policy.known && !got.policy.trial);
  ck_assert_uint_eq(got.policy.version, 6);
  ck_assert_uint_eq(got.policy.highest, 7);
  ck_assert_uint_eq(got.policy.refused, 7);
  ck_assert_str_eq(got.policy.sentence, "the console was not reached");
  cd_report_release(&got);
  cd_buf_release(&out);
  keys_free(&k);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      is_written_in_one_way_and_says_what_was_signed,
      a_policy_that_takes_everything_back_has_no_name,
      refuses_what_is_wrong_though_it_is_signed,
      a_body_has_known_members_only,
      a_name_is_of_few_letters,
      a_device_takes_only_its_own_newer_one_of_the_policy_key,
      an_order_is_no_policy,
      travels_as_a_message_and_comes_back_in_a_report,
  };
  return run_suite("protocol.policy", tests, COUNT_OF(tests));
}
