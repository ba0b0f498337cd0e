/* What the tests of core/protocol share: random bytes that are the same in each run, keys, and a
 * device with what it knows. */
#ifndef CD_TEST_FIXTURE_H
#define CD_TEST_FIXTURE_H

#include "protocol/jws.h"
#include "protocol/key.h"
#include "protocol/order.h"
#include "protocol/statement.h"

#include "suite.h"

#define NOW_MS INT64_C(1790000000000) /* 2026-09-21T14:13:20Z */
#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)

#define DEVICE "3f2a9c0d1b4e5f60718293a4b5c6d7e8f9012345"
#define OTHER_DEVICE "0000000000000000000000000000000000000001"
#define ACTION "0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01"
#define OTHER_ACTION "0198d2a0-5c31-7a10-8c55-2f6d3a1b9e02"
#define FULL "{\"type\":\"full\",\"exclusions\":[]}"

/* Numbers, not secrets. */
extern const cd_random test_random;
/* A generator that has nothing to give. */
extern const cd_random no_random;

/* Made once for each test, from the same numbers. */
typedef struct keys {
  cd_key *root;
  cd_key *order;
  cd_key *device;
  cd_key *other;
} keys;

void keys_make(keys *k);
void keys_free(keys *k);

/* A signed document of that kind over any text, whatever it says. */
void sign_text(const cd_jws_kind *kind, const char *text, const cd_key *key, cd_buf *out);

/* An order of the root's, valid for a day from NOW_MS, of generation 7. */
cd_order sample_order(void);
/* The statement about the order key, of generation 3, valid for a year. */
cd_statement sample_statement(const keys *k);
void sign_order(const cd_order *o, const cd_key *key, cd_buf *out);
void sign_statement(const cd_statement *s, const cd_key *issuer, cd_buf *out);

/* A text with one part of it, which is there, replaced; free(). */
char *with(const char *text, const char *part, const char *by);

/* The call fails with that code and exactly that sentence. */
#define expect_failure(call, expected_code, expected_text, err)                                    \
  do {                                                                                             \
    cd_code got_ = (call);                                                                         \
    ck_assert_msg(got_ == (expected_code), "%s: '%s' (expected %s: '%s')", cd_code_name(got_),     \
                  (err)->text, cd_code_name(expected_code), expected_text);                        \
    ck_assert_str_eq((err)->text, expected_text);                                                  \
  } while (0)

#define expect_ok(call, err)                                                                       \
  do {                                                                                             \
    cd_code got_ = (call);                                                                         \
    ck_assert_msg(got_ == CD_OK, "%s: '%s'", cd_code_name(got_), (err)->text);                     \
  } while (0)

#endif
