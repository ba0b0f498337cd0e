/* SHA-256 against the examples that NIST publishes with FIPS 180-4, and its text form. */
#include "protocol/digest.h"

#include <check.h>

#include <stdlib.h>
#include <string.h>

#define MILLION 1000000

static const struct {
  const char *message;
  const char *digest;
} examples[] = {
    {"", "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "sha256:248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
     "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
     "sha256:cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
};

/* The same piece by piece, which may be another library's work. */
static void expect_hash(const char *bytes, size_t len, const char *expected)
{
  cd_digest d;
  cd_err err = {0};
  cd_hash *hash = NULL;
  char text[CD_DIGEST_TEXT_MAX];

  ck_assert_int_eq(cd_hash_new(&hash, &err), CD_OK);
  for (size_t at = 0, some = 1; at < len; at += some, some = some * 2 + 1) {
    some = some < len - at ? some : len - at;
    cd_hash_add(hash, bytes + at, some);
  }
  ck_assert_int_eq(cd_hash_end(hash, &d, &err), CD_OK);
  cd_hash_free(hash);
  cd_digest_text(&d, text);
  ck_assert_str_eq(text, expected);
}

static void expect_digest(const void *bytes, size_t len, const char *expected)
{
  cd_digest d;
  cd_err err = {0};
  char text[CD_DIGEST_TEXT_MAX];

  ck_assert_int_eq(cd_digest_of(bytes, len, &d, &err), CD_OK);
  cd_digest_text(&d, text);
  ck_assert_str_eq(text, expected);
  expect_hash(bytes, len, expected);
}

START_TEST(gives_the_published_digests)
{
  expect_digest(examples[_i].message, strlen(examples[_i].message), examples[_i].digest);
}
END_TEST

START_TEST(hashes_a_million_bytes)
{
  char *bytes = malloc(MILLION);
  ck_assert_ptr_nonnull(bytes);
  memset(bytes, 'a', MILLION);
  expect_digest(bytes, MILLION,
                "sha256:cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  free(bytes);
}
END_TEST

START_TEST(reads_back_what_it_wrote)
{
  cd_digest d;
  char text[CD_DIGEST_TEXT_MAX];

  ck_assert(cd_digest_from_text(cd_str_from(examples[_i].digest), &d));
  cd_digest_text(&d, text);
  ck_assert_str_eq(text, examples[_i].digest);
}
END_TEST

START_TEST(reads_upper_case_hex)
{
  cd_digest lower;
  cd_digest upper;

  ck_assert(cd_digest_from_text(cd_str_from(examples[1].digest), &lower));
  ck_assert(cd_digest_from_text(
      CD_STR("sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"), &upper));
  ck_assert(cd_digest_equal(&lower, &upper));
}
END_TEST

static const char *const not_digests[] = {
    "",
    "sha256:",
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "SHA256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "sha512:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a",
    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad0",
    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ag",
    "sha256: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a",
};

START_TEST(refuses_what_is_no_digest_and_leaves_the_output_alone)
{
  cd_digest before;
  cd_digest after;

  memset(&before, 0x5a, sizeof(before));
  after = before;
  ck_assert(!cd_digest_from_text(cd_str_from(not_digests[_i]), &after));
  ck_assert_mem_eq(&before, &after, sizeof(before));
}
END_TEST

START_TEST(sees_a_difference_in_any_byte)
{
  cd_digest a;
  cd_digest b;

  ck_assert(cd_digest_from_text(cd_str_from(examples[1].digest), &a));
  b = a;
  ck_assert(cd_digest_equal(&a, &b));
  b.bytes[_i] ^= 0x80;
  ck_assert(!cd_digest_equal(&a, &b));
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

int main(void)
{
  Suite *suite = suite_create("protocol.digest");
  TCase *tc = tcase_create("sha256");

  tcase_add_loop_test(tc, gives_the_published_digests, 0, COUNT(examples));
  tcase_add_test(tc, hashes_a_million_bytes);
  tcase_add_loop_test(tc, reads_back_what_it_wrote, 0, COUNT(examples));
  tcase_add_test(tc, reads_upper_case_hex);
  tcase_add_loop_test(tc, refuses_what_is_no_digest_and_leaves_the_output_alone, 0,
                      COUNT(not_digests));
  tcase_add_loop_test(tc, sees_a_difference_in_any_byte, 0, CD_DIGEST_SIZE);
  suite_add_tcase(suite, tc);

  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
