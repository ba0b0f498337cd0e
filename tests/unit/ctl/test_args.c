#include "command.h"

#include "suites.h"

#include <string.h>

#define WORDS_MAX 8

typedef struct row {
  const char *words[WORDS_MAX];
  const char *complaint; /* NULL: none */
} row;

/* Behind `cordon`; the command is found first. */
static const row rows[] = {
    {{"local", "status"}, NULL},
    {{"local", "status", "--json"}, NULL},
    {{"local", "status", "--json", "--json"}, "--json was given twice"},
    {{"local", "status", "--json=yes"}, "--json takes no value"},
    {{"local", "status", "--jso"}, "'local status' has no option --jso"},
    {{"local", "status", "--selective", "f"}, "'local status' has no option --selective"},
    {{"local", "status", "-x"}, "'local status' has no option -x"},
    {{"local", "status", "more"}, "'local status' does not take 'more'"},
    {{"local", "status", "--", "--json"}, "'local status' does not take '--json'"},
    {{"local", "status", "--"}, NULL},
    {{"local", "status", "-"}, "'local status' does not take '-'"},
    {{"local", "status", "--timeout"}, "--timeout needs a value: S"},
    {{"local", "status", "--timeout=5"}, NULL},
    {{"local", "status", "--timeout", "5"}, NULL},
    {{"local", "status", "--timeout=5", "--timeout", "6"}, "--timeout was given twice"},
    {{"local", "isolate", "--comment", "--json"}, NULL},
    {{"local", "isolate", "--comment="}, NULL},
    {{"local", "unquarantine"}, "'local unquarantine' needs PLUGIN"},
    {{"local", "unquarantine", "a"}, NULL},
    {{"local", "unquarantine", "a", "b"}, "'local unquarantine' does not take 'b'"},
    {{"local", "unquarantine", "--help"}, NULL},
    {{"local", "unquarantine", "-h", "--nonsense"}, NULL},
    {{"local", "unquarantine", "--", "-a"}, NULL},
};

static int count_of(const char *const *words)
{
  int count = 0;
  while (count < WORDS_MAX && words[count] != NULL)
    count++;
  return count;
}

START_TEST(takes_a_command_line_apart)
{
  const row *r = &rows[_i];
  int used = 0;
  ctl_args args = {0};
  cd_err err = {0};
  int count = count_of(r->words);
  const ctl_command *command = ctl_command_find(count, r->words, &used);
  ck_assert_ptr_nonnull(command);
  cd_code rc = ctl_args_read(command, count - used, r->words + used, &args, &err);
  ck_assert_int_eq(rc, r->complaint == NULL ? CD_OK : CD_E_INVALID);
  if (r->complaint != NULL)
    ck_assert_msg(strncmp(err.text, r->complaint, strlen(r->complaint)) == 0, "%s", err.text);
}
END_TEST

START_TEST(keeps_values_and_operands)
{
  static const char *const words[] = {"--comment", "--json", "--no-wait", "--timeout=7"};
  static const char *const name[] = {"local", "isolate"};
  int used = 0;
  ctl_args args = {0};
  cd_err err = {0};
  const ctl_command *command = ctl_command_find(2, name, &used);
  ck_assert_int_eq(ctl_args_read(command, 4, words, &args, &err), CD_OK);
  ck_assert_str_eq(args.value[CTL_OPT_COMMENT], "--json");
  ck_assert_str_eq(args.value[CTL_OPT_NO_WAIT], "");
  ck_assert_str_eq(args.value[CTL_OPT_TIMEOUT], "7");
  ck_assert_ptr_null(args.value[CTL_OPT_JSON]);
  ck_assert_uint_eq(args.operands, 0);
}
END_TEST

START_TEST(reads_numbers_in_their_range)
{
  static const char *const bad[] = {
      "", "0", "501", "-1", "+1", "1x", "0x10", "99999999999999999999", " 1"};
  ctl_args args = {0};
  cd_err err = {0};
  uint64_t value = 0;
  ck_assert_int_eq(ctl_args_number(&args, CTL_OPT_LIMIT, 1, 500, 20, &value, &err), CD_OK);
  ck_assert_uint_eq(value, 20);
  args.value[CTL_OPT_LIMIT] = "500";
  ck_assert_int_eq(ctl_args_number(&args, CTL_OPT_LIMIT, 1, 500, 20, &value, &err), CD_OK);
  ck_assert_uint_eq(value, 500);
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    args.value[CTL_OPT_LIMIT] = bad[i];
    ck_assert_int_eq(ctl_args_number(&args, CTL_OPT_LIMIT, 1, 500, 20, &value, &err), CD_E_INVALID);
  }
  ck_assert_uint_eq(value, 500);
}
END_TEST

START_TEST(finds_no_command_in_half_a_name)
{
  static const char *const half[] = {"local"};
  static const char *const other[] = {"local", "stat"};
  int used = 0;
  ck_assert_ptr_null(ctl_command_find(1, half, &used));
  ck_assert_ptr_null(ctl_command_find(2, other, &used));
  ck_assert_ptr_null(ctl_command_find(0, NULL, &used));
}
END_TEST

Suite *suite_args(void)
{
  Suite *s = suite_create("ctl.args");
  TCase *tc = tcase_create("args");
  tcase_add_loop_test(tc, takes_a_command_line_apart, 0, (int)(sizeof(rows) / sizeof(rows[0])));
  tcase_add_test(tc, keeps_values_and_operands);
  tcase_add_test(tc, reads_numbers_in_their_range);
  tcase_add_test(tc, finds_no_command_in_half_a_name);
  suite_add_tcase(s, tc);
  return s;
}
