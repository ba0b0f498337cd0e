/* The spool: what is removed from it, who hears of that, and what is remembered. Runs on each
 * system. */
#include "spool.h"

#include "base/id.h"
#include "platform/file.h"
#include "platform/private.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const char *const ids[] = {"01890a5d-ac96-774b-bcce-b302099a8051",
                                  "01890a5d-ac96-774b-bcce-b302099a8052",
                                  "01890a5d-ac96-774b-bcce-b302099a8053"};

static char folder[500];
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

static void path_in(const char *name, const char *suffix, char out[600])
{
  (void)snprintf(out, 600, "%s/spool/%s%s", folder, name, suffix);
}

static void fill(const char *id, size_t bytes, time_t age_s)
{
  char path[600];
  static char zeros[4096];
  uv_fs_t req;
  path_in(id, ".zip", path);
  uv_file file =
      uv_fs_open(NULL, &req, path, UV_FS_O_WRONLY | UV_FS_O_CREAT | UV_FS_O_TRUNC, 0600, NULL);
  uv_fs_req_cleanup(&req);
  ck_assert_int_ge(file, 0);
  uv_buf_t part = uv_buf_init(zeros, (unsigned)bytes);
  ck_assert_int_eq(uv_fs_write(NULL, &req, file, &part, 1, 0, NULL), (int)bytes);
  uv_fs_req_cleanup(&req);
  double when = (double)(time(NULL) - age_s);
  ck_assert_int_eq(uv_fs_futime(NULL, &req, file, when, when, NULL), 0);
  uv_fs_req_cleanup(&req);
  pf_number_close(file);
}

static void begin(void)
{
  char base[400];
  char pattern[500];
  size_t size = sizeof(base);
  cd_err err = {0};
  uv_fs_t req;
  ck_assert_int_eq(uv_os_tmpdir(base, &size), 0);
  (void)snprintf(pattern, sizeof(pattern), "%s/cordon-spool-XXXXXX", base);
  ck_assert_int_eq(uv_fs_mkdtemp(NULL, &req, pattern, NULL), 0);
  (void)snprintf(folder, sizeof(folder), "%s", req.path);
  uv_fs_req_cleanup(&req);
  ck_assert_msg(agent_spool_open(&spool, folder, &err) == CD_OK, "%s", err.text);
  heard = 0;
}

static void remove_folder(const char *path)
{
  uv_fs_t req;
  ck_assert_int_eq(uv_fs_rmdir(NULL, &req, path, NULL), 0);
  uv_fs_req_cleanup(&req);
}

static void finish(void)
{
  char path[600];
  for (size_t i = 0; i < COUNT_OF(ids); i++)
    agent_spool_drop(&spool, ids[i]);
  path_in("", "", path);
  remove_folder(path);
  remove_folder(folder);
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

static bool is_there(const char *id, const char *suffix)
{
  char path[600];
  uv_fs_t req;
  path_in(id, suffix, path);
  int uv = uv_fs_lstat(NULL, &req, path, NULL);
  uv_fs_req_cleanup(&req);
  return uv == 0;
}

static void put(uv_file file, const char *text)
{
  uv_fs_t req;
  uv_buf_t part = uv_buf_init((char *)(uintptr_t)text, (unsigned)strlen(text));
  ck_assert_int_eq(uv_fs_write(NULL, &req, file, &part, 1, 0, NULL), (int)strlen(text));
  uv_fs_req_cleanup(&req);
}

/* Kept under its maker's hands: the file is still open, as it is for the agent. */
START_TEST(what_is_made_is_the_agents_alone_and_kept_whole_under_its_id)
{
  uv_file file = -1;
  uv_file other = -1;
  uint64_t size = 0;
  cd_err err = {0};
  cd_buf got = CD_BUF_INIT(1024);
  begin();
  ck_assert_msg(agent_spool_make(&spool, ids[0], &file, &err) == CD_OK, "%s", err.text);
  ck_assert_int_eq(agent_spool_make(&spool, ids[0], &other, &err), CD_E_CONFLICT);
  ck_assert_msg(pf_private_check(file, "the package", &err) == CD_OK, "%s", err.text);
  put(file, "a package");
  ck_assert_int_eq(agent_spool_read(&spool, ids[0], 0, 100, &got, &size, &err), CD_E_NOTFOUND);
  ck_assert_msg(agent_spool_keep(&spool, ids[0], file, &err) == CD_OK, "%s", err.text);
  ck_assert(!is_there(ids[0], ".part"));
  ck_assert_msg(agent_spool_read(&spool, ids[0], 2, 100, &got, &size, &err) == CD_OK, "%s",
                err.text);
  ck_assert_uint_eq(size, 9);
  ck_assert_str_eq(cd_buf_cstr(&got), "package");
  ck_assert_int_eq(agent_spool_read(&spool, ids[0], 10, 100, &got, &size, &err), CD_E_INVALID);
  pf_number_close(file);
  cd_buf_release(&got);
  finish();
}
END_TEST

START_TEST(what_an_agent_before_did_not_finish_is_removed)
{
  uv_file file = -1;
  cd_err err = {0};
  begin();
  ck_assert_int_eq(agent_spool_make(&spool, ids[0], &file, &err), CD_OK);
  pf_number_close(file);
  fill(ids[1], 10, 0);
  ck_assert_int_eq(agent_spool_open(&spool, folder, &err), CD_OK);
  ck_assert(!is_there(ids[0], ".part"));
  ck_assert(is_there(ids[1], ".zip"));
  finish();
}
END_TEST

int main(void)
{
  Suite *s = suite_create("agent.spool");
  TCase *t = tcase_create("facts");
  tcase_add_test(t, the_oldest_goes_and_somebody_hears_why);
  tcase_add_test(t, what_is_too_old_goes_and_somebody_hears_why);
  tcase_add_test(t, what_is_made_is_the_agents_alone_and_kept_whole_under_its_id);
  tcase_add_test(t, what_an_agent_before_did_not_finish_is_removed);
  suite_add_tcase(s, t);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
