/* Processes by identity: number, start and boot. A number is taken again soon after a process has
 * ended, so that a signal is sent through a handle (pidfd) whose process was compared first. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "remediate.h"

enum { STAT_MAX = 4096, DEPTH_MAX = 64, FIELD_STATE = 3, FIELD_START = 22 };

#define KERNEL_THREAD 0x00200000u /* PF_KTHREAD, in the flags of /proc/N/stat */

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

static ssize_t read_small(const char *path, char *room, size_t size)
{
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return -1;
  ssize_t len = read(fd, room, size - 1);
  (void)close(fd);
  if (len >= 0)
    room[len] = '\0';
  return len;
}

/* `pid (name) state parent ...`; the name may have anything in it. */
bool rem_proc_parse(const char *text, rem_proc *ret_proc)
{
  const char *open_at = strchr(text, '(');
  const char *close_at = strrchr(text, ')');
  char *end = NULL;
  rem_proc p = {.pid = strtoll(text, &end, 10)};
  if (open_at == NULL || close_at == NULL || close_at < open_at || end == text || p.pid <= 0 ||
      close_at[1] != ' ' || close_at[2] == '\0')
    return false;
  int len = (int)(close_at - open_at - 1);
  (void)snprintf(p.name, sizeof(p.name), "%.*s", len, open_at + 1);
  p.state = close_at[2];
  const char *at = close_at + 3;
  for (int field = FIELD_STATE + 1; field <= FIELD_START; field++) {
    errno = 0;
    unsigned long long n = strtoull(at, &end, 10);
    if (end == at || errno != 0)
      return false;
    if (field == 4)
      p.parent = (int64_t)n;
    if (field == 9)
      p.flags = (uint32_t)n;
    if (field == FIELD_START)
      p.start = n;
    at = end;
  }
  *ret_proc = p;
  return true;
}

bool rem_proc_read(int64_t pid, rem_proc *ret_proc)
{
  char path[64];
  char text[STAT_MAX];
  struct stat st;
  (void)snprintf(path, sizeof(path), "/proc/%lld", (long long)pid);
  if (stat(path, &st) != 0)
    return false;
  (void)snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
  if (read_small(path, text, sizeof(text)) <= 0 || !rem_proc_parse(text, ret_proc))
    return false;
  ret_proc->uid = st.st_uid;
  return true;
}

bool rem_boot_id(char ret_id[40])
{
  ssize_t len = read_small("/proc/sys/kernel/random/boot_id", ret_id, 40);
  ret_id[len > 0 ? strcspn(ret_id, "\n") : 0] = '\0';
  return len > 0;
}

/* The agent is who started this process. */
static bool is_agents(const rem_proc *p)
{
  rem_proc at = *p;
  int64_t agent = getppid();
  for (int i = 0; i < DEPTH_MAX && at.pid > 1; i++) {
    if (at.pid == agent || at.pid == getpid())
      return true;
    if (at.parent <= 1 || !rem_proc_read(at.parent, &at))
      return false;
  }
  return false;
}

bool rem_proc_protected(const rem_proc *p, char ret_why[REM_SHOW])
{
  const char *why = NULL;
  if (p->pid == 1)
    why = "it is the first process, without which the device does not run";
  else if ((p->flags & KERNEL_THREAD) != 0)
    why = "it is a thread of the kernel";
  else if (is_agents(p))
    why = "it is one of the agent's own";
  if (why != NULL)
    (void)snprintf(ret_why, REM_SHOW, "%s", why);
  return why != NULL;
}

static int send_signal(int handle, int number)
{
  return (int)syscall(SYS_pidfd_send_signal, handle, number, NULL, 0u);
}

int rem_proc_hold(int64_t pid, uint64_t start, rem_proc *ret_now, int *ret_error)
{
  *ret_error = 0;
  int handle = pid > 0 && pid <= INT32_MAX ? (int)syscall(SYS_pidfd_open, (pid_t)pid, 0u) : -1;
  if (handle < 0) {
    *ret_error = pid > 0 && pid <= INT32_MAX && errno != ESRCH && errno != EINVAL ? errno : 0;
    return -1;
  }
  /* Alive after it was read: then what was read is of the process that the handle is of. */
  bool same = rem_proc_read(pid, ret_now) && ret_now->start == start;
  if (send_signal(handle, 0) != 0)
    same = false;
  if (!same) {
    (void)close(handle);
    return -1;
  }
  return handle;
}

