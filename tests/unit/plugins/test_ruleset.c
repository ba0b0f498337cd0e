/* The rules as text: compared with files that a person has read (golden/), and their size at the
 * limit. The kernel tests show that they do what they say. */
#include "ruleset.h"

#include "suite.h"

#include <string.h>

#include "support/json.h"
#include "targets.h"

static const char full[] = "{\"type\":\"full\",\"console\":[{\"address\":\"10.77.0.1\",\"port\":"
                           "8443},{\"address\":\"fd77::1\",\"port\":8443},"
                           "{\"address\":\"10.77.0.1\",\"port\":443},{\"address\":\"10.77.0.1\","
                           "\"port\":8443}],\"resolvers\":[\"10.77.0.1\","
                           "\"fd77::1\",\"10.77.0.1\"],\"mark\":3234922497,\"exclusions\":[]}";
static const char selective[] =
    "{\"type\":\"selective\",\"console\":[{\"address\":\"10.77.0.1\",\"port\":8443}],\"resolvers\":"
    "[],\"mark\":1,"
    "\"exclusions\":["
    "{\"direction\":\"out\",\"address\":\"10.1.0.0/16\"},"
    "{\"direction\":\"in\",\"address\":\"10.2.0.1\",\"protocol\":\"tcp\",\"port\":\"22\"},"
    "{\"direction\":\"both\",\"address\":\"10.3.0.1-10.3.0.9\",\"protocol\":\"udp\",\"port\":"
    "\"9000-9100\"},"
    "{\"direction\":\"out\",\"address\":\"10.1.2.3\",\"protocol\":\"icmp\"},"
    "{\"direction\":\"out\",\"address\":\"192.0.2.0/24\",\"protocol\":\"tcp\",\"port\":\"443\"},"
    "{\"direction\":\"both\",\"address\":\"fd00::/64\"},"
    "{\"direction\":\"in\",\"address\":\"fd01::1\",\"protocol\":\"icmp\"},"
    "{\"direction\":\"out\",\"address\":\"10.1.0.7\",\"protocol\":\"tcp\",\"port\":\"443\"}]}";
static const char services[] =
    "{\"type\":\"selective\",\"console\":[],\"resolvers\":[],\"mark\":1,\"exclusions\":["
    "{\"direction\":\"both\",\"service\":\"nginx.service\"},"
    "{\"direction\":\"out\",\"service\":\"backup.service\",\"address\":\"192.0.2.0/24\","
    "\"protocol\":\"tcp\",\"port\":\"443\"},"
    "{\"direction\":\"in\",\"service\":\"backup.service\",\"address\":\"fd00::1\","
    "\"protocol\":\"udp\"}]}";
static const char bare[] =
    "{\"type\":\"full\",\"console\":[],\"resolvers\":[],\"mark\":1,\"exclusions\":[]}";

static void read_params(const char *text, iso_params *p)
{
  sup_err err = {0};
  cJSON *doc = sup_json_parse(text, strlen(text), &err);
  ck_assert_msg(doc != NULL, "%s", err.sentence);
  ck_assert_msg(iso_params_read(doc, p, &err) == CORDON_OK, "%s", err.sentence);
  cJSON_Delete(doc);
}

static void render(const char *params, sup_text *out, char tag[ISO_TAG_LEN + 1])
{
  iso_params p;
  sup_err err = {0};
  read_params(params, &p);
  ck_assert_msg(iso_ruleset_render(&p, out, tag, &err) == CORDON_OK, "%s", err.sentence);
  iso_params_release(&p);
}

static void expect_file(const char *params, const char *name)
{
  static char expected[64 * 1024];
  char path[512];
  char tag[ISO_TAG_LEN + 1];
  sup_text out = SUP_TEXT_INIT(ISO_RULESET_MAX);
  render(params, &out, tag);
  (void)snprintf(path, sizeof(path), "%s/%s", GOLDEN, name);
  FILE *f = fopen(path, "r");
  ck_assert_msg(f != NULL, "%s cannot be read", path);
  size_t len = fread(expected, 1, sizeof(expected) - 1, f);
  (void)fclose(f);
  expected[len] = '\0';
  /* Where they differ, for Check's messages are short. */
  const char *text = sup_text_get(&out);
  size_t at = 0;
  while (text[at] != '\0' && text[at] == expected[at])
    at++;
  ck_assert_msg(text[at] == expected[at], "%s ends otherwise: '%.200s' instead of '%.200s'", name,
                text + at, expected + at);
  sup_text_release(&out);
}

