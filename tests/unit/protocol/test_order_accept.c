/* May this device carry out that order now: the way from the root, and a sentence for each no. */
#include "protocol/order.h"

#include "fixture.h"
#include "protocol/limits.h"

#include <stdio.h>
#include <string.h>

/* A device that took generation 6, an order key of generation 2 and one action. */
typedef struct scene {
  keys k;
  cd_statement statement;
  cd_order order;
  cd_order_known known;
  const cd_key *root;   /* who signs the statement */
  const cd_key *signer; /* who signs the order */
} scene;

static bool seen(void *context, const char *action)
{
  (void)context;
  return strcmp(action, OTHER_ACTION) == 0;
}

static void scene_make(scene *s)
{
  keys_make(&s->k);
  s->statement = sample_statement(&s->k);
  s->order = sample_order();
  s->known = (cd_order_known){.device = CD_STR(DEVICE),
                              .key_generation = 2,
                              .generations = {[CD_STATE_ISOLATE] = 6},
                              .seen = seen,
                              .now_ms = NOW_MS + HOUR_MS,
                              .clock_trusted = true};
  s->root = s->k.root;
  s->signer = s->k.order;
}

static void make_release(scene *s)
{
  s->order.kind = CD_ORDER_RELEASE;
  s->order.parameters = CD_STR("{}");
}

static cd_code judge(const scene *s, cd_accepted *ret_accepted, cd_refusal *ret_refusal,
                     cd_err *err)
{
  cd_buf statement = CD_BUF_INIT(4096);
  cd_buf order = CD_BUF_INIT(8192);
  sign_statement(&s->statement, s->root, &statement);
  sign_order(&s->order, s->signer, &order);
  cd_code rc = cd_order_accept(cd_buf_view(&statement), cd_buf_view(&order),
                               cd_key_public(s->k.root), &s->known, ret_accepted, ret_refusal, err);
  cd_buf_release(&statement);
  cd_buf_release(&order);
  return rc;
}

static void expect_taken(const scene *s, bool time_judged)
{
  cd_err err = {0};
  cd_refusal refusal = CD_REFUSAL_NONE;
  cd_accepted a = {0};
  expect_ok(judge(s, &a, &refusal, &err), &err);
  ck_assert_int_eq(refusal, CD_REFUSAL_NONE);
  ck_assert_str_eq(a.order.action, s->order.action);
  ck_assert_uint_eq(a.key_generation, s->statement.generation);
  ck_assert(a.time_judged == time_judged);
  cd_order_release(&a.order);
}

static void expect_refused(const scene *s, cd_code code, cd_refusal expected, const char *text)
{
  cd_err err = {0};
  cd_refusal refusal = CD_REFUSAL_NONE;
  cd_accepted a = {0};
  expect_failure(judge(s, &a, &refusal, &err), code, text, &err);
  ck_assert_str_eq(cd_refusal_name(refusal), cd_refusal_name(expected));
  ck_assert_ptr_null(a.order.memory);
}

START_TEST(takes_an_order_that_comes_the_right_way)
{
  scene s;
  cd_err err = {0};
  cd_accepted a = {0};
  cd_digest digest;
  cd_buf jws = CD_BUF_INIT(8192);
  scene_make(&s);
  expect_ok(judge(&s, &a, NULL, &err), &err);
  sign_order(&s.order, s.k.order, &jws);
  expect_ok(cd_jws_digest(cd_buf_view(&jws), &digest, &err), &err);
  ck_assert(cd_digest_equal(&a.digest, &digest));
  ck_assert_uint_eq(a.order.generation, 7);
  ck_assert(cd_str_eq_cstr(a.order.parameters, FULL));
  ck_assert(a.time_judged);
  cd_order_release(&a.order);
  cd_buf_release(&jws);
  keys_free(&s.k);
}
END_TEST

static void forged_text(const cd_key *key, const char *what, char out[200])
{
  char id[CD_KEY_ID_TEXT_MAX];
  cd_public_key_id(cd_key_public(key), id);
  (void)snprintf(out, 200, "the %s is forged: its signature is not of the key %s", what, id);
}

START_TEST(refuses_a_forged_order)
{
  scene s;
  char text[200];
  scene_make(&s);
  s.signer = s.k.other;
  forged_text(s.k.order, "order", text);
  expect_refused(&s, CD_E_DENIED, CD_REFUSAL_FORGED, text);
  /* Not even the root signs orders itself. */
  s.signer = s.k.root;
  expect_refused(&s, CD_E_DENIED, CD_REFUSAL_FORGED, text);
  keys_free(&s.k);
}
END_TEST

START_TEST(refuses_an_order_by_a_key_that_the_root_does_not_state)
{
  scene s;
  char text[200];
  scene_make(&s);
  s.root = s.k.other;
  forged_text(s.k.root, "key statement", text);
  expect_refused(&s, CD_E_DENIED, CD_REFUSAL_FORGED, text);
  s.root = s.k.root;
  s.statement.purpose = CD_PURPOSE_POLICY;
  expect_refused(&s, CD_E_DENIED, CD_REFUSAL_FORGED,
                 "the key statement is for the purpose policy, not for order");
  keys_free(&s.k);
}
END_TEST

