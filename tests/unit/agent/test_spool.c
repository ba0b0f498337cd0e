/* The spool: what is removed from it, who hears of that, and what is remembered. */
#include "place.h"
#include "spool.h"

#include "base/id.h"

#include <check.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const ids[] = {"01890a5d-ac96-774b-bcce-b302099a8051",
                                  "01890a5d-ac96-774b-bcce-b302099a8052",
                                  "01890a5d-ac96-774b-bcce-b302099a8053"};

static char folder[] = "/tmp/cordon-spool.XXXXXX";
static agent_spool spool;
static unsigned heard;
static char heard_of[CD_ID_SIZE];

static void hear(void *context, const char *id, const char *why)
{
  cd_err err = {0};
  heard++;
  (void)snprintf(heard_of, sizeof(heard_of), "%s", id);
  /* As the collector does. */
  ck_assert_int_eq(agent_spool_note(context, id, why, &err), CD_OK);
}

static const agent_spool_ear ear = {.removes = hear, .context = &spool};

static void fill(const char *id, size_t bytes, time_t age_s)
{
  char path[200];
  static const char zeros[4096];
  (void)snprintf(path, sizeof(path), "%s/spool/%s.zip", folder, id);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(write(fd, zeros, bytes), (ssize_t)bytes);
  const struct timespec times[] = {{.tv_sec = time(NULL) - age_s}, {.tv_sec = time(NULL) - age_s}};
  ck_assert_int_eq(futimens(fd, times), 0);
  (void)close(fd);
}

static void begin(void)
{
  cd_err err = {0};
  ck_assert_ptr_nonnull(mkdtemp(folder));
  ck_assert_int_eq(agent_spool_open(&spool, folder, &err), CD_OK);
  heard = 0;
}

static void finish(void)
{
  char path[200];
  for (size_t i = 0; i < COUNT_OF(ids); i++)
    agent_spool_drop(&spool, ids[i]);
  (void)snprintf(path, sizeof(path), "%s/spool", folder);
  ck_assert_int_eq(rmdir(path), 0);
  ck_assert_int_eq(rmdir(folder), 0);
}

static bool list(void *context, cd_str id)
{
  cd_buf_add_str(context, id);
  cd_buf_add_char(context, ' ');
  return true;
}

static void expect_why(const char *id, const char *why)
{
  cd_buf text = CD_BUF_INIT(1024);
  cd_err err = {0};
  ck_assert_int_eq(agent_spool_gone(&spool, id, &text, &err), why != NULL ? CD_OK : CD_E_NOTFOUND);
  if (why != NULL)
    ck_assert_ptr_nonnull(strstr(cd_buf_cstr(&text), why));
  cd_buf_release(&text);
}

START_TEST(the_oldest_goes_and_somebody_hears_why)
{
  cd_err err = {0};
  cd_buf seen = CD_BUF_INIT(1024);
  char all[200];
  begin();
  for (size_t i = 0; i < COUNT_OF(ids); i++)
    fill(ids[i], 1000, 0);
  ck_assert_int_eq(agent_spool_shrink(&spool, 2000, &ear, &err), CD_OK);
  ck_assert_uint_eq(heard, 1);
  ck_assert_str_eq(heard_of, ids[0]);
  expect_why(ids[0], "make room for another package");
  expect_why(ids[1], NULL);
  ck_assert_int_eq(agent_spool_each(&spool, list, &seen, &err), CD_OK);
  (void)snprintf(all, sizeof(all), "%s %s %s ", ids[1], ids[2], ids[0]);
  ck_assert_str_eq(cd_buf_cstr(&seen), all);
  agent_spool_drop(&spool, ids[0]);
  expect_why(ids[0], NULL);
  cd_buf_release(&seen);
  finish();
}
END_TEST

START_TEST(what_is_too_old_goes_and_somebody_hears_why)
{
  cd_err err = {0};
  uint64_t bytes = 0;
  begin();
  fill(ids[0], 1000, 7200);
  fill(ids[1], 500, 0);
  ck_assert_int_eq(agent_spool_tidy(&spool, 3600, &ear, &bytes, &err), CD_OK);
  ck_assert_uint_eq(bytes, 500);
  ck_assert_uint_eq(heard, 1);
  expect_why(ids[0], "was not fetched");
  /* The note stays when it is tidied again. */
  ck_assert_int_eq(agent_spool_tidy(&spool, 3600, &ear, &bytes, &err), CD_OK);
  ck_assert_uint_eq(heard, 1);
  expect_why(ids[0], "was not fetched");
  finish();
}
END_TEST

int main(void)
{
  Suite *s = suite_create("agent.spool");
  TCase *t = tcase_create("facts");
  tcase_add_test(t, the_oldest_goes_and_somebody_hears_why);
  tcase_add_test(t, what_is_too_old_goes_and_somebody_hears_why);
  suite_add_tcase(s, t);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