static int wait_end(int handle, uint64_t deadline_ms)
{
  struct pollfd p = {.fd = handle, .events = POLLIN};
  for (;;) {
    uint64_t now = sup_now_ms();
    int left = now < deadline_ms ? (int)(deadline_ms - now) : 0;
    int got = poll(&p, 1, left);
    if (got > 0)
      return 0;
    if (got == 0)
      return ETIMEDOUT;
    if (errno != EINTR)
      return errno;
  }
}

cordon_status rem_proc_end(int handle, uint64_t deadline_ms, sup_err *err)
{
  if (send_signal(handle, SIGKILL) != 0 && errno != ESRCH)
    return sup_fail_os(err, errno, "the process could not be ended");
  int error = wait_end(handle, deadline_ms);
  if (error != 0)
    return sup_fail_os(err, error,
                       "the process was told to end and is still there, in the kernel's hands");
  return CORDON_OK;
}

void rem_proc_each(rem_proc_fn *fn, void *data)
{
  DIR *dir = opendir("/proc");
  bool go_on = dir != NULL;
  while (go_on) {
    const struct dirent *e = readdir(dir);
    rem_proc p = {0};
    if (e == NULL)
      break;
    int64_t pid =
        strspn(e->d_name, "0123456789") == strlen(e->d_name) ? strtoll(e->d_name, NULL, 10) : 0;
    if (pid > 0 && rem_proc_read(pid, &p))
      go_on = fn(data, &p);
  }
  if (dir != NULL)
    (void)closedir(dir);
}

/* ---- the operations ---- */

typedef struct wanted {
  int64_t pid;
  uint64_t start;
} wanted;

enum { SETTLE_MS = 3000, LOOK_MS = 20, END_MS = 10000 };

static cordon_status read_target(const cJSON *target, wanted *ret, sup_err *err)
{
  char boot[40];
  char now[40] = "";
  uint64_t pid = 0;
  cordon_status status = rem_bytes_get(target, "boot", boot, sizeof(boot), err);
  if (status != CORDON_OK)
    return status;
  if (!rem_number(target, "pid", &pid) || pid == 0 || pid > INT32_MAX ||
      !rem_number(target, "start", &ret->start))
    return sup_fail(err, CORDON_E_INVALID,
                    "a process is named by pid, start (clock ticks since boot) and boot");
  ret->pid = (int64_t)pid;
  if (!rem_boot_id(now))
    return sup_fail(err, CORDON_E_IO, "the id of this boot is not known");
  if (strcmp(boot, now) != 0)
    return sup_fail(err, CORDON_E_NOTFOUND,
                    "process %llu was of an earlier boot of this device; it is gone, and nothing "
                    "was changed",
                    (unsigned long long)pid);
  return CORDON_OK;
}

/* In the state, or not, within the time. */
static bool settle(const wanted *w, bool stopped, char *ret_state)
{
  uint64_t until = sup_now_ms() + SETTLE_MS;
  rem_proc p = {0};
  for (;;) {
    bool there = rem_proc_read(w->pid, &p) && p.start == w->start;
    *ret_state = there ? p.state : '-';
    bool is = p.state == 'T' || p.state == 't';
    if (!there || is == stopped)
      return there;
    if (sup_now_ms() >= until)
      return false;
    (void)poll(NULL, 0, LOOK_MS);
  }
}

static cordon_status end_process(rem_job *j, int handle, const rem_proc *p, sup_err *err)
{
  cordon_status status = rem_proc_end(handle, sup_call_until(j->call, END_MS), err);
  if (status != CORDON_OK)
    return status;
  rem_step(j, "stop", "done", "process %lld (%s) was ended", (long long)p->pid, p->name);
  rem_measured(j, "process", "the handle of process %lld says that it has ended",
               (long long)p->pid);
  return CORDON_OK;
}

static cordon_status note_process(rem_job *j, const rem_proc *p, const char *back, sup_err *err)
{
  char boot[40] = "";
  cJSON *record = cJSON_CreateObject();
  (void)rem_boot_id(boot);
  (void)cJSON_AddStringToObject(record, "do", back);
  (void)cJSON_AddNumberToObject(record, "pid", (double)p->pid);
  (void)cJSON_AddNumberToObject(record, "start", (double)p->start);
  (void)cJSON_AddStringToObject(record, "boot", boot);
  return rem_note(j, record, err);
}

