/* Base64 and base64url: the vectors of RFC 4648, and that each sequence of bytes has one text. */
#include "protocol/base64.h"

#include "suite.h"

#include <string.h>

static const struct {
  const char *bytes;
  const char *text;
} vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xfb\xff\xbf", "+/+/"},
};

static void url_form(const char *text, char *out)
{
  size_t n = 0;
  for (; text[n] != '\0' && text[n] != '='; n++)
    out[n] = text[n] == '+' ? '-' : text[n] == '/' ? '_' : text[n];
  out[n] = '\0';
}

START_TEST(gives_the_published_texts)
{
  for (size_t i = 0; i < COUNT_OF(vectors); i++) {
    char url[32];
    char out[32];
    size_t len = strlen(vectors[i].bytes);
    cd_buf b = CD_BUF_INIT(100);
    url_form(vectors[i].text, url);
    cd_base64_text(out, vectors[i].bytes, len);
    ck_assert_str_eq(out, vectors[i].text);
    ck_assert_uint_eq(strlen(out), CD_BASE64_LEN(len));
    cd_base64url_text(out, vectors[i].bytes, len);
    ck_assert_str_eq(out, url);
    ck_assert_uint_eq(strlen(out), CD_BASE64URL_LEN(len));
    cd_base64_add(&b, vectors[i].bytes, len);
    ck_assert_str_eq(cd_buf_cstr(&b), vectors[i].text);
    cd_buf_reset(&b);
    cd_base64url_add(&b, vectors[i].bytes, len);
    ck_assert_str_eq(cd_buf_cstr(&b), url);
    cd_buf_release(&b);
  }
}
END_TEST

START_TEST(reads_the_published_texts)
{
  for (size_t i = 0; i < COUNT_OF(vectors); i++) {
    char url[32];
    char out[32];
    size_t len = 99;
    url_form(vectors[i].text, url);
    ck_assert(cd_base64_decode(cd_str_from(vectors[i].text), out, sizeof(out), &len));
    ck_assert_uint_eq(len, strlen(vectors[i].bytes));
    ck_assert_mem_eq(out, vectors[i].bytes, len);
    ck_assert(cd_base64url_decode(cd_str_from(url), out, sizeof(out), &len));
    ck_assert_uint_eq(len, strlen(vectors[i].bytes));
    ck_assert_mem_eq(out, vectors[i].bytes, len);
  }
}
END_TEST

START_TEST(goes_both_ways_at_every_length)
{
  uint8_t bytes[600];
  uint8_t back[600];
  for (size_t i = 0; i < sizeof(bytes); i++)
    bytes[i] = (uint8_t)(i * 37 + 11);
  for (size_t len = 0; len < sizeof(bytes); len++) {
    cd_buf text = CD_BUF_INIT(2000);
    size_t got = 0;
    cd_base64url_add(&text, bytes, len);
    ck_assert_uint_eq(text.len, CD_BASE64URL_LEN(len));
    ck_assert_uint_le(len, CD_BASE64_DECODED_MAX(text.len));
    ck_assert(cd_base64url_decode(cd_buf_view(&text), back, len, &got));
    ck_assert_uint_eq(got, len);
    ck_assert_mem_eq(back, bytes, len);
    cd_buf_reset(&text);
    cd_base64_add(&text, bytes, len);
    ck_assert(cd_base64_decode(cd_buf_view(&text), back, len, &got));
    ck_assert_uint_eq(got, len);
    ck_assert_mem_eq(back, bytes, len);
    cd_buf_release(&text);
  }
}
END_TEST

START_TEST(base64url_has_one_text_for_each_sequence_of_bytes)
{
  static const char *const bad[] = {"Z",     "Zg==",   "Zh",    "Zm9",   "Zm+v", "Zm/v", "Zm9v ",
                                    " Zm9v", "Zm\n9v", "Zm9v=", "Zm9vY", "=",    "Zm.v", "Zm\x80v"};
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    char out[16];
    size_t len = 99;
    ck_assert_msg(!cd_base64url_decode(cd_str_from(bad[i]), out, sizeof(out), &len), "'%s'",
                  bad[i]);
    ck_assert_uint_eq(len, 99);
  }
  /* "Zm9" is "fo" with bits set behind it, "Zm8" is "fo". */
  char out[16];
  size_t len = 0;
  ck_assert(cd_base64url_decode(CD_STR("Zm8"), out, sizeof(out), &len));
}
END_TEST

START_TEST(base64_wants_its_padding)
{
  static const char *const bad[] = {"Zg",   "Zg=",  "Zg===", "Zm9v=", "====",  "=",    "Zh==",
                                    "Zm9=", "Zm-v", "Zm_v",  "Z===",  "Zg= =", "=Zg=", "Zg==Zg=="};
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    char out[16];
    size_t len = 99;
    ck_assert_msg(!cd_base64_decode(cd_str_from(bad[i]), out, sizeof(out), &len), "'%s'", bad[i]);
    ck_assert_uint_eq(len, 99);
  }
}
END_TEST

START_TEST(refuses_what_does_not_fit)
{
  char out[4] = "\x7f\x7f\x7f\x7f";
  size_t len = 99;
  ck_assert(!cd_base64url_decode(CD_STR("Zm9v"), out, 2, &len));
  ck_assert(!cd_base64_decode(CD_STR("Zm9v"), out, 2, &len));
  ck_assert_int_eq(out[2], 0x7f);
  ck_assert(cd_base64url_decode(CD_STR("Zm9v"), out, 3, &len));
  ck_assert_uint_eq(len, 3);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      gives_the_published_texts,      reads_the_published_texts,
      goes_both_ways_at_every_length, base64url_has_one_text_for_each_sequence_of_bytes,
      base64_wants_its_padding,       refuses_what_does_not_fit,
  };
  return run_suite("protocol.base64", tests, COUNT_OF(tests));
}
