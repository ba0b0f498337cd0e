/* Devices: enrolment, finding, tags, reports, revocation. */
#include "store_place.h"

#include <string.h>
#include <sys/stat.h>

START_TEST(an_enrolled_device_is_found_by_id_and_name)
{
  con_store *s = open_store();
  con_enrolled e = add_device(s, "desk-1.example", 1);
  con_device d = {0};
  ck_assert_uint_eq(strlen(e.device), 40);
  ck_assert(!e.known_before);
  expect_ok(con_device_find(s, cd_str_from(e.device), &d, &err));
  ck_assert(cd_str_eq_cstr(d.dns_name, "desk-1.example"));
  ck_assert(cd_str_eq_cstr(d.tags, "[\"fleet\"]"));
  ck_assert(cd_str_eq_cstr(d.last_external_ip, "192.0.2.7"));
  ck_assert_int_gt(d.first_seen_ms, 0);
  con_device_release(&d);
  expect_ok(con_device_find(s, CD_STR("DESK-1.Example"), &d, &err));
  ck_assert(cd_str_eq_cstr(d.id, e.device));
  con_device_release(&d);
  expect_refused(con_device_find(s, CD_STR("desk-1"), &d, &err), CD_E_NOTFOUND, "'desk-1'");
  expect_refused(con_device_find(s, CD_STR(""), &d, &err), CD_E_NOTFOUND, "no device");
  con_store_close(s);
  con_store_close(NULL);
}
END_TEST

START_TEST(a_name_that_several_have_is_refused_with_the_candidates)
{
  con_store *s = open_store();
  con_enrolled first = add_device(s, "desk", 1);
  con_enrolled second = add_device(s, "Desk", 2);
  con_device d = {0};
  expect_refused(con_device_find(s, CD_STR("desk"), &d, &err), CD_E_CONFLICT, first.device);
  ck_assert_ptr_nonnull(strstr(err.text, second.device));
  con_store_close(s);
}
END_TEST

START_TEST(a_known_device_key_enrols_as_the_same_device)
{
  con_store *s = open_store();
  con_device d = {0};
  con_enrolled first = add_device(s, "before", 7);
  expect_ok(con_device_revoke(s, &alice, cd_str_from(first.device), &err));
  con_enrolled again = add_device(s, "after", 7);
  ck_assert_str_eq(first.device, again.device);
  ck_assert(again.known_before);
  expect_ok(con_device_get(s, cd_str_from(again.device), &d, &err));
  ck_assert(!d.revoked);
  ck_assert(cd_str_eq_cstr(d.dns_name, "after"));
  con_device_release(&d);
  con_store_close(s);
}
END_TEST

START_TEST(tags_are_sorted_and_change_once)
{
  con_store *s = open_store();
  con_enrolled e = add_device(s, "desk", 1);
  cd_str id = cd_str_from(e.device);
  con_audit_ref before = {0};
  con_audit_ref after = {0};
  bool changed = false;
  con_device d = {0};
  expect_ok(con_device_tag(s, &alice, id, CD_STR("b\"x"), true, &changed, &err));
  ck_assert(changed);
  expect_ok(con_device_tag(s, &alice, id, CD_STR("a"), true, &changed, &err));
  expect_ok(con_audit_head(s, &before, &err));
  expect_ok(con_device_tag(s, &alice, id, CD_STR("a"), true, &changed, &err));
  ck_assert(!changed);
  expect_ok(con_audit_head(s, &after, &err));
  ck_assert_uint_eq(before.sequence, after.sequence);
  expect_ok(con_device_get(s, id, &d, &err));
  ck_assert(cd_str_eq_cstr(d.tags, "[\"a\",\"b\\\"x\",\"fleet\"]"));
  con_device_release(&d);
  expect_ok(con_device_tag(s, &alice, id, CD_STR("fleet"), false, &changed, &err));
  ck_assert(changed);
  expect_refused(con_device_tag(s, &alice, id, CD_STR("a\nb"), true, NULL, &err), CD_E_INVALID,
                 "control character");
  expect_refused(con_device_tag(s, &alice, CD_STR("none"), CD_STR("a"), true, NULL, &err),
                 CD_E_NOTFOUND, "'none'");
  con_store_close(s);
}
END_TEST

typedef struct found {
  unsigned count;
  char names[256];
} found;

static bool collect(void *context, const con_device *d)
{
  found *f = context;
  f->count++;
  size_t len = strlen(f->names);
  (void)cd_str_copy(f->names + len, sizeof(f->names) - len, d->dns_name);
  return true;
}

static unsigned count(con_store *s, const con_device_query *query)
{
  found f = {0};
  expect_ok(con_device_each(s, query, collect, &f, &err));
  return f.count;
}

START_TEST(a_scan_is_narrowed_by_tag_name_and_address)
{
  con_store *s = open_store();
  con_enrolled a = add_device(s, "a", 1);
  (void)add_device(s, "b", 2);
  uint64_t all = 0;
  expect_ok(con_device_tag(s, &alice, cd_str_from(a.device), CD_STR("site-1"), true, NULL, &err));
  expect_ok(
      con_device_seen(s, cd_str_from(a.device), 99, (cd_str){0}, CD_STR("2001:db8::1"), &err));
  ck_assert_uint_eq(count(s, &(con_device_query){0}), 2);
  ck_assert_uint_eq(count(s, &(con_device_query){.tag = CD_STR("fleet")}), 2);
  ck_assert_uint_eq(count(s, &(con_device_query){.tag = CD_STR("site-1")}), 1);
  ck_assert_uint_eq(count(s, &(con_device_query){.tag = CD_STR("site")}), 0);
  ck_assert_uint_eq(count(s, &(con_device_query){.tag = CD_STR("site"), .tag_prefix = true}), 1);
  ck_assert_uint_eq(count(s, &(con_device_query){.ip = CD_STR("2001:db8::1")}), 1);
  ck_assert_uint_eq(count(s, &(con_device_query){.dns_name = CD_STR("B")}), 1);
  ck_assert_uint_eq(count(s, &(con_device_query){.seen_since_ms = 100}), 1);
  expect_ok(con_device_count(s, &all, &err));
  ck_assert_uint_eq(all, 2);
  con_store_close(s);
}
END_TEST

