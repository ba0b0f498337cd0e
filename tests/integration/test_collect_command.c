/* The command that collects on a device, and the one that looks into what it made. */
#include "collector.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- `cordon local collect` ---- */

/* Starts `cordon local collect -o FILE ARG`; its output is the test's. */
static pid_t run_cordon(driver *d, const char *file, const char *more)
{
  char socket[DRIVER_PATH_MAX];
  (void)snprintf(socket, sizeof(socket), "%s", driver_path(d, "run/control.sock"));
  pid_t pid = fork();
  ck_assert_int_ge(pid, 0);
  if (pid == 0) {
    (void)execl(CORDON_PROGRAM, "cordon", "local", "collect", "--socket", socket, "-o", file, more,
                (char *)NULL);
    _exit(127);
  }
  return pid;
}

typedef struct child {
  pid_t pid;
  int status;
} child;

static bool child_ended(driver *d, const void *context)
{
  child *c = (child *)(uintptr_t)context;
  return waitpid(c->pid, &c->status, WNOHANG) == c->pid;
}

static int exit_code(driver *d, pid_t pid)
{
  child c = {.pid = pid};
  driver_wait(d, child_ended, &c, "the command has ended");
  ck_assert(WIFEXITED(c.status));
  return WEXITSTATUS(c.status);
}

/* Files in the folder that is made for the output. */
static unsigned in_folder(const char *path)
{
  unsigned count = 0;
  DIR *dir = opendir(path);
  ck_assert_ptr_nonnull(dir);
  for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir))
    count += e->d_name[0] != '.' ? 1 : 0;
  (void)closedir(dir);
  return count;
}

static const char *out_file(driver *d, const char *name)
{
  (void)mkdir(driver_path(d, "out"), 0700);
  char path[64];
  (void)snprintf(path, sizeof(path), "out/%s", name);
  return driver_path(d, path);
}

/* What the host has written is the same from both ends. */
static int list(driver *d, const char *file)
{
  pid_t pid = fork();
  ck_assert_int_ge(pid, 0);
  if (pid == 0) {
    (void)execl(CORDON_PROGRAM, "cordon", "package", "list", file, (char *)NULL);
    _exit(127);
  }
  return exit_code(d, pid);
}

START_TEST(the_command_writes_the_file_once_and_for_its_user_alone)
{
  char content[256];
  struct stat st;
  driver *d = collector_begin_with("\"does\":\"much\",\"bytes\":3000000", NULL, NULL);
  char file[DRIVER_PATH_MAX];
  (void)snprintf(file, sizeof(file), "%s", out_file(d, "p.zip"));
  ck_assert_int_eq(exit_code(d, run_cordon(d, file, NULL)), 0);
  ck_assert_int_eq(lstat(file, &st), 0);
  ck_assert_uint_eq(st.st_mode, S_IFREG | 0600);
  ck_assert_uint_eq(collector_zip(file, "manifest.json", content), 2);
  ck_assert_int_eq(list(d, file), 0);
  ck_assert_uint_eq(collector_spool(d), 0);
  ino_t first = st.st_ino;
  ck_assert_int_eq(exit_code(d, run_cordon(d, file, NULL)), 5);
  ck_assert_int_eq(lstat(file, &st), 0);
  ck_assert(st.st_ino == first);
  ck_assert_int_eq(exit_code(d, run_cordon(d, file, "--overwrite")), 0);
  ck_assert_int_eq(lstat(file, &st), 0);
  ck_assert(st.st_ino != first);
  ck_assert_uint_eq(in_folder(driver_path(d, "out")), 1);
  collector_end(d);
}
END_TEST

/* The first action that is there. */
static void last_id(driver *d, char id[CD_ID_SIZE])
{
  driver_reply r = driver_request(d, "actions", "{}");
  (void)snprintf(id, CD_ID_SIZE, "%s", driver_at(r.result, "actions.0.id"));
  driver_reply_release(&r);
}

