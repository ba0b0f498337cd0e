/* --for, --lost-console and --unreachable as typed, and what is shown of a lease. */
#include "lease.h"
#include "suites.h"

#include <string.h>

typedef struct row {
  const char *lease;
  const char *lost;
  const char *unreachable;
  uint64_t lease_s;
  const char *rules; /* the object with them; NULL: refused */
} row;

static const row rows[] = {
    {NULL, NULL, NULL, 0, "{}"},
    {"90s", NULL, NULL, 90, "{}"},
    {"10m", NULL, NULL, 600, "{}"},
    {"4h", NULL, NULL, 14400, "{}"},
    {"366d", NULL, NULL, 366 * 86400, "{}"},
    {"367d", NULL, NULL, 0, NULL},
    {"0h", NULL, NULL, 0, NULL},
    {"4", NULL, NULL, 0, NULL},
    {"h", NULL, NULL, 0, NULL},
    {"", NULL, NULL, 0, NULL},
    {"-4h", NULL, NULL, 0, NULL},
    {"4 h", NULL, NULL, 0, NULL},
    {"18446744073709551615d", NULL, NULL, 0, NULL},
    {NULL, "keep", NULL, 0, "{\"lost_console\":{\"rule\":\"keep\"}}"},
    {NULL, "release:2h", NULL, 0, "{\"lost_console\":{\"rule\":\"release\",\"after_s\":7200}}"},
    {NULL, "release:59s", NULL, 0, NULL},
    {NULL, "release", NULL, 0, NULL},
    {NULL, "release:", NULL, 0, NULL},
    {NULL, "kept", NULL, 0, NULL},
    {NULL, NULL, "release:10s", 0, "{\"unreachable\":{\"rule\":\"release\",\"after_s\":10}}"},
    {NULL, NULL, "release:2h", 0, NULL},
    {NULL, "keep", "keep", 0,
     "{\"lost_console\":{\"rule\":\"keep\"},\"unreachable\":{\"rule\":\"keep\"}}"},
};

START_TEST(times_and_rules_are_read)
{
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    const row *r = &rows[i];
    ctl_args args = {0};
    ctl_lease lease = {0};
    cd_err err = {0};
    cd_jw w;
    cd_buf out = CD_BUF_INIT(1024);
    args.value[CTL_OPT_LEASE] = r->lease;
    args.value[CTL_OPT_LOST_CONSOLE] = r->lost;
    args.value[CTL_OPT_UNREACHABLE] = r->unreachable;
    cd_code rc = ctl_lease_read(&args, &lease, &err);
    ck_assert_msg((rc == CD_OK) == (r->rules != NULL), "row %zu: %s", i, err.text);
    if (rc == CD_OK) {
      ck_assert_uint_eq(lease.lease_s, r->lease_s);
      cd_jw_init(&w, &out);
      cd_jw_obj(&w, NULL);
      ctl_lease_write_rules(&lease, &w);
      cd_jw_end_obj(&w);
      ck_assert_int_eq(cd_jw_done(&w, "rules", &err), CD_OK);
      ck_assert_str_eq(cd_buf_cstr(&out), r->rules);
    }
    cd_buf_release(&out);
  }
}
END_TEST

static void expect_line(const char *wanted, const char *line)
{
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(1024);
  int64_t now_ms = 0;
  ck_assert(ctl_time_read(CD_STR("2026-11-24T04:00:00.000Z"), &now_ms));
  const ctl_style style = {.now_ms = now_ms};
  ck_assert_int_eq(cd_json_parse(cd_str_from(wanted), 1024, "wanted", &doc, &err), CD_OK);
  cd_json root = cd_json_root(doc);
  ctl_lease_render(&root, &style, &out);
  ck_assert_str_eq(cd_buf_cstr(&out), line);
  cd_json_free(doc);
  cd_buf_release(&out);
}

START_TEST(a_lease_is_shown_in_a_line)
{
  expect_line("{\"lease_until\":null,\"lost_console\":null,\"unreachable\":null}", "");
  expect_line("{}", "");
  expect_line("{\"lease_until\":\"2026-11-24T08:00:00.000Z\",\"lost_console\":{\"rule\":\"keep\"},"
              "\"unreachable\":{\"rule\":\"release\",\"after_s\":60}}",
              "Lease       until 2026-11-24 08:00:00Z, in 4 h; console lost: keep; unreachable "
              "through the rules: release after 60 s\n");
  expect_line("{\"lease_until\":null,\"lost_console\":{\"rule\":\"release\",\"after_s\":7200},"
              "\"unreachable\":{\"rule\":\"keep\"}}",
              "Lease       until it is released; console lost: release after 2 h; unreachable "
              "through the rules: keep\n");
}
END_TEST

Suite *suite_lease(void)
{
  Suite *s = suite_create("ctl.lease");
  TCase *c = tcase_create("lease");
  tcase_add_test(c, times_and_rules_are_read);
  tcase_add_test(c, a_lease_is_shown_in_a_line);
  suite_add_tcase(s, c);
  return s;
}