static cordon_status suspend_or_resume(rem_job *j, int handle, const rem_proc *p, bool suspend,
                                       bool note, sup_err *err)
{
  wanted w = {.pid = p->pid, .start = p->start};
  char state = p->state;
  const char *step = suspend ? "suspend" : "resume";
  if ((state == 'T') == suspend) {
    rem_step(j, step, "already", "process %lld (%s) is%s suspended", (long long)p->pid, p->name,
             suspend ? "" : " not");
    rem_measured(j, "process", "process %lld is in state %c", (long long)p->pid, state);
    return CORDON_OK;
  }
  cordon_status status =
      note ? note_process(j, p, suspend ? "process.resume" : "process.suspend", err) : CORDON_OK;
  if (status != CORDON_OK)
    return status;
  if (send_signal(handle, suspend ? SIGSTOP : SIGCONT) != 0)
    return sup_fail_os(err, errno, "process %lld could not be signalled", (long long)p->pid);
  bool is = settle(&w, suspend, &state);
  rem_step(j, step, is ? "done" : "failed", "process %lld (%s)", (long long)p->pid, p->name);
  rem_measured(j, "process", "process %lld is in state %c", (long long)p->pid, state);
  if (!is)
    return sup_fail(err, CORDON_E_UNVERIFIED, "process %lld was told to %s and is in state %c",
                    (long long)p->pid, step, state);
  return CORDON_OK;
}

/* Who has the number since before that start leaves no room for another of that number: there was
 * none, and the order has a slip. */
static cordon_status gone(rem_job *j, const wanted *w, bool fine, sup_err *err)
{
  rem_proc other = {0};
  bool taken = rem_proc_read(w->pid, &other) && other.start != w->start;
  if (taken && other.start < w->start)
    return sup_fail(err, CORDON_E_NOTFOUND,
                    "there was no process %lld of that start: %s has had the number since %llu; "
                    "nothing was changed",
                    (long long)w->pid, other.name, (unsigned long long)other.start);
  if (taken)
    rem_measured(j, "process",
                 "number %lld belongs to another process now (%s, started at %llu), "
                 "which was left alone",
                 (long long)w->pid, other.name, (unsigned long long)other.start);
  else
    rem_measured(j, "process", "there is no process %lld of that start", (long long)w->pid);
  if (!fine)
    return sup_fail(err, CORDON_E_NOTFOUND,
                    "process %lld of that start has ended; nothing was changed", (long long)w->pid);
  rem_step(j, "stop", "already", "process %lld of that start has ended before", (long long)w->pid);
  return CORDON_OK;
}

static cordon_status act(rem_job *j, const wanted *w, const char *what, bool note, sup_err *err)
{
  char why[REM_SHOW];
  rem_proc p = {0};
  int error = 0;
  bool stop = strcmp(what, "process.stop") == 0;
  int handle = rem_proc_hold(w->pid, w->start, &p, &error);
  if (handle < 0 && error != 0)
    return sup_fail_os(err, error, "process %lld cannot be held", (long long)w->pid);
  if (handle < 0)
    return gone(j, w, stop, err);
  cordon_status status = CORDON_OK;
  if (rem_proc_protected(&p, why)) {
    status = sup_fail(err, CORDON_E_DENIED, "process %lld (%s) is left alone: %s",
                      (long long)w->pid, p.name, why);
  } else if (j->call->dry_run) {
    rem_step(j, what, "planned", "process %lld (%s), state %c", (long long)p.pid, p.name, p.state);
  } else if (stop) {
    status = end_process(j, handle, &p, err);
  } else {
    status = suspend_or_resume(j, handle, &p, strcmp(what, "process.suspend") == 0, note, err);
  }
  (void)close(handle);
  return status;
}

cordon_status rem_process_run(rem_job *j, sup_err *err)
{
  wanted w = {0};
  if (strcmp(j->operation, "process.stop") == 0)
    (void)snprintf(j->no_undo, sizeof(j->no_undo),
                   "a process that has ended cannot be brought back");
  cordon_status status = read_target(j->target, &w, err);
  return status == CORDON_OK ? act(j, &w, j->operation, true, err) : status;
}

cordon_status rem_process_undo(rem_job *j, const cJSON *record, sup_err *err)
{
  wanted w = {0};
  sup_err was = {0};
  const char *what = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(record, "do"));
  cordon_status status = read_target(record, &w, &was);
  if (status == CORDON_OK)
    status = act(j, &w, what, false, &was);
  if (status == CORDON_E_NOTFOUND) {
    rem_step(j, "process", "already", "%s", was.sentence);
    return CORDON_OK;
  }
  *err = was;
  return status;
}
