/* Enrolment tokens and applications: no secret in the database, limits that hold. */
#include "store_place.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const con_enrolment empty;

static cd_code try_enroll(con_store *s, const uint8_t secret[CON_SECRET_SIZE])
{
  con_enrolment e = empty;
  con_enrolled out = {0};
  char key[123];
  memset(key, 'A', sizeof(key));
  memcpy(e.token, secret, CON_SECRET_SIZE);
  e.device_key = (cd_str){key, 122};
  e.key_id = CD_STR("00000000000000000000000000000000000000000000000000000000000000ff");
  e.dns_name = CD_STR("late");
  return con_device_enroll(s, &e, &out, &err);
}

START_TEST(a_token_is_used_up)
{
  con_store *s = open_store();
  uint8_t secret[CON_SECRET_SIZE];
  make_token(s, 2, secret);
  expect_ok(con_token_check(s, secret, &err));
  (void)enroll(s, secret, "a", 1);
  (void)enroll(s, secret, "b", 2);
  expect_refused(try_enroll(s, secret), CD_E_DENIED, "used up");
  expect_refused(con_token_check(s, secret, &err), CD_E_DENIED, "used up");
  con_store_close(s);
}
END_TEST

static cd_code enroll_as(con_store *s, const uint8_t secret[CON_SECRET_SIZE], unsigned seed,
                         const cd_str *tags, size_t tag_count, con_enrolled *ret_enrolled)
{
  char key[122];
  char key_id[65];
  con_enrolment e = {.device_key = {key, sizeof(key)},
                     .dns_name = CD_STR("again"),
                     .tags = tags,
                     .tag_count = tag_count};
  memset(key, 'A', sizeof(key));
  (void)snprintf(key_id, sizeof(key_id), "%064u", seed);
  memcpy(e.token, secret, CON_SECRET_SIZE);
  e.key_id = cd_str_from(key_id);
  return con_device_enroll(s, &e, ret_enrolled, &err);
}

static cd_code enroll_with(con_store *s, const uint8_t secret[CON_SECRET_SIZE], unsigned seed)
{
  con_enrolled out = {0};
  return enroll_as(s, secret, seed, NULL, 0, &out);
}

static void has_tags(con_store *s, const char *device, const char *tags)
{
  con_device d;
  expect_ok(con_device_get(s, cd_str_from(device), &d, &err));
  ck_assert_msg(cd_str_eq_cstr(d.tags, tags), "%.*s", CD_STR_ARG(d.tags));
  con_device_release(&d);
}

START_TEST(a_device_chooses_among_the_tags_that_its_token_lets_it)
{
  con_store *s = open_store();
  uint8_t secret[CON_SECRET_SIZE];
  char id[CD_ID_SIZE];
  const cd_str given[] = {CD_STR("fleet")};
  const cd_str choices[] = {CD_STR("kiosk"), CD_STR("lab"), CD_STR("office")};
  const cd_str asked[] = {CD_STR("office"), CD_STR("fleet"), CD_STR("kiosk")};
  const cd_str servers[] = {CD_STR("lab"), CD_STR("servers")};
  const con_token_new token = {.uses = 3,
                               .expires_ms = cd_wall_ms() + HOUR_MS,
                               .tags = given,
                               .tag_count = 1,
                               .choices = choices,
                               .choice_count = 3};
  con_enrolled out = {0};
  expect_ok(con_token_make(s, &alice, &token, id, secret, &err));
  expect_ok(enroll_as(s, secret, 1, NULL, 0, &out));
  has_tags(s, out.device, "[\"fleet\"]");
  expect_ok(enroll_as(s, secret, 2, asked, 3, &out));
  has_tags(s, out.device, "[\"fleet\",\"kiosk\",\"office\"]");
  expect_refused(enroll_as(s, secret, 3, servers, 2, &out), CD_E_DENIED, "the tag 'servers'");
  expect_ok(enroll_as(s, secret, 3, servers, 1, &out));
  has_tags(s, out.device, "[\"fleet\",\"lab\"]");
  attack("UPDATE token SET uses_left = 5");
  attack("UPDATE token_choice SET tags = '[\"servers\"]'");
  expect_refused(enroll_as(s, secret, 1, servers + 1, 1, &out), CD_E_CONFLICT, "does not record");
  attack("DELETE FROM token_choice");
  expect_refused(enroll_as(s, secret, 1, NULL, 0, &out), CD_E_CONFLICT, "does not record");
  con_store_close(s);
}
END_TEST

