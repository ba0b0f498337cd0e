/* base/json.h, writing: commas, nesting, escapes, misuse, and that the reader takes what was
 * written. */
#include "base/json.h"

#include "base/limits.h"

#include "suite.h"

#include <stdio.h>
#include <string.h>

START_TEST(commas_and_nesting_are_the_writer_s_business)
{
  cd_buf b = CD_BUF_INIT(1024);
  cd_jw w;
  cd_jw_init(&w, &b);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "s", "x");
  cd_jw_cstr(&w, "none", NULL);
  cd_jw_strf(&w, "f", "%d-%s", 7, "\"");
  cd_jw_u64(&w, "u", 1);
  cd_jw_i64(&w, "i", -1);
  cd_jw_bool(&w, "t", true);
  cd_jw_null(&w, "n");
  cd_jw_arr(&w, "a");
  cd_jw_u64(&w, NULL, 1);
  cd_jw_obj(&w, NULL);
  cd_jw_end_obj(&w);
  cd_jw_arr(&w, NULL);
  cd_jw_end_arr(&w);
  cd_jw_bool(&w, NULL, false);
  cd_jw_end_arr(&w);
  cd_jw_raw(&w, "r", CD_STR("{\"x\":1}"));
  cd_jw_raw(&w, "e", (cd_str){NULL, 0});
  cd_jw_time(&w, "at", 1709164800123);
  cd_jw_time(&w, "never", 0);
  cd_jw_end_obj(&w);
  cd_err err = {0};
  ck_assert_msg(cd_jw_done(&w, "doc", &err) == CD_OK, "%s", err.text);
  ck_assert_str_eq(
      cd_buf_cstr(&b),
      "{\"s\":\"x\",\"none\":null,\"f\":\"7-\\\"\",\"u\":1,\"i\":-1,\"t\":true,\"n\":null,"
      "\"a\":[1,{},[],false],\"r\":{\"x\":1},\"e\":null,"
      "\"at\":\"2024-02-29T00:00:00.123Z\",\"never\":null}");
  cd_buf_release(&b);
}
END_TEST

START_TEST(a_root_may_be_any_value)
{
  cd_buf b = CD_BUF_INIT(64);
  cd_jw w;
  cd_jw_init(&w, &b);
  cd_jw_str(&w, NULL, CD_STR("x"));
  ck_assert_int_eq(cd_jw_done(&w, "doc", NULL), CD_OK);
  ck_assert_str_eq(cd_buf_cstr(&b), "\"x\"");
  cd_buf_release(&b);
}
END_TEST

