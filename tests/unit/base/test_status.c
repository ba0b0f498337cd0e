/* base/status.h: names, numbers, and sentences that stay whole. */
#include "base/status.h"

#include "base/str.h"

#include "suite.h"

#include <uv.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

START_TEST(every_code_has_a_name_that_leads_back)
{
  for (int code = CD_E_INTERNAL; code <= CD_REBOOT; code++) {
    cd_code back = CD_E_IO;
    const char *name = cd_code_name((cd_code)code);
    ck_assert_msg(strcmp(name, "unknown") != 0, "code %d", code);
    ck_assert(cd_code_from_name(name, &back));
    ck_assert_int_eq(back, code);
    ck_assert_msg(cd_code_ok((cd_code)code) == (code >= 0), "code %d", code);
  }
}
END_TEST

START_TEST(what_is_no_code_is_unknown)
{
  cd_code kept = CD_E_CONFLICT;
  ck_assert_str_eq(cd_code_name((cd_code)3), "unknown");
  ck_assert_str_eq(cd_code_name((cd_code)-13), "unknown");
  ck_assert(!cd_code_ok((cd_code)3));
  ck_assert(!cd_code_from_name("unknown", &kept));
  ck_assert(!cd_code_from_name("OK", &kept));
  ck_assert(!cd_code_from_name("", &kept));
  ck_assert(!cd_code_from_name(NULL, &kept));
  ck_assert_int_eq(kept, CD_E_CONFLICT);
}
END_TEST

START_TEST(os_errors_map_to_codes_with_either_sign)
{
  static const struct {
    int os_error;
    cd_code code;
  } rows[] = {
      {UV_ENOENT, CD_E_NOTFOUND},
      {UV_ESRCH, CD_E_NOTFOUND},
      {UV_EACCES, CD_E_DENIED},
      {UV_EPERM, CD_E_DENIED},
      {UV_EROFS, CD_E_DENIED},
      {UV_ENOSPC, CD_E_LIMIT},
      {UV_EMFILE, CD_E_LIMIT},
      {UV_ENFILE, CD_E_LIMIT},
      {UV_ENOMEM, CD_E_LIMIT},
      {UV_ENAMETOOLONG, CD_E_LIMIT},
      {UV_ETIMEDOUT, CD_E_DEADLINE},
      {UV_ECANCELED, CD_E_CANCELLED},
      {UV_EEXIST, CD_E_CONFLICT},
      {UV_EADDRINUSE, CD_E_CONFLICT},
      {UV_EBUSY, CD_E_UNAVAILABLE},
      {UV_EAGAIN, CD_E_UNAVAILABLE},
      {UV_ECONNREFUSED, CD_E_UNAVAILABLE},
      {UV_ENOSYS, CD_E_UNSUPPORTED},
      {UV_EAFNOSUPPORT, CD_E_UNSUPPORTED},
      {UV_EIO, CD_E_IO},
      {UV_EPIPE, CD_E_IO},
      {0, CD_E_IO},
      {-99999, CD_E_IO},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    ck_assert_msg(cd_code_from_errno(rows[i].os_error) == rows[i].code, "row %zu", i);
    /* Where libuv's numbers are the system's, so are those without the sign. */
    if (UV_ENOENT == -ENOENT)
      ck_assert_msg(cd_code_from_errno(-rows[i].os_error) == rows[i].code, "row %zu, positive", i);
  }
}
END_TEST

START_TEST(a_failure_carries_code_number_and_sentence)
{
  cd_err err = {0};
  ck_assert_int_eq(cd_fail(&err, CD_E_LIMIT, "policy '%s' is %d bytes", "p", 7), CD_E_LIMIT);
  ck_assert_int_eq(err.code, CD_E_LIMIT);
  ck_assert_int_eq(err.os_error, 0);
  ck_assert_str_eq(err.text, "policy 'p' is 7 bytes");
  ck_assert_int_eq(cd_fail_os(&err, CD_E_IO, EIO, "no %s", "disk"), CD_E_IO);
  ck_assert_int_eq(err.os_error, EIO);
  ck_assert_str_eq(err.text, "no disk");
}
END_TEST

START_TEST(nobody_has_to_listen)
{
  ck_assert_int_eq(cd_fail(NULL, CD_E_IO, "x"), CD_E_IO);
  ck_assert_int_eq(cd_fail_os(NULL, CD_E_DENIED, 1, "x"), CD_E_DENIED);
  ck_assert_int_eq(cd_err_prefix(NULL, "x"), CD_E_INTERNAL);
}
END_TEST

START_TEST(a_sentence_is_one_line)
{
  cd_err err = {0};
  (void)cd_fail(&err, CD_E_IO, "it said '%s'", "a\nb\tc\x1b[31m\x7f");
  ck_assert_str_eq(err.text, "it said 'a b c [31m '");
}
END_TEST

START_TEST(a_long_sentence_is_cut_between_characters)
{
  char text[CD_ERR_TEXT_MAX * 2 + 1];
  for (size_t shift = 0; shift < 3; shift++) {
    memset(text, 'x', shift);
    for (size_t i = shift; i + 3 < sizeof(text); i += 3)
      memcpy(text + i, "\xe3\x81\x82", 4);
    cd_err err = {0};
    (void)cd_fail(&err, CD_E_IO, "%s", text);
    ck_assert(cd_str_utf8_valid(cd_str_from(err.text)));
    ck_assert_uint_ge(strlen(err.text), CD_ERR_TEXT_MAX - 3);
    (void)cd_err_prefix(&err, "%s", "plugin p");
    ck_assert(cd_str_utf8_valid(cd_str_from(err.text)));
    ck_assert(cd_str_starts(cd_str_from(err.text), CD_STR("plugin p: ")));
  }
}
END_TEST

START_TEST(a_prefix_keeps_what_was_known)
{
  cd_err err = {0};
  (void)cd_fail_os(&err, CD_E_DENIED, EACCES, "cannot open 'f'");
  ck_assert_int_eq(cd_err_prefix(&err, "plugin %s", "p"), CD_E_DENIED);
  ck_assert_int_eq(err.code, CD_E_DENIED);
  ck_assert_int_eq(err.os_error, EACCES);
  ck_assert_str_eq(err.text, "plugin p: cannot open 'f'");
}
END_TEST

START_TEST(a_sentence_may_be_made_of_the_one_it_replaces)
{
  cd_err err = {0};
  (void)cd_fail(&err, CD_E_IO, "inner");
  (void)cd_fail(&err, CD_E_INVALID, "outer (%s)", err.text);
  ck_assert_str_eq(err.text, "outer (inner)");
  (void)cd_err_prefix(&err, "<%s>", err.text);
  ck_assert_str_eq(err.text, "<outer (inner)>: outer (inner)");
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      every_code_has_a_name_that_leads_back,
      what_is_no_code_is_unknown,
      os_errors_map_to_codes_with_either_sign,
      a_failure_carries_code_number_and_sentence,
      nobody_has_to_listen,
      a_sentence_is_one_line,
      a_long_sentence_is_cut_between_characters,
      a_prefix_keeps_what_was_known,
      a_sentence_may_be_made_of_the_one_it_replaces,
  };
  return run_suite("base.status", tests, COUNT_OF(tests));
}
