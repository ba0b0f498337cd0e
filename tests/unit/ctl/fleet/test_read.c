/* Answers of the console, read. */
#include "fleet_read.h"
#include "suites.h"

#include <string.h>

typedef struct error_row {
  long status;
  const char *body;
  ctl_exit code;
  cd_code status_code;
  const char *sentence;
} error_row;

static const error_row errors[] = {
    {400, "{\"error\":{\"code\":\"InvalidInput\",\"message\":\"no\",\"target\":\"x\"}}",
     CTL_EXIT_REFUSED, CD_E_INVALID, "the console says: no (InvalidInput)"},
    {400, "{\"error\":{\"code\":\"ActiveRequestAlreadyExists\",\"message\":\"busy\"}}",
     CTL_EXIT_REFUSED, CD_E_CONFLICT, "busy"},
    {401, "{\"error\":{\"code\":\"Unauthorized\"}}", CTL_EXIT_DENIED, CD_E_DENIED,
     "the console says: Unauthorized"},
    {403, "", CTL_EXIT_DENIED, CD_E_DENIED, "HTTP status 403 and gave no reason"},
    {404, "{\"error\":\"x\",\"error_description\":\"y\"}", CTL_EXIT_REFUSED, CD_E_NOTFOUND,
     "the console says: y (x)"},
    {404, "{\"error\":[1]}", CTL_EXIT_REFUSED, CD_E_NOTFOUND, "gave no reason"},
    {404, "{\"error\":{\"message\":7}}", CTL_EXIT_REFUSED, CD_E_NOTFOUND, "gave no reason"},
    {429, "[]", CTL_EXIT_REFUSED, CD_E_LIMIT, "HTTP status 429"},
    {500, "\xff", CTL_EXIT_FAILED, CD_E_UNAVAILABLE, "HTTP status 500"},
    {302, "", CTL_EXIT_UNREACHABLE, CD_E_INVALID, "HTTP status 302"},
    {0, "", CTL_EXIT_UNREACHABLE, CD_E_INVALID, "HTTP status 0"},
};

START_TEST(an_error)
{
  const error_row *row = &errors[_i];
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  ck_assert_int_eq(fleet_read_answer(row->status, cd_str_from(row->body), &doc, &err), row->code);
  ck_assert_ptr_null(doc);
  ck_assert_int_eq(err.code, row->status_code);
  ck_assert_msg(strstr(err.text, row->sentence) != NULL, "%s", err.text);
}
END_TEST

START_TEST(a_token)
{
  static const struct {
    long status;
    const char *body;
    ctl_exit code;
  } rows[] = {
      {200, "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"abc\"}",
       CTL_EXIT_DONE},
      {200, "{\"token_type\":\"Mac\",\"access_token\":\"abc\"}", CTL_EXIT_UNREACHABLE},
      {200, "{\"token_type\":\"Bearer\",\"access_token\":\"\"}", CTL_EXIT_UNREACHABLE},
      {200, "{\"token_type\":\"Bearer\",\"access_token\":\"a b\"}", CTL_EXIT_UNREACHABLE},
      {200, "{\"token_type\":\"Bearer\",\"access_token\":\"a\\r\\nb\"}", CTL_EXIT_UNREACHABLE},
      {200, "{}", CTL_EXIT_UNREACHABLE},
      {200, "", CTL_EXIT_UNREACHABLE},
      {400, "{\"error\":\"unauthorized_client\"}", CTL_EXIT_DENIED},
      {500, "", CTL_EXIT_FAILED},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    char token[FLEET_BEARER_MAX + 1] = "";
    cd_err err = {0};
    ctl_exit code = fleet_read_token(rows[i].status, cd_str_from(rows[i].body), token, &err);
    ck_assert_msg(code == rows[i].code, "%zu: %d, %s", i, (int)code, err.text);
    ck_assert_str_eq(token, code == CTL_EXIT_DONE ? "abc" : "");
  }
}
END_TEST

START_TEST(an_id_goes_into_addresses)
{
  ck_assert(fleet_id_valid(CD_STR("0123456789abcdef0123456789abcdef01234567")));
  ck_assert(fleet_id_valid(CD_STR("elastic-connector-test")));
  ck_assert(!fleet_id_valid(CD_STR("")));
  ck_assert(!fleet_id_valid(CD_STR("a/b")));
  ck_assert(!fleet_id_valid(CD_STR("..")));
  ck_assert(!fleet_id_valid(CD_STR("A")));
  ck_assert(!fleet_id_valid(CD_STR("a?b")));
}
END_TEST

#define ID "01936c5e-8f2a-7b3c-9d4e-5f6a7b8c9d0e"

START_TEST(an_action_as_the_agent_would_tell_it)
{
  static const char answer[] =
      "{\"id\":\"" ID "\",\"type\":\"Isolate\",\"kind\":\"isolate\",\"status\":\"Succeeded\","
      "\"machineId\":\"m\",\"computerDnsName\":\"n\",\"requestor\":\"me\",\"comment\":\"why\","
      "\"created\":\"2026-11-24T05:34:54.000Z\",\"sent\":\"2026-11-24T05:34:54.100Z\","
      "\"updated\":\"2026-11-24T05:34:54.512Z\",\"parameters\":{\"type\":\"selective\"},"
      "\"waitsFor\":null,\"outcome\":\"ok\",\"sentence\":\"\",\"evidence\":{\"x\":[1]}}";
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  fleet_detail d;
  cd_buf out = CD_BUF_INIT(65536);
  ck_assert_int_eq(cd_json_parse(cd_str_from(answer), 65536, "it", &doc, &err), CD_OK);
  cd_json root = cd_json_root(doc);
  fleet_detail_read(&root, &d);
  ck_assert_int_eq(cd_json_status(&root, &err), CD_OK);
  ck_assert_int_eq(fleet_action_as_local(&d, &out, &err), CD_OK);
  ck_assert_str_eq(
      cd_buf_cstr(&out),
      "{\"id\":\"" ID "\",\"kind\":\"isolate\",\"status\":\"Succeeded\",\"comment\":\"why\","
      "\"requestor\":{\"user\":\"me\"},\"created\":\"2026-11-24T05:34:54.000Z\","
      "\"started\":\"2026-11-24T05:34:54.100Z\",\"ended\":\"2026-11-24T05:34:54.512Z\","
      "\"params\":{\"type\":\"selective\"},\"outcome\":\"ok\",\"sentence\":null,"
      "\"result\":{\"x\":[1]}}");
  cd_buf_release(&out);
  cd_json_free(doc);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

Suite *suite_fleet_read(void)
{
  Suite *s = suite_create("ctl.fleet_read");
  TCase *tc = tcase_create("read");
  tcase_add_loop_test(tc, an_error, 0, ROWS(errors));
  tcase_add_test(tc, a_token);
  tcase_add_test(tc, an_id_goes_into_addresses);
  tcase_add_test(tc, an_action_as_the_agent_would_tell_it);
  suite_add_tcase(s, tc);
  return s;
}