START_TEST(a_report_changes_what_it_names_and_nothing_else)
{
  con_store *s = open_store();
  con_enrolled e = add_device(s, "desk", 1);
  cd_str id = cd_str_from(e.device);
  con_device d = {0};
  con_device_report r = {.number = 3,
                         .at_ms = 10,
                         .seen_ms = 20,
                         .values = CD_STR("[{\"state\":\"isolate\"}]"),
                         .facts = CD_STR("{\"a\":1}"),
                         .os_version = CD_STR("12")};
  expect_ok(con_device_reported(s, id, &r, &err));
  r = (con_device_report){.number = 4, .at_ms = 11, .seen_ms = 21};
  expect_ok(con_device_reported(s, id, &r, &err));
  expect_ok(con_device_get(s, id, &d, &err));
  ck_assert(cd_str_eq_cstr(d.values, "[{\"state\":\"isolate\"}]"));
  ck_assert(cd_str_eq_cstr(d.facts, "{\"a\":1}"));
  ck_assert(cd_str_eq_cstr(d.os_version, "12"));
  ck_assert(cd_str_eq_cstr(d.dns_name, "desk"));
  ck_assert_uint_eq(d.report_number, 4);
  ck_assert_int_eq(d.last_seen_ms, 21);
  con_device_release(&d);
  con_store_close(s);
}
END_TEST

START_TEST(a_certificate_a_renewal_and_a_clone_are_on_record)
{
  con_store *s = open_store();
  con_enrolled e = add_device(s, "desk", 1);
  cd_str id = cd_str_from(e.device);
  con_device d = {0};
  con_audit_ref ref = {0};
  const cd_digest key = {{1}};
  expect_ok(con_device_certified(s, id, CD_STR("0a0b"), 77, CD_STR("a.b.c"), &err));
  expect_ok(con_device_certified(s, id, CD_STR("0c0d"), 78, (cd_str){0}, &err));
  expect_ok(con_device_renew(s, id, &key, &ref, &err));
  ck_assert_uint_gt(ref.sequence, e.audit.sequence);
  expect_ok(con_device_clone_suspected(s, id, CD_STR("{\"peers\":[]}"), &err));
  expect_ok(con_device_get(s, id, &d, &err));
  ck_assert(cd_str_eq_cstr(d.cert_serial, "0c0d"));
  ck_assert(cd_str_eq_cstr(d.statement, "a.b.c"));
  ck_assert_int_eq(d.cert_not_after_ms, 78);
  ck_assert(d.clone_suspected);
  con_device_release(&d);
  expect_ok(con_device_revoke(s, &alice, id, &err));
  expect_refused(con_device_renew(s, id, &key, &ref, &err), CD_E_DENIED, "revoked");
  con_store_close(s);
}
END_TEST

START_TEST(the_database_is_private_and_a_reader_changes_nothing)
{
  con_store *s = open_store();
  con_store *reader = NULL;
  con_enrolled e = add_device(s, "desk", 1);
  con_device d = {0};
  struct stat st;
  ck_assert_int_eq(stat(db_path(), &st), 0);
  ck_assert_uint_eq(st.st_mode & 0777, 0600);
  expect_ok(con_store_open_reader(db_path(), &reader, &err));
  expect_ok(con_device_get(reader, cd_str_from(e.device), &d, &err));
  con_device_release(&d);
  expect_refused(con_device_revoke(reader, &alice, cd_str_from(e.device), &err), CD_E_DENIED,
                 "reading only");
  con_store_close(reader);
  con_store_close(s);
}
END_TEST

START_TEST(a_database_with_views_or_triggers_is_not_opened)
{
  con_store *s = open_store();
  con_store *again = NULL;
  const con_store_options options = {.path = db_path(), .seal = test_seal()};
  con_store_close(s);
  attack("ALTER TABLE audit RENAME TO was; CREATE VIEW audit AS SELECT * FROM was");
  expect_refused(con_store_open_reader(db_path(), &again, &err), CD_E_DENIED, "views");
  attack("DROP VIEW audit; ALTER TABLE was RENAME TO audit;"
         "CREATE TRIGGER t AFTER INSERT ON audit BEGIN SELECT 1; END");
  expect_refused(con_store_open(&options, &again, &err), CD_E_DENIED, "triggers");
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      an_enrolled_device_is_found_by_id_and_name,
      a_name_that_several_have_is_refused_with_the_candidates,
      a_known_device_key_enrols_as_the_same_device,
      tags_are_sorted_and_change_once,
      a_scan_is_narrowed_by_tag_name_and_address,
      a_report_changes_what_it_names_and_nothing_else,
      a_certificate_a_renewal_and_a_clone_are_on_record,
      the_database_is_private_and_a_reader_changes_nothing,
      a_database_with_views_or_triggers_is_not_opened,
  };
  return run_suite("console.store.device", tests, COUNT_OF(tests));
}
