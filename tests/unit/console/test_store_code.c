/* Release codes in the console's memory: made of a key beside the database, shown once, and only
 * while they can be of use. */
#include "store_place.h"

#include "base/clock.h"
#include "protocol/terms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define RESULT "aGVhZA.cGF5bG9hZA.c2ln"

static const con_code_key *code_key(int which)
{
  static con_code_key keys[2];
  memset(keys[which].bytes, 0x30 + which, sizeof(keys[which].bytes));
  return &keys[which];
}

static con_store *open_with(const con_code_key *key)
{
  con_store *s = NULL;
  const con_store_options options = {.path = db_path(), .seal = test_seal(), .code = key};
  expect_ok(con_store_open(&options, &s, &err));
  return s;
}

static cd_terms terms_of(con_store *s, const char *id)
{
  con_action a = {0};
  cd_json_doc *doc = NULL;
  cd_terms terms;
  expect_ok(con_action_get(s, cd_str_from(id), &a, &err));
  expect_ok(cd_json_parse(a.parameters, CD_PARAMETERS_MAX, "parameters", &doc, &err));
  cd_json root = cd_json_root(doc);
  cd_terms_read(&root, &terms);
  expect_ok(cd_json_status(&root, &err));
  cd_json_free(doc);
  con_action_release(&a);
  return terms;
}

static void send(con_store *s, const char *id)
{
  expect_ok(con_action_sent(s, cd_str_from(id), CD_STR(RESULT), &err));
}

static void end(con_store *s, const char *id, cd_action_status status)
{
  const con_action_outcome o = {.status = status,
                                .outcome = CD_STR("ok"),
                                .result = CD_STR(RESULT),
                                .evidence = CD_STR("{}")};
  expect_ok(con_action_ended(s, cd_str_from(id), &o, &err));
}

static bool opens(con_store *s, const char *device, const char *id, const cd_release_code *code)
{
  cd_terms terms = terms_of(s, id);
  cd_digest digest;
  ck_assert(terms.has_code);
  expect_ok(cd_release_code_digest(code, cd_str_from(device), cd_str_from(id), terms.code_salt,
                                   &digest, &err));
  return cd_digest_equal(&digest, &terms.code_digest);
}

START_TEST(an_isolation_has_a_code_of_its_own_that_is_shown_once)
{
  con_store *s = open_with(code_key(0));
  con_enrolled e = add_device(s, "desk", 1);
  cd_release_code code = {0};
  cd_release_code other = {0};
  con_code_state state = {0};
  con_action_made made = isolate(s, e.device);
  send(s, made.id);
  expect_ok(con_action_code_look(s, cd_str_from(made.id), &state, &err));
  ck_assert(state.available);
  ck_assert_str_eq(state.device, e.device);
  expect_ok(con_action_code_show(s, &alice, cd_str_from(made.id), &code, &err));
  ck_assert(opens(s, e.device, made.id, &code));
  expect_refused(con_action_code_show(s, &alice, cd_str_from(made.id), &other, &err), CD_E_CONFLICT,
                 "was shown to 'alice' at 20");
  ck_assert_ptr_null(strstr(err.text, code.symbols));
  ck_assert_int_eq(other.symbols[0], '\0');
  expect_ok(con_action_code_look(s, cd_str_from(made.id), &state, &err));
  ck_assert(!state.available);
  ck_assert_str_eq(state.shown_to, "alice");
  end(s, made.id, CD_ACTION_SUCCEEDED);
  con_action_made second = isolate(s, e.device);
  send(s, second.id);
  expect_ok(con_action_code_show(s, &alice, cd_str_from(second.id), &other, &err));
  ck_assert_str_ne(code.symbols, other.symbols);
  con_store_close(s);
}
END_TEST

START_TEST(the_same_action_has_the_same_code_after_a_restart)
{
  con_store *s = open_with(code_key(0));
  con_enrolled e = add_device(s, "desk", 1);
  cd_release_code code = {0};
  uint64_t generation = 0;
  con_action_made made = isolate(s, e.device);
  cd_terms before = terms_of(s, made.id);
  expect_ok(con_wanted_raise(s, cd_str_from(e.device), CD_STATE_ISOLATE, 41, &err));
  con_store_close(s);
  s = open_with(code_key(0));
  /* Signed anew with another generation. */
  expect_ok(con_action_refresh(s, cd_str_from(made.id), &generation, &err));
  ck_assert_uint_eq(generation, 42);
  cd_terms after = terms_of(s, made.id);
  ck_assert(cd_digest_equal(&before.code_digest, &after.code_digest));
  send(s, made.id);
  expect_ok(con_action_code_show(s, &alice, cd_str_from(made.id), &code, &err));
  ck_assert(opens(s, e.device, made.id, &code));
  con_store_close(s);
}
END_TEST

START_TEST(it_is_shown_only_while_it_can_be_of_use)
{
  con_store *s = open_with(code_key(0));
  con_enrolled e = add_device(s, "desk", 1);
  cd_release_code code = {0};
  con_action_made first = isolate(s, e.device);
  expect_refused(con_action_code_show(s, &alice, cd_str_from(first.id), &code, &err), CD_E_CONFLICT,
                 "was not sent to the device yet");
  send(s, first.id);
  end(s, first.id, CD_ACTION_SUCCEEDED);
  con_action_made back = release(s, e.device);
  expect_refused(con_action_code_show(s, &alice, cd_str_from(back.id), &code, &err), CD_E_CONFLICT,
                 "only an isolation that this console ordered has one");
  /* The release waits: the device may be one that nothing reaches. */
  con_code_state state = {0};
  expect_ok(con_action_code_look(s, cd_str_from(first.id), &state, &err));
  ck_assert(state.available);
  send(s, back.id);
  expect_ok(con_action_accepted(s, cd_str_from(back.id), &err));
  expect_refused(con_action_code_show(s, &alice, cd_str_from(first.id), &code, &err), CD_E_CONFLICT,
                 "has taken a newer order");
  ck_assert_ptr_nonnull(strstr(err.text, back.id));
  end(s, back.id, CD_ACTION_FAILED);
  expect_ok(con_action_code_show(s, &alice, cd_str_from(first.id), &code, &err));
  expect_refused(con_action_code_show(s, &alice, CD_STR("none"), &code, &err), CD_E_NOTFOUND,
                 "there is no action 'none'");
  con_store_close(s);
}
END_TEST

