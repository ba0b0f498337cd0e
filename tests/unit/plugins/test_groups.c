/* Services by their control groups: their names, where they are looked for, and how what is in
 * force is compared with what runs. */
#define _GNU_SOURCE
#include "groups.h"

#include "params.h"
#include "ruleset.h"
#include "ruleset_groups.h"

#include "suite.h"

#include <string.h>
#include <sys/stat.h>

static char root[64];

static void make(const char *path)
{
  char line[512];
  (void)snprintf(line, sizeof(line), "mkdir -p '%s/sys/fs/cgroup/%s'", root, path);
  ck_assert_int_eq(system(line), 0);
}

static void make_top(const char *top)
{
  char line[512];
  (void)snprintf(root, sizeof(root), "/tmp/cordon-groups.XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(root));
  make(top);
  (void)snprintf(line, sizeof(line), ">'%s/sys/fs/cgroup/%s/cgroup.controllers'", root, top);
  ck_assert_int_eq(system(line), 0);
}

static void remove_top(void)
{
  char line[128];
  (void)snprintf(line, sizeof(line), "rm -rf '%s'", root);
  ck_assert_int_eq(system(line), 0);
}

static uint64_t number_of(const char *path)
{
  char full[512];
  struct stat st;
  (void)snprintf(full, sizeof(full), "%s/sys/fs/cgroup/%s", root, path);
  ck_assert_int_eq(stat(full, &st), 0);
  return st.st_ino;
}

START_TEST(takes_names_of_units_and_nothing_else)
{
  static const char *const good[] = {
      "nginx.service", "getty@tty1.service",         "a.service",
      "cups.socket",   "dev-disk-by\\x2did.service", "A:b_c-d.service"};
  static const char *const bad[] = {"",
                                    "nginx",
                                    ".service",
                                    "..service",
                                    "../x.service",
                                    "a/b.service",
                                    "getty@.service",
                                    "@x.service",
                                    "x.slice",
                                    "x.scope",
                                    "a b.service",
                                    "a\n.service",
                                    "\"x\".service",
                                    "{x}.service",
                                    "\xc3\xa4.service"};
  char longest[300];
  for (size_t i = 0; i < COUNT_OF(good); i++)
    ck_assert_msg(iso_group_name_good(good[i]), "%s", good[i]);
  for (size_t i = 0; i < COUNT_OF(bad); i++)
    ck_assert_msg(!iso_group_name_good(bad[i]), "%s", bad[i]);
  (void)snprintf(longest, sizeof(longest), "%0247d.service", 0);
  ck_assert(iso_group_name_good(longest));
  (void)snprintf(longest, sizeof(longest), "%0248d.service", 0);
  ck_assert(!iso_group_name_good(longest));
}
END_TEST

/* Where it is, and whether it is found there. */
static const struct {
  const char *top;
  const char *folder;
  const char *path; /* NULL: not found */
  unsigned level;
} places[] = {
    {".", "system.slice/web.service", "system.slice/web.service", 2},
    {"unified", "unified/system.slice/web.service", "unified/system.slice/web.service", 2},
    {".", "web.service", "web.service", 1},
    {".", "a.slice/a-b.slice/a-b-c.slice/a-b-c-d.slice/web.service",
     "a.slice/a-b.slice/a-b-c.slice/a-b-c-d.slice/web.service", 5},
    {".", "a.slice/b.slice/c.slice/d.slice/e.slice/web.service", NULL, 0},
    {".", "user.slice/user-1.slice/user@1.service/app.slice/web.service", NULL, 0},
    {".", "docker/web.service", NULL, 0},
    {".", "system.slice/web.service.d", NULL, 0},
    {"other", "system.slice/web.service", NULL, 0},
};

START_TEST(looks_in_the_top_and_in_slices_of_its_owner)
{
  for (size_t i = 0; i < COUNT_OF(places); i++) {
    iso_group groups[2] = {{.name = "web.service"}, {.name = "none.service", .path = "old"}};
    make_top(places[i].top);
    make(places[i].folder);
    iso_groups_find(root, groups, 2);
    ck_assert_str_eq(groups[0].path, places[i].path != NULL ? places[i].path : "");
    ck_assert_str_eq(groups[1].path, "");
    if (places[i].path != NULL) {
      ck_assert_uint_eq(groups[0].level, places[i].level);
      ck_assert(iso_group_has(&groups[0], number_of(places[i].path)));
      ck_assert(!iso_group_has(&groups[0], number_of(places[i].top)));
    }
    remove_top();
  }
}
END_TEST

START_TEST(not_in_a_slice_that_others_may_write_to)
{
  iso_group g = {.name = "web.service"};
  char path[512];
  make_top(".");
  make("system.slice/web.service");
  (void)snprintf(path, sizeof(path), "%s/sys/fs/cgroup/system.slice", root);
  ck_assert_int_eq(chmod(path, 0777), 0);
  iso_groups_find(root, &g, 1);
  ck_assert_str_eq(g.path, "");
  remove_top();
}
END_TEST

START_TEST(counts_the_groups_below_up_to_a_limit)
{
  iso_group g = {.name = "web.service"};
  char path[128];
  make_top(".");
  make("system.slice/web.service/worker/of");
  iso_groups_find(root, &g, 1);
  ck_assert_uint_eq(g.id_count, 3);
  ck_assert(iso_group_has(&g, number_of("system.slice/web.service/worker/of")));
  for (int i = 0; i < ISO_GROUP_IDS + 8; i++) {
    (void)snprintf(path, sizeof(path), "system.slice/web.service/w%d", i);
    make(path);
  }
  iso_groups_find(root, &g, 1);
  ck_assert_uint_eq(g.id_count, ISO_GROUP_IDS);
  remove_top();
}
END_TEST

START_TEST(knows_whose_a_process_is)
{
  const iso_group groups[] = {{.name = "a.service"}, {.name = "b.service"}};
  static const struct {
    const char *text;
    int which; /* -1: nobody's */
  } rows[] = {
      {"0::/system.slice/b.service\n", 1},
      {"3:cpu:/x\n0::/a.service/below/it\n", 0},
      {"0::/system.slice/ab.service\n", -1},
      {"3:cpu:/a.service\n0::/\n", -1},
      {"3:cpu:/a.service\n", -1},
      {"", -1},
      {"0::/system.slice/b.service.d/x\n", -1},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    const iso_group *g = iso_groups_of_process(rows[i].text, groups, 2);
    ck_assert_msg(g == (rows[i].which < 0 ? NULL : &groups[rows[i].which]), "row %zu", i);
  }
}
END_TEST

/* ---- what is in force ---- */

static iso_group two[] = {
    {.name = "a.service", .path = "unified/system.slice/a.service", .level = 2},
    {.name = "b.service", .path = "unified/x.slice/x-y.slice/b.service", .level = 3}};
static iso_exclusion theirs[] = {
    {.directions = ISO_OUT, .protocols = ISO_TCP, .port_last = 65535},
    {.directions = ISO_IN, .protocols = ISO_TCP, .port_last = 65535, .service = 1}};
static const iso_params params = {.selective = true,
                                  .mark = 1,
                                  .by_service_count = 2,
                                  .by_service = theirs,
                                  .group_count = 2,
                                  .groups = two};

#define MAP(name, elements)                                                                        \
  "\tmap services_" name " {\n\t\ttype cgroupsv2 : verdict\n" elements "\t}\n\n"
#define A(way) "\"unified/system.slice/a.service\" : jump service_0_" way
#define B(way) "\"unified/x.slice/x-y.slice/b.service\" : jump service_1_" way
#define IN(text) "\t\telements = { " text " }\n"
#define OTHERS MAP("in3", IN(B("in"))) MAP("out3", IN(B("out")))

static const struct {
  const char *listing;
  iso_groups_state state;
} listings[] = {
    {MAP("in2", IN(A("in"))) MAP("out2", IN(A("out"))) OTHERS, ISO_GROUPS_RIGHT},
    {MAP("in2", IN(A("in"))) MAP("out2", "") OTHERS, ISO_GROUPS_STALE},
    {MAP("in2", IN("310 : jump service_0_in")) MAP("out2", IN(A("out"))) OTHERS, ISO_GROUPS_STALE},
    {MAP("in2", IN(A("in") ",\n\t\t\t     310 : jump service_0_in")) MAP("out2", IN(A("out")))
         OTHERS,
     ISO_GROUPS_STALE},
    {MAP("in2", IN(A("in") ",\n\t\t\t     \"evil\" : jump service_0_in")) MAP("out2", IN(A("out")))
         OTHERS,
     ISO_GROUPS_FOREIGN},
    {MAP("in2", IN(A("in") ", " A("in"))) MAP("out2", IN(A("out"))) OTHERS, ISO_GROUPS_FOREIGN},
    {MAP("in2", IN(A("in"))) MAP("out2", IN("\"unified/system.slice/a.service\" : accept")) OTHERS,
     ISO_GROUPS_FOREIGN},
    {MAP("in2", IN("310 : accept")) MAP("out2", IN(A("out"))) OTHERS, ISO_GROUPS_FOREIGN},
    {MAP("in2", IN("7, b\" : jump service_0_in")) MAP("out2", IN(A("out"))) OTHERS,
     ISO_GROUPS_FOREIGN},
    {MAP("in3", IN(A("in"))) MAP("out2", IN(A("out"))), ISO_GROUPS_FOREIGN},
    {MAP("in2", "\t\telements = { " A("in") ",\n\t\t\t\"a}b\" : jump service_0_in,\n"),
     ISO_GROUPS_FOREIGN},
    {"", ISO_GROUPS_STALE},
};

START_TEST(compares_what_is_in_force_with_what_runs)
{
  for (size_t i = 0; i < COUNT_OF(listings); i++) {
    const char *text = listings[i].listing;
    ck_assert_msg(iso_groups_compare(text, strlen(text), &params) == listings[i].state, "row %zu",
                  i);
  }
}
END_TEST

START_TEST(what_is_rendered_compares_as_right_and_its_tag_stays)
{
  sup_err err = {0};
  sup_text running = SUP_TEXT_INIT(ISO_RULESET_MAX), stopped = SUP_TEXT_INIT(ISO_RULESET_MAX);
  char tag[ISO_TAG_LEN + 1], later[ISO_TAG_LEN + 1];
  iso_params p = params;
  iso_group none[2] = {{.name = "a.service"}, {.name = "b.service"}};
  ck_assert_int_eq(iso_ruleset_render(&p, &running, tag, &err), CORDON_OK);
  ck_assert_int_eq(iso_groups_compare(sup_text_get(&running), running.len, &p), ISO_GROUPS_RIGHT);
  p.groups = none;
  ck_assert_int_eq(iso_ruleset_render(&p, &stopped, later, &err), CORDON_OK);
  ck_assert_str_eq(tag, later);
  ck_assert_ptr_null(strstr(sup_text_get(&stopped), "a.service"));
  ck_assert_int_eq(iso_groups_compare(sup_text_get(&stopped), stopped.len, &p), ISO_GROUPS_RIGHT);
  ck_assert_int_eq(iso_groups_compare(sup_text_get(&running), running.len, &p), ISO_GROUPS_FOREIGN);
  sup_text_release(&running);
  sup_text_release(&stopped);
}
END_TEST

START_TEST(sockets_of_a_service_are_told_by_group_and_flow)
{
  iso_group groups[] = {{.name = "a.service", .ids = {7, 8}, .id_count = 2}};
  iso_exclusion x[] = {{.directions = ISO_OUT,
                        .protocols = ISO_TCP,
                        .remote = {{4, {10, 0, 0, 1}}, {4, {10, 0, 0, 9}}},
                        .port_first = 443,
                        .port_last = 443}};
  const iso_params p = {.by_service_count = 1, .by_service = x, .group_count = 1, .groups = groups};
  const iso_addr in_range = {4, {10, 0, 0, 5}}, outside = {4, {10, 0, 0, 10}};
  ck_assert(iso_params_excludes_group(&p, 8, ISO_OUT, ISO_TCP, &in_range, 443));
  ck_assert(!iso_params_excludes_group(&p, 9, ISO_OUT, ISO_TCP, &in_range, 443));
  ck_assert(!iso_params_excludes_group(&p, 8, ISO_IN, ISO_TCP, &in_range, 443));
  ck_assert(!iso_params_excludes_group(&p, 8, ISO_OUT, ISO_UDP, &in_range, 443));
  ck_assert(!iso_params_excludes_group(&p, 8, ISO_OUT, ISO_TCP, &outside, 443));
  ck_assert(!iso_params_excludes_group(&p, 8, ISO_OUT, ISO_TCP, &in_range, 80));
  x[0].remote = (iso_range){.first = {0}};
  ck_assert(iso_params_excludes_group(&p, 7, ISO_OUT, ISO_TCP, &outside, 443));
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      takes_names_of_units_and_nothing_else,
      looks_in_the_top_and_in_slices_of_its_owner,
      not_in_a_slice_that_others_may_write_to,
      counts_the_groups_below_up_to_a_limit,
      knows_whose_a_process_is,
      compares_what_is_in_force_with_what_runs,
      what_is_rendered_compares_as_right_and_its_tag_stays,
      sockets_of_a_service_are_told_by_group_and_flow,
  };
  return run_suite("plugins.nftables.groups", tests, COUNT_OF(tests));
}
