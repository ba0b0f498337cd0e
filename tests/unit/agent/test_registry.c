/* The plugins of a folder: which may be used, and the reason why each other may not. */
#include "registry.h"

#include "place.h"

#include "base/buf.h"
#include "platform/file.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static cd_err err;
static cd_buf trust = CD_BUF_INIT(64 * 1024);

static void digest_text(const char *bytes, size_t len, char out[CD_DIGEST_TEXT_MAX])
{
  cd_digest d;
  ck_assert_int_eq(cd_digest_of(bytes, len, &d, &err), CD_OK);
  cd_digest_text(&d, out);
}

static void trust_it(const char *id, const char *library, const char *manifest)
{
  char digests[2][CD_DIGEST_TEXT_MAX];
  digest_text(library, strlen(library), digests[0]);
  digest_text(manifest, strlen(manifest), digests[1]);
  cd_buf_addf(&trust, "%s{\"id\":\"%s\",\"library\":\"%s\",\"manifest\":\"%s\"}",
              trust.len > 0 ? "," : "", id, digests[0], digests[1]);
}

static const char *manifest_of(const char *id, const char *library, const char *system)
{
  static char text[1024];
  (void)snprintf(text, sizeof(text),
                 "{\"manifest\":1,\"id\":\"%s\",\"version\":\"1\",\"library\":\"%s\","
                 "\"systems\":[\"%s\"],\"provides\":[\"cordon.isolate/1\"]}",
                 id, library, system);
  return text;
}

/* A plugin NAME with the id org.NAME, both files in order and trusted. Its library is text: nothing
 * is loaded here. */
static void add_plugin(const char *name)
{
  char path[128];
  char id[128];
  char library[128];
  (void)snprintf(id, sizeof(id), "org.%s", name);
  (void)snprintf(library, sizeof(library), "%s.so", name);
  const char *manifest = manifest_of(id, library, "linux");
  trust_it(id, library, manifest);
  (void)snprintf(path, sizeof(path), "plugins/%s.json", name);
  put_text(at(path), manifest, 0644);
  (void)snprintf(path, sizeof(path), "plugins/%s.so", name);
  put_text(at(path), library, 0644);
}

static void make_folder(void)
{
  ck_assert_int_eq(mkdir(at("plugins"), 0755), 0);
}

static void load(agent_registry *r)
{
  cd_buf text = CD_BUF_INIT(64 * 1024);
  cd_buf_addf(&text, "{\"plugins\":[%s]}", cd_buf_cstr(&trust));
  put_text(at("trust.json"), cd_buf_cstr(&text), 0644);
  cd_buf_release(&text);
  *r = (agent_registry){0};
  cd_code rc = agent_registry_load(r, at("plugins"), at("trust.json"), &err);
  ck_assert_msg(rc == CD_OK, "%s", err.text);
}

static void release(agent_registry *r)
{
  agent_registry_release(r);
  cd_buf_release(&trust);
}

static void expect_usable(const agent_registry *r, const char *id)
{
  uv_os_fd_t file = -1;
  const agent_plugin *p = agent_registry_find(r, id);
  ck_assert_msg(p != NULL, "%s is not listed", id);
  ck_assert_msg(p->usable, "%s", p->reason);
  ck_assert_msg(agent_plugin_open(p, &file, &err) == CD_OK, "%s", err.text);
  ck_assert_int_ge(file, 0);
  pf_file_close(file);
}

/* The good neighbour stays usable whatever the other one is. */
static void expect_refused(const char *id, const char *reason)
{
  agent_registry r;
  add_plugin("neighbour");
  load(&r);
  const agent_plugin *p = agent_registry_find(&r, id);
  ck_assert_msg(p != NULL, "%s is not listed", id);
  ck_assert_msg(!p->usable, "%s is usable", id);
  ck_assert_msg(strstr(p->reason, reason) != NULL, "no '%s' in: %s", reason, p->reason);
  expect_usable(&r, "org.neighbour");
  ck_assert_uint_eq(r.count, 2);
  release(&r);
}

START_TEST(nothing_is_there_and_that_is_no_failure)
{
  agent_registry r = {0};
  ck_assert_int_eq(agent_registry_load(&r, at("plugins"), at("trust.json"), &err), CD_OK);
  ck_assert_uint_eq(r.count, 0);
  ck_assert_ptr_null(agent_registry_find(&r, "org.any"));
  agent_registry_release(&r);
}
END_TEST

