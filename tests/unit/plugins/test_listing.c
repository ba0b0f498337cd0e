/* What is told from a listing: the normal form, the digest over it, the frame, the counters. */
#include "listing.h"

#include "suite.h"

#include <string.h>

#define TAG "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char listed[] = "table inet cordon {\n"
                             "\tcounter dropped_in {\n"
                             "\t\tpackets 12 bytes 900\n"
                             "\t}\n"
                             "\n"
                             "\tset console4 {\n"
                             "\t\ttype ipv4_addr . inet_service\n"
                             "\t\telements = { 10.77.0.2 . 443,\n"
                             "\t\t\t     10.77.0.1 . 8443,  10.77.0.1 . 443 }\n"
                             "\t}\n"
                             "\n"
                             "\tchain input {\n"
                             "\t\ttype filter hook input priority 20; policy drop;\n"
                             "\t\tiif \"lo\" accept comment \"cordon-rules " TAG "\" # handle 7\n"
                             "\t\tip saddr 10.0.0.1 counter packets 5 bytes 300 drop\n"
                             "\t\tudp dport 67 limit rate 30/minute burst 5 packets accept\n"
                             "\t}\n"
                             "\n"
                             "\tchain output {\n"
                             "\t\ttype filter hook output priority 20; policy drop;\n"
                             "\t}\n"
                             "\n"
                             "\tchain forward {\n"
                             "\t\ttype filter hook forward priority 20; policy drop;\n"
                             "\t}\n"
                             "}\n";

static const char normal[] = "table inet cordon {\n"
                             "counter dropped_in {\n"
                             "}\n"
                             "set console4 {\n"
                             "type ipv4_addr . inet_service\n"
                             "elements 10.77.0.1 . 443, 10.77.0.1 . 8443, 10.77.0.2 . 443\n"
                             "}\n"
                             "chain input {\n"
                             "type filter hook input priority 20; policy drop;\n"
                             "iif \"lo\" accept comment \"cordon-rules " TAG "\"\n"
                             "ip saddr 10.0.0.1 counter drop\n"
                             "udp dport 67 limit rate 30/minute burst 5 packets accept\n"
                             "}\n"
                             "chain output {\n"
                             "type filter hook output priority 20; policy drop;\n"
                             "}\n"
                             "chain forward {\n"
                             "type filter hook forward priority 20; policy drop;\n"
                             "}\n"
                             "}\n";

static void normalise(const char *text, sup_text *out)
{
  *out = (sup_text)SUP_TEXT_INIT(64 * 1024);
  iso_listing_normalise(text, strlen(text), out);
}

START_TEST(leaves_out_what_moves_and_sorts_what_has_no_order)
{
  sup_text out;
  normalise(listed, &out);
  ck_assert_str_eq(sup_text_get(&out), normal);
  sup_text again;
  normalise(sup_text_get(&out), &again);
  ck_assert_str_eq(sup_text_get(&again), normal);
  sup_text_release(&out);
  sup_text_release(&again);
}
END_TEST

static const char *const same[][2] = {
    {"a b\n", "\t a   b \n"},
    {"elements = { 1, 2 }\n", "elements = { 2,\n 1 }\n"},
    {"elements = { 1 }\n", "elements = { 1 }"},
    {"counter x {\npackets 1 bytes 2\n}\n", "counter x {\npackets 99999999999 bytes 0\n}\n"},
    {"drop # handle 4\n", "drop # handle 5\n"},
};
static const char *const different[][2] = {
    {"accept\n", "drop\n"},
    {"accept\ndrop\n", "drop\naccept\n"},
    {"elements = { 1, 2 }\n", "elements = { 1, 2, 3 }\n"},
    {"elements = { 1 2 }\n", "elements = { 1, 2 }\n"},
    {"limit rate 30/minute burst 5 packets accept\n",
     "limit rate 30/minute burst 6 packets accept\n"},
    {"packets 1 bytes\n", "packets 2 bytes\n"},
    {"table inet cordon {\n", "table inet cordon {\nflags dormant\n"},
};

START_TEST(the_digest_changes_with_the_rules_and_only_with_them)
{
  char a[ISO_DIGEST_TEXT], b[ISO_DIGEST_TEXT];
  sup_text out;
  for (size_t i = 0; i < COUNT_OF(same) + COUNT_OF(different); i++) {
    bool equal = i < COUNT_OF(same);
    const char *const *pair = equal ? same[i] : different[i - COUNT_OF(same)];
    normalise(pair[0], &out);
    iso_listing_digest(&out, a);
    sup_text_release(&out);
    normalise(pair[1], &out);
    iso_listing_digest(&out, b);
    sup_text_release(&out);
    ck_assert_msg((strcmp(a, b) == 0) == equal, "row %zu", i);
    ck_assert_uint_eq(strlen(a), 71);
  }
}
END_TEST

/* The normal form with one line taken out or put in, and what must then be seen. */
static const struct frame_case {
  const char *without;
  const char *with;
  iso_frame expected;
} frame_cases[] = {
    {NULL, NULL, {true, false, true, true, true, TAG}},
    {"table inet cordon {\n", "table inet cordon_guard {\n", {false, false, true, true, true, TAG}},
    {"table inet cordon {\n",
     "table inet cordon {\nflags dormant\n",
     {true, true, true, true, true, TAG}},
    {"table inet cordon {\n",
     "table inet cordon {\nflags owner,dormant\n",
     {true, true, true, true, true, TAG}},
    {"hook input priority 20; policy drop;",
     "hook input priority 20; policy accept;",
     {true, false, false, true, true, TAG}},
    {"hook output priority 20;", "hook output priority 19;", {true, false, true, false, true, TAG}},
    {"chain forward {", "chain onward {", {true, false, true, true, false, TAG}},
    {"cordon-rules " TAG "\"", "cordon-rules " TAG "0\"", {true, false, true, true, true, ""}},
    {"cordon-rules", "other", {true, false, true, true, true, ""}},
};

START_TEST(sees_what_is_missing_of_the_frame)
{
  for (size_t i = 0; i < COUNT_OF(frame_cases); i++) {
    const struct frame_case *c = &frame_cases[i];
    char text[4096];
    (void)snprintf(text, sizeof(text), "%s", normal);
    if (c->without != NULL) {
      const char *at = strstr(normal, c->without);
      ck_assert_ptr_nonnull(at);
      (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - normal), normal, c->with,
                     at + strlen(c->without));
    }
    iso_frame f;
    iso_listing_frame(text, &f);
    ck_assert_msg(f.table == c->expected.table && f.dormant == c->expected.dormant &&
                      f.input == c->expected.input && f.output == c->expected.output &&
                      f.forward == c->expected.forward && strcmp(f.tag, c->expected.tag) == 0,
                  "row %zu", i);
  }
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      leaves_out_what_moves_and_sorts_what_has_no_order,
      the_digest_changes_with_the_rules_and_only_with_them,
      sees_what_is_missing_of_the_frame,
  };
  return run_suite("plugins.nftables.listing", tests, COUNT_OF(tests));
}
