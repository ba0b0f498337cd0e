/* Processes that hide: the kernel answers for each number, whatever is left out of the listing of
 * /proc. There are millions of numbers, so this begins with the first item and goes on beside the
 * others, or two threads ask. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hands.h"
#include "items.h"
#include "parse.h"
#include "proctab.h"
#include "read.h"

enum { TEXT = 8192, PID_LIMIT = 4 * 1024 * 1024, PIECE = 16 * 1024, FOUND_MAX = 1024 };

#define PIECES (PID_LIMIT / PIECE)

typedef struct searching {
  col_task *task;
  int64_t max;
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

static bool search_piece(searching *s, int piece)
{
  int64_t pid = (int64_t)piece * PIECE;
  int64_t end = pid + PIECE < s->max ? pid + PIECE : s->max;
  for (pid += pid == 0 ? 1 : 0; pid < end && !col_stop(s->task); pid++) {
    if (is_seen(s->seen, pid) || getpgid((pid_t)pid) < 0 || !is_process(s->task, pid))
      continue;
    unsigned at = atomic_fetch_add(&s->count, 1);
    if (at < FOUND_MAX)
      s->found[at] = pid;
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
  s->max = pid_max(t);
  (void)col_each_process(t, note_pid, s->seen);
  return s;
}

void col_search_hidden(col_task *t)
{
  searching *s = begin_search(t);
  *col_ahead(t) = s;
  if (s != NULL)
    search(s);
}

static searching *search_now(col_task *t)
{
  searching *s = begin_search(t);
  if (s == NULL)
    return NULL;
  col_hands *hands = col_hands_new();
  col_hands_do(hands, search, s);
  col_hands_free(hands);
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
