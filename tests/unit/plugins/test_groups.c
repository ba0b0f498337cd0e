/* Services by their control groups: their names, where they are looked for, and how what is in
 * force is compared with what runs. */
#define _GNU_SOURCE
#include "groups.h"

#include "maps.h"
#include "params.h"
#include "ruleset.h"
#include "ruleset_groups.h"

#include "suite.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

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
    {".", "system.slice/_web.service", "system.slice/_web.service", 2},
    {".", "_cpu.slice/web.service", "_cpu.slice/web.service", 2},
    {".", "system.slice/__web.service", NULL, 0},
};

static cordon_status find(iso_group *groups, size_t count)
{
  bool more = false;
  sup_err err = {0};
  return iso_groups_find(root, groups, count, &more, &err);
}

START_TEST(looks_in_the_top_and_in_slices_of_its_owner)
{
  for (size_t i = 0; i < COUNT_OF(places); i++) {
    iso_group groups[2] = {{.name = "web.service"}, {.name = "none.service", .place_count = 1}};
    make_top(places[i].top);
    make(places[i].folder);
    cordon_status status = find(groups, 2);
    ck_assert_int_eq(status,
                     strcmp(places[i].top, "other") == 0 ? CORDON_E_UNSUPPORTED : CORDON_OK);
    ck_assert_msg(groups[0].place_count == (places[i].path != NULL ? 1 : 0), "row %zu", i);
    ck_assert_uint_eq(groups[1].place_count, 0);
    if (places[i].path != NULL) {
      ck_assert_str_eq(groups[0].places[0].path, places[i].path);
      ck_assert_uint_eq(groups[0].places[0].level, places[i].level);
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
  ck_assert_int_eq(find(&g, 1), CORDON_OK);
  ck_assert_uint_eq(g.place_count, 0);
  remove_top();
}
END_TEST

/* Escaped it would be longer than a folder's name may be. */
START_TEST(the_longest_name_is_looked_up)
{
  iso_group g = {.place_count = 0};
  char path[300];
  (void)snprintf(g.name, sizeof(g.name), "%0247d.service", 0);
  (void)snprintf(path, sizeof(path), "system.slice/%s", g.name);
  make_top(".");
  make(path);
  ck_assert_int_eq(find(&g, 1), CORDON_OK);
  ck_assert_uint_eq(g.place_count, 1);
  ck_assert_str_eq(g.places[0].path, path);
  remove_top();
}
END_TEST

START_TEST(a_name_in_several_slices_counts_in_the_first_of_a_fixed_order)
{
  static const char *const in_order[] = {"web.service", "b.slice/web.service",
                                         "a.slice/b.slice/web.service",
                                         "a.slice/c.slice/web.service"};
  iso_group g = {.name = "web.service"};
  make_top(".");
  for (size_t i = COUNT_OF(in_order); i > 0; i--)
    make(in_order[i - 1]);
  ck_assert_int_eq(find(&g, 1), CORDON_OK);
  ck_assert_uint_eq(g.place_count, COUNT_OF(in_order));
  ck_assert(!g.more_places);
  make("a.slice/d.slice/web.service");
  ck_assert_int_eq(find(&g, 1), CORDON_OK);
  ck_assert_uint_eq(g.place_count, COUNT_OF(in_order));
  ck_assert(g.more_places);
  for (size_t i = 0; i < COUNT_OF(in_order); i++)
    ck_assert_str_eq(g.places[i].path, in_order[i]);
  make("c.slice/web.service");
  ck_assert_int_eq(find(&g, 1), CORDON_OK);
  ck_assert_str_eq(g.places[2].path, "c.slice/web.service");
  ck_assert_str_eq(g.places[3].path, in_order[2]);
  remove_top();
}
END_TEST

/* Without a descriptor to spare. */
static cordon_status find_without_files(iso_group *g)
{
  struct rlimit before, none;
  ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
  none = before;
  int free_one = dup(0);
  none.rlim_cur = (rlim_t)free_one;
  ck_assert_int_eq(close(free_one), 0);
  ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
  cordon_status status = find(g, 1);
  ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
  return status;
}

START_TEST(what_cannot_be_looked_up_is_not_taken_for_stopped)
{
  iso_group g = {.name = "web.service"};
  make_top(".");
  make("system.slice/web.service");
  ck_assert_int_eq(find(&g, 1), CORDON_OK);
  ck_assert_int_eq(find_without_files(&g), CORDON_E_LIMIT);
  ck_assert_uint_eq(g.place_count, 1);
  remove_top();
  ck_assert_int_eq(find(&g, 1), CORDON_E_UNSUPPORTED);
  ck_assert_uint_eq(g.place_count, 0);
}
END_TEST

START_TEST(counts_the_groups_below_up_to_a_limit)
{
  iso_group g = {.name = "web.service"};
  char path[128];
  make_top(".");
  make("system.slice/web.service/worker/of");
  ck_assert_int_eq(find(&g, 1), CORDON_OK);
  iso_groups_find_below(root, &g, 1);
  ck_assert_uint_eq(g.below_count, 2);
  ck_assert(!g.more_below);
  ck_assert(iso_group_has(&g, number_of("system.slice/web.service")));
  ck_assert(iso_group_has(&g, number_of("system.slice/web.service/worker/of")));
  ck_assert(!iso_group_has(&g, number_of("system.slice")));
  for (int i = 0; i < ISO_GROUP_BELOW + 8; i++) {
    (void)snprintf(path, sizeof(path), "%s/sys/fs/cgroup/system.slice/web.service/w%d", root, i);
    ck_assert_int_eq(mkdir(path, 0755), 0);
  }
  iso_groups_find_below(root, &g, 1);
  ck_assert_uint_eq(g.below_count, ISO_GROUP_BELOW);
  ck_assert(g.more_below);
  free(g.below);
  remove_top();
}
END_TEST

START_TEST(knows_who_acts_for_users)
{
  ck_assert(iso_group_acts_for_users("user@1000.service"));
  ck_assert(iso_group_acts_for_users("cron.service"));
  ck_assert(!iso_group_acts_for_users("user-runtime-dir@1000.service"));
  ck_assert(!iso_group_acts_for_users("nginx.service"));
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
      {"0::/_b.service\n", 1},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    const iso_group *g = iso_groups_of_process(rows[i].text, groups, 2);
    ck_assert_msg(g == (rows[i].which < 0 ? NULL : &groups[rows[i].which]), "row %zu", i);
  }
}
END_TEST

/* ---- what is in force ---- */

static iso_group two[] = {
    {.name = "a.service",
     .places = {{.path = "unified/system.slice/a.service", .level = 2, .id = 70},
                {.path = "unified/z.slice/a.service", .level = 2, .id = 71}},
     .place_count = 2},
    {.name = "b.service",
     .places = {{.path = "unified/x.slice/x-y.slice/b.service", .level = 3, .id = 80}},
     .place_count = 1}};
static iso_exclusion theirs[] = {
    {.directions = ISO_OUT, .protocols = ISO_TCP, .port_last = 65535},
    {.directions = ISO_IN, .protocols = ISO_TCP, .port_last = 65535, .service = 1}};
static const iso_params params = {.selective = true,
                                  .mark = 1,
                                  .by_service_count = 2,
                                  .by_service = theirs,
                                  .group_count = 2,
                                  .groups = two};

typedef struct entry {
  const char *map;
  uint64_t id;
  const char *chain; /* NULL: accept */
} entry;

#define ALL                                                                                        \
  {"services_in2", 70, "service_0_in"}, {"services_in2", 71, "service_0_in"},                      \
      {"services_out2", 70, "service_0_out"}, {"services_out2", 71, "service_0_out"},              \
      {"services_in3", 80, "service_1_in"},                                                        \
  {                                                                                                \
    "services_out3", 80, "service_1_out"                                                           \
  }

/* 75 was loaded, of the first service. */
static const struct {
  entry entries[8];
  iso_groups_state state;
  iso_groups_state blind;
  iso_groups_state unrecorded;
} in_force[] = {
    {{ALL}, ISO_GROUPS_RIGHT, ISO_GROUPS_RIGHT, ISO_GROUPS_RIGHT},
    {{ALL, {"services_in2", 75, "service_0_in"}},
     ISO_GROUPS_STALE,
     ISO_GROUPS_RIGHT,
     ISO_GROUPS_STALE},
    {{ALL, {"services_in2", 76, "service_0_in"}},
     ISO_GROUPS_FOREIGN,
     ISO_GROUPS_FOREIGN,
     ISO_GROUPS_STALE},
    {{ALL, {"services_in3", 75, "service_0_in"}},
     ISO_GROUPS_FOREIGN,
     ISO_GROUPS_FOREIGN,
     ISO_GROUPS_STALE},
    {{ALL, {"services_in2", 75, "service_1_in"}},
     ISO_GROUPS_FOREIGN,
     ISO_GROUPS_FOREIGN,
     ISO_GROUPS_STALE},
    {{ALL, {"services_in2", 75, "service_0_out"}},
     ISO_GROUPS_FOREIGN,
     ISO_GROUPS_FOREIGN,
     ISO_GROUPS_FOREIGN},
    {{ALL, {"services_in2", 75, NULL}}, ISO_GROUPS_FOREIGN, ISO_GROUPS_FOREIGN, ISO_GROUPS_FOREIGN},
    {{ALL, {"services_in6", 75, "service_0_in"}},
     ISO_GROUPS_FOREIGN,
     ISO_GROUPS_FOREIGN,
     ISO_GROUPS_FOREIGN},
    {{ALL, {"services_in2", 75, "input"}},
     ISO_GROUPS_FOREIGN,
     ISO_GROUPS_FOREIGN,
     ISO_GROUPS_FOREIGN},
    {{{"services_in2", 70, "service_0_in"}}, ISO_GROUPS_STALE, ISO_GROUPS_RIGHT, ISO_GROUPS_STALE},
    {{{NULL}}, ISO_GROUPS_STALE, ISO_GROUPS_RIGHT, ISO_GROUPS_STALE},
};

/* ---- as the kernel tells it ---- */

typedef struct bytes {
  unsigned char b[4096];
  size_t len;
} bytes;

static void put(bytes *to, const void *from, size_t len)
{
  ck_assert_uint_le(to->len + len + 4, sizeof(to->b));
  memcpy(to->b + to->len, from, len);
  to->len += len;
  while (to->len % 4 != 0)
    to->b[to->len++] = 0;
}

static void put_attribute(bytes *to, uint16_t type, const void *value, size_t len)
{
  struct nlattr a = {.nla_type = type, .nla_len = (uint16_t)(sizeof(a) + len)};
  put(to, &a, sizeof(a));
  put(to, value, len);
}

static void put_element(bytes *to, const entry *e)
{
  bytes key = {0}, verdict = {0}, data = {0}, one = {0};
  uint32_t code = htonl(e->chain != NULL ? (uint32_t)NFT_JUMP : 1);
  put_attribute(&key, NFTA_DATA_VALUE, &e->id, sizeof(e->id));
  put_attribute(&verdict, NFTA_VERDICT_CODE, &code, sizeof(code));
  if (e->chain != NULL)
    put_attribute(&verdict, NFTA_VERDICT_CHAIN, e->chain, strlen(e->chain) + 1);
  put_attribute(&data, NFTA_DATA_VERDICT, verdict.b, verdict.len);
  put_attribute(&one, NFTA_SET_ELEM_KEY | NLA_F_NESTED, key.b, key.len);
  put_attribute(&one, NFTA_SET_ELEM_DATA | NLA_F_NESTED, data.b, data.len);
  put_attribute(to, NFTA_LIST_ELEM | NLA_F_NESTED, one.b, one.len);
}

static void put_message(bytes *to, uint16_t kind, uint16_t flags, const bytes *attributes)
{
  struct nlmsghdr h = {.nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | kind),
                       .nlmsg_flags = flags};
  struct nfgenmsg family = {.nfgen_family = 1};
  h.nlmsg_len = (uint32_t)(sizeof(h) + sizeof(family) + attributes->len);
  put(to, &h, sizeof(h));
  put(to, &family, sizeof(family));
  put(to, attributes->b, attributes->len);
}

