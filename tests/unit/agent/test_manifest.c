/* Manifests and the trust list. */
#include "manifest.h"
#include "place.h"

#include "base/limits.h"
#include "platform/confine.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static cd_err err;

static cd_code parse(const char *text, agent_manifest *m)
{
  err = (cd_err){0};
  return agent_manifest_parse(cd_str_from(text), "x.json", m, &err);
}

START_TEST(the_smallest_manifest_has_the_documented_defaults)
{
  agent_manifest m;
  cd_code rc = parse("{\"manifest\":1,\"id\":\"org.a\",\"version\":\"1\",\"library\":\"a.so\","
                     "\"systems\":[\"linux\"],\"provides\":[\"cordon.isolate/1\"]}",
                     &m);
  ck_assert_msg(rc == CD_OK, "%s", err.text);
  ck_assert_str_eq(m.id, "org.a");
  ck_assert_str_eq(m.version, "1");
  ck_assert_str_eq(m.description, "");
  ck_assert_str_eq(m.library, "a.so");
  ck_assert_str_eq(m.install_hint, "");
  ck_assert(m.this_system);
  ck_assert_uint_eq(m.provides, 1u << AGENT_CAP_ISOLATE);
  ck_assert_uint_eq(m.privileges, 0);
  ck_assert_uint_eq(m.memory_mb, 256);
  ck_assert_uint_eq(m.cpu_s, 60);
  ck_assert_uint_eq(m.processes, 0);
  ck_assert_uint_eq(m.files, 64);
  ck_assert_uint_eq(m.file_mb, 16);
  ck_assert_uint_eq(m.budget_ms[AGENT_FN_PROBE], 10000);
  ck_assert_uint_eq(m.budget_ms[AGENT_FN_QUERY], 10000);
  ck_assert_uint_eq(m.budget_ms[AGENT_FN_APPLY], 30000);
  ck_assert_uint_eq(m.budget_ms[AGENT_FN_WATCH], 0);
}
END_TEST

START_TEST(every_member_is_taken)
{
  agent_manifest m;
  cd_code rc =
      parse("{\"manifest\":1,\"id\":\"org.example.a-b.9\",\"version\":\"1.2.3-rc1\","
            "\"description\":\"What it is.\",\"library\":\"a.so\",\"install_hint\":\"apt it\","
            "\"systems\":[\"windows\",\"linux\"],"
            "\"provides\":[\"cordon.facts/1\",\"cordon.restrict/1\",\"cordon.telepathy/7\"],"
            "\"privileges\":[\"net_admin\",\"kill\"],"
            "\"limits\":{\"memory_mb\":16,\"cpu_s\":86400,\"processes\":256,\"files\":16,"
            "\"file_mb\":0},"
            "\"budgets_ms\":{\"probe\":100,\"apply\":300000,\"run\":86400000}}",
            &m);
  ck_assert_msg(rc == CD_OK, "%s", err.text);
  ck_assert_str_eq(m.id, "org.example.a-b.9");
  ck_assert_str_eq(m.description, "What it is.");
  ck_assert_str_eq(m.install_hint, "apt it");
  ck_assert_uint_eq(m.provides, 1u << AGENT_CAP_FACTS | 1u << AGENT_CAP_RESTRICT);
  ck_assert_uint_eq(m.privileges, PF_PRIV_NET_ADMIN | PF_PRIV_KILL);
  ck_assert_uint_eq(m.memory_mb, 16);
  ck_assert_uint_eq(m.cpu_s, 86400);
  ck_assert_uint_eq(m.processes, 256);
  ck_assert_uint_eq(m.files, 16);
  ck_assert_uint_eq(m.file_mb, 0);
  ck_assert_uint_eq(m.budget_ms[AGENT_FN_PROBE], 100);
  ck_assert_uint_eq(m.budget_ms[AGENT_FN_APPLY], 300000);
  ck_assert_uint_eq(m.budget_ms[AGENT_FN_RUN], 86400000);
  ck_assert_uint_eq(m.budget_ms[AGENT_FN_RELEASE], 30000);
}
END_TEST

