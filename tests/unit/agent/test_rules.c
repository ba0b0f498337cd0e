/* The rule files: what is written comes back, what was cut, changed or opened to others does not,
 * and the agent takes from them what its journal has forgotten. */
#include "rules.h"

#include "adopt.h"
#include "entries.h"
#include "place.h"
#include "restored.h"
#include "undo_file.h"

#include <check.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARAMS                                                                                     \
  "{\"type\":\"full\",\"console\":[{\"address\":\"192.0.2.7\",\"port\":8443}],\"resolvers\":[],"   \
  "\"mark\":3234922497,\"exclusions\":[]}"
#define OTHER_PARAMS                                                                               \
  "{\"type\":\"selective\",\"console\":[{\"address\":\"2001:db8::7\",\"port\":8443}],"             \
  "\"resolvers\":[],\"mark\":1,\"exclusions\":[{\"direction\":\"out\",\"address\":\"192.0.2.1\"}]" \
  "}"

static cd_err err;

static agent_rule_file sample(uint64_t generation, const char *params)
{
  static char text[4096];
  agent_rule_file f = {.generation = generation, .since_ms = 1790000000000, .params = text};
  (void)snprintf(text, sizeof(text), "%s", params);
  f.proven_ms = f.since_ms + 1;
  (void)cd_str_copy(f.action, sizeof(f.action), CD_STR("0197a0f2-0000-7000-8000-000000000001"));
  (void)cd_str_copy(f.boot, sizeof(f.boot), CD_STR("boot-1"));
  (void)cd_str_copy(f.provider, sizeof(f.provider), CD_STR("org.cordon.test"));
  memcpy(f.library, "sha256:", 7);
  memset(f.library + 7, 'a', 64);
  (void)cd_str_copy(f.digest, sizeof(f.digest), CD_STR("sha256:rules"));
  return f;
}

static void keep(agent_rules *r, uint64_t generation, const char *params)
{
  agent_rule_file f = sample(generation, params);
  ck_assert_msg(agent_rules_keep(r, &f, &err) == CD_OK, "%s", err.text);
}

static uint64_t generation_of(bool previous)
{
  agent_rule_file f = {0};
  cd_code rc = agent_rules_load(place(), previous, &f, NULL, &err);
  uint64_t generation = f.generation;
  agent_rule_file_release(&f);
  return rc == CD_OK ? generation : 0;
}

static agent_rules open_rules(void)
{
  agent_rules r;
  ck_assert_int_eq(agent_rules_init(&r, place(), &err), CD_OK);
  return r;
}

START_TEST(what_is_kept_comes_back_and_is_private)
{
  struct stat st;
  agent_rule_file back = {0};
  agent_rules r = open_rules();
  keep(&r, 5, PARAMS);
  ck_assert_int_eq(stat(at("restore/current.json"), &st), 0);
  ck_assert_uint_eq(st.st_mode & 0777, 0600);
  ck_assert_int_eq(stat(at("restore"), &st), 0);
  ck_assert_uint_eq(st.st_mode & 0777, 0700);
  ck_assert_msg(agent_rules_load(place(), false, &back, NULL, &err) == CD_OK, "%s", err.text);
  agent_rule_file f = sample(5, PARAMS);
  ck_assert(agent_rule_file_same(&back, &f));
  ck_assert_str_eq(back.params, PARAMS);
  ck_assert_str_eq(back.boot, "boot-1");
  ck_assert_ptr_null(back.terms);
  ck_assert(!exists(at("restore/previous.json")));
  agent_rule_file_release(&back);
  agent_rules_release(&r);
}
END_TEST

