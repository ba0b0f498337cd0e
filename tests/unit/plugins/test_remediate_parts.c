/* Parts of remediation by themselves: what is told, and whose a file is. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "remediate.h"
#include "remediate_bed.h"
#include "suite.h"

enum { RESULT_MAX = 256 * 1024, MANY = 600 };

/* ---- what is told ---- */

static void CORDON_CALL ignore(const cordon_host *h, cordon_op op, uint64_t done, uint64_t total,
                               const char *what)
{
  (void)h;
  (void)op;
  (void)done;
  (void)total;
  (void)what;
}

/* Names of control characters are the longest that there are in JSON. */
START_TEST(a_result_is_never_too_large_and_says_what_it_left_out)
{
  cordon_host host = {.struct_size = sizeof(host), .progress = ignore};
  sup_call call = {.host = &host};
  rem_job j = {.call = &call,
               .operation = "file.quarantine",
               .target = cJSON_CreateObject(),
               .steps = cJSON_CreateArray(),
               .verified = cJSON_CreateArray()};
  char path[600];
  bool failed = false;
  memset(path, _i == 0 ? 'x' : '\1', sizeof(path) - 1);
  path[sizeof(path) - 1] = '\0';
  for (int i = 0; i < MANY; i++) {
    rem_step(&j, "link", "done", "%s", path);
    rem_measured(&j, "link", "%s", path);
  }
  rem_step(&j, "stop", "failed", "it did not end");
  cJSON *result = rem_result(&j);
  char *text = cJSON_PrintUnformatted(result);
  ck_assert_uint_lt(strlen(text), RESULT_MAX - 64 * 1024);
  ck_assert_ptr_nonnull(strstr(text, "more steps are not listed"));
  ck_assert_int_le(cJSON_GetArraySize(cJSON_GetObjectItem(result, "steps")), 256);
  failed = strstr(text, "it did not end") != NULL;
  ck_assert(failed || cJSON_GetArraySize(j.steps) == REM_ITEMS);
  cJSON_free(text);
  cJSON_Delete(result);
  cJSON_Delete(j.steps);
  cJSON_Delete(j.verified);
  cJSON_Delete((cJSON *)(uintptr_t)j.target);
}
END_TEST

START_TEST(digits_of_either_case_are_the_same_bytes)
{
  uint8_t bytes[4];
  char text[9];
  ck_assert(rem_unhex("00aAfF9B", bytes, sizeof(bytes)));
  rem_hex(bytes, sizeof(bytes), text);
  ck_assert_str_eq(text, "00aaff9b");
  ck_assert(!rem_unhex("00aAfF9g", bytes, sizeof(bytes)));
  ck_assert(!rem_unhex("00aAfF9", bytes, sizeof(bytes)));
}
END_TEST

/* ---- whose a file is ---- */

static void folders(const char *path)
{
  char at[256];
  (void)snprintf(at, sizeof(at), "%s", path);
  for (char *slash = strchr(at + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    (void)mkdir(at, 0755);
    *slash = '/';
  }
}

static const struct {
  const char *file;
  const char *text;
  const char *path;
  const char *by; /* NULL: nobody's */
} lists[] = {
    {"/var/lib/pacman/local/tool-1.2-1/files", "%FILES%\nusr/\nusr/bin/tool\n", "/usr/bin/tool",
     "tool-1.2-1"},
    {"/var/lib/pacman/local/tool-1.2-1/files", "%FILES%\nusr/bin/tool\n", "/usr/bin/too", NULL},
    {"/var/db/pkg/app-misc/tool-1.2/CONTENTS",
     "dir /usr\nobj /usr/bin/a tool 0123456789abcdef0123456789abcdef 1700000000\n",
     "/usr/bin/a tool", "app-misc/tool-1.2"},
    {"/var/db/pkg/app-misc/tool-1.2/CONTENTS", "sym /usr/bin/tool -> other 17\nobj /x\n",
     "/usr/bin/tool", NULL},
    {"/var/db/xbps/.tool-files.plist", "<dict>\n\t<string>/usr/bin/a&amp;b</string>\n</dict>\n",
     "/usr/bin/a&b", "tool"},
    {"/var/db/xbps/.tool-files.plist", "\t<string>/usr/bin/ab</string>\n", "/usr/bin/a", NULL},
    {"/var/lib/dpkg/info/other:amd64.list", "/.\n/bin/merged2\n", "/usr/bin/merged2",
     "other:amd64"},
};

START_TEST(a_file_is_its_packages)
{
  char by[REM_SHOW];
  folders(lists[_i].file);
  bed_write(lists[_i].file, lists[_i].text, 0644);
  rem_owned owned = rem_owner_of(lists[_i].path, by);
  if (lists[_i].by == NULL) {
    ck_assert_int_eq(owned, REM_OWNED_NO);
  } else {
    ck_assert_int_eq(owned, REM_OWNED_YES);
    ck_assert_str_eq(by, lists[_i].by);
  }
  ck_assert_int_eq(rem_owner_of("/usr/bin/of-nobody", by), REM_OWNED_NO);
}
END_TEST

START_TEST(where_no_list_is_known_it_is_not_known_whose_a_file_is)
{
  char by[REM_SHOW];
  ck_assert(unlink("/var/lib/dpkg/info/tool.list") == 0);
  ck_assert_int_eq(rem_owner_of("/usr/bin/tool", by), REM_OWNED_UNKNOWN);
  ck_assert_ptr_nonnull(strstr(by, "not known to Cordon"));
  ck_assert_int_eq(rem_owner_of("/srv/data/tool", by), REM_OWNED_NO);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("plugins.remediate_parts");
  TCase *c = tcase_create("facts");
  if (geteuid() != 0) {
    printf("skipped, since only root can mount\n");
    return SKIPPED;
  }
  tcase_set_timeout(c, CASE_TIMEOUT_S);
  tcase_add_checked_fixture(c, bed_mounts, NULL);
  tcase_add_loop_test(c, a_result_is_never_too_large_and_says_what_it_left_out, 0, 2);
  tcase_add_test(c, digits_of_either_case_are_the_same_bytes);
  tcase_add_loop_test(c, a_file_is_its_packages, 0, COUNT_OF(lists));
  tcase_add_test(c, where_no_list_is_known_it_is_not_known_whose_a_file_is);
  suite_add_tcase(suite, c);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