START_TEST(a_manifest_for_another_system_is_read_and_marked)
{
  agent_manifest m;
  ck_assert_int_eq(parse("{\"manifest\":1,\"id\":\"org.a\",\"version\":\"1\",\"library\":\"a.dll\","
                         "\"systems\":[\"windows\"],\"provides\":[\"cordon.isolate/1\"]}",
                         &m),
                   CD_OK);
  ck_assert(!m.this_system);
}
END_TEST

/* A good manifest in which one member is replaced by the row's. */
#define WITH(member) "{\"manifest\":1,\"version\":\"1\",\"systems\":[\"linux\"]," member "}"
#define ID "\"id\":\"org.a\","
#define LIB "\"library\":\"a.so\","
#define PROV "\"provides\":[\"cordon.isolate/1\"]"
#define MORE(member) WITH(ID LIB PROV "," member)

static const struct {
  const char *text;
  const char *sentence;
} bad[] = {
    {"7", "the document must be an object, it is a number"},
    {"{}", "manifest is missing"},
    {"{\"manifest\":2,\"id\":\"org.a\"}", "manifest is 2, this agent reads 1"},
    {"{\"manifest\":0,\"id\":\"org.a\"}", "manifest is 0, this agent reads 1"},
    {WITH(LIB PROV), "id is missing"},
    {WITH("\"id\":\"\"," LIB PROV), "id '' is not a reverse domain name in lower case"},
    {WITH("\"id\":\"Org.a\"," LIB PROV), "id 'Org.a' is not a reverse domain name in lower case"},
    {WITH("\"id\":\"org..a\"," LIB PROV), "id 'org..a' is not a reverse domain name in lower case"},
    {WITH("\"id\":\".org\"," LIB PROV), "id '.org' is not a reverse domain name in lower case"},
    {WITH("\"id\":\"org.\"," LIB PROV), "id 'org.' is not a reverse domain name in lower case"},
    {WITH("\"id\":\"org/a\"," LIB PROV), "id 'org/a' is not a reverse domain name in lower case"},
    {WITH("\"id\":\"../a\"," LIB PROV), "id '../a' is not a reverse domain name in lower case"},
    {WITH(ID "\"library\":\"\"," PROV),
     "library '' must be the name of a file in the manifest's own folder"},
    {WITH(ID "\"library\":\"../a.so\"," PROV),
     "library '../a.so' must be the name of a file in the manifest's own folder"},
    {WITH(ID "\"library\":\"/lib/a.so\"," PROV),
     "library '/lib/a.so' must be the name of a file in the manifest's own folder"},
    {WITH(ID "\"library\":\".a.so\"," PROV),
     "library '.a.so' must be the name of a file in the manifest's own folder"},
    {WITH(ID "\"library\":\"a\\\\b.so\"," PROV),
     "library 'a\\b.so' must be the name of a file in the manifest's own folder"},
    {WITH(ID LIB "\"provides\":[]"), "provides must name at least one capability"},
    {WITH(ID LIB "\"provides\":[4]"), "provides[0] must be a string, it is a number"},
    {WITH(ID LIB "\"provides\":\"cordon.isolate/1\""), "provides must be an array, it is a string"},
    {MORE("\"privileges\":[\"net_admin\",\"everything\"]"),
     "privileges 'everything' is not a privilege"},
    {MORE("\"limits\":{\"memory_mb\":15}"), "limits.memory_mb must be at least 16"},
    {MORE("\"limits\":{\"memory_mb\":4097}"),
     "limits.memory_mb must be a whole number from 0 to 4096, it is 4097"},
    {MORE("\"limits\":{\"cpu_s\":0}"), "limits.cpu_s must be at least 1"},
    {MORE("\"limits\":{\"threads\":1}"), "limits.threads is not a known key"},
    {MORE("\"budgets_ms\":{\"apply\":99}"), "budgets_ms.apply must be at least 100"},
    {MORE("\"budgets_ms\":{\"release\":300001}"),
     "budgets_ms.release must be a whole number from 0 to 300000, it is 300001"},
    {MORE("\"budgets_ms\":{\"watch\":1000}"), "budgets_ms.watch is not a known key"},
    {MORE("\"budgets_ms\":{\"isolate\":1000}"), "budgets_ms.isolate is not a known key"},
    {MORE("\"author\":\"me\""), "author is not a known key"},
    {"{\"manifest\":1," ID LIB PROV ",\"systems\":[],\"version\":\"1\",\"id\":\"org.b\"}",
     "id is there twice"},
    {"{\"manifest\":1," ID LIB PROV ",\"systems\":\"linux\",\"version\":\"1\"}",
     "systems must be an array, it is a string"},
    {"{\"manifest\":1," ID LIB PROV ",\"systems\":[\"linux\"],\"version\":1}",
     "version must be a string, it is a number"},
};