START_TEST(refuses_a_key_that_was_replaced_even_for_a_release)
{
  scene s;
  scene_make(&s);
  s.known.key_generation = 4;
  static const char text[] =
      "the order key was replaced: its statement has generation 3, and 4 was seen";
  expect_refused(&s, CD_E_CONFLICT, CD_REFUSAL_OLD_KEY, text);
  make_release(&s);
  expect_refused(&s, CD_E_CONFLICT, CD_REFUSAL_OLD_KEY, text);
  keys_free(&s.k);
}
END_TEST

START_TEST(refuses_a_key_that_is_not_valid_now)
{
  scene s;
  scene_make(&s);
  s.statement.not_after_ms = NOW_MS;
  expect_refused(&s, CD_E_DEADLINE, CD_REFUSAL_KEY_TIME,
                 "the order key was valid until 2026-09-21T14:13:20.000Z, and now it is "
                 "2026-09-21T15:13:20.000Z");
  keys_free(&s.k);
}
END_TEST

START_TEST(refuses_an_order_for_another_device)
{
  scene s;
  scene_make(&s);
  (void)cd_str_copy(s.order.device, sizeof(s.order.device), CD_STR(OTHER_DEVICE));
  expect_refused(&s, CD_E_DENIED, CD_REFUSAL_WRONG_DEVICE,
                 "the order is for the device " OTHER_DEVICE ", and this one is " DEVICE);
  keys_free(&s.k);
}
END_TEST

START_TEST(refuses_an_action_that_was_given_before)
{
  scene s;
  scene_make(&s);
  (void)cd_str_copy(s.order.action, sizeof(s.order.action), CD_STR(OTHER_ACTION));
  expect_refused(&s, CD_E_CONFLICT, CD_REFUSAL_REPLAYED,
                 "the order was given before: action " OTHER_ACTION " is known");
  s.known.seen = NULL;
  expect_taken(&s, true);
  keys_free(&s.k);
}
END_TEST

START_TEST(refuses_an_older_and_an_equal_generation)
{
  scene s;
  scene_make(&s);
  s.order.generation = 5;
  expect_refused(&s, CD_E_CONFLICT, CD_REFUSAL_OLD_GENERATION,
                 "the order is older than what this device holds: its generation of isolate is 5, "
                 "and 6 was taken");
  s.order.generation = 6;
  expect_refused(&s, CD_E_CONFLICT, CD_REFUSAL_OLD_GENERATION,
                 "the order is older than what this device holds: its generation of isolate is 6, "
                 "and 6 was taken");
  make_release(&s);
  expect_refused(&s, CD_E_CONFLICT, CD_REFUSAL_OLD_GENERATION,
                 "the order is older than what this device holds: its generation of isolate is 6, "
                 "and 6 was taken");
  s.order.generation = CD_GENERATION_MAX;
  expect_taken(&s, false);
  keys_free(&s.k);
}
END_TEST

START_TEST(refuses_an_order_that_has_expired)
{
  scene s;
  scene_make(&s);
  s.known.now_ms = s.order.expires_ms;
  expect_taken(&s, true);
  s.known.now_ms++;
  expect_refused(
      &s, CD_E_DEADLINE, CD_REFUSAL_EXPIRED,
      "the order has expired: it was valid until 2026-09-22T14:13:20.000Z, and now it is "
      "2026-09-22T14:13:20.001Z");
  keys_free(&s.k);
}
END_TEST

START_TEST(refuses_an_order_from_the_future)
{
  scene s;
  scene_make(&s);
  s.known.now_ms = s.order.issued_ms - CD_CLOCK_SKEW_MS;
  expect_taken(&s, true);
  s.known.now_ms--;
  expect_refused(&s, CD_E_DEADLINE, CD_REFUSAL_NOT_YET_VALID,
                 "the order is not valid yet: it is of 2026-09-21T14:13:20.000Z, and now it is "
                 "2026-09-21T14:08:19.999Z");
  keys_free(&s.k);
}
END_TEST

START_TEST(a_wrong_clock_never_blocks_a_release)
{
  static const int64_t clocks[] = {0,
                                   1,
                                   NOW_MS - 20 * 365 * DAY_MS,
                                   NOW_MS + 20 * 365 * DAY_MS,
                                   INT64_MAX - CD_CLOCK_SKEW_MS,
                                   -NOW_MS};
  scene s;
  scene_make(&s);
  make_release(&s);
  for (size_t i = 0; i < COUNT_OF(clocks); i++) {
    s.known.now_ms = clocks[i];
    expect_taken(&s, false);
  }
  keys_free(&s.k);
}
END_TEST

