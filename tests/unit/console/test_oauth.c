#include "oauth.h"

#include "web_suites.h"

#include <string.h>

#include "base/json.h"

static const uint8_t key[CON_BEARER_KEY_SIZE] = {1, 2, 3};
static const uint8_t other_key[CON_BEARER_KEY_SIZE] = {1, 2, 4};
static const con_bearer bearer = {"client-1", 1000000, 1003600};

static const struct {
  const char *body;
  int fault; /* 0: none */
} requests[] = {
    {"grant_type=client_credentials&client_id=a&client_secret=b&resource=x", 0},
    {"grant_type=client_credentials&client_id=a&client_secret=b&scope=x%2F.default", 0},
    {"grant_type=client_credentials&client_id=a&client_secret=b&redirectUri=x", 0},
    {"client_id=a&client_secret=b", CON_OAUTH_REQUEST},
    {"grant_type=password&client_id=a&client_secret=b", CON_OAUTH_GRANT},
    {"grant_type=client_credentials&client_secret=b", CON_OAUTH_REQUEST},
    {"grant_type=client_credentials&client_id=a", CON_OAUTH_REQUEST},
    {"grant_type=client_credentials&client_id=a&client_secret=", CON_OAUTH_REQUEST},
    {"grant_type=client_credentials&client_id=a&client_id=b&client_secret=b", CON_OAUTH_REQUEST},
};

START_TEST(a_request_is_read_or_refused)
{
  con_form f = {0};
  con_token_request r = {0};
  con_oauth_fault fault = 0;
  cd_err err = {0};
  ck_assert_int_eq(con_form_parse(cd_str_from(requests[_i].body), &f, &err), CD_OK);
  cd_code rc = con_oauth_read(&f, &r, &fault, &err);
  ck_assert_msg((rc == CD_OK) == (requests[_i].fault == 0), "%s", requests[_i].body);
  ck_assert_int_eq(fault, requests[_i].fault);
  if (rc == CD_OK)
    ck_assert(cd_str_eq_cstr(r.client_id, "a") && cd_str_eq_cstr(r.client_secret, "b"));
  con_form_release(&f);
}
END_TEST

static void make(const uint8_t *with, const con_bearer *b, cd_buf *out)
{
  cd_err err = {0};
  ck_assert_int_eq(con_bearer_make(with, b, CD_STR("Machine.Read.All Machine.Isolate"),
                                   CD_STR("https://c:8443"), out, &err),
                   CD_OK);
}

START_TEST(a_token_is_known_again)
{
  cd_buf token = CD_BUF_INIT(CON_BEARER_MAX);
  con_bearer read = {0};
  cd_err err = {0};
  make(key, &bearer, &token);
  ck_assert_int_eq(con_bearer_check(key, cd_buf_view(&token), 1003599, &read, &err), CD_OK);
  ck_assert_str_eq(read.app, "client-1");
  ck_assert_int_eq(read.expires_s, 1003600);
  cd_buf_release(&token);
}
END_TEST

START_TEST(a_token_ends_after_an_hour)
{
  cd_buf token = CD_BUF_INIT(CON_BEARER_MAX);
  con_bearer read = {0};
  cd_err err = {0};
  make(key, &bearer, &token);
  ck_assert_int_eq(con_bearer_check(key, cd_buf_view(&token), 1003600, &read, &err), CD_E_DENIED);
  ck_assert_int_eq(con_bearer_check(key, cd_buf_view(&token), 999000, &read, &err), CD_E_DENIED);
  cd_buf_release(&token);
}
END_TEST

START_TEST(another_keys_token_is_refused)
{
  cd_buf token = CD_BUF_INIT(CON_BEARER_MAX);
  con_bearer read = {0};
  cd_err err = {0};
  make(other_key, &bearer, &token);
  ck_assert_int_eq(con_bearer_check(key, cd_buf_view(&token), 1000001, &read, &err), CD_E_DENIED);
  cd_buf_release(&token);
}
END_TEST

START_TEST(a_token_changed_anywhere_is_refused)
{
  cd_buf token = CD_BUF_INIT(CON_BEARER_MAX);
  con_bearer read = {0};
  cd_err err = {0};
  make(key, &bearer, &token);
  for (size_t i = 0; i < token.len; i++) {
    char was = token.ptr[i];
    token.ptr[i] = was == 'A' ? 'B' : 'A';
    ck_assert_int_ne(con_bearer_check(key, cd_buf_view(&token), 1000001, &read, &err), CD_OK);
    token.ptr[i] = was;
    ck_assert_int_ne(con_bearer_check(key, (cd_str){token.ptr, i}, 1000001, &read, &err), CD_OK);
  }
  /* "none" and the like never get as far as being understood. */
  ck_assert_int_eq(con_bearer_check(key, CD_STR("eyJhbGciOiJub25lIn0.e30."), 1, &read, &err),
                   CD_E_DENIED);
  cd_buf_release(&token);
}
END_TEST

static const struct {
  const char *header;
  const char *token;
} headers[] = {
    {"Bearer abc", "abc"}, {"bearer  abc ", "abc"}, {"Basic abc", NULL}, {"Bearer", NULL},
    {"Bearer ", NULL},     {"Bearer a b", NULL},    {"", NULL},          {"abc", NULL},
};

START_TEST(the_header_of_a_token)
{
  cd_str token = {0};
  bool found = con_bearer_of_header(cd_str_from(headers[_i].header), &token);
  ck_assert_int_eq(found, headers[_i].token != NULL);
  if (found)
    ck_assert(cd_str_eq_cstr(token, headers[_i].token));
}
END_TEST

START_TEST(answers_as_entra_does)
{
  cd_buf out = CD_BUF_INIT(4096);
  cd_err err = {0};
  ck_assert_uint_eq(con_oauth_status(CON_OAUTH_CLIENT), 401);
  ck_assert_int_eq(con_oauth_write_error(CON_OAUTH_CLIENT, "No.", "t", "c", 1, &out, &err), CD_OK);
  ck_assert_str_eq(cd_buf_cstr(&out),
                   "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: No. Trace "
                   "ID: t Correlation ID: c\",\"error_codes\":[7000215],\"timestamp\":\"1970-01-01T"
                   "00:00:00.001Z\",\"trace_id\":\"t\",\"correlation_id\":\"c\"}");
  cd_buf_reset(&out);
  ck_assert_int_eq(con_oauth_write_token(CD_STR("x"), &out, &err), CD_OK);
  ck_assert_str_eq(cd_buf_cstr(&out), "{\"token_type\":\"Bearer\",\"expires_in\":3599,"
                                      "\"ext_expires_in\":3599,\"access_token\":\"x\"}");
  cd_buf_release(&out);
}
END_TEST

Suite *suite_oauth(void)
{
  Suite *s = suite_create("console.oauth");
  TCase *t = tcase_create("oauth");
  tcase_add_loop_test(t, a_request_is_read_or_refused, 0, sizeof(requests) / sizeof(requests[0]));
  tcase_add_test(t, a_token_is_known_again);
  tcase_add_test(t, a_token_ends_after_an_hour);
  tcase_add_test(t, another_keys_token_is_refused);
  tcase_add_test(t, a_token_changed_anywhere_is_refused);
  tcase_add_loop_test(t, the_header_of_a_token, 0, sizeof(headers) / sizeof(headers[0]));
  tcase_add_test(t, answers_as_entra_does);
  suite_add_tcase(s, t);
  return s;
}
