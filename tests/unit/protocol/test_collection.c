/* Collection lists: what people may write, and an order of the profile custom. */
#include "protocol/collection.h"

#include "fixture.h"

#include "protocol/kind.h"

#include <stdio.h>
#include <string.h>

#define WHY "\"why\":\"CHG-1\""
#define ITEM(path) "{\"folder\":\"Web server\",\"path\":\"" path "\"," WHY "}"
#define DEEP(path) "{\"folder\":\"W\",\"path\":\"" path "\",\"max_depth\":3," WHY "}"

static const struct {
  const char *item;
  const char *complaint; /* NULL: none */
} rows[] = {
    {ITEM("/var/log/nginx/access.log"), NULL},
    {ITEM("/var/log/*/a?c*.log"), NULL},
    {ITEM("/srv/[x]/\\\\y"), NULL},
    {ITEM("/srv/\xc3\xa4"), NULL},
    {DEEP("/srv/**/*.php"), NULL},
    {"{\"folder\":\"W (2)\",\"path\":\"/a\",\"max_bytes\":1073741824,\"max_files\":2000," WHY "}",
     NULL},
    {ITEM("C:\\\\inetpub\\\\logs\\\\*\\\\u_ex*.log"), NULL},
    {DEEP("c:\\\\srv\\\\**\\\\*.php"), NULL},
    {ITEM("C:"), "items[0].path"},
    {ITEM("C:\\\\"), "items[0].path"},
    {ITEM("C:/x"), "items[0].path"},
    {ITEM("C:\\\\a\\\\"), "items[0].path"},
    {ITEM("C:\\\\a\\\\..\\\\b"), "items[0].path"},
    {ITEM("C:\\\\a/b"), "none of : /"},
    {ITEM("C:\\\\a:stream"), "none of : /"},
    {ITEM("\\\\\\\\server\\\\share\\\\x"), "items[0].path"},
    {DEEP("C:\\\\srv\\\\**"), "items[0].path"},
    {ITEM("var/log/x"), "items[0].path"},
    {ITEM("/"), "items[0].path"},
    {ITEM("//x"), "items[0].path"},
    {ITEM("/x/"), "items[0].path"},
    {ITEM("/x/../y"), "items[0].path"},
    {ITEM("/x/./y"), "items[0].path"},
    {ITEM("/x\\ny"), "items[0].path"},
    {ITEM("/x/a**b"), "items[0].path"},
    {ITEM("/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2"), NULL},
    {ITEM("/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3"), "too many parts"},
    {ITEM("/x/*a*b*c*d*e*f*g*h*"), "too many *"},
    {ITEM("/srv/**/x"), "items[0].max_depth"},
    {DEEP("/srv/x"), "items[0].max_depth"},
    {DEEP("/srv/**"), "items[0].path"},
    {DEEP("/**/a/**/x"), "items[0].path"},
    {"{\"folder\":\"..\",\"path\":\"/a\"," WHY "}", "items[0].folder"},
    {"{\"folder\":\"a/b\",\"path\":\"/a\"," WHY "}", "items[0].folder"},
    {"{\"folder\":\"a.\",\"path\":\"/a\"," WHY "}", "items[0].folder"},
    {"{\"folder\":\"Manifest.json\",\"path\":\"/a\"," WHY "}", "items[0].folder"},
    {"{\"folder\":\"manifest\",\"path\":\"/a\"," WHY "}", NULL},
    {"{\"folder\":\"=a\",\"path\":\"/a\"," WHY "}", "items[0].folder"},
    {"{\"folder\":\"a\",\"path\":\"/a\"}", "items[0].why"},
    {"{\"folder\":\"a\",\"path\":\"/a\",\"why\":\"\"}", "items[0].why"},
    {"{\"folder\":\"a\",\"path\":\"/a\",\"max_bytes\":0," WHY "}", "items[0].max_bytes"},
    {"{\"folder\":\"a\",\"path\":\"/a\",\"max_bytes\":1073741825," WHY "}", "items[0].max_bytes"},
    {"{\"folder\":\"a\",\"path\":\"/a\",\"max_files\":0," WHY "}", "items[0].max_files"},
    {"{\"folder\":\"a\",\"path\":\"/a\",\"max_files\":2001," WHY "}", "items[0].max_files"},
    {"{\"folder\":\"a\",\"path\":\"/**/a\",\"max_depth\":33," WHY "}", "items[0].max_depth"},
    {"{\"folder\":\"a\",\"path\":\"/a\",\"command\":\"x\"," WHY "}", "items[0].command"},
    {"{\"folder\":\"a\",\"path\":\"/a\",\"max_files\":2000," WHY "},"
     "{\"folder\":\"a\",\"path\":\"/b\",\"max_files\":1901," WHY "}",
     "3901 files together"},
    {"", "items must not be empty"},
};

