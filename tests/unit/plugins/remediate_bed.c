#include "remediate_bed.h"

#include <check.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include <linux/fs.h>

enum { TEXT_MAX = 1024 * 1024, WAIT_MS = 10000, VICTIM_S = 90 };

/* ---- the device ---- */

static void folder(const char *path)
{
  ck_assert_msg(mkdir(path, 0755) == 0 || errno == EEXIST, "%s: %s", path, strerror(errno));
}

static void over(const char *path)
{
  folder(path);
  ck_assert_msg(mount("bed", path, "tmpfs", 0, "mode=0755") == 0, "%s: %s", path, strerror(errno));
}

static void users(void)
{
  bed_write("/etc/passwd",
            "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\n"
            "bob:x:1001:1001::/home/bob:/bin/bash\n",
            0644);
  bed_write("/etc/group", "root:x:0:\nsudo:x:27:alice\nalice:x:1000:\nbob:x:1001:\n", 0644);
  bed_write("/etc/shadow",
            "root:*:19000:0:99999:7:::\nalice:$6$salt$hash:19000:0:99999:7:::\n"
            "bob:$6$other$hash:19000:0:99999:7::20000:\n",
            0640);
}

static void units(void)
{
  folder("/etc/systemd");
  folder("/etc/systemd/system");
  folder("/etc/systemd/system/multi-user.target.wants");
  folder("/etc/systemd/system/timers.target.wants");
  bed_write("/etc/systemd/system/evil.service",
            "[Service]\nExecStart=/srv/evil\n[Install]\nWantedBy=multi-user.target\n", 0644);
  bed_write("/etc/systemd/system/evil.timer", "[Timer]\nOnBootSec=1\n", 0644);
  ck_assert(symlink("/etc/systemd/system/evil.service",
                    "/etc/systemd/system/multi-user.target.wants/evil.service") == 0);
  ck_assert(symlink("/etc/systemd/system/evil.service", "/etc/systemd/system/alias.service") == 0);
  ck_assert(symlink("/etc/systemd/system/evil.timer",
                    "/etc/systemd/system/timers.target.wants/evil.timer") == 0);
}

