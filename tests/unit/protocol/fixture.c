#include "fixture.h"

#include "base/limits.h"

#include <string.h>

/* xorshift64 (Marsaglia): the same bytes in each run and on each machine. */
static int fill(void *context, unsigned char *bytes, size_t len)
{
  uint64_t *x = context;
  for (size_t i = 0; i < len; i++) {
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    bytes[i] = (unsigned char)(*x >> 32);
  }
  return 0;
}

static int fill_nothing(void *context, unsigned char *bytes, size_t len)
{
  (void)context;
  (void)bytes;
  (void)len;
  return -1;
}

static uint64_t seed = 0x2545f4914f6cdd1d;
const cd_random test_random = {fill, &seed};
const cd_random no_random = {fill_nothing, NULL};

static cd_key *make_key(void)
{
  cd_key *key = NULL;
  cd_err err = {0};
  expect_ok(cd_key_generate(&test_random, &key, &err), &err);
  return key;
}

void keys_make(keys *k)
{
  k->root = make_key();
  k->order = make_key();
  k->device = make_key();
  k->other = make_key();
}

void keys_free(keys *k)
{
  cd_key_free(k->root);
  cd_key_free(k->order);
  cd_key_free(k->device);
  cd_key_free(k->other);
}

void sign_text(const cd_jws_kind *kind, const char *text, const cd_key *key, cd_buf *out)
{
  cd_err err = {0};
  expect_ok(cd_jws_sign(kind, cd_str_from(text), key, &test_random, out, &err), &err);
}

cd_order sample_order(void)
{
  cd_order o = {.device = DEVICE,
                .action = ACTION,
                .kind = CD_ORDER_ISOLATE,
                .generation = 7,
                .issued_ms = NOW_MS,
                .expires_ms = NOW_MS + DAY_MS,
                .audit_sequence = 812,
                .requestor = "alice",
                .comment = CD_STR("seen talking to a mining pool"),
                .parameters = CD_STR(FULL)};
  memset(o.audit_digest.bytes, 0xa5, sizeof(o.audit_digest.bytes));
  return o;
}

cd_statement sample_statement(const keys *k)
{
  return (cd_statement){.purpose = CD_PURPOSE_ORDER,
                        .key = *cd_key_public(k->order),
                        .generation = 3,
                        .not_before_ms = NOW_MS - DAY_MS,
                        .not_after_ms = NOW_MS + 365 * DAY_MS};
}

void sign_order(const cd_order *o, const cd_key *key, cd_buf *out)
{
  cd_err err = {0};
  expect_ok(cd_order_sign(o, key, &test_random, out, &err), &err);
}

void sign_statement(const cd_statement *s, const cd_key *issuer, cd_buf *out)
{
  cd_err err = {0};
  expect_ok(cd_statement_sign(s, issuer, &test_random, out, &err), &err);
}

char *with(const char *text, const char *part, const char *by)
{
  const char *at = strstr(text, part);
  ck_assert_msg(at != NULL, "'%s' is not in '%s'", part, text);
  cd_buf out = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  cd_buf_add(&out, text, (size_t)(at - text));
  cd_buf_add_cstr(&out, by);
  cd_buf_add_cstr(&out, at + strlen(part));
  char *mine = cd_buf_steal(&out, NULL);
  ck_assert_ptr_nonnull(mine);
  return mine;
}
