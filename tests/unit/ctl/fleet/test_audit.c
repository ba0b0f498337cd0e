/* The chain of the audit log. The digests were computed by another program (Python's hashlib). */
#include "fleet_audit.h"
#include "suites.h"

#include <stdio.h>
#include <string.h>

#define D0 "0000000000000000000000000000000000000000000000000000000000000000"
#define D1 "4bd6e9f03c8489c149ba7bd614e4c2e0c1799f882794cdc1d34662d99b6c6e2f"
#define D2 "7f1bff0016c5068d429ed62483d34bcccab4749717e4ec60fd9aebde984e71df"
#define DEVICE "abababababababababababababababababababab"
#define ENTRY_1                                                                                    \
  "{\"sequence\":1,\"at\":1795493300001,\"who\":\"root\",\"what\":\"device.enroll\",\"device\":"   \
  "\"" DEVICE "\",\"action\":null,\"detail\":{\"a\":[1,\"\xc3\xbc\\n\"]},\"previous\":\"" D0       \
  "\",\"digest\":\"" D1 "\"}"
/* Other order, white space, an escape that need not be one: the same content. */
#define ENTRY_2                                                                                    \
  "{\"digest\":\"sha256:" D2 "\", \"previous\":\"sha256:" D1 "\", \"detail\":{\"a\":[1,\"\\u00fc"  \
  "\\n\"]},\"what\":\"device.enroll\",\"who\":\"root\",\"at\":1795493300002,\"sequence\":2}"
#define PAGE(entries) "{\"value\":[" entries "],\"next\":null}"