START_TEST(writes_the_rules_that_were_read_by_a_person)
{
  expect_file(full, "full.nft");
  expect_file(selective, "selective.nft");
  expect_file(services, "services.nft");
  expect_file(bare, "bare.nft");
}
END_TEST

START_TEST(the_tag_follows_the_parameters)
{
  char first[ISO_TAG_LEN + 1], again[ISO_TAG_LEN + 1], other[ISO_TAG_LEN + 1];
  sup_text out = SUP_TEXT_INIT(ISO_RULESET_MAX);
  render(full, &out, first);
  ck_assert_ptr_nonnull(strstr(sup_text_get(&out), first));
  render(full, &out, again);
  render(bare, &out, other);
  ck_assert_str_eq(first, again);
  ck_assert_str_ne(first, other);
  ck_assert_uint_eq(strlen(first), ISO_TAG_LEN);
  sup_text_release(&out);
}
END_TEST

START_TEST(the_order_of_exclusions_does_not_matter)
{
  static const char forth[] =
      "{\"type\":\"selective\",\"console\":[],\"resolvers\":[],\"mark\":1,\"exclusions\":[{"
      "\"direction\":"
      "\"out\",\"address\":\"10.0.0.1\"},{\"direction\":\"out\",\"address\":\"10.0.0.9\"}]}";
  static const char back[] = "{\"type\":\"selective\",\"console\":[],\"resolvers\":[],\"mark\":1,"
                             "\"exclusions\":[{\"direction\":\"out\",\"address\":"
                             "\"10.0.0.9\"},{\"direction\":\"out\",\"address\":\"10.0.0.1\"},{"
                             "\"direction\":\"out\",\"address\":\"10.0.0.9\"}]}";
  char first[ISO_TAG_LEN + 1], second[ISO_TAG_LEN + 1];
  sup_text out = SUP_TEXT_INIT(ISO_RULESET_MAX);
  render(forth, &out, first);
  render(back, &out, second);
  ck_assert_str_eq(first, second);
  sup_text_release(&out);
}
END_TEST

/* As many exclusions as there may be, none beside another, each in every set: `step` tells how far
 * apart. */
static void fill(iso_params *p, iso_exclusion *exclusions, bool nested)
{
  for (size_t i = 0; i < ISO_EXCLUSIONS_MAX; i++) {
    iso_exclusion *x = &exclusions[i];
    *x = (iso_exclusion){.directions = ISO_OUT | ISO_IN, .protocols = ISO_ANY, .port_last = 65535};
    memset(&x->remote, 0xee, sizeof(x->remote));
    x->remote.first.family = 6;
    x->remote.last.family = 6;
    size_t end = nested ? 4 * ISO_EXCLUSIONS_MAX - i : 2 * i;
    size_t begin = nested ? i : 2 * i;
    x->remote.first.bytes[12] = (uint8_t)(begin >> 8);
    x->remote.first.bytes[13] = (uint8_t)begin;
    x->remote.last.bytes[12] = (uint8_t)(end >> 8);
    x->remote.last.bytes[13] = (uint8_t)end;
    if (nested) {
      x->protocols = ISO_TCP;
      x->port_first = (uint16_t)(2 * i);
      x->port_last = (uint16_t)(2 * i);
    }
  }
  *p = (iso_params){.selective = true,
                    .mark = 1,
                    .exclusion_count = ISO_EXCLUSIONS_MAX,
                    .exclusions = exclusions};
}

START_TEST(the_largest_orderly_isolation_fits)
{
  static iso_exclusion exclusions[ISO_EXCLUSIONS_MAX];
  iso_params p;
  char tag[ISO_TAG_LEN + 1];
  sup_err err = {0};
  sup_text out = SUP_TEXT_INIT(ISO_RULESET_MAX);
  fill(&p, exclusions, false);
  ck_assert_msg(iso_ruleset_render(&p, &out, tag, &err) == CORDON_OK, "%s", err.sentence);
  ck_assert_uint_gt(out.len, 300 * 1024);
  sup_text_release(&out);
}
END_TEST