static void put_elements(bytes *to, const char *table, const char *set, const bytes *elements)
{
  bytes a = {0};
  put_attribute(&a, NFTA_SET_ELEM_LIST_TABLE, table, strlen(table) + 1);
  put_attribute(&a, NFTA_SET_ELEM_LIST_SET, set, strlen(set) + 1);
  put_attribute(&a, NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED, elements->b, elements->len);
  put_message(to, NFT_MSG_NEWSETELEM, 0, &a);
}

typedef struct taking {
  iso_in_maps maps;
  const char *map;
} taking;

static void take(void *data, const iso_element *e)
{
  taking *t = data;
  iso_in_maps_add(&t->maps, t->map, e);
}

static void take_entries(const entry *entries, iso_in_maps *ret_maps)
{
  taking t = {.map = NULL};
  for (size_t i = 0; i < 8 && entries[i].map != NULL; i++) {
    bytes elements = {0}, in = {0};
    bool done = false, interrupted = false;
    put_element(&elements, &entries[i]);
    put_elements(&in, "other", entries[i].map, &elements);
    put_elements(&in, "cordon", "other", &elements);
    put_elements(&in, "cordon", entries[i].map, &elements);
    t.map = entries[i].map;
    iso_elements_walk(in.b, in.len, "cordon", t.map, take, &t, &done, &interrupted);
    ck_assert(!done && !interrupted);
  }
  *ret_maps = t.maps;
}

