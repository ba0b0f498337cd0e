#include "store_place.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 256
#define TEST_TIMEOUT_S 120

static char base[PATH_SIZE];
static char here[PATH_SIZE];
cd_err err;
const con_by alice = {.who = CD_STR_INIT("alice"), .comment = CD_STR_INIT("because of a test")};

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
  return remove(path);
}

const char *place(void)
{
  if (here[0] == '\0') {
    (void)snprintf(here, sizeof(here), "%.200s/XXXXXX", base);
    ck_assert_ptr_nonnull(mkdtemp(here));
    ck_assert_int_eq(chmod(here, 0755), 0);
  }
  return here;
}

const char *at(const char *name)
{
  static char paths[4][2 * PATH_SIZE];
  static unsigned turn;
  char *path = paths[turn++ % 4];
  (void)snprintf(path, sizeof(paths[0]), "%s/%s", place(), name);
  return path;
}

void copy_file(const char *from, const char *to)
{
  char bytes[65536];
  int in = open(from, O_RDONLY | O_CLOEXEC);
  int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  ck_assert_msg(in >= 0 && out >= 0, "'%s': %s", from, strerror(errno));
  for (;;) {
    ssize_t got = read(in, bytes, sizeof(bytes));
    ck_assert_int_ge(got, 0);
    if (got == 0)
      break;
    ck_assert_int_eq(write(out, bytes, (size_t)got), got);
  }
  ck_assert_int_eq(close(in), 0);
  ck_assert_int_eq(close(out), 0);
}

int run_suite(const char *name, const TTest *const *tests, size_t count)
{
  return run_suite_with_rows(name, tests, count, NULL, 0);
}

int run_suite_with_rows(const char *name, const TTest *const *tests, size_t count,
                        const TTest *row_test, size_t rows)
{
  Suite *suite = suite_create(name);
  TCase *facts = tcase_create("facts");
  tcase_set_timeout(facts, TEST_TIMEOUT_S);
  for (size_t i = 0; i < count; i++)
    tcase_add_test(facts, tests[i]);
  if (row_test != NULL)
    tcase_add_loop_test(facts, row_test, 0, (int)rows);
  suite_add_tcase(suite, facts);
  SRunner *runner = srunner_create(suite);
  (void)snprintf(base, sizeof(base), "/tmp/cordon-test-XXXXXX");
  if (mkdtemp(base) == NULL || chmod(base, 0755) != 0)
    return EXIT_FAILURE;
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  (void)nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

const con_seal_key *test_seal(void)
{
  static con_seal_key key;
  memset(key.bytes, 0x5e, sizeof(key.bytes));
  return &key;
}

const char *db_path(void)
{
  static char path[2 * PATH_SIZE];
  (void)snprintf(path, sizeof(path), "%s/console.db", place());
  return path;
}

con_store *open_store(void)
{
  con_store *s = NULL;
  const con_store_options options = {.path = db_path(), .seal = test_seal()};
  expect_ok(con_store_open(&options, &s, &err));
  return s;
}

void attack(const char *sql)
{
  sqlite3 *db = NULL;
  char *why = NULL;
  ck_assert_int_eq(sqlite3_open_v2(db_path(), &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
  (void)sqlite3_busy_timeout(db, 5000);
  ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &why) == SQLITE_OK, "%s", why);
  ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

void make_token(con_store *s, uint64_t uses, uint8_t secret[CON_SECRET_SIZE])
{
  char id[CD_ID_SIZE];
  const cd_str tags[] = {CD_STR("fleet")};
  expect_ok(con_token_create(s, &alice, uses, cd_wall_ms() + HOUR_MS, tags, 1, CD_STR("a note"), id,
                             secret, &err));
}

con_enrolled enroll(con_store *s, const uint8_t secret[CON_SECRET_SIZE], const char *name,
                    unsigned seed)
{
  con_enrolled out = {0};
  char key[123];
  char id[65];
  con_enrolment e = {.dns_name = cd_str_from(name),
                     .os_platform = CD_STR("Linux"),
                     .agent_version = CD_STR("1.0"),
                     .peer = CD_STR("192.0.2.7")};
  memset(key, 'A', sizeof(key) - 1);
  key[122] = '\0';
  (void)snprintf(id, sizeof(id), "%064x", seed);
  memcpy(e.token, secret, CON_SECRET_SIZE);
  memset(e.tls_key.bytes, (int)seed, sizeof(e.tls_key.bytes));
  e.device_key = (cd_str){key, 122};
  e.key_id = cd_str_from(id);
  expect_ok(con_device_enroll(s, &e, &out, &err));
  return out;
}

con_enrolled add_device(con_store *s, const char *name, unsigned seed)
{
  uint8_t secret[CON_SECRET_SIZE];
  make_token(s, 1, secret);
  return enroll(s, secret, name, seed);
}

static con_action_made create(con_store *s, const char *device, cd_order_kind kind)
{
  bool isolates = kind == CD_ORDER_ISOLATE;
  con_action_made made = {0};
  const con_action_new n = {.device = cd_str_from(device),
                            .kind = kind,
                            .type = isolates ? CD_STR("Isolate") : CD_STR("Unisolate"),
                            .scope = isolates ? CD_STR("Full") : (cd_str){0},
                            .source = CD_STR("PublicApi"),
                            .parameters = isolates ? CD_STR("{\"type\":\"full\",\"exclusions\":[]}")
                                                   : CD_STR("{}"),
                            .expires_ms = cd_wall_ms() + HOUR_MS};
  expect_ok(con_action_create(s, &alice, &n, &made, &err));
  return made;
}

con_action_made isolate(con_store *s, const char *device)
{
  return create(s, device, CD_ORDER_ISOLATE);
}

con_action_made release(con_store *s, const char *device)
{
  return create(s, device, CD_ORDER_RELEASE);
}
