/* The audit log as the console writes it. */
#include "store_place.h"

#include <stdio.h>
#include <string.h>

static con_audit_ref append(con_store *s, const char *what, const char *detail)
{
  con_audit_ref ref = {0};
  const con_audit_entry e = {.at_ms = 1790000000000,
                             .who = CD_STR("alice"),
                             .what = cd_str_from(what),
                             .detail = cd_str_from(detail)};
  expect_ok(con_audit_append(s, &e, &ref, &err));
  return ref;
}

START_TEST(the_digest_is_the_documented_one)
{
  con_audit_entry e = {.sequence = 1,
                       .at_ms = 1790000000000,
                       .who = CD_STR("alice"),
                       .what = CD_STR("test.word"),
                       .action = CD_STR("0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01"),
                       .detail = CD_STR("{\"a\":1}")};
  static const char canonical[] =
      "{\"sequence\":1,\"at\":1790000000000,\"who\":\"alice\",\"what\":\"test.word\","
      "\"device\":null,\"action\":\"0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01\",\"detail\":{\"a\":1}}";
  char bytes[512] = "cordon-audit-1\n";
  size_t len = strlen(bytes) + CD_DIGEST_SIZE;
  cd_digest by_hand;
  cd_digest digest;
  memcpy(bytes + len, canonical, sizeof(canonical) - 1);
  expect_ok(cd_digest_of(bytes, len + sizeof(canonical) - 1, &by_hand, &err));
  expect_ok(con_audit_digest(&e, &digest, &err));
  ck_assert(cd_digest_equal(&digest, &by_hand));
  e.who = CD_STR("\xff");
  ck_assert_int_eq(con_audit_digest(&e, &digest, &err), CD_E_INVALID);
}
END_TEST

START_TEST(entries_follow_each_other_across_reopen)
{
  con_store *s = open_store();
  con_audit_report r = {0};
  con_audit_ref head = {0};
  con_audit_ref first = append(s, "a.b", "{}");
  ck_assert_uint_eq(first.sequence, 1);
  con_store_close(s);
  s = open_store();
  con_audit_ref second = append(s, "a.c", "");
  ck_assert_uint_eq(second.sequence, 2);
  expect_ok(con_audit_head(s, &head, &err));
  ck_assert(cd_digest_equal(&head.digest, &second.digest));
  expect_ok(con_audit_verify(s, NULL, &first, test_seal(), &r, &err));
  ck_assert_int_eq(r.fault, CON_AUDIT_INTACT);
  ck_assert_uint_eq(r.head.sequence, 2);
  expect_ok(con_audit_verify(s, &first, NULL, test_seal(), &r, &err));
  ck_assert_int_eq(r.fault, CON_AUDIT_INTACT);
  expect_ok(con_audit_verify(s, &second, &second, NULL, &r, &err));
  ck_assert_int_eq(r.fault, CON_AUDIT_INTACT);
  con_store_close(s);
}
END_TEST

START_TEST(an_empty_log_is_intact)
{
  con_store *s = open_store();
  con_audit_report r = {.sequence = 9};
  const con_audit_ref none = {0};
  expect_ok(con_audit_verify(s, &none, &none, test_seal(), &r, &err));
  ck_assert_int_eq(r.fault, CON_AUDIT_INTACT);
  ck_assert_uint_eq(r.sequence, 0);
  con_store_close(s);
}
END_TEST

typedef struct listed {
  unsigned count;
  uint64_t first;
  char text[1024];
} listed;

static bool note(void *context, const con_audit_entry *e)
{
  listed *l = context;
  cd_buf text = CD_BUF_INIT(sizeof(l->text) - 1);
  if (l->count++ == 0)
    l->first = e->sequence;
  con_audit_entry_write(e, &text);
  (void)snprintf(l->text, sizeof(l->text), "%s", cd_buf_cstr(&text));
  cd_buf_release(&text);
  return l->count < 3;
}

START_TEST(entries_are_listed_both_ways_and_by_device)
{
  con_store *s = open_store();
  con_enrolled e = add_device(s, "desk", 1);
  con_action_made made = isolate(s, e.device);
  listed l = {0};
  expect_ok(con_audit_list(s, &(con_audit_query){.first = 1, .limit = 10}, note, &l, &err));
  ck_assert_uint_eq(l.count, 3);
  ck_assert_uint_eq(l.first, 1);
  l = (listed){0};
  expect_ok(
      con_audit_list(s, &(con_audit_query){.newest_first = true, .limit = 1}, note, &l, &err));
  ck_assert_uint_eq(l.count, 1);
  ck_assert_uint_eq(l.first, made.audit.sequence);
  ck_assert_ptr_nonnull(strstr(l.text, "\"what\":\"action.create\""));
  ck_assert_ptr_nonnull(strstr(l.text, "\"previous\":\"sha256:"));
  l = (listed){0};
  expect_ok(con_audit_list(
      s, &(con_audit_query){.first = 1, .limit = 10, .device = cd_str_from(e.device)}, note, &l,
      &err));
  ck_assert_uint_eq(l.count, 2);
  l = (listed){0};
  expect_ok(
      con_audit_list(s, &(con_audit_query){.first = 1, .limit = 10, .action = cd_str_from(made.id)},
                     note, &l, &err));
  ck_assert_uint_eq(l.count, 1);
  con_store_close(s);
}
END_TEST

START_TEST(another_holder_of_the_seal_may_append)
{
  con_store *s = open_store();
  con_store *command = open_store();
  con_audit_report r = {0};
  (void)append(s, "a.b", "{}");
  (void)append(command, "a.c", "{}");
  con_audit_ref third = append(s, "a.d", "{}");
  ck_assert_uint_eq(third.sequence, 3);
  expect_ok(con_audit_verify(s, NULL, &third, test_seal(), &r, &err));
  ck_assert_int_eq(r.fault, CON_AUDIT_INTACT);
  con_store_close(command);
  con_store_close(s);
}
END_TEST

START_TEST(a_seal_key_is_made_once_and_kept_private)
{
  con_seal_key first;
  con_seal_key second;
  const char *path = at("audit.key");
  expect_ok(con_seal_key_load(path, &first, &err));
  expect_ok(con_seal_key_load(path, &second, &err));
  ck_assert_mem_eq(first.bytes, second.bytes, CON_SEAL_SIZE);
  FILE *f = fopen(path, "w");
  ck_assert_ptr_nonnull(f);
  ck_assert_int_ge(fputs("short\n", f), 0);
  ck_assert_int_eq(fclose(f), 0);
  expect_refused(con_seal_key_load(path, &second, &err), CD_E_INVALID, "no seal key");
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      the_digest_is_the_documented_one,
      entries_follow_each_other_across_reopen,
      an_empty_log_is_intact,
      entries_are_listed_both_ways_and_by_device,
      another_holder_of_the_seal_may_append,
      a_seal_key_is_made_once_and_kept_private,
  };
  return run_suite("console.store.audit", tests, COUNT_OF(tests));
}
