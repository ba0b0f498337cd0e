/* Processes that hide: the kernel answers for each number, whatever is left out of the listing of
 * /proc, and control groups list their members. Numbers are given in turn, so that those above the
 * last one that was given have no process, unless they have begun anew since the start of the
 * system or root has asked for such a number; they are tried in the first case, and always by the
 * profile `extended`. That may be millions, so this begins with the first item and goes on beside
 * the others, or two threads ask. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hands.h"
#include "items.h"
#include "parse.h"
#include "proctab.h"
#include "read.h"

enum {
  TEXT = 8192,
  STAT_TEXT = 256 * 1024, /* of /proc/stat, in which each interrupt has a number */
  PID_LIMIT = 4 * 1024 * 1024,
  PID_RESERVED = 300, /* where the kernel begins anew (RESERVED_PIDS of its pid.c) */
  PIECE = 16 * 1024,
  FOUND_MAX = 1024,
  GROUP_DEPTH = 12,
  GROUP_TEXT = 64 * 1024
};

#define PIECES (PID_LIMIT / PIECE)

typedef struct searching {
  col_task *task;
  int64_t max;
  int64_t whole;    /* so many there may be */
  atomic_int piece; /* the next one */
  atomic_bool done[PIECES];
  atomic_uint count; /* may be more than are kept */
  int64_t found[FOUND_MAX];
  unsigned char seen[PID_LIMIT / 8]; /* a bit for each number in the listing */
} searching;

static bool note_pid(void *data, int64_t pid, int dir)
{
  unsigned char *seen = data;
  (void)dir;
  if (pid < PID_LIMIT)
    seen[pid / 8] |= (unsigned char)(1u << (pid % 8));
  return true;
}

static bool is_seen(const unsigned char *seen, int64_t pid)
{
  return (seen[pid / 8] >> (pid % 8) & 1) != 0;
}

/* A number may be a thread's, which is in no listing. */
static bool is_process(const col_task *t, int64_t pid)
{
  char path[64];
  char status[TEXT];
  (void)snprintf(path, sizeof(path), "/proc/%lld/status", (long long)pid);
  int64_t len = col_read(t, path, status, sizeof(status));
  return len <= 0 || col_view_number(col_value_after(status, "Tgid:")) == pid;
}

static void note_found(searching *s, int64_t pid)
{
  unsigned at = atomic_fetch_add(&s->count, 1);
  if (at < FOUND_MAX)
    s->found[at] = pid;
}

static bool search_piece(searching *s, int piece)
{
  int64_t pid = (int64_t)piece * PIECE;
  int64_t end = pid + PIECE < s->max ? pid + PIECE : s->max;
  for (pid += pid == 0 ? 1 : 0; pid < end && !col_stop(s->task); pid++) {
    if (is_seen(s->seen, pid) || getpgid((pid_t)pid) < 0 || !is_process(s->task, pid))
      continue;
    note_found(s, pid);
  }
  return pid >= end;
}

/* On both threads. */
static void search(void *data)
{
  searching *s = data;
  for (;;) {
    int piece = atomic_fetch_add(&s->piece, 1);
    if (piece >= PIECES || (int64_t)piece * PIECE >= s->max || col_stop(s->task))
      return;
    atomic_store(&s->done[piece], search_piece(s, piece));
  }
}

/* ---- members of control groups, whatever their number ---- */

typedef struct group {
  searching *s;
  const char *path;
  int depth;
} group;

static void look_at_members(searching *s, char *pids)
{
  for (char *rest = pids, *line = strtok_r(rest, "\n", &rest); line != NULL;
       line = strtok_r(NULL, "\n", &rest)) {
    int64_t pid = col_view_number(col_view_of(line));
    /* Those that were tried are known. */
    if (pid >= s->max && pid < s->whole && !is_seen(s->seen, pid) && getpgid((pid_t)pid) >= 0 &&
        is_process(s->task, pid))
      note_found(s, pid);
  }
}

static bool look_at_group(void *data, int dir, const char *name)
{
  const group *g = data;
  struct stat st;
  char path[COL_PATH];
  if (strcmp(name, "cgroup.procs") == 0) {
    char *pids = malloc(GROUP_TEXT);
    (void)snprintf(path, sizeof(path), "%s/%s", g->path, name);
    if (pids != NULL && col_read(g->s->task, path, pids, GROUP_TEXT) > 0)
      look_at_members(g->s, pids);
    free(pids);
  } else if (g->depth < GROUP_DEPTH && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
             S_ISDIR(st.st_mode)) {
    (void)snprintf(path, sizeof(path), "%s/%s", g->path, name);
    group inside = {.s = g->s, .path = path, .depth = g->depth + 1};
    (void)col_each(g->s->task, path, look_at_group, &inside);
  }
  return !col_stop(g->s->task);
}