START_TEST(trusted_plugins_are_found_in_the_order_of_their_names)
{
  agent_registry r;
  make_folder();
  add_plugin("b");
  add_plugin("a");
  put_text(at("plugins/readme.txt"), "no manifest", 0644);
  load(&r);
  ck_assert_uint_eq(r.count, 2);
  ck_assert_str_eq(r.plugins[0]->manifest.id, "org.a");
  ck_assert_ptr_null(agent_registry_find(&r, "org.c"));
  expect_usable(&r, "org.a");
  expect_usable(&r, "org.b");
  ck_assert_uint_eq(strlen(r.plugins[0]->digest_text), 71);
  release(&r);
}
END_TEST

START_TEST(without_a_trust_list_nothing_is_trusted)
{
  agent_registry r = {0};
  make_folder();
  add_plugin("a");
  ck_assert_int_eq(agent_registry_load(&r, at("plugins"), at("trust.json"), &err), CD_OK);
  ck_assert_uint_eq(r.count, 1);
  ck_assert(!r.plugins[0]->usable);
  ck_assert_str_eq(r.plugins[0]->reason, "plugin 'org.a' is not in the trust list");
  release(&r);
}
END_TEST

START_TEST(a_bad_trust_list_is_a_failure)
{
  agent_registry r = {0};
  make_folder();
  put_text(at("trust.json"), "{\"plugin\":[]}", 0644);
  ck_assert_int_eq(agent_registry_load(&r, at("plugins"), at("trust.json"), &err), CD_E_INVALID);
  ck_assert_msg(strstr(err.text, "trust.json: plugins is missing") != NULL, "%s", err.text);
  put_text(at("trust.json"), "{\"plugins\":[]}", 0664);
  ck_assert_int_eq(agent_registry_load(&r, at("plugins"), at("trust.json"), &err), CD_E_DENIED);
  ck_assert_msg(strstr(err.text, "others may write to the file") != NULL, "%s", err.text);
  agent_registry_release(&r);
}
END_TEST

START_TEST(an_untrusted_plugin_is_refused)
{
  make_folder();
  add_plugin("a");
  cd_buf_reset(&trust);
  expect_refused("org.a", "plugin 'org.a' is not in the trust list");
}
END_TEST

START_TEST(another_manifest_is_refused)
{
  make_folder();
  add_plugin("a");
  put_text(at("plugins/a.json"),
           "{\"manifest\":1,\"id\":\"org.a\",\"version\":\"1\",\"library\":\"a.so\",\"systems\":["
           "\"linux\"],\"provides\":[\"cordon.isolate/1\"],\"privileges\":[\"root\"]}",
           0644);
  expect_refused("org.a", "plugin 'org.a': its manifest is not the one in the trust list");
}
END_TEST

START_TEST(another_library_is_refused)
{
  char reason[512];
  char digest[CD_DIGEST_TEXT_MAX];
  make_folder();
  add_plugin("a");
  put_text(at("plugins/a.so"), "something else", 0644);
  digest_text("something else", 14, digest);
  (void)snprintf(reason, sizeof(reason),
                 "a.so' has digest %s, the trust list says sha256:", digest);
  expect_refused("org.a", reason);
}
END_TEST

START_TEST(a_library_that_others_may_write_to_is_refused)
{
  make_folder();
  add_plugin("a");
  ck_assert_int_eq(chmod(at("plugins/a.so"), 0664), 0);
  expect_refused("org.a", "others may write to the file");
}
END_TEST

START_TEST(a_library_of_somebody_else_is_refused)
{
  make_folder();
  add_plugin("a");
  ck_assert_int_eq(chown(at("plugins/a.so"), 12345, 0), 0);
  expect_refused("org.a", "belongs to user id 12345");
}
END_TEST

START_TEST(a_manifest_that_others_may_write_to_is_refused)
{
  make_folder();
  add_plugin("a");
  ck_assert_int_eq(chmod(at("plugins/a.json"), 0646), 0);
  expect_refused("a.json", "others may write to the file");
}
END_TEST

START_TEST(a_link_is_refused)
{
  make_folder();
  add_plugin("a");
  ck_assert_int_eq(rename(at("plugins/a.so"), at("elsewhere.so")), 0);
  ck_assert_int_eq(symlink("../elsewhere.so", at("plugins/a.so")), 0);
  expect_refused("org.a", "it is a symbolic link");
}
END_TEST