/* As on a disk that is full: no file grows over 64 KiB. What it says goes to `said`. */
static pid_t run_without_room(driver *d, const char *file, const char *more, const char *said)
{
  const struct rlimit small = {.rlim_cur = 65536, .rlim_max = 65536};
  char socket[DRIVER_PATH_MAX];
  (void)snprintf(socket, sizeof(socket), "%s", driver_path(d, "run/control.sock"));
  pid_t pid = fork();
  ck_assert_int_ge(pid, 0);
  if (pid == 0) {
    int fd = open(said, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0 && dup2(fd, 1) == 1 && dup2(fd, 2) == 2 && setrlimit(RLIMIT_FSIZE, &small) == 0 &&
        signal(SIGXFSZ, SIG_IGN) != SIG_ERR)
      (void)execl(CORDON_PROGRAM, "cordon", "local", "collect", "--socket", socket, "-o", file,
                  more, (char *)NULL);
    _exit(127);
  }
  return pid;
}

START_TEST(what_cannot_be_written_is_kept_and_fetched_by_its_id)
{
  static const char *const forms[] = {NULL, "--json"};
  driver *d = collector_begin_with("\"does\":\"much\",\"bytes\":3000000", NULL, NULL);
  char file[DRIVER_PATH_MAX];
  char said[DRIVER_PATH_MAX];
  (void)snprintf(file, sizeof(file), "%s", out_file(d, "p.zip"));
  (void)snprintf(said, sizeof(said), "%s", driver_path(d, "said"));
  for (size_t i = 0; i < COUNT_OF(forms); i++) {
    char text[4096] = "";
    char wanted[128];
    char id[CD_ID_SIZE];
    ck_assert_int_eq(exit_code(d, run_without_room(d, file, forms[i], said)), 1);
    last_id(d, id);
    FILE *f = fopen(said, "re");
    ck_assert_ptr_nonnull(f);
    (void)fread(text, 1, sizeof(text) - 1, f);
    (void)fclose(f);
    (void)snprintf(wanted, sizeof(wanted), "'cordon local collect --id %s -o FILE' fetches it", id);
    ck_assert_msg(strstr(text, wanted) != NULL && strstr(text, "cannot write") != NULL, "%s", text);
    ck_assert_uint_eq(in_folder(driver_path(d, "out")), 0);
    (void)snprintf(wanted, sizeof(wanted), "--id=%s", id);
    ck_assert_int_eq(exit_code(d, run_cordon(d, file, wanted)), 0);
    ck_assert_int_eq(unlink(file), 0);
    ck_assert_uint_eq(collector_spool(d), 0);
  }
  collector_end(d);
}
END_TEST

static bool collecting(driver *d, const void *context)
{
  driver_reply r = driver_request(d, "actions", "{}");
  bool runs = strcmp(driver_at(r.result, "actions.0.status"), "InProgress") == 0;
  driver_reply_release(&r);
  return runs;
}

START_TEST(an_interrupt_ends_the_collecting_on_the_device)
{
  driver *d = collector_begin("\"does\":\"waits\"");
  char file[DRIVER_PATH_MAX];
  (void)snprintf(file, sizeof(file), "%s", out_file(d, "p.zip"));
  pid_t pid = run_cordon(d, file, NULL);
  driver_wait(d, collecting, NULL, "the package is being made");
  ck_assert_int_eq(kill(pid, SIGINT), 0);
  ck_assert_int_eq(exit_code(d, pid), 1);
  driver_reply r = driver_request(d, "actions", "{}");
  char id[CD_ID_SIZE];
  (void)snprintf(id, sizeof(id), "%s", driver_at(r.result, "actions.0.id"));
  driver_reply_release(&r);
  driver_wait_log(d, "Cancelled (cancelled)");
  collector_expect(d, id, "Cancelled", "it was cancelled");
  ck_assert_uint_eq(in_folder(driver_path(d, "out")), 0);
  collector_end(d);
}
END_TEST

static bool is_there(driver *d, const void *context)
{
  (void)d;
  return access(context, F_OK) == 0;
}