START_TEST(other_rules_make_the_last_file_the_previous_one)
{
  agent_rules r = open_rules();
  keep(&r, 5, PARAMS);
  keep(&r, 6, PARAMS);
  ck_assert_uint_eq(generation_of(false), 6);
  ck_assert_uint_eq(generation_of(true), 0);
  keep(&r, 7, OTHER_PARAMS);
  ck_assert_uint_eq(generation_of(false), 7);
  ck_assert_uint_eq(generation_of(true), 6);
  agent_rules_release(&r);
  /* The same again, by an agent that has just started, changes neither. */
  r = open_rules();
  keep(&r, 7, OTHER_PARAMS);
  ck_assert_uint_eq(generation_of(true), 6);
  keep(&r, 8, PARAMS);
  ck_assert_uint_eq(generation_of(true), 7);
  ck_assert_int_eq(agent_rules_forget(&r, &err), CD_OK);
  ck_assert(!exists(at("restore/current.json")));
  ck_assert(!exists(at("restore/previous.json")));
  ck_assert_int_eq(agent_rules_forget(&r, &err), CD_OK);
  agent_rules_release(&r);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_replaced_and_is_no_previous)
{
  agent_rules r = open_rules();
  keep(&r, 5, PARAMS);
  agent_rules_release(&r);
  put_text(at("restore/current.json"), "{}\n", 0600);
  r = open_rules();
  keep(&r, 6, OTHER_PARAMS);
  ck_assert_uint_eq(generation_of(false), 6);
  ck_assert(!exists(at("restore/previous.json")));
  agent_rules_release(&r);
}
END_TEST

START_TEST(a_file_for_others_to_read_or_write_is_refused)
{
  static const unsigned modes[] = {0640, 0604, 0620, 0602, 0666};
  agent_rules r = open_rules();
  keep(&r, 5, PARAMS);
  for (size_t i = 0; i < COUNT_OF(modes); i++) {
    ck_assert_int_eq(chmod(at("restore/current.json"), modes[i]), 0);
    ck_assert_uint_eq(generation_of(false), 0);
    ck_assert_msg(strstr(err.text, "is not trusted") != NULL, "%s", err.text);
  }
  ck_assert_int_eq(chmod(at("restore/current.json"), 0600), 0);
  ck_assert_int_eq(chown(at("restore/current.json"), 65534, 0), 0);
  ck_assert_uint_eq(generation_of(false), 0);
  ck_assert_int_eq(chown(at("restore/current.json"), 0, 0), 0);
  ck_assert_uint_eq(generation_of(false), 5);
  ck_assert_int_eq(rename(at("restore/current.json"), at("restore/moved")), 0);
  ck_assert_int_eq(symlink("moved", at("restore/current.json")), 0);
  ck_assert_uint_eq(generation_of(false), 0);
  agent_rules_release(&r);
}
END_TEST

/* Cut at every length, and with every byte another one. */
START_TEST(a_file_that_was_cut_or_has_rotted_is_refused)
{
  cd_buf text = CD_BUF_INIT(AGENT_RULE_FILE_MAX);
  agent_rule_file f = sample(5, PARAMS);
  agent_rule_file back = {0};
  ck_assert_int_eq(agent_rule_file_write(&f, &text, &err), CD_OK);
  for (size_t i = 0; i < text.len; i++) {
    cd_str cut = {text.ptr, i};
    ck_assert_int_ne(agent_rule_file_read(cut, &back, &err), CD_OK);
    ck_assert_uint_gt(strlen(err.text), 0);
    text.ptr[i] ^= 4;
    ck_assert_msg(agent_rule_file_read(cd_buf_view(&text), &back, &err) != CD_OK, "byte %zu", i);
    text.ptr[i] ^= 4;
  }
  ck_assert_ptr_null(back.params);
  ck_assert_int_eq(agent_rule_file_read(cd_buf_view(&text), &back, &err), CD_OK);
  agent_rule_file_release(&back);
  cd_buf_release(&text);
}
END_TEST

/* Members of the first line, one of them changed. */
static const struct {
  const char *from;
  const char *to;
  const char *sentence;
} changes[] = {
    {"\"rules\":1", "\"rules\":2", "does not know"},
    {"\"state\":\"isolate\"", "\"state\":\"restrict\"", "state"},
    {"\"generation\":5", "\"generation\":-1", "generation"},
    {"\"provider\":\"org.cordon.test\"", "\"provider\":\"\"", "provider"},
    {"\"library\":\"sha256:a", "\"library\":\"sha256:x", "library"},
    {"\"boot\":\"boot-1\"", "\"boot\":7", "boot"},
    {"\"terms\":null", "\"terms\":[]", "terms"},
    {"\"terms\":null", "\"terms\":null,\"more\":1", "more"},
    {"\"type\":\"full\"", "\"type\":\"some\"", "params.type"},
    {"\"type\":\"full\",", "", "params.type"},
    {"192.0.2.7", "192.0.2.700", "address"},
    {"192.0.2.7", "fe80::1%2", "address"},
    {"192.0.2.7", "console.example", "address"},
    {"8443", "0", "address"},
    {"8443", "65536", "port"},
    {"\"port\":8443", "\"port\":8443,\"host\":\"x\"", "host"},
    {"\"console\":[", "\"console\":[1,", "console"},
    {"\"console\":[", "\"consoles\":[", "console"},
    {"\"params\":{", "\"params\":[],\"x\":{", "params"},
};

