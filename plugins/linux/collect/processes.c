/* The processes, the files they run, and those that hide. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "items.h"
#include "parse.h"
#include "patient.h"
#include "proctab.h"
#include "read.h"
#include "support/csv.h"

enum { TEXT = 8192, COMMAND = 64 * 1024, LOADER = 8192 };

typedef struct looking {
  col_task *task;
  col_users users, groups;
  int64_t booted;
  int64_t ticks;
  int64_t page;
  col_patient patient;
  unsigned silent; /* processes that did not answer */
} looking;

/* ---- what a process runs ---- */

static void put_program(looking *l, int dir)
{
  static const char gone[] = " (deleted)";
  col_task *t = l->task;
  char path[COL_PATH] = "";
  char hex[COL_SHA256_HEX + 1] = "";
  struct stat st;
  int held = col_hold_program(dir, path, sizeof(path));
  size_t len = strlen(path);
  bool memory = strncmp(path, "/memfd:", 7) == 0;
  bool deleted = len > sizeof(gone) && strcmp(path + len - (sizeof(gone) - 1), gone) == 0;
  int fd = col_open_held(t, dir, held, path, &st);
  if (fd >= 0) {
    col_sha256_program(t, fd, &st, hex);
    (void)close(fd);
  }
  if (held >= 0)
    (void)close(held);
  col_bytes(t, path, len);
  col_flag(t, deleted);
  col_flag(t, memory);
  col_text(t, hex);
}

/* ---- single fields ---- */

static void put_link(looking *l, int dir, const char *name)
{
  char path[COL_PATH];
  ssize_t len = readlinkat(dir, name, path, sizeof(path));
  col_bytes(l->task, path, len > 0 ? (size_t)len : 0);
}

static const char not_answered[] = "(not answered)";

/* A text of the process's own, which may be as long as it likes: up to `max`, then said to be cut.
 */
static char *read_long(looking *l, int dir, const char *name, size_t max, int64_t *ret_len)
{
  char *text = col_patient_read_at(&l->patient, dir, name, max, ret_len);
  if (*ret_len == -ENOMEM)
    col_cap(l->task, "there was no memory to read the %s of a process", name);
  else if (*ret_len == (int64_t)max - 1)
    col_cap(l->task, "of a process only the first %zu KiB of its %s", max / 1024, name);
  return text;
}

/* Words end with a NUL; between them stands a blank here. */
static bool put_command(looking *l, int dir)
{
  int64_t len = 0;
  char *text = read_long(l, dir, "cmdline", COMMAND, &len);
  if (text == NULL) {
    l->silent += len == -ETIMEDOUT ? 1 : 0;
    col_text(l->task, len == -ETIMEDOUT ? not_answered : "");
    return len != -ETIMEDOUT;
  }
  bool cut = len == COMMAND - 1;
  while (!cut && len > 0 && text[len - 1] == '\0')
    len--;
  for (int64_t i = 0; i < len; i++)
    text[i] = text[i] == '\0' ? ' ' : text[i];
  if (cut)
    memcpy(text + COMMAND - sizeof(COL_CUT), COL_CUT, sizeof(COL_CUT));
  col_bytes(l->task, text, len > 0 ? (size_t)len : 0);
  free(text);
  return true;
}

/* Adds a variable to those that were found. False: it does not fit. */
static bool add_variable(char found[LOADER], size_t *at, const char *variable)
{
  size_t room = LOADER - sizeof(COL_CUT) - *at;
  int len = snprintf(found + *at, room, "%s%s", *at > 0 ? " " : "", variable);
  if (len >= 0 && (size_t)len < room) {
    *at += (size_t)len;
    return true;
  }
  memcpy(found + *at + strlen(found + *at), COL_CUT, sizeof(COL_CUT));
  return false;
}

/* Of the environment only what makes the loader take other libraries: the rest holds secrets. */
static void put_loader(looking *l, int dir, bool answers)
{
  static const char *const names[] = {"LD_PRELOAD=", "LD_LIBRARY_PATH=", "LD_AUDIT="};
  /* More than the kernel gives a program to begin with. */
  enum { ENVIRONMENT = 8 * 1024 * 1024 };
  char found[LOADER] = "";
  size_t at = 0;
  bool fits = true;
  int64_t len = -ETIMEDOUT;
  char *text = answers ? read_long(l, dir, "environ", ENVIRONMENT, &len) : NULL;
  for (int64_t i = 0; text != NULL && fits && i < len; i += (int64_t)strlen(text + i) + 1) {
    for (size_t n = 0; fits && n < 3; n++) {
      if (strncmp(text + i, names[n], strlen(names[n])) == 0)
        fits = add_variable(found, &at, text + i);
    }
  }
  if (!fits)
    col_cap(l->task, "of a process not all of its variables for the loader fit");
  free(text);
  if (answers && len == -ETIMEDOUT)
    l->silent++;
  col_text(l->task, len == -ETIMEDOUT ? not_answered : found);
}

static void put_file(looking *l, int dir, const char *name)
{
  char text[TEXT];
  (void)col_read_at(dir, name, text, sizeof(text));
  text[strcspn(text, "\n")] = '\0';
  col_text(l->task, text);
}

