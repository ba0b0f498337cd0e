/* The strict reading of an isolation's parameters: a row for everything that must be refused, with
 * what the sentence must name. */
#include "params.h"

#include "suite.h"

#include <string.h>

#include "support/json.h"

#define HEAD "{\"type\":\"selective\",\"console\":[],\"resolvers\":[],\"mark\":1,\"exclusions\":["
#define TAIL "]}"
#define S(name, rest) HEAD "{\"direction\":\"out\",\"service\":\"" name "\"" rest "}" TAIL
#define X(address, rest) HEAD "{\"direction\":\"out\",\"address\":\"" address "\"" rest "}" TAIL

static const struct refusal {
  const char *text;
  cordon_status status;
  const char *names;
} refusals[] = {
    {HEAD "{\"direction\":\"out\"}" TAIL, CORDON_E_INVALID, "exclusions[0].address is missing"},
    {S("nginx", ""), CORDON_E_INVALID, "exclusions[0].service 'nginx'"},
    {S("../x.service", ""), CORDON_E_INVALID, "exclusions[0].service"},
    {S("x@.service", ""), CORDON_E_INVALID, "exclusions[0].service"},
    {S("x.service", ",\"address\":\"0.0.0.0/0\""), CORDON_E_INVALID, "exclusions[0].address"},
    {S("x.service", ",\"port\":\"80\""), CORDON_E_INVALID, "exclusions[0].port"},
    {S("x.service", ",\"protocol\":\"icmp\""), CORDON_E_UNSUPPORTED, "exclusions[0].protocol"},
    {HEAD
     "{\"direction\":\"out\",\"address\":\"10.0.0.1\"},{\"direction\":\"out\",\"service\":1}" TAIL,
     CORDON_E_INVALID, "exclusions[1].service"},
    {"[]", CORDON_E_INVALID, "no JSON object"},
    {"{", CORDON_E_INVALID, "no JSON object"},
    {"{} x", CORDON_E_INVALID, "no JSON object"},
    {"{}", CORDON_E_INVALID, "type is missing"},
    {"{\"Type\":\"full\"}", CORDON_E_INVALID, "Type is not known"},
    {"{\"type\":\"full\",\"type\":\"full\"}", CORDON_E_INVALID, "type is given twice"},
    {"{\"type\":1}", CORDON_E_INVALID, "type must be text"},
    {"{\"type\":\"fu\\u0000ll\"}", CORDON_E_INVALID, "NUL"},
    {"{\"type\":\"half\",\"console\":[],\"resolvers\":[],\"mark\":1,\"exclusions\":[]}",
     CORDON_E_INVALID, "'half'"},
    {"{\"type\":\"full\",\"console\":{},\"resolvers\":[],\"mark\":1,\"exclusions\":[]}",
     CORDON_E_INVALID, "console must be an array"},
    {"{\"type\":\"full\",\"console\":[],\"resolvers\":[],\"exclusions\":[]}", CORDON_E_INVALID,
     "mark is missing"},
    {"{\"type\":\"full\",\"console\":[],\"resolvers\":[],\"mark\":0,\"exclusions\":[]}",
     CORDON_E_INVALID, "mark"},
    {"{\"type\":\"full\",\"console\":[],\"resolvers\":[],\"mark\":1.5,\"exclusions\":[]}",
     CORDON_E_INVALID, "mark"},
    {"{\"type\":\"full\",\"console\":[],\"resolvers\":[],\"mark\":4294967296,\"exclusions\":[]}",
     CORDON_E_INVALID, "mark"},
    {"{\"type\":\"full\",\"console\":[],\"resolvers\":[],\"mark\":\"1\",\"exclusions\":[]}",
     CORDON_E_INVALID, "mark"},
    {"{\"type\":\"full\",\"console\":[{\"address\":\"10.0.0.1\"}],\"resolvers\":[],\"mark\":1,"
     "\"exclusions\":[]}",
     CORDON_E_INVALID, "console[0].port"},
    {"{\"type\":\"full\",\"console\":[{\"address\":\"10.0.0.1\",\"port\":0}],\"resolvers\":[],"
     "\"mark\":1,\"exclusions\":[]}",
     CORDON_E_INVALID, "console[0].port"},
    {"{\"type\":\"full\",\"console\":[{\"address\":\"console.example\",\"port\":1}],\"resolvers\":["
     "],\"mark\":1,"
     "\"exclusions\":[]}",
     CORDON_E_INVALID, "console[0].address"},
    {"{\"type\":\"full\",\"console\":[{\"address\":\"10.0.0.0/"
     "8\",\"port\":1}],\"resolvers\":[],\"mark\":1,\"exclusions\":[]}",
     CORDON_E_INVALID, "console[0].address"},
    {"{\"type\":\"full\",\"console\":[{\"address\":\"fe80::1%eth0\",\"port\":1}],\"resolvers\":[],"
     "\"mark\":1,"
     "\"exclusions\":[]}",
     CORDON_E_INVALID, "console[0].address"},
    {"{\"type\":\"full\",\"console\":[{\"address\":\"10.0.0.1\",\"port\":1,\"tls\":true}],"
     "\"resolvers\":[],\"mark\":1,"
     "\"exclusions\":[]}",
     CORDON_E_INVALID, "console[0].tls"},
    {"{\"type\":\"full\",\"console\":[],\"resolvers\":[8],\"mark\":1,\"exclusions\":[]}",
     CORDON_E_INVALID, "resolvers[0]"},
    {"{\"type\":\"full\",\"console\":[],\"resolvers\":[\"0.0.0.0\"],\"mark\":1,\"exclusions\":[]}",
     CORDON_E_INVALID, "resolvers[0]"},
    {"{\"type\":\"selective\",\"console\":[],\"resolvers\":[],\"mark\":1,\"exclusions\":[]}",
     CORDON_E_INVALID, "exclusions is empty"},
    {"{\"type\":\"full\",\"console\":[],\"resolvers\":[],\"mark\":1,\"exclusions\":[{\"direction\":"
     "\"out\",\"address\":"
     "\"10.0.0.1\"}]}",
     CORDON_E_INVALID, "exclusions is not empty"},
    {HEAD "7" TAIL, CORDON_E_INVALID, "exclusions[0] must be an object"},
    {HEAD "{\"direction\":\"out\",\"address\":\"10.0.0.1\"},{\"address\":\"10.0.0.1\"}" TAIL,
     CORDON_E_INVALID, "exclusions[1].direction is missing"},
    {HEAD "{\"direction\":\"Out\",\"address\":\"10.0.0.1\"}" TAIL, CORDON_E_INVALID,
     "exclusions[0].direction 'Out'"},
    {HEAD "{\"direction\":\"out\"}" TAIL, CORDON_E_INVALID, "exclusions[0].address is missing"},
    {X("", ""), CORDON_E_INVALID, "exclusions[0].address"},
    {X("10.0.0", ""), CORDON_E_INVALID, "exclusions[0].address"},
    {X("10.0.0.1 ", ""), CORDON_E_INVALID, "exclusions[0].address"},
    {X("010.0.0.1", ""), CORDON_E_INVALID, "exclusions[0].address"},
    {X("example.org", ""), CORDON_E_INVALID, "exclusions[0].address"},
    {X("0.0.0.0", ""), CORDON_E_INVALID, "unspecified"},
    {X("::", ""), CORDON_E_INVALID, "unspecified"},
    {X("::ffff:10.0.0.1", ""), CORDON_E_INVALID, "written as IPv6"},
    {X("10.0.0.0/0", ""), CORDON_E_INVALID, "no isolation"},
    {X("0.0.0.0/0", ""), CORDON_E_INVALID, "no isolation"},
    {X("::/0", ""), CORDON_E_INVALID, "no isolation"},
    {X("0.0.0.0-255.255.255.255", ""), CORDON_E_INVALID, "no isolation"},
    {X("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""), CORDON_E_INVALID, "no isolation"},
    {X("10.0.0.0/33", ""), CORDON_E_INVALID, "from 1 to 32"},
    {X("fd00::/129", ""), CORDON_E_INVALID, "from 1 to 128"},
    {X("10.0.0.0/", ""), CORDON_E_INVALID, "prefix length"},
    {X("10.0.0.0/08", ""), CORDON_E_INVALID, "prefix length"},
    {X("10.0.0.0/+8", ""), CORDON_E_INVALID, "prefix length"},
    {X("10.0.0.0/4294967304", ""), CORDON_E_INVALID, "prefix length"},
    {X("10.0.0.5/24", ""), CORDON_E_INVALID, "write 10.0.0.0/24"},
    {X("fd00::1/64", ""), CORDON_E_INVALID, "write fd00::/64"},
    {X("10.0.0.9-10.0.0.1", ""), CORDON_E_INVALID, "ends before it begins"},
    {X("10.0.0.1-fd00::1", ""), CORDON_E_INVALID, "mixes IPv4 and IPv6"},
    {X("10.0.0.1-", ""), CORDON_E_INVALID, "no range"},
    {X("10.0.0.1-10.0.0.9/24", ""), CORDON_E_INVALID, "no range"},
    {X("10.0.0.1-10.0.0.2-10.0.0.3", ""), CORDON_E_INVALID, "no range"},
    {X("1111:1111:1111:1111:1111:1111:1111:1111-2222:2222:2222:2222:2222:2222:2222:2222-3333", ""),
     CORDON_E_INVALID, "exclusions[0].address"},
    {X("10.0.0.1", ",\"protocol\":\"sctp\""), CORDON_E_INVALID, "exclusions[0].protocol 'sctp'"},
    {X("10.0.0.1", ",\"protocol\":null"), CORDON_E_INVALID, "exclusions[0].protocol"},
    {X("10.0.0.1", ",\"port\":\"80\""), CORDON_E_INVALID, "exclusions[0].port needs"},
    {X("10.0.0.1", ",\"protocol\":\"icmp\",\"port\":\"80\""), CORDON_E_INVALID,
     "exclusions[0].port needs"},
    {X("10.0.0.1", ",\"protocol\":\"tcp\",\"port\":80"), CORDON_E_INVALID,
     "exclusions[0].port must be text"},
    {X("10.0.0.1", ",\"protocol\":\"tcp\",\"port\":\"\""), CORDON_E_INVALID, "exclusions[0].port"},
    {X("10.0.0.1", ",\"protocol\":\"tcp\",\"port\":\"0\""), CORDON_E_INVALID, "exclusions[0].port"},
    {X("10.0.0.1", ",\"protocol\":\"tcp\",\"port\":\"080\""), CORDON_E_INVALID,
     "exclusions[0].port"},
    {X("10.0.0.1", ",\"protocol\":\"tcp\",\"port\":\"65536\""), CORDON_E_INVALID,
     "exclusions[0].port"},
    {X("10.0.0.1", ",\"protocol\":\"tcp\",\"port\":\"99999999999999999999\""), CORDON_E_INVALID,
     "exclusions[0].port"},
    {X("10.0.0.1", ",\"protocol\":\"tcp\",\"port\":\"90-80\""), CORDON_E_INVALID,
     "ends before it begins"},
    {X("10.0.0.1", ",\"protocol\":\"tcp\",\"port\":\"80-\""), CORDON_E_INVALID,
     "exclusions[0].port"},
    {X("10.0.0.1", ",\"protocol\":\"tcp\",\"port\":\"80,90\""), CORDON_E_INVALID,
     "exclusions[0].port"},
    {X("10.0.0.1", ",\"protocol\":\"tcp\",\"port\":\"http\""), CORDON_E_INVALID,
     "exclusions[0].port"},
    {X("10.0.0.1", ",\"process\":\"curl\""), CORDON_E_INVALID,
     "exclusions[0].process is not known"},
    {X("10.0.0.1", ",\"note\":5"), CORDON_E_INVALID, "exclusions[0].note"},
};

static cordon_status read_text(const char *text, iso_params *p, sup_err *err)
{
  cJSON *doc = sup_json_parse(text, strlen(text), err);
  if (doc == NULL)
    return err->status;
  cordon_status status = iso_params_read(doc, p, err);
  cJSON_Delete(doc);
  return status;
}

START_TEST(refuses_what_the_schema_does_not_know_and_says_where)
{
  for (size_t i = 0; i < COUNT_OF(refusals); i++) {
    iso_params p = {0};
    sup_err err = {0};
    cordon_status status = read_text(refusals[i].text, &p, &err);
    ck_assert_msg(status == refusals[i].status, "row %zu gives %d: %s", i, (int)status,
                  refusals[i].text);
    ck_assert_msg(strstr(err.sentence, refusals[i].names) != NULL,
                  "row %zu: '%s' does not name '%s'", i, err.sentence, refusals[i].names);
    ck_assert_ptr_null(p.exclusions);
  }
}
END_TEST

static const struct reading {
  const char *text;
  const char *first;
  const char *last;
  unsigned directions;
  unsigned protocols;
  unsigned port_first;
  unsigned port_last;
} readings[] = {
    {X("10.0.0.1", ""), "10.0.0.1", "10.0.0.1", ISO_OUT, ISO_ANY, 0, 65535},
    {X("10.0.0.0/8", ",\"protocol\":\"any\""), "10.0.0.0", "10.255.255.255", ISO_OUT, ISO_ANY, 0,
     65535},
    {X("10.0.0.128/25", ",\"protocol\":\"tcp\""), "10.0.0.128", "10.0.0.255", ISO_OUT, ISO_TCP, 0,
     65535},
    {X("10.0.0.1/32", ",\"protocol\":\"icmp\""), "10.0.0.1", "10.0.0.1", ISO_OUT, ISO_ICMP, 0,
     65535},
    {X("10.0.0.1-10.0.0.9", ",\"protocol\":\"udp\",\"port\":\"53\""), "10.0.0.1", "10.0.0.9",
     ISO_OUT, ISO_UDP, 53, 53},
    {X("128.0.0.0/1", ""), "128.0.0.0", "255.255.255.255", ISO_OUT, ISO_ANY, 0, 65535},
    {X("FD00:0::1", ",\"protocol\":\"tcp\",\"port\":\"1-65535\""), "fd00::1", "fd00::1", ISO_OUT,
     ISO_TCP, 1, 65535},
    {X("fd00::/63", ""), "fd00::", "fd00::1:ffff:ffff:ffff:ffff", ISO_OUT, ISO_ANY, 0, 65535},
    {X("fd00::1-fd00::1", ",\"note\":\"the print server\""), "fd00::1", "fd00::1", ISO_OUT, ISO_ANY,
     0, 65535},
    {HEAD "{\"direction\":\"in\",\"address\":\"10.0.0.1\"}" TAIL, "10.0.0.1", "10.0.0.1", ISO_IN,
     ISO_ANY, 0, 65535},
    {HEAD "{\"direction\":\"both\",\"address\":\"10.0.0.1\"}" TAIL, "10.0.0.1", "10.0.0.1",
     ISO_OUT | ISO_IN, ISO_ANY, 0, 65535},
};

START_TEST(reads_each_form_of_an_exclusion)
{
  for (size_t i = 0; i < COUNT_OF(readings); i++) {
    iso_params p = {0};
    sup_err err = {0};
    char text[ISO_ADDR_TEXT];
    ck_assert_msg(read_text(readings[i].text, &p, &err) == CORDON_OK, "row %zu: %s", i,
                  err.sentence);
    ck_assert_uint_eq(p.exclusion_count, 1);
    const iso_exclusion *x = &p.exclusions[0];
    ck_assert_str_eq(iso_addr_text(&x->remote.first, text), readings[i].first);
    ck_assert_str_eq(iso_addr_text(&x->remote.last, text), readings[i].last);
    ck_assert_uint_eq(x->directions, readings[i].directions);
    ck_assert_uint_eq(x->protocols, readings[i].protocols);
    ck_assert_uint_eq(x->port_first, readings[i].port_first);
    ck_assert_uint_eq(x->port_last, readings[i].port_last);
    iso_params_release(&p);
  }
}
END_TEST

START_TEST(reads_each_service_once)
{
  iso_params p = {0};
  sup_err err = {0};
  static const char text[] =
      HEAD "{\"direction\":\"out\",\"service\":\"a.service\"},"
           "{\"direction\":\"out\",\"address\":\"10.0.0.1\"},"
           "{\"direction\":\"in\",\"service\":\"b@1.service\",\"address\":\"10.0.0.2\","
           "\"protocol\":\"udp\",\"port\":\"53\"},"
           "{\"direction\":\"in\",\"service\":\"a.service\",\"protocol\":\"tcp\"}" TAIL;
  ck_assert_msg(read_text(text, &p, &err) == CORDON_OK, "%s", err.sentence);
  ck_assert_uint_eq(p.exclusion_count, 1);
  ck_assert_uint_eq(p.by_service_count, 3);
  ck_assert_uint_eq(p.group_count, 2);
  ck_assert_str_eq(p.groups[1].name, "b@1.service");
  ck_assert_uint_eq(p.by_service[0].service, 0);
  ck_assert_uint_eq(p.by_service[0].protocols, ISO_TCP | ISO_UDP);
  ck_assert_uint_eq(p.by_service[0].remote.first.family, 0);
  ck_assert_uint_eq(p.by_service[1].service, 1);
  ck_assert_uint_eq(p.by_service[1].remote.first.family, 4);
  ck_assert_uint_eq(p.by_service[1].port_first, 53);
  ck_assert_uint_eq(p.by_service[2].service, 0);
  iso_params_release(&p);
}
END_TEST

START_TEST(refuses_more_services_than_the_limit)
{
  static char text[4096];
  for (int count = ISO_GROUPS_MAX; count <= ISO_GROUPS_MAX + 1; count++) {
    iso_params p = {0};
    sup_err err = {0};
    size_t len = (size_t)snprintf(text, sizeof(text), "%s", HEAD);
    for (int n = 0; n < count; n++)
      len += (size_t)snprintf(text + len, sizeof(text) - len,
                              "%s{\"direction\":\"out\",\"service\":\"s%d.service\"}",
                              n > 0 ? "," : "", n);
    (void)snprintf(text + len, sizeof(text) - len, "%s", TAIL);
    ck_assert_int_eq(read_text(text, &p, &err),
                     count > ISO_GROUPS_MAX ? CORDON_E_LIMIT : CORDON_OK);
    iso_params_release(&p);
  }
}
END_TEST

START_TEST(refuses_more_than_the_limits)
{
  static const struct {
    const char *before;
    const char *item;
    const char *after;
    int limit;
    const char *names;
  } limits[] = {
      {HEAD, "{\"direction\":\"out\",\"address\":\"10.0.0.1\"}", TAIL, ISO_EXCLUSIONS_MAX,
       "exclusions has 1025 items"},
      {"{\"type\":\"full\",\"console\":[", "{\"address\":\"10.0.0.1\",\"port\":1}",
       "],\"resolvers\":[],\"mark\":1,\"exclusions\":[]}", ISO_CONSOLES_MAX,
       "console has 33 items"},
      {"{\"type\":\"full\",\"console\":[],\"resolvers\":[", "\"10.0.0.1\"",
       "],\"mark\":1,\"exclusions\":[]}", ISO_RESOLVERS_MAX, "resolvers has 17 items"},
  };
  static char text[256 * 1024];
  for (size_t i = 0; i < COUNT_OF(limits); i++) {
    for (int count = limits[i].limit; count <= limits[i].limit + 1; count++) {
      size_t len = (size_t)snprintf(text, sizeof(text), "%s", limits[i].before);
      for (int n = 0; n < count; n++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", n > 0 ? "," : "",
                                limits[i].item);
      (void)snprintf(text + len, sizeof(text) - len, "%s", limits[i].after);
      iso_params p = {0};
      sup_err err = {0};
      cordon_status status = read_text(text, &p, &err);
      ck_assert_int_eq(status, count > limits[i].limit ? CORDON_E_LIMIT : CORDON_OK);
      if (status != CORDON_OK)
        ck_assert_ptr_nonnull(strstr(err.sentence, limits[i].names));
      iso_params_release(&p);
    }
  }
}
END_TEST

START_TEST(a_note_counts_in_characters)
{
  char text[2048];
  char note[1024] = "";
  for (int i = 0; i < 201; i++) {
    if (i == 200) {
      iso_params p = {0};
      (void)snprintf(text, sizeof(text), X("10.0.0.1", ",\"note\":\"%s\""), note);
      ck_assert_int_eq(read_text(text, &p, NULL), CORDON_OK);
      iso_params_release(&p);
    }
    (void)strncat(note, "\xe5\xbe\xa1", sizeof(note) - strlen(note) - 1);
  }
  iso_params p = {0};
  sup_err err = {0};
  (void)snprintf(text, sizeof(text), X("10.0.0.1", ",\"note\":\"%s\""), note);
  ck_assert_int_eq(read_text(text, &p, &err), CORDON_E_INVALID);
  ck_assert_ptr_nonnull(strstr(err.sentence, "exclusions[0].note"));
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      refuses_what_the_schema_does_not_know_and_says_where,
      reads_each_form_of_an_exclusion,
      reads_each_service_once,
      refuses_more_services_than_the_limit,
      refuses_more_than_the_limits,
      a_note_counts_in_characters,
  };
  return run_suite("plugins.nftables.params", tests, COUNT_OF(tests));
}
