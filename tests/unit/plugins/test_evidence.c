/* What a probe proves, as a table of what can be seen. */
#include "evidence.h"

#include "suite.h"

#include <errno.h>
#include <string.h>

static const struct row {
  sup_probe_kind kind;
  bool left, answered;
  int os_error;
  bool counted;
  int syn; /* -1: none was sent, 0: it left, else its error */
  iso_outcome outcome;
} rows[] = {
    {SUP_PROBE_UDP, false, false, EPERM, true, -1, ISO_BLOCKED},
    {SUP_PROBE_UDP, false, false, EPERM, false, -1, ISO_INCONCLUSIVE},
    {SUP_PROBE_UDP, true, false, 0, true, -1, ISO_PASSED}, /* counted, but then not dropped */
    {SUP_PROBE_UDP, true, false, 0, false, -1, ISO_PASSED},
    {SUP_PROBE_UDP, true, true, 0, false, -1, ISO_PASSED},
    {SUP_PROBE_UDP, true, false, ECONNREFUSED, false, -1,
     ISO_PASSED}, /* the other side refused: it got there */
    {SUP_PROBE_UDP, false, false, ENETUNREACH, false, -1, ISO_INCONCLUSIVE},
    {SUP_PROBE_UDP, false, false, EINVAL, true, -1, ISO_INCONCLUSIVE},
    {SUP_PROBE_ICMP, false, false, EPERM, true, -1, ISO_BLOCKED},
    {SUP_PROBE_ICMP, false, false, EPERM, false, -1, ISO_INCONCLUSIVE},
    {SUP_PROBE_ICMP, true, false, 0, false, -1, ISO_PASSED},
    {SUP_PROBE_TCP, false, false, ECONNREFUSED, true, -1, ISO_BLOCKED},
    {SUP_PROBE_TCP, false, false, ECONNREFUSED, false, EPERM,
     ISO_INCONCLUSIVE}, /* a foreign refusal */
    {SUP_PROBE_TCP, false, false, ECONNREFUSED, false, 0,
     ISO_PASSED}, /* the other side's refusal */
    {SUP_PROBE_TCP, false, false, ECONNREFUSED, false, -1, ISO_INCONCLUSIVE},
    {SUP_PROBE_TCP, false, true, 0, false, -1, ISO_PASSED},
    {SUP_PROBE_TCP, false, true, 0, true, -1, ISO_PASSED},
    {SUP_PROBE_TCP, false, false, 0, true, EPERM, ISO_BLOCKED},
    {SUP_PROBE_TCP, false, false, 0, false, EPERM, ISO_INCONCLUSIVE},
    {SUP_PROBE_TCP, false, false, 0, false, 0, ISO_PASSED},
    {SUP_PROBE_TCP, false, false, 0, true, 0, ISO_PASSED},
    {SUP_PROBE_TCP, false, false, EHOSTUNREACH, false, 0, ISO_PASSED},
    {SUP_PROBE_TCP, false, false, ENETUNREACH, false, -1, ISO_INCONCLUSIVE},
    {SUP_PROBE_TCP, false, false, EPERM, true, -1,
     ISO_INCONCLUSIVE}, /* refused at connect(): not by the rules */
};

START_TEST(judges_by_the_table)
{
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    const struct row *r = &rows[i];
    iso_seen seen = {.first = {.kind = r->kind,
                               .left = r->left,
                               .answered = r->answered,
                               .os_error = r->os_error},
                     .counted = r->counted};
    if (r->syn >= 0)
      seen.syn = (sup_probe){.kind = SUP_PROBE_SYN, .left = r->syn == 0, .os_error = r->syn};
    const char *note = NULL;
    iso_outcome o = iso_judge(&seen, &note);
    ck_assert_msg(o == r->outcome, "row %zu is %s", i, iso_outcome_name(o));
    ck_assert_msg(o == ISO_BLOCKED || note != NULL, "row %zu has no note", i);
    ck_assert_msg(iso_needs_syn(&seen.first, r->counted) || r->syn < 0, "row %zu needs no SYN", i);
  }
}
END_TEST

START_TEST(only_tcp_that_left_it_open_needs_a_syn)
{
  sup_probe p = {.kind = SUP_PROBE_UDP};
  ck_assert(!iso_needs_syn(&p, false));
  p.kind = SUP_PROBE_TCP;
  ck_assert(iso_needs_syn(&p, true));
  p.os_error = ECONNREFUSED;
  ck_assert(!iso_needs_syn(&p, true));
  ck_assert(iso_needs_syn(&p, false));
  p.os_error = ENETUNREACH;
  ck_assert(!iso_needs_syn(&p, false));
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {judges_by_the_table, only_tcp_that_left_it_open_needs_a_syn};
  return run_suite("plugins.nftables.evidence", tests, COUNT_OF(tests));
}
