/* Exclusions by service in an order: what is a name of one, and what goes with it. */
#include "protocol/exclusion.h"

#include "fixture.h"

#include "protocol/kind.h"

#include <stdio.h>
#include <string.h>

static const struct {
  const char *exclusion;
  const char *complaint; /* NULL: none */
} rows[] = {
    {"{\"direction\":\"out\",\"service\":\"nginx.service\"}", NULL},
    {"{\"direction\":\"in\",\"service\":\"getty@tty1.service\",\"address\":\"192.0.2.0/24\","
     "\"protocol\":\"tcp\",\"port\":\"22\",\"note\":\"n\"}",
     NULL},
    {"{\"direction\":\"out\",\"service\":\"dev\\\\x2dx.socket\"}", NULL},
    {"{\"direction\":\"out\",\"service\":null,\"address\":\"192.0.2.1\"}", NULL},
    {"{\"direction\":\"out\"}", "exclusions[0].address is missing"},
    {"{\"direction\":\"out\",\"service\":null}", "exclusions[0].address"},
    {"{\"direction\":\"out\",\"service\":7}", "exclusions[0].service"},
    {"{\"direction\":\"out\",\"service\":\"\"}", "exclusions[0].service"},
    {"{\"direction\":\"out\",\"service\":\"nginx\"}", "such as nginx.service"},
    {"{\"direction\":\"out\",\"service\":\".service\"}", "exclusions[0].service"},
    {"{\"direction\":\"out\",\"service\":\"x.slice\"}", "exclusions[0].service"},
    {"{\"direction\":\"out\",\"service\":\"getty@.service\"}", "exclusions[0].service"},
    {"{\"direction\":\"out\",\"service\":\"@a.service\"}", "exclusions[0].service"},
    {"{\"direction\":\"out\",\"service\":\"..a.service\"}", "exclusions[0].service"},
    {"{\"direction\":\"out\",\"service\":\"a/b.service\"}", "exclusions[0].service"},
    {"{\"direction\":\"out\",\"service\":\"a b.service\"}", "exclusions[0].service"},
    {"{\"direction\":\"out\",\"service\":\"a\\\"b.service\"}", "exclusions[0].service"},
    {"{\"direction\":\"out\",\"service\":\"\xc3\xa4.service\"}", "exclusions[0].service"},
};

START_TEST(a_service_is_named_as_systemd_names_it)
{
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    char text[512];
    cd_err err = {0};
    cd_json_doc *doc = NULL;
    (void)snprintf(text, sizeof(text), "{\"type\":\"selective\",\"exclusions\":[%s]}",
                   rows[i].exclusion);
    expect_ok(cd_json_parse(cd_str_from(text), sizeof(text), "the order", &doc, &err), &err);
    cd_json root = cd_json_root(doc);
    cd_order_check_parameters(CD_ORDER_ISOLATE, &root);
    cd_code rc = cd_json_done(&root, &err);
    ck_assert_msg((rc == CD_OK) == (rows[i].complaint == NULL), "%s: %s", text, err.text);
    if (rows[i].complaint != NULL)
      ck_assert_msg(strstr(err.text, rows[i].complaint) != NULL, "%s", err.text);
    cd_json_free(doc);
  }
}
END_TEST

START_TEST(a_name_has_a_limit)
{
  char name[300];
  (void)snprintf(name, sizeof(name), "%0247d.service", 0);
  ck_assert(cd_service_name_good(cd_str_from(name)));
  (void)snprintf(name, sizeof(name), "%0248d.service", 0);
  ck_assert(!cd_service_name_good(cd_str_from(name)));
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      a_service_is_named_as_systemd_names_it,
      a_name_has_a_limit,
  };
  return run_suite("protocol.exclusion", tests, COUNT_OF(tests));
}