START_TEST(without_a_trusted_clock_no_time_is_judged)
{
  scene s;
  scene_make(&s);
  s.known.clock_trusted = false;
  s.known.now_ms = 0;
  expect_taken(&s, false);
  s.known.now_ms = NOW_MS + 20 * 365 * DAY_MS;
  expect_taken(&s, false);
  keys_free(&s.k);
}
END_TEST

START_TEST(refuses_a_statement_and_an_order_in_each_others_place)
{
  scene s;
  cd_err err = {0};
  cd_refusal refusal = CD_REFUSAL_NONE;
  cd_accepted a = {0};
  cd_buf statement = CD_BUF_INIT(4096);
  cd_buf order = CD_BUF_INIT(8192);
  scene_make(&s);
  sign_statement(&s.statement, s.k.root, &statement);
  sign_order(&s.order, s.k.order, &order);
  expect_failure(cd_order_accept(cd_buf_view(&statement), cd_buf_view(&statement),
                                 cd_key_public(s.k.root), &s.known, &a, &refusal, &err),
                 CD_E_INVALID,
                 "the order does not have the only header that it may have, "
                 "{\"alg\":\"ES256\",\"typ\":\"cordon-order+1\"}",
                 &err);
  ck_assert_int_eq(refusal, CD_REFUSAL_MALFORMED);
  expect_failure(cd_order_accept(cd_buf_view(&order), cd_buf_view(&order), cd_key_public(s.k.root),
                                 &s.known, &a, &refusal, &err),
                 CD_E_INVALID,
                 "the key statement does not have the only header that it may have, "
                 "{\"alg\":\"ES256\",\"typ\":\"cordon-key+1\"}",
                 &err);
  expect_failure(cd_order_accept(CD_STR("x"), cd_buf_view(&order), cd_key_public(s.k.root),
                                 &s.known, &a, &refusal, &err),
                 CD_E_INVALID,
                 "the key statement is no compact JWS: three parts with dots between them", &err);
  cd_buf_release(&statement);
  cd_buf_release(&order);
  keys_free(&s.k);
}
END_TEST

/* The next ```text block of the documentation, without its line end; free(). */
static char *next_example(FILE *page)
{
  static char line[16384];
  while (fgets(line, sizeof(line), page) != NULL) {
    if (strcmp(line, "```text\n") != 0)
      continue;
    ck_assert_ptr_nonnull(fgets(line, sizeof(line), page));
    line[strcspn(line, "\n")] = '\0';
    return cd_str_dup(cd_str_from(line));
  }
  ck_abort_msg("the documentation has no further example");
  return NULL;
}

START_TEST(takes_the_example_of_the_documentation)
{
  /* RFC 7515, appendix A.3 */
  static const char point_hex[] =
      "047fcdce2770f6c45d4183cbee6fdb4b7b580733357be9ef13bacf6e3c7bd15445"
      "c7f144cd1bbd9b7e872cdfedb9eeb9f4b3695d6ea90b24ad8a4623288588e5ad";
  uint8_t point[CD_KEY_POINT_SIZE];
  cd_public_key root = {0};
  cd_err err = {0};
  cd_accepted a = {0};
  char digest[CD_DIGEST_TEXT_MAX];
  const cd_order_known known = {
      .device = CD_STR(DEVICE), .now_ms = NOW_MS + HOUR_MS, .clock_trusted = true};
  FILE *page = fopen(PROTOCOL_PAGE, "r");
  ck_assert_msg(page != NULL, "no page " PROTOCOL_PAGE);
  char *statement = next_example(page);
  char *order = next_example(page);
  char *expected = next_example(page);
  (void)fclose(page);
  ck_assert(cd_unhex(point, sizeof(point), cd_str_from(point_hex)));
  expect_ok(cd_public_key_from_point(point, &root, &err), &err);
  expect_ok(
      cd_order_accept(cd_str_from(statement), cd_str_from(order), &root, &known, &a, NULL, &err),
      &err);
  cd_digest_text(&a.digest, digest);
  ck_assert_str_eq(digest, expected);
  cd_order_release(&a.order);
  free(statement);
  free(order);
  free(expected);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      takes_the_example_of_the_documentation,
      takes_an_order_that_comes_the_right_way,
      refuses_a_forged_order,
      refuses_an_order_by_a_key_that_the_root_does_not_state,
      refuses_a_key_that_was_replaced_even_for_a_release,
      refuses_a_key_that_is_not_valid_now,
      refuses_an_order_for_another_device,
      refuses_an_action_that_was_given_before,
      refuses_an_older_and_an_equal_generation,
      refuses_an_order_that_has_expired,
      refuses_an_order_from_the_future,
      a_wrong_clock_never_blocks_a_release,
      without_a_trusted_clock_no_time_is_judged,
      refuses_a_statement_and_an_order_in_each_others_place,
  };
  return run_suite("protocol.order_accept", tests, COUNT_OF(tests));
}