START_TEST(a_member_that_makes_no_sense_is_refused_with_its_name)
{
  cd_buf text = CD_BUF_INIT(AGENT_RULE_FILE_MAX);
  agent_rule_file f = sample(5, PARAMS);
  agent_rule_file back = {0};
  ck_assert_int_eq(agent_rule_file_write(&f, &text, &err), CD_OK);
  cd_str rest = cd_buf_view(&text);
  cd_str body = cd_str_cut(&rest, '\n');
  for (size_t i = 0; i < COUNT_OF(changes); i++) {
    char line[4096];
    const char *found = strstr(text.ptr, changes[i].from);
    ck_assert_msg(found != NULL, "row %zu", i);
    size_t before = (size_t)(found - text.ptr);
    size_t after = before + strlen(changes[i].from);
    int len = snprintf(line, sizeof(line), "%.*s%s%.*s", (int)before, text.ptr, changes[i].to,
                       (int)(body.len - after), text.ptr + after);
    cd_str changed = {line, (size_t)len};
    ck_assert_msg(agent_rule_file_read_body(changed, &back, &err) != CD_OK, "row %zu", i);
    ck_assert_msg(strstr(err.text, changes[i].sentence) != NULL, "row %zu: %s", i, err.text);
  }
  ck_assert_int_eq(agent_rule_file_read_body(body, &back, &err), CD_OK);
  agent_rule_file_release(&back);
  cd_buf_release(&text);
}
END_TEST

START_TEST(consoles_are_saved_from_a_file_of_which_nothing_else_is_believed)
{
  agent_endpoint out[AGENT_ENDPOINTS_MAX];
  unsigned count = 0;
  cd_buf text = CD_BUF_INIT(AGENT_RULE_FILE_MAX);
  agent_rule_file f = sample(5, PARAMS);
  ck_assert_int_eq(agent_rule_file_write(&f, &text, &err), CD_OK);
  text.ptr[text.len - 3] ^= 1;
  agent_rule_file_salvage(cd_buf_view(&text), out, AGENT_ENDPOINTS_MAX, &count);
  agent_rule_file_salvage(cd_buf_view(&text), out, AGENT_ENDPOINTS_MAX, &count);
  ck_assert_uint_eq(count, 1);
  ck_assert_str_eq(out[0].address, "192.0.2.7");
  ck_assert_uint_eq(out[0].port, 8443);
  agent_rule_file_salvage(CD_STR("{\"params\":{\"console\":[{\"address\":\"2001:DB8:0::1\","
                                 "\"port\":1},{\"address\":\"x\",\"port\":1}]}}\n"),
                          out, AGENT_ENDPOINTS_MAX, &count);
  ck_assert_uint_eq(count, 2);
  ck_assert_str_eq(out[1].address, "2001:db8::1");
  agent_rule_file_salvage(CD_STR("not JSON"), out, AGENT_ENDPOINTS_MAX, &count);
  ck_assert_uint_eq(count, 2);
  cd_buf_release(&text);
}
END_TEST

/* ---- what the agent takes from it ---- */

static agent_wanted wanted_in(agent_journal *j)
{
  agent_wanted w = {0};
  ck_assert_int_eq(agent_journal_wanted(j, AGENT_CAP_ISOLATE, &w, &err), CD_OK);
  return w;
}