START_TEST(what_a_killed_command_leaves_has_the_id_of_its_action)
{
  char id[CD_ID_SIZE];
  char file[DRIVER_PATH_MAX];
  char part[DRIVER_PATH_MAX + 64];
  char params[64];
  int status = 0;
  driver *d = collector_begin("\"does\":\"waits\"");
  (void)snprintf(file, sizeof(file), "%s", out_file(d, "p.zip"));
  pid_t pid = run_cordon(d, file, NULL);
  driver_wait(d, collecting, NULL, "the package is being made");
  last_id(d, id);
  (void)snprintf(part, sizeof(part), "%s.%s.part", file, id);
  driver_wait(d, is_there, part, "it is called after the action");
  ck_assert_int_eq(kill(pid, SIGKILL), 0);
  ck_assert_int_eq(waitpid(pid, &status, 0), pid);
  ck_assert_uint_eq(in_folder(driver_path(d, "out")), 1);
  (void)snprintf(params, sizeof(params), "{\"id\":\"%s\"}", id);
  driver_reply reply = driver_request(d, "cancel", params);
  ck_assert_msg(reply.ok, "%s", reply.sentence);
  driver_reply_release(&reply);
  collector_end(d);
}
END_TEST

/* ---- `cordon package` ---- */

#define PROCESSES "Processes/processes.csv"
#define SYSTEM "System Information/system.txt"
#define PROCESSES_BYTES "pid,name\r\n1,init\r\n"
#define SYSTEM_BYTES "a system\n"
#define SYSTEM_SHA256 "1aa98cbc5faf70c97fab5fb22728681ca70c78f7853e502f814d4dfd4f604fc1"

static char said[8192]; /* what the command printed last, on both ways */

/* `cordon package ARGS...`; NULL ends them. */
static int package(driver *d, const char *const *args)
{
  char *argv[8] = {(char *)(uintptr_t) "cordon", (char *)(uintptr_t) "package"};
  for (size_t i = 0; args[i] != NULL; i++)
    argv[i + 2] = (char *)(uintptr_t)args[i];
  const char *path = driver_path(d, "said.txt");
  pid_t pid = fork();
  ck_assert_int_ge(pid, 0);
  if (pid == 0) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0 && dup2(fd, STDERR_FILENO) >= 0)
      (void)execv(CORDON_PROGRAM, argv);
    _exit(127);
  }
  int code = exit_code(d, pid);
  (void)snprintf(said, sizeof(said), "%s", driver_read(path));
  return code;
}

#define PACKAGE(d, code, ...)                                                                      \
  do {                                                                                             \
    int is = package((d), (const char *const[]){__VA_ARGS__, NULL});                               \
    ck_assert_msg(is == (code), "exit code %d: %s", is, said);                                     \
  } while (0)
#define SAYS(text) ck_assert_msg(strstr(said, (text)) != NULL, "'%s' is not in '%s'", (text), said)

/* A package of the zoo in `file`, and where it is to go. */
static driver *begin_package(char file[DRIVER_PATH_MAX], char folder[DRIVER_PATH_MAX])
{
  driver *d = collector_begin(NULL);
  (void)snprintf(file, DRIVER_PATH_MAX, "%s", out_file(d, "p.zip"));
  (void)snprintf(folder, DRIVER_PATH_MAX, "%s", out_file(d, "p"));
  ck_assert_int_eq(exit_code(d, run_cordon(d, file, NULL)), 0);
  return d;
}

