/* What a boot does with what it finds: every row of the table. */
#include "restore_plan.h"

#include "place.h"

#include <check.h>

#include <stdio.h>
#include <string.h>

#define A RESTORE_ABSENT
#define B RESTORE_BAD
#define G RESTORE_GOOD

/* The sources in order, a letter each: c(urrent), p(revious), j(ournal), b(uilt-in); "" for none.
 */
static const struct {
  restore_facts facts;
  const char *sources;
} rows[] = {
    /* nothing was ever wanted, or it was released */
    {{A, 0, A, 0, A, false, false, false, 0}, ""},
    {{A, 0, A, 0, G, false, false, false, 0}, ""},
    {{A, 0, A, 0, G, true, false, false, 4}, ""},
    {{A, 0, A, 0, B, false, false, false, 0}, ""},
    /* as it should be */
    {{G, 5, A, 0, G, true, true, false, 5}, "cjb"},
    {{G, 5, G, 4, G, true, true, false, 5}, "cpjb"},
    /* a newer order, killed before its proof: what held comes first */
    {{G, 5, A, 0, G, true, true, false, 6}, "cjb"},
    {{A, 0, A, 0, G, true, true, false, 1}, "jb"},
    /* a newer order that was carried out, and whose file could not be written */
    {{G, 5, A, 0, G, true, true, true, 6}, "jcb"},
    {{G, 5, G, 4, G, true, true, true, 6}, "jcpb"},
    {{G, 5, A, 0, G, true, true, true, 5}, "cjb"},
    {{B, 0, A, 0, G, true, true, true, 5}, "jb"},
    /* an order to release, killed before the files were removed */
    {{G, 5, A, 0, G, true, false, false, 6}, ""},
    {{G, 5, G, 4, G, true, false, false, 6}, ""},
    {{G, 5, A, 0, G, true, false, false, 5}, ""},
    {{B, 0, A, 0, G, true, false, false, 6}, ""},
    /* without a journal the files decide */
    {{G, 5, A, 0, A, false, false, false, 0}, "cb"},
    {{G, 5, A, 0, B, false, false, false, 0}, "cb"},
    {{G, 5, G, 4, B, false, false, false, 0}, "cpb"},
    {{G, 5, A, 0, G, false, false, false, 0}, "cb"},
    /* a journal that was rolled back */
    {{G, 5, A, 0, G, true, false, false, 3}, "cb"},
    {{A, 0, G, 5, G, true, false, false, 3}, "pb"},
    {{G, 5, A, 0, G, true, true, false, 3}, "cjb"},
    /* files that cannot be read */
    {{B, 0, A, 0, G, true, true, false, 5}, "jb"},
    {{B, 0, G, 4, G, true, true, false, 5}, "pjb"},
    {{B, 0, G, 4, A, false, false, false, 0}, "pb"},
    {{B, 0, B, 0, A, false, false, false, 0}, "b"},
    {{B, 0, A, 0, B, false, false, false, 0}, "b"},
    {{A, 0, B, 0, B, false, false, false, 0}, "b"},
};

static void letters(const restore_plan *p, char out[RESTORE_SOURCES_MAX + 1])
{
  static const char names[] = {'-', 'c', 'p', 'j', 'b'};
  unsigned i = 0;
  for (; i < p->count; i++)
    out[i] = names[p->sources[i]];
  out[i] = '\0';
}

START_TEST(every_row_is_as_written)
{
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    restore_plan p = {0};
    char got[RESTORE_SOURCES_MAX + 1];
    agent_restore_plan(&rows[i].facts, &p);
    letters(&p, got);
    ck_assert_msg(strcmp(got, rows[i].sources) == 0, "row %zu: '%s' and not '%s'", i, got,
                  rows[i].sources);
    ck_assert_msg(p.wanted == (got[0] != '\0'), "row %zu", i);
    ck_assert_msg(p.wanted || p.why != NULL, "row %zu has no reason", i);
  }
}
END_TEST

/* Whatever is found: a plan ends with the built-in isolation, and none is made against a journal
 * that is whole, newest, and says released. */
START_TEST(the_rules_hold_for_everything_that_can_be_found)
{
  for (unsigned n = 0; n < 3 * 3 * 3 * 4 * 3; n++) {
    restore_facts f = {.current = (restore_found)(n % 3), .current_generation = 5};
    f.previous = (restore_found)(n / 3 % 3);
    f.previous_generation = 4;
    f.journal = (restore_found)(n / 9 % 3);
    f.known = n / 27 % 2 == 1;
    f.isolated = n / 54 % 2 == 1;
    f.generation = 4 + n / 108;
    restore_plan p = {0};
    agent_restore_plan(&f, &p);
    bool released = f.journal == RESTORE_GOOD && f.known && !f.isolated && f.generation >= 5;
    bool filed = f.current != RESTORE_ABSENT || f.previous != RESTORE_ABSENT;
    if (released)
      ck_assert(!p.wanted);
    if (p.wanted)
      ck_assert_int_eq(p.sources[p.count - 1], AGENT_FROM_BUILTIN);
    if (filed && f.journal != RESTORE_GOOD)
      ck_assert(p.wanted);
    if (f.journal == RESTORE_GOOD && f.known && f.isolated)
      ck_assert(p.wanted);
  }
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      every_row_is_as_written,
      the_rules_hold_for_everything_that_can_be_found,
  };
  return run_suite("agent.restore_plan", tests, COUNT_OF(tests));
}
