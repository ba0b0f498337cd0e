/* The messages about packages that come home. */
#include "protocol/chunk.h"
#include "protocol/message.h"

#include "suite.h"

#define ACTION "0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01"

static cd_rpc parse(const char *text)
{
  cd_rpc m = {0};
  cd_err err = {0};
  cd_code rc = cd_rpc_parse(cd_str_from(text), &m, NULL, &err);
  ck_assert_msg(rc == CD_OK, "%s: %s", text, err.text);
  return m;
}

START_TEST(packages_go_home)
{
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_method method = (cd_method)0;
  char action[CD_ID_SIZE] = "";
  cd_package_answer a = {.stream = 7, .offset = 4096};
  ck_assert_int_eq(cd_package_write(ACTION, 5, &out, &err), CD_OK);
  cd_rpc m = parse(cd_buf_cstr(&out));
  ck_assert_int_eq(cd_message_method(&m, CD_SIDE_CONSOLE, &method, NULL, &err), CD_OK);
  ck_assert_int_eq(method, CD_METHOD_PACKAGE);
  ck_assert_int_eq(cd_package_read(&m, action, NULL, &err), CD_OK);
  ck_assert_str_eq(action, ACTION);
  cd_rpc_release(&m);
  cd_buf_reset(&out);
  ck_assert_int_eq(cd_package_answer_write(&a, 5, &out, &err), CD_OK);
  a = (cd_package_answer){0};
  m = parse(cd_buf_cstr(&out));
  ck_assert_int_eq(cd_package_answer_read(&m, &a, &err), CD_OK);
  ck_assert(a.stream == 7 && a.offset == 4096);
  cd_rpc_release(&m);
  cd_buf_release(&out);
}
END_TEST

START_TEST(what_is_kept_of_a_package_is_told)
{
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(CD_MESSAGE_MAX);
  cd_method method = (cd_method)0;
  const cd_kept all[] = {{.stream = 1},
                         {.stream = 2, .offset = CD_STREAM_SIZE_MAX, .done = true},
                         {.stream = 3, .offset = 9, .sentence = CD_STR("no room")}};
  for (size_t i = 0; i < COUNT_OF(all); i++) {
    cd_kept k = {0};
    cd_buf_reset(&out);
    ck_assert_int_eq(cd_kept_write(&all[i], &out, &err), CD_OK);
    cd_rpc m = parse(cd_buf_cstr(&out));
    ck_assert_int_eq(cd_message_method(&m, CD_SIDE_AGENT, &method, NULL, &err), CD_OK);
    ck_assert_int_eq(method, CD_METHOD_KEPT);
    ck_assert_msg(cd_kept_read(&m, &k, &err) == CD_OK, "%s", err.text);
    ck_assert(k.stream == all[i].stream && k.offset == all[i].offset && k.done == all[i].done);
    ck_assert(cd_str_eq(k.sentence, all[i].sentence));
    cd_rpc_release(&m);
  }
  static const char *const wrong[] = {
      "\"stream\":0,\"offset\":1,\"done\":false,\"sentence\":null",
      "\"stream\":1,\"offset\":1,\"done\":true,\"sentence\":\"but\"", "\"stream\":1,\"offset\":1"};
  for (size_t i = 0; i < COUNT_OF(wrong); i++) {
    cd_kept k = {0};
    cd_buf_reset(&out);
    cd_buf_addf(&out, "{\"jsonrpc\":\"2.0\",\"method\":\"kept\",\"params\":{%s}}", wrong[i]);
    cd_rpc m = parse(cd_buf_cstr(&out));
    ck_assert_int_eq(cd_kept_read(&m, &k, &err), CD_E_INVALID);
    cd_rpc_release(&m);
  }
  cd_buf_release(&out);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      packages_go_home,
      what_is_kept_of_a_package_is_told,
  };
  return run_suite("protocol.message_package", tests, COUNT_OF(tests));
}
