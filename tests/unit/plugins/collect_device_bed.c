#include "collect_device_bed.h"

#include "suite.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/call.h"

bed_folder bed_to;
char bed_root[64];
bool bed_cancel;

void bed_setup(void)
{
  (void)snprintf(bed_root, sizeof(bed_root), "/tmp/cordon-collect-XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(bed_root));
  bed_to = (bed_folder){0};
  (void)snprintf(bed_to.path, sizeof(bed_to.path), "%s/package", bed_root);
  ck_assert_int_eq(mkdir(bed_to.path, 0700), 0);
  bed_cancel = false;
}

static void remove_tree(const char *path)
{
  char command[512];
  (void)snprintf(command, sizeof(command), "%s", path);
  pid_t child = fork();
  if (child == 0) {
    execl("/bin/rm", "rm", "-rf", command, (char *)NULL);
    _exit(1);
  }
  ck_assert_int_gt(child, 0);
}

void bed_teardown(void)
{
  remove_tree(bed_root);
}

static bool is_cancelled(void *data)
{
  (void)data;
  return bed_cancel;
}

col_options bed_options(void)
{
  return (col_options){.root = bed_root,
                       .device = "d\"1\"",
                       .action = "a-1",
                       .deadline_ms = sup_now_ms() + 20000,
                       .max_file = COL_MIB,
                       .sink = bed_folder_sink(&bed_to),
                       .cancelled = is_cancelled};
}

/* A file of the package, which the test frees. */
char *bed_package_file(const char *name)
{
  char path[512];
  (void)snprintf(path, sizeof(path), "%s/%s", bed_to.path, name);
  int fd = open(path, O_RDONLY);
  ck_assert_msg(fd >= 0, "%s is not in the package", name);
  char *text = calloc(1, 4 * COL_MIB);
  ck_assert_int_ge(read(fd, text, 4 * COL_MIB - 1), 0);
  (void)close(fd);
  return text;
}

cJSON *bed_manifest(void)
{
  char *text = bed_package_file("manifest.json");
  cJSON *doc = cJSON_Parse(text);
  free(text);
  ck_assert_ptr_nonnull(doc);
  return doc;
}

/* The n-th item of the manifest. */
const char *bed_item_text(const cJSON *doc, int n, const char *name)
{
  const cJSON *items = cJSON_GetObjectItemCaseSensitive(doc, "items");
  const cJSON *v = cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(items, n), name);
  return cJSON_IsString(v) ? v->valuestring : "(null)";
}

unsigned bed_threads(void)
{
  unsigned count = 0;
  DIR *dir = opendir("/proc/self/task");
  ck_assert_ptr_nonnull(dir);
  for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir))
    count += e->d_name[0] != '.' ? 1 : 0;
  (void)closedir(dir);
  return count;
}

bool bed_mount_silent(const char *path)
{
  char options[128];
  int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  (void)snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
  return fd >= 0 && mount("silent", path, "fuse", 0, options) == 0;
}

void bed_make_bytes(const char *path, const void *bytes, size_t len)
{
  char full[256];
  (void)snprintf(full, sizeof(full), "%s%s", bed_root, path);
  int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
  (void)close(fd);
}

void bed_make(const char *path, const char *text)
{
  bed_make_bytes(path, text, strlen(text));
}

void bed_make_link(const char *target, const char *path)
{
  char full[256];
  (void)snprintf(full, sizeof(full), "%s%s", bed_root, path);
  ck_assert_int_eq(symlink(target, full), 0);
}

void bed_make_folder(const char *path, mode_t mode)
{
  char full[256];
  (void)snprintf(full, sizeof(full), "%s%s", bed_root, path);
  ck_assert_int_eq(mkdir(full, mode), 0);
  ck_assert_int_eq(chmod(full, mode), 0);
}