/* The answer was lost on the way. */
START_TEST(who_has_used_a_token_uses_it_again_without_another_use)
{
  con_store *s = open_store();
  uint8_t secret[CON_SECRET_SIZE];
  make_token(s, 1, secret);
  expect_ok(enroll_with(s, secret, 1));
  expect_ok(enroll_with(s, secret, 1));
  expect_refused(enroll_with(s, secret, 2), CD_E_DENIED, "used up");
  attack("UPDATE token SET expires = 1000");
  expect_refused(enroll_with(s, secret, 1), CD_E_DENIED, "expired");
  attack("UPDATE token SET expires = 9000000000000");
  expect_refused(enroll_with(s, secret, 1), CD_E_CONFLICT, "does not record");
  con_store_close(s);
}
END_TEST

/* Rows have no seal; what they rest on has. */
START_TEST(a_token_that_was_edited_or_inserted_enrols_nobody)
{
  con_store *s = open_store();
  uint8_t secret[CON_SECRET_SIZE];
  uint8_t other[CON_SECRET_SIZE] = {7};
  char sql[512];
  char hex[2 * CD_DIGEST_SIZE + 1];
  cd_digest hash;
  make_token(s, 1, secret);
  expect_ok(enroll_with(s, secret, 1));
  attack("UPDATE token SET uses_left = 5, uses_made = 0");
  expect_refused(enroll_with(s, secret, 2), CD_E_DENIED, "used up");
  attack("UPDATE token SET tags = '[\"servers\"]'");
  expect_refused(enroll_with(s, secret, 2), CD_E_CONFLICT, "does not record");
  expect_ok(cd_digest_of(other, sizeof(other), &hash, &err));
  cd_hex(hex, hash.bytes, sizeof(hash.bytes));
  (void)snprintf(sql, sizeof(sql),
                 "INSERT INTO token(id, secret_hash, uses_left, created, expires, created_by, tags,"
                 " note) SELECT 'made-up', x'%s', 9, created, expires, created_by, tags, note"
                 " FROM token",
                 hex);
  attack(sql);
  expect_refused(enroll_with(s, other, 2), CD_E_CONFLICT, "does not record");
  con_store_close(s);
}
END_TEST

START_TEST(a_device_row_with_another_key_is_nobody)
{
  con_store *s = open_store();
  uint8_t secret[CON_SECRET_SIZE];
  make_token(s, 5, secret);
  expect_ok(enroll_with(s, secret, 1));
  attack("UPDATE device SET key_id ="
         " '0000000000000000000000000000000000000000000000000000000000000002'");
  expect_refused(enroll_with(s, secret, 2), CD_E_CONFLICT, "does not record");
  con_store_close(s);
}
END_TEST

typedef struct seen {
  unsigned count;
  con_token last;
} seen;

static bool note_token(void *context, const con_token *t)
{
  seen *f = context;
  f->count++;
  f->last = *t;
  return true;
}

START_TEST(a_revoked_or_expired_or_unknown_token_enrols_nobody)
{
  con_store *s = open_store();
  uint8_t secret[CON_SECRET_SIZE];
  seen f = {0};
  uint64_t devices = 1;
  make_token(s, 5, secret);
  expect_ok(con_token_each(s, note_token, &f, &err));
  ck_assert_uint_eq(f.count, 1);
  ck_assert_uint_eq(f.last.uses_left, 5);
  attack("UPDATE token SET expires = 1000");
  expect_refused(try_enroll(s, secret), CD_E_DENIED, "expired");
  attack("UPDATE token SET expires = 9000000000000");
  expect_ok(con_token_revoke(s, &alice, cd_str_from(f.last.id), &err));
  expect_refused(try_enroll(s, secret), CD_E_DENIED, "revoked");
  secret[0] ^= 1;
  expect_refused(try_enroll(s, secret), CD_E_DENIED, "not known");
  expect_refused(con_token_revoke(s, &alice, CD_STR("none"), &err), CD_E_NOTFOUND, "'none'");
  expect_ok(con_device_count(s, &devices, &err));
  ck_assert_uint_eq(devices, 0);
  con_store_close(s);
}
END_TEST

START_TEST(a_token_needs_uses_and_an_end)
{
  con_store *s = open_store();
  char id[CD_ID_SIZE];
  uint8_t secret[CON_SECRET_SIZE];
  const int64_t later = cd_wall_ms() + HOUR_MS;
  expect_refused(con_token_create(s, &alice, 0, later, NULL, 0, (cd_str){0}, id, secret, &err),
                 CD_E_INVALID, "uses");
  expect_refused(con_token_create(s, &alice, 1, 1, NULL, 0, (cd_str){0}, id, secret, &err),
                 CD_E_INVALID, "future");
  con_store_close(s);
}
END_TEST