void bed_mounts(void)
{
  ck_assert(unshare(CLONE_NEWNS) == 0);
  ck_assert(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
  over("/srv");
  over("/etc");
  over("/run");
  over("/var/lib/dpkg");
  over("/var/lib/pacman");
  over("/var/db");
  over("/var/spool/cron");
  /* What is searched for a file, so that it does not take as long as this machine is large. */
  over("/tmp");
  over("/var/tmp");
  over("/opt");
  over("/root");
  over("/usr/local");
  (void)umask(022);
  folder("/srv/agent");
  folder("/srv/agent/plugins");
  ck_assert(mkdir(BED_STATE, 0700) == 0);
  folder("/srv/undo");
  folder("/srv/data");
  folder("/var/lib/dpkg/info");
  folder("/etc/cron.d");
  folder("/etc/modprobe.d");
  folder("/etc/profile.d");
  bed_write("/var/lib/dpkg/info/tool.list", "/srv\n/srv/data/tool\n/bin/merged\n", 0644);
  bed_write("/etc/crontab", "# x\n* * * * * root /srv/evil\n17 * * * * root true\n", 0644);
  bed_write("/etc/cron.d/twice", "* * * * * root a\n* * * * * root b\n* * * * * root a\n", 0644);
  users();
  units();
}

/* The first process of a space of its own: it takes up whoever ends without a parent. */
static int be_first(int (*run)(void))
{
  int status = 0;
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
      mount("proc", "/proc", "proc", 0, NULL) != 0)
    return EXIT_FAILURE;
  pid_t runner = fork();
  if (runner == 0)
    exit(run());
  for (pid_t ended = runner > 0 ? wait(&status) : -1; ended != runner; ended = wait(&status))
    if (ended < 0)
      return EXIT_FAILURE;
  return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

static int code_of(pid_t child)
{
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
    return EXIT_FAILURE;
  return WEXITSTATUS(status);
}

/* Whoever has made such a space can make no processes of its own any more when that is gone, which
 * the check for leaks at the end would want. */
int bed_alone(int (*run)(void))
{
  (void)fflush(stdout);
  pid_t maker = fork();
  if (maker != 0)
    return code_of(maker);
  if (unshare(CLONE_NEWPID) != 0)
    _exit(EXIT_FAILURE);
  pid_t first = fork();
  if (first == 0)
    exit(be_first(run));
  _exit(code_of(first));
}

/* ---- the host ---- */

static bed *of(const cordon_host *h)
{
  return h->host_data;
}

static const void *CORDON_CALL no_extension(const cordon_host *h, const char *id)
{
  (void)h;
  (void)id;
  return NULL;
}

static void CORDON_CALL take_log(const cordon_host *h, cordon_op op, int32_t level,
                                 const char *line)
{
  (void)h;
  (void)op;
  (void)level;
  printf("log: %s\n", line);
}

static int32_t CORDON_CALL never_cancelled(const cordon_host *h, cordon_op op)
{
  (void)h;
  (void)op;
  return 0;
}

static void CORDON_CALL take_progress(const cordon_host *h, cordon_op op, uint64_t done,
                                      uint64_t total, const char *what)
{
  (void)op;
  ck_assert(done <= total);
  if (of(h)->on_progress != NULL)
    of(h)->on_progress(what);
}

static cordon_status CORDON_CALL take_undo(const cordon_host *h, cordon_op op, const char *json,
                                           size_t len)
{
  char path[160];
  (void)op;
  if (of(h)->refuse_undo)
    return CORDON_E_IO;
  cJSON *record = cJSON_ParseWithLength(json, len);
  const char *action = cJSON_GetStringValue(cJSON_GetObjectItem(record, "action"));
  ck_assert_ptr_nonnull(action);
  (void)snprintf(path, sizeof(path), "/srv/undo/%s", action);
  int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  ck_assert(fd >= 0 && write(fd, json, len) == (ssize_t)len && write(fd, "\n", 1) == 1);
  (void)close(fd);
  cJSON_Delete(record);
  of(h)->notes++;
  return CORDON_OK;
}

static cordon_status CORDON_CALL take_result(const cordon_host *h, cordon_op op, const char *json,
                                             size_t len)
{
  (void)op;
  cJSON_Delete(of(h)->result);
  of(h)->result = cJSON_ParseWithLength(json, len);
  ck_assert_ptr_nonnull(of(h)->result);
  return CORDON_OK;
}

static void CORDON_CALL take_sentence(const cordon_host *h, cordon_op op, uint32_t os_error,
                                      const char *sentence)
{
  (void)op;
  (void)os_error;
  (void)snprintf(of(h)->sentence, sizeof(of(h)->sentence), "%s", sentence);
}

void bed_open(bed *b)
{
  static const char config[] =
      "{\"capability\":\"remediate\",\"state_dir\":\"" BED_STATE "\",\"settings\":{}}";
  *b = (bed){.host = {.struct_size = sizeof(cordon_host),
                      .host_data = b,
                      .version = "test",
                      .get_extension = no_extension,
                      .log = take_log,
                      .cancelled = never_cancelled,
                      .progress = take_progress,
                      .note_undo = take_undo,
                      .result = take_result,
                      .explain = take_sentence}};
  void *library = dlopen(CORDON_REMEDIATE_LIBRARY, RTLD_NOW | RTLD_LOCAL);
  ck_assert_msg(library != NULL, "%s", dlerror());
  const cordon_plugin_entry *entry = dlsym(library, "cordon_plugin_entry_1");
  ck_assert_ptr_nonnull(entry);
  b->plugin = entry->create(&b->host, config, sizeof(config) - 1);
  ck_assert_ptr_nonnull(b->plugin);
  b->job = b->plugin->get_extension(b->plugin, CORDON_EXT_REMEDIATE);
  ck_assert_ptr_nonnull(b->job);
}

void bed_close(bed *b)
{
  b->plugin->destroy(b->plugin);
  cJSON_Delete(b->result);
}

/* Where a test compares it with its schema. */
static void save(const char *action, const char *result)
{
  const char *folder = getenv("CORDON_TEST_RESULTS");
  char path[512];
  if (folder == NULL || result == NULL)
    return;
  (void)snprintf(path, sizeof(path), "%s/remediate.result.%s.json", folder, action);
  bed_write(path, result, 0644);
}

static cordon_status call(bed *b, cordon_op_fn fn, uint32_t flags, const char *action,
                          const char *params, const char *undo)
{
  cJSON *doc = cJSON_Parse(params);
  ck_assert_msg(doc != NULL, "%s", params);
  (void)cJSON_AddStringToObject(doc, "action", action);
  char *text = cJSON_PrintUnformatted(doc);
  cordon_request r = {.struct_size = sizeof(r),
                      .flags = flags,
                      .op = 1,
                      .budget_ms = 600000,
                      .params = text,
                      .params_len = strlen(text),
                      .undo = undo,
                      .undo_len = undo != NULL ? strlen(undo) : 0};
  b->sentence[0] = '\0';
  cordon_status status = fn(b->plugin, &r);
  char *result = cJSON_PrintUnformatted(b->result);
  printf("%s -> %d %s\n   %s\n", text, (int)status, b->sentence, result != NULL ? result : "");
  save(action, result);
  cJSON_free(result);
  cJSON_free(text);
  cJSON_Delete(doc);
  ck_assert_msg(status >= 0 || b->sentence[0] != '\0', "no sentence");
  return status;
}

cordon_status bed_run(bed *b, const char *action, const char *params)
{
  return call(b, b->job->run, 0, action, params, NULL);
}

cordon_status bed_dry(bed *b, const char *action, const char *params)
{
  return call(b, b->job->run, CORDON_REQ_DRY_RUN, action, params, NULL);
}

/* The file's lines as an array, the last one first. */
static char *records_of(const char *action)
{
  char path[160];
  (void)snprintf(path, sizeof(path), "/srv/undo/%s", action);
  char *text = bed_read(path);
  cJSON *list = cJSON_CreateArray();
  char *rest = text;
  for (char *line = rest != NULL ? strsep(&rest, "\n") : NULL; line != NULL;
       line = strsep(&rest, "\n"))
    if (line[0] != '\0')
      (void)cJSON_InsertItemInArray(list, 0, cJSON_Parse(line));
  char *printed = cJSON_PrintUnformatted(list);
  cJSON_Delete(list);
  free(text);
  return printed;
}

cordon_status bed_undo(bed *b, const char *action)
{
  char *records = records_of(action);
  cordon_status status = call(b, b->job->undo, 0, action,
                              "{\"operation\":\"undo\",\"target\":{\"action\":\"x\"}}", records);
  cJSON_free(records);
  return status;
}

static bool dies(const char *point, const char *action, const char *params)
{
  char fault[96];
  int status = 0;
  (void)snprintf(fault, sizeof(fault), "%s=kill", point);
  (void)fflush(stdout);
  pid_t child = fork();
  ck_assert(child >= 0);
  if (child == 0) {
    bed b;
    (void)setenv("CORDON_FAULT", fault, 1);
    bed_open(&b);
    if (params != NULL)
      (void)bed_run(&b, action, params);
    else
      (void)bed_undo(&b, action);
    _exit(0);
  }
  ck_assert(waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

pid_t bed_stopped_at(const char *point, const char *action, const char *params)
{
  char fault[96];
  int status = 0;
  (void)snprintf(fault, sizeof(fault), "%s=stop", point);
  (void)fflush(stdout);
  pid_t child = fork();
  ck_assert(child >= 0);
  if (child == 0) {
    bed b;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setenv("CORDON_FAULT", fault, 1);
    bed_open(&b);
    _exit(-(int)bed_run(&b, action, params) & 0x7f);
  }
  ck_assert(waitpid(child, &status, WUNTRACED) == child);
  ck_assert_msg(WIFSTOPPED(status), "%s was not reached", point);
  return child;
}

cordon_status bed_goes_on(pid_t child)
{
  int status = 0;
  ck_assert(kill(child, SIGCONT) == 0 && waitpid(child, &status, 0) == child);
  ck_assert(WIFEXITED(status));
  return (cordon_status)-WEXITSTATUS(status);
}

bool bed_dies_running(const char *point, const char *action, const char *params)
{
  return dies(point, action, params);
}

bool bed_dies_undoing(const char *point, const char *action)
{
  return dies(point, action, NULL);
}

/* ---- results ---- */

bool bed_has_step(const bed *b, const char *step, const char *outcome)
{
  const cJSON *item = NULL;
  cJSON_ArrayForEach(item, cJSON_GetObjectItem(b->result, "steps"))
  {
    if (strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(item, "step")), step) == 0 &&
        strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(item, "outcome")), outcome) == 0)
      return true;
  }
  return false;
}