START_TEST(a_journal_that_has_forgotten_is_told_by_the_file)
{
  agent_holder holders[AGENT_HOLDERS_MAX];
  unsigned count = 0;
  agent_rules r = open_rules();
  keep(&r, 5, PARAMS);
  agent_journal *j = open_journal();
  agent_adopt(j, place());
  agent_wanted w = wanted_in(j);
  ck_assert(w.known && w.isolated);
  ck_assert_uint_eq(w.generation, 5);
  ck_assert_str_eq(w.params, PARAMS);
  ck_assert_int_eq(agent_journal_holders(j, AGENT_CAP_ISOLATE, holders, &count, &err), CD_OK);
  ck_assert_uint_eq(count, 1);
  ck_assert_str_eq(holders[0].plugin, "org.cordon.test");
  ck_assert_str_eq(holders[0].digest, "sha256:rules");
  ck_assert_str_eq(holders[0].boot, "boot-1");
  ck_assert(holders[0].current);
  agent_wanted_release(&w);
  agent_journal_close(j);
  agent_rules_release(&r);
}
END_TEST

/* The release of generation 6 is in the journal, the file of generation 5 was left by a crash. */
START_TEST(an_order_to_release_outlives_the_file)
{
  agent_rules r = open_rules();
  agent_journal *j = open_journal();
  agent_wanted w = {.known = true, .isolated = false, .generation = 6};
  agent_holder h = {.current = true};
  keep(&r, 5, PARAMS);
  (void)cd_str_copy(h.plugin, sizeof(h.plugin), CD_STR("org.cordon.test"));
  ck_assert_int_eq(agent_journal_adopt(j, AGENT_CAP_ISOLATE, &w, &h, &err), CD_OK);
  agent_adopt(j, place());
  w = wanted_in(j);
  ck_assert(!w.isolated);
  ck_assert_uint_eq(w.generation, 6);
  ck_assert(!exists(at("restore/current.json")));
  /* But not one that is older than the file: that journal was rolled back. */
  keep(&r, 7, PARAMS);
  agent_adopt(j, place());
  agent_wanted_release(&w);
  w = wanted_in(j);
  ck_assert(w.isolated);
  ck_assert_uint_eq(w.generation, 7);
  ck_assert(exists(at("restore/current.json")));
  agent_wanted_release(&w);
  agent_journal_close(j);
  agent_rules_release(&r);
}
END_TEST

START_TEST(undo_records_of_the_boot_are_moved_into_the_journal)
{
  cd_buf list = CD_BUF_INIT(CD_UNDO_BYTES_MAX);
  agent_journal *j = open_journal();
  ck_assert_int_eq(agent_undo_file_add(place(), "org.cordon.test", CD_STR("{\"step\":1}"), &err),
                   CD_OK);
  ck_assert_int_eq(agent_undo_file_add(place(), "org.cordon.test", CD_STR("{\"step\":2}"), &err),
                   CD_OK);
  ck_assert_int_eq(agent_undo_file_add(place(), "org.cordon.test", CD_STR("{ \"step\": 1 }"), &err),
                   CD_OK);
  ck_assert_int_ne(agent_undo_file_add(place(), "org.cordon.test", CD_STR("{"), &err), CD_OK);
  agent_adopt(j, place());
  ck_assert(!exists(at("restore/undo.json")));
  ck_assert_int_eq(agent_journal_undo_list(j, AGENT_CAP_ISOLATE, "org.cordon.test", &list, &err),
                   CD_OK);
  ck_assert_str_eq(cd_buf_cstr(&list), "[{\"step\":2},{\"step\":1}]");
  cd_buf_release(&list);
  agent_journal_close(j);
}
END_TEST

/* ---- the look into the journal ---- */