static cd_code take(fleet_audit *a, const char *page, cd_err *err)
{
  cd_json_doc *doc = NULL;
  size_t count = 0;
  cd_code rc = cd_json_parse(cd_str_from(page), 1u << 20, "the page", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  rc = fleet_audit_take(a, &root, &count, err);
  cd_json_free(doc);
  return rc;
}

START_TEST(a_chain_that_is_right)
{
  fleet_audit a = {0};
  cd_err err = {0};
  ck_assert(fleet_audit_head_read(CD_STR("2:" D2), &a.known[1].head));
  ck_assert_msg(take(&a, PAGE(ENTRY_1), &err) == CD_OK, "%s", err.text);
  ck_assert_int_eq(fleet_audit_finish(&a, &err), CD_E_UNVERIFIED);
  ck_assert_msg(take(&a, PAGE(ENTRY_2), &err) == CD_OK, "%s", err.text);
  ck_assert_msg(take(&a, PAGE(""), &err) == CD_OK, "%s", err.text);
  ck_assert_msg(fleet_audit_finish(&a, &err) == CD_OK, "%s", err.text);
  ck_assert_uint_eq(a.head.sequence, 2);
}
END_TEST

START_TEST(an_empty_log)
{
  fleet_audit a = {0};
  cd_err err = {0};
  ck_assert_msg(take(&a, PAGE(""), &err) == CD_OK, "%s", err.text);
  ck_assert_int_eq(fleet_audit_finish(&a, &err), CD_OK);
  a.known[0].head.sequence = 1;
  ck_assert_int_eq(fleet_audit_finish(&a, &err), CD_E_UNVERIFIED);
}
END_TEST

START_TEST(a_known_head_must_be_met)
{
  cd_err err = {0};
  fleet_audit a = {0};
  ck_assert(fleet_audit_head_read(CD_STR("1:sha256:" D1), &a.known[0].head));
  ck_assert_int_eq(take(&a, PAGE(ENTRY_1 "," ENTRY_2), &err), CD_OK);
  ck_assert_int_eq(fleet_audit_finish(&a, &err), CD_OK);
  fleet_audit b = {0};
  ck_assert(fleet_audit_head_read(CD_STR("1:" D2), &b.known[0].head));
  ck_assert_int_eq(take(&b, PAGE(ENTRY_1), &err), CD_E_UNVERIFIED);
}
END_TEST

typedef struct stated_row {
  const char *answer;
  cd_code code;
} stated_row;

static const stated_row stated[] = {
    {"{\"head\":{\"sequence\":1,\"digest\":\"sha256:" D1 "\",\"signed\":\"x\"}}", CD_OK},
    {"{\"head\":{\"sequence\":0,\"digest\":\"\"}}", CD_OK},
    {"{\"head\":{\"sequence\":1,\"digest\":\"\"}}", CD_E_INVALID},
    {"{\"head\":{\"digest\":\"" D1 "\"}}", CD_E_INVALID},
    {"{\"head\":null}", CD_E_INVALID},
    {"{}", CD_E_INVALID},
};

START_TEST(the_head_that_the_console_states)
{
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  fleet_audit_head h = {.sequence = 77};
  ck_assert_int_eq(cd_json_parse(cd_str_from(stated[_i].answer), 65536, "it", &doc, &err), CD_OK);
  cd_json root = cd_json_root(doc);
  ck_assert_int_eq(fleet_audit_stated(&root, &h, &err), stated[_i].code);
  ck_assert((h.sequence == 77) == (stated[_i].code != CD_OK));
  cd_json_free(doc);
}
END_TEST

typedef struct page_row {
  const char *page;
  cd_code code;
} page_row;

static const page_row pages[] = {
    {PAGE(ENTRY_2), CD_E_UNVERIFIED}, {PAGE(ENTRY_1 "," ENTRY_1), CD_E_UNVERIFIED},
    {PAGE("{}"), CD_E_INVALID},       {PAGE("1"), CD_E_INVALID},
    {"{\"value\":{}}", CD_E_INVALID}, {"{}", CD_E_INVALID},
};

START_TEST(a_page_that_is_wrong)
{
  fleet_audit a = {0};
  cd_err err = {0};
  ck_assert_int_eq(take(&a, pages[_i].page, &err), pages[_i].code);
  ck_assert_uint_gt(strlen(err.text), 0);
}
END_TEST

/* Whatever byte of an entry is changed to another letter or digit, it shows. */
START_TEST(no_byte_can_be_changed)
{
  char page[2048];
  cd_err err = {0};
  (void)snprintf(page, sizeof(page), "%s", PAGE(ENTRY_1));
  size_t from = (size_t)(strstr(page, "\"sequence\"") - page);
  size_t to = (size_t)(strstr(page, ",\"next\"") - page);
  for (size_t i = from; i < to; i++) {
    char was = page[i];
    page[i] = was == '7' ? '8' : '7';
    fleet_audit a = {0};
    ck_assert_msg(take(&a, page, &err) != CD_OK, "at %zu: %s", i, page);
    page[i] = was;
  }
}
END_TEST

START_TEST(a_head_as_it_is_typed)
{
  fleet_audit_head h = {0};
  ck_assert(fleet_audit_head_read(CD_STR("812:" D1), &h));
  ck_assert_uint_eq(h.sequence, 812);
  ck_assert(!fleet_audit_head_read(CD_STR("0:" D1), &h));
  ck_assert(!fleet_audit_head_read(CD_STR("812"), &h));
  ck_assert(!fleet_audit_head_read(CD_STR("812:"), &h));
  ck_assert(!fleet_audit_head_read(CD_STR(":" D1), &h));
  ck_assert(!fleet_audit_head_read(CD_STR("812:" D1 "0"), &h));
  ck_assert(!fleet_audit_head_read(CD_STR("-1:" D1), &h));
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

Suite *suite_fleet_audit(void)
{
  Suite *s = suite_create("ctl.fleet_audit");
  TCase *tc = tcase_create("audit");
  tcase_add_test(tc, a_chain_that_is_right);
  tcase_add_test(tc, an_empty_log);
  tcase_add_test(tc, a_known_head_must_be_met);
  tcase_add_loop_test(tc, the_head_that_the_console_states, 0, ROWS(stated));
  tcase_add_loop_test(tc, a_page_that_is_wrong, 0, ROWS(pages));
  tcase_add_test(tc, no_byte_can_be_changed);
  tcase_add_test(tc, a_head_as_it_is_typed);
  suite_add_tcase(s, tc);
  return s;
}