static const char *unpacked(const char *folder, const char *name)
{
  char path[2 * DRIVER_PATH_MAX];
  struct stat st;
  (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
  ck_assert_msg(lstat(path, &st) == 0, "%s is not there", name);
  ck_assert_uint_eq(st.st_mode, S_IFREG | 0600);
  return driver_read(path);
}

START_TEST(the_command_lists_every_file_of_a_package)
{
  char file[DRIVER_PATH_MAX];
  char folder[DRIVER_PATH_MAX];
  driver *d = begin_package(file, folder);
  PACKAGE(d, 0, "list", file);
  SAYS("\n18      " PROCESSES "\n");
  SAYS("\n9       " SYSTEM "\n");
  SAYS("     manifest.json\n");
  unsigned lines = 0;
  for (const char *at = said; (at = strchr(at, '\n')) != NULL; at++)
    lines++;
  ck_assert_uint_eq(lines, 1 + 3);
  PACKAGE(d, 0, "list", file, "--json");
  cJSON *doc = cJSON_Parse(said);
  const cJSON *files = cJSON_GetObjectItemCaseSensitive(doc, "files");
  ck_assert_int_eq(cJSON_GetArraySize(files), 3);
  cJSON_Delete(doc);
  SAYS("{\"name\":\"" SYSTEM "\",\"bytes\":9,\"sha256\":\"" SYSTEM_SHA256 "\"}");
  PACKAGE(d, 0, "verify", file);
  SAYS("every file is what the manifest says");
  collector_end(d);
}
END_TEST

START_TEST(the_command_extracts_a_package_once_into_a_new_folder)
{
  char file[DRIVER_PATH_MAX];
  char folder[DRIVER_PATH_MAX];
  char other[DRIVER_PATH_MAX];
  struct stat st;
  driver *d = begin_package(file, folder);
  PACKAGE(d, 0, "extract", file);
  SAYS("every file is what the manifest says");
  ck_assert_int_eq(lstat(folder, &st), 0);
  ck_assert_uint_eq(st.st_mode, S_IFDIR | 0700);
  ck_assert_uint_eq(in_folder(folder), 3);
  ck_assert_str_eq(unpacked(folder, PROCESSES), PROCESSES_BYTES);
  ck_assert_str_eq(unpacked(folder, SYSTEM), SYSTEM_BYTES);
  ck_assert_ptr_nonnull(strstr(unpacked(folder, "manifest.json"), SYSTEM));
  /* Again it is refused, and nothing of before is touched. */
  driver_write(out_file(d, "p/" SYSTEM), "mine", 0600);
  PACKAGE(d, 5, "extract", file);
  SAYS("is there already: say with -o where it is to go");
  ck_assert_str_eq(unpacked(folder, SYSTEM), "mine");
  (void)snprintf(other, sizeof(other), "%s", out_file(d, "other"));
  PACKAGE(d, 0, "extract", file, "-o", other);
  ck_assert_str_eq(unpacked(other, SYSTEM), SYSTEM_BYTES);
  collector_end(d);
}
END_TEST

/* The place of the last `text` of a file. */
static long find_last(const char *path, const char *text, char *bytes, size_t size, size_t *ret_len)
{
  FILE *f = fopen(path, "re");
  ck_assert_ptr_nonnull(f);
  *ret_len = fread(bytes, 1, size, f);
  ck_assert_int_eq(fclose(f), 0);
  size_t len = strlen(text);
  for (long at = (long)(*ret_len - len); at >= 0; at--) {
    if (memcmp(bytes + at, text, len) == 0)
      return at;
  }
  ck_abort_msg("'%s' is not in %s", text, path);
}

static void write_bytes(const char *path, const char *bytes, size_t len)
{
  FILE *f = fopen(path, "we");
  ck_assert_ptr_nonnull(f);
  ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
  ck_assert_int_eq(fclose(f), 0);
}

START_TEST(the_command_leaves_nothing_of_a_damaged_package)
{
  static char bytes[64 * 1024];
  char file[DRIVER_PATH_MAX];
  char folder[DRIVER_PATH_MAX];
  size_t len = 0;
  driver *d = begin_package(file, folder);
  /* In the directory at the end: the name, and 30 bytes in front of it the digest of its bytes. */
  long name = find_last(file, SYSTEM, bytes, sizeof(bytes), &len);
  ck_assert_int_eq(memcmp(bytes + name - 46, "PK\1\2", 4), 0);
  bytes[name - 30] ^= 1;
  write_bytes(file, bytes, len);
  PACKAGE(d, 1, "extract", file);
  SAYS("entry 2 of the package is not what the package's directory says");
  ck_assert_int_ne(access(folder, F_OK), 0);
  PACKAGE(d, 1, "list", file);
  SAYS("entry 2 of the package is not what the package's directory says");
  /* And of one that is cut. */
  bytes[name - 30] ^= 1;
  write_bytes(file, bytes, len / 2);
  PACKAGE(d, 1, "extract", file);
  ck_assert_int_ne(access(folder, F_OK), 0);
  ck_assert_uint_eq(in_folder(driver_path(d, "out")), 1);
  write_bytes(file, bytes, len);
  PACKAGE(d, 0, "extract", file);
  collector_end(d);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      the_command_writes_the_file_once_and_for_its_user_alone,
      what_cannot_be_written_is_kept_and_fetched_by_its_id,
      an_interrupt_ends_the_collecting_on_the_device,
      what_a_killed_command_leaves_has_the_id_of_its_action,
      the_command_lists_every_file_of_a_package,
      the_command_extracts_a_package_once_into_a_new_folder,
      the_command_leaves_nothing_of_a_damaged_package,
  };
  return driver_suite("integration.collect_command", tests, COUNT_OF(tests), 120);
}