START_TEST(what_is_wrong_is_named)
{
  char expected[CD_ERR_TEXT_MAX];
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    agent_manifest m = {.memory_mb = 77};
    ck_assert_msg(parse(bad[i].text, &m) == CD_E_INVALID, "%s: %s", bad[i].text, err.text);
    (void)snprintf(expected, sizeof(expected), "x.json: %s", bad[i].sentence);
    ck_assert_str_eq(err.text, expected);
    ck_assert_msg(m.memory_mb == 77, "%s wrote to the output", bad[i].text);
  }
}
END_TEST

START_TEST(long_texts_are_refused_and_not_cut)
{
  static const struct {
    const char *key;
    size_t max;
  } rows[] = {
      {"id", 100}, {"version", 40}, {"description", 200}, {"library", 127}, {"install_hint", 200}};
  char text[1024];
  char value[256];
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    for (size_t more = 0; more < 2; more++) {
      agent_manifest m;
      memset(value, 'a', sizeof(value));
      value[rows[i].max + more] = '\0';
      bool id = strcmp(rows[i].key, "id") == 0;
      bool version = strcmp(rows[i].key, "version") == 0;
      bool library = strcmp(rows[i].key, "library") == 0;
      (void)snprintf(text, sizeof(text),
                     "{\"manifest\":1,%s%s%s\"systems\":[\"linux\"]," PROV ",\"%s\":\"%s\"}",
                     id ? "" : ID, version ? "" : "\"version\":\"1\",", library ? "" : LIB,
                     rows[i].key, value);
      cd_code rc = parse(text, &m);
      ck_assert_msg(rc == (more == 0 ? CD_OK : CD_E_LIMIT), "%s with %zu bytes: %s", rows[i].key,
                    rows[i].max + more, err.text);
    }
  }
}
END_TEST

/* ---- the trust list ---- */

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
#define ENTRY(id)                                                                                  \
  "{\"id\":\"" id "\",\"library\":\"sha256:" HEX_A "\",\"manifest\":\"sha256:" HEX_B "\"}"

static cd_code parse_trust(const char *text, agent_trust *t)
{
  err = (cd_err){0};
  return agent_trust_parse(cd_str_from(text), "trust", t, &err);
}

START_TEST(trust_is_found_by_id)
{
  static agent_trust t;
  ck_assert_msg(parse_trust("{\"plugins\":[" ENTRY("org.a") "," ENTRY("org.b") "]}", &t) == CD_OK,
                "%s", err.text);
  ck_assert_uint_eq(t.count, 2);
  const agent_trust_entry *e = agent_trust_find(&t, "org.b");
  ck_assert_ptr_nonnull(e);
  ck_assert_uint_eq(e->library.bytes[0], 0xaa);
  ck_assert_uint_eq(e->manifest.bytes[31], 0xbb);
  ck_assert_ptr_null(agent_trust_find(&t, "org.c"));
  ck_assert_ptr_null(agent_trust_find(&t, "org"));
  ck_assert_int_eq(parse_trust("{\"plugins\":[]}", &t), CD_OK);
  ck_assert_uint_eq(t.count, 0);
}
END_TEST