START_TEST(exclusions_that_multiply_are_refused)
{
  static iso_exclusion exclusions[ISO_EXCLUSIONS_MAX];
  iso_params p;
  char tag[ISO_TAG_LEN + 1];
  sup_err err = {0};
  sup_text out = SUP_TEXT_INIT(ISO_RULESET_MAX);
  fill(&p, exclusions, true);
  ck_assert_int_eq(iso_ruleset_render(&p, &out, tag, &err), CORDON_E_LIMIT);
  ck_assert_ptr_nonnull(strstr(err.sentence, "overlap"));
  sup_text_release(&out);
}
END_TEST

START_TEST(targets_avoid_the_exclusions)
{
  iso_params p;
  iso_target t[ISO_TARGETS];
  char text[ISO_ADDR_TEXT];
  read_params(selective, &p);
  iso_targets_choose(&p, t);
  ck_assert_str_eq(t[0].name, "tcp4");
  ck_assert_str_eq(iso_addr_text(&t[0].addr, text), "198.51.100.233");
  ck_assert_str_eq(iso_addr_text(&t[1].addr, text), "192.0.2.233");
  iso_params_release(&p);
  read_params("{\"type\":\"selective\",\"console\":[],\"resolvers\":[],\"mark\":1,\"exclusions\":[{"
              "\"direction\":\"out\","
              "\"address\":\"::/1\"},{\"direction\":\"in\",\"address\":\"192.0.2.0/24\"}]}",
              &p);
  iso_targets_choose(&p, t);
  ck_assert_int_eq(t[4].addr.family, 0);
  ck_assert_int_eq(t[4].on_link.family, 6);
  ck_assert_str_eq(iso_addr_text(&t[0].addr, text), "192.0.2.233");
  iso_params_release(&p);
}
END_TEST

/* What `/0` is refused for must not be had in pieces. */
START_TEST(a_family_that_is_let_through_as_a_whole_is_refused)
{
  static const struct {
    const char *exclusions;
    const char *family; /* NULL: something stays closed */
  } cases[] = {
      {"{\"direction\":\"out\",\"address\":\"0.0.0.0/1\"},"
       "{\"direction\":\"out\",\"address\":\"128.0.0.0/1\"}",
       "IPv4"},
      {"{\"direction\":\"both\",\"address\":\"0.0.0.1-255.255.255.255\"}", "IPv4"},
      {"{\"direction\":\"out\",\"address\":\"::/1\"},"
       "{\"direction\":\"out\",\"address\":\"8000::/1\"}",
       "IPv6"},
      {"{\"direction\":\"in\",\"address\":\"0.0.0.0/1\"},"
       "{\"direction\":\"in\",\"address\":\"128.0.0.0/1\"}",
       NULL},
      {"{\"direction\":\"out\",\"address\":\"0.0.0.0/1\",\"protocol\":\"tcp\"},"
       "{\"direction\":\"out\",\"address\":\"128.0.0.0/1\",\"protocol\":\"tcp\"}",
       NULL},
  };
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    iso_params p;
    sup_err err = {0};
    char text[1024];
    (void)snprintf(text, sizeof(text),
                   "{\"type\":\"selective\",\"console\":[],\"resolvers\":[],\"mark\":1,"
                   "\"exclusions\":[%s]}",
                   cases[i].exclusions);
    read_params(text, &p);
    cordon_status status = iso_targets_check(&p, &err);
    ck_assert_int_eq(status, cases[i].family != NULL ? CORDON_E_INVALID : CORDON_OK);
    ck_assert(cases[i].family == NULL || strstr(err.sentence, cases[i].family) != NULL);
    iso_params_release(&p);
  }
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      writes_the_rules_that_were_read_by_a_person,
      the_tag_follows_the_parameters,
      the_order_of_exclusions_does_not_matter,
      the_largest_orderly_isolation_fits,
      exclusions_that_multiply_are_refused,
      targets_avoid_the_exclusions,
      a_family_that_is_let_through_as_a_whole_is_refused,
  };
  return run_suite("plugins.nftables.ruleset", tests, COUNT_OF(tests));
}