START_TEST(text_is_escaped_and_always_utf8)
{
  static const struct {
    cd_str text;
    const char *json;
  } rows[] = {
      {CD_STR_INIT(""), "\"\""},
      {{NULL, 0}, "\"\""},
      {CD_STR_INIT("plain"), "\"plain\""},
      {CD_STR_INIT("\"\\/"), "\"\\\"\\\\/\""},
      {CD_STR_INIT("\n\r\t\b\f"), "\"\\n\\r\\t\\u0008\\u000c\""},
      {CD_STR_INIT("\x01\x1f\x7f"), "\"\\u0001\\u001f\x7f\""},
      {CD_STR_INIT("a\0b"), "\"a\xef\xbf\xbd"
                            "b\""},
      {CD_STR_INIT("\xe3\x81\x82\xf0\x9f\x98\x80"), "\"\xe3\x81\x82\xf0\x9f\x98\x80\""},
      {CD_STR_INIT("\xff"
                   "a\xfe"),
       "\"\xef\xbf\xbd"
       "a\xef\xbf\xbd\""},
      {CD_STR_INIT("\xe3\x81"), "\"\xef\xbf\xbd\xef\xbf\xbd\""},
      {CD_STR_INIT("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    cd_buf b = CD_BUF_INIT(256);
    cd_jw w;
    cd_jw_init(&w, &b);
    cd_jw_str(&w, NULL, rows[i].text);
    ck_assert_int_eq(cd_jw_done(&w, "doc", NULL), CD_OK);
    ck_assert_msg(strcmp(cd_buf_cstr(&b), rows[i].json) == 0, "row %zu: %s", i, cd_buf_cstr(&b));
    cd_json_doc *doc = NULL;
    ck_assert_int_eq(cd_json_parse(cd_buf_view(&b), 256, "back", &doc, NULL), CD_OK);
    cd_json_free(doc);
    cd_buf_release(&b);
  }
}
END_TEST

START_TEST(numbers_above_2_to_the_53_are_strings_and_come_back)
{
  static const struct {
    uint64_t u;
    const char *u_json;
    int64_t i;
    const char *i_json;
  } rows[] = {
      {0, "0", 0, "0"},
      {9007199254740992, "9007199254740992", 9007199254740992, "9007199254740992"},
      {9007199254740993, "\"9007199254740993\"", 9007199254740993, "\"9007199254740993\""},
      {UINT64_MAX, "\"18446744073709551615\"", INT64_MAX, "\"9223372036854775807\""},
      {1, "1", -9007199254740992, "-9007199254740992"},
      {1, "1", -9007199254740993, "\"-9007199254740993\""},
      {1, "1", INT64_MIN, "\"-9223372036854775808\""},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    cd_buf b = CD_BUF_INIT(256);
    cd_jw w;
    cd_jw_init(&w, &b);
    cd_jw_obj(&w, NULL);
    cd_jw_u64(&w, "u", rows[i].u);
    cd_jw_i64(&w, "i", rows[i].i);
    cd_jw_end_obj(&w);
    ck_assert_int_eq(cd_jw_done(&w, "doc", NULL), CD_OK);
    char want[128];
    (void)snprintf(want, sizeof(want), "{\"u\":%s,\"i\":%s}", rows[i].u_json, rows[i].i_json);
    ck_assert_str_eq(cd_buf_cstr(&b), want);

    cd_json_doc *doc = NULL;
    ck_assert_int_eq(cd_json_parse(cd_buf_view(&b), 256, "back", &doc, NULL), CD_OK);
    cd_json r = cd_json_root(doc);
    uint64_t u = 4242;
    int64_t n = 4242;
    cd_json_u64(&r, "u", UINT64_MAX, &u);
    cd_json_i64(&r, "i", INT64_MIN, INT64_MAX, &n);
    ck_assert_int_eq(cd_json_done(&r, NULL), CD_OK);
    ck_assert_uint_eq(u, rows[i].u);
    ck_assert_int_eq(n, rows[i].i);
    cd_json_free(doc);
    cd_buf_release(&b);
  }
}
END_TEST

static void misuse(cd_jw *w, int how)
{
  switch (how) {
  case 0: break;                     /* nothing at all */
  case 1: cd_jw_obj(w, NULL); break; /* never closed */
  case 2:
    cd_jw_obj(w, NULL);
    cd_jw_end_arr(w);
    break;                             /* closed as the other */
  case 3: cd_jw_end_obj(w); break;     /* never opened */
  case 4: cd_jw_null(w, "key"); break; /* a key at the root */
  case 5:
    cd_jw_obj(w, NULL);
    cd_jw_null(w, NULL);
    cd_jw_end_obj(w);
    break;
  case 6:
    cd_jw_arr(w, NULL);
    cd_jw_null(w, "key");
    cd_jw_end_arr(w);
    break;
  case 7:
    cd_jw_null(w, NULL);
    cd_jw_null(w, NULL);
    break; /* two roots */
  case 8:
    cd_jw_arr(w, NULL);
    cd_jw_end_arr(w);
    cd_jw_end_arr(w);
    break;
  default:
    for (unsigned i = 0; i <= CD_JSON_DEPTH_MAX; i++)
      cd_jw_arr(w, NULL);
    for (unsigned i = 0; i <= CD_JSON_DEPTH_MAX; i++)
      cd_jw_end_arr(w);
  }
}

START_TEST(an_unbalanced_document_is_refused)
{
  for (int how = 0; how < 10; how++) {
    cd_buf b = CD_BUF_INIT(1024);
    cd_jw w;
    cd_err err = {0};
    cd_jw_init(&w, &b);
    misuse(&w, how);
    ck_assert_msg(cd_jw_done(&w, "the result", &err) == CD_E_INTERNAL, "case %d: %s", how,
                  cd_buf_cstr(&b));
    ck_assert_str_eq(err.text, "the result was written as unbalanced JSON");
    cd_buf_release(&b);
  }
}
END_TEST

START_TEST(the_deepest_document_is_written_and_read)
{
  cd_buf b = CD_BUF_INIT(1024);
  cd_jw w;
  cd_jw_init(&w, &b);
  for (unsigned i = 0; i < CD_JSON_DEPTH_MAX; i++)
    cd_jw_arr(&w, NULL);
  for (unsigned i = 0; i < CD_JSON_DEPTH_MAX; i++)
    cd_jw_end_arr(&w);
  ck_assert_int_eq(cd_jw_done(&w, "doc", NULL), CD_OK);
  cd_json_doc *doc = NULL;
  ck_assert_int_eq(cd_json_parse(cd_buf_view(&b), 1024, "back", &doc, NULL), CD_OK);
  cd_json_free(doc);
  cd_buf_release(&b);
}
END_TEST

START_TEST(the_buffer_s_ceiling_is_the_document_s)
{
  for (size_t max = 0; max < 60; max++) {
    cd_buf b = CD_BUF_INIT(max);
    cd_jw w;
    cd_err err = {0};
    cd_jw_init(&w, &b);
    cd_jw_obj(&w, NULL);
    cd_jw_cstr(&w, "key", "a \"value\"");
    cd_jw_strf(&w, "more", "%s", "text");
    cd_jw_arr(&w, "list");
    cd_jw_u64(&w, NULL, 12345678);
    cd_jw_end_arr(&w);
    cd_jw_end_obj(&w);
    size_t need = strlen("{\"key\":\"a \\\"value\\\"\",\"more\":\"text\",\"list\":[12345678]}");
    ck_assert_int_eq(cd_jw_done(&w, "doc", &err), max < need ? CD_E_LIMIT : CD_OK);
    ck_assert_uint_eq(b.len, max < need ? 0 : need);
    cd_buf_release(&b);
  }
}
END_TEST

START_TEST(a_parsed_value_is_printed_in_its_own_order)
{
  static const struct {
    const char *text, *printed;
  } rows[] = {
      {" { \"b\" : 1 , \"a\" : [ ] , \"B\" : { } } ", "{\"b\":1,\"a\":[],\"B\":{}}"},
      {"[true,false,null,\"\\u00e9\\n\"]", "[true,false,null,\"\xc3\xa9\\n\"]"},
      {"[0,-0,1.0,100,1e2,-7]", "[0,0,1,100,100,-7]"},
      {"[0.1,1.5e-7,3.141592653589793,1e300,5e-324]",
       "[0.1,1.5e-07,3.141592653589793,1e+300,4.94065645841247e-324]"},
      {"[9007199254740992,1e16,9.007199254740994e15,1.2345678901234568e16]",
       "[9007199254740992,1e+16,9.007199254740994e+15,1.2345678901234568e+16]"},
      {"\"x\"", "\"x\""},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    cd_json_doc *doc = NULL;
    cd_err err = {0};
    ck_assert_msg(cd_json_parse(cd_str_from(rows[i].text), 999, "doc", &doc, &err) == CD_OK, "%s",
                  err.text);
    cd_json any = cd_json_any(doc);
    cd_buf b = CD_BUF_INIT(999);
    cd_json_print(&any, &b);
    ck_assert_msg(strcmp(cd_buf_cstr(&b), rows[i].printed) == 0, "row %zu: %s", i, cd_buf_cstr(&b));
    cd_json_free(doc);

    /* What was printed reads back and prints the same. */
    ck_assert_msg(cd_json_parse(cd_buf_view(&b), 999, "back", &doc, &err) == CD_OK, "%s", err.text);
    any = cd_json_any(doc);
    cd_buf again = CD_BUF_INIT(999);
    cd_json_print(&any, &again);
    ck_assert_str_eq(cd_buf_cstr(&again), cd_buf_cstr(&b));
    cd_json_free(doc);
    cd_buf_release(&again);
    cd_buf_release(&b);
  }
}
END_TEST

START_TEST(a_value_is_copied_into_another_document)
{
  cd_json_doc *doc = NULL;
  ck_assert_int_eq(cd_json_parse(CD_STR("{\"in\":{\"x\":[1]}}"), 99, "doc", &doc, NULL), CD_OK);
  cd_json r = cd_json_root(doc);
  cd_json in = {0};
  cd_json dead = {0};
  cd_json_value(&r, "in", &in);
  cd_buf b = CD_BUF_INIT(99);
  cd_jw w;
  cd_jw_init(&w, &b);
  cd_jw_obj(&w, NULL);
  cd_jw_value(&w, "a", &in);
  cd_jw_value(&w, "b", &dead);
  cd_jw_end_obj(&w);
  ck_assert_int_eq(cd_jw_done(&w, "out", NULL), CD_OK);
  ck_assert_str_eq(cd_buf_cstr(&b), "{\"a\":{\"x\":[1]},\"b\":null}");
  cd_buf_release(&b);
  cd_json_free(doc);
}
END_TEST

START_TEST(members_are_copied_but_for_one)
{
  cd_json_doc *doc = NULL;
  cd_str text = CD_STR("{\"a\":[1,\"x\"],\"b\":{\"a\":2},\"c\":null}");
  ck_assert_int_eq(cd_json_parse(text, 999, "doc", &doc, NULL), CD_OK);
  cd_json root = cd_json_root(doc);
  cd_buf b = CD_BUF_INIT(999);
  cd_jw w;
  cd_jw_init(&w, &b);
  cd_jw_obj(&w, NULL);
  cd_jw_members(&w, &root, "a");
  cd_jw_bool(&w, "a", true);
  cd_jw_end_obj(&w);
  ck_assert_int_eq(cd_jw_done(&w, "out", NULL), CD_OK);
  ck_assert_str_eq(cd_buf_cstr(&b), "{\"b\":{\"a\":2},\"c\":null,\"a\":true}");
  cd_buf_release(&b);
  cd_json_free(doc);
}
END_TEST

START_TEST(a_value_that_would_nest_too_deep_is_refused)
{
  char text[2 * CD_JSON_DEPTH_MAX + 1];
  memset(text, '[', CD_JSON_DEPTH_MAX);
  memset(text + CD_JSON_DEPTH_MAX, ']', CD_JSON_DEPTH_MAX);
  text[2 * CD_JSON_DEPTH_MAX] = '\0';
  cd_json_doc *doc = NULL;
  ck_assert_int_eq(cd_json_parse(cd_str_from(text), 99, "doc", &doc, NULL), CD_OK);
  cd_json any = cd_json_any(doc);
  cd_buf b = CD_BUF_INIT(999);
  cd_jw w;
  cd_jw_init(&w, &b);
  cd_jw_arr(&w, NULL);
  cd_jw_value(&w, NULL, &any);
  cd_jw_end_arr(&w);
  ck_assert_int_eq(cd_jw_done(&w, "out", NULL), CD_E_INTERNAL);
  cd_buf_release(&b);
  cd_json_free(doc);
}
END_TEST

static const struct {
  const char *under;
  const char *over;
  const char *text;
} overlays[] = {
    {"{}", "{}", "{}"},
    {"{\"a\":1,\"b\":{\"c\":[1,2],\"d\":null}}", "{\"b\":{\"c\":[3]},\"e\":\"x\"}",
     "{\"a\":1,\"b\":{\"c\":[3],\"d\":null},\"e\":\"x\"}"},
    {"{\"a\":{\"b\":1}}", "{\"a\":7}", "{\"a\":7}"},
    {"{\"a\":7}", "{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1}}"},
    {"[1]", "[2]", "[2]"},
};

START_TEST(an_overlay_joins_objects_and_replaces_the_rest)
{
  for (size_t i = 0; i < COUNT_OF(overlays); i++) {
    cd_json_doc *under = NULL;
    cd_json_doc *over = NULL;
    cd_buf b = CD_BUF_INIT(1024);
    ck_assert_int_eq(cd_json_parse(cd_str_from(overlays[i].under), 999, "under", &under, NULL),
                     CD_OK);
    ck_assert_int_eq(cd_json_parse(cd_str_from(overlays[i].over), 999, "over", &over, NULL), CD_OK);
    cd_json u = cd_json_any(under);
    cd_json o = cd_json_any(over);
    cd_json_overlay(&u, &o, &b);
    ck_assert_str_eq(cd_buf_cstr(&b), overlays[i].text);
    cd_buf_release(&b);
    cd_json_free(under);
    cd_json_free(over);
  }
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      commas_and_nesting_are_the_writer_s_business,
      a_root_may_be_any_value,
      text_is_escaped_and_always_utf8,
      numbers_above_2_to_the_53_are_strings_and_come_back,
      an_unbalanced_document_is_refused,
      the_deepest_document_is_written_and_read,
      the_buffer_s_ceiling_is_the_document_s,
      a_parsed_value_is_printed_in_its_own_order,
      a_value_is_copied_into_another_document,
      members_are_copied_but_for_one,
      a_value_that_would_nest_too_deep_is_refused,
      an_overlay_joins_objects_and_replaces_the_rest,
  };
  return run_suite("base.json_write", tests, COUNT_OF(tests));
}