START_TEST(a_peek_sees_what_is_in_the_log_and_changes_nothing)
{
  agent_journal *peek = NULL;
  size_t before_len = 0;
  size_t after_len = 0;
  char params[] = PARAMS;
  agent_wanted w = {.known = true, .isolated = true, .generation = 9, .params = params};
  agent_holder h = {.current = true};
  ck_assert_int_eq(agent_journal_peek(place(), 1000, &peek, &err), CD_E_NOTFOUND);
  agent_journal *j = open_journal();
  ck_assert_int_eq(agent_journal_adopt(j, AGENT_CAP_ISOLATE, &w, &h, &err), CD_OK);
  /* As after a crash: never closed. */
  ck_assert_int_eq(mkdir(at("copy"), 0700), 0);
  char *db = get_file(at("journal.db"), &before_len);
  put_file(at("copy/journal.db"), db, before_len, 0600);
  free(db);
  db = get_file(at("journal.db-wal"), &before_len);
  put_file(at("copy/journal.db-wal"), db, before_len, 0600);
  ck_assert_msg(agent_journal_peek(at("copy"), 5000, &peek, &err) == CD_OK, "%s", err.text);
  agent_wanted seen = wanted_in(peek);
  ck_assert(seen.isolated);
  ck_assert_uint_eq(seen.generation, 9);
  ck_assert_int_eq(agent_journal_sound(peek, &err), CD_OK);
  agent_journal_close(peek);
  char *after = get_file(at("copy/journal.db-wal"), &after_len);
  ck_assert_uint_eq(after_len, before_len);
  ck_assert(memcmp(db, after, after_len) == 0);
  free(db);
  free(after);
  agent_wanted_release(&seen);
  agent_journal_close(j);
}
END_TEST

/* ---- what the boot says it did ---- */

START_TEST(the_account_of_a_restore_goes_both_ways)
{
  agent_restored back = {0};
  agent_restored r = {.outcome = AGENT_RESTORE_FALLBACK,
                      .source = AGENT_FROM_BUILTIN,
                      .at_ms = 1790000000000,
                      .took_ms = 21,
                      .generation = 3};
  ck_assert_int_eq(pf_boot_id(r.boot, &err), CD_OK);
  (void)cd_str_copy(r.digest, sizeof(r.digest), CD_STR("sha256:rules"));
  (void)cd_str_copy(r.sentence, sizeof(r.sentence), CD_STR("it is in force"));
  ck_assert_int_eq(agent_restored_load(place(), &back, &err), CD_OK);
  ck_assert_int_eq(back.outcome, AGENT_RESTORE_NONE);
  ck_assert_msg(agent_restored_store(place(), &r, &err) == CD_OK, "%s", err.text);
  ck_assert_msg(agent_restored_load(place(), &back, &err) == CD_OK, "%s", err.text);
  ck_assert_int_eq(back.outcome, AGENT_RESTORE_FALLBACK);
  ck_assert_int_eq(back.source, AGENT_FROM_BUILTIN);
  ck_assert_uint_eq(back.took_ms, 21);
  ck_assert_str_eq(back.digest, r.digest);
  ck_assert_str_eq(back.sentence, r.sentence);
  /* One of another run of the machine is none. */
  (void)cd_str_copy(r.boot, sizeof(r.boot), CD_STR("another"));
  ck_assert_int_eq(agent_restored_store(place(), &r, &err), CD_OK);
  ck_assert_int_eq(agent_restored_load(place(), &back, &err), CD_OK);
  ck_assert_int_eq(back.outcome, AGENT_RESTORE_NONE);
  put_text(at("restore.json"), "{\"restored\":1}", 0644);
  ck_assert_int_ne(agent_restored_load(place(), &back, &err), CD_OK);
  ck_assert_int_eq(back.outcome, AGENT_RESTORE_NONE);
}
END_TEST

int main(void)
{
  if (geteuid() != 0) {
    (void)puts("not root: there is no folder for trusted files");
    return 77;
  }
  const TTest *const tests[] = {
      what_is_kept_comes_back_and_is_private,
      other_rules_make_the_last_file_the_previous_one,
      a_file_that_cannot_be_read_is_replaced_and_is_no_previous,
      a_file_for_others_to_read_or_write_is_refused,
      a_file_that_was_cut_or_has_rotted_is_refused,
      a_member_that_makes_no_sense_is_refused_with_its_name,
      consoles_are_saved_from_a_file_of_which_nothing_else_is_believed,
      a_journal_that_has_forgotten_is_told_by_the_file,
      an_order_to_release_outlives_the_file,
      undo_records_of_the_boot_are_moved_into_the_journal,
      a_peek_sees_what_is_in_the_log_and_changes_nothing,
      the_account_of_a_restore_goes_both_ways,
  };
  return run_suite("agent.rules", tests, COUNT_OF(tests));
}
