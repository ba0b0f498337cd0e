/* A folder and a database for each test, and what most of them begin with. */
#ifndef CON_TEST_STORE_PLACE_H
#define CON_TEST_STORE_PLACE_H

#include <check.h>

#include <stdbool.h>
#include <stddef.h>

#include "store.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define HOUR_MS INT64_C(3600000)

/* Runs the tests, each in a process and an empty folder of its own; the program's exit code. */
int run_suite(const char *name, const TTest *const *tests, size_t count);
/* The same with one test more, run once for each of `rows` rows. */
int run_suite_with_rows(const char *name, const TTest *const *tests, size_t count,
                        const TTest *row_test, size_t rows);

const char *place(void);
/* The path of a name in the test's folder; good until the fourth call after this one. */
const char *at(const char *name);
/* A copy of a file, WAL and all left out. */
void copy_file(const char *from, const char *to);

extern cd_err err;
/* Fails the test with the sentence. */
#define expect_ok(call) ck_assert_msg((call) == CD_OK, "%s", err.text)
/* The call failed with this code, and the sentence has these words. */
#define expect_refused(call, code, words)                                                          \
  do {                                                                                             \
    err.text[0] = '\0';                                                                            \
    ck_assert_int_eq((call), (code));                                                              \
    ck_assert_msg(strstr(err.text, (words)) != NULL, "'%s' has no '%s'", err.text, (words));       \
  } while (0)

const con_seal_key *test_seal(void);
const char *db_path(void);
con_store *open_store(void);
/* Executes SQL on the database over a connection of its own, as an attacker would. */
void attack(const char *sql);

extern const con_by alice;
/* A token for `uses` devices; its secret. */
void make_token(con_store *s, uint64_t uses, uint8_t secret[CON_SECRET_SIZE]);
/* Enrols a device with this name and a device key made from `seed`; its id and entry. */
con_enrolled enroll(con_store *s, const uint8_t secret[CON_SECRET_SIZE], const char *name,
                    unsigned seed);
/* A token and a device in one. */
con_enrolled add_device(con_store *s, const char *name, unsigned seed);
con_action_made isolate(con_store *s, const char *device);
con_action_made release(con_store *s, const char *device);

#endif
