/* base/json.h, reading: what is refused before anything is built, and what every getter says. */
#include "base/json.h"

#include "base/limits.h"

#include "suite.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

static cd_code parse(cd_str text, cd_json_doc **ret_doc, cd_err *err)
{
  return cd_json_parse(text, CD_FRAME_PAYLOAD_MAX, "order", ret_doc, err);
}

static cd_json_doc *must_parse(const char *text)
{
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  cd_code rc = parse(cd_str_from(text), &doc, &err);
  ck_assert_msg(rc == CD_OK, "%s", err.text);
  return doc;
}

/* ---- the text ---- */

START_TEST(what_the_grammar_allows_is_read)
{
  static const char *const rows[] = {
      "{}",
      "[]",
      "0",
      "-0",
      "-1.5e-3",
      "1E+2",
      "\"\"",
      "true",
      "false",
      "null",
      " \t\r\n[ 1 , 2 ] \n",
      "{\"a\":{\"b\":[{},[],null]}}",
      "{\"\":1}",
      "{\"a\":1,\"A\":2}",
      "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\"",
      "\"\xe3\x81\x82\"",
      "\"\x7f\"",
      "9007199254740992",
      "-9007199254740992",
      "1e300",
      "123456789.123456789",
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    cd_json_doc *doc = NULL;
    cd_err err = {0};
    ck_assert_msg(parse(cd_str_from(rows[i]), &doc, &err) == CD_OK, "row %zu: %s", i, err.text);
    cd_json_free(doc);
  }
}
END_TEST

