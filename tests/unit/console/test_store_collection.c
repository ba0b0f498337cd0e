/* Collection lists: kept with their versions, and good only as the audit log records them. */
#include "store_collection.h"

#include "store_place.h"

#include <string.h>

#define ITEM(path) "{\"folder\":\"F\",\"path\":\"" path "\",\"why\":\"w\"}"
#define LIST(version, path) "{\"name\":\"web\",\"version\":" version ",\"items\":[" ITEM(path) "]}"

static cd_code put(con_store *s, const char *text)
{
  cd_json_doc *doc = NULL;
  ck_assert_int_eq(cd_json_parse(cd_str_from(text), 4096, "the list", &doc, &err), CD_OK);
  cd_json root = cd_json_root(doc);
  cd_code rc = con_collection_put(s, &alice, &root, &err);
  cd_json_free(doc);
  return rc;
}

static cd_code check(con_store *s)
{
  con_collection x = {0};
  cd_code rc = con_collection_get(s, CD_STR("web"), &x, &err);
  if (rc == CD_OK)
    rc = con_collection_check(s, &x, &err);
  con_collection_release(&x);
  return rc;
}

static bool count_list(void *context, const con_collection *x)
{
  unsigned *count = context;
  ck_assert(cd_str_eq_cstr(x->name, "web"));
  (*count)++;
  return true;
}

START_TEST(a_list_is_replaced_by_a_higher_version_only)
{
  con_store *s = open_store();
  con_collection x = {0};
  unsigned count = 0;
  expect_refused(check(s), CD_E_NOTFOUND, "no collection list 'web'");
  expect_ok(put(s, LIST("3", "/a")));
  expect_refused(put(s, LIST("3", "/b")), CD_E_CONFLICT, "version 3");
  expect_refused(put(s, LIST("2", "/b")), CD_E_CONFLICT, "version 3");
  expect_ok(put(s, LIST("4", "/b")));
  expect_ok(con_collection_get(s, CD_STR("web"), &x, &err));
  ck_assert_uint_eq(x.version, 4);
  ck_assert(cd_str_eq_cstr(x.json, LIST("4", "/b")));
  con_collection_release(&x);
  expect_ok(con_collection_each(s, count_list, &count, &err));
  ck_assert_uint_eq(count, 1);
  expect_ok(con_collection_remove(s, &alice, CD_STR("web"), &err));
  expect_refused(con_collection_remove(s, &alice, CD_STR("web"), &err), CD_E_NOTFOUND, "'web'");
  con_store_close(s);
}
END_TEST

START_TEST(what_is_no_list_is_not_kept)
{
  con_store *s = open_store();
  expect_refused(put(s, LIST("1", "/a/../b")), CD_E_INVALID, "items[0].path");
  expect_refused(put(s, "{\"name\":\"web\",\"version\":1,\"items\":[]}"), CD_E_INVALID, "items");
  expect_refused(check(s), CD_E_NOTFOUND, "'web'");
  con_store_close(s);
}
END_TEST

START_TEST(a_list_that_was_edited_in_the_database_is_good_for_nothing)
{
  con_store *s = open_store();
  expect_ok(put(s, LIST("1", "/a")));
  expect_ok(check(s));
  attack("UPDATE collection SET json = '" LIST("1", "/b") "'");
  expect_refused(check(s), CD_E_CONFLICT, "as the audit log does not record it");
  attack("UPDATE collection SET json = '" LIST("1", "/a") "', updated_by = 'mallory'");
  expect_refused(check(s), CD_E_CONFLICT, "as the audit log does not record it");
  attack("UPDATE collection SET updated_by = 'alice'");
  expect_ok(check(s));
  /* One that was replaced, and one that was removed, do not come back. */
  expect_ok(put(s, LIST("2", "/b")));
  attack("UPDATE collection SET json = '" LIST("1", "/a") "', version = 1");
  expect_refused(check(s), CD_E_CONFLICT, "as the audit log does not record it");
  expect_ok(con_collection_remove(s, &alice, CD_STR("web"), &err));
  attack("INSERT INTO collection(name, json, version, updated, updated_by, comment)"
         " VALUES('web', '" LIST("2", "/b") "', 2, 1, 'alice', 'a comment')");
  expect_refused(check(s), CD_E_CONFLICT, "as the audit log does not record it");
  con_store_close(s);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      a_list_is_replaced_by_a_higher_version_only,
      what_is_no_list_is_not_kept,
      a_list_that_was_edited_in_the_database_is_good_for_nothing,
  };
  return run_suite("console.store_collection", tests, COUNT_OF(tests));
}
