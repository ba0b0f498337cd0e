#include "route.h"

#include "web_suites.h"

static const struct {
  const char *path;
  const char *rest; /* NULL: not the API's */
} prefixes[] = {
    {"/api/machines", "machines"},
    {"/API/machines/", "machines"},
    {"/api/v1.0/machines", "machines"},
    {"/Api/V1.0/machines//", "machines"},
    {"/api/cordon/tokens", "cordon/tokens"},
    {"/api", ""},
    {"/apix/machines", NULL},
    {"api/machines", NULL},
    {"/healthz", NULL},
    {"", NULL},
};

START_TEST(the_prefix_is_taken_off)
{
  cd_str rest = {0};
  bool found = con_route_api(cd_str_from(prefixes[_i].path), &rest);
  ck_assert_int_eq(found, prefixes[_i].rest != NULL);
  if (found)
    ck_assert_msg(cd_str_eq_cstr(rest, prefixes[_i].rest), "%.*s", CD_STR_ARG(rest));
}
END_TEST

static const struct {
  const char *pattern;
  const char *path;
  bool matches;
  const char *first; /* captured, or the arguments */
} rows[] = {
    {"machines", "machines", true, NULL},
    {"machines", "Machines/", true, NULL},
    {"machines", "machines/x", false, NULL},
    {"machines/*", "machines/desk-1", true, "desk-1"},
    {"machines/*", "machines", false, NULL},
    {"machines/*", "machines//", false, NULL},
    {"machines/*/isolate", "machines/Desk-1/ISOLATE", true, "Desk-1"},
    {"machines/*/isolate", "machines/Desk-1", false, NULL},
    {"machines/*/isolate", "machines//isolate", false, NULL},
    {"machines/findbyip()", "machines/FindByIp(ip='10.0.0.1')", true, "ip='10.0.0.1'"},
    {"machines/findbyip()", "machines/findbyip()", true, ""},
    {"machines/findbyip()", "machines/findbyip(a='x/y')", true, "a='x/y'"},
    {"machines/findbyip()", "machines/findbyip", false, NULL},
    {"machines/findbyip()", "machines/findbyipx()", false, NULL},
};

START_TEST(a_pattern_matches_a_path)
{
  con_match m = {0};
  bool matches = con_route_match(rows[_i].pattern, cd_str_from(rows[_i].path), &m);
  ck_assert_msg(matches == rows[_i].matches, "%s %s", rows[_i].pattern, rows[_i].path);
  if (rows[_i].first != NULL)
    ck_assert(cd_str_eq_cstr(m.captures > 0 ? m.captured[0] : m.arguments, rows[_i].first));
}
END_TEST

START_TEST(arguments_of_a_function)
{
  con_param a[CON_ARGUMENTS];
  size_t count = 0;
  cd_err err = {0};
  ck_assert_int_eq(
      con_route_arguments(CD_STR("ip='10.0.0.1',timestamp=2019-09-22T08:44:05Z"), a, &count, &err),
      CD_OK);
  ck_assert_uint_eq(count, 2);
  ck_assert(cd_str_eq_cstr(a[0].name, "ip") && cd_str_eq_cstr(a[0].value, "10.0.0.1"));
  ck_assert(cd_str_eq_cstr(a[1].name, "timestamp") &&
            cd_str_eq_cstr(a[1].value, "2019-09-22T08:44:05Z"));
  ck_assert_int_eq(con_route_arguments((cd_str){0}, a, &count, &err), CD_OK);
  ck_assert_uint_eq(count, 0);
  const char *bad[] = {"ip", "ip='x", "ip='x'y=1", "a=1,b=2,c=3,d=4,e=5"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    ck_assert_int_eq(con_route_arguments(cd_str_from(bad[i]), a, &count, &err), CD_E_INVALID);
}
END_TEST

Suite *suite_route(void)
{
  Suite *s = suite_create("console.route");
  TCase *t = tcase_create("route");
  tcase_add_loop_test(t, the_prefix_is_taken_off, 0, sizeof(prefixes) / sizeof(prefixes[0]));
  tcase_add_loop_test(t, a_pattern_matches_a_path, 0, sizeof(rows) / sizeof(rows[0]));
  tcase_add_test(t, arguments_of_a_function);
  suite_add_tcase(s, t);
  return s;
}