static cd_code check(bool order, const char *text, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_code rc = cd_json_parse(cd_str_from(text), 2 * CD_COLLECTION_MAX, "the text", &doc, err);
  expect_ok(rc, err);
  cd_json root = cd_json_root(doc);
  if (order)
    cd_order_check_parameters(CD_ORDER_COLLECT, &root);
  else
    cd_collection_read(&root, NULL, NULL);
  rc = cd_json_done(&root, err);
  cd_json_free(doc);
  return rc;
}

START_TEST(a_list_names_files_and_its_ceilings)
{
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    char text[1024];
    cd_err err = {0};
    (void)snprintf(text, sizeof(text), "{\"name\":\"web-1\",\"version\":3,\"items\":[%s]}",
                   rows[i].item);
    cd_code rc = check(false, text, &err);
    ck_assert_msg((rc == CD_OK) == (rows[i].complaint == NULL), "%s: %s", text, err.text);
    if (rows[i].complaint != NULL)
      ck_assert_msg(strstr(err.text, rows[i].complaint) != NULL, "%s: %s", text, err.text);
  }
}
END_TEST

START_TEST(a_list_has_a_name_and_a_version)
{
  static const char *const bad[] = {
      "{\"name\":\"\",\"version\":1,\"items\":[" ITEM("/a") "]}",
      "{\"name\":\"a b\",\"version\":1,\"items\":[" ITEM("/a") "]}",
      "{\"name\":\"../a\",\"version\":1,\"items\":[" ITEM("/a") "]}",
      "{\"name\":\"a\",\"version\":0,\"items\":[" ITEM("/a") "]}",
      "{\"name\":\"a\",\"items\":[" ITEM("/a") "]}",
      "{\"name\":\"a\",\"version\":1,\"more\":1,\"items\":[" ITEM("/a") "]}",
  };
  cd_err err = {0};
  expect_ok(check(false, "{\"name\":\"a.B-1_c\",\"version\":1,\"items\":[" ITEM("/a") "]}", &err),
            &err);
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    cd_err why = {0};
    ck_assert_msg(check(false, bad[i], &why) != CD_OK, "%s", bad[i]);
  }
}
END_TEST

START_TEST(only_the_profile_custom_has_a_list_and_it_must)
{
#define LIST "\"list\":{\"name\":\"a\",\"version\":1,\"items\":[" ITEM("/a") "]}"
  static const struct {
    const char *parameters;
    bool good;
  } orders[] = {
      {"{\"profile\":\"standard\"}", true},
      {"{\"profile\":\"custom\"," LIST "}", true},
      {"{\"profile\":\"custom\"," LIST ",\"budget_s\":60}", true},
      {"{\"profile\":\"custom\"}", false},
      {"{\"profile\":\"custom\",\"list\":null}", false},
      {"{\"profile\":\"custom\",\"list\":\"web\"}", false},
      {"{\"profile\":\"custom\",\"list\":{\"name\":\"a\",\"version\":1,\"items\":[]}}", false},
      {"{\"profile\":\"extended\"," LIST "}", false},
      {"{\"profile\":\"all\"," LIST "}", false},
  };
  for (size_t i = 0; i < COUNT_OF(orders); i++) {
    cd_err err = {0};
    cd_code rc = check(true, orders[i].parameters, &err);
    ck_assert_msg((rc == CD_OK) == orders[i].good, "%s: %s", orders[i].parameters, err.text);
  }
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      a_list_names_files_and_its_ceilings,
      a_list_has_a_name_and_a_version,
      only_the_profile_custom_has_a_list_and_it_must,
  };
  return run_suite("protocol.collection", tests, COUNT_OF(tests));
}