START_TEST(compares_what_is_in_force_with_what_runs)
{
  iso_loaded loaded = {.items = {{.id = 75, .level = 2, .service = 0}}, .count = 1};
  iso_params blind = params;
  blind.groups_blind = true;
  for (size_t i = 0; i < COUNT_OF(in_force); i++) {
    iso_in_maps maps;
    take_entries(in_force[i].entries, &maps);
    ck_assert_msg(iso_groups_compare(&maps, &params, &loaded) == in_force[i].state, "row %zu", i);
    ck_assert_msg(iso_groups_compare(&maps, &blind, &loaded) == in_force[i].blind, "blind %zu", i);
    ck_assert_msg(iso_groups_compare(&maps, &params, NULL) == in_force[i].unrecorded,
                  "unrecorded %zu", i);
  }
}
END_TEST

static void note_jumps(void *data, const iso_element *e)
{
  int *jumps = data;
  *jumps = e->jumps ? 1 : 0;
}

/* What has a limit of time or a number of another length is none of ours. */
START_TEST(an_element_that_is_more_than_a_jump_is_told)
{
  static const struct {
    uint16_t more; /* an attribute beside number and verdict; 0: none */
    size_t length; /* of the number */
    int jumps;
  } rows[] = {{0, 8, 1},
              {NFTA_SET_ELEM_FLAGS, 8, 0},
              {NFTA_SET_ELEM_TIMEOUT, 8, 0},
              {NFTA_SET_ELEM_KEY_END, 8, 0},
              {0, 4, 0}};
  static const unsigned char number[8] = {70};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    bytes key = {0}, verdict = {0}, data = {0}, one = {0}, elements = {0}, in = {0};
    uint32_t code = htonl((uint32_t)NFT_JUMP);
    bool done = false, interrupted = false;
    int jumps = -1;
    put_attribute(&key, NFTA_DATA_VALUE, number, rows[i].length);
    put_attribute(&verdict, NFTA_VERDICT_CODE, &code, sizeof(code));
    put_attribute(&verdict, NFTA_VERDICT_CHAIN, "service_0_in", 13);
    put_attribute(&data, NFTA_DATA_VERDICT, verdict.b, verdict.len);
    put_attribute(&one, NFTA_SET_ELEM_KEY, key.b, key.len);
    put_attribute(&one, NFTA_SET_ELEM_DATA, data.b, data.len);
    if (rows[i].more != 0)
      put_attribute(&one, rows[i].more, number, sizeof(number));
    put_attribute(&elements, NFTA_LIST_ELEM, one.b, one.len);
    put_elements(&in, "cordon", "m", &elements);
    iso_elements_walk(in.b, in.len, "cordon", "m", note_jumps, &jumps, &done, &interrupted);
    ck_assert_msg(jumps == rows[i].jumps, "row %zu", i);
  }
}
END_TEST

