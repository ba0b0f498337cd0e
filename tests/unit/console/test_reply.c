#include "reply.h"

#include "web_suites.h"

#include <string.h>

#include "base/id.h"
#include "base/json.h"

static const struct {
  con_api_error error;
  const char *code;
  unsigned status;
} rows[] = {
    {CON_BAD_REQUEST, "BadRequest", 400},
    {CON_ODATA_ERROR, "ODataError", 400},
    {CON_INVALID_BODY, "InvalidRequestBody", 400},
    {CON_MISSING_PARAMETER, "MissingRequiredParameter", 400},
    {CON_BATCH_TOO_LARGE, "MaximumBatchSizeExceeded", 400},
    {CON_ALREADY_ACTIVE, "ActiveRequestAlreadyExists", 400},
    {CON_UNAUTHORIZED, "Unauthorized", 401},
    {CON_FORBIDDEN, "Forbidden", 403},
    {CON_NOT_FOUND, "NotFound", 404},
    {CON_RESOURCE_NOT_FOUND, "ResourceNotFound", 404},
    {CON_TOO_MANY, "TooManyRequests", 429},
    {CON_INTERNAL, "InternalServerError", 500},
};

START_TEST(an_error_has_the_documented_shape)
{
  con_reply r;
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  cd_str code = {0};
  cd_str message = {0};
  cd_str target = {0};
  cd_json error = {0};
  con_reply_init(&r);
  con_reply_error(&r, rows[_i].error, "about '%s'", "x\"y");
  ck_assert_uint_eq(r.status, rows[_i].status);
  ck_assert_int_eq(r.bearer, rows[_i].status == 401);
  ck_assert_int_eq(cd_json_parse(cd_buf_view(&r.body), 4096, "body", &doc, &err), CD_OK);
  cd_json root = cd_json_root(doc);
  cd_json_obj(&root, "error", &error);
  cd_json_str(&error, "code", 100, &code);
  cd_json_str(&error, "message", 600, &message);
  cd_json_str(&error, "target", 100, &target);
  cd_json_no_more(&error);
  ck_assert_int_eq(cd_json_done(&root, &err), CD_OK);
  ck_assert(cd_str_eq_cstr(code, rows[_i].code));
  ck_assert(cd_str_eq_cstr(message, "about 'x\"y'"));
  ck_assert(cd_id_valid(target));
  /* A client is known that looks for this very text. */
  ck_assert_ptr_nonnull(strstr(cd_buf_cstr(&r.body), "\"message\":\"about"));
  cd_json_free(doc);
  con_reply_release(&r);
}
END_TEST

Suite *suite_reply(void)
{
  Suite *s = suite_create("console.reply");
  TCase *t = tcase_create("reply");
  tcase_add_loop_test(t, an_error_has_the_documented_shape, 0, sizeof(rows) / sizeof(rows[0]));
  suite_add_tcase(s, t);
  return s;
}
