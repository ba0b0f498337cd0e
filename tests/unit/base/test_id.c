/* base/id.h: UUIDv7 that sort as they were made, in one thread and in many. */
#include "base/id.h"

#include "base/clock.h"

#include "suite.h"

#include <pthread.h>
#include <string.h>

#define MANY 20000
#define THREADS 4
#define PER_THREAD 2000

START_TEST(an_id_is_a_version_7_uuid_of_now)
{
  char id[CD_ID_SIZE];
  cd_err err = {0};
  int64_t before = cd_wall_ms();
  ck_assert_int_eq(cd_id_make(id, &err), CD_OK);
  int64_t after = cd_wall_ms();
  ck_assert_uint_eq(strlen(id), 36);
  ck_assert(cd_id_valid(cd_str_from(id)));
  ck_assert_int_eq(id[14], '7');
  ck_assert_ptr_nonnull(strchr("89ab", id[19]));

  char digits[13] = {0};
  memcpy(digits, id, 8);
  memcpy(digits + 8, id + 9, 4);
  int64_t ms = strtoll(digits, NULL, 16);
  ck_assert_int_ge(ms, before);
  ck_assert_int_le(ms, after);
}
END_TEST

START_TEST(ids_of_one_process_sort_as_they_were_made)
{
  char last[CD_ID_SIZE] = "";
  for (int i = 0; i < MANY; i++) {
    char id[CD_ID_SIZE];
    ck_assert_int_eq(cd_id_make(id, NULL), CD_OK);
    ck_assert_msg(strcmp(last, id) < 0, "%s before %s", last, id);
    memcpy(last, id, sizeof(last));
  }
}
END_TEST

typedef struct made {
  char ids[PER_THREAD][CD_ID_SIZE];
  bool in_order;
} made;

static void *make_many(void *arg)
{
  made *m = arg;
  m->in_order = true;
  for (int i = 0; i < PER_THREAD; i++)
    if (cd_id_make(m->ids[i], NULL) != CD_OK || (i > 0 && strcmp(m->ids[i - 1], m->ids[i]) >= 0))
      m->in_order = false;
  return NULL;
}

static int compare_ids(const void *a, const void *b)
{
  return strcmp(a, b);
}

START_TEST(threads_never_make_the_same_id)
{
  static made all[THREADS];
  static char ids[THREADS * PER_THREAD][CD_ID_SIZE];
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, make_many, &all[i]), 0);
  for (int i = 0; i < THREADS; i++) {
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert(all[i].in_order);
    memcpy(ids[i * PER_THREAD], all[i].ids, sizeof(all[i].ids));
  }
  qsort(ids, COUNT_OF(ids), sizeof(ids[0]), compare_ids);
  /* The first 18 characters are time and counter: those alone must differ already. */
  for (size_t i = 1; i < COUNT_OF(ids); i++)
    ck_assert_int_ne(strncmp(ids[i - 1], ids[i], 18), 0);
}
END_TEST

START_TEST(only_lower_case_uuids_are_valid)
{
  static const struct {
    const char *text;
    bool valid;
  } rows[] = {
      {"01890a5d-ac96-774b-bcce-b302099a8057", true},
      {"00000000-0000-0000-0000-000000000000", true},
      {"01890A5D-AC96-774B-BCCE-B302099A8057", false},
      {"01890a5d-ac96-774b-bcce-b302099a805", false},
      {"01890a5d-ac96-774b-bcce-b302099a80577", false},
      {"01890a5dac96-774b-bcce-b302099a8057-", false},
      {"01890a5d-ac96-774b-bcce-b302099a805g", false},
      {"01890a5d_ac96_774b_bcce_b302099a8057", false},
      {"01890a5d-ac96-774b-bcce-b302099a80\n7", false},
      {"{1890a5d-ac96-774b-bcce-b302099a805}", false},
      {"", false},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++)
    ck_assert_msg(cd_id_valid(cd_str_from(rows[i].text)) == rows[i].valid, "row %zu", i);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      an_id_is_a_version_7_uuid_of_now,
      ids_of_one_process_sort_as_they_were_made,
      threads_never_make_the_same_id,
      only_lower_case_uuids_are_valid,
  };
  return run_suite("base.id", tests, COUNT_OF(tests));
}