START_TEST(a_missing_library_is_refused)
{
  make_folder();
  add_plugin("a");
  ck_assert_int_eq(unlink(at("plugins/a.so")), 0);
  expect_refused("org.a", "a.so': No such file");
}
END_TEST

START_TEST(an_enormous_library_is_refused_unread)
{
  make_folder();
  add_plugin("a");
  ck_assert_int_eq(truncate(at("plugins/a.so"), (off_t)1 << 40), 0);
  expect_refused("org.a", "a.so");
}
END_TEST

START_TEST(a_plugin_for_another_system_is_refused)
{
  make_folder();
  add_plugin("a");
  const char *manifest = manifest_of("org.a", "a.so", "windows");
  put_text(at("plugins/a.json"), manifest, 0644);
  expect_refused("org.a", "plugin 'org.a' is not for linux");
}
END_TEST

START_TEST(the_second_of_two_with_one_id_is_refused)
{
  agent_registry r;
  make_folder();
  add_plugin("a");
  size_t len = 0;
  char *manifest = get_file(at("plugins/a.json"), &len);
  put_text(at("plugins/b.json"), manifest, 0644);
  free(manifest);
  load(&r);
  ck_assert_uint_eq(r.count, 2);
  expect_usable(&r, "org.a");
  ck_assert(!r.plugins[1]->usable);
  ck_assert_str_eq(r.plugins[1]->reason,
                   "another manifest before 'b.json' has the id 'org.a' already");
  release(&r);
}
END_TEST

/* Else a stray copy could take a working plugin away. */
START_TEST(an_unusable_manifest_takes_no_id_away)
{
  agent_registry r;
  make_folder();
  add_plugin("b");
  put_text(at("plugins/a.json"), manifest_of("org.b", "nothing.so", "linux"), 0644);
  load(&r);
  ck_assert_uint_eq(r.count, 2);
  expect_usable(&r, "org.b");
  release(&r);
}
END_TEST

START_TEST(a_manifest_that_cannot_be_read_is_listed_by_its_file)
{
  make_folder();
  put_text(at("plugins/broken.json"), "{\"manifest\":1,", 0644);
  expect_refused("broken.json", "broken.json: ");
}
END_TEST

START_TEST(a_library_that_was_exchanged_after_loading_is_not_opened)
{
  agent_registry r;
  uv_os_fd_t file = -1;
  make_folder();
  add_plugin("a");
  load(&r);
  put_text(at("plugins/a.so"), "another one", 0644);
  ck_assert(r.plugins[0]->usable);
  ck_assert_int_eq(agent_plugin_open(r.plugins[0], &file, &err), CD_E_DENIED);
  ck_assert_msg(strstr(err.text, "the trust list says") != NULL, "%s", err.text);
  ck_assert_int_eq(file, -1);
  release(&r);
}
END_TEST

START_TEST(a_folder_with_too_many_manifests_is_a_failure)
{
  char path[64];
  agent_registry r = {0};
  make_folder();
  for (unsigned i = 0; i <= CD_PLUGINS_MAX; i++) {
    (void)snprintf(path, sizeof(path), "plugins/%u.json", i);
    put_text(at(path), "{}", 0644);
  }
  ck_assert_int_eq(agent_registry_load(&r, at("plugins"), at("trust.json"), &err), CD_E_LIMIT);
  agent_registry_release(&r);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      nothing_is_there_and_that_is_no_failure,
      trusted_plugins_are_found_in_the_order_of_their_names,
      without_a_trust_list_nothing_is_trusted,
      a_bad_trust_list_is_a_failure,
      an_untrusted_plugin_is_refused,
      another_manifest_is_refused,
      another_library_is_refused,
      a_library_that_others_may_write_to_is_refused,
      a_library_of_somebody_else_is_refused,
      a_manifest_that_others_may_write_to_is_refused,
      a_link_is_refused,
      a_missing_library_is_refused,
      an_enormous_library_is_refused_unread,
      a_plugin_for_another_system_is_refused,
      the_second_of_two_with_one_id_is_refused,
      an_unusable_manifest_takes_no_id_away,
      a_manifest_that_cannot_be_read_is_listed_by_its_file,
      a_library_that_was_exchanged_after_loading_is_not_opened,
      a_folder_with_too_many_manifests_is_a_failure,
  };
  if (geteuid() != 0) {
    (void)puts("not root: there is no folder for trusted files");
    return 77;
  }
  return run_suite("agent.registry", tests, COUNT_OF(tests));
}