/* The control group of the second hierarchy, else the one of systemd. */
static void put_cgroup(looking *l, int dir)
{
  char text[TEXT];
  (void)col_read_at(dir, "cgroup", text, sizeof(text));
  col_view group = col_value_after(text, "0::");
  const char *named = strstr(text, ":name=systemd:");
  if (group.len <= 1 && named != NULL) {
    named += strlen(":name=systemd:");
    group = (col_view){.ptr = named, .len = strcspn(named, "\n")};
  }
  col_bytes(l->task, group.ptr, group.len);
}

static void put_status_value(looking *l, const char *status, const char *key)
{
  col_view v = col_value_after(status, key);
  col_bytes(l->task, v.ptr, v.len);
}

static void put_owner(looking *l, const char *status)
{
  col_view word = {.ptr = "", .len = 0};
  col_view ids = col_value_after(status, "Uid:");
  int64_t real = col_word(&ids, &word) ? col_view_number(word) : -1;
  int64_t effective = col_word(&ids, &word) ? col_view_number(word) : -1;
  col_num(l->task, real);
  col_text(l->task, col_users_name(&l->users, real));
  col_num(l->task, effective);
  ids = col_value_after(status, "Gid:");
  int64_t group = col_word(&ids, &word) ? col_view_number(word) : -1;
  col_num(l->task, group);
  col_text(l->task, col_users_name(&l->groups, group));
}

static void put_audit(looking *l, int dir)
{
  static const char *const names[] = {"loginuid", "sessionid"};
  for (size_t i = 0; i < 2; i++) {
    char text[32];
    (void)col_read_at(dir, names[i], text, sizeof(text));
    int64_t number = col_view_number(col_view_of(text));
    /* All bits: none was set. */
    if (number < 0 || number == 4294967295)
      col_text(l->task, "");
    else
      col_num(l->task, number);
  }
}

/* ---- the table ---- */

#define PROCESS_COLUMNS                                                                            \
  "pid,ppid,name,state,uid,user,effective_uid,gid,group,started,cpu_seconds,resident_kib,"         \
  "threads,nice,process_group,session,terminal,program,program_deleted,program_in_memory,"         \
  "program_sha256,command,folder,root,loader_environment,login_uid,audit_session,control_group,"   \
  "security_label,effective_capabilities,no_new_privileges,seccomp,traced_by,network_namespace,"   \
  "mount_namespace,pid_namespace,user_namespace"

static void put_times(looking *l, const col_proc_stat *s)
{
  col_task *t = l->task;
  uint64_t ticks = (uint64_t)l->ticks;
  col_time(t, l->booted > 0 ? l->booted + (int64_t)(s->start_ticks / ticks) : 0);
  col_unum(t, (s->user_ticks + s->system_ticks) / ticks);
  col_unum(t, s->rss_pages * (uint64_t)l->page / 1024);
  col_num(t, s->threads);
  col_num(t, s->nice);
  col_num(t, s->group);
  col_num(t, s->session);
  col_num(t, s->terminal);
}

static bool put_process(void *data, int64_t pid, int dir)
{
  looking *l = data;
  col_task *t = l->task;
  char stat_text[TEXT];
  char status[TEXT];
  col_proc_stat s;
  int64_t len = col_read_at(dir, "stat", stat_text, sizeof(stat_text));
  if (len <= 0 || !col_proc_stat_read((col_view){.ptr = stat_text, .len = (size_t)len}, &s))
    return true;
  (void)col_read_at(dir, "status", status, sizeof(status));
  col_num(t, pid);
  col_num(t, s.ppid);
  col_bytes(t, s.comm.ptr, s.comm.len);
  col_bytes(t, &s.state, 1);
  put_owner(l, status);
  put_times(l, &s);
  put_program(l, dir);
  bool answers = put_command(l, dir);
  put_link(l, dir, "cwd");
  put_link(l, dir, "root");
  put_loader(l, dir, answers);
  put_audit(l, dir);
  put_cgroup(l, dir);
  put_file(l, dir, "attr/current");
  put_status_value(l, status, "CapEff:");
  put_status_value(l, status, "NoNewPrivs:");
  put_status_value(l, status, "Seccomp:");
  put_status_value(l, status, "TracerPid:");
  put_link(l, dir, "ns/net");
  put_link(l, dir, "ns/mnt");
  put_link(l, dir, "ns/pid");
  put_link(l, dir, "ns/user");
  return col_row(t);
}

int64_t col_booted(const col_task *t)
{
  enum { STAT_MAX = 1024 * 1024 };
  char *text = malloc(STAT_MAX);
  int64_t booted = -1;
  if (text != NULL && col_read(t, "/proc/stat", text, STAT_MAX) > 0)
    booted = col_view_number(col_value_after(text, "btime "));
  free(text);
  return booted;
}

void col_processes(col_task *t)
{
  looking l = {.task = t,
               .booted = col_booted(t),
               .ticks = sysconf(_SC_CLK_TCK),
               .page = sysconf(_SC_PAGESIZE)};
  if (l.ticks <= 0) {
    col_mark(t, COL_ERROR, "the length of a tick is not known");
    return;
  }
  col_users_read(t, &l.users);
  col_groups_read(t, &l.groups);
  col_head(t, PROCESS_COLUMNS);
  int error = col_each_process(t, put_process, &l);
  if (error != 0)
    col_mark_os(t, error, "/proc cannot be read");
  col_patient_end(&l.patient);
  if (l.silent > 0)
    col_mark(t, COL_PARTIAL, "the memory of %u processes could not be read in time", l.silent);
  col_users_release(&l.users);
  col_users_release(&l.groups);
}
