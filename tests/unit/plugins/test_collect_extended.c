/* What the profile `extended` adds: open files, memory maps, the time line, hashes of programs.
 * Each of them over facts that were planted, row by row. */
#include "collect.h"
#include "items.h"

#include "collect_device_bed.h"
#include "suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEVICE "/device"
#define HELLO "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define MTIME 1700000000
#define MTIME_TEXT "2023-11-14T22:13:20Z"
#define ATIME 1600000000
#define ATIME_TEXT "2020-09-13T12:26:40Z"

enum { TEXT = 64 * 1024, LINES_MAX = 64, OWNER = 12, GROUP = 34 };

static char device[128]; /* its folder: the package lies beside it */

static void make_device(void)
{
  bed_make_folder(DEVICE, 0755);
  (void)snprintf(device, sizeof(device), "%s" DEVICE, bed_root);
}

/* Runs the one item of the collector that makes this file, which the test frees. */
static char *collect(const char *root, const char *folder, const char *name)
{
  size_t count = 0;
  char path[64];
  const col_item *item = col_items(&count);
  for (; count > 0 && (strcmp(item->name, name) != 0 || strcmp(item->folder, folder) != 0); count--)
    item++;
  ck_assert_msg(count > 0, "no item makes %s", name);
  ck_assert_msg(item->extended, "%s is of every package", name);
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  o.root = root;
  o.extended = true;
  o.max_file = 3 * COL_MIB;
  cordon_status status = col_run(&o, item, 1, &totals, NULL, NULL, &err);
  /* Of this very machine some processes may not be seen. */
  ck_assert_msg(status == CORDON_OK || (root[0] == '\0' && status == CORDON_PARTIAL), "%s",
                err.sentence);
  (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
  return bed_package_file(path);
}

/* Once, and not as a part of another row. */
static void check_row(const char *table, const char *row)
{
  char line[1024];
  (void)snprintf(line, sizeof(line), "\r\n%s\r\n", row);
  const char *found = strstr(table, line);
  ck_assert_msg(found != NULL, "'%s' is no row", row);
  ck_assert_msg(strstr(found + 2, line) == NULL, "'%s' is there twice", row);
}

/* ---- open files ---- */

static void make_process(const char *pid)
{
  char path[64];
  (void)snprintf(path, sizeof(path), DEVICE "/proc/%s", pid);
  bed_make_folder(path, 0755);
  (void)snprintf(path, sizeof(path), DEVICE "/proc/%s/fd", pid);
  bed_make_folder(path, 0755);
}

START_TEST(each_descriptor_of_each_process_is_a_row)
{
  make_device();
  bed_make_folder(DEVICE "/proc", 0755);
  make_process("77");
  bed_make_link("/tmp/a, \"b\"", DEVICE "/proc/77/fd/3");
  make_process("self");
  bed_make_link("/of/no/process", DEVICE "/proc/self/fd/9");
  make_process("8");
  char *text = collect(device, "Processes", "open_files.csv");
  ck_assert_str_eq(text, "pid,descriptor,target\r\n77,3,\"/tmp/a, \"\"b\"\"\"\r\n");
  free(text);
}
END_TEST

START_TEST(what_this_process_has_open_is_told_and_what_is_deleted_too)
{
  char path[2][128];
  char row[512];
  int fds[2];
  int ends[2];
  struct stat st;
  for (int i = 0; i < 2; i++) {
    (void)snprintf(path[i], sizeof(path[i]), "%s/open-%d", bed_root, i);
    fds[i] = open(path[i], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_ge(fds[i], 0);
  }
  ck_assert_int_eq(unlink(path[1]), 0);
  ck_assert_int_eq(pipe(ends), 0);
  ck_assert_int_eq(fstat(ends[0], &st), 0);
  char *text = collect("", "Processes", "open_files.csv");
  (void)snprintf(row, sizeof(row), "%d,%d,%s", (int)getpid(), fds[0], path[0]);
  check_row(text, row);
  (void)snprintf(row, sizeof(row), "%d,%d,%s (deleted)", (int)getpid(), fds[1], path[1]);
  check_row(text, row);
  for (int i = 0; i < 2; i++) {
    (void)snprintf(row, sizeof(row), "%d,%d,pipe:[%llu]", (int)getpid(), ends[i],
                   (unsigned long long)st.st_ino);
    check_row(text, row);
  }
  free(text);
}
END_TEST

/* ---- maps ---- */

START_TEST(each_map_of_each_process_is_a_row)
{
  make_device();
  bed_make_folder(DEVICE "/proc", 0755);
  make_process("77");
  bed_make(DEVICE "/proc/77/maps",
           "00400000-0040b000 r-xp 00001000 08:01 123                    /bin/planted one\n"
           "7f0000000000-7f0000001000 rwxp 00000000 00:00 0 \n"
           "7f0000002000-7f0000003000 r--p 00000000 08:01 7 /lib/gone.so (deleted)\n");
  char *text = collect(device, "Processes", "memory_maps.csv");
  ck_assert_str_eq(text,
                   "pid,range,rights,offset,device,inode,file\r\n"
                   "77,00400000-0040b000,r-xp,00001000,08:01,123,/bin/planted one\r\n"
                   "77,7f0000000000-7f0000001000,rwxp,00000000,00:00,0,\r\n"
                   "77,7f0000002000-7f0000003000,r--p,00000000,08:01,7,/lib/gone.so (deleted)\r\n");
  free(text);
}
END_TEST

/* Device and inode are the file system's own business: an overlay has others than stat tells. */
START_TEST(what_this_process_has_mapped_is_told)
{
  char path[128];
  char front[128];
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  (void)snprintf(path, sizeof(path), "%s/mapped", bed_root);
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ck_assert_int_eq(ftruncate(fd, 2 * (off_t)page), 0);
  const char *at = mmap(NULL, page, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, (off_t)page);
  ck_assert(at != MAP_FAILED);
  (void)close(fd);
  char *text = collect("", "Processes", "memory_maps.csv");
  (void)snprintf(front, sizeof(front), "\r\n%d,%08llx-%08llx,r-xp,%08llx,", (int)getpid(),
                 (unsigned long long)(uintptr_t)at, (unsigned long long)(uintptr_t)at + page,
                 (unsigned long long)page);
  char *row = strstr(text, front);
  ck_assert_msg(row != NULL, "no row begins with '%s'", front + 2);
  *strstr(row + 2, "\r\n") = '\0';
  ck_assert_str_eq(strrchr(row, ',') + 1, path);
  free(text);
}
END_TEST

/* ---- a tree ---- */

typedef struct planted {
  const char *path;
  mode_t mode; /* with its type */
  const char *content;
  const char *said_mode;
  const char *said_path; /* NULL: as it is */
  bool is_program;
  const char *sha256;
} planted;

static const planted tree[] = {
    {"/bin", S_IFDIR | 0755, NULL, "drwxr-xr-x", NULL, false, NULL},
    {"/bin/program", S_IFREG | 0755, "hello", "-rwxr-xr-x", NULL, true, HELLO},
    {"/bin/as_root", S_IFREG | 04755, "hello", "-rwsr-xr-x", NULL, true, HELLO},
    {"/bin/as_group", S_IFREG | 02711, "", "-rwx--s--x", NULL, true, NOTHING},
    {"/bin/others", S_IFREG | 0601, "hello", "-rw------x", NULL, true, HELLO},
    {"/bin/none", S_IFREG | 06644, "hello", "-rwSr-Sr--", NULL, false, NULL},
    {"/bin/link", S_IFLNK | 0777, "/bin/program", "lrwxrwxrwx", NULL, false, NULL},
    {"/deep", S_IFDIR | 0700, NULL, "drwx------", NULL, false, NULL},
    {"/deep/er", S_IFDIR | 0700, NULL, "drwx------", NULL, false, NULL},
    {"/deep/er/=a|b", S_IFREG | 0100, "hello", "---x------", "/deep/er/=a\\x7cb", true, HELLO},
    {"/deep/pipe", S_IFIFO | 0600, NULL, "prw-------", NULL, false, NULL},
    {"/notes.txt", S_IFREG | 0640, "hello, world", "-rw-r-----", NULL, false, NULL},
    {"/tmp", S_IFDIR | 01777, NULL, "drwxrwxrwt", NULL, false, NULL},
};

static void full_path(const planted *p, char ret_path[256])
{
  (void)snprintf(ret_path, 256, "%s%s", device, p->path);
}

static void plant(const planted *p)
{
  char full[256];
  char below[128];
  full_path(p, full);
  (void)snprintf(below, sizeof(below), DEVICE "%s", p->path);
  if (S_ISDIR(p->mode))
    bed_make_folder(below, p->mode & 07777);
  else if (S_ISLNK(p->mode))
    bed_make_link(p->content, below);
  else if (S_ISFIFO(p->mode))
    ck_assert_int_eq(mkfifo(full, p->mode & 07777), 0);
  else
    bed_make(below, p->content);
  /* A new owner takes the set-user-ID bit away. */
  if (geteuid() == 0)
    ck_assert_int_eq(lchown(full, OWNER, GROUP), 0);
  if (!S_ISLNK(p->mode))
    ck_assert_int_eq(chmod(full, p->mode & 07777), 0);
}

/* What the kernel makes up is left out, even where it is a folder like others. */
static void plant_tree(void)
{
  static const struct timespec times[2] = {{.tv_sec = ATIME}, {.tv_sec = MTIME}};
  make_device();
  for (size_t i = 0; i < COUNT_OF(tree); i++)
    plant(&tree[i]);
  for (size_t i = COUNT_OF(tree); i > 0; i--) {
    char full[256];
    full_path(&tree[i - 1], full);
    ck_assert_int_eq(utimensat(AT_FDCWD, full, times, AT_SYMLINK_NOFOLLOW), 0);
  }
  bed_make_folder(DEVICE "/proc", 0755);
  bed_make(DEVICE "/proc/made_up", "hello");
}

static int by_text(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines of a text, sorted: folders have an order of their own. */
static size_t sort_lines(char *text, const char *end, char *ret_lines[LINES_MAX])
{
  size_t count = 0;
  for (char *stop = strstr(text, end); stop != NULL; stop = strstr(text, end)) {
    ck_assert_uint_lt(count, LINES_MAX);
    *stop = '\0';
    ret_lines[count++] = text;
    text = stop + strlen(end);
  }
  ck_assert_str_eq(text, "");
  qsort(ret_lines, count, sizeof(*ret_lines), by_text);
  return count;
}

static void same_lines(char *is, char *wanted, const char *end)
{
  char *lines[2][LINES_MAX];
  size_t count = sort_lines(wanted, end, lines[1]);
  size_t got = sort_lines(is, end, lines[0]);
  for (size_t i = 0; i < count && i < got; i++)
    ck_assert_str_eq(lines[0][i], lines[1][i]);
  ck_assert_uint_eq(got, count);
}

static void stat_planted(const planted *p, struct statx *ret)
{
  char full[256];
  full_path(p, full);
  ck_assert_int_eq(statx(AT_FDCWD, full, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, ret),
                   0);
}

static unsigned owner(void)
{
  return geteuid() == 0 ? OWNER : geteuid();
}

static unsigned group(void)
{
  return geteuid() == 0 ? GROUP : getegid();
}

START_TEST(the_time_line_has_a_line_of_the_sleuth_kit_for_each_file)
{
  static char wanted[TEXT];
  size_t len = 0;
  plant_tree();
  for (size_t i = 0; i < COUNT_OF(tree); i++) {
    const planted *p = &tree[i];
    struct statx x;
    stat_planted(p, &x);
    size_t size = S_ISDIR(p->mode) ? x.stx_size : p->content != NULL ? strlen(p->content) : 0;
    ck_assert_int_ge(x.stx_ctime.tv_sec, MTIME);
    len += (size_t)snprintf(wanted + len, TEXT - len, "0|%s|%llu|%s|%u|%u|%zu|%d|%d|%lld|%lld\n",
                            p->said_path != NULL ? p->said_path : p->path,
                            (unsigned long long)x.stx_ino, p->said_mode, owner(), group(), size,
                            ATIME, MTIME, (long long)x.stx_ctime.tv_sec,
                            (x.stx_mask & STATX_BTIME) != 0 ? (long long)x.stx_btime.tv_sec : 0);
  }
  char *text = collect(device, "System Information", "timeline.body");
  same_lines(text, wanted, "\n");
  free(text);
}
END_TEST

START_TEST(each_program_has_its_hash_and_what_stat_says)
{
  static char wanted[TEXT];
  size_t len =
      (size_t)snprintf(wanted, TEXT, "path,mode,uid,gid,size,mtime,ctime,atime,sha256\r\n");
  plant_tree();
  for (size_t i = 0; i < COUNT_OF(tree); i++) {
    const planted *p = &tree[i];
    struct statx x;
    char changed[40];
    if (!p->is_program)
      continue;
    stat_planted(p, &x);
    col_utc(x.stx_ctime.tv_sec, 0, false, changed);
    len += (size_t)snprintf(wanted + len, TEXT - len, "%s,%04o,%u,%u,%zu,%s,%s,%s,%s\r\n", p->path,
                            (unsigned)(p->mode & 07777), owner(), group(), strlen(p->content),
                            MTIME_TEXT, changed, ATIME_TEXT, p->sha256);
  }
  char *text = collect(device, "System Information", "executables_sha256.csv");
  same_lines(text, wanted, "\r\n");
  free(text);
}
END_TEST

/* ---- the profile ---- */

START_TEST(a_package_of_the_standard_profile_has_none_of_them)
{
  static const col_item items[] = {
      {"P", "open_files.csv", "x", col_open_files, 10000, false, true},
      {"P", "memory_maps.csv", "x", col_memory_maps, 10000, false, true},
      {"P", "timeline.body", "x", col_timeline, 10000, false, true},
      {"P", "executables_sha256.csv", "x", col_executable_hashes, 10000, false, true}};
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  ck_assert_int_eq(col_run(&o, items, COUNT_OF(items), &totals, NULL, NULL, &err), CORDON_OK);
  cJSON *doc = bed_manifest();
  ck_assert_str_eq(bed_item_text(doc, 0, "name"), "CollectionSummaryReport.xls");
  cJSON_Delete(doc);
  ck_assert_uint_eq(bed_to.files, 2);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {each_descriptor_of_each_process_is_a_row,
                                what_this_process_has_open_is_told_and_what_is_deleted_too,
                                each_map_of_each_process_is_a_row,
                                what_this_process_has_mapped_is_told,
                                the_time_line_has_a_line_of_the_sleuth_kit_for_each_file,
                                each_program_has_its_hash_and_what_stat_says,
                                a_package_of_the_standard_profile_has_none_of_them};
  return run_suite_with("plugins.collect_extended", tests, COUNT_OF(tests), bed_setup,
                        bed_teardown);
}