static void put_set(bytes *to, const char *table, const char *name, uint32_t flags)
{
  bytes a = {0};
  uint32_t big = htonl(flags);
  put_attribute(&a, NFTA_SET_TABLE, table, strlen(table) + 1);
  put_attribute(&a, NFTA_SET_NAME, name, strlen(name) + 1);
  put_attribute(&a, NFTA_SET_FLAGS, &big, sizeof(big));
  put_message(to, NFT_MSG_NEWSET, NLM_F_DUMP_INTR, &a);
}

START_TEST(sets_with_a_name_are_told_by_it)
{
  bytes in = {0};
  iso_sets sets = {.count = 0};
  bool done = false, interrupted = false;
  put_set(&in, "cordon", "console4", 0);
  put_set(&in, "cordon", "__set0", NFT_SET_ANONYMOUS | NFT_SET_CONSTANT);
  put_set(&in, "other", "mine", 0);
  put_set(&in, "cordon", "services_in1", NFT_SET_MAP);
  iso_sets_walk(in.b, in.len, "cordon", &sets, &done, &interrupted);
  ck_assert_uint_eq(sets.count, 2);
  ck_assert_str_eq(sets.names[0], "console4");
  ck_assert(!iso_is_map(sets.names[0]) && iso_is_map(sets.names[1]));
  ck_assert(interrupted && !done && !sets.more);
  put_set(&in, "cordon", "a_name_that_none_of_our_sets_has_", 0);
  iso_sets_walk(in.b, in.len, "cordon", &sets, &done, &interrupted);
  ck_assert(sets.more);
}
END_TEST