static void look_at_groups(searching *s)
{
  group g = {.s = s, .path = "/sys/fs/cgroup"};
  if (s->max < s->whole)
    (void)col_each(s->task, g.path, look_at_group, &g);
}

static int by_number(const void *a, const void *b)
{
  int64_t one = *(const int64_t *)a;
  int64_t other = *(const int64_t *)b;
  return one < other ? -1 : one > other ? 1 : 0;
}

/* What was found may have been started since the listing: what another listing shows does not hide.
 */
static void put_found(searching *s, unsigned char *again)
{
  col_task *t = s->task;
  unsigned count = atomic_load(&s->count);
  if (count > FOUND_MAX) {
    col_cap(t, "only %d of %u processes that were not listed are told", FOUND_MAX, count);
    count = FOUND_MAX;
  }
  if (count == 0)
    return;
  qsort(s->found, count, sizeof(s->found[0]), by_number);
  (void)col_each_process(t, note_pid, again);
  for (unsigned i = 0; i < count; i++) {
    char name[COL_COMM];
    char program[COL_PATH];
    int64_t pid = s->found[i];
    if (is_seen(again, pid) || getpgid((pid_t)pid) < 0)
      continue;
    col_process_name(t, pid, name);
    col_process_program(t, pid, program, sizeof(program));
    col_num(t, pid);
    col_text(t, name);
    col_text(t, program);
    (void)col_row(t);
  }
}

static int64_t pid_max(const col_task *t)
{
  char text[32];
  col_read_line(t, "/proc/sys/kernel/pid_max", text, sizeof(text));
  int64_t max = col_view_number(col_view_of(text));
  return max > 0 && max < PID_LIMIT ? max : PID_LIMIT;
}

/* Of the whole system, threads too; -1: it is not told. */
static int64_t numbers_given(const col_task *t)
{
  char *text = malloc(STAT_TEXT);
  int64_t given = -1;
  if (text != NULL && col_read(t, "/proc/stat", text, STAT_TEXT) > 0)
    given = col_view_number(col_value_after(text, "processes"));
  free(text);
  return given;
}

/* The last one that was given is the last word of /proc/loadavg; -1: it is not told. */
static int64_t last_number(const col_task *t)
{
  char text[128];
  col_read_line(t, "/proc/loadavg", text, sizeof(text));
  const char *last = strrchr(text, ' ');
  return last != NULL ? col_view_number(col_view_of(last + 1)) : -1;
}

/* Up to which number a process can be, unless root has asked for another. */
static int64_t numbers_to_try(const col_task *t, int64_t whole)
{
  int64_t given = numbers_given(t);
  int64_t last = last_number(t);
  if (col_options_of(t)->extended || given <= 0 || last <= 0 || given >= whole - PID_RESERVED ||
      last > given + PID_RESERVED || last >= whole)
    return whole;
  return last + 1;
}

static void note_untried(const searching *s)
{
  for (int i = 0; i < PIECES && (int64_t)i * PIECE < s->max; i++) {
    if (!atomic_load(&s->done[i])) {
      col_cap(s->task, "not all numbers from %lld on were tried", (long long)i * PIECE);
      return;
    }
  }
}

/* What is in the listing, before a number is tried. NULL: there is no memory. */
static searching *begin_search(col_task *t)
{
  searching *s = calloc(1, sizeof(*s));
  if (s == NULL)
    return NULL;
  s->task = t;
  (void)col_each_process(t, note_pid, s->seen);
  s->whole = pid_max(t);
  s->max = numbers_to_try(t, s->whole);
  return s;
}

void col_search_hidden(col_task *t)
{
  searching *s = begin_search(t);
  *col_ahead(t) = s;
  if (s == NULL)
    return;
  search(s);
  look_at_groups(s);
}

static searching *search_now(col_task *t)
{
  searching *s = begin_search(t);
  if (s == NULL)
    return NULL;
  col_hands *hands = col_hands_new();
  col_hands_do(hands, search, s);
  col_hands_free(hands);
  look_at_groups(s);
  *col_ahead(t) = s;
  return s;
}

void col_hidden_processes(col_task *t)
{
  searching *s = *col_ahead(t);
  unsigned char *again = calloc(1, PID_LIMIT / 8);
  col_head(t, "pid,name,program");
  if (s == NULL)
    s = search_now(t);
  if (again == NULL || s == NULL) {
    col_mark(t, COL_ERROR, "there is no memory to look for processes that hide");
  } else {
    put_found(s, again);
    note_untried(s);
  }
  free(again);
}
