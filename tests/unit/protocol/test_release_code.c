/* Release codes: the form that a person reads out, and the digest that binds one to its device and
 * action. The vectors were computed by another program; docs/protocol.md has the first. */
#include "protocol/release_code.h"

#include "suite.h"

#include <string.h>

#define ACTION "018f0000-0000-7000-8000-000000000001"

static const struct {
  const char *device;
  const char *action;
  uint8_t random[CD_RELEASE_CODE_RANDOM];
  uint8_t salt[CD_CODE_SALT_SIZE];
  const char *code;
  const char *digest;
} vectors[] = {
    {"desk-1",
     ACTION,
     {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
     {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
     "05012-34567-89ABC-DEFGT",
     "sha256:185c07c31c4f2c18e6830ae0c2cbc3d2a91705697cad67ed7c89e45b174ff8ac"},
    {"desk-1",
     ACTION,
     {0},
     {0},
     "05000-00000-00000-0000M",
     "sha256:886270f76abe4897dcf49a9bc5120120a36e24dc74a7c486b8b270204f788f1c"},
    {"8c7f1f4d1fd0a63f4f3a0f3f1b2c3d4e5f60718a",
     "0197c1de-4b0c-7d3a-9a55-1f2e3d4c5b6a",
     {0xff, 0xf4, 0xe9, 0xde, 0xd3, 0xc8, 0xbd, 0xb2, 0xa7, 0x9c, 0x91, 0x86, 0x7b, 0x70, 0x65,
      0x5a, 0x4f},
     {0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe,
      0xff},
     "GFZM9-YK8XJ-7WH6V-G5TFX",
     "sha256:3946fda6aa3adc4a093d32c8bb1c78827c947b80a037ebd63dba8c97423c2700"},
};

static cd_release_code read_good(const char *text)
{
  cd_release_code code = {0};
  cd_err err = {0};
  ck_assert_msg(cd_release_code_parse(cd_str_from(text), &code, &err) == CD_OK, "'%s': %s", text,
                err.text);
  return code;
}

START_TEST(makes_and_hashes_as_the_vectors_say)
{
  for (size_t i = 0; i < COUNT_OF(vectors); i++) {
    cd_release_code code;
    cd_digest digest;
    cd_err err = {0};
    char text[CD_RELEASE_CODE_TEXT];
    char hex[CD_DIGEST_TEXT_MAX];
    cd_str device = cd_str_from(vectors[i].device);
    ck_assert_int_eq(cd_release_code_make(device, vectors[i].random, &code, &err), CD_OK);
    cd_release_code_format(&code, text);
    ck_assert_str_eq(text, vectors[i].code);
    ck_assert_int_eq(cd_release_code_digest(&code, device, cd_str_from(vectors[i].action),
                                            vectors[i].salt, &digest, &err),
                     CD_OK);
    cd_digest_text(&digest, hex);
    ck_assert_str_eq(hex, vectors[i].digest);
  }
}
END_TEST

START_TEST(reads_what_people_type)
{
  static const char *const typed[] = {
      "05012-34567-89ABC-DEFGT",    "0501234567 89abcdefgt",      "o5ol2-34567-89abc-defgt",
      "O5OI2 34567 89ABC DEFGT",    " 0 5 0 1 2 3456789ABCDEFGT", "05012--34567--89abc--defgt\r\n",
      "05012\t34567\n89ABC DEFGT\n"};
  cd_release_code same = read_good(vectors[0].code);
  ck_assert_str_eq(same.symbols, "050123456789ABCDEFGT");
  for (size_t i = 0; i < COUNT_OF(typed); i++) {
    cd_release_code code = read_good(typed[i]);
    ck_assert_str_eq(code.symbols, same.symbols);
  }
}
END_TEST

static void expect_bad(cd_str text, const char *part)
{
  cd_release_code code;
  cd_err err = {0};
  memset(&code, 'x', sizeof(code));
  ck_assert_int_eq(cd_release_code_parse(text, &code, &err), CD_E_INVALID);
  ck_assert_msg(strstr(err.text, part) != NULL, "'%s' lacks '%s'", err.text, part);
  ck_assert_int_eq(code.symbols[0], 'x');
}

START_TEST(says_what_is_wrong_with_the_form)
{
  char longer[CD_RELEASE_CODE_INPUT_MAX + 2];
  memset(longer, '-', sizeof(longer));
  expect_bad(CD_STR(""), "it has 0 characters and a code has 20");
  expect_bad(CD_STR("05012-34567-89ABC-DEFG"), "it has 19 characters");
  expect_bad(CD_STR("05012-34567-89ABC-DEFGT0"), "it has 21 characters");
  expect_bad(CD_STR("05012-U4567-89ABC-DEFGT"), "its character 6 is none that a code has");
  expect_bad(CD_STR("05012-3456\xc3\xa9-89ABC-DEFGT"), "its character 10");
  expect_bad(((cd_str){"05012\0345678", 12}), "its character 6");
  expect_bad(CD_STR("05012-34567-89ABC-DEFGV"), "checks the others");
  expect_bad(((cd_str){longer, sizeof(longer)}), "bytes long");
}
END_TEST

/* The sentences go to logs and terminals. */
START_TEST(tells_nothing_of_the_code)
{
  static const char *const bad[] = {"QQQQQ-QQQQQ-QQQQQ-QQQQQ", "QQQQQQ", "QQQQQU"};
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    cd_release_code code;
    cd_err err = {0};
    ck_assert_int_ne(cd_release_code_parse(cd_str_from(bad[i]), &code, &err), CD_OK);
    ck_assert_ptr_null(strchr(err.text, 'Q'));
  }
}
END_TEST

static const char symbols[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

START_TEST(notices_each_wrong_character)
{
  for (size_t v = 0; v < COUNT_OF(vectors); v++) {
    cd_release_code good = read_good(vectors[v].code);
    for (size_t i = 0; i < CD_RELEASE_CODE_SYMBOLS; i++) {
      for (size_t k = 0; k < 32; k++) {
        cd_release_code wrong = good;
        if (wrong.symbols[i] == symbols[k])
          continue;
        wrong.symbols[i] = symbols[k];
        expect_bad(cd_str_from(wrong.symbols), "checks the others");
      }
    }
  }
}
END_TEST

START_TEST(notices_each_pair_that_changed_places)
{
  for (size_t v = 0; v < COUNT_OF(vectors); v++) {
    cd_release_code good = read_good(vectors[v].code);
    for (size_t i = 0; i < CD_RELEASE_CODE_SYMBOLS; i++) {
      for (size_t k = i + 1; k < CD_RELEASE_CODE_SYMBOLS; k++) {
        cd_release_code wrong = good;
        if (wrong.symbols[i] == wrong.symbols[k])
          continue;
        wrong.symbols[i] = good.symbols[k];
        wrong.symbols[k] = good.symbols[i];
        expect_bad(cd_str_from(wrong.symbols), "checks the others");
      }
    }
  }
}
END_TEST

START_TEST(knows_a_code_of_another_device)
{
  cd_release_code code = read_good(vectors[0].code);
  cd_err err = {0};
  bool is_of = false;
  ck_assert_int_eq(cd_release_code_is_of(&code, CD_STR("desk-1"), &is_of, &err), CD_OK);
  ck_assert(is_of);
  ck_assert_int_eq(cd_release_code_is_of(&code, CD_STR("desk-2"), &is_of, &err), CD_OK);
  ck_assert(!is_of);
  ck_assert_int_eq(cd_release_code_is_of(&code, CD_STR(""), &is_of, &err), CD_E_INVALID);
}
END_TEST

START_TEST(binds_the_digest_to_everything)
{
  cd_release_code code = read_good(vectors[0].code);
  cd_release_code other = read_good(vectors[1].code);
  cd_digest mine;
  cd_digest theirs;
  cd_err err = {0};
  cd_str device = CD_STR("desk-1");
  uint8_t salt[CD_CODE_SALT_SIZE] = {0};
  uint8_t salted[CD_CODE_SALT_SIZE] = {1};
  const struct {
    const cd_release_code *code;
    cd_str device;
    cd_str action;
    const uint8_t *salt;
  } others[] = {
      {&other, device, CD_STR(ACTION), salt},
      {&code, CD_STR("desk-11"), CD_STR(ACTION), salt},
      {&code, device, CD_STR("018f0000-0000-7000-8000-000000000002"), salt},
      {&code, device, CD_STR(ACTION), salted},
  };
  ck_assert_int_eq(cd_release_code_digest(&code, device, CD_STR(ACTION), salt, &mine, &err), CD_OK);
  for (size_t i = 0; i < COUNT_OF(others); i++) {
    ck_assert_int_eq(cd_release_code_digest(others[i].code, others[i].device, others[i].action,
                                            others[i].salt, &theirs, &err),
                     CD_OK);
    ck_assert(!cd_digest_equal(&mine, &theirs));
  }
  ck_assert_int_eq(cd_release_code_digest(&code, CD_STR(""), CD_STR(ACTION), salt, &theirs, &err),
                   CD_E_INVALID);
  ck_assert_int_eq(cd_release_code_digest(&code, device, CD_STR(""), salt, &theirs, &err),
                   CD_E_INVALID);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      makes_and_hashes_as_the_vectors_say, reads_what_people_type,
      says_what_is_wrong_with_the_form,    tells_nothing_of_the_code,
      notices_each_wrong_character,        notices_each_pair_that_changed_places,
      knows_a_code_of_another_device,      binds_the_digest_to_everything};
  return run_suite("protocol.release_code", tests, COUNT_OF(tests));
}