START_TEST(the_tag_stays_whatever_runs)
{
  sup_err err = {0};
  sup_text running = SUP_TEXT_INIT(ISO_RULESET_MAX), stopped = SUP_TEXT_INIT(ISO_RULESET_MAX);
  char tag[ISO_TAG_LEN + 1], later[ISO_TAG_LEN + 1];
  iso_params p = params;
  iso_group none[2] = {{.name = "a.service"}, {.name = "b.service"}};
  ck_assert_int_eq(iso_ruleset_render(&p, &running, tag, &err), CORDON_OK);
  ck_assert_ptr_nonnull(strstr(sup_text_get(&running), "\"unified/z.slice/a.service\" : jump "
                                                       "service_0_out"));
  p.groups = none;
  ck_assert_int_eq(iso_ruleset_render(&p, &stopped, later, &err), CORDON_OK);
  ck_assert_str_eq(tag, later);
  ck_assert_ptr_null(strstr(sup_text_get(&stopped), "a.service"));
  sup_text_release(&running);
  sup_text_release(&stopped);
}
END_TEST

/* The longest names, in as many places as count. */
static void run_most(iso_group *groups, bool running)
{
  for (size_t i = 0; i < ISO_GROUPS_MAX; i++) {
    (void)snprintf(groups[i].name, sizeof(groups[i].name), "%zu.service", i);
    groups[i].place_count = running ? ISO_GROUP_PLACES : 0;
    for (size_t k = 0; k < ISO_GROUP_PLACES; k++) {
      iso_place *place = &groups[i].places[k];
      (void)snprintf(place->path, sizeof(place->path), "%0511d", (int)(i + k));
      place->level = 1 + (unsigned)k;
    }
  }
}