START_TEST(what_it_does_not_allow_is_refused_with_the_place)
{
  static const struct {
    cd_str text;
    const char *sentence;
  } rows[] = {
      {CD_STR_INIT(""), "order: the text ends where a value should be at byte 0"},
      {CD_STR_INIT("  "), "order: the text ends where a value should be at byte 2"},
      {CD_STR_INIT("{"), "order: a key must be a string at byte 1"},
      {CD_STR_INIT("["), "order: the text ends where a value should be at byte 1"},
      {CD_STR_INIT("[1"), "order: no ',' or ']' in an array at byte 2"},
      {CD_STR_INIT("[1,]"), "order: no JSON value at byte 3"},
      {CD_STR_INIT("[1 2]"), "order: no ',' or ']' in an array at byte 3"},
      {CD_STR_INIT("[1}"), "order: no ',' or ']' in an array at byte 2"},
      {CD_STR_INIT("{\"a\":1]"), "order: no ',' or '}' in an object at byte 6"},
      {CD_STR_INIT("{\"a\":1,}"), "order: a key must be a string at byte 7"},
      {CD_STR_INIT("{\"a\" 1}"), "order: no colon after a key at byte 5"},
      {CD_STR_INIT("{\"a\":}"), "order: no JSON value at byte 5"},
      {CD_STR_INIT("{a:1}"), "order: a key must be a string at byte 1"},
      {CD_STR_INIT("{'a':1}"), "order: a key must be a string at byte 1"},
      {CD_STR_INIT("{1:1}"), "order: a key must be a string at byte 1"},
      {CD_STR_INIT("tru"), "order: no JSON value at byte 0"},
      {CD_STR_INIT("truex"), "order: something after the value at byte 4"},
      {CD_STR_INIT("True"), "order: no JSON value at byte 0"},
      {CD_STR_INIT("NaN"), "order: no JSON value at byte 0"},
      {CD_STR_INIT("Infinity"), "order: no JSON value at byte 0"},
      {CD_STR_INIT("-"), "order: a number without digits at byte 0"},
      {CD_STR_INIT("-Infinity"), "order: a number without digits at byte 0"},
      {CD_STR_INIT("+1"), "order: no JSON value at byte 0"},
      {CD_STR_INIT(".5"), "order: no JSON value at byte 0"},
      {CD_STR_INIT("1."), "order: a number without digits after the point at byte 0"},
      {CD_STR_INIT("1e"), "order: a number without digits in the exponent at byte 0"},
      {CD_STR_INIT("1e+"), "order: a number without digits in the exponent at byte 0"},
      {CD_STR_INIT("[01]"), "order: a number with a leading zero at byte 1"},
      {CD_STR_INIT("-00"), "order: a number with a leading zero at byte 0"},
      {CD_STR_INIT("0x10"), "order: something after the value at byte 1"},
      {CD_STR_INIT("{} {}"), "order: something after the value at byte 3"},
      {CD_STR_INIT("{}\0"), "order: something after the value at byte 2"},
      {CD_STR_INIT("\0{}"), "order: no JSON value at byte 0"},
      {CD_STR_INIT("\v1"), "order: no JSON value at byte 0"},
      {CD_STR_INIT("\xef\xbb\xbf{}"), "order: no JSON value at byte 0"},
      {CD_STR_INIT("[1]//x"), "order: something after the value at byte 3"},
      {CD_STR_INIT("\"abc"), "order: a string without its end at byte 4"},
      {CD_STR_INIT("\"a\\"), "order: an unknown escape in a string at byte 3"},
      {CD_STR_INIT("\"\\\0\""), "order: an unknown escape in a string at byte 2"},
      {CD_STR_INIT("\"\\x41\""), "order: an unknown escape in a string at byte 2"},
      {CD_STR_INIT("\"\\u12\""), "order: \\u without four hex digits at byte 3"},
      {CD_STR_INIT("\"\\u12G4\""), "order: \\u without four hex digits at byte 3"},
      {CD_STR_INIT("\"\\u"), "order: \\u without four hex digits at byte 3"},
      {CD_STR_INIT("\"a\nb\""), "order: a control character in a string at byte 2"},
      {CD_STR_INIT("\"a\0b\""), "order: a control character in a string at byte 2"},
      {CD_STR_INIT("\"a\\u0000b\""), "order: a NUL character in a string at byte 8"},
      {CD_STR_INIT("{\"a\\u0000\":1}"), "order: a NUL character in a string at byte 9"},
      {CD_STR_INIT("\"\\ud800\""), "order: half a surrogate pair at byte 7"},
      {CD_STR_INIT("\"\\udc00\""), "order: half a surrogate pair at byte 7"},
      {CD_STR_INIT("\"\\ud800\\n\""), "order: half a surrogate pair at byte 7"},
      {CD_STR_INIT("\"\\ud800\\u0041\""), "order: half a surrogate pair at byte 13"},
      {CD_STR_INIT("\"\xff\""), "order: the text is not UTF-8"},
      {CD_STR_INIT("\"\xed\xa0\x80\""), "order: the text is not UTF-8"},
      {CD_STR_INIT("[\"\xc3\"]"), "order: the text is not UTF-8"},
      {CD_STR_INIT("9007199254740993"),
       "order: a number above 2^53, which must be a decimal string, at byte 0"},
      {CD_STR_INIT("[-9007199254740993]"),
       "order: a number above 2^53, which must be a decimal string, at byte 1"},
      {CD_STR_INIT("99999999999999999999999"),
       "order: a number above 2^53, which must be a decimal string, at byte 0"},
      {CD_STR_INIT("0.0000000000000000000000000000000000000000000000000000000000001"),
       "order: a number of more than 60 characters at byte 0"},
      {CD_STR_INIT("1e999"), "order: the document is a number out of range"},
      {CD_STR_INIT("{\"a\":[0,-1e999]}"), "order: a[1] is a number out of range"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    cd_json_doc *doc = NULL;
    cd_err err = {0};
    ck_assert_msg(parse(rows[i].text, &doc, &err) == CD_E_INVALID, "row %zu: %s", i, err.text);
    ck_assert_msg(strcmp(err.text, rows[i].sentence) == 0, "row %zu: %s", i, err.text);
    ck_assert_ptr_null(doc);
  }
}
END_TEST

START_TEST(every_cut_of_a_document_is_refused)
{
  static const char text[] =
      "{\"a\":[1.5e3,\"\\ud83d\\ude00\xe3\x81\x82\",true,null],\"b\":{\"c\":-0}}";
  for (size_t len = 0; len < sizeof(text) - 1; len++) {
    /* A heap copy of the exact size, so that a sanitizer sees one byte too many. */
    char *cut = malloc(len > 0 ? len : 1);
    ck_assert_ptr_nonnull(cut);
    memcpy(cut, text, len);
    cd_json_doc *doc = NULL;
    ck_assert_int_eq(parse((cd_str){cut, len}, &doc, NULL), CD_E_INVALID);
    free(cut);
  }
  cd_json_free(must_parse(text));
}
END_TEST

START_TEST(a_text_over_its_limit_is_refused)
{
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  ck_assert_int_eq(cd_json_parse(CD_STR("[1,2]"), 4, "list", &doc, &err), CD_E_LIMIT);
  ck_assert_str_eq(err.text, "list: 5 bytes, the limit is 4");
  ck_assert_int_eq(cd_json_parse(CD_STR("[1,2]"), 5, "list", &doc, &err), CD_OK);
  cd_json_free(doc);
}
END_TEST

/* `levels` arrays or objects in each other. */
static char *nested(const char *open, const char *inner, const char *close, size_t levels)
{
  cd_buf b = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  for (size_t i = 0; i < levels; i++)
    cd_buf_add_cstr(&b, open);
  cd_buf_add_cstr(&b, inner);
  for (size_t i = 0; i < levels; i++)
    cd_buf_add_cstr(&b, close);
  return cd_buf_steal(&b, NULL);
}

START_TEST(nesting_ends_at_the_limit)
{
  static const struct {
    const char *open, *inner, *close;
    size_t levels;
    cd_code code;
  } rows[] = {
      {"[", "1", "]", CD_JSON_DEPTH_MAX, CD_OK},
      {"[", "", "]", CD_JSON_DEPTH_MAX, CD_OK},
      {"{\"a\":", "1", "}", CD_JSON_DEPTH_MAX, CD_OK},
      {"[", "1", "]", CD_JSON_DEPTH_MAX + 1, CD_E_LIMIT},
      {"[", "", "]", CD_JSON_DEPTH_MAX + 1, CD_E_LIMIT},
      {"{\"a\":", "{}", "}", CD_JSON_DEPTH_MAX, CD_E_LIMIT},
      {"[{\"a\":", "1", "}]", CD_JSON_DEPTH_MAX / 2, CD_OK},
      {"[{\"a\":", "[]", "}]", CD_JSON_DEPTH_MAX / 2, CD_E_LIMIT},
      {"[", "", "", 500000, CD_E_LIMIT},
      {"{\"a\":", "", "", 100000, CD_E_LIMIT},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    char *text = nested(rows[i].open, rows[i].inner, rows[i].close, rows[i].levels);
    cd_json_doc *doc = NULL;
    cd_err err = {0};
    ck_assert_msg(parse(cd_str_from(text), &doc, &err) == rows[i].code, "row %zu: %s", i, err.text);
    ck_assert_msg(rows[i].code == CD_OK || strstr(err.text, "deeper than 32 levels") != NULL,
                  "row %zu: %s", i, err.text);
    cd_json_free(doc);
    free(text);
  }
}
END_TEST

START_TEST(the_number_of_values_is_limited)
{
  for (size_t values = CD_JSON_NODES_MAX - 1; values <= CD_JSON_NODES_MAX + 1; values++) {
    cd_buf b = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
    cd_buf_add_cstr(&b, "[0"); /* two values */
    for (size_t i = 2; i < values; i++)
      cd_buf_add_cstr(&b, ",0");
    cd_buf_add_cstr(&b, "]");
    cd_json_doc *doc = NULL;
    cd_err err = {0};
    cd_code want = values <= CD_JSON_NODES_MAX ? CD_OK : CD_E_LIMIT;
    ck_assert_int_eq(parse(cd_buf_view(&b), &doc, &err), want);
    ck_assert_msg(want == CD_OK || strstr(err.text, "more than 100000 values") != NULL, "%s",
                  err.text);
    cd_json any = cd_json_any(doc);
    /* Reading every element in turn takes no more than a walk. */
    uint64_t sum = 0;
    size_t len = cd_json_len(&any);
    for (size_t i = 0; i < len; i++) {
      uint64_t v = 1;
      cd_json_at_u64(&any, i, 9, &v);
      sum += v;
    }
    ck_assert_uint_eq(sum, 0);
    cd_json_free(doc);
    cd_buf_release(&b);
  }
}
END_TEST

START_TEST(duplicate_keys_are_refused_with_their_path)
{
  static const struct {
    const char *text, *sentence;
  } rows[] = {
      {"{\"a\":1,\"a\":1}", "order: a is there twice"},
      {"{\"a\":1,\"\\u0061\":1}", "order: a is there twice"},
      {"{\"\":1,\"\":1}", "order:  is there twice"},
      {"[{\"x\":{\"k\":1,\"l\":2,\"k\":3}}]", "order: [0].x.k is there twice"},
      {"{\"e\":[0,{\"p\":1,\"p\":2}]}", "order: e[1].p is there twice"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    cd_json_doc *doc = NULL;
    cd_err err = {0};
    ck_assert_msg(parse(cd_str_from(rows[i].text), &doc, &err) == CD_E_INVALID, "row %zu", i);
    ck_assert_msg(strcmp(err.text, rows[i].sentence) == 0, "row %zu: %s", i, err.text);
  }
}
END_TEST

START_TEST(duplicates_are_found_among_many_keys)
{
  for (int twice = 0; twice < 2; twice++) {
    cd_buf b = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
    cd_buf_add_cstr(&b, "{\"o\":{");
    for (int i = 0; i < 50000; i++)
      cd_buf_addf(&b, "\"key%d\":1,", i);
    cd_buf_addf(&b, "\"key%d\":2}}", twice ? 777 : 50000);
    cd_json_doc *doc = NULL;
    cd_err err = {0};
    ck_assert_int_eq(parse(cd_buf_view(&b), &doc, &err), twice ? CD_E_INVALID : CD_OK);
    if (twice)
      ck_assert_str_eq(err.text, "order: o.key777 is there twice");
    cd_json_free(doc);
    cd_buf_release(&b);
  }
}
END_TEST

/* ---- getters ---- */

static const char *const modes[] = {"full", "selective", NULL};

typedef enum getter {
  STR4,
  U64_100,
  U64_ANY,
  I64_SMALL,
  I64_ANY,
  BOOL,
  ENUM,
  OBJ,
  ARR2,
  VALUE,
} getter;

/* Runs one mandatory getter on member "m"; true if it wrote its output. */
static bool get(cd_json *o, getter g)
{
  cd_str s = CD_STR("kept");
  uint64_t u = 4242;
  int64_t n = 4242;
  bool b = true;
  int e = 4242;
  cd_json j = {.asked = 4242};
  switch (g) {
  case STR4: cd_json_str(o, "m", 4, &s); return !cd_str_eq_cstr(s, "kept");
  case U64_100: cd_json_u64(o, "m", 100, &u); return u != 4242;
  case U64_ANY: cd_json_u64(o, "m", UINT64_MAX, &u); return u != 4242;
  case I64_SMALL: cd_json_i64(o, "m", -5, 5, &n); return n != 4242;
  case I64_ANY: cd_json_i64(o, "m", INT64_MIN, INT64_MAX, &n); return n != 4242;
  case BOOL: cd_json_bool(o, "m", &b); return !b;
  case ENUM: cd_json_enum(o, "m", modes, &e); return e != 4242;
  case OBJ: cd_json_obj(o, "m", &j); return j.node != NULL;
  case ARR2: cd_json_arr(o, "m", 2, &j); return j.node != NULL;
  case VALUE: cd_json_value(o, "m", &j); return j.node != NULL;
  }
  return false;
}

START_TEST(every_getter_refuses_what_does_not_fit_with_its_path)
{
  static const struct {
    getter getter;
    cd_code code;
    const char *value; /* of exclusions[1].m; NULL: the member is missing */
    const char *why;
  } rows[] = {

      {STR4, CD_E_INVALID, NULL, "is missing"},
      {STR4, CD_E_INVALID, "null", "must be a string, it is null"},
      {STR4, CD_E_INVALID, "1", "must be a string, it is a number"},
      {STR4, CD_E_INVALID, "[]", "must be a string, it is an array"},
      {STR4, CD_E_LIMIT, "\"12345\"", "must be at most 4 bytes, it has 5"},
      {STR4, CD_E_LIMIT, "\"\\u00e9\\u00e9\\u00e9\"", "must be at most 4 bytes, it has 6"},
      {U64_100, CD_E_INVALID, NULL, "is missing"},
      {U64_100, CD_E_INVALID, "101", "must be a whole number from 0 to 100, it is 101"},
      {U64_100, CD_E_INVALID, "\"101\"", "must be a whole number from 0 to 100, it is 101"},
      {U64_100, CD_E_INVALID, "-1", "must be a whole number from 0 to 100, it is -1"},
      {U64_100, CD_E_INVALID, "\"-1\"", "must be a whole number from 0 to 100, it is -1"},
      {U64_100, CD_E_INVALID, "1.5", "must be a whole number from 0 to 100, it is 1.5"},
      {U64_100, CD_E_INVALID, "1e300",
       "must be a whole number from 0 to 100, it is 1.0000000000000001e+300"},
      {U64_100, CD_E_INVALID, "true", "must be a whole number from 0 to 100, it is a boolean"},
      {U64_100, CD_E_INVALID, "\"\"",
       "must be a whole number from 0 to 100, it is a string that is none"},
      {U64_100, CD_E_INVALID, "\"1.0\"",
       "must be a whole number from 0 to 100, it is a string that is none"},
      {U64_100, CD_E_INVALID, "\" 1\"",
       "must be a whole number from 0 to 100, it is a string that is none"},
      {U64_ANY, CD_E_INVALID, "\"18446744073709551616\"",
       "must be a whole number from 0 to 18446744073709551615, it is a string that is none"},
      {U64_ANY, CD_E_INVALID, "1e16",
       "must be a whole number from 0 to 18446744073709551615, it is 10000000000000000"},
      {I64_SMALL, CD_E_INVALID, NULL, "is missing"},
      {I64_SMALL, CD_E_INVALID, "6", "must be a whole number from -5 to 5, it is 6"},
      {I64_SMALL, CD_E_INVALID, "-6", "must be a whole number from -5 to 5, it is -6"},
      {I64_SMALL, CD_E_INVALID, "0.5", "must be a whole number from -5 to 5, it is 0.5"},
      {I64_SMALL, CD_E_INVALID, "{}", "must be a whole number from -5 to 5, it is an object"},
      {I64_SMALL, CD_E_INVALID, "\"--1\"",
       "must be a whole number from -5 to 5, it is a string that is none"},
      {I64_SMALL, CD_E_INVALID, "\"-\"",
       "must be a whole number from -5 to 5, it is a string that is none"},
      {I64_ANY, CD_E_INVALID, "\"9223372036854775808\"",
       "must be a whole number from -9223372036854775808 to 9223372036854775807, "
       "it is 9223372036854775808"},
      {I64_ANY, CD_E_INVALID, "\"-9223372036854775809\"",
       "must be a whole number from -9223372036854775808 to 9223372036854775807, "
       "it is -9223372036854775809"},
      {BOOL, CD_E_INVALID, NULL, "is missing"},
      {BOOL, CD_E_INVALID, "0", "must be true or false, it is a number"},
      {BOOL, CD_E_INVALID, "\"false\"", "must be true or false, it is a string"},
      {BOOL, CD_E_INVALID, "null", "must be true or false, it is null"},
      {ENUM, CD_E_INVALID, NULL, "is missing"},
      {ENUM, CD_E_INVALID, "\"Full\"", "must be one of: full, selective"},
      {ENUM, CD_E_INVALID, "\"\"", "must be one of: full, selective"},
      {ENUM, CD_E_INVALID, "0", "must be one of: full, selective"},
      {OBJ, CD_E_INVALID, NULL, "is missing"},
      {OBJ, CD_E_INVALID, "[]", "must be an object, it is an array"},
      {OBJ, CD_E_INVALID, "null", "must be an object, it is null"},
      {ARR2, CD_E_INVALID, NULL, "is missing"},
      {ARR2, CD_E_INVALID, "{}", "must be an array, it is an object"},
      {ARR2, CD_E_LIMIT, "[1,2,3]", "has 3 elements, the limit is 2"},
      {VALUE, CD_E_INVALID, NULL, "is missing"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    char text[256];
    (void)snprintf(text, sizeof(text), "{\"exclusions\":[{},{%s%s}]}",
                   rows[i].value != NULL ? "\"m\":" : "",
                   rows[i].value != NULL ? rows[i].value : "");
    cd_json_doc *doc = must_parse(text);
    cd_json root = cd_json_root(doc);
    cd_json list = {0};
    cd_json o = {0};
    cd_json_arr(&root, "exclusions", 9, &list);
    cd_json_at_obj(&list, 1, &o);
    ck_assert_msg(!get(&o, rows[i].getter), "row %zu: the output was written", i);

    char want[CD_ERR_TEXT_MAX];
    cd_err err = {0};
    (void)snprintf(want, sizeof(want), "order: exclusions[1].m %s", rows[i].why);
    ck_assert_msg(cd_json_status(&root, &err) == rows[i].code, "row %zu: code", i);
    ck_assert_msg(strcmp(err.text, want) == 0, "row %zu: %s", i, err.text);
    ck_assert_msg(err.code == rows[i].code, "row %zu: code of the sentence", i);
    cd_json_free(doc);
  }
}
END_TEST

START_TEST(members_that_fit_are_read)
{
  cd_json_doc *doc = must_parse(
      "{\"s\":\"1234\",\"e\":\"\",\"u\":100,\"i\":-5,\"t\":true,\"f\":false,\"m\":\"selective\","
      "\"o\":{\"k\":\"v\"},\"a\":[\"x\",7,{\"y\":1},null],\"n\":null}");
  cd_json r = cd_json_root(doc);
  cd_str s = {0};
  cd_str e = CD_STR("old");
  uint64_t u = 0;
  int64_t n = 0;
  bool t = false;
  bool f = true;
  int m = -1;
  cd_json o = {0};
  cd_json a = {0};
  cd_json any = {0};
  cd_json_str(&r, "s", 4, &s);
  cd_json_str(&r, "e", 4, &e);
  cd_json_u64(&r, "u", 100, &u);
  cd_json_i64(&r, "i", -5, 5, &n);
  cd_json_bool(&r, "t", &t);
  cd_json_bool(&r, "f", &f);
  cd_json_enum(&r, "m", modes, &m);
  cd_json_obj(&r, "o", &o);
  cd_json_arr(&r, "a", 4, &a);
  cd_json_value(&r, "n", &any);
  ck_assert(cd_str_eq_cstr(s, "1234"));
  ck_assert_uint_eq(e.len, 0);
  ck_assert_uint_eq(u, 100);
  ck_assert_int_eq(n, -5);
  ck_assert(t && !f);
  ck_assert_int_eq(m, 1);
  ck_assert(!cd_json_is_object(&any));

  cd_str v = {0};
  cd_json_str(&o, "k", 1, &v);
  ck_assert(cd_str_eq_cstr(v, "v"));
  ck_assert_uint_eq(cd_json_len(&a), 4);
  cd_json_at_str(&a, 0, 9, &s);
  cd_json_at_u64(&a, 1, 9, &u);
  cd_json_at_obj(&a, 2, &o);
  cd_json_at_value(&a, 3, &any);
  ck_assert(cd_str_eq_cstr(s, "x"));
  ck_assert_uint_eq(u, 7);
  cd_json_u64(&o, "y", 1, &u);
  ck_assert_uint_eq(u, 1);
  u = 0;
  cd_json_at_u64(&a, 1, 9, &u); /* and back again, by some and by one */
  ck_assert_uint_eq(u, 7);
  cd_json_at_str(&a, 0, 9, &s);
  ck_assert(cd_str_eq_cstr(s, "x"));
  cd_err err = {0};
  ck_assert_msg(cd_json_done(&r, &err) == CD_OK, "%s", err.text);
  cd_json_free(doc);
}
END_TEST

START_TEST(numbers_are_exact_as_number_and_as_string)
{
  static const struct {
    const char *value;
    uint64_t u;
    int64_t i;
  } rows[] = {
      {"0", 0, 0},
      {"-0", 0, 0},
      {"1.0", 1, 1},
      {"1e3", 1000, 1000},
      {"\"0\"", 0, 0},
      {"\"-0\"", 0, 0},
      {"9007199254740991", 9007199254740991, 9007199254740991},
      {"9007199254740992", 9007199254740992, 9007199254740992},
      {"\"9007199254740992\"", 9007199254740992, 9007199254740992},
      {"\"9007199254740993\"", 9007199254740993, 9007199254740993},
      {"\"9223372036854775807\"", INT64_MAX, INT64_MAX},
      {"\"18446744073709551615\"", UINT64_MAX, 4242},
      {"-9007199254740992", 4242, -9007199254740992},
      {"\"-9007199254740993\"", 4242, -9007199254740993},
      {"\"-9223372036854775808\"", 4242, INT64_MIN},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    char text[64];
    (void)snprintf(text, sizeof(text), "{\"m\":%s}", rows[i].value);
    for (int is_signed = 0; is_signed < 2; is_signed++) {
      cd_json_doc *doc = must_parse(text);
      cd_json r = cd_json_root(doc);
      uint64_t u = 4242;
      int64_t n = 4242;
      if (is_signed)
        cd_json_i64(&r, "m", INT64_MIN, INT64_MAX, &n);
      else
        cd_json_u64(&r, "m", UINT64_MAX, &u);
      ck_assert_msg(is_signed || u == rows[i].u, "row %zu: %llu", i, (unsigned long long)u);
      ck_assert_msg(!is_signed || n == rows[i].i, "row %zu: %lld", i, (long long)n);
      cd_json_free(doc);
    }
  }
}
END_TEST

START_TEST(absent_and_null_are_no_failure_for_optional_members)
{
  static const char *const rows[] = {"{}", "{\"m\":null}"};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    cd_json_doc *doc = must_parse(rows[i]);
    cd_json r = cd_json_root(doc);
    cd_str s = CD_STR("kept");
    uint64_t u = 7;
    int64_t n = 7;
    bool b = true;
    int e = 7;
    cd_json j = {.asked = 7};
    ck_assert(!cd_json_has(&r, "m"));
    ck_assert(!cd_json_opt_str(&r, "m", 9, &s) && cd_str_eq_cstr(s, "kept"));
    ck_assert(!cd_json_opt_u64(&r, "m", 9, &u) && u == 7);
    ck_assert(!cd_json_opt_i64(&r, "m", 0, 9, &n) && n == 7);
    ck_assert(!cd_json_opt_bool(&r, "m", &b) && b);
    ck_assert(!cd_json_opt_enum(&r, "m", modes, &e) && e == 7);
    ck_assert(!cd_json_opt_obj(&r, "m", &j) && j.asked == 7);
    ck_assert(!cd_json_opt_arr(&r, "m", 9, &j) && j.asked == 7);
    ck_assert(!cd_json_opt_value(&r, "m", &j) && j.asked == 7);
    ck_assert_int_eq(cd_json_done(&r, NULL), CD_OK);
    cd_json_free(doc);
  }
}
END_TEST

START_TEST(optional_members_that_fit_are_read)
{
  cd_json_doc *doc = must_parse("{\"s\":\"x\",\"u\":1,\"i\":-1,\"b\":true,\"e\":\"full\",\"o\":{},"
                                "\"a\":[1],\"v\":false}");
  cd_json r = cd_json_root(doc);
  cd_str s = {0};
  uint64_t u = 0;
  int64_t n = 0;
  bool b = false;
  int e = -1;
  cd_json o = {0};
  cd_json a = {0};
  cd_json v = {0};
  ck_assert(cd_json_has(&r, "v"));
  ck_assert(cd_json_opt_str(&r, "s", 1, &s) && cd_str_eq_cstr(s, "x"));
  ck_assert(cd_json_opt_u64(&r, "u", 1, &u) && u == 1);
  ck_assert(cd_json_opt_i64(&r, "i", -1, 1, &n) && n == -1);
  ck_assert(cd_json_opt_bool(&r, "b", &b) && b);
  ck_assert(cd_json_opt_enum(&r, "e", modes, &e) && e == 0);
  ck_assert(cd_json_opt_obj(&r, "o", &o) && cd_json_is_object(&o));
  ck_assert(cd_json_opt_arr(&r, "a", 1, &a) && cd_json_len(&a) == 1);
  ck_assert(cd_json_opt_value(&r, "v", &v) && !cd_json_is_number(&v));
  ck_assert(cd_json_opt_value(&r, "u", &v) && cd_json_is_number(&v));
  ck_assert(cd_json_opt_value(&r, "s", &v) && !cd_json_is_number(&v));
  ck_assert_int_eq(cd_json_done(&r, NULL), CD_OK);
  cd_json_free(doc);
}
END_TEST

START_TEST(optional_members_are_checked_when_they_are_there)
{
  static const char *const keys[] = {"s", "u", "i", "b", "e", "o", "a"};
  for (size_t i = 0; i < COUNT_OF(keys); i++) {
    cd_json_doc *doc =
        must_parse("{\"s\":1,\"u\":-1,\"i\":\"x\",\"b\":1,\"e\":\"no\",\"o\":[],\"a\":{}}");
    cd_json r = cd_json_root(doc);
    cd_str s = {0};
    uint64_t u = 7;
    int64_t n = 7;
    bool b = false;
    int e = 7;
    cd_json j = {0};
    ck_assert(!cd_json_opt_str(&r, i == 0 ? "s" : "-", 9, &s));
    ck_assert(!cd_json_opt_u64(&r, i == 1 ? "u" : "-", 9, &u));
    ck_assert(!cd_json_opt_i64(&r, i == 2 ? "i" : "-", 0, 9, &n));
    ck_assert(!cd_json_opt_bool(&r, i == 3 ? "b" : "-", &b));
    ck_assert(!cd_json_opt_enum(&r, i == 4 ? "e" : "-", modes, &e));
    ck_assert(!cd_json_opt_obj(&r, i == 5 ? "o" : "-", &j));
    ck_assert(!cd_json_opt_arr(&r, i == 6 ? "a" : "-", 9, &j));
    cd_err err = {0};
    char want[64];
    (void)snprintf(want, sizeof(want), "order: %s must be ", keys[i]);
    ck_assert_int_eq(cd_json_status(&r, &err), CD_E_INVALID);
    ck_assert_msg(strncmp(err.text, want, strlen(want)) == 0, "%s", err.text);
    cd_json_free(doc);
  }
}
END_TEST

START_TEST(elements_are_checked_with_their_index)
{
  static const struct {
    int getter; /* 0 str, 1 u64, 2 obj, 3 value */
    size_t index;
    const char *sentence;
  } rows[] = {
      {0, 1, "order: list[1] must be a string, it is a number"},
      {0, 0, "order: list[0] must be at most 1 bytes, it has 3"},
      {1, 0, "order: list[0] must be a whole number from 0 to 5, it is a string that is none"},
      {1, 1, "order: list[1] must be a whole number from 0 to 5, it is 6"},
      {2, 1, "order: list[1] must be an object, it is a number"},
      {0, 2, "order: list[2] is missing"},
      {1, 2, "order: list[2] is missing"},
      {2, 9, "order: list[9] is missing"},
      {3, 2, "order: list[2] is missing"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    cd_json_doc *doc = must_parse("{\"list\":[\"abc\",6]}");
    cd_json r = cd_json_root(doc);
    cd_json list = {0};
    cd_str s = {0};
    uint64_t u = 7;
    cd_json j = {0};
    cd_json_arr(&r, "list", 9, &list);
    if (rows[i].getter == 0)
      cd_json_at_str(&list, rows[i].index, 1, &s);
    else if (rows[i].getter == 1)
      cd_json_at_u64(&list, rows[i].index, 5, &u);
    else if (rows[i].getter == 2)
      cd_json_at_obj(&list, rows[i].index, &j);
    else
      cd_json_at_value(&list, rows[i].index, &j);
    cd_err err = {0};
    ck_assert_int_ne(cd_json_status(&list, &err), CD_OK);
    ck_assert_msg(strcmp(err.text, rows[i].sentence) == 0, "row %zu: %s", i, err.text);
    ck_assert_uint_eq(u, 7);
    ck_assert_ptr_null(j.node);
    cd_json_free(doc);
  }
}
END_TEST

START_TEST(the_first_failure_sticks_and_nothing_more_is_read)
{
  cd_json_doc *doc = must_parse("{\"a\":1,\"b\":\"x\",\"c\":[1,2]}");
  cd_json r = cd_json_root(doc);
  cd_json list = {0};
  cd_str s = CD_STR("kept");
  cd_err err = {0};
  cd_json_arr(&r, "c", 2, &list);
  cd_json_str(&r, "a", 9, &s);
  cd_json_str(&r, "missing", 9, &s);
  cd_json_str(&r, "b", 9, &s);
  cd_json_bad(&r, "b", "is not what I like");
  ck_assert(cd_str_eq_cstr(s, "kept"));
  ck_assert_uint_eq(cd_json_len(&list), 0);
  ck_assert(!cd_json_has(&r, "b"));
  ck_assert(!cd_json_opt_str(&r, "b", 9, &s));
  ck_assert_int_eq(cd_json_done(&r, &err), CD_E_INVALID);
  ck_assert_str_eq(err.text, "order: a must be a string, it is a number");
  ck_assert_int_eq(cd_json_status(&list, NULL), CD_E_INVALID);
  cd_json_free(doc);
}
END_TEST

START_TEST(a_dead_reader_reads_nothing)
{
  cd_json_doc *doc = must_parse("{\"a\":1}");
  cd_json r = cd_json_root(doc);
  cd_json o;
  cd_json deeper;
  memset(&o, 0xa5, sizeof(o));
  memset(&deeper, 0xa5, sizeof(deeper));
  cd_str s = CD_STR("kept");
  cd_json_obj(&r, "o", &o);
  cd_json_arr(&o, "x", 9, &deeper);
  cd_json_at_obj(&deeper, 0, &o);
  cd_json_value(&o, "y", &deeper);
  cd_json_str(&deeper, "z", 9, &s);
  cd_json_no_more(&o);
  ck_assert_uint_eq(cd_json_len(&deeper), 0);
  ck_assert(!cd_json_is_object(&o));
  cd_err err = {0};
  ck_assert_int_eq(cd_json_status(&o, &err), CD_E_INVALID);
  ck_assert_str_eq(err.text, "order: o is missing");
  cd_json_free(doc);

  cd_json nothing = {0};
  cd_json_str(&nothing, "z", 9, &s);
  cd_json_bad(&nothing, "z", "x");
  ck_assert(cd_str_eq_cstr(s, "kept"));
  ck_assert_int_eq(cd_json_status(&nothing, &err), CD_E_INTERNAL);
  cd_json none = cd_json_root(NULL);
  ck_assert_int_eq(cd_json_done(&none, NULL), CD_E_INTERNAL);
  cd_json_free(NULL);
}
END_TEST

START_TEST(keys_that_nobody_asked_for_are_refused)
{
  cd_json_doc *doc = must_parse("{\"a\":1,\"o\":{\"known\":1,\"kn\\u006Fwn2\":null}}");
  cd_json r = cd_json_root(doc);
  cd_json o = {0};
  uint64_t u = 0;
  cd_err err = {0};
  cd_json_obj(&r, "o", &o);
  cd_json_u64(&o, "known", 1, &u);
  ck_assert(!cd_json_has(&o, "known2")); /* looking is not asking */
  ck_assert_int_eq(cd_json_status(&o, NULL), CD_OK);
  ck_assert_int_eq(cd_json_done(&o, &err), CD_E_INVALID);
  ck_assert_str_eq(err.text, "order: o.known2 is not a known key");
  cd_json_free(doc);
}
END_TEST

START_TEST(keys_match_with_their_case)
{
  cd_json_doc *doc = must_parse("{\"Mode\":\"x\"}");
  cd_json r = cd_json_root(doc);
  cd_str s = CD_STR("kept");
  ck_assert(!cd_json_opt_str(&r, "mode", 9, &s));
  cd_err err = {0};
  ck_assert_int_eq(cd_json_done(&r, &err), CD_E_INVALID);
  ck_assert_str_eq(err.text, "order: Mode is not a known key");
  cd_json_free(doc);
}
END_TEST

START_TEST(a_hostile_key_cannot_spoil_the_sentence)
{
  char text[512];
  char longest[400];
  memset(longest, 'k', sizeof(longest) - 1);
  longest[sizeof(longest) - 1] = '\0';
  (void)snprintf(text, sizeof(text), "{\"%s\\n\":1}", longest);
  cd_json_doc *doc = must_parse(text);
  cd_json r = cd_json_root(doc);
  cd_err err = {0};
  ck_assert_int_eq(cd_json_done(&r, &err), CD_E_INVALID);
  ck_assert_str_eq(err.text,
                   "order: kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk... "
                   "is not a known key");
  cd_json_free(doc);

  doc = must_parse("{\"a\\n\\u001b[2J\":1}");
  r = cd_json_root(doc);
  ck_assert_int_eq(cd_json_done(&r, &err), CD_E_INVALID);
  ck_assert_str_eq(err.text, "order: a  [2J is not a known key");
  cd_json_free(doc);
}
END_TEST

START_TEST(a_path_that_is_too_long_is_cut_and_marked)
{
  char *text = nested("{\"k\xe3\x81\x82yyyyyyyy\":", "1", "}", 30);
  cd_json_doc *doc = must_parse(text);
  cd_json r = cd_json_root(doc);
  for (int i = 0; i < 29; i++) {
    cd_json next = {0};
    cd_json_obj(&r, "k\xe3\x81\x82yyyyyyyy", &next);
    r = next;
  }
  uint64_t u = 0;
  cd_json_u64(&r, "k\xe3\x81\x82yyyyyyyy", 0, &u);
  ck_assert_uint_lt(strlen(r.path), CD_JSON_PATH_MAX);
  ck_assert(cd_str_utf8_valid(cd_str_from(r.path)));
  ck_assert(cd_str_ends(cd_str_from(r.path), CD_STR("...")));
  cd_err err = {0};
  ck_assert_int_eq(cd_json_status(&r, &err), CD_E_INVALID);
  ck_assert(cd_str_ends(cd_str_from(err.text),
                        CD_STR("... must be a whole number from 0 to 0, it is 1")));
  cd_json_free(doc);
  free(text);
}
END_TEST

START_TEST(a_caller_s_own_failure_sticks_like_the_others)
{
  cd_json_doc *doc = must_parse("{\"o\":{\"cidr\":\"10.0.0.0/33\"}}");
  cd_json r = cd_json_root(doc);
  cd_json o = {0};
  cd_err err = {0};
  cd_json_obj(&r, "o", &o);
  cd_json_bad(&o, "cidr", "has %d bits", 33);
  ck_assert_int_eq(cd_json_status(&r, &err), CD_E_INVALID);
  ck_assert_str_eq(err.text, "order: o.cidr has 33 bits");
  cd_json_free(doc);

  doc = must_parse("{\"o\":{}}");
  r = cd_json_root(doc);
  cd_json_obj(&r, "o", &o);
  cd_json_bad(&o, NULL, "is of no use");
  ck_assert_int_eq(cd_json_status(&r, &err), CD_E_INVALID);
  ck_assert_str_eq(err.text, "order: o is of no use");
  cd_json_free(doc);
}
END_TEST

START_TEST(the_root_must_be_an_object_to_be_read_by_name)
{
  static const char *const rows[] = {"[]", "1", "\"x\"", "null", "true"};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    cd_json_doc *doc = must_parse(rows[i]);
    cd_json any = cd_json_any(doc);
    ck_assert(!cd_json_is_object(&any));
    ck_assert(!cd_json_has(&any, "a"));
    ck_assert_int_eq(cd_json_status(&any, NULL), CD_OK);
    cd_json root = cd_json_root(doc);
    cd_err err = {0};
    ck_assert_int_eq(cd_json_done(&root, &err), CD_E_INVALID);
    ck_assert_msg(strstr(err.text, "order: the document must be an object, it is ") != NULL, "%s",
                  err.text);
    cd_json_free(doc);
  }
}
END_TEST

START_TEST(reading_by_name_from_an_array_is_a_failure)
{
  cd_json_doc *doc = must_parse("{\"a\":[1]}");
  cd_json r = cd_json_root(doc);
  cd_json a = {0};
  uint64_t u = 0;
  cd_err err = {0};
  cd_json_arr(&r, "a", 1, &a);
  cd_json_u64(&a, "x", 1, &u);
  ck_assert_int_eq(cd_json_status(&r, &err), CD_E_INVALID);
  ck_assert_str_eq(err.text, "order: a must be an object, it is an array");
  cd_json_free(doc);
}
END_TEST

START_TEST(an_object_read_by_name_has_a_limit_of_keys)
{
  for (unsigned keys = CD_JSON_KEYS_MAX; keys <= CD_JSON_KEYS_MAX + 1; keys++) {
    cd_buf b = CD_BUF_INIT(4096);
    cd_buf_add_cstr(&b, "{\"o\":{");
    for (unsigned i = 0; i < keys; i++)
      cd_buf_addf(&b, "%s\"k%u\":%u", i > 0 ? "," : "", i, i);
    cd_buf_add_cstr(&b, "}}");
    cd_json_doc *doc = must_parse(cd_buf_cstr(&b));
    cd_json r = cd_json_root(doc);
    cd_json o = {0};
    cd_err err = {0};
    cd_json_obj(&r, "o", &o);
    for (unsigned i = 0; i < CD_JSON_KEYS_MAX; i++) {
      char key[16];
      uint64_t u = 0;
      (void)snprintf(key, sizeof(key), "k%u", i);
      cd_json_u64(&o, key, 999, &u);
    }
    bool fits = keys == CD_JSON_KEYS_MAX;
    ck_assert_int_eq(cd_json_done(&o, &err), fits ? CD_OK : CD_E_LIMIT);
    if (!fits)
      ck_assert_str_eq(err.text, "order: o has 65 keys, the limit is 64");
    cd_json_free(doc);
    cd_buf_release(&b);
  }
}
END_TEST

START_TEST(a_comma_as_decimal_point_changes_nothing)
{
  /* Where no such locale is installed this is the plain case once more. */
  if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL) /* NOLINT(concurrency-mt-unsafe) */
    (void)setlocale(LC_ALL, "fr_FR.UTF-8");     /* NOLINT(concurrency-mt-unsafe) */
  cd_json_doc *doc = must_parse("[1.5,2.25e-9,1e300,0.1]");
  cd_json any = cd_json_any(doc);
  cd_buf b = CD_BUF_INIT(100);
  cd_json_print(&any, &b);
  ck_assert_str_eq(cd_buf_cstr(&b), "[1.5,2.25e-09,1e+300,0.1]");
  cd_buf_release(&b);
  cd_json_free(doc);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      what_the_grammar_allows_is_read,
      what_it_does_not_allow_is_refused_with_the_place,
      every_cut_of_a_document_is_refused,
      a_text_over_its_limit_is_refused,
      nesting_ends_at_the_limit,
      the_number_of_values_is_limited,
      duplicate_keys_are_refused_with_their_path,
      duplicates_are_found_among_many_keys,
      every_getter_refuses_what_does_not_fit_with_its_path,
      members_that_fit_are_read,
      numbers_are_exact_as_number_and_as_string,
      absent_and_null_are_no_failure_for_optional_members,
      optional_members_that_fit_are_read,
      optional_members_are_checked_when_they_are_there,
      elements_are_checked_with_their_index,
      the_first_failure_sticks_and_nothing_more_is_read,
      a_dead_reader_reads_nothing,
      keys_that_nobody_asked_for_are_refused,
      keys_match_with_their_case,
      a_hostile_key_cannot_spoil_the_sentence,
      a_path_that_is_too_long_is_cut_and_marked,
      a_caller_s_own_failure_sticks_like_the_others,
      the_root_must_be_an_object_to_be_read_by_name,
      reading_by_name_from_an_array_is_a_failure,
      an_object_read_by_name_has_a_limit_of_keys,
      a_comma_as_decimal_point_changes_nothing,
  };
  return run_suite("base.json_read", tests, COUNT_OF(tests));
}
