/* What the scanner opens when others swap files in the meantime, and what its result holds. */
#include "clamav.h"

#include "suite.h"

#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>

static char folder[] = "/tmp/cordon-scan-XXXXXX";
static char file[64];
static char pipe_at[64];

static void on_missed(void *data, const char *path, sup_miss reason, uint64_t size)
{
  (void)data;
  (void)path;
  (void)reason;
  (void)size;
}

static void on_left_out(void *data, const char *path, const char *type)
{
  (void)data;
  (void)path;
  (void)type;
}

static void put(const char *path, const char *text)
{
  int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
  (void)close(fd);
}

static void set_up(void)
{
  ck_assert_ptr_nonnull(mkdtemp(folder));
  (void)snprintf(file, sizeof(file), "%s/library", folder);
  (void)snprintf(pipe_at, sizeof(pipe_at), "%s/pipe", folder);
  put(file, "library");
  ck_assert_int_eq(mkfifo(pipe_at, 0600), 0);
}

static void tear_down(void)
{
  (void)unlink(file);
  (void)unlink(pipe_at);
  (void)rmdir(folder);
}

/* The files that a plan gives; a pipe stands for a device that must not be opened. */
static int walk(const sup_plan *plan, bool *ret_pipe_opened)
{
  char event[4096];
  sup_walk_events events = {.not_scanned = on_missed, .left_out = on_left_out};
  int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  ck_assert_int_ge(inotify_add_watch(watch, pipe_at, IN_OPEN), 0);
  sup_walk *w = sup_walk_new(plan, false, 0, &events);
  sup_file f;
  int files = 0;
  for (int got = 0; (got = sup_walk_next(w, &f)) >= 0;) {
    files += got;
    sup_file_release(&f);
  }
  sup_walk_free(w);
  *ret_pipe_opened = read(watch, event, sizeof(event)) > 0;
  (void)close(watch);
  return files;
}

START_TEST(a_library_that_became_a_link_is_not_opened)
{
  static char root[] = "/proc/self/root";
  struct stat st;
  bool opened = true;
  ck_assert_int_eq(stat(file, &st), 0);
  sup_image i = {.open = root, .below = true, .path = file, .dev = st.st_dev, .ino = st.st_ino};
  sup_plan plan = {.images = &i, .image_count = 1};
  ck_assert_int_eq(walk(&plan, &opened), 1);
  ck_assert(!opened);
  ck_assert_int_eq(unlink(file), 0);
  ck_assert_int_eq(symlink(pipe_at, file), 0);
  ck_assert_int_eq(walk(&plan, &opened), 0);
  ck_assert(!opened);
  ck_assert_int_lt(sup_place(AT_FDCWD, file), 0);
  ck_assert_int_eq(unlink(file), 0);
  ck_assert_int_eq(rename(pipe_at, file), 0);
  ck_assert_int_eq(sup_open_file(sup_place(AT_FDCWD, file), NULL), -1);
}
END_TEST

static void keep_missed(void *data, const char *path, sup_miss reason, uint64_t size)
{
  clam_report_not_scanned(data, path, reason, size);
}

/* A folder and a file that may not be opened: neither is passed over. */
START_TEST(what_may_not_be_read_is_told)
{
  char closed[80];
  sup_root root = {.path = folder, .asked = true};
  sup_plan plan = {.roots = &root, .root_count = 1};
  clam_report *r = clam_report_new();
  sup_walk_events events = {.not_scanned = keep_missed, .left_out = on_left_out, .data = r};
  sup_file f;
  (void)snprintf(closed, sizeof(closed), "%s/closed", folder);
  ck_assert(mkdir(closed, 0) == 0 && chmod(file, 0) == 0 && chmod(folder, 0755) == 0);
  if (geteuid() == 0)
    ck_assert_int_eq(seteuid(65534), 0);
  sup_walk *w = sup_walk_new(&plan, false, 0, &events);
  for (int got = 0; (got = sup_walk_next(w, &f)) >= 0;)
    ck_assert_int_eq(got, 0);
  sup_walk_free(w);
  (void)seteuid(0);
  (void)rmdir(closed);
  cJSON *result = cJSON_CreateObject();
  clam_report_write(r, result);
  char *text = cJSON_PrintUnformatted(result);
  ck_assert_uint_eq(clam_report_missed(r), 2);
  ck_assert_ptr_nonnull(strstr(text, "\"not_scanned_reasons\":{\"permission\":2}"));
  ck_assert_ptr_nonnull(strstr(text, closed));
  cJSON_free(text);
  cJSON_Delete(result);
  clam_report_free(r);
}
END_TEST

START_TEST(what_grew_or_changed_is_not_what_was_opened)
{
  sup_file f = {.fd = open(file, O_RDONLY | O_CLOEXEC)};
  ck_assert_int_eq(fstat(f.fd, &f.st), 0);
  ck_assert_int_eq(sup_file_after(&f, 100), SUP_MISSES);
  put(file, "more");
  ck_assert_int_eq(sup_file_after(&f, 100), SUP_MISS_CHANGED);
  ck_assert_int_eq(sup_file_after(&f, 10), SUP_MISS_TOO_LARGE);
  sup_file_release(&f);
}
END_TEST

START_TEST(what_is_left_out_does_not_fill_the_result)
{
  char path[SUP_PATH];
  clam_report *r = clam_report_new();
  memset(path, 1, sizeof(path) - 1);
  path[0] = '/';
  path[sizeof(path) - 1] = '\0';
  for (int i = 0; i < 30; i++)
    clam_report_left_out(r, i == 0 ? "/far" : path, "nfs");
  cJSON *result = cJSON_CreateObject();
  clam_report_write(r, result);
  char *text = cJSON_PrintUnformatted(result);
  ck_assert_uint_lt(strlen(text), 20u * 1024u);
  ck_assert_ptr_nonnull(strstr(text, "\"file_systems_total\":30"));
  ck_assert_ptr_nonnull(strstr(text, "/far"));
  cJSON_free(text);
  cJSON_Delete(result);
  clam_report_free(r);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      a_library_that_became_a_link_is_not_opened, what_grew_or_changed_is_not_what_was_opened,
      what_may_not_be_read_is_told, what_is_left_out_does_not_fill_the_result};
  return run_suite_with("scan", tests, COUNT_OF(tests), set_up, tear_down);
}