START_TEST(the_database_holds_no_code)
{
  con_store *s = open_with(code_key(0));
  con_enrolled e = add_device(s, "desk", 1);
  cd_release_code code = {0};
  char text[CD_RELEASE_CODE_TEXT];
  char bytes[65536];
  size_t have = 0;
  con_action_made made = isolate(s, e.device);
  send(s, made.id);
  expect_ok(con_action_code_show(s, &alice, cd_str_from(made.id), &code, &err));
  cd_release_code_format(&code, text);
  con_store_close(s);
  static const char *const files[] = {"console.db", "console.db-wal"};
  for (size_t i = 0; i < COUNT_OF(files); i++) {
    FILE *f = fopen(at(files[i]), "re");
    while (f != NULL && (have = fread(bytes, 1, sizeof(bytes), f)) > 0) {
      ck_assert_ptr_null(memmem(bytes, have, code.symbols, CD_RELEASE_CODE_SYMBOLS));
      ck_assert_ptr_null(memmem(bytes, have, text, strlen(text)));
    }
    if (f != NULL)
      ck_assert_int_eq(fclose(f), 0);
  }
}
END_TEST

START_TEST(another_key_gives_no_code_instead_of_a_wrong_one)
{
  con_store *s = open_with(code_key(0));
  con_enrolled e = add_device(s, "desk", 1);
  cd_release_code code = {0};
  con_code_state state = {0};
  con_action_made made = isolate(s, e.device);
  send(s, made.id);
  con_store_close(s);
  s = open_with(code_key(1));
  expect_refused(con_action_code_show(s, &alice, cd_str_from(made.id), &code, &err), CD_E_CONFLICT,
                 "its file was replaced");
  /* Nobody was shown it. */
  expect_ok(con_action_code_look(s, cd_str_from(made.id), &state, &err));
  ck_assert_int_eq(state.shown_ms, 0);
  con_store_close(s);
  s = open_with(NULL);
  expect_refused(con_action_code_show(s, &alice, cd_str_from(made.id), &code, &err), CD_E_CONFLICT,
                 "makes no release codes");
  con_action_made plain = release(s, e.device);
  ck_assert(!terms_of(s, plain.id).has_code);
  con_store_close(s);
}
END_TEST

/* An order that is made of an older one's parameters has a code of its own, and keeps the rest. */
START_TEST(an_older_order_s_code_is_replaced)
{
  con_store *s = open_with(code_key(0));
  con_enrolled e = add_device(s, "desk", 1);
  con_action_made made = {0};
  con_action_made again = {0};
  con_action a = {0};
  con_action_new n = {.device = cd_str_from(e.device),
                      .kind = CD_ORDER_ISOLATE,
                      .type = CD_STR("Isolate"),
                      .parameters =
                          CD_STR("{\"type\":\"full\",\"exclusions\":[],\"lease\":{\"until\":5}}"),
                      .expires_ms = cd_wall_ms() + HOUR_MS};
  expect_ok(con_action_create(s, &alice, &n, &made, &err));
  expect_ok(con_action_get(s, cd_str_from(made.id), &a, &err));
  n.parameters = a.parameters;
  expect_ok(con_action_create(s, &alice, &n, &again, &err));
  con_action_release(&a);
  cd_terms first = terms_of(s, made.id);
  cd_terms second = terms_of(s, again.id);
  ck_assert_int_eq(first.lease_until_ms, 5);
  ck_assert_int_eq(second.lease_until_ms, 5);
  ck_assert(!cd_digest_equal(&first.code_digest, &second.code_digest));
  con_store_close(s);
}
END_TEST

START_TEST(the_key_is_made_once_and_for_nobody_else)
{
  con_code_key first;
  con_code_key again;
  struct stat st;
  expect_ok(con_code_key_load(at("code.key"), &first, &err));
  ck_assert_int_eq(stat(at("code.key"), &st), 0);
  ck_assert_uint_eq(st.st_mode & 0777u, 0600);
  expect_ok(con_code_key_load(at("code.key"), &again, &err));
  ck_assert_int_eq(memcmp(&first, &again, sizeof(first)), 0);
  FILE *f = fopen(at("code.key"), "we");
  ck_assert_ptr_nonnull(f);
  ck_assert_int_ge(fputs("short\n", f), 0);
  ck_assert_int_eq(fclose(f), 0);
  expect_refused(con_code_key_load(at("code.key"), &again, &err), CD_E_INVALID, "is no code key");
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {an_isolation_has_a_code_of_its_own_that_is_shown_once,
                                the_same_action_has_the_same_code_after_a_restart,
                                it_is_shown_only_while_it_can_be_of_use,
                                the_database_holds_no_code,
                                another_key_gives_no_code_instead_of_a_wrong_one,
                                an_older_order_s_code_is_replaced,
                                the_key_is_made_once_and_for_nobody_else};
  return run_suite("console.store.code", tests, COUNT_OF(tests));
}