START_TEST(an_application_is_known_by_its_secret_alone)
{
  con_store *s = open_store();
  char id[CD_ID_SIZE];
  char secret[CON_APP_SECRET_TEXT];
  con_app a = {0};
  const cd_str permissions[] = {CD_STR("Machine.Isolate"), CD_STR("Machine.Read.All")};
  expect_ok(con_app_create(s, &alice, CD_STR("soar"), permissions, 2, id, secret, &err));
  expect_ok(con_app_check(s, cd_str_from(id), cd_str_from(secret), &a, &err));
  ck_assert(cd_str_eq_cstr(a.permissions, "[\"Machine.Isolate\",\"Machine.Read.All\"]"));
  ck_assert(cd_str_eq_cstr(a.name, "soar"));
  con_app_release(&a);
  expect_refused(con_app_check(s, cd_str_from(id), CD_STR("wrong"), &a, &err), CD_E_DENIED,
                 "not known");
  expect_refused(con_app_check(s, CD_STR("none"), cd_str_from(secret), &a, &err), CD_E_DENIED,
                 "not known");
  expect_refused(con_app_check(s, CD_STR("none"), (cd_str){0}, &a, &err), CD_E_DENIED, "not known");
  expect_ok(con_app_revoke(s, &alice, cd_str_from(id), &err));
  expect_refused(con_app_check(s, cd_str_from(id), cd_str_from(secret), &a, &err), CD_E_DENIED,
                 "not known");
  expect_ok(con_app_get(s, cd_str_from(id), &a, &err));
  ck_assert(a.revoked);
  con_app_release(&a);
  con_store_close(s);
}
END_TEST

START_TEST(an_application_that_was_edited_or_inserted_has_no_rights)
{
  con_store *s = open_store();
  char id[CD_ID_SIZE];
  char secret[CON_APP_SECRET_TEXT];
  con_app a = {0};
  const cd_str permissions[] = {CD_STR("Machine.Read.All")};
  expect_ok(con_app_create(s, &alice, CD_STR("soar"), permissions, 1, id, secret, &err));
  attack("INSERT INTO app SELECT '0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01', name, secret_hash,"
         " permissions, created, revoked FROM app");
  expect_refused(con_app_check(s, CD_STR("0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01"),
                               cd_str_from(secret), &a, &err),
                 CD_E_CONFLICT, "does not record");
  attack("UPDATE app SET permissions = '[\"Machine.Isolate\"]'");
  expect_refused(con_app_check(s, cd_str_from(id), cd_str_from(secret), &a, &err), CD_E_CONFLICT,
                 "does not record");
  expect_refused(con_app_get(s, cd_str_from(id), &a, &err), CD_E_CONFLICT, "does not record");
  attack("UPDATE app SET permissions = '[\"Machine.Read.All\"]'");
  expect_ok(con_app_revoke(s, &alice, cd_str_from(id), &err));
  attack("UPDATE app SET revoked = 0");
  expect_refused(con_app_check(s, cd_str_from(id), cd_str_from(secret), &a, &err), CD_E_DENIED,
                 "not known");
  con_store_close(s);
}
END_TEST

/* In the database or its WAL, as text or as bytes. */
static bool file_has(const char *path, const void *bytes, size_t len)
{
  FILE *f = fopen(path, "rb");
  bool found = false;
  if (f == NULL)
    return false;
  ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
  long size = ftell(f);
  ck_assert_int_ge(size, 0);
  rewind(f);
  char *all = malloc((size_t)size + 1);
  ck_assert_ptr_nonnull(all);
  ck_assert_uint_eq(fread(all, 1, (size_t)size, f), (size_t)size);
  found = memmem(all, (size_t)size, bytes, len) != NULL;
  free(all);
  ck_assert_int_eq(fclose(f), 0);
  return found;
}

START_TEST(no_secret_is_in_the_database)
{
  con_store *s = open_store();
  uint8_t token[CON_SECRET_SIZE];
  char id[CD_ID_SIZE];
  char secret[CON_APP_SECRET_TEXT];
  make_token(s, 1, token);
  expect_ok(con_app_create(s, &alice, CD_STR("soar"), NULL, 0, id, secret, &err));
  con_store_close(s);
  const char *const files[] = {db_path(), at("console.db-wal")};
  for (size_t i = 0; i < COUNT_OF(files); i++) {
    ck_assert(!file_has(files[i], token, sizeof(token)));
    ck_assert(!file_has(files[i], secret, sizeof(secret) - 1));
    ck_assert(!file_has(files[i], test_seal()->bytes, CON_SEAL_SIZE));
  }
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      a_token_is_used_up,
      a_device_chooses_among_the_tags_that_its_token_lets_it,
      a_revoked_or_expired_or_unknown_token_enrols_nobody,
      a_token_needs_uses_and_an_end,
      an_application_is_known_by_its_secret_alone,
      an_application_that_was_edited_or_inserted_has_no_rights,
      who_has_used_a_token_uses_it_again_without_another_use,
      a_token_that_was_edited_or_inserted_enrols_nobody,
      a_device_row_with_another_key_is_nobody,
      no_secret_is_in_the_database,
  };
  return run_suite("console.store.access", tests, COUNT_OF(tests));
}