static bool renders(iso_exclusion *x, size_t count, iso_group *groups)
{
  sup_err err = {0};
  char tag[ISO_TAG_LEN + 1];
  sup_text plain = SUP_TEXT_INIT(ISO_RULESET_ROOM), guard = SUP_TEXT_INIT(ISO_RULESET_ROOM);
  const iso_params p = {.selective = true,
                        .mark = 1,
                        .by_service_count = count,
                        .by_service = x,
                        .group_count = ISO_GROUPS_MAX,
                        .groups = groups};
  bool plain_good = iso_ruleset_render(&p, &plain, tag, &err) == CORDON_OK;
  bool guard_good = iso_ruleset_render_guard(&p, &guard, &err) == CORDON_OK;
  ck_assert(plain_good == guard_good);
  sup_text_release(&plain);
  sup_text_release(&guard);
  return plain_good;
}

START_TEST(what_runs_is_no_reason_to_refuse)
{
  iso_group *groups = calloc(ISO_GROUPS_MAX, sizeof(*groups));
  iso_exclusion *x = calloc(16384, sizeof(*x));
  size_t most = 1;
  for (size_t i = 0; i < 16384; i++)
    x[i] = (iso_exclusion){
        .directions = ISO_OUT | ISO_IN, .protocols = ISO_TCP | ISO_UDP, .port_last = 65535};
  run_most(groups, false);
  for (size_t step = 8192; step > 0; step /= 2)
    most += most + step <= 16384 && renders(x, most + step, groups) ? step : 0;
  ck_assert_uint_lt(most, 16384);
  ck_assert(renders(x, most, groups));
  run_most(groups, true);
  ck_assert(renders(x, most, groups));
  ck_assert(!renders(x, most + 1, groups));
  free(groups);
  free(x);
}
END_TEST

START_TEST(a_renewal_empties_all_maps_and_fills_those_of_what_runs)
{
  sup_text t = SUP_TEXT_INIT(ISO_GROUPS_ROOM);
  int flushed = 0;
  iso_groups_write_renewal(&t, &params, "cordon_guard");
  for (const char *at = sup_text_get(&t); (at = strstr(at, "flush map inet cordon_guard ")) != NULL;
       at++)
    flushed++;
  ck_assert_int_eq(flushed, 2 * ISO_GROUP_LEVELS);
  ck_assert_ptr_nonnull(strstr(sup_text_get(&t),
                               "flush map inet cordon_guard services_in2\n"
                               "add element inet cordon_guard services_in2 {\n"
                               "      \"unified/system.slice/a.service\" : jump service_0_in,\n"
                               "      \"unified/z.slice/a.service\" : jump service_0_in\n}\n"));
  sup_text_release(&t);
}
END_TEST

START_TEST(sockets_of_a_service_are_told_by_group_and_flow)
{
  iso_group groups[] = {{.name = "a.service", .places = {{.id = 7}, {.id = 8}}, .place_count = 2}};
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
      the_longest_name_is_looked_up,
      a_name_in_several_slices_counts_in_the_first_of_a_fixed_order,
      what_cannot_be_looked_up_is_not_taken_for_stopped,
      counts_the_groups_below_up_to_a_limit,
      knows_who_acts_for_users,
      knows_whose_a_process_is,
      compares_what_is_in_force_with_what_runs,
      an_element_that_is_more_than_a_jump_is_told,
      sets_with_a_name_are_told_by_it,
      the_tag_stays_whatever_runs,
      what_runs_is_no_reason_to_refuse,
      a_renewal_empties_all_maps_and_fills_those_of_what_runs,
      sockets_of_a_service_are_told_by_group_and_flow,
  };
  return run_suite("plugins.nftables.groups", tests, COUNT_OF(tests));
}