const char *bed_undo_text(const bed *b)
{
  return cJSON_GetStringValue(cJSON_GetObjectItem(b->result, "undo"));
}

const char *bed_measured(const bed *b, const char *what)
{
  const cJSON *item = NULL;
  cJSON_ArrayForEach(item, cJSON_GetObjectItem(b->result, "verified"))
  {
    if (strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(item, "what")), what) == 0)
      return cJSON_GetStringValue(cJSON_GetObjectItem(item, "measured"));
  }
  return "";
}

/* ---- files ---- */

void bed_write(const char *path, const char *text, unsigned mode)
{
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
  ck_assert(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
  ck_assert(fchmod(fd, mode) == 0);
  (void)close(fd);
}

char *bed_read(const char *path)
{
  int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC);
  if (fd < 0)
    return NULL;
  char *text = calloc(1, TEXT_MAX);
  ck_assert_ptr_nonnull(text);
  ck_assert(read(fd, text, TEXT_MAX - 1) >= 0);
  (void)close(fd);
  return text;
}

bool bed_exists(const char *path)
{
  struct stat st;
  return lstat(path, &st) == 0;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
  return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void put_attributes(FILE *out, const char *path)
{
  char names[4096];
  char value[4096];
  ssize_t len = llistxattr(path, names, sizeof(names));
  for (ssize_t at = 0; at < len; at += (ssize_t)strlen(names + at) + 1) {
    ssize_t got = lgetxattr(path, names + at, value, sizeof(value));
    (void)fprintf(out, " %s=", names + at);
    for (ssize_t i = 0; i < got; i++)
      (void)fprintf(out, "%02x", (unsigned char)value[i]);
  }
}

static void put_file(FILE *out, const char *path, bool times, const struct stat *st)
{
  int flags = 0;
  char *text = bed_read(path);
  int fd = open(path, O_RDONLY | O_NOATIME | O_NONBLOCK | O_CLOEXEC);
  if (fd >= 0 && ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0)
    (void)fprintf(out, " flags=%x", (unsigned)flags & (FS_IMMUTABLE_FL | FS_APPEND_FL));
  if (fd >= 0)
    (void)close(fd);
  if (times)
    (void)fprintf(out, " m=%lld.%09ld a=%lld.%09ld", (long long)st->st_mtim.tv_sec,
                  st->st_mtim.tv_nsec, (long long)st->st_atim.tv_sec, st->st_atim.tv_nsec);
  (void)fprintf(out, "\n%s", text != NULL ? text : "?");
  free(text);
}

char *bed_snapshot(const char *top, bool times)
{
  char root[256];
  char *roots[2] = {root, NULL};
  char *text = NULL;
  size_t len = 0;
  (void)snprintf(root, sizeof(root), "%s", top);
  FILE *out = open_memstream(&text, &len);
  FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
  ck_assert(out != NULL && fts != NULL);
  for (FTSENT *e = fts_read(fts); e != NULL; e = fts_read(fts)) {
    char target[512] = "";
    if (e->fts_info == FTS_DP)
      continue;
    (void)fprintf(out, "%s %o %u:%u", e->fts_path, e->fts_statp->st_mode, e->fts_statp->st_uid,
                  e->fts_statp->st_gid);
    put_attributes(out, e->fts_path);
    if (e->fts_info == FTS_SL || e->fts_info == FTS_SLNONE) {
      ck_assert(readlink(e->fts_path, target, sizeof(target) - 1) > 0);
      (void)fprintf(out, " -> %s", target);
    } else if (e->fts_info == FTS_F) {
      put_file(out, e->fts_path, times, e->fts_statp);
    }
    (void)fprintf(out, "\n");
  }
  (void)fts_close(fts);
  (void)fclose(out);
  return text;
}

int bed_containers(void)
{
  int count = 0;
  DIR *dir = opendir(BED_STATE "/quarantine");
  for (const struct dirent *e = dir != NULL ? readdir(dir) : NULL; e != NULL; e = readdir(dir))
    count += strstr(e->d_name, ".data") != NULL ? 1 : 0;
  if (dir != NULL)
    (void)closedir(dir);
  return count;
}

/* ---- processes ---- */

static void be_victim(const char *program, const char *shell_text)
{
  /* It must not outlive the tests for long, nor hold what they print to. */
  int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  (void)alarm(VICTIM_S);
  (void)setsid();
  (void)dup2(nothing, STDOUT_FILENO);
  (void)dup2(nothing, STDERR_FILENO);
  if (shell_text != NULL) {
    (void)execl(program, "victim", "-c", shell_text, (char *)NULL);
    _exit(1);
  }
  if (program != NULL) {
    char *const args[] = {(char[]){"victim"}, (char[]){"600"}, NULL};
    (void)execv(program, args);
    _exit(1);
  }
  for (;;)
    (void)pause();
}

static pid_t clone_as(pid_t wanted)
{
  pid_t ids[1] = {wanted};
  struct clone_args args = {.exit_signal = SIGCHLD,
                            .set_tid = wanted > 0 ? (uint64_t)(uintptr_t)ids : 0,
                            .set_tid_size = wanted > 0 ? 1 : 0};
  return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

/* By a process that ends at once, so that it is no child of ours. */
static pid_t spawn(const char *program, const char *shell_text, pid_t wanted)
{
  int pipes[2];
  pid_t made = 0;
  ck_assert(pipe2(pipes, O_CLOEXEC) == 0);
  (void)fflush(stdout);
  pid_t helper = fork();
  if (helper == 0) {
    pid_t victim = clone_as(wanted);
    if (victim == 0)
      be_victim(program, shell_text);
    _exit(write(pipes[1], &victim, sizeof(victim)) == sizeof(victim) ? 0 : 1);
  }
  ck_assert(waitpid(helper, NULL, 0) == helper);
  ck_assert(read(pipes[0], &made, sizeof(made)) == sizeof(made));
  (void)close(pipes[0]);
  (void)close(pipes[1]);
  ck_assert_msg(made > 0, "no process with the number %d", (int)wanted);
  return made;
}

pid_t bed_spawn(const char *program, pid_t wanted)
{
  return spawn(program, NULL, wanted);
}

pid_t bed_spawn_shell(const char *shell, const char *text)
{
  return spawn(shell, text, 0);
}

static bool read_stat(pid_t pid, char *ret_state, uint64_t *ret_start)
{
  char path[64];
  (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
  char *text = bed_read(path);
  char *at = text != NULL ? strrchr(text, ')') : NULL;
  if (at != NULL) {
    *ret_state = at[2];
    at += 2;
    for (int field = 3; field < 22; field++)
      at = strchr(at, ' ') + 1;
    *ret_start = strtoull(at, NULL, 10);
  }
  free(text);
  return at != NULL;
}

uint64_t bed_start_of(pid_t pid)
{
  char state = 0;
  uint64_t start = 0;
  ck_assert(read_stat(pid, &state, &start));
  return start;
}

char bed_state_of(pid_t pid)
{
  char state = '-';
  uint64_t start = 0;
  (void)read_stat(pid, &state, &start);
  return state;
}

void bed_target(pid_t pid, uint64_t start, const char *operation, char *ret, size_t size)
{
  char *boot = bed_read("/proc/sys/kernel/random/boot_id");
  ck_assert_ptr_nonnull(boot);
  boot[strcspn(boot, "\n")] = '\0';
  (void)snprintf(ret, size,
                 "{\"operation\":\"%s\",\"target\":{\"pid\":%d,\"start\":%llu,\"boot\":\"%s\"}}",
                 operation, (int)pid, (unsigned long long)start, boot);
  free(boot);
}

/* Until its number is free. */
void bed_end(pid_t pid)
{
  (void)kill(pid, SIGKILL);
  for (int i = 0; i < WAIT_MS && kill(pid, 0) == 0; i++)
    (void)usleep(1000);
}

bool bed_comes_to(pid_t pid, char state)
{
  for (int i = 0; i < WAIT_MS && bed_state_of(pid) != state; i++)
    (void)usleep(1000);
  return bed_state_of(pid) == state;
}

bool bed_comes_to_run(pid_t pid, const char *program)
{
  char link[64];
  char target[512] = "";
  (void)snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
  for (int i = 0; i < WAIT_MS && strcmp(target, program) != 0; i++) {
    ssize_t len = readlink(link, target, sizeof(target) - 1);
    target[len > 0 ? len : 0] = '\0';
    (void)usleep(1000);
  }
  return strcmp(target, program) == 0;
}