START_TEST(a_bad_trust_list_is_refused_whole)
{
  static const struct {
    const char *text;
    const char *sentence;
  } rows[] = {
      {"{}", "plugins is missing"},
      {"[]", "the document must be an object, it is an array"},
      {"{\"plugins\":{}}", "plugins must be an array, it is an object"},
      {"{\"plugins\":[],\"more\":1}", "more is not a known key"},
      {"{\"plugins\":[\"org.a\"]}", "plugins[0] must be an object, it is a string"},
      {"{\"plugins\":[{\"id\":\"org.a\"}]}", "plugins[0].library is missing"},
      {"{\"plugins\":[{\"id\":\"org.a\",\"library\":\"sha256:" HEX_A "\"}]}",
       "plugins[0].manifest is missing"},
      {"{\"plugins\":[{\"id\":\"org.a\",\"library\":\"" HEX_A "\"}]}",
       "plugins[0].library must be 'sha256:' and 64 hex digits"},
      {"{\"plugins\":[{\"id\":\"org.a\",\"library\":\"sha256:" HEX_A "0\"}]}",
       "plugins[0].library must be 'sha256:' and 64 hex digits"},
      {"{\"plugins\":[" ENTRY("org.a") ",{\"id\":\"org.b\",\"library\":\"md5:" HEX_A "\"}]}",
       "plugins[1].library must be 'sha256:' and 64 hex digits"},
      {"{\"plugins\":[" ENTRY("org.a") "," ENTRY("org.a") "]}", "plugins names 'org.a' twice"},
      {"{\"plugins\":[{\"id\":\"org.a\",\"library\":\"sha256:" HEX_A
       "\",\"manifest\":\"sha256:" HEX_A "\",\"x\":1}]}",
       "plugins[0].x is not a known key"},
  };
  char expected[CD_ERR_TEXT_MAX];
  static agent_trust t;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    t.count = 77;
    ck_assert_msg(parse_trust(rows[i].text, &t) != CD_OK, "%s was taken", rows[i].text);
    (void)snprintf(expected, sizeof(expected), "trust: %s", rows[i].sentence);
    ck_assert_str_eq(err.text, expected);
    ck_assert_uint_eq(t.count, 77);
  }
}
END_TEST

START_TEST(a_trust_list_is_bounded)
{
  cd_buf text = CD_BUF_INIT(CD_CONFIG_MAX);
  static agent_trust t;
  for (unsigned more = 0; more < 2; more++) {
    cd_buf_reset(&text);
    cd_buf_add_cstr(&text, "{\"plugins\":[");
    for (unsigned i = 0; i < CD_PLUGINS_MAX + more; i++)
      cd_buf_addf(&text,
                  "%s{\"id\":\"org.%u\",\"library\":\"sha256:" HEX_A
                  "\",\"manifest\":\"sha256:" HEX_A "\"}",
                  i > 0 ? "," : "", i);
    cd_buf_add_cstr(&text, "]}");
    ck_assert_int_eq(parse_trust(cd_buf_cstr(&text), &t), more == 0 ? CD_OK : CD_E_LIMIT);
  }
  ck_assert_uint_eq(t.count, CD_PLUGINS_MAX);
  cd_buf_release(&text);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      the_smallest_manifest_has_the_documented_defaults,
      every_member_is_taken,
      a_manifest_for_another_system_is_read_and_marked,
      what_is_wrong_is_named,
      long_texts_are_refused_and_not_cut,
      trust_is_found_by_id,
      a_bad_trust_list_is_refused_whole,
      a_trust_list_is_bounded,
  };
  return run_suite("agent.manifest", tests, COUNT_OF(tests));
}
