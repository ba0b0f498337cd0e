#include "form.h"

#include "web_suites.h"

#include <stdlib.h>
#include <string.h>

static const struct {
  const char *body;
  const char *value; /* of the field "a"; NULL: missing or twice; "!": refused */
} rows[] = {
    {"a=1", "1"},
    {"b=2&a=1", "1"},
    {"a=x+y%20z", "x y z"},
    {"a=%e2%82%ac", "\xe2\x82\xac"},
    {"a=1=2", "1=2"},
    {"a=", ""},
    {"a", ""},
    {"%61=1", "1"},
    {"&&a=1&", "1"},
    {"A=1", NULL},
    {"a=1&a=2", NULL},
    {"", NULL},
    {"a=%", "!"},
    {"a=%4", "!"},
    {"a=%zz", "!"},
    {"a=%00", "!"},
    {"a=%ff", "!"},
};

START_TEST(a_form_is_taken_apart)
{
  con_form f = {0};
  cd_err err = {0};
  cd_str value = {0};
  const char *wanted = rows[_i].value;
  cd_code rc = con_form_parse(cd_str_from(rows[_i].body), &f, &err);
  bool refused = wanted != NULL && strcmp(wanted, "!") == 0;
  ck_assert_msg((rc == CD_E_INVALID) == refused, "%s", rows[_i].body);
  if (refused)
    return;
  ck_assert_int_eq(rc, CD_OK);
  ck_assert_msg(con_form_find(&f, "a", &value) == (wanted != NULL), "%s", rows[_i].body);
  if (wanted != NULL)
    ck_assert(cd_str_eq_cstr(value, wanted));
  con_form_release(&f);
}
END_TEST

START_TEST(a_form_has_ceilings)
{
  con_form f = {0};
  cd_err err = {0};
  char many[4 * (CON_FORM_FIELDS + 1) + 1];
  char *large = calloc(1, CON_FORM_MAX + 1);
  for (size_t i = 0; i <= CON_FORM_FIELDS; i++)
    memcpy(many + 4 * i, "a=1&", 4);
  ck_assert_int_eq(con_form_parse((cd_str){many, sizeof(many) - 1}, &f, &err), CD_E_LIMIT);
  memset(large, 'a', CON_FORM_MAX + 1);
  ck_assert_int_eq(con_form_parse((cd_str){large, CON_FORM_MAX + 1}, &f, &err), CD_E_LIMIT);
  free(large);
}
END_TEST

START_TEST(escapes_what_is_reserved)
{
  cd_buf out = CD_BUF_INIT(100);
  con_percent_add(&out, CD_STR("aZ9-._~$ &=+%\xe2"));
  ck_assert_str_eq(cd_buf_cstr(&out), "aZ9-._~$%20%26%3D%2B%25%E2");
  cd_buf_release(&out);
}
END_TEST

Suite *suite_form(void)
{
  Suite *s = suite_create("console.form");
  TCase *t = tcase_create("form");
  tcase_add_loop_test(t, a_form_is_taken_apart, 0, sizeof(rows) / sizeof(rows[0]));
  tcase_add_test(t, a_form_has_ceilings);
  tcase_add_test(t, escapes_what_is_reserved);
  suite_add_tcase(s, t);
  return s;
}
