/* Pages, links to the next one, limits. */
#include "limit.h"
#include "list.h"
#include "permission.h"

#include "web_suites.h"

#include <stdio.h>
#include <string.h>

/* So many actions, newest first, into a list with that query. */
static void make_list(const con_param *params, size_t count, unsigned rows, cd_buf *out)
{
  con_odata *q = NULL;
  con_list list;
  cd_err err = {0};
  con_action a = {.status = CD_ACTION_PENDING, .type = CD_STR("Isolate")};
  ck_assert_int_eq(
      con_odata_parse(params, count, con_actions.fields, con_actions.field_count, &q, &err), CD_OK);
  con_list_init(&list, &con_actions, q);
  for (unsigned i = 0; i < rows; i++) {
    (void)snprintf(a.id, sizeof(a.id), "a%05u", i);
    a.created_ms = 1000000 + i;
    if (con_list_wants(&list, &a) ? !con_list_take(&list, &a) : !con_list_open(&list))
      break;
  }
  ck_assert_msg(con_list_end(&list, CD_STR("https://c:1"), CD_STR("https://c:1/api/machineactions"),
                             params, count, out, &err) == CD_OK,
                "%s", err.text);
  con_list_release(&list);
  con_odata_free(q);
}

START_TEST(a_page_that_is_full_links_to_the_next)
{
  cd_buf out = CD_BUF_INIT(CON_FILTER_MAX * 1024);
  const con_param p[] = {{CD_STR("$filter"), CD_STR("status eq 'Pending'")},
                         {CD_STR("$select"), CD_STR("id")}};
  make_list(p, 2, CON_PAGE_MAX + 1, &out);
  ck_assert_ptr_nonnull(strstr(cd_buf_cstr(&out),
                               "\"@odata.nextLink\":\"https://c:1/api/machineactions?$filter=status"
                               "%20eq%20%27Pending%27&$select=id&$skip=10000\""));
  ck_assert_ptr_nonnull(strstr(cd_buf_cstr(&out), "{\"id\":\"a09999\"}"));
  ck_assert_ptr_null(strstr(cd_buf_cstr(&out), "a10000"));
  cd_buf_reset(&out);
  make_list(p, 2, CON_PAGE_MAX, &out);
  ck_assert_ptr_null(strstr(cd_buf_cstr(&out), "nextLink"));
  cd_buf_release(&out);
}
END_TEST

START_TEST(who_asked_for_so_many_has_them)
{
  cd_buf out = CD_BUF_INIT(100000);
  const con_param p[] = {{CD_STR("$top"), CD_STR("2")},
                         {CD_STR("$skip"), CD_STR("1")},
                         {CD_STR("$select"), CD_STR("id")},
                         {CD_STR("$count"), CD_STR("true")}};
  make_list(p, 4, 5, &out);
  ck_assert_str_eq(cd_buf_cstr(&out),
                   "{\"@odata.context\":\"https://c:1/api/$metadata#MachineActions\",\"@odata."
                   "count\":5,\"value\":[{\"id\":\"a00001\"},{\"id\":\"a00002\"}]}");
  cd_buf_release(&out);
}
END_TEST

START_TEST(an_order_is_over_all_rows)
{
  cd_buf out = CD_BUF_INIT(100000);
  const con_param p[] = {{CD_STR("$orderby"), CD_STR("creationDateTimeUtc desc")},
                         {CD_STR("$top"), CD_STR("1")},
                         {CD_STR("$skip"), CD_STR("1")},
                         {CD_STR("$select"), CD_STR("id")}};
  make_list(p, 4, 50, &out);
  ck_assert_ptr_nonnull(strstr(cd_buf_cstr(&out), "\"value\":[{\"id\":\"a00048\"}]"));
  cd_buf_release(&out);
}
END_TEST

START_TEST(too_many_calls_have_to_wait)
{
  static con_limits l;
  const con_limit three = {.per_minute = 3, .per_hour = 5};
  unsigned wait_s = 0;
  for (int i = 0; i < 3; i++)
    ck_assert(con_limit_take(&l, &three, CD_STR("a"), 1, 1000, &wait_s));
  ck_assert(!con_limit_take(&l, &three, CD_STR("a"), 1, 31000, &wait_s));
  ck_assert_uint_eq(wait_s, 30);
  /* Another endpoint, another application. */
  ck_assert(con_limit_take(&l, &three, CD_STR("a"), 2, 31000, &wait_s));
  ck_assert(con_limit_take(&l, &three, CD_STR("b"), 1, 31000, &wait_s));
  ck_assert(con_limit_take(&l, &three, CD_STR("a"), 1, 61000, &wait_s));
  ck_assert(con_limit_take(&l, &three, CD_STR("a"), 1, 62000, &wait_s));
  ck_assert(!con_limit_take(&l, &three, CD_STR("a"), 1, 200000, &wait_s));
  ck_assert_uint_eq(wait_s, 3401);
}
END_TEST

START_TEST(permissions_are_names)
{
  cd_buf out = CD_BUF_INIT(1000);
  uint32_t bits =
      con_permissions_read(CD_STR("[\"Machine.Isolate\",\"nonsense\",\"Cordon.Enroll\"]"));
  ck_assert_uint_eq(bits, CON_MAY_ISOLATE | CON_MAY_ENROLL);
  con_permissions_add(&out, bits, ", ");
  ck_assert_str_eq(cd_buf_cstr(&out), "Machine.Isolate, Cordon.Enroll");
  ck_assert_uint_eq(con_permissions_read(CD_STR("nonsense")), 0);
  ck_assert_uint_eq(con_permissions_read(CD_STR("[1]")), 0);
  cd_buf_release(&out);
}
END_TEST

Suite *suite_list(void)
{
  Suite *s = suite_create("console.list");
  TCase *t = tcase_create("list");
  tcase_add_test(t, a_page_that_is_full_links_to_the_next);
  tcase_add_test(t, who_asked_for_so_many_has_them);
  tcase_add_test(t, an_order_is_over_all_rows);
  tcase_add_test(t, too_many_calls_have_to_wait);
  tcase_add_test(t, permissions_are_names);
  suite_add_tcase(s, t);
  return s;
}
