#include "table.h"

#include "suites.h"

static const ctl_style plain = {.colour = false};
static const ctl_style coloured = {.colour = true};

START_TEST(pads_columns_and_leaves_no_blanks_at_the_end)
{
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(4096);
  ctl_table t;
  ctl_table_init(&t, 3);
  ctl_table_cell(&t, CTL_PLAIN, CD_STR("a"));
  ctl_table_cell(&t, CTL_PLAIN, CD_STR("bb"));
  ctl_table_cell(&t, CTL_PLAIN, CD_STR(""));
  ctl_table_cell(&t, CTL_PLAIN, CD_STR("long"));
  ctl_table_cellf(&t, CTL_PLAIN, "%d", 7);
  ctl_table_cell(&t, CTL_PLAIN, CD_STR("end"));
  ck_assert_int_eq(ctl_table_print(&t, &plain, 2, &out, &err), CD_OK);
  ck_assert_str_eq(cd_buf_cstr(&out), "  a      bb\n  long   7    end\n");
  ctl_table_release(&t);
  cd_buf_release(&out);
}
END_TEST

START_TEST(escapes_and_colours_cells)
{
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(4096);
  ctl_table t;
  ctl_table_init(&t, 1);
  ctl_table_cell(&t, CTL_GOOD, CD_STR("x\x1b[2J"));
  ctl_table_cellf(&t, CTL_PLAIN, "%s", "\r");
  ck_assert_int_eq(ctl_table_print(&t, &coloured, 0, &out, &err), CD_OK);
  ck_assert_str_eq(cd_buf_cstr(&out), "\033[32mx\\x1b[2J\033[0m\n\\r\n");
  ctl_table_release(&t);
  cd_buf_release(&out);
}
END_TEST

START_TEST(a_very_wide_cell_widens_only_its_row)
{
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(4096);
  ctl_table t;
  ctl_table_init(&t, 2);
  ctl_table_cell(&t, CTL_PLAIN,
                 CD_STR("0123456789012345678901234567890123456789012345678901234567890"));
  ctl_table_cell(&t, CTL_PLAIN, CD_STR("1"));
  ctl_table_cell(&t, CTL_PLAIN, CD_STR("ab"));
  ctl_table_cell(&t, CTL_PLAIN, CD_STR("2"));
  ck_assert_int_eq(ctl_table_print(&t, &plain, 0, &out, &err), CD_OK);
  ck_assert_str_eq(cd_buf_cstr(&out),
                   "0123456789012345678901234567890123456789012345678901234567890   1\nab   2\n");
  ctl_table_release(&t);
  cd_buf_release(&out);
}
END_TEST

START_TEST(tells_when_the_output_is_over_its_ceiling)
{
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(4);
  ctl_table t;
  ctl_table_init(&t, 1);
  ctl_table_cell(&t, CTL_PLAIN, CD_STR("more than four"));
  ck_assert_int_eq(ctl_table_print(&t, &plain, 0, &out, &err), CD_E_LIMIT);
  ctl_table_release(&t);
  cd_buf_release(&out);
}
END_TEST

START_TEST(labels_share_a_width)
{
  cd_buf out = CD_BUF_INIT(4096);
  ctl_line(&out, &plain, "Device", CTL_PLAIN, CD_STR("desk-1"));
  ctl_line(&out, &plain, NULL, CTL_BAD, CD_STR("note\n"));
  ctl_line(&out, &plain, "Nothing", CTL_PLAIN, CD_STR(""));
  ctl_line(&out, &plain, "A label that is long", CTL_PLAIN, CD_STR("x"));
  ck_assert_str_eq(cd_buf_cstr(&out),
                   "Device      desk-1\n            note\\n\nA label that is long x\n");
  cd_buf_release(&out);
}
END_TEST

Suite *suite_table(void)
{
  Suite *s = suite_create("ctl.table");
  TCase *tc = tcase_create("table");
  tcase_add_test(tc, pads_columns_and_leaves_no_blanks_at_the_end);
  tcase_add_test(tc, escapes_and_colours_cells);
  tcase_add_test(tc, a_very_wide_cell_widens_only_its_row);
  tcase_add_test(tc, tells_when_the_output_is_over_its_ceiling);
  tcase_add_test(tc, labels_share_a_width);
  suite_add_tcase(s, tc);
  return s;
}
